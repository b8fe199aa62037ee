// SPDX-License-Identifier: GPL-2.0-only
#include "cli.h"

struct weir_kernel *cli_open_kernel(struct cli *cli, bool change, int *ret_result)
{
	struct weir_kernel_options options = WEIR_OPTIONS(struct weir_kernel_options);
	struct weir_kernel *kernel = NULL;

	options.pins = cli->pins;
	options.change = change;
	*ret_result = weir_kernel_open(&options, cli->messages, &kernel);
	return *ret_result ? NULL : kernel;
}
