// SPDX-License-Identifier: GPL-2.0-only
#include <stdlib.h>

#include "report/json.h"
#include "report/list.h"
#include "../../tap.h"

static const struct state_rule rules[] = {
	{ .text = "arp drop",
	  .file = "/etc/weir/edge.weir",
	  .line = 8,
	  .slot = 16,
	  .verdict = WEIR_VERDICT_DROP,
	  .counter = { 12, 720 } },
	{ .text = "ip saddr @blocklist log prefix \"bl\" drop",
	  .file = "/etc/weir/edge.weir",
	  .line = 10,
	  .slot = 17,
	  .verdict = WEIR_VERDICT_DROP,
	  .log = true,
	  .log_prefix = "bl" },
};
static const struct state_foreign foreign[] = { { 77, "xdp_\033[2Jfilter" } };
static const struct state_attachment attachments[] = {
	{ .target = "eth0", .how = "native", .ifindex = 2, .link_id = 5, .present = true },
	{ .target = "vb", .netns = "ctn2", .how = "generic", .ifindex = 3, .link_id = 6, .foreign_count = 1, .foreign = foreign },
};
static const struct state_refusal refusals[] = {
	{ .address = { 0, 0xc0000202 }, .type = TYPE_IPV4_ADDR, .port = 8081, .protocol = 6, .seconds = 9 },
	{ .address = { 0x20010db800000000, 2 }, .type = TYPE_IPV6_ADDR, .port = 5303, .protocol = 17, .seconds = 1 },
};
static const struct state_map maps[] = { { "counters", 31, 4096 }, { "set_0_exact", 32, 0 } };
static const struct state_chain chains[] = { {
	.name = "edge",
	.hook = WEIR_HOOK_XDP_INGRESS,
	.policy = WEIR_VERDICT_ACCEPT,
	.line = 6,
	.chain_id = 3000000000u,
	.policy_counter = { 4711, 612345 },
	.malformed = { [WEIR_MALFORMED_SHORT] = { 3, 180 } },
	.events_lost = 1,
	.knows_refusals = true,
	.refusal_count = 2,
	.refusals = refusals,
	.rule_count = 2,
	.attachment_count = 2,
	.map_count = 2,
	.rules = rules,
	.attachments = attachments,
	.maps = maps,
	.program_id = 99,
	.instructions = 800,
	.verified_instructions = 2000,
	.jited_bytes = 5000,
	.tag = "0123456789abcdef",
	.load_ns = 12300000,
	.form = "12 nodes as instructions, at most 200000 may",
} };
static const struct state_set sets[] = {
	{ .name = "blocklist",
	  .set = { .name = "blocklist", .types = { TYPE_IPV4_ADDR }, .components = 1, .size = 1024 },
	  .element_count = 3 },
};
static const struct state_policy policies[] = { {
	.name = "edge",
	.file = "/etc/weir/edge.weir",
	.applied_s = 1795255331,
	.generation = 2,
	.chain_count = 1,
	.set_count = 1,
	.chains = chains,
	.sets = sets,
} };
static const struct state state = { 1, policies };
static const struct state nothing = { 0, NULL };

static char *print(const struct state *what, bool verbose)
{
	struct list_style style = { .verbose = verbose, .now_s = 1795255331 + 300 };
	char *text = NULL;
	size_t size;
	FILE *out = open_memstream(&text, &size);

	list_print(what, &style, out);
	fclose(out);
	return text;
}

TEST(what_is_enforced_reads_as_a_table)
{
	char *text = print(&state, false);

	CHECK_TEXT(text, "policy edge  /etc/weir/edge.weir  since 2026-11-21 10:02:11 (5 min)\n"
			 "  set blocklist  3 of 1024 elements  ipv4_addr\n"
			 "\n"
			 "  chain edge  xdp ingress\n"
			 "    on eth0 (native)\n"
			 "    on vb netns ctn2 (generic)  NOT ENFORCED: it is gone, or somebody detached it"
			 "  beside xdp_\\x1b[2Jfilter (program 77)\n"
			 "    packets   bytes\n"
			 "         12     720  edge.weir:8   arp drop\n"
			 "          0       0  edge.weir:10  ip saddr @blocklist log prefix \"bl\" drop\n"
			 "       4711  612345  policy        accept\n"
			 "          3     180  malformed     short, dropped: ends inside a header\n"
			 "    passed over, since they refused: tcp 192.0.2.2:8081 (9 s), udp [2001:db8::2]:5303 (1 s)\n"
			 "    1 event lost: nobody read them in time\n");
	free(text);
}

TEST(verbose_names_programs_and_maps)
{
	char *text = print(&state, true);

	CHECK(strstr(text, "  generation 2\n"));
	CHECK(strstr(text, "    on eth0 (native)  link 5\n"));
	CHECK(strstr(
		text,
		"    program 99  tag 0123456789abcdef  800 instructions, 2000 verified, 5000 bytes of machine code  loaded in 12.3 ms\n"
		"    form  12 nodes as instructions, at most 200000 may\n"
		"    map 31  counters  4096 bytes\n"
		"    map 32  set_0_exact\n"));
	free(text);
}

TEST(nothing_in_force_is_said)
{
	char *text = print(&nothing, false);

	CHECK_TEXT(text, "no policy is in force\n");
	free(text);
}

TEST(json_has_it_all_under_a_schema_version)
{
	json_t *json = list_json(&state), *chain, *rule, *refusal;

	CHECK(json != NULL);
	CHECK_NUMBER(json_integer_value(json_object_get(json, "schema")), 1);
	CHECK_TEXT(json_string_value(json_object_get(json_array_get(json_object_get(json, "policies"), 0), "applied")),
		   "2026-11-21T10:02:11Z");
	chain = json_array_get(json_object_get(json_array_get(json_object_get(json, "policies"), 0), "chains"), 0);
	CHECK_NUMBER(json_integer_value(json_object_get(chain, "id")), 3000000000);
	CHECK_NUMBER(
		json_integer_value(json_object_get(json_object_get(json_object_get(chain, "malformed"), "short"), "packets")), 3);
	CHECK_NUMBER(json_integer_value(
			     json_object_get(json_object_get(json_object_get(chain, "malformed"), "vlan-limit"), "packets")),
		     0);
	CHECK(!json_object_get(json_object_get(chain, "malformed"), "none"));
	refusal = json_array_get(json_object_get(chain, "passed_over"), 1);
	CHECK_TEXT(json_string_value(json_object_get(refusal, "address")), "2001:db8::2");
	CHECK_NUMBER(json_integer_value(json_object_get(refusal, "port")), 5303);
	rule = json_array_get(json_object_get(chain, "rules"), 1);
	CHECK_TEXT(json_string_value(json_object_get(rule, "prefix")), "bl");
	CHECK_TEXT(json_string_value(json_object_get(rule, "verdict")), "drop");
	CHECK(json_is_null(json_object_get(rule, "comment")));
	CHECK(json_is_false(json_object_get(json_array_get(json_object_get(chain, "attachments"), 1), "present")));
	json_decref(json);
}

TEST(a_set_is_json_with_what_is_left_of_timeouts)
{
	struct set_element elements[] = {
		{ .keys = { { { 0, 0x0a000000 }, { 0, 0x0affffff } } } },
		{ .keys = { { { 0, 0xc0000201 }, { 0, 0xc0000201 } } }, .timeout_s = 90 },
	};
	json_t *json = set_json("edge", &sets[0].set, 2, elements), *list = json_object_get(json, "elements");

	CHECK_TEXT(json_string_value(json_object_get(json_array_get(list, 0), "element")), "10.0.0.0/8");
	CHECK(json_is_null(json_object_get(json_array_get(list, 0), "timeout_s")));
	CHECK_TEXT(json_string_value(json_object_get(json_array_get(list, 1), "element")), "192.0.2.1");
	CHECK_NUMBER(json_integer_value(json_object_get(json_array_get(list, 1), "timeout_s")), 90);
	json_decref(json);
}

int main(void)
{
	setenv("TZ", "UTC", 1);
	RUN(what_is_enforced_reads_as_a_table);
	RUN(verbose_names_programs_and_maps);
	RUN(nothing_in_force_is_said);
	RUN(json_has_it_all_under_a_schema_version);
	RUN(a_set_is_json_with_what_is_left_of_timeouts);
	return tap_end();
}
