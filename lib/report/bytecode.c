// SPDX-License-Identifier: GPL-2.0-only
#include "report/bytecode.h"

#include <stdlib.h>

#include "report/json.h"

static json_t *line_json(const struct classic_program *program)
{
	char *text = NULL;
	size_t size;
	FILE *out = open_memstream(&text, &size);
	json_t *line;

	if (!out)
		return NULL;
	classic_print_bytecode(program, out);
	fclose(out);
	line = json_text(text);
	free(text);
	return line;
}

json_t *bytecode_json(const struct classic_program *program, enum classic_link link)
{
	struct arena *arena = arena_new();
	json_t *instructions = json_array(), *json;

	for (uint32_t i = 0; i < program->count; i++) {
		const struct sock_filter *insn = &program->instructions[i];

		json_array_append_new(instructions, json_pack("{s:i, s:i, s:i, s:I, s:s}", "code", insn->code, "jt", insn->jt, "jf",
							      insn->jf, "k", (json_int_t)insn->k, "text",
							      classic_print_instruction(arena, program, i)));
	}
	arena_free(arena);
	json = json_pack("{s:i, s:s, s:o, s:o}", "schema", REPORT_SCHEMA, "link", classic_link_name(link), "bytecode",
			 line_json(program), "instructions", instructions);
	return json;
}
