// SPDX-License-Identifier: GPL-2.0-only
/* Reads past the packet: the verifier refuses it. */
#include "legacy.h"

SECTION("xdp")
int reads_past(struct xdp_md *ctx)
{
	return *(unsigned char *)(long)ctx->data;
}

char __license[] SECTION("license") = "GPL";
