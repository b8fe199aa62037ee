	ldh [12]
	jne #0x806, nowhere
	ret #-1
