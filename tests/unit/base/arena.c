// SPDX-License-Identifier: GPL-2.0-only
#include "base/arena.h"

#include <stdint.h>

#include "../../tap.h"

TEST(memory_is_zeroed_and_aligned)
{
	struct arena *arena = arena_new();
	bool zero = true, aligned = true;

	for (size_t size = 0; size < 3000; size += 7) {
		unsigned char *memory = arena_alloc(arena, size);

		aligned &= (uintptr_t)memory % _Alignof(max_align_t) == 0;
		for (size_t i = 0; i < size; i++)
			zero &= memory[i] == 0;
		memset(memory, 0xff, size);
	}
	CHECK(zero);
	CHECK(aligned);
	arena_free(arena);
}

TEST(a_large_object_does_not_disturb_small_ones)
{
	struct arena *arena = arena_new();
	char *before = arena_strdup(arena, "before"), *large = arena_alloc(arena, 1 << 20), *after = arena_strdup(arena, "after");

	memset(large, 0xff, 1 << 20);
	CHECK_TEXT(before, "before");
	CHECK_TEXT(after, "after");
	CHECK(ARENA_SANITIZED || after - before == 16);
	arena_free(arena);
}

TEST(a_vector_grows_and_keeps_its_items)
{
	struct arena *arena = arena_new();
	VECTOR(uint32_t) numbers = { 0 };
	bool same = true;

	for (uint32_t i = 0; i < 100000; i++)
		vector_push(arena, &numbers, i);
	for (uint32_t i = 0; i < 100000; i++)
		same &= numbers.items[i] == i;
	CHECK_NUMBER(numbers.count, 100000);
	CHECK(numbers.capacity >= numbers.count);
	CHECK(same);
	vector_reserve(arena, &numbers, 1000000);
	CHECK(numbers.capacity >= 1100000);
	CHECK_NUMBER(numbers.count, 100000);
	arena_free(arena);
}

TEST(texts_are_copied_and_ended)
{
	struct arena *arena = arena_new();

	CHECK_TEXT(arena_strndup(arena, "abcdef", 3), "abc");
	CHECK_TEXT(arena_strndup(arena, "", 0), "");
	CHECK_TEXT(arena_printf(arena, "%s-%d", "x", 7), "x-7");
	CHECK(memcmp(arena_copy(arena, "ab\0c", 4), "ab\0c", 4) == 0);
	CHECK(arena_copy(arena, NULL, 0) != NULL);
	arena_free(arena);
}

TEST(freeing_nothing_is_fine)
{
	struct arena *arena = NULL;

	arena_free(NULL);
	arena_freep(&arena);
	arena = arena_new();
	arena_freep(&arena);
	CHECK(arena == NULL);
}

int main(void)
{
	RUN(memory_is_zeroed_and_aligned);
	RUN(a_large_object_does_not_disturb_small_ones);
	RUN(a_vector_grows_and_keeps_its_items);
	RUN(texts_are_copied_and_ended);
	RUN(freeing_nothing_is_fine);
	return tap_end();
}
