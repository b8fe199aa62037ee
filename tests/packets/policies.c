// SPDX-License-Identifier: GPL-2.0-only
/*
 * Every packet of cases.h, through whole policies at every hook: what rules_judge says is the truth, and the tree walked
 * in user space and the kernel's program must say the same of verdict, deciding rule and rules passed. The kernel
 * says it by its counters.
 */
#include "../unit/kernel/hand_code.h"
#include "cases.h"
#include "compile.h"
#include "rules/packet.h"

#define LOOPBACK 1
#define MARK	 0x1234567

static const struct {
	const char *words, *target;
	enum weir_hook hook;
} hooks[] = {
	{ "xdp ingress", "lo", WEIR_HOOK_XDP_INGRESS },
	{ "tc ingress", "lo", WEIR_HOOK_TC_INGRESS },
	{ "tc egress", "lo", WEIR_HOOK_TC_EGRESS },
	{ "cgroup ingress", "\"/\"", WEIR_HOOK_CGROUP_INGRESS },
	{ "cgroup egress", "\"/\"", WEIR_HOOK_CGROUP_EGRESS },
};

/* Rules by what they are about. LINK: only for hooks that see a link layer. */
static const struct {
	const char *name, *policy, *rules;
	bool link;
} policies[] = {
	{ "no rules and accept", "accept", "", false },
	{ "no rules and drop", "drop", "", false },
	{ "ports behind a default drop", "drop",
	  "tcp dport 80 accept\ntcp dport 81-86 counter\nudp dport { 53, 80 } accept\nsctp dport 99 accept\nth dport 88-92 accept\n",
	  false },
	{ "negated matches are false without the field", "accept",
	  "tcp dport != 80 drop\nudp dport != 53 drop\nip saddr != 10.1.2.3 drop\nip6 hoplimit != 61 drop\nicmp type != echo-request drop\n",
	  false },
	{ "rules without a verdict", "accept",
	  "counter\nip counter\nip6 counter\ntcp counter\ntcp flags & (syn|ack) == syn|ack counter\nip ttl 63 counter\n"
	  "ip6 dscp 46 counter\nmeta l4proto tcp drop\ntcp counter\nudp counter\nmeta length > 100 counter\n",
	  false },
	{ "malformed packets by reason", "accept",
	  "meta malformed short accept\nmeta malformed bad-header counter\nmeta malformed tiny-fragment drop\n"
	  "meta malformed { bad-length, extension-limit } accept\ntcp dport 80 drop\n",
	  false },
	{ "malformed packets of any kind", "drop",
	  "meta malformed counter\nmeta malformed ip accept\ntcp dport 80 accept\nmeta malformed accept\n", false },
	{ "fragments", "drop",
	  "ip frag-off & 0x1fff != 0 counter\nip frag-off & 0x2000 != 0 accept\nmeta l4proto udp accept\nip protocol tcp accept\n",
	  false },
	{ "protocols and headers", "drop",
	  "ip protocol icmp accept\nip6 nexthdr 0 counter\nip6 nexthdr ipv6-icmp accept\nmeta l4proto { 47, 50, 59 } accept\nicmpv6 type 128 accept\n"
	  "icmpv6 code 3 accept\n",
	  false },
	{ "addresses and prefixes", "drop",
	  "ip saddr 10.0.0.0/8 ip daddr 192.168.5.6 tcp dport 80 accept\nip6 saddr 2001:db8::/32 ip6 daddr 2001:db8:f1f2:f3f4::/64 accept\n",
	  false },
	{ "expressions", "accept",
	  "pcap \"tcp port 80 or udp port 53\" counter\npcap \"ip[8] = 63 or ip6[7] = 61\" counter\npcap \"tcp[tcpflags] & tcp-syn != 0\" drop\n"
	  "pcap \"len > 100\" tcp counter\nmeta malformed pcap \"len < 60\" accept\npcap \"not (ip or ip6)\" drop\npcap \"udp[((udp[0:2] & 3) + 4):2] > 8\" drop\n",
	  false },
	{ "mark", "drop", "meta mark 0x1234567 counter\nmeta mark & 0xff == 0x67 accept\n", false },
	{ "tags", "drop",
	  "vlan counter\nvlan id 7 accept\nvlan id { 1, 100 } ip accept\nether type arp accept\nether saddr 02:aa:bb:cc:dd:ee counter\nmeta malformed vlan-limit accept\n",
	  true },
	{ "arp", "accept", "arp operation request drop\narp saddr ip 10.1.2.3 drop\narp counter\nether type 0x88cc drop\n",
	  true },
};

struct chain {
	struct arena *arena;
	const struct compiled_chain *compiled;
	const struct rule_list *rules;
	struct loaded_chain loaded;
	uint32_t slots;
	unsigned ran;
};

static bool chain_load(struct chain *chain, size_t hook, size_t policy)
{
	struct diagnostics diagnostics;
	struct load_request request = { .counters_fd = -1, .events_fd = -1, .owners_fd = -1 };
	const struct compiled *compiled;
	struct source source = { .name = "case.weir" };
	char *text;

	chain->arena = arena_new();
	diagnostics_init(&diagnostics, chain->arena);
	text = arena_printf(chain->arena, "chain edge {\nhook %s on %s;\npolicy %s;\n%s}\n", hooks[hook].words,
			    hooks[hook].target, policies[policy].policy, policies[policy].rules);
	source.text = text;
	source.length = strlen(text);
	compiled = compile(chain->arena, host_system(), &source, "case",
			   &(struct code_options){ .long_jump = kernel_features()->long_jump }, &diagnostics);
	if (compiled) {
		chain->compiled = &compiled->chains[0];
		chain->rules = chain->compiled->rules;
		for (uint32_t i = 0; i < chain->rules->rule_count; i++)
			if (chain->rules->rules[i].slot >= chain->slots)
				chain->slots = chain->rules->rules[i].slot + 1;
		if (chain->slots < WEIR_SLOT_FIRST_RULE)
			chain->slots = WEIR_SLOT_FIRST_RULE;
		request.code = chain->compiled->code;
		request.counter_slots = chain->slots;
		if (kernel_load(&request, &chain->loaded, &diagnostics) == 0)
			return true;
	}
	diagnostics_print(&diagnostics, stdout, false);
	return false;
}

static int chain_run(const struct chain *chain, size_t hook, const struct frame *frame)
{
	static uint8_t out[FRAME_BYTES + 4096];
	struct __sk_buff skb = { .mark = MARK };
	LIBBPF_OPTS(bpf_test_run_opts, options, .data_in = frame->bytes, .data_size_in = frame->length, .data_out = out,
		    .data_size_out = sizeof(out), .repeat = 1);

	if (hooks[hook].hook != WEIR_HOOK_XDP_INGRESS) {
		options.ctx_in = &skb;
		options.ctx_size_in = sizeof(skb);
	}
	return bpf_prog_test_run_opts(chain->loaded.program_fd, &options) ? -errno : (int)options.retval;
}

/* Do the counters say what was judged, and nothing else? They are back at zero afterwards. */
static bool counters_agree(const struct chain *chain, const struct judgement *judged, const struct weir_flow *flow)
{
	struct weir_counter zero[256] = {};
	bool agree = true;

	for (uint32_t slot = 0; slot < chain->slots; slot++) {
		uint32_t decided = chain->rules->rules[judged->decided].slot;
		unsigned wanted;

		if (decided == WEIR_SLOT_MALFORMED)
			decided += flow->malformed;
		wanted = decided == slot;
		for (uint32_t i = 0; i < judged->passed_count; i++)
			wanted += chain->rules->rules[judged->passed[i]].slot == slot;
		if (read_counter(chain->loaded.counters_fd, slot).packets != wanted) {
			printf("# slot %u: %llu packets, wanted %u\n", slot,
			       (unsigned long long)read_counter(chain->loaded.counters_fd, slot).packets, wanted);
			agree = false;
		}
		bpf_map_update_elem(chain->loaded.counters_fd, &slot, zero, 0);
	}
	return agree;
}

static bool same_judgement(const struct judgement *a, const struct judgement *b)
{
	return a->decided == b->decided && a->passed_count == b->passed_count &&
	       memcmp(a->passed, b->passed, a->passed_count * sizeof(*a->passed)) == 0;
}

static void run_packet(struct chain *chain, size_t hook, const struct packet_case *packet)
{
	static struct frame frame;
	uint32_t passed_by_rules[32], passed_by_tree[32];
	struct judgement truth = { .passed = passed_by_rules }, walked = { .passed = passed_by_tree };
	struct packet_context context = { .mark = MARK, .iif = LOOPBACK };
	uint32_t link = hooks[hook].hook >= WEIR_HOOK_CGROUP_INGRESS ? 14 : 0;
	struct weir_flow flow;
	struct judged_packet judged = { &flow, &context, frame.bytes + link, 0 };
	int result;

	frame_build(packet->layers, &frame);
	if (hooks[hook].hook == WEIR_HOOK_TC_EGRESS || hooks[hook].hook == WEIR_HOOK_CGROUP_EGRESS)
		context.iif = 0, context.oif = LOOPBACK;
	judged.length = frame.length - link;
	packet_parse(hooks[hook].hook, &context, frame.bytes + link, frame.length - link, &flow);
	rules_judge(chain->rules, &judged, rules_answer, (void *)chain->rules, &truth);
	tree_judge(chain->compiled->tree, &judged, rules_answer, (void *)chain->rules, &walked);
	result = chain_run(chain, hook, &frame);
	if (result == -EINVAL || result == -ENOMEM)
		return; /* too short or too long for TEST_RUN at this hook */
	chain->ran++;
	if (!same_judgement(&truth, &walked)) {
		tap_ok = false;
		printf("# %s at %s: rules say %u, the tree %u\n", packet->name, hooks[hook].words, truth.decided, walked.decided);
	}
	if (verdict_of(hooks[hook].hook, result) != chain->rules->rules[truth.decided].verdict ||
	    !counters_agree(chain, &truth, &flow)) {
		tap_ok = false;
		printf("# %s at %s: rule '%s' decides, the kernel returned %d\n", packet->name, hooks[hook].words,
		       chain->rules->rules[truth.decided].text, result);
	}
}

static void run_policy(size_t hook, size_t policy)
{
	struct chain chain = { .loaded = { .program_fd = -1, .counters_fd = -1 } };

	tap_ok = chain_load(&chain, hook, policy);
	if (tap_ok) {
		for (size_t i = 0; i < PACKET_CASES; i++)
			run_packet(&chain, hook, &packet_cases[i]);
		CHECK(chain.ran > 100);
		loaded_chain_close(&chain.loaded);
	}
	arena_free(chain.arena);
}

int main(void)
{
	char name[128];

	if (geteuid() != 0) {
		SKIP(policies, "needs root");
		return tap_end();
	}
	kernel_raise_memlock();
	for (size_t policy = 0; policy < LENGTH(policies); policy++) {
		for (size_t hook = 0; hook < LENGTH(hooks); hook++) {
			const char *why;

			if (policies[policy].link && hooks[hook].hook >= WEIR_HOOK_CGROUP_INGRESS)
				continue;
			if (strstr(policies[policy].rules, "mark") && !hook_serves(hooks[hook].hook, SUBJECT_META_MARK, &why))
				continue;
			run_policy(hook, policy);
			snprintf(name, sizeof(name), "%s at %s", policies[policy].name, hooks[hook].words);
			tap_result(name);
		}
	}
	return tap_end();
}
