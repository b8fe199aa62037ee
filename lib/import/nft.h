/* SPDX-License-Identifier: GPL-2.0-only */
/* The halves of the reader of nftables' JSON: objects (nft.c), rules (nft_rule.c), values (nft_value.c). */
#ifndef WEIR_IMPORT_NFT_H
#define WEIR_IMPORT_NFT_H

#include <jansson.h>

#include "import/ruleset.h"

/* Append the rules that EXPRESSIONS, one rule of nft, become; RULE is the first of them and has been added. */
void nft_read_rule(struct ruleset *ruleset, struct import_chain *chain, struct import_rule *rule, const json_t *expressions);

/* A value as weir writes it: literal, prefix, range, { list }, flags. NULL: weir has nothing like it. */
const char *nft_value(const struct ruleset *ruleset, enum value_type type, const json_t *value);

#endif
