/* SPDX-License-Identifier: GPL-2.0-only */
/* What each layer calls a verdict. docs/verdicts.md has the table for people. */
#ifndef WEIR_BPF_VERDICTS_H
#define WEIR_BPF_VERDICTS_H

#include "context.h"

#if defined(LAYER_XDP)
#define CODE_ACCEPT XDP_PASS
#define CODE_DROP   XDP_DROP
#elif defined(LAYER_TC)
/* What weir does not stop goes on to whoever stands behind it: TCX_NEXT has the same number. */
#define CODE_ACCEPT TC_ACT_UNSPEC
#define CODE_DROP   TC_ACT_SHOT
#define CODE_FINAL  TC_ACT_OK
#else
#define CODE_ACCEPT 1
#define CODE_DROP   0
#endif

/* The verdicts beside accept and drop. */
static __always_inline int act_verdict(__u32 verdict)
{
#ifdef CODE_FINAL
	if (verdict == WEIR_VERDICT_FINAL)
		return CODE_FINAL;
#endif
	(void)verdict;
	return CODE_DROP;
}

#endif
