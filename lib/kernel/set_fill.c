// SPDX-License-Identifier: GPL-2.0-only
#include "kernel/set_fill.h"

#include <bpf/bpf.h>
#include <errno.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/limits.h"

#define PROGRESS_STEP 65536 /* elements between two words of progress */
#define MIXTURES      16    /* parts of a set that are single values, the others prefixes, for which pages are reckoned */

/* What goes on while one set is made. */
struct filling {
	const struct set_request *request;
	struct arena *arena;
	struct set_shape shape;
	struct set_rows rows[2];     /* of the policy; sorted */
	struct set_rows old_rows[2]; /* of the old table */
	struct set_rows live[2];     /* of the old table, to be carried over beside the policy's */
	int old_fd;
	bool timed; /* some element of the policy has a timeout */
};

/* ---- The policy's elements ---- */

/* Ranges that overlap have prefixes in common: each is one row, which lives as long as any of them. */
static void sort_and_merge(struct set_rows *rows)
{
	size_t kept = 0;

	set_rows_sort(rows);
	for (size_t i = 0; i < rows->count; i++) {
		const struct set_row *row = &rows->items[i];
		struct set_row *last = kept ? &rows->items[kept - 1] : NULL;

		if (!last || set_row_compare(last, row) != 0)
			rows->items[kept++] = *row;
		else if (row->expires > last->expires)
			*last = *row;
	}
	rows->count = kept;
}

static void report(const struct filling *filling, uint32_t done)
{
	const struct apply_options *options = filling->request->options;
	const struct policy_set *set = filling->request->set;

	if (options->progress && set->element_count > PROGRESS_STEP)
		options->progress(options->progress_context, arena_printf(filling->arena, "elements of set %s", set->name), done,
				  set->element_count);
}

static int policy_rows(struct filling *filling)
{
	const struct policy_set *set = filling->request->set;
	uint64_t now = set_now();

	vector_reserve(filling->arena, &filling->rows[ROWS_SINGLE], set->element_count);
	for (uint32_t i = 0; i < set->element_count; i++) {
		uint64_t timeout = set->elements[i].timeout_s ? set->elements[i].timeout_s : set->timeout_s;
		struct set_row row = { .element = i,
				       .flags = WEIR_SET_FROM_POLICY,
				       .expires = set_expiry(now, timeout),
				       .packets = set->elements[i].packets,
				       .bytes = set->elements[i].bytes };
		int r;

		filling->timed |= timeout != 0;
		r = set_rows_of_element(filling->arena, set, &set->elements[i], row, filling->rows);
		if (r)
			return r;
		if (i % PROGRESS_STEP == 0)
			report(filling, i);
	}
	for (int which = 0; which < 2; which++)
		sort_and_merge(&filling->rows[which]);
	return 0;
}

/* ---- The old table's ---- */

/* Tables of other types cannot be carried over; the caller says so. */
static bool same_types(const struct policy_set *a, const struct policy_set *b)
{
	return a->components == b->components && memcmp(a->types, b->types, a->components * sizeof(a->types[0])) == 0;
}

static int read_old(struct filling *filling)
{
	const struct set_request *request = filling->request;
	struct set_shape shape = set_shape(&request->old->set, request->old->prefixes);
	struct set_table table = { 0 };
	int r;

	filling->old_fd = bpf_obj_get(request->old_path);
	r = filling->old_fd < 0 ? filling->old_fd : set_table_open(filling->old_fd, &shape, false, &table);
	if (r)
		return r;
	set_image_read(&table.image, filling->arena, filling->old_rows);
	set_table_close(&table);
	return 0;
}

/*
 * Part the old rows: those of the policy are counted, the live ones kept. An element that is both stays both, unless the live one
 * would have ended by itself. Returns whether the policy's rows are exactly those that the old table has as the policy's.
 */
static bool carry_over(struct filling *filling, int which, uint64_t now)
{
	struct set_rows *rows = &filling->rows[which], *old = &filling->old_rows[which];
	size_t same = 0, from_policy = 0;

	for (size_t i = 0; i < old->count; i++) {
		const struct set_row *row = &old->items[i];
		struct set_row *wanted = set_rows_find(rows, row);
		bool for_ever = row->expires == WEIR_SET_NEVER;

		if (row->flags & WEIR_SET_FROM_POLICY) {
			from_policy++;
			same += wanted && for_ever;
		}
		if (wanted) {
			wanted->packets = row->packets;
			wanted->bytes = row->bytes;
		}
		if (!(row->flags & WEIR_SET_LIVE) || set_is_over(row->expires, now))
			continue;
		if (wanted) {
			wanted->flags |= for_ever ? WEIR_SET_LIVE : 0;
		} else {
			struct set_row kept = *row;

			kept.flags = WEIR_SET_LIVE;
			vector_push(filling->arena, &filling->live[which], kept);
		}
	}
	return same == from_policy && same == rows->count;
}

/* 0: the old table is read; 1: there is none to go on with. */
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
	r = read_old(filling);
	if (r)
		diagnose(diagnostics, SEVERITY_ERROR_KERNEL, request->set->place,
			 "cannot read the table of set '%s' that is in force: %s", request->set->name, strerror(-r));
	return r;
}

/* ---- A new table ---- */

static int check_room(const struct filling *filling, struct diagnostics *diagnostics)
{
	const struct policy_set *set = filling->request->set;
	size_t policy = filling->rows[ROWS_SINGLE].count + filling->rows[ROWS_PREFIX].count;
	size_t live = filling->live[ROWS_SINGLE].count + filling->live[ROWS_PREFIX].count;
	const char *ranges = policy > set->element_count ? " (a range is as many as the prefixes that cover it)" : "";
	struct diagnostic *said;

	if (filling->request->anonymous || policy + live <= set->size)
		return 0;
	if (policy > set->size) {
		said = diagnose(diagnostics, SEVERITY_ERROR, set->place,
				"set '%s' has room for %u elements, and the policy gives it %zu%s", set->name, set->size, policy,
				ranges);
		diagnostic_hint(diagnostics, said, "give it 'size %zu;' at least, and room for those added later", policy);
		return -ENOSPC;
	}
	said = diagnose(diagnostics, SEVERITY_ERROR, set->place,
			"set '%s' has room for %u elements: %zu of the policy%s and %zu that were added live do not fit",
			set->name, set->size, policy, ranges, live);
	diagnostic_hint(
		diagnostics, said,
		"give the set a greater size, delete live elements (weir set del), or forget them all (weir apply --reset)");
	return -ENOSPC;
}

static uint64_t pages_for(const struct set_shape *shape, size_t singles, size_t prefixes)
{
	return set_image_pages(
		shape, (struct set_rows[2]){ [ROWS_SINGLE] = { .count = singles }, [ROWS_PREFIX] = { .count = prefixes } }, true);
}

/* What no mixture of single values and prefixes that the set has room for takes more than. */
static uint64_t most_pages(const struct set_shape *shape, size_t size)
{
	uint64_t most = pages_for(shape, size, 0);

	for (size_t i = 0; shape->prefixes && i < MIXTURES; i++) {
		uint64_t pages = pages_for(shape, size * (i + 1) / MIXTURES + 1, size - size * i / MIXTURES);

		most = pages > most ? pages : most;
	}
	return most;
}

/* 0: how many it will take is not known, or too much to take beforehand. */
static uint32_t reserved_pages(const struct filling *filling)
{
	const struct policy_set *set = filling->request->set;
	const struct set_shape *shape = &filling->shape;
	uint32_t needed = set_image_pages(shape, filling->rows, !filling->request->anonymous);
	uint64_t pages;

	if (filling->request->anonymous) /* its elements stay what they are */
		return needed;
	if (set->grows)
		return 0;
	pages = most_pages(shape, set->size);
	return pages * shape->page_size <= LIMIT_SET_RESERVED || pages <= 2ull * needed ? (uint32_t)pages : 0;
}

static void refuse(const struct filling *filling, uint32_t pages, int error, struct diagnostics *diagnostics)
{
	const struct policy_set *set = filling->request->set;
	struct diagnostic *said =
		diagnose(diagnostics, SEVERITY_ERROR_KERNEL, set->place, "the kernel refused the table of set '%s', %llu KiB: %s",
			 set->name, (unsigned long long)pages * filling->shape.page_size >> 10, strerror(-error));

	if (error == -ENOMEM || error == -E2BIG)
		diagnostic_hint(diagnostics, said, "fewer elements%s take less memory",
				set->grows ? "" : ", or a smaller 'size',");
}

static int new_table(struct filling *filling, struct diagnostics *diagnostics)
{
	const struct policy_set *set = filling->request->set;
	int fd = check_room(filling, diagnostics);
	uint32_t pages;

	if (fd)
		return fd;
	for (int which = 0; which < 2; which++) {
		for (size_t i = 0; i < filling->live[which].count; i++)
			vector_push(filling->arena, &filling->rows[which], filling->live[which].items[i]);
		set_rows_sort(&filling->rows[which]);
	}
	pages = reserved_pages(filling);
	fd = set_table_create(set->name, &filling->shape, filling->rows, pages);
	if (fd < 0)
		refuse(filling, pages ?: set_image_pages(&filling->shape, filling->rows, true), fd, diagnostics);
	else
		report(filling, set->element_count);
	return fd;
}

static int fill(struct filling *filling, struct diagnostics *diagnostics)
{
	const struct set_request *request = filling->request;
	int r = policy_rows(filling);
	bool same = false;

	if (r) {
		diagnose(diagnostics, SEVERITY_ERROR, request->set->place, "set '%s' has a range, which its type does not take",
			 request->set->name);
		return r;
	}
	r = look_at_old(filling, diagnostics);
	if (r < 0)
		return r;
	if (r == 0) {
		uint64_t now = set_now();
		bool same_singles = carry_over(filling, ROWS_SINGLE, now), same_prefixes = carry_over(filling, ROWS_PREFIX, now);

		same = same_singles && same_prefixes && !filling->timed && request->old->set.size == request->set->size &&
		       request->old->set.counted == request->set->counted && request->old->prefixes == request->prefixes;
	}
	return same ? TAKE_FD(filling->old_fd) : new_table(filling, diagnostics);
}

int set_fill(const struct set_request *request, struct diagnostics *diagnostics)
{
	_cleanup_(arena_freep) struct arena *arena = arena_new();
	struct filling filling = {
		.request = request, .arena = arena, .shape = set_shape(request->set, request->prefixes), .old_fd = -1
	};
	int fd = fill(&filling, diagnostics);

	closep(&filling.old_fd);
	return fd;
}
