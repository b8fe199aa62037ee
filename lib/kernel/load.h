/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * From instructions to a program in the kernel: the chain's template (bpf/xdp.bpf.c, tc.bpf.c, cgroup.bpf.c) is
 * opened, classify(), set_member() and predicate() in it are replaced by the generated functions, and it is verified and
 * loaded. Nothing is attached or pinned here.
 */
#ifndef WEIR_KERNEL_LOAD_H
#define WEIR_KERNEL_LOAD_H

#include <stdbool.h>
#include <stdint.h>

#include "base/diagnostic.h"
#include "code/code.h"

/* Maps of a chain that outlive a change of policy, beside its counters: AF_XDP sockets, counters by mark. */
enum kept_map { KEPT_XSKS, KEPT_MARKS, KEPT_COUNT };

struct load_request {
	const struct code *code;
	uint32_t chain_id;		    /* stands in its events */
	bool raw_ip;			    /* tc on an interface without Ethernet headers */
	int counters_fd;		    /* a map to go on counting in, or -1 for a new one */
	uint32_t counter_slots;		    /* size of a new one */
	const struct weir_action *actions;  /* for each rule of the list what it does, interfaces found; NULL: rule.action */
	int kept_fds[KEPT_COUNT];	    /* to go on with; 0 or less: a new map, where the chain needs one */
	const uint32_t *slots;		    /* for each rule of the list its counter slot; NULL: rule.slot */
	int events_fd;			    /* the ring buffer; -1: the chain logs nothing */
	int owners_fd;			    /* who made a socket; -1: not known */
	const int *sets;		    /* for each set of the rule_list the descriptor of its map */
	const struct kernel_connections *connections; /* of a chain that redirects, or carries replies back; NULL: new ones */
	/* For measurements: another template than the hook's own, with the same functions. NULL: none. */
	const void *template;
	size_t template_size;
};

/* The table of connections, and how many each port got (bpf/redirect_abi.h). */
struct kernel_connections {
	int table_fd, ports_fd;
	uint16_t first_reply, last_reply; /* ports from which replies come whose source is to be changed */
};

/* Entries that the map of ports needs for these rules. */
uint32_t kernel_ports_needed(const struct rule_list *list);
/* New ones; descriptors are the caller's. 0 or -errno. */
int kernel_connections_create(uint32_t size, uint32_t ports, struct kernel_connections *ret_connections);

struct loaded_chain {
	int program_fd, counters_fd; /* the caller's to close */
	uint32_t verified_instructions;
	uint64_t load_ns;
	int kept_fds[KEPT_COUNT]; /* the caller's to close, as well; 0 or less: the chain has none */
	/* What was loaded: the request's, or one with more of it as data, in the arena of the diagnostics. */
	const struct code *code;
};

/*
 * Load. What the verifier refuses as too much for it is loaded with more of its trees as data, which the verifier does not go
 * through. 0; or a negative errno with a diagnostic of SEVERITY_ERROR_KERNEL that names hook, chain, errno and the end
 * of the verifier's log (a policy's line where the log quotes one), and *ret_chain untouched.
 */
int kernel_load(const struct load_request *request, struct loaded_chain *ret_chain, struct diagnostics *diagnostics);
void loaded_chain_close(struct loaded_chain *chain); /* closes all, sets them to -1 */

/* What the running kernel has; found by trying, once. */
struct kernel_features {
	bool tcx;	/* from 6.6 */
	bool long_jump; /* BPF_JMP32|BPF_JA, from 6.6 */
	bool xdp_frags; /* from 5.18 */
};
const struct kernel_features *kernel_features(void);

/* How a program looks into the kernel's own context: from 6.2, where the kernel has BTF of itself. */
struct kernel_context {
	int cast;	       /* BTF id of bpf_cast_to_kern_ctx; 0: it cannot */
	uint32_t flags_offset; /* of xdp_buff.flags */
	bool knows_device;     /* the next two are known */
	uint32_t device_offset, type_offset; /* of sk_buff.dev, net_device.type */
};
const struct kernel_context *kernel_context(void);

/* Raise RLIMIT_MEMLOCK where old kernels count maps against it; harmless elsewhere. */
void kernel_raise_memlock(void);

/* A new ring buffer of events, a new map of socket owners (storage of struct weir_socket_owner). Descriptor or -errno. */
int kernel_events_create(void);
int kernel_owners_create(void);

/*
 * Programs at the root of cgroup2 that write down who makes or connects sockets: load them with the map and attach them. Then
 * write down who holds the sockets that are there already; a kernel that does not allow that leaves them unknown. The
 * descriptors of the links (the caller's; it pins them) go to RET_LINKS, at most OWNERS_LINKS; the number comes back, or -errno.
 */
#define OWNERS_LINKS 8
int kernel_owners_attach(int owners_fd, int cgroup_root_fd, int ret_links[OWNERS_LINKS], const char *ret_names[OWNERS_LINKS],
			 struct diagnostics *diagnostics);

#endif
