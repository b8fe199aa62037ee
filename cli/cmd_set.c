// SPDX-License-Identifier: GPL-2.0-only
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cli.h"

enum verb { VERB_ADD, VERB_DEL, VERB_LIST, VERB_FLUSH };
static const char *const verbs[] = { "add", "del", "list", "flush" };
#define VERB_COUNT (sizeof(verbs) / sizeof(verbs[0]))

static int find_verb(const struct cli *cli, const char *word, enum verb *ret_verb)
{
	const char *meant;
	char hint[64];

	if (strcmp(word, "delete") == 0)
		word = "del";
	for (size_t i = 0; i < VERB_COUNT; i++)
		if (strcmp(word, verbs[i]) == 0) {
			*ret_verb = (enum verb)i;
			return EXIT_FINE;
		}
	meant = nearest(word, verbs, VERB_COUNT);
	snprintf(hint, sizeof(hint), "did you mean 'weir set %s'?", meant ? meant : "");
	return cli_usage(cli, meant ? hint : "it is one of add, del, list, flush", "no such thing to do to a set: '%s'", word);
}

/* All of standard input; NULL: it could not be read, and errno says why. */
static char *read_input(void)
{
	size_t length = 0, size = 1 << 16, some;
	char *text = malloc(size), *grown;

	while (text && (some = fread(text + length, 1, size - length - 1, stdin)) > 0) {
		length += some;
		if (size - length > 1)
			continue;
		grown = realloc(text, size *= 2);
		if (!grown)
			free(text);
		text = grown;
	}
	if (text && ferror(stdin)) {
		free(text);
		return NULL;
	}
	if (text)
		text[length] = '\0';
	return text;
}

/*
 * Each argument is an element, and a line. What a shell took apart is put
 * together again: `weir set add edge pairs 10.0.0.1 . 80 timeout 30s`.
 */
static char *join_arguments(char **arguments)
{
	size_t size = 1;
	char *text, *end;
	bool glued;

	for (char **argument = arguments; *argument; argument++)
		size += strlen(*argument) + 1;
	text = end = calloc(1, size);
	for (char **argument = arguments; text && *argument; argument++) {
		const char *before = argument == arguments ? "" : argument[-1];

		glued = strcmp(*argument, ".") == 0 || strcmp(*argument, "timeout") == 0 || strcmp(before, ".") == 0 ||
			strcmp(before, "timeout") == 0;
		if (argument != arguments)
			*end++ = glued ? ' ' : '\n';
		end = stpcpy(end, *argument);
	}
	return text;
}

static int change(struct cli *cli, struct weir_set *set, enum verb verb, const char *text, bool from_input)
{
	struct weir_set_options options = WEIR_OPTIONS(struct weir_set_options);
	struct progress progress;
	size_t done = 0;
	int result;

	options.source = from_input ? "standard input" : "element";
	options.progress = progress_show;
	options.context = &progress;
	progress_begin(&progress, "elements");
	result = (verb == VERB_ADD ? weir_set_add : weir_set_delete)(set, text, &options, cli->messages, &done);
	progress_end(&progress);
	if (!result)
		printf("%zu element%s %s\n", done, done == 1 ? "" : "s", verb == VERB_ADD ? "added" : "deleted");
	return result;
}

/* ARGUMENTS: policy, set, elements. */
static int work(struct cli *cli, enum verb verb, char **arguments, const char *text, bool from_input, enum weir_format format)
{
	struct weir_kernel *kernel;
	struct weir_set *set = NULL;
	int result;

	kernel = cli_open_kernel(cli, verb != VERB_LIST, &result);
	if (!kernel)
		return result;
	result = weir_set_open(kernel, arguments[0], arguments[1], cli->messages, &set);
	if (!result && verb == VERB_LIST)
		result = weir_set_print(set, format, stdout, cli->messages);
	else if (!result && verb == VERB_FLUSH)
		result = weir_set_flush(set, cli->messages);
	else if (!result)
		result = change(cli, set, verb, text, from_input);
	weir_set_close(set);
	weir_kernel_close(kernel);
	return result;
}

static int run(struct cli *cli, int argc, char **argv)
{
	static const struct option options[] = { { "json", no_argument, NULL, 'j' }, CLI_OPTIONS, { 0 } };
	enum weir_format format = WEIR_FORMAT_TEXT;
	bool takes_elements, from_input;
	char *text = NULL;
	enum verb verb = VERB_LIST;
	int option, code;

	while ((option = cli_option(cli, argc, argv, ":hj", options)) != -1) {
		if (option == CLI_STOP)
			return cli->exit_code;
		format = WEIR_FORMAT_JSON;
	}
	argv += optind;
	argc -= optind;
	if (argc == 0)
		return cli_usage(cli, NULL, "add to, del from, list or flush which set?");
	if (find_verb(cli, argv[0], &verb) != EXIT_FINE)
		return EXIT_USAGE;
	if (argc < 3)
		return cli_usage(cli, NULL, "name the policy and the set: 'weir set %s POLICY SET'", verbs[verb]);
	takes_elements = verb == VERB_ADD || verb == VERB_DEL;
	if (!takes_elements && argc > 3)
		return cli_usage(cli, NULL, "'weir set %s' takes no elements", verbs[verb]);
	if (format == WEIR_FORMAT_JSON && verb != VERB_LIST)
		return cli_usage(cli, NULL, "'--json' is for 'weir set list'");
	from_input = takes_elements && (argc == 3 || (argc == 4 && strcmp(argv[3], "-") == 0));
	if (from_input && argc == 3 && isatty(STDIN_FILENO))
		return cli_usage(cli, "name them, or '-' to type them in, one a line", "which elements?");
	if (takes_elements) {
		text = from_input ? read_input() : join_arguments(argv + 3);
		if (!text) {
			fprintf(stderr, "weir set: error: cannot read the elements: %s\n", strerror(errno));
			return EXIT_SURROUNDINGS;
		}
	}
	code = cli_finish(cli, work(cli, verb, argv + 1, text, from_input, format));
	free(text);
	return code;
}

const struct command command_set = {
	.name = "set",
	.summary = "add to, delete from, list or empty a set, live",
	.help = "usage: weir set add POLICY SET [ELEMENT...]\n"
		"       weir set del POLICY SET [ELEMENT...]\n"
		"       weir set list [-j] POLICY SET\n"
		"       weir set flush POLICY SET\n\n"
		"Changes a set of a policy that is in force, in place. Elements "
		"are written as in the policy:\n"
		"10.0.0.0/8, 10.0.0.1-10.0.0.9, '10.0.0.1 . 80', '10.0.0.1 timeout "
		"1h'. Without an element,\n"
		"or with '-', they come from standard input, one a line, comments "
		"(#) allowed. When one of\n"
		"them is wrong, nothing is changed. What 'list' prints can be fed "
		"to 'add'.\n\n"
		"  -j, --json      list as JSON\n"
		"      --pins=DIR  weir's directory in bpffs\n"
		"  -h, --help      this\n\n"
		"example:\n"
		"  weir set add edge blocklist 192.0.2.7 198.51.100.0/24\n"
		"  weir set add edge blocklist < blocklist.txt\n",
	.run = run,
};
