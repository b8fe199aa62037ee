// SPDX-License-Identifier: GPL-2.0-only
/* Who made a socket: this process makes some, and finds itself in the map by their cookies. */
#include <arpa/inet.h>
#include <bpf/bpf.h>
#include <errno.h>
#include <fcntl.h>
#include <mntent.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "kernel/load.h"
#include "../../tap.h"

static int links[OWNERS_LINKS], link_count, owners = -1;

static int open_cgroup_root(void)
{
	FILE *mounts = setmntent("/proc/mounts", "r");
	struct mntent *entry;
	int fd = -1;

	while (mounts && fd < 0 && (entry = getmntent(mounts)))
		if (strcmp(entry->mnt_type, "cgroup2") == 0)
			fd = open(entry->mnt_dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (mounts)
		endmntent(mounts);
	return fd;
}

static void check_owner(int fd)
{
	struct weir_socket_owner owner = {};
	char command[16] = "";
	uint64_t cookie = 0;
	socklen_t size = sizeof(cookie);
	FILE *comm = fopen("/proc/self/comm", "r");

	CHECK(comm && fscanf(comm, "%15s", command) == 1);
	if (comm)
		fclose(comm);
	CHECK_NUMBER(getsockopt(fd, SOL_SOCKET, SO_COOKIE, &cookie, &size), 0);
	CHECK_NUMBER(bpf_map_lookup_elem(owners, &cookie, &owner), 0);
	CHECK_NUMBER(owner.pid, getpid());
	CHECK_NUMBER(owner.uid, getuid());
	CHECK_TEXT(owner.command, command);
	CHECK(owner.cgroup_id != 0);
}

TEST(a_socket_is_known_by_who_made_it)
{
	_cleanup_close_ int four = socket(AF_INET, SOCK_STREAM, 0), six = socket(AF_INET6, SOCK_DGRAM, 0);

	check_owner(four);
	if (six >= 0)
		check_owner(six);
}

TEST(a_socket_that_was_there_before_is_known_once_it_sends)
{
	struct sockaddr_in to = { .sin_family = AF_INET, .sin_port = htons(9), .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	_cleanup_close_ int fd = socket(AF_INET, SOCK_DGRAM, 0);
	socklen_t size = sizeof(uint64_t);
	uint64_t cookie;

	getsockopt(fd, SOL_SOCKET, SO_COOKIE, &cookie, &size);
	CHECK_NUMBER(bpf_map_delete_elem(owners, &cookie), 0);
	CHECK_NUMBER(sendto(fd, "x", 1, 0, (struct sockaddr *)&to, sizeof(to)), 1);
	check_owner(fd);
	CHECK_NUMBER(bpf_map_delete_elem(owners, &cookie), 0);
	CHECK_NUMBER(connect(fd, (struct sockaddr *)&to, sizeof(to)), 0);
	check_owner(fd);
}

TEST(nothing_is_written_down_once_the_links_are_closed)
{
	uint64_t cookie = 0;
	socklen_t size = sizeof(cookie);
	struct weir_socket_owner owner;
	_cleanup_close_ int fd = -1;

	for (int i = 0; i < link_count; i++)
		closep(&links[i]);
	fd = socket(AF_INET, SOCK_STREAM, 0);
	getsockopt(fd, SOL_SOCKET, SO_COOKIE, &cookie, &size);
	CHECK(bpf_map_lookup_elem(owners, &cookie, &owner) != 0);
}

TEST(a_failure_hands_nothing_out_and_says_why)
{
	int untouched[OWNERS_LINKS] = { 9999 };
	const char *names[OWNERS_LINKS] = { "untouched" };
	struct arena *arena = arena_new();
	struct diagnostics diagnostics;

	diagnostics_init(&diagnostics, arena);
	CHECK(kernel_owners_attach(owners, -1, untouched, names, &diagnostics) < 0);
	CHECK_NUMBER(untouched[0], 9999);
	CHECK_TEXT(names[0], "untouched");
	CHECK_NUMBER(diagnostics.exit_code, 2);
	arena_free(arena);
}

int main(void)
{
	const char *names[OWNERS_LINKS];
	struct diagnostics diagnostics;
	_cleanup_close_ int root = -1;
	struct arena *arena;

	if (geteuid() != 0) {
		SKIP(owners, "needs root");
		return tap_end();
	}
	root = open_cgroup_root();
	if (root < 0) {
		SKIP(owners, "cgroup2 is not mounted");
		return tap_end();
	}
	kernel_raise_memlock();
	arena = arena_new();
	diagnostics_init(&diagnostics, arena);
	owners = kernel_owners_create();
	link_count = kernel_owners_attach(owners, root, links, names, &diagnostics);
	diagnostics_print(&diagnostics, stdout, false);
	tap_ok = link_count > 0;
	tap_result("the_programs_attach_at_the_root");
	if (link_count > 0) {
		RUN(a_socket_is_known_by_who_made_it);
		RUN(a_socket_that_was_there_before_is_known_once_it_sends);
		RUN(nothing_is_written_down_once_the_links_are_closed);
	}
	RUN(a_failure_hands_nothing_out_and_says_why);
	arena_free(arena);
	closep(&owners);
	return tap_end();
}
