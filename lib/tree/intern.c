// SPDX-License-Identifier: GPL-2.0-only
/*
 * An open hash table over entries that lie each behind its size. Most of what is asked for is a cache miss, so a slot
 * holds as much of the hash as tells an entry from others without a look at it.
 */
#include "tree/intern.h"

#include <string.h>

#define NO_ENTRY UINT32_MAX

struct entry {
	size_t size;
	char data[];
};

struct slot {
	uint32_t hash, number;
};

struct intern_table {
	struct arena *arena;
	VECTOR(const struct entry *) entries;
	struct slot *slots; /* a power of two of them, less than half of them taken */
	size_t slot_count;
};

struct intern_table *intern_new(struct arena *arena)
{
	struct intern_table *table = arena_new_object(arena, struct intern_table);

	table->arena = arena;
	return table;
}

static uint64_t hash_mix(uint64_t hash, uint64_t word)
{
	hash = (hash ^ word) * 0x9e3779b97f4a7c15u;
	return hash ^ hash >> 32;
}

static uint32_t hash_bytes(const void *data, size_t size)
{
	const char *bytes = data;
	uint64_t hash = size, word;

	for (; size >= sizeof(word); bytes += sizeof(word), size -= sizeof(word)) {
		memcpy(&word, bytes, sizeof(word));
		hash = hash_mix(hash, word);
	}
	word = 0;
	if (size)
		memcpy(&word, bytes, size);
	return (uint32_t)hash_mix(hash, word);
}

static void place(struct intern_table *table, struct slot taken)
{
	size_t at = taken.hash & (table->slot_count - 1);

	while (table->slots[at].number != NO_ENTRY)
		at = (at + 1) & (table->slot_count - 1);
	table->slots[at] = taken;
}

static void grow_slots(struct intern_table *table)
{
	const struct slot *old = table->slots;
	size_t old_count = table->slot_count;

	table->slot_count = old_count ? old_count * 4 : 256;
	table->slots = arena_new_array(table->arena, struct slot, table->slot_count);
	memset(table->slots, 0xff, table->slot_count * sizeof(*table->slots));
	for (size_t i = 0; i < old_count; i++)
		if (old[i].number != NO_ENTRY)
			place(table, old[i]);
}

void intern_foresee(const struct intern_table *table, uint32_t hash)
{
	__builtin_prefetch(&table->slots[hash & (table->slot_count - 1)]);
}

uint32_t intern(struct intern_table *table, const void *data, size_t size)
{
	return intern_hashed(table, data, size, hash_bytes(data, size));
}

uint32_t intern_hashed(struct intern_table *table, const void *data, size_t size, uint32_t hash)
{
	struct slot asked = { hash, table->entries.count };
	struct entry *entry;

	if (table->entries.count * 2 >= table->slot_count)
		grow_slots(table);
	for (size_t at = asked.hash & (table->slot_count - 1); table->slots[at].number != NO_ENTRY;
	     at = (at + 1) & (table->slot_count - 1)) {
		const struct entry *there;

		if (table->slots[at].hash != asked.hash)
			continue;
		there = table->entries.items[table->slots[at].number];
		if (there->size == size && (size == 0 || memcmp(there->data, data, size) == 0))
			return table->slots[at].number;
	}
	entry = arena_alloc(table->arena, sizeof(*entry) + size);
	entry->size = size;
	if (size)
		memcpy(entry->data, data, size);
	vector_push(table->arena, &table->entries, entry);
	place(table, asked);
	return asked.number;
}

const void *intern_data(const struct intern_table *table, uint32_t number, size_t *ret_size)
{
	const struct entry *entry = table->entries.items[number];

	if (ret_size)
		*ret_size = entry->size;
	return entry->data;
}
