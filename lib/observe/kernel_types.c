// SPDX-License-Identifier: GPL-2.0-only
#include "observe/kernel_types.h"

#include <bpf/btf.h>
#include <bpf/libbpf.h>
#include <dirent.h>
#include <errno.h>
#include <string.h>
#include <sys/utsname.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "kernel/refusal.h"

#define KERNEL_BTF "/sys/kernel/btf/vmlinux"
#define MODULE_BTF "/sys/kernel/btf/"

static const struct place nowhere;

/* bpf_helpers.h, bpf_tracing.h and weir/bpf.h take these for granted; the last one tells that BTF is a kernel's. */
static const char *const always[] = { "__u8",	"__u16",      "__u32",	"__u64",     "__s8",	"__s16",
				      "__s32",	"__s64",      "__be16", "__be32",    "__le16",	"__le32",
				      "__wsum", "xdp_action", "xdp_md", "__sk_buff", "pt_regs", "bpf_map_type" };

struct kinds {
	const char *word; /* "struct"; NULL: no word of C before the name */
	uint32_t kinds;	  /* bits */
};

static const struct kinds words[] = {
	{ "struct", 1u << BTF_KIND_STRUCT },
	{ "union", 1u << BTF_KIND_UNION },
	{ "enum", 1u << BTF_KIND_ENUM | 1u << BTF_KIND_ENUM64 },
	{ NULL,
	  1u << BTF_KIND_STRUCT | 1u << BTF_KIND_UNION | 1u << BTF_KIND_ENUM | 1u << BTF_KIND_ENUM64 | 1u << BTF_KIND_TYPEDEF },
};
#define PLAIN (sizeof(words) / sizeof(words[0]) - 1)

/* What is printed, and where from. BASE: the kernel's, where BTF is that of a module. */
struct source_types {
	struct btf *btf, *base;
	const char *path;
	bool is_kernel; /* it has all that eBPF programs take for granted */
};

static void source_close(struct source_types *source)
{
	btf__free(source->btf);
	btf__free(source->base);
}

static bool is_module(const char *path)
{
	return strncmp(path, MODULE_BTF, strlen(MODULE_BTF)) == 0 && strcmp(path, KERNEL_BTF) != 0;
}

static int source_open(struct source_types *source, const char *path, struct diagnostics *diagnostics)
{
	struct diagnostic *said;
	int error = 0;

	source->path = path ? path : KERNEL_BTF;
	if (is_module(source->path)) {
		source->base = btf__parse(KERNEL_BTF, NULL);
		error = source->base ? 0 : -errno;
	}
	if (!error) {
		source->btf = btf__parse_split(source->path, source->base);
		error = source->btf ? 0 : -errno;
	}
	if (!error)
		return 0;
	said = diagnose(diagnostics, SEVERITY_ERROR_SURROUNDINGS, nowhere, "cannot read types from %s: %s", source->path,
			(error == -ENOENT || error == -ENODATA) && access(source->path, F_OK) == 0
				? "it holds no BTF"
				: error_print(diagnostics->arena, error));
	if (!path)
		diagnostic_hint(diagnostics, said,
				"this kernel does not describe its types (CONFIG_DEBUG_INFO_BTF): name a file "
				"with --btf, such as a vmlinux with debugging information");
	return error;
}

/* ---- Names ---- */

/* "struct  task_struct" to "task_struct" and its kinds. */
static const char *split_name(const char *name, uint32_t *ret_kinds)
{
	for (size_t i = 0; i < PLAIN; i++) {
		size_t length = strlen(words[i].word);

		if (strncmp(name, words[i].word, length) != 0 || name[length] != ' ')
			continue;
		*ret_kinds = words[i].kinds;
		return name + length + strspn(name + length, " ");
	}
	*ret_kinds = words[PLAIN].kinds;
	return name;
}

static bool is_of(const struct btf_type *type, uint32_t kinds)
{
	return kinds >> btf_kind(type) & 1;
}

static const char *near_type(struct arena *arena, const struct btf *btf, const char *name)
{
	uint32_t count = btf__type_cnt(btf);
	const char **names = arena_new_array(arena, const char *, count);
	size_t known = 0;

	for (uint32_t id = 1; id < count; id++) {
		const struct btf_type *type = btf__type_by_id(btf, id);
		const char *other = btf__name_by_offset(btf, type->name_off);

		if (is_of(type, words[PLAIN].kinds) && other && *other)
			names[known++] = other;
	}
	return near_match(name, names, known);
}

static bool has_type(const struct btf *btf, const char *name, uint32_t kinds, uint32_t begin)
{
	uint32_t count = btf__type_cnt(btf);

	for (uint32_t id = begin; id < count; id++) {
		const struct btf_type *type = btf__type_by_id(btf, id);
		const char *other = btf__name_by_offset(btf, type->name_off);

		if (is_of(type, kinds) && other && strcmp(other, name) == 0)
			return true;
	}
	return false;
}

/* A module of the running kernel that has the type; NULL: none. */
static const char *module_with(struct arena *arena, const struct btf *base, const char *name, uint32_t kinds)
{
	const char *found = NULL;
	DIR *folder = opendir(MODULE_BTF);
	struct dirent *entry;

	while (folder && !found && (entry = readdir(folder))) {
		const char *path = arena_printf(arena, "%s%s", MODULE_BTF, entry->d_name);
		struct btf *module =
			entry->d_name[0] != '.' && is_module(path) ? btf__parse_split(path, (struct btf *)base) : NULL;

		if (module && has_type(module, name, kinds, btf__type_cnt(base)))
			found = path;
		btf__free(module);
	}
	if (folder)
		closedir(folder);
	return found;
}

static void report_unknown(const struct source_types *source, const char *word, struct diagnostics *diagnostics)
{
	_cleanup_(arena_freep) struct arena *arena = arena_new();
	uint32_t kinds;
	const char *name = split_name(word, &kinds), *module = NULL, *meant;
	struct diagnostic *said = diagnose(diagnostics, SEVERITY_ERROR, nowhere, "%s has no type '%s'", source->path, word);

	if (kinds != words[PLAIN].kinds && has_type(source->btf, name, words[PLAIN].kinds, 1)) {
		diagnostic_hint(diagnostics, said, "there is a '%s' of another kind: leave the first word out", name);
		return;
	}
	if (strcmp(source->path, KERNEL_BTF) == 0)
		module = module_with(arena, source->btf, name, kinds);
	meant = module ? NULL : near_type(arena, source->btf, name);
	if (module)
		diagnostic_hint(diagnostics, said, "it is in a module: --btf %s", module);
	else if (meant)
		diagnostic_hint(diagnostics, said, "did you mean '%s'?", meant);
	else
		diagnostic_hint(diagnostics, said,
				"the types of a module that is not loaded are unknown; constants (#define) are no types");
}

/* ---- The header ---- */

struct ids {
	struct arena *arena;
	VECTOR(uint32_t) list;
};

/* All types of that name: the kernel has some twice, and the second becomes NAME___2, which CO-RE takes for the same. */
static bool find(const struct btf *btf, const char *word, struct ids *ids)
{
	uint32_t kinds, count = btf__type_cnt(btf);
	const char *name = split_name(word, &kinds);
	bool found = false;

	for (uint32_t id = 1; id < count; id++) {
		const struct btf_type *type = btf__type_by_id(btf, id);
		const char *other = btf__name_by_offset(btf, type->name_off);

		if (!is_of(type, kinds) || !other || strcmp(other, name) != 0)
			continue;
		vector_push(ids->arena, &ids->list, id);
		found = true;
	}
	return found;
}

/* BPF_ANY, BPF_F_CURRENT_CPU and their like are enumerators of enums without a name. */
static void find_constants(const struct btf *btf, struct ids *ids)
{
	uint32_t count = btf__type_cnt(btf);

	for (uint32_t id = 1; id < count; id++) {
		const struct btf_type *type = btf__type_by_id(btf, id);
		const char *first;

		if (!btf_is_any_enum(type) || !btf_vlen(type) || type->name_off)
			continue;
		first = btf__name_by_offset(btf, btf_is_enum(type) ? btf_enum(type)->name_off : btf_enum64(type)->name_off);
		if (first && strncmp(first, "BPF_", 4) == 0)
			vector_push(ids->arena, &ids->list, id);
	}
}

static void on_text(void *context, const char *format, va_list arguments) __attribute__((format(printf, 2, 0)));
static void on_text(void *context, const char *format, va_list arguments)
{
	vfprintf(context, format, arguments);
}

static void print_head(const struct kernel_types_request *request, const struct source_types *source, FILE *out)
{
	struct utsname kernel;

	fputs("/*\n * Kernel types", out);
	for (size_t i = 0; i < request->count; i++)
		fprintf(out, "%s %s", i ? "," : "", request->names[i]);
	fprintf(out, " and what they hold, from %s", source->path);
	if (strncmp(source->path, MODULE_BTF, strlen(MODULE_BTF)) == 0 && uname(&kernel) == 0)
		fprintf(out, " of Linux %s", kernel.release);
	fputs(";\n * written by `weir types`. For eBPF programs, which clang makes fit the kernel that they are loaded into (CO-RE).\n"
	      " * It takes the place of <linux/...> headers: include no other that defines one of these types.\n */\n"
	      "#ifndef WEIR_KERNEL_TYPES_H\n#define WEIR_KERNEL_TYPES_H\n\n",
	      out);
	if (source->is_kernel)
		fputs("/* By this name bpf_tracing.h and weir/bpf.h know that <linux/bpf.h> is not needed. */\n"
		      "#ifndef __VMLINUX_H__\n#define __VMLINUX_H__\n#endif\n\n",
		      out);
	fputs("#ifndef BPF_NO_PRESERVE_ACCESS_INDEX\n"
	      "#pragma clang diagnostic push\n"
	      "#pragma clang diagnostic ignored \"-Wpragma-clang-attribute\"\n"
	      "#pragma clang attribute push(__attribute__((preserve_access_index)), apply_to = record)\n#endif\n\n",
	      out);
}

static int dump_types(const struct source_types *source, const struct ids *ids, FILE *out)
{
	struct btf_dump *dump = btf_dump__new(source->btf, on_text, out, NULL);
	int error = dump ? 0 : -errno;

	for (size_t i = 0; !error && i < ids->list.count; i++)
		error = btf_dump__dump_type(dump, ids->list.items[i]);
	btf_dump__free(dump);
	return error;
}

static int print_types(const struct source_types *source, const struct ids *ids, FILE *out)
{
	_cleanup_free_ char *text = NULL;
	size_t size = 0;
	FILE *memory = open_memstream(&text, &size);
	int error = memory ? dump_types(source, ids, memory) : -errno;

	if (memory && fclose(memory) && !error)
		error = -ENOMEM;
	return error ? error : kernel_types_expand(text, out);
}

/* Into memory first: a header that breaks off in the middle is none. */
static int print_header(const struct kernel_types_request *request, const struct source_types *source, const struct ids *ids,
			FILE *out)
{
	_cleanup_free_ char *text = NULL;
	size_t size = 0;
	FILE *memory = open_memstream(&text, &size);
	int error;

	if (!memory)
		return -errno;
	print_head(request, source, memory);
	error = print_types(source, ids, memory);
	fputs("#ifndef BPF_NO_PRESERVE_ACCESS_INDEX\n#pragma clang attribute pop\n#pragma clang diagnostic pop\n#endif\n\n#endif\n",
	      memory);
	if (fclose(memory) && !error)
		error = -ENOMEM;
	if (!error)
		fwrite(text, 1, size, out);
	return error;
}

int kernel_types_print(const struct kernel_types_request *request, FILE *out, struct diagnostics *diagnostics)
{
	_cleanup_(arena_freep) struct arena *arena = arena_new();
	_cleanup_(source_close) struct source_types source = { 0 };
	libbpf_print_fn_t print = libbpf_set_print(NULL);
	struct ids ids = { .arena = arena };
	size_t errors = diagnostics->errors;
	int error = source_open(&source, request->btf, diagnostics);

	for (size_t i = 0; !error && i < sizeof(always) / sizeof(always[0]); i++)
		source.is_kernel = find(source.btf, always[i], &ids);
	if (source.is_kernel)
		find_constants(source.btf, &ids);
	for (size_t i = 0; !error && i < request->count; i++)
		if (!find(source.btf, request->names[i], &ids))
			report_unknown(&source, request->names[i], diagnostics);
	if (!error && diagnostics->errors > errors)
		error = -ENOENT;
	else if (!error) {
		error = print_header(request, &source, &ids, out);
		if (error)
			diagnose(diagnostics, SEVERITY_ERROR_SURROUNDINGS, nowhere, "cannot write the types of %s in C: %s",
				 source.path, error_print(diagnostics->arena, error));
	}
	libbpf_set_print(print);
	return error;
}
