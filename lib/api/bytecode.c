// SPDX-License-Identifier: GPL-2.0-only
/* Programs of classic BPF for the public. */
#include <errno.h>
#include <string.h>

#include "api/api.h"
#include "api/bytecode.h"
#include "host/host.h"
#include "report/bytecode.h"
#include "report/json.h"

/* The text as a source, so that an error can show it. */
static int read_source(struct arena *arena, const char *text, bool file, const struct source **ret_source,
		       struct diagnostics *diagnostics)
{
	const struct host *host = host_system();
	struct source *source;
	int error;

	if (file) {
		error = host->read_file(host->context, arena, strcmp(text, "-") == 0 ? "/dev/stdin" : text, ret_source);
		if (error)
			diagnose(diagnostics, SEVERITY_ERROR_SURROUNDINGS, (struct place){ 0 }, "cannot read '%s': %s", text, strerror(-error));
		return error;
	}
	source = arena_new_object(arena, struct source);
	source->text = arena_strdup(arena, text);
	source->length = strlen(text);
	source->name = "given";
	*ret_source = source;
	return 0;
}

/* Where byte AT of a source stands; LENGTH of it are meant. */
static struct place place_in(const struct source *source, size_t at, size_t length)
{
	struct place place = { source, 1, 1, (uint32_t)length };

	for (size_t i = 0; i < at; i++) {
		place.column++;
		if (source->text[i] == '\n') {
			place.line++;
			place.column = 1;
		}
	}
	return place;
}

static struct diagnostic *refuse(struct diagnostics *diagnostics, const struct source *source, const struct classic_fault *fault)
{
	return diagnose(diagnostics, SEVERITY_ERROR, place_in(source, fault->at, fault->length), "%s", fault->message);
}

static int compile_expression(struct weir_bytecode *bytecode, const struct source *source, struct diagnostics *diagnostics)
{
	struct host_filter_request request = { .expression = source->text, .link = bytecode->link };
	const struct host *host = host_system();
	const struct classic_program *program;
	const char *message = NULL;
	struct diagnostic *d;
	int error = host->filter(host->context, bytecode->shared->arena, &request, &program, &message);

	if (!error) {
		bytecode->program = *program;
		return 0;
	}
	d = diagnose(diagnostics, SEVERITY_ERROR, place_in(source, 0, strcspn(source->text, "\n")), "libpcap does not take this expression%s%s",
		     message ? ": " : "", message ? message : "");
	diagnostic_hint(diagnostics, d, "its words are tcpdump's: 'tcp port 80 and not host 10.0.0.1'; see man 7 pcap-filter");
	return error;
}

static int read_program(struct weir_bytecode *bytecode, const struct source *source, enum weir_bytecode_kind kind,
			struct diagnostics *diagnostics)
{
	struct arena *arena = bytecode->shared->arena;
	struct classic_fault fault = { .length = 1 };
	uint32_t at;

	if (kind == WEIR_BYTECODE_EXPRESSION)
		return compile_expression(bytecode, source, diagnostics);
	if (kind == WEIR_BYTECODE_ASSEMBLY ? !classic_from_assembly(arena, source->text, &bytecode->program, &fault)
					   : !classic_from_bytecode(arena, source->text, &bytecode->program, &fault)) {
		refuse(diagnostics, source, &fault);
		return -EINVAL;
	}
	fault.message = classic_check(&bytecode->program, &at);
	if (!fault.message)
		return 0;
	fault.message = arena_printf(arena, "instruction %u of this program: %s", at, fault.message);
	refuse(diagnostics, source, &fault);
	return -EINVAL;
}

int weir_bytecode_compile(const char *text, const struct weir_bytecode_options *options, struct weir_messages *messages,
			  struct weir_bytecode **ret_bytecode)
{
	struct shared_arena *shared = shared_arena_new();
	struct weir_bytecode *bytecode = arena_new_object(shared->arena, struct weir_bytecode);
	const char *link = OPTION(options, link, NULL);
	const struct source *source;
	int error;

	messages_hold(messages, shared);
	bytecode->shared = shared;
	bytecode->link = CLASSIC_ETHERNET;
	if (link && !classic_link_by_name(link, &bytecode->link)) {
		struct diagnostic *d = diagnose(&messages->diagnostics, SEVERITY_ERROR, (struct place){ 0 }, "no link type '%s'", link);

		diagnostic_hint(&messages->diagnostics, d, "EN10MB is Ethernet, RAW begins with the IP header");
		weir_bytecode_free(bytecode);
		return -EINVAL;
	}
	error = read_source(shared->arena, text, OPTION(options, file, false), &source, &messages->diagnostics);
	if (!error)
		error = read_program(bytecode, source, OPTION(options, kind, WEIR_BYTECODE_EXPRESSION), &messages->diagnostics);
	if (error) {
		weir_bytecode_free(bytecode);
		return error;
	}
	*ret_bytecode = bytecode;
	return 0;
}

void weir_bytecode_free(struct weir_bytecode *bytecode)
{
	if (bytecode)
		shared_arena_release(bytecode->shared);
}

void weir_bytecode_print(const struct weir_bytecode *bytecode, enum weir_bytecode_form form, FILE *out)
{
	json_t *json;

	switch (form) {
	case WEIR_BYTECODE_FORM_LINE:
		classic_print_bytecode(&bytecode->program, out);
		fputc('\n', out);
		break;
	case WEIR_BYTECODE_FORM_LISTING:
		classic_print_listing(&bytecode->program, out);
		break;
	case WEIR_BYTECODE_FORM_JSON:
		json = bytecode_json(&bytecode->program, bytecode->link);
		json_dumpf(json, out, REPORT_JSON_DOCUMENT);
		fputc('\n', out);
		json_decref(json);
	}
}
