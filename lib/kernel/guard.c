// SPDX-License-Identifier: GPL-2.0-only
#include "kernel/guard.h"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <time.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "kernel/attach.h"
#include "kernel/lsm.h"
#include "kernel/netns.h"
#include "kernel/pins.h"
#include "kernel/refusal.h"

#include "guard_self.skel.h"

#define MAX_LINKS 16

static const struct place nowhere;

static const char *guard_path(struct arena *arena, const struct kernel *kernel, const char *name)
{
	return arena_printf(arena, "%s/guard/%s", kernel->path, name);
}

/* A pinned map of the guard's; -1: the guard is off. */
static int open_map(struct arena *arena, const struct kernel *kernel, const char *name)
{
	return bpf_obj_get(guard_path(arena, kernel, name));
}

/* ---- What is guarded ---- */

struct keys {
	struct arena *arena;
	VECTOR(struct weir_guard_key) list;
};

static bool has_key(const struct keys *keys, const struct weir_guard_key *key)
{
	for (size_t i = 0; i < keys->list.count; i++)
		if (memcmp(&keys->list.items[i], key, sizeof(*key)) == 0)
			return true;
	return false;
}

static void add_key(struct keys *keys, uint32_t kind, uint32_t number, uint32_t netns)
{
	struct weir_guard_key key = { kind, number, netns };

	if (!has_key(keys, &key))
		vector_push(keys->arena, &keys->list, key);
}

/* What a descriptor of bpf(2)'s is, by the name that the kernel gives it. A program cannot be changed, and needs no guard. */
static void add_descriptor(struct keys *keys, int fd)
{
	struct bpf_link_info info = { 0 };
	uint32_t size = sizeof(info);
	char name[64] = "", file[64];
	bool map, link;

	snprintf(file, sizeof(file), "/proc/self/fd/%d", fd);
	if (readlink(file, name, sizeof(name) - 1) < 0)
		return;
	map = strcmp(name, "anon_inode:bpf-map") == 0;
	link = strcmp(name, "anon_inode:bpf_link") == 0 || strcmp(name, "anon_inode:bpf-link") == 0;
	/* The id stands at the same place in all of them. */
	if ((map || link) && bpf_obj_get_info_by_fd(fd, &info, &size) == 0)
		add_key(keys, map ? WEIR_GUARDED_MAP : WEIR_GUARDED_LINK, info.id, 0);
}

static void add_pins(struct keys *keys, const char *path)
{
	struct stat status;
	struct names names;

	if (lstat(path, &status))
		return;
	if (S_ISREG(status.st_mode)) {
		_cleanup_close_ int fd = bpf_obj_get(path);

		if (fd >= 0)
			add_descriptor(keys, fd);
		return;
	}
	if (!S_ISDIR(status.st_mode) || pins_list(keys->arena, path, &names))
		return;
	for (size_t i = 0; i < names.count; i++)
		add_pins(keys, arena_printf(keys->arena, "%s/%s", path, names.items[i]));
}

/* Filters of the clsact qdisc are no links: their interfaces are guarded. */
static void add_interfaces(struct keys *keys, const struct kernel *kernel)
{
	struct manifests manifests;
	struct program_ids own;

	if (manifest_read_all(keys->arena, kernel, &manifests))
		return;
	own = program_ids_of(keys->arena, manifests.items, manifests.count);
	for (size_t m = 0; m < manifests.count; m++)
		for (uint32_t c = 0; c < manifests.items[m]->chain_count; c++) {
			const struct manifest_chain *chain = &manifests.items[m]->chains[c];

			for (uint32_t a = 0; a < chain->attachment_count; a++) {
				const struct manifest_attachment *at = &chain->attachments[a];
				struct attachment_status status = { 0 };

				if (at->how == HOW_CLSACT && attachment_look(at, NULL, &own, &status) == 0 && status.present)
					add_key(keys, WEIR_GUARDED_INTERFACE, at->ifindex, (uint32_t)at->netns_inode);
			}
		}
}

/* What is new goes in before what is old comes out. */
static void write_keys(int fd, const struct keys *keys)
{
	struct weir_guard_key key, next;
	uint8_t yes = 1;
	bool more;

	for (size_t i = 0; i < keys->list.count; i++)
		bpf_map_update_elem(fd, &keys->list.items[i], &yes, BPF_ANY);
	more = bpf_map_get_next_key(fd, NULL, &key) == 0;
	while (more) {
		more = bpf_map_get_next_key(fd, &key, &next) == 0;
		if (!has_key(keys, &key))
			bpf_map_delete_elem(fd, &key);
		key = next;
	}
}

void guard_refresh(struct kernel *kernel)
{
	_cleanup_(arena_freep) struct arena *arena = arena_new();
	_cleanup_close_ int fd = open_map(arena, kernel, "guarded");
	struct keys keys = { .arena = arena };

	if (fd < 0)
		return;
	add_pins(&keys, kernel->path);
	add_interfaces(&keys, kernel);
	write_keys(fd, &keys);
}

/* ---- On and off ---- */

static int read_state(struct arena *arena, const struct kernel *kernel, struct weir_guard_state *ret_state)
{
	_cleanup_close_ int fd = open_map(arena, kernel, "state");
	uint32_t zero = 0;

	if (fd < 0)
		return -ENOENT;
	return bpf_map_lookup_elem(fd, &zero, ret_state) ? -errno : 0;
}

static void read_own_path(char *path, size_t size)
{
	ssize_t length = readlink("/proc/self/exe", path, size - 1);

	path[length > 0 ? length : 0] = '\0';
}

/* As the kernel writes a device, which stat() does not. */
static uint32_t kernel_device(dev_t device)
{
	return (uint32_t)(major(device) << 20 | minor(device));
}

static int first_state(const struct kernel *kernel, struct weir_guard_state *state)
{
	struct stat status;

	if (stat(kernel->base, &status))
		return -errno;
	*state = (struct weir_guard_state){
		.since_s = (uint64_t)time(NULL),
		.directory = status.st_ino,
		.directory_device = kernel_device(status.st_dev),
		.learn_from = (uint32_t)getpid(),
	};
	read_own_path(state->path, sizeof(state->path));
	return 0;
}

/*
 * The program at bpf(2) learns from our next call whose file is weir's. Where it does not, nobody calls it. Until then nothing
 * is refused.
 */
static int learn(struct guard_self_bpf *programs, const struct kernel *kernel)
{
	int fd = bpf_map__fd(programs->maps.guard_state), error;
	struct weir_guard_state state;
	uint32_t zero = 0, id;

	error = first_state(kernel, &state);
	if (error)
		return error;
	if (bpf_map_update_elem(fd, &zero, &state, BPF_ANY))
		return -errno;
	(void)bpf_map_get_next_id(0, &id);
	if (bpf_map_lookup_elem(fd, &zero, &state))
		return -errno;
	return state.identity ? 0 : LSM_IS_OFF;
}

static int attach_and_pin(struct arena *arena, struct guard_self_bpf *programs, const struct kernel *kernel,
			  struct bpf_link **links)
{
	struct bpf_program *program;
	int count = 0, error = 0;

	bpf_object__for_each_program(program, programs->obj)
	{
		if (count == MAX_LINKS)
			return -E2BIG;
		links[count] = bpf_program__attach(program);
		if (!links[count])
			return -errno;
		count++;
		/* The first is that at bpf(2). */
		if (count == 1)
			error = learn(programs, kernel);
		if (error)
			return error;
	}
	error = pins_make_directory(arena_printf(arena, "%s/guard", kernel->path));
	for (int i = 0; !error && i < count; i++)
		error = bpf_link__pin(links[i], guard_path(arena, kernel, arena_printf(arena, "link_%d", i)));
	if (!error)
		error = bpf_map__pin(programs->maps.attempts, guard_path(arena, kernel, "attempts"));
	if (!error)
		error = bpf_map__pin(programs->maps.guarded, guard_path(arena, kernel, "guarded"));
	/* Last: it says that the guard is on. */
	if (!error)
		error = bpf_map__pin(programs->maps.guard_state, guard_path(arena, kernel, "state"));
	return error;
}

static int remove_pins(const struct kernel *kernel)
{
	_cleanup_(arena_freep) struct arena *arena = arena_new();
	const char *path = arena_printf(arena, "%s/guard", kernel->path);

	return pins_exists(path) ? pins_remove_tree(path) : 0;
}

static int turn_on(struct kernel *kernel)
{
	_cleanup_(arena_freep) struct arena *arena = arena_new();
	struct guard_self_bpf *programs = guard_self_bpf__open();
	struct bpf_link *links[MAX_LINKS] = { 0 };
	int error = programs ? guard_self_bpf__load(programs) : -errno;

	if (!error)
		error = attach_and_pin(arena, programs, kernel, links);
	if (error)
		remove_pins(kernel);
	for (int i = 0; i < MAX_LINKS; i++)
		bpf_link__destroy(links[i]); /* a pinned one goes on */
	guard_self_bpf__destroy(programs);
	return error;
}

int guard_on(struct kernel *kernel, struct diagnostics *diagnostics)
{
	_cleanup_(arena_freep) struct arena *arena = arena_new();
	struct weir_guard_state state;
	int error = 0;

	if (read_state(arena, kernel, &state) == 0) {
		diagnose(diagnostics, SEVERITY_NOTE, nowhere, "weir guards itself already");
	} else {
		error = remove_pins(kernel); /* of a command that was killed on its way */
		if (!error)
			error = turn_on(kernel);
		if (error)
			return lsm_refuse(diagnostics, "guard weir", error);
	}
	guard_refresh(kernel);
	return 0;
}

int guard_off(struct kernel *kernel, struct diagnostics *diagnostics)
{
	_cleanup_(arena_freep) struct arena *arena = arena_new();
	struct weir_guard_state state;
	int error;

	if (read_state(arena, kernel, &state) != 0)
		diagnose(diagnostics, SEVERITY_NOTE, nowhere, "weir did not guard itself");
	error = remove_pins(kernel);
	if (error)
		diagnose(diagnostics, SEVERITY_ERROR_KERNEL, nowhere, "cannot turn the guard off: %s",
			 error_print(diagnostics->arena, error));
	return error;
}

int guard_permit(struct kernel *kernel, struct diagnostics *diagnostics)
{
	_cleanup_(arena_freep) struct arena *arena = arena_new();
	struct weir_guard_state state;
	char path[sizeof(state.path)];
	struct diagnostic *said;

	if (read_state(arena, kernel, &state) != 0)
		return 0;
	read_own_path(path, sizeof(path));
	if (strcmp(path, state.path) == 0)
		return 0;
	said = diagnose(diagnostics, SEVERITY_ERROR_SURROUNDINGS, nowhere,
			"weir guards itself: %s turned the guard on, and no other program may change anything", state.path);
	diagnostic_hint(diagnostics, said, "use that one, or turn the guard off with it: %s guard self --off", state.path);
	return -EPERM;
}

/* ---- What there is to tell ---- */

static void count_guarded(int fd, struct guard_status *status)
{
	struct weir_guard_key key, next;

	for (int more = bpf_map_get_next_key(fd, NULL, &key); more == 0;
	     more = bpf_map_get_next_key(fd, &key, &next), key = next) {
		status->links += key.kind == WEIR_GUARDED_LINK;
		status->maps += key.kind == WEIR_GUARDED_MAP;
		status->interfaces += key.kind == WEIR_GUARDED_INTERFACE;
	}
}

static void read_attempts(int fd, struct arena *arena, struct guard_status *status)
{
	uint64_t all = status->state.attempts;
	uint32_t count = all < WEIR_GUARD_ATTEMPTS ? (uint32_t)all : WEIR_GUARD_ATTEMPTS;
	struct weir_guard_attempt *attempts = arena_new_array(arena, struct weir_guard_attempt, count ? count : 1);

	for (uint32_t i = 0; i < count; i++) {
		uint32_t slot = (uint32_t)((all - count + i) % WEIR_GUARD_ATTEMPTS);

		if (bpf_map_lookup_elem(fd, &slot, &attempts[i]))
			return;
	}
	status->attempt_count = count;
	status->attempts = attempts;
}

int guard_look(struct kernel *kernel, struct arena *arena, struct guard_status *ret_status)
{
	_cleanup_close_ int guarded = -1, attempts = -1;
	struct guard_status status = { 0 };
	int error = read_state(arena, kernel, &status.state);

	if (error == -ENOENT)
		error = 0;
	else if (!error) {
		status.on = true;
		guarded = open_map(arena, kernel, "guarded");
		attempts = open_map(arena, kernel, "attempts");
		if (guarded < 0 || attempts < 0)
			return -ENOENT;
		count_guarded(guarded, &status);
		read_attempts(attempts, arena, &status);
	}
	if (!error)
		*ret_status = status;
	return error;
}
