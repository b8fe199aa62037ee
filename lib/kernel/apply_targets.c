// SPDX-License-Identifier: GPL-2.0-only
/*
 * The surroundings of an apply: the interfaces and cgroups that the policy names, as they are now. All that is wrong is said,
 * before anything is loaded. Out: next.chains[].attachments with all but the links.
 */
#include <errno.h>
#include <fcntl.h>
#include <glob.h>
#include <linux/ethtool.h>
#include <linux/if.h>
#include <linux/if_arp.h>
#include <linux/sockios.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/stat.h>

#include "base/cleanup.h"
#include "kernel/apply.h"
#include "kernel/netns.h"
#include "syntax/ast.h"

/* net/if.h and linux/if.h do not go together. */
unsigned int if_nametoindex(const char *name);
struct if_nameindex {
	unsigned int if_index;
	char *if_name;
};
struct if_nameindex *if_nameindex(void);
void if_freenameindex(struct if_nameindex *interfaces);
char *if_indextoname(unsigned int ifindex, char *name);

static const struct place nowhere;

/* ---- Growing lists of a chain ---- */

struct finding {
	struct application *apply;
	struct apply_chain *chain;
	struct manifest_chain *next;
	VECTOR(struct manifest_attachment) attachments;
	VECTOR(struct apply_target) targets;
	uint32_t with_header, without_header; /* interfaces with an Ethernet header, and without */
};

static void add(struct finding *finding, const struct manifest_attachment *at, struct place place)
{
	for (size_t i = 0; i < finding->attachments.count; i++)
		if (attachment_same_target(&finding->attachments.items[i], at))
			return;
	vector_push(finding->apply->arena, &finding->attachments, *at);
	vector_push(finding->apply->arena, &finding->targets,
		    (struct apply_target){ .mode = finding->chain->policy->mode, .place = place });
}

/* ---- Interfaces ---- */

static int ask_device(const char *name, unsigned long request, struct ifreq *ifr)
{
	_cleanup_close_ int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	snprintf(ifr->ifr_name, sizeof(ifr->ifr_name), "%s", name);
	return fd < 0 || ioctl(fd, request, ifr) ? -errno : 0;
}

enum link_layer { LINK_ETHERNET, LINK_NONE, LINK_UNKNOWN };

static enum link_layer link_layer(const char *name)
{
	struct ifreq ifr = { 0 };

	if (ask_device(name, SIOCGIFHWADDR, &ifr))
		return LINK_UNKNOWN;
	switch (ifr.ifr_hwaddr.sa_family) {
	case ARPHRD_ETHER:
	case ARPHRD_LOOPBACK:
		return LINK_ETHERNET;
	case ARPHRD_NONE:
	case ARPHRD_VOID:
	case ARPHRD_RAWIP:
	case ARPHRD_PPP:
	case ARPHRD_TUNNEL:
	case ARPHRD_TUNNEL6:
	case ARPHRD_SIT:
	case ARPHRD_IPGRE:
	case ARPHRD_IP6GRE:
		return LINK_NONE;
	default:
		return LINK_UNKNOWN;
	}
}

static bool needs_ethernet(enum subject subject)
{
	switch (subject) {
	case SUBJECT_ETHER_SADDR:
	case SUBJECT_ETHER_DADDR:
	case SUBJECT_ETHER_TYPE:
	case SUBJECT_VLAN:
	case SUBJECT_VLAN_ID:
	case SUBJECT_ARP:
	case SUBJECT_ARP_OPERATION:
	case SUBJECT_ARP_SADDR_IP:
	case SUBJECT_ARP_DADDR_IP:
		return true;
	default:
		return false;
	}
}

/* Which interface has no Ethernet header is known only now; `ether saddr != X` would be true for all its packets. */
static void refuse_ethernet_matches(struct finding *finding, const char *name)
{
	const struct policy_chain *chain = finding->chain->policy;
	struct diagnostics *diagnostics = finding->apply->diagnostics;

	for (uint32_t r = 0; r < chain->rule_count; r++)
		for (uint32_t m = 0; m < chain->rules[r].match_count; m++) {
			const struct policy_match *match = &chain->rules[r].matches[m];

			for (uint32_t s = 0; s < match->subject_count; s++) {
				struct diagnostic *said;

				if (!needs_ethernet(match->subjects[s]))
					continue;
				said = diagnose(diagnostics, SEVERITY_ERROR_SURROUNDINGS, match->place,
						"%s has no Ethernet header: chain '%s' cannot ask for '%s' there", name,
						chain->name, subject_words(match->subjects[s]));
				diagnostic_hint(diagnostics, said, "leave the rule out, or give %s a chain of its own", name);
				break;
			}
		}
}

static bool looks_at_vlan(const struct policy_chain *chain)
{
	for (uint32_t r = 0; r < chain->rule_count; r++)
		for (uint32_t m = 0; m < chain->rules[r].match_count; m++)
			for (uint32_t s = 0; s < chain->rules[r].matches[m].subject_count; s++)
				if (chain->rules[r].matches[m].subjects[s] == SUBJECT_VLAN ||
				    chain->rules[r].matches[m].subjects[s] == SUBJECT_VLAN_ID)
					return true;
	return false;
}

/* A tag that the card takes off is gone before XDP sees the frame. */
static void warn_vlan_offload(struct finding *finding, const char *name, struct place place)
{
	struct ethtool_value value = { .cmd = ETHTOOL_GFLAGS };
	struct ifreq ifr = { .ifr_data = (void *)&value };
	struct diagnostic *said;

	if (!looks_at_vlan(finding->chain->policy) || ask_device(name, SIOCETHTOOL, &ifr) || !(value.data & ETH_FLAG_RXVLAN))
		return;
	said = diagnose(finding->apply->diagnostics, SEVERITY_WARNING, place,
			"%s takes VLAN tags off before XDP sees a packet: what chain '%s' says about vlan will not match", name,
			finding->chain->policy->name);
	diagnostic_hint(finding->apply->diagnostics, said, "switch that off: %sethtool -K %s rx-vlan-offload off",
			apply_in_netns(finding->apply, finding->chain->policy->netns), name);
}

static void say_no_interface(struct finding *finding, const char *name, struct place place)
{
	struct if_nameindex *interfaces = if_nameindex();
	const char *netns = finding->chain->policy->netns, *near = NULL;
	VECTOR(const char *) names = { 0 };
	struct diagnostic *said;

	for (struct if_nameindex *i = interfaces; i && i->if_index; i++)
		vector_push(finding->apply->arena, &names, arena_strdup(finding->apply->arena, i->if_name));
	if (interfaces)
		if_freenameindex(interfaces);
	near = near_match(name, names.items, names.count);
	said = diagnose(finding->apply->diagnostics, SEVERITY_ERROR_SURROUNDINGS, place, "no such interface '%s'%s%s%s", name,
			netns ? " in network namespace '" : "", netns ? netns : "", netns ? "'" : "");
	if (near)
		diagnostic_hint(finding->apply->diagnostics, said, "did you mean '%s'?", near);
	else
		diagnostic_hint(finding->apply->diagnostics, said, "those that are there: %sip link",
				apply_in_netns(finding->apply, netns));
}

/* Whose is the XDP program that is there? Own: fine. Else it is said, and the apply stops. */
static void check_xdp_taken(struct finding *finding, const struct manifest_attachment *at, struct place place)
{
	struct application *apply = finding->apply;
	struct diagnostic *said;
	bool native, linked;
	uint32_t id = 0;

	if (xdp_program(at->ifindex, &id, &native) || id == 0)
		return;
	for (size_t m = 0; m < apply->in_force.count; m++) {
		const struct manifest *manifest = apply->in_force.items[m];

		for (uint32_t c = 0; c < manifest->chain_count; c++) {
			if (manifest->chains[c].program_id != id)
				continue;
			if (strcmp(manifest->name, apply->next.name) == 0)
				return;
			said = diagnose(
				apply->diagnostics, SEVERITY_ERROR_SURROUNDINGS, place,
				"policy '%s' already stands at xdp ingress of %s (chain '%s'), and an interface takes one XDP program",
				manifest->name, at->target, manifest->chains[c].name);
			diagnostic_hint(apply->diagnostics, said,
					"put the rules into one policy, take tc ingress for one of them, or: weir remove %s",
					manifest->name);
			return;
		}
	}
	linked = xdp_program_is_linked(at->ifindex, id);
	said = diagnose(apply->diagnostics, SEVERITY_ERROR_SURROUNDINGS, place,
			"%s already has an XDP program that is not weir's: %s (id %u, %s, attached %s)", at->target,
			program_name(apply->arena, id), id, native ? "native" : "generic",
			linked ? "by a link" : "without a link");
	if (strcmp(program_name(apply->arena, id), "xdp_dispatcher") == 0)
		diagnostic_hint(apply->diagnostics, said, "xdp-loader made it: xdp-loader unload %s --all; or use tc ingress",
				at->target);
	else if (linked)
		diagnostic_hint(apply->diagnostics, said,
				"stop the program that holds it (bpftool link show), or use tc ingress");
	else
		diagnostic_hint(apply->diagnostics, said, "take it away with: %sip link set dev %s xdp%s off; or use tc ingress",
				apply_in_netns(apply, at->netns), at->target, native ? "" : "generic");
}

static void check_link_layer(struct finding *finding, const char *name, struct place place)
{
	enum link_layer layer = link_layer(name);
	bool xdp = finding->next->hook == WEIR_HOOK_XDP_INGRESS;

	if (layer == LINK_UNKNOWN || (xdp && layer == LINK_NONE))
		diagnose(finding->apply->diagnostics, SEVERITY_ERROR_SURROUNDINGS, place,
			 "%s has packets of a kind that weir does not parse%s", name,
			 xdp ? " at XDP (it has no Ethernet header)" : " (neither Ethernet nor plain IP)");
	if (!xdp && layer == LINK_NONE)
		refuse_ethernet_matches(finding, name);
	finding->with_header += layer == LINK_ETHERNET;
	finding->without_header += layer == LINK_NONE;
	if (finding->with_header && finding->without_header)
		diagnose(finding->apply->diagnostics, SEVERITY_ERROR_SURROUNDINGS, place,
			 "chain '%s' stands on interfaces with Ethernet headers and on such without: make it two chains",
			 finding->chain->policy->name);
}

static enum attachment_how interface_how(enum weir_hook hook)
{
	if (hook == WEIR_HOOK_XDP_INGRESS)
		return HOW_NATIVE;
	/* WEIR_NO_TCX=1: as on a kernel without tcx, to test that on one that has it. */
	return kernel_features()->tcx && !getenv("WEIR_NO_TCX") ? HOW_TCX : HOW_CLSACT;
}

/* A chain that is a classifier needs its qdisc: weir makes none. */
static void check_parent(struct finding *finding, const struct manifest_attachment *at)
{
	struct diagnostics *diagnostics = finding->apply->diagnostics;
	struct diagnostic *said;
	bool exists;

	if (classifier_qdisc_exists(at->ifindex, at->parent, &exists) || exists)
		return;
	said = diagnose(diagnostics, SEVERITY_ERROR_SURROUNDINGS, finding->chain->policy->parent_place,
			"%s has no qdisc %x:", at->target, at->parent >> 16);
	diagnostic_hint(diagnostics, said, "make it first: tc%s%s qdisc add dev %s root handle %x: htb default 30",
			at->netns ? " -n " : "", at->netns ? at->netns : "", at->target, at->parent >> 16);
}

/* OF: whose other end it is; NULL: the policy names it itself. */
static void find_interface(struct finding *finding, const char *name, const char *of, struct place place)
{
	const struct policy_chain *policy = finding->chain->policy;
	struct manifest_attachment at = { .hook = policy->hook,
					  .how = policy->parent ? HOW_CLASSIFIER : interface_how(policy->hook),
					  .parent = policy->parent,
					  .fallback = policy->fallback };

	at.ifindex = if_nametoindex(name);
	at.target = manifest_text(finding->apply->arena, name);
	at.netns = manifest_text(finding->apply->arena, policy->netns);
	at.of = manifest_text(finding->apply->arena, of);
	if (at.ifindex == 0) {
		say_no_interface(finding, name, place);
		return;
	}
	netns_inode(NULL, &at.netns_inode);
	check_link_layer(finding, name, place);
	if (policy->parent)
		check_parent(finding, &at);
	if (policy->hook == WEIR_HOOK_XDP_INGRESS) {
		check_xdp_taken(finding, &at, place);
		warn_vlan_offload(finding, name, place);
	}
	add(finding, &at, place);
}

static void find_veths(struct finding *finding, const char *netns, struct place place)
{
	struct peers ends;
	char name[IFNAMSIZ];

	if (apply_find_veths(finding->apply, netns, place, &ends))
		return;
	for (uint32_t i = 0; i < ends.count; i++)
		if (if_indextoname(ends.items[i].ifindex, name))
			find_interface(finding, arena_strdup(finding->apply->arena, name), netns, place);
}

static void find_interfaces(struct finding *finding)
{
	const struct policy_chain *policy = finding->chain->policy;
	_cleanup_(netns_leave) int home = -1;
	int r = netns_enter(policy->netns, &home);

	if (r) {
		apply_say_no_netns(finding->apply, policy->netns, r, policy->netns_place);
		return;
	}
	for (uint32_t i = 0; i < policy->target_count; i++)
		if (policy->target_kind == TARGET_VETH_OF)
			find_veths(finding, policy->targets[i], policy->target_places[i]);
		else
			find_interface(finding, policy->targets[i], NULL, policy->target_places[i]);
	finding->chain->raw_ip = finding->without_header > 0;
}

/* ---- Actions ---- */

static bool action_is_ours(const struct application *apply, uint32_t program_id)
{
	for (uint32_t c = 0; apply->old && c < apply->old->chain_count; c++)
		if (apply->old->chains[c].program_id == program_id)
			return true;
	return false;
}

/* One that is there must be ours, or the apply stops. */
static void find_actions(struct finding *finding)
{
	const struct policy_chain *policy = finding->chain->policy;
	struct application *apply = finding->apply;
	_cleanup_(netns_leave) int home = -1;
	int r = netns_enter(policy->netns, &home);

	if (r) {
		apply_say_no_netns(apply, policy->netns, r, policy->netns_place);
		return;
	}
	for (uint32_t i = 0; i < policy->target_count; i++) {
		struct manifest_attachment at = { .hook = policy->hook,
						  .how = HOW_ACTION,
						  .target = manifest_text(apply->arena, policy->targets[i]),
						  .netns = manifest_text(apply->arena, policy->netns),
						  .parent = (uint32_t)atoi(policy->targets[i]),
						  .fallback = policy->fallback };
		uint32_t id = 0;

		netns_inode(NULL, &at.netns_inode);
		if (action_program(&at, &id) == 0 && !action_is_ours(apply, id))
			diagnose(
				apply->diagnostics, SEVERITY_ERROR_SURROUNDINGS, policy->target_places[i],
				"the action bpf index %u is there already, and is not this policy's (tc actions list action bpf)",
				at.parent);
		add(finding, &at, policy->target_places[i]);
	}
}

/* ---- cgroups ---- */

/* OF: the container whose cgroup it is; NULL: the policy names the path. */
static void find_cgroup(struct finding *finding, const char *mount, const char *path, const char *of, struct place place)
{
	struct application *apply = finding->apply;
	struct manifest_attachment at = { .hook = finding->next->hook,
					  .how = HOW_CGROUP,
					  .of = manifest_text(finding->apply->arena, of) };
	struct diagnostic *said;
	struct stat status;
	const char *where;
	uint32_t id;

	if (stat(arena_printf(apply->arena, "%s%s", mount, path), &status) || !S_ISDIR(status.st_mode)) {
		said = diagnose(apply->diagnostics, SEVERITY_ERROR_SURROUNDINGS, place, "no such cgroup '%s' below %s", path,
				mount);
		diagnostic_hint(apply->diagnostics, said,
				"the path begins at %s; systemd-cgls, or /proc/PID/cgroup (line 0::), shows it", mount);
		return;
	}
	at.target = manifest_text(apply->arena, path);
	at.cgroup_id = status.st_ino; /* what the kernel calls a cgroup's id */
	id = cgroup_exclusive_program(apply->arena, mount, path, at.hook, &where);
	if (id) {
		said = diagnose(
			apply->diagnostics, SEVERITY_ERROR_SURROUNDINGS, place,
			"cgroup '%s' is taken: program %s (id %u) at %s allows no second one (it was attached without BPF_F_ALLOW_MULTI)",
			path, program_name(apply->arena, id), id, where);
		diagnostic_hint(apply->diagnostics, said, "have it attached with multi, or detach it: bpftool cgroup show %s%s",
				mount, where);
		return;
	}
	add(finding, &at, place);
}

static void find_cgroup_glob(struct finding *finding, const char *mount, const char *pattern, struct place place)
{
	struct application *apply = finding->apply;
	const char *list = "";
	size_t found = 0;
	glob_t paths;
	int r = glob(arena_printf(apply->arena, "%s%s", mount, pattern), GLOB_ONLYDIR, NULL, &paths);

	for (size_t i = 0; r == 0 && i < paths.gl_pathc; i++) {
		const char *path = paths.gl_pathv[i] + strlen(mount);
		struct stat status;

		if (stat(paths.gl_pathv[i], &status) || !S_ISDIR(status.st_mode))
			continue;
		find_cgroup(finding, mount, path, NULL, place);
		if (++found <= 4)
			list = arena_printf(apply->arena, "%s%s%s", list, *list ? ", " : "", path);
	}
	if (r == 0)
		globfree(&paths);
	if (found == 0)
		diagnose(apply->diagnostics, SEVERITY_ERROR_SURROUNDINGS, place, "no cgroup below %s matches '%s'", mount,
			 pattern);
	else
		diagnose(
			apply->diagnostics, SEVERITY_NOTE, nowhere,
			"'%s' is now %zu cgroup%s: %s%s; those that are made later are not covered until the policy is applied again",
			pattern, found, found == 1 ? "" : "s", list, found > 4 ? ", ..." : "");
}

static void find_container_cgroup(struct finding *finding, const char *mount, const char *name, struct place place)
{
	const char *cgroup = apply_container_cgroup(finding->apply, name, place);

	if (cgroup)
		find_cgroup(finding, mount, cgroup, arena_printf(finding->apply->arena, "container %s", name), place);
}

static void find_cgroups(struct finding *finding)
{
	const struct policy_chain *policy = finding->chain->policy;
	struct application *apply = finding->apply;
	const char *mount = cgroup_mount(apply->arena);
	struct diagnostic *said;

	if (!mount) {
		said = diagnose(apply->diagnostics, SEVERITY_ERROR_SURROUNDINGS, policy->place,
				"chain '%s' stands at a cgroup, and no cgroup2 file system is mounted", policy->name);
		diagnostic_hint(apply->diagnostics, said, "mount it: mount -t cgroup2 none /sys/fs/cgroup");
		return;
	}
	for (uint32_t i = 0; i < policy->target_count; i++) {
		char *path = arena_printf(apply->arena, "%s%s", policy->targets[i][0] == '/' ? "" : "/", policy->targets[i]);
		size_t length = strlen(mount), end;

		if (policy->target_kind == TARGET_CONTAINER) {
			find_container_cgroup(finding, mount, policy->targets[i], policy->target_places[i]);
			continue;
		}
		/* Written with the mount before it: the same is meant. */
		if (strncmp(path, mount, length) == 0 && (path[length] == '/' || path[length] == '\0'))
			path = arena_printf(apply->arena, "%s%s", path[length] ? "" : "/", path + length);
		for (end = strlen(path); end > 1 && path[end - 1] == '/';)
			path[--end] = '\0';
		if (strpbrk(path, "*?["))
			find_cgroup_glob(finding, mount, path, policy->target_places[i]);
		else
			find_cgroup(finding, mount, path, NULL, policy->target_places[i]);
	}
}

/* ---- All chains ---- */

/* Names may differ and mean the same interface (a namespace by name and by path). */
static void check_xdp_twice(struct application *apply, uint32_t chain)
{
	for (uint32_t other = 0; other < chain; other++)
		for (uint32_t a = 0; a < apply->next.chains[chain].attachment_count; a++)
			for (uint32_t b = 0; b < apply->next.chains[other].attachment_count; b++) {
				const struct manifest_attachment *at = &apply->next.chains[chain].attachments[a];

				if (at->hook == WEIR_HOOK_XDP_INGRESS &&
				    attachment_same_target(at, &apply->next.chains[other].attachments[b]))
					diagnose(apply->diagnostics, SEVERITY_ERROR, apply->chains[chain].targets[a].place,
						 "chains '%s' and '%s' both stand at xdp ingress of %s, which takes one",
						 apply->next.chains[other].name, apply->next.chains[chain].name, at->target);
			}
}

int apply_find_targets(struct application *apply)
{
	size_t errors = apply->diagnostics->errors;

	for (uint32_t i = 0; i < apply->next.chain_count; i++) {
		struct finding finding = { .apply = apply, .chain = &apply->chains[i], .next = &apply->next.chains[i] };
		bool cgroup = finding.next->hook == WEIR_HOOK_CGROUP_INGRESS || finding.next->hook == WEIR_HOOK_CGROUP_EGRESS;

		if (finding.next->hook == WEIR_HOOK_TC_ACTION)
			find_actions(&finding);
		else if (cgroup)
			find_cgroups(&finding);
		else
			find_interfaces(&finding);
		finding.next->attachment_count = (uint32_t)finding.attachments.count;
		finding.next->attachments = finding.attachments.items;
		finding.chain->targets = finding.targets.items;
		check_xdp_twice(apply, i);
	}
	return apply->diagnostics->errors > errors ? -EINVAL : 0;
}
