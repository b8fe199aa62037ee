// SPDX-License-Identifier: GPL-2.0-only
/* Members that a structure has by their type alone, written out. */
#include <stdlib.h>

#include "base/cleanup.h"
#include "observe/kernel_types.h"

#include "../../tap.h"

static char *expand(const char *text)
{
	char *result = NULL;
	size_t size;
	FILE *out = open_memstream(&result, &size);

	CHECK_NUMBER(kernel_types_expand(text, out), 0);
	fclose(out);
	return result;
}

static void check(const char *text, const char *wanted)
{
	_cleanup_free_ char *got = expand(text);

	CHECK_TEXT(got, wanted);
}

TEST(a_type_without_a_name_becomes_its_members)
{
	check("struct head {\n\tint a;\n\tlong b;\n} __attribute__((packed));\n\nstruct whole {\n\tstruct head;\n\tint c;\n};\n",
	      "struct head {\n\tint a;\n\tlong b;\n} __attribute__((packed));\n\nstruct whole {\n"
	      "\tstruct {\n\t\tint a;\n\t\tlong b;\n\t} __attribute__((packed));\n\tint c;\n};\n");
}

TEST(also_within_another_and_a_union)
{
	check("union u {\n\tint a;\n};\nstruct head {\n\tunion u;\n};\nstruct whole {\n\tstruct {\n\t\tstruct head;\n\t};\n};\n",
	      "union u {\n\tint a;\n};\nstruct head {\n\tunion {\n\t\tint a;\n\t};\n};\nstruct whole {\n\tstruct {\n"
	      "\t\tstruct {\n\t\t\tunion {\n\t\t\t\tint a;\n\t\t\t};\n\t\t};\n\t};\n};\n");
}

TEST(what_is_something_else_stays)
{
	static const char *const texts[] = {
		"",
		"struct head;\n",
		"struct whole {\n\tstruct head *next;\n\tstruct head first;\n\tstruct unknown;\n};\n",
		"typedef struct {\n\tint a;\n} t;\n",
		"no end of line",
	};

	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]) - 1; i++)
		check(texts[i], texts[i]);
	check(texts[4], "no end of line\n");
}

int main(void)
{
	RUN(a_type_without_a_name_becomes_its_members);
	RUN(also_within_another_and_a_union);
	RUN(what_is_something_else_stays);
	return tap_end();
}
