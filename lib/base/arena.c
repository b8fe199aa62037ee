// SPDX-License-Identifier: GPL-2.0-only
#include "base/arena.h"

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Chunks get larger as they get many: a small arena takes little, a large one is not taken in ten thousand parts. */
#if !ARENA_SANITIZED
#define FIRST_CHUNK ((size_t)64 << 10)
#define MOST_CHUNK  ((size_t)4 << 20)
#define ALIGNMENT   _Alignof(max_align_t)
#else
#define FIRST_CHUNK ((size_t)0)
#define MOST_CHUNK  ((size_t)0)
#define ALIGNMENT   ((size_t)1)
#endif

struct chunk {
	struct chunk *next;
	size_t used, size;
	_Alignas(max_align_t) char data[];
};

struct arena {
	struct chunk *chunks; /* the first one is the one in use */
	size_t next_chunk;
};

static void *must(void *memory)
{
	if (!memory) {
		fputs("weir: the system gives no more memory\n", stderr);
		abort();
	}
	return memory;
}

struct arena *arena_new(void)
{
	struct arena *arena = must(calloc(1, sizeof(struct arena)));

	arena->next_chunk = FIRST_CHUNK;
	return arena;
}

void arena_free(struct arena *arena)
{
	if (!arena)
		return;
	while (arena->chunks) {
		struct chunk *chunk = arena->chunks;

		arena->chunks = chunk->next;
		free(chunk);
	}
	free(arena);
}

void arena_freep(struct arena **arena)
{
	arena_free(*arena);
	*arena = NULL;
}

void *arena_alloc(struct arena *arena, size_t size)
{
	struct chunk *chunk = arena->chunks;
	void *memory;

	if (size > SIZE_MAX / 2)
		must(NULL);
	size = (size + ALIGNMENT - 1) & ~(ALIGNMENT - 1);
	if (!chunk || chunk->size - chunk->used < size) {
		/* A large object gets a chunk of its own behind the one in use, whose rest stays usable. */
		size_t chunk_size = size > arena->next_chunk / 4 ? size : arena->next_chunk;
		struct chunk *fresh = must(calloc(1, sizeof(struct chunk) + chunk_size));

		fresh->size = chunk_size;
		if (chunk && chunk_size == size) {
			fresh->next = chunk->next;
			chunk->next = fresh;
		} else {
			fresh->next = chunk;
			arena->chunks = fresh;
			arena->next_chunk *= arena->next_chunk < MOST_CHUNK ? 2 : 1;
		}
		chunk = fresh;
	}
	memory = chunk->data + chunk->used;
	chunk->used += size;
	return memory;
}

void *arena_copy(struct arena *arena, const void *data, size_t size)
{
	void *copy = arena_alloc(arena, size);

	if (size)
		memcpy(copy, data, size);
	return copy;
}

char *arena_strndup(struct arena *arena, const char *text, size_t length)
{
	char *copy = arena_alloc(arena, length + 1);

	if (length)
		memcpy(copy, text, length);
	return copy;
}

char *arena_strdup(struct arena *arena, const char *text)
{
	return arena_strndup(arena, text, strlen(text));
}

char *arena_vprintf(struct arena *arena, const char *format, va_list arguments)
{
	va_list again;
	char *text;
	int length;

	va_copy(again, arguments);
	length = vsnprintf(NULL, 0, format, arguments);
	text = arena_alloc(arena, (size_t)length + 1);
	vsnprintf(text, (size_t)length + 1, format, again);
	va_end(again);
	return text;
}

char *arena_printf(struct arena *arena, const char *format, ...)
{
	va_list arguments;
	char *text;

	va_start(arguments, format);
	text = arena_vprintf(arena, format, arguments);
	va_end(arguments);
	return text;
}

/* Most vectors stay as short as this, and a policy has tens of thousands of them. */
#define FIRST_BYTES 64

void *vector_grow(struct arena *arena, void *items, size_t count, size_t *capacity, size_t more, size_t size)
{
	size_t wanted = count + more;
	void *grown;

	if (wanted <= *capacity)
		return items;
	if (wanted < *capacity * 2)
		wanted = *capacity * 2;
	if (wanted < FIRST_BYTES / size)
		wanted = FIRST_BYTES / size;
	if (wanted > SIZE_MAX / 2 / size)
		must(NULL);
	grown = arena_alloc(arena, wanted * size);
	if (count)
		memcpy(grown, items, count * size);
	*capacity = wanted;
	return grown;
}
