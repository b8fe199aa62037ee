/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * weir: a packet firewall compiled to eBPF. This is the whole public interface of libweir; the command is built on it.
 *
 * Objects are opaque. Who makes one releases it: weir_NAME_free or weir_NAME_close, which take NULL as well. Structures of
 * options begin with their size (WEIR_OPTIONS fills it in), so that later versions can add members at the end; NULL stands
 * for all defaults. Texts are UTF-8 and end in NUL; those that a function hands out belong to the object they were
 * asked of. No structure here holds a number from the wire, so there is no byte order to mind.
 *
 * Functions that can fail give 0 or a negative errno. What went wrong, and what to do about it, is in the list of messages
 * that was handed in (warnings and notes are there after a success, too); outputs named ret_ are untouched on failure. The
 * library never prints of its own accord, never exits on what it is given, and changes no state of the process
 * but, where the kernel counts maps against it, RLIMIT_MEMLOCK.
 *
 * An object is for one thread at a time; different objects may be used by different threads, save that a list of messages
 * counts as part of each call it is handed to.
 */
#ifndef WEIR_WEIR_H
#define WEIR_WEIR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#ifdef __cplusplus
extern "C" {
#endif

#define WEIR_API __attribute__((visibility("default")))

/* struct weir_apply_options options = WEIR_OPTIONS(struct weir_apply_options); */
#ifdef __cplusplus
#define WEIR_OPTIONS(type) (type{ sizeof(type) })
#else
#define WEIR_OPTIONS(type) ((type){ .size = sizeof(type) })
#endif

/* The version of the library that runs: "0.1.0". */
WEIR_API const char *weir_version(void);

/* How results are printed: for people, or as JSON (docs/abi.md has the schemas). */
enum weir_format { WEIR_FORMAT_TEXT, WEIR_FORMAT_JSON };

/* ---- Messages: what weir has to say about a policy or about the system ---- */

struct weir_messages;

enum weir_severity { WEIR_SEVERITY_NOTE, WEIR_SEVERITY_WARNING, WEIR_SEVERITY_ERROR };

/* An empty list. Never NULL. It may be handed to any number of calls, one after the other, and gathers what they say. */
WEIR_API struct weir_messages *weir_messages_new(void);
WEIR_API void weir_messages_free(struct weir_messages *messages);

/* Forget all, to use the list again. */
WEIR_API void weir_messages_clear(struct weir_messages *messages);

/* How many there are, how many of them are of that severity, and what number INDEX says. INDEX is below the count. */
WEIR_API size_t weir_messages_count(const struct weir_messages *messages);
WEIR_API size_t weir_messages_count_of(const struct weir_messages *messages, enum weir_severity severity);
WEIR_API enum weir_severity weir_messages_severity(const struct weir_messages *messages, size_t index);
WEIR_API const char *weir_messages_text(const struct weir_messages *messages, size_t index);
WEIR_API const char *weir_messages_hint(const struct weir_messages *messages, size_t index); /* NULL: none */

/* The place it speaks of: file (NULL: none), line and column from 1 (0: none). */
WEIR_API const char *weir_messages_file(const struct weir_messages *messages, size_t index);
WEIR_API uint32_t weir_messages_line(const struct weir_messages *messages, size_t index);
WEIR_API uint32_t weir_messages_column(const struct weir_messages *messages, size_t index);

/*
 * What the first error was about, as the command's exit code: 0 there is no error, 1 the policy or the usage is wrong,
 * 2 the kernel refused, 3 the surroundings are not right (no privileges, no such interface, a missing file).
 */
WEIR_API int weir_messages_exit_code(const struct weir_messages *messages);

/* All of them, the way compilers do: place, severity, message, the line with a caret, hint. COLOUR: with escape codes. */
WEIR_API void weir_messages_print(const struct weir_messages *messages, FILE *out, bool colour);

/* ---- Policies: compiled, without root and without asking the kernel ---- */

struct weir_policy;

/*
 * What rules become: what fits best, or, for tests and measurements, one form wherever that can be. All judge alike.
 * (docs/decisions/forms.md)
 */
enum weir_form { WEIR_FORM_FITS, WEIR_FORM_CODE, WEIR_FORM_DATA, WEIR_FORM_TABLES };

struct weir_compile_options {
	size_t size;
	const char *name; /* of the policy; NULL: of the file, without folder and .weir */
	/* Use what the running kernel offers. Without, the result is the same everywhere; for weir_kernel_apply, set it. */
	bool for_this_kernel;
	enum weir_form form;
};

/* Compile the policy in the file PATH. -EINVAL: it has errors; -ENOENT and the like: it could not be read. */
WEIR_API int weir_policy_compile(const char *path, const struct weir_compile_options *options, struct weir_messages *messages,
				 struct weir_policy **ret_policy);
WEIR_API void weir_policy_free(struct weir_policy *policy);
WEIR_API const char *weir_policy_name(const struct weir_policy *policy);

/* The stages of the compiler: syntax tree, rules as boxes over packet fields, decision tree, eBPF instructions. */
enum weir_stage { WEIR_STAGE_AST, WEIR_STAGE_RULES, WEIR_STAGE_TREE, WEIR_STAGE_CODE };

/* Print what a stage made of the policy. For people and tests: this text may change with any version. */
WEIR_API void weir_policy_emit(const struct weir_policy *policy, enum weir_stage stage, FILE *out);

/* Print what the policy means: sets, chains, where they would be attached. */
WEIR_API void weir_policy_print(const struct weir_policy *policy, FILE *out);

struct weir_why_options {
	size_t size;
	const char *chain; /* NULL: all chains */
	enum weir_format format;
	bool verbose; /* say of each rule before the deciding one why it did not match */
};

/*
 * Which rule decides a packet, and why. PACKET is the name of a capture (pcap or pcapng; "-": standard input), each packet
 * of which is asked about, or a packet in words: "tcp 10.0.0.1:1234 > 10.0.0.2:80 syn". JSON is one object a line.
 */
WEIR_API int weir_policy_why(const struct weir_policy *policy, const char *packet, const struct weir_why_options *options,
			     FILE *out, struct weir_messages *messages);

/* ---- Import: other firewalls' rule sets as policies ---- */

enum weir_import_format {
	WEIR_IMPORT_DETECT, /* by what the file begins with */
	WEIR_IMPORT_IPTABLES,
	WEIR_IMPORT_IP6TABLES,
	WEIR_IMPORT_NFT, /* nft list ruleset, as text or with -j */
	WEIR_IMPORT_CLASSBENCH,
};

struct weir_import_options {
	size_t size;
	enum weir_import_format format;
	const char *hook;    /* "tc ingress on eth0", turned to the direction of each chain; NULL: one that suits it */
	const char *chain;   /* that base chain alone; NULL: all that can stand beside each other */
	const char *ipset;   /* a file that `ipset save` wrote; NULL: none */
	const char *verdict; /* of ClassBench's filters, which have none: "accept" or "drop"; NULL: "drop" */
};

/*
 * Print the rule set in the file PATH ("-": standard input) as a policy. Each rule that is left out has a warning, and a comment
 * in the policy; *ret_left_out is their number. -EINVAL: the file is not understood, and nothing was printed.
 */
WEIR_API int weir_import(const char *path, const struct weir_import_options *options, FILE *out, struct weir_messages *messages,
			 size_t *ret_left_out);

/* ---- The kernel: what is enforced on this machine; needs root (CAP_BPF, CAP_NET_ADMIN, CAP_PERFMON and the pins) ---- */

struct weir_kernel;

struct weir_kernel_options {
	size_t size;
	const char *pins; /* weir's directory in a bpffs; NULL: /sys/fs/bpf/weir */
	/* Take the lock that who changes something holds, waiting for it; without, only weir_kernel_list and weir_events work. */
	bool change;
};

/* Open weir's directory. What an interrupted apply left behind is put right. The kernel outlives all that was opened by it. */
WEIR_API int weir_kernel_open(const struct weir_kernel_options *options, struct weir_messages *messages,
			      struct weir_kernel **ret_kernel);
WEIR_API void weir_kernel_close(struct weir_kernel *kernel);

struct weir_apply_options {
	size_t size;
	bool reset; /* counters begin at 0, and elements that were added live are forgotten */
	/* Called now and then during long work, from within the call: DONE of TOTAL of what WHAT names. NULL: never. */
	void (*progress)(void *context, const char *what, uint64_t done, uint64_t total);
	void *context;
};

/* Put a policy in force: all of it, or, on failure, nothing is changed. One of the same name is replaced without a gap. */
WEIR_API int weir_kernel_apply(struct weir_kernel *kernel, const struct weir_policy *policy,
			       const struct weir_apply_options *options, struct weir_messages *messages);

/* Take the policy of that name away; NULL: all that is weir's. -ENOENT: there is no such policy. */
WEIR_API int weir_kernel_remove(struct weir_kernel *kernel, const char *name, struct weir_messages *messages);

struct weir_list_options {
	size_t size;
	enum weir_format format;
	bool verbose;	    /* programs, maps and load times, too; JSON always has them */
	bool colour;	    /* with escape codes */
	const char *policy; /* only that one; NULL: all */
};

/* Print what is enforced where, with packets and bytes of each rule. JSON is one document. */
WEIR_API int weir_kernel_list(struct weir_kernel *kernel, const struct weir_list_options *options, FILE *out,
			      struct weir_messages *messages);

/* ---- Sets: changed in place, live ---- */

struct weir_set;

/* The set SET of the policy POLICY. -ENOENT: no such policy or set. KERNEL is opened for change, but for printing. */
WEIR_API int weir_set_open(struct weir_kernel *kernel, const char *policy, const char *set, struct weir_messages *messages,
			   struct weir_set **ret_set);
WEIR_API void weir_set_close(struct weir_set *set);

struct weir_set_options {
	size_t size;
	const char *source; /* what messages call the text; NULL: "elements" */
	/* As in struct weir_apply_options. */
	void (*progress)(void *context, const char *what, uint64_t done, uint64_t total);
	void *context;
};

/*
 * Add, or delete, the elements that TEXT has, one a line, as element files have them: "10.0.0.0/8", "10.0.0.1 timeout 30s",
 * "10.0.0.1 . 80", # comments. When one of them is wrong nothing is changed. Adding what is there gives it the new timeout;
 * deleting what is not there is no error. -ENOSPC: the set is full, and those before have gone in.
 * *ret_done, which is set on failure, too, unless it is NULL: how many elements were added, or were there and deleted.
 */
WEIR_API int weir_set_add(struct weir_set *set, const char *text, const struct weir_set_options *options,
			  struct weir_messages *messages, size_t *ret_done);
WEIR_API int weir_set_delete(struct weir_set *set, const char *text, const struct weir_set_options *options,
			     struct weir_messages *messages, size_t *ret_done);
WEIR_API int weir_set_flush(struct weir_set *set, struct weir_messages *messages);

/* Print the members. Text is one a line, sorted, such that weir_set_add takes it; JSON is one document. */
WEIR_API int weir_set_print(struct weir_set *set, enum weir_format format, FILE *out, struct weir_messages *messages);

/* ---- Events: each packet that met a rule with `log`, as it happens ---- */

struct weir_events;

struct weir_events_options {
	size_t size;
	enum weir_format format;
	bool colour; /* of text */
};

/* One reader at a time: -EBUSY. KERNEL need not be open for change. */
WEIR_API int weir_events_open(struct weir_kernel *kernel, const struct weir_events_options *options,
			      struct weir_messages *messages, struct weir_events **ret_events);
WEIR_API void weir_events_close(struct weir_events *events);

/* A descriptor for poll: readable when there are events. It stays the library's. */
WEIR_API int weir_events_fd(const struct weir_events *events);

/*
 * Hand the events that come within TIMEOUT_MS (-1: wait for ever; 0: do not wait) to HANDLE, each as a line without its end.
 * Gives how many were handed out, or a negative errno; -EINTR when a signal came. Under a flood a call hands out some hundreds
 * and comes back: call again until it gives 0.
 */
WEIR_API int weir_events_read(struct weir_events *events, int timeout_ms, void (*handle)(void *context, const char *line),
			      void *context);

/* How many events were lost since the last call (the first: since opening), because nobody read them in time. */
WEIR_API int weir_events_lost(struct weir_events *events, uint64_t *ret_lost);

/* ---- Connections: each TCP connection that this host makes, and how it went; needs root (CAP_BPF and CAP_PERFMON) ---- */

struct weir_connections;

/* How the kernel is asked. The same is told by each; later ones need less of a kernel. */
enum weir_probe {
	WEIR_PROBE_BEST,       /* the first of these that the kernel takes */
	WEIR_PROBE_FENTRY,     /* the beginning of the kernel's function tcp_connect */
	WEIR_PROBE_KPROBE,     /* the same, by a breakpoint */
	WEIR_PROBE_TRACEPOINT, /* sock:inet_sock_set_state; costs each system call of the host a little */
};

struct weir_connections_options {
	size_t size;
	enum weir_format format;
	bool colour; /* of text */
	bool ends;   /* a second line when a connection ends */
	enum weir_probe probe;
};

/* Begin to trace. Nothing is pinned: it ends with weir_connections_close, or with the process. Any number may go on at once. */
WEIR_API int weir_connections_open(const struct weir_connections_options *options, struct weir_messages *messages,
				   struct weir_connections **ret_connections);
WEIR_API void weir_connections_close(struct weir_connections *connections);

/* A line, without its end, that names the probe and why better ones were refused. */
WEIR_API const char *weir_connections_probe(const struct weir_connections *connections);

/* A descriptor for poll: readable when there are connections. It stays the library's. */
WEIR_API int weir_connections_fd(const struct weir_connections *connections);

/* As weir_events_read: connections of which it is known how they went, within TIMEOUT_MS, each as a line without its end. */
WEIR_API int weir_connections_read(struct weir_connections *connections, int timeout_ms,
				   void (*handle)(void *context, const char *line), void *context);

/* How many lines were lost since the last call (the first: since opening), because nobody read them in time. */
WEIR_API int weir_connections_lost(struct weir_connections *connections, uint64_t *ret_lost);

/* ---- Packets: each one that comes in by an interface, without a policy ---- */

struct weir_packets;

/* Where they are looked at. */
enum weir_packets_mode {
	WEIR_PACKETS_AUTO,    /* the first of these that can be had */
	WEIR_PACKETS_NATIVE,  /* XDP in the driver */
	WEIR_PACKETS_GENERIC, /* XDP in the network stack */
	WEIR_PACKETS_SOCKET,  /* a packet socket, behind XDP */
};

#define WEIR_PACKETS_RATE 1000 /* packets a second */

struct weir_packets_options {
	size_t size;
	enum weir_format format;
	enum weir_packets_mode mode;
	const char *netns; /* of the interfaces: a name below /run/netns or a path; NULL: this one */
	uint64_t rate;	   /* at most so many packets a second of each interface; the others are counted. 0: WEIR_PACKETS_RATE */
};

/*
 * Begin to look at what comes in by COUNT interfaces. All packets pass. Nothing is pinned: it ends with weir_packets_close, or
 * with the process. Where somebody has a program at XDP it is left alone, and a packet socket looks at what that lets pass.
 */
WEIR_API int weir_packets_open(const char *const *interfaces, size_t count, const struct weir_packets_options *options,
			       struct weir_messages *messages, struct weir_packets **ret_packets);
WEIR_API void weir_packets_close(struct weir_packets *packets);

/* A line, without its end, that says where interface number INDEX is looked at, and why there. NULL: there is no such number. */
WEIR_API const char *weir_packets_place(const struct weir_packets *packets, size_t index);

/* A descriptor for poll: readable when there are packets. It stays the library's. */
WEIR_API int weir_packets_fd(const struct weir_packets *packets);

/* As weir_events_read: packets within TIMEOUT_MS, each as a line without its end. */
WEIR_API int weir_packets_read(struct weir_packets *packets, int timeout_ms, void (*handle)(void *context, const char *line),
			       void *context);

/* Since the last call (the first: since opening), how many were lost because nobody read them in time; how many were past the
 * rate. */
WEIR_API int weir_packets_lost(struct weir_packets *packets, uint64_t *ret_lost);
WEIR_API int weir_packets_suppressed(struct weir_packets *packets, uint64_t *ret_suppressed);

/* ---- Types of the kernel, for eBPF programs ---- */

struct weir_types_options {
	size_t size;
	const char *btf; /* a file of BTF, or an object with BTF; NULL: the running kernel's */
};

/*
 * Print the types called NAMES ("task_struct", "struct task_struct", "u32"), and what they hold, to OUT as a C header. Without
 * root. Nothing is printed when one of them is unknown.
 */
WEIR_API int weir_types_print(const char *const *names, size_t count, const struct weir_types_options *options, FILE *out,
			      struct weir_messages *messages);

#ifdef __cplusplus
}
#endif

#endif
