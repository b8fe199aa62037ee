// SPDX-License-Identifier: GPL-2.0-only
#include <string.h>

#include "rules/lowering.h"

static bool constraints_alike(const struct constraint *a, const struct constraint *b)
{
	return a->dimension == b->dimension && a->count == b->count &&
	       memcmp(a->intervals, b->intervals, a->count * sizeof(*a->intervals)) == 0;
}

static bool boxes_alike(const struct box *a, const struct box *b)
{
	if (a->count != b->count)
		return false;
	for (uint32_t i = 0; i < a->count; i++)
		if (!constraints_alike(&a->constraints[i], &b->constraints[i]))
			return false;
	return true;
}

static bool one_rule_alike(const struct rule *a, const struct rule *b)
{
	if (a->box_count != b->box_count || (a->verdict == WEIR_VERDICT_CONTINUE) != (b->verdict == WEIR_VERDICT_CONTINUE))
		return false;
	for (uint32_t i = 0; i < a->box_count; i++)
		if (!boxes_alike(&a->boxes[i], &b->boxes[i]))
			return false;
	return true;
}

bool rules_alike(const struct rule_list *a, const struct rule_list *b)
{
	if (a->dimension_count != b->dimension_count || a->rule_count != b->rule_count)
		return false;
	for (uint32_t i = 0; i < a->dimension_count; i++)
		if (!dimension_equal(&a->dimensions[i], &b->dimensions[i]))
			return false;
	for (uint32_t i = 0; i < a->rule_count; i++)
		if (!one_rule_alike(&a->rules[i], &b->rules[i]))
			return false;
	return true;
}
