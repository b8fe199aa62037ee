/* SPDX-License-Identifier: GPL-2.0-only */
/* What a policy asks of the kernel that not every kernel has: asked before anything is made, so that the answer is a sentence. */
#ifndef WEIR_KERNEL_REQUIREMENTS_H
#define WEIR_KERNEL_REQUIREMENTS_H

#include "compile.h"

struct kernel_abilities {
	bool xdp_buffers;  /* XDP programs that read packets in several buffers */
	bool cgroup_links; /* attachments at cgroups that outlive their process */
	bool ring_buffer;
	bool coarse_clock; /* in programs: for the timeouts of elements */
	bool loops;	   /* bpf_loop, for HTTP */
};

/* Those of the running kernel, as far as POLICY needs them; what it does not need is true unasked. */
struct kernel_abilities kernel_abilities(const struct compiled *compiled);

/* 0, or -EOPNOTSUPP and a diagnostic for each chain and ability that is missing. */
int requirements_check(const struct compiled *compiled, const struct kernel_abilities *abilities,
		       struct diagnostics *diagnostics);

#endif
