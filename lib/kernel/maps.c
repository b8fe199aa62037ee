// SPDX-License-Identifier: GPL-2.0-only
/* Which maps a policy has is what is pinned in the folder of its generation; whose they are says the manifest. */
#include "kernel/maps.h"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/cleanup.h"
#include "kernel/manifest.h"
#include "kernel/pins.h"

static const struct place nowhere;

/* The kernel answers for programs and links as well, with other structures. */
static bool is_map(int fd)
{
	char path[64], target[64];
	ssize_t length;

	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	length = readlink(path, target, sizeof(target) - 1);
	target[length < 0 ? 0 : length] = '\0';
	return strcmp(target, "anon_inode:bpf-map") == 0;
}

int kernel_map_describe(struct arena *arena, struct kernel_map *map)
{
	struct bpf_map_info info = { 0 };
	uint32_t length = sizeof(info);

	if (!is_map(map->fd) || bpf_obj_get_info_by_fd(map->fd, &info, &length))
		return -EINVAL;
	map->kernel_id = info.id;
	map->kernel_type = info.type;
	map->key_size = info.key_size;
	map->value_size = info.value_size;
	map->max_entries = info.max_entries;
	map->flags = info.map_flags;
	map->type = libbpf_bpf_map_type_str((enum bpf_map_type)info.type);
	if (!map->type)
		map->type = arena_printf(arena, "%u", info.type);
	if (!map->name)
		map->name = arena_strndup(arena, info.name, strnlen(info.name, sizeof(info.name)));
	return 0;
}

/* "counters_3" -> a map of chain 3, "set_2_exact" -> one of set 2. False: no map that is for others. */
static bool read_name(struct arena *arena, const struct manifest *manifest, const char *pin, struct kernel_map *map)
{
	size_t word = strcspn(pin, "_");
	uint32_t index;
	int behind = 0;

	if (sscanf(pin + word, "_%u%n", &index, &behind) != 1 || strncmp(pin, "program", word) == 0 || strncmp(pin, "rules", word) == 0)
		return false;
	map->name = arena_printf(arena, "%.*s%s", (int)word, pin, pin + word + behind);
	if (strncmp(pin, "set", word) == 0) {
		if (index >= manifest->set_count || manifest->sets[index].anonymous)
			return false;
		map->set = manifest->sets[index].name;
	} else {
		if (index >= manifest->chain_count)
			return false;
		map->chain = manifest->chains[index].name;
	}
	map->id = index;
	return true;
}

static int compare(const void *a, const void *b)
{
	const struct kernel_map *left = a, *right = b;

	if (!left->set != !right->set)
		return left->set ? 1 : -1;
	if (left->id != right->id)
		return left->id < right->id ? -1 : 1;
	/* Of a chain the counters first, which every chain has. */
	if (strcmp(left->name, "counters") == 0 || strcmp(right->name, "counters") == 0)
		return strcmp(left->name, "counters") == 0 ? -1 : 1;
	return strcmp(left->name, right->name);
}

static int open_maps(struct arena *arena, const struct manifest *manifest, const char *folder, struct kernel_maps *maps)
{
	struct names names;
	int r = pins_list(arena, folder, &names);

	if (r)
		return r;
	maps->items = arena_new_array(arena, struct kernel_map, names.count);
	for (size_t i = 0; r == 0 && i < names.count; i++) {
		struct kernel_map map = { 0 };

		if (!read_name(arena, manifest, names.items[i], &map))
			continue;
		map.fd = bpf_obj_get(arena_printf(arena, "%s/%s", folder, names.items[i]));
		/* A folder beside the maps is a mark, not a map. */
		if (map.fd == -EISDIR || map.fd == -EACCES || map.fd == -EPERM)
			continue;
		r = map.fd < 0 ? map.fd : kernel_map_describe(arena, &map);
		if (map.fd >= 0)
			maps->items[maps->count++] = map;
	}
	qsort(maps->items, maps->count, sizeof(*maps->items), compare);
	for (uint32_t i = 0; i < maps->count; i++)
		maps->items[i].id = i;
	return r;
}

int kernel_maps_open(struct kernel *kernel, struct arena *arena, const char *policy, struct kernel_maps *ret_maps,
		     struct diagnostics *diagnostics)
{
	struct kernel_maps maps = { .policy = policy };
	const struct manifest *manifest;
	int r = manifest_find(arena, kernel, policy, &manifest, diagnostics);

	if (r)
		return r;
	r = open_maps(arena, manifest,
		      arena_printf(arena, "%s/g%llu", pins_policy_path(arena, kernel, policy),
				   (unsigned long long)manifest->generation),
		      &maps);
	if (r) {
		kernel_maps_close(&maps);
		diagnose(diagnostics, SEVERITY_ERROR_KERNEL, nowhere, "cannot open the maps of policy '%s': %s", policy,
			 strerror(-r));
		return r;
	}
	*ret_maps = maps;
	return 0;
}

void kernel_maps_name(struct kernel *kernel, struct arena *arena, struct kernel_maps *maps)
{
	struct diagnostics unheard;
	struct kernel_maps own;

	diagnostics_init(&unheard, arena);
	if (kernel_maps_open(kernel, arena, maps->policy, &own, &unheard))
		return;
	for (uint32_t i = 0; i < maps->count; i++)
		for (uint32_t k = 0; k < own.count; k++)
			if (maps->items[i].kernel_id == own.items[k].kernel_id) {
				maps->items[i].name = own.items[k].name;
				maps->items[i].chain = own.items[k].chain;
				maps->items[i].set = own.items[k].set;
			}
	kernel_maps_close(&own);
}

void kernel_maps_close(struct kernel_maps *maps)
{
	for (uint32_t i = 0; i < maps->count; i++)
		closep(&maps->items[i].fd);
	maps->count = 0;
}
