/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * weir in the kernel: what is pinned and attached, and how it changes. All state lies in one directory in bpffs
 * (docs/abi.md has the tree); there is no daemon and no file elsewhere. The directory is locked while a command
 * changes something; whoever opens it first puts right what an interrupted apply left behind.
 *
 * Nothing here prints. Functions give 0 or a negative errno, and a diagnostic says why.
 */
#ifndef WEIR_KERNEL_H
#define WEIR_KERNEL_H

#include <stdbool.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/diagnostic.h"
#include "check/policy.h"
#include "compile.h"
#include "weir_abi.h"

struct kernel;

#define KERNEL_PINS_DEFAULT "/sys/fs/bpf/weir"

/*
 * Open weir's directory: PINS, or NULL for the default; the ABI version is a folder in it. bpffs is mounted when it is
 * not there. FOR_CHANGE takes the lock (waiting for another command of weir's) and recovers; otherwise the state may be read,
 * and recovery happens only when it is needed and the lock is free.
 */
int kernel_open(struct arena *arena, const char *pins, bool for_change, struct kernel **ret_kernel,
		struct diagnostics *diagnostics);
void kernel_close(struct kernel *kernel); /* NULL is fine */
void kernel_closep(struct kernel **kernel);

struct apply_options {
	bool reset; /* counters to zero, live set elements forgotten */
	/* Called now and then in long work; NULL: never. DONE of TOTAL of what WHAT says. */
	void (*progress)(void *context, const char *what, uint64_t done, uint64_t total);
	void *progress_context;
	/*
	 * For tests; NULL: nobody is asked. Called before each step that changes something; what is not 0 fails the apply there.
	 */
	int (*before)(void *context, const char *step);
	void *before_context;
};

/* Compile's result into the kernel: load all, then swap. Notes say where things were attached and in which mode. */
int kernel_apply(struct kernel *kernel, const struct compiled *compiled, const struct apply_options *options,
		 struct diagnostics *diagnostics);

/* Take one policy away, or all of weir's (NULL). -ENOENT: no such policy. */
int kernel_remove(struct kernel *kernel, const char *policy, struct diagnostics *diagnostics);

/* That no such policy is in force, and which one may be meant; -ENOENT. */
int kernel_say_no_policy(const struct kernel *kernel, struct arena *arena, const char *policy, struct diagnostics *diagnostics);

/* ---- What is enforced ---- */

struct state_mark { /* of `counter by meta mark` */
	uint32_t mark;
	struct weir_counter counter;
};

struct state_port { /* of a rule that redirects */
	uint16_t port;
	uint64_t connections; /* that began there */
};

struct state_rule {
	const char *text, *comment, *log_prefix; /* NULL: none */
	const char *to;				 /* what the verdict names: "eth1" of fwd to eth1; NULL: nothing */
	const char *effects;			 /* what it does beside judging: "meta mark set 0x7"; NULL: nothing */
	const char *file;
	uint32_t line, slot;
	enum weir_verdict verdict;
	bool log;
	struct weir_counter counter;
	uint32_t mark_count;
	const struct state_mark *marks; /* ascending */
	uint32_t port_count;
	const struct state_port *ports; /* by port, those that had any */
};

/* A port to which `dnat ... alive` sends nobody just now, since it refused a connection; all rules of the chain pass it over. */
struct state_refusal {
	struct value address; /* of the host that refused */
	enum value_type type; /* of the address: ipv4_addr or ipv6_addr */
	uint16_t port;
	uint8_t protocol; /* IPPROTO_TCP, IPPROTO_UDP */
	uint32_t seconds; /* until it is tried again, rounded up */
};

struct state_foreign { /* a program that is not weir's at the same hook of the same target */
	uint32_t program_id;
	const char *program_name;
};

struct state_attachment {
	const char *target;   /* interface, or cgroup path below the mount */
	const char *netns;    /* NULL: none named */
	const char *of;	      /* whose cgroup, or interface's other end, it is: "container web"; NULL: named itself */
	const char *how;      /* "native", "generic", "tcx", "clsact", "cgroup", "classifier", "action" */
	uint64_t netns_inode; /* of the interface's namespace */
	uint32_t ifindex;     /* 0 at a cgroup */
	uint64_t cgroup_id;   /* 0 at an interface */
	uint32_t link_id;     /* 0 with clsact */
	bool present;	      /* false: the interface or cgroup is gone, or somebody detached it */
	uint32_t foreign_count;
	const struct state_foreign *foreign;
};

struct state_map {
	const char *name;
	uint32_t id;
	uint64_t bytes; /* memory as the kernel tells it; 0: unknown */
};

struct state_chain {
	const char *name;
	enum weir_hook hook;
	enum weir_verdict policy;
	uint32_t line;
	uint32_t chain_id;
	struct weir_counter policy_counter;
	struct weir_counter malformed[WEIR_MALFORMED_COUNT];
	uint64_t events_lost;
	bool knows_refusals; /* some rule says `dnat ... alive`, and its table is not too large to look through */
	bool counts_faults;  /* XDP: some verdict can fail, and the kernel's tracepoints are asked */
	struct weir_faults faults;
	uint32_t connections; /* room in its table; 0: it redirects none */
	uint32_t rule_count, attachment_count, map_count, refusal_count;
	const struct state_rule *rules;
	const struct state_attachment *attachments;
	const struct state_map *maps;
	const struct state_refusal *refusals; /* by address, protocol and port */
	uint32_t program_id, instructions, verified_instructions, jited_bytes;
	const char *tag;  /* 16 hex digits */
	const char *form; /* of its trees, and why; NULL: unknown */
	uint64_t load_ns;
};

struct state_set {
	const char *name;
	struct policy_set set; /* types, size, timeout; no elements */
	uint64_t element_count;
	uint64_t bytes; /* of memory in its table */
};

struct state_policy {
	const char *name, *file;
	uint64_t applied_s;  /* seconds since 1970 */
	uint64_t generation; /* from 1 */
	uint32_t chain_count, set_count;
	const struct state_chain *chains;
	const struct state_set *sets;
};

struct state {
	uint32_t policy_count;
	const struct state_policy *policies; /* by name */
};

/*
 * Read it all, or of POLICY alone (which need not be there): names, texts and places from the manifests, figures from the kernel.
 * Lives in ARENA.
 */
int kernel_state(struct kernel *kernel, struct arena *arena, const char *policy, const struct state **ret_state,
		 struct diagnostics *diagnostics);

/*
 * What is to be in force by applies that are on their way: names, texts, places and slots, no figures. Between the swap of a hook
 * and the end of an apply this is what the new programs' events are about.
 */
int kernel_state_planned(struct kernel *kernel, struct arena *arena, const struct state **ret_state);

/* ---- Sets, live ---- */

struct kernel_set;

/* -ENOENT with a diagnostic (and a near match) where policy or set is not there. FOR_CHANGE as in kernel_open. */
int kernel_set_open(struct kernel *kernel, struct arena *arena, const char *policy, const char *set, struct kernel_set **ret_set,
		    struct diagnostics *diagnostics);
void kernel_set_close(struct kernel_set *set); /* NULL is fine */
const struct policy_set *kernel_set_type(const struct kernel_set *set);

/*
 * Add (an element that is there gets the new timeout) or delete. *ret_done: how many went in, also on failure: -ENOSPC
 * when the set is full, after what had expired was cleared away. Deleting what is not there is counted in *ret_missing and no
 * error.
 */
int kernel_set_add(struct kernel_set *set, const struct set_element *elements, size_t count, size_t *ret_done);
/* THERE, which may be NULL: for each whether it was in the set. */
int kernel_set_delete(struct kernel_set *set, const struct set_element *elements, size_t count, bool *there, size_t *ret_missing);
/* The longest prefix in the set that covers ELEMENT, which is a single value or a prefix. */
bool kernel_set_cover(struct kernel_set *set, const struct set_element *element, struct set_element *ret_cover);
int kernel_set_flush(struct kernel_set *set);
/* All members that have not expired, sorted; timeout_s is what is left, rounded up. */
int kernel_set_list(struct kernel_set *set, struct arena *arena, size_t *ret_count, const struct set_element **ret_elements);

/* ---- Events ---- */

struct kernel_events;

/* One reader at a time: -EBUSY with a diagnostic that names the other's pid. */
int kernel_events_open(struct kernel *kernel, struct arena *arena, struct kernel_events **ret_events,
		       struct diagnostics *diagnostics);
void kernel_events_close(struct kernel_events *events);
int kernel_events_fd(const struct kernel_events *events); /* for poll */
/* Hand out what has come within TIMEOUT_MS (-1: for ever; 0: do not wait). How many, or -EINTR and other errnos. */
int kernel_events_read(struct kernel_events *events, int timeout_ms,
		       void (*handle)(void *context, const struct weir_event *event), void *context);
/*
 * How many events of the chains in force found the ring buffer full, all together. A negative errno also when a policy is replaced
 * just now: ask again.
 */
int kernel_events_lost(const struct kernel *kernel, uint64_t *ret_lost);

#endif
