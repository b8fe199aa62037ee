// SPDX-License-Identifier: GPL-2.0-only
/*
 * The debugger's commands, after those of bpf_dbg. In: commands, a line each. Out: what is asked for. A line that is empty does
 * the last step or run again on a terminal.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "step/program.h"

#define MOST_BREAKPOINTS 64

struct debugger {
	const struct step_session *session;
	uint32_t packet; /* number of the one that is gone through, from 0 */
	bool seen;	 /* the program sees that packet */
	bool ended;
	uint32_t breakpoints[MOST_BREAKPOINTS], breakpoint_count;
	char last[16];
	int error;
};

static const char help_text[] = "  step [N]         do the next instruction, or N of them\n"
				"  run              go on to the next breakpoint, or to the end\n"
				"  breakpoint [N]   stop before instruction N; without N, list the breakpoints\n"
				"  delete [N]       take that breakpoint away, or all\n"
				"  select N         begin with packet N of the capture\n"
				"  next             begin with the next packet\n"
				"  restart          begin with this packet again\n"
				"  all              run all packets to the end, and count\n"
				"  registers        show all of them\n"
				"  packet           show the packet's bytes\n"
				"  disassemble      show the program\n"
				"  quit             end\n";

static void fail(struct debugger *debugger, const char *message, const char *word)
{
	fprintf(debugger->session->out, "%s%s%s\n", message, *word ? ": " : "", word);
	debugger->error = -EINVAL;
}

static void print_place(struct debugger *debugger)
{
	const struct step_program *program = debugger->session->program;
	uint32_t at = program->at(program->context);

	fprintf(debugger->session->out, "%6u  ", at);
	program->print_instruction(program->context, at, debugger->session->out);
	fputc('\n', debugger->session->out);
}

static void begin(struct debugger *debugger, uint32_t number)
{
	const struct step_session *session = debugger->session;
	const struct why_packet *packet = &session->packets[number];
	const char *unseen = session->program->begin(session->program->context, packet);

	debugger->packet = number;
	debugger->seen = !unseen;
	debugger->ended = unseen != NULL;
	fprintf(session->out, "packet %u of %u: %zu bytes%s%s\n", number + 1, session->packet_count, packet->length,
		unseen ? ", not seen by this program: " : "", unseen ? unseen : "");
	if (!unseen)
		print_place(debugger);
}

static bool is_breakpoint(const struct debugger *debugger, uint32_t at)
{
	for (uint32_t i = 0; i < debugger->breakpoint_count; i++)
		if (debugger->breakpoints[i] == at)
			return true;
	return false;
}

/* What the last step changed, on a line; nothing where it changed nothing. */
static void print_changes(struct debugger *debugger)
{
	const struct step_program *program = debugger->session->program;
	char *text;
	size_t size;
	FILE *line = open_memstream(&text, &size);

	if (!line)
		return;
	program->print_changes(program->context, line);
	fclose(line);
	if (size)
		fprintf(debugger->session->out, "       %s\n", text);
	free(text);
}

/* One instruction, shown with what it changed. QUIETLY: only the end is. */
static bool step_once(struct debugger *debugger, bool quietly)
{
	const struct step_program *program = debugger->session->program;
	FILE *out = debugger->session->out;

	debugger->ended = !program->step(program->context);
	if (!quietly)
		print_changes(debugger);
	if (debugger->ended)
		program->print_result(program->context, out);
	return !debugger->ended;
}

static bool can_go_on(struct debugger *debugger)
{
	if (!debugger->ended)
		return true;
	fputs(debugger->seen ? "the program has ended: 'restart', 'next' or 'select'\n" : "the program does not see this packet\n",
	      debugger->session->out);
	return false;
}

static void step(struct debugger *debugger, unsigned long count)
{
	if (!can_go_on(debugger))
		return;
	for (unsigned long i = 0; i < count; i++) {
		if (!step_once(debugger, false))
			return;
		print_place(debugger);
	}
}

static void run(struct debugger *debugger)
{
	const struct step_program *program = debugger->session->program;

	if (!can_go_on(debugger))
		return;
	while (step_once(debugger, true))
		if (is_breakpoint(debugger, program->at(program->context))) {
			fputs("breakpoint\n", debugger->session->out);
			print_place(debugger);
			return;
		}
}

static void run_all(struct debugger *debugger)
{
	const struct step_session *session = debugger->session;
	const struct step_program *program = session->program;
	uint32_t passes = 0, fails = 0, unseen = 0;

	for (uint32_t i = 0; i < session->packet_count; i++) {
		if (program->begin(program->context, &session->packets[i])) {
			unseen++;
			continue;
		}
		while (program->step(program->context))
			;
		if (program->matched(program->context))
			passes++;
		else
			fails++;
	}
	fprintf(session->out, "passes: %u, fails: %u", passes, fails);
	if (unseen)
		fprintf(session->out, ", not seen: %u", unseen);
	fputc('\n', session->out);
	begin(debugger, debugger->packet);
}

static void disassemble(struct debugger *debugger)
{
	const struct step_program *program = debugger->session->program;
	char *text;
	size_t size;

	for (uint32_t i = 0; i < program->count; i++) {
		FILE *line = open_memstream(&text, &size);
		bool whole = line && program->print_instruction(program->context, i, line);

		if (line)
			fclose(line);
		if (whole)
			fprintf(debugger->session->out, "%c%5u  %s\n", is_breakpoint(debugger, i) ? '*' : ' ', i, text);
		if (line)
			free(text);
	}
}

static void print_packet(struct debugger *debugger)
{
	const struct why_packet *packet = &debugger->session->packets[debugger->packet];

	for (size_t i = 0; i < packet->length; i++) {
		if (i % 16 == 0)
			fprintf(debugger->session->out, "%s%6zx:", i ? "\n" : "", i);
		fprintf(debugger->session->out, " %02x", packet->data[i]);
	}
	fputc('\n', debugger->session->out);
}

/* ---- Commands ---- */

static void breakpoint(struct debugger *debugger, bool given, unsigned long number)
{
	if (!given) {
		for (uint32_t i = 0; i < debugger->breakpoint_count; i++)
			fprintf(debugger->session->out, "breakpoint before %u\n", debugger->breakpoints[i]);
		if (!debugger->breakpoint_count)
			fputs("no breakpoints\n", debugger->session->out);
	} else if (number >= debugger->session->program->count) {
		fail(debugger, "the program has no such instruction", "");
	} else if (debugger->breakpoint_count == MOST_BREAKPOINTS) {
		fail(debugger, "there are 64 breakpoints already", "");
	} else {
		debugger->breakpoints[debugger->breakpoint_count++] = (uint32_t)number;
		fprintf(debugger->session->out, "breakpoint before %lu\n", number);
	}
}

static void delete(struct debugger *debugger, bool given, unsigned long number)
{
	uint32_t kept = 0;

	for (uint32_t i = 0; given && i < debugger->breakpoint_count; i++)
		if (debugger->breakpoints[i] != number)
			debugger->breakpoints[kept++] = debugger->breakpoints[i];
	debugger->breakpoint_count = kept;
}

static void choose(struct debugger *debugger, bool given, unsigned long number)
{
	if (!given || number == 0 || number > debugger->session->packet_count)
		fail(debugger, "there is no such packet", "");
	else
		begin(debugger, (uint32_t)number - 1);
}

/* A command by its name or as much of it as tells it apart; "b" is breakpoint, "s" step, "r" run. */
static bool is_command(const char *word, const char *name, size_t least)
{
	size_t length = strlen(word);

	return length >= least && strncmp(word, name, length) == 0;
}

/* False: the end. */
static bool command(struct debugger *debugger, const char *word, const char *argument)
{
	const struct step_program *program = debugger->session->program;
	bool given = *argument != 0;
	char *end;
	unsigned long number = strtoul(argument, &end, 10);

	if (given && *end) {
		fail(debugger, "not a number", argument);
		return true;
	}
	if (is_command(word, "quit", 1) || strcmp(word, "exit") == 0)
		return false;
	if (is_command(word, "step", 1))
		step(debugger, given ? number : 1);
	else if (is_command(word, "run", 1))
		run(debugger);
	else if (is_command(word, "breakpoint", 1))
		breakpoint(debugger, given, number);
	else if (is_command(word, "delete", 2))
		delete (debugger, given, number);
	else if (is_command(word, "select", 2))
		choose(debugger, given, number);
	else if (is_command(word, "next", 1))
		choose(debugger, true, debugger->packet + 2ul);
	else if (is_command(word, "restart", 3))
		begin(debugger, debugger->packet);
	else if (is_command(word, "all", 1))
		run_all(debugger);
	else if (is_command(word, "registers", 3))
		program->print_registers(program->context, debugger->session->out);
	else if (is_command(word, "packet", 1))
		print_packet(debugger);
	else if (is_command(word, "disassemble", 2))
		disassemble(debugger);
	else if (is_command(word, "help", 1) || strcmp(word, "?") == 0)
		fputs(help_text, debugger->session->out);
	else
		fail(debugger, "no such command, 'help' lists them", word);
	return true;
}

static bool do_line(struct debugger *debugger, char *line)
{
	char *word = strtok_r(line, " \t\r\n", &line), *argument;

	if (!word || *word == '#') {
		if (!word && debugger->session->prompt && *debugger->last)
			return command(debugger, debugger->last, "");
		return true;
	}
	argument = strtok_r(NULL, " \t\r\n", &line);
	snprintf(debugger->last, sizeof(debugger->last), "%s", word);
	return command(debugger, word, argument ? argument : "");
}

int step_run(const struct step_session *session)
{
	struct debugger debugger = { .session = session };
	char *line = NULL;
	size_t size = 0;

	fprintf(session->out, "%s, %u instructions\n", session->program->title, session->program->count);
	begin(&debugger, 0);
	for (;;) {
		if (session->prompt) {
			fputs("> ", session->out);
			fflush(session->out);
		}
		if (getline(&line, &size, session->in) < 0 || !do_line(&debugger, line))
			break;
	}
	free(line);
	return session->prompt ? 0 : debugger.error;
}
