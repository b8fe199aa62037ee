// SPDX-License-Identifier: GPL-2.0-only
/* Why a packet fares as it does: the answer, its words and JSON, and captures of each link type. */
#include "../../no_host.h"
#include "../../tap.h"

#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

#include "report/why.h"

static struct arena *arena;
static struct diagnostics diagnostics;
static const struct compiled *compiled;
static char path[] = "/tmp/weir-why-XXXXXX";

static const char policy[] = "set bad { type ipv4_addr; elements = { 192.0.2.0/24 } }\n"
			     "chain edge {\n"
			     "	hook xdp ingress on eth0\n"
			     "	arp drop\n"
			     "	tcp dport 8080 log\n"
			     "	ip saddr @bad drop\n"
			     "	tcp dport { 23, 80 } ip saddr 10.0.0.0/8 drop\n"
			     "	tcp flags & (syn|ack) == syn accept\n"
			     "	meta malformed bad-length accept\n"
			     "}\n"
			     "chain web {\n"
			     "	hook cgroup egress on \"/a\"\n"
			     "	policy drop\n"
			     "	udp dport 53 accept\n"
			     "}\n";

static int no_interface(void *context, const char *name, const char *netns, uint32_t *ret_index)
{
	(void)context, (void)name, (void)netns, (void)ret_index;
	return -ENODEV;
}

static void compile_policy(void)
{
	static const struct host host = {
		.read_file = no_file, .service = no_service, .protocol = no_protocol, .interface = no_interface
	};
	static const struct source source = { "edge.weir", policy, sizeof(policy) - 1 };
	const struct code_options options = { 0 };

	diagnostics_init(&diagnostics, arena);
	compiled = compile(arena, &host, &source, NULL, &options, &diagnostics);
	if (!compiled)
		diagnostics_print(&diagnostics, stdout, false);
}

static const struct why_answer *ask(uint32_t chain, const char *words, bool verbose)
{
	struct why_packet packet = { 0 };

	diagnostics_init(&diagnostics, arena);
	CHECK_NUMBER(why_packet_from_words(arena, words, &packet, &diagnostics), 0);
	return why_ask(arena, compiled, chain, &packet, verbose);
}

static const char *print(const struct why_answer *answer)
{
	char *text = NULL;
	const char *kept;
	size_t size;
	FILE *out = open_memstream(&text, &size);

	why_print(answer, true, out);
	fclose(out);
	kept = arena_strdup(arena, text);
	free(text);
	return kept;
}

TEST(the_deciding_rule_and_each_of_its_matches_are_named)
{
	CHECK_TEXT(print(ask(0, "tcp 10.0.0.1:1234 > 10.0.0.2:80 syn", false)),
		   "tcp 10.0.0.1:1234 > 10.0.0.2:80 syn\n"
		   "  chain edge (xdp ingress): drop, decided by edge.weir:7: tcp dport { 23, 80 } ip saddr 10.0.0.0/8 drop\n"
		   "    tcp dport { 23, 80 }: the packet has 80\n"
		   "    ip saddr 10.0.0.0/8: the packet has 10.0.0.1\n");
}

TEST(passed_rules_are_named_too)
{
	const struct why_answer *answer = ask(0, "tcp 10.0.0.1:1234 > 10.0.0.2:8080 syn", false);

	CHECK_NUMBER(answer->verdict, WEIR_VERDICT_ACCEPT);
	CHECK_TEXT(answer->decided.name, "edge.weir:8");
	CHECK_TEXT(answer->decided.matches[0].answer, "the packet has syn");
	CHECK_NUMBER(answer->passed_count, 1);
	CHECK_TEXT(answer->passed[0].name, "edge.weir:5");
	CHECK_NUMBER(answer->failed_count, 0);
}

TEST(verbose_tells_the_first_match_of_each_earlier_rule_that_failed)
{
	const struct why_answer *answer = ask(0, "tcp 11.0.0.1:1 > 10.0.0.2:80 ack", true);

	CHECK_TEXT(answer->decided.name, "policy");
	CHECK_NUMBER(answer->failed_count, 6);
	CHECK_TEXT(answer->failed[0].matches[0].answer, "the packet has no ARP header");
	CHECK_TEXT(answer->failed[2].matches[0].answer, "the packet has 11.0.0.1, which is not in the set");
	/* the first match held, the second did not, and is the last that is told */
	CHECK_NUMBER(answer->failed[3].match_count, 2);
	CHECK(answer->failed[3].matches[0].holds && !answer->failed[3].matches[1].holds);
	CHECK_TEXT(answer->failed[3].matches[1].answer, "the packet has 11.0.0.1");
	CHECK_TEXT(answer->failed[5].matches[0].answer, "the packet has no fault");
}

TEST(a_later_fragment_and_a_malformed_packet_say_why_they_have_no_ports)
{
	const struct why_answer *answer = ask(0, "tcp 10.0.0.1 > 10.0.0.2 frag 100", true);

	CHECK_TEXT(answer->failed[1].matches[0].answer, "the packet has no TCP header, it is a later fragment");
	answer = ask(0, "tcp 10.0.0.1 > 10.0.0.2 frag 1", false);
	CHECK_TEXT(answer->decided.name, "malformed");
	CHECK_NUMBER(answer->verdict, WEIR_VERDICT_DROP);
	CHECK_TEXT(answer->decided.matches[0].answer,
		   "the packet is malformed, tiny-fragment (a fragment that cuts or overlaps the transport header)");
}

TEST(a_cgroup_sees_the_packet_behind_its_link_layer_or_not_at_all)
{
	const struct why_answer *answer = ask(1, "udp 10.0.0.1:5 > 10.0.0.2:53 vlan 7", false);

	CHECK(!answer->unseen);
	CHECK_NUMBER(answer->verdict, WEIR_VERDICT_ACCEPT);
	CHECK_NUMBER(answer->flow.length, 28);
	answer = ask(1, "arp who-has 10.0.0.2 tell 10.0.0.1", false);
	CHECK_TEXT(answer->unseen, "a cgroup sees IP packets only");
}

TEST(json_has_verdict_rule_and_matches)
{
	json_t *json = why_json(ask(0, "tcp 10.0.0.1:1234 > 10.0.0.2:80 syn", false));
	json_t *decided = json_object_get(json, "decided");

	CHECK_TEXT(json_string_value(json_object_get(json, "verdict")), "drop");
	CHECK_TEXT(json_string_value(json_object_get(json, "chain")), "edge");
	CHECK_TEXT(json_string_value(json_object_get(decided, "rule")), "edge.weir:7");
	CHECK_NUMBER(json_integer_value(json_object_get(decided, "line")), 7);
	CHECK_NUMBER(json_array_size(json_object_get(decided, "matches")), 2);
	json_decref(json);
}

/* ---- Captures ---- */

static void put32(FILE *file, uint32_t value)
{
	fwrite(&value, sizeof(value), 1, file);
}

/* A capture of one packet with this header before the IP packet; CUT bytes at its end are left out. */
static void write_capture(uint32_t link_type, const uint8_t *header, size_t header_size, size_t cut)
{
	struct why_packet packet = { 0 };
	FILE *file = fopen(path, "w");
	size_t length;

	CHECK_NUMBER(why_packet_from_words(arena, "tcp 10.0.0.1:1234 > 10.0.0.2:80 syn length 154", &packet, &diagnostics), 0);
	length = header_size + packet.length - 14;
	put32(file, 0xa1b2c3d4);
	put32(file, 4 << 16 | 2); /* minor and major, in this order on a little-endian machine */
	put32(file, 0);
	put32(file, 0);
	put32(file, 65535);
	put32(file, link_type);
	put32(file, 1000);
	put32(file, 5);
	put32(file, (uint32_t)(length - cut));
	put32(file, (uint32_t)length);
	fwrite(header, header_size, 1, file);
	fwrite(packet.data + 14, packet.length - 14 - cut, 1, file);
	fclose(file);
}

/* The rule at line 7 must decide the one packet of the capture. */
static void check_capture(uint32_t link_type, const uint8_t *header, size_t header_size, size_t cut)
{
	struct why_capture *capture = NULL;
	struct why_packet packet;
	const struct why_answer *answer;

	diagnostics_init(&diagnostics, arena);
	write_capture(link_type, header, header_size, cut);
	CHECK_NUMBER(why_capture_open(arena, path, &capture, &diagnostics), 0);
	if (!capture)
		return;
	CHECK_NUMBER(why_capture_next(capture, &packet, &diagnostics), 1);
	CHECK_NUMBER(packet.time_ns, 1000000005000);
	CHECK_NUMBER(packet.missing, cut);
	CHECK(strstr(packet.name, ":1") != NULL);
	answer = why_ask(arena, compiled, 0, &packet, false);
	CHECK_TEXT(answer->decided.name, "edge.weir:7");
	CHECK_NUMBER(why_capture_next(capture, &packet, &diagnostics), 0);
	why_capture_close(capture);
	CHECK_NUMBER(diagnostics.errors, 0);
}

TEST(captures_of_each_known_link_type_are_read)
{
	const uint8_t ethernet[14] = { [12] = 0x08 };
	const uint8_t cooked[16] = { [14] = 0x08 };
	const uint8_t cooked2[20] = { [0] = 0x08 };

	check_capture(1, ethernet, 14, 0);
	check_capture(101, ethernet, 0, 0);
	check_capture(113, cooked, 16, 0);
	check_capture(276, cooked2, 20, 0);
}

TEST(a_packet_that_was_captured_in_part_is_taken_whole)
{
	const uint8_t ethernet[14] = { [12] = 0x08 };

	check_capture(1, ethernet, 14, 60);
}

TEST(an_unknown_link_type_is_refused_by_its_name)
{
	struct why_capture *capture = (struct why_capture *)&path;
	const uint8_t header[4] = { 0 };

	diagnostics_init(&diagnostics, arena);
	write_capture(127, header, 4, 0);
	CHECK_NUMBER(why_capture_open(arena, path, &capture, &diagnostics), -EINVAL);
	CHECK(capture == (struct why_capture *)&path);
	CHECK(strstr(diagnostics.list.items[0].message, "has link type IEEE802_11_RADIO (127), which weir does not read") !=
	      NULL);
}

TEST(what_is_no_capture_or_not_there_is_an_error)
{
	struct why_capture *capture = NULL;
	FILE *file = fopen(path, "w");

	fputs("chain c {}\n", file);
	fclose(file);
	diagnostics_init(&diagnostics, arena);
	CHECK_NUMBER(why_capture_open(arena, path, &capture, &diagnostics), -EINVAL);
	CHECK_NUMBER(diagnostics.exit_code, 1);
	diagnostics_init(&diagnostics, arena);
	CHECK_NUMBER(why_capture_open(arena, "/nowhere/x.pcap", &capture, &diagnostics), -ENOENT);
	CHECK_NUMBER(diagnostics.exit_code, 3);
	CHECK_TEXT(diagnostics.list.items[0].message, "cannot read '/nowhere/x.pcap': No such file or directory");
	CHECK(capture == NULL);
}

TEST(a_capture_that_breaks_off_is_an_error_at_that_packet)
{
	struct why_capture *capture = NULL;
	const uint8_t ethernet[14] = { [12] = 0x08 };
	struct why_packet packet;

	diagnostics_init(&diagnostics, arena);
	write_capture(1, ethernet, 14, 0);
	CHECK_NUMBER(truncate(path, 60), 0);
	CHECK_NUMBER(why_capture_open(arena, path, &capture, &diagnostics), 0);
	CHECK_NUMBER(why_capture_next(capture, &packet, &diagnostics), -EINVAL);
	CHECK_NUMBER(diagnostics.errors, 1);
	why_capture_close(capture);
}

int main(void)
{
	int fd = mkstemp(path);

	arena = arena_new();
	compile_policy();
	if (fd < 0 || !compiled) {
		printf("Bail out! no file or no policy to test with\n");
		return 1;
	}
	close(fd);
	RUN(the_deciding_rule_and_each_of_its_matches_are_named);
	RUN(passed_rules_are_named_too);
	RUN(verbose_tells_the_first_match_of_each_earlier_rule_that_failed);
	RUN(a_later_fragment_and_a_malformed_packet_say_why_they_have_no_ports);
	RUN(a_cgroup_sees_the_packet_behind_its_link_layer_or_not_at_all);
	RUN(json_has_verdict_rule_and_matches);
	RUN(captures_of_each_known_link_type_are_read);
	RUN(a_packet_that_was_captured_in_part_is_taken_whole);
	RUN(an_unknown_link_type_is_refused_by_its_name);
	RUN(what_is_no_capture_or_not_there_is_an_error);
	RUN(a_capture_that_breaks_off_is_an_error_at_that_packet);
	unlink(path);
	arena_free(arena);
	return tap_end();
}
