// SPDX-License-Identifier: GPL-2.0-only
/* Options, usage errors, messages: the same for all commands. */
#include <errno.h>
#include <limits.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "cli.h"

static const char *bold(const struct cli *cli)
{
	return cli->colour_err ? "\033[1;31m" : "";
}

int cli_usage(const struct cli *cli, const char *hint, const char *format, ...)
{
	const char *name = cli->command ? cli->command->name : "";
	va_list arguments;

	fprintf(stderr, "weir%s%s: %serror:%s ", *name ? " " : "", name, bold(cli), cli->colour_err ? "\033[0m" : "");
	va_start(arguments, format);
	vfprintf(stderr, format, arguments);
	va_end(arguments);
	fputc('\n', stderr);
	if (hint)
		fprintf(stderr, "  hint: %s\n", hint);
	else
		fprintf(stderr, "  hint: 'weir%s%s --help' says how it is used\n", *name ? " " : "", name);
	return EXIT_USAGE;
}

/* A long option that getopt did not take: unknown, ambiguous, or with a value it does not have. */
static int wrong_long_option(const struct cli *cli, const char *written, const struct option *options)
{
	const char *names[32], *meant;
	char word[64], hint[128];
	size_t count = 0;

	snprintf(word, sizeof(word), "%.*s", (int)strcspn(written + 2, "="), written + 2);
	for (; options[count].name && count < 32; count++) {
		names[count] = options[count].name;
		if (strcmp(word, names[count]) == 0)
			return cli_usage(cli, NULL, "the option '--%s' takes no value", word);
	}
	meant = nearest(word, names, count);
	snprintf(hint, sizeof(hint), "did you mean '--%s'?", meant ? meant : "");
	return cli_usage(cli, meant ? hint : NULL, "no such option '--%s'", word);
}

int cli_option(struct cli *cli, int argc, char **argv, const char *letters, const struct option *options)
{
	int before = optind ? optind : 1, option;

	opterr = 0;
	option = getopt_long(argc, argv, letters, options, NULL);
	switch (option) {
	case 'h':
		fputs(cli->command->help, stdout);
		cli->exit_code = EXIT_FINE;
		return CLI_STOP;
	case CLI_OPTION_PINS:
		cli->pins = optarg;
		return cli_option(cli, argc, argv, letters, options);
	case ':':
		cli->exit_code = cli_usage(cli, NULL, "the option '%s' needs a value", argv[optind - 1]);
		return CLI_STOP;
	case '?': {
		const char *written = argv[optind - 1] && optind > before ? argv[optind - 1] : argv[before];

		if (strncmp(written, "--", 2) == 0)
			cli->exit_code = wrong_long_option(cli, written, options);
		else
			cli->exit_code = cli_usage(cli, NULL, "no such option '-%c'", optopt);
		return CLI_STOP;
	}
	default:
		return option;
	}
}

int cli_finish(const struct cli *cli, int result)
{
	int code = weir_messages_exit_code(cli->messages);

	fflush(stdout);
	weir_messages_print(cli->messages, stderr, cli->colour_err);
	if (result < 0 && code == EXIT_FINE)
		return EXIT_SURROUNDINGS;
	return result < 0 ? code : EXIT_FINE;
}

struct weir_kernel *cli_open_kernel(struct cli *cli, bool change, int *ret_result)
{
	struct weir_kernel_options options = WEIR_OPTIONS(struct weir_kernel_options);
	struct weir_kernel *kernel = NULL;

	options.pins = cli->pins;
	options.change = change;
	*ret_result = weir_kernel_open(&options, cli->messages, &kernel);
	return *ret_result ? NULL : kernel;
}

int cli_number(const char *text, unsigned long *ret_number)
{
	unsigned long number;
	char *end;

	errno = 0;
	number = strtoul(text, &end, 10);
	if (errno || *end || end == text || *text == '-' || number == 0 || number > INT_MAX)
		return -EINVAL;
	*ret_number = number;
	return 0;
}

long long cli_now_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec * 1000LL + now.tv_nsec / 1000000;
}

int cli_form(const struct cli *cli, const char *word, enum weir_form *ret_form)
{
	static const char *const forms[] = { "fits", "code", "data", "tables", "vectors" }; /* as in enum weir_form */

	for (size_t i = 0; i < sizeof(forms) / sizeof(forms[0]); i++)
		if (strcmp(word, forms[i]) == 0) {
			*ret_form = (enum weir_form)i;
			return EXIT_FINE;
		}
	return cli_usage(cli, "it is one of fits, code, data, tables, vectors", "no such form '%s'", word);
}
