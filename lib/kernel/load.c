// SPDX-License-Identifier: GPL-2.0-only
/*
 * In: a load_request. Out: a program in the kernel and its counters. In between libbpf opens the template of the
 * hook's layer, gets its constants and maps, and calls back (splice.c) before it loads.
 *
 * The callback can only be registered for all of libbpf, by a function of libbpf's that is not thread-safe. Loads
 * of weir's wait for each other; a program that registers handlers of its own in another thread must not do so
 * during a load.
 */
#include <bpf/bpf.h>
#include <bpf/btf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "kernel/clock.h"
#include "kernel/load.h"
#include "kernel/refusal.h"
#include "kernel/splice.h"

#include "cgroup.skel.h"
#include "tc.skel.h"
#include "xdp.skel.h"

/* One for all: below 6.4 the kernel keeps a log's beginning, so there must be room for its end. Untouched pages cost nothing. */
#define LOG_BYTES (16u << 20)

/* What the load of one hook needs to know: which object, which program in it, and of what type. */
struct template_program {
	const char *function;
	const void *(*bytes)(size_t *ret_size);
	enum bpf_prog_type type;
	enum bpf_attach_type attach_type;
};

static const struct template_program template_programs[WEIR_HOOK_COUNT] = {
	[WEIR_HOOK_XDP_INGRESS] = { "weir_xdp", xdp_bpf__elf_bytes, BPF_PROG_TYPE_XDP, BPF_XDP },
	[WEIR_HOOK_TC_INGRESS] = { "weir_tc_ingress", tc_bpf__elf_bytes, BPF_PROG_TYPE_SCHED_CLS, 0 },
	[WEIR_HOOK_TC_EGRESS] = { "weir_tc_egress", tc_bpf__elf_bytes, BPF_PROG_TYPE_SCHED_CLS, 0 },
	[WEIR_HOOK_CGROUP_INGRESS] = { "weir_cg_ingress", cgroup_bpf__elf_bytes, BPF_PROG_TYPE_CGROUP_SKB,
				       BPF_CGROUP_INET_INGRESS },
	[WEIR_HOOK_CGROUP_EGRESS] = { "weir_cg_egress", cgroup_bpf__elf_bytes, BPF_PROG_TYPE_CGROUP_SKB, BPF_CGROUP_INET_EGRESS },
	[WEIR_HOOK_TC_ACTION] = { "weir_tc_action", tc_bpf__elf_bytes, BPF_PROG_TYPE_SCHED_ACT, 0 },
};

/* A qdisc's classifier gives other codes. */
static const struct template_program classifier_program = { "weir_tc_class", tc_bpf__elf_bytes, BPF_PROG_TYPE_SCHED_CLS, 0 };

static void object_closep(struct bpf_object **object)
{
	bpf_object__close(*object); /* NULL is fine */
}

/* ---- The template's constants ---- */

/* Put VALUE where BTF says that the constant NAME lies in IMAGE. */
static int constant_set(const struct btf *btf, char *image, const char *name, uint32_t value)
{
	int section = btf__find_by_name_kind(btf, ".rodata", BTF_KIND_DATASEC);
	const struct btf_type *type = section < 0 ? NULL : btf__type_by_id(btf, section);
	const struct btf_var_secinfo *variable = type ? btf_var_secinfos(type) : NULL;

	for (uint32_t i = 0; type && i < btf_vlen(type); i++, variable++) {
		if (strcmp(btf__name_by_offset(btf, btf__type_by_id(btf, variable->type)->name_off), name) != 0)
			continue;
		if (variable->size == sizeof(uint8_t))
			image[variable->offset] = value != 0;
		else if (variable->size == sizeof(value))
			memcpy(image + variable->offset, &value, sizeof(value));
		else
			return -EINVAL;
		return 0;
	}
	return -ESRCH;
}

/* Does any rule look at one of the fields FIRST to LAST? */
static bool uses_fields(const struct rule_list *list, enum weir_field first, enum weir_field last)
{
	for (uint32_t i = 0; i < list->dimension_count; i++) {
		const struct dimension *dimension = &list->dimensions[i];

		if (dimension->kind == DIMENSION_FIELD && dimension->field >= first && dimension->field <= last)
			return true;
		for (uint32_t k = 0; dimension->kind == DIMENSION_SET && k < dimension->key_count; k++)
			if (dimension->keys[k] >= first && dimension->keys[k] <= last)
				return true;
	}
	return false;
}

/* Has any rule one of these flags? */
static bool any_action(const struct rule_list *list, uint32_t flags)
{
	for (uint32_t i = 0; i < list->rule_count; i++)
		if (list->rules[i].action.flags & flags)
			return true;
	return false;
}

static bool any_http(const struct rule_list *list)
{
	for (uint32_t i = 0; i < list->dimension_count; i++)
		if (dimension_reads_http(&list->dimensions[i]))
			return true;
	return false;
}

static bool has_row(const struct rule *rule)
{
	return rule->action.flags || rule->action.redirect.count;
}

/* Has any rule a row in weir_actions? */
static bool any_row(const struct rule_list *list)
{
	for (uint32_t i = 0; i < list->rule_count; i++)
		if (has_row(&list->rules[i]))
			return true;
	return false;
}

static bool any_verdict(const struct rule_list *list, enum weir_verdict from, enum weir_verdict to)
{
	for (uint32_t i = 0; i < list->rule_count; i++)
		if (list->rules[i].verdict >= from && list->rules[i].verdict <= to)
			return true;
	return false;
}

static const char *const kept_names[KEPT_COUNT] = { [KEPT_XSKS] = "weir_xsks", [KEPT_MARKS] = "weir_marks" };

static bool needs_kept(const struct rule_list *list, enum kept_map which)
{
	return which == KEPT_XSKS ? any_verdict(list, WEIR_VERDICT_XSK, WEIR_VERDICT_XSK)
				  : any_action(list, WEIR_ACTION_COUNT_MARK);
}

static int set_constants(struct bpf_object *object, const struct load_request *request)
{
	const struct rule_list *list = request->code->tree->rules;
	bool log = request->events_fd >= 0;
	const struct {
		const char *name;
		uint32_t value;
	} constants[] = {
		{ "hook", list->hook },
		{ "chain_id", request->chain_id },
		{ "raw_ip", request->raw_ip },
		{ "log_events", log },
		{ "know_owners", log && request->owners_fd >= 0 },
		{ "have_actions", any_row(list) },
		{ "count_elements", code_counts(request->code) },
		{ "more_verdicts", any_verdict(list, WEIR_VERDICT_DROP + 1, WEIR_VERDICT_COUNT) },
		{ "have_xsks", needs_kept(list, KEPT_XSKS) },
		{ "have_marks", needs_kept(list, KEPT_MARKS) },
		{ "redirects", list->chain->connections && !list->chain->carries_replies },
		{ "have_connections", list->chain->connections > 0 },
		{ "first_reply", request->connections ? request->connections->first_reply : list->chain->first_reply },
		{ "last_reply", request->connections ? request->connections->last_reply : list->chain->last_reply },
		{ "know_buffers", list->hook == WEIR_HOOK_XDP_INGRESS && kernel_context()->cast },
		{ "want_payload", any_http(list) },
		/* An event carries every field. */
		{ "want_ether", log || uses_fields(list, WEIR_FIELD_ETHER_SADDR, WEIR_FIELD_ETHER_DADDR) },
		{ "want_addresses",
		  log || list->chain->connections || uses_fields(list, WEIR_FIELD_SADDR4, WEIR_FIELD_DADDR_LO) },
	};

	struct bpf_map *map = bpf_object__find_map_by_name(object, "weir.rodata");
	_cleanup_free_ char *image = NULL;
	const void *initial;
	size_t size;

	initial = map ? bpf_map__initial_value(map, &size) : NULL;
	if (!initial)
		return -ESRCH;
	image = malloc(size);
	if (!image)
		return -ENOMEM;
	memcpy(image, initial, size);
	for (size_t i = 0; i < sizeof(constants) / sizeof(constants[0]); i++) {
		int error = constant_set(bpf_object__btf(object), image, constants[i].name, constants[i].value);

		if (error)
			return error;
	}
	return bpf_map__set_initial_value(map, image, size);
}

/* ---- Its maps ---- */

/* Is FD a map in which this chain can go on counting? libbpf itself does not compare. */
static bool counters_fit(int fd, uint32_t slots)
{
	struct bpf_map_info info = {};
	uint32_t size = sizeof(info);

	return bpf_obj_get_info_by_fd(fd, &info, &size) == 0 && info.type == BPF_MAP_TYPE_PERCPU_ARRAY &&
	       info.key_size == sizeof(uint32_t) && info.value_size == sizeof(struct weir_counter) && info.max_entries >= slots;
}

/* How many slots the rules take. */
static uint32_t slots_needed(const struct load_request *request)
{
	const struct rule_list *list = request->code->tree->rules;
	uint32_t needed = WEIR_SLOT_FIRST_RULE;

	for (uint32_t i = 0; i < list->rule_count; i++) {
		uint32_t slot = request->slots ? request->slots[i] : list->rules[i].slot;

		if (slot >= needed)
			needed = slot + 1;
	}
	return needed;
}

static int set_counters(struct bpf_object *object, const struct load_request *request)
{
	struct bpf_map *map = bpf_object__find_map_by_name(object, "weir_counters");
	uint32_t needed = slots_needed(request);

	if (!map)
		return -ESRCH;
	if (request->counters_fd < 0)
		return bpf_map__set_max_entries(map, request->counter_slots > needed ? request->counter_slots : needed);
	if (!counters_fit(request->counters_fd, needed))
		return -EINVAL;
	return bpf_map__reuse_fd(map, request->counters_fd);
}

/* One row for each slot, or no map at all. */
static int set_actions(struct bpf_object *object, const struct load_request *request)
{
	struct bpf_map *map = bpf_object__find_map_by_name(object, "weir_actions");

	if (!map)
		return -ESRCH;
	return any_row(request->code->tree->rules) ? bpf_map__set_max_entries(map, slots_needed(request))
						   : bpf_map__set_autocreate(map, false);
}

static int set_kept(struct bpf_object *object, const struct load_request *request)
{
	int error = 0;

	for (int i = 0; i < KEPT_COUNT && !error; i++) {
		struct bpf_map *map = bpf_object__find_map_by_name(object, kept_names[i]);

		if (map && !needs_kept(request->code->tree->rules, (enum kept_map)i))
			error = bpf_map__set_autocreate(map, false);
		else if (map && request->kept_fds[i] > 0)
			error = bpf_map__reuse_fd(map, request->kept_fds[i]);
	}
	return error;
}

/* Before anybody can attach the program. */
static int fill_actions(const struct bpf_object *object, const struct load_request *request)
{
	int fd = bpf_map__fd(bpf_object__find_map_by_name(object, "weir_actions")), error = 0;
	const struct rule_list *list = request->code->tree->rules;

	for (uint32_t i = 0; !error && i < list->rule_count; i++) {
		uint32_t slot = request->slots ? request->slots[i] : list->rules[i].slot;

		if (has_row(&list->rules[i]))
			error = bpf_map_update_elem(fd, &slot, request->actions ? &request->actions[i] : &list->rules[i].action,
						    BPF_ANY);
	}
	return error;
}

/* A map that all chains share, or none: then it is not made, and the verifier sees that nothing reaches for it. */
static int set_shared_map(struct bpf_object *object, const char *name, int fd)
{
	struct bpf_map *map = bpf_object__find_map_by_name(object, name);

	if (!map)
		return 0;
	return fd >= 0 ? bpf_map__reuse_fd(map, fd) : bpf_map__set_autocreate(map, false);
}

/* The table and the counts of a chain that redirects; one that carries replies back needs the table alone. */
static int set_connections(struct bpf_object *object, const struct load_request *request)
{
	struct bpf_map *table = bpf_object__find_map_by_name(object, "weir_connections");
	struct bpf_map *ports = bpf_object__find_map_by_name(object, "weir_ports");
	const struct policy_chain *chain = request->code->tree->rules->chain;
	const struct kernel_connections *given = request->connections;
	int error;

	if (!table || !ports)
		return 0;
	if (!chain->connections)
		error = bpf_map__set_autocreate(table, false);
	else
		error = given ? bpf_map__reuse_fd(table, given->table_fd) : bpf_map__set_max_entries(table, chain->connections);
	if (error)
		return error;
	if (!chain->connections || chain->carries_replies)
		return bpf_map__set_autocreate(ports, false);
	return given ? bpf_map__reuse_fd(ports, given->ports_fd)
		     : bpf_map__set_max_entries(ports, kernel_ports_needed(request->code->tree->rules));
}

/* ---- Open, prepare, load ---- */

static int on_prepare_load(struct bpf_program *program, struct bpf_prog_load_opts *options, long cookie)
{
	return splice_program((struct splice *)cookie, program, options);
}

static int choose_program(struct bpf_object *object, const struct template_program *wanted, struct bpf_program **ret_program)
{
	struct bpf_program *program, *found = NULL;

	bpf_object__for_each_program(program, object)
	{
		bool is_it = strcmp(bpf_program__name(program), wanted->function) == 0;

		bpf_program__set_autoload(program, is_it);
		if (is_it)
			found = program;
	}
	if (!found)
		return -ESRCH;
	if (wanted->type == BPF_PROG_TYPE_XDP && kernel_features()->xdp_frags)
		bpf_program__set_flags(found, BPF_F_XDP_HAS_FRAGS);
	*ret_program = found;
	return 0;
}

static int object_open(const struct template_program *template, const struct load_request *request,
		       struct bpf_object **ret_object)
{
	LIBBPF_OPTS(bpf_object_open_opts, options, .object_name = "weir");
	struct bpf_object *object;
	const void *bytes = request->template;
	size_t size = request->template_size;

	if (!bytes)
		bytes = template->bytes(&size);
	object = bpf_object__open_mem(bytes, size, &options);
	if (!object)
		return -errno;
	*ret_object = object;
	return 0;
}

static int object_prepare(struct bpf_object *object, const struct load_request *request, struct splice *splice)
{
	bool log = request->events_fd >= 0;
	int error = set_constants(object, request);

	if (!error)
		error = set_counters(object, request);
	if (!error)
		error = set_actions(object, request);
	if (!error)
		error = set_kept(object, request);
	if (!error)
		error = set_shared_map(object, "weir_events", request->events_fd);
	if (!error)
		error = set_shared_map(object, "weir_owners", log ? request->owners_fd : -1);
	if (!error)
		error = set_connections(object, request);
	if (!error)
		error = splice_prepare(splice, object, request);
	return error;
}

/* What the caller gets: descriptors of its own. */
static int take_chain(struct bpf_object *object, const struct bpf_program *program, struct loaded_chain *ret_chain)
{
	_cleanup_close_ int program_fd = fcntl(bpf_program__fd(program), F_DUPFD_CLOEXEC, 3);
	_cleanup_close_ int counters_fd =
		fcntl(bpf_map__fd(bpf_object__find_map_by_name(object, "weir_counters")), F_DUPFD_CLOEXEC, 3);
	struct bpf_prog_info info = {};
	uint32_t size = sizeof(info);

	if (program_fd < 0 || counters_fd < 0 || bpf_obj_get_info_by_fd(program_fd, &info, &size) < 0)
		return -errno;
	ret_chain->program_fd = TAKE_FD(program_fd);
	ret_chain->counters_fd = TAKE_FD(counters_fd);
	for (int i = 0; i < KEPT_COUNT; i++) {
		const struct bpf_map *map = bpf_object__find_map_by_name(object, kept_names[i]);

		/* Since libbpf 1.4 a map that is not made has a descriptor, too: of nothing. */
		ret_chain->kept_fds[i] = map && bpf_map__autocreate(map) ? fcntl(bpf_map__fd(map), F_DUPFD_CLOEXEC, 3) : -1;
	}
	ret_chain->verified_instructions = info.verified_insns;
	return 0;
}

/* The log of one try: LOG_ERROR has the verifier's last words only, LOG_ALL its way there, too, which takes long. */
struct load_log {
	char *text;
	uint32_t level;
};

#define LOG_ALL	  1
#define LOG_ERROR 4

/* With the handler registered. LOG gets the verifier's words when it refuses. */
static int load_with(const struct template_program *template, struct splice *splice, const struct load_request *request,
		     const struct load_log *log, struct loaded_chain *ret_chain)
{
	_cleanup_(object_closep) struct bpf_object *object = NULL;
	struct bpf_program *program = NULL;
	struct loaded_chain chain = { .code = request->code };
	uint64_t begin;
	int error;

	error = object_open(template, request, &object);
	if (!error)
		error = choose_program(object, template, &program);
	if (!error)
		error = object_prepare(object, request, splice);
	if (error)
		return error;
	bpf_program__set_log_buf(program, log->text, LOG_BYTES);
	bpf_program__set_log_level(program, log->level);
	begin = clock_ns(CLOCK_MONOTONIC);
	error = bpf_object__load(object);
	chain.load_ns = clock_ns(CLOCK_MONOTONIC) - begin;
	if (!error)
		error = fill_actions(object, request);
	if (!error)
		error = take_chain(object, program, &chain);
	if (!error)
		*ret_chain = chain;
	return error;
}

/*
 * libbpf before 1.2 frees its table of handlers when the last one goes, and uses it again with the next. So one that
 * matches nothing stays for ever.
 */
static void register_lasting_handler(void)
{
	(void)libbpf_register_prog_handler("weir-none", BPF_PROG_TYPE_UNSPEC, 0, NULL);
}

/* One try, with the handler registered for it. What an earlier one left in SPLICE is freed. */
static int load_once(const struct template_program *template, struct splice *splice, const struct load_request *request,
		     const struct load_log *log, struct loaded_chain *ret_chain)
{
	LIBBPF_OPTS(libbpf_prog_handler_opts, options, .cookie = (long)splice, .prog_prepare_load_fn = on_prepare_load);
	int error, handler;

	splice_free(splice);
	log->text[0] = '\0';
	handler = libbpf_register_prog_handler("weir+", template->type, template->attach_type, &options);
	if (handler < 0)
		return handler;
	error = load_with(template, splice, request, log, ret_chain);
	libbpf_unregister_prog_handler(handler);
	return error;
}

/*
 * With other jumps where it cannot be translated, and with less and less code while the kernel says that it is too much; what it
 * refuses otherwise once more, for the whole log.
 */
static int load_what_fits(const struct template_program *template, struct splice *splice, struct load_request *request, char *log,
			  struct loaded_chain *ret_chain, struct arena *arena)
{
	const struct code *less;
	int error;

	for (;;) {
		error = load_once(template, splice, request, &(struct load_log){ log, LOG_ERROR }, ret_chain);
		if (!error || !refusal_is_too_much(error, log))
			break;
		less = refusal_is_untranslated(error) ? code_without_short_back(arena, request->code) : NULL;
		less = less ?: code_with_less(arena, request->code);
		if (!less)
			return error;
		splice_free(splice); /* as it was made for the code that goes */
		request->code = less;
	}
	return error && *log ? load_once(template, splice, request, &(struct load_log){ log, LOG_ALL }, ret_chain) : error;
}

int kernel_load(const struct load_request *request, struct loaded_chain *ret_chain, struct diagnostics *diagnostics)
{
	static pthread_mutex_t loading = PTHREAD_MUTEX_INITIALIZER;
	static pthread_once_t once = PTHREAD_ONCE_INIT;
	const struct rule_list *list = request->code->tree->rules;
	const struct template_program *template = list->chain->parent ? &classifier_program : &template_programs[list->hook];
	_cleanup_free_ char *log = malloc(LOG_BYTES);
	struct load_request tried = *request;
	struct splice splice = {};
	libbpf_print_fn_t print;
	int error;

	if (!log)
		return refusal_report(diagnostics, list, &(struct refusal){ .error = -ENOMEM });
	pthread_once(&once, register_lasting_handler);
	pthread_mutex_lock(&loading);
	print = libbpf_set_print(NULL);
	error = load_what_fits(template, &splice, &tried, log, ret_chain, diagnostics->arena);
	libbpf_set_print(print);
	pthread_mutex_unlock(&loading);
	if (error)
		error = refusal_report(
			diagnostics, list,
			&(struct refusal){ .program = template->function, .error = error, .why = splice.why, .log = log });
	splice_free(&splice);
	return error;
}

void loaded_chain_close(struct loaded_chain *chain)
{
	closep(&chain->program_fd);
	closep(&chain->counters_fd);
	for (int i = 0; i < KEPT_COUNT; i++) {
		if (chain->kept_fds[i] > 0)
			close(chain->kept_fds[i]);
		chain->kept_fds[i] = -1;
	}
}
