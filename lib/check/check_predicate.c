// SPDX-License-Identifier: GPL-2.0-only
/* Matches that are computed: `pcap "tcp port 80"` becomes a program of classic BPF for each way a packet can begin at the hook.
 */
#include <errno.h>

#include "base/limits.h"
#include "check/checker.h"

struct predicate_frame {
	struct chain_frame *chain;
	const struct ast_statement *match;
	const struct ast_value *text; /* the string, behind its variable */
};

/* Can a packet begin so at this hook? Without a known hook, its error told, everywhere. */
static bool link_occurs(const struct chain_frame *chain, enum classic_link link)
{
	if (!chain->hook_known)
		return link == CLASSIC_ETHERNET;
	switch (chain->hook) {
	case WEIR_HOOK_XDP_INGRESS:
		return link == CLASSIC_ETHERNET;
	case WEIR_HOOK_TC_INGRESS:
	case WEIR_HOOK_TC_EGRESS:
	case WEIR_HOOK_TC_ACTION:
		return true;
	default:
		return link == CLASSIC_RAW;
	}
}

static bool refuse(struct predicate_frame *frame, const char *message)
{
	struct diagnostics *diagnostics = frame->chain->checker->diagnostics;
	struct diagnostic *d = diagnose(diagnostics, SEVERITY_ERROR, frame->text->place,
					"libpcap does not take this expression%s%s", message ? ": " : "", message ? message : "");

	diagnostic_hint(diagnostics, d, "its words are tcpdump's: 'tcp port 80 and not host 10.0.0.1'; see man 7 pcap-filter");
	return false;
}

/*
 * The program for packets that begin with LINK, into PREDICATE. Where tc also has interfaces without Ethernet headers, an
 * expression that speaks of such headers is met by no packet there.
 */
static bool compile_link(struct predicate_frame *frame, enum classic_link link, struct predicate *predicate)
{
	struct checker *checker = frame->chain->checker;
	struct host_filter_request request = { .expression = frame->text->text, .link = link };
	const char *message = NULL;
	uint32_t at;
	int error = -EOPNOTSUPP;

	if (checker->host->filter)
		error = checker->host->filter(checker->host->context, checker->arena, &request, &predicate->programs[link],
					      &message);
	if (error && link == CLASSIC_RAW && predicate->programs[CLASSIC_ETHERNET])
		return true;
	if (error)
		return refuse(frame, error == -EINVAL ? message : NULL);
	message = classic_check(predicate->programs[link], &at);
	return message ? refuse(frame, message) : true;
}

static const char *predicate_text(struct arena *arena, const struct predicate_frame *frame)
{
	return arena_printf(arena, "%s \"%s\"", subject_words(frame->match->subjects[0]), frame->text->text);
}

bool check_predicate(struct chain_frame *chain, const struct ast_statement *match, struct policy_match *ret_match)
{
	struct checker *checker = chain->checker;
	struct predicate_frame frame = { .chain = chain, .match = match };
	struct predicate *predicate = arena_new_object(checker->arena, struct predicate);
	bool whole = true;

	frame.text = leaf_single(checker, match->value, NULL, "an expression");
	if (!frame.text)
		return false;
	predicate->kind = PREDICATE_CLASSIC;
	predicate->text = predicate_text(checker->arena, &frame);
	for (int link = CLASSIC_ETHERNET; link <= CLASSIC_RAW && whole; link++)
		if (link_occurs(chain, (enum classic_link)link))
			whole = compile_link(&frame, (enum classic_link)link, predicate);
	ret_match->predicate = predicate;
	return whole;
}
