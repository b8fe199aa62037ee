/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Objects of eBPF that are not weir's own: an ELF file of programs and maps, opened, loaded, attached, read from. This is what
 * stands behind weir_object_, weir_program_, weir_map_ and weir_reader_ of weir.h; functions that have no message to give are
 * public as they are, the others have a wrapper in lib/api/object.c.
 *
 *	bytes -> modern_elf() -> libbpf's object -> programs and maps, each with its hook and shape -> loaded -> attached
 */
#ifndef WEIR_OBJECT_OBJECT_H
#define WEIR_OBJECT_OBJECT_H

#include <bpf/bpf.h>
#include <bpf/libbpf.h>

#include "base/diagnostic.h"
#include "weir/weir.h"

/* ---- Hooks ---- */

enum hook_way {
	WAY_LIBBPF, /* what weir has no words for: libbpf attaches it by its section */
	WAY_XDP,
	WAY_TC_INGRESS,
	WAY_TC_EGRESS,
	WAY_TC_ACTION,
	WAY_CGROUP,
	WAY_KPROBE,
	WAY_KRETPROBE,
	WAY_TRACEPOINT,
	WAY_RAW_TRACEPOINT,
	WAY_BTF, /* fentry, fexit, fmod_ret, tp_btf: what the section names, known at load */
	WAY_LSM,
	WAY_UPROBE,
	WAY_URETPROBE,
	WAY_SOCKET,
};

struct hook {
	const char *section; /* as it is written; what stands behind a '/' is the target */
	enum hook_way way;
	enum bpf_prog_type type;
	enum bpf_attach_type attach_type;
};

/* By the name of a section: "fentry/tcp_connect". NULL: not known. *RET_TARGET: what stands behind the hook, or NULL. */
const struct hook *hook_find(const char *section, const char **ret_target);
/* What a target is, for messages: "an interface"; NULL: it takes none. */
const char *hook_target_words(enum hook_way way);

/* ---- Objects ---- */

/* Something that holds a program at its hook; released last in, first out. */
struct attached {
	struct bpf_link *link; /* NULL: it is one of those below */
	int link_fd;	       /* -1 */
	int socket_fd;	       /* -1; of the library's own */
	int cgroup_fd;	       /* -1; with the type, and the program's descriptor, which is the object's */
	int program_fd;
	enum bpf_attach_type cgroup_type;
	/* A filter of tc: which; 0: none. */
	uint32_t filter_ifindex, filter_parent, filter_priority;
	const char *netns;
	bool made_qdisc, lasting; /* lasting: pinned, and not to be undone */
	/* For who wants to know. */
	const struct weir_program *program;
	const char *target, *how, *pin; /* NULL: none */
};

struct weir_program {
	struct weir_object *object;
	struct bpf_program *bpf;
	const struct hook *hook; /* NULL: not known */
	const char *section;	 /* by which the hook was found: its own, or what was said */
	const char *target;	 /* of that section; NULL: none */
	bool chosen;
	char *log; /* the verifier's */
};

struct weir_map {
	struct weir_object *object;
	struct bpf_map *bpf;
	int64_t id;	 /* of bpf_elf_map; -1 */
	const char *pin; /* NULL */
	bool pin_was_there;
	bool read;		       /* by a reader */
	void *memory;		       /* of global variables, once it was asked for; NULL */
	int64_t inner_of, inner_index; /* bpf_elf_map: an element of the map with that id; -1 */
};

struct weir_object {
	struct arena *arena;
	const char *name, *bpffs, *pin_maps;
	bool verifier_log, only_chosen, loaded;
	void *image; /* the bytes that libbpf reads until the load */
	struct bpf_object *bpf;
	size_t program_count, map_count;
	struct weir_program *programs;
	struct weir_map *maps;
	VECTOR(struct attached) attached;
	VECTOR(const char *) folders; /* that were made for pins */
};

/* IMAGE, which becomes the object's, was allocated by malloc. */
int object_open(void *image, size_t length, const char *name, const struct weir_object_options *options,
		struct diagnostics *diagnostics, struct weir_object **ret_object);
int object_load(struct weir_object *object, struct diagnostics *diagnostics);
int program_set_hook(struct weir_program *program, const char *section, struct diagnostics *diagnostics);
int object_set_global(struct weir_object *object, const char *name, const void *value, size_t length,
		      struct diagnostics *diagnostics);
int object_set_global_text(struct weir_object *object, const char *name, const char *text, struct diagnostics *diagnostics);

/* The folders above PATH, a pin of the object's; 0 or -errno; -EXDEV: it does not lie in a bpffs. */
int pin_folders_make(struct weir_object *object, const char *path);
/* Those that were made, as far as they are empty. */
void pin_folders_remove(struct weir_object *object);

/* ---- Attaching ---- */

int program_attach(struct weir_program *program, const char *target, const struct weir_attach_options *options,
		   struct diagnostics *diagnostics);
void attached_release(struct attached *attached);

#define FILTER_ACTIONS_MOST 32 /* the kernel takes no more */

/* tc by a filter of a qdisc: that of PARENT, or clsact, which is made where it is missing. The thread is in the interface's
 * namespace. */
struct filter_request {
	uint32_t ifindex, parent; /* parent 0: clsact */
	bool egress, made_qdisc;
	uint32_t classid; /* 0: none */
	bool direct;
	int program_fd;
	const char *name;
	const int *action_fds;
	const char *const *action_names;
	size_t action_count;
};
/* 0 or -errno; the priority that the kernel gave goes to RET_PRIORITY. */
int filter_create(struct filter_request *request, uint32_t *ret_parent, uint32_t *ret_priority);
int filter_remove(uint32_t ifindex, uint32_t parent, uint32_t priority);
/* Take the clsact qdisc away, if no program is there any more. */
int clsact_remove_unused(uint32_t ifindex);
/* "1:", "1:10", "ffff:fff2", "root": 0, or -EINVAL. */
int tc_handle_parse(const char *text, uint32_t *ret_handle);

/* ---- The ELF file ---- */

/* What a map of the `maps` section has that a map of `.maps` has not. */
struct legacy_map {
	const char *name;
	uint32_t id, pinning, inner_id, inner_index;
	bool is_tc; /* struct bpf_elf_map: the members above count */
};

struct legacy_maps {
	size_t count;
	struct legacy_map *items; /* in ARENA */
};

/*
 * Make an object's `maps` section one of `.maps`, which is all that libbpf takes, with BTF that describes it. *IMAGE, of malloc,
 * is replaced if anything is changed. 0; -EINVAL and *RET_WHY: what is wrong with it.
 */
int modern_elf(struct arena *arena, void **image, size_t *length, struct legacy_maps *ret_maps, const char **ret_why);

/* ---- What libbpf has to say: its last warning in this thread ---- */

struct libbpf_words {
	libbpf_print_fn_t before;
};
void libbpf_words_begin(struct libbpf_words *words);
/* The last warning since, "" for none, without "libbpf: " and the line's end, in ARENA. */
const char *libbpf_words_end(struct libbpf_words *words, struct arena *arena);

/* ---- Log lines ---- */

/* A record as a line of text in ARENA. False: it is none. */
bool log_record_read(struct arena *arena, const void *data, size_t length, struct weir_log_line *ret_line);
/* aya-log's; SIZED: of version 0.3 and later, whose records begin with their size. */
bool aya_record_read(struct arena *arena, const void *data, size_t length, bool sized, struct weir_log_line *ret_line);
/* Numbers and addresses as both print them. */
const char *address4_print(struct arena *arena, const void *bytes);
const char *address6_print(struct arena *arena, const void *bytes);
const char *mac_print(struct arena *arena, const void *bytes, bool upper);

/* Where the variable NAME lies in the memory of a loaded object; NULL: it is not there, or has another size. */
void *object_variable(const struct weir_object *object, const char *name, size_t size);

#endif
