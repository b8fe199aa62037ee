// SPDX-License-Identifier: GPL-2.0-only
/* Opening, loading and releasing an object; its programs, its maps and where they are pinned. */
#include <errno.h>
#include <limits.h>
#include <net/if.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>

#include "base/cleanup.h"
#include "kernel/load.h"
#include "kernel/pins.h"
#include "kernel/refusal.h"
#include "object/object.h"

/* There must be room for the end of a log: kernels below 6.4 keep its beginning. Untouched pages cost nothing. */
#define LOG_BYTES (16u << 20)

/* tc's PIN_OBJECT_NS and PIN_GLOBAL_NS. */
enum { PIN_NONE, PIN_OBJECT, PIN_GLOBAL };

static const struct place nowhere;

/* ---- Opening ---- */

static int refuse_open(struct weir_object *object, const char *why, int error, struct diagnostics *diagnostics)
{
	struct diagnostic *said =
		diagnose(diagnostics, SEVERITY_ERROR, nowhere, "cannot open object '%s': %s", object->name, why);

	if (strstr(why, "BTF is required"))
		diagnostic_hint(diagnostics, said, "compile it with -g: maps in .maps are described by BTF");
	return error;
}

static void find_hook(struct weir_program *program, const char *section)
{
	enum bpf_attach_type attach_type;
	enum bpf_prog_type type;
	struct hook *hook;

	program->section = section;
	program->hook = hook_find(section, &program->target);
	if (program->hook || libbpf_prog_type_by_name(section, &type, &attach_type) < 0)
		return;
	hook = arena_new_object(program->object->arena, struct hook);
	*hook = (struct hook){ section, WAY_LIBBPF, type, attach_type };
	if (strncmp(section, "cgroup", 6) == 0 || strcmp(section, "sockops") == 0)
		hook->way = WAY_CGROUP;
	program->hook = hook;
}

static void list_programs(struct weir_object *object)
{
	struct bpf_program *bpf;

	bpf_object__for_each_program(bpf, object->bpf) object->program_count++;
	object->programs = arena_new_array(object->arena, struct weir_program, object->program_count + 1);
	object->program_count = 0;
	bpf_object__for_each_program(bpf, object->bpf)
	{
		struct weir_program *program = &object->programs[object->program_count++];

		program->object = object;
		program->bpf = bpf;
		program->chosen = !object->only_chosen && bpf_program__autoload(bpf);
		find_hook(program, arena_strdup(object->arena, bpf_program__section_name(bpf)));
	}
}

/* FNV-1a of all that the object has: what programs of the same file share, and nobody else. */
static uint64_t hash(const void *bytes, size_t length)
{
	const uint8_t *at = bytes;
	uint64_t result = 14695981039346656037ull;

	for (size_t i = 0; i < length; i++)
		result = (result ^ at[i]) * 1099511628211ull;
	return result;
}

/* As tc does: shared by all (tc/globals), or by those who load the same object. */
static const char *legacy_pin(const struct weir_object *object, const struct legacy_map *map, uint64_t object_hash)
{
	if (map->pinning == PIN_GLOBAL)
		return arena_printf(object->arena, "%s/tc/globals/%s", object->bpffs, map->name);
	if (map->pinning == PIN_OBJECT && map->is_tc)
		return arena_printf(object->arena, "%s/tc/%016llx/%s", object->bpffs, (unsigned long long)object_hash, map->name);
	/* Aya's "by name". */
	if (map->pinning == PIN_OBJECT)
		return arena_printf(object->arena, "%s/%s", object->bpffs, map->name);
	return NULL;
}

static void describe_map(struct weir_map *map, const struct legacy_maps *legacy, uint64_t object_hash)
{
	for (size_t i = 0; i < legacy->count; i++) {
		const struct legacy_map *item = &legacy->items[i];

		if (strcmp(item->name, bpf_map__name(map->bpf)) != 0)
			continue;
		map->pin = legacy_pin(map->object, item, object_hash);
		if (!item->is_tc)
			return;
		map->id = item->id;
		/* It is an element of the map of maps that names its id. */
		for (size_t k = 0; k < legacy->count; k++) {
			if (!legacy->items[k].is_tc || !item->id || legacy->items[k].inner_id != item->id)
				continue;
			map->inner_of = legacy->items[k].id;
			map->inner_index = item->inner_index;
		}
		return;
	}
	map->pin = bpf_map__pin_path(map->bpf);
	if (!map->pin && map->object->pin_maps && !bpf_map__is_internal(map->bpf))
		map->pin = arena_printf(map->object->arena, "%s/%s", map->object->pin_maps, bpf_map__name(map->bpf));
}

static int list_maps(struct weir_object *object, const struct legacy_maps *legacy, uint64_t object_hash)
{
	struct bpf_map *bpf;
	int r = 0;

	bpf_object__for_each_map(bpf, object->bpf) object->map_count++;
	object->maps = arena_new_array(object->arena, struct weir_map, object->map_count + 1);
	object->map_count = 0;
	bpf_object__for_each_map(bpf, object->bpf)
	{
		struct weir_map *map = &object->maps[object->map_count++];

		*map = (struct weir_map){ .object = object, .bpf = bpf, .id = -1, .inner_of = -1, .inner_index = -1 };
		describe_map(map, legacy, object_hash);
		if (map->pin && !r)
			r = bpf_map__set_pin_path(bpf, map->pin);
	}
	return r;
}

static void object_free(struct weir_object **object)
{
	weir_object_close(*object);
	*object = NULL;
}

int object_open(void *image, size_t length, const char *name, const struct weir_object_options *options,
		struct diagnostics *diagnostics, struct weir_object **ret_object)
{
	struct arena *arena = arena_new();
	_cleanup_(object_free) struct weir_object *object = arena_new_object(arena, struct weir_object);
	uint64_t object_hash = hash(image, length);
	struct legacy_maps legacy = { 0 };
	struct bpf_object_open_opts open_options;
	struct libbpf_words words;
	const char *why = NULL;
	int r;

	object->arena = arena;
	object->image = image;
	object->name = arena_strdup(arena, name);
	object->bpffs = arena_strdup(arena, options->bpffs ? options->bpffs : "/sys/fs/bpf");
	object->pin_maps = options->pin_maps ? arena_strdup(arena, options->pin_maps) : NULL;
	object->verifier_log = options->verifier_log;
	object->only_chosen = options->only_chosen;
	r = modern_elf(arena, &object->image, &length, &legacy, &why);
	if (r)
		return refuse_open(object, why, r, diagnostics);
	memset(&open_options, 0, sizeof(open_options));
	open_options.sz = sizeof(open_options);
	open_options.object_name = object->name;
	open_options.pin_root_path = object->bpffs;
	libbpf_words_begin(&words);
	object->bpf = bpf_object__open_mem(object->image, length, &open_options);
	r = object->bpf ? 0 : -errno;
	why = libbpf_words_end(&words, arena);
	if (r)
		return refuse_open(object, *why ? why : error_print(arena, r), r, diagnostics);
	list_programs(object);
	r = list_maps(object, &legacy, object_hash);
	if (r)
		return refuse_open(object, "a map's pin has no good path", r, diagnostics);
	*ret_object = TAKE_PTR(object);
	return 0;
}

void weir_object_close(struct weir_object *object)
{
	if (!object)
		return;
	for (size_t i = object->attached.count; i-- > 0;)
		attached_release(&object->attached.items[i]);
	for (size_t i = 0; i < object->map_count; i++)
		if (object->maps[i].memory)
			munmap(object->maps[i].memory, bpf_map__value_size(object->maps[i].bpf));
	bpf_object__close(object->bpf);
	for (size_t i = 0; i < object->program_count; i++)
		free(object->programs[i].log);
	free(object->image);
	arena_free(object->arena);
}

void weir_object_undo(struct weir_object *object)
{
	for (size_t i = object->attached.count; i-- > 0;) {
		struct attached *attached = &object->attached.items[i];

		if (attached->pin)
			unlink(attached->pin);
		attached->lasting = false;
		attached_release(attached);
	}
	object->attached.count = 0;
	for (size_t i = 0; i < object->map_count; i++)
		if (object->loaded && object->maps[i].pin && !object->maps[i].pin_was_there)
			unlink(object->maps[i].pin);
	pin_folders_remove(object);
}

/* ---- Loading ---- */

int program_set_hook(struct weir_program *program, const char *section, struct diagnostics *diagnostics)
{
	const char *own = arena_strdup(program->object->arena, section);
	struct diagnostic *said;

	if (program->object->loaded) {
		diagnose(diagnostics, SEVERITY_ERROR, nowhere, "a loaded program can have no other hook");
		return -EBUSY;
	}
	find_hook(program, own);
	if (program->hook)
		return 0;
	said = diagnose(diagnostics, SEVERITY_ERROR, nowhere, "there is no hook '%s'", section);
	diagnostic_hint(diagnostics, said,
			"such as xdp, tc/ingress, cgroup_skb/egress, kprobe, fentry/FUNCTION, lsm/HOOK, socket");
	return -EINVAL;
}

/* Type and target, as libbpf is to load it. */
static int prepare_program(struct weir_program *program, struct diagnostics *diagnostics)
{
	const struct hook *hook = program->hook;
	struct diagnostic *said;
	int r = 0;

	bpf_program__set_autoload(program->bpf, program->chosen);
	if (!program->chosen)
		return 0;
	if (!hook) {
		said = diagnose(diagnostics, SEVERITY_ERROR, nowhere,
				"no hook is known for the section '%s' of '%s', where the program %s stands", program->section,
				program->object->name, weir_program_name(program));
		diagnostic_hint(diagnostics, said, "say which hook it is for: tc/ingress, xdp, ...");
		return -EINVAL;
	}
	/* libbpf's own words need no help, and know more. */
	if (program->section != NULL && strcmp(program->section, bpf_program__section_name(program->bpf)) == 0 &&
	    bpf_program__type(program->bpf) == hook->type && hook->way != WAY_CGROUP)
		return 0;
	r = bpf_program__set_type(program->bpf, hook->type);
	if (!r)
		r = bpf_program__set_expected_attach_type(program->bpf, hook->attach_type);
	if (!r && (hook->way == WAY_BTF || hook->way == WAY_LSM) && program->target)
		r = bpf_program__set_attach_target(program->bpf, 0, program->target);
	if (!r)
		return 0;
	diagnose(diagnostics, SEVERITY_ERROR_KERNEL, nowhere, "cannot load program %s of '%s' as %s: %s",
		 weir_program_name(program), program->object->name, program->section, error_print(diagnostics->arena, r));
	return r;
}

static int prepare_pins(struct weir_object *object, struct diagnostics *diagnostics)
{
	for (size_t i = 0; i < object->map_count; i++) {
		struct weir_map *map = &object->maps[i];
		int r = map->pin ? pin_folders_make(object, map->pin) : 0;
		struct diagnostic *said;

		map->pin_was_there = map->pin && access(map->pin, F_OK) == 0;
		if (!r)
			continue;
		said = diagnose(diagnostics, SEVERITY_ERROR_SURROUNDINGS, nowhere, "cannot pin map %s at %s: %s",
				weir_map_name(map), map->pin,
				r == -EXDEV ? "that is not in a bpffs" : error_print(diagnostics->arena, r));
		diagnostic_hint(diagnostics, said, "is a bpffs mounted there? 'mount -t bpf bpf /sys/fs/bpf'");
		return r;
	}
	return 0;
}

static int refuse_load(struct weir_object *object, int error, const char *words, struct diagnostics *diagnostics)
{
	bool unprivileged = (error == -EPERM || error == -EACCES) && geteuid() != 0;
	struct weir_program *refused = NULL;
	struct diagnostic *said;

	for (size_t i = 0; i < object->program_count && !refused; i++)
		if (object->programs[i].chosen && object->programs[i].log && *object->programs[i].log &&
		    bpf_program__fd(object->programs[i].bpf) < 0)
			refused = &object->programs[i];
	said = refused ? diagnose(diagnostics, unprivileged ? SEVERITY_ERROR_SURROUNDINGS : SEVERITY_ERROR_KERNEL, nowhere,
				  "cannot load program %s of '%s' (%s): %s", weir_program_name(refused), object->name,
				  refused->section, error_print(diagnostics->arena, error))
		       : diagnose(diagnostics, unprivileged ? SEVERITY_ERROR_SURROUNDINGS : SEVERITY_ERROR_KERNEL, nowhere,
				  "cannot load '%s': %s%s%s", object->name, error_print(diagnostics->arena, error),
				  *words && !unprivileged ? ": " : "", unprivileged ? "" : words);
	if (unprivileged)
		diagnostic_hint(diagnostics, said, "loading programs into the kernel needs root");
	else if (refused)
		diagnostic_hint(diagnostics, said, "the verifier's log ends:%s", refusal_log_tail(diagnostics->arena, refused->log));
	else if (access("/sys/kernel/btf/vmlinux", R_OK) != 0)
		diagnostic_hint(diagnostics, said,
				"some programs need a kernel that describes its types (CONFIG_DEBUG_INFO_BTF)");
	return error;
}

/* tc's maps of maps: the inner maps that name an index are put there. */
static int fill_outer_maps(struct weir_object *object)
{
	for (size_t i = 0; i < object->map_count; i++) {
		const struct weir_map *inner = &object->maps[i];
		uint32_t index = (uint32_t)inner->inner_index;
		int fd = weir_map_fd(inner);

		for (size_t k = 0; inner->inner_of >= 0 && k < object->map_count; k++)
			if (object->maps[k].id == inner->inner_of &&
			    bpf_map_update_elem(weir_map_fd(&object->maps[k]), &index, &fd, BPF_ANY))
				return -errno;
	}
	return 0;
}

static int set_logs(struct weir_object *object)
{
	for (size_t i = 0; i < object->program_count; i++) {
		struct weir_program *program = &object->programs[i];

		if (!program->chosen)
			continue;
		program->log = malloc(LOG_BYTES);
		if (!program->log)
			return -ENOMEM;
		program->log[0] = '\0';
		bpf_program__set_log_buf(program->bpf, program->log, LOG_BYTES);
		if (object->verifier_log)
			bpf_program__set_log_level(program->bpf, 2);
	}
	return 0;
}

int object_load(struct weir_object *object, struct diagnostics *diagnostics)
{
	struct libbpf_words words;
	const char *said;
	int r = 0;

	if (object->loaded) {
		diagnose(diagnostics, SEVERITY_ERROR, nowhere, "'%s' is loaded already", object->name);
		return -EBUSY;
	}
	kernel_raise_memlock();
	for (size_t i = 0; i < object->program_count && !r; i++)
		r = prepare_program(&object->programs[i], diagnostics);
	r = r ? r : prepare_pins(object, diagnostics);
	if (r) {
		pin_folders_remove(object);
		return r;
	}
	libbpf_words_begin(&words);
	r = set_logs(object);
	r = r ? r : bpf_object__load(object->bpf);
	r = r ? r : fill_outer_maps(object);
	said = libbpf_words_end(&words, object->arena);
	if (r) {
		pin_folders_remove(object);
		return refuse_load(object, r, said, diagnostics);
	}
	object->loaded = true;
	return 0;
}

/* ---- What is asked of objects, programs and maps ---- */

const char *weir_object_name(const struct weir_object *object)
{
	return object->name;
}

struct weir_program *weir_object_program(struct weir_object *object, const char *name)
{
	struct weir_program *found = NULL;

	for (size_t i = 0; object && i < object->program_count; i++)
		if (strcmp(weir_program_name(&object->programs[i]), name) == 0)
			return &object->programs[i];
	for (size_t i = 0; object && i < object->program_count; i++) {
		if (strcmp(bpf_program__section_name(object->programs[i].bpf), name) != 0)
			continue;
		if (found)
			return NULL;
		found = &object->programs[i];
	}
	return found;
}

size_t weir_object_program_count(const struct weir_object *object)
{
	return object->program_count;
}

struct weir_program *weir_object_program_at(struct weir_object *object, size_t index)
{
	return &object->programs[index];
}

const char *weir_program_name(const struct weir_program *program)
{
	return bpf_program__name(program->bpf);
}

const char *weir_program_section(const struct weir_program *program)
{
	return bpf_program__section_name(program->bpf);
}

const char *weir_program_hook(const struct weir_program *program)
{
	return program->hook ? program->section : NULL;
}

void weir_program_choose(struct weir_program *program)
{
	program->chosen = true;
}

const char *weir_program_verifier_log(const struct weir_program *program)
{
	return program->log ? program->log : "";
}

int weir_program_fd(const struct weir_program *program)
{
	int fd = bpf_program__fd(program->bpf);

	return fd < 0 ? -1 : fd;
}

struct weir_map *weir_object_map(struct weir_object *object, const char *name)
{
	for (size_t i = 0; object && i < object->map_count; i++)
		if (strcmp(bpf_map__name(object->maps[i].bpf), name) == 0)
			return &object->maps[i];
	return NULL;
}

size_t weir_object_map_count(const struct weir_object *object)
{
	return object->map_count;
}

struct weir_map *weir_object_map_at(struct weir_object *object, size_t index)
{
	return &object->maps[index];
}

const char *weir_map_name(const struct weir_map *map)
{
	return bpf_map__name(map->bpf);
}

int weir_map_fd(const struct weir_map *map)
{
	int fd = bpf_map__fd(map->bpf);

	return fd < 0 ? -1 : fd;
}

int64_t weir_map_id(const struct weir_map *map)
{
	return map->id;
}

const char *weir_map_pin(const struct weir_map *map)
{
	return map->pin;
}

/* ---- Elements ---- */

static bool is_per_cpu(const struct bpf_map *map)
{
	switch (bpf_map__type(map)) {
	case BPF_MAP_TYPE_PERCPU_HASH:
	case BPF_MAP_TYPE_PERCPU_ARRAY:
	case BPF_MAP_TYPE_LRU_PERCPU_HASH:
	case BPF_MAP_TYPE_PERCPU_CGROUP_STORAGE:
		return true;
	default:
		return false;
	}
}

int weir_cpu_count(void)
{
	return libbpf_num_possible_cpus();
}

static int check_sizes(const struct weir_map *map, size_t key_size, size_t value_size)
{
	size_t wanted = map ? bpf_map__value_size(map->bpf) : 0;

	if (!map || !map->object->loaded)
		return -ENOENT;
	if (is_per_cpu(map->bpf))
		wanted = ((wanted + 7) & ~(size_t)7) * (size_t)weir_cpu_count();
	return key_size == bpf_map__key_size(map->bpf) && value_size == wanted ? 0 : -EINVAL;
}

int weir_map_get(const struct weir_map *map, const void *key, size_t key_size, void *ret_value, size_t value_size)
{
	int r = check_sizes(map, key_size, value_size);

	if (r)
		return r;
	return bpf_map_lookup_elem(weir_map_fd(map), key, ret_value) ? -errno : 0;
}

int weir_map_put(const struct weir_map *map, const void *key, size_t key_size, const void *value, size_t value_size)
{
	int r = check_sizes(map, key_size, value_size);

	if (r)
		return r;
	return bpf_map_update_elem(weir_map_fd(map), key, value, BPF_ANY) ? -errno : 0;
}

static int check_key(const struct weir_map *map, size_t key_size)
{
	if (!map || !map->object->loaded)
		return -ENOENT;
	return key_size == bpf_map__key_size(map->bpf) ? 0 : -EINVAL;
}

int weir_map_delete(const struct weir_map *map, const void *key, size_t key_size)
{
	int r = check_key(map, key_size);

	if (r)
		return r;
	return bpf_map_delete_elem(weir_map_fd(map), key) ? -errno : 0;
}

int weir_map_next(const struct weir_map *map, const void *key, void *ret_key, size_t key_size)
{
	int r = check_key(map, key_size);

	if (r)
		return r;
	return bpf_map_get_next_key(weir_map_fd(map), key, ret_key) ? -errno : 0;
}
