/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * TAP for tests in C. A test file is a list of functions whose names are sentences of behaviour:
 *
 *	TEST(a_prefix_is_a_range) { ... CHECK(x == y); CHECK_TEXT(got, "wanted"); }
 *	int main(void) { RUN(a_prefix_is_a_range); return tap_end(); }
 */
#ifndef WEIR_TESTS_TAP_H
#define WEIR_TESTS_TAP_H

#include <stdbool.h>
#include <stdio.h>
#include <string.h>

static int tap_count, tap_failures;
static bool tap_ok;

#define TEST(name) static void name(void)

#define CHECK(condition) \
	((condition) ? (void)0 : (void)(tap_ok = false, printf("# %s:%d: not so: %s\n", __FILE__, __LINE__, #condition)))

#define CHECK_NUMBER(got, wanted) tap_number((long long)(got), (long long)(wanted), #got, __FILE__, __LINE__)
#define CHECK_TEXT(got, wanted) tap_text((got), (wanted), #got, __FILE__, __LINE__)

#define RUN(name) \
	do { \
		tap_ok = true; \
		name(); \
		tap_result(#name); \
	} while (0)

#define SKIP(name, why) printf("ok %d - %s # SKIP %s\n", ++tap_count, #name, (why))

static inline void tap_number(long long got, long long wanted, const char *what, const char *file, int line)
{
	if (got == wanted)
		return;
	tap_ok = false;
	printf("# %s:%d: %s is %lld, wanted %lld\n", file, line, what, got, wanted);
}

static inline void tap_text(const char *got, const char *wanted, const char *what, const char *file, int line)
{
	if (got && strcmp(got, wanted) == 0)
		return;
	tap_ok = false;
	printf("# %s:%d: %s is\n#   %s\n# wanted\n#   %s\n", file, line, what, got ? got : "(null)", wanted);
}

static inline void tap_result(const char *name)
{
	char sentence[256];

	snprintf(sentence, sizeof(sentence), "%s", name);
	for (char *c = sentence; *c; c++)
		if (*c == '_')
			*c = ' ';
	printf("%sok %d - %s\n", tap_ok ? "" : "not ", ++tap_count, sentence);
	tap_failures += !tap_ok;
	fflush(stdout);
}

static inline int tap_end(void)
{
	printf("1..%d\n", tap_count);
	return tap_failures != 0;
}

#endif
