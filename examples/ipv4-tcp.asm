; IPv4 packets that carry TCP, as bpf_asm takes it
	ldh [12]
	jne #0x800, drop	/* not IPv4 */
	ldb [23]
	jneq #6, drop		/* not TCP */
	ret #-1
drop:	ret #0
