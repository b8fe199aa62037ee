// SPDX-License-Identifier: GPL-2.0-only
#include "observe/guard_nice.h"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/escape.h"
#include "kernel/load.h"
#include "kernel/lsm.h"
#include "kernel/refusal.h"
#include "report/events.h"
#include "report/json.h"

#include "guard_nice.skel.h"

static const struct place nowhere;

struct nice_guard {
	struct guard_nice_bpf *programs;
	struct bpf_link *link;
	struct ring_buffer *ring;
	uint64_t lost_told;
	/* For the read that is going on. */
	void (*handle)(void *context, const struct weir_nice_event *event);
	void *context;
};

static int on_event(void *context, void *data, size_t size)
{
	struct nice_guard *guard = context;

	if (size >= sizeof(struct weir_nice_event))
		guard->handle(guard->context, data);
	return 0;
}

static int attach(struct nice_guard *guard)
{
	guard->programs = guard_nice_bpf__open_and_load();
	if (!guard->programs)
		return -errno;
	guard->link = bpf_program__attach(guard->programs->progs.weir_guard_nice);
	if (!guard->link)
		return -errno;
	guard->ring = ring_buffer__new(bpf_map__fd(guard->programs->maps.changes), on_event, guard, NULL);
	return guard->ring ? 0 : -errno;
}

/* That it is a process, no thread. */
static int check(uint32_t pid)
{
	_cleanup_close_ int process = (int)syscall(SYS_pidfd_open, (pid_t)pid, 0);

	return process < 0 ? -errno : 0;
}

/* A nice value that stays as it is asks the hook all the same. Where it is not called, BPF is not among the security modules. */
static int add(struct nice_guard *guard, uint32_t pid)
{
	struct guard_nice_bpf__bss *shared = guard->programs->bss;
	uint32_t before = __atomic_load_n(&shared->learnt, __ATOMIC_ACQUIRE);
	int nice, error = check(pid);

	if (error)
		return error;
	errno = 0;
	nice = getpriority(PRIO_PROCESS, pid);
	if (errno)
		return -errno;
	__atomic_store_n(&shared->learn_from, (uint32_t)getpid(), __ATOMIC_RELEASE);
	error = setpriority(PRIO_PROCESS, pid, nice) ? -errno : 0;
	__atomic_store_n(&shared->learn_from, 0, __ATOMIC_RELEASE);
	if (error)
		return error;
	return __atomic_load_n(&shared->learnt, __ATOMIC_ACQUIRE) == before ? LSM_IS_OFF : 0;
}

static int add_all(struct nice_guard *guard, const uint32_t *pids, size_t count, struct diagnostics *diagnostics)
{
	int result = 0;

	for (size_t i = 0; i < count; i++) {
		int error = add(guard, pids[i]);

		if (!error)
			continue;
		result = error;
		if (error == LSM_IS_OFF)
			return lsm_refuse(diagnostics, "guard nice values", error);
		if (error == -ESRCH)
			diagnose(diagnostics, SEVERITY_ERROR_SURROUNDINGS, nowhere, "there is no process %u", pids[i]);
		else if (error == -EINVAL)
			diagnose(diagnostics, SEVERITY_ERROR_SURROUNDINGS, nowhere, "%u is a thread, no process", pids[i]);
		else
			diagnose(diagnostics, SEVERITY_ERROR_KERNEL, nowhere, "cannot guard process %u: %s", pids[i],
				 error_print(diagnostics->arena, error));
	}
	return result;
}

static void guard_closep(struct nice_guard **guard)
{
	nice_guard_close(*guard);
}

int nice_guard_open(const uint32_t *pids, size_t count, struct nice_guard **ret_guard, struct diagnostics *diagnostics)
{
	_cleanup_(guard_closep) struct nice_guard *guard = calloc(1, sizeof(*guard));
	libbpf_print_fn_t print = libbpf_set_print(NULL);
	int error = guard ? 0 : -ENOMEM;

	if (!error) {
		kernel_raise_memlock();
		error = attach(guard);
		if (error)
			lsm_refuse(diagnostics, "guard nice values", error);
	}
	libbpf_set_print(print);
	if (!error)
		error = add_all(guard, pids, count, diagnostics);
	if (!error)
		*ret_guard = TAKE_PTR(guard);
	return error;
}

void nice_guard_close(struct nice_guard *guard)
{
	if (!guard)
		return;
	ring_buffer__free(guard->ring);
	bpf_link__destroy(guard->link);
	guard_nice_bpf__destroy(guard->programs);
	free(guard);
}

int nice_guard_fd(const struct nice_guard *guard)
{
	return ring_buffer__epoll_fd(guard->ring);
}

int nice_guard_read(struct nice_guard *guard, int timeout_ms, void (*handle)(void *context, const struct weir_nice_event *event),
		    void *context)
{
	int result;

	guard->handle = handle;
	guard->context = context;
	result = ring_buffer__consume(guard->ring);
	return result == 0 && timeout_ms != 0 ? ring_buffer__poll(guard->ring, timeout_ms) : result;
}

uint64_t nice_guard_lost(struct nice_guard *guard)
{
	uint64_t all = __atomic_load_n(&guard->programs->bss->lost, __ATOMIC_RELAXED), since = all - guard->lost_told;

	guard->lost_told = all;
	return since;
}

/* ---- Words ---- */

static const char *process_words(struct arena *arena, const struct weir_guard_process *process)
{
	return arena_printf(arena, "%s[%u]", escape_text(arena, process->command, sizeof(process->command)), process->pid);
}

const char *nice_event_text(struct arena *arena, const struct weir_nice_event *event, uint64_t time_ns, const char *user)
{
	return arena_printf(arena, "%s  %s %s  sets %s to nice %d: %s", event_clock(arena, time_ns),
			    process_words(arena, &event->by),
			    user ? escape_text(arena, user, strlen(user)) : arena_printf(arena, "uid %u", event->by.uid),
			    process_words(arena, &event->of), event->nice, event->refused ? "refused" : "allowed");
}

static json_t *process_json(struct arena *arena, const struct weir_guard_process *process)
{
	return json_pack("{s:o, s:o, s:o}", "pid", json_number(process->pid), "command",
			 json_text(escape_text(arena, process->command, sizeof(process->command))), "uid",
			 json_number(process->uid));
}

json_t *nice_event_json(const struct weir_nice_event *event, uint64_t time_ns, const char *user)
{
	_cleanup_(arena_freep) struct arena *arena = arena_new();
	json_t *by = process_json(arena, &event->by);

	json_object_set_new(by, "user", json_text(user));
	return json_pack("{s:i, s:o, s:o, s:o, s:i, s:o}", "schema", REPORT_SCHEMA, "time",
			 json_time(time_ns / 1000000000ull, (int64_t)(time_ns % 1000000000ull)), "by", by, "process",
			 process_json(arena, &event->of), "nice", event->nice, "result",
			 json_text(event->refused ? "refused" : "allowed"));
}
