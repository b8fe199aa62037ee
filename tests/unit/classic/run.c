// SPDX-License-Identifier: GPL-2.0-only
/* The interpreter beside libpcap's own, on expressions and on random programs; what the check refuses; the corners by hand. */
#include <pcap/pcap.h>
#include <stdlib.h>

#include "../../tap.h"
#include "host/filter.h"
#include "random_program.h"

#define ROUNDS	20000
#define PACKETS 10

static struct arena *arena;

static uint32_t by_libpcap(const struct classic_program *program, const uint8_t *data, uint32_t length)
{
	struct bpf_insn instructions[CLASSIC_LIMIT];

	for (uint32_t i = 0; i < program->count; i++)
		instructions[i] = (struct bpf_insn){ program->instructions[i].code, program->instructions[i].jt,
						     program->instructions[i].jf, program->instructions[i].k };
	return bpf_filter(instructions, data, length, length);
}

/* In memory of its own size, so that a sanitizer sees who reads on. */
static bool agree(const struct classic_program *program, const uint8_t *bytes, uint32_t length, uint32_t *ret_result)
{
	uint8_t *copy = malloc(length ? length : 1);
	struct classic_packet packet = { .data = copy, .length = length };
	uint32_t wanted;

	memcpy(copy, bytes, length);
	*ret_result = classic_run(program, &packet);
	wanted = by_libpcap(program, copy, length);
	free(copy);
	return *ret_result == wanted;
}

TEST(random_programs_give_what_libpcap_gives)
{
	struct sock_filter instructions[PROGRAM_MOST];
	uint32_t differences = 0, matches = 0, result, at;
	uint64_t state = 1;
	uint8_t bytes[80];

	for (int round = 0; round < ROUNDS; round++) {
		struct classic_program program = draw_program(&state, instructions, true);
		const char *wrong = classic_check(&program, &at);

		if (wrong)
			printf("# instruction %u: %s\n", at, wrong);
		CHECK(!wrong);
		for (int i = 0; i < PACKETS && !wrong; i++) {
			uint32_t length = draw_packet(&state, bytes, sizeof(bytes));

			differences += !agree(&program, bytes, length, &result);
			matches += result != 0;
		}
	}
	CHECK_NUMBER(differences, 0);
	/* A test in which nothing matches, or everything does, would see nothing. */
	CHECK(matches > ROUNDS * PACKETS / 20 && matches < ROUNDS * PACKETS / 20 * 19);
}

TEST(expressions_give_what_libpcap_gives)
{
	static const char *const expressions[] = {
		"", "tcp port 80", "tcp[tcpflags] & tcp-syn != 0 and not port 22", "ip[6:2] & 0x1fff = 0",
		"tcp[((tcp[12] & 0xf0) >> 2):4] = 0x47455420", "len > 60 and ip[2:2] / 3 % 7 << 2 = 8",
	};
	uint64_t state = 2;
	uint32_t differences = 0, result;
	uint8_t bytes[80];

	for (size_t i = 0; i < sizeof(expressions) / sizeof(*expressions); i++) {
		const struct host_filter_request request = { expressions[i], i % 2 ? CLASSIC_RAW : CLASSIC_ETHERNET };
		const struct classic_program *program = NULL;
		const char *message = NULL;

		CHECK_NUMBER(host_filter(NULL, arena, &request, &program, &message), 0);
		for (int p = 0; p < ROUNDS && program; p++)
			differences += !agree(program, bytes, draw_packet(&state, bytes, sizeof(bytes)), &result);
	}
	CHECK_NUMBER(differences, 0);
}

static const char *checked(const struct sock_filter *instructions, uint32_t count)
{
	struct classic_program program = { count, instructions };
	uint32_t at;

	return classic_check(&program, &at);
}

TEST(what_cannot_be_run_is_refused)
{
#define REFUSED(wanted, ...)                                                                                                     \
	CHECK_TEXT(checked((const struct sock_filter[]){ __VA_ARGS__ },                                                          \
			   sizeof((const struct sock_filter[]){ __VA_ARGS__ }) / sizeof(struct sock_filter)),                    \
		   wanted)
	const struct sock_filter accept = { BPF_RET, 0, 0, 1 };

	CHECK_TEXT(checked(&accept, 0), "a program without instructions");
	CHECK_TEXT(checked(&accept, CLASSIC_LIMIT + 1), "more than 4096 instructions");
	CHECK(!checked(&accept, 1));
	REFUSED("the last instruction is no return", { BPF_LD | BPF_IMM, 0, 0, 1 });
	REFUSED("a jump out of the program", { BPF_JMP | BPF_JA, 0, 0, 1 }, { BPF_RET, 0, 0, 1 });
	REFUSED("a jump out of the program", { BPF_JMP | BPF_JA, 0, 0, 0xffffffff }, { BPF_RET, 0, 0, 1 });
	REFUSED("a jump out of the program", { BPF_JMP | BPF_JEQ, 0, 1, 0 }, { BPF_RET, 0, 0, 1 });
	REFUSED("a jump out of the program", { BPF_JMP | BPF_JEQ, 1, 0, 0 }, { BPF_RET, 0, 0, 1 });
	REFUSED("a division by zero", { BPF_ALU | BPF_DIV, 0, 0, 0 }, { BPF_RET, 0, 0, 1 });
	REFUSED("a division by zero", { BPF_ALU | BPF_MOD, 0, 0, 0 }, { BPF_RET, 0, 0, 1 });
	REFUSED("there are 16 words of memory, 0 to 15", { BPF_ST, 0, 0, 16 }, { BPF_RET, 0, 0, 1 });
	REFUSED("there are 16 words of memory, 0 to 15", { BPF_LDX | BPF_MEM, 0, 0, 16 }, { BPF_RET, 0, 0, 1 });
	REFUSED("no such instruction", { 0xffff, 0, 0, 0 }, { BPF_RET, 0, 0, 1 });
	REFUSED("no such instruction", { BPF_LDX | BPF_W | BPF_ABS, 0, 0, 0 }, { BPF_RET, 0, 0, 1 });
	REFUSED("no such instruction", { BPF_JMP | 0x50, 0, 0, 0 }, { BPF_RET, 0, 0, 1 });
	REFUSED("no such instruction", { BPF_RET | BPF_X, 0, 0, 1 });
}

TEST(a_load_past_the_end_and_a_division_by_zero_are_no_match)
{
	static const struct sock_filter past[] = { { BPF_LD | BPF_W | BPF_ABS, 0, 0, 1 }, { BPF_RET, 0, 0, 1 } };
	static const struct sock_filter wraps[] = { { BPF_LDX | BPF_IMM, 0, 0, 0xffffffff },
						    { BPF_LD | BPF_B | BPF_IND, 0, 0, 2 },
						    { BPF_RET, 0, 0, 1 } };
	static const struct sock_filter divides[] = { { BPF_ALU | BPF_MOD | BPF_X, 0, 0, 0 }, { BPF_RET, 0, 0, 1 } };
	static const struct sock_filter shifts[] = { { BPF_LD | BPF_IMM, 0, 0, 1 },
						     { BPF_LDX | BPF_IMM, 0, 0, 32 },
						     { BPF_ALU | BPF_LSH | BPF_X, 0, 0, 0 },
						     { BPF_ALU | BPF_ADD, 0, 0, 7 },
						     { BPF_RET | BPF_A, 0, 0, 0 } };
	static const uint8_t bytes[4] = { 1, 2, 3, 4 };
	const struct classic_packet packet = { .data = bytes, .length = 4 };

	CHECK_NUMBER(classic_run(&(struct classic_program){ 2, past }, &packet), 0);
	CHECK_NUMBER(classic_run(&(struct classic_program){ 3, wraps }, &packet), 0);
	CHECK_NUMBER(classic_run(&(struct classic_program){ 2, divides }, &packet), 0);
	CHECK_NUMBER(classic_run(&(struct classic_program){ 5, shifts }, &packet), 7);
}

int main(void)
{
	arena = arena_new();
	RUN(random_programs_give_what_libpcap_gives);
	RUN(expressions_give_what_libpcap_gives);
	RUN(what_cannot_be_run_is_refused);
	RUN(a_load_past_the_end_and_a_division_by_zero_are_no_match);
	arena_free(arena);
	return tap_end();
}
