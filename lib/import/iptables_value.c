// SPDX-License-Identifier: GPL-2.0-only
/* Values as iptables-save writes them, put into weir's words. */
#include "import/iptables.h"

#include <stdlib.h>
#include <string.h>

const char *iptables_range(const struct ruleset *ruleset, const char *text, unsigned long limit)
{
	unsigned long first = 0, last = limit;
	char *end = (char *)(uintptr_t)text;

	if (*end && *end != ':')
		first = strtoul(text, &end, 0);
	if (end == text && *end != ':')
		return NULL;
	if (*end == ':') {
		const char *second = end + 1;

		if (*second)
			last = strtoul(second, &end, 0);
		else
			end++;
		if (*second && end == second)
			return NULL;
	} else {
		last = first;
	}
	if (*end || first > last || last > limit || strchr(text, '-'))
		return NULL;
	return import_number_range(ruleset, first, last);
}

static bool is_word(const char *text)
{
	return *text && strspn(text, "abcdefghijklmnopqrstuvwxyz0123456789-") == strlen(text) && *text >= 'a';
}

const char *iptables_ports(const struct ruleset *ruleset, const char *text)
{
	char *copy = arena_strdup(ruleset->arena, text), *rest = copy, *part;
	const char *list = NULL;

	while ((part = strsep(&rest, ","))) {
		const char *one = is_word(part) ? part : iptables_range(ruleset, part, 65535);

		if (!one)
			return NULL;
		list = list ? arena_printf(ruleset->arena, "%s, %s", list, one) : one;
	}
	return strchr(text, ',') ? arena_printf(ruleset->arena, "{ %s }", list) : list;
}

const char *iptables_flags(const struct ruleset *ruleset, const char *text)
{
	static const char *const all = "fin|syn|rst|psh|ack|urg";
	char *copy = arena_strdup(ruleset->arena, text), *part;
	const char *list = NULL;

	if (strcmp(text, "NONE") == 0)
		return "0";
	if (strcmp(text, "ALL") == 0)
		return all;
	for (char *at = copy; *at; at++)
		*at = *at >= 'A' && *at <= 'Z' ? (char)(*at - 'A' + 'a') : *at;
	while ((part = strsep(&copy, ","))) {
		if (!*part || !strstr(all, part) || strlen(part) != 3)
			return NULL;
		list = list ? arena_printf(ruleset->arena, "%s|%s", list, part) : part;
	}
	return list;
}
