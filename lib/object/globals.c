// SPDX-License-Identifier: GPL-2.0-only
/* Global variables of an object, by name: found in BTF, or, in objects that have none of them there, among the symbols. */
#include <arpa/inet.h>
#include <bpf/btf.h>
#include <elf.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "base/cleanup.h"
#include "object/object.h"

static const struct place nowhere;

struct variable {
	struct weir_map *map; /* of its section */
	size_t offset, size;
	const struct btf *btf;
	uint32_t type; /* 0: not known */
};

/* The section's map: libbpf calls it by the object's name and the section's, or by the section's alone. */
static struct weir_map *section_map(const struct weir_object *object, const char *section)
{
	size_t length = strlen(section);

	for (size_t i = 0; i < object->map_count; i++) {
		const char *name = bpf_map__name(object->maps[i].bpf);
		size_t name_length = strlen(name);

		if (bpf_map__is_internal(object->maps[i].bpf) && name_length >= length &&
		    strcmp(name + name_length - length, section) == 0 && (name_length == length || name[0] != '.'))
			return &object->maps[i];
	}
	return NULL;
}

static bool find_in_btf(const struct weir_object *object, const char *name, struct variable *ret_variable)
{
	const struct btf *btf = bpf_object__btf(object->bpf);

	for (uint32_t id = 1; btf && id < btf__type_cnt(btf); id++) {
		const struct btf_type *section = btf__type_by_id(btf, id);
		const struct btf_var_secinfo *item = btf_var_secinfos(section);
		const char *section_name = btf__name_by_offset(btf, section->name_off);

		for (uint32_t i = 0; btf_is_datasec(section) && i < btf_vlen(section); i++, item++) {
			const struct btf_type *variable = btf__type_by_id(btf, item->type);
			struct weir_map *map = section_map(object, section_name);

			if (!map || strcmp(btf__name_by_offset(btf, variable->name_off), name) != 0)
				continue;
			*ret_variable = (struct variable){ map, item->offset, item->size, btf, variable->type };
			return true;
		}
	}
	return false;
}

/* Objects of Rust have no BTF of their variables. The image was checked when it was opened. */
static bool find_in_symbols(const struct weir_object *object, const char *name, struct variable *ret_variable)
{
	const uint8_t *bytes = object->image;
	const Elf64_Ehdr *header = (const Elf64_Ehdr *)bytes;
	const Elf64_Shdr *sections = (const Elf64_Shdr *)(bytes + header->e_shoff);

	for (size_t table = 1; table < header->e_shnum; table++) {
		const Elf64_Sym *symbol = (const Elf64_Sym *)(bytes + sections[table].sh_offset);

		if (sections[table].sh_type != SHT_SYMTAB || sections[table].sh_link >= header->e_shnum)
			continue;
		for (size_t i = 0; i < sections[table].sh_size / sizeof(*symbol); i++, symbol++) {
			const char *names = (const char *)bytes + sections[sections[table].sh_link].sh_offset;
			const char *section_names = (const char *)bytes + sections[header->e_shstrndx].sh_offset;
			struct weir_map *map;

			if (ELF64_ST_TYPE(symbol->st_info) != STT_OBJECT || symbol->st_shndx >= header->e_shnum ||
			    symbol->st_name >= sections[sections[table].sh_link].sh_size ||
			    strcmp(names + symbol->st_name, name) != 0)
				continue;
			map = section_map(object, section_names + sections[symbol->st_shndx].sh_name);
			if (!map)
				continue;
			*ret_variable = (struct variable){ map, symbol->st_value, symbol->st_size, NULL, 0 };
			return true;
		}
	}
	return false;
}

static bool find_variable(const struct weir_object *object, const char *name, struct variable *ret_variable)
{
	return find_in_btf(object, name, ret_variable) || find_in_symbols(object, name, ret_variable);
}

/* What the program will see: before the load libbpf's copy, afterwards the map's own memory. NULL: it can be changed no more. */
static void *variable_memory(const struct weir_object *object, const struct variable *variable)
{
	struct weir_map *map = variable->map;
	size_t length = 0;
	char *image;

	if (!object->loaded) {
		image = (char *)bpf_map__initial_value(map->bpf, &length);
		return image && variable->offset + variable->size <= length ? image + variable->offset : NULL;
	}
	length = bpf_map__value_size(map->bpf);
	if (!map->memory && (bpf_map__map_flags(map->bpf) & BPF_F_MMAPABLE) &&
	    !(bpf_map__map_flags(map->bpf) & BPF_F_RDONLY_PROG)) {
		void *memory = mmap(NULL, length, PROT_READ | PROT_WRITE, MAP_SHARED, weir_map_fd(map), 0);

		map->memory = memory == MAP_FAILED ? NULL : memory;
	}
	return map->memory && variable->offset + variable->size <= length ? (char *)map->memory + variable->offset : NULL;
}

void *object_variable(const struct weir_object *object, const char *name, size_t size)
{
	struct variable variable;

	if (!find_variable(object, name, &variable) || variable.size != size)
		return NULL;
	return variable_memory(object, &variable);
}

/* The variable of that name, for writing. */
static int open_variable(struct weir_object *object, const char *name, struct diagnostics *diagnostics,
			 struct variable *ret_variable, void **ret_memory)
{
	if (!find_variable(object, name, ret_variable)) {
		diagnose(diagnostics, SEVERITY_ERROR, nowhere, "'%s' has no global variable '%s'", object->name, name);
		return -ENOENT;
	}
	*ret_memory = variable_memory(object, ret_variable);
	if (*ret_memory)
		return 0;
	diagnose(diagnostics, SEVERITY_ERROR, nowhere, "the global variable '%s' of '%s' can only be set before it is loaded",
		 name, object->name);
	return -EBUSY;
}

int object_set_global(struct weir_object *object, const char *name, const void *value, size_t length,
		      struct diagnostics *diagnostics)
{
	struct variable variable;
	void *memory;
	int r = open_variable(object, name, diagnostics, &variable, &memory);

	if (r)
		return r;
	if (variable.size != length) {
		diagnose(diagnostics, SEVERITY_ERROR, nowhere, "the global variable '%s' has %zu bytes, not %zu", name,
			 variable.size, length);
		return -EINVAL;
	}
	memcpy(memory, value, length);
	return 0;
}

/* ---- Values as text ---- */

struct text_type {
	size_t size;
	bool is_signed, is_char;
};

/* A number, a character, a truth value, or an address of as many bytes. */
static int parse_scalar(const struct text_type *type, const char *text, uint8_t *ret_bytes)
{
	unsigned long long number;
	char *end;

	if (type->size == 4 && inet_pton(AF_INET, text, ret_bytes) == 1)
		return 0;
	if (type->size == 16)
		return inet_pton(AF_INET6, text, ret_bytes) == 1 ? 0 : -EINVAL;
	if (strcmp(text, "true") == 0 || strcmp(text, "false") == 0) {
		number = text[0] == 't';
	} else if (text[0] == '\'' && text[1] && text[2] == '\'' && !text[3]) {
		number = (unsigned char)text[1];
	} else {
		errno = 0;
		number = strtoull(text, &end, 0);
		if (errno || *end || end == text)
			return errno ? -errno : -EINVAL;
		if (strchr(text, '-') &&
		    (!type->is_signed || (type->size < 8 && (long long)number < -(1ll << (type->size * 8 - 1)))))
			return -ERANGE;
		if (!strchr(text, '-') && type->size < 8 && number >> (type->size * 8 - type->is_signed))
			return -ERANGE;
	}
	if (type->size != 1 && type->size != 2 && type->size != 4 && type->size != 8)
		return -EINVAL;
	memcpy(ret_bytes, &number, type->size); /* the low bytes */
#if __BYTE_ORDER == __BIG_ENDIAN
	number <<= 64 - type->size * 8;
	memcpy(ret_bytes, &number, type->size);
#endif
	return 0;
}

static int parse_list(struct arena *arena, const struct text_type *type, const char *text, size_t count, uint8_t *ret_bytes)
{
	char *copy = arena_strdup(arena, text), *rest = NULL;
	size_t i = 0;

	for (char *item = strtok_r(copy, ",", &rest); item; item = strtok_r(NULL, ",", &rest), i++) {
		int r = i < count ? parse_scalar(type, item, ret_bytes + i * type->size) : -E2BIG;

		if (r)
			return r;
	}
	return 0;
}

/* By the variable's type, or, where that is not known, by its size. */
static int parse_value(struct arena *arena, const struct variable *variable, const char *text, uint8_t *ret_bytes)
{
	struct text_type type = { .size = variable->size, .is_signed = true };
	const struct btf_type *btf;
	size_t count = 0;
	int r;

	if (variable->type) {
		uint32_t id = variable->type;

		btf = btf__type_by_id(variable->btf, (uint32_t)btf__resolve_type(variable->btf, id));
		if (btf_is_array(btf)) {
			count = btf_array(btf)->nelems;
			btf = btf__type_by_id(variable->btf, (uint32_t)btf__resolve_type(variable->btf, btf_array(btf)->type));
		}
		if (!btf_is_int(btf) && !btf_is_any_enum(btf))
			return -ENOTSUP;
		type.size = btf->size;
		type.is_signed = btf_is_int(btf) && btf_int_encoding(btf) & BTF_INT_SIGNED;
		type.is_char = count && btf->size == 1 && type.is_signed;
	}
	if (count == 16 && type.size == 1 && inet_pton(AF_INET6, text, ret_bytes) == 1)
		return 0;
	r = type.is_char ? -EINVAL : count ? parse_list(arena, &type, text, count, ret_bytes) : parse_scalar(&type, text, ret_bytes);
	if (r != -EINVAL || !count || type.size != 1)
		return r;
	memset(ret_bytes, 0, count);
	if (strlen(text) >= count)
		return -E2BIG;
	memcpy(ret_bytes, text, strlen(text));
	return 0;
}

int object_set_global_text(struct weir_object *object, const char *name, const char *text, struct diagnostics *diagnostics)
{
	struct variable variable;
	uint8_t *bytes;
	void *memory;
	int r = open_variable(object, name, diagnostics, &variable, &memory);

	if (r)
		return r;
	bytes = arena_alloc(object->arena, variable.size + 16);
	r = parse_value(object->arena, &variable, text, bytes);
	if (!r) {
		memcpy(memory, bytes, variable.size);
		return 0;
	}
	if (r == -ENOTSUP)
		diagnose(diagnostics, SEVERITY_ERROR, nowhere, "the global variable '%s' is no number and no list of numbers",
			 name);
	else if (r == -ERANGE || r == -E2BIG)
		diagnose(diagnostics, SEVERITY_ERROR, nowhere,
			 "'%s' is too much for the global variable '%s', which has %zu byte%s", text, name, variable.size,
			 variable.size == 1 ? "" : "s");
	else
		diagnose(diagnostics, SEVERITY_ERROR, nowhere, "'%s' is no value for the global variable '%s' of %zu byte%s",
			 text, name, variable.size, variable.size == 1 ? "" : "s");
	return r;
}
