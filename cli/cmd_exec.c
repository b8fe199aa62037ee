// SPDX-License-Identifier: GPL-2.0-only
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cli.h"

/* BPF_NUM_MAPS and BPF_MAP<id>, as tc has them, and WEIR_MAPS. 0 or -errno. */
static int set_environment(const struct weir_maps *maps)
{
	char name[32], value[16];
	int error = 0;

	for (size_t i = 0; !error && i < weir_maps_count(maps); i++) {
		int fd = weir_maps_fd(maps, i);

		snprintf(name, sizeof(name), "BPF_MAP%u", weir_maps_id(maps, i));
		snprintf(value, sizeof(value), "%d", fd);
		if (fcntl(fd, F_SETFD, 0) || setenv(name, value, 1))
			error = -errno;
	}
	snprintf(value, sizeof(value), "%zu", weir_maps_count(maps));
	if (!error && (setenv("BPF_NUM_MAPS", value, 1) || setenv("WEIR_MAPS", weir_maps_json(maps), 1)))
		error = -errno;
	return error;
}

/* Comes back only when it cannot be begun. */
static int become(const struct cli *cli, const struct weir_maps *maps, char **command)
{
	static char name[] = "/bin/sh", *const shell[] = { name, NULL };
	char *const *arguments = *command ? command : shell;
	int error = set_environment(maps);

	/* What COMMAND asks of libweir is about the same policies. */
	if (!error && cli->pins && setenv("WEIR_PINS", cli->pins, 1))
		error = -errno;
	if (!error) {
		signal(SIGPIPE, SIG_DFL);
		fflush(NULL);
		execvp(arguments[0], arguments);
		error = -errno;
		signal(SIGPIPE, SIG_IGN);
	}
	fprintf(stderr, "weir exec: error: cannot begin %s: %s\n", arguments[0], strerror(-error));
	if (error == -E2BIG)
		fputs("  hint: the environment is too large: this policy has too many maps, or there is too much else in it\n",
		      stderr);
	return EXIT_SURROUNDINGS;
}

/* What the maps are called is known where weir's directory can be opened; what it says is of no interest where not. */
static int import_maps(struct cli *cli, const char *socket, struct weir_maps **ret_maps)
{
	struct weir_kernel_options options = WEIR_OPTIONS(struct weir_kernel_options);
	struct weir_messages *unheard = weir_messages_new();
	struct weir_kernel *kernel = NULL;
	int result;

	options.pins = cli->pins;
	weir_kernel_open(&options, unheard, &kernel);
	result = weir_maps_receive(kernel, socket, cli->messages, ret_maps);
	weir_kernel_close(kernel);
	weir_messages_free(unheard);
	return result;
}

static int open_maps(struct cli *cli, const char *policy, const char *import, struct weir_maps **ret_maps)
{
	struct weir_kernel *kernel;
	int result;

	if (import)
		return import_maps(cli, import, ret_maps);
	/* For change, so that no apply takes the maps away while they are opened; it is over before the command begins. */
	kernel = cli_open_kernel(cli, true, &result);
	if (kernel)
		result = weir_maps_open(kernel, policy, cli->messages, ret_maps);
	weir_kernel_close(kernel);
	return result;
}

static int run(struct cli *cli, int argc, char **argv)
{
	static const struct option options[] = {
		{ "export", required_argument, NULL, 'e' }, { "import", required_argument, NULL, 'i' }, CLI_OPTIONS, { 0 }
	};
	const char *export = NULL, *import = NULL, *policy = NULL;
	struct weir_maps *maps = NULL;
	int option, result, code;

	/* "+": what stands behind the policy is the command's. */
	while ((option = cli_option(cli, argc, argv, "+:he:i:", options)) != -1) {
		if (option == CLI_STOP)
			return cli->exit_code;
		*(option == 'e' ? &export : &import) = optarg;
	}
	argv += optind;
	if (!import) {
		if (!*argv || strcmp(argv[-1], "--") == 0)
			return cli_usage(cli, NULL, "the maps of which policy?");
		policy = *argv++;
		if (*argv && strcmp(*argv, "--") == 0)
			argv++;
	}
	if (export && (import || *argv))
		return cli_usage(cli, NULL,
				 import ? "'--export' and '--import' exclude each other" : "'--export' begins no command");
	result = open_maps(cli, policy, import, &maps);
	if (!result && export)
		result = weir_maps_send(maps, export, cli->messages);
	code = cli_finish(cli, result);
	if (!result && export)
		printf("%zu map%s sent to %s\n", weir_maps_count(maps), weir_maps_count(maps) == 1 ? "" : "s", export);
	else if (!result)
		code = become(cli, maps, argv);
	weir_maps_close(maps);
	return code;
}

const struct command command_exec = {
	.name = "exec",
	.summary = "begin a program that has a policy's maps as open descriptors",
	.help = "usage: weir exec POLICY [-- COMMAND [ARGUMENT...]]\n"
		"       weir exec --export SOCKET POLICY\n"
		"       weir exec --import SOCKET [-- COMMAND [ARGUMENT...]]\n\n"
		"COMMAND (/bin/sh without one) takes the place of weir, with the policy's maps open:\n"
		"BPF_NUM_MAPS is their number, BPF_MAP<id> the descriptor of each, as tc exec bpf has\n"
		"it, and WEIR_MAPS a line of JSON with their names, types and sizes. '--export' sends\n"
		"the same to a program that runs and listens at a Unix socket, '--import' waits at one\n"
		"for what weir or tc sends.\n\n"
		"  -e, --export=SOCKET  send the maps there, and begin nothing\n"
		"  -i, --import=SOCKET  take the maps that come there\n"
		"      --pins=DIR       weir's directory in bpffs\n"
		"  -h, --help           this\n\n"
		"example:\n"
		"  weir exec edge -- ./agent 100\n"
		"  weir exec edge -- sh -c 'bpftool map dump id $(echo \"$WEIR_MAPS\" | jq .maps[0].map_id)'\n",
	.run = run,
};
