// SPDX-License-Identifier: GPL-2.0-only
/* What a kernel can do, for people and as JSON (docs/observe.md). */
#include <errno.h>
#include <string.h>
#include <sys/utsname.h>

#include "base/cleanup.h"
#include "kernel/lsm.h"
#include "observe/selftest.h"
#include "report/json.h"

static const char *why(struct arena *arena, const struct selftest_finding *finding)
{
	if (finding->result == SELFTEST_WRONG)
		return arena_printf(arena, "the answer is %u, not %u", finding->answer, finding->expected);
	if (finding->error == LSM_IS_OFF)
		return "BPF is not among the security modules";
	return arena_printf(arena, "%s (%s)", strerror(-finding->error), strerrorname_np(-finding->error) ?: "?");
}

static const char *word(const struct selftest_finding *finding)
{
	static const char *const words[] = {
		[SELFTEST_FINE] = "fine", [SELFTEST_MISSING] = "missing", [SELFTEST_WRONG] = "wrong"
	};

	return words[finding->result];
}

void selftest_print(const struct selftest *selftest, FILE *out, bool colour)
{
	_cleanup_(arena_freep) struct arena *arena = arena_new();
	uint32_t fine = 0;

	for (uint32_t i = 0; i < selftest->count; i++) {
		const struct selftest_finding *finding = &selftest->findings[i];
		bool good = finding->result == SELFTEST_FINE;

		fine += good;
		fprintf(out, "%s%-8s%s %s",
			!colour		  ? ""
			: good		  ? "\033[32m"
			: finding->needed ? "\033[1;31m"
					  : "\033[33m",
			word(finding), colour ? "\033[0m" : "", finding->name);
		if (good)
			fputc('\n', out);
		else
			fprintf(out, ": %s\n         without it: %s\n", why(arena, finding), finding->without);
	}
	fprintf(out, "%u of %u are fine; %u of those that policies need are not\n", fine, selftest->count, selftest->lacking);
}

json_t *selftest_json(const struct selftest *selftest)
{
	json_t *findings = json_array();
	struct utsname kernel;

	for (uint32_t i = 0; i < selftest->count; i++) {
		const struct selftest_finding *finding = &selftest->findings[i];
		bool missing = finding->result == SELFTEST_MISSING, wrong = finding->result == SELFTEST_WRONG;

		json_array_append_new(findings, json_pack("{s:o, s:o, s:b, s:o, s:o, s:o, s:o}", "name", json_text(finding->name),
							  "result", json_text(word(finding)), "needed", finding->needed,
							  "without", json_text(finding->without), "error",
							  json_text(missing ? strerrorname_np(-finding->error) : NULL), "answer",
							  wrong ? json_number(finding->answer) : json_null(), "expected",
							  wrong ? json_number(finding->expected) : json_null()));
	}
	return json_pack("{s:i, s:o, s:o, s:o}", "schema", REPORT_SCHEMA, "kernel",
			 json_text(uname(&kernel) ? NULL : kernel.release), "lacking", json_number(selftest->lacking), "checks",
			 findings);
}
