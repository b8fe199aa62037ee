// SPDX-License-Identifier: GPL-2.0-only
/* weir_main: what programs that load an object have in common, from the command line to the exit code. */
#include <ctype.h>
#include <errno.h>
#include <getopt.h>
#include <string.h>

#include "api/api.h"
#include "base/cleanup.h"

#define HELP_WIDTH 64 /* of an option's column, at most */

/* "-i, --iface <IFACE>" */
static const char *argument_print(struct arena *arena, const struct weir_argument *argument)
{
	char *value = arena_strdup(arena, argument->name);

	for (char *c = value; *c; c++)
		*c = *c == '-' ? '_' : (char)toupper((unsigned char)*c);
	return arena_printf(arena, "-%c, --%s <%s>", argument->letter, argument->name, value);
}

static void print_help(FILE *out, const char *program, const struct weir_argument *arguments, size_t count)
{
	_cleanup_(arena_freep) struct arena *arena = arena_new();
	static const char help[] = "-h, --help";
	size_t width = sizeof(help) - 1;

	for (size_t i = 0; i < count; i++) {
		size_t length = strlen(argument_print(arena, &arguments[i]));

		width = length > width && length < HELP_WIDTH ? length : width;
	}
	fprintf(out, "%s\n\nUSAGE:\n    %s [OPTIONS]\n\nOPTIONS:\n", program, program);
	for (size_t i = 0; i < count; i++) {
		const char *text = arguments[i].help, *value = *arguments[i].ret_value;

		fprintf(out, "    %-*s    %s", (int)width, argument_print(arena, &arguments[i]), text ? text : "");
		if (value)
			fprintf(out, "%s[default: %s]", text ? " " : "", value);
		fputc('\n', out);
	}
	fprintf(out, "    %-*s    Print help information\n", (int)width, help);
}

/* 0; -ECANCELED: help was asked for, and is printed; -EINVAL: something is wrong, and getopt or this has said so. */
static int read_arguments(int argc, char **argv, const struct weir_argument *arguments)
{
	_cleanup_(arena_freep) struct arena *arena = arena_new();
	const char *slash = strrchr(argv[0], '/'), *program = slash ? slash + 1 : argv[0];
	struct option *names;
	size_t count = 0;
	char *letters;
	int found;

	while (arguments && arguments[count].name)
		count++;
	names = arena_alloc(arena, (count + 2) * sizeof(*names));
	memset(names, 0, (count + 2) * sizeof(*names));
	letters = arena_alloc(arena, 2 * count + 2);
	names[count] = (struct option){ "help", no_argument, NULL, 'h' };
	for (size_t i = 0; i < count; i++) {
		names[i] = (struct option){ arguments[i].name, required_argument, NULL, arguments[i].letter };
		letters[2 * i] = arguments[i].letter;
		letters[2 * i + 1] = ':';
	}
	letters[2 * count] = 'h';
	letters[2 * count + 1] = '\0';
	while ((found = getopt_long(argc, argv, letters, names, NULL)) != -1) {
		if (found == 'h' || found == '?') {
			print_help(found == 'h' ? stdout : stderr, program, arguments, count);
			return found == 'h' ? -ECANCELED : -EINVAL;
		}
		for (size_t i = 0; i < count; i++)
			if (arguments[i].letter == found)
				*arguments[i].ret_value = optarg;
	}
	if (optind == argc)
		return 0;
	fprintf(stderr, "%s: '%s' is too much\n", program, argv[optind]);
	print_help(stderr, program, arguments, count);
	return -EINVAL;
}

static void say(const struct weir_main_options *options, const char *text)
{
	if (options->say)
		options->say(text);
	else
		weir_log_say(stdout, options->name ? options->name : "object", WEIR_LOG_INFO, "%s", text);
}

/* What most programs begin with. */
static int begin_plainly(struct weir_object *object, struct weir_reader *reader, const struct weir_argument *first,
			 struct weir_messages *messages)
{
	const char *target = first && first->ret_value ? *first->ret_value : NULL;
	int error = weir_object_load(object, messages);

	if (!error) {
		error = weir_reader_add_log(reader, object, NULL, NULL, stdout, messages);
		error = error == -ENOENT ? 0 : error;
	}
	for (size_t i = 0; !error && i < weir_object_program_count(object); i++)
		error = weir_program_attach(weir_object_program_at(object, i), target, NULL, messages);
	return error;
}

static void run(struct weir_object *object, struct weir_reader *reader, const struct weir_main_options *options,
		struct weir_messages *messages)
{
	int error = options->begin ? options->begin(object, reader, messages)
				   : begin_plainly(object, reader, options->arguments, messages);

	if (error) {
		messages_explain(messages, 0, error, "cannot begin");
		return;
	}
	weir_messages_print(messages, stderr, false);
	weir_messages_clear(messages);
	say(options, "Waiting for Ctrl-C...");
	error = weir_reader_run(reader);
	if (options->end)
		options->end(object);
	say(options, "Exiting...");
	if (error)
		messages_explain(messages, 0, error, "cannot read what is told");
}

int weir_main(int argc, char **argv, const void *bytes, size_t length, const struct weir_main_options *options)
{
	struct weir_object_options opening = WEIR_OPTIONS(struct weir_object_options);
	int error = read_arguments(argc, argv, options->arguments);
	struct weir_messages *messages;
	struct weir_object *object = NULL;
	struct weir_reader *reader = NULL;

	if (error)
		return error != -ECANCELED;
	messages = weir_messages_new();
	opening.name = options->name;
	error = weir_object_open_memory(bytes, length, &opening, messages, &object);
	error = error ? error : weir_reader_open(messages, &reader);
	if (!error)
		run(object, reader, options, messages);
	weir_messages_print(messages, stderr, false);
	error = weir_messages_exit_code(messages);
	weir_reader_close(reader);
	weir_object_close(object);
	weir_messages_free(messages);
	return error;
}
