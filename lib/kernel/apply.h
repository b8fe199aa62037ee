/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * One apply on its way: what apply.c hands from step to step. `next` is the manifest that grows; chains[i] belongs to
 * next.chains[i] and to compiled->chains[i], targets[j] of it to the attachment j.
 */
#ifndef WEIR_KERNEL_APPLY_H
#define WEIR_KERNEL_APPLY_H

#include "host/container.h"
#include "kernel/attach.h"
#include "kernel/load.h"
#include "kernel/manifest.h"
#include "kernel/peer.h"

struct apply_target {
	enum attach_mode mode;
	struct place place;
	bool found; /* an attachment of the old generation goes on here */
};

struct apply_chain {
	const struct policy_chain *policy;
	const struct rule_list *rules;
	const struct code *code;
	struct apply_target *targets;
	bool raw_ip, logs;
	const struct manifest_chain *old; /* of the same name and hook, NULL: none */
	uint32_t old_index;
	uint32_t *slots;	     /* for each rule of the list */
	bool *kept;		     /* which of them count on */
	struct weir_action *actions; /* for each rule of the list, with interfaces found */
	int old_counters_fd;	     /* -1: none to go on from */
	bool grown;		     /* the old counters are too few: a new map, into which they are copied */
	uint32_t *set_indexes;	     /* for each set of the list, which of next.sets */
	struct kernel_connections connections; /* of a chain that redirects; -1: none */
	struct loaded_chain loaded;
};

struct application {
	struct kernel *kernel;
	struct arena *arena; /* of this apply */
	const struct compiled *compiled;
	const struct apply_options *options;
	struct diagnostics *diagnostics;
	const char *folder;	    /* of the policy */
	struct manifests in_force;  /* of all policies */
	const struct manifest *old; /* of this one; NULL: none */
	struct program_ids old_programs;
	struct manifest next;
	struct apply_chain *chains;
	int *sets; /* for each of next.sets its map; -1: not there yet */
	int events_fd, owners_fd;
};

/* Find the interfaces and cgroups that the chains name, and who stands there already (apply_targets.c). */
int apply_find_targets(struct application *apply);
/* What is named by whose it is, for apply_find_targets; NULL or a negative errno after an error that was told
 * (apply_containers.c). */
const struct container *apply_find_container(struct application *apply, const char *name, struct place place);
const char *apply_container_cgroup(struct application *apply, const char *name, struct place place);
/* The ends that the interfaces of NETNS have in the namespace that the thread is in: one at least. */
int apply_find_veths(struct application *apply, const char *netns, struct place place, struct peers *ret_ends);
/* What stands before a command that is to run in NETNS: "ip netns exec blue ", "nsenter -t 812 -n "; NULL: nothing. */
const char *apply_in_netns(const struct application *apply, const char *netns);
/* Why NETNS could not be entered. */
void apply_say_no_netns(struct application *apply, const char *netns, int error, struct place place);
/* Which attachments of the old generation go on as which of the new (apply_match.c). */
int apply_match_attachments(struct application *apply);

/* Say where each chain now stands, in which mode, and beside whom (apply_match.c). */
void apply_report(const struct application *apply);

/* Find the interfaces that verdicts name (apply_verdicts.c). */
int apply_find_forwards(struct application *apply);
/* The kept maps of a chain's old generation, rid of what new rules must not go on with; -1: none. Pin those of the new one. */
int apply_open_kept(const struct application *apply, uint32_t chain, int ret_fds[KEPT_COUNT]);
void apply_close_kept(int fds[KEPT_COUNT]);
int apply_pin_kept(const struct application *apply, uint32_t chain);

/* Give each rule its counter's slot (apply_counters.c). */
int apply_assign_slots(struct application *apply);
/* Copy counters into those maps that had to grow. */
int apply_copy_counters(struct application *apply);

/* "l" and "g" names below the policy's folder. */
const char *apply_link_path(const struct application *apply, const struct manifest_attachment *at);
const char *apply_pin_path(const struct application *apply, const struct manifest *generation, const char *kind, uint32_t index);

#endif
