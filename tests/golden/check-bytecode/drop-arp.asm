; from tc-bpf(8)
	ldh [12]
	jne #0x806, no	/* not ARP */
	ret #-1
no:	ret #0
