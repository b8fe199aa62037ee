// SPDX-License-Identifier: GPL-2.0-only
/*
 * Every packet of cases.h, at every hook, through BPF_PROG_TEST_RUN: the parser of the kernel's program must find
 * the same as the one in user space, bit for bit, and both what the case says. The chain has one rule, which logs
 * everything; what the program found comes back in the event.
 */
#include <bpf/libbpf.h>

#include "../unit/kernel/hand_code.h"
#include "base/cleanup.h"
#include "cases.h"
#include "rules/packet.h"

#define LOOPBACK 1 /* where BPF_PROG_TEST_RUN says that packets come from */
#define MARK	 0x1234567

/* A way to run a packet: a hook, and how the packet is handed to it. */
struct stand {
	const char *name;
	enum weir_hook hook;
	bool raw_ip;
	uint32_t linear; /* so many bytes lie in the first buffer of an XDP frame; 0: as many as can */
	bool quiet;	 /* nothing logs: the counters are looked at */
	bool trim, tag;	 /* a program in front cuts the packet to its length, takes a tag off */
	struct loaded_chain loaded;
	int front_fd, programs_fd;
	int events;
	struct ring_buffer *ring;
	unsigned ran, refused;
};

#define OFFLOADED_TCI 0x5abc

static struct stand stands[] = {
	{ .name = "xdp", .hook = WEIR_HOOK_XDP_INGRESS },
	{ .name = "xdp with an ethernet header in the first buffer", .hook = WEIR_HOOK_XDP_INGRESS, .linear = 14 },
	{ .name = "xdp with half a header in the first buffer", .hook = WEIR_HOOK_XDP_INGRESS, .linear = 40 },
	{ .name = "xdp that does not log", .hook = WEIR_HOOK_XDP_INGRESS, .quiet = true },
	{ .name = "xdp that does not log, of several buffers", .hook = WEIR_HOOK_XDP_INGRESS, .quiet = true, .linear = 14 },
	{ .name = "xdp that does not log, headers apart", .hook = WEIR_HOOK_XDP_INGRESS, .quiet = true, .linear = 54 },
	{ .name = "tc ingress of a cut packet", .hook = WEIR_HOOK_TC_INGRESS, .trim = true },
	{ .name = "tc ingress with a tag taken off", .hook = WEIR_HOOK_TC_INGRESS, .trim = true, .tag = true },
	{ .name = "tc egress that does not log", .hook = WEIR_HOOK_TC_EGRESS, .quiet = true },
	{ .name = "cgroup egress that does not log", .hook = WEIR_HOOK_CGROUP_EGRESS, .quiet = true },
	{ .name = "tc ingress", .hook = WEIR_HOOK_TC_INGRESS },
	{ .name = "tc egress", .hook = WEIR_HOOK_TC_EGRESS },
	{ .name = "tc ingress without ethernet", .hook = WEIR_HOOK_TC_INGRESS, .raw_ip = true },
	{ .name = "cgroup ingress", .hook = WEIR_HOOK_CGROUP_INGRESS },
	{ .name = "cgroup egress", .hook = WEIR_HOOK_CGROUP_EGRESS },
};

static struct weir_event seen;
static int seen_count;

static int see(void *context, void *data, size_t size)
{
	(void)context;
	if (size == sizeof(seen))
		memcpy(&seen, data, size);
	seen_count++;
	return 0;
}

static bool is_cgroup(enum weir_hook hook)
{
	return hook == WEIR_HOOK_CGROUP_INGRESS || hook == WEIR_HOOK_CGROUP_EGRESS;
}

/* classify for a chain that logs everything, and for one that tells malformed packets from others. */
static const struct bpf_insn log_all[] = { MOV(BPF_REG_0, 0), EXIT };
static const struct code_reference log_all_references[] = { { REFERENCE_OUTCOME, 0, 0 } };
static const struct bpf_insn by_malformed[] = {
	IF_NULL(BPF_REG_2, 2),
	{ .code = BPF_LDX | BPF_MEM | BPF_B,
	  .dst_reg = BPF_REG_1,
	  .src_reg = BPF_REG_2,
	  .off = offsetof(struct weir_flow, malformed) },
	IF_NULL(BPF_REG_1, 2),
	MOV(BPF_REG_0, 0),
	EXIT,
	MOV(BPF_REG_0, 0),
	EXIT,
};
static const struct code_reference by_malformed_references[] = { { REFERENCE_OUTCOME, 3, 2 }, { REFERENCE_OUTCOME, 5, 3 } };

static void stand_code(const struct stand *stand, struct hand_chain *chain)
{
	hand_chain_init(chain, stand->hook, WEIR_VERDICT_ACCEPT);
	chain->request.raw_ip = stand->raw_ip;
	chain->code.references = stand->quiet ? by_malformed_references : log_all_references;
	chain->code.reference_count = stand->quiet ? LENGTH(by_malformed_references) : LENGTH(log_all_references);
	if (stand->quiet) {
		hand_chain_classify(chain, by_malformed, LENGTH(by_malformed));
	} else {
		hand_chain_classify(chain, log_all, LENGTH(log_all));
		chain->rules[0].log = true;
		chain->request.events_fd = stand->events;
	}
}

/*
 * A program before the chain's, which goes on to it by a tail call: cuts the packet to the length in cb[0] and, for the
 * tag, puts one where the card puts it (BPF_PROG_TEST_RUN itself can do neither).
 */
static int front_load(struct stand *stand)
{
	struct bpf_insn instructions[] = {
		MOV_REG(BPF_REG_6, BPF_REG_1),
		LOAD32(BPF_REG_2, BPF_REG_1, offsetof(struct __sk_buff, cb)),
		MOV(BPF_REG_3, 0),
		CALL_HELPER(BPF_FUNC_skb_change_tail),
		MOV_REG(BPF_REG_1, BPF_REG_6),
		MOV(BPF_REG_2, 0x81), /* 0x8100 in network byte order */
		MOV(BPF_REG_3, OFFLOADED_TCI),
		CALL_HELPER(BPF_FUNC_skb_vlan_push), /* 7: left out without a tag */
		MOV_REG(BPF_REG_1, BPF_REG_6),
		LOAD_MAP(BPF_REG_2), /* 9 */
		MOV(BPF_REG_3, 0),
		CALL_HELPER(BPF_FUNC_tail_call),
		MOV(BPF_REG_0, 0),
		EXIT,
	};
	uint32_t zero = 0;

	stand->programs_fd = bpf_map_create(BPF_MAP_TYPE_PROG_ARRAY, "programs", 4, 4, 1, NULL);
	instructions[9].src_reg = BPF_PSEUDO_MAP_FD;
	instructions[9].imm = stand->programs_fd;
	if (!stand->tag)
		instructions[7] = (struct bpf_insn)MOV(BPF_REG_0, 0);
	stand->front_fd = bpf_prog_load(BPF_PROG_TYPE_SCHED_CLS, "front", "GPL", instructions, LENGTH(instructions), NULL);
	if (stand->front_fd < 0)
		return -errno;
	return bpf_map_update_elem(stand->programs_fd, &zero, &stand->loaded.program_fd, 0) ? -errno : 0;
}

/* 0, or not 0 with the reason printed. */
static int stand_load(struct stand *stand)
{
	struct diagnostics diagnostics;
	struct hand_chain chain;
	int error;

	stand->front_fd = stand->programs_fd = -1;
	stand->events = bpf_map_create(BPF_MAP_TYPE_RINGBUF, "events", 0, 0, 65536, NULL);
	stand->ring = ring_buffer__new(stand->events, see, NULL, NULL);
	stand_code(stand, &chain);
	diagnostics_init(&diagnostics, arena_new());
	error = kernel_load(&chain.request, &stand->loaded, &diagnostics);
	if (error)
		diagnostics_print(&diagnostics, stdout, false);
	else
		printf("# %s: %u instructions verified\n", stand->name, stand->loaded.verified_instructions);
	arena_free(diagnostics.arena);
	return error || !stand->trim ? error : front_load(stand);
}

static void stand_close(struct stand *stand)
{
	ring_buffer__free(stand->ring);
	loaded_chain_close(&stand->loaded);
	closep(&stand->events);
	closep(&stand->front_fd);
	closep(&stand->programs_fd);
}

/* Run a packet. 0 or -errno. */
static int stand_run(const struct stand *stand, const uint8_t *data, uint32_t length)
{
	static uint8_t out[FRAME_BYTES + 4096];
	struct __sk_buff skb = { .mark = MARK, .cb = { length } };
	struct xdp_md xdp = { .data_end = stand->linear < length ? stand->linear : length };
	LIBBPF_OPTS(bpf_test_run_opts, options, .data_in = data, .data_size_in = length, .data_out = out,
		    .data_size_out = sizeof(out), .repeat = 1);

	if (stand->trim && length < 60) /* the bytes behind are cut off again */
		options.data_size_in = 60;
	if (stand->hook != WEIR_HOOK_XDP_INGRESS) {
		options.ctx_in = &skb;
		options.ctx_size_in = sizeof(skb);
	} else if (stand->linear) {
		options.ctx_in = &xdp;
		options.ctx_size_in = sizeof(xdp);
	}
	seen_count = 0;
	if (bpf_prog_test_run_opts(stand->trim ? stand->front_fd : stand->loaded.program_fd, &options))
		return -errno;
	ring_buffer__consume(stand->ring);
	return 0;
}

/* What the parser in user space finds. BYTES: what the hook sees. */
static void expect(const struct stand *stand, const uint8_t *bytes, uint32_t length, struct weir_flow *ret_flow)
{
	struct packet_context context = {
		.raw_ip = stand->raw_ip, .mark = MARK, .has_offload_vlan = stand->tag, .offload_vlan_tci = OFFLOADED_TCI
	};

	if (stand->hook == WEIR_HOOK_TC_EGRESS || stand->hook == WEIR_HOOK_CGROUP_EGRESS)
		context.oif = LOOPBACK;
	else
		context.iif = LOOPBACK;
	packet_parse(stand->hook, &context, bytes, length, ret_flow);
	ret_flow->payload = ret_flow->payload_length = 0; /* no rule here looks there */
}

static void print_flow(const char *who, const struct weir_flow *flow)
{
	printf("#   %-8s", who);
#define X(id, member, bits)                                                                                                      \
	if (flow->member)                                                                                                        \
		printf(" %s=%llx", #member, (unsigned long long)flow->member);
	WEIR_FIELDS(X)
#undef X
	printf(" fragment=%u\n", flow->fragment);
}

static void compare(const struct stand *stand, const struct packet_case *packet, const struct weir_flow *wanted)
{
	if (seen_count == 1 && memcmp(&seen.flow, wanted, sizeof(*wanted)) == 0)
		return;
	tap_ok = false;
	printf("# %s at %s: %s\n", packet->name, stand->name, seen_count == 1 ? "the parsers differ" : "no event, or several");
	print_flow("wanted", wanted);
	print_flow("kernel", &seen.flow);
}

/* Without events: did the packet count where it should, with all its bytes? */
static void compare_counters(const struct stand *stand, const struct packet_case *packet, const struct weir_flow *wanted)
{
	uint32_t slot = wanted->malformed ? WEIR_SLOT_MALFORMED + wanted->malformed : WEIR_SLOT_POLICY;
	struct weir_counter counter = read_counter(stand->loaded.counters_fd, slot);
	struct weir_counter zero[256] = {};

	if (counter.packets != 1 || counter.bytes != wanted->length) {
		tap_ok = false;
		printf("# %s at %s: %llu packets of %llu bytes in slot %u, wanted 1 of %u\n", packet->name, stand->name,
		       counter.packets, counter.bytes, slot, wanted->length);
	}
	for (slot = 0; slot < WEIR_SLOT_FIRST_RULE; slot++)
		bpf_map_update_elem(stand->loaded.counters_fd, &slot, zero, 0);
}

/* What the case itself says, where the hook sees the packet as it is written. */
static void compare_case(const struct packet_case *packet, const struct weir_flow *flow)
{
	bool icmp = packet->transport == WEIR_TRANSPORT_ICMP || packet->transport == WEIR_TRANSPORT_ICMPV6;

	CHECK_NUMBER(flow->malformed, packet->malformed);
	CHECK_NUMBER(flow->network, packet->network);
	CHECK_NUMBER(flow->transport, packet->transport);
	CHECK_NUMBER(flow->vlan_tags, packet->vlan_tags);
	CHECK_NUMBER(flow->fragment, packet->fragment);
	CHECK_NUMBER(icmp ? flow->icmp_type << 8 | flow->icmp_code : flow->dport, packet->dport);
	if (packet->protocol)
		CHECK_NUMBER(flow->protocol, packet->protocol);
	if (!tap_ok)
		print_flow(packet->name, flow);
}

/* Does a hook without a link layer see what the case describes? */
static bool is_plain_ip(const struct packet_case *packet)
{
	return packet->layers[0].a == 0x0800 || packet->layers[0].a == 0x86dd;
}

static void run_case(struct stand *stand, const struct packet_case *packet)
{
	static struct frame frame;
	const uint8_t *data = frame.bytes;
	struct weir_flow wanted;
	uint32_t length;
	int error;

	frame_build(packet->layers, &frame);
	length = frame.length;
	if (stand->raw_ip) {
		data += 14;
		length -= 14;
	}
	error = stand_run(stand, data, length);
	if (error) { /* shorter than an Ethernet header, or longer than TEST_RUN can: the kernel says so, and nothing ran */
		stand->refused++;
		if (error != -EINVAL && error != -ENOMEM)
			printf("# %s at %s: %s\n", packet->name, stand->name, strerror(-error)), tap_ok = false;
		return;
	}
	stand->ran++;
	if (is_cgroup(stand->hook)) {
		data += 14;
		length -= 14;
	}
	expect(stand, data, length, &wanted);
	if (stand->quiet)
		compare_counters(stand, packet, &wanted);
	else
		compare(stand, packet, &wanted);
	if (stand->tag)
		return;
	if (!stand->raw_ip && !is_cgroup(stand->hook))
		compare_case(packet, &wanted);
	else if (is_plain_ip(packet) && packet->malformed != WEIR_MALFORMED_BAD_HEADER &&
		 packet->malformed != WEIR_MALFORMED_SHORT)
		compare_case(packet, &wanted);
}

static void run_all_cases(void)
{
	for (size_t i = 0; i < PACKET_CASES; i++) {
		tap_ok = true;
		for (size_t s = 0; s < LENGTH(stands); s++)
			run_case(&stands[s], &packet_cases[i]);
		tap_result(packet_cases[i].name);
	}
}

int main(void)
{
	if (geteuid() != 0) {
		SKIP(packets, "needs root");
		return tap_end();
	}
	kernel_raise_memlock();
	for (size_t i = 0; i < LENGTH(stands); i++) {
		tap_ok = stand_load(&stands[i]) == 0;
		tap_result(stands[i].name);
		if (!tap_ok)
			return tap_end();
	}
	run_all_cases();
	for (size_t i = 0; i < LENGTH(stands); i++) {
		tap_ok = stands[i].ran > 100 || stands[i].linear; /* not every kernel lets one say what is linear */
		tap_result("TEST_RUN takes most of the packets");
		printf("# %s: %u packets ran, TEST_RUN refused %u\n", stands[i].name, stands[i].ran, stands[i].refused);
		stand_close(&stands[i]);
	}
	return tap_end();
}
