// SPDX-License-Identifier: GPL-2.0-only
/* Loading and splicing, with generated code written by hand. */
#include <bpf/libbpf.h>

#include "hand_code.h"
#include "kernel/refusal.h"

static const enum weir_hook hooks[] = { WEIR_HOOK_XDP_INGRESS, WEIR_HOOK_TC_INGRESS, WEIR_HOOK_TC_EGRESS,
					WEIR_HOOK_CGROUP_INGRESS, WEIR_HOOK_CGROUP_EGRESS };

static struct diagnostics diagnostics;

static void forget_diagnostics(void)
{
	arena_free(diagnostics.arena);
	diagnostics_init(&diagnostics, arena_new());
}

/* Load; on failure say why in the test's output. */
static int load(const struct hand_chain *chain, struct loaded_chain *ret_loaded)
{
	int error;

	forget_diagnostics();
	error = kernel_load(&chain->request, ret_loaded, &diagnostics);
	if (error)
		diagnostics_print(&diagnostics, stdout, false);
	return error;
}

static const struct bpf_insn decide[] = { MOV(BPF_REG_0, 0), EXIT };
static const struct code_reference decide_references[] = { { REFERENCE_OUTCOME, 0, 0 } };

static void hand_chain_decide(struct hand_chain *chain, enum weir_hook hook, enum weir_verdict verdict)
{
	hand_chain_init(chain, hook, verdict);
	hand_chain_classify(chain, decide, LENGTH(decide));
	chain->code.references = decide_references;
	chain->code.reference_count = 1;
}

TEST(every_hook_carries_out_the_verdict_of_the_generated_code)
{
	for (size_t i = 0; i < LENGTH(hooks); i++) {
		for (enum weir_verdict verdict = WEIR_VERDICT_ACCEPT; verdict <= WEIR_VERDICT_DROP; verdict++) {
			struct loaded_chain loaded = { .program_fd = -1, .counters_fd = -1 };
			struct hand_chain chain;
			struct weir_counter counter;

			hand_chain_decide(&chain, hooks[i], verdict);
			CHECK_NUMBER(load(&chain, &loaded), 0);
			CHECK_NUMBER(verdict_of(hooks[i], run_program(loaded.program_fd, tcp_frame, sizeof(tcp_frame))), verdict);
			counter = read_counter(loaded.counters_fd, WEIR_SLOT_FIRST_RULE);
			CHECK_NUMBER(counter.packets, 1);
			CHECK_NUMBER(counter.bytes, hooks[i] >= WEIR_HOOK_CGROUP_INGRESS ? 46 : 60);
			CHECK_NUMBER(read_counter(loaded.counters_fd, 0).packets, 0);
			CHECK(loaded.verified_instructions > 100);
			CHECK(loaded.load_ns > 1000);
			loaded_chain_close(&loaded);
			CHECK_NUMBER(loaded.program_fd, -1);
		}
	}
}

TEST(a_malformed_packet_counts_by_its_reason)
{
	static const struct code_reference references[] = { { REFERENCE_OUTCOME, 0, 2 } };
	struct loaded_chain loaded = { .program_fd = -1, .counters_fd = -1 };
	struct hand_chain chain;
	uint8_t frame[60];

	memcpy(frame, tcp_frame, sizeof(frame));
	frame[14] = 0x41; /* a header of four bytes */
	hand_chain_decide(&chain, WEIR_HOOK_XDP_INGRESS, WEIR_VERDICT_ACCEPT);
	chain.code.references = references;
	CHECK_NUMBER(load(&chain, &loaded), 0);
	CHECK_NUMBER(run_program(loaded.program_fd, frame, sizeof(frame)), XDP_DROP);
	CHECK_NUMBER(read_counter(loaded.counters_fd, WEIR_SLOT_MALFORMED + WEIR_MALFORMED_BAD_HEADER).packets, 1);
	loaded_chain_close(&loaded);
}

TEST(counters_go_on_in_a_map_that_is_handed_in_and_slots_may_be_given)
{
	static const uint32_t slots[] = { WEIR_SLOT_FIRST_RULE + 5, 0, WEIR_SLOT_MALFORMED, WEIR_SLOT_POLICY };
	struct loaded_chain first = { .program_fd = -1, .counters_fd = -1 }, second = { .program_fd = -1, .counters_fd = -1 };
	struct hand_chain chain;

	hand_chain_decide(&chain, WEIR_HOOK_TC_INGRESS, WEIR_VERDICT_DROP);
	chain.request.slots = slots;
	CHECK_NUMBER(load(&chain, &first), 0);
	run_program(first.program_fd, tcp_frame, sizeof(tcp_frame));
	chain.request.counters_fd = first.counters_fd;
	CHECK_NUMBER(load(&chain, &second), 0);
	run_program(second.program_fd, tcp_frame, sizeof(tcp_frame));
	CHECK_NUMBER(read_counter(second.counters_fd, WEIR_SLOT_FIRST_RULE + 5).packets, 2);
	loaded_chain_close(&first);
	loaded_chain_close(&second);
}

TEST(counters_of_another_shape_are_refused_and_nothing_is_handed_out)
{
	struct loaded_chain loaded = { .program_fd = 9999, .counters_fd = 9999, .verified_instructions = 9999, .load_ns = 9999 };
	struct hand_chain chain;
	int map = bpf_map_create(BPF_MAP_TYPE_ARRAY, "other", 4, 8, 100, NULL);

	hand_chain_decide(&chain, WEIR_HOOK_XDP_INGRESS, WEIR_VERDICT_DROP);
	chain.request.counters_fd = map;
	forget_diagnostics();
	CHECK_NUMBER(kernel_load(&chain.request, &loaded, &diagnostics), -EINVAL);
	CHECK_NUMBER(diagnostics.errors, 1);
	CHECK_NUMBER(loaded.program_fd, 9999);
	CHECK_NUMBER(loaded.load_ns, 9999);
	close(map);
}

TEST(a_refusal_names_the_line_of_the_rule_and_shows_the_end_of_the_log)
{
	/* Reads flow without asking whether it is NULL. */
	static const struct bpf_insn bad[] = { MOV(BPF_REG_3, 1), LOAD32(BPF_REG_0, BPF_REG_2, 0), EXIT };
	static const struct code_line lines[] = { { 0, 3 }, { 1, 1 } };
	struct loaded_chain loaded = { .program_fd = 9999, .counters_fd = 9999, .verified_instructions = 9999, .load_ns = 9999 };
	const struct diagnostic *diagnostic;
	struct hand_chain chain;

	hand_chain_init(&chain, WEIR_HOOK_XDP_INGRESS, WEIR_VERDICT_DROP);
	hand_chain_classify(&chain, bad, LENGTH(bad));
	chain.code.lines = lines;
	chain.code.line_count = 2;
	forget_diagnostics();
	CHECK_NUMBER(kernel_load(&chain.request, &loaded, &diagnostics), -EACCES);
	CHECK_NUMBER(loaded.program_fd, 9999);
	CHECK_NUMBER(diagnostics.exit_code, 2);
	diagnostic = &diagnostics.list.items[0];
	CHECK_NUMBER(diagnostic->place.line, 15);
	CHECK_TEXT(diagnostic->message, "cannot load program weir_xdp of chain 'edge' (xdp ingress): Permission denied (EACCES)");
	CHECK(diagnostic->hint && strstr(diagnostic->hint, "R2 invalid mem access 'mem_or_null'"));
	CHECK(diagnostic->hint && strstr(diagnostic->hint, "; log"));
	CHECK(diagnostic->hint && !strstr(diagnostic->hint, "processed "));
}

TEST(the_end_of_a_log_is_what_the_verifier_found_and_not_the_page_that_explains_it)
{
	struct arena *arena = arena_new();

	CHECK_TEXT(refusal_log_tail(arena, "0: (95) exit\nR0 !read_ok\nprocessed 1 insns\n"), "\n    0: (95) exit\n    R0 !read_ok");
	/* Linux 7 */
	CHECK_TEXT(refusal_log_tail(arena, "R0 !read_ok\n\nVerification failed: Register\n\nReason:\n  it is not set\n\nprocessed 1 insns\n"),
		   "\n    R0 !read_ok");
	CHECK_TEXT(refusal_log_tail(arena, ""), "");
	arena_free(arena);
}

/* classify: calls two set functions and pass, and decides rule 0. */
static const struct bpf_insn with_sets[] = {
	/* classify */
	MOV_REG(BPF_REG_6, BPF_REG_1),
	MOV_REG(BPF_REG_7, BPF_REG_2),
	IF_NULL(BPF_REG_7, 11),
	MOV_REG(BPF_REG_1, BPF_REG_7),
	CALL_FUNCTION, /* 4 */
	MOV_REG(BPF_REG_8, BPF_REG_0),
	MOV_REG(BPF_REG_1, BPF_REG_7),
	CALL_FUNCTION, /* 7 */
	ADD_REG(BPF_REG_8, BPF_REG_0),
	IF_NULL(BPF_REG_8, 4),
	MOV_REG(BPF_REG_1, BPF_REG_6),
	MOV_REG(BPF_REG_2, BPF_REG_7),
	MOV(BPF_REG_3, 0), /* 12 */
	CALL_FUNCTION,	   /* 13 */
	MOV(BPF_REG_0, 0), /* 14 */
	EXIT,
	/* set_member: is the length of the packet in the first set? */
	IF_NULL(BPF_REG_1, 10), /* 16 */
	LOAD32(BPF_REG_2, BPF_REG_1, offsetof(struct weir_flow, length)),
	STORE32(BPF_REG_10, -4, BPF_REG_2),
	MOV_REG(BPF_REG_2, BPF_REG_10),
	ADD(BPF_REG_2, -4),
	LOAD_MAP(BPF_REG_1), /* 21 */
	CALL_HELPER(BPF_FUNC_map_lookup_elem),
	IF_NULL(BPF_REG_0, 2),
	MOV(BPF_REG_0, 1),
	EXIT,
	MOV(BPF_REG_0, 0),
	EXIT,
	/* set_member of the second set: never */
	MOV(BPF_REG_0, 0), /* 29 */
	EXIT,
};

TEST(several_set_functions_and_pass_are_linked_in)
{
	static const struct code_function functions[] = {
		{ FUNCTION_CLASSIFY, 0, 16, 0, 0 },
		{ FUNCTION_SET_MEMBER, 16, 13, 0, 0 },
		{ FUNCTION_SET_MEMBER, 29, 2, 1, 0 },
	};
	static const struct code_reference references[] = {
		{ REFERENCE_FUNCTION, 4, 1 }, { REFERENCE_FUNCTION, 7, 2 }, { REFERENCE_OUTCOME, 12, 1 },
		{ REFERENCE_PASS, 13, 0 },    { REFERENCE_OUTCOME, 14, 0 }, { REFERENCE_SET, 21, 0 },
	};
	static const struct code_line lines[] = { { 3, 0 }, { 10, 1 }, { 14, 0 } };
	static const struct rule_set sets[] = { { .name = "black-list" }, { .name = "other" } };
	static const struct dimension dimensions[] = { { .kind = DIMENSION_SET, .set = 0 }, { .kind = DIMENSION_SET, .set = 1 } };
	int maps[] = { -1, -1 };

	for (size_t i = 0; i < LENGTH(hooks); i++) {
		struct loaded_chain loaded = { .program_fd = -1, .counters_fd = -1 };
		uint32_t length = hooks[i] >= WEIR_HOOK_CGROUP_INGRESS ? 46 : 60, one = 1;
		struct hand_chain chain;

		maps[0] = bpf_map_create(BPF_MAP_TYPE_HASH, "set", 4, 4, 16, NULL);
		hand_chain_init(&chain, hooks[i], WEIR_VERDICT_ACCEPT);
		hand_chain_classify(&chain, with_sets, LENGTH(with_sets));
		chain.code.functions = functions;
		chain.code.function_count = 3;
		chain.code.references = references;
		chain.code.reference_count = LENGTH(references);
		chain.code.lines = lines;
		chain.code.line_count = LENGTH(lines);
		chain.list.sets = sets;
		chain.list.set_count = 2;
		chain.list.dimensions = dimensions;
		chain.list.dimension_count = 2;
		chain.request.sets = maps;
		CHECK_NUMBER(load(&chain, &loaded), 0);
		run_program(loaded.program_fd, tcp_frame, sizeof(tcp_frame));
		CHECK_NUMBER(read_counter(loaded.counters_fd, WEIR_SLOT_FIRST_RULE + 1).packets, 0);
		CHECK_NUMBER(bpf_map_update_elem(maps[0], &length, &one, 0), 0);
		CHECK_NUMBER(verdict_of(hooks[i], run_program(loaded.program_fd, tcp_frame, sizeof(tcp_frame))),
			     WEIR_VERDICT_ACCEPT);
		CHECK_NUMBER(read_counter(loaded.counters_fd, WEIR_SLOT_FIRST_RULE + 1).packets, 1);
		CHECK_NUMBER(read_counter(loaded.counters_fd, WEIR_SLOT_FIRST_RULE).packets, 2);
		loaded_chain_close(&loaded);
		close(maps[0]);
	}
}

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

TEST(an_event_carries_the_packet_and_what_found_no_room_is_counted)
{
	for (size_t i = 0; i < LENGTH(hooks); i++) {
		struct loaded_chain loaded = { .program_fd = -1, .counters_fd = -1 };
		int events = bpf_map_create(BPF_MAP_TYPE_RINGBUF, "events", 0, 0, 4096, NULL);
		int owners = kernel_owners_create();
		struct ring_buffer *ring = ring_buffer__new(events, see, NULL, NULL);
		struct hand_chain chain;

		hand_chain_decide(&chain, hooks[i], WEIR_VERDICT_DROP);
		chain.rules[0].log = true;
		chain.request.events_fd = events;
		chain.request.owners_fd = owners;
		CHECK_NUMBER(load(&chain, &loaded), 0);
		seen_count = 0;
		run_program(loaded.program_fd, tcp_frame, sizeof(tcp_frame));
		ring_buffer__consume(ring);
		CHECK_NUMBER(seen_count, 1);
		CHECK_NUMBER(seen.chain_id, 7);
		CHECK_NUMBER(seen.outcome, WEIR_OUTCOME(WEIR_SLOT_FIRST_RULE, WEIR_VERDICT_DROP, 1));
		CHECK(seen.time_ns != 0);
		CHECK_NUMBER(seen.has_owner, 0);
		CHECK_NUMBER(seen.flow.saddr4, 0x0a000001);
		CHECK_NUMBER(seen.flow.daddr4, 0x0a000002);
		CHECK_NUMBER(seen.flow.sport, 1234);
		CHECK_NUMBER(seen.flow.dport, 80);
		CHECK_NUMBER(seen.flow.tcp_flags, 2);
		CHECK_NUMBER(seen.flow.dscp, 46);
		CHECK_NUMBER(seen.flow.ether_saddr, hooks[i] >= WEIR_HOOK_CGROUP_INGRESS ? 0 : 0x020000000001);
		for (int n = 0; n < 100; n++)
			run_program(loaded.program_fd, tcp_frame, sizeof(tcp_frame));
		CHECK(read_counter(loaded.counters_fd, WEIR_SLOT_EVENTS_LOST).packets > 50);
		ring_buffer__free(ring);
		loaded_chain_close(&loaded);
		close(events);
		close(owners);
	}
}

TEST(features_are_the_same_when_asked_twice)
{
	struct kernel_features first = *kernel_features();

	printf("# tcx %d, long jumps %d, xdp with fragments %d\n", first.tcx, first.long_jump, first.xdp_frags);
	CHECK(memcmp(&first, kernel_features(), sizeof(first)) == 0);
}

int main(void)
{
	if (geteuid() != 0) {
		SKIP(loading, "needs root");
		return tap_end();
	}
	kernel_raise_memlock();
	diagnostics_init(&diagnostics, arena_new());
	RUN(every_hook_carries_out_the_verdict_of_the_generated_code);
	RUN(a_malformed_packet_counts_by_its_reason);
	RUN(counters_go_on_in_a_map_that_is_handed_in_and_slots_may_be_given);
	RUN(counters_of_another_shape_are_refused_and_nothing_is_handed_out);
	RUN(a_refusal_names_the_line_of_the_rule_and_shows_the_end_of_the_log);
	RUN(the_end_of_a_log_is_what_the_verifier_found_and_not_the_page_that_explains_it);
	RUN(several_set_functions_and_pass_are_linked_in);
	RUN(an_event_carries_the_packet_and_what_found_no_room_is_counted);
	RUN(features_are_the_same_when_asked_twice);
	arena_free(diagnostics.arena);
	return tap_end();
}
