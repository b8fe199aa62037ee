/* SPDX-License-Identifier: GPL-2.0-only */
/* What the program tells of a packet. */
struct packet_log {
	unsigned int ipv4_address; /* in host byte order */
	int action;		   /* 1 passed, 0 dropped */
};
