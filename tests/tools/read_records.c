// SPDX-License-Identifier: GPL-2.0-only
/*
 * A reader of tests/objects/records.c: read_records FILE TIMES. The program is run so often with nobody reading; then what is
 * there is read; what was read and lost together is printed, of each of the three ways: it must be what was told.
 */
#include <bpf/bpf.h>
#include <stdlib.h>
#include <string.h>
#include <weir/weir.h>

static void count_record(void *context, const void *data, size_t length)
{
	(void)data;
	(void)length;
	++*(uint64_t *)context;
}

static void count_line(void *context, const struct weir_log_line *line)
{
	(void)line;
	++*(uint64_t *)context;
}

static int run(struct weir_object *object, int times)
{
	struct bpf_test_run_opts options;
	char packet[64] = { 0 };

	memset(&options, 0, sizeof(options));
	options.sz = sizeof(options);
	options.data_in = packet;
	options.data_size_in = sizeof(packet);
	options.repeat = times;
	return bpf_prog_test_run_opts(weir_program_fd(weir_object_program(object, "tells")), &options);
}

/* What becomes of so many runs. MAP NULL: the log. */
static int read_all(struct weir_object *object, const char *map, int times, struct weir_messages *messages)
{
	uint64_t read = 0, lost = 0, again = 0;
	struct weir_reader *reader = NULL;
	int most = 0, twice, r;

	r = weir_reader_open(messages, &reader);
	if (map)
		r = r ? r : weir_reader_add_map(reader, weir_object_map(object, map), count_record, &read, messages);
	else
		r = r ? r : weir_reader_add_log(reader, object, NULL, count_line, &read, messages);
	twice = weir_reader_add_map(reader, weir_object_map(object, map ? map : "weir_logs"), count_record, &read, messages);
	r = r ? r : run(object, times);
	for (int handed = 1; !r && handed > 0; most = handed > most ? handed : most)
		handed = weir_reader_read(reader, 0);
	if (!r) {
		weir_reader_lost(reader, &lost);
		weir_reader_lost(reader, &again);
		printf("%s: read and lost %llu, lost %s, then %llu, at most %d at once, for a second reader: %s\n",
		       map ? map : "log", (unsigned long long)(read + lost), lost ? "some" : "none", (unsigned long long)again,
		       most, strerror(-twice));
	}
	weir_reader_close(reader);
	return r;
}

int main(int argc, char **argv)
{
	static const char *const maps[] = { "events", "ring", NULL };
	struct weir_messages *messages = weir_messages_new();
	int r = argc == 3 ? 0 : -1;

	for (size_t i = 0; !r && i < 3; i++) {
		struct weir_object *object = NULL;

		r = weir_object_open(argv[1], NULL, messages, &object);
		r = r ? r : weir_object_load(object, messages);
		r = r ? r : read_all(object, maps[i], atoi(argv[2]), messages);
		weir_object_close(object);
	}
	if (r)
		weir_messages_print(messages, stderr, false);
	weir_messages_free(messages);
	return r ? 1 : 0;
}
