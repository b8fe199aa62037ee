// SPDX-License-Identifier: GPL-2.0-only
/* The extensions by name and number. */
#include "classic/classic.h"

static const struct {
	uint32_t offset;
	const char *name;
} extensions[] = {
#define X(id, offset, word) { (uint32_t)SKF_AD_OFF + (offset), word },
	CLASSIC_EXTENSIONS(X)
#undef X
	{ 0, "SKF_LL_OFF" },
};

enum classic_extension classic_extension_of(const struct sock_filter *instruction)
{
	uint16_t mode = BPF_MODE(instruction->code);
	uint32_t k = instruction->k;

	if (BPF_CLASS(instruction->code) == BPF_LDX ? mode != BPF_MSH
						    : BPF_CLASS(instruction->code) != BPF_LD || (mode != BPF_ABS && mode != BPF_IND))
		return CLASSIC_NO_EXTENSION;
	if (k >= (uint32_t)SKF_LL_OFF && k < (uint32_t)SKF_NET_OFF)
		return CLASSIC_LINK_HEADER;
	for (int i = 0; i < CLASSIC_EXTENSION_COUNT; i++)
		if (mode == BPF_ABS && extensions[i].offset == k)
			return (enum classic_extension)i;
	return CLASSIC_NO_EXTENSION;
}

const char *classic_extension_name(enum classic_extension extension)
{
	return extensions[extension].name;
}

bool classic_is_steady(const struct classic_program *program)
{
	for (uint32_t i = 0; i < program->count; i++)
		if (classic_extension_of(&program->instructions[i]) == CLASSIC_RANDOM)
			return false;
	return true;
}
