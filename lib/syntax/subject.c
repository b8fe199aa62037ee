// SPDX-License-Identifier: GPL-2.0-only
#include "syntax/ast.h"

const char *subject_words(enum subject subject)
{
	static const char *const words[] = {
#define X(id, text, type) text,
		SUBJECTS(X)
#undef X
	};

	return words[subject];
}

enum value_type subject_type(enum subject subject)
{
	static const enum value_type types[] = {
#define X(id, text, type) TYPE_##type,
		SUBJECTS(X)
#undef X
	};

	return types[subject];
}
