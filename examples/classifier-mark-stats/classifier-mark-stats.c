// SPDX-License-Identifier: GPL-2.0-only
/* Loads classifier-mark-stats.bpf.c, which is embedded, attaches it to what an interface sends, or to its qdisc; at Ctrl-C it
 * prints the sums. */
#include <stdlib.h>
#include <weir/weir.h>

WEIR_EMBED(program, "classifier-mark-stats/classifier-mark-stats.bpf.o");

static const char *iface = "eth0", *parent;

static int begin(struct weir_object *object, struct weir_reader *reader, struct weir_messages *messages)
{
	struct weir_attach_options at = WEIR_OPTIONS(struct weir_attach_options);
	uint32_t major = parent ? (uint32_t)strtoul(parent, NULL, 16) : 0;
	int error = WEIR_SET_GLOBAL(object, "major", &major, messages);

	(void)reader;
	at.parent = parent;
	error = error ? error : weir_object_load(object, messages);
	return error ? error : weir_program_attach(weir_object_program(object, "cls_main"), iface, &at, messages);
}

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

int main(int argc, char **argv)
{
	const struct weir_argument arguments[] = { { 'i', "iface", &iface, NULL },
						   { 'p', "parent", &parent,
						     "such as 1:; without, all that the interface sends is counted" },
						   { 0 } };
	struct weir_main_options options = WEIR_OPTIONS(struct weir_main_options);

	options.name = "classifier_mark_stats";
	options.arguments = arguments;
	options.begin = begin;
	options.end = print_marks;
	return weir_main(argc, argv, program, program_end - program, &options);
}
