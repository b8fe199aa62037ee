// SPDX-License-Identifier: GPL-2.0-only
/*
 * The packets of cases.h as real ones, through a veth pair in a network namespace of this program's own, with a chain
 * that logs everything at tc egress on one side, at XDP or at tc ingress on the other. They are sent from a ring of a
 * packet socket, which leaves no more than the Ethernet header in the linear part: what BPF_PROG_TEST_RUN cannot do. The
 * receiving side of tc sees VLAN tags taken off the frame, as from a card. What the programs found is
 * compared with packet_parse, bit for bit. Below tcx, or with WEIR_NO_TCX set, the chains stand at clsact.
 */
#include <arpa/inet.h>
#include <bpf/libbpf.h>
#include <linux/if_link.h>
#include <linux/if_packet.h>
#include <net/if.h>
#include <sched.h>
#include <sys/socket.h>

#include "../unit/kernel/hand_code.h"
#include "base/cleanup.h"
#include "cases.h"
#include "rules/packet.h"

#define MARK	    0x7654321
#define TCX_INGRESS 46
#define TCX_EGRESS  47

#define RING_FRAME 32768 /* room for the longest packet that a veth takes */

/* A chain that logs everything, attached. */
struct post {
	const char *name, *interface;
	enum weir_hook hook;
	int attach_type;
	struct loaded_chain loaded;
	int events, link;
	struct ring_buffer *ring;
	struct weir_event seen;
	int seen_count;
	unsigned compared;
};

static struct post posts[] = {
	{ .name = "tc egress", .interface = "send", .hook = WEIR_HOOK_TC_EGRESS, .attach_type = TCX_EGRESS },
	{ .name = "tc ingress", .interface = "receive", .hook = WEIR_HOOK_TC_INGRESS, .attach_type = TCX_INGRESS },
	{ .name = "native xdp", .interface = "receive", .hook = WEIR_HOOK_XDP_INGRESS, .attach_type = BPF_XDP },
};

#define EGRESS	(&posts[0])
#define INGRESS (&posts[1])
#define XDP	(&posts[2])

static int see(void *context, void *data, size_t size)
{
	struct post *post = context;
	const struct weir_event *event = data;

	/* Only what this program sends bears the mark; a veth hands it on, but XDP is not told. */
	if (size != sizeof(*event) || (post != XDP && event->flow.mark != MARK))
		return 0;
	post->seen = *event;
	post->seen_count++;
	return 0;
}

static bool use_tcx(void)
{
	return kernel_features()->tcx && !getenv("WEIR_NO_TCX");
}

static int clsact_attach(const struct post *post, int program_fd)
{
	LIBBPF_OPTS(bpf_tc_hook, hook, .ifindex = if_nametoindex(post->interface),
		    .attach_point = post->hook == WEIR_HOOK_TC_EGRESS ? BPF_TC_EGRESS : BPF_TC_INGRESS);
	LIBBPF_OPTS(bpf_tc_opts, filter, .handle = 1, .priority = 1, .prog_fd = program_fd);
	int error = bpf_tc_hook_create(&hook);

	return error ? error : bpf_tc_attach(&hook, &filter);
}

/* The qdisc goes, and the filter with it. */
static void clsact_detach(const struct post *post)
{
	LIBBPF_OPTS(bpf_tc_hook, hook, .ifindex = if_nametoindex(post->interface),
		    .attach_point = BPF_TC_INGRESS | BPF_TC_EGRESS);

	bpf_tc_hook_destroy(&hook);
}

static int post_attach(struct post *post)
{
	static const struct bpf_insn instructions[] = { MOV(BPF_REG_0, 0), EXIT };
	static const struct code_reference references[] = { { REFERENCE_OUTCOME, 0, 0 } };
	LIBBPF_OPTS(bpf_link_create_opts, options, .flags = post == XDP ? XDP_FLAGS_DRV_MODE : 0);
	struct diagnostics diagnostics;
	struct hand_chain chain;
	int error;

	post->events = bpf_map_create(BPF_MAP_TYPE_RINGBUF, "events", 0, 0, 65536, NULL);
	post->ring = ring_buffer__new(post->events, see, post, NULL);
	hand_chain_init(&chain, post->hook, WEIR_VERDICT_ACCEPT);
	hand_chain_classify(&chain, instructions, LENGTH(instructions));
	chain.rules[0].log = true;
	chain.code.references = references;
	chain.code.reference_count = 1;
	chain.request.events_fd = post->events;
	diagnostics_init(&diagnostics, arena_new());
	error = kernel_load(&chain.request, &post->loaded, &diagnostics);
	if (error)
		diagnostics_print(&diagnostics, stdout, false);
	arena_free(diagnostics.arena);
	if (error)
		return error;
	post->link = -1;
	if (post != XDP && !use_tcx())
		return clsact_attach(post, post->loaded.program_fd);
	post->link = bpf_link_create(post->loaded.program_fd, if_nametoindex(post->interface), post->attach_type, &options);
	return post->link < 0 ? -errno : 0;
}

static void post_close(struct post *post)
{
	ring_buffer__free(post->ring);
	loaded_chain_close(&post->loaded);
	closep(&post->events);
	closep(&post->link);
	if (post != XDP && !use_tcx())
		clsact_detach(post);
}

/* A packet socket with a ring of one packet. */
struct sender {
	int fd;
	uint8_t *ring;
};

static int sender_open(struct sender *sender)
{
	struct tpacket_req ring = {
		.tp_block_size = RING_FRAME, .tp_block_nr = 1, .tp_frame_size = RING_FRAME, .tp_frame_nr = 1
	};
	struct sockaddr_ll to = { .sll_family = AF_PACKET, .sll_ifindex = if_nametoindex("send") };
	int version = TPACKET_V2, mark = MARK;

	sender->fd = socket(AF_PACKET, SOCK_RAW, 0);
	if (sender->fd < 0 || setsockopt(sender->fd, SOL_PACKET, PACKET_VERSION, &version, sizeof(version)) ||
	    setsockopt(sender->fd, SOL_PACKET, PACKET_TX_RING, &ring, sizeof(ring)) ||
	    setsockopt(sender->fd, SOL_SOCKET, SO_MARK, &mark, sizeof(mark)) ||
	    bind(sender->fd, (struct sockaddr *)&to, sizeof(to)))
		return -errno;
	sender->ring = mmap(NULL, RING_FRAME, PROT_READ | PROT_WRITE, MAP_SHARED, sender->fd, 0);
	return sender->ring == MAP_FAILED ? -errno : 0;
}

static int sender_send(struct sender *sender, const struct frame *frame)
{
	struct tpacket2_hdr *header = (struct tpacket2_hdr *)(void *)sender->ring;

	if (frame->length > RING_FRAME - TPACKET2_HDRLEN)
		return -EMSGSIZE;
	memcpy(sender->ring + TPACKET2_HDRLEN - sizeof(struct sockaddr_ll), frame->bytes, frame->length);
	header->tp_len = frame->length;
	header->tp_status = TP_STATUS_SEND_REQUEST;
	return send(sender->fd, NULL, 0, 0) < 0 ? -errno : 0;
}

static void compare(struct post *post, const struct packet_case *packet, const struct weir_flow *wanted)
{
	if (post->seen_count == 1 && memcmp(&post->seen.flow, wanted, sizeof(*wanted)) == 0) {
		post->compared++;
		return;
	}
	tap_ok = false;
	printf("# %s at %s: %d events\n", packet->name, post->name, post->seen_count);
#define X(id, member, bits)                                                                                                      \
	if (post->seen.flow.member != wanted->member)                                                                            \
		printf("#   %s is %llx, wanted %llx\n", #member, (unsigned long long)post->seen.flow.member,                     \
		       (unsigned long long)wanted->member);
	WEIR_FIELDS(X)
#undef X
}

static bool is_offloaded(const struct frame *frame)
{
	unsigned type = frame->bytes[12] << 8 | frame->bytes[13];

	return type == 0x8100 || type == 0x88a8;
}

/* What arrives, where the first tag was taken off. */
static void compare_ingress(const struct packet_case *packet, struct frame *frame)
{
	struct packet_context context = { .mark = MARK, .iif = if_nametoindex("receive") };
	struct weir_flow wanted;

	if (is_offloaded(frame)) {
		if (frame->length < 14 + 4 + 2)
			return; /* the kernel itself drops what is too short to take a tag off */
		context.has_offload_vlan = true;
		context.offload_vlan_tci = frame->bytes[14] << 8 | frame->bytes[15];
		memmove(frame->bytes + 12, frame->bytes + 16, frame->length - 16);
		frame->length -= 4;
	}
	packet_parse(WEIR_HOOK_TC_INGRESS, &context, frame->bytes, frame->length, &wanted);
	wanted.payload = wanted.payload_length = 0;
	compare(INGRESS, packet, &wanted);
}

/* Send one and look what the posts saw. RECEIVER: who stands on the other side. */
static void run_case(struct sender *sender, struct post *receiver, const struct packet_case *packet)
{
	static struct frame frame;
	struct packet_context egress = { .mark = MARK, .oif = if_nametoindex("send") };
	struct packet_context xdp = { .iif = if_nametoindex("receive") };
	struct weir_flow wanted;

	frame_build(packet->layers, &frame);
	EGRESS->seen_count = receiver->seen_count = 0;
	if (sender_send(sender, &frame)) /* a packet socket sends nothing that is no more than a link header, or too long */
		return;
	ring_buffer__poll(EGRESS->ring, 100);
	packet_parse(WEIR_HOOK_TC_EGRESS, &egress, frame.bytes, frame.length, &wanted);
	wanted.payload = wanted.payload_length = 0;
	compare(EGRESS, packet, &wanted);
	for (int wait = 0; wait < 3 && !receiver->seen_count; wait++)
		ring_buffer__poll(receiver->ring, 30);
	if (receiver == INGRESS) {
		compare_ingress(packet, &frame);
		return;
	}
	packet_parse(WEIR_HOOK_XDP_INGRESS, &xdp, frame.bytes, frame.length, &wanted);
	wanted.payload = wanted.payload_length = 0;
	compare(XDP, packet, &wanted);
}

static void run_all_cases(struct sender *sender, struct post *receiver)
{
	char name[128];

	for (size_t i = 0; i < PACKET_CASES; i++) {
		tap_ok = true;
		run_case(sender, receiver, &packet_cases[i]);
		snprintf(name, sizeof(name), "%s, through a veth to %s", packet_cases[i].name, receiver->name);
		tap_result(name);
	}
}

/* A namespace that says nothing by itself. */
static int make_network(void)
{
	if (unshare(CLONE_NEWNET))
		return -errno;
	if (system("for file in /proc/sys/net/ipv6/conf/*/disable_ipv6; do echo 1 > $file; done 2>/dev/null; "
		   "ip link add send mtu 20000 type veth peer name receive mtu 20000 && ip link set send up && ip link set receive up"))
		return -ENOSYS;
	usleep(100000); /* the link comes up */
	return 0;
}

int main(void)
{
	struct sender sender = { .fd = -1 };

	if (geteuid() != 0) {
		SKIP(live, "needs root");
		return tap_end();
	}
	libbpf_set_print(NULL);
	if (make_network() || sender_open(&sender)) {
		SKIP(live, "cannot make a network namespace with a veth pair");
		return tap_end();
	}
	tap_ok = post_attach(EGRESS) == 0 && post_attach(INGRESS) == 0;
	tap_result("the chains attach to both sides");
	if (tap_ok)
		run_all_cases(&sender, INGRESS);
	post_close(INGRESS);
	tap_ok = post_attach(XDP) == 0;
	tap_result("a chain attaches to the driver of veth");
	if (tap_ok)
		run_all_cases(&sender, XDP);
	post_close(XDP);
	post_close(EGRESS);
	for (size_t i = 0; i < LENGTH(posts); i++) {
		tap_ok = posts[i].compared > 100;
		printf("# %s: %u packets compared\n", posts[i].name, posts[i].compared);
		tap_result("most packets arrived");
	}
	return tap_end();
}
