// SPDX-License-Identifier: GPL-2.0-only
/* The reader of the ring buffer. A flock on a folder of its own sees to it that there is one; it ends with the process. */
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>

#include "base/cleanup.h"
#include "kernel/manifest.h"
#include "kernel/pins.h"
#include "kernel/recover.h"

/* What one read hands out at most: who reads slower than events come must get to see a signal or the end of its time. */
#define READ_MOST 512

static const struct place nowhere;

struct kernel_events {
	struct kernel *kernel;
	struct ring_buffer *ring;
	int map_fd, lock_fd;
	/* For the read that is going on. */
	void (*handle)(void *context, const struct weir_event *event);
	void *context;
	int handed;
};

/* A negative answer makes libbpf stop behind this record. */
static int on_event(void *context, void *data, size_t size)
{
	struct kernel_events *events = context;

	if (events->handle && size >= sizeof(struct weir_event))
		events->handle(events->context, data);
	return ++events->handed < READ_MOST ? 0 : -EAGAIN;
}

static void events_closep(struct kernel_events **events)
{
	kernel_events_close(*events);
	*events = NULL;
}

static int lock_reader(const char *path, int *ret_fd, struct diagnostics *diagnostics)
{
	_cleanup_close_ int fd = -1;
	struct diagnostic *said;
	int r = pins_make_directory(path), pid;

	fd = r ? -1 : open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (r == 0 && fd < 0)
		r = -errno;
	if (r) {
		diagnose(diagnostics, SEVERITY_ERROR_SURROUNDINGS, nowhere, "cannot open %s: %s", path, strerror(-r));
		return r;
	}
	if (flock(fd, LOCK_EX | LOCK_NB)) {
		pid = pins_lock_holder(fd);
		said = diagnose(diagnostics, SEVERITY_ERROR_SURROUNDINGS, nowhere,
				pid ? "events are read by another process already: pid %d"
				    : "events are read by another process already",
				pid);
		diagnostic_hint(diagnostics, said,
				"each event goes to one reader: stop that one first, or have it write to a file");
		return -EBUSY;
	}
	*ret_fd = TAKE_FD(fd);
	return 0;
}

int kernel_events_open(struct kernel *kernel, struct arena *arena, struct kernel_events **ret_events,
		       struct diagnostics *diagnostics)
{
	_cleanup_(events_closep) struct kernel_events *events = calloc(1, sizeof(*events));
	struct diagnostic *said;
	int r;

	if (!events)
		return -ENOMEM;
	*events = (struct kernel_events){ .kernel = kernel, .map_fd = -1, .lock_fd = -1 };
	events->map_fd = bpf_obj_get(arena_printf(arena, "%s/events", kernel->path));
	if (events->map_fd < 0) {
		r = events->map_fd;
		said = diagnose(diagnostics, SEVERITY_ERROR_SURROUNDINGS, nowhere,
				r == -ENOENT ? "no policy in force logs anything%s" : "cannot open the ring buffer of events: %s",
				r == -ENOENT ? "" : strerror(-r));
		diagnostic_hint(diagnostics, said, "write `log` into the rules that you want to see, and apply the policy");
		return r;
	}
	r = lock_reader(arena_printf(arena, "%s/events_reader", kernel->path), &events->lock_fd, diagnostics);
	if (r)
		return r;
	events->ring = ring_buffer__new(events->map_fd, on_event, events, NULL);
	if (!events->ring) {
		r = -errno;
		diagnose(diagnostics, SEVERITY_ERROR_KERNEL, nowhere, "cannot read the ring buffer of events: %s", strerror(-r));
		return r;
	}
	*ret_events = TAKE_PTR(events);
	return 0;
}

/* A reader keeps the ring buffer where it is; the policies may have gone meanwhile, and then it goes with the reader. */
void kernel_events_close(struct kernel_events *events)
{
	struct kernel *kernel;
	int fd;

	if (!events)
		return;
	kernel = events->kernel;
	ring_buffer__free(events->ring);
	closep(&events->map_fd);
	closep(&events->lock_fd);
	free(events);
	if (kernel->locked)
		return;
	fd = kernel->directory_fd;
	if (fd >= 0 && flock(fd, LOCK_EX | LOCK_NB) == 0) {
		recover_tidy(kernel);
		flock(fd, LOCK_UN);
	}
}

int kernel_events_fd(const struct kernel_events *events)
{
	return ring_buffer__epoll_fd(events->ring);
}

int kernel_events_read(struct kernel_events *events, int timeout_ms,
		       void (*handle)(void *context, const struct weir_event *event), void *context)
{
	int r;

	events->handle = handle;
	events->context = context;
	events->handed = 0;
	/* What is there is handed out without asking the descriptor, which only tells of what comes new. */
	r = ring_buffer__consume(events->ring);
	if (r == 0 && timeout_ms != 0)
		r = ring_buffer__poll(events->ring, timeout_ms);
	events->handle = NULL;
	return r == -EAGAIN ? events->handed : r;
}

/* -ENOENT also when a policy was replaced meanwhile. */
static int add_lost(const char *folder, const struct manifest *manifest, uint64_t *lost)
{
	_cleanup_(arena_freep) struct arena *arena = arena_new();
	int cpus = libbpf_num_possible_cpus(), r = 0;
	_cleanup_free_ struct weir_counter *values = calloc(cpus > 0 ? (size_t)cpus : 1, sizeof(*values));
	uint32_t slot = WEIR_SLOT_EVENTS_LOST;

	if (cpus < 0 || !values)
		return cpus < 0 ? cpus : -ENOMEM;
	for (uint32_t i = 0; r == 0 && i < manifest->chain_count; i++) {
		_cleanup_close_ int fd = bpf_obj_get(
			arena_printf(arena, "%s/g%llu/counters_%u", folder, (unsigned long long)manifest->generation, i));

		r = fd < 0 ? fd : bpf_map_lookup_elem(fd, &slot, values);
		for (int cpu = 0; r == 0 && cpu < cpus; cpu++)
			*lost += values[cpu].packets;
	}
	return r;
}

int kernel_events_lost(const struct kernel *kernel, uint64_t *ret_lost)
{
	_cleanup_(arena_freep) struct arena *arena = arena_new();
	struct names folders;
	uint64_t lost = 0;
	int r = pins_list(arena, kernel->policies, &folders);

	for (size_t i = 0; r == 0 && i < folders.count; i++) {
		const char *folder = arena_printf(arena, "%s/%s", kernel->policies, folders.items[i]);
		const struct manifest *manifest;

		if (manifest_read(arena, arena_printf(arena, "%s/manifest", folder), &manifest) == 0)
			r = add_lost(folder, manifest, &lost);
	}
	if (r == 0)
		*ret_lost = lost;
	return r;
}
