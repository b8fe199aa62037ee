// SPDX-License-Identifier: GPL-2.0-only
/*
 * What a policy names by whose it is, as it is now: a container's cgroup, and the ends that a network namespace's interfaces have
 * here. What cannot be found is said with what there is.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "host/container.h"
#include "kernel/apply.h"

#define NAMES_SHOWN 12

/* "web (docker 0123456789ab), l1 (lxc)"; NULL: nothing is there */
static const char *describe(struct arena *arena, const struct container_list *list, bool running_only)
{
	const char *text = NULL;
	size_t shown = 0;

	for (size_t i = 0; i < list->count; i++) {
		if (running_only && !list->items[i].pid)
			continue;
		if (++shown > NAMES_SHOWN)
			return arena_printf(arena, "%s, ...", text);
		text = arena_printf(arena, "%s%s%s", text ? text : "", text ? ", " : "",
				    container_describe(arena, &list->items[i]));
	}
	return text;
}

static void say_unknown(struct application *apply, const struct container_list *all, const char *name, struct place place)
{
	const char *there = describe(apply->arena, all, true), *near;
	VECTOR(const char *) names = { 0 };
	struct diagnostic *said;

	for (size_t i = 0; i < all->count; i++)
		if (all->items[i].name)
			vector_push(apply->arena, &names, all->items[i].name);
	near = near_match(name, names.items, names.count);
	said = diagnose(apply->diagnostics, SEVERITY_ERROR_SURROUNDINGS, place, "no such container '%s'", name);
	if (near)
		diagnostic_hint(apply->diagnostics, said, "did you mean '%s'?", near);
	else if (there)
		diagnostic_hint(apply->diagnostics, said, "those that run: %s", there);
	else
		diagnostic_hint(apply->diagnostics, said,
				"no cgroup here looks like one of Docker, Podman, LXC or systemd-nspawn");
}

const struct container *apply_find_container(struct application *apply, const char *name, struct place place)
{
	struct container_list all = container_list(apply->arena), found = container_find(apply->arena, &all, name);
	struct diagnostic *said;

	if (found.count == 1 && found.items[0].pid)
		return found.items;
	if (found.count == 0) {
		say_unknown(apply, &all, name, place);
		return NULL;
	}
	if (!found.items[0].pid) {
		said = diagnose(apply->diagnostics, SEVERITY_ERROR_SURROUNDINGS, place, "container '%s' does not run", name);
		diagnostic_hint(apply->diagnostics, said,
				"start it, then apply the policy: what it stands on is there only then");
		return NULL;
	}
	said = diagnose(apply->diagnostics, SEVERITY_ERROR_SURROUNDINGS, place, "'%s' means several containers: %s", name,
			describe(apply->arena, &found, false));
	diagnostic_hint(apply->diagnostics, said, "write more of its id, or its runtime before it: %s:%s", found.items[0].runtime,
			name);
	return NULL;
}

const char *apply_container_cgroup(struct application *apply, const char *name, struct place place)
{
	const struct container *container = apply_find_container(apply, name, place);
	struct diagnostic *said;

	if (!container)
		return NULL;
	if (container->cgroup)
		return container->cgroup;
	said = diagnose(apply->diagnostics, SEVERITY_ERROR_SURROUNDINGS, place,
			"container '%s' has no cgroup of its own in cgroup2", name);
	diagnostic_hint(apply->diagnostics, said,
			"its runtime uses the older hierarchies only; stand on its network: on veth of container %s", name);
	return NULL;
}

const char *apply_in_netns(const struct application *apply, const char *netns)
{
	int pid;

	if (!netns)
		return "";
	if (netns[0] == '/')
		return arena_printf(apply->arena, "nsenter --net=%s ", netns);
	if (strncmp(netns, "container ", 10) == 0 ? container_pid(netns + 10, &pid) == 0 : sscanf(netns, "pid %d", &pid) == 1)
		return arena_printf(apply->arena, "nsenter -t %d -n ", pid);
	return arena_printf(apply->arena, "ip netns exec %s ", netns);
}

void apply_say_no_netns(struct application *apply, const char *netns, int error, struct place place)
{
	struct diagnostic *said;
	const char *space = strchr(netns, ' ');

	if (strncmp(netns, "container ", 10) == 0 && error == -ENOENT) {
		apply_find_container(apply, space + 1, place);
		return;
	}
	if (strncmp(netns, "pid ", 4) == 0 && error == -ENOENT) {
		said = diagnose(apply->diagnostics, SEVERITY_ERROR_SURROUNDINGS, place, "there is no process %s", space + 1);
		diagnostic_hint(apply->diagnostics, said, "a number of a process ends with it; a container's name does not");
		return;
	}
	said = diagnose(apply->diagnostics, SEVERITY_ERROR_SURROUNDINGS, place, "cannot enter network namespace '%s': %s", netns,
			error == -ENOENT ? "there is no such namespace" : strerror(-error));
	diagnostic_hint(apply->diagnostics, said, "%s",
			"ip netns list shows the named ones; a path (/proc/PID/ns/net) is taken as well");
}

/* Nothing has its other end here. */
static void say_no_ends(struct application *apply, const char *netns, const struct peers *peers, struct place place)
{
	const char *inside = NULL;
	struct diagnostic *said;
	bool veth = false;

	for (uint32_t i = 0; i < peers->count; i++) {
		const struct peer *peer = &peers->items[i];

		veth |= strcmp(peer->kind, "veth") == 0;
		inside = arena_printf(apply->arena, "%s%s%s%s%s%s", inside ? inside : "", inside ? ", " : "", peer->inside,
				      *peer->kind ? " (" : "", peer->kind, *peer->kind ? ")" : "");
	}
	said = diagnose(apply->diagnostics, SEVERITY_ERROR_SURROUNDINGS, place, "%s has no veth whose other end is here%s%s",
			netns, inside ? "; inside there are: " : ": there is no interface inside", inside ? inside : "");
	if (veth)
		diagnostic_hint(apply->diagnostics, said,
				"the other end is in a third network namespace: name it behind 'netns'");
	else if (inside)
		diagnostic_hint(apply->diagnostics, said, "stand inside: on %s netns %s", peers->items[0].inside, netns);
}

int apply_find_veths(struct application *apply, const char *netns, struct place place, struct peers *ret_ends)
{
	VECTOR(struct peer) ends = { 0 };
	struct diagnostic *said;
	struct peers peers;
	int r = peers_list(apply->arena, netns, &peers);

	if (r == -EEXIST) {
		said = diagnose(apply->diagnostics, SEVERITY_ERROR_SURROUNDINGS, place,
				"%s has no network of its own: it is in the network namespace where weir looks for its other end",
				netns);
		diagnostic_hint(apply->diagnostics, said, "stand on the interfaces themselves, or on its cgroup: hook cgroup");
		return r;
	}
	if (r) {
		apply_say_no_netns(apply, netns, r, place);
		return r;
	}
	for (uint32_t i = 0; i < peers.count; i++)
		if (peers.items[i].ifindex)
			vector_push(apply->arena, &ends, peers.items[i]);
	if (ends.count == 0) {
		say_no_ends(apply, netns, &peers, place);
		return -ENODEV;
	}
	*ret_ends = (struct peers){ .count = (uint32_t)ends.count, .items = ends.items };
	return 0;
}
