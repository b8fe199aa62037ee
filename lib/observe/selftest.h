/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What weir asks of a kernel, tried: for each thing a small program whose answer is known (bpf/selftest.bpf.c) is loaded and run,
 * or attached in a network namespace and a cgroup of its own. Nothing is left behind.
 */
#ifndef WEIR_OBSERVE_SELFTEST_H
#define WEIR_OBSERVE_SELFTEST_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "base/diagnostic.h"

enum selftest_result {
	SELFTEST_FINE,
	SELFTEST_MISSING, /* error says why */
	SELFTEST_WRONG,	  /* it ran, and gave answer instead of expected */
};

struct selftest_finding {
	const char *name;
	const char *without; /* what weir cannot do where it is missing */
	bool needed;	     /* for policies */
	enum selftest_result result;
	int error; /* negative errno */
	uint32_t answer, expected;
};

struct selftest {
	uint32_t count, lacking; /* lacking: how many that are needed are not fine */
	const struct selftest_finding *findings;
};

/* Try all. An error only where nothing can be tried: no privileges. */
int selftest_run(struct arena *arena, struct selftest *ret_selftest, struct diagnostics *diagnostics);

void selftest_print(const struct selftest *selftest, FILE *out, bool colour);
json_t *selftest_json(const struct selftest *selftest);

#endif
