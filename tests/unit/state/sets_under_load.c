// SPDX-License-Identifier: GPL-2.0-only
/*
 * Sets that are changed while programs look into them: on one CPU packets go through a chain all the time, on another elements
 * around theirs come and go, tables grow and are replaced, prefixes are split and joined. A member is never missed, what is no
 * member is never found.
 */
#include "scene.h"

#include <signal.h>
#include <sys/mman.h>

#define SECONDS 3
#define REPEAT	5000 /* packets a run */

/* Tables that get larger, which programs call the kernel for; and, with SIZE, of one size, which they look into themselves. */
#define POLICY_WITH(SIZE)                                                                                                        \
	"set a { type ipv4_addr; " SIZE " elements = { 10.0.0.1 } }\n"                                                           \
	"set b { type ipv4_addr; " SIZE " elements = { 10.20.0.0/16 } }\n"                                                       \
	"set c { type ipv4_addr . inet_service; " SIZE " elements = { 10.0.0.1 . 80 } }\n"                                       \
	"set d { type ipv4_addr; " SIZE " elements = { 10.0.0.1 timeout 1h } }\n"                                                \
	"chain x { hook xdp ingress on v0\n"                                                                                     \
	"ip saddr @a ip daddr @b ip saddr . tcp dport @c ip saddr @d drop\n"                                                     \
	"ip saddr @a drop\nip daddr @b drop\nip saddr . tcp dport @c drop\nip saddr @d drop\n"                                   \
	"ip saddr 10.0.0.2 accept\n}\n"
#define POLICY	     POLICY_WITH("")
#define POLICY_SIZED POLICY_WITH("size 60000;")

static void write_frame(unsigned char frame[64], bool member)
{
	static const unsigned char headers[] = { 2, 0,	0,    0,    0, 1,  2,  0, 0, 0, 0,  2, 8, 0, 0x45, 0,
						 0, 50, 0,    0,    0, 0,  64, 6, 0, 0, 10, 0, 0, 1, 10,   20,
						 7, 7,	0x30, 0x39, 0, 80, 0,  0, 0, 1, 0,  0, 0, 0, 0x50, 2 };

	memset(frame, 0, 64);
	memcpy(frame, headers, sizeof(headers));
	if (!member) {
		frame[29] = 2;	/* 10.0.0.2 */
		frame[31] = 21; /* 10.21.7.7 */
	}
}

/* Members and others in turns until told to stop. The number of runs of each goes to the pipe. */
static void read_sets(int program, const volatile bool *stop, int answer)
{
	uint64_t runs = 0;
	unsigned char frames[2][64];
	cpu_set_t cpus;

	CPU_ZERO(&cpus);
	CPU_SET(1, &cpus);
	sched_setaffinity(0, sizeof(cpus), &cpus);
	write_frame(frames[0], true);
	write_frame(frames[1], false);
	while (!*stop) {
		for (int i = 0; i < 2; i++) {
			LIBBPF_OPTS(bpf_test_run_opts, options, .data_in = frames[i], .data_size_in = 64, .repeat = REPEAT);

			if (bpf_prog_test_run_opts(program, &options))
				_exit(1);
		}
		runs++;
	}
	if (write(answer, &runs, sizeof(runs)) != sizeof(runs))
		_exit(1);
	_exit(0);
}

static uint32_t next(uint32_t *state)
{
	*state = *state * 1664525 + 1013904223;
	return *state >> 8;
}

static void change(struct scene_set *set, struct set_element *elements, size_t count, bool add)
{
	size_t done, missing;

	if (add)
		CHECK_NUMBER(kernel_set_add(set->set, elements, count, &done), 0);
	else
		CHECK_NUMBER(kernel_set_delete(set->set, elements, count, NULL, &missing), 0);
}

/* Some at random, singly, and now and then the member itself, which is there, once more. */
static void change_singles(struct scene_set *set, uint32_t *state, bool pairs, uint64_t timeout_s)
{
	struct set_element elements[64] = { 0 };

	for (int i = 0; i < 64; i++) {
		uint32_t address = 0x0b000000 + next(state) % 20000;

		elements[i] = scene_address(address, address, timeout_s);
		if (pairs)
			elements[i].keys[1].low.lo = elements[i].keys[1].high.lo = next(state) % 100;
	}
	change(set, elements, 64, true);
	elements[0] = scene_address(0x0a000001, 0x0a000001, timeout_s);
	if (pairs)
		elements[0].keys[1].low.lo = elements[0].keys[1].high.lo = 80;
	change(set, elements, 1, true);
	change(set, elements + 1, 40, false);
}

/* Prefixes beside 10.20/16, in it and around it, come and go; it is covered by itself all the time. */
static void change_prefixes(struct scene_set *set, uint32_t *state)
{
	struct set_element elements[16];

	for (int i = 0; i < 16; i++) {
		uint32_t bits = 17 + next(state) % 14, mask = UINT32_MAX >> bits;
		uint32_t address = (i % 2 ? 0x0a140000 : 0x0c000000 + (next(state) % 16 << 16)) | (next(state) & 0xffff);

		elements[i] = scene_address(address & ~mask, address | mask, i % 5 == 0 ? 100 : 0);
	}
	change(set, elements, 16, true);
	change(set, elements + 4, 12, false);
}

/* So many that the table is made anew. */
static void change_many(struct scene_set *set, uint32_t *state, bool prefixes)
{
	enum { MANY = 12000 };
	struct set_element *elements = calloc(MANY, sizeof(*elements));

	for (uint32_t i = 0; i < MANY; i++) {
		uint32_t address = 0x0d000000 + (next(state) % 1000000) * 8;

		elements[i] = scene_address(address, address + (prefixes ? 3 : 0), 0);
	}
	change(set, elements, MANY, true);
	change(set, elements, MANY, false);
	free(elements);
}

static void write_sets(void)
{
	struct scene_set a = scene_set_open("p", "a"), b, c, d;
	uint64_t end = set_now() + SECONDS * 1000000000ull;
	uint32_t state = 1, rounds = 0;

	scene_set_close(&a);
	while (set_now() < end) {
		a = scene_set_open("p", "a");
		change_singles(&a, &state, false, rounds % 3 ? 0 : 50); /* what gets a timeout goes to another place */
		if (rounds % 16 == 0)
			change_many(&a, &state, false);
		scene_set_close(&a);
		b = scene_set_open("p", "b");
		for (int i = 0; i < 4; i++)
			change_prefixes(&b, &state);
		if (rounds % 64 == 32)
			change_many(&b, &state, true);
		scene_set_close(&b);
		c = scene_set_open("p", "c");
		change_singles(&c, &state, true, 0);
		scene_set_close(&c);
		d = scene_set_open("p", "d");
		change_singles(&d, &state, false, 50);
		scene_set_close(&d);
		rounds++;
	}
	printf("# %u rounds of changes\n", rounds);
}

static int open_program(void)
{
	_cleanup_(arena_freep) struct arena *arena = arena_new();
	const struct state_policy *policy = scene_policy(scene_state(arena), "p");

	return policy ? bpf_prog_get_fd_by_id(policy->chains[0].program_id) : -1;
}

static void read_while_changed(const char *text)
{
	_cleanup_(arena_freep) struct arena *arena = arena_new();
	volatile bool *stop = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	const struct state_chain *chain;
	uint64_t runs = 0;
	int pipes[2], program, status = -1;
	pid_t reader;

	CHECK_NUMBER(scene_apply("p", text), 0);
	program = open_program();
	CHECK(program >= 0 && pipe(pipes) == 0);
	reader = fork();
	if (reader == 0)
		read_sets(program, stop, pipes[1]);
	write_sets();
	*stop = true;
	CHECK(read(pipes[0], &runs, sizeof(runs)) == sizeof(runs));
	waitpid(reader, &status, 0);
	CHECK_NUMBER(status, 0);
	chain = &scene_policy(scene_state(arena), "p")->chains[0];
	printf("# %llu packets of each kind\n", (unsigned long long)(runs * REPEAT));
	CHECK(runs > 10);
	CHECK_NUMBER(chain->rules[0].counter.packets, runs * REPEAT);
	for (int i = 1; i < 5; i++)
		CHECK_NUMBER(chain->rules[i].counter.packets, 0);
	CHECK_NUMBER(chain->rules[5].counter.packets, runs * REPEAT);
	close(program);
	CHECK_NUMBER(scene_remove("p"), 0);
}

TEST(what_is_in_a_set_is_found_and_what_is_not_is_not)
{
	read_while_changed(POLICY);
}

TEST(the_same_of_sets_of_one_size)
{
	read_while_changed(POLICY_SIZED);
}

/* Does a packet to this address meet the set? */
static bool program_finds(int program, uint32_t address)
{
	unsigned char frame[64];
	LIBBPF_OPTS(bpf_test_run_opts, options, .data_in = frame, .data_size_in = sizeof(frame), .repeat = 1);

	write_frame(frame, false);
	for (int i = 0; i < 4; i++)
		frame[30 + i] = (unsigned char)(address >> (24 - 8 * i));
	return bpf_prog_test_run_opts(program, &options) == 0 && options.retval == XDP_DROP;
}

/* Change prefixes until killed. */
static void change_until_killed(uint32_t state)
{
	for (;;) {
		struct scene_set set = scene_set_open("p", "b");

		for (int i = 0; i < 50; i++)
			change_prefixes(&set, &state);
		if (state % 4 == 0)
			change_many(&set, &state, true);
		scene_set_close(&set);
	}
}

/* What the set lists is what programs find, of a sample. */
static uint32_t count_contradictions(int program)
{
	struct scene_set set = scene_set_open("p", "b");
	const struct set_element *elements;
	uint32_t contradictions = 0;
	size_t count = 0;

	CHECK_NUMBER(kernel_set_list(set.set, set.arena, &count, &elements), 0);
	for (size_t i = 0; i < count; i += 1 + count / 300)
		contradictions += !program_finds(program, (uint32_t)elements[i].keys[0].low.lo) ||
				  !program_finds(program, (uint32_t)elements[i].keys[0].high.lo);
	scene_set_close(&set);
	return contradictions;
}

TEST(a_writer_that_is_killed_leaves_the_set_whole)
{
	uint32_t contradictions = 0, missed = 0;
	int program;

	CHECK_NUMBER(scene_apply("p", POLICY), 0);
	program = open_program();
	for (uint32_t i = 0; i < 80; i++) {
		struct set_element fresh = scene_address(0x0e000000 + i * 256, 0x0e000000 + i * 256 + 255, 0);
		pid_t writer = fork();
		struct scene_set set;

		if (writer == 0)
			change_until_killed(i);
		usleep(1000 + i * 300);
		kill(writer, SIGKILL);
		waitpid(writer, NULL, 0);
		missed += !program_finds(program, 0x0a140707) || program_finds(program, 0x0a150707);
		set = scene_set_open("p", "b");
		change(&set, &fresh, 1, true);
		scene_set_close(&set);
		missed += !program_finds(program, 0x0e000000 + i * 256 + 99);
		contradictions += count_contradictions(program);
	}
	CHECK_NUMBER(missed, 0);
	CHECK_NUMBER(contradictions, 0);
	close(program);
	CHECK_NUMBER(scene_remove("p"), 0);
}

int main(void)
{
	if (!scene_begin()) {
		SKIP(sets_under_load, "needs root, network namespaces and cgroup2");
		return tap_end();
	}
	RUN(what_is_in_a_set_is_found_and_what_is_not_is_not);
	RUN(the_same_of_sets_of_one_size);
	RUN(a_writer_that_is_killed_leaves_the_set_whole);
	scene_end();
	return tap_end();
}
