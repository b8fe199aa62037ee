// SPDX-License-Identifier: GPL-2.0-only
/*
 * The body of predicate(ctx, flow) for HTTP: the template's http_text() writes what the request has into a struct on the stack,
 * and the patterns are compared with it one after another, by words of eight, four, two and one bytes.
 *
 *	r1-r3	arguments; then a word of the text, its length, a word of the pattern
 *	fp-96	struct weir_http_text
 */
#include <stddef.h>
#include <string.h>

#include "code/instructions.h"
#include "code/predicate.h"

#define TEXT_OFFSET (-(int)sizeof(struct weir_http_text))
#define AT(member)  ((int16_t)(TEXT_OFFSET + (int)offsetof(struct weir_http_text, member)))

/* The packet's word at AT of the text, against the same of the pattern. */
static void emit_word(struct draft *draft, const char *pattern, uint32_t at, uint32_t size, uint32_t next)
{
	static const uint8_t sizes[] = { [1] = BPF_B, [2] = BPF_H, [4] = BPF_W, [8] = BPF_DW };
	int16_t offset = (int16_t)(AT(bytes) + (int)at);
	uint64_t wide;
	uint32_t word;
	uint16_t half;

	draft_emit(draft, load(sizes[size], BPF_REG_1, BPF_REG_10, offset));
	if (size == 8) {
		memcpy(&wide, pattern + at, 8);
		draft_wide(draft, BPF_REG_3, 0, wide);
		draft_branch(draft, branch_register(BPF_JNE, BPF_REG_1, BPF_REG_3), next);
		return;
	}
	memcpy(&word, pattern + at, size == 4 ? 4 : 0);
	memcpy(&half, pattern + at, size == 2 ? 2 : 0);
	draft_branch(draft,
		     branch_constant_32(BPF_JNE, BPF_REG_1,
					size == 4   ? word
					: size == 2 ? half
						    : (unsigned char)pattern[at]),
		     next);
}

static void emit_pattern(struct draft *draft, const struct http_pattern *pattern, uint32_t yes)
{
	uint32_t next = draft_label(draft), at = 0;

	draft_branch(draft, branch_constant_32(pattern->prefix ? BPF_JLT : BPF_JNE, BPF_REG_2, pattern->length), next);
	while (at < pattern->length) {
		uint32_t left = pattern->length - at, size = left >= 8 ? 8 : left >= 4 ? 4 : left >= 2 ? 2 : 1;

		emit_word(draft, pattern->text, at, size, next);
		at += size;
	}
	draft_jump(draft, yes);
	draft_place(draft, next);
}

void emit_http(struct draft *draft, const struct http_match *match, const struct predicate_exits *exits)
{
	uint32_t found = match->negated ? exits->no : exits->yes, other = match->negated ? exits->yes : exits->no;

	/* Most packets of a connection that carry none of it end here. */
	draft_emit(draft, load(BPF_H, BPF_REG_4, BPF_REG_2, offsetof(struct weir_flow, payload)));
	draft_branch(draft, branch_constant_32(BPF_JEQ, BPF_REG_4, 0), exits->no);
	for (int16_t at = TEXT_OFFSET; at < 0; at += 8)
		draft_emit(draft, store_constant(BPF_DW, BPF_REG_10, at, 0));
	draft_emit(draft, store_constant(BPF_W, BPF_REG_10, AT(asked), match->asked));
	draft_emit(draft, move_register(BPF_REG_3, BPF_REG_10));
	draft_emit(draft, calculate_constant(BPF_ADD, BPF_REG_3, TEXT_OFFSET));
	draft_refer(draft, REFERENCE_HTTP, 0);
	draft_emit(draft, call_function());
	draft_branch(draft, branch_constant_32(BPF_JEQ, BPF_REG_0, 0), exits->no);
	draft_emit(draft, load(BPF_W, BPF_REG_2, BPF_REG_10, AT(length)));
	for (uint32_t i = 0; i < match->count; i++)
		emit_pattern(draft, &match->patterns[i], found);
	draft_jump(draft, other);
}
