// SPDX-License-Identifier: GPL-2.0-only
/* Sets of policies in force: looked up by the manifest, changed in place. Programs see each element as it comes and goes. */
#include <bpf/bpf.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "kernel/manifest.h"
#include "kernel/pins.h"
#include "kernel/set_table.h"

#define CHUNK 8192 /* elements turned into rows at once */

static const struct place nowhere;

struct kernel_set {
	struct policy_set type;
	const char *timed; /* folder that says: some prefix has a timeout */
	struct set_maps maps;
	int count_fd; /* set_table.h: set_count_read; -1: not there */
};

/* ---- Open ---- */

static const struct manifest *find_policy(struct arena *arena, const struct manifests *manifests, const char *name,
					  struct diagnostics *diagnostics)
{
	const char **names = arena_new_array(arena, const char *, manifests->count), *near;
	struct diagnostic *said;

	for (size_t i = 0; i < manifests->count; i++) {
		names[i] = manifests->items[i]->name;
		if (strcmp(names[i], name) == 0)
			return manifests->items[i];
	}
	said = diagnose(diagnostics, SEVERITY_ERROR, nowhere, "no policy '%s' is in force", name);
	near = near_match(name, names, manifests->count);
	if (near)
		diagnostic_hint(diagnostics, said, "did you mean '%s'?", near);
	else
		diagnostic_hint(diagnostics, said, "weir list shows those that are");
	return NULL;
}

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

int kernel_set_open(struct kernel *kernel, struct arena *arena, const char *policy, const char *set, struct kernel_set **ret_set,
		    struct diagnostics *diagnostics)
{
	_cleanup_close_ int exact = -1, prefix = -1;
	const struct manifest_set *found;
	const struct manifest *manifest;
	struct manifests manifests;
	struct kernel_set *opened;
	const char *path;
	int r = manifest_read_all(arena, kernel, &manifests);

	manifest = r ? NULL : find_policy(arena, &manifests, policy, diagnostics);
	found = manifest ? find_set(arena, manifest, set, diagnostics) : NULL;
	if (!found)
		return r ?: -ENOENT;
	path = arena_printf(arena, "%s/g%llu/set_%u", pins_policy_path(arena, kernel, policy),
			    (unsigned long long)manifest->generation, (uint32_t)(found - manifest->sets));
	exact = bpf_obj_get(arena_printf(arena, "%s_exact", path));
	r = exact < 0 ? exact : 0;
	if (r == 0 && found->prefixes) {
		prefix = bpf_obj_get(arena_printf(arena, "%s_prefix", path));
		r = prefix < 0 ? prefix : 0;
	}
	if (r) {
		diagnose(diagnostics, SEVERITY_ERROR_KERNEL, nowhere, "cannot open the tables of set '%s': %s", set,
			 strerror(-r));
		return r;
	}
	opened = calloc(1, sizeof(*opened));
	if (!opened)
		return -ENOMEM;
	opened->type = found->set;
	opened->timed = arena_printf(arena, "%s_timed", path);
	opened->count_fd = bpf_obj_get(arena_printf(arena, "%s_count", path));
	opened->maps = (struct set_maps){ .key_size = set_key_size(&found->set),
					  .exact_fd = TAKE_FD(exact),
					  .prefix_fd = TAKE_FD(prefix),
					  .size = found->set.size };
	*ret_set = opened;
	return 0;
}

void kernel_set_close(struct kernel_set *set)
{
	if (!set)
		return;
	closep(&set->maps.exact_fd);
	closep(&set->maps.prefix_fd);
	closep(&set->count_fd);
	free(set);
}

const struct policy_set *kernel_set_type(const struct kernel_set *set)
{
	return &set->type;
}

/* ---- What both maps have in common ---- */

static int map_fd(const struct kernel_set *set, int which)
{
	return which == ROWS_PREFIX ? set->maps.prefix_fd : set->maps.exact_fd;
}

static uint32_t map_key_size(const struct kernel_set *set, int which)
{
	return set->maps.key_size + (which == ROWS_PREFIX ? (uint32_t)sizeof(uint32_t) : 0);
}

static int settle(const struct kernel_set *set, struct arena *arena)
{
	return set->maps.prefix_fd >= 0 && pins_exists(set->timed)
		       ? set_settle_prefixes(arena, set->maps.prefix_fd, set->maps.key_size)
		       : 0;
}

static bool has_expired(const struct set_row *row, uint64_t now)
{
	return row->value.own_expires_ns != 0 && row->value.own_expires_ns <= now;
}

/* Delete the rows of one map that have expired, and count those that stay. */
static int clear_expired(const struct kernel_set *set, int which, uint32_t *count)
{
	_cleanup_(arena_freep) struct arena *arena = arena_new();
	struct set_rows rows = { 0 }, expired = { 0 };
	uint64_t now = set_now();
	int r = map_fd(set, which) < 0 ? 0 : set_rows_read(arena, map_fd(set, which), map_key_size(set, which), &rows);

	for (size_t i = 0; r == 0 && i < rows.count; i++)
		if (has_expired(&rows.items[i], now))
			vector_push(arena, &expired, rows.items[i]);
	r = r ?: set_rows_delete(map_fd(set, which), map_key_size(set, which), &expired, NULL);
	if (r == 0)
		*count += (uint32_t)(rows.count - expired.count);
	return r;
}

/* What has expired takes room until somebody needs it. *ret_rows: how many rows there are then, exactly. */
static int make_room(const struct kernel_set *set, uint32_t *ret_rows)
{
	uint32_t rows = 0;
	int r = clear_expired(set, ROWS_EXACT, &rows);

	r = r ?: clear_expired(set, ROWS_PREFIX, &rows);
	if (r == 0 && set->count_fd >= 0)
		r = set_count_write(set->count_fd, rows);
	if (r == 0)
		*ret_rows = rows;
	return r;
}

/* ---- Add ---- */

/* Elements on their way in. The rows of an element lie one behind the other in each of rows[2], in the order of the elements. */
struct adding {
	const struct kernel_set *set;
	struct set_rows rows[2];
	bool *went_in[2]; /* for each of the rows */
	uint32_t present; /* rows in both maps, at most */
};

static int write_rows(struct adding *adding, int which, const struct set_rows *rows)
{
	size_t done = 0;
	int r = set_rows_write(map_fd(adding->set, which), map_key_size(adding->set, which), rows, NULL, &done);

	for (size_t i = 0; i < done; i++)
		adding->went_in[which][(size_t)(rows->items - adding->rows[which].items) + i] = true;
	return r;
}

static int write_count(const struct adding *adding)
{
	return adding->set->count_fd < 0 ? 0 : set_count_write(adding->set->count_fd, adding->present);
}

/* The rows of ELEMENT in one map, from *at on, which is moved behind them. */
static struct set_rows rows_of(const struct adding *adding, int which, uint32_t element, size_t *at)
{
	struct set_rows rows = { .items = adding->rows[which].items + *at };

	while (*at < adding->rows[which].count && adding->rows[which].items[*at].element == element) {
		rows.count++;
		++*at;
	}
	return rows;
}

/* A prefix map answers with the longest prefix that covers the key: by its length one sees whether it is that very one. */
static uint32_t count_absent(const struct kernel_set *set, int which, const struct set_rows *rows)
{
	struct weir_set_value value;
	uint32_t absent = 0;

	for (size_t i = 0; i < rows->count; i++)
		absent += bpf_map_lookup_elem(map_fd(set, which), rows->items[i].key, &value) != 0 ||
			  value.prefix_length != rows->items[i].value.prefix_length;
	return absent;
}

/*
 * All elements at once, where there surely is room for all. The number is raised before they go in, and may then be too high,
 * since some may have been there.
 */
static int add_all(struct adding *adding)
{
	int r;

	adding->present += (uint32_t)(adding->rows[ROWS_EXACT].count + adding->rows[ROWS_PREFIX].count);
	r = write_count(adding);
	for (int which = 0; r == 0 && which < 2; which++)
		r = write_rows(adding, which, &adding->rows[which]);
	return r;
}

/* One by one: an element that has not room for all its rows stays out whole, and those behind it. */
static int add_singly(struct adding *adding, uint32_t count)
{
	size_t at[2] = { 0, 0 };
	int r = 0;

	for (uint32_t i = 0; r == 0 && i < count; i++) {
		struct set_rows rows[2] = { rows_of(adding, ROWS_EXACT, i, &at[ROWS_EXACT]),
					    rows_of(adding, ROWS_PREFIX, i, &at[ROWS_PREFIX]) };
		uint32_t absent = count_absent(adding->set, ROWS_EXACT, &rows[ROWS_EXACT]) +
				  count_absent(adding->set, ROWS_PREFIX, &rows[ROWS_PREFIX]);

		if (absent > adding->set->maps.size - adding->present)
			return -ENOSPC;
		adding->present += absent;
		r = absent ? write_count(adding) : 0;
		for (int which = 0; r == 0 && which < 2; which++)
			r = rows[which].count ? write_rows(adding, which, &rows[which]) : 0;
	}
	return r;
}

static int add_rows(struct adding *adding, uint32_t count)
{
	size_t rows = adding->rows[ROWS_EXACT].count + adding->rows[ROWS_PREFIX].count;
	uint32_t size = adding->set->maps.size;
	int r = 0;

	if (adding->set->count_fd < 0 || set_count_read(adding->set->count_fd, &adding->present) || adding->present > size)
		r = make_room(adding->set, &adding->present);
	if (r == 0 && rows <= size - adding->present)
		return add_all(adding);
	/* What is known to be there stays known, so that a full set is not counted again for each of many elements. */
	r = r ?: add_singly(adding, count);
	if (r != -ENOSPC)
		return r;
	r = make_room(adding->set, &adding->present);
	if (r == 0 && rows <= size - adding->present)
		return add_all(adding);
	return r ?: add_singly(adding, count);
}

static int adding_begin(struct adding *adding, struct arena *arena, const struct set_element *elements, uint32_t count)
{
	const struct policy_set *type = &adding->set->type;
	uint64_t now = set_now();
	bool timed = false;

	for (uint32_t i = 0; i < count; i++) {
		struct set_row row = { .element = i, .value = { .flags = WEIR_SET_LIVE } };
		int r;

		row.value.own_expires_ns = set_expiry(now, elements[i].timeout_s ? elements[i].timeout_s : type->timeout_s);
		row.value.expires_ns = row.value.own_expires_ns;
		timed |= row.value.expires_ns != 0;
		r = set_rows_of_element(arena, type, &elements[i], row, adding->rows);
		if (r)
			return r;
	}
	for (int which = 0; which < 2; which++)
		adding->went_in[which] = arena_new_array(arena, bool, adding->rows[which].count);
	return timed && adding->rows[ROWS_PREFIX].count ? pins_make_directory(adding->set->timed) : 0;
}

static size_t count_whole(const struct adding *adding, struct arena *arena, uint32_t count)
{
	bool *lacks = arena_new_array(arena, bool, count);
	size_t whole = 0;

	for (int which = 0; which < 2; which++)
		for (size_t i = 0; i < adding->rows[which].count; i++)
			lacks[adding->rows[which].items[i].element] |= !adding->went_in[which][i];
	for (uint32_t i = 0; i < count; i++)
		whole += !lacks[i];
	return whole;
}

static int add_chunk(const struct kernel_set *set, const struct set_element *elements, uint32_t count, size_t *done)
{
	_cleanup_(arena_freep) struct arena *arena = arena_new();
	struct adding adding = { .set = set };
	int r = adding_begin(&adding, arena, elements, count), settled;

	if (r)
		return r;
	r = add_rows(&adding, count);
	*done += count_whole(&adding, arena, count);
	settled = adding.rows[ROWS_PREFIX].count ? settle(set, arena) : 0;
	return r ?: settled;
}

int kernel_set_add(struct kernel_set *set, const struct set_element *elements, size_t count, size_t *ret_done)
{
	size_t done = 0;
	int r = 0;

	for (size_t at = 0; r == 0 && at < count; at += CHUNK)
		r = add_chunk(set, elements + at, (uint32_t)(count - at > CHUNK ? CHUNK : count - at), &done);
	*ret_done = done;
	return r;
}

/* ---- Delete ---- */

static int delete_chunk(const struct kernel_set *set, const struct set_element *elements, uint32_t count, size_t *not_there)
{
	_cleanup_(arena_freep) struct arena *arena = arena_new();
	bool *whole = arena_new_array(arena, bool, count); /* all rows of an element were there */
	uint32_t deleted = 0, present;
	struct set_rows rows[2] = { 0 };
	int r = 0;

	for (uint32_t i = 0; r == 0 && i < count; i++) {
		whole[i] = true;
		r = set_rows_of_element(arena, &set->type, &elements[i], (struct set_row){ .element = i }, rows);
	}
	for (int which = 0; r == 0 && which < 2; which++) {
		bool *there = arena_new_array(arena, bool, rows[which].count);

		r = set_rows_delete(map_fd(set, which), map_key_size(set, which), &rows[which], there);
		for (size_t i = 0; r == 0 && i < rows[which].count; i++) {
			whole[rows[which].items[i].element] &= there[i];
			deleted += there[i];
		}
	}
	if (r == 0 && set->count_fd >= 0 && set_count_read(set->count_fd, &present) == 0)
		set_count_write(set->count_fd, present > deleted ? present - deleted : 0);
	for (uint32_t i = 0; r == 0 && i < count; i++)
		*not_there += !whole[i];
	return r ?: rows[ROWS_PREFIX].count ? settle(set, arena) : 0;
}

int kernel_set_delete(struct kernel_set *set, const struct set_element *elements, size_t count, size_t *ret_missing)
{
	size_t missing = 0;
	int r = 0;

	for (size_t at = 0; r == 0 && at < count; at += CHUNK)
		r = delete_chunk(set, elements + at, (uint32_t)(count - at > CHUNK ? CHUNK : count - at), &missing);
	*ret_missing = missing;
	return r;
}

int kernel_set_flush(struct kernel_set *set)
{
	_cleanup_(arena_freep) struct arena *arena = arena_new();
	int r = 0;

	for (int which = 0; r == 0 && which < 2; which++) {
		struct set_rows rows = { 0 };

		if (map_fd(set, which) < 0)
			continue;
		r = set_rows_read(arena, map_fd(set, which), map_key_size(set, which), &rows);
		r = r ?: set_rows_delete(map_fd(set, which), map_key_size(set, which), &rows, NULL);
	}
	return r ?: set->count_fd >= 0 ? set_count_write(set->count_fd, 0) : 0;
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

	for (int which = 0; which < 2; which++) {
		int r = map_fd(set, which) < 0
				? 0
				: set_rows_read(scratch, map_fd(set, which), map_key_size(set, which), &rows[which]);

		if (r)
			return r;
	}
	elements = arena_new_array(arena, struct set_element, rows[0].count + rows[1].count);
	for (int which = 0; which < 2; which++)
		for (size_t i = 0; i < rows[which].count; i++) {
			const struct set_row *row = &rows[which].items[i];

			if (has_expired(row, now))
				continue;
			elements[count] = set_element_of_row(&set->type, row, which == ROWS_PREFIX);
			if (row->value.own_expires_ns)
				elements[count].timeout_s = (row->value.own_expires_ns - now + 999999999u) / 1000000000u;
			count++;
		}
	if (count)
		qsort(elements, count, sizeof(*elements), by_keys);
	*ret_count = count;
	*ret_elements = elements;
	return 0;
}
