// SPDX-License-Identifier: GPL-2.0-only
/*
 * Nanoseconds that weir_log adds to a program, by BPF_PROG_TEST_RUN: while nobody listens, to a level that nobody listens to, and
 * while its lines are read. Floor and subjects take turns; the best run of each counts.
 *
 *	log OBJECT ROUNDS
 */
#include <bpf/bpf.h>
#include <stdlib.h>
#include <string.h>

#include "rows.h"
#include "weir/weir.h"

#define REPEAT 500 /* lines that the ring buffer has room for */

static uint32_t run_once(int fd)
{
	uint8_t packet[64] = { 0 };
	struct bpf_test_run_opts options;

	memset(&options, 0, sizeof(options));
	options.sz = sizeof(options);
	options.data_in = packet;
	options.data_size_in = sizeof(packet);
	options.repeat = REPEAT;
	return bpf_prog_test_run_opts(fd, &options) ? UINT32_MAX : options.duration;
}

static void count_line(void *context, const struct weir_log_line *line)
{
	(void)line;
	++*(uint64_t *)context;
}

/* The best of ROUNDS of both, in turn; READER, which may be NULL, is emptied in between. */
static void measure(struct weir_object *object, struct weir_reader *reader, const char *variant, int rounds)
{
	int floor_fd = weir_program_fd(weir_object_program(object, "silent"));
	int fd = weir_program_fd(weir_object_program(object, "logs"));
	uint32_t floor = UINT32_MAX, best = UINT32_MAX;

	for (int i = 0; i < rounds; i++) {
		uint32_t now = run_once(floor_fd);

		floor = now < floor ? now : floor;
		now = run_once(fd);
		best = now < best ? now : best;
		while (reader && weir_reader_read(reader, 0) > 0)
			;
	}
	row("weir_log", "xdp", variant, best, floor);
}

static int measure_all(struct weir_object *object, int rounds, struct weir_messages *messages)
{
	static const struct {
		const char *variant;
		enum weir_log_level level;
	} cases[] = { { "read", WEIR_LOG_INFO }, { "another level is read", WEIR_LOG_WARN } };
	uint64_t lines = 0;

	measure(object, NULL, "nobody listens", rounds);
	for (int i = 0; i < 2; i++) {
		struct weir_log_options options = WEIR_OPTIONS(struct weir_log_options);
		struct weir_reader *reader = NULL;
		int error = weir_reader_open(messages, &reader);

		options.level = cases[i].level;
		error = error ? error : weir_reader_add_log(reader, object, &options, count_line, &lines, messages);
		if (!error)
			measure(object, reader, cases[i].variant, rounds);
		weir_reader_close(reader);
		if (error)
			return error;
	}
	return lines ? 0 : -1;
}

int main(int argc, char **argv)
{
	struct weir_messages *messages = weir_messages_new();
	struct weir_object *object = NULL;
	int error;

	if (argc != 3) {
		fputs("usage: log OBJECT ROUNDS\n", stderr);
		return 1;
	}
	error = weir_object_open(argv[1], NULL, messages, &object);
	error = error ? error : weir_object_load(object, messages);
	error = error ? error : measure_all(object, atoi(argv[2]), messages);
	weir_messages_print(messages, stderr, false);
	weir_object_close(object);
	weir_messages_free(messages);
	return error != 0;
}
