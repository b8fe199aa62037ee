// SPDX-License-Identifier: GPL-2.0-only
/* Texts to programs and back: what bpf_asm and tc make of them, written out here; random programs printed and read again. */
#include <stdlib.h>

#include "../../tap.h"
#include "random_program.h"

static struct arena *arena;

static const char *bytecode_of(const struct classic_program *program)
{
	static char *text;
	size_t size;
	FILE *out;

	free(text);
	out = open_memstream(&text, &size);
	classic_print_bytecode(program, out);
	fclose(out);
	return text;
}

static const char *assembled(const char *text)
{
	struct classic_program program;
	struct classic_fault fault;

	return classic_from_assembly(arena, text, &program, &fault) ? bytecode_of(&program) : fault.message;
}

TEST(assembly_becomes_what_bpf_asm_makes_of_it)
{
	CHECK_TEXT(assembled("ldh [12] jne #0x800, drop ldb [23] jneq #6, drop ret #-1 drop: ret #0"),
		   "6,40 0 0 12,21 0 3 2048,48 0 0 23,21 0 1 6,6 0 0 4294967295,6 0 0 0");
	CHECK_TEXT(assembled("ldi #1\nldi 2\nldx #3\nldxi 4\nld len\nld #len\nldx len\nld M[5]\nldx M[6]\nst M[7]\nstx M[15]\nret a"),
		   "12,0 0 0 1,0 0 0 2,1 0 0 3,1 0 0 4,128 0 0 0,128 0 0 0,129 0 0 0,96 0 0 5,97 0 0 6,2 0 0 7,3 0 0 15,22 0 0 0");
	CHECK_TEXT(assembled("ld [x+8] ldh [x + 010] ldb [%x + 0x8] ldxb 4*([14]&0xf) ldx 4 * ( [ 0b10 ] & 15 ) ret %a"),
		   "6,64 0 0 8,72 0 0 8,80 0 0 8,177 0 0 14,177 0 0 2,22 0 0 0");
	CHECK_TEXT(assembled("add #1 sub x mul %x div #2 mod x and #3 or x xor #4 lsh #5 rsh x neg tax txa ret #0"),
		   "14,4 0 0 1,28 0 0 0,44 0 0 0,52 0 0 2,156 0 0 0,84 0 0 3,76 0 0 0,164 0 0 4,100 0 0 5,124 0 0 0,132 0 0 0,7 0 0 0,135 0 0 0,6 0 0 0");
	CHECK_TEXT(assembled("jeq #1, l1, l2 l1: jgt x, l2 l2: jge #2,l3 jlt #3,l3 jle x,l3 jset #4,l3,l4 jmp l4 l3: ret #1 l4: ret #0"),
		   "9,21 0 1 1,45 0 0 0,53 4 0 2,53 0 3 3,45 0 2 0,69 1 2 4,5 0 0 1,6 0 0 1,6 0 0 0");
	CHECK_TEXT(assembled("ld proto ld #type ld poff ldb vlan_pr ld vlan_avail ld rand ret a ; a comment\n /* and\nanother */"),
		   "7,32 0 0 4294963200,32 0 0 4294963204,32 0 0 4294963252,48 0 0 4294963248,32 0 0 4294963248,32 0 0 4294963256,22 0 0 0");
}

TEST(lines_of_tc_and_of_tcpdump_are_read)
{
	struct classic_program program;
	struct classic_fault fault;

	CHECK(classic_from_bytecode(arena, "1,6 0 0 4294967295,", &program, &fault));
	CHECK_TEXT(bytecode_of(&program), "1,6 0 0 4294967295");
	CHECK(classic_from_bytecode(arena, "\n 2\n40 0 0 12\r\n6 0 0 1\n\n", &program, &fault));
	CHECK_TEXT(bytecode_of(&program), "2,40 0 0 12,6 0 0 1");
	CHECK(!classic_from_bytecode(arena, "2,40 0 0 12,,6 0 0 1", &program, &fault));
	CHECK_NUMBER(fault.at, 12);
	CHECK(!classic_from_bytecode(arena, "", &program, &fault));
	CHECK(!classic_from_bytecode(arena, "4097", &program, &fault));
}

TEST(what_is_printed_is_read_as_the_same_program)
{
	struct sock_filter instructions[PROGRAM_MOST];
	uint64_t state = 7;

	for (int round = 0; round < 2000; round++) {
		struct classic_program program = draw_program(&state, instructions, round % 2), again = { 0 };
		const char *text = "";
		struct classic_fault fault = { 0 };
		uint32_t at;

		if (classic_check(&program, &at))
			continue; /* an extension that there is none of */
		for (uint32_t i = 0; i < program.count; i++)
			text = arena_printf(arena, "%sl%u: %s\n", text, i, classic_print_instruction(arena, &program, i));
		CHECK(classic_from_assembly(arena, text, &again, &fault));
		/* A jump on a comparison leaves its constant alone where X is compared with, and the printer does not print it. */
		for (uint32_t i = 0; i < program.count && i < again.count; i++) {
			struct sock_filter wanted = instructions[i];
			uint16_t class = BPF_CLASS(wanted.code);

			if (((class == BPF_ALU || class == BPF_JMP) && BPF_SRC(wanted.code) == BPF_X) || class == BPF_MISC ||
			    wanted.code == (BPF_RET | BPF_A) || BPF_MODE(wanted.code) == BPF_LEN)
				wanted.k = again.instructions[i].k;
			CHECK(memcmp(&wanted, &again.instructions[i], sizeof(wanted)) == 0);
			if (memcmp(&wanted, &again.instructions[i], sizeof(wanted)) != 0)
				printf("# %s\n", classic_print_instruction(arena, &program, i));
		}
		CHECK_NUMBER(again.count, program.count);
		if (!tap_ok)
			break;
	}
}

int main(void)
{
	arena = arena_new();
	RUN(assembly_becomes_what_bpf_asm_makes_of_it);
	RUN(lines_of_tc_and_of_tcpdump_are_read);
	RUN(what_is_printed_is_read_as_the_same_program);
	arena_free(arena);
	return tap_end();
}
