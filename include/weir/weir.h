/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * weir: a packet firewall compiled to eBPF. This is the whole public interface of libweir; the command is built on it. What
 * programs for the kernel include is weir/bpf.h and weir/bpf_log.h.
 *
 * Objects are opaque. Who makes one releases it: weir_NAME_free or weir_NAME_close, which take NULL as well. Structures of
 * options begin with their size (WEIR_OPTIONS fills it in), so that later versions can add members at the end; NULL stands
 * for all defaults. Texts are UTF-8 and end in NUL; those that a function hands out belong to the object they were
 * asked of. No structure here holds a number from the wire, so there is no byte order to mind but that of elements of maps.
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
enum weir_form { WEIR_FORM_FITS, WEIR_FORM_CODE, WEIR_FORM_DATA, WEIR_FORM_TABLES, WEIR_FORM_VECTORS };

struct weir_kernel;

struct weir_compile_options {
	size_t size;
	const char *name; /* of the policy; NULL: of the file, without folder and .weir */
	/* Use what the running kernel offers. Without, the result is the same everywhere; for weir_kernel_apply, set it. */
	bool for_this_kernel;
	enum weir_form form;
	/*
	 * Give the rules that decided many packets shorter ways, by the counters of the policy of this name that is in force there; NULL: all
	 * are alike. Which rule decides a packet is the same either way. The kernel is open for that, and not used afterwards.
	 */
	struct weir_kernel *tune_by;
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
 * of which is asked about, or a packet in words: "tcp 10.0.0.1:1234 > 10.0.0.2:80 syn". JSON is one object a line. -EINVAL: the
 * packet is wrong; -ENOENT: no such capture, or chain.
 */
WEIR_API int weir_policy_why(const struct weir_policy *policy, const char *packet, const struct weir_why_options *options,
			     FILE *out, struct weir_messages *messages);

/* ---- Bytecode: programs of classic BPF, as tc and packet sockets take them ---- */

struct weir_bytecode;

enum weir_bytecode_kind {
	WEIR_BYTECODE_EXPRESSION, /* tcpdump's: "tcp port 80" */
	WEIR_BYTECODE_ASSEMBLY,	  /* bpf_asm's: "ldh [12] jne #0x806, no ret #-1 no: ret #0" */
	WEIR_BYTECODE_LINE,	  /* tc's: "1,6 0 0 4294967295" */
};

struct weir_bytecode_options {
	size_t size;
	enum weir_bytecode_kind kind;
	bool file;	  /* TEXT is the name of a file that has it; "-": standard input */
	const char *link; /* what packets begin with, "EN10MB" (Ethernet) or "RAW" (IP); NULL: EN10MB. Only expressions depend on it */
};

/* Compile, or read, and check a program. -EINVAL: it is wrong; -ENOENT and the like: the file could not be read. */
WEIR_API int weir_bytecode_compile(const char *text, const struct weir_bytecode_options *options, struct weir_messages *messages,
				   struct weir_bytecode **ret_bytecode);
WEIR_API void weir_bytecode_free(struct weir_bytecode *bytecode);

enum weir_bytecode_form {
	WEIR_BYTECODE_FORM_LINE,    /* as tc takes it */
	WEIR_BYTECODE_FORM_LISTING, /* an instruction a line, as tcpdump -d prints it */
	WEIR_BYTECODE_FORM_JSON,    /* one document */
};

WEIR_API void weir_bytecode_print(const struct weir_bytecode *bytecode, enum weir_bytecode_form form, FILE *out);

/* ---- Going through a program, instruction by instruction ---- */

struct weir_step_options {
	size_t size;
	const char *chain; /* of a policy; NULL: the only one, or the first */
	FILE *in;	   /* where commands come from, a line each; NULL: standard input */
	bool prompt;	   /* somebody sits at it: ask for each command, and take an empty line for the last one again */
};

/*
 * Go through the generated code of a chain, or a program of classic BPF, with a packet in words or those of a capture: the commands
 * (`help` lists them) come from options->in, what they show goes to OUT. 0 at the end; -EINVAL where a command was wrong
 * and there is no prompt. Needs no root: the code is run in user space, by an interpreter that agrees with the kernel.
 */
WEIR_API int weir_policy_step(const struct weir_policy *policy, const char *packet, const struct weir_step_options *options,
			      FILE *out, struct weir_messages *messages);
WEIR_API int weir_bytecode_step(const struct weir_bytecode *bytecode, const char *packet, const struct weir_step_options *options,
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
	/* Take the lock that who changes something holds, waiting for it; without, what changes something gives -EBADF. */
	bool change;
};

/*
 * Open weir's directory. What an interrupted apply left behind is put right. The kernel outlives all that was opened by it.
 * -EPERM: no privileges; others: the directory cannot be made or read.
 */
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

/*
 * Put a policy in force: all of it, or, on failure, nothing is changed. One of the same name is replaced without a gap. Errors are
 * those of the kernel: -ENODEV, -ENOENT: a place is not there; -EBUSY, -EEXIST: another program has it; else it refused.
 */
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

/* Print what is enforced where, with packets and bytes of each rule. JSON is one document. -ENOENT: no such policy. */
WEIR_API int weir_kernel_list(struct weir_kernel *kernel, const struct weir_list_options *options, FILE *out,
			      struct weir_messages *messages);

struct weir_disasm_options {
	size_t size;
	const char *policy, *chain; /* NULL: all */
	enum weir_format format;    /* JSON is one object a chain and line */
	bool opcodes;		    /* the bytes of each instruction, too */
	bool machine;		    /* the machine's code in place of instructions, in hexadecimal, under the same lines */
};

/*
 * Print the program of each chain that is in force, as the kernel runs it: the instructions as bpftool words them, with the lines of
 * the policy that they came from. -ENOENT: no such policy, or chain.
 */
WEIR_API int weir_kernel_disasm(struct weir_kernel *kernel, const struct weir_disasm_options *options, FILE *out,
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

/* ---- Maps: what programs that are not weir's read of a policy, as descriptors for bpf(2) (docs/abi.md has what is in them) ---- */

struct weir_maps;

/*
 * The maps of a policy in force: counters and actions of its chains, and its sets' tables, which are to be read; who changes a set
 * uses weir_set_add. They are those of now: a policy that is applied again may have others. KERNEL need not be open for change.
 * -ENOENT: no such policy.
 */
WEIR_API int weir_maps_open(struct weir_kernel *kernel, const char *policy, struct weir_messages *messages,
			    struct weir_maps **ret_maps);
WEIR_API void weir_maps_close(struct weir_maps *maps);

/*
 * Maps over a Unix socket, in the datagrams of tc's `exp` and `tc exec bpf import`. To receive, the socket is made, mode 0600, and
 * removed when they have come; -EINTR when a signal came first. Names do not travel: with KERNEL, which may be NULL, maps of a
 * policy that is in force here get theirs back. To send, somebody must listen at the socket.
 */
WEIR_API int weir_maps_receive(struct weir_kernel *kernel, const char *socket, struct weir_messages *messages,
			       struct weir_maps **ret_maps);
WEIR_API int weir_maps_send(const struct weir_maps *maps, const char *socket, struct weir_messages *messages);

/* How many there are; of number INDEX, which is below the count, the id, as in BPF_MAP<id>, and the descriptor, which stays theirs. */
WEIR_API size_t weir_maps_count(const struct weir_maps *maps);
WEIR_API uint32_t weir_maps_id(const struct weir_maps *maps, size_t index);
WEIR_API int weir_maps_fd(const struct weir_maps *maps, size_t index);

/* All of them as one line of JSON: ids, descriptors, names, types, sizes. */
WEIR_API const char *weir_maps_json(const struct weir_maps *maps);

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

/*
 * Begin to trace. Nothing is pinned: it ends with weir_connections_close, or with the process. Any number may go on at once.
 * -EPERM: no privileges, or the kernel forbids it; else what the kernel said of the probe that was asked for, or of the last.
 */
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
	const char *filter; /* an expression of tcpdump's ("tcp port 80"): only packets that meet it; NULL: all */
};

/*
 * Begin to look at what comes in by COUNT interfaces. All packets pass. Nothing is pinned: it ends with weir_packets_close, or
 * with the process. Where somebody has a program at XDP it is left alone, and a packet socket looks at what that lets pass.
 * -ENODEV: no such interface; -ENOENT: no such namespace; -EINVAL: the filter is wrong; -EBUSY: the mode that was asked for is
 * taken; -EPERM: no privileges.
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

/* ---- Guards: what others may not do. They need a kernel with BPF among its security modules (lsm=...,bpf) ---- */

struct weir_guard;

struct weir_guard_options {
	size_t size;
	enum weir_format format;
};

/*
 * None of the COUNT processes can be given a negative nice value, by anybody, until weir_guard_close or the end of the calling process. A
 * process that is not there is an error (-ESRCH), so is a thread (-EINVAL), and none is guarded. -EPERM: no privileges, or the kernel forbids such programs;
 * -EOPNOTSUPP: BPF is not among its security modules.
 */
WEIR_API int weir_guard_nice(const uint32_t *pids, size_t count, const struct weir_guard_options *options,
			     struct weir_messages *messages, struct weir_guard **ret_guard);
WEIR_API void weir_guard_close(struct weir_guard *guard);

/* A descriptor for poll: readable when somebody tried. It stays the library's. */
WEIR_API int weir_guard_fd(const struct weir_guard *guard);

/* As weir_events_read: changes that were tried within TIMEOUT_MS, refused or not, each as a line without its end. */
WEIR_API int weir_guard_read(struct weir_guard *guard, int timeout_ms, void (*handle)(void *context, const char *line), void *context);

/* How many could not be told since the last call. */
WEIR_API int weir_guard_lost(struct weir_guard *guard, uint64_t *ret_lost);

/*
 * Turn weir's guard of itself on or off: while it is on, only the program that turned it on may detach, replace, change or unpin what weir has in
 * the kernel. It is pinned, and outlives the process. KERNEL was opened for a change.
 * -EPERM, -EOPNOTSUPP: as of weir_guard_nice.
 */
WEIR_API int weir_kernel_guard(struct weir_kernel *kernel, bool on, struct weir_messages *messages);

/* Print whether it is on, what it guards, and what it refused lately. JSON is one document. */
WEIR_API int weir_kernel_guard_list(struct weir_kernel *kernel, enum weir_format format, FILE *out, struct weir_messages *messages);

/* ---- What the kernel can do ---- */

struct weir_selftest_options {
	size_t size;
	enum weir_format format;
	bool colour; /* of text */
};

/*
 * Try what weir asks of a kernel with programs whose answers are known, and print to OUT what is fine and what is missing. 0; -ENOTSUP where
 * something is missing that policies need; or another negative errno where nothing could be tried. Nothing is left behind; the calling
 * thread is in other network namespaces for a while.
 */
WEIR_API int weir_selftest(const struct weir_selftest_options *options, FILE *out, struct weir_messages *messages);

/* ---- Types of the kernel, for eBPF programs ---- */

struct weir_types_options {
	size_t size;
	const char *btf; /* a file of BTF, or an object with BTF; NULL: the running kernel's */
};

/*
 * Print the types called NAMES ("task_struct", "struct task_struct", "u32"), and what they hold, to OUT as a C header. Without
 * root. Nothing is printed when one of them is unknown: -ENOENT, as when there is no BTF.
 */
WEIR_API int weir_types_print(const char *const *names, size_t count, const struct weir_types_options *options, FILE *out,
			      struct weir_messages *messages);

/* ---- Objects: eBPF programs of one's own, compiled by clang, with their maps; needs root ---- */

/*
 * What a program does with one, in order; weir_main, at the end of this file, does most of it by itself:
 *
 *	WEIR_EMBED(bytes, "hello.bpf.o");
 *	...
 *	error = weir_object_open_memory(bytes, bytes_end - bytes, NULL, messages, &object);
 *	error = error ? error : weir_object_load(object, messages);
 *	error = error ? error : weir_reader_open(messages, &reader);
 *	error = error ? error : weir_reader_add_log(reader, object, NULL, NULL, stdout, messages);
 *	error = error ? error : weir_program_attach(weir_object_program(object, "hello"), "eth0", NULL, messages);
 *	error = error ? error : weir_reader_run(reader);
 *	weir_messages_print(messages, stderr, false);
 *	weir_reader_close(reader);
 *	weir_object_close(object);
 *
 *	clang -O2 -g -target bpf -idirafter /usr/include/$(cc -print-multiarch) -c hello.bpf.c -o hello.bpf.o
 *	cc -o hello hello.c $(pkg-config --cflags --libs libweir)
 */
struct weir_object;  /* an object: opened, then loaded */
struct weir_program; /* a program in it; it belongs to the object */
struct weir_map;     /* a map in it; it belongs to the object */

/*
 * Put the bytes of the file PATH (from the folder where the compiler runs, or one of -Wa,-I) into the program: NAME to NAME_end.
 */
#define WEIR_EMBED(name, path)                                                                                                   \
	extern const unsigned char name[], name##_end[];                                                                         \
	__asm__(".pushsection .rodata\n.balign 8\n.globl " #name "\n" #name ":\n.incbin \"" path "\"\n.globl " #name             \
		"_end\n" #name "_end:\n.byte 0\n.popsection\n")

struct weir_object_options {
	size_t size;
	const char *name;  /* what messages and log lines call it; NULL: the file's name, or "object" */
	const char *bpffs; /* where maps that the object wants pinned go; NULL: /sys/fs/bpf */
	const char *pin_maps; /* pin all maps in this folder of a bpffs, or use those that are there; NULL: those that want it */
	bool verifier_log; /* keep what the verifier says of each program, also when it takes it */
	bool only_chosen;  /* load no program but those that weir_program_choose named */
};

/*
 * Open a compiled object: a file, or LENGTH bytes in memory, which are copied. Maps of the `maps` section, as tc (struct
 * bpf_elf_map, with id and pinning), Aya and libbpf before 1.0 had them, are taken as well as those of `.maps`.
 * -EINVAL: it is no eBPF object; -ENOENT and the like: the file could not be read. The object is the caller's to close.
 */
WEIR_API int weir_object_open(const char *path, const struct weir_object_options *options, struct weir_messages *messages,
			      struct weir_object **ret_object);
WEIR_API int weir_object_open_memory(const void *bytes, size_t length, const struct weir_object_options *options,
				     struct weir_messages *messages, struct weir_object **ret_object);

/* Release it: what was attached without a pin is detached, and the kernel forgets programs and maps that nothing else holds. */
WEIR_API void weir_object_close(struct weir_object *object);
WEIR_API const char *weir_object_name(const struct weir_object *object);

/*
 * Set a global variable by name: before loading any (`const volatile int PID`), afterwards those that are not const. The value
 * must have as many bytes as the variable, and is in host byte order where the program takes it so; of type `int`, say:
 * int pid = 7; WEIR_SET_GLOBAL(object, "PID", &pid, messages). -ENOENT: there is none; -EINVAL: it has another size; -EBUSY: it is
 * const, and the object is loaded.
 */
WEIR_API int weir_object_set_global(struct weir_object *object, const char *name, const void *value, size_t length,
				    struct weir_messages *messages);
#define WEIR_SET_GLOBAL(object, name, value, messages)                                                                           \
	weir_object_set_global((object), (name), (value), sizeof(*(value)), (messages))

/*
 * The same with the value as text, understood by the variable's type in BTF: 7, -1, 0x10, true, 'c', a name of its enum's, text for an
 * array of char, 1,2,3 for another array, the rest of which is 0; for 4, 6 and 16 bytes an IPv4, Ethernet and IPv6 address, in network
 * byte order. Without BTF any number that has room. -EINVAL: it is no such value; -ERANGE: it has no room; -ENOTSUP: the type is another.
 */
WEIR_API int weir_object_set_global_text(struct weir_object *object, const char *name, const char *text,
					 struct weir_messages *messages);

/* The program that is the function NAME, or that alone stands in the section NAME. NULL, without a message: there is none. */
WEIR_API struct weir_program *weir_object_program(struct weir_object *object, const char *name);
/* All of them: from 0 to below the count, in the order of the file. */
WEIR_API size_t weir_object_program_count(const struct weir_object *object);
WEIR_API struct weir_program *weir_object_program_at(struct weir_object *object, size_t index);
WEIR_API const char *weir_program_name(const struct weir_program *program);
WEIR_API const char *weir_program_section(const struct weir_program *program);
/* The hook it is for, as weir_program_set_hook has it; NULL: its section does not say. */
WEIR_API const char *weir_program_hook(const struct weir_program *program);
/* Load this one where the option only_chosen is set. */
WEIR_API void weir_program_choose(struct weir_program *program);

/*
 * Say, before loading, which hook a program is for, as if it stood in the section of that name: "xdp", "tc/ingress", "tc/egress",
 * "action", "cgroup_skb/egress", "kprobe/tcp_connect", "fentry/tcp_connect", "tracepoint/sock/inet_sock_set_state",
 * "raw_tracepoint/sched_switch", "tp_btf/task_newtask", "uprobe//bin/bash:readline", "lsm/task_setnice", "socket", and what else
 * libbpf knows. A section of that name needs no call; so do ingress, egress, classifier, cls and lb, which are tc's. -EINVAL: no
 * such hook; -EBUSY: the object is loaded.
 */
WEIR_API int weir_program_set_hook(struct weir_program *program, const char *hook, struct weir_messages *messages);

/*
 * Hand the programs to the kernel's verifier, and make the maps. When it refuses one, the message has the end of its log. A map
 * with a pin that is there already is used as it is, or -EINVAL where it has another shape. -EBUSY: it is loaded already; -EPERM: no
 * privileges, or the kernel forbids such programs; -EXDEV: a pin does not lie in a bpffs; else what the kernel said. An object that
 * was refused cannot be loaded again: close it.
 */
WEIR_API int weir_object_load(struct weir_object *object, struct weir_messages *messages);

/* What the verifier said, where the option verifier_log was set or it refused; "" else. */
WEIR_API const char *weir_program_verifier_log(const struct weir_program *program);
/* The descriptor of a loaded program, which stays the library's; -1: it is not loaded. */
WEIR_API int weir_program_fd(const struct weir_program *program);

enum weir_xdp_mode {
	WEIR_XDP_BEST,	  /* in the driver where it can, else in the stack */
	WEIR_XDP_NATIVE,  /* in the driver, or not at all */
	WEIR_XDP_GENERIC, /* in the stack (Aya's SKB_MODE) */
	WEIR_XDP_OFFLOAD, /* on the card */
};

enum weir_cgroup_mode {
	WEIR_CGROUP_MULTI,    /* beside others, and beside those of cgroups above and below */
	WEIR_CGROUP_SINGLE,   /* alone: no other here, none in cgroups below */
	WEIR_CGROUP_OVERRIDE, /* alone here; one in a cgroup below takes its place there */
};

struct weir_attach_options {
	size_t size;
	const char *netns; /* of the interface: a name below /run/netns or a path; NULL: the caller's */
	/* Keep it attached when the object is closed: the link is pinned at this path in a bpffs, and rm detaches it. A program
	 * at tc without tcx (below 6.6, or with PARENT) or at a cgroup in single or override mode is pinned itself, and detaching
	 * is the business of tc and bpftool. */
	const char *pin;
	enum weir_xdp_mode xdp_mode;
	enum weir_cgroup_mode cgroup_mode;
	int pid;    /* uprobe: of that process alone; 0: of all */
	int socket; /* socket filter: that descriptor; 0: a packet socket of the library's own */
	/* tc, as a filter of a qdisc that is there ("1:", "ffff:"), not in direct-action mode: the program gives 0 (no match), -1
	 * (the class CLASSID, "1:10") or a class; then ACTIONS, programs for the hook "action", are asked. */
	const char *parent;
	const char *classid;
	struct weir_program *const *actions;
	size_t action_count;
};

/*
 * Attach a loaded program at its hook. TARGET is, by hook: an interface (xdp, tc, action, socket); a cgroup's folder; a function
 * of the kernel (kprobe, kretprobe); "category:name" (tracepoint); "FILE:FUNCTION" or "FILE:0xOFFSET" (uprobe); NULL: as the
 * section, or weir_program_set_hook, has it. fentry, fexit, lsm and tp_btf have theirs from the section alone. PROGRAM may be
 * NULL, so that what weir_object_program gives can be handed on: -ENOENT. -EINVAL: it is not loaded, or the target is none; -ENODEV: no
 * such interface; -ENOENT: no such namespace, cgroup or function; -EBUSY: another program is there alone; -EEXIST: so is a pin; -EXDEV: the
 * pin does not lie in a bpffs; else what the kernel said.
 */
WEIR_API int weir_program_attach(struct weir_program *program, const char *target, const struct weir_attach_options *options,
				 struct weir_messages *messages);

/* Print what was attached where, and the maps. JSON is one line. */
WEIR_API void weir_object_print(const struct weir_object *object, enum weir_format format, FILE *out);

/* Detach all, and remove the pins, that were made by this object: for when one of several things fails. */
WEIR_API void weir_object_undo(struct weir_object *object);

/* ---- Maps of an object ---- */

/* The map of that name; NULL: there is none. The functions below take NULL: -ENOENT. */
WEIR_API struct weir_map *weir_object_map(struct weir_object *object, const char *name);
WEIR_API size_t weir_object_map_count(const struct weir_object *object);
WEIR_API struct weir_map *weir_object_map_at(struct weir_object *object, size_t index);
WEIR_API const char *weir_map_name(const struct weir_map *map);
/* The descriptor of a map of a loaded object, which stays the library's. */
WEIR_API int weir_map_fd(const struct weir_map *map);
/* The id of a tc map (bpf_elf_map); -1: it has none. */
WEIR_API int64_t weir_map_id(const struct weir_map *map);
/* Where it is pinned; NULL: nowhere. */
WEIR_API const char *weir_map_pin(const struct weir_map *map);

/*
 * Look up, write, delete an element; the element behind KEY, in no order (KEY NULL: the first). Sizes are those of the caller's
 * key and value, and are held against the map's: -EINVAL. In the byte order that the eBPF program uses. -ENOENT: no such element.
 * A value of a per-CPU map is weir_cpu_count() values, each padded to a multiple of 8 bytes.
 */
WEIR_API int weir_map_get(const struct weir_map *map, const void *key, size_t key_size, void *ret_value, size_t value_size);
WEIR_API int weir_map_put(const struct weir_map *map, const void *key, size_t key_size, const void *value, size_t value_size);
WEIR_API int weir_map_delete(const struct weir_map *map, const void *key, size_t key_size);
WEIR_API int weir_map_next(const struct weir_map *map, const void *key, void *ret_key, size_t key_size);
WEIR_API int weir_cpu_count(void);

/* The same, typed by what the pointers point at: uint32_t address = ..., action = 0; WEIR_MAP_PUT(map, &address, &action). */
#define WEIR_MAP_GET(map, key, ret_value) weir_map_get((map), (key), sizeof(*(key)), (ret_value), sizeof(*(ret_value)))
#define WEIR_MAP_PUT(map, key, value)	  weir_map_put((map), (key), sizeof(*(key)), (value), sizeof(*(value)))
#define WEIR_MAP_DELETE(map, key)	  weir_map_delete((map), (key), sizeof(*(key)))
#define WEIR_MAP_NEXT(map, key, ret_key)  weir_map_next((map), (key), (ret_key), sizeof(*(ret_key)))

/* ---- Readers: what programs tell, by ring buffers, per-CPU perf arrays and log lines, at one descriptor ---- */

struct weir_reader;

/* A reader of nothing yet. It is the caller's. Fails only where there are no descriptors left. */
WEIR_API int weir_reader_open(struct weir_messages *messages, struct weir_reader **ret_reader);
WEIR_API void weir_reader_close(struct weir_reader *reader); /* before the objects whose maps it reads */

/*
 * Hand each record of MAP (a ring buffer or a perf event array) to HANDLE during weir_reader_read. DATA is good during the call; in it
 * are numbers as the program wrote them. -EINVAL: it is another kind of map; -ENOENT: there is none, or its object is not loaded;
 * -EBUSY: a reader has it already.
 */
WEIR_API int weir_reader_add_map(struct weir_reader *reader, struct weir_map *map,
				 void (*handle)(void *context, const void *data, size_t length), void *context,
				 struct weir_messages *messages);

enum weir_log_level {
	WEIR_LOG_OFF,
	WEIR_LOG_ERROR,
	WEIR_LOG_WARN,
	WEIR_LOG_INFO,
	WEIR_LOG_DEBUG,
	WEIR_LOG_TRACE,
};

/* A line that a program logged: by weir_log (weir/bpf_log.h), or by aya-log 0.2.1 or later. */
struct weir_log_line {
	uint64_t time_ns; /* since 1970, UTC; of aya-log, which has none: when it was read */
	enum weir_log_level level;
	const char *object; /* its name (aya-log: the target) */
	const char *text;
	const char *file; /* NULL: not known */
	uint32_t line;	  /* 0: not known */
};

struct weir_log_options {
	size_t size;
	enum weir_log_level level; /* the last one that is of interest; WEIR_LOG_OFF: WEIR_LOG_INFO */
	uint32_t rate;		   /* lines a second at most; 0: no limit (aya-log knows none). The rest is counted */
};

/* Hand each line that the object's programs log to HANDLE (NULL: weir_log_print, CONTEXT being its FILE); until then nobody listens,
 * and logging costs them next to nothing. -ENOENT, without a message: they log nothing. -EBUSY: a reader has them already. */
WEIR_API int weir_reader_add_log(struct weir_reader *reader, struct weir_object *object, const struct weir_log_options *options,
				 void (*handle)(void *context, const struct weir_log_line *line), void *context,
				 struct weir_messages *messages);

/* A descriptor for poll: readable when there is something to read. It stays the library's. */
WEIR_API int weir_reader_fd(const struct weir_reader *reader);

/* Hand out what comes within TIMEOUT_MS (-1: wait for ever; 0: do not wait): how many records, or a negative errno; -EINTR when a
 * signal came. Under a flood a call hands out some hundreds and comes back: call again until it gives 0. */
WEIR_API int weir_reader_read(struct weir_reader *reader, int timeout_ms);

/* Read until SIGINT or SIGTERM comes; they are blocked meanwhile. 0, or a negative errno. */
WEIR_API int weir_reader_run(struct weir_reader *reader);

/*
 * Since the last call (the first: since the map was added), how many records found a buffer full; how many lines were past the rate. 0.
 * The kernel counts for perf event arrays (below 6.0 it tells with the next record), weir_log for its lines. For a ring buffer nobody
 * does but the program: by WEIR_RING and weir_reserve (weir/bpf.h), or any 8-byte variable MAP_lost beside the map MAP.
 */
WEIR_API int weir_reader_lost(struct weir_reader *reader, uint64_t *ret_lost);
WEIR_API int weir_reader_suppressed(struct weir_reader *reader, uint64_t *ret_suppressed);

/* "[2026-11-21T10:05:12Z INFO xdp_hello] text", as a line to OUT. */
WEIR_API void weir_log_print(FILE *out, const struct weir_log_line *line);
/* {"schema":1,"time":...,"level":"info",...}, as a line to OUT. */
WEIR_API void weir_log_print_json(FILE *out, const struct weir_log_line *line);
/* The same for what a program in user space has to say: the time is now. */
WEIR_API void weir_log_say(FILE *out, const char *name, enum weir_log_level level, const char *format, ...)
	__attribute__((format(printf, 4, 5)));

/* ---- A whole program: what all those that load an object, attach it and wait for Ctrl-C have in common ---- */

/* An option with a value: { 'i', "iface", &iface, NULL } is -i, --iface <IFACE>. *ret_value is the default until it is given (NULL: none). */
struct weir_argument {
	char letter;
	const char *name;
	const char **ret_value;
	const char *help; /* NULL: nothing but the default */
};

struct weir_main_options {
	size_t size;
	const char *name; /* as in struct weir_object_options, and what the program says is from */
	const struct weir_argument *arguments; /* the last one is empty; NULL: none. -h, --help is always there */
	/*
	 * The object is opened: set its globals, load it, add what is to be read, attach it. 0 or a negative errno. NULL: load it, print
	 * what it logs to standard output, attach each of its programs to the value of the first argument.
	 */
	int (*begin)(struct weir_object *object, struct weir_reader *reader, struct weir_messages *messages);
	void (*end)(struct weir_object *object); /* what there is to tell at the end; NULL: nothing */
	void (*say)(const char *text); /* NULL: weir_log_say to standard output */
};

/*
 * Be main() for an object of LENGTH bytes in memory: read ARGV, open the object, let options->begin do the rest, say "Waiting for Ctrl-C...",
 * read until SIGINT or SIGTERM, call options->end, say "Exiting...", and release it all. Messages go to standard error, help to standard
 * output. Gives the exit code: 0, or as weir_messages_exit_code. Unlike the rest it uses getopt's globals, and prints.
 */
WEIR_API int weir_main(int argc, char **argv, const void *bytes, size_t length, const struct weir_main_options *options);

#ifdef __cplusplus
}
#endif

#endif
