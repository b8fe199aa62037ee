// SPDX-License-Identifier: GPL-2.0-only
/* weir load: somebody's own eBPF object, loaded, attached, and what it logs printed. */
#include <stdlib.h>
#include <string.h>

#include "follow.h"

/* As many of an option that may be repeated. */
#define MOST 64

struct words {
	const char *items[MOST];
	size_t count;
};

struct load {
	struct follow follow;
	struct weir_object_options object_options;
	struct weir_attach_options attach_options;
	struct weir_log_options log_options;
	const char *file, *pin;
	struct words on, types, sets, chosen, actions;
	struct weir_program *action_programs[MOST];
	struct weir_object *object;
	struct weir_reader *reader;
	/* During a read. */
	void (*handle)(void *context, const char *line);
	void *context;
	struct cli *cli;
	bool logs;
};

/* "NAME=VALUE" of a program's name, or NULL: WORD is for all. */
static struct weir_program *named(struct load *load, const char *word, const char **ret_value)
{
	const char *equals = strchr(word, '=');
	struct weir_program *program = NULL;
	char *name;

	*ret_value = word;
	if (!equals)
		return NULL;
	name = strndup(word, (size_t)(equals - word));
	program = name ? weir_object_program(load->object, name) : NULL;
	free(name);
	if (program)
		*ret_value = equals + 1;
	return program;
}

/* What WORDS say for PROGRAM; what names it wins. NULL: nothing. */
static const char *word_for(struct load *load, const struct words *words, const struct weir_program *program)
{
	const char *value, *for_all = NULL;

	for (size_t i = 0; i < words->count; i++) {
		struct weir_program *of = named(load, words->items[i], &value);

		if (of == program)
			return value;
		if (!of)
			for_all = value;
	}
	return for_all;
}

static bool is_action(const struct weir_program *program)
{
	const char *hook = weir_program_hook(program);

	return hook && (strcmp(hook, "action") == 0 || strncmp(hook, "action-", 7) == 0);
}

static struct weir_program *find_program(struct load *load, const char *name)
{
	struct weir_program *program = weir_object_program(load->object, name);

	if (program)
		return program;
	cli_usage(load->cli, NULL, "%s has no program '%s', and no section of that name with one program", load->file, name);
	for (size_t i = 0; i < weir_object_program_count(load->object); i++)
		fprintf(stderr, "  there is %s, in section %s\n", weir_program_name(weir_object_program_at(load->object, i)),
			weir_program_section(weir_object_program_at(load->object, i)));
	return NULL;
}

/* Those that were named; else all, but actions where there is something else: they are for --action. Gives an exit code. */
static int choose_programs(struct load *load)
{
	size_t count = weir_object_program_count(load->object), others = 0;
	struct weir_program *program;

	for (size_t i = 0; i < count; i++)
		others += !is_action(weir_object_program_at(load->object, i));
	for (size_t i = 0; i < count && !load->chosen.count; i++) {
		program = weir_object_program_at(load->object, i);
		if (!others || !is_action(program))
			weir_program_choose(program);
	}
	for (size_t i = 0; i < load->chosen.count; i++) {
		program = find_program(load, load->chosen.items[i]);
		if (!program)
			return EXIT_USAGE;
		weir_program_choose(program);
	}
	for (size_t i = 0; i < load->actions.count; i++) {
		program = load->action_programs[i] = find_program(load, load->actions.items[i]);
		if (!program || weir_program_set_hook(program, "action", load->cli->messages))
			return EXIT_USAGE;
		weir_program_choose(program);
	}
	load->attach_options.actions = load->action_programs;
	load->attach_options.action_count = load->actions.count;
	return EXIT_FINE;
}

static bool is_attached(const struct load *load, const struct weir_program *program)
{
	for (size_t i = 0; i < load->actions.count; i++)
		if (load->action_programs[i] == program)
			return false;
	return weir_program_fd(program) >= 0;
}

static int prepare(struct load *load)
{
	struct weir_messages *messages = load->cli->messages;
	int result = 0;

	for (size_t i = 0; i < weir_object_program_count(load->object) && !result; i++) {
		struct weir_program *program = weir_object_program_at(load->object, i);
		const char *type = word_for(load, &load->types, program);

		if (type && (load->actions.count == 0 || !is_action(program)))
			result = weir_program_set_hook(program, type, messages);
	}
	for (size_t i = 0; i < load->sets.count && !result; i++) {
		const char *equals = strchr(load->sets.items[i], '=');
		char *name = equals ? strndup(load->sets.items[i], (size_t)(equals - load->sets.items[i])) : NULL;

		result = name ? weir_object_set_global_text(load->object, name, equals + 1, messages) : -1;
		free(name);
	}
	return result;
}

static void print_verifier_logs(const struct load *load)
{
	for (size_t i = 0; i < weir_object_program_count(load->object); i++) {
		const struct weir_program *program = weir_object_program_at(load->object, i);
		const char *log = weir_program_verifier_log(program);

		if (*log)
			fprintf(stderr, "verifier log of %s:\n%s%s", weir_program_name(program), log,
				log[strlen(log) - 1] == '\n' ? "" : "\n");
	}
}

static int attach(struct load *load)
{
	int result = 0;

	for (size_t i = 0; i < weir_object_program_count(load->object) && !result; i++) {
		struct weir_program *program = weir_object_program_at(load->object, i);
		char *pin = NULL;

		if (!is_attached(load, program))
			continue;
		if (load->pin && asprintf(&pin, "%s/%s", load->pin, weir_program_name(program)) < 0)
			return -1;
		load->attach_options.pin = pin;
		result = weir_program_attach(program, word_for(load, &load->on, program), &load->attach_options,
					     load->cli->messages);
		free(pin);
	}
	return result;
}

/* ---- What it logs ---- */

static void take_line(void *context, const struct weir_log_line *line)
{
	struct load *load = context;
	char *text = NULL;
	size_t length = 0;
	FILE *memory = open_memstream(&text, &length);

	if (!memory)
		return;
	if (load->follow.format == WEIR_FORMAT_JSON)
		weir_log_print_json(memory, line);
	else
		weir_log_print(memory, line);
	fclose(memory);
	if (length)
		text[length - 1] = '\0';
	load->handle(load->context, text);
	free(text);
}

static int read_lines(void *object, void (*handle)(void *context, const char *line), void *context)
{
	struct load *load = object;

	load->handle = handle;
	load->context = context;
	return weir_reader_read(load->reader, 0);
}

static int lost_lines(void *object, uint64_t *ret_lost)
{
	return weir_reader_lost(((struct load *)object)->reader, ret_lost);
}

static int suppressed_lines(void *object, uint64_t *ret_suppressed)
{
	return weir_reader_suppressed(((struct load *)object)->reader, ret_suppressed);
}

/* Listening begins before anything is attached, so that the first line is not missed. */
static int listen_to(struct load *load)
{
	int result = weir_reader_open(load->cli->messages, &load->reader);

	if (result)
		return result;
	result = weir_reader_add_log(load->reader, load->object, &load->log_options, take_line, load, load->cli->messages);
	load->logs = result == 0;
	return result && weir_messages_count_of(load->cli->messages, WEIR_SEVERITY_ERROR) ? result : 0;
}

static int follow(struct load *load)
{
	follow_announce(load->logs ? "what it logs" : "the end: it logs nothing");
	return follow_run(&load->follow, &(struct follow_source){ .object = load,
								  .fd = weir_reader_fd(load->reader),
								  .read = read_lines,
								  .lost = lost_lines,
								  .suppressed = suppressed_lines });
}

/* ---- All of it ---- */

static int load_attach_follow(struct load *load)
{
	int result = prepare(load);

	if (!result)
		result = weir_object_load(load->object, load->cli->messages);
	if (load->object_options.verifier_log)
		print_verifier_logs(load);
	if (!result && !load->pin)
		result = listen_to(load);
	if (!result)
		result = attach(load);
	if (result) {
		weir_object_undo(load->object);
		return result;
	}
	weir_object_print(load->object, load->follow.format, stdout);
	fflush(stdout);
	return load->pin ? 0 : follow(load);
}

static int open_and_load(struct load *load)
{
	struct cli *cli = load->cli;
	int result = follow_open(&load->follow), code;

	if (!result)
		result = weir_object_open(load->file, &load->object_options, cli->messages, &load->object);
	code = result ? EXIT_FINE : choose_programs(load);
	if (!result && code == EXIT_FINE)
		result = load_attach_follow(load);
	weir_reader_close(load->reader);
	weir_object_close(load->object);
	follow_close(&load->follow);
	if (code != EXIT_FINE) {
		cli_finish(cli, -1);
		return code;
	}
	return cli_finish(cli, result);
}

/* ---- Options ---- */

enum {
	OPTION_ON = CLI_OPTION_OWN,
	OPTION_PROGRAM,
	OPTION_TYPE,
	OPTION_SET,
	OPTION_MODE,
	OPTION_CGROUP_MODE,
	OPTION_NETNS,
	OPTION_PARENT,
	OPTION_CLASSID,
	OPTION_ACTION,
	OPTION_PID,
	OPTION_PIN,
	OPTION_VERIFIER_LOG,
	OPTION_LEVEL,
	OPTION_RATE,
};

static int take_word(const struct cli *cli, struct words *words)
{
	if (words->count == MOST)
		return cli_usage(cli, NULL, "that option can be given %d times", MOST);
	words->items[words->count++] = optarg;
	return EXIT_FINE;
}

/* Which of WORDS, up to a NULL, the option's value is. */
static int take_choice(const struct cli *cli, const char *const *words, const char *hint, int *ret_index)
{
	for (int i = 0; words[i]; i++) {
		if (strcmp(optarg, words[i]) != 0)
			continue;
		*ret_index = i;
		return EXIT_FINE;
	}
	return cli_usage(cli, hint, "'%s' is none of these", optarg);
}

static int take_named(struct load *load, int option)
{
	static const char *const modes[] = { "best", "native", "generic", "offload", NULL };
	static const char *const cgroup_modes[] = { "multi", "single", "override", NULL };
	static const char *const levels[] = { "off", "error", "warn", "info", "debug", "trace", NULL };
	int index = 0, code;

	switch (option) {
	case OPTION_MODE:
		code = take_choice(load->cli, modes, "best, native, generic or offload", &index);
		load->attach_options.xdp_mode = (enum weir_xdp_mode)index;
		return code;
	case OPTION_CGROUP_MODE:
		code = take_choice(load->cli, cgroup_modes, "multi, single or override", &index);
		load->attach_options.cgroup_mode = (enum weir_cgroup_mode)index;
		return code;
	default:
		code = take_choice(load->cli, levels, "error, warn, info, debug or trace", &index);
		load->log_options.level = (enum weir_log_level)index;
		return code;
	}
}

static int take_number(struct load *load, int option)
{
	unsigned long number;

	if (cli_number(optarg, &number) != 0)
		return cli_usage(load->cli, "a whole number from 1 on", "'%s' is no %s", optarg,
				 option == OPTION_PID ? "number of a process" : "number of lines a second");
	if (option == OPTION_PID)
		load->attach_options.pid = (int)number;
	else
		load->log_options.rate = (uint32_t)number;
	return EXIT_FINE;
}

static int take_option(struct load *load, int option)
{
	switch (option) {
	case OPTION_ON:
		return take_word(load->cli, &load->on);
	case OPTION_PROGRAM:
		return take_word(load->cli, &load->chosen);
	case OPTION_TYPE:
		return take_word(load->cli, &load->types);
	case OPTION_ACTION:
		return take_word(load->cli, &load->actions);
	case OPTION_SET:
		if (!strchr(optarg, '='))
			return cli_usage(load->cli, "--set NAME=VALUE", "'%s' has no '='", optarg);
		return take_word(load->cli, &load->sets);
	case OPTION_NETNS:
		load->attach_options.netns = optarg;
		return EXIT_FINE;
	case OPTION_PARENT:
		load->attach_options.parent = optarg;
		return EXIT_FINE;
	case OPTION_CLASSID:
		load->attach_options.classid = optarg;
		return EXIT_FINE;
	case OPTION_PIN:
		load->pin = load->object_options.pin_maps = optarg;
		return EXIT_FINE;
	case OPTION_VERIFIER_LOG:
		load->object_options.verifier_log = true;
		return EXIT_FINE;
	case OPTION_PID:
	case OPTION_RATE:
		return take_number(load, option);
	default:
		return take_named(load, option);
	}
}

static int run(struct cli *cli, int argc, char **argv)
{
	static const struct option options[] = { FOLLOW_OPTIONS,
						 { "on", required_argument, NULL, OPTION_ON },
						 { "program", required_argument, NULL, OPTION_PROGRAM },
						 { "section", required_argument, NULL, OPTION_PROGRAM },
						 { "type", required_argument, NULL, OPTION_TYPE },
						 { "set", required_argument, NULL, OPTION_SET },
						 { "mode", required_argument, NULL, OPTION_MODE },
						 { "cgroup-mode", required_argument, NULL, OPTION_CGROUP_MODE },
						 { "netns", required_argument, NULL, OPTION_NETNS },
						 { "parent", required_argument, NULL, OPTION_PARENT },
						 { "classid", required_argument, NULL, OPTION_CLASSID },
						 { "flowid", required_argument, NULL, OPTION_CLASSID },
						 { "action", required_argument, NULL, OPTION_ACTION },
						 { "pid", required_argument, NULL, OPTION_PID },
						 { "pin", required_argument, NULL, OPTION_PIN },
						 { "verifier-log", no_argument, NULL, OPTION_VERIFIER_LOG },
						 { "level", required_argument, NULL, OPTION_LEVEL },
						 { "rate", required_argument, NULL, OPTION_RATE },
						 CLI_OPTIONS,
						 { 0 } };
	struct load load = { .follow = FOLLOW("line"),
			     .object_options = WEIR_OPTIONS(struct weir_object_options),
			     .attach_options = WEIR_OPTIONS(struct weir_attach_options),
			     .log_options = WEIR_OPTIONS(struct weir_log_options),
			     .cli = cli };
	int option, code;

	load.object_options.only_chosen = true;
	load.log_options.rate = 1000;
	while ((option = cli_option(cli, argc, argv, ":h" FOLLOW_LETTERS, options)) != -1) {
		if (option == CLI_STOP)
			return cli->exit_code;
		code = follow_option(cli, &load.follow, option);
		if (code == -1)
			code = take_option(&load, option);
		if (code != EXIT_FINE)
			return code;
	}
	if (optind >= argc)
		return cli_usage(cli, "weir load OBJECT.o --on eth0", "which object?");
	if (optind + 1 < argc)
		return cli_usage(cli, NULL, "'%s' is too much: one object at a time", argv[optind + 1]);
	load.file = argv[optind];
	return open_and_load(&load);
}

const struct command command_load = {
	.name = "load",
	.summary = "an eBPF object of your own: load, attach, print what it logs",
	.help = "usage: weir load [OPTION...] OBJECT.o\n\n"
		"Loads the programs of a compiled object, attaches them, prints what they log (by weir_log or aya-log),\n"
		"and detaches them at Ctrl-C. Objects made for tc, libbpf and Aya are taken as they are.\n\n"
		"      --on=[PROGRAM=]TARGET  where: an interface, a cgroup's folder, a function, category:name, FILE:FUNCTION\n"
		"      --program=NAME         only that program: its function or section; may be repeated\n"
		"      --section=NAME         the same\n"
		"      --type=[PROGRAM=]HOOK  which hook it is for, where its section does not say: tc/egress, fentry/tcp_connect ...\n"
		"      --set=NAME=VALUE       a global variable, before loading\n"
		"      --mode=MODE            of XDP: best, native, generic or offload\n"
		"      --cgroup-mode=MODE     multi, single or override\n"
		"      --netns=NAME           the network namespace of the interface\n"
		"      --parent=1:            tc: a filter of that qdisc\n"
		"      --classid=1:10         its class\n"
		"      --flowid=1:10          the same\n"
		"      --action=PROGRAM       an action behind it; may be repeated\n"
		"      --pid=PID              uprobe: of that process alone\n"
		"      --pin=DIR              stay attached: links and maps are pinned in that folder of a bpffs\n"
		"      --verifier-log         what the verifier says, to standard error\n"
		"      --level=LEVEL          log lines up to error, warn, info, debug or trace\n"
		"      --rate=N               of weir_log, N lines a second at most (1000)\n"
		"  -j, --json                 JSON, one object a line\n"
		"  -c, --count=N              end after N lines\n"
		"  -s, --seconds=N            end after N seconds\n"
		"  -h, --help                 this\n\n"
		"example:\n"
		"  weir load drop-arp.o --on eth0\n",
	.run = run,
};
