// SPDX-License-Identifier: GPL-2.0-only
/*
 * The state for people:
 *
 *	policy edge  /etc/weir/edge.weir  since 2026-11-21 10:02:11 (5 min)
 *	  set blocklist  ipv4_addr  3 of 1048576 elements
 *
 *	  chain edge  xdp ingress
 *	    on eth0 (native)
 *	       packets     bytes
 *	            12       720  edge.weir:8  arp drop
 *	             0         0  edge.weir:9  ether saddr 02:00:00:00:00:66 drop
 *	          4711    612345  policy       accept
 *	             3       180  malformed    short, dropped: ends inside a header
 */
#include <string.h>
#include <time.h>

#include "base/cleanup.h"
#include "base/escape.h"
#include "report/list.h"

struct page {
	FILE *out;
	const struct list_style *style;
	struct arena *arena;
};

struct widths {
	int packets, bytes, place;
};

static const char *const malformed_names[] = {
#define X(id, name, text) name,
	WEIR_MALFORMED(X)
#undef X
};

static const char *const malformed_texts[] = {
#define X(id, name, text) text,
	WEIR_MALFORMED(X)
#undef X
};

static const char *bold(const struct page *page)
{
	return page->style->colour ? "\033[1m" : "";
}

static const char *dim(const struct page *page)
{
	return page->style->colour ? "\033[2m" : "";
}

static const char *plain(const struct page *page)
{
	return page->style->colour ? "\033[0m" : "";
}

static int wider(int width, int other)
{
	return other > width ? other : width;
}

static int digits(uint64_t number)
{
	return snprintf(NULL, 0, "%llu", (unsigned long long)number);
}

static const char *file_name(const char *path)
{
	const char *slash = strrchr(path, '/');

	return slash ? slash + 1 : path;
}

static const char *plural(uint64_t count)
{
	return count == 1 ? "" : "s";
}

/* "5 min": how long ago in its largest unit. */
static void print_age(const struct page *page, uint64_t applied_s)
{
	static const struct {
		uint64_t seconds;
		const char *name;
	} units[] = { { 86400, "d" }, { 3600, "h" }, { 60, "min" }, { 1, "s" } };
	uint64_t age = page->style->now_s - applied_s;

	if (page->style->now_s < applied_s)
		return;
	for (size_t i = 0; i < 4; i++)
		if (age >= units[i].seconds || i == 3) {
			fprintf(page->out, " (%llu %s)", (unsigned long long)(age / units[i].seconds), units[i].name);
			return;
		}
}

static void print_header(const struct page *page, const struct state_policy *policy)
{
	time_t applied = (time_t)policy->applied_s;
	char when[32] = "unknown";
	struct tm parts;

	if (localtime_r(&applied, &parts))
		strftime(when, sizeof(when), "%Y-%m-%d %H:%M:%S", &parts);
	fprintf(page->out, "%spolicy %s%s  %s  since %s", bold(page), policy->name, plain(page), policy->file, when);
	print_age(page, policy->applied_s);
	if (page->style->verbose)
		fprintf(page->out, "  generation %llu", (unsigned long long)policy->generation);
	fputc('\n', page->out);
}

static void print_sets(const struct page *page, const struct state_policy *policy)
{
	int name_width = 0, count_width = 0;

	for (uint32_t i = 0; i < policy->set_count; i++) {
		name_width = wider(name_width, (int)strlen(policy->sets[i].name));
		count_width = wider(count_width, digits(policy->sets[i].element_count));
	}
	for (uint32_t i = 0; i < policy->set_count; i++) {
		const struct state_set *set = &policy->sets[i];

		fprintf(page->out, "  set %s%-*s%s  %*llu ", bold(page), name_width, set->name, plain(page), count_width,
			(unsigned long long)set->element_count);
		if (set->set.grows)
			fprintf(page->out, "element%s  ", plural(set->element_count));
		else
			fprintf(page->out, "of %u element%s  ", set->set.size, plural(set->set.size));
		for (uint32_t k = 0; k < set->set.components; k++)
			fprintf(page->out, "%s%s", k ? " . " : "", value_type_name(set->set.types[k]));
		if (page->style->verbose)
			fprintf(page->out, "  %llu bytes", (unsigned long long)set->bytes);
		fputc('\n', page->out);
	}
}

static void print_foreign(const struct page *page, const struct state_foreign *foreign, bool first)
{
	const char *name = foreign->program_name;

	fprintf(page->out, "%s %s", first ? "  beside" : ",",
		*name ? escape_text(page->arena, name, 64) : "a program without name");
	if (foreign->program_id) /* 0: a filter of tc that is no program */
		fprintf(page->out, " (program %u)", foreign->program_id);
}

static void print_attachments(const struct page *page, const struct state_chain *chain)
{
	for (uint32_t i = 0; i < chain->attachment_count; i++) {
		const struct state_attachment *attachment = &chain->attachments[i];

		fprintf(page->out, "    on %s", escape_text(page->arena, attachment->target, strlen(attachment->target)));
		if (attachment->netns)
			fprintf(page->out, " netns %s", attachment->netns);
		/* A cgroup has but one way of attaching, which the hook names already. */
		if (strcmp(attachment->how, "cgroup") != 0)
			fprintf(page->out, " (%s)", attachment->how);
		if (attachment->of && attachment->ifindex)
			fprintf(page->out, "  the other end of %s, whose %s this is", attachment->of,
				chain->hook == WEIR_HOOK_TC_EGRESS ? "ingress" : "egress");
		else if (attachment->of)
			fprintf(page->out, "  %s", attachment->of);
		if (page->style->verbose && attachment->link_id)
			fprintf(page->out, "  link %u", attachment->link_id);
		if (!attachment->present)
			fprintf(page->out, "  %sNOT ENFORCED: it is gone, or somebody detached it%s", bold(page), plain(page));
		for (uint32_t k = 0; k < attachment->foreign_count; k++)
			print_foreign(page, &attachment->foreign[k], k == 0);
		fputc('\n', page->out);
	}
}

static int place_width(const struct state_rule *rule)
{
	return (int)strlen(file_name(rule->file)) + 1 + digits(rule->line);
}

static struct widths chain_widths(const struct state_chain *chain)
{
	struct widths widths = {
		.packets = wider((int)strlen("packets"), digits(chain->policy_counter.packets)),
		.bytes = wider((int)strlen("bytes"), digits(chain->policy_counter.bytes)),
		.place = (int)strlen("policy"),
	};

	for (uint32_t i = 0; i < chain->rule_count; i++) {
		widths.packets = wider(widths.packets, digits(chain->rules[i].counter.packets));
		widths.bytes = wider(widths.bytes, digits(chain->rules[i].counter.bytes));
		widths.place = wider(widths.place, place_width(&chain->rules[i]));
	}
	for (uint32_t i = 0; i < WEIR_MALFORMED_COUNT; i++) {
		if (!chain->malformed[i].packets)
			continue;
		widths.packets = wider(widths.packets, digits(chain->malformed[i].packets));
		widths.bytes = wider(widths.bytes, digits(chain->malformed[i].bytes));
		widths.place = wider(widths.place, (int)strlen("malformed"));
	}
	return widths;
}

static void print_row(const struct page *page, const struct widths *widths, const struct weir_counter *counter, const char *place,
		      const char *text)
{
	fprintf(page->out, "    %s%*llu  %*llu  %-*s  %s%s\n", counter->packets ? "" : dim(page), widths->packets,
		(unsigned long long)counter->packets, widths->bytes, (unsigned long long)counter->bytes, widths->place, place,
		text, counter->packets ? "" : plain(page));
}

/* What is left when PART is taken away; the two are not read at the same moment. */
static struct weir_counter counter_rest(const struct weir_counter *whole, const struct weir_counter *part)
{
	return (struct weir_counter){
		.packets = whole->packets > part->packets ? whole->packets - part->packets : 0,
		.bytes = whole->bytes > part->bytes ? whole->bytes - part->bytes : 0,
	};
}

/* What `counter by meta mark` counted, and what found no room in it. */
static void print_marks(const struct page *page, const struct widths *widths, const struct state_rule *rule)
{
	struct weir_counter others = rule->counter;

	for (uint32_t i = 0; i < rule->mark_count; i++) {
		print_row(page, widths, &rule->marks[i].counter, "", arena_printf(page->arena, "mark 0x%x", rule->marks[i].mark));
		others = counter_rest(&others, &rule->marks[i].counter);
	}
	if (rule->mark_count && others.packets)
		print_row(page, widths, &others, "", "other marks");
}

/* "connections begun: 8080 12, 8081 9", four spaces behind the rule's place. */
static void print_ports(const struct page *page, const struct widths *widths, const struct state_rule *rule)
{
	if (!rule->port_count)
		return;
	fprintf(page->out, "    %*s  connections:", widths->packets + 2 + widths->bytes + 2 + widths->place, "");
	for (uint32_t i = 0; i < rule->port_count; i++)
		fprintf(page->out, "%s :%u %llu", i ? "," : "", rule->ports[i].port,
			(unsigned long long)rule->ports[i].connections);
	fputc('\n', page->out);
}

/* "passed over, since they refused: tcp 10.0.1.2:8081 (6 s), ..." */
static void print_refusals(const struct page *page, const struct state_chain *chain)
{
	const uint32_t most = 16;

	if (!chain->refusal_count)
		return;
	fprintf(page->out, "    passed over, since they refused:");
	for (uint32_t i = 0; i < chain->refusal_count && i < most; i++) {
		const struct state_refusal *refusal = &chain->refusals[i];
		bool six = refusal->type == TYPE_IPV6_ADDR;

		fprintf(page->out, "%s %s %s%s%s:%u (%u s)", i ? "," : "",
			value_print(page->arena, TYPE_PROTOCOL, (struct value){ 0, refusal->protocol }), six ? "[" : "",
			value_print(page->arena, refusal->type, refusal->address), six ? "]" : "", refusal->port,
			refusal->seconds);
	}
	if (chain->refusal_count > most)
		fprintf(page->out, ", and %u more", chain->refusal_count - most);
	fputc('\n', page->out);
}

static void print_counters(const struct page *page, const struct state_chain *chain)
{
	struct widths widths = chain_widths(chain);

	fprintf(page->out, "    %s%*s  %*s%s\n", dim(page), widths.packets, "packets", widths.bytes, "bytes", plain(page));
	for (uint32_t i = 0; i < chain->rule_count; i++) {
		const struct state_rule *rule = &chain->rules[i];

		print_row(page, &widths, &rule->counter, arena_printf(page->arena, "%s:%u", file_name(rule->file), rule->line),
			  rule->text);
		print_marks(page, &widths, rule);
		print_ports(page, &widths, rule);
	}
	print_row(page, &widths, &chain->policy_counter, "policy", chain->policy == WEIR_VERDICT_DROP ? "drop" : "accept");
	for (uint32_t i = 0; i < WEIR_MALFORMED_COUNT; i++)
		if (chain->malformed[i].packets)
			print_row(page, &widths, &chain->malformed[i], "malformed",
				  arena_printf(page->arena, "%s, dropped: %s", malformed_names[i], malformed_texts[i]));
	print_refusals(page, chain);
	if (chain->faults.aborted)
		fprintf(page->out, "    %llu dropped for want of what the verdict names (XDP_ABORTED, or the driver could not)\n",
			(unsigned long long)chain->faults.aborted);
	if (chain->faults.redirects_failed)
		fprintf(page->out, "    %llu dropped because the kernel could not redirect them\n",
			(unsigned long long)chain->faults.redirects_failed);
	if (chain->events_lost)
		fprintf(page->out, "    %llu event%s lost: nobody read them in time\n", (unsigned long long)chain->events_lost,
			plural(chain->events_lost));
}

static void print_program(const struct page *page, const struct state_chain *chain)
{
	fprintf(page->out, "    program %u  tag %s  %u instructions, %u verified, %u bytes of machine code  loaded in %.1f ms\n",
		chain->program_id, chain->tag ? chain->tag : "unknown", chain->instructions, chain->verified_instructions,
		chain->jited_bytes, (double)chain->load_ns / 1e6);
	if (chain->form)
		fprintf(page->out, "    form  %s\n", chain->form);
	for (uint32_t i = 0; i < chain->map_count; i++) {
		fprintf(page->out, "    map %u  %s", chain->maps[i].id, chain->maps[i].name);
		if (chain->maps[i].bytes)
			fprintf(page->out, "  %llu bytes", (unsigned long long)chain->maps[i].bytes);
		fputc('\n', page->out);
	}
}

void list_print(const struct state *state, const struct list_style *style, FILE *out)
{
	_cleanup_(arena_freep) struct arena *arena = arena_new();
	struct page page = { out, style, arena };

	if (!state->policy_count)
		fputs("no policy is in force\n", out);
	for (uint32_t i = 0; i < state->policy_count; i++) {
		const struct state_policy *policy = &state->policies[i];

		if (i)
			fputc('\n', out);
		print_header(&page, policy);
		print_sets(&page, policy);
		for (uint32_t k = 0; k < policy->chain_count; k++) {
			const struct state_chain *chain = &policy->chains[k];

			fprintf(out, "\n  chain %s%s%s  %s\n", bold(&page), chain->name, plain(&page), hook_name(chain->hook));
			print_attachments(&page, chain);
			print_counters(&page, chain);
			if (style->verbose)
				print_program(&page, chain);
		}
	}
}
