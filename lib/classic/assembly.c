// SPDX-License-Identifier: GPL-2.0-only
/*
 * The assembly that bpf_asm takes, to a program. Line ends mean nothing in it: an instruction ends where its operands do.
 *
 *	program     = { [ label ":" ] instruction }
 *	instruction = mnemonic [ operand ] [ "," label [ "," label ] ]
 *	operand     = "#" number | "x" | "%x" | "a" | "%a" | "[" number "]" | "[" "x" "+" number "]" | "M" "[" number "]"
 *		    | number "*" "(" "[" number "]" "&" number ")" | extension | label
 *
 * Comments go from ";" to the end of the line, or stand between slash and asterisk.
 */
#include <inttypes.h>
#include <string.h>

#include "classic/classic.h"

enum operand_kind { NOTHING, CONSTANT, INDEX, ACCUMULATOR, ABSOLUTE, INDIRECT, MEMORY, HEADER_LENGTH, EXTENSION, LENGTH, LABEL };

struct operand {
	enum operand_kind kind;
	uint32_t k;
	const char *at; /* of a label, and for messages */
	size_t length;
};

/* A jump that waits for its labels: where TRUE and FALSE lead; NULL: to the next instruction. */
struct branch {
	uint32_t instruction;
	const char *labels[2];
	size_t lengths[2];
};

struct label {
	const char *name;
	size_t length;
	uint32_t instruction;
};

struct assembler {
	struct arena *arena;
	const char *text, *at;
	const char *error; /* the first; NULL: none */
	const char *error_at;
	size_t error_length;
	VECTOR(struct sock_filter) instructions;
	VECTOR(struct branch) branches;
	VECTOR(struct label) labels;
};

static const struct {
	const char *name;
	uint16_t code;
	bool swapped; /* the label is that of the opposite */
} jumps[] = {
	{ "jeq", BPF_JEQ, false },  { "jneq", BPF_JEQ, true }, { "jne", BPF_JEQ, true },   { "jlt", BPF_JGE, true },
	{ "jle", BPF_JGT, true },   { "jgt", BPF_JGT, false }, { "jge", BPF_JGE, false }, { "jset", BPF_JSET, false },
};

static const struct {
	const char *name;
	uint16_t code;
} calculations[] = {
	{ "add", BPF_ADD }, { "sub", BPF_SUB }, { "mul", BPF_MUL }, { "div", BPF_DIV }, { "mod", BPF_MOD },
	{ "and", BPF_AND }, { "or", BPF_OR },	{ "xor", BPF_XOR }, { "lsh", BPF_LSH }, { "rsh", BPF_RSH },
};

#define COUNT(array) (sizeof(array) / sizeof(*(array)))

/* ---- Text ---- */

static void fail(struct assembler *assembler, const char *at, size_t length, const char *message)
{
	if (assembler->error)
		return;
	assembler->error = message;
	assembler->error_at = at;
	assembler->error_length = length ? length : 1;
}

static bool is_letter(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_';
}

static bool is_digit(char c)
{
	return c >= '0' && c <= '9';
}

static size_t word_length(const char *at)
{
	size_t length = 0;

	if (is_letter(*at))
		while (is_letter(at[length]) || is_digit(at[length]))
			length++;
	return length;
}

/* Blanks, line ends, comments. */
static void skip(struct assembler *assembler)
{
	for (;;) {
		const char *at = assembler->at, *end;

		if (*at && strchr(" \t\r\n", *at)) {
			assembler->at++;
		} else if (*at == ';') {
			assembler->at += strcspn(at, "\n");
		} else if (at[0] == '/' && at[1] == '*') {
			end = strstr(at + 2, "*/");
			if (!end)
				fail(assembler, at, 2, "a comment that does not end");
			assembler->at = end ? end + 2 : at + strlen(at);
		} else {
			return;
		}
	}
}

/* What stands at the next place, for messages. */
static size_t token_length(const char *at)
{
	size_t length = 0;

	while (is_letter(at[length]) || is_digit(at[length]))
		length++;
	return length ? length : 1;
}

static bool accept(struct assembler *assembler, char sign)
{
	skip(assembler);
	if (*assembler->at != sign)
		return false;
	assembler->at++;
	return true;
}

static void expect(struct assembler *assembler, char sign)
{
	if (!accept(assembler, sign))
		fail(assembler, assembler->at, token_length(assembler->at), arena_printf(assembler->arena, "expected '%c'", sign));
}

static bool begins_number(const char *at)
{
	return is_digit(*at) || ((*at == '-' || *at == '+') && is_digit(at[1]));
}

/* number = decimal, 0x hexadecimal, 0b binary or 0 octal, perhaps with a sign */
static uint32_t number(struct assembler *assembler)
{
	const char *at, *start;
	uint64_t value = 0, base = 10;
	bool negative, any = false;

	skip(assembler);
	start = at = assembler->at;
	negative = *at == '-';
	at += *at == '-' || *at == '+';
	if (*at == '0' && (at[1] == 'x' || at[1] == 'b')) {
		base = at[1] == 'x' ? 16 : 2;
		at += 2;
	} else if (*at == '0') {
		base = 8;
	}
	for (;; at++) {
		uint64_t digit = is_digit(*at)		      ? (uint64_t)(*at - '0')
				 : *at >= 'a' && *at <= 'f' ? (uint64_t)(*at - 'a') + 10
				 : *at >= 'A' && *at <= 'F' ? (uint64_t)(*at - 'A') + 10
							      : base;

		if (digit >= base || value > UINT32_MAX)
			break;
		value = value * base + digit;
		any = true;
	}
	if (!any || is_digit(*at) || is_letter(*at))
		fail(assembler, start, token_length(start), "expected a number");
	else if (value > UINT32_MAX || (negative && value > 0x80000000))
		fail(assembler, start, (size_t)(at - start), "a number has 32 bits");
	assembler->at = at;
	return negative ? -(uint32_t)value : (uint32_t)value;
}

static bool word_is(const char *at, size_t length, const char *word)
{
	return strlen(word) == length && memcmp(at, word, length) == 0;
}

/* ---- Operands ---- */

static enum classic_extension extension_named(const char *at, size_t length)
{
	for (int i = 0; i < CLASSIC_EXTENSION_COUNT; i++)
		if (word_is(at, length, classic_extension_name((enum classic_extension)i)))
			return (enum classic_extension)i;
	return word_is(at, length, "vlan_pr") ? CLASSIC_VLAN_PRESENT : CLASSIC_NO_EXTENSION;
}

static uint32_t extension_offset(enum classic_extension extension)
{
	static const uint32_t offsets[] = {
#define X(id, offset, word) (uint32_t)SKF_AD_OFF + (offset),
		CLASSIC_EXTENSIONS(X)
#undef X
	};

	return offsets[extension];
}

/* "[" number "]" | "[" "x" "+" number "]" */
static struct operand bracket(struct assembler *assembler)
{
	struct operand operand = { .kind = ABSOLUTE };

	skip(assembler);
	if (!accept(assembler, '%'))
		skip(assembler);
	if (word_is(assembler->at, word_length(assembler->at), "x")) {
		assembler->at++;
		operand.kind = INDIRECT;
		skip(assembler);
		if (!begins_number(assembler->at) || *assembler->at == '+')
			expect(assembler, '+');
	}
	operand.k = number(assembler);
	expect(assembler, ']');
	return operand;
}

/* number "*" "(" "[" number "]" "&" number ")": only 4 and 0xf make sense */
static struct operand header_length(struct assembler *assembler)
{
	struct operand operand = { .kind = HEADER_LENGTH };
	const char *start = assembler->at;
	uint32_t factor = number(assembler), mask;

	expect(assembler, '*');
	expect(assembler, '(');
	expect(assembler, '[');
	operand.k = number(assembler);
	expect(assembler, ']');
	expect(assembler, '&');
	mask = number(assembler);
	expect(assembler, ')');
	if (factor != 4 || mask != 15)
		fail(assembler, start, (size_t)(assembler->at - start), "the only such operand is 4*([k]&0xf)");
	return operand;
}

/* A word: a register, memory, the length, an extension, a label. With HASH it had a '#' before it. */
static struct operand word(struct assembler *assembler, bool hash)
{
	struct operand operand = { .kind = LABEL, .at = assembler->at, .length = word_length(assembler->at) };
	enum classic_extension extension = extension_named(operand.at, operand.length);

	assembler->at += operand.length;
	if (extension != CLASSIC_NO_EXTENSION)
		return (struct operand){ .kind = EXTENSION, .k = extension_offset(extension) };
	if (word_is(operand.at, operand.length, "len"))
		return (struct operand){ .kind = LENGTH };
	if (hash)
		fail(assembler, operand.at, operand.length, "expected a number, 'len' or the name of an extension behind '#'");
	else if (word_is(operand.at, operand.length, "x"))
		return (struct operand){ .kind = INDEX };
	else if (word_is(operand.at, operand.length, "a"))
		return (struct operand){ .kind = ACCUMULATOR };
	else if (word_is(operand.at, operand.length, "M")) {
		expect(assembler, '[');
		operand = (struct operand){ .kind = MEMORY, .k = number(assembler) };
		expect(assembler, ']');
	}
	return operand;
}

static struct operand operand(struct assembler *assembler)
{
	struct operand none = { .kind = NOTHING };
	const char *start;
	uint32_t k;

	if (accept(assembler, '['))
		return bracket(assembler);
	if (accept(assembler, '#')) {
		skip(assembler);
		if (is_letter(*assembler->at))
			return word(assembler, true);
		k = number(assembler);
		return (struct operand){ .kind = CONSTANT, .k = k };
	}
	accept(assembler, '%');
	skip(assembler);
	if (is_letter(*assembler->at))
		return word(assembler, false);
	if (!begins_number(assembler->at)) {
		fail(assembler, assembler->at, token_length(assembler->at), "expected an operand");
		return none;
	}
	start = assembler->at;
	k = number(assembler);
	if (accept(assembler, '*')) {
		assembler->at = start;
		return header_length(assembler);
	}
	return (struct operand){ .kind = CONSTANT, .k = k }; /* ldi 7 */
}

/* ---- Instructions ---- */

static void emit(struct assembler *assembler, unsigned code, uint32_t k)
{
	vector_push(assembler->arena, &assembler->instructions, (struct sock_filter){ .code = (uint16_t)code, .k = k });
}

/* ld, ldh, ldb, ldi, ldx, ldxi, ldxb: whether the mnemonic is one of these. */
static bool load(struct assembler *assembler, const char *name, size_t length)
{
	bool index = length >= 3 && !memcmp(name, "ldx", 3), byte = word_is(name, length, "ldb"), half = word_is(name, length, "ldh");
	bool constant = word_is(name, length, "ldi") || word_is(name, length, "ldxi");
	unsigned class = index ? BPF_LDX : BPF_LD, size = byte ? BPF_B : half ? BPF_H : BPF_W;
	bool plain = word_is(name, length, "ld") || word_is(name, length, "ldx"), msh = word_is(name, length, "ldxb");
	struct operand of;

	if (!plain && !byte && !half && !constant && !msh)
		return false;
	of = operand(assembler);
	if (of.kind == CONSTANT && (plain || constant))
		emit(assembler, class | BPF_IMM, of.k);
	else if (of.kind == LENGTH && plain)
		emit(assembler, class | BPF_LEN, 0);
	else if (of.kind == MEMORY && plain)
		emit(assembler, class | BPF_MEM, of.k);
	else if (of.kind == HEADER_LENGTH && (msh || (plain && index)))
		emit(assembler, BPF_LDX | BPF_B | BPF_MSH, of.k);
	else if ((of.kind == ABSOLUTE || of.kind == EXTENSION) && !index && !constant)
		emit(assembler, BPF_LD | size | BPF_ABS, of.k);
	else if (of.kind == INDIRECT && !index && !constant)
		emit(assembler, BPF_LD | size | BPF_IND, of.k);
	else
		fail(assembler, name, length, arena_printf(assembler->arena, "'%.*s' cannot load that", (int)length, name));
	return true;
}

static void target(struct assembler *assembler, struct branch *branch, unsigned which)
{
	size_t length;

	skip(assembler);
	length = word_length(assembler->at);
	if (!length)
		fail(assembler, assembler->at, token_length(assembler->at), "expected a label");
	branch->labels[which] = assembler->at;
	branch->lengths[which] = length;
	assembler->at += length;
}

static bool jump(struct assembler *assembler, const char *name, size_t length)
{
	struct branch branch = { .instruction = (uint32_t)assembler->instructions.count };
	struct operand of;
	size_t i = 0;

	if (word_is(name, length, "jmp") || word_is(name, length, "ja")) {
		target(assembler, &branch, 0);
		emit(assembler, BPF_JMP | BPF_JA, 0);
		vector_push(assembler->arena, &assembler->branches, branch);
		return true;
	}
	while (i < COUNT(jumps) && !word_is(name, length, jumps[i].name))
		i++;
	if (i == COUNT(jumps))
		return false;
	of = operand(assembler);
	if (of.kind != CONSTANT && of.kind != INDEX)
		fail(assembler, name, length, arena_printf(assembler->arena, "'%.*s' compares with #k or x", (int)length, name));
	expect(assembler, ',');
	target(assembler, &branch, jumps[i].swapped);
	if (accept(assembler, ',')) {
		if (jumps[i].swapped)
			fail(assembler, name, length, arena_printf(assembler->arena, "'%.*s' has one label", (int)length, name));
		target(assembler, &branch, 1);
	}
	emit(assembler, BPF_JMP | jumps[i].code | (of.kind == INDEX ? BPF_X : BPF_K), of.k);
	vector_push(assembler->arena, &assembler->branches, branch);
	return true;
}

static bool calculation(struct assembler *assembler, const char *name, size_t length)
{
	struct operand of;
	size_t i = 0;

	if (word_is(name, length, "neg")) {
		emit(assembler, BPF_ALU | BPF_NEG, 0);
		return true;
	}
	while (i < COUNT(calculations) && !word_is(name, length, calculations[i].name))
		i++;
	if (i == COUNT(calculations))
		return false;
	of = operand(assembler);
	if (of.kind != CONSTANT && of.kind != INDEX)
		fail(assembler, name, length, arena_printf(assembler->arena, "'%.*s' takes #k or x", (int)length, name));
	emit(assembler, BPF_ALU | calculations[i].code | (of.kind == INDEX ? BPF_X : BPF_K), of.k);
	return true;
}

static bool other(struct assembler *assembler, const char *name, size_t length)
{
	struct operand of;

	if (word_is(name, length, "tax") || word_is(name, length, "txa")) {
		emit(assembler, BPF_MISC | (name[1] == 'a' ? BPF_TAX : BPF_TXA), 0);
		return true;
	}
	if (word_is(name, length, "ret")) {
		of = operand(assembler);
		if (of.kind != CONSTANT && of.kind != ACCUMULATOR)
			fail(assembler, name, length, "'ret' takes #k or a");
		emit(assembler, BPF_RET | (of.kind == CONSTANT ? BPF_K : BPF_A), of.k);
		return true;
	}
	if (!word_is(name, length, "st") && !word_is(name, length, "stx"))
		return false;
	of = operand(assembler);
	if (of.kind != MEMORY)
		fail(assembler, name, length, arena_printf(assembler->arena, "'%.*s' takes M[k]", (int)length, name));
	emit(assembler, length == 2 ? BPF_ST : BPF_STX, of.k);
	return true;
}

static void instruction(struct assembler *assembler)
{
	const char *name = assembler->at;
	size_t length = word_length(name);

	assembler->at += length;
	if (!length) {
		fail(assembler, name, token_length(name), "expected an instruction");
	} else if (accept(assembler, ':')) {
		vector_push(assembler->arena, &assembler->labels,
			    (struct label){ name, length, (uint32_t)assembler->instructions.count });
	} else if (!load(assembler, name, length) && !jump(assembler, name, length) && !calculation(assembler, name, length) &&
		   !other(assembler, name, length)) {
		fail(assembler, name, length, arena_printf(assembler->arena, "no instruction '%.*s'", (int)length, name));
	}
}

/* ---- Labels ---- */

/* How far it is from behind the instruction to a label. */
static uint32_t distance(struct assembler *assembler, const struct branch *branch, unsigned which, uint32_t most)
{
	const char *name = branch->labels[which];
	size_t length = branch->lengths[which];

	if (!name)
		return 0;
	for (size_t i = 0; i < assembler->labels.count; i++) {
		const struct label *label = &assembler->labels.items[i];

		if (label->length != length || memcmp(label->name, name, length) != 0)
			continue;
		if (label->instruction <= branch->instruction)
			fail(assembler, name, length, "jumps only go forward");
		else if (label->instruction - branch->instruction - 1 > most)
			fail(assembler, name, length, "a comparison jumps over 255 instructions at most; put a 'jmp' between");
		return label->instruction - branch->instruction - 1;
	}
	fail(assembler, name, length, arena_printf(assembler->arena, "no label '%.*s'", (int)length, name));
	return 0;
}

static void resolve(struct assembler *assembler)
{
	for (size_t i = 0; i < assembler->branches.count; i++) {
		const struct branch *branch = &assembler->branches.items[i];
		struct sock_filter *insn = &assembler->instructions.items[branch->instruction];

		if (insn->code == (BPF_JMP | BPF_JA)) {
			insn->k = distance(assembler, branch, 0, UINT32_MAX);
			continue;
		}
		insn->jt = (uint8_t)distance(assembler, branch, 0, UINT8_MAX);
		insn->jf = (uint8_t)distance(assembler, branch, 1, UINT8_MAX);
	}
}

bool classic_from_assembly(struct arena *arena, const char *text, struct classic_program *ret_program, struct classic_fault *ret_fault)
{
	struct assembler assembler = { .arena = arena, .text = text, .at = text };

	for (skip(&assembler); *assembler.at && !assembler.error; skip(&assembler)) {
		if (assembler.instructions.count > CLASSIC_LIMIT)
			fail(&assembler, assembler.at, 1, "more than 4096 instructions");
		instruction(&assembler);
	}
	if (!assembler.error)
		resolve(&assembler);
	if (!assembler.error && !assembler.instructions.count)
		fail(&assembler, text, 1, "no instruction");
	if (assembler.error) {
		*ret_fault = (struct classic_fault){ assembler.error, (size_t)(assembler.error_at - text), assembler.error_length };
		return false;
	}
	*ret_program = (struct classic_program){ (uint32_t)assembler.instructions.count, assembler.instructions.items };
	return true;
}
