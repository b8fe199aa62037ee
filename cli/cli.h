/* SPDX-License-Identifier: GPL-2.0-only */
/* What the commands of weir share: the table of commands, options, exit codes, messages. Built on weir.h alone. */
#ifndef WEIR_CLI_H
#define WEIR_CLI_H

#include <getopt.h>
#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>

#include "weir/weir.h"

enum exit_code {
	EXIT_FINE,
	EXIT_USAGE,	   /* the policy or the usage is wrong */
	EXIT_KERNEL,	   /* the kernel refused */
	EXIT_SURROUNDINGS, /* not root, no such interface, a missing file */
};

struct command;

/* One run of the command. */
struct cli {
	const struct command *command;
	const char *pins; /* NULL: the default */
	bool colour_out, colour_err;
	struct weir_messages *messages;
	int exit_code; /* set where cli_option gives CLI_STOP */
};

struct command {
	const char *name;
	const char *summary;				    /* one line for `weir --help` */
	const char *help;				    /* usage, options, example */
	int (*run)(struct cli *cli, int argc, char **argv); /* argv[0] is the command's name; gives an exit code */
};

extern const struct command command_check, command_why, command_apply, command_list, command_set, command_events, command_remove,
	command_import, command_exec, command_disasm, command_bytecode, command_log, command_trace, command_guard,
	command_selftest, command_load, command_new, command_types;

/* Options that each command has; its own come before them, and the table ends with { 0 }. */
#define CLI_OPTION_PINS 256
#define CLI_OPTION_FORM 257 /* of check and apply */
#define CLI_OPTION_OWN	512 /* the first number for long options without a letter */
#define CLI_OPTIONS                                                                                                              \
	{ "help", no_argument, NULL, 'h' },                                                                                      \
	{                                                                                                                        \
		"pins", required_argument, NULL, CLI_OPTION_PINS                                                                 \
	}

/*
 * The next option: its letter or number, -1 behind the last one, or CLI_STOP where nothing is left to do (help was
 * printed, or an error): return cli->exit_code then.
 */
#define CLI_STOP 0
int cli_option(struct cli *cli, int argc, char **argv, const char *letters, const struct option *options);

/* Usage is wrong: say how, and what to do (HINT; NULL: see --help). Gives EXIT_USAGE. */
int cli_usage(const struct cli *cli, const char *hint, const char *format, ...) __attribute__((format(printf, 3, 4)));

/* Print what the library had to say, to stderr. Gives the exit code for RESULT, which is 0 or a negative errno. */
int cli_finish(const struct cli *cli, int result);

/* Open weir's directory in bpffs: the kernel, or NULL with messages for cli_finish. */
struct weir_kernel *cli_open_kernel(struct cli *cli, bool change, int *ret_result);

/* The form that --form names: EXIT_FINE, or EXIT_USAGE and it was said what forms there are. */
int cli_form(const struct cli *cli, const char *word, enum weir_form *ret_form);

/* A number from 1 to INT_MAX, of seconds or things: 0, or -EINVAL. */
int cli_number(const char *text, unsigned long *ret_number);

/* Milliseconds on a clock that only goes forward. */
long long cli_now_ms(void);

/* The word nearest to WORD, or NULL where none is near. */
const char *nearest(const char *word, const char *const *words, size_t count);

/*
 * Progress of long work, on a terminal only: from half a second on a line that is written over, and wiped by progress_end. A
 * thread writes it, since the longest step, the kernel's verifier, is one system call. WHAT is a text that lasts. CONTEXT is a
 * struct progress.
 */
struct progress {
	bool running, stop, shown; /* the last two under the lock, as all that follows */
	pthread_t thread;
	pthread_mutex_t lock;
	pthread_cond_t stopped;
	long long begun_ms;
	const char *what;
	uint64_t done, total; /* total 0: nothing is counted */
};
void progress_begin(struct progress *progress, const char *what);
void progress_show(void *context, const char *what, uint64_t done, uint64_t total);
void progress_end(struct progress *progress); /* a second time does nothing */

#endif
