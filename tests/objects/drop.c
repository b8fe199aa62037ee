// SPDX-License-Identifier: GPL-2.0-only
/* Drops ICMP: as tc's readers write it, in a section that only they know, without a licence and without BTF. */
#include "legacy.h"

SECTION("ingress")
int drop(struct __sk_buff *skb)
{
	unsigned char *data = (void *)(long)skb->data, *end = (void *)(long)skb->data_end;

	if (data + 34 > end || data[12] != 8 || data[13] != 0 || data[23] != 1)
		return TC_ACT_OK;
	return TC_ACT_SHOT;
}

SECTION("mycls")
int drop_all(struct __sk_buff *skb)
{
	(void)skb;
	return TC_ACT_SHOT;
}
