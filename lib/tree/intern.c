// SPDX-License-Identifier: GPL-2.0-only
/* An open hash table of numbers over a vector of entries. */
#include "tree/intern.h"

#include <string.h>

#define NO_ENTRY UINT32_MAX

struct entry {
	const void *data;
	size_t size;
	uint64_t hash;
};

struct intern_table {
	struct arena *arena;
	VECTOR(struct entry) entries;
	uint32_t *slots; /* numbers of entries; a power of two of them, less than half of them taken */
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

static uint64_t hash_bytes(const void *data, size_t size)
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
	return hash_mix(hash, word);
}

static void place_entry(struct intern_table *table, uint32_t number)
{
	size_t slot = table->entries.items[number].hash & (table->slot_count - 1);

	while (table->slots[slot] != NO_ENTRY)
		slot = (slot + 1) & (table->slot_count - 1);
	table->slots[slot] = number;
}

static void grow_slots(struct intern_table *table)
{
	table->slot_count = table->slot_count ? table->slot_count * 4 : 256;
	table->slots = arena_new_array(table->arena, uint32_t, table->slot_count);
	memset(table->slots, 0xff, table->slot_count * sizeof(*table->slots));
	for (uint32_t i = 0; i < table->entries.count; i++)
		place_entry(table, i);
}

uint32_t intern(struct intern_table *table, const void *data, size_t size)
{
	uint64_t hash = hash_bytes(data, size);
	struct entry entry = { .size = size, .hash = hash };

	if (table->entries.count * 2 >= table->slot_count)
		grow_slots(table);
	for (size_t slot = hash & (table->slot_count - 1); table->slots[slot] != NO_ENTRY;
	     slot = (slot + 1) & (table->slot_count - 1)) {
		const struct entry *there = &table->entries.items[table->slots[slot]];

		if (there->hash == hash && there->size == size && (size == 0 || memcmp(there->data, data, size) == 0))
			return table->slots[slot];
	}
	entry.data = arena_copy(table->arena, data, size);
	vector_push(table->arena, &table->entries, entry);
	place_entry(table, table->entries.count - 1);
	return table->entries.count - 1;
}

const void *intern_data(const struct intern_table *table, uint32_t number, size_t *ret_size)
{
	const struct entry *entry = &table->entries.items[number];

	if (ret_size)
		*ret_size = entry->size;
	return entry->data;
}

uint32_t intern_count(const struct intern_table *table)
{
	return table->entries.count;
}
