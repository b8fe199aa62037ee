// SPDX-License-Identifier: GPL-2.0-only
/*
 * The mistake that locks people out: an ingress chain that drops by default and accepts only what is served
 * here. weir keeps no connections, so the answers to what this host asks must be accepted by a rule.
 *
 * A few model packets (an answer of TCP, one of UDP, ARP, neighbour discovery) go through the rules, with
 * what is not known of them left open. A rule that might accept one softens the drop; a rule that drops all
 * of its kind says that it is meant.
 */
#include "check/checker.h"

/* Linux takes the ports of what it opens from here by default (net.ipv4.ip_local_port_range). */
#define FIRST_LOCAL_PORT 32768
#define LAST_LOCAL_PORT	 60999

enum chance { NEVER, MAYBE, ALWAYS };

enum model_kind { MODEL_TCP_OPEN, MODEL_TCP, MODEL_UDP, MODEL_ARP, MODEL_NEIGHBOUR, MODEL_COUNT };

/* What of each model is known; of the rest anything is possible. */
struct model {
	uint64_t protocol, tcp_flags, ether_type;
};

static const struct model models[MODEL_COUNT] = {
	[MODEL_TCP_OPEN] = { .protocol = 6, .tcp_flags = 0x12 },
	[MODEL_TCP] = { .protocol = 6, .tcp_flags = 0x10 },
	[MODEL_UDP] = { .protocol = 17 },
	[MODEL_ARP] = { .ether_type = 0x0806 },
	[MODEL_NEIGHBOUR] = { .protocol = 58, .ether_type = 0x86dd },
};

/* Whether a number from low to high lies in the ranges of a match. */
static enum chance in_ranges(const struct policy_match *match, uint64_t low, uint64_t high)
{
	enum chance chance = NEVER;

	if (match->masked && low != high)
		return MAYBE;
	if (match->masked)
		low = high = low & match->mask;
	for (uint32_t i = 0; i < match->range_count && chance != ALWAYS; i++) {
		uint64_t from = match->ranges[i].low.lo, to = match->ranges[i].high.lo;

		if (from <= low && high <= to)
			chance = ALWAYS;
		else if (from <= high && low <= to)
			chance = MAYBE;
	}
	if (match->negated)
		return chance == MAYBE ? MAYBE : chance == ALWAYS ? NEVER : ALWAYS;
	return chance;
}

static enum chance if_present(bool present, enum chance chance)
{
	return present ? chance : NEVER;
}

static enum chance icmpv6_chance(const struct policy_match *match, enum model_kind kind)
{
	enum chance chance;

	if (kind != MODEL_NEIGHBOUR)
		return NEVER;
	/* Solicitation 135 or advertisement 136. */
	chance = match->subjects[0] == SUBJECT_ICMPV6_TYPE ? in_ranges(match, 135, 136) : MAYBE;
	return match->subjects[0] == SUBJECT_ICMPV6 ? ALWAYS : chance;
}

static enum chance transport_chance(const struct policy_match *match, enum model_kind kind)
{
	const struct model *model = &models[kind];
	bool ip4 = kind <= MODEL_UDP; /* or IPv6 */

	switch (match->subjects[0]) {
	case SUBJECT_TCP:
		return if_present(model->protocol == 6, ALWAYS);
	case SUBJECT_UDP:
		return if_present(model->protocol == 17, ALWAYS);
	case SUBJECT_TCP_FLAGS:
		return if_present(model->protocol == 6, in_ranges(match, model->tcp_flags, model->tcp_flags));
	case SUBJECT_TCP_SPORT:
		return if_present(model->protocol == 6, MAYBE);
	case SUBJECT_UDP_SPORT:
		return if_present(model->protocol == 17, MAYBE);
	case SUBJECT_TH_SPORT:
		return if_present(ip4, MAYBE);
	case SUBJECT_TCP_DPORT:
		return if_present(model->protocol == 6, in_ranges(match, FIRST_LOCAL_PORT, LAST_LOCAL_PORT));
	case SUBJECT_UDP_DPORT:
		return if_present(model->protocol == 17, in_ranges(match, FIRST_LOCAL_PORT, LAST_LOCAL_PORT));
	case SUBJECT_TH_DPORT:
		return if_present(ip4, in_ranges(match, FIRST_LOCAL_PORT, LAST_LOCAL_PORT));
	case SUBJECT_META_L4PROTO:
		return if_present(model->protocol, in_ranges(match, model->protocol, model->protocol));
	case SUBJECT_IP_PROTOCOL:
		return ip4 && in_ranges(match, model->protocol, model->protocol) ? MAYBE : NEVER;
	case SUBJECT_IP6_NEXTHDR:
		return model->protocol && in_ranges(match, model->protocol, model->protocol) ? MAYBE : NEVER;
	case SUBJECT_ICMPV6:
	case SUBJECT_ICMPV6_TYPE:
	case SUBJECT_ICMPV6_CODE:
		return icmpv6_chance(match, kind);
	default: /* sctp, icmp */
		return NEVER;
	}
}

static enum chance match_chance(const struct policy_set *sets, const struct policy_match *match, enum model_kind kind);

/* Whether elements of a set have, as that part, a port that an answer may go to. */
static bool has_local_port(const struct policy_set *set, uint32_t component)
{
	for (uint32_t i = 0; i < set->element_count; i++)
		if (set->elements[i].keys[component].low.lo <= LAST_LOCAL_PORT &&
		    set->elements[i].keys[component].high.lo >= FIRST_LOCAL_PORT)
			return true;
	return false;
}

/* Whether the fields are there at all is known; of what they hold only the port. */
static enum chance set_chance(const struct policy_set *sets, const struct policy_match *match, enum model_kind kind)
{
	for (uint32_t i = 0; i < match->subject_count; i++) {
		enum subject subject = match->subjects[i];
		/* "Not one of nothing": true of every packet that has the field. */
		struct policy_match part = { .subjects = { subject }, .subject_count = 1, .negated = true, .set = -1 };
		bool is_dport = subject == SUBJECT_TCP_DPORT || subject == SUBJECT_UDP_DPORT || subject == SUBJECT_TH_DPORT;

		if (match_chance(sets, &part, kind) == NEVER)
			return NEVER;
		if (is_dport && !match->negated && !has_local_port(&sets[match->set], i))
			return NEVER;
	}
	return MAYBE;
}

static enum chance match_chance(const struct policy_set *sets, const struct policy_match *match, enum model_kind kind)
{
	const struct model *model = &models[kind];

	if (match->set >= 0)
		return set_chance(sets, match, kind);
	if (match->predicate) /* no answer begins with a request */
		return match->predicate->kind == PREDICATE_HTTP ? NEVER : MAYBE;
	switch (match->subjects[0]) {
	case SUBJECT_META_MALFORMED:
		return NEVER;
	case SUBJECT_ARP:
		return if_present(kind == MODEL_ARP, ALWAYS);
	case SUBJECT_ARP_OPERATION:
	case SUBJECT_ARP_SADDR_IP:
	case SUBJECT_ARP_DADDR_IP:
		return if_present(kind == MODEL_ARP, MAYBE);
	case SUBJECT_ETHER_TYPE:
		if (model->ether_type)
			return in_ranges(match, model->ether_type, model->ether_type);
		return in_ranges(match, 0x0800, 0x0800) || in_ranges(match, 0x86dd, 0x86dd) ? MAYBE : NEVER;
	case SUBJECT_IP:
	case SUBJECT_IP_SADDR:
	case SUBJECT_IP_DADDR:
	case SUBJECT_IP_DSCP:
	case SUBJECT_IP_TTL:
	case SUBJECT_IP_FRAG_OFF:
	case SUBJECT_IP_LENGTH:
		return if_present(kind <= MODEL_UDP, MAYBE);
	case SUBJECT_IP6:
		return if_present(kind != MODEL_ARP, kind == MODEL_NEIGHBOUR ? ALWAYS : MAYBE);
	case SUBJECT_IP6_SADDR:
	case SUBJECT_IP6_DADDR:
	case SUBJECT_IP6_DSCP:
	case SUBJECT_IP6_LENGTH:
		return if_present(kind != MODEL_ARP, MAYBE);
	case SUBJECT_IP6_HOPLIMIT:
		return if_present(kind != MODEL_ARP, kind == MODEL_NEIGHBOUR ? in_ranges(match, 255, 255) : MAYBE);
	case SUBJECT_ETHER_SADDR:
	case SUBJECT_ETHER_DADDR:
	case SUBJECT_VLAN:
	case SUBJECT_VLAN_ID:
	case SUBJECT_META_LENGTH:
	case SUBJECT_META_IIF:
	case SUBJECT_META_OIF:
	case SUBJECT_META_MARK:
		return MAYBE;
	default:
		return transport_chance(match, kind);
	}
}

static enum chance rule_chance(const struct policy_set *sets, const struct policy_rule *rule, enum model_kind kind)
{
	enum chance chance = ALWAYS;

	for (uint32_t i = 0; i < rule->match_count && chance; i++) {
		enum chance one = match_chance(sets, &rule->matches[i], kind);

		if (one < chance)
			chance = one;
	}
	return chance;
}

/* Falls to the chain's policy whole: no rule might accept it, and none drops all of its kind on purpose. */
static bool falls_through(const struct policy_set *sets, const struct policy_chain *chain, enum model_kind kind)
{
	for (uint32_t i = 0; i < chain->rule_count; i++) {
		const struct policy_rule *rule = &chain->rules[i];

		if (verdict_accepts(rule->verdict) && rule_chance(sets, rule, kind) != NEVER)
			return false;
		if (rule->verdict != WEIR_VERDICT_CONTINUE && !verdict_accepts(rule->verdict) &&
		    rule_chance(sets, rule, kind) == ALWAYS)
			return false;
	}
	return true;
}

/* Whether a rule might accept something of a version of IP, so that its neighbours are needed. */
static bool accepts_version(const struct policy_chain *chain, bool ip6)
{
	for (uint32_t i = 0; i < chain->rule_count; i++) {
		const struct policy_rule *rule = &chain->rules[i];
		bool fits = verdict_accepts(rule->verdict);

		for (uint32_t m = 0; m < rule->match_count && fits; m++) {
			enum subject subject = rule->matches[m].subjects[0];
			bool is_arp = subject >= SUBJECT_ARP && subject <= SUBJECT_ARP_DADDR_IP;
			bool is_ip4 = (subject >= SUBJECT_IP && subject <= SUBJECT_IP_LENGTH) ||
				      (subject >= SUBJECT_ICMP && subject <= SUBJECT_ICMP_CODE);
			bool is_ip6 = (subject >= SUBJECT_IP6 && subject <= SUBJECT_IP6_LENGTH) ||
				      (subject >= SUBJECT_ICMPV6 && subject <= SUBJECT_ICMPV6_CODE);

			if (subject == SUBJECT_ETHER_TYPE)
				fits = in_ranges(&rule->matches[m], ip6 ? 0x86dd : 0x0800, ip6 ? 0x86dd : 0x0800) != NEVER;
			else
				fits = !is_arp && !(ip6 ? is_ip4 : is_ip6) && subject != SUBJECT_META_MALFORMED;
		}
		if (fits)
			return true;
	}
	return false;
}

static void warn_replies(struct checker *checker, const struct policy_chain *chain)
{
	bool tcp = falls_through(checker->sets.items, chain, MODEL_TCP_OPEN) ||
		   falls_through(checker->sets.items, chain, MODEL_TCP),
	     udp = falls_through(checker->sets.items, chain, MODEL_UDP);
	struct diagnostic *d;

	if (!tcp && !udp)
		return;
	d = diagnose(checker->diagnostics, SEVERITY_WARNING, chain->policy_place,
		     "chain '%s' drops the replies to what is opened from %s: %s will stop working", chain->name,
		     chain->target_kind == TARGET_VETH_OF ? "inside" : "here",
		     tcp && udp ? "outgoing TCP connections and DNS look-ups"
		     : tcp	? "outgoing TCP connections"
				: "DNS look-ups and other requests over UDP");
	diagnostic_hint(checker->diagnostics, d, "add %s%s%s; or '%s' as the last rule, if it is meant",
			tcp ? "'tcp flags ack accept'" : "", tcp && udp ? " and " : "", udp ? "'udp sport 53 accept'" : "",
			tcp && udp ? "meta l4proto { tcp, udp } drop"
			: tcp	   ? "tcp drop"
				   : "udp drop");
}

static void warn_neighbours(struct checker *checker, const struct policy_chain *chain)
{
	bool arp = accepts_version(chain, false) && falls_through(checker->sets.items, chain, MODEL_ARP);
	bool neighbour = accepts_version(chain, true) && falls_through(checker->sets.items, chain, MODEL_NEIGHBOUR);
	struct diagnostic *d;

	if (!arp && !neighbour)
		return;
	d = diagnose(checker->diagnostics, SEVERITY_WARNING, chain->policy_place,
		     "chain '%s' drops %s: hosts on the same link will no longer find %s", chain->name,
		     arp && neighbour ? "ARP and IPv6 neighbour discovery"
		     : arp	      ? "ARP"
				      : "IPv6 neighbour discovery",
		     chain->target_kind == TARGET_VETH_OF ? "what is inside" : "this one");
	diagnostic_hint(checker->diagnostics, d, "add %s%s%s", arp ? "'arp accept'" : "", arp && neighbour ? " and " : "",
			neighbour ? "'icmpv6 type { nd-neighbor-solicit, nd-neighbor-advert } accept'" : "");
}

void check_replies(struct checker *checker, const struct policy_chain *chain)
{
	bool inside = chain->target_kind == TARGET_VETH_OF;
	bool link_layer = inside ? chain->hook == WEIR_HOOK_TC_EGRESS
				 : chain->hook == WEIR_HOOK_XDP_INGRESS || chain->hook == WEIR_HOOK_TC_INGRESS;

	if (chain->policy != WEIR_VERDICT_DROP || (!link_layer && chain->hook != WEIR_HOOK_CGROUP_INGRESS))
		return;
	warn_replies(checker, chain);
	if (link_layer)
		warn_neighbours(checker, chain);
}
