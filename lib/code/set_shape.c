// SPDX-License-Identifier: GPL-2.0-only
#include "code/set_shape.h"

uint32_t set_type_words(enum value_type type)
{
	return value_type_bits(type) > 64 ? 2 : 1;
}

static uint32_t log2_up(uint32_t size)
{
	uint32_t shift = 0;

	while (1u << shift < size)
		shift++;
	return shift;
}

struct set_shape set_shape(const struct policy_set *set, bool prefixes)
{
	struct set_shape shape = { .prefixes = prefixes, .counted = set->counted, .key_bits = value_type_bits(set->types[0]) };
	bool wide = shape.key_bits > 64;

	for (uint32_t i = 0; i < set->components; i++)
		shape.words += set_type_words(set->types[i]);
	shape.direct = set->components == 1 && shape.key_bits <= 32 && !set->counted;
	shape.entry_size_shift = log2_up((uint32_t)(sizeof(struct weir_set_entry) + shape.words * sizeof(uint64_t) +
						    (set->counted ? sizeof(struct weir_counter) : 0)));
	shape.page_size = !prefixes ? 64 : wide ? 1024 : 512;
	shape.bucket_shift = log2_up(shape.page_size / sizeof(struct weir_set_bucket));
	shape.entry_shift = log2_up(shape.page_size) - shape.entry_size_shift;
	shape.forms[FORM_NARROW] = wide ? (struct set_form){ .fanout = 80, .place_size = 8, .number_offset = 640 }
					: (struct set_form){ .fanout = 64, .place_size = 4, .number_offset = 256 };
	shape.forms[FORM_WIDE] = (struct set_form){ .fanout = 48, .place_size = 8, .lower = 384, .number_offset = 768 };
	return shape;
}
