// SPDX-License-Identifier: GPL-2.0-only
#include "host/container.h"

#include <stdlib.h>

#include "../../tap.h"

#define ID   "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"
#define ID_2 "fedcba9876543210fedcba9876543210fedcba9876543210fedcba9876543210"

/* "RUNTIME ID NAME CGROUP", "-" for what is not known; NULL: no container. */
static const char *said_of(struct arena *arena, const char *path)
{
	struct container container;

	if (!container_of_cgroup(arena, path, &container))
		return "none";
	return arena_printf(arena, "%s %s %s %s", container.runtime, container.id ? container.id : "-",
			    container.name ? container.name : "-", container.cgroup);
}

TEST(each_runtime_s_cgroups_are_known)
{
	static const char *const cases[][2] = {
		{ "/system.slice/docker-" ID ".scope", "docker " ID " - /system.slice/docker-" ID ".scope" },
		{ "/docker/" ID, "docker " ID " - /docker/" ID },
		{ "/machine.slice/libpod-" ID ".scope/container", "podman " ID " - /machine.slice/libpod-" ID ".scope" },
		{ "/libpod_parent/libpod-" ID, "podman " ID " - /libpod_parent/libpod-" ID },
		{ "/user.slice/user-1000.slice/user@1000.service/user.slice/libpod-" ID ".scope/container/init",
		  "podman " ID " - /user.slice/user-1000.slice/user@1000.service/user.slice/libpod-" ID ".scope" },
		{ "/kubepods.slice/kubepods-pod1.slice/cri-containerd-" ID ".scope",
		  "containerd " ID " - /kubepods.slice/kubepods-pod1.slice/cri-containerd-" ID ".scope" },
		{ "/kubepods/besteffort/pod1/" ID, "oci " ID " - /kubepods/besteffort/pod1/" ID },
		{ "/kubepods.slice/crio-" ID ".scope", "cri-o " ID " - /kubepods.slice/crio-" ID ".scope" },
		{ "/lxc.payload.box/system.slice/x.service", "lxc - box /lxc.payload.box" },
		{ "/lxc/box", "lxc - box /lxc/box" },
		{ "/machine.slice/machine-my\\x2dbox.scope/payload", "nspawn - my-box /machine.slice/machine-my\\x2dbox.scope" },
		{ "/machine.slice/systemd-nspawn@box.service/payload/init.scope",
		  "nspawn - box /machine.slice/systemd-nspawn@box.service" },
	};
	struct arena *arena = arena_new();

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		CHECK_TEXT(said_of(arena, cases[i][0]), cases[i][1]);
	arena_free(arena);
}

TEST(what_stands_beside_a_container_is_none)
{
	static const char *const cases[] = {
		"/",
		"",
		"/system.slice/docker.service",
		"/system.slice/docker-0123.scope",
		"/machine.slice/libpod-conmon-" ID ".scope",
		"/libpod_parent/conmon",
		"/lxc.monitor.box",
		"/lxc.pivot",
		"/machine.slice/machine-box.scope/supervisor",
		"/machine.slice/systemd-nspawn@box.service/supervisor",
		"/system.slice/docker-" ID "0.scope",
		"/system.slice/docker-" ID ".service",
	};
	struct arena *arena = arena_new();

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		CHECK_TEXT(said_of(arena, cases[i]), "none");
	arena_free(arena);
}

TEST(of_containers_in_each_other_the_innermost_is_meant)
{
	struct arena *arena = arena_new();

	CHECK_TEXT(said_of(arena, "/system.slice/docker-" ID ".scope/docker/" ID_2),
		   "docker " ID_2 " - /system.slice/docker-" ID ".scope/docker/" ID_2);
	CHECK_TEXT(said_of(arena, "/lxc.payload.box/docker/" ID), "docker " ID " - /lxc.payload.box/docker/" ID);
	arena_free(arena);
}

/* Whose the cgroup is. */
static const char *owner_of(struct arena *arena, const char *path)
{
	struct container container;

	return container_of_cgroup(arena, path, &container) ? container.owner : "none";
}

TEST(who_made_a_container_s_cgroup_is_known)
{
	struct arena *arena = arena_new();

	CHECK_TEXT(owner_of(arena, "/system.slice/docker-" ID ".scope"), "");
	CHECK_TEXT(owner_of(arena, "/user.slice/user-0.slice/session-1.scope/lxc.payload.box"), "");
	CHECK_TEXT(owner_of(arena, "/user.slice/user-1000.slice/user@1000.service/user.slice/libpod-" ID ".scope"),
		   "user-1000.slice");
	CHECK_TEXT(owner_of(arena, "/user.slice/user-1000.slicer/libpod-" ID ".scope"), "");
	CHECK_TEXT(owner_of(arena, "/lxc.payload.box/docker/" ID), "/lxc.payload.box");
	CHECK_TEXT(owner_of(arena, "/lxc.payload.box/user.slice/user-1000.slice/libpod-" ID ".scope"), "user-1000.slice");
	arena_free(arena);
}

static const struct container some[] = {
	{ "docker", ID, "web", NULL, "", 11 },
	{ "podman", ID_2, "db", NULL, "", 12 },
	{ "lxc", NULL, "web", NULL, "", 13 },
	{ "lxc", NULL, "0123", NULL, "", 14 },
	{ "docker", ID_2 "x", "cold", NULL, "", 0 },
	{ "podman", "aaaa", "db", NULL, "", 0 },
	{ "lxc", NULL, "db", NULL, "user-1000.slice", 15 },
	{ "podman", ID, "cold", NULL, "user-1000.slice", 16 },
	{ "lxc", NULL, "012345", NULL, "/lxc.payload.box", 17 },
	{ "lxc", NULL, "mine", NULL, "user-1000.slice", 18 },
};

/* The pids of those that NAME means. */
static const char *found(struct arena *arena, const char *name)
{
	struct container_list all = { sizeof(some) / sizeof(some[0]), some }, found = container_find(arena, &all, name);
	const char *text = "";

	for (size_t i = 0; i < found.count; i++)
		text = arena_printf(arena, "%s%s%d", text, i ? " " : "", found.items[i].pid);
	return text;
}

TEST(a_name_comes_before_the_beginning_of_an_id)
{
	struct arena *arena = arena_new();

	CHECK_TEXT(found(arena, "db"), "12");
	CHECK_TEXT(found(arena, "web"), "11 13");
	CHECK_TEXT(found(arena, "docker:web"), "11");
	CHECK_TEXT(found(arena, "lxc:web"), "13");
	CHECK_TEXT(found(arena, "podman:web"), "");
	CHECK_TEXT(found(arena, "0123"), "14");
	CHECK_TEXT(found(arena, "012345"), "11");
	CHECK_TEXT(found(arena, "fedc"), "12");
	CHECK_TEXT(found(arena, "fed"), "");
	CHECK_TEXT(found(arena, ID), "11");
	CHECK_TEXT(found(arena, "cold"), "0");
	CHECK_TEXT(found(arena, ""), "");
	arena_free(arena);
}

TEST(what_users_name_as_they_like_never_stands_for_what_is_the_system_s)
{
	struct arena *arena = arena_new();

	CHECK_TEXT(found(arena, "db"), "12");
	CHECK_TEXT(found(arena, "cold"), "0");
	CHECK_TEXT(found(arena, "012345"), "11");
	CHECK_TEXT(found(arena, "mine"), "18");
	arena_free(arena);
}

int main(void)
{
	RUN(each_runtime_s_cgroups_are_known);
	RUN(what_stands_beside_a_container_is_none);
	RUN(of_containers_in_each_other_the_innermost_is_meant);
	RUN(who_made_a_container_s_cgroup_is_known);
	RUN(a_name_comes_before_the_beginning_of_an_id);
	RUN(what_users_name_as_they_like_never_stands_for_what_is_the_system_s);
	return tap_end();
}
