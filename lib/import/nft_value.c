// SPDX-License-Identifier: GPL-2.0-only
/* Values in nftables' JSON, put into weir's words where weir has the same value. */
#include <string.h>

#include "check/names.h"
#include "import/nft.h"

static const char *word(const struct ruleset *ruleset, enum value_type type, const char *text)
{
	uint64_t number;
	bool any;

	switch (type) {
	case TYPE_IPV4_ADDR:
	case TYPE_IPV6_ADDR:
		return import_address(ruleset, text, type == TYPE_IPV6_ADDR, &any);
	case TYPE_PROTOCOL:
		return import_protocol(ruleset, text);
	case TYPE_ETHER_ADDR:
		return strlen(text) == 17 && strspn(text, "0123456789abcdefABCDEF:") == 17 ? text : NULL;
	case TYPE_INTERFACE:
		return strchr(text, '*') ? NULL : text;
	default:
		break;
	}
	/* Names of services are those of the system to nftables and to weir. */
	if (type == TYPE_INET_SERVICE)
		return *text && strspn(text, "abcdefghijklmnopqrstuvwxyz0123456789-") == strlen(text) ? text : NULL;
	return name_number(type, text, strlen(text), &number) == 0 ? text : NULL;
}

/* Parts joined by what stands BETWEEN them; NULL where one of them is nothing of weir's. */
static const char *join(const struct ruleset *ruleset, enum value_type type, const json_t *parts, const char *between)
{
	size_t count = json_array_size(parts), length = 0, used = 0;
	const char **words = arena_new_array(ruleset->arena, const char *, count);
	char *text;

	for (size_t i = 0; i < count; i++) {
		words[i] = nft_value(ruleset, type, json_array_get(parts, i));
		if (!words[i])
			return NULL;
		length += strlen(words[i]) + strlen(between);
	}
	text = arena_alloc(ruleset->arena, length + 1);
	for (size_t i = 0; i < count; i++)
		used += (size_t)sprintf(text + used, "%s%s", i ? between : "", words[i]);
	return count ? text : NULL;
}

static const char *prefix(const struct ruleset *ruleset, enum value_type type, const json_t *value)
{
	const char *address = json_string_value(json_object_get(value, "addr"));
	const json_t *length = json_object_get(value, "len");

	if (!address || !json_is_integer(length) || (type != TYPE_IPV4_ADDR && type != TYPE_IPV6_ADDR))
		return NULL;
	return word(ruleset, type, arena_printf(ruleset->arena, "%s/%d", address, (int)json_integer_value(length)));
}

const char *nft_value(const struct ruleset *ruleset, enum value_type type, const json_t *value)
{
	const json_t *inner;
	const char *text;

	if (json_is_string(value))
		return json_string_value(value)[0] == '@'
			       ? NULL
			       : word(ruleset, type, arena_strdup(ruleset->arena, json_string_value(value)));
	if (json_is_integer(value)) {
		if (json_integer_value(value) < 0 || type == TYPE_INTERFACE || type == TYPE_IPV4_ADDR || type == TYPE_IPV6_ADDR)
			return NULL;
		text = arena_printf(ruleset->arena, "%lld", (long long)json_integer_value(value));
		return type == TYPE_PROTOCOL ? import_protocol(ruleset, text) : text;
	}
	if (json_is_array(value))
		return type == TYPE_TCP_FLAGS ? join(ruleset, type, value, "|") : NULL;
	if ((inner = json_object_get(value, "|")))
		return type == TYPE_TCP_FLAGS ? join(ruleset, type, inner, "|") : NULL;
	if ((inner = json_object_get(value, "prefix")))
		return prefix(ruleset, type, inner);
	if ((inner = json_object_get(value, "range")))
		return type == TYPE_TCP_FLAGS ? NULL : join(ruleset, type, inner, "-");
	if ((inner = json_object_get(value, "elem")))
		return nft_value(ruleset, type, json_object_get(inner, "val"));
	if ((inner = json_object_get(value, "set")) && json_is_array(inner)) {
		text = join(ruleset, type, inner, ", ");
		return text ? arena_printf(ruleset->arena, "{ %s }", text) : NULL;
	}
	return NULL;
}
