// SPDX-License-Identifier: GPL-2.0-only
/* A policy goes when its manifest no longer has its name: what recovery then does is take all of it away. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/cleanup.h"
#include "kernel/pins.h"
#include "kernel/recover.h"
#include "kernel/shared.h"

static const struct place nowhere;

static int remove_folder(const struct kernel *kernel, struct arena *arena, const char *folder, struct diagnostics *diagnostics)
{
	const char *path = arena_printf(arena, "%s/%s", kernel->policies, folder);
	struct diagnostic *said;
	int r = 0;

	if (rename(arena_printf(arena, "%s/manifest", path), arena_printf(arena, "%s/manifest_old", path)) && errno != ENOENT)
		r = -errno;
	r = r ?: recover_policy(path);
	if (r) {
		said = diagnose(diagnostics, SEVERITY_ERROR_KERNEL, nowhere, "policy '%s' could not be taken away whole: %s",
				pins_unescape(arena, folder), strerror(-r));
		diagnostic_hint(diagnostics, said, "the next weir command tries again");
	}
	return r;
}

int kernel_say_no_policy(const struct kernel *kernel, struct arena *arena, const char *policy, struct diagnostics *diagnostics)
{
	struct diagnostic *said = diagnose(diagnostics, SEVERITY_ERROR, nowhere, "no policy '%s' is in force", policy);
	struct names folders = { 0 };
	const char **names, *near;
	size_t count = 0;

	pins_list(arena, kernel->policies, &folders);
	names = arena_new_array(arena, const char *, folders.count);
	for (size_t i = 0; i < folders.count; i++) {
		names[count] = pins_unescape(arena, folders.items[i]);
		count += strcmp(names[count], policy) != 0; /* one that is damaged is there */
	}
	near = near_match(policy, names, count);
	if (near)
		diagnostic_hint(diagnostics, said, "did you mean '%s'?", near);
	else
		diagnostic_hint(diagnostics, said, "weir list shows those that are");
	return -ENOENT;
}

int kernel_remove(struct kernel *kernel, const char *policy, struct diagnostics *diagnostics)
{
	_cleanup_(arena_freep) struct arena *arena = arena_new();
	const char *wanted = policy ? pins_escape(arena, policy) : NULL;
	struct names folders;
	bool found = false;
	int first = pins_list(arena, kernel->policies, &folders);

	for (size_t i = 0; i < folders.count; i++) {
		int r;

		if (wanted && strcmp(wanted, folders.items[i]))
			continue;
		found = true;
		r = remove_folder(kernel, arena, folders.items[i], diagnostics);
		first = first ?: r;
	}
	shared_tidy(kernel);
	return first ?: found || !wanted ? first : kernel_say_no_policy(kernel, arena, policy, diagnostics);
}
