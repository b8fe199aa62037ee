// SPDX-License-Identifier: GPL-2.0-only
/*
 * Policies change under a flood, and applies are killed under one. An observer that is not weir's, behind weir's programs, counts
 * what comes through: frames that every generation drops, so that one of them seen is a gap.
 */
#include <arpa/inet.h>
#include <bpf/libbpf.h>
#include <linux/if_packet.h>
#include <net/if.h>
#include <netinet/in.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/socket.h>

#include "scene.h"

#define DROPPED_PORT 9

/* ---- The flood: a child sends frames out of v1, which come in at v0 ---- */

static void flood(void)
{
	unsigned char frame[64] = { 2, 0, 0,  0,  0, 1, 2,  0, 0, 0, 0,	 2, 0x08, 0x00, 0x45, 0,   0, 50,	    0, 0,
				    0, 0, 64, 17, 0, 0, 10, 0, 0, 1, 10, 0, 0,	  200,	4,    210, 0, DROPPED_PORT, 0, 30 };
	struct sockaddr_ll to = { .sll_family = AF_PACKET, .sll_ifindex = (int)if_nametoindex("v1"), .sll_halen = 6 };
	struct iovec data = { .iov_base = frame, .iov_len = sizeof(frame) };
	struct mmsghdr messages[64] = { 0 };
	int fd = socket(AF_PACKET, SOCK_RAW, 0);

	for (int i = 0; i < 64; i++)
		messages[i].msg_hdr =
			(struct msghdr){ .msg_name = &to, .msg_namelen = sizeof(to), .msg_iov = &data, .msg_iovlen = 1 };
	for (;;)
		sendmmsg(fd, messages, 64, 0);
}

static pid_t flood_begin(void)
{
	pid_t child;

	fflush(stdout);
	child = fork();
	if (child == 0) {
		alarm(60); /* whatever becomes of the parent */
		flood();
	}
	return child;
}

static void flood_end(pid_t child)
{
	kill(child, SIGKILL);
	waitpid(child, NULL, 0);
}

/* ---- The observer: a tc filter behind all of weir's that counts the IPv4 it sees (the kernel itself speaks IPv6) ---- */

static int observer_map = -1;

static bool observer_begin(void)
{
	struct bpf_insn code[] = {
		{ .code = BPF_LDX | BPF_MEM | BPF_W,
		  .dst_reg = BPF_REG_3,
		  .src_reg = BPF_REG_1,
		  .off = offsetof(struct __sk_buff, protocol) },
		{ .code = BPF_JMP | BPF_JNE | BPF_K, .dst_reg = BPF_REG_3, .off = 9, .imm = htons(0x0800) },
		{ .code = BPF_ST | BPF_MEM | BPF_W, .dst_reg = BPF_REG_10, .off = -4 },
		{ .code = BPF_ALU64 | BPF_MOV | BPF_X, .dst_reg = BPF_REG_2, .src_reg = BPF_REG_10 },
		{ .code = BPF_ALU64 | BPF_ADD | BPF_K, .dst_reg = BPF_REG_2, .imm = -4 },
		{ .code = BPF_LD | BPF_DW | BPF_IMM, .dst_reg = BPF_REG_1, .src_reg = BPF_PSEUDO_MAP_FD },
		{ 0 },
		{ .code = BPF_JMP | BPF_CALL, .imm = BPF_FUNC_map_lookup_elem },
		{ .code = BPF_JMP | BPF_JEQ | BPF_K, .dst_reg = BPF_REG_0, .off = 2 },
		{ .code = BPF_ALU64 | BPF_MOV | BPF_K, .dst_reg = BPF_REG_1, .imm = 1 },
		{ .code = BPF_STX | BPF_ATOMIC | BPF_DW, .dst_reg = BPF_REG_0, .src_reg = BPF_REG_1, .imm = BPF_ADD },
		{ .code = BPF_ALU64 | BPF_MOV | BPF_K, .dst_reg = BPF_REG_0, .imm = 2 },
		{ .code = BPF_JMP | BPF_EXIT },
	};
	_cleanup_close_ int program = -1;
	struct bpf_tc_hook hook;
	struct bpf_tc_opts options;

	observer_map = bpf_map_create(BPF_MAP_TYPE_ARRAY, "observer", 4, 8, 1, NULL);
	code[5].imm = observer_map;
	program = bpf_prog_load(BPF_PROG_TYPE_SCHED_CLS, "observer", "GPL", code, sizeof(code) / sizeof(code[0]), NULL);
	memset(&hook, 0, sizeof(hook));
	memset(&options, 0, sizeof(options));
	hook.sz = sizeof(hook);
	hook.ifindex = (int)if_nametoindex("v0");
	hook.attach_point = BPF_TC_INGRESS;
	options.sz = sizeof(options);
	options.handle = 1;
	options.priority = 1000;
	options.prog_fd = program;
	return observer_map >= 0 && program >= 0 && bpf_tc_hook_create(&hook) == 0 && bpf_tc_attach(&hook, &options) == 0;
}

static uint64_t observed(void)
{
	uint32_t zero = 0;
	uint64_t count = 0;

	bpf_map_lookup_elem(observer_map, &zero, &count);
	return count;
}

/* ---- At cgroups: a child in the cgroup sends to itself, and counts what it gets ---- */

static uint64_t *received; /* shared with the child */

static void talk_to_oneself(void)
{
	struct sockaddr_in to = { .sin_family = AF_INET,
				  .sin_addr.s_addr = htonl(INADDR_LOOPBACK),
				  .sin_port = htons(DROPPED_PORT) };
	int receiver = socket(AF_INET, SOCK_DGRAM | SOCK_NONBLOCK, 0), sender = socket(AF_INET, SOCK_DGRAM, 0);
	char data[8];

	if (bind(receiver, (struct sockaddr *)&to, sizeof(to)))
		_exit(1);
	for (;;) {
		for (int i = 0; i < 32; i++)
			sendto(sender, "hello", 5, 0, (struct sockaddr *)&to, sizeof(to));
		while (recv(receiver, data, sizeof(data), 0) > 0)
			++*received;
	}
}

static pid_t talk_begin(void)
{
	_cleanup_(arena_freep) struct arena *arena = arena_new();
	const char *path = arena_printf(arena, "%s/cgroup.procs", scene_cgroup_path);
	pid_t child;

	received = mmap(NULL, sizeof(*received), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	fflush(stdout);
	child = fork();
	if (child == 0) {
		_cleanup_close_ int procs = open(path, O_WRONLY);

		alarm(60);
		if (procs < 0 || write(procs, "0", 1) != 1)
			_exit(1);
		talk_to_oneself();
	}
	return child;
}

/* ---- Policies: each drops the flood, each time for another reason ---- */

static const char *generation(struct arena *arena, const char *hook, int number)
{
	static const char *const rules[] = { "udp dport 9 drop", "ip saddr @s drop", "meta l4proto udp drop",
					     "udp dport 1-100 drop" };

	return arena_printf(arena,
			    "set s { type ipv4_addr; size 100; elements = { 10.0.0.1, 10.9.9.%d } }\n"
			    "chain c { hook %s on v0; tcp dport %d drop\n %s\n }\n",
			    number % 3, hook, number + 1, rules[number % 4]);
}

/* Do more than a thousand come beyond BEFORE? On a busy machine that takes its time. */
static bool flood_comes(uint64_t before)
{
	for (int tenths = 0; tenths < 100; tenths++) {
		usleep(100000);
		if (observed() - before > 1000)
			return true;
	}
	return false;
}

static void swap_under_flood(const char *hook, int times)
{
	_cleanup_(arena_freep) struct arena *arena = arena_new();
	uint64_t before;
	pid_t child;

	CHECK_NUMBER(scene_apply("p", generation(arena, hook, 0)), 0);
	child = flood_begin();
	usleep(100000);
	before = observed();
	for (int i = 1; i <= times; i++)
		CHECK_NUMBER(scene_apply("p", generation(arena, hook, i)), 0);
	CHECK_NUMBER(observed() - before, 0);
	/* The control: without the policy they come. */
	CHECK_NUMBER(scene_remove("p"), 0);
	CHECK(flood_comes(before));
	printf("# %s: %d generations\n", hook, times);
	flood_end(child);
}

static void swap_under_talk(const char *hook, int times)
{
	_cleanup_(arena_freep) struct arena *arena = arena_new();
	static const char *const rules[] = { "udp dport 9 drop", "ip daddr @s drop", "meta l4proto udp drop",
					     "udp dport 1-100 drop" };
	uint64_t before = 0;
	pid_t child = -1;

	for (int i = 0; i <= times; i++) {
		const char *policy = arena_printf(arena,
						  "set s { type ipv4_addr; size 100; elements = { 127.0.0.1, 10.9.9.%d } }\n"
						  "chain c { hook %s on \"%s\"; tcp dport %d drop\n %s\n }\n",
						  i % 3, hook, scene_cgroup, i + 1, rules[i % 4]);

		CHECK_NUMBER(scene_apply("p", policy), 0);
		if (i == 0) {
			child = talk_begin();
			usleep(100000);
			before = *received;
		}
	}
	CHECK_NUMBER(*received - before, 0);
	CHECK_NUMBER(scene_remove("p"), 0);
	usleep(200000);
	CHECK(*received - before > 100); /* the control */
	flood_end(child);
	munmap(received, sizeof(*received));
}

/* Only its membership in the set drops the flood: SOURCE is the element that stays while all else in the set changes. */
static void change_set_under_flood(const char *source, bool live, int times)
{
	_cleanup_(arena_freep) struct arena *arena = arena_new();
	uint64_t before = 0;
	pid_t child = -1;

	for (int i = 0; i <= times; i++) {
		const char *policy =
			arena_printf(arena,
				     "set s { type ipv4_addr; size %d; elements = { %s%s 10.%d.0.0/16, 10.200.0.%d } }\n"
				     "chain c { hook xdp ingress on v0; ip saddr @s drop\n }\n",
				     100 + i % 2, live ? "" : source, live ? "" : ",", 100 + i, i);

		CHECK_NUMBER(scene_apply("p", policy), 0);
		if (i)
			continue;
		if (live) {
			struct scene_set set = scene_set_open("p", "s");
			struct set_element element = scene_address(0x0a000001, 0x0a000001, 0);
			size_t done;

			CHECK_NUMBER(kernel_set_add(set.set, &element, 1, &done), 0);
			scene_set_close(&set);
		}
		child = flood_begin();
		usleep(100000);
		before = observed();
	}
	CHECK_NUMBER(observed() - before, 0);
	CHECK_NUMBER(scene_remove("p"), 0);
	CHECK(flood_comes(before));
	flood_end(child);
}

static void kill_under_flood(const char *hook, int times)
{
	_cleanup_(arena_freep) struct arena *arena = arena_new();
	const struct state_policy *policy;
	int status, killed = 0;
	pid_t child, apply;
	uint64_t before;

	srand(1);
	CHECK_NUMBER(scene_apply("p", generation(arena, hook, 0)), 0);
	child = flood_begin();
	usleep(50000);
	before = observed();
	for (int i = 1; i <= times; i++) {
		fflush(stdout);
		apply = fork();
		if (apply == 0) {
			scene_apply("p", generation(arena, hook, i));
			_exit(0);
		}
		usleep((useconds_t)(rand() % 50000));
		kill(apply, SIGKILL);
		waitpid(apply, &status, 0);
		killed += WIFSIGNALED(status);
		policy = scene_policy(scene_state(arena), "p");
		CHECK(policy && policy->chain_count == 1 && policy->chains[0].attachments[0].present);
	}
	CHECK(killed > 3);
	CHECK_NUMBER(observed() - before, 0);
	printf("# %s: %d of %d applies killed\n", hook, killed, times);
	flood_end(child);
	CHECK_NUMBER(scene_remove("p"), 0);
	CHECK(!pins_exists(KERNEL_PINS_DEFAULT));
}

TEST(no_frame_passes_while_xdp_is_swapped)
{
	swap_under_flood("xdp ingress", 40);
}

TEST(no_frame_passes_while_tcx_is_swapped)
{
	swap_under_flood("tc ingress", 40);
}

TEST(no_frame_passes_while_clsact_is_swapped)
{
	setenv("WEIR_NO_TCX", "1", 1);
	swap_under_flood("tc ingress", 40);
	unsetenv("WEIR_NO_TCX");
}

TEST(nothing_passes_while_programs_at_a_cgroup_are_swapped)
{
	swap_under_talk("cgroup egress", 30);
	swap_under_talk("cgroup ingress", 30);
}

TEST(a_member_that_stays_is_never_missing_while_the_set_changes)
{
	change_set_under_flood("10.0.0.1", false, 30);
	change_set_under_flood("10.0.0.0/30", false, 30);
	change_set_under_flood("", true, 30);
}

TEST(no_frame_passes_while_applies_are_killed)
{
	kill_under_flood("xdp ingress", 30);
	kill_under_flood("tc ingress", 30);
	setenv("WEIR_NO_TCX", "1", 1);
	kill_under_flood("tc ingress", 30);
	unsetenv("WEIR_NO_TCX");
}

int main(void)
{
	if (!scene_begin()) {
		SKIP(swaps, "needs root, network namespaces and cgroup2");
		return tap_end();
	}
	CHECK(observer_begin());
	RUN(no_frame_passes_while_xdp_is_swapped);
	RUN(no_frame_passes_while_tcx_is_swapped);
	RUN(no_frame_passes_while_clsact_is_swapped);
	RUN(nothing_passes_while_programs_at_a_cgroup_are_swapped);
	RUN(a_member_that_stays_is_never_missing_while_the_set_changes);
	RUN(no_frame_passes_while_applies_are_killed);
	scene_end();
	return tap_end();
}
