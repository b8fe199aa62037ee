/* SPDX-License-Identifier: GPL-2.0-only */
/* The machine's own `filter` (host.h). */
#ifndef WEIR_HOST_FILTER_H
#define WEIR_HOST_FILTER_H

#include "host/host.h"

int host_filter(void *context, struct arena *arena, const struct host_filter_request *request,
		const struct classic_program **ret_program, const char **ret_message);

#endif
