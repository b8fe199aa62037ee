// SPDX-License-Identifier: GPL-2.0-only
/*
 * ClassBench filter sets: every filter is one rule, in their order, of a chain. Filters have no verdict; one is given to all. The
 * last pair of a line, flags, is not looked at, as in the measurements these files are for.
 */
#include <errno.h>
#include <string.h>

#include "check/names.h"
#include "import/ruleset.h"

struct filter {
	unsigned int address[2][4], length[2], port[2][2], protocol, protocol_mask;
};

static bool scan(const char *line, struct filter *filter)
{
	int end = 0;
	int count = sscanf(line, "@%u.%u.%u.%u/%u %u.%u.%u.%u/%u %u : %u %u : %u %x/%x%n", &filter->address[0][0],
			   &filter->address[0][1], &filter->address[0][2], &filter->address[0][3], &filter->length[0],
			   &filter->address[1][0], &filter->address[1][1], &filter->address[1][2], &filter->address[1][3],
			   &filter->length[1], &filter->port[0][0], &filter->port[0][1], &filter->port[1][0], &filter->port[1][1],
			   &filter->protocol, &filter->protocol_mask, &end);

	if (count != 16 || (line[end] && !strchr(" \t\r", line[end])))
		return false;
	for (int side = 0; side < 2; side++) {
		for (int i = 0; i < 4; i++)
			if (filter->address[side][i] > 255)
				return false;
		if (filter->length[side] > 32 || filter->port[side][0] > filter->port[side][1] || filter->port[side][1] > 65535)
			return false;
	}
	return filter->protocol <= 255 && (filter->protocol_mask == 0 || filter->protocol_mask == 0xff);
}

static void print_address(const char *words, const unsigned int *address, unsigned int length, FILE *out)
{
	unsigned int number = address[0] << 24 | address[1] << 16 | address[2] << 8 | address[3];

	if (length == 0)
		return;
	number &= ~0u << (32 - length);
	fprintf(out, " %s %u.%u.%u.%u", words, number >> 24, number >> 16 & 255, number >> 8 & 255, number & 255);
	if (length < 32)
		fprintf(out, "/%u", length);
}

static bool any_port(const unsigned int *port)
{
	return port[0] == 0 && port[1] == 65535;
}

static void print_port(const char *protocol, const char *words, const unsigned int *port, FILE *out)
{
	if (any_port(port))
		return;
	fprintf(out, " %s %s %u", protocol, words, port[0]);
	if (port[0] != port[1])
		fprintf(out, "-%u", port[1]);
}

static void print_filter(const struct filter *filter, const char *verdict, FILE *out)
{
	bool any = filter->protocol_mask == 0, ports = !any_port(filter->port[0]) || !any_port(filter->port[1]);
	const char *name = any ? NULL : name_word(TYPE_PROTOCOL, filter->protocol), *transport = "th";

	fputs("   ", out); /* and one blank before each word */
	if (filter->length[0] == 0 && filter->length[1] == 0 && (any || ports))
		fputs(" ip", out);
	print_address("ip saddr", filter->address[0], filter->length[0], out);
	print_address("ip daddr", filter->address[1], filter->length[1], out);
	if (!any && (filter->protocol == 6 || filter->protocol == 17 || filter->protocol == 132))
		transport = name;
	if (!any && name && (!ports || transport != name))
		fprintf(out, " ip protocol %s", name);
	else if (!any && !name)
		fprintf(out, " ip protocol %u", filter->protocol);
	print_port(transport, "sport", filter->port[0], out);
	print_port(transport, "dport", filter->port[1], out);
	fprintf(out, " %s\n", verdict);
}

int classbench_read(struct ruleset *ruleset, const struct source *source, const struct import_options *options, FILE *out)
{
	const char *hook = options->hook ? options->hook : "xdp ingress on eth0";
	const char *verdict = options->verdict ? options->verdict : "drop";
	struct place place = { .source = source };

	fprintf(out,
		"# Made by 'weir import' of a ClassBench filter set: each filter is one rule, in their order.\n"
		"# The filters name no verdict: each is given '%s'. Their last pair, flags, is left out.\n",
		verdict);
	if (!options->hook)
		fputs("# The hook was chosen by weir; --hook names another one.\n", out);
	fprintf(out, "chain filters {\n    hook %s\n    policy %s\n\n", hook, strcmp(verdict, "drop") == 0 ? "accept" : "drop");
	for (const char *at = source->text, *end = at + source->length, *stop; at < end; at = stop + 1) {
		struct filter filter;
		char line[256];

		place.line++;
		stop = memchr(at, '\n', (size_t)(end - at));
		stop = stop ? stop : end;
		place.column = 1;
		place.length = (uint32_t)(stop - at);
		if (strspn(at, " \t\r") >= place.length || *at == '#')
			continue;
		snprintf(line, sizeof(line), "%.*s", (int)place.length, at);
		if (!scan(line, &filter)) {
			struct diagnostic *d =
				diagnose(ruleset->diagnostics, SEVERITY_ERROR, place, "this is no filter of ClassBench");

			diagnostic_hint(
				ruleset->diagnostics, d,
				"a filter is '@10.0.0.0/8 10.1.0.0/16 0 : 65535 80 : 80 0x06/0xFF', and flags that are not looked at");
			continue;
		}
		print_filter(&filter, verdict, out);
	}
	fputs("}\n", out);
	return ruleset->diagnostics->errors ? -EINVAL : 0;
}
