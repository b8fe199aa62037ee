// SPDX-License-Identifier: GPL-2.0-only
#include "kernel/program.h"

#include <bpf/bpf.h>
#include <bpf/btf.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"

/* What the kernel is asked for, and where it puts it. */
struct request {
	struct bpf_prog_info info;
	struct bpf_insn *instructions;
	struct bpf_line_info *lines;
	struct bpf_func_info *functions;
	uint32_t *machine_lengths;
	uint8_t *machine;
	uint64_t *function_addresses, *line_addresses; /* of the machine's code, in the kernel */
};

static void btf_closep(struct btf **btf)
{
	btf__free(*btf); /* NULL is fine */
}

/* Ask twice: how much there is, then for all of it. */
static int ask(int fd, struct arena *arena, struct request *request)
{
	struct bpf_prog_info sizes = { 0 }, info = { 0 };
	uint32_t size = sizeof(sizes);

	if (bpf_obj_get_info_by_fd(fd, &sizes, &size) < 0)
		return -errno;
	request->instructions = arena_alloc(arena, sizes.xlated_prog_len);
	request->lines = arena_new_array(arena, struct bpf_line_info, sizes.nr_line_info);
	request->functions = arena_new_array(arena, struct bpf_func_info, sizes.nr_func_info);
	request->machine_lengths = arena_new_array(arena, uint32_t, sizes.nr_jited_func_lens);
	request->machine = arena_alloc(arena, sizes.jited_prog_len);
	request->function_addresses = arena_new_array(arena, uint64_t, sizes.nr_jited_ksyms);
	request->line_addresses = arena_new_array(arena, uint64_t, sizes.nr_jited_line_info);
	info.xlated_prog_insns = (uint64_t)request->instructions;
	info.xlated_prog_len = sizes.xlated_prog_len;
	info.line_info = (uint64_t)request->lines;
	info.nr_line_info = sizes.nr_line_info;
	info.line_info_rec_size = sizeof(*request->lines);
	info.func_info = (uint64_t)request->functions;
	info.nr_func_info = sizes.nr_func_info;
	info.func_info_rec_size = sizeof(*request->functions);
	info.jited_func_lens = (uint64_t)request->machine_lengths;
	info.nr_jited_func_lens = sizes.nr_jited_func_lens;
	info.jited_ksyms = (uint64_t)request->function_addresses;
	info.nr_jited_ksyms = sizes.nr_jited_ksyms;
	info.jited_line_info = (uint64_t)request->line_addresses;
	info.nr_jited_line_info = sizes.nr_jited_line_info;
	info.jited_line_info_rec_size = sizeof(*request->line_addresses);
	info.jited_prog_insns = (uint64_t)request->machine;
	info.jited_prog_len = sizes.jited_prog_len;
	size = sizeof(info);
	if (bpf_obj_get_info_by_fd(fd, &info, &size) < 0)
		return -errno;
	if (!info.jited_prog_insns) /* the kernel keeps it to itself (kptr_restrict) */
		info.jited_prog_len = 0;
	request->info = info;
	return 0;
}

/* Where in the machine's code line LINE begins: what the kernel says of it and of the function that it is in are addresses. */
static uint32_t machine_of(const struct request *request, const struct kernel_program *program, uint32_t line)
{
	uint32_t function = program->function_count;
	uint64_t offset;

	while (function > 0 && program->functions[function - 1].instruction > request->lines[line].insn_off)
		function--;
	if (function-- == 0 || function >= request->info.nr_jited_ksyms || line >= request->info.nr_jited_line_info)
		return LINE_NOWHERE;
	offset = request->line_addresses[line] - request->function_addresses[function];
	return offset < program->functions[function].machine_bytes ? program->functions[function].machine_first + (uint32_t)offset :
								     LINE_NOWHERE;
}

static void take_lines(struct arena *arena, const struct btf *btf, const struct request *request, struct kernel_program *program)
{
	struct program_line *lines = arena_new_array(arena, struct program_line, request->info.nr_line_info);

	for (uint32_t i = 0; btf && i < request->info.nr_line_info; i++) {
		const struct bpf_line_info *info = &request->lines[i];
		const char *file = btf__name_by_offset(btf, info->file_name_off), *text = btf__name_by_offset(btf, info->line_off);

		lines[program->line_count++] = (struct program_line){
			.instruction = info->insn_off,
			.file = arena_strdup(arena, file ? file : ""),
			.text = arena_strdup(arena, text ? text : ""),
			.line = BPF_LINE_INFO_LINE_NUM(info->line_col),
			.machine = machine_of(request, program, i),
		};
	}
	program->lines = lines;
}

static void take_functions(struct arena *arena, const struct btf *btf, const struct request *request, struct kernel_program *program)
{
	struct program_function *functions = arena_new_array(arena, struct program_function, request->info.nr_func_info);
	uint32_t at = 0;

	for (uint32_t i = 0; btf && i < request->info.nr_func_info; i++) {
		const struct btf_type *type = btf__type_by_id(btf, request->functions[i].type_id);
		struct program_function *function = &functions[program->function_count++];

		function->instruction = request->functions[i].insn_off;
		function->name = arena_strdup(arena, type ? btf__name_by_offset(btf, type->name_off) : "?");
		if (i < request->info.nr_jited_func_lens && at + request->machine_lengths[i] <= request->info.jited_prog_len) {
			function->machine_first = at;
			function->machine_bytes = request->machine_lengths[i];
			at += function->machine_bytes;
		}
	}
	program->functions = functions;
}

/* ---- What it calls ---- */

static int by_address(const void *left, const void *right)
{
	const struct program_symbol *a = left, *b = right;

	return a->address < b->address ? -1 : a->address > b->address;
}

static bool is_helper_call(const struct bpf_insn *insn)
{
	return insn->code == (BPF_JMP | BPF_CALL) && insn->src_reg != BPF_PSEUDO_CALL;
}

/* Only the symbols that some call of the program means are kept. */
static void find_symbols(struct arena *arena, struct kernel_program *program)
{
	VECTOR(struct program_symbol) found = { 0 };
	FILE *symbols = fopen("/proc/kallsyms", "re");
	char line[512], name[256];
	unsigned long long address;

	while (symbols && fgets(line, sizeof(line), symbols)) {
		if (sscanf(line, "%llx %*c %255s", &address, name) != 2 || !address)
			continue;
		if (strcmp(name, "__bpf_call_base") == 0)
			program->call_base = address;
		else if (strncmp(name, "bpf_", 4) == 0 || strncmp(name, "__htab_", 7) == 0 || strstr(name, "_lookup_elem"))
			vector_push(arena, &found, (struct program_symbol){ address, arena_strdup(arena, name) });
	}
	if (symbols)
		fclose(symbols);
	if (!program->call_base)
		return;
	if (found.count)
		qsort(found.items, found.count, sizeof(*found.items), by_address);
	program->symbols = found.items;
	program->symbol_count = (uint32_t)found.count;
}

const char *kernel_program_callee(const struct kernel_program *program, int32_t immediate)
{
	const struct program_symbol wanted = { program->call_base + (uint64_t)(int64_t)immediate, NULL };
	const struct program_symbol *found =
		program->symbol_count
			? bsearch(&wanted, program->symbols, program->symbol_count, sizeof(wanted), by_address)
			: NULL;

	return found ? found->name : NULL;
}

int kernel_program_read(struct arena *arena, uint32_t id, struct kernel_program *ret_program)
{
	_cleanup_close_ int fd = bpf_prog_get_fd_by_id(id);
	_cleanup_(btf_closep) struct btf *btf = NULL;
	struct kernel_program program = { .id = id };
	struct request request = { 0 };
	bool calls = false;
	int error;

	if (fd < 0)
		return -errno;
	error = ask(fd, arena, &request);
	if (error)
		return error;
	btf = request.info.btf_id ? btf__load_from_kernel_by_id(request.info.btf_id) : NULL;
	program.name = arena_strdup(arena, request.info.name);
	program.instructions = request.instructions;
	program.instruction_count = request.info.xlated_prog_len / sizeof(struct bpf_insn);
	program.machine_bytes = request.info.jited_prog_len;
	program.machine = program.machine_bytes ? request.machine : NULL;
	take_functions(arena, btf, &request, &program);
	take_lines(arena, btf, &request, &program);
	for (uint32_t i = 0; i < program.instruction_count; i++)
		calls |= is_helper_call(&program.instructions[i]);
	if (calls)
		find_symbols(arena, &program);
	*ret_program = program;
	return 0;
}
