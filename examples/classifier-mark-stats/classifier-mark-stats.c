// SPDX-License-Identifier: GPL-2.0-only
/* Loads classifier-mark-stats.bpf.c, which is embedded, attaches it to what an interface sends, or to its qdisc; at Ctrl-C it
 * prints the sums. */
#include <getopt.h>
#include <stdlib.h>
#include <weir/weir.h>

WEIR_EMBED(program, "classifier-mark-stats/classifier-mark-stats.bpf.o");

static void print_marks(struct weir_object *object)
{
	struct {
		uint64_t packets, bytes;
	} sums;

	for (uint32_t mark = 0; mark < 256; mark++)
		if (WEIR_MAP_GET(weir_object_map(object, "map_stats"), &mark, &sums) == 0 && sums.packets)
			printf("mark %u: %llu packets, %llu bytes\n", mark, (unsigned long long)sums.packets,
			       (unsigned long long)sums.bytes);
}

static int run(const char *iface, const char *parent, struct weir_object **object, struct weir_reader **reader,
	       struct weir_messages *messages)
{
	struct weir_object_options options = WEIR_OPTIONS(struct weir_object_options);
	struct weir_attach_options attach = WEIR_OPTIONS(struct weir_attach_options);
	uint32_t major = parent ? (uint32_t)strtoul(parent, NULL, 16) : 0;
	int error;

	attach.parent = parent;
	options.name = "classifier_mark_stats";
	error = weir_object_open_memory(program, program_end - program, &options, messages, object);
	error = error ? error : WEIR_SET_GLOBAL(*object, "major", &major, messages);
	error = error ? error : weir_object_load(*object, messages);
	error = error ? error : weir_reader_open(messages, reader);
	error = error ? error : weir_program_attach(weir_object_program(*object, "cls_main"), iface, &attach, messages);
	if (error)
		return error;
	weir_log_say(stdout, "classifier_mark_stats", WEIR_LOG_INFO, "Waiting for Ctrl-C...");
	error = weir_reader_run(*reader);
	print_marks(*object);
	weir_log_say(stdout, "classifier_mark_stats", WEIR_LOG_INFO, "Exiting...");
	return error;
}

int main(int argc, char **argv)
{
	static const struct option options[] = { { "iface", required_argument, NULL, 'i' },
						 { "parent", required_argument, NULL, 'p' },
						 { "help", no_argument, NULL, 'h' },
						 { 0 } };
	struct weir_messages *messages = weir_messages_new();
	struct weir_object *object = NULL;
	struct weir_reader *reader = NULL;
	const char *iface = "eth0", *parent = NULL;
	int option, error;

	while ((option = getopt_long(argc, argv, "hi:p:", options, NULL)) != -1) {
		if (option != 'i' && option != 'p') {
			puts("classifier-mark-stats\n\nUSAGE:\n    classifier-mark-stats [OPTIONS]\n\nOPTIONS:\n"
			     "    -h, --help             Print help information\n    -i, --iface <IFACE>    [default: eth0]\n"
			     "    -p, --parent <QDISC>   such as 1:; without, all that the interface sends is counted");
			return option != 'h';
		}
		*(option == 'i' ? &iface : &parent) = optarg;
	}
	error = run(iface, parent, &object, &reader, messages);
	weir_messages_print(messages, stderr, false);
	weir_reader_close(reader);
	weir_object_close(object);
	weir_messages_free(messages);
	return error != 0;
}
