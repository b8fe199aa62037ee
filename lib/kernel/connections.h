/* SPDX-License-Identifier: GPL-2.0-only */
/* The tables of connections of chains that redirect, from one generation of a policy to the next. */
#ifndef WEIR_KERNEL_CONNECTIONS_H
#define WEIR_KERNEL_CONNECTIONS_H

#include "kernel/apply.h"

/* After the slots are known: chains[].connections of those that redirect. 0, or -errno with a diagnostic. */
int connections_prepare(struct application *apply);
/* What the program of chain INDEX gets: its own, or its partner's; NULL: none. */
const struct kernel_connections *connections_of(const struct application *apply, uint32_t index);
int connections_pin(const struct application *apply, uint32_t index);
void connections_close(struct apply_chain *chain);

/* Connections begun, into the rules that redirect. */
int connections_read_ports(struct arena *arena, int ports_fd, struct state_rule *rules, uint32_t rule_count);
/* Ports that refused not long ago, out of the table of connections, into CHAIN, whose rules are known. */
int connections_read_refusals(struct arena *arena, int table_fd, struct state_chain *chain);

#endif
