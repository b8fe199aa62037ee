// SPDX-License-Identifier: GPL-2.0-only
/* Objects with the section `maps` become what libbpf opens; cut and damaged ones are refused or opened, and never read past. */
#include <elf.h>
#include <stdlib.h>

#include "object/object.h"
#include "../../tap.h"

struct image {
	Elf64_Ehdr header;
	struct {
		uint32_t words[9];
	} maps[2];
	uint64_t align;
	Elf64_Sym symbols[3];
	char names[64];
	Elf64_Shdr sections[4];
};

static const char names[] = "\0maps\0.symtab\0.strtab\0first\0second\0license";

/* Two maps as tc has them, and a licence. */
static struct image make_image(void)
{
	struct image image = { .header = { .e_ident = { 0x7f, 'E', 'L', 'F', ELFCLASS64, ELFDATA2LSB, EV_CURRENT },
					   .e_type = ET_REL,
					   .e_machine = EM_BPF,
					   .e_version = EV_CURRENT,
					   .e_shoff = offsetof(struct image, sections),
					   .e_ehsize = sizeof(Elf64_Ehdr),
					   .e_shentsize = sizeof(Elf64_Shdr),
					   .e_shnum = 4,
					   .e_shstrndx = 3 },
			       .maps = { { { BPF_MAP_TYPE_ARRAY, 4, 16, 256, 0, 1, 2 } },
					 { { BPF_MAP_TYPE_HASH, 4, 8, 32, 1, 7 } } } };

	memcpy(image.names, names, sizeof(names));
	image.symbols[1] =
		(Elf64_Sym){ .st_name = 22, .st_info = ELF64_ST_INFO(STB_GLOBAL, STT_OBJECT), .st_shndx = 1, .st_size = 36 };
	image.symbols[2] = image.symbols[1];
	image.symbols[2].st_name = 28;
	image.symbols[2].st_value = 36;
	image.sections[1] = (Elf64_Shdr){ .sh_name = 1,
					  .sh_type = SHT_PROGBITS,
					  .sh_flags = SHF_ALLOC | SHF_WRITE,
					  .sh_offset = offsetof(struct image, maps),
					  .sh_size = sizeof(image.maps),
					  .sh_addralign = 4 };
	image.sections[2] = (Elf64_Shdr){ .sh_name = 6,
					  .sh_type = SHT_SYMTAB,
					  .sh_offset = offsetof(struct image, symbols),
					  .sh_size = sizeof(image.symbols),
					  .sh_link = 3,
					  .sh_info = 1,
					  .sh_entsize = sizeof(Elf64_Sym),
					  .sh_addralign = 8 };
	image.sections[3] = (Elf64_Shdr){ .sh_name = 14,
					  .sh_type = SHT_STRTAB,
					  .sh_offset = offsetof(struct image, names),
					  .sh_size = sizeof(image.names),
					  .sh_addralign = 1 };
	return image;
}

static int quiet(enum libbpf_print_level level, const char *format, va_list arguments)
{
	(void)level, (void)format, (void)arguments;
	return 0;
}

/* Of LENGTH bytes of IMAGE: what modern_elf says, and, when that is 0, what libbpf opens. */
static int modernize(const struct image *image, size_t length, struct legacy_maps *ret_maps, struct bpf_object **ret_object)
{
	struct arena *arena = arena_new();
	const char *why = NULL;
	void *bytes = malloc(length + !length);
	int r;

	memcpy(bytes, image, length);
	r = modern_elf(arena, &bytes, &length, ret_maps, &why);
	if (r == 0)
		*ret_object = bpf_object__open_mem(bytes, length, NULL);
	else
		CHECK(why);
	free(bytes);
	ret_maps->items = NULL;
	arena_free(arena);
	return r;
}

TEST(maps_of_tc_become_maps_of_libbpf)
{
	struct image image = make_image();
	struct legacy_maps maps = { 0 };
	struct bpf_object *object = NULL;
	struct bpf_map *map;

	CHECK_NUMBER(modernize(&image, sizeof(image), &maps, &object), 0);
	CHECK_NUMBER(maps.count, 2);
	CHECK(object);
	map = object ? bpf_object__find_map_by_name(object, "second") : NULL;
	CHECK(map);
	if (map) {
		CHECK_NUMBER(bpf_map__type(map), BPF_MAP_TYPE_HASH);
		CHECK_NUMBER(bpf_map__key_size(map), 4);
		CHECK_NUMBER(bpf_map__value_size(map), 8);
		CHECK_NUMBER(bpf_map__max_entries(map), 32);
		CHECK_NUMBER(bpf_map__map_flags(map), 1);
	}
	bpf_object__close(object);
}

TEST(a_row_too_short_and_a_form_unknown_are_refused)
{
	struct image image = make_image();
	struct legacy_maps maps = { .count = 9999 };
	struct bpf_object *object = NULL;

	image.symbols[2].st_value = 8;
	CHECK(modernize(&image, sizeof(image), &maps, &object) < 0);
	CHECK_NUMBER(maps.count, 9999);
	image = make_image();
	image.symbols[2].st_value = 1 << 20;
	CHECK(modernize(&image, sizeof(image), &maps, &object) < 0);
	image = make_image();
	image.header.e_machine = EM_X86_64;
	CHECK(modernize(&image, sizeof(image), &maps, &object) < 0);
}

TEST(cut_and_damaged_files_are_never_read_past)
{
	struct image image;
	struct legacy_maps maps;
	struct bpf_object *object;
	unsigned int seed = 1;

	for (size_t length = 0; length < sizeof(image); length++) {
		image = make_image();
		object = NULL;
		CHECK(modernize(&image, length, &maps, &object) < 0);
	}
	for (int i = 0; i < 20000; i++) {
		image = make_image();
		object = NULL;
		for (int k = 0; k < 1 + i % 3; k++)
			((uint8_t *)&image)[rand_r(&seed) % sizeof(image)] = (uint8_t)rand_r(&seed);
		if (modernize(&image, sizeof(image), &maps, &object) == 0)
			bpf_object__close(object);
	}
}

int main(void)
{
	libbpf_set_print(quiet);
	RUN(maps_of_tc_become_maps_of_libbpf);
	RUN(a_row_too_short_and_a_form_unknown_are_refused);
	RUN(cut_and_damaged_files_are_never_read_past);
	return tap_end();
}
