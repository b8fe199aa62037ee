// SPDX-License-Identifier: GPL-2.0-only
#include "kernel/set_fill.h"

#include <bpf/bpf.h>
#include <errno.h>
#include <linux/bpf.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/limits.h"
#include "kernel/pins.h"

/* What goes on while one set is made. */
struct filling {
	const struct set_request *request;
	struct arena *arena;
	uint32_t key_size;
	struct set_rows rows[2];     /* of the policy; sorted */
	struct set_rows old_rows[2]; /* of the old maps */
	struct set_rows live[2];     /* of the old maps, to be carried over beside the policy's */
	struct set_maps old;
	uint32_t size; /* most rows it may have */
	bool timed;    /* some element of the policy has a timeout */
};

static uint32_t map_key_size(const struct filling *filling, int which)
{
	return filling->key_size + (which == ROWS_PREFIX ? (uint32_t)sizeof(uint32_t) : 0);
}

/* ---- The policy's elements ---- */

/* Ranges that overlap have prefixes in common: each is one row, which lives as long as any of them. */
static void sort_and_merge(struct filling *filling, int which)
{
	struct set_rows *rows = &filling->rows[which];
	uint32_t size = map_key_size(filling, which);
	size_t kept = 0;

	set_rows_sort(rows, filling->key_size, which == ROWS_PREFIX);
	for (size_t i = 0; i < rows->count; i++) {
		const struct set_row *row = &rows->items[i];
		struct set_row *last = kept ? &rows->items[kept - 1] : NULL;

		if (!last || memcmp(last->key, row->key, size) != 0)
			rows->items[kept++] = *row;
		else if (last->value.expires_ns && (!row->value.expires_ns || row->value.expires_ns > last->value.expires_ns))
			*last = *row;
	}
	rows->count = kept;
}

static int policy_rows(struct filling *filling)
{
	const struct policy_set *set = filling->request->set;
	uint64_t now = set_now();

	for (uint32_t i = 0; i < set->element_count; i++) {
		uint64_t timeout = set->elements[i].timeout_s ? set->elements[i].timeout_s : set->timeout_s;
		struct set_row row = { .element = i, .value = { .flags = WEIR_SET_FROM_POLICY } };
		int r;

		row.value.expires_ns = row.value.own_expires_ns = set_expiry(now, timeout);
		filling->timed |= row.value.expires_ns != 0;
		r = set_rows_of_element(filling->arena, set, &set->elements[i], row, filling->rows);
		if (r)
			return r;
	}
	for (int which = 0; which < 2; which++)
		sort_and_merge(filling, which);
	return 0;
}

/*
 * A set that names no size has room for all that the policy gives it, its ranges being as many as the prefixes that cover them.
 * By the size alone one cannot tell whether it was named; one that is as the language gives it counts as not named.
 */
static uint32_t room(const struct filling *filling)
{
	const struct policy_set *set = filling->request->set;
	size_t rows = filling->rows[ROWS_EXACT].count + filling->rows[ROWS_PREFIX].count;
	uint32_t unnamed = set->element_count > LIMIT_SET_DEFAULT_SIZE ? set->element_count : LIMIT_SET_DEFAULT_SIZE;

	if (rows > set->size && (filling->request->anonymous || set->size == unnamed))
		return (uint32_t)rows;
	return set->size;
}

/* ---- The old maps' ---- */

/* Maps of other types cannot be carried over; the caller says so. */
static bool same_types(const struct policy_set *a, const struct policy_set *b)
{
	return a->components == b->components && memcmp(a->types, b->types, a->components * sizeof(a->types[0])) == 0;
}

static int open_old(struct filling *filling)
{
	const struct set_request *request = filling->request;

	filling->old.exact_fd = bpf_obj_get(arena_printf(filling->arena, "%s_exact", request->old_path));
	if (filling->old.exact_fd < 0)
		return filling->old.exact_fd;
	if (request->old->prefixes)
		filling->old.prefix_fd = bpf_obj_get(arena_printf(filling->arena, "%s_prefix", request->old_path));
	return request->old->prefixes && filling->old.prefix_fd < 0 ? filling->old.prefix_fd : 0;
}

static int read_old(struct filling *filling)
{
	int r = set_rows_read(filling->arena, filling->old.exact_fd, filling->key_size, &filling->old_rows[ROWS_EXACT]);

	if (r == 0 && filling->old.prefix_fd >= 0)
		r = set_rows_read(filling->arena, filling->old.prefix_fd, map_key_size(filling, ROWS_PREFIX),
				  &filling->old_rows[ROWS_PREFIX]);
	return r;
}

/*
 * Part the old rows: those of the policy are counted, the live ones kept. An element that is both stays both, unless the live one
 * would have ended by itself. Returns whether the policy's rows are exactly those that the old map has as the policy's.
 */
static bool carry_over(struct filling *filling, int which, uint64_t now)
{
	struct set_rows *rows = &filling->rows[which], *old = &filling->old_rows[which];
	size_t same = 0, from_policy = 0;

	for (size_t i = 0; i < old->count; i++) {
		const struct set_row *row = &old->items[i];
		struct set_row *wanted = set_rows_find(rows, row, filling->key_size, which == ROWS_PREFIX);
		uint64_t expires = row->value.own_expires_ns;

		if (row->value.flags & WEIR_SET_FROM_POLICY) {
			from_policy++;
			same += wanted && expires == 0;
		}
		if (!(row->value.flags & WEIR_SET_LIVE) || (expires != 0 && expires <= now))
			continue;
		if (wanted) {
			wanted->value.flags |= expires == 0 ? WEIR_SET_LIVE : 0;
		} else {
			struct set_row kept = *row;

			kept.value.flags = WEIR_SET_LIVE;
			kept.value.expires_ns = expires;
			vector_push(filling->arena, &filling->live[which], kept);
		}
	}
	return same == from_policy && same == rows->count;
}

/* ---- New maps ---- */

static int create_map(const struct filling *filling, int which)
{
	LIBBPF_OPTS(bpf_map_create_opts, options, .map_flags = BPF_F_NO_PREALLOC);
	uint32_t size = filling->size ? filling->size : 1;
	char name[16];

	snprintf(name, sizeof(name), "%s", filling->request->set->name);
	for (char *c = name; *c; c++)
		if (!((*c >= 'a' && *c <= 'z') || (*c >= 'A' && *c <= 'Z') || (*c >= '0' && *c <= '9')))
			*c = '_';
	/* Below 6.13 a trie that is full does not even take a new value of a prefix that it has: so it never is. */
	size += which == ROWS_PREFIX;
	return bpf_map_create(which == ROWS_PREFIX ? BPF_MAP_TYPE_LPM_TRIE : BPF_MAP_TYPE_HASH, name,
			      map_key_size(filling, which), sizeof(struct weir_set_value), size, &options);
}

static int check_room(const struct filling *filling, struct diagnostics *diagnostics)
{
	const struct policy_set *set = filling->request->set;
	size_t policy = filling->rows[ROWS_EXACT].count + filling->rows[ROWS_PREFIX].count;
	size_t live = filling->live[ROWS_EXACT].count + filling->live[ROWS_PREFIX].count;
	const char *ranges = policy > set->element_count ? " (a range is as many as the prefixes that cover it)" : "";
	struct diagnostic *said;

	if (policy + live <= filling->size)
		return 0;
	if (policy > filling->size) {
		said = diagnose(diagnostics, SEVERITY_ERROR, set->place,
				"set '%s' has room for %u elements, and the policy gives it %zu%s", set->name, filling->size,
				policy, ranges);
		diagnostic_hint(diagnostics, said, "give it 'size %zu;' at least, and room for those added later", policy);
		return -ENOSPC;
	}
	said = diagnose(diagnostics, SEVERITY_ERROR, set->place,
			"set '%s' has room for %u elements: %zu of the policy%s and %zu that were added live do not fit",
			set->name, filling->size, policy, ranges, live);
	diagnostic_hint(
		diagnostics, said,
		"give the set a greater size, delete live elements (weir set del), or forget them all (weir apply --reset)");
	return -ENOSPC;
}

static int fill_map(struct filling *filling, int which, int fd)
{
	const struct apply_options *options = filling->request->options;
	struct set_progress progress = { .report = options->progress, .context = options->progress_context };
	struct set_rows *rows = &filling->rows[which], *live = &filling->live[which];
	size_t done;

	progress.what = arena_printf(filling->arena, "elements of set %s", filling->request->set->name);
	if (which == ROWS_PREFIX) {
		for (size_t i = 0; i < live->count; i++)
			vector_push(filling->arena, rows, live->items[i]);
		*live = (struct set_rows){ 0 };
		set_settle_rows(rows, filling->key_size);
	}
	return set_rows_write(fd, map_key_size(filling, which), rows, &progress, &done)
		       ?: set_rows_write(fd, map_key_size(filling, which), live, &progress, &done);
}

static int new_maps(struct filling *filling, struct diagnostics *diagnostics, struct set_maps *ret_maps)
{
	const struct policy_set *set = filling->request->set;
	_cleanup_close_ int exact = -1, prefix = -1;
	uint32_t rows = (uint32_t)(filling->rows[ROWS_EXACT].count + filling->rows[ROWS_PREFIX].count +
				   filling->live[ROWS_EXACT].count + filling->live[ROWS_PREFIX].count);
	int r = check_room(filling, diagnostics);

	if (r)
		return r;
	exact = create_map(filling, ROWS_EXACT);
	r = exact < 0 ? exact : 0;
	if (r == 0 && filling->request->prefixes) {
		prefix = create_map(filling, ROWS_PREFIX);
		r = prefix < 0 ? prefix : 0;
	}
	r = r ? r : fill_map(filling, ROWS_EXACT, exact);
	if (r == 0 && prefix >= 0)
		r = fill_map(filling, ROWS_PREFIX, prefix);
	if (r) {
		diagnose(diagnostics, SEVERITY_ERROR_KERNEL, set->place,
			 "the kernel refused the tables of set '%s' (size %u): %s", set->name, filling->size, strerror(-r));
		return r;
	}
	*ret_maps = (struct set_maps){ .key_size = filling->key_size,
				       .exact_fd = TAKE_FD(exact),
				       .prefix_fd = TAKE_FD(prefix),
				       .size = filling->size,
				       .rows = rows };
	return 0;
}

static bool any_prefix_timed(const struct filling *filling)
{
	for (size_t i = 0; i < filling->rows[ROWS_PREFIX].count; i++)
		if (filling->rows[ROWS_PREFIX].items[i].value.own_expires_ns != 0)
			return true;
	return false;
}

/* 0: old maps are open; 1: there are none to go on with. */
static int look_at_old(struct filling *filling, struct diagnostics *diagnostics)
{
	const struct set_request *request = filling->request;
	int r;

	if (!request->old)
		return 1;
	if (!same_types(request->set, &request->old->set)) {
		diagnose(diagnostics, SEVERITY_WARNING, request->set->place,
			 "set '%s' has another type than before: elements that were added live are lost", request->set->name);
		return 1;
	}
	r = open_old(filling);
	r = r ? r : read_old(filling);
	if (r)
		diagnose(diagnostics, SEVERITY_ERROR_KERNEL, request->set->place,
			 "cannot read the tables of set '%s' that are in force: %s", request->set->name, strerror(-r));
	return r;
}

static int fill(struct filling *filling, struct diagnostics *diagnostics, struct set_maps *ret_maps, bool *ret_timed)
{
	const struct set_request *request = filling->request;
	bool same = false;
	int r = policy_rows(filling);

	if (r) {
		diagnose(diagnostics, SEVERITY_ERROR, request->set->place, "set '%s' has a range, which its type does not take",
			 request->set->name);
		return r;
	}
	filling->size = room(filling);
	r = look_at_old(filling, diagnostics);
	if (r < 0)
		return r;
	if (r == 0) {
		uint64_t now = set_now();
		bool same_exact = carry_over(filling, ROWS_EXACT, now), same_prefix = carry_over(filling, ROWS_PREFIX, now);

		same = same_exact && same_prefix && !filling->timed && request->old->set.size == filling->size &&
		       request->old->prefixes == request->prefixes;
	}
	if (same) {
		*ret_timed = pins_exists(arena_printf(filling->arena, "%s_timed", request->old_path));
		*ret_maps = (struct set_maps){ .key_size = filling->key_size,
					       .exact_fd = TAKE_FD(filling->old.exact_fd),
					       .prefix_fd = TAKE_FD(filling->old.prefix_fd),
					       .size = filling->size,
					       .rows = (uint32_t)(filling->old_rows[ROWS_EXACT].count +
								  filling->old_rows[ROWS_PREFIX].count) };
		return 0;
	}
	r = new_maps(filling, diagnostics, ret_maps);
	if (r == 0)
		*ret_timed = any_prefix_timed(filling);
	return r;
}

int set_fill(const struct set_request *request, struct diagnostics *diagnostics, struct set_maps *ret_maps, bool *ret_timed)
{
	_cleanup_(arena_freep) struct arena *arena = arena_new();
	struct filling filling = { .request = request,
				   .arena = arena,
				   .key_size = set_key_size(request->set),
				   .old = { .exact_fd = -1, .prefix_fd = -1 } };
	int r = fill(&filling, diagnostics, ret_maps, ret_timed);

	closep(&filling.old.exact_fd);
	closep(&filling.old.prefix_fd);
	return r;
}
