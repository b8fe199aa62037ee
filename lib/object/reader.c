// SPDX-License-Identifier: GPL-2.0-only
/* What programs tell, at one descriptor: ring buffers, perf event arrays, and the log lines that come by either. */
#include <errno.h>
#include <linux/perf_event.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/signalfd.h>
#include <time.h>

#include "base/cleanup.h"
#include "kernel/refusal.h"
#include "object/object.h"
#include "object/reader.h"
#include "weir/log_record.h"

/* What one read hands out at most: who reads slower than records come must get to see a signal or the end of its time. */
#define READ_MOST  512
#define PERF_PAGES 64 /* of each processor's buffer */

static const struct place nowhere;

struct reader_source {
	struct weir_reader *reader;
	struct weir_map *map;
	struct ring_buffer *ring; /* or */
	struct perf_buffer *perf;
	bool perf_counts;		    /* the kernel says at any time how many were lost, not only with a later record */
	uint64_t perf_lost;		    /* where it does not */
	const volatile uint64_t *ring_lost; /* the program's own count; NULL: it has none */
	void (*handle)(void *context, const void *data, size_t length);
	void *context;
	/* Log lines. */
	struct weir_object *object; /* NULL: records of the caller's own */
	bool aya;
	enum weir_log_level level;
	void (*handle_line)(void *context, const struct weir_log_line *line);
	volatile struct weir_log_control *control; /* NULL: aya-log */
	uint64_t lost_told, over_rate_told;
};

struct weir_reader {
	struct arena *arena;
	int epoll_fd;
	VECTOR(struct reader_source *) sources;
	int handed;
};

static void close_source(struct reader_source *source)
{
	if (source->control)
		source->control->level = WEIR_LOG_OFF;
	ring_buffer__free(source->ring);
	perf_buffer__free(source->perf);
	if (source->map)
		source->map->read = false;
}

int reader_open(struct weir_reader **ret_reader, struct diagnostics *diagnostics)
{
	int fd = epoll_create1(EPOLL_CLOEXEC);
	struct arena *arena;

	if (fd < 0) {
		int error = -errno;

		diagnose(diagnostics, SEVERITY_ERROR_SURROUNDINGS, nowhere, "cannot make a reader: %s",
			 error_print(diagnostics->arena, error));
		return error;
	}
	arena = arena_new();
	*ret_reader = arena_new_object(arena, struct weir_reader);
	(*ret_reader)->arena = arena;
	(*ret_reader)->epoll_fd = fd;
	return 0;
}

void weir_reader_close(struct weir_reader *reader)
{
	if (!reader)
		return;
	for (size_t i = 0; i < reader->sources.count; i++)
		close_source(reader->sources.items[i]);
	close(reader->epoll_fd);
	arena_free(reader->arena);
}

/* ---- Records ---- */

static void hand_out_line(struct reader_source *source, const void *data, size_t length)
{
	_cleanup_(arena_freep) struct arena *arena = arena_new();
	struct weir_log_line line;
	bool good = source->aya ? aya_record_read(arena, data, length, source->ring != NULL, &line)
				: log_record_read(arena, data, length, &line);

	if (!good || line.level > source->level)
		return;
	if (!source->aya)
		line.object = source->object->name;
	source->handle_line(source->context, &line);
}

static void hand_out(struct reader_source *source, const void *data, size_t length)
{
	source->reader->handed++;
	if (source->object)
		hand_out_line(source, data, length);
	else
		source->handle(source->context, data, length);
}

/* A negative answer makes libbpf stop behind this record. */
static int on_ring_record(void *context, void *data, size_t length)
{
	struct reader_source *source = context;

	hand_out(source, data, length);
	return source->reader->handed < READ_MOST ? 0 : -EAGAIN;
}

static enum bpf_perf_event_ret on_perf_event(void *context, int cpu, struct perf_event_header *event)
{
	const struct {
		struct perf_event_header head;
		uint32_t length;
		char data[];
	} *sample = (const void *)event;
	const struct {
		struct perf_event_header head;
		uint64_t id, count;
	} *lost = (const void *)event;
	struct reader_source *source = context;

	(void)cpu;
	if (event->type == PERF_RECORD_SAMPLE)
		hand_out(source, sample->data, sample->length);
	else if (event->type == PERF_RECORD_LOST)
		source->perf_lost += lost->count;
	return source->reader->handed < READ_MOST ? LIBBPF_PERF_EVENT_CONT : LIBBPF_PERF_EVENT_DONE;
}

static int open_perf(struct reader_source *source, int fd)
{
	struct perf_event_attr attributes = { .type = PERF_TYPE_SOFTWARE,
					      .size = sizeof(attributes),
					      .config = PERF_COUNT_SW_BPF_OUTPUT,
					      .sample_type = PERF_SAMPLE_RAW,
					      .read_format = PERF_FORMAT_LOST,
					      .sample_period = 1,
					      .wakeup_events = 1 };

	source->perf = perf_buffer__new_raw(fd, PERF_PAGES, &attributes, on_perf_event, source, NULL);
	source->perf_counts = source->perf;
	if (!source->perf && errno == EINVAL) { /* below 6.0 */
		attributes.read_format = 0;
		source->perf = perf_buffer__new_raw(fd, PERF_PAGES, &attributes, on_perf_event, source, NULL);
	}
	return source->perf ? 0 : -errno;
}

static int open_ring(struct reader_source *source, int fd)
{
	const char *counter = arena_printf(source->reader->arena, "%s_lost", weir_map_name(source->map));

	source->ring = ring_buffer__new(fd, on_ring_record, source, NULL);
	source->ring_lost = object_variable(source->map->object, counter, sizeof(*source->ring_lost));
	return source->ring ? 0 : -errno;
}

/* How many have been lost, ever. */
static uint64_t count_lost(const struct reader_source *source)
{
	uint64_t values[2], lost = 0; /* what the event counted, which is nothing; what was lost */

	if (source->control)
		return source->control->lost;
	if (source->ring)
		return source->ring_lost ? *source->ring_lost : 0;
	if (!source->perf_counts)
		return source->perf_lost;
	for (size_t i = 0; i < perf_buffer__buffer_cnt(source->perf); i++)
		if (read(perf_buffer__buffer_fd(source->perf, i), values, sizeof(values)) == sizeof(values))
			lost += values[1];
	return lost;
}

/* The map's buffer, into the epoll set. SOURCE lives in the reader's arena. */
static int open_source(struct weir_reader *reader, struct reader_source *source, struct weir_map *map,
		       struct diagnostics *diagnostics)
{
	enum bpf_map_type type = bpf_map__type(map->bpf);
	struct epoll_event event = { .events = EPOLLIN };
	int fd = weir_map_fd(map), r = 0;

	if (map->read) {
		diagnose(diagnostics, SEVERITY_ERROR, nowhere, "map %s is being read already", weir_map_name(map));
		return -EBUSY;
	}
	source->reader = reader;
	source->map = map;
	if (type == BPF_MAP_TYPE_RINGBUF) {
		r = open_ring(source, fd);
	} else if (type == BPF_MAP_TYPE_PERF_EVENT_ARRAY) {
		r = open_perf(source, fd);
	} else {
		diagnose(diagnostics, SEVERITY_ERROR, nowhere, "map %s is neither a ring buffer nor a perf event array",
			 weir_map_name(map));
		return -EINVAL;
	}
	if (!r && epoll_ctl(reader->epoll_fd, EPOLL_CTL_ADD,
			    source->ring ? ring_buffer__epoll_fd(source->ring) : perf_buffer__epoll_fd(source->perf), &event))
		r = -errno;
	if (!r) {
		map->read = true;
		source->lost_told = count_lost(source);
		vector_push(reader->arena, &reader->sources, source);
		return 0;
	}
	close_source(source);
	diagnose(diagnostics, SEVERITY_ERROR_KERNEL, nowhere, "cannot read map %s: %s", weir_map_name(map),
		 error_print(diagnostics->arena, r));
	return r;
}

int reader_add_map(struct weir_reader *reader, struct weir_map *map, const struct reader_handler *handler,
		   struct diagnostics *diagnostics)
{
	struct reader_source *source;

	if (!map || weir_map_fd(map) < 0) {
		diagnose(diagnostics, SEVERITY_ERROR, nowhere, "there is no such map, or its object is not loaded");
		return -ENOENT;
	}
	source = arena_new_object(reader->arena, struct reader_source);
	source->handle = handler->handle;
	source->context = handler->context;
	return open_source(reader, source, map, diagnostics);
}

int reader_add_log(struct weir_reader *reader, struct weir_object *object, const struct weir_log_options *options,
		   const struct reader_handler *handler, struct diagnostics *diagnostics)
{
	struct weir_map *map = weir_object_map(object, "weir_logs");
	struct reader_source *source = arena_new_object(reader->arena, struct reader_source);
	int r;

	source->aya = !map;
	if (!map)
		map = weir_object_map(object, "AYA_LOGS");
	if (!map || weir_map_fd(map) < 0)
		return -ENOENT;
	source->object = object;
	source->handle_line = handler->handle_line;
	source->context = handler->context;
	source->level = options->level ? options->level : WEIR_LOG_INFO;
	r = open_source(reader, source, map, diagnostics);
	if (r || source->aya)
		return r;
	source->control = object_variable(object, "weir_log_control", sizeof(struct weir_log_control));
	if (source->control) {
		source->control->rate = options->rate;
		source->lost_told = source->control->lost;
		source->over_rate_told = source->control->over_rate;
		source->control->level = source->level;
	}
	return 0;
}

/* ---- Reading ---- */

int weir_reader_fd(const struct weir_reader *reader)
{
	return reader->epoll_fd;
}

/* What is there is handed out without asking the descriptors, which only tell of what comes new. */
static int consume(struct weir_reader *reader)
{
	reader->handed = 0;
	for (size_t i = 0; i < reader->sources.count && reader->handed < READ_MOST; i++) {
		struct reader_source *source = reader->sources.items[i];
		int r = source->ring ? ring_buffer__consume(source->ring) : perf_buffer__consume(source->perf);

		if (r < 0 && r != -EAGAIN)
			return r;
	}
	return reader->handed;
}

int weir_reader_read(struct weir_reader *reader, int timeout_ms)
{
	struct epoll_event event;
	int r = consume(reader);

	if (r || timeout_ms == 0)
		return r;
	r = epoll_wait(reader->epoll_fd, &event, 1, timeout_ms);
	return r < 0 ? -errno : r == 0 ? 0 : consume(reader);
}

int weir_reader_run(struct weir_reader *reader)
{
	struct pollfd wait[] = { { .events = POLLIN }, { .fd = reader->epoll_fd, .events = POLLIN } };
	struct signalfd_siginfo info;
	sigset_t ending, before;
	int r;

	sigemptyset(&ending);
	sigaddset(&ending, SIGINT);
	sigaddset(&ending, SIGTERM);
	pthread_sigmask(SIG_BLOCK, &ending, &before);
	wait[0].fd = signalfd(-1, &ending, SFD_CLOEXEC | SFD_NONBLOCK);
	r = wait[0].fd < 0 ? -errno : 1;
	while (r >= 0 && !(wait[0].revents & POLLIN)) {
		r = weir_reader_read(reader, 0);
		if (r >= 0 && poll(wait, 2, r > 0 ? 0 : -1) < 0 && errno != EINTR)
			r = -errno;
	}
	/* What was told before the end belongs to it. The signal has been heeded: it is not to come again. */
	while (r >= 0 && weir_reader_read(reader, 0) == READ_MOST)
		;
	if (wait[0].fd >= 0) {
		while (read(wait[0].fd, &info, sizeof(info)) > 0)
			;
		close(wait[0].fd);
	}
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	return r < 0 ? r : 0;
}

int weir_reader_lost(struct weir_reader *reader, uint64_t *ret_lost)
{
	uint64_t lost = 0;

	for (size_t i = 0; i < reader->sources.count; i++) {
		struct reader_source *source = reader->sources.items[i];
		uint64_t all = count_lost(source);

		lost += all - source->lost_told;
		source->lost_told = all;
	}
	*ret_lost = lost;
	return 0;
}

int weir_reader_suppressed(struct weir_reader *reader, uint64_t *ret_suppressed)
{
	uint64_t suppressed = 0;

	for (size_t i = 0; i < reader->sources.count; i++) {
		struct reader_source *source = reader->sources.items[i];
		uint64_t all = source->control ? source->control->over_rate : 0;

		suppressed += all - source->over_rate_told;
		source->over_rate_told = all;
	}
	*ret_suppressed = suppressed;
	return 0;
}
