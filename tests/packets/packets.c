// SPDX-License-Identifier: GPL-2.0-only
/*
 * Every packet of cases.h, at every hook, through BPF_PROG_TEST_RUN: the parser of the kernel's program must find
 * the same as the one in user space, bit for bit, and both what the case says. The chain has one rule, which logs
 * everything; what the program found comes back in the event.
 */
#include <bpf/libbpf.h>

#include "../unit/kernel/hand_code.h"
#include "cases.h"
#include "rules/packet.h"

#define LOOPBACK 1 /* where BPF_PROG_TEST_RUN says that packets come from */
#define MARK 0x1234567

/* A way to run a packet: a hook, and how the packet is handed to it. */
struct stand {
	const char *name;
	enum weir_hook hook;
	bool raw_ip;
	struct loaded_chain loaded;
	int events;
	struct ring_buffer *ring;
	unsigned ran, refused;
};

static struct stand stands[] = {
	{ .name = "xdp", .hook = WEIR_HOOK_XDP_INGRESS },
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

/* 0, or not 0 with the reason printed. */
static int stand_load(struct stand *stand)
{
	static const struct bpf_insn instructions[] = { MOV(BPF_REG_0, 0), EXIT };
	static const struct code_reference references[] = { { REFERENCE_OUTCOME, 0, 0 } };
	struct diagnostics diagnostics;
	struct hand_chain chain;
	int error;

	stand->events = bpf_map_create(BPF_MAP_TYPE_RINGBUF, "events", 0, 0, 65536, NULL);
	stand->ring = ring_buffer__new(stand->events, see, NULL, NULL);
	hand_chain_init(&chain, stand->hook, WEIR_VERDICT_ACCEPT);
	hand_chain_classify(&chain, instructions, LENGTH(instructions));
	chain.rules[0].log = true;
	chain.code.references = references;
	chain.code.reference_count = 1;
	chain.request.events_fd = stand->events;
	chain.request.raw_ip = stand->raw_ip;
	diagnostics_init(&diagnostics, arena_new());
	error = kernel_load(&chain.request, &stand->loaded, &diagnostics);
	if (error)
		diagnostics_print(&diagnostics, stdout, false);
	else
		printf("# %s: %u instructions verified\n", stand->name, stand->loaded.verified_instructions);
	arena_free(diagnostics.arena);
	return error;
}

static void stand_close(struct stand *stand)
{
	ring_buffer__free(stand->ring);
	loaded_chain_close(&stand->loaded);
	close(stand->events);
}

/* Run DATA, of which LINEAR bytes lie in the linear part (0: all that can). 0 or -errno. */
static int stand_run(const struct stand *stand, const uint8_t *data, uint32_t length, uint32_t linear)
{
	static uint8_t out[FRAME_BYTES + 4096];
	struct __sk_buff skb = { .mark = MARK, .data_end = linear };
	struct xdp_md xdp = { .data_end = linear };
	LIBBPF_OPTS(bpf_test_run_opts, options, .data_in = data, .data_size_in = length, .data_out = out, .data_size_out = sizeof(out),
		    .repeat = 1);

	if (stand->hook != WEIR_HOOK_XDP_INGRESS) {
		options.ctx_in = &skb;
		options.ctx_size_in = sizeof(skb);
	} else if (linear) {
		options.ctx_in = &xdp;
		options.ctx_size_in = sizeof(xdp);
	}
	seen_count = 0;
	if (bpf_prog_test_run_opts(stand->loaded.program_fd, &options))
		return -errno;
	ring_buffer__consume(stand->ring);
	return 0;
}

/* What the parser in user space finds. BYTES: what the hook sees. */
static void expect(const struct stand *stand, const uint8_t *bytes, uint32_t length, struct weir_flow *ret_flow)
{
	struct packet_context context = { .raw_ip = stand->raw_ip, .mark = MARK };

	if (stand->hook == WEIR_HOOK_TC_EGRESS || stand->hook == WEIR_HOOK_CGROUP_EGRESS)
		context.oif = LOOPBACK;
	else
		context.iif = LOOPBACK;
	packet_parse(stand->hook, &context, bytes, length, ret_flow);
}

static void print_flow(const char *who, const struct weir_flow *flow)
{
	printf("#   %-8s", who);
#define X(id, member, bits) \
	if (flow->member) \
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

static void run_case(struct stand *stand, const struct packet_case *packet, uint32_t linear)
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
	error = stand_run(stand, data, length, linear);
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
	compare(stand, packet, &wanted);
	if (!stand->raw_ip && !is_cgroup(stand->hook))
		compare_case(packet, &wanted);
	else if (is_plain_ip(packet) && packet->malformed != WEIR_MALFORMED_BAD_HEADER && packet->malformed != WEIR_MALFORMED_SHORT)
		compare_case(packet, &wanted);
}

static void run_all_cases(void)
{
	for (size_t i = 0; i < PACKET_CASES; i++) {
		tap_ok = true;
		for (size_t s = 0; s < LENGTH(stands); s++)
			run_case(&stands[s], &packet_cases[i], 0);
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
		printf("# %s: %u packets ran, TEST_RUN refused %u\n", stands[i].name, stands[i].ran, stands[i].refused);
		stand_close(&stands[i]);
	}
	return tap_end();
}
