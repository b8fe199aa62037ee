// SPDX-License-Identifier: GPL-2.0-only
#include <stdlib.h>

#include "report/events.h"
#include "report/json.h"
#include "../../tap.h"

static const struct state_rule rule = { .text = "tcp dport 80 log drop",
					.file = "/etc/weir/edge.weir",
					.line = 14,
					.slot = 16,
					.verdict = WEIR_VERDICT_DROP,
					.log = true };
static const struct state_chain ingress = { .name = "edge", .hook = WEIR_HOOK_XDP_INGRESS },
				egress = { .name = "out", .hook = WEIR_HOOK_CGROUP_EGRESS };
static const struct state_policy policy = { .name = "edge", .file = "/etc/weir/edge.weir" };

static struct weir_event tcp_event(void)
{
	return (struct weir_event){
		.outcome = WEIR_OUTCOME(16, WEIR_VERDICT_DROP, true),
		.chain_id = 7,
		.ifindex = 2,
		.flow = {
			.network = WEIR_NETWORK_IPV4,
			.transport = WEIR_TRANSPORT_TCP,
			.protocol = 6,
			.ether_type = 0x0800,
			.saddr4 = 0x0a000001,
			.daddr4 = 0x0a000002,
			.sport = 1234,
			.dport = 80,
			.tcp_flags = 2,
			.hop_limit = 64,
			.length = 60,
		},
	};
}

static struct event_report report_of(const struct weir_event *event, const struct state_chain *chain)
{
	return (struct event_report){
		.event = event,
		.time_ns = 1795255331123456789ull,
		.policy = &policy,
		.chain = chain,
		.rule = &rule,
		.interface = "eth0",
	};
}

TEST(an_event_is_a_line_with_packet_and_rule)
{
	struct arena *arena = arena_new();
	struct weir_event event = tcp_event();
	struct event_report report = report_of(&event, &ingress);

	CHECK_TEXT(event_text(arena, &report, false),
		   "10:02:11.123456  drop      xdp ingress eth0  tcp 10.0.0.1:1234 > 10.0.0.2:80 syn, 60 bytes  "
		   "edge.weir:14: tcp dport 80 log drop");
	report.netns = "ctn2";
	CHECK(strstr(event_text(arena, &report, false), "  xdp ingress eth0 netns ctn2  "));
	report.interface = NULL;
	CHECK(strstr(event_text(arena, &report, false), "  xdp ingress interface 2  "));
	arena_free(arena);
}

TEST(who_sent_it_is_named_at_egress_or_said_to_be_unknown)
{
	struct arena *arena = arena_new();
	struct weir_event event = tcp_event();
	struct event_report report = report_of(&event, &egress);

	CHECK(strstr(event_text(arena, &report, false), "  from an unknown process in an unknown cgroup"));
	event.has_owner = 1;
	event.owner.pid = 4711;
	memcpy(event.owner.command, "curl\033[2J\0stale", 13);
	report.cgroup = "/system.slice/web.service";
	CHECK(strstr(event_text(arena, &report, false), "  from curl\\x1b[2J[4711] in /system.slice/web.service"));
	report.chain = &ingress;
	CHECK(!strstr(event_text(arena, &report, false), "from"));
	arena_free(arena);
}

TEST(an_event_of_an_unknown_chain_says_so)
{
	struct arena *arena = arena_new();
	struct weir_event event = tcp_event();
	struct event_report report = { .event = &event };
	json_t *json = event_json(&report);

	CHECK(strstr(event_text(arena, &report, false), "unknown hook interface 2"));
	CHECK(strstr(event_text(arena, &report, false), "unknown rule (chain 7, slot 16)"));
	CHECK(json_is_null(json_object_get(json, "rule")));
	CHECK(json_is_null(json_object_get(json, "hook")));
	json_decref(json);
	arena_free(arena);
}

TEST(an_event_is_json)
{
	struct weir_event event = tcp_event();
	struct event_report report = report_of(&event, &ingress);
	json_t *json = event_json(&report);
	char *line = json_dumps(json, REPORT_JSON_LINE);

	CHECK_TEXT(line,
		   "{\"schema\":1,\"time\":\"2026-11-21T10:02:11.123456Z\",\"verdict\":\"drop\",\"policy\":\"edge\","
		   "\"chain\":\"edge\",\"hook\":\"xdp ingress\",\"interface\":\"eth0\",\"netns\":null,\"ifindex\":2,"
		   "\"file\":\"/etc/weir/edge.weir\",\"line\":14,\"rule\":\"tcp dport 80 log drop\",\"prefix\":null,"
		   "\"packet\":\"tcp 10.0.0.1:1234 > 10.0.0.2:80 syn\",\"length\":60,\"ether_type\":2048,\"network\":\"ipv4\","
		   "\"saddr\":\"10.0.0.1\",\"daddr\":\"10.0.0.2\",\"protocol\":\"tcp\",\"ttl\":64,\"dscp\":0,\"fragment\":false,"
		   "\"tcp_flags\":\"syn\",\"sport\":1234,\"dport\":80}");
	free(line);
	json_decref(json);
}

TEST(an_unknown_process_is_null_in_json)
{
	struct weir_event event = tcp_event();
	struct event_report report = report_of(&event, &egress);
	json_t *json = event_json(&report);

	CHECK(json_is_null(json_object_get(json, "process")));
	CHECK(json_is_null(json_object_get(json, "cgroup")));
	json_decref(json);
	event.has_owner = 1;
	event.owner.pid = 4711;
	memcpy(event.owner.command,
	       "a\xff"
	       "b",
	       3);
	json = event_json(&report);
	CHECK_NUMBER(json_integer_value(json_object_get(json_object_get(json, "process"), "pid")), 4711);
	CHECK_TEXT(json_string_value(json_object_get(json_object_get(json, "process"), "command")), "a\\xffb");
	json_decref(json);
}

TEST(fields_that_a_packet_does_not_have_are_left_out_of_json)
{
	struct weir_event event = tcp_event();
	struct event_report report = report_of(&event, &ingress);
	json_t *json;

	event.flow.transport = WEIR_TRANSPORT_NONE;
	event.flow.malformed = WEIR_MALFORMED_SHORT;
	json = event_json(&report);
	CHECK(!json_object_get(json, "sport"));
	CHECK(!json_object_get(json, "tcp_flags"));
	CHECK(!json_object_get(json, "vlan_id"));
	CHECK(!json_object_get(json, "process"));
	CHECK_TEXT(json_string_value(json_object_get(json, "malformed")), "short");
	json_decref(json);
}

int main(void)
{
	setenv("TZ", "UTC", 1);
	RUN(an_event_is_a_line_with_packet_and_rule);
	RUN(who_sent_it_is_named_at_egress_or_said_to_be_unknown);
	RUN(an_event_of_an_unknown_chain_says_so);
	RUN(an_event_is_json);
	RUN(an_unknown_process_is_null_in_json);
	RUN(fields_that_a_packet_does_not_have_are_left_out_of_json);
	return tap_end();
}
