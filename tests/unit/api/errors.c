// SPDX-License-Identifier: GPL-2.0-only
/* What weir.h says that functions give when something is wrong. */
#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

#include "../../tap.h"
#include "weir/weir.h"

static struct weir_messages *messages;

TEST(an_object_that_cannot_be_read_is_told_apart_from_one_that_is_none)
{
	struct weir_object *object = (struct weir_object *)9999;

	CHECK_NUMBER(weir_object_open("/nonexistent", NULL, messages, &object), -ENOENT);
	CHECK_NUMBER(weir_messages_exit_code(messages), 3);
	weir_messages_clear(messages);
	CHECK_NUMBER(weir_object_open("/proc/self/exe", NULL, messages, &object), -EINVAL);
	CHECK_NUMBER(weir_messages_exit_code(messages), 1);
	CHECK_NUMBER(weir_object_open_memory("", 0, NULL, messages, &object), -EINVAL);
	CHECK(object == (struct weir_object *)9999);
	CHECK_NUMBER(weir_program_attach(NULL, "lo", NULL, messages), -ENOENT);
	CHECK_NUMBER(WEIR_MAP_DELETE(NULL, "key"), -ENOENT);
	weir_messages_clear(messages);
}

TEST(types_that_are_not_there_are_told)
{
	const char *const names[] = { "no_such_type" };
	struct weir_types_options options = WEIR_OPTIONS(struct weir_types_options);

	options.btf = "/nonexistent";
	CHECK_NUMBER(weir_types_print(names, 1, &options, stdout, messages), -ENOENT);
	weir_messages_clear(messages);
}

TEST(who_did_not_open_the_kernel_for_a_change_changes_nothing)
{
	struct weir_kernel_options options = WEIR_OPTIONS(struct weir_kernel_options);
	struct weir_kernel *kernel = NULL;
	struct weir_policy *policy = NULL;
	char path[] = "/tmp/weir-unit-XXXXXX";
	int fd = mkstemp(path);

	dprintf(fd, "chain edge { hook xdp ingress on nosuch0; policy accept; tcp dport 80 drop }\n");
	close(fd);
	options.pins = "/sys/fs/bpf/no-weir-here";
	CHECK_NUMBER(weir_kernel_open(&options, messages, &kernel), 0);
	CHECK_NUMBER(weir_policy_compile(path, NULL, messages, &policy), 0);
	if (kernel && policy) {
		CHECK_NUMBER(weir_kernel_apply(kernel, policy, NULL, messages), -EBADF);
		CHECK_NUMBER(weir_messages_exit_code(messages), 1);
		CHECK_NUMBER(weir_kernel_remove(kernel, NULL, messages), -EBADF);
		CHECK_NUMBER(weir_kernel_guard(kernel, false, messages), -EBADF);
	}
	unlink(path);
	weir_policy_free(policy);
	weir_kernel_close(kernel);
	weir_messages_clear(messages);
}

TEST(packets_of_what_is_not_there_are_told)
{
	static const char *const nowhere[] = { "nosuch0" }, *const loopback[] = { "lo" };
	struct weir_packets_options options = WEIR_OPTIONS(struct weir_packets_options);
	struct weir_packets *packets = NULL;

	CHECK_NUMBER(weir_packets_open(nowhere, 1, NULL, messages, &packets), -ENODEV);
	options.filter = "tcp prot 80";
	CHECK_NUMBER(weir_packets_open(loopback, 1, &options, messages, &packets), -EINVAL);
	options.filter = NULL;
	options.netns = "no-such-namespace";
	CHECK_NUMBER(weir_packets_open(loopback, 1, &options, messages, &packets), -ENOENT);
	CHECK(!packets);
	weir_messages_clear(messages);
}

int main(void)
{
	messages = weir_messages_new();
	RUN(an_object_that_cannot_be_read_is_told_apart_from_one_that_is_none);
	RUN(types_that_are_not_there_are_told);
	RUN(packets_of_what_is_not_there_are_told);
	if (geteuid() == 0)
		RUN(who_did_not_open_the_kernel_for_a_change_changes_nothing);
	else
		SKIP(who_did_not_open_the_kernel_for_a_change_changes_nothing, "needs root");
	weir_messages_free(messages);
	return tap_end();
}
