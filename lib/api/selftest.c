// SPDX-License-Identifier: GPL-2.0-only
/* What the kernel can do, for the public. */
#include <errno.h>

#include "api/api.h"
#include "base/cleanup.h"
#include "observe/selftest.h"
#include "report/json.h"

int weir_selftest(const struct weir_selftest_options *options, FILE *out, struct weir_messages *messages)
{
	_cleanup_(arena_freep) struct arena *arena = arena_new();
	size_t errors = messages->diagnostics.errors;
	struct selftest selftest;
	json_t *json;
	int error = selftest_run(arena, &selftest, &messages->diagnostics);

	if (error)
		return messages_explain(messages, errors, error, "cannot try what this kernel can do");
	if (OPTION(options, format, WEIR_FORMAT_TEXT) == WEIR_FORMAT_JSON) {
		json = selftest_json(&selftest);
		json_dumpf(json, out, REPORT_JSON_DOCUMENT);
		fputc('\n', out);
		json_decref(json);
	} else {
		selftest_print(&selftest, out, OPTION(options, colour, false));
	}
	if (!selftest.lacking)
		return 0;
	diagnose(&messages->diagnostics, SEVERITY_ERROR_KERNEL, (struct place){ 0 },
		 "this kernel lacks %u thing%s that policies need", selftest.lacking, selftest.lacking == 1 ? "" : "s");
	return -ENOTSUP;
}
