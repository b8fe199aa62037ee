// SPDX-License-Identifier: GPL-2.0-only
/*
 * In: an object as tc, Aya and libbpf before 1.0 take it, with a section `maps` in which each map is a row of numbers. Out: the
 * same object with a section `.maps`, each map of which is described by BTF, which is what libbpf takes since.
 *
 * Aya's loader takes an object without a licence for one under the GPL, so such an object of Aya's is given the section that says
 * so.
 *
 * No instruction, symbol or relocation is touched: the section is given another name, BTF for its maps is added to what the
 * object has (or made, where it has none), and names, BTF and the table of sections are written anew behind the old bytes. What
 * such an object says of a map is not trusted: every offset is held against the length.
 */
#include <bpf/btf.h>
#include <elf.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "object/object.h"

/* Words of a row: type, key size, value size, elements, flags; then tc's id, pinning, inner id, inner index. */
enum { ROW_TYPE, ROW_KEY, ROW_VALUE, ROW_ELEMENTS, ROW_FLAGS, ROW_ID, ROW_PINNING, ROW_INNER_ID, ROW_INNER_INDEX, ROW_WORDS };
#define ROW_WORDS_LEAST 4
#define ROW_WORDS_AYA	7 /* up to pinning */
#define MAPS_MOST	256

struct row {
	uint32_t words[ROW_WORDS];
	uint32_t offset, size; /* in the section */
	int type_id;	       /* of its BTF; 0: not made yet */
};

struct elf {
	uint8_t *bytes;
	size_t length;
	Elf64_Ehdr *header;
	Elf64_Shdr *sections;
	size_t section_count;
	size_t maps, symbols, btf, license; /* sections; 0: none */
};

struct rewrite {
	struct arena *arena;
	struct elf elf;
	VECTOR(struct row) rows;
	struct legacy_map *names; /* for each row */
	struct btf *btf;
	int byte_type;
	bool is_aya;
	const char *why;
};

static int wrong(struct rewrite *rewrite, const char *why)
{
	rewrite->why = why;
	return -EINVAL;
}

/* ---- Reading ---- */

/* One without bytes in the file, NOBITS, lies nowhere: nobody may look into it. */
static bool section_fits(const struct elf *elf, const Elf64_Shdr *section)
{
	return section->sh_type == SHT_NOBITS ||
	       (section->sh_offset <= elf->length && section->sh_size <= elf->length - section->sh_offset);
}

/* NULL: it does not end within its section. */
static const char *string_at(const struct elf *elf, size_t table, size_t offset)
{
	const Elf64_Shdr *section = &elf->sections[table];
	const char *text;

	if (section->sh_type != SHT_STRTAB || offset >= section->sh_size)
		return NULL;
	text = (const char *)elf->bytes + section->sh_offset + offset;
	return memchr(text, '\0', section->sh_size - offset) ? text : NULL;
}

static int find_sections(struct rewrite *rewrite)
{
	struct elf *elf = &rewrite->elf;

	for (size_t i = 1; i < elf->section_count; i++) {
		const char *name;

		if (!section_fits(elf, &elf->sections[i]))
			return wrong(rewrite, "a section lies outside of the file");
		name = string_at(elf, elf->header->e_shstrndx, elf->sections[i].sh_name);
		if (!name)
			return wrong(rewrite, "a section has no name");
		if (strcmp(name, "maps") == 0 && elf->sections[i].sh_type == SHT_PROGBITS)
			elf->maps = i;
		else if (strcmp(name, ".BTF") == 0 && elf->sections[i].sh_type == SHT_PROGBITS)
			elf->btf = i;
		else if (strcmp(name, "license") == 0)
			elf->license = i;
		else if (elf->sections[i].sh_type == SHT_SYMTAB)
			elf->symbols = i;
	}
	return 0;
}

static int read_elf(struct rewrite *rewrite)
{
	struct elf *elf = &rewrite->elf;
	Elf64_Ehdr *header = elf->header = (Elf64_Ehdr *)elf->bytes;

	if (elf->length < sizeof(*header) || memcmp(header->e_ident, ELFMAG, SELFMAG) != 0)
		return wrong(rewrite, "it is no ELF file");
	if (header->e_ident[EI_CLASS] != ELFCLASS64 || header->e_type != ET_REL ||
	    (header->e_machine != EM_BPF && header->e_machine != EM_NONE))
		return wrong(rewrite, "it is not compiled for eBPF");
	if (header->e_ident[EI_DATA] != (__BYTE_ORDER == __LITTLE_ENDIAN ? ELFDATA2LSB : ELFDATA2MSB))
		return wrong(rewrite, "it is compiled for the other byte order");
	if (header->e_shentsize != sizeof(Elf64_Shdr) || header->e_shnum == 0 || header->e_shoff % 8 ||
	    header->e_shoff > elf->length || header->e_shnum > (elf->length - header->e_shoff) / sizeof(Elf64_Shdr) ||
	    header->e_shstrndx >= header->e_shnum)
		return wrong(rewrite, "its table of sections is damaged");
	elf->sections = (Elf64_Shdr *)(elf->bytes + header->e_shoff);
	elf->section_count = header->e_shnum;
	if (!section_fits(elf, &elf->sections[header->e_shstrndx]))
		return wrong(rewrite, "its table of sections is damaged");
	return find_sections(rewrite);
}

static int by_offset(const void *a, const void *b)
{
	const struct row *x = a, *y = b;

	return x->offset < y->offset ? -1 : x->offset > y->offset;
}

/* A row's words, as far as it has them; anything behind them must be zero. */
static int read_row(struct rewrite *rewrite, struct row *row)
{
	const uint8_t *bytes = rewrite->elf.bytes + rewrite->elf.sections[rewrite->elf.maps].sh_offset + row->offset;
	uint32_t known = row->size < sizeof(row->words) ? row->size : sizeof(row->words);

	if (row->size < ROW_WORDS_LEAST * sizeof(uint32_t))
		return wrong(rewrite, "a map of its section 'maps' is too short");
	memcpy(row->words, bytes, known / sizeof(uint32_t) * sizeof(uint32_t));
	for (uint32_t i = known; i < row->size; i++)
		if (bytes[i])
			return wrong(rewrite, "a map of its section 'maps' has a form that weir does not know");
	return 0;
}

static int read_rows(struct rewrite *rewrite)
{
	struct elf *elf = &rewrite->elf;
	const Elf64_Shdr *maps = &elf->sections[elf->maps], *table = elf->symbols ? &elf->sections[elf->symbols] : NULL;
	const Elf64_Sym *symbols = table ? (const Elf64_Sym *)(elf->bytes + table->sh_offset) : NULL;
	size_t count = table ? table->sh_size / sizeof(*symbols) : 0;

	if (!table || table->sh_offset % 8 || table->sh_link >= elf->section_count)
		return wrong(rewrite, "it has no symbols");
	for (size_t i = 0; i < count; i++) {
		const char *name;

		if (symbols[i].st_shndx != elf->maps || ELF64_ST_TYPE(symbols[i].st_info) == STT_SECTION)
			continue;
		name = string_at(elf, table->sh_link, symbols[i].st_name);
		if (!name || !*name || symbols[i].st_value >= maps->sh_size)
			return wrong(rewrite, "a map's symbol is damaged");
		vector_push(rewrite->arena, &rewrite->rows,
			    (struct row){ .offset = (uint32_t)symbols[i].st_value, .type_id = (int)symbols[i].st_name });
	}
	if (rewrite->rows.count > MAPS_MOST)
		return wrong(rewrite, "it has more than 256 maps");
	if (rewrite->rows.count == 0)
		return wrong(rewrite, "no symbol names the maps of its section 'maps'");
	qsort(rewrite->rows.items, rewrite->rows.count, sizeof(struct row), by_offset);
	rewrite->names = arena_new_array(rewrite->arena, struct legacy_map, rewrite->rows.count);
	for (size_t i = 0; i < rewrite->rows.count; i++) {
		struct row *row = &rewrite->rows.items[i];
		size_t end = i + 1 < rewrite->rows.count ? row[1].offset : maps->sh_size;
		int r;

		row->size = (uint32_t)(end - row->offset);
		rewrite->names[i].name = arena_strdup(rewrite->arena, string_at(elf, table->sh_link, (size_t)row->type_id));
		row->type_id = 0;
		r = read_row(rewrite, row);
		if (r)
			return r;
		rewrite->is_aya |= row->size == ROW_WORDS_AYA * sizeof(uint32_t);
		rewrite->names[i].is_tc = row->size >= ROW_WORDS * sizeof(uint32_t);
		rewrite->names[i].id = row->words[ROW_ID];
		rewrite->names[i].pinning = row->words[ROW_PINNING];
		rewrite->names[i].inner_id = row->words[ROW_INNER_ID];
		rewrite->names[i].inner_index = row->words[ROW_INNER_INDEX];
	}
	return 0;
}

/* ---- BTF: a map is a struct whose members are pointers to arrays of as many elements as the number says ---- */

static int add_number(struct btf *btf, int byte_type, uint32_t number)
{
	int array = btf__add_array(btf, byte_type, byte_type, number);

	return array < 0 ? array : btf__add_ptr(btf, array);
}

static bool holds_maps(const struct row *row)
{
	return row->words[ROW_TYPE] == BPF_MAP_TYPE_ARRAY_OF_MAPS || row->words[ROW_TYPE] == BPF_MAP_TYPE_HASH_OF_MAPS;
}

/* The members `values` of an outer map: an array without elements of pointers to the inner map's struct. */
static int add_inner(struct rewrite *rewrite, const struct row *row)
{
	for (size_t i = 0; i < rewrite->rows.count; i++) {
		const struct row *inner = &rewrite->rows.items[i];
		int pointer;

		if (inner == row || holds_maps(inner) || inner->words[ROW_ID] != row->words[ROW_INNER_ID])
			continue;
		pointer = btf__add_ptr(rewrite->btf, inner->type_id);
		return pointer < 0 ? pointer : btf__add_array(rewrite->btf, rewrite->byte_type, pointer, 0);
	}
	return wrong(rewrite, "a map of maps names no inner map");
}

static int describe_row(struct rewrite *rewrite, struct row *row)
{
	static const char *const names[] = { "type", "key_size", "value_size", "max_entries", "map_flags" };
	int pointers[ROW_FLAGS + 1], values = 0, r = 0;

	for (int i = 0; i <= ROW_FLAGS; i++) {
		pointers[i] = add_number(rewrite->btf, rewrite->byte_type, row->words[i]);
		if (pointers[i] < 0)
			return pointers[i];
	}
	if (holds_maps(row))
		values = add_inner(rewrite, row);
	if (values < 0)
		return values;
	row->type_id = btf__add_struct(rewrite->btf, NULL, row->size);
	if (row->type_id < 0)
		return row->type_id;
	/* All at the beginning: nobody reads the bytes, and the struct is as long as the row. */
	for (int i = 0; i <= ROW_FLAGS && !r; i++)
		r = btf__add_field(rewrite->btf, names[i], pointers[i], 0, 0);
	return r || !values ? r : btf__add_field(rewrite->btf, "values", values, 0, 0);
}

static int add_section(struct rewrite *rewrite)
{
	int variables[MAPS_MOST], r;

	for (size_t i = 0; i < rewrite->rows.count; i++) {
		variables[i] = btf__add_var(rewrite->btf, rewrite->names[i].name, BTF_VAR_GLOBAL_ALLOCATED,
					    rewrite->rows.items[i].type_id);
		if (variables[i] < 0)
			return variables[i];
	}
	r = btf__add_datasec(rewrite->btf, ".maps", (uint32_t)rewrite->elf.sections[rewrite->elf.maps].sh_size);
	for (size_t i = 0; r >= 0 && i < rewrite->rows.count; i++)
		r = btf__add_datasec_var_info(rewrite->btf, variables[i], rewrite->rows.items[i].offset,
					      rewrite->rows.items[i].size);
	return r < 0 ? r : 0;
}

/* What clang said of the section `maps` speaks of a section that is not there any more: it becomes the description of nothing. */
static void forget_section(struct btf *btf, int byte_type)
{
	for (uint32_t id = 1; id < btf__type_cnt(btf); id++) {
		struct btf_type *type = (struct btf_type *)btf__type_by_id(btf, id);
		const struct btf_var_secinfo *variables = btf_var_secinfos(type);
		const char *name = btf__name_by_offset(btf, type->name_off);
		uint32_t count = btf_vlen(type);

		if (!btf_is_datasec(type) || !name || strcmp(name, "maps") != 0)
			continue;
		/* As long as before, so that the types behind it stay where they are: a struct has members of the same size. */
		type->info = (uint32_t)BTF_KIND_STRUCT << 24 | count;
		type->size = 1;
		type->name_off = 0;
		for (uint32_t i = 0; i < count; i++)
			*(struct btf_member *)&variables[i] = (struct btf_member){ .type = (uint32_t)byte_type };
	}
}

static int describe(struct rewrite *rewrite)
{
	const Elf64_Shdr *old = rewrite->elf.btf ? &rewrite->elf.sections[rewrite->elf.btf] : NULL;
	int r = 0;

	rewrite->btf = old ? btf__new(rewrite->elf.bytes + old->sh_offset, (uint32_t)old->sh_size) : btf__new_empty();
	if (!rewrite->btf)
		return wrong(rewrite, "its BTF is damaged");
	rewrite->byte_type = btf__add_int(rewrite->btf, "unsigned char", 1, 0);
	if (rewrite->byte_type < 0)
		return rewrite->byte_type;
	forget_section(rewrite->btf, rewrite->byte_type);
	/* Inner maps first: the struct of an outer one points to theirs. */
	for (int outer = 0; outer < 2; outer++)
		for (size_t i = 0; i < rewrite->rows.count && r >= 0; i++)
			if (holds_maps(&rewrite->rows.items[i]) == outer)
				r = describe_row(rewrite, &rewrite->rows.items[i]);
	return r < 0 ? r : add_section(rewrite);
}

/* ---- Writing ---- */

static const char new_names[] = "\0.maps\0.BTF\0license\0GPL";
#define NAME_MAPS    1
#define NAME_BTF     7
#define NAME_LICENSE 12
#define LICENSE	     20

static size_t aligned(size_t offset)
{
	return (offset + 7) & ~(size_t)7;
}

static int write_elf(struct rewrite *rewrite, void **ret_image, size_t *ret_length)
{
	struct elf *elf = &rewrite->elf;
	const Elf64_Shdr *old_names = &elf->sections[elf->header->e_shstrndx];
	size_t names_at = aligned(elf->length), names_length = old_names->sh_size + sizeof(new_names);
	size_t btf_at = aligned(names_at + names_length), table_at, sections = elf->section_count;
	bool needs_license = rewrite->is_aya && !elf->license;
	_cleanup_free_ uint8_t *image = NULL;
	uint32_t btf_length;
	const void *btf = btf__raw_data(rewrite->btf, &btf_length);
	Elf64_Shdr *table;

	table_at = aligned(btf_at + btf_length);
	image = btf ? calloc(1, table_at + (sections + 2) * sizeof(Elf64_Shdr)) : NULL;
	if (!image || sections + 2 > UINT16_MAX)
		return -ENOMEM;
	memcpy(image, elf->bytes, elf->length);
	memcpy(image + names_at, elf->bytes + old_names->sh_offset, old_names->sh_size);
	memcpy(image + names_at + old_names->sh_size, new_names, sizeof(new_names));
	memcpy(image + btf_at, btf, btf_length);
	table = (Elf64_Shdr *)(image + table_at);
	memcpy(table, elf->sections, elf->section_count * sizeof(Elf64_Shdr));
	table[elf->maps].sh_name = (uint32_t)(old_names->sh_size + NAME_MAPS);
	table[elf->header->e_shstrndx].sh_offset = names_at;
	table[elf->header->e_shstrndx].sh_size = names_length;
	if (!elf->btf)
		table[sections++] = (Elf64_Shdr){ .sh_name = (uint32_t)(old_names->sh_size + NAME_BTF),
						  .sh_type = SHT_PROGBITS,
						  .sh_addralign = 8 };
	table[elf->btf ? elf->btf : elf->section_count].sh_offset = btf_at;
	table[elf->btf ? elf->btf : elf->section_count].sh_size = btf_length;
	if (needs_license)
		table[sections++] = (Elf64_Shdr){ .sh_name = (uint32_t)(old_names->sh_size + NAME_LICENSE),
						  .sh_type = SHT_PROGBITS,
						  .sh_offset = names_at + old_names->sh_size + LICENSE,
						  .sh_size = sizeof("GPL"),
						  .sh_addralign = 1 };
	((Elf64_Ehdr *)image)->e_shoff = table_at;
	((Elf64_Ehdr *)image)->e_shnum = (uint16_t)sections;
	*ret_length = table_at + sections * sizeof(Elf64_Shdr);
	*ret_image = TAKE_PTR(image);
	return 0;
}

int modern_elf(struct arena *arena, void **image, size_t *length, struct legacy_maps *ret_maps, const char **ret_why)
{
	struct rewrite rewrite = { .arena = arena, .elf = { .bytes = *image, .length = *length } };
	void *modern = NULL;
	int r = read_elf(&rewrite);

	if (!r && rewrite.elf.maps && rewrite.elf.sections[rewrite.elf.maps].sh_size) {
		r = read_rows(&rewrite);
		r = r ? r : describe(&rewrite);
		r = r ? r : write_elf(&rewrite, &modern, length);
	}
	btf__free(rewrite.btf);
	if (r) {
		*ret_why = rewrite.why ? rewrite.why : "its maps cannot be described";
		return r;
	}
	*ret_maps = (struct legacy_maps){ .count = rewrite.rows.count, .items = rewrite.names };
	if (modern) {
		free(*image);
		*image = modern;
	}
	return 0;
}
