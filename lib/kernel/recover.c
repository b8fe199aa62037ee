// SPDX-License-Identifier: GPL-2.0-only
/*
 * In: a policy's folder, as an apply that ran to its end, failed, or was killed left it. Out: what `manifest` names is in force
 * and nothing else is there. The manifest beside it (plan, next, old) are those of attachments that may have to go.
 */
#include "kernel/recover.h"

#include <bpf/bpf.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/file.h>

#include "base/cleanup.h"
#include "kernel/attach.h"
#include "kernel/load.h"
#include "kernel/manifest.h"
#include "kernel/pins.h"
#include "kernel/shared.h"

static const struct place nowhere;
static const char *const beside[] = { "manifest_plan", "manifest_next", "manifest_old" };
#define BESIDE_COUNT (sizeof(beside) / sizeof(beside[0]))

/* A policy's folder, read. */
struct folder {
	struct arena *arena;
	const char *path;
	const struct manifest *kept;		     /* NULL: nothing is to stay */
	const struct manifest *others[BESIDE_COUNT]; /* NULL: not there */
};

static const char *link_path(const struct folder *folder, const struct manifest_attachment *at)
{
	return at->link ? arena_printf(folder->arena, "%s/links/%s", folder->path, at->link) : NULL;
}

/* Programs that were of this policy, by all its manifests. */
static struct program_ids own_programs(const struct folder *folder)
{
	const struct manifest *all[BESIDE_COUNT + 1] = { [BESIDE_COUNT] = folder->kept };

	memcpy(all, folder->others, sizeof(folder->others));
	return program_ids_of(folder->arena, all, BESIDE_COUNT + 1);
}

/* Every attachment that stays runs the program of the generation that stays. */
static int set_programs(const struct folder *folder)
{
	const struct manifest *kept = folder->kept;
	struct program_ids ids = own_programs(folder);
	int first = 0;

	for (uint32_t c = 0; kept && c < kept->chain_count; c++) {
		const struct manifest_chain *chain = &kept->chains[c];
		_cleanup_close_ int program = bpf_obj_get(arena_printf(folder->arena, "%s/g%llu/program_%u", folder->path,
								       (unsigned long long)kept->generation, c));

		if (program < 0)
			return program;
		for (uint32_t a = 0; a < chain->attachment_count; a++) {
			int r = attachment_set_program(&chain->attachments[a], link_path(folder, &chain->attachments[a]), program,
						       &ids);

			first = first ? first : r;
		}
	}
	return first;
}

static bool keeps(const struct manifest *kept, const struct manifest_attachment *at)
{
	for (uint32_t c = 0; kept && c < kept->chain_count; c++)
		for (uint32_t a = 0; a < kept->chains[c].attachment_count; a++) {
			const struct manifest_attachment *other = &kept->chains[c].attachments[a];

			if (other->how == at->how && attachment_same_target(other, at) && other->priority == at->priority)
				return true;
		}
	return false;
}

/* Filters have no pin by which they could be found: they go by the manifests that named them. */
static int remove_filters(const struct folder *folder)
{
	struct program_ids ids = own_programs(folder);
	int first = 0;

	for (size_t i = 0; i < BESIDE_COUNT; i++) {
		const struct manifest *other = folder->others[i];

		for (uint32_t c = 0; other && c < other->chain_count; c++)
			for (uint32_t a = 0; a < other->chains[c].attachment_count; a++) {
				const struct manifest_attachment *at = &other->chains[c].attachments[a];
				int r = !attachment_has_link(at) && !keeps(folder->kept, at) ? attachment_remove(at, NULL, &ids)
											     : 0;

				first = first ? first : r;
			}
	}
	return first;
}

static bool names_link(const struct manifest *kept, const char *link)
{
	for (uint32_t c = 0; kept && c < kept->chain_count; c++)
		for (uint32_t a = 0; a < kept->chains[c].attachment_count; a++)
			if (kept->chains[c].attachments[a].link && strcmp(kept->chains[c].attachments[a].link, link) == 0)
				return true;
	return false;
}

static int remove_links(const struct folder *folder)
{
	const char *links = arena_printf(folder->arena, "%s/links", folder->path);
	struct names names;
	int first = pins_list(folder->arena, links, &names);

	for (size_t i = 0; first == 0 && i < names.count; i++)
		if (!names_link(folder->kept, names.items[i]))
			first = link_remove(arena_printf(folder->arena, "%s/%s", links, names.items[i]));
	return first;
}

static int remove_generations(const struct folder *folder)
{
	const char *kept = folder->kept ? arena_printf(folder->arena, "g%llu", (unsigned long long)folder->kept->generation) : "";
	struct names names;
	int first = pins_list(folder->arena, folder->path, &names);

	for (size_t i = 0; first == 0 && i < names.count; i++)
		if (names.items[i][0] == 'g' && strcmp(names.items[i], kept))
			first = pins_remove_tree(arena_printf(folder->arena, "%s/%s", folder->path, names.items[i]));
	return first;
}

/* The manifests beside go last: as long as they are there, the work is known not to be done. */
static int remove_beside(const struct folder *folder)
{
	if (!folder->kept)
		return pins_remove_tree(folder->path);
	for (size_t i = 0; i < BESIDE_COUNT; i++)
		if (unlink(arena_printf(folder->arena, "%s/%s", folder->path, beside[i])) && errno != ENOENT)
			return -errno;
	return 0;
}

static int read_folder(struct folder *folder)
{
	int r = manifest_read(folder->arena, arena_printf(folder->arena, "%s/manifest", folder->path), &folder->kept);

	for (size_t i = 0; i < BESIDE_COUNT; i++)
		manifest_read(folder->arena, arena_printf(folder->arena, "%s/%s", folder->path, beside[i]), &folder->others[i]);
	return r == -ENOENT ? 0 : r;
}

int recover_policy(const char *path)
{
	_cleanup_(arena_freep) struct arena *arena = arena_new();
	struct folder folder = { .arena = arena, .path = path };
	int r = read_folder(&folder);

	r = r ? r : set_programs(&folder);
	r = r ? r : remove_filters(&folder);
	r = r ? r : remove_links(&folder);
	r = r ? r : remove_generations(&folder);
	return r ? r : remove_beside(&folder);
}

int recover_all(struct kernel *kernel, struct diagnostics *diagnostics)
{
	_cleanup_(arena_freep) struct arena *arena = arena_new();
	struct names folders;
	int r = pins_list(arena, kernel->policies, &folders);

	for (size_t i = 0; r == 0 && i < folders.count; i++) {
		const char *name = pins_unescape(arena, folders.items[i]);
		int failed = recover_policy(arena_printf(arena, "%s/%s", kernel->policies, folders.items[i]));
		struct diagnostic *said;

		if (!failed)
			continue;
		said = diagnose(diagnostics, SEVERITY_WARNING, nowhere, "policy '%s' is damaged and could not be put right: %s",
				name, failed == -EINVAL ? "its manifest cannot be read" : strerror(-failed));
		diagnostic_hint(diagnostics, said, "apply it again, or take it away: weir remove %s", name);
	}
	shared_tidy(kernel);
	return r;
}

/* A folder that only has its manifest, its links and its generation is at rest. */
static bool policy_needs_recovery(struct arena *arena, const char *path)
{
	size_t generations = 0;
	bool manifest = false;
	struct names names;

	if (pins_list(arena, path, &names))
		return false;
	for (size_t i = 0; i < names.count; i++) {
		manifest |= strcmp(names.items[i], "manifest") == 0;
		generations += names.items[i][0] == 'g';
		for (size_t b = 0; b < BESIDE_COUNT; b++)
			if (strcmp(names.items[i], beside[b]) == 0)
				return true;
	}
	return !manifest || generations != 1;
}

bool recover_needed(const struct kernel *kernel)
{
	_cleanup_(arena_freep) struct arena *arena = arena_new();
	struct names folders;

	if (pins_list(arena, kernel->policies, &folders))
		return false;
	for (size_t i = 0; i < folders.count; i++)
		if (policy_needs_recovery(arena, arena_printf(arena, "%s/%s", kernel->policies, folders.items[i])))
			return true;
	return false;
}

void recover_tidy(struct kernel *kernel)
{
	shared_tidy(kernel);
	rmdir(kernel->policies);
	if (rmdir(kernel->path) == 0)
		rmdir(kernel->base);
}
