// SPDX-License-Identifier: GPL-2.0-only
/*
 * Look-ups of random keys in sets: weir's tables beside the kernel's hash and LPM trie, in turns.
 *
 *	sets SECONDS TEMPLATE ELEMENTS...	TEMPLATE: build/bench/sets.bpf.o; so long is measured of each kind and number
 *
 * For each number of elements: single IPv4 and IPv6 addresses, and prefixes of both, all drawn at random. 262,144 keys, drawn
 * from what the set has (hit) and from what it has not (miss), go through a program by BPF_PROG_TEST_RUN, another one each time,
 * so neither branches nor caches know what comes. The floor of weir's figure is the same program with a chain without rules, that
 * of the others one that only fetches the key. What it takes to fill and how much memory there is in it comes along.
 *
 * The program runs through all keys in one call, and takes the time of each part itself: a call of BPF_PROG_TEST_RUN at XDP takes
 * tens of milliseconds beside what it runs, since the kernel writes the address of the program into its code and out again.
 */
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <endian.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "compile.h"
#include "host/host.h"
#include "kernel/load.h"
#include "kernel/set_fill.h"
#include "memory.h"
#include "rows.h"
#include "set_material.h"

#define PARTS	     16 /* of the keys; the best time of each counts, so that a disturbance spoils little */
#define BATCH	     64 /* keys of one run of a program */
#define LEAST_ROUNDS 3

struct measured {
	const char *name;
	int program, fd_to_close;
	struct key *keys;	 /* shared with the program, as the next */
	const uint64_t *stamps;	 /* when each part was begun, and at the end */
	uint64_t best[2][PARTS]; /* ns: hit, miss */
	double load_ms, megabytes;
	double adds; /* a second; 0: not measured */
};

static const struct kind kinds[] = {
	{ "IPv4 addresses", "ipv4_addr", "ip saddr", false, false },
	{ "IPv4 prefixes", "ipv4_addr", "ip saddr", false, true },
	{ "IPv6 addresses", "ipv6_addr", "ip6 saddr", true, false },
	{ "IPv6 prefixes", "ipv6_addr", "ip6 saddr", true, true },
};

/* ---- Programs ---- */

static bool map_all(struct measured *subject)
{
	subject->keys = map_memory(subject->program, "keys", KEYS * sizeof(struct key));
	subject->stamps = map_memory(subject->program, "stamps", 4096);
	return subject->keys && subject->stamps;
}

static double map_megabytes(int fd)
{
	unsigned long long bytes = 0;
	char path[64], line[128];
	FILE *info;

	snprintf(path, sizeof(path), "/proc/self/fdinfo/%d", fd);
	info = fopen(path, "re");
	while (info && fgets(line, sizeof(line), info))
		if (sscanf(line, "memlock: %llu", &bytes) == 1)
			break;
	if (info)
		fclose(info);
	return bytes / 1e6;
}

struct template
{
	const void *bytes;
	size_t size;
};

/* A chain with one rule about the set at subject->fd_to_close, or without one. */
static bool load_chain(const struct template *template, const struct kind *kind, bool counted, struct measured *subject)
{
	char text[256];
	struct arena *arena = arena_new();
	struct source source = { .name = "measured.weir", .text = text };
	struct code_options options = { .long_jump = kernel_features()->long_jump };
	struct diagnostics diagnostics;
	const struct compiled *compiled;
	struct loaded_chain loaded = { .program_fd = -1, .counters_fd = -1 };
	struct load_request request = { .chain_id = 1,
					.counters_fd = -1,
					.events_fd = -1,
					.owners_fd = -1,
					.sets = &subject->fd_to_close,
					.template = template->bytes,
					.template_size = template->size };

	diagnostics_init(&diagnostics, arena);
	snprintf(text, sizeof(text), "set s { type %s;%s }\nchain measured {\n\thook xdp ingress on lo\n", kind->type,
		 counted ? " counter;" : "");
	if (subject->fd_to_close >= 0)
		snprintf(text + strlen(text), sizeof(text) - strlen(text), "\t%s @s drop\n", kind->match);
	strcat(text, "}\n");
	source.length = strlen(text);
	compiled = compile(arena, host_system(), &source, "measured", &options, &diagnostics);
	if (compiled) {
		request.code = compiled->chains[0].code;
		kernel_load(&request, &loaded, &diagnostics);
	}
	diagnostics_print(&diagnostics, stderr, false);
	subject->program = loaded.program_fd;
	arena_free(arena);
	return subject->program >= 0 && map_all(subject);
}

static bool run(struct measured *subject, int which, const struct material *material)
{
	uint8_t packet[64] = { 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0x88, 0xb5 };
	LIBBPF_OPTS(bpf_test_run_opts, options, .data_in = packet, .data_size_in = sizeof(packet), .repeat = KEYS / BATCH);

	memcpy(subject->keys, material->keys[which], KEYS * sizeof(struct key));
	if (bpf_prog_test_run_opts(subject->program, &options)) {
		perror(subject->name);
		return false;
	}
	for (int part = 0; part < PARTS; part++) {
		uint64_t *best = &subject->best[which][part], took = subject->stamps[part + 1] - subject->stamps[part];

		if (*best == 0 || took < *best)
			*best = took;
	}
	return true;
}

static double mean(const struct measured *subject, int which)
{
	double sum = 0;

	for (int part = 0; part < PARTS; part++)
		sum += subject->best[which][part];
	return sum / KEYS;
}

/* ---- weir ---- */

static bool prepare_weir(const struct template *template, const struct material *material, bool counted, struct measured *subject)
{
	static const struct apply_options options = { 0 };
	struct policy_set set = { .name = "s",
				  .components = 1,
				  .size = material->count + material_added(material->count),
				  .counted = counted,
				  .element_count = material->count,
				  .elements = material->elements };
	struct set_request request = { .set = &set, .prefixes = true, .options = &options };
	struct arena *arena = arena_new();
	struct diagnostics diagnostics;
	uint64_t begun = now_ns();
	uint32_t key = 0, id = 0;
	int inner;

	diagnostics_init(&diagnostics, arena);
	set.types[0] = material->kind->wide ? TYPE_IPV6_ADDR : TYPE_IPV4_ADDR;
	subject->fd_to_close = set_fill(&request, &diagnostics);
	subject->load_ms = (now_ns() - begun) / 1e6;
	if (subject->fd_to_close < 0)
		diagnostics_print(&diagnostics, stderr, false);
	arena_free(arena);
	if (subject->fd_to_close < 0)
		return false;
	bpf_map_lookup_elem(subject->fd_to_close, &key, &id);
	inner = bpf_map_get_fd_by_id(id);
	subject->megabytes = map_megabytes(inner);
	close(inner);
	return load_chain(template, material->kind, counted, subject);
}

/* Elements a second, put in one by one while nothing else goes on: the table alone, without reading text. */
static double measure_adds(const struct material *material, int fd)
{
	struct policy_set set = { .components = 1, .types = { material->kind->wide ? TYPE_IPV6_ADDR : TYPE_IPV4_ADDR } };
	struct set_shape shape = set_shape(&set, true);
	struct arena *arena = arena_new();
	struct material fresh;
	struct set_rows rows[2] = { 0 };
	struct set_table table;
	uint64_t begun, took;

	material_draw(&fresh, material->kind, material_added(material->count));
	for (uint32_t i = 0; i < fresh.count; i++) {
		uint64_t state = i + 1;

		material_draw_element(&fresh, i, &state);
		set_rows_of_element(arena, &set, &fresh.elements[i],
				    (struct set_row){ .expires = WEIR_SET_NEVER, .flags = WEIR_SET_LIVE }, rows);
	}
	begun = now_ns();
	if (set_table_open(fd, &shape, true, &table))
		return 0;
	for (int which = 0; which < 2; which++)
		for (size_t i = 0; i < rows[which].count; i++)
			if (set_table_put(&table, &rows[which].items[i], which == ROWS_PREFIX)) {
				struct arena *scratch = arena_new();
				struct set_rows all[2] = { 0 };

				set_image_read(&table.image, scratch, all);
				if (set_table_replace(&table, all))
					return 0;
				arena_free(scratch);
				set_table_put(&table, &rows[which].items[i], which == ROWS_PREFIX);
			}
	took = now_ns() - begun;
	set_table_close(&table);
	arena_free(arena);
	material_forget(&fresh);
	return (rows[0].count + rows[1].count) * 1e9 / took;
}

/* ---- The kernel's maps ---- */

static size_t write_key(const struct material *material, uint32_t i, uint8_t *to)
{
	const struct value low = material->elements[i].keys[0].low;
	uint64_t halves[2] = { htobe64(low.hi), htobe64(low.lo) };
	uint32_t narrow = material->kind->prefixes ? htobe32((uint32_t)low.lo) : (uint32_t)low.lo;
	size_t at = 0;

	if (material->kind->prefixes) {
		memcpy(to, &material->lengths[i], 4);
		at = 4;
	}
	if (material->kind->wide && !material->kind->prefixes)
		memcpy(to, (uint64_t[2]){ low.hi, low.lo }, 16);
	else if (material->kind->wide)
		memcpy(to + at, halves, 16);
	else
		memcpy(to + at, &narrow, 4);
	return at + (material->kind->wide ? 16 : 4);
}

static bool fill_map(int fd, const struct material *material)
{
	size_t key_size = 0;
	uint8_t *keys = malloc((size_t)material->count * 20);
	uint64_t *values = calloc(material->count, sizeof(*values));
	uint32_t count = material->count;
	int error;

	for (uint32_t i = 0; i < material->count; i++)
		key_size = write_key(material, i, keys + i * key_size);
	error = bpf_map_update_batch(fd, keys, values, &count, NULL);
	free(keys);
	free(values);
	return error == 0;
}

/* The same of the kernel's map, one call an element, as its users add. */
static double measure_peer_adds(const struct material *material, int fd)
{
	struct material fresh;
	uint8_t key[20] = { 0 };
	uint64_t value = 0, begun;
	uint32_t done = 0;
	bool fine;

	material_draw(&fresh, material->kind, material_added(material->count));
	for (uint32_t i = 0; i < fresh.count; i++) {
		uint64_t state = i + 1;

		material_draw_element(&fresh, i, &state);
	}
	begun = now_ns();
	while (done < fresh.count) {
		write_key(&fresh, done, key);
		if (bpf_map_update_elem(fd, key, &value, BPF_ANY))
			break;
		done++;
	}
	fine = done == fresh.count;
	material_forget(&fresh);
	return !fine ? 0 : done * 1e9 / (double)(now_ns() - begun);
}

static bool prepare_map(const struct template *template, const struct material *material, struct measured *subject)
{
	LIBBPF_OPTS(bpf_object_open_opts, options, .object_name = "peer");
	bool wide = material->kind->wide, prefixes = material->kind->prefixes;
	const char *name = prefixes ? wide ? "lpm6" : "lpm4" : wide ? "hash6" : "hash4";
	struct bpf_object *object = bpf_object__open_mem(template->bytes, template->size, &options);
	struct bpf_program *program;
	struct bpf_map *map;
	uint64_t begun;

	if (!object)
		return false;
	bpf_object__for_each_program(program, object)
		bpf_program__set_autoload(program, strcmp(bpf_program__name(program), subject->name) == 0);
	bpf_object__for_each_map(map, object) if (strncmp(bpf_map__name(map), "weir_", 5) == 0)
		bpf_map__set_autocreate(map, false);
	map = bpf_object__find_map_by_name(object, name);
	bpf_map__set_max_entries(map, material->count + material_added(material->count));
	program = bpf_object__find_program_by_name(object, subject->name);
	if (bpf_object__load(object))
		return false;
	begun = now_ns();
	if (strcmp(subject->name, "measure_nothing") != 0 && !fill_map(bpf_map__fd(map), material))
		return false;
	subject->load_ms = (now_ns() - begun) / 1e6;
	subject->megabytes = map_megabytes(bpf_map__fd(map));
	subject->fd_to_close = fcntl(bpf_map__fd(map), F_DUPFD_CLOEXEC, 3);
	subject->program = fcntl(bpf_program__fd(program), F_DUPFD_CLOEXEC, 3);
	bpf_object__close(object);
	return map_all(subject);
}

/* ---- All of one kind and size ---- */

static void release(struct measured *subject)
{
	if (subject->keys)
		munmap(subject->keys, KEYS * sizeof(struct key));
	if (subject->stamps)
		munmap((void *)subject->stamps, 4096);
	if (subject->program >= 0)
		close(subject->program);
	if (subject->fd_to_close >= 0)
		close(subject->fd_to_close);
}

static void report(const struct material *material, const struct measured *subject, const struct measured *floor)
{
	static const char *const asked[] = { "hit, ns", "miss, ns" };
	char what[96];

	snprintf(what, sizeof(what), "%s: %s, %u", subject->name, material->kind->name, material->count);
	for (int which = 0; which < 2; which++)
		row("set-lookup", what, asked[which], mean(subject, which), mean(floor, which));
	row("set-lookup", what, "load, ms", subject->load_ms, 0);
	row("set-lookup", what, "memory, MB", subject->megabytes, 0);
	if (subject->adds)
		row("set-lookup", what, "live adds a second", subject->adds, 0);
}

enum { NO_RULES, WEIR, WEIR_COUNTER, NOTHING, PEER, SUBJECTS };

static bool take_turns(struct measured subjects[SUBJECTS], const struct material *material, double seconds)
{
	uint64_t end = now_ns() + (uint64_t)(seconds * 1e9);

	for (int round = 0; round < LEAST_ROUNDS || now_ns() < end; round++)
		for (int which = 0; which < 2; which++)
			for (int i = 0; i < SUBJECTS; i++)
				if (subjects[i].program >= 0 && !run(&subjects[i], which, material))
					return false;
	return true;
}

static bool measure(const struct template *template, double seconds, const struct kind *kind, uint32_t count)
{
	struct measured subjects[SUBJECTS] = {
		[NO_RULES] = { .name = "no rules" },
		[WEIR] = { .name = "weir" },
		[WEIR_COUNTER] = { .name = "weir, counter" },
		[NOTHING] = { .name = "measure_nothing" },
		[PEER] = { .name = kind->prefixes ? "measure_lpm" : "measure_hash" },
	};
	struct material material;
	bool fine;

	for (int i = 0; i < SUBJECTS; i++)
		subjects[i].program = subjects[i].fd_to_close = -1;
	material_draw(&material, kind, count);
	fine = load_chain(template, kind, false, &subjects[NO_RULES]) &&
	       prepare_weir(template, &material, false, &subjects[WEIR]) &&
	       (kind->wide || prepare_weir(template, &material, true, &subjects[WEIR_COUNTER])) &&
	       prepare_map(template, &material, &subjects[NOTHING]) && prepare_map(template, &material, &subjects[PEER]) &&
	       take_turns(subjects, &material, seconds);
	if (fine) {
		subjects[WEIR].adds = measure_adds(&material, subjects[WEIR].fd_to_close);
		subjects[PEER].adds = measure_peer_adds(&material, subjects[PEER].fd_to_close);
		subjects[PEER].name = kind->prefixes ? "BPF LPM trie" : "BPF hash";
		report(&material, &subjects[WEIR], &subjects[NO_RULES]);
		if (!kind->wide)
			report(&material, &subjects[WEIR_COUNTER], &subjects[NO_RULES]);
		report(&material, &subjects[PEER], &subjects[NOTHING]);
	}
	for (int i = 0; i < SUBJECTS; i++)
		release(&subjects[i]);
	material_forget(&material);
	return fine;
}

int main(int argc, char **argv)
{
	struct template template;
	bool fine = true;

	if (argc < 4) {
		fputs("usage: sets SECONDS TEMPLATE ELEMENTS...\n", stderr);
		return 1;
	}
	template.bytes = map_file(argv[2], &template.size);
	if (!template.bytes)
		return 1;
	for (int i = 3; i < argc && fine; i++)
		for (size_t k = 0; k < sizeof(kinds) / sizeof(kinds[0]) && fine; k++)
			fine = measure(&template, atof(argv[1]), &kinds[k], (uint32_t)atoi(argv[i]));
	return !fine;
}
