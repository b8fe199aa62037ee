// SPDX-License-Identifier: GPL-2.0-only
/*
 * Matches that are computed. `pcap "tcp port 80"` becomes a program of classic BPF for each way a packet can begin at the hook;
 * `bytecode` is such a program already, as a text in one of two forms, or a file with one.
 */
#include <errno.h>
#include <string.h>

#include "base/limits.h"
#include "check/checker.h"

struct predicate_frame {
	struct chain_frame *chain;
	const struct ast_statement *match;
	const struct ast_value *text; /* the string, behind its variable */
	bool assembly, file;
	const struct ast_value *link_word; /* NULL: none is named */
	enum classic_link link;
};

/* Can a packet begin so at this hook? Without a known hook, its error told, it begins with Ethernet. */
static bool link_occurs(const struct chain_frame *chain, enum classic_link link)
{
	if (!chain->hook_known || chain->hook == WEIR_HOOK_XDP_INGRESS)
		return link == CLASSIC_ETHERNET;
	return !hook_is_cgroup(chain->hook) || link == CLASSIC_RAW;
}

static struct diagnostics *told(const struct predicate_frame *frame)
{
	return frame->chain->checker->diagnostics;
}

/* ---- Expressions ---- */

static bool refuse_expression(struct predicate_frame *frame, const char *message)
{
	struct diagnostic *d = diagnose(told(frame), SEVERITY_ERROR, frame->text->place, "libpcap does not take this expression%s%s",
					message ? ": " : "", message ? message : "");

	diagnostic_hint(told(frame), d, "its words are tcpdump's: 'tcp port 80 and not host 10.0.0.1'; see man 7 pcap-filter");
	return false;
}

/*
 * The program for packets that begin with LINK, into PREDICATE. Where tc also has interfaces without Ethernet headers, an
 * expression that speaks of such headers is met by no packet there.
 */
static bool compile_link(struct predicate_frame *frame, enum classic_link link, struct predicate *predicate)
{
	struct checker *checker = frame->chain->checker;
	struct host_filter_request request = { .expression = frame->text->text, .link = link };
	const char *message = NULL;
	uint32_t at;
	int error = -EOPNOTSUPP;

	if (checker->host->filter)
		error = checker->host->filter(checker->host->context, checker->arena, &request, &predicate->programs[link], &message);
	if (error && link == CLASSIC_RAW && predicate->programs[CLASSIC_ETHERNET])
		return true;
	if (error)
		return refuse_expression(frame, error == -EINVAL ? message : NULL);
	message = classic_check(predicate->programs[link], &at);
	return message ? refuse_expression(frame, message) : true;
}

static bool check_expression(struct predicate_frame *frame, struct predicate *predicate)
{
	predicate->whole_frame = true;
	for (int link = 0; link < CLASSIC_LINKS; link++)
		if (link_occurs(frame->chain, (enum classic_link)link) && !compile_link(frame, (enum classic_link)link, predicate))
			return false;
	return true;
}

/* ---- Bytecode ---- */

static void read_words(struct predicate_frame *frame)
{
	for (const struct ast_value *word = frame->match->words; word; word = word->next) {
		frame->assembly |= strcmp(word->text, "asm") == 0;
		frame->file |= strcmp(word->text, "file") == 0;
		if (strcmp(word->text, "RAW") != 0 && strcmp(word->text, "EN10MB") != 0)
			continue;
		frame->link_word = word;
		frame->link = strcmp(word->text, "RAW") == 0 ? CLASSIC_RAW : CLASSIC_ETHERNET;
	}
}

/* The text, and the source in which a fault has its place; of a string in the policy that is the policy. */
static const char *read_text(struct predicate_frame *frame, const struct source **ret_source)
{
	struct checker *checker = frame->chain->checker;
	const char *path;
	int error;

	*ret_source = NULL;
	if (!frame->file)
		return frame->text->text;
	path = file_path(checker, frame->text);
	error = checker->host->read_file(checker->host->context, checker->arena, path, ret_source);
	if (!error)
		return (*ret_source)->text;
	diagnose(told(frame), SEVERITY_ERROR_SURROUNDINGS, frame->text->place, "cannot read '%s': %s", path, strerror(-error));
	return NULL;
}

/* Where byte AT of the text stands. */
static struct place place_of(const struct predicate_frame *frame, const struct source *source, const struct classic_fault *fault)
{
	struct place place = frame->text->place;
	const char *line;

	if (!source) {
		/* With an escape in it, bytes of the text are not columns of the line. */
		if (strlen(frame->text->text) + 2 != place.length)
			return place;
		place.column += 1 + (uint32_t)fault->at;
		place.length = (uint32_t)fault->length;
		return place;
	}
	place = (struct place){ source, 1, 1, (uint32_t)fault->length };
	line = source->text;
	for (const char *c = source->text; c < source->text + fault->at; c++)
		if (*c == '\n') {
			place.line++;
			line = c + 1;
		}
	place.column = (uint32_t)(source->text + fault->at - line) + 1;
	return place;
}

static bool read_program(struct predicate_frame *frame, struct classic_program *ret_program)
{
	struct checker *checker = frame->chain->checker;
	const struct source *source;
	const char *text = read_text(frame, &source);
	struct classic_fault fault;
	struct diagnostic *d;

	if (!text)
		return false;
	if (frame->assembly ? classic_from_assembly(checker->arena, text, ret_program, &fault)
			    : classic_from_bytecode(checker->arena, text, ret_program, &fault))
		return true;
	d = diagnose(told(frame), SEVERITY_ERROR, place_of(frame, source, &fault), "%s", fault.message);
	if (frame->file)
		diagnostic_related(told(frame), d, frame->text->place, "the file is named here");
	if (frame->assembly)
		diagnostic_hint(told(frame), d, "the words are those of bpf_asm: ldh [12]  jne #0x806, no  ret #1  no: ret #0");
	else
		diagnostic_hint(told(frame), d, "as tc takes it: \"4,40 0 0 12,21 0 1 2054,6 0 0 1,6 0 0 0\"; assembly stands behind 'asm'");
	return false;
}

/* Why a packet has not got this at the hook; NULL: it has. */
static const char *why_not_here(const struct chain_frame *chain, enum classic_extension extension)
{
	bool xdp = chain->hook == WEIR_HOOK_XDP_INGRESS, cgroup = hook_is_cgroup(chain->hook);

	switch (extension) {
	case CLASSIC_PACKET_TYPE:
	case CLASSIC_MARK:
	case CLASSIC_HARDWARE_TYPE:
	case CLASSIC_HASH:
		return xdp ? "the kernel has made nothing of the packet yet" : NULL;
	case CLASSIC_VLAN_TCI:
	case CLASSIC_VLAN_PRESENT:
	case CLASSIC_VLAN_TYPE:
		return xdp ? "a tag that the card took off is lost there" : cgroup ? "a packet has no VLAN tag there" : NULL;
	case CLASSIC_LINK_HEADER:
		return cgroup ? "a packet has no link layer there" : NULL;
	default:
		return NULL;
	}
}

static bool check_extensions(struct predicate_frame *frame, const struct classic_program *program)
{
	struct diagnostic *d;

	for (uint32_t i = 0; frame->chain->hook_known && i < program->count; i++) {
		enum classic_extension extension = classic_extension_of(&program->instructions[i]);
		const char *why = extension == CLASSIC_NO_EXTENSION ? NULL : why_not_here(frame->chain, extension);

		if (!why)
			continue;
		d = diagnose(told(frame), SEVERITY_ERROR, frame->text->place, "instruction %u loads '%s', which there is none of at %s: %s", i,
			     classic_extension_name(extension), hook_name(frame->chain->hook), why);
		diagnostic_hint(told(frame), d, "take a chain at tc for it");
		return false;
	}
	return true;
}

/* Which packets the program is for: those that begin as it was made for, by default as they begin at the hook. */
static bool place_program(struct predicate_frame *frame, const struct classic_program *program, struct predicate *predicate)
{
	struct diagnostic *d;

	if (frame->link_word && frame->link == CLASSIC_ETHERNET && frame->chain->hook_known && hook_is_cgroup(frame->chain->hook)) {
		d = diagnose(told(frame), SEVERITY_ERROR, frame->link_word->place,
			     "a program for EN10MB cannot be run at %s: packets begin with the IP header there",
			     hook_name(frame->chain->hook));
		diagnostic_hint(told(frame), d, "make it for RAW: weir bytecode RAW 'EXPRESSION'");
		return false;
	}
	for (int link = 0; link < CLASSIC_LINKS; link++)
		if (link_occurs(frame->chain, (enum classic_link)link))
			predicate->programs[link] = program;
	if (frame->link_word && frame->link == CLASSIC_ETHERNET)
		predicate->programs[CLASSIC_RAW] = NULL;
	predicate->behind_link = frame->link_word && frame->link == CLASSIC_RAW;
	return true;
}

static bool check_bytecode(struct predicate_frame *frame, struct predicate *predicate)
{
	struct checker *checker = frame->chain->checker;
	struct classic_program *program = arena_new_object(checker->arena, struct classic_program);
	const char *wrong;
	uint32_t at;

	if (!read_program(frame, program))
		return false;
	wrong = classic_check(program, &at);
	if (wrong) {
		diagnose(told(frame), SEVERITY_ERROR, frame->text->place, "instruction %u of this program: %s", at, wrong);
		return false;
	}
	return check_extensions(frame, program) && place_program(frame, program, predicate);
}

/* ---- The whole ---- */

static const char *predicate_text(struct arena *arena, const struct predicate_frame *frame)
{
	const char *words = subject_words(frame->match->subjects[0]);

	for (const struct ast_value *word = frame->match->words; word; word = word->next)
		words = arena_printf(arena, "%s %s", words, word->text);
	return arena_printf(arena, "%s \"%s\"", words, frame->text->text);
}

bool check_predicate(struct chain_frame *chain, const struct ast_statement *match, struct policy_match *ret_match)
{
	struct checker *checker = chain->checker;
	struct predicate_frame frame = { .chain = chain, .match = match };
	struct predicate *predicate = arena_new_object(checker->arena, struct predicate);

	frame.text = leaf_single(checker, match->value, NULL, "a text behind 'pcap' and 'bytecode'");
	if (!frame.text)
		return false;
	read_words(&frame);
	predicate->kind = PREDICATE_CLASSIC;
	predicate->text = predicate_text(checker->arena, &frame);
	ret_match->predicate = predicate;
	return match->subjects[0] == SUBJECT_PCAP ? check_expression(&frame, predicate) : check_bytecode(&frame, predicate);
}
