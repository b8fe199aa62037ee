// SPDX-License-Identifier: GPL-2.0-only
/*
 * Sets of policies in force: looked up by the manifest, changed in place, one row at a time, or when many come at once or the
 * table is full, by a new table in its place. Programs see each element as it comes and goes.
 */
#include <bpf/bpf.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "kernel/manifest.h"
#include "kernel/pins.h"
#include "kernel/set_table.h"

/*
 * So many new rows, if they are more than a quarter of those that are there, go into a new table with those. A prefix that is put
 * in by itself costs as much as so many single values: a new table of N rows takes as long as N / 20 of them.
 */
#define MANY	    8192
#define PREFIX_COST 4

static const struct place nowhere;

struct kernel_set {
	struct policy_set type;
	int map_fd;
	struct set_table table;
};

/* ---- Open ---- */

static const struct manifest_set *find_set(struct arena *arena, const struct manifest *manifest, const char *name,
					   struct diagnostics *diagnostics)
{
	VECTOR(const char *) names = { 0 };
	struct diagnostic *said;
	const char *near, *all = "";

	for (uint32_t i = 0; i < manifest->set_count; i++) {
		if (manifest->sets[i].anonymous)
			continue;
		if (strcmp(manifest->sets[i].name, name) == 0)
			return &manifest->sets[i];
		vector_push(arena, &names, manifest->sets[i].name);
		all = arena_printf(arena, "%s%s%s", all, *all ? ", " : "", manifest->sets[i].name);
	}
	said = diagnose(diagnostics, SEVERITY_ERROR, nowhere, "policy '%s' has no set '%s'", manifest->name, name);
	near = near_match(name, names.items, names.count);
	if (near)
		diagnostic_hint(diagnostics, said, "did you mean '%s'?", near);
	else
		diagnostic_hint(diagnostics, said, names.count ? "it has: %s" : "it has no sets%s", all);
	return NULL;
}

/* Who changed a prefix was killed on the way: the rows say what is in the set. */
static int repair(struct kernel_set *set)
{
	_cleanup_(arena_freep) struct arena *arena = arena_new();
	struct set_rows rows[2] = { 0 };

	set_image_read(&set->table.image, arena, rows);
	return set_table_replace(&set->table, rows);
}

int kernel_set_open(struct kernel *kernel, struct arena *arena, const char *policy, const char *set, struct kernel_set **ret_set,
		    struct diagnostics *diagnostics)
{
	struct set_shape shape;
	const struct manifest_set *found;
	const struct manifest *manifest;
	struct kernel_set *opened;
	const char *path;
	int r = manifest_find(arena, kernel, policy, &manifest, diagnostics);

	found = r ? NULL : find_set(arena, manifest, set, diagnostics);
	if (!found)
		return r ?: -ENOENT;
	path = arena_printf(arena, "%s/g%llu/set_%u", pins_policy_path(arena, kernel, policy),
			    (unsigned long long)manifest->generation, (uint32_t)(found - manifest->sets));
	opened = calloc(1, sizeof(*opened));
	if (!opened)
		return -ENOMEM;
	opened->type = found->set;
	opened->map_fd = bpf_obj_get(path);
	shape = set_shape(&found->set, found->prefixes);
	r = opened->map_fd < 0 ? opened->map_fd : set_table_open(opened->map_fd, &shape, kernel->locked, &opened->table);
	if (r == 0 && kernel->locked && set_image_is_damaged(&opened->table.image))
		r = repair(opened);
	if (r) {
		diagnose(diagnostics, SEVERITY_ERROR_KERNEL, nowhere, "cannot open the table of set '%s': %s", set,
			 strerror(-r));
		kernel_set_close(opened);
		return r;
	}
	*ret_set = opened;
	return 0;
}

void kernel_set_close(struct kernel_set *set)
{
	if (!set)
		return;
	set_table_close(&set->table);
	closep(&set->map_fd);
	free(set);
}

const struct policy_set *kernel_set_type(const struct kernel_set *set)
{
	return &set->type;
}

/* ---- Room ---- */

/* What has expired takes room until somebody needs it. Only then the rows are counted. */
static int make_room(struct kernel_set *set)
{
	_cleanup_(arena_freep) struct arena *arena = arena_new();
	struct set_rows rows[2] = { 0 }, kept[2] = { 0 };
	uint64_t now = set_now();
	size_t expired = 0;

	set_image_read(&set->table.image, arena, rows);
	for (int which = 0; which < 2; which++)
		for (size_t i = 0; i < rows[which].count; i++) {
			if (set_is_over(rows[which].items[i].expires, now))
				expired++;
			else
				vector_push(arena, &kept[which], rows[which].items[i]);
		}
	set_image_set_rows(&set->table.image, (uint32_t)(rows[ROWS_SINGLE].count + rows[ROWS_PREFIX].count));
	return expired ? set_table_replace(&set->table, kept) : 0;
}

static bool fits(const struct kernel_set *set, size_t more)
{
	uint32_t rows = set_image_rows(&set->table.image);

	return rows <= set->type.size && more <= set->type.size - rows;
}

/* ---- Add ---- */

/* ROW as it is to be, where BEFORE was. */
static void renew(struct set_row *before, const struct set_row *row)
{
	before->expires = row->expires;
	before->flags |= row->flags;
}

/* All that is in the set, and MORE rows, as a new table. */
static int rebuild_with(struct kernel_set *set, const struct set_rows more[2])
{
	_cleanup_(arena_freep) struct arena *arena = arena_new();
	struct set_rows rows[2] = { 0 };

	set_image_read(&set->table.image, arena, rows);
	for (int which = 0; which < 2; which++) {
		struct set_rows there, added = { 0 };

		set_rows_sort(&rows[which]);
		there = rows[which];
		for (size_t i = 0; i < more[which].count; i++) {
			struct set_row *before = set_rows_find(&there, &more[which].items[i]);

			if (before)
				renew(before, &more[which].items[i]);
			else
				vector_push(arena, &added, more[which].items[i]);
		}
		set_rows_sort(&added);
		for (size_t i = 0; i < added.count; i++) {
			struct set_row *last = rows[which].count > there.count ? &rows[which].items[rows[which].count - 1] : NULL;

			if (last && set_row_compare(last, &added.items[i]) == 0)
				renew(last, &added.items[i]);
			else
				vector_push(arena, &rows[which], added.items[i]);
		}
	}
	return set_table_replace(&set->table, rows);
}

static int put_row(struct kernel_set *set, struct set_row *row, int which)
{
	struct set_rows rows[2] = { 0 };
	int r = set_table_put(&set->table, row, which == ROWS_PREFIX);

	if (r != -ENOSPC)
		return r;
	rows[which] = (struct set_rows){ .items = row, .count = 1 };
	return rebuild_with(set, rows);
}

/* The rows of ELEMENT, from *at on, which is moved behind them. */
static struct set_rows rows_of(const struct set_rows *rows, uint32_t element, size_t *at)
{
	struct set_rows some = { .items = rows->items + *at };

	while (*at < rows->count && rows->items[*at].element == element) {
		some.count++;
		++*at;
	}
	return some;
}

static size_t count_absent(const struct kernel_set *set, const struct set_rows rows[2])
{
	size_t absent = 0;

	for (int which = 0; which < 2; which++)
		for (size_t i = 0; i < rows[which].count; i++)
			absent += !set_image_find(&set->table.image, &rows[which].items[i], which == ROWS_PREFIX, NULL);
	return absent;
}

/* One by one: an element that has not room for all its rows stays out whole, and those behind it. */
static int add_singly(struct kernel_set *set, const struct set_rows rows[2], size_t count, size_t *done)
{
	size_t at[2] = { 0, 0 };
	bool made_room = false;
	int r = 0;

	for (uint32_t i = 0; r == 0 && i < count; i++) {
		struct set_rows some[2] = { rows_of(&rows[ROWS_SINGLE], i, &at[ROWS_SINGLE]),
					    rows_of(&rows[ROWS_PREFIX], i, &at[ROWS_PREFIX]) };
		size_t absent = count_absent(set, some);

		if (!fits(set, absent) && !made_room) {
			r = make_room(set);
			made_room = true;
			absent = count_absent(set, some);
		}
		if (r == 0 && absent && !fits(set, absent))
			return -ENOSPC;
		if (r == 0) /* before they are in: the number is never too low */
			set_image_set_rows(&set->table.image, set_image_rows(&set->table.image) + (uint32_t)absent);
		for (int which = 0; which < 2; which++)
			for (size_t k = 0; r == 0 && k < some[which].count; k++)
				r = put_row(set, &some[which].items[k], which);
		*done += r == 0;
	}
	return r;
}

int kernel_set_add(struct kernel_set *set, const struct set_element *elements, size_t count, size_t *ret_done)
{
	_cleanup_(arena_freep) struct arena *arena = arena_new();
	struct set_rows rows[2] = { 0 };
	uint64_t now = set_now();
	size_t done = 0, all;
	int r = 0;

	vector_reserve(arena, &rows[ROWS_SINGLE], count);
	for (size_t i = 0; r == 0 && i < count; i++) {
		uint64_t timeout = elements[i].timeout_s ? elements[i].timeout_s : set->type.timeout_s;
		struct set_row row = { .element = (uint32_t)i,
				       .flags = WEIR_SET_LIVE,
				       .expires = set_expiry(now, timeout),
				       .packets = elements[i].packets,
				       .bytes = elements[i].bytes };

		r = set_rows_of_element(arena, &set->type, &elements[i], row, rows);
	}
	all = rows[ROWS_SINGLE].count + rows[ROWS_PREFIX].count;
	if (r == 0 && all >= MANY && all + PREFIX_COST * rows[ROWS_PREFIX].count > set_image_rows(&set->table.image) / 4 &&
	    fits(set, all)) {
		r = rebuild_with(set, rows);
		done = r ? 0 : count;
	} else if (r == 0) {
		r = add_singly(set, rows, count, &done);
	}
	*ret_done = done;
	return r;
}

/* ---- Delete ---- */

/* The same table anew, but for one row. */
static int rebuild_without(struct kernel_set *set, const struct set_row *row, int without)
{
	_cleanup_(arena_freep) struct arena *arena = arena_new();
	struct set_rows rows[2] = { 0 };

	set_image_read(&set->table.image, arena, rows);
	for (size_t i = 0; i < rows[without].count; i++)
		if (set_row_compare(&rows[without].items[i], row) == 0)
			rows[without].items[i] = rows[without].items[--rows[without].count];
	return set_table_replace(&set->table, rows);
}

static int take_row(struct kernel_set *set, const struct set_row *row, int which, bool *there)
{
	struct set_image *image = &set->table.image;
	int r;

	*there = set_image_find(image, row, which == ROWS_PREFIX, NULL);
	if (!*there)
		return 0;
	r = set_table_take(&set->table, row, which == ROWS_PREFIX, there);
	if (r == -ENOSPC) {
		r = rebuild_without(set, row, which);
		*there = true;
	} else if (r == 0) {
		set_image_set_rows(image, set_image_rows(image) - (set_image_rows(image) > 0));
	}
	return r;
}

int kernel_set_delete(struct kernel_set *set, const struct set_element *elements, size_t count, bool *there, size_t *ret_missing)
{
	_cleanup_(arena_freep) struct arena *arena = arena_new();
	struct set_rows rows[2] = { 0 };
	size_t missing = 0, at[2] = { 0, 0 };
	int r = 0;

	for (size_t i = 0; r == 0 && i < count; i++)
		r = set_rows_of_element(arena, &set->type, &elements[i], (struct set_row){ .element = (uint32_t)i }, rows);
	for (uint32_t i = 0; r == 0 && i < count; i++) {
		bool whole = true, one;

		for (int which = 0; which < 2; which++) {
			struct set_rows some = rows_of(&rows[which], i, &at[which]);

			for (size_t k = 0; r == 0 && k < some.count; k++) {
				r = take_row(set, &some.items[k], which, &one);
				whole &= one;
			}
		}
		missing += !whole;
		if (there)
			there[i] = whole;
	}
	*ret_missing = missing;
	return r;
}

bool kernel_set_cover(struct kernel_set *set, const struct set_element *element, struct set_element *ret_cover)
{
	_cleanup_(arena_freep) struct arena *arena = arena_new();
	struct set_rows rows[2] = { 0 };
	struct set_row cover;
	int which;

	if (set_rows_of_element(arena, &set->type, element, (struct set_row){ 0 }, rows))
		return false;
	which = rows[ROWS_SINGLE].count ? ROWS_SINGLE : ROWS_PREFIX;
	if (!set_image_cover(&set->table.image, &rows[which].items[0], &cover) || set_is_over(cover.expires, set_now()))
		return false;
	*ret_cover = set_element_of_row(&set->type, &cover, true);
	return true;
}

int kernel_set_flush(struct kernel_set *set)
{
	struct set_rows none[2] = { 0 };

	return set_table_replace(&set->table, none);
}

/* ---- List ---- */

static int by_keys(const void *left, const void *right)
{
	const struct set_element *a = left, *b = right;

	for (int i = 0; i < SET_MAX_COMPONENTS; i++) {
		int r = value_compare(a->keys[i].low, b->keys[i].low);

		if (r == 0)
			r = value_compare(b->keys[i].high, a->keys[i].high); /* the wider one first */
		if (r)
			return r;
	}
	return 0;
}

int kernel_set_list(struct kernel_set *set, struct arena *arena, size_t *ret_count, const struct set_element **ret_elements)
{
	_cleanup_(arena_freep) struct arena *scratch = arena_new();
	struct set_rows rows[2] = { 0 };
	struct set_element *elements;
	uint64_t now = set_now();
	size_t count = 0;

	set_image_read(&set->table.image, scratch, rows);
	elements = arena_new_array(arena, struct set_element, rows[0].count + rows[1].count);
	for (int which = 0; which < 2; which++)
		for (size_t i = 0; i < rows[which].count; i++) {
			const struct set_row *row = &rows[which].items[i];

			if (set_is_over(row->expires, now))
				continue;
			elements[count] = set_element_of_row(&set->type, row, which == ROWS_PREFIX);
			elements[count].timeout_s = set_seconds_left(row->expires, now);
			elements[count].packets = row->packets;
			elements[count].bytes = row->bytes;
			count++;
		}
	if (count)
		qsort(elements, count, sizeof(*elements), by_keys);
	*ret_count = count;
	*ret_elements = elements;
	return 0;
}
