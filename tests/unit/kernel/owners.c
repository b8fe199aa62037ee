// SPDX-License-Identifier: GPL-2.0-only
/* Who made a socket: this process makes some, and finds itself in what is stored with them. */
#include <arpa/inet.h>
#include <bpf/bpf.h>
#include <errno.h>
#include <fcntl.h>
#include <mntent.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "kernel/load.h"
#include "../../tap.h"

static int links[OWNERS_LINKS], link_count, owners = -1;
static struct {
	int client, accepted, packet;
} before = { -1, -1, -1 };

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
	FILE *comm = fopen("/proc/self/comm", "r");

	CHECK(comm && fscanf(comm, "%15s", command) == 1);
	if (comm)
		fclose(comm);
	CHECK_NUMBER(bpf_map_lookup_elem(owners, &fd, &owner), 0);
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

static const struct sockaddr_in loopback = { .sin_family = AF_INET, .sin_port = 0x0900, .sin_addr.s_addr = 0x0100007f };

TEST(a_socket_nobody_wrote_anything_of_is_known_once_it_sends_connects_or_binds)
{
	const struct sockaddr *to = (const struct sockaddr *)&loopback;
	struct sockaddr_in any = { .sin_family = AF_INET };
	_cleanup_close_ int fd = socket(AF_INET, SOCK_DGRAM, 0);

	CHECK_NUMBER(bpf_map_delete_elem(owners, &fd), 0);
	CHECK_NUMBER(bind(fd, (struct sockaddr *)&any, sizeof(any)), 0);
	check_owner(fd);
	CHECK_NUMBER(bpf_map_delete_elem(owners, &fd), 0);
	CHECK_NUMBER(sendto(fd, "x", 1, 0, to, sizeof(loopback)), 1);
	check_owner(fd);
	CHECK_NUMBER(bpf_map_delete_elem(owners, &fd), 0);
	CHECK_NUMBER(connect(fd, to, sizeof(loopback)), 0);
	check_owner(fd);
}

/* A listener and a connection to it. */
static int connect_pair(int *ret_client, int *ret_accepted)
{
	_cleanup_close_ int listener = socket(AF_INET, SOCK_STREAM, 0), client = socket(AF_INET, SOCK_STREAM, 0);
	struct sockaddr_in address = { .sin_family = AF_INET, .sin_addr = loopback.sin_addr };
	socklen_t size = sizeof(address);
	int accepted = -1;

	if (!bind(listener, (struct sockaddr *)&address, size) && !listen(listener, 1) &&
	    !getsockname(listener, (struct sockaddr *)&address, &size) && !connect(client, (struct sockaddr *)&address, size))
		accepted = accept(listener, NULL, NULL);
	*ret_client = TAKE_FD(client);
	*ret_accepted = accepted;
	return accepted < 0 ? -errno : 0;
}

TEST(an_accepted_socket_has_the_owner_of_the_one_that_listened)
{
	_cleanup_close_ int client = -1, accepted = -1;

	CHECK_NUMBER(connect_pair(&client, &accepted), 0);
	check_owner(client);
	check_owner(accepted);
}

TEST(a_child_that_sends_on_an_inherited_connection_does_not_become_its_owner)
{
	_cleanup_close_ int client = -1, accepted = -1;
	int status = -1;
	pid_t child;

	CHECK_NUMBER(connect_pair(&client, &accepted), 0);
	child = fork();
	if (child == 0)
		_exit(send(client, "x", 1, 0) != 1 || send(accepted, "x", 1, 0) != 1);
	CHECK(waitpid(child, &status, 0) == child && status == 0);
	check_owner(client);
	check_owner(accepted);
}

TEST(what_was_there_before_the_programs_is_known_by_who_holds_it)
{
	_cleanup_close_ int accepted = TAKE_FD(before.accepted), client = TAKE_FD(before.client), packet = TAKE_FD(before.packet);

	check_owner(client);
	check_owner(accepted);
	check_owner(packet);
}

TEST(nothing_is_written_down_once_the_links_are_closed)
{
	struct weir_socket_owner owner;
	_cleanup_close_ int fd = -1;

	for (int i = 0; i < link_count; i++)
		closep(&links[i]);
	fd = socket(AF_INET, SOCK_STREAM, 0);
	CHECK_NUMBER(bpf_map_lookup_elem(owners, &fd, &owner), -ENOENT);
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
	tap_ok = connect_pair(&before.client, &before.accepted) == 0;
	before.packet = socket(AF_PACKET, SOCK_RAW, 0);
	link_count = kernel_owners_attach(owners, root, links, names, &diagnostics);
	diagnostics_print(&diagnostics, stdout, false);
	tap_ok &= link_count > 0;
	tap_result("the_programs_attach_at_the_root");
	if (link_count > 0) {
		RUN(a_socket_is_known_by_who_made_it);
		RUN(a_socket_nobody_wrote_anything_of_is_known_once_it_sends_connects_or_binds);
		RUN(an_accepted_socket_has_the_owner_of_the_one_that_listened);
		RUN(a_child_that_sends_on_an_inherited_connection_does_not_become_its_owner);
		if (access("/sys/kernel/btf/vmlinux", R_OK))
			SKIP(what_was_there_before_the_programs_is_known_by_who_holds_it, "the kernel has no BTF of itself");
		else
			RUN(what_was_there_before_the_programs_is_known_by_who_holds_it);
		RUN(nothing_is_written_down_once_the_links_are_closed);
	}
	RUN(a_failure_hands_nothing_out_and_says_why);
	arena_free(arena);
	closep(&owners);
	return tap_end();
}
