/* SPDX-License-Identifier: GPL-2.0-only */
/* The packet and the answers of `weir selftest`, known to both sides. */
#ifndef WEIR_BPF_SELFTEST_H
#define WEIR_BPF_SELFTEST_H

/* An Ethernet frame: IPv4, UDP from 192.0.2.1 port 1234 to 192.0.2.2 port 5678, eight bytes behind. */
#define SELFTEST_PACKET                                                                                                          \
	{                                                                                                                        \
		2, 0, 0, 0, 0, 2, 2, 0, 0, 0, 0, 1, 8, 0, 0x45, 0, 0, 36, 0, 0, 0, 0, 64, 17, 0xf6, 0xc5, 192, 0, 2, 1, 192, 0, 2, \
			2, 1234 / 256, 1234 % 256, 5678 / 256, 5678 % 256, 0, 16, 0, 0, 1, 2, 3, 4, 5, 6, 7, 8                        \
	}
#define SELFTEST_LENGTH	   50
#define SELFTEST_PORT	   5678
#define SELFTEST_PORT_AT   36
#define SELFTEST_ANSWER	   4711
#define SELFTEST_ETHER_TYPE 0x0800

/* Arithmetic of 32 and 64 bits, of numbers that no compiler knows before. */
static inline unsigned int selftest_arithmetic(unsigned int length)
{
	unsigned long long wide = length, all = 0;
	unsigned int half = length;

	for (unsigned int i = 1; i <= 8; i++) {
		wide = wide * 6364136223846793005ull + i;
		half = (half ^ half << 13) - (half >> 17);
		all += (wide >> 32) % (half | 1) + (wide / (half | 1) & 0xff);
		all ^= wide >> 7 | (unsigned long long)(half > 0x7fffffff) << 60;
		all = __builtin_bswap32((unsigned int)all) | all << 32;
	}
	return (unsigned int)(all ^ all >> 32);
}

#endif
