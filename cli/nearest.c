// SPDX-License-Identifier: GPL-2.0-only
/* What was meant by a mistyped word: the one with the fewest letters added, left out, changed or swapped. */
#include <string.h>

#include "cli.h"

#define LONGEST_WORD 32

static size_t minimum(size_t a, size_t b)
{
	return a < b ? a : b;
}

static size_t slips(const char *a, const char *b)
{
	size_t table[LONGEST_WORD + 1][LONGEST_WORD + 1], m = strlen(a), n = strlen(b);

	if (m > LONGEST_WORD || n > LONGEST_WORD)
		return LONGEST_WORD;
	for (size_t i = 0; i <= m; i++)
		for (size_t j = 0; j <= n; j++) {
			if (i == 0 || j == 0) {
				table[i][j] = i + j;
				continue;
			}
			table[i][j] = minimum(minimum(table[i - 1][j], table[i][j - 1]) + 1,
					      table[i - 1][j - 1] + (a[i - 1] != b[j - 1]));
			if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1])
				table[i][j] = minimum(table[i][j], table[i - 2][j - 2] + 1);
		}
	return table[m][n];
}

const char *nearest(const char *word, const char *const *words, size_t count)
{
	size_t least = strlen(word) / 2 + 1;
	const char *found = NULL;

	for (size_t i = 0; i < count; i++) {
		size_t far = slips(word, words[i]);

		if (far < least && far < strlen(words[i])) {
			least = far;
			found = words[i];
		}
	}
	return found;
}
