// SPDX-License-Identifier: GPL-2.0-only
/*
 * /proc/PID/cgroup of every process in, containers out. A path is gone through part by part; the innermost part that is a
 * container's is the one that the process is in. What a container began with is its oldest process: it is the one whose network
 * namespace is the container's, and when it ends, so does the container.
 */
#include "host/container.h"

#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "host/container_names.h"

#define ID_DIGITS	64
#define ID_LEAST_DIGITS 4 /* of an id's beginning that is taken for it */
#define ID_SHORT	12

/* While they are gathered. */
struct found {
	struct container container;
	unsigned long long began; /* of its process, in ticks since boot */
};

struct gathering {
	struct arena *arena;
	const char *own; /* cgroup of the container that weir itself is in; "": it is in none */
	VECTOR(struct found) list;
};

/* ---- What a part of a cgroup's path says ---- */

static size_t id_digits(const char *text)
{
	return strspn(text, "0123456789abcdef");
}

/* "docker-ID.scope", as systemd's driver names them, or the same without ".scope" */
static bool is_scope_of_id(const char *part, const char **ret_runtime, const char **ret_id)
{
	static const char *const prefixes[][2] = {
		{ "docker-", "docker" }, { "libpod-", "podman" },      { "cri-containerd-", "containerd" },
		{ "crio-", "cri-o" },	 { "nerdctl-", "containerd" },
	};

	for (size_t i = 0; i < sizeof(prefixes) / sizeof(prefixes[0]); i++) {
		size_t length = strlen(prefixes[i][0]);

		if (strncmp(part, prefixes[i][0], length) != 0 || id_digits(part + length) != ID_DIGITS)
			continue;
		if (part[length + ID_DIGITS] && strcmp(part + length + ID_DIGITS, ".scope") != 0)
			continue;
		*ret_runtime = prefixes[i][1];
		*ret_id = part + length;
		return true;
	}
	return false;
}

/* "\x2d" of systemd's names back to "-" */
static const char *unescape(struct arena *arena, const char *text, size_t length)
{
	char *copy = arena_strndup(arena, text, length), *to = copy;

	for (const char *from = copy; *from; to++) {
		unsigned int byte;

		if (from[0] == '\\' && from[1] == 'x' && isxdigit((unsigned char)from[2]) &&
		    sscanf(from + 2, "%2x", &byte) == 1) {
			*to = (char)byte;
			from += 4;
		} else {
			*to = *from++;
		}
	}
	*to = '\0';
	return copy;
}

/* PREFIX NAME SUFFIX -> NAME */
static const char *between(struct arena *arena, const char *part, const char *prefix, const char *suffix)
{
	size_t length = strlen(part), before = strlen(prefix), after = strlen(suffix);

	if (length <= before + after || strncmp(part, prefix, before) != 0 || strcmp(part + length - after, suffix) != 0)
		return NULL;
	return unescape(arena, part + before, length - before - after);
}

/* BEFORE: the part before it, "" at the beginning. BEHIND: the one behind it. False: it is no container's. */
static bool read_part(struct arena *arena, const char *before, const char *part, const char *behind,
		      struct container *ret_container)
{
	const char *runtime, *id, *name;

	if (is_scope_of_id(part, &runtime, &id) || (id_digits(part) == ID_DIGITS && !part[ID_DIGITS])) {
		if (id_digits(part) == ID_DIGITS) {
			runtime = strcmp(before, "docker") == 0		 ? "docker"
				  : strcmp(before, "libpod_parent") == 0 ? "podman"
									 : "oci";
			id = part;
		}
		*ret_container = (struct container){ .runtime = runtime, .id = arena_strndup(arena, id, ID_DIGITS) };
		return true;
	}
	name = between(arena, part, "lxc.payload.", "");
	if (!name && (strcmp(before, "lxc.payload") == 0 || strcmp(before, "lxc") == 0) && *part)
		name = arena_strdup(arena, part);
	if (name) {
		*ret_container = (struct container){ .runtime = "lxc", .name = name };
		return true;
	}
	name = between(arena, part, "systemd-nspawn@", ".service");
	if (!name && strcmp(before, "machine.slice") == 0)
		name = between(arena, part, "machine-", ".scope");
	/* systemd-nspawn itself stays outside, in a cgroup beside what it began. */
	if (!name || strcmp(behind, "supervisor") == 0)
		return false;
	*ret_container = (struct container){ .runtime = "nspawn", .name = name };
	return true;
}

/* "user-1000.slice": that user makes cgroups below it, and names them. What root's own has is the system's. */
static bool is_slice_of_user(const char *part)
{
	unsigned int uid;
	int end = 0;

	return sscanf(part, "user-%u.slice%n", &uid, &end) == 1 && end && !part[end] && uid != 0;
}

bool container_of_cgroup(struct arena *arena, const char *path, struct container *ret_container)
{
	char *parts = arena_strdup(arena, path), *rest = parts, *part = strsep(&rest, "/");
	const char *before = "", *owner = "";
	bool any = false;

	for (; part; before = part, part = rest ? strsep(&rest, "/") : NULL) {
		char *behind = arena_strndup(arena, rest ? rest : "", rest ? strcspn(rest, "/") : 0);
		struct container container;

		if (is_slice_of_user(part))
			owner = part;
		if (!read_part(arena, before, part, behind, &container))
			continue;
		container.cgroup = arena_strndup(arena, path, (size_t)(part + strlen(part) - parts));
		container.owner = owner;
		*ret_container = container;
		owner = container.cgroup;
		any = true;
	}
	return any;
}

/* ---- Processes ---- */

static bool same_text(const char *a, const char *b)
{
	return a && b ? strcmp(a, b) == 0 : a == b;
}

static bool same(const struct container *a, const struct container *b)
{
	if (strcmp(a->owner, b->owner) != 0)
		return false;
	return a->id || b->id ? same_text(a->id, b->id) : strcmp(a->runtime, b->runtime) == 0 && same_text(a->name, b->name);
}

static struct found *find_or_add(struct gathering *gathering, const struct container *container)
{
	struct found fresh = { .container = *container };

	for (size_t i = 0; i < gathering->list.count; i++)
		if (same(&gathering->list.items[i].container, container))
			return &gathering->list.items[i];
	fresh.container.cgroup = NULL;
	vector_push(gathering->arena, &gathering->list, fresh);
	return &gathering->list.items[gathering->list.count - 1];
}

/* When it began, the 22nd field of its stat; the second, its name, may hold anything but ends with the last parenthesis. */
static bool read_begin(int pid, unsigned long long *ret_began)
{
	_cleanup_fclose_ FILE *file = NULL;
	char path[64], text[1024], *at;
	size_t length;

	snprintf(path, sizeof(path), "/proc/%d/stat", pid);
	file = fopen(path, "re");
	length = file ? fread(text, 1, sizeof(text) - 1, file) : 0;
	text[length] = '\0';
	at = strrchr(text, ')');
	for (int field = 2; at && field < 22; field++)
		at = strchr(at + 1, ' ');
	return at && sscanf(at, "%llu", ret_began) == 1;
}

/* LINE is "0::/path" of cgroup2, "4:memory:/path" of older hierarchies, which tell containers, too. False: it tells none. */
static bool read_line(struct arena *arena, char *line, struct container *ret_container)
{
	char *path = strchr(line, ':');

	line[strcspn(line, "\n")] = '\0';
	path = path ? strchr(path + 1, ':') : NULL;
	return path && container_of_cgroup(arena, path + 1, ret_container);
}

static const char *own_container(struct arena *arena)
{
	_cleanup_fclose_ FILE *file = fopen("/proc/self/cgroup", "re");
	_cleanup_free_ char *line = NULL;
	struct container container;
	size_t size = 0;

	while (file && getline(&line, &size, file) > 0)
		if (read_line(arena, line, &container))
			return container.cgroup;
	return "";
}

static void read_process(struct gathering *gathering, int pid)
{
	_cleanup_fclose_ FILE *file = NULL;
	_cleanup_free_ char *line = NULL;
	unsigned long long began = 0;
	size_t size = 0;
	char name[64];

	snprintf(name, sizeof(name), "/proc/%d/cgroup", pid);
	file = fopen(name, "re");
	while (file && getline(&line, &size, file) > 0) {
		struct container container;
		struct found *found;

		if (!read_line(gathering->arena, line, &container))
			continue;
		if (strcmp(container.owner, gathering->own) == 0)
			container.owner = "";
		if (!began && !read_begin(pid, &began))
			return;
		found = find_or_add(gathering, &container);
		if (strncmp(line, "0:", 2) == 0 && !found->container.cgroup)
			found->container.cgroup = container.cgroup;
		if (found->container.pid && (found->began < began || (found->began == began && found->container.pid <= pid)))
			continue;
		found->container.pid = pid;
		found->began = began;
	}
}

static void read_processes(struct gathering *gathering)
{
	DIR *processes = opendir("/proc");
	struct dirent *entry;

	while (processes && (entry = readdir(processes)))
		if (isdigit((unsigned char)entry->d_name[0]))
			read_process(gathering, atoi(entry->d_name));
	if (processes)
		closedir(processes);
}

/* ---- The list ---- */

static int compare(const void *a, const void *b)
{
	const struct container *left = a, *right = b;
	const char *left_name = left->name ? left->name : left->id, *right_name = right->name ? right->name : right->id;

	if (!left->pid != !right->pid)
		return left->pid ? -1 : 1;
	return strcmp(left_name, right_name) ?: strcmp(left->runtime, right->runtime);
}

struct container_list container_list(struct arena *arena)
{
	struct gathering gathering = { .arena = arena, .own = own_container(arena) };
	struct container_names names = container_names(arena);
	struct container *list;

	read_processes(&gathering);
	for (size_t i = 0; i < names.count; i++) {
		struct container named = { .runtime = names.items[i].runtime,
					   .id = names.items[i].id,
					   .owner = names.items[i].owner };
		struct found *found = find_or_add(&gathering, &named);

		found->container.name = names.items[i].name;
		found->container.runtime = named.runtime;
	}
	list = arena_new_array(arena, struct container, gathering.list.count);
	for (size_t i = 0; i < gathering.list.count; i++)
		list[i] = gathering.list.items[i].container;
	qsort(list, gathering.list.count, sizeof(*list), compare);
	return (struct container_list){ .count = gathering.list.count, .items = list };
}

/* ---- By name ---- */

static bool begins_id(const struct container *container, const char *text)
{
	size_t length = strlen(text);

	return container->id && length >= ID_LEAST_DIGITS && strncmp(container->id, text, length) == 0;
}

/* What NAME may mean; a runtime may stand before it. */
struct wanted {
	const char *runtime; /* NULL: any */
	const char *name;
	bool by_id, of_users;
};

static bool is_wanted(const struct container *container, const struct wanted *wanted)
{
	if (wanted->of_users == !*container->owner || (wanted->runtime && strcmp(container->runtime, wanted->runtime) != 0))
		return false;
	return wanted->by_id ? begins_id(container, wanted->name) : container->name && strcmp(container->name, wanted->name) == 0;
}

struct container_list container_find(struct arena *arena, const struct container_list *all, const char *name)
{
	VECTOR(struct container) matches = { 0 };
	const char *colon = strchr(name, ':');
	struct wanted wanted = { .runtime = colon ? arena_strndup(arena, name, (size_t)(colon - name)) : NULL,
				 .name = colon ? colon + 1 : name };

	for (int step = 0; step < 4 && matches.count == 0; step++) {
		wanted.of_users = step / 2;
		wanted.by_id = step % 2;
		for (size_t i = 0; i < all->count; i++)
			if (is_wanted(&all->items[i], &wanted))
				vector_push(arena, &matches, all->items[i]);
	}
	/* What runs comes first in the list, and is meant where others of the name do not. */
	while (matches.count > 1 && matches.items[0].pid && !matches.items[matches.count - 1].pid)
		matches.count--;
	return (struct container_list){ .count = matches.count, .items = matches.items };
}

const char *container_describe(struct arena *arena, const struct container *container)
{
	const char *name = container->name ? container->name : "", *of = *container->owner ? " of " : "";

	if (!container->id)
		return arena_printf(arena, "%s (%s%s%s)", name, container->runtime, of, container->owner);
	return arena_printf(arena, "%s%s(%s %.*s%s%s)", name, *name ? " " : "", container->runtime, ID_SHORT, container->id, of,
			    container->owner);
}

int container_pid(const char *name, int *ret_pid)
{
	_cleanup_(arena_freep) struct arena *arena = arena_new();
	struct container_list all = container_list(arena), found = container_find(arena, &all, name);

	if (found.count != 1 || !found.items[0].pid)
		return -ENOENT;
	*ret_pid = found.items[0].pid;
	return 0;
}
