// SPDX-License-Identifier: GPL-2.0-only
/*
 * One function a set: int set_member(struct weir_flow *flow). It builds the key that the packet has (weir_abi.h has
 * its layout), looks it up in the hash of exact elements and, where the set may have prefixes, in the trie; an
 * element that has expired is none.
 *
 *	r0	what a helper gave back; the answer, 1 or 0
 *	r1-r5	scratch, arguments
 *	r6	expiry of the element that was found, over the call for the time
 *	r7	flow
 *	fp-32	the key; fp-36 the length of the prefix before it, as the trie wants it
 */
#include "code/set_member.h"

#include <stddef.h>

#include "check/policy.h"
#include "code/instructions.h"

#define KEY_OFFSET	     (-WEIR_MAX_SET_KEY)
#define PREFIX_LENGTH_OFFSET (KEY_OFFSET - 4)

struct field_place field_place(enum weir_field field)
{
	static const struct field_place places[WEIR_FIELD_COUNT] = {
#define X(id, member, bits) { offsetof(struct weir_flow, member), sizeof(((struct weir_flow *)0)->member) },
		WEIR_FIELDS(X)
#undef X
	};

	return places[field];
}

uint8_t load_size(uint8_t bytes)
{
	return bytes == 1 ? BPF_B : bytes == 2 ? BPF_H : bytes == 4 ? BPF_W : BPF_DW;
}

/* Store the 8 bytes of r1. The stack wants them aligned: behind an odd number of words they go in halves. */
static void store_eight(struct draft *draft, int16_t offset)
{
	const bool little = __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__;

	if (offset % 8 == 0) {
		draft_emit(draft, store(BPF_DW, BPF_REG_10, offset, BPF_REG_1));
		return;
	}
	draft_emit(draft, store(BPF_W, BPF_REG_10, little ? offset : offset + 4, BPF_REG_1));
	draft_emit(draft, calculate_constant(BPF_RSH, BPF_REG_1, 32));
	draft_emit(draft, store(BPF_W, BPF_REG_10, little ? offset + 4 : offset, BPF_REG_1));
}

/* One component into the key at OFFSET: in network order, zeroes behind it. Its size comes back. */
static int16_t emit_component(struct draft *draft, enum weir_field field, enum value_type type, int16_t offset)
{
	uint32_t bits = (value_type_bits(type) + 7) / 8 * 8;
	struct field_place place = field_place(field);

	draft_emit(draft, load(load_size(place.bytes), BPF_REG_1, BPF_REG_7, place.offset));
	if (bits <= 32) {
		if (bits < 32)
			draft_emit(draft, calculate_constant(BPF_LSH, BPF_REG_1, (int32_t)(32 - bits)));
		draft_emit(draft, to_network_order(BPF_REG_1, 32));
		draft_emit(draft, store(BPF_W, BPF_REG_10, offset, BPF_REG_1));
		return 4;
	}
	if (bits < 64)
		draft_emit(draft, calculate_constant(BPF_LSH, BPF_REG_1, (int32_t)(64 - bits)));
	draft_emit(draft, to_network_order(BPF_REG_1, 64));
	store_eight(draft, offset);
	if (bits <= 64)
		return 8;
	place = field_place(field + 1); /* of an IPv6 address, the lower half */
	draft_emit(draft, load(load_size(place.bytes), BPF_REG_1, BPF_REG_7, place.offset));
	draft_emit(draft, to_network_order(BPF_REG_1, 64));
	store_eight(draft, offset + 8);
	return 16;
}

/* Look up, and return 1 for a member; go on behind for none. */
static void emit_lookup(struct draft *draft, enum code_reference_kind kind, uint32_t set, int16_t key_offset)
{
	uint32_t none = draft_label(draft), member = draft_label(draft);

	draft_refer(draft, kind, set);
	draft_wide(draft, BPF_REG_1, BPF_PSEUDO_MAP_FD, 0);
	draft_emit(draft, move_register(BPF_REG_2, BPF_REG_10));
	draft_emit(draft, calculate_constant(BPF_ADD, BPF_REG_2, key_offset));
	draft_emit(draft, call_helper(HELPER_MAP_LOOKUP_ELEM));
	draft_branch(draft, branch_constant(BPF_JEQ, BPF_REG_0, 0), none);
	draft_emit(draft, load(BPF_DW, BPF_REG_6, BPF_REG_0, offsetof(struct weir_set_value, expires_ns)));
	draft_branch(draft, branch_constant(BPF_JEQ, BPF_REG_6, 0), member);
	draft_emit(draft, call_helper(HELPER_KTIME_GET_COARSE_NS));
	draft_branch(draft, branch_register(BPF_JGE, BPF_REG_0, BPF_REG_6), none);
	draft_place(draft, member);
	draft_emit(draft, move_constant(BPF_REG_0, 1));
	draft_exit(draft);
	draft_place(draft, none);
}

void emit_set_member(struct draft *draft, const struct rule_list *list, uint32_t dimension)
{
	const struct dimension *asked = &list->dimensions[dimension];
	const struct rule_set *set = &list->sets[asked->set];
	uint32_t body = draft_label(draft);
	int16_t offset = KEY_OFFSET;

	draft_function(draft, FUNCTION_SET_MEMBER, dimension);
	draft_branch(draft, branch_constant(BPF_JNE, BPF_REG_1, 0), body);
	draft_emit(draft, move_constant(BPF_REG_0, 0));
	draft_exit(draft);
	draft_place(draft, body);
	draft_emit(draft, move_register(BPF_REG_7, BPF_REG_1));
	for (uint32_t i = 0; i < asked->key_count; i++)
		offset += emit_component(draft, asked->keys[i], set->set->types[i], offset);
	emit_lookup(draft, REFERENCE_SET_EXACT, asked->set, KEY_OFFSET);
	if (set->prefixes) {
		draft_emit(draft,
			   store_constant(BPF_W, BPF_REG_10, PREFIX_LENGTH_OFFSET, (int32_t)value_type_bits(set->set->types[0])));
		emit_lookup(draft, REFERENCE_SET_PREFIX, asked->set, PREFIX_LENGTH_OFFSET);
	}
	draft_emit(draft, move_constant(BPF_REG_0, 0));
	draft_exit(draft);
}
