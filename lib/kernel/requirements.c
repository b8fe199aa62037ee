// SPDX-License-Identifier: GPL-2.0-only
#include "kernel/requirements.h"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <linux/bpf.h>
#include <sys/utsname.h>

/* Younger than the headers of the oldest distributions. */
#define HELPER_COARSE_CLOCK   ((enum bpf_func_id)160)
#define HELPER_XDP_LOAD_BYTES ((enum bpf_func_id)189)
#define HELPER_LOOP	      ((enum bpf_func_id)181)

enum ability { XDP_BUFFERS, CGROUP_LINKS, RING_BUFFER, COARSE_CLOCK, LOOPS, ABILITY_COUNT };

static bool at_cgroup(const struct policy_chain *chain)
{
	return chain->hook == WEIR_HOOK_CGROUP_INGRESS || chain->hook == WEIR_HOOK_CGROUP_EGRESS;
}

static bool logs(const struct policy_chain *chain)
{
	for (uint32_t i = 0; i < chain->rule_count; i++)
		if (chain->rules[i].log)
			return true;
	return false;
}

static bool reads_http(const struct rule_list *rules)
{
	for (uint32_t i = 0; i < rules->dimension_count; i++)
		if (dimension_reads_http(&rules->dimensions[i]))
			return true;
	return false;
}

static bool needs(const struct policy_chain *chain, const struct rule_list *rules, enum ability ability)
{
	switch (ability) {
	case XDP_BUFFERS:
		return chain->hook == WEIR_HOOK_XDP_INGRESS;
	case CGROUP_LINKS:
		return at_cgroup(chain);
	case RING_BUFFER:
		return logs(chain);
	case COARSE_CLOCK:
		return rules->set_count > 0;
	case LOOPS:
		return reads_http(rules);
	default:
		return false;
	}
}

static bool any_needs(const struct compiled *compiled, enum ability ability)
{
	for (uint32_t i = 0; i < compiled->policy->chain_count; i++)
		if (needs(&compiled->policy->chains[i], compiled->chains[i].rules, ability))
			return true;
	return false;
}

/* A kernel that knows the command looks for the program first. */
static bool has_cgroup_links(void)
{
	return bpf_link_create(-1, -1, BPF_CGROUP_INET_EGRESS, NULL) != -EINVAL;
}

/* A probe that fails for another reason is no answer: then the load has the last word. */
struct kernel_abilities kernel_abilities(const struct compiled *compiled)
{
	return (struct kernel_abilities){
		.xdp_buffers = !any_needs(compiled, XDP_BUFFERS) ||
			       libbpf_probe_bpf_helper(BPF_PROG_TYPE_XDP, HELPER_XDP_LOAD_BYTES, NULL) != 0,
		.cgroup_links = !any_needs(compiled, CGROUP_LINKS) || has_cgroup_links(),
		.ring_buffer = !any_needs(compiled, RING_BUFFER) || libbpf_probe_bpf_map_type(BPF_MAP_TYPE_RINGBUF, NULL) != 0,
		.coarse_clock = !any_needs(compiled, COARSE_CLOCK) ||
				libbpf_probe_bpf_helper(BPF_PROG_TYPE_SCHED_CLS, HELPER_COARSE_CLOCK, NULL) != 0,
		.loops = !any_needs(compiled, LOOPS) || libbpf_probe_bpf_helper(BPF_PROG_TYPE_SCHED_CLS, HELPER_LOOP, NULL) != 0,
	};
}

int requirements_check(const struct compiled *compiled, const struct kernel_abilities *abilities, struct diagnostics *diagnostics)
{
	const struct {
		bool there;
		const char *what, *since, *hint;
	} asked[ABILITY_COUNT] = {
		[XDP_BUFFERS] = { abilities->xdp_buffers, "XDP programs for packets in several buffers", "5.18",
				  "take tc ingress for this chain, or a newer kernel" },
		[CGROUP_LINKS] = { abilities->cgroup_links, "attachments at cgroups that outlive their process", "5.7",
				   "take tc for this chain, or a newer kernel" },
		[RING_BUFFER] = { abilities->ring_buffer, "the ring buffer for events", "5.8",
				  "leave out `log`, or take a newer kernel" },
		[COARSE_CLOCK] = { abilities->coarse_clock, "the clock for timeouts of a set's elements", "5.11",
				   "write the addresses as a list in the rule, or take a newer kernel" },
		[LOOPS] = { abilities->loops, "the loop that reads HTTP requests", "5.17",
			    "leave out `http`, or take a newer kernel" },
	};
	struct utsname kernel = { 0 };
	int r = 0;

	uname(&kernel);
	for (uint32_t i = 0; i < compiled->policy->chain_count; i++)
		for (int a = 0; a < ABILITY_COUNT; a++) {
			const struct policy_chain *chain = &compiled->policy->chains[i];
			struct diagnostic *said;

			if (asked[a].there || !needs(chain, compiled->chains[i].rules, (enum ability)a))
				continue;
			said = diagnose(diagnostics, SEVERITY_ERROR_KERNEL, chain->place,
					"this kernel is too old for chain '%s': %s come%s with Linux %s, this is %s", chain->name,
					asked[a].what, a >= RING_BUFFER ? "s" : "", asked[a].since, kernel.release);
			diagnostic_hint(diagnostics, said, "%s", asked[a].hint);
			r = -EOPNOTSUPP;
		}
	return r;
}
