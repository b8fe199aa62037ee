/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * HTTP requests in user space: what docs/http.md says is compared, read the plain way. bpf/http.h is the kernel's reading of the
 * same; the two are written apart and compared.
 */
#ifndef WEIR_RULES_HTTP_H
#define WEIR_RULES_HTTP_H

#include "rules/rules.h"

/* The method, path or host of the request whose head begins with the packet's payload; false: it has none that is seen. */
struct http_value {
	uint32_t length;		 /* perhaps more than are kept */
	char bytes[WEIR_HTTP_REACH + 1]; /* ends in NUL */
};
bool http_read(const struct judged_packet *packet, enum weir_http_asked asked, struct http_value *ret_value);

/* Does the packet meet a predicate of kind HTTP? */
bool http_holds(const struct predicate *predicate, const struct judged_packet *packet);

#endif
