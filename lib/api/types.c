// SPDX-License-Identifier: GPL-2.0-only
/* The kernel's types, for the public. */
#include "api/api.h"
#include "observe/kernel_types.h"

int weir_types_print(const char *const *names, size_t count, const struct weir_types_options *options, FILE *out,
		     struct weir_messages *messages)
{
	struct kernel_types_request request = { .names = names, .count = count, .btf = OPTION(options, btf, NULL) };
	size_t errors = messages->diagnostics.errors;
	int error = kernel_types_print(&request, out, &messages->diagnostics);

	return error ? messages_explain(messages, errors, error, "cannot print the kernel's types") : 0;
}
