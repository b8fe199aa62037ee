// SPDX-License-Identifier: GPL-2.0-only
/*
 * Sets: their types, sizes and times, and the elements that the policy and its files name, sorted and
 * without doubles.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/limits.h"
#include "check/checker.h"

static const char *const set_type_names[] = { "ipv4_addr", "ipv6_addr", "ether_addr", "inet_service", "inet_proto", "mark" };

static bool check_set_type(struct checker *checker, const struct ast_value *word, enum value_type *ret_type)
{
	size_t count = sizeof(set_type_names) / sizeof(set_type_names[0]);
	struct diagnostic *d;
	const char *near;

	for (size_t i = 0; i < count; i++)
		if (strcmp(word->text, set_type_names[i]) == 0)
			return value_type_by_name(word->text, ret_type) == 0;
	d = diagnose(checker->diagnostics, SEVERITY_ERROR, word->place, "no set type '%s'", word->text);
	near = near_match(word->text, set_type_names, count);
	if (near)
		diagnostic_hint(checker->diagnostics, d, "did you mean '%s'?", near);
	else
		diagnostic_hint(checker->diagnostics, d,
				"one of ipv4_addr, ipv6_addr, ether_addr, inet_service, inet_proto, mark, or two joined by '.'");
	return false;
}

/* type = word [ "." word ] */
static bool check_set_types(struct checker *checker, const struct ast_set *ast, struct policy_set *set)
{
	const struct ast_value *word = ast->type;
	struct diagnostic *d;

	if (!word) {
		d = diagnose(checker->diagnostics, SEVERITY_ERROR, ast->place, "set '%s' has no type", ast->name);
		diagnostic_hint(checker->diagnostics, d, "say what it holds: 'type ipv4_addr;'");
		return false;
	}
	for (word = word->kind == AST_CONCAT ? word->children : word; word;
	     word = ast->type->kind == AST_CONCAT ? word->next : NULL) {
		if (set->components == SET_MAX_COMPONENTS) {
			d = diagnose(checker->diagnostics, SEVERITY_ERROR, ast->type->place,
				     "the elements of set '%s' have more than %d parts", ast->name, SET_MAX_COMPONENTS);
			diagnostic_hint(checker->diagnostics, d, "weir's sets hold single values and pairs");
			return false;
		}
		if (!check_set_type(checker, word, &set->types[set->components]))
			return false;
		set->components++;
	}
	return true;
}

static void check_set_flags(struct checker *checker, const struct ast_set *ast)
{
	static const char *const flags[] = { "interval", "timeout", "constant" };
	struct leaves leaves = { 0 };
	struct diagnostic *d;

	if (!ast->flags || !leaves_gather(checker, ast->flags, &leaves))
		return;
	for (size_t i = 0; i < leaves.list.count; i++) {
		const struct ast_value *word = leaves.list.items[i].value;
		const char *text = word->kind == AST_WORD ? word->text : "", *near = near_match(text, flags, 3);

		if (near && strcmp(near, text) == 0)
			continue;
		d = leaf_error(checker, &leaves.list.items[i], word->place, "no set flag '%s'", text);
		if (near)
			diagnostic_hint(checker->diagnostics, d, "did you mean '%s'?", near);
		else
			diagnostic_hint(checker->diagnostics, d, "one of interval, timeout, constant; weir needs none of them");
	}
}

/* Ranges make sense where the kernel's map can hold prefixes: one component that is an address or a port. */
bool set_holds_ranges(const struct policy_set *set)
{
	return set->components == 1 &&
	       (set->types[0] == TYPE_IPV4_ADDR || set->types[0] == TYPE_IPV6_ADDR || set->types[0] == TYPE_INET_SERVICE);
}

static const char *set_type_words(struct checker *checker, const struct policy_set *set)
{
	const char *words = value_type_name(set->types[0]);

	for (uint32_t i = 1; i < set->components; i++)
		words = arena_printf(checker->arena, "%s . %s", words, value_type_name(set->types[i]));
	return words;
}

/* The list of pairs in a match has no name. */
static const char *set_words(struct checker *checker, const struct policy_set *set)
{
	return set->name ? arena_printf(checker->arena, "set '%s'", set->name) : "this list";
}

static bool check_key(struct checker *checker, const struct policy_set *set, uint32_t component, const struct leaf *leaf,
		      struct value_range *ret_key)
{
	enum value_type type = set->types[component];
	struct value_type_of wanted = {
		.type = type,
		.bits = value_type_bits(type),
		.words = set_words(checker, set),
		.host = checker->host,
	};

	struct diagnostic *d;

	if (!check_leaf(checker, &wanted, leaf, ret_key))
		return false;
	if (!set_holds_ranges(set) && value_compare(ret_key->low, ret_key->high) != 0) {
		d = leaf_error(checker, leaf, leaf->value->place, "a set of type %s holds single values, not ranges or prefixes",
			       set_type_words(checker, set));
		diagnostic_hint(checker->diagnostics, d,
				"ranges and prefixes go into sets of type ipv4_addr, ipv6_addr or inet_service");
		return false;
	}
	return true;
}

static bool check_element_counter(struct checker *checker, const struct policy_set *set, const struct ast_value *value)
{
	struct diagnostic *d;

	if (set->counted)
		return true;
	d = diagnose(checker->diagnostics, SEVERITY_ERROR, value->counter_place, "the elements of %s do not count",
		     set_words(checker, set));
	diagnostic_hint(checker->diagnostics, d, "write 'counter' into the set's block: then each of them does");
	return false;
}

bool check_set_leaf(struct checker *checker, const struct policy_set *set, const struct leaf *leaf,
		    struct set_element *ret_element)
{
	struct set_element element = { .place = leaf->value->place };
	const struct ast_value *part = leaf->value->kind == AST_CONCAT ? leaf->value->children : leaf->value;
	uint32_t components = 0;
	struct diagnostic *d;

	for (const struct ast_value *p = part; p; p = leaf->value->kind == AST_CONCAT ? p->next : NULL)
		components++;
	if (components != set->components) {
		d = leaf_error(checker, leaf, leaf->value->place, "this element has %u part%s, %s is of type %s", components,
			       components == 1 ? "" : "s", set_words(checker, set), set_type_words(checker, set));
		if (set->components == 2)
			diagnostic_hint(checker->diagnostics, d, "write both parts with a dot between blanks: 10.0.0.1 . 80");
		return false;
	}
	for (uint32_t i = 0; i < components; i++, part = part->next) {
		struct leaf key = *leaf;

		key.value = part->kind == AST_VARIABLE ? leaf_single(checker, part, leaf, "a part of a pair") : part;
		if (!key.value || !check_key(checker, set, i, &key, &element.keys[i]))
			return false;
	}
	if (leaf->counter && !check_element_counter(checker, set, leaf->counter))
		return false;
	element.packets = leaf->counter ? leaf->counter->packets : 0;
	element.bytes = leaf->counter ? leaf->counter->bytes : 0;
	if (leaf->timeout && !check_timeout(checker, leaf->timeout, leaf->timeout_place, &element.timeout_s))
		return false;
	*ret_element = element;
	return true;
}

static int compare_keys(const struct set_element *a, const struct set_element *b)
{
	for (int i = 0; i < SET_MAX_COMPONENTS; i++) {
		int order = value_compare(a->keys[i].low, b->keys[i].low);

		/* The wider first, as prefixes are listed. */
		if (!order)
			order = value_compare(b->keys[i].high, a->keys[i].high);
		if (order)
			return order;
	}
	return 0;
}

static int by_keys(const void *left, const void *right)
{
	const struct set_element *a = *(const struct set_element *const *)left, *b = *(const struct set_element *const *)right;
	int order = compare_keys(a, b);

	return order ? order : a < b ? -1 : a > b; /* alike: as they came */
}

static bool is_sorted(const struct set_element *elements, size_t count)
{
	for (size_t i = 1; i < count; i++)
		if (compare_keys(&elements[i - 1], &elements[i]) >= 0)
			return false;
	return true;
}

/* The first WRITTEN elements stand in the policy: a double among them is worth a warning. The last one given counts. */
void set_elements_finish(struct checker *checker, struct policy_set *set, struct set_element *elements, size_t count,
			 size_t written)
{
	const struct set_element **order;
	struct set_element *sorted;
	uint32_t kept = 0;

	set->elements = elements;
	set->element_count = (uint32_t)count;
	if (is_sorted(elements, count))
		return;
	order = arena_new_array(checker->arena, const struct set_element *, count);
	sorted = arena_new_array(checker->arena, struct set_element, count);
	for (size_t i = 0; i < count; i++)
		order[i] = &elements[i];
	qsort(order, count, sizeof(*order), by_keys);
	for (size_t i = 0; i < count; i++) {
		bool twice = kept && compare_keys(&sorted[kept - 1], order[i]) == 0;

		if (twice && order[i] < elements + written) {
			struct diagnostic *d =
				diagnose(checker->diagnostics, SEVERITY_WARNING, order[i]->place, "%s is in %s twice",
					 element_print(checker->arena, set, order[i]), set_words(checker, set));

			diagnostic_related(checker->diagnostics, d, sorted[kept - 1].place, "first here");
		}
		sorted[twice ? kept - 1 : kept++] = *order[i];
	}
	set->elements = sorted;
	set->element_count = kept;
}

static void check_set_elements(struct checker *checker, const struct ast_set *ast, struct policy_set *set)
{
	struct element_list elements = { 0 };
	struct leaves leaves = { 0 };
	struct set_element element;
	size_t written;

	if (ast->elements)
		leaves_gather(checker, ast->elements, &leaves);
	for (size_t i = 0; i < leaves.list.count; i++)
		if (check_set_leaf(checker, set, &leaves.list.items[i], &element))
			vector_push(checker->arena, &elements.list, element);
	written = elements.list.count;
	if (ast->file && element_file_read(checker, set, ast->file, &elements))
		set->file = ast->file->text;
	set_elements_finish(checker, set, elements.list.items, elements.list.count, written);
}

struct prefixes {
	VECTOR(struct value_range) list;
};

static int by_range(const void *left, const void *right)
{
	const struct value_range *a = left, *b = right;
	int order = value_compare(a->low, b->low);

	return order ? order : value_compare(a->high, b->high);
}

/* How many elements they are where the size is counted: a range is as many as its prefixes, those that ranges share once. */
static uint32_t set_entries(struct checker *checker, const struct policy_set *set)
{
	uint32_t bits = value_type_bits(set->types[0]), entries = 0;
	struct prefixes prefixes = { 0 };

	if (set->components > 1)
		return set->element_count;
	for (uint32_t i = 0; i < set->element_count; i++) {
		struct value_range rest = set->elements[i].keys[0];

		for (;;) {
			struct value_range prefix = value_range_first_prefix(rest, bits);

			vector_push(checker->arena, &prefixes.list, prefix);
			if (value_compare(prefix.high, rest.high) >= 0)
				break;
			rest.low = value_next(prefix.high);
		}
	}
	if (prefixes.list.count == set->element_count) /* no range among them, and no doubles */
		return set->element_count;
	qsort(prefixes.list.items, prefixes.list.count, sizeof(*prefixes.list.items), by_range);
	for (size_t i = 0; i < prefixes.list.count; i++)
		entries += i == 0 || by_range(&prefixes.list.items[i - 1], &prefixes.list.items[i]) != 0;
	return entries;
}

static void check_set_size(struct checker *checker, const struct ast_set *ast, struct policy_set *set)
{
	uint32_t entries = set_entries(checker, set);
	const char *ranges = entries > set->element_count ? " (a range is as many as the prefixes that cover it)" : "";
	struct diagnostic *d;

	set->grows = !ast->size;
	set->size = LIMIT_SET_SIZE;
	if (ast->size && !check_size(checker, ast->size, &set->size))
		return;
	if (ast->size && entries > set->size) {
		d = diagnose(checker->diagnostics, SEVERITY_ERROR, ast->size->place,
			     "set '%s' has %u elements%s, more than its size %u", set->name, entries, ranges, set->size);
		diagnostic_hint(checker->diagnostics, d, "give it 'size %u;' at least, and room for those added later", entries);
		if (ast->file)
			diagnostic_related(checker->diagnostics, d, ast->file->place, "its elements come from this file");
	} else if (entries > LIMIT_SET_SIZE) {
		d = diagnose(checker->diagnostics, SEVERITY_ERROR, set->place, "set '%s' has more than %u elements", set->name,
			     LIMIT_SET_SIZE);
		diagnostic_hint(checker->diagnostics, d, "a set holds at most %uM", LIMIT_SET_SIZE >> 20);
	}
}

static void check_set(struct checker *checker, const struct ast_set *ast)
{
	struct policy_set set = { .name = ast->name, .place = ast->place, .comment = ast->comment, .counted = ast->counter };
	struct diagnostic *d;
	bool typed;

	check_name(checker, "set", ast->name, ast->place);
	if (strncmp(ast->name, "__", 2) == 0) {
		d = diagnose(checker->diagnostics, SEVERITY_ERROR, ast->place, "'%s' cannot be the name of a set", ast->name);
		diagnostic_hint(checker->diagnostics, d, "names that begin with '__' are weir's own");
	}
	if (ast->comment && strlen(ast->comment) > LIMIT_COMMENT_BYTES) {
		d = diagnose(checker->diagnostics, SEVERITY_ERROR, ast->place, "the comment of set '%s' has %zu bytes", ast->name,
			     strlen(ast->comment));
		diagnostic_hint(checker->diagnostics, d, "a comment has at most %d", LIMIT_COMMENT_BYTES);
	}
	for (size_t i = 0; i < checker->sets.count; i++)
		if (strcmp(checker->sets.items[i].name, ast->name) == 0) {
			d = diagnose(checker->diagnostics, SEVERITY_ERROR, ast->place, "set '%s' is declared twice", ast->name);
			diagnostic_related(checker->diagnostics, d, checker->sets.items[i].place, "first here");
			diagnostic_hint(checker->diagnostics, d, "give one of them another name, or put their elements together");
			return;
		}
	typed = check_set_types(checker, ast, &set);
	check_set_flags(checker, ast);
	if (ast->timeout) {
		const struct ast_value *word = leaf_single(checker, ast->timeout, NULL, "a timeout");

		if (word)
			check_timeout(checker, word->text, word->place, &set.timeout_s);
	}
	if (typed) {
		check_set_elements(checker, ast, &set);
		check_set_size(checker, ast, &set);
	} else {
		set.components = 0; /* matches on it are not judged */
	}
	vector_push(checker->arena, &checker->sets, set);
}

void check_sets(struct checker *checker)
{
	size_t count = 0;

	for (const struct ast_set *set = checker->ast->sets; set; set = set->next) {
		if (++count > LIMIT_SETS) {
			struct diagnostic *d = diagnose(checker->diagnostics, SEVERITY_ERROR, set->place,
							"this policy has more than %d sets", LIMIT_SETS);

			diagnostic_hint(checker->diagnostics, d, "sets of the same type may be one");
			return;
		}
		check_set(checker, set);
	}
}

/* FNV-1a over the keys: the name of a set of pairs follows from what it holds, so that a policy applied again finds its own. */
static uint64_t hash_keys(uint64_t hash, const struct set_element *element)
{
	const uint8_t *bytes = (const uint8_t *)element->keys;

	for (size_t i = 0; i < sizeof(element->keys); i++)
		hash = (hash ^ bytes[i]) * 0x100000001b3ull;
	return hash;
}

int32_t check_pair_list(struct checker *checker, const struct ast_statement *match, const enum value_type *types)
{
	struct policy_set set = { .place = match->value->place, .components = 2, .types = { types[0], types[1] } };
	struct element_list elements = { 0 };
	struct leaves leaves = { 0 };
	struct set_element element;
	uint64_t hash = 0xcbf29ce484222325ull;
	bool whole;

	whole = leaves_gather(checker, match->value, &leaves);
	for (size_t i = 0; i < leaves.list.count; i++) {
		if (check_set_leaf(checker, &set, &leaves.list.items[i], &element))
			vector_push(checker->arena, &elements.list, element);
		else
			whole = false;
	}
	if (!whole)
		return -1;
	set_elements_finish(checker, &set, elements.list.items, elements.list.count, elements.list.count);
	set.size = set.element_count ? set.element_count : 1;
	for (uint32_t i = 0; i < set.element_count; i++)
		hash = hash_keys(hash, &set.elements[i]);
	set.name = arena_printf(checker->arena, "__pairs_%u_%u_%016llx", types[0], types[1], (unsigned long long)hash);
	for (size_t i = 0; i < checker->sets.count; i++)
		if (strcmp(checker->sets.items[i].name, set.name) == 0)
			return (int32_t)i;
	if (checker->sets.count == LIMIT_SETS) {
		struct diagnostic *d = diagnose(checker->diagnostics, SEVERITY_ERROR, match->value->place,
						"this policy has more than %d sets, lists of pairs counted", LIMIT_SETS);

		diagnostic_hint(checker->diagnostics, d, "lists with the same pairs are one set");
		return -1;
	}
	vector_push(checker->arena, &checker->sets, set);
	return (int32_t)checker->sets.count - 1;
}

int check_element(struct arena *arena, const struct host *host, const struct policy_set *set, const struct ast_value *value,
		  struct set_element *ret_element, struct diagnostics *diagnostics)
{
	struct checker checker = { .arena = arena, .host = host, .diagnostics = diagnostics };
	struct leaf leaf = { .value = value,
			     .timeout = value->timeout,
			     .timeout_place = value->timeout_place,
			     .counter = value->counter ? value : NULL };
	struct diagnostic *d;

	if (value->kind != AST_VARIABLE && value->kind != AST_LIST)
		return check_set_leaf(&checker, set, &leaf, ret_element) ? 0 : -EINVAL;
	d = diagnose(diagnostics, SEVERITY_ERROR, value->place, "a single element is wanted here");
	diagnostic_hint(diagnostics, d, "variables and lists belong into a policy");
	return -EINVAL;
}
