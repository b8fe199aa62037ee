// SPDX-License-Identifier: GPL-2.0-only
/* What `ipset save` writes: create NAME TYPE ..., add NAME ELEMENT ... Sets that weir can hold get their elements. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "import/ruleset.h"

static char *next(char **rest)
{
	char *word;

	while ((word = strsep(rest, " \t\r")) && !*word)
		;
	return word;
}

static void create(struct ruleset *ruleset, char *rest)
{
	char *name = next(&rest), *type = next(&rest), *word;
	struct import_set *set;
	bool ipv6 = false;

	if (!name || !type)
		return;
	set = ruleset_add_set(ruleset, "", name);
	while ((word = next(&rest))) {
		if (strcmp(word, "family") == 0 && (word = next(&rest)))
			ipv6 = strcmp(word, "inet6") == 0;
		else if (word && strcmp(word, "maxelem") == 0 && (word = next(&rest)))
			set->size = strtoull(word, NULL, 10);
		else if (word && strcmp(word, "timeout") == 0 && (word = next(&rest)))
			set->timeout = strtoull(word, NULL, 10);
		else if (word && (strcmp(word, "netmask") == 0 || strcmp(word, "bitmask") == 0))
			set->refusal = "the set looks at a part of the address only (netmask)";
		if (!word)
			break;
	}
	if (strcmp(type, "hash:ip") == 0 || strcmp(type, "hash:net") == 0 || strcmp(type, "bitmap:ip") == 0)
		set->type = ipv6 ? "ipv6_addr" : "ipv4_addr";
	else if (strcmp(type, "bitmap:port") == 0)
		set->type = "inet_service";
	else if (strcmp(type, "hash:mac") == 0)
		set->type = "ether_addr";
	else
		set->refusal = arena_printf(ruleset->arena, "weir has no sets of the type %s", type);
}

static void add(struct ruleset *ruleset, char *rest)
{
	char *name = next(&rest), *element = next(&rest), *word;
	struct import_set *set = name ? ruleset_set(ruleset, "", name) : NULL;
	const char *timeout = NULL;

	if (!set || !element)
		return;
	while ((word = next(&rest))) {
		if (strcmp(word, "nomatch") == 0)
			set->refusal = "the set has elements that take others out (nomatch)";
		if (strcmp(word, "timeout") == 0)
			timeout = next(&rest);
	}
	if (set->refusal)
		return;
	if (timeout && strcmp(timeout, "0") != 0)
		element = arena_printf(ruleset->arena, "%s timeout %ss", element, timeout);
	else if (timeout && set->timeout)
		set->refusal = "the set has a timeout, and elements without one";
	vector_push(ruleset->arena, &set->elements, element);
}

int ipset_read(struct ruleset *ruleset, const struct source *source)
{
	const char *end = source->text + source->length, *stop;
	struct place place = { .source = source };

	for (const char *at = source->text; at < end; at = stop + 1) {
		char *line, *word;

		stop = memchr(at, '\n', (size_t)(end - at));
		stop = stop ? stop : end;
		place.line++;
		place.column = 1;
		place.length = (uint32_t)(stop - at);
		line = arena_strndup(ruleset->arena, at, place.length);
		word = next(&line);
		if (!word || *word == '#')
			continue;
		if (strcmp(word, "create") == 0) {
			create(ruleset, line);
		} else if (strcmp(word, "add") == 0) {
			add(ruleset, line);
		} else {
			struct diagnostic *diagnostic =
				diagnose(ruleset->diagnostics, SEVERITY_ERROR, place, "this is no line of 'ipset save'");

			diagnostic_hint(ruleset->diagnostics, diagnostic,
					"it has lines 'create NAME TYPE ...' and 'add NAME ELEMENT'");
		}
	}
	return ruleset->diagnostics->errors ? -EINVAL : 0;
}
