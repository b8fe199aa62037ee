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

/* libbpf does not look whether names lie within BTF: one that does not is "". */
static const char *name_at(const struct btf *btf, uint32_t offset)
{
	const char *name = btf__name_by_offset(btf, offset);

	return name ? name : "";
}

static bool find_in_btf(const struct weir_object *object, const char *name, struct variable *ret_variable)
{
	const struct btf *btf = bpf_object__btf(object->bpf);

	for (uint32_t id = 1; btf && id < btf__type_cnt(btf); id++) {
		const struct btf_type *section = btf__type_by_id(btf, id);
		const struct btf_var_secinfo *item = btf_var_secinfos(section);
		const char *section_name = name_at(btf, section->name_off);

		for (uint32_t i = 0; btf_is_datasec(section) && i < btf_vlen(section); i++, item++) {
			const struct btf_type *variable = btf__type_by_id(btf, item->type);
			struct weir_map *map = section_map(object, section_name);

			if (!map || !variable || strcmp(name_at(btf, variable->name_off), name) != 0)
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

/* All that BTF tells of; NULL: none. */
static const char *variable_names(struct arena *arena, const struct weir_object *object)
{
	const struct btf *btf = bpf_object__btf(object->bpf);
	const char *names = NULL;

	for (uint32_t id = 1; btf && id < btf__type_cnt(btf); id++) {
		const struct btf_type *section = btf__type_by_id(btf, id);

		if (!btf_is_datasec(section) || !section_map(object, name_at(btf, section->name_off)))
			continue;
		for (uint32_t i = 0; i < btf_vlen(section); i++) {
			const struct btf_type *variable = btf__type_by_id(btf, btf_var_secinfos(section)[i].type);
			const char *name = variable ? name_at(btf, variable->name_off) : "";

			if (*name && strcmp(name, "weir_log_control") != 0)
				names = names ? arena_printf(arena, "%s, %s", names, name) : name;
		}
	}
	return names;
}

/* The variable of that name, for writing. */
static int open_variable(struct weir_object *object, const char *name, struct diagnostics *diagnostics,
			 struct variable *ret_variable, void **ret_memory)
{
	if (!find_variable(object, name, ret_variable)) {
		const char *names = variable_names(diagnostics->arena, object);
		struct diagnostic *said =
			diagnose(diagnostics, SEVERITY_ERROR, nowhere, "'%s' has no global variable '%s'", object->name, name);

		if (names)
			diagnostic_hint(diagnostics, said, "it has %s", names);
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
	size_t size, count; /* count: of an array; 0: it is none */
	int64_t least;
	uint64_t most;
	bool is_char, is_bool;
	const struct btf *btf;
	const struct btf_type *names; /* of an enum; NULL: none */
};

/* By the variable's type; where that is not known, by its size, and with or without a sign. */
static int find_type(const struct variable *variable, struct text_type *ret_type)
{
	struct text_type type = { .size = variable->size, .btf = variable->btf };
	bool is_signed = false, is_unsigned = false;
	unsigned int bits;

	if (variable->type) {
		const struct btf_type *btf =
			btf__type_by_id(variable->btf, (uint32_t)btf__resolve_type(variable->btf, variable->type));

		if (btf_is_array(btf)) {
			type.count = btf_array(btf)->nelems;
			btf = btf__type_by_id(variable->btf, (uint32_t)btf__resolve_type(variable->btf, btf_array(btf)->type));
		}
		if (!btf_is_int(btf) && !btf_is_any_enum(btf))
			return -ENOTSUP;
		type.size = btf->size;
		type.names = btf_is_int(btf) ? NULL : btf;
		is_signed = btf_is_int(btf) && btf_int_encoding(btf) & BTF_INT_SIGNED;
		is_unsigned = btf_is_int(btf) && !is_signed;
		type.is_bool = btf_is_int(btf) && btf_int_encoding(btf) & BTF_INT_BOOL;
		type.is_char = type.count && btf->size == 1 && is_signed;
	}
	if (type.size != 1 && type.size != 2 && type.size != 4 && type.size != 8)
		return -ENOTSUP;
	bits = (unsigned int)type.size * 8;
	type.least = is_unsigned ? 0 : INT64_MIN >> (64 - bits);
	type.most = type.is_bool ? 1 : is_signed ? (uint64_t)INT64_MAX >> (64 - bits) : UINT64_MAX >> (64 - bits);
	*ret_type = type;
	return 0;
}

/* An address of as many bytes: IPv4, Ethernet, IPv6. */
static bool parse_address(const char *text, size_t size, uint8_t *ret_bytes)
{
	int end = 0;

	if (size == 4 || size == 16)
		return inet_pton(size == 4 ? AF_INET : AF_INET6, text, ret_bytes) == 1;
	return size == 6 && strlen(text) == 17 &&
	       sscanf(text, "%2hhx:%2hhx:%2hhx:%2hhx:%2hhx:%2hhx%n", &ret_bytes[0], &ret_bytes[1], &ret_bytes[2], &ret_bytes[3],
		      &ret_bytes[4], &ret_bytes[5], &end) == 6 &&
	       end == 17;
}

static bool find_enumerator(const struct text_type *type, const char *text, uint64_t *ret_number)
{
	for (uint16_t i = 0; type->names && i < btf_vlen(type->names); i++) {
		bool wide = btf_is_enum64(type->names);
		uint32_t name = wide ? btf_enum64(type->names)[i].name_off : btf_enum(type->names)[i].name_off;

		if (strcmp(name_at(type->btf, name), text) != 0)
			continue;
		*ret_number = wide ? btf_enum64_value(&btf_enum64(type->names)[i]) : (uint64_t)btf_enum(type->names)[i].val;
		return true;
	}
	return false;
}

static int parse_integer(const struct text_type *type, const char *text, uint64_t *ret_number)
{
	bool negative = text[0] == '-';
	uint64_t number;
	char *end;

	if (text[negative] < '0' || text[negative] > '9')
		return -EINVAL;
	errno = 0;
	number = negative ? (uint64_t)strtoll(text, &end, 0) : strtoull(text, &end, 0);
	if (*end)
		return -EINVAL;
	if (errno || (negative ? (int64_t)number < type->least : number > type->most))
		return -ERANGE;
	*ret_number = number;
	return 0;
}

/* A number, a character, a truth value, or a name of an enum's. */
static int parse_scalar(const struct text_type *type, const char *text, uint8_t *ret_bytes)
{
	uint64_t number;
	int r = 0;

	if (strcmp(text, "true") == 0 || strcmp(text, "false") == 0)
		number = text[0] == 't';
	else if (text[0] == '\'' && text[1] && text[2] == '\'' && !text[3])
		number = (unsigned char)text[1];
	else if (!find_enumerator(type, text, &number))
		r = parse_integer(type, text, &number);
	if (r)
		return r;
#if __BYTE_ORDER == __BIG_ENDIAN
	number <<= 64 - type->size * 8;
#endif
	memcpy(ret_bytes, &number, type->size); /* the low bytes */
	return 0;
}

/* What is not in the list is 0. */
static int parse_list(struct arena *arena, const struct text_type *type, const char *text, uint8_t *ret_bytes)
{
	char *copy = arena_strdup(arena, text), *rest = NULL;
	size_t i = 0;

	for (char *item = strtok_r(copy, ",", &rest); item; item = strtok_r(NULL, ",", &rest), i++) {
		int r = i < type->count ? parse_scalar(type, item, ret_bytes + i * type->size) : -ERANGE;

		if (r)
			return r;
	}
	return i ? 0 : -EINVAL;
}

static int parse_value(struct arena *arena, const struct text_type *type, const char *text, uint8_t *ret_bytes)
{
	int r = type->is_char ? -EINVAL
		: type->count ? parse_list(arena, type, text, ret_bytes)
			      : parse_scalar(type, text, ret_bytes);

	if (r != -EINVAL || !type->count || type->size != 1)
		return r;
	if (strlen(text) >= type->count)
		return -ERANGE;
	memset(ret_bytes, 0, type->count);
	memcpy(ret_bytes, text, strlen(text));
	return 0;
}

/* What would have been one. */
static const char *value_hint(struct arena *arena, const struct text_type *type, size_t size)
{
	const char *address = size == 4	   ? ", or an IPv4 address"
			      : size == 6  ? ", or an Ethernet address"
			      : size == 16 ? ", or an IPv6 address"
					   : "";
	const char *result = "one of";

	if (type->is_char)
		return arena_printf(arena, "it takes text of up to %zu bytes", type->count - 1);
	if (type->is_bool && !type->count)
		return "it takes true or false";
	for (uint16_t i = 0; type->names && i < btf_vlen(type->names) && i < 16; i++)
		result = arena_printf(arena, "%s %s,", result,
				      name_at(type->btf, btf_is_enum64(type->names) ? btf_enum64(type->names)[i].name_off
										    : btf_enum(type->names)[i].name_off));
	if (type->names)
		return arena_printf(arena, "it takes %s or a number", result);
	if (type->count)
		return arena_printf(arena, "it takes up to %zu numbers from %lld to %llu, with commas%s%s", type->count,
				    (long long)type->least, (unsigned long long)type->most, type->size == 1 ? ", or text" : "",
				    address);
	return arena_printf(arena, "it takes a number from %lld to %llu%s", (long long)type->least,
			    (unsigned long long)type->most, address);
}

int object_set_global_text(struct weir_object *object, const char *name, const char *text, struct diagnostics *diagnostics)
{
	struct text_type type = { 0 };
	struct diagnostic *said;
	struct variable variable;
	uint8_t *bytes;
	void *memory;
	int r = open_variable(object, name, diagnostics, &variable, &memory);

	if (r)
		return r;
	bytes = arena_alloc(object->arena, variable.size);
	r = find_type(&variable, &type);
	if (!type.is_char && parse_address(text, variable.size, bytes))
		r = 0;
	else if (!r)
		r = parse_value(object->arena, &type, text, bytes);
	if (!r) {
		memcpy(memory, bytes, variable.size);
		return 0;
	}
	if (r == -ENOTSUP) {
		diagnose(diagnostics, SEVERITY_ERROR, nowhere, "the global variable '%s' is no number and no list of numbers",
			 name);
		return r;
	}
	said = diagnose(diagnostics, SEVERITY_ERROR, nowhere,
			r == -ERANGE ? "'%s' is too much for the global variable '%s', which has %zu byte%s"
				     : "'%s' is no value for the global variable '%s' of %zu byte%s",
			text, name, variable.size, variable.size == 1 ? "" : "s");
	diagnostic_hint(diagnostics, said, "%s", value_hint(diagnostics->arena, &type, variable.size));
	return r;
}
