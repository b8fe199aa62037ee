// SPDX-License-Identifier: GPL-2.0-only
/*
 * The connections of chains that redirect, over an apply: the new program goes on with the table of the old one, so that no
 * connection is moved to another port; and with its counts of connections a port, as with all counters. A table whose size the
 * policy changes is copied.
 */
#include "kernel/connections.h"

#include <bpf/bpf.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "kernel/clock.h"

static const struct place nowhere;

uint32_t kernel_ports_needed(const struct rule_list *list)
{
	uint32_t needed = 0;

	for (uint32_t i = 0; i < list->rule_count; i++)
		if (list->rules[i].action.redirect.count)
			needed += list->rules[i].action.redirect.count + 1u;
	return needed ? needed : 1;
}

int kernel_connections_create(uint32_t size, uint32_t ports, struct kernel_connections *ret_connections)
{
	struct bpf_map_create_opts options;
	int table, counts;

	memset(&options, 0, sizeof(options)); /* with its padding: libbpf looks */
	options.sz = sizeof(options);
	table = bpf_map_create(BPF_MAP_TYPE_LRU_HASH, "weir_connections", sizeof(struct weir_redirected_key),
			       sizeof(struct weir_redirected), size, &options);
	if (table < 0)
		return table;
	options.map_flags = BPF_F_NO_PREALLOC;
	counts = bpf_map_create(BPF_MAP_TYPE_HASH, "weir_ports", sizeof(struct weir_port_key), sizeof(uint64_t), ports, &options);
	if (counts < 0) {
		close(table);
		return counts;
	}
	*ret_connections = (struct kernel_connections){ .table_fd = table, .ports_fd = counts };
	return 0;
}

/* All entries of FROM into TO, as far as they fit; while they are copied, packets may add others. */
static int copy_map(int from, int to, size_t key_size, size_t value_size)
{
	_cleanup_free_ char *key = malloc(2 * key_size + value_size);
	char *next = key + key_size, *value = next + key_size;
	bool first = true;

	if (!key)
		return -ENOMEM;
	while (bpf_map_get_next_key(from, first ? NULL : key, next) == 0) {
		first = false;
		memcpy(key, next, key_size);
		if (bpf_map_lookup_elem(from, key, value) == 0 && bpf_map_update_elem(to, key, value, BPF_ANY))
			break; /* full: an LRU table never is */
	}
	return 0;
}

static uint32_t map_size(int fd)
{
	struct bpf_map_info info = { 0 };
	uint32_t length = sizeof(info);

	return bpf_obj_get_info_by_fd(fd, &info, &length) ? 0 : info.max_entries;
}

/* Counts of rules that were not there before begin at 0, whoever had their slot. */
static void clear_ports(int fd, const struct apply_chain *chain, uint32_t rule_count)
{
	for (uint32_t i = 0; i < rule_count; i++) {
		const struct weir_redirect *redirect = &chain->policy->rules[i].action.redirect;

		if (chain->kept && chain->kept[i])
			continue;
		for (uint32_t p = 0; redirect->count && p <= redirect->count; p++) {
			struct weir_port_key key = { .slot = chain->slots[i], .port = p ? redirect->first + p - 1u : 0 };

			bpf_map_delete_elem(fd, &key);
		}
	}
}

/* Those of the generation in force, or -1. */
static void open_old(struct application *apply, uint32_t index, struct kernel_connections *old)
{
	struct manifest_chain *next = &apply->next.chains[index];

	for (uint32_t c = 0; apply->old && c < apply->old->chain_count; c++) {
		const struct manifest_chain *chain = &apply->old->chains[c];

		if (strcmp(chain->name, next->name) != 0 || chain->hook != next->hook || !chain->connections)
			continue;
		/* Who was given a port that no rule names any more keeps it. */
		if (chain->first_reply < next->first_reply)
			next->first_reply = chain->first_reply;
		if (chain->last_reply > next->last_reply)
			next->last_reply = chain->last_reply;
		old->table_fd = bpf_obj_get(apply_pin_path(apply, apply->old, "connections", c));
		if (!apply->options->reset)
			old->ports_fd = bpf_obj_get(apply_pin_path(apply, apply->old, "ports", c));
	}
}

static void close_both(struct kernel_connections *connections)
{
	closep(&connections->table_fd);
	closep(&connections->ports_fd);
}

static int prepare(struct application *apply, uint32_t index)
{
	struct apply_chain *chain = &apply->chains[index];
	_cleanup_(close_both) struct kernel_connections old = { .table_fd = -1, .ports_fd = -1 }, made = old;
	uint32_t ports = kernel_ports_needed(chain->rules);
	int r;

	apply->next.chains[index].first_reply = chain->policy->first_reply;
	apply->next.chains[index].last_reply = chain->policy->last_reply;
	open_old(apply, index, &old);
	chain->connections.first_reply = (uint16_t)apply->next.chains[index].first_reply;
	chain->connections.last_reply = (uint16_t)apply->next.chains[index].last_reply;
	if (old.ports_fd >= 0 && map_size(old.ports_fd) > ports)
		ports = map_size(old.ports_fd); /* a larger one does as well */
	r = kernel_connections_create(chain->policy->connections, ports, &made);
	if (r)
		return r;
	if (old.table_fd >= 0 && map_size(old.table_fd) == chain->policy->connections)
		chain->connections.table_fd = TAKE_FD(old.table_fd);
	else
		chain->connections.table_fd = TAKE_FD(made.table_fd);
	if (old.ports_fd >= 0 && map_size(old.ports_fd) == ports)
		chain->connections.ports_fd = TAKE_FD(old.ports_fd);
	else
		chain->connections.ports_fd = TAKE_FD(made.ports_fd);
	if (old.table_fd >= 0)
		r = copy_map(old.table_fd, chain->connections.table_fd, sizeof(struct weir_redirected_key),
			     sizeof(struct weir_redirected));
	if (r == 0 && old.ports_fd >= 0)
		r = copy_map(old.ports_fd, chain->connections.ports_fd, sizeof(struct weir_port_key), sizeof(uint64_t));
	clear_ports(chain->connections.ports_fd, chain, apply->next.chains[index].rule_count);
	return r;
}

int connections_prepare(struct application *apply)
{
	int r = 0;

	for (uint32_t i = 0; r == 0 && i < apply->next.chain_count; i++) {
		const struct policy_chain *policy = apply->chains[i].policy;

		apply->next.chains[i].connections = policy->carries_replies ? 0 : policy->connections;
		if (policy->connections && !policy->carries_replies)
			r = prepare(apply, i);
	}
	if (r)
		diagnose(apply->diagnostics, SEVERITY_ERROR_KERNEL, nowhere, "the kernel refused the table of connections: %s",
			 strerror(-r));
	return r;
}

const struct kernel_connections *connections_of(const struct application *apply, uint32_t index)
{
	const struct policy_chain *policy = apply->chains[index].policy;

	if (!policy->connections)
		return NULL;
	return &apply->chains[policy->carries_replies ? policy->replies_of : index].connections;
}

int connections_pin(const struct application *apply, uint32_t index)
{
	const struct apply_chain *chain = &apply->chains[index];

	if (chain->connections.table_fd < 0)
		return 0;
	return bpf_obj_pin(chain->connections.table_fd, apply_pin_path(apply, &apply->next, "connections", index))
		       ?: bpf_obj_pin(chain->connections.ports_fd, apply_pin_path(apply, &apply->next, "ports", index));
}

void connections_close(struct apply_chain *chain)
{
	close_both(&chain->connections);
}

/* ---- Read back ---- */

static int by_port(const void *left, const void *right)
{
	const struct state_port *a = left, *b = right;

	return a->port < b->port ? -1 : a->port > b->port;
}

int connections_read_ports(struct arena *arena, int ports_fd, struct state_rule *rules, uint32_t rule_count)
{
	for (uint32_t i = 0; i < rule_count; i++) {
		struct weir_port_key key = { .slot = 0 }, next;
		VECTOR(struct state_port) ports = { 0 };
		bool first = true;

		if (rules[i].verdict != WEIR_VERDICT_REDIRECT && rules[i].verdict != WEIR_VERDICT_DNAT)
			continue;
		while (bpf_map_get_next_key(ports_fd, first ? NULL : &key, &next) == 0) {
			uint64_t count;

			first = false;
			key = next;
			if (key.slot != rules[i].slot || key.port == 0 || bpf_map_lookup_elem(ports_fd, &key, &count))
				continue;
			vector_push(arena, &ports, (struct state_port){ .port = (uint16_t)key.port, .connections = count });
		}
		if (ports.count)
			qsort(ports.items, ports.count, sizeof(*ports.items), by_port);
		rules[i].ports = ports.items;
		rules[i].port_count = (uint32_t)ports.count;
	}
	return 0;
}

static int by_address(const void *left, const void *right)
{
	const struct state_refusal *a = left, *b = right;

	if (a->type != b->type)
		return a->type < b->type ? -1 : 1;
	if (a->address.hi != b->address.hi)
		return a->address.hi < b->address.hi ? -1 : 1;
	if (a->address.lo != b->address.lo)
		return a->address.lo < b->address.lo ? -1 : 1;
	if (a->protocol != b->protocol)
		return a->protocol < b->protocol ? -1 : 1;
	return a->port < b->port ? -1 : a->port > b->port;
}

/* Is the entry the mark of a port that is passed over at NOW (CLOCK_MONOTONIC)? */
static bool read_refusal(const struct weir_redirected_key *key, const struct weir_redirected *entry, uint64_t now,
			 struct state_refusal *ret_refusal)
{
	const uint64_t second = 1000000000, end = entry->seen_ns + WEIR_REDIRECTED_DEAD_S * second;

	if (entry->kind != WEIR_REDIRECTED_DEAD || now >= end)
		return false;
	*ret_refusal = (struct state_refusal){ .address = { key->saddr_hi, key->saddr_lo },
					       .type = key->network == WEIR_NETWORK_IPV4 ? TYPE_IPV4_ADDR : TYPE_IPV6_ADDR,
					       .port = key->sport,
					       .protocol = key->protocol,
					       .seconds = (uint32_t)((end - now + second - 1) / second) };
	return true;
}

/* The texts are asked, which say more than the verdict; who finds the word in a comment is only shown that no port refused. */
static bool goes_by_answers(const struct state_chain *chain)
{
	for (uint32_t i = 0; i < chain->rule_count; i++)
		if (chain->rules[i].verdict == WEIR_VERDICT_DNAT && strstr(chain->rules[i].text, "alive"))
			return true;
	return false;
}

/* In batches: the marks stand among the connections. A million of these are gone through in a third of a second; more is too
 * long. */
int connections_read_refusals(struct arena *arena, int table_fd, struct state_chain *chain)
{
	enum { BATCH = 4096, MOST = 1 << 20 };
	_cleanup_free_ struct weir_redirected_key *keys = NULL;
	_cleanup_free_ struct weir_redirected *entries = NULL;
	VECTOR(struct state_refusal) refusals = { 0 };
	uint64_t now = clock_ns(CLOCK_MONOTONIC);
	uint32_t place, count;
	bool first = true;
	int r = 0;

	chain->knows_refusals = chain->connections <= MOST && goes_by_answers(chain);
	if (!chain->knows_refusals)
		return 0;
	keys = calloc(BATCH, sizeof(*keys));
	entries = calloc(BATCH, sizeof(*entries));
	if (!keys || !entries)
		return -ENOMEM;
	while (r == 0) {
		struct state_refusal refusal;

		count = BATCH;
		r = bpf_map_lookup_batch(table_fd, first ? NULL : &place, &place, keys, entries, &count, NULL);
		if (r && r != -ENOENT)
			return r;
		first = false;
		for (uint32_t i = 0; i < count; i++)
			if (read_refusal(&keys[i], &entries[i], now, &refusal))
				vector_push(arena, &refusals, refusal);
	}
	if (refusals.count)
		qsort(refusals.items, refusals.count, sizeof(*refusals.items), by_address);
	chain->refusals = refusals.items;
	chain->refusal_count = (uint32_t)refusals.count;
	return 0;
}
