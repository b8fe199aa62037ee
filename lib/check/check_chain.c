// SPDX-License-Identifier: GPL-2.0-only
/* Chains: the hook, what it stands on, the default policy; then the rules. */
#include <linux/pkt_cls.h>
#include <string.h>

#include "base/limits.h"
#include "check/checker.h"

#define INTERFACE_NAME_BYTES 15

static void hint_near(struct checker *checker, struct diagnostic *d, const char *word, const char *const *words, size_t count)
{
	const char *near = near_match(word, words, count), *all = words[0];

	for (size_t i = 1; i < count; i++)
		all = arena_printf(checker->arena, "%s, %s", all, words[i]);
	if (near)
		diagnostic_hint(checker->diagnostics, d, "did you mean '%s'?", near);
	else
		diagnostic_hint(checker->diagnostics, d, "one of %s", all);
}

static bool is_netfilter_hook(const char *word)
{
	static const char *const words[] = { "filter", "input", "output", "forward", "prerouting", "postrouting", "netdev" };

	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++)
		if (word && strcmp(word, words[i]) == 0)
			return true;
	return false;
}

/*
 * What comes into an interface leaves its other end, and the other way round. XDP is asked only about what comes in, so at the
 * other end it sees what goes out of the inside.
 */
static bool check_hook_at_other_end(struct checker *checker, const struct ast_chain *chain, enum weir_hook *ret_hook)
{
	bool ingress = strcmp(chain->direction, "ingress") == 0;
	struct diagnostic *d;

	if (strcmp(chain->layer, "tc") == 0 && (ingress || strcmp(chain->direction, "egress") == 0)) {
		*ret_hook = ingress ? WEIR_HOOK_TC_EGRESS : WEIR_HOOK_TC_INGRESS;
		return true;
	}
	if (strcmp(chain->layer, "xdp") == 0 && strcmp(chain->direction, "egress") == 0) {
		*ret_hook = WEIR_HOOK_XDP_INGRESS;
		return true;
	}
	if (strcmp(chain->layer, "xdp") == 0 && ingress) {
		d = diagnose(checker->diagnostics, SEVERITY_ERROR, chain->direction_place,
			     "XDP at the host's end of a veth sees only what comes out of the inside, not what goes in");
		diagnostic_hint(checker->diagnostics, d,
				"write 'hook tc ingress', or stand inside: 'hook xdp ingress on eth0 netns container NAME'");
		return false;
	}
	if (strcmp(chain->layer, "cgroup") == 0) {
		d = diagnose(checker->diagnostics, SEVERITY_ERROR, chain->layer_place, "a cgroup has no veth");
		diagnostic_hint(checker->diagnostics, d, "write 'on container NAME' for its cgroup, or 'hook tc' for its veth");
		return false;
	}
	return true; /* no such hook, which is told as everywhere */
}

/* hook = ( "xdp" | "tc" | "cgroup" ) ( "ingress" | "egress" ) */
static bool check_hook_words(struct checker *checker, const struct ast_chain *chain, enum weir_hook *ret_hook)
{
	static const char *const layers[] = { "xdp", "tc", "cgroup" }, *const directions[] = { "ingress", "egress", "action" };
	bool layer_known = false, direction_known = false;
	struct diagnostic *d;

	if (!chain->hook_place.line && !chain->bad_hook) {
		d = diagnose(checker->diagnostics, SEVERITY_ERROR, chain->place,
			     "chain '%s' has no hook, so no packet comes to it", chain->name);
		diagnostic_hint(checker->diagnostics, d,
				"add 'hook xdp ingress on eth0;' (weir has no 'jump' to such chains yet)");
	}
	if (!chain->layer || !chain->direction)
		return false; /* told: here, or by the parser */
	if (chain->on_veth) {
		*ret_hook = WEIR_HOOK_COUNT;
		if (!check_hook_at_other_end(checker, chain, ret_hook))
			return false;
		if (*ret_hook != WEIR_HOOK_COUNT)
			return true;
	}
	for (int hook = 0; hook < WEIR_HOOK_COUNT; hook++)
		if (strcmp(hook_name((enum weir_hook)hook),
			   arena_printf(checker->arena, "%s %s", chain->layer, chain->direction)) == 0) {
			*ret_hook = (enum weir_hook)hook;
			return true;
		}
	for (size_t i = 0; i < 3; i++)
		layer_known |= strcmp(chain->layer, layers[i]) == 0;
	for (size_t i = 0; i < 3; i++)
		direction_known |= strcmp(chain->direction, directions[i]) == 0;
	if (layer_known && direction_known && strcmp(chain->direction, "action") == 0) {
		d = diagnose(checker->diagnostics, SEVERITY_ERROR, chain->direction_place, "only tc has actions");
		diagnostic_hint(checker->diagnostics, d, "write 'hook tc action on 7'");
		return false;
	}
	if (layer_known && direction_known) {
		d = diagnose(checker->diagnostics, SEVERITY_ERROR, chain->direction_place,
			     "xdp has no egress: a driver shows it only what comes in");
		diagnostic_hint(checker->diagnostics, d, "write 'hook tc egress'");
		return false;
	}
	if (!layer_known) {
		d = diagnose(checker->diagnostics, SEVERITY_ERROR, chain->layer_place, "no layer '%s'", chain->layer);
		if (is_netfilter_hook(chain->layer))
			diagnostic_hint(checker->diagnostics, d, "that is netfilter's; weir hooks at xdp, tc and cgroup");
		else
			hint_near(checker, d, chain->layer, layers, 3);
	}
	if (!direction_known) {
		d = diagnose(checker->diagnostics, SEVERITY_ERROR, chain->direction_place, "no direction '%s'", chain->direction);
		if (is_netfilter_hook(chain->direction))
			diagnostic_hint(checker->diagnostics, d, "that is netfilter's; weir has ingress and egress");
		else
			hint_near(checker, d, chain->direction, directions, 3);
	}
	return false;
}

/* ---- what a chain stands on ---- */

bool check_interface_name(struct checker *checker, const struct leaf *leaf)
{
	const char *text = leaf->value->text, *fault = NULL, *hint = "'ip link' lists them";
	struct diagnostic *d;

	if (!*text || strcmp(text, ".") == 0 || strcmp(text, "..") == 0 || strpbrk(text, "/: \t\n"))
		fault = "'%s' cannot be the name of an interface";
	else if (strpbrk(text, "*?["))
		fault = "'%s': interfaces are named one by one, without a glob", hint = "write a list: { eth0, eth1 }";
	else if (strlen(text) > INTERFACE_NAME_BYTES)
		fault = "'%s' is too long for the name of an interface", hint = "it has at most 15 bytes";
	if (!fault)
		return true;
	d = leaf_error(checker, leaf, leaf->value->place, fault, text);
	diagnostic_hint(checker->diagnostics, d, "%s", hint);
	return false;
}

static bool has_part(const char *path, const char *part)
{
	size_t length = strlen(part);

	for (const char *at = path; at; at = strchr(at, '/')) {
		at += *at == '/';
		if (strncmp(at, part, length) == 0 && (at[length] == '/' || !at[length]))
			return true;
		if (!*at)
			break;
	}
	return false;
}

static bool check_cgroup_path(struct checker *checker, const struct leaf *leaf)
{
	const char *text = leaf->value->text, *usual_mount = "/sys/fs/cgroup/";
	struct diagnostic *d;

	if (!*text) {
		d = leaf_error(checker, leaf, leaf->value->place, "an empty path of a cgroup");
		diagnostic_hint(checker->diagnostics, d, "write \"/\" for all, or \"/system.slice/nginx.service\"");
		return false;
	}
	if (has_part(text, "..")) {
		d = leaf_error(checker, leaf, leaf->value->place, "a path of a cgroup has no '..'");
		diagnostic_hint(checker->diagnostics, d, "write the path from the root of the cgroups");
		return false;
	}
	if (strncmp(text, usual_mount, strlen(usual_mount)) == 0) {
		d = leaf_error(checker, leaf, leaf->value->place,
			       "a cgroup is named from the root of the cgroups, not by its folder");
		diagnostic_hint(checker->diagnostics, d,
				"leave out the folder where cgroup2 is mounted: \"/system.slice/nginx.service\"");
		return false;
	}
	return true;
}

static bool check_netns_name(struct checker *checker, const struct leaf *leaf)
{
	const char *text = leaf->value->text;
	struct diagnostic *d;

	if (*text && !has_part(text, "..") && (text[0] == '/' || !strpbrk(text, "/ ")))
		return true;
	d = leaf_error(checker, leaf, leaf->value->place, "'%s' cannot be a network namespace", text);
	diagnostic_hint(checker->diagnostics, d, "write a name as 'ip netns list' has it, or a path: \"/proc/123/ns/net\"");
	return false;
}

static bool check_pid(struct checker *checker, const struct leaf *leaf)
{
	const char *text = leaf->value->text;
	struct diagnostic *d;

	if (text[0] >= '1' && text[0] <= '9' && strspn(text, "0123456789") == strlen(text) && strlen(text) <= 9)
		return true;
	d = leaf_error(checker, leaf, leaf->value->place, "'%s' cannot be a process", text);
	diagnostic_hint(checker->diagnostics, d, "write its number, as ps has it: 'pid 812'");
	return false;
}

static bool check_container_name(struct checker *checker, const struct leaf *leaf)
{
	const char *text = leaf->value->text;
	struct diagnostic *d;

	if (*text && !strpbrk(text, "/*?[] \t"))
		return true;
	d = leaf_error(checker, leaf, leaf->value->place, "'%s' cannot be a container", text);
	diagnostic_hint(checker->diagnostics, d,
			"write its name, or the beginning of its id: 'container web', 'container 3f2a91'");
	return false;
}

/* "container web", "pid 12", "blue": the words by which netns_open finds it; NULL after an error. */
static const char *owner_words(struct checker *checker, enum ast_owner of, const struct leaf *leaf)
{
	switch (of) {
	case OWNER_PID:
		return check_pid(checker, leaf) ? arena_printf(checker->arena, "pid %s", leaf->value->text) : NULL;
	case OWNER_CONTAINER:
		return check_container_name(checker, leaf) ? arena_printf(checker->arena, "container %s", leaf->value->text)
							   : NULL;
	default:
		return check_netns_name(checker, leaf) ? leaf->value->text : NULL;
	}
}

static bool is_cgroup(enum weir_hook hook)
{
	return hook == WEIR_HOOK_CGROUP_INGRESS || hook == WEIR_HOOK_CGROUP_EGRESS;
}

/* An action is named by its index, from 1 on. */
static bool check_action_index(struct checker *checker, const struct leaf *leaf)
{
	const char *text = leaf->value->text;
	struct diagnostic *d;

	if (*text && strspn(text, "0123456789") == strlen(text) && *text != '0' && strlen(text) < 10)
		return true;
	d = leaf_error(checker, leaf, leaf->value->place, "'%s' cannot be the index of an action", text);
	diagnostic_hint(checker->diagnostics, d, "a number that no other action of kind bpf has: hook tc action on 7");
	return false;
}

struct targets {
	VECTOR(const char *) names;
	VECTOR(struct place) places;
};

/* A target's name in the words of policy_chain.targets; NULL after an error. */
static const char *target_name(struct checker *checker, const struct ast_chain *chain, enum weir_hook hook,
			       const struct leaf *leaf)
{
	if (chain->on_veth)
		return owner_words(checker, chain->targets_of, leaf);
	if (chain->targets_of == OWNER_CONTAINER)
		return check_container_name(checker, leaf) ? leaf->value->text : NULL;
	if (hook == WEIR_HOOK_TC_ACTION)
		return check_action_index(checker, leaf) ? leaf->value->text : NULL;
	return (is_cgroup(hook) ? check_cgroup_path(checker, leaf) : check_interface_name(checker, leaf)) ? leaf->value->text
													  : NULL;
}

static bool add_target(struct checker *checker, const struct ast_chain *chain, enum weir_hook hook, const struct leaf *leaf,
		       struct targets *targets)
{
	struct diagnostic *d;
	const char *name;

	if (leaf->value->kind != AST_WORD && leaf->value->kind != AST_STRING) {
		d = leaf_error(checker, leaf, leaf->value->place, "a name is wanted here");
		diagnostic_hint(checker->diagnostics, d, "%s",
				chain->targets_of ? "the name of a container: web"
				: is_cgroup(hook) ? "the path of a cgroup: \"/system.slice\""
						  : "the name of an interface: eth0");
		return false;
	}
	name = target_name(checker, chain, hook, leaf);
	if (!name)
		return false;
	for (size_t i = 0; i < targets->names.count; i++) {
		if (strcmp(targets->names.items[i], name) != 0)
			continue;
		d = diagnose(checker->diagnostics, SEVERITY_WARNING, leaf->value->place, "'%s' is named twice",
			     leaf->value->text);
		diagnostic_related(checker->diagnostics, d, targets->places.items[i], "first here");
		return true;
	}
	vector_push(checker->arena, &targets->names, name);
	vector_push(checker->arena, &targets->places, leaf->value->place);
	return true;
}

static bool check_targets(struct checker *checker, const struct ast_chain *chain, struct policy_chain *checked)
{
	struct targets targets = { 0 };
	struct leaves leaves = { 0 };
	struct diagnostic *d;
	bool whole = true;

	if (chain->targets && !leaves_gather(checker, chain->targets, &leaves))
		return false;
	if (!chain->on_veth && chain->targets_of == OWNER_CONTAINER && !is_cgroup(checked->hook)) {
		d = diagnose(checker->diagnostics, SEVERITY_ERROR, chain->targets->place, "a container is no interface");
		diagnostic_hint(
			checker->diagnostics, d,
			"'on veth of container NAME' is the host's end of its veth, 'on eth0 netns container NAME' its own");
		return false;
	}
	for (size_t i = 0; i < leaves.list.count; i++)
		whole &= add_target(checker, chain, checked->hook, &leaves.list.items[i], &targets);
	if (whole && targets.names.count == 0) {
		d = diagnose(checker->diagnostics, SEVERITY_ERROR, chain->targets ? chain->targets->place : chain->hook_place,
			     "chain '%s' does not say where it stands", chain->name);
		diagnostic_hint(checker->diagnostics, d, "add %s",
				is_cgroup(checked->hook) ? "'on \"/path/of/cgroup\"', or 'on \"/\"' for all cgroups"
							 : "'on eth0', or 'on { eth0, eth1 }'");
		return false;
	}
	if (targets.names.count > LIMIT_INTERFACES) {
		d = diagnose(checker->diagnostics, SEVERITY_ERROR, chain->targets->place, "chain '%s' stands on %zu places",
			     chain->name, targets.names.count);
		diagnostic_hint(checker->diagnostics, d, "at most %d; make a second chain of the rest", LIMIT_INTERFACES);
		return false;
	}
	checked->targets = targets.names.items;
	checked->target_places = targets.places.items;
	checked->target_count = (uint32_t)targets.names.count;
	return whole;
}

static bool check_netns(struct checker *checker, const struct ast_chain *chain, struct policy_chain *checked)
{
	const struct ast_value *word;
	struct diagnostic *d;

	if (!chain->netns)
		return true;
	if (is_cgroup(checked->hook)) {
		d = diagnose(checker->diagnostics, SEVERITY_ERROR, chain->netns->place, "a cgroup is in no network namespace");
		diagnostic_hint(checker->diagnostics, d, "leave 'netns' out: it says where an interface is");
		return false;
	}
	word = leaf_single(checker, chain->netns, NULL, "a network namespace");
	if (!word)
		return false;
	checked->netns = owner_words(checker, chain->netns_of, &(struct leaf){ .value = word });
	checked->netns_place = chain->netns->place;
	return checked->netns != NULL;
}

static bool check_mode(struct checker *checker, const struct ast_chain *chain, struct policy_chain *checked)
{
	static const char *const modes[] = { "auto", "native", "generic" };
	struct diagnostic *d;

	if (!chain->mode)
		return true;
	if (checked->hook != WEIR_HOOK_XDP_INGRESS) {
		d = diagnose(checker->diagnostics, SEVERITY_ERROR, chain->mode_place, "hook %s has no mode",
			     hook_name(checked->hook));
		diagnostic_hint(checker->diagnostics, d, "leave it out: native and generic are ways to attach XDP");
		return false;
	}
	for (int mode = MODE_AUTO; mode <= MODE_GENERIC; mode++)
		if (strcmp(chain->mode, modes[mode]) == 0) {
			checked->mode = (enum attach_mode)mode;
			return true;
		}
	if (strcmp(chain->mode, "offload") == 0) {
		d = diagnose(
			checker->diagnostics, SEVERITY_ERROR, chain->mode_place,
			"no card that is made takes weir's programs: only Netronome's Agilio (driver nfp) ever ran XDP itself, "
			"without the ring buffer, the prefix maps and the functions that weir needs");
		diagnostic_hint(checker->diagnostics, d, "write 'mode native': the program runs in the driver, on the processor");
		return false;
	}
	d = diagnose(checker->diagnostics, SEVERITY_ERROR, chain->mode_place, "no mode '%s'", chain->mode);
	hint_near(checker, d, chain->mode, modes, 3);
	return false;
}

static bool parent_error(struct checker *checker, struct place place, const char *fault, const char *hint)
{
	struct diagnostic *d = diagnose(checker->diagnostics, SEVERITY_ERROR, place, "%s", fault);

	diagnostic_hint(checker->diagnostics, d, "%s", hint);
	return false;
}

/* What the verdict `default` of an action stands for, in tc's words: pipe, ok, drop, reclassify */
static bool check_action_default(struct checker *checker, const struct ast_chain *chain, struct policy_chain *checked)
{
	static const struct {
		const char *word;
		uint32_t code;
	} codes[] = {
		{ "pipe", TC_ACT_PIPE }, { "ok", TC_ACT_OK }, { "drop", TC_ACT_SHOT }, { "reclassify", TC_ACT_RECLASSIFY }
	};

	for (size_t i = 0; i < sizeof(codes) / sizeof(codes[0]); i++)
		if (!chain->fallback || strcmp(chain->fallback, codes[i].word) == 0) {
			checked->fallback = codes[i].code;
			return true;
		}
	return parent_error(checker, chain->fallback_place, "this cannot be what an action does",
			    "one of pipe, ok, drop, reclassify");
}

/* parent = "parent" HANDLE [ "default" CLASS ] : the chain is the classifier of a qdisc that is there */
static bool check_parent(struct checker *checker, const struct ast_chain *chain, struct policy_chain *checked)
{
	if (checked->hook == WEIR_HOOK_TC_ACTION && !chain->parent)
		return check_action_default(checker, chain, checked);
	if (!chain->parent && !chain->fallback)
		return true;
	if (!chain->parent)
		return parent_error(checker, chain->fallback_place, "a default class without the qdisc that has it",
				    "write it like this: hook tc egress on eth0 parent 1: default 1:30");
	if (checked->hook != WEIR_HOOK_TC_EGRESS)
		return parent_error(checker, chain->parent_place, "only a qdisc for packets that leave has classes",
				    "write 'hook tc egress'");
	if (!read_handle(chain->parent, &checked->parent) || checked->parent >> 16 == 0 || checked->parent >> 16 == 0xffff)
		return parent_error(checker, chain->parent_place, "this cannot be a qdisc with classes",
				    "write it as 'tc qdisc show' does: parent 1:");
	if (chain->fallback && (!read_handle(chain->fallback, &checked->fallback) || (checked->fallback & 0xffff) == 0))
		return parent_error(checker, chain->fallback_place, "this cannot be a class",
				    "write it as 'tc class show' does: default 1:30");
	checked->parent_place = chain->parent_place;
	if (checked->policy == WEIR_VERDICT_DROP)
		return parent_error(checker, checked->policy_place,
				    "a qdisc's classifier cannot drop: it names a class, or none (it has no direct-action)",
				    "write 'policy accept', and drop in a chain without 'parent'");
	return true;
}

static bool check_default(struct checker *checker, const struct ast_chain *chain, struct policy_chain *checked)
{
	static const char *const policies[] = { "accept", "drop" };
	struct diagnostic *d;

	checked->policy = WEIR_VERDICT_ACCEPT;
	checked->policy_place = chain->policy ? chain->policy_place : (struct place){ 0 };
	if (!chain->policy || strcmp(chain->policy, "accept") == 0)
		return true;
	if (strcmp(chain->policy, "drop") == 0) {
		checked->policy = WEIR_VERDICT_DROP;
		return true;
	}
	d = diagnose(checker->diagnostics, SEVERITY_ERROR, chain->policy_place, "no policy '%s'", chain->policy);
	hint_near(checker, d, chain->policy, policies, 2);
	return false;
}

/* ---- the whole ---- */

static bool check_rules(struct checker *checker, const struct ast_chain *chain, bool hook_known, struct policy_chain *checked)
{
	struct chain_frame frame = { .checker = checker,
				     .hook_known = hook_known,
				     .hook = checked->hook,
				     .parent = checked->parent,
				     .fallback = checked->fallback,
				     .netns = checked->netns,
				     .targets = checked->targets,
				     .target_count = checked->target_kind == TARGET_NAMED ? checked->target_count : 0,
				     .other_end = checked->target_kind == TARGET_VETH_OF };
	VECTOR(struct policy_rule) rules = { 0 };
	struct policy_rule rule;
	bool whole = true;

	for (const struct ast_rule *ast = chain->rules; ast; ast = ast->next) {
		if (rules.count == LIMIT_RULES) {
			struct diagnostic *d = diagnose(checker->diagnostics, SEVERITY_ERROR, ast->place,
							"chain '%s' has more than %d rules", chain->name, LIMIT_RULES);

			diagnostic_hint(checker->diagnostics, d, "put addresses and ports into sets");
			return false;
		}
		if (check_rule(&frame, ast, &rule))
			vector_push(checker->arena, &rules, rule);
		else
			whole = false;
	}
	checked->rules = rules.items;
	checked->rule_count = (uint32_t)rules.count;
	return whole;
}

bool check_chain(struct checker *checker, const struct ast_chain *chain, struct policy_chain *checked)
{
	struct diagnostic *d;
	bool whole, hook_known;

	*checked = (struct policy_chain){ .name = chain->name, .place = chain->place };
	whole = check_name(checker, "chain", chain->name, chain->place);
	if (chain->comment && strlen(chain->comment) > LIMIT_COMMENT_BYTES) {
		d = diagnose(checker->diagnostics, SEVERITY_ERROR, chain->place, "the comment of chain '%s' has %zu bytes",
			     chain->name, strlen(chain->comment));
		diagnostic_hint(checker->diagnostics, d, "a comment has at most %d", LIMIT_COMMENT_BYTES);
		whole = false;
	}
	checked->target_kind = chain->on_veth			      ? TARGET_VETH_OF
			       : chain->targets_of == OWNER_CONTAINER ? TARGET_CONTAINER
								      : TARGET_NAMED;
	hook_known = check_hook_words(checker, chain, &checked->hook);
	whole &= check_default(checker, chain, checked);
	if (hook_known && !chain->bad_hook) {
		whole &= check_targets(checker, chain, checked);
		whole &= check_netns(checker, chain, checked);
		whole &= check_mode(checker, chain, checked);
		whole &= check_parent(checker, chain, checked);
	}
	whole &= check_rules(checker, chain, hook_known, checked);
	whole &= check_connections(checker, chain, checked);
	return whole && hook_known && !chain->bad_hook;
}
