// SPDX-License-Identifier: GPL-2.0-only
/*
 * What rules do beside judging, and the verdicts beside accept and drop: whole policies through BPF_PROG_TEST_RUN. The code that
 * the program gives back, and the mark and priority that it leaves, are what the kernel goes on with.
 */
#include <linux/pkt_cls.h>

#include "../unit/kernel/hand_code.h"
#include "compile.h"
#include "frame.h"

#define MARK	 0x15
#define PRIORITY 9

static const struct {
	const char *name, *hook, *rules;
	int code;
	uint32_t mark, priority;
} cases[] = {
	{ "no effects", "tc egress on lo", "tcp dport 80 accept", TC_ACT_UNSPEC, MARK, PRIORITY },
	{ "a mark", "tc egress on lo", "tcp dport 80 meta mark set 0x80000001 accept", TC_ACT_UNSPEC, 0x80000001, PRIORITY },
	{ "a mark of 0 on the way in", "tc ingress on lo", "tcp dport 80 meta mark set 0 drop", TC_ACT_SHOT, 0, PRIORITY },
	{ "a class", "tc egress on lo", "tcp dport 80 meta priority set 1:1F", TC_ACT_UNSPEC, MARK, 0x1001f },
	{ "the greatest class", "tc egress on lo", "tcp dport 80 meta priority set ffff:ffff", TC_ACT_UNSPEC, MARK, 0xffffffff },
	{ "a class by mark", "tc egress on lo", "tcp dport 80 meta priority set 2:mark", TC_ACT_UNSPEC, MARK, 0x20015 },
	{ "a mark and a class by it", "tc egress on lo", "tcp dport 80 meta mark set 7 meta priority set 2:mark", TC_ACT_UNSPEC,
	  7, 0x20007 },
	{ "the greatest mark that names a class", "tc egress on lo", "meta mark set 0xffff meta priority set 2:mark",
	  TC_ACT_UNSPEC, 0xffff, 0x2ffff },
	{ "a mark that names no class", "tc egress on lo", "meta mark set 0x10000 meta priority set 2:mark", TC_ACT_UNSPEC,
	  0x10000, PRIORITY },
	{ "the last one stays", "tc egress on lo",
	  "meta mark set 1\ntcp meta mark set 2\nudp meta mark set 3\ntcp dport 80 accept", TC_ACT_UNSPEC, 2, PRIORITY },
	{ "what stands behind the deciding rule is not done", "tc egress on lo",
	  "meta mark set 1\ntcp dport 80 accept\nmeta mark set 2", TC_ACT_UNSPEC, 1, PRIORITY },
	{ "matches see the mark as it came", "tc egress on lo",
	  "meta mark set 1\nmeta mark 1 drop\nmeta mark 0x15 meta priority set 0:3", TC_ACT_UNSPEC, 1, 3 },
	{ "a rule that does not match", "tc egress on lo", "udp meta mark set 1 drop", TC_ACT_UNSPEC, MARK, PRIORITY },
	{ "accept final", "tc egress on lo", "tcp dport 80 meta mark set 4 accept final", TC_ACT_OK, 4, PRIORITY },
	{ "a mark of which some bits change", "tc ingress on lo", "tcp meta mark set meta mark and 0xf or 0x120 accept",
	  TC_ACT_UNSPEC, (MARK & 0xf) | 0x120, PRIORITY },
	{ "a mark with bits inverted, twice", "tc egress on lo",
	  "tcp meta mark set meta mark ^ 0x11\ntcp meta mark set meta mark xor 0x30 accept", TC_ACT_UNSPEC, MARK ^ 0x21,
	  PRIORITY },
	{ "accept final on the way in", "tc ingress on lo", "tcp dport 80 accept final", TC_ACT_OK, MARK, PRIORITY },
	{ "fwd to", "tc ingress on lo", "tcp dport 80 meta mark set 4 fwd to lo", TC_ACT_REDIRECT, 4, PRIORITY },
	{ "fwd to on the way out", "tc egress on eth0", "tcp dport 80 fwd to lo", TC_ACT_REDIRECT, MARK, PRIORITY },
	{ "bounce", "tc ingress on lo", "tcp dport 80 bounce", TC_ACT_REDIRECT, MARK, PRIORITY },
	{ "fwd to at the driver", "xdp ingress on lo", "tcp dport 80 fwd to lo", XDP_REDIRECT, 0, 0 },
	{ "bounce at the driver", "xdp ingress on lo", "tcp dport 80 bounce", XDP_TX, 0, 0 },
	{ "to a socket when none is there", "xdp ingress on lo", "tcp dport 80 to xsk", XDP_ABORTED, 0, 0 },
	{ "to a row of sockets when none is there", "xdp ingress on lo", "tcp dport 80 to xsk 255", XDP_ABORTED, 0, 0 },
	{ "what is not to a socket passes", "xdp ingress on lo", "tcp dport 81 to xsk", XDP_PASS, 0, 0 },
	{ "a classifier's class", "tc egress on lo parent 1:", "tcp dport 80 class 1:1F", 0x1001f, MARK, PRIORITY },
	{ "a classifier's class by mark", "tc egress on lo parent 1:", "tcp dport 80 class 2:mark", 0x20015, MARK, PRIORITY },
	{ "a classifier's class by a mark that names none", "tc egress on lo parent 1:", "meta mark set 0x10000 class 2:mark", 0,
	  0x10000, PRIORITY },
	{ "a classifier's default class", "tc egress on lo parent 1: default 1:30", "tcp dport 80 class default", -1, MARK,
	  PRIORITY },
	{ "a classifier that accepts", "tc egress on lo parent 1:", "tcp dport 80 meta priority set 3:4 accept", 0, MARK,
	  0x30004 },
	{ "a classifier without a rule that decides", "tc egress on lo parent 1:", "udp class 1:1", 0, MARK, PRIORITY },
	{ "a cgroup, out", "cgroup egress on \"/\"", "tcp meta mark set 8 meta priority set 1:mark accept", 1, 8, 0x10008 },
	{ "a cgroup, in", "cgroup ingress on \"/\"", "tcp meta mark set 8 meta priority set 1:2 drop", 0, 8, 0x10002 },
};

static int load_case(struct arena *arena, const char *text, struct loaded_chain *ret_chain)
{
	struct load_request request = { .counters_fd = -1, .events_fd = -1, .owners_fd = -1 };
	const struct source source = { .name = "case.weir", .text = text, .length = strlen(text) };
	const struct code_options options = { .long_jump = kernel_features()->long_jump };
	struct diagnostics diagnostics;
	const struct compiled *compiled;
	int error = -EINVAL;

	diagnostics_init(&diagnostics, arena);
	compiled = compile(arena, host_system(), &source, "case", &options, &diagnostics);
	if (compiled) {
		request.code = compiled->chains[0].code;
		error = kernel_load(&request, ret_chain, &diagnostics);
	}
	if (error)
		diagnostics_print(&diagnostics, stdout, false);
	return error;
}

static void try_case(size_t index)
{
	static uint8_t out[256];
	struct __sk_buff before = { .mark = MARK, .priority = PRIORITY }, after = { 0 };
	LIBBPF_OPTS(bpf_test_run_opts, options, .data_in = tcp_frame, .data_size_in = sizeof(tcp_frame), .data_out = out,
		    .data_size_out = sizeof(out), .repeat = 1);
	bool bounced = strstr(cases[index].rules, "bounce"), xdp = strncmp(cases[index].hook, "xdp", 3) == 0;
	struct loaded_chain loaded = { .program_fd = -1, .counters_fd = -1 };
	struct arena *arena = arena_new();

	printf("# %s: %s\n", cases[index].hook, cases[index].name);
	CHECK_NUMBER(load_case(arena, arena_printf(arena, "chain c {\nhook %s\n%s\n}\n", cases[index].hook, cases[index].rules),
			       &loaded),
		     0);
	if (!xdp) {
		options.ctx_in = &before;
		options.ctx_size_in = sizeof(before);
		options.ctx_out = &after;
		options.ctx_size_out = sizeof(after);
	}
	CHECK_NUMBER(bpf_prog_test_run_opts(loaded.program_fd, &options), 0);
	CHECK_NUMBER((int)options.retval, cases[index].code);
	CHECK_NUMBER(after.mark, cases[index].mark);
	CHECK_NUMBER(after.priority, cases[index].priority);
	if (strncmp(cases[index].hook, "cgroup", 6) == 0)
		memcpy(out, tcp_frame, sizeof(tcp_frame)); /* it changes no byte, and comes back without its Ethernet header */
	CHECK_NUMBER(memcmp(out, tcp_frame + (bounced ? 6 : 0), 6), 0);
	CHECK_NUMBER(memcmp(out + 6, tcp_frame + (bounced ? 0 : 6), 6), 0);
	CHECK_NUMBER(memcmp(out + 12, tcp_frame + 12, sizeof(tcp_frame) - 12), 0);
	loaded_chain_close(&loaded);
	arena_free(arena);
}

TEST(effects_and_verdicts_are_what_the_kernel_goes_on_with)
{
	for (size_t i = 0; i < LENGTH(cases); i++)
		try_case(i);
}

/* How many maps a program has, by the names. */
static uint32_t maps_named(int program_fd, const char *name)
{
	uint32_t ids[16], length = sizeof(struct bpf_prog_info), found = 0;
	struct bpf_prog_info info = { .nr_map_ids = LENGTH(ids), .map_ids = (uintptr_t)ids };

	CHECK_NUMBER(bpf_obj_get_info_by_fd(program_fd, &info, &length), 0);
	for (uint32_t i = 0; i < info.nr_map_ids; i++) {
		int fd = bpf_map_get_fd_by_id(ids[i]);
		struct bpf_map_info map = { 0 };

		length = sizeof(map);
		if (fd >= 0 && bpf_obj_get_info_by_fd(fd, &map, &length) == 0)
			found += strcmp(map.name, name) == 0;
		close(fd);
	}
	return found;
}

TEST(a_policy_without_effects_has_no_table_of_them)
{
	struct loaded_chain loaded = { .program_fd = -1, .counters_fd = -1 };
	struct arena *arena = arena_new();

	CHECK_NUMBER(load_case(arena, "chain c {\nhook tc egress on lo\ntcp dport 80 counter\n}\n", &loaded), 0);
	CHECK_NUMBER(maps_named(loaded.program_fd, "weir_actions"), 0);
	loaded_chain_close(&loaded);
	CHECK_NUMBER(load_case(arena, "chain c {\nhook tc egress on lo\ntcp dport 80 meta mark set 1\n}\n", &loaded), 0);
	CHECK_NUMBER(maps_named(loaded.program_fd, "weir_actions"), 1);
	loaded_chain_close(&loaded);
	arena_free(arena);
}

int main(void)
{
	if (geteuid() != 0) {
		SKIP(effects, "needs root");
		return tap_end();
	}
	kernel_raise_memlock();
	RUN(effects_and_verdicts_are_what_the_kernel_goes_on_with);
	RUN(a_policy_without_effects_has_no_table_of_them);
	return tap_end();
}
