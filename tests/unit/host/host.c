// SPDX-License-Identifier: GPL-2.0-only
#include "host/host.h"

#include <errno.h>
#include <net/if.h>
#include <pthread.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "../../tap.h"
#include "base/limits.h"

static const struct host *host;

static int read_file(struct arena *arena, const char *name, const struct source **ret_source)
{
	return host->read_file(host->context, arena, name, ret_source);
}

TEST(a_file_is_read_whole_and_ended)
{
	struct arena *arena = arena_new();
	const struct source *source = NULL;
	char name[] = "/tmp/weir-test-XXXXXX";
	int fd = mkstemp(name);

	CHECK(write(fd, "a\0b\n", 4) == 4);
	CHECK_NUMBER(read_file(arena, name, &source), 0);
	CHECK_TEXT(source->name, name);
	CHECK_NUMBER(source->length, 4);
	CHECK(memcmp(source->text, "a\0b\n", 5) == 0);
	CHECK_NUMBER(ftruncate(fd, 0), 0);
	CHECK_NUMBER(read_file(arena, name, &source), 0);
	CHECK_NUMBER(source->length, 0);
	close(fd);
	unlink(name);
	arena_free(arena);
}

static void *feed(void *data)
{
	char block[1000];
	int fd = *(int *)data;

	memset(block, 'x', sizeof(block));
	for (int i = 0; i < 1000; i++)
		if (write(fd, block, sizeof(block)) != sizeof(block))
			break;
	close(fd);
	return NULL;
}

TEST(a_pipe_is_read_to_its_end)
{
	struct arena *arena = arena_new();
	const struct source *source = NULL;
	int ends[2];
	pthread_t thread;
	char name[64];

	CHECK_NUMBER(pipe(ends), 0);
	CHECK_NUMBER(pthread_create(&thread, NULL, feed, &ends[1]), 0);
	snprintf(name, sizeof(name), "/dev/fd/%d", ends[0]);
	/* The own descriptor of the end to write is closed by the thread, so that the reader sees the end. */
	CHECK_NUMBER(read_file(arena, name, &source), 0);
	CHECK_NUMBER(source ? source->length : 0, 1000000);
	pthread_join(thread, NULL);
	close(ends[0]);
	arena_free(arena);
}

TEST(a_file_of_the_proc_file_system_is_read_whatever_size_it_claims)
{
	struct arena *arena = arena_new();
	const struct source *source = NULL;

	CHECK_NUMBER(read_file(arena, "/proc/self/status", &source), 0);
	CHECK(source && strstr(source->text, "Pid:") != NULL);
	arena_free(arena);
}

TEST(what_cannot_be_read_is_an_errno_and_the_output_stays)
{
	struct arena *arena = arena_new();
	const struct source untouched = { 0 }, *source = &untouched;
	char name[64];
	int fd = memfd_create("large", 0);

	CHECK_NUMBER(read_file(arena, "/nowhere/at/all", &source), -ENOENT);
	CHECK_NUMBER(read_file(arena, "/", &source), -EISDIR);
	CHECK_NUMBER(ftruncate(fd, (off_t)LIMIT_SOURCE_BYTES + 1), 0);
	snprintf(name, sizeof(name), "/proc/self/fd/%d", fd);
	CHECK_NUMBER(read_file(arena, name, &source), -EFBIG);
	/* No size to go by: what is read counts. */
	CHECK_NUMBER(read_file(arena, "/dev/zero", &source), -EFBIG);
	CHECK(source == &untouched);
	close(fd);
	arena_free(arena);
}

TEST(services_and_protocols_come_from_the_systems_files)
{
	uint16_t port = 9999;
	uint8_t protocol = 99;

	CHECK_NUMBER(host->service(host->context, "no-such-service", "tcp", &port), -ENOENT);
	CHECK_NUMBER(port, 9999);
	CHECK_NUMBER(host->protocol(host->context, "no-such-protocol", &protocol), -ENOENT);
	CHECK_NUMBER(protocol, 99);
	if (access("/etc/services", R_OK) || access("/etc/protocols", R_OK))
		return;
	CHECK(host->service(host->context, "ssh", "tcp", &port) == 0 && port == 22);
	CHECK(host->service(host->context, "tftp", NULL, &port) == 0 && port == 69);
	CHECK_NUMBER(host->service(host->context, "tftp", "tcp", &port), -ENOENT);
	CHECK(host->protocol(host->context, "udp", &protocol) == 0 && protocol == 17);
}

TEST(an_interface_here_has_its_index)
{
	uint32_t index = 9999;

	CHECK_NUMBER(host->interface(host->context, "weir-no-such", NULL, &index), -ENODEV);
	CHECK_NUMBER(host->interface(host->context, "a-name-that-is-too-long-for-any", NULL, &index), -ENODEV);
	CHECK_NUMBER(index, 9999);
	CHECK_NUMBER(host->interface(host->context, "lo", NULL, &index), 0);
	CHECK_NUMBER(index, if_nametoindex("lo"));
}

TEST(a_namespace_that_is_not_there_is_ENOENT)
{
	uint32_t index = 9999;

	CHECK_NUMBER(host->interface(host->context, "lo", "weir-no-such-netns", &index), -ENOENT);
	CHECK_NUMBER(host->interface(host->context, "lo", "/nowhere/net", &index), -ENOENT);
	CHECK_NUMBER(host->interface(host->context, "lo", "/dev/null", &index), geteuid() == 0 ? -ENOENT : -EACCES);
	CHECK_NUMBER(index, 9999);
}

static ino_t own_netns(void)
{
	struct stat status = { 0 };

	stat("/proc/thread-self/ns/net", &status);
	return status.st_ino;
}

TEST(another_namespace_is_looked_into_and_the_callers_stays)
{
	char command[256], netns[32], path[64];
	ino_t before = own_netns();
	uint32_t index = 0;

	snprintf(netns, sizeof(netns), "weir-unit-%d", (int)getpid());
	snprintf(path, sizeof(path), "/run/netns/%s", netns);
	snprintf(command, sizeof(command), "ip netns add %s && ip -n %s link add weirv0 index 77 type veth peer name weirv2",
		 netns, netns);
	CHECK_NUMBER(system(command), 0);
	CHECK_NUMBER(host->interface(host->context, "weirv0", netns, &index), 0);
	CHECK_NUMBER(index, 77);
	index = 0;
	CHECK_NUMBER(host->interface(host->context, "weirv0", path, &index), 0);
	CHECK_NUMBER(index, 77);
	CHECK_NUMBER(host->interface(host->context, "weirv1", netns, &index), -ENODEV);
	CHECK_NUMBER(host->interface(host->context, "weirv0", NULL, &index), -ENODEV);
	CHECK(own_netns() == before);
	snprintf(command, sizeof(command), "ip netns del %s", netns);
	CHECK_NUMBER(system(command), 0);
}

int main(void)
{
	host = host_system();
	RUN(a_file_is_read_whole_and_ended);
	RUN(a_pipe_is_read_to_its_end);
	RUN(a_file_of_the_proc_file_system_is_read_whatever_size_it_claims);
	RUN(what_cannot_be_read_is_an_errno_and_the_output_stays);
	RUN(services_and_protocols_come_from_the_systems_files);
	RUN(an_interface_here_has_its_index);
	RUN(a_namespace_that_is_not_there_is_ENOENT);
	if (geteuid() == 0 && system("ip netns list >/dev/null 2>&1") == 0)
		RUN(another_namespace_is_looked_into_and_the_callers_stays);
	else
		SKIP(another_namespace_is_looked_into_and_the_callers_stays, "needs root and ip");
	return tap_end();
}
