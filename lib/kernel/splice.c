// SPDX-License-Identifier: GPL-2.0-only
/*
 * In: the instructions libbpf would load, with BTF function and line records, and generated code. Out: the
 * same program with the generated functions in it. Holds between: functions stand in the order
 *
 *	main, those of the template that are reached (in libbpf's order), the generated ones (classify first)
 *
 * and function_piece.moved says where each begins. Line records ascend, and every function has one at its first
 * instruction, as the kernel wants it.
 */
#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "kernel/splice.h"
#include "base/cleanup.h"
#include "kernel/data_maps.h"

/* Of the template: a stretch of instructions between two function records. */
struct function_piece {
	const char *name;
	uint32_t type_id;
	uint32_t first, count;
	uint32_t moved; /* where it begins in the result */
	bool stub;	/* its place is taken by generated code */
	bool reached;
};

struct template
{
	const struct bpf_insn *instructions;
	uint32_t instruction_count, piece_count;
	struct function_piece *pieces;
	const char *lines; /* struct bpf_line_info, perhaps longer ones */
	uint32_t line_count, line_size;
};

static void template_free(struct template *template)
{
	free(template->pieces);
}

static uint32_t line_column(struct place place)
{
	return place.line << 10 | (place.column < 1024 ? place.column : 1023);
}

/* A generated function for a predicate: its number is that in `weir check --emit=code`. */
static int add_predicate_function(struct btf *btf, uint32_t dimension, uint32_t prototype)
{
	char name[32];

	snprintf(name, sizeof(name), "predicate_%u", dimension);
	return btf__add_func(btf, name, BTF_FUNC_GLOBAL, prototype);
}

/* The name of a generated function for a set, as C would allow it. */
static int add_set_function(struct btf *btf, const char *what, const char *set_name, uint32_t prototype)
{
	char name[64];

	snprintf(name, sizeof(name), "%s_%s", what, set_name);
	for (char *c = name; *c; c++)
		if (!isalnum((unsigned char)*c))
			*c = '_';
	return btf__add_func(btf, name, BTF_FUNC_GLOBAL, prototype);
}

static int prepare_types(struct splice *splice, struct btf *btf)
{
	const struct code *code = splice->request->code;
	const struct rule_list *list = code->tree->rules;
	int classify = btf__find_by_name_kind(btf, "classify", BTF_KIND_FUNC);
	int set_member = btf__find_by_name_kind(btf, "set_member", BTF_KIND_FUNC);
	int predicate = btf__find_by_name_kind(btf, "predicate", BTF_KIND_FUNC);
	int set_count = btf__find_by_name_kind(btf, "set_count", BTF_KIND_FUNC);
	int pass = btf__find_by_name_kind(btf, "pass", BTF_KIND_FUNC);
	uint32_t set_prototype, count_prototype, predicate_prototype, pass_prototype; /* pass() has a third argument, a number */
	char name[32];

	if (classify < 0 || set_member < 0 || predicate < 0 || set_count < 0 || pass < 0)
		return -ESRCH;
	set_prototype = btf__type_by_id(btf, set_member)->type;
	count_prototype = btf__type_by_id(btf, set_count)->type;
	predicate_prototype = btf__type_by_id(btf, predicate)->type;
	pass_prototype = btf__type_by_id(btf, pass)->type;
	for (uint32_t i = 0; i < code->function_count; i++) {
		const struct code_function *function = &code->functions[i];
		bool counts = function->kind == FUNCTION_COUNT_MEMBER;
		int id = classify;

		if (function->kind == FUNCTION_SET_MEMBER || counts)
			id = add_set_function(btf, counts ? "count" : "set",
					      list->sets[list->dimensions[function->dimension].set].name,
					      counts ? count_prototype : set_prototype);
		else if (function->kind == FUNCTION_SET_COUNT)
			id = set_count;
		else if (function->kind == FUNCTION_PREDICATE)
			id = add_predicate_function(btf, function->dimension, predicate_prototype);
		if (function->kind == FUNCTION_FIND || function->kind == FUNCTION_BLOCK) {
			bool find = function->kind == FUNCTION_FIND;

			snprintf(name, sizeof(name), "%s_%u", find ? "find" : "block", function->part + 1);
			id = btf__add_func(btf, name, BTF_FUNC_GLOBAL, find ? predicate_prototype : pass_prototype);
		}
		if (id < 0)
			return id;
		splice->type_ids[i] = id;
	}
	return 0;
}

/* Where a rule stands; weir's own two stand where the chain does. */
static struct place rule_place(const struct rule_list *list, uint32_t rule)
{
	return list->rules[rule].place.line ? list->rules[rule].place : list->chain->place;
}

static int prepare_texts(struct splice *splice, struct btf *btf)
{
	const struct rule_list *list = splice->request->code->tree->rules;

	for (uint32_t i = 0; i < list->rule_count; i++) {
		struct place place = rule_place(list, i);
		int text = btf__add_str(btf, list->rules[i].text ? list->rules[i].text : "");
		int file = btf__add_str(btf, place.source ? place.source->name : "policy");

		if (text < 0 || file < 0)
			return text < 0 ? text : file;
		splice->text_offsets[i] = text;
		splice->file_offsets[i] = file;
	}
	return 0;
}

int splice_prepare(struct splice *splice, struct bpf_object *object, const struct load_request *request)
{
	const struct code *code = request->code;
	int error;

	*splice = (struct splice){ .request = request, .btf = bpf_object__btf(object) };
	if (!splice->btf)
		return -EOPNOTSUPP;
	error = data_maps_create(request, &splice->data_fds);
	if (error)
		return error;
	splice->type_ids = calloc(code->function_count, sizeof(*splice->type_ids));
	splice->text_offsets = calloc(code->tree->rules->rule_count, sizeof(*splice->text_offsets));
	splice->file_offsets = calloc(code->tree->rules->rule_count, sizeof(*splice->file_offsets));
	if (!splice->type_ids || !splice->text_offsets || !splice->file_offsets)
		return -ENOMEM;
	error = prepare_types(splice, splice->btf);
	return error ? error : prepare_texts(splice, splice->btf);
}

void splice_free(struct splice *splice)
{
	if (splice->data_fds)
		data_maps_close(splice->data_fds, splice->request->code->data_count);
	free(splice->type_ids);
	free(splice->text_offsets);
	free(splice->file_offsets);
	free(splice->instructions);
	free(splice->functions);
	free(splice->lines);
	*splice = (struct splice){};
}

static int fail(struct splice *splice, const char *why)
{
	splice->why = why;
	return -EINVAL;
}

/* ---- Cutting ---- */

static int template_cut(struct splice *splice, const struct bpf_program *program, const struct bpf_prog_load_opts *options,
			struct template *template)
{
	template->instructions = bpf_program__insns(program);
	template->instruction_count = bpf_program__insn_cnt(program);
	template->lines = options->line_info;
	template->line_count = options->line_info_cnt;
	template->line_size = options->line_info_rec_size;
	template->piece_count = options->func_info_cnt;
	if (!template->piece_count || !template->line_count)
		return fail(splice, "the template has no BTF records of its functions");
	template->pieces = calloc(template->piece_count, sizeof(*template->pieces));
	if (!template->pieces)
		return -ENOMEM;
	for (uint32_t i = 0; i < template->piece_count; i++) {
		const struct bpf_func_info *info =
			(const void *)((const char *)options->func_info + (size_t)i * options->func_info_rec_size);
		const struct btf_type *type = btf__type_by_id(splice->btf, info->type_id);
		struct function_piece *piece = &template->pieces[i];

		if (!type || info->insn_off >= template->instruction_count || (i && info->insn_off <= piece[-1].first))
			return fail(splice, "the template's BTF records are out of order");
		piece->name = btf__name_by_offset(splice->btf, type->name_off);
		piece->type_id = info->type_id;
		piece->first = info->insn_off;
		piece->count = template->instruction_count - info->insn_off;
		if (i)
			piece[-1].count = info->insn_off - piece[-1].first;
		piece->stub = strcmp(piece->name, "classify") == 0 || strcmp(piece->name, "set_member") == 0 ||
			      strcmp(piece->name, "predicate") == 0 ||
			      (strcmp(piece->name, "set_count") == 0 && code_counts(splice->request->code));
	}
	return 0;
}

static bool is_call(const struct bpf_insn *instruction)
{
	return instruction->code == (BPF_JMP | BPF_CALL) && instruction->src_reg == BPF_PSEUDO_CALL;
}

static bool is_wide(const struct bpf_insn *instruction)
{
	return instruction->code == (BPF_LD | BPF_IMM | BPF_DW);
}

/* A call, or the address of a callback; both tell where by the distance from the next instruction. */
static bool is_edge(const struct bpf_insn *instruction)
{
	return is_call(instruction) || (is_wide(instruction) && instruction->src_reg == BPF_PSEUDO_FUNC);
}

/* Where the function begins that the edge at instruction AT leads to, or NULL. */
static struct function_piece *edge_target(const struct template *template, uint32_t at)
{
	int64_t target = (int64_t)at + 1 + template->instructions[at].imm;

	for (uint32_t i = 0; i < template->piece_count; i++)
		if (template->pieces[i].first == target)
			return &template->pieces[i];
	return NULL;
}

/* ---- What stays ---- */

static struct function_piece *piece_named(const struct template *template, const char *name)
{
	for (uint32_t i = 0; i < template->piece_count; i++)
		if (strcmp(template->pieces[i].name, name) == 0)
			return &template->pieces[i];
	return NULL;
}

/* The function of the template that such a reference calls, or NULL. */
static const char *called_function(const struct code_reference *reference)
{
	switch (reference->kind) {
	case REFERENCE_PASS:
		return "pass";
	case REFERENCE_HTTP:
		return "http_text";
	case REFERENCE_TEMPLATE:
		return code_template_name((enum code_template)reference->index);
	default:
		return NULL;
	}
}

static int reach_called(struct splice *splice, struct template *template)
{
	const struct code *code = splice->request->code;

	for (uint32_t i = 0; i < code->reference_count; i++) {
		const char *name = called_function(&code->references[i]);
		struct function_piece *piece = name ? piece_named(template, name) : NULL;

		if (name && !piece)
			return fail(splice, "the template lacks a function that the code calls");
		if (piece)
			piece->reached = true;
	}
	return 0;
}

/* Mark what is reached from main, and what generated code calls. Stubs are leaves: what they call does not count. */
static int template_reach(struct splice *splice, struct template *template)
{
	bool more = true;
	int error = reach_called(splice, template);

	if (error)
		return error;
	template->pieces[0].reached = true;
	while (more) { /* a handful of functions: go round until nothing is new */
		more = false;
		for (uint32_t i = 0; i < template->piece_count; i++) {
			const struct function_piece *piece = &template->pieces[i];

			for (uint32_t at = piece->first; piece->reached && !piece->stub && at < piece->first + piece->count;
			     at += is_wide(&template->instructions[at]) ? 2 : 1) {
				struct function_piece *target;

				if (!is_edge(&template->instructions[at]))
					continue;
				target = edge_target(template, at);
				if (!target)
					return fail(splice, "a call in the template leads to no function");
				more |= !target->reached;
				target->reached = true;
			}
		}
	}
	return 0;
}

/* ---- Putting together ---- */

static bool piece_stays(const struct function_piece *piece)
{
	return piece->reached && !piece->stub;
}

/* Say where everything will stand, and make room. */
static int template_place(struct splice *splice, struct template *template)
{
	const struct code *code = splice->request->code;
	const struct function_piece *classify = piece_named(template, "classify");

	if (!classify || !classify->reached)
		return fail(splice, "the template does not call classify()");
	splice->instruction_count = 0;
	splice->function_count = 0;
	for (uint32_t i = 0; i < template->piece_count; i++) {
		if (!piece_stays(&template->pieces[i]))
			continue;
		template->pieces[i].moved = splice->instruction_count;
		splice->instruction_count += template->pieces[i].count;
		splice->function_count++;
	}
	for (uint32_t i = 0; i < template->piece_count; i++)
		if (template->pieces[i].stub) /* classify is the first of the generated ones, set_count the last */
			template->pieces[i].moved =
				splice->instruction_count + (strcmp(template->pieces[i].name, "set_count") == 0
								     ? code->functions[code->function_count - 1].first
								     : 0);
	splice->instruction_count += code->instruction_count;
	splice->function_count += code->function_count;

	splice->instructions = calloc(splice->instruction_count, sizeof(*splice->instructions));
	splice->functions = calloc(splice->function_count, sizeof(*splice->functions));
	splice->lines = calloc(template->line_count + code->line_count + code->function_count, sizeof(*splice->lines));
	return splice->instructions && splice->functions && splice->lines ? 0 : -ENOMEM;
}

static void copy_template(struct splice *splice, const struct template *template)
{
	for (uint32_t i = 0; i < template->piece_count; i++) {
		const struct function_piece *piece = &template->pieces[i];
		struct bpf_insn *to = splice->instructions + piece->moved;

		if (!piece_stays(piece))
			continue;
		memcpy(to, template->instructions + piece->first, piece->count * sizeof(*to));
		for (uint32_t at = 0; at < piece->count; at += is_wide(&to[at]) ? 2 : 1)
			if (is_edge(&to[at]))
				to[at].imm = edge_target(template, piece->first + at)->moved - (piece->moved + at + 1);
	}
}

static void refer_map(struct bpf_insn *instruction, int fd)
{
	instruction[0].src_reg = BPF_PSEUDO_MAP_FD;
	instruction[0].imm = fd;
	instruction[1].imm = 0;
}

static bool is_marked_call(const struct bpf_insn *instruction, int32_t mark)
{
	const struct bpf_insn call = { .code = BPF_JMP | BPF_CALL, .imm = mark };

	return memcmp(instruction, &call, sizeof(call)) == 0;
}

/*
 * Say in the template, whose COUNT instructions come first, how this kernel shows its own context (bpf/context.h), and in it the
 * device of a packet (bpf/classic.h). 0 or -errno.
 */
static int fill_kernel_context(struct splice *splice, uint32_t count)
{
	for (uint32_t at = 0; at + 3 < count; at++) {
		struct bpf_insn *instruction = &splice->instructions[at];
		bool skb = is_marked_call(instruction, WEIR_CALL_KERNEL_SKB);
		const struct kernel_context *context;

		if (!skb && !is_marked_call(instruction, WEIR_CALL_KERNEL_CONTEXT))
			continue;
		context = kernel_context();
		if (skb && !context->knows_device) {
			splice->why = "of what kind an interface is (hatype) a program can see from Linux 6.2 on, with the kernel's BTF";
			return -EOPNOTSUPP;
		}
		if (!context->cast)
			continue; /* never reached then: know_buffers is false */
		instruction[0].src_reg = BPF_PSEUDO_KFUNC_CALL;
		instruction[0].imm = context->cast;
		instruction[1].off = skb ? context->device_offset : context->flags_offset;
		if (skb)
			instruction[3].off = context->type_offset;
	}
	return 0;
}

/* Copy the generated code to BASE and fill its references. */
static void copy_generated(struct splice *splice, const struct template *template, uint32_t base)
{
	const struct load_request *request = splice->request;
	const struct code *code = request->code;

	memcpy(splice->instructions + base, code->instructions, code->instruction_count * sizeof(*code->instructions));
	for (uint32_t i = 0; i < code->reference_count; i++) {
		const struct code_reference *reference = &code->references[i];
		uint32_t at = base + reference->instruction;
		struct bpf_insn *instruction = &splice->instructions[at];

		switch (reference->kind) {
		case REFERENCE_FUNCTION:
			instruction->imm = base + code->functions[reference->index].first - (at + 1);
			break;
		case REFERENCE_PASS:
		case REFERENCE_HTTP:
		case REFERENCE_TEMPLATE:
			instruction->imm = piece_named(template, called_function(reference))->moved - (at + 1);
			break;
		case REFERENCE_OUTCOME:
			instruction->imm = load_outcome(request, reference->index);
			break;
		case REFERENCE_SET:
			refer_map(instruction, request->sets[reference->index]);
			break;
		case REFERENCE_RAW_IP:
			instruction->imm = request->raw_ip;
			break;
		case REFERENCE_DATA:
			refer_map(instruction, splice->data_fds[reference->index]);
			break;
		}
	}
}

/* ---- Records ---- */

static void record_functions(struct splice *splice, const struct template *template, uint32_t base)
{
	const struct code *code = splice->request->code;
	uint32_t count = 0;

	for (uint32_t i = 0; i < template->piece_count; i++)
		if (piece_stays(&template->pieces[i]))
			splice->functions[count++] =
				(struct bpf_func_info){ template->pieces[i].moved, template->pieces[i].type_id };
	for (uint32_t i = 0; i < code->function_count; i++)
		splice->functions[count++] = (struct bpf_func_info){ base + code->functions[i].first, splice->type_ids[i] };
}

static void record_template_lines(struct splice *splice, const struct template *template)
{
	uint32_t piece = 0;

	for (uint32_t i = 0; i < template->line_count; i++) {
		struct bpf_line_info line =
			*(const struct bpf_line_info *)(const void *)(template->lines + (size_t)i * template->line_size);

		while (piece + 1 < template->piece_count && line.insn_off >= template->pieces[piece + 1].first)
			piece++;
		if (!piece_stays(&template->pieces[piece]))
			continue;
		line.insn_off = line.insn_off - template->pieces[piece].first + template->pieces[piece].moved;
		splice->lines[splice->line_count++] = line;
	}
}

/* The line of RULE, for the instructions from AT on. A second record for the same instruction is left out. */
static void record_rule_line(struct splice *splice, uint32_t at, uint32_t rule)
{
	if (splice->line_count && splice->lines[splice->line_count - 1].insn_off >= at)
		return;
	splice->lines[splice->line_count++] = (struct bpf_line_info){
		.insn_off = at,
		.file_name_off = splice->file_offsets[rule],
		.line_off = splice->text_offsets[rule],
		.line_col = line_column(rule_place(splice->request->code->tree->rules, rule)),
	};
}

/* A function that does not begin with a rule's code bears the line of the chain's policy, the last rule. */
static void record_generated_lines(struct splice *splice, uint32_t base)
{
	const struct code *code = splice->request->code;
	uint32_t line = 0;

	for (uint32_t i = 0; i < code->function_count; i++) {
		const struct code_function *function = &code->functions[i];

		if (line == code->line_count || code->lines[line].instruction > function->first)
			record_rule_line(splice, base + function->first, code->tree->rules->rule_count - 1);
		for (; line < code->line_count && code->lines[line].instruction < function->first + function->count; line++)
			record_rule_line(splice, base + code->lines[line].instruction, code->lines[line].rule);
	}
}

static int splice_template(struct splice *splice, struct bpf_program *program, struct bpf_prog_load_opts *options,
			   struct template *template)
{
	uint32_t base;
	int error;

	error = template_cut(splice, program, options, template);
	if (!error)
		error = template_reach(splice, template);
	if (!error)
		error = template_place(splice, template);
	if (error)
		return error;
	base = splice->instruction_count - splice->request->code->instruction_count;
	copy_template(splice, template);
	error = fill_kernel_context(splice, base);
	if (error)
		return error;
	copy_generated(splice, template, base);
	record_functions(splice, template, base);
	record_template_lines(splice, template);
	record_generated_lines(splice, base);
	error = bpf_program__set_insns(program, splice->instructions, splice->instruction_count);
	if (error)
		return error;
	options->func_info = splice->functions;
	options->func_info_cnt = splice->function_count;
	options->func_info_rec_size = sizeof(*splice->functions);
	options->line_info = splice->lines;
	options->line_info_cnt = splice->line_count;
	options->line_info_rec_size = sizeof(*splice->lines);
	return 0;
}

int splice_program(struct splice *splice, struct bpf_program *program, struct bpf_prog_load_opts *options)
{
	_cleanup_(template_free) struct template template = {};

	return splice_template(splice, program, options, &template);
}
