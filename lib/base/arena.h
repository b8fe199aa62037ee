/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Memory that lives as long as one compilation and is freed whole. Nothing in an arena is freed alone.
 * An arena never returns NULL: where the system gives no memory, the process ends with a message, since
 * limits.h bounds what a policy can ask for.
 */
#ifndef WEIR_BASE_ARENA_H
#define WEIR_BASE_ARENA_H

#include <stdarg.h>
#include <stddef.h>

/* With the address sanitizer each object has memory of its own, of its very size, so that a byte too far is seen. */
#if defined(__has_feature)
#define ARENA_SANITIZED __has_feature(address_sanitizer)
#elif defined(__SANITIZE_ADDRESS__)
#define ARENA_SANITIZED 1
#else
#define ARENA_SANITIZED 0
#endif

struct arena;

struct arena *arena_new(void);
void arena_free(struct arena *arena); /* NULL is fine */
void arena_freep(struct arena **arena);

/* Zeroed memory, aligned for any type. */
void *arena_alloc(struct arena *arena, size_t size);
void *arena_copy(struct arena *arena, const void *data, size_t size);
char *arena_strndup(struct arena *arena, const char *text, size_t length);
char *arena_strdup(struct arena *arena, const char *text);
char *arena_printf(struct arena *arena, const char *format, ...) __attribute__((format(printf, 2, 3)));
char *arena_vprintf(struct arena *arena, const char *format, va_list arguments);

#define arena_new_object(arena, type)	    ((type *)arena_alloc((arena), sizeof(type)))
#define arena_new_array(arena, type, count) ((type *)arena_alloc((arena), sizeof(type) * (count)))

/*
 * A growing array in an arena: VECTOR(struct thing) things = {0}; vector_push(arena, &things, thing);
 * then things.items[0 .. things.count). Growing moves the items: keep indexes, not pointers, while it grows.
 */
#define VECTOR(type)                                                                                                             \
	struct {                                                                                                                 \
		type *items;                                                                                                     \
		size_t count, capacity;                                                                                          \
	}

#define vector_reserve(arena, vector, more)                                                                                      \
	((vector)->items = (more) <= (vector)->capacity - (vector)->count                                                        \
				   ? (vector)->items                                                                             \
				   : vector_grow((arena), (vector)->items, (vector)->count, &(vector)->capacity, (more),         \
						 sizeof(*(vector)->items)))
#define vector_push(arena, vector, ...) (vector_reserve((arena), (vector), 1), (vector)->items[(vector)->count++] = (__VA_ARGS__))

void *vector_grow(struct arena *arena, void *items, size_t count, size_t *capacity, size_t more, size_t size);

#endif
