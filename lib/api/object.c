// SPDX-License-Identifier: GPL-2.0-only
/* Objects and readers for the public: options filled in, diagnostics as messages. */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "api/api.h"
#include "base/cleanup.h"
#include "object/object.h"
#include "object/reader.h"

/* Larger files are something else. */
#define OBJECT_BYTES_MOST (64u << 20)

static const struct place nowhere;

static struct weir_object_options object_options(const struct weir_object_options *options)
{
	return (struct weir_object_options){
		.size = sizeof(struct weir_object_options),
		.name = OPTION(options, name, NULL),
		.bpffs = OPTION(options, bpffs, NULL),
		.pin_maps = OPTION(options, pin_maps, NULL),
		.verifier_log = OPTION(options, verifier_log, false),
		.only_chosen = OPTION(options, only_chosen, false),
	};
}

int weir_object_open_memory(const void *bytes, size_t length, const struct weir_object_options *options,
			    struct weir_messages *messages, struct weir_object **ret_object)
{
	struct weir_object_options all = object_options(options);
	void *image = malloc(length + 1);

	if (!image)
		return messages_explain(messages, messages->diagnostics.errors, -ENOMEM, "cannot open an object");
	memcpy(image, bytes, length);
	((char *)image)[length] = '\0'; /* a damaged table of names ends there */
	return object_open(image, length, all.name ? all.name : "object", &all, &messages->diagnostics, ret_object);
}

static int read_file(const char *path, void **ret_bytes, size_t *ret_length)
{
	_cleanup_close_ int fd = open(path, O_RDONLY | O_CLOEXEC);
	_cleanup_free_ char *bytes = NULL;
	struct stat status;
	size_t length = 0;
	ssize_t more;

	if (fd < 0 || fstat(fd, &status))
		return -errno;
	if (S_ISDIR(status.st_mode))
		return -EISDIR;
	if (status.st_size > OBJECT_BYTES_MOST)
		return -EFBIG;
	bytes = malloc((size_t)status.st_size + 1);
	if (!bytes)
		return -ENOMEM;
	while (length < (size_t)status.st_size && (more = read(fd, bytes + length, (size_t)status.st_size - length)) != 0) {
		if (more < 0)
			return -errno;
		length += (size_t)more;
	}
	bytes[length] = '\0'; /* a damaged table of names ends there */
	*ret_length = length;
	*ret_bytes = TAKE_PTR(bytes);
	return 0;
}

int weir_object_open(const char *path, const struct weir_object_options *options, struct weir_messages *messages,
		     struct weir_object **ret_object)
{
	_cleanup_(arena_freep) struct arena *arena = arena_new();
	struct weir_object_options all = object_options(options);
	const char *slash = strrchr(path, '/');
	char *name = arena_strdup(arena, slash ? slash + 1 : path);
	size_t length = 0;
	void *image = NULL;
	int r = read_file(path, &image, &length);

	if (r) {
		diagnose(&messages->diagnostics, SEVERITY_ERROR_SURROUNDINGS, nowhere, "cannot read '%s': %s", path,
			 strerror(-r));
		return r;
	}
	name[strcspn(name, ".")] = '\0';
	return object_open(image, length,
			   all.name ? all.name
			   : *name  ? name
				    : "object",
			   &all, &messages->diagnostics, ret_object);
}

int weir_object_load(struct weir_object *object, struct weir_messages *messages)
{
	size_t errors = messages->diagnostics.errors;
	int error = object_load(object, &messages->diagnostics);

	return error ? messages_explain(messages, errors, error, "cannot load an object") : 0;
}

int weir_program_set_hook(struct weir_program *program, const char *hook, struct weir_messages *messages)
{
	return program_set_hook(program, hook, &messages->diagnostics);
}

int weir_object_set_global(struct weir_object *object, const char *name, const void *value, size_t length,
			   struct weir_messages *messages)
{
	return object_set_global(object, name, value, length, &messages->diagnostics);
}

int weir_object_set_global_text(struct weir_object *object, const char *name, const char *text, struct weir_messages *messages)
{
	return object_set_global_text(object, name, text, &messages->diagnostics);
}

int weir_program_attach(struct weir_program *program, const char *target, const struct weir_attach_options *options,
			struct weir_messages *messages)
{
	struct weir_attach_options all = {
		.size = sizeof(all),
		.netns = OPTION(options, netns, NULL),
		.pin = OPTION(options, pin, NULL),
		.xdp_mode = OPTION(options, xdp_mode, WEIR_XDP_BEST),
		.cgroup_mode = OPTION(options, cgroup_mode, WEIR_CGROUP_MULTI),
		.pid = OPTION(options, pid, 0),
		.socket = OPTION(options, socket, 0),
		.parent = OPTION(options, parent, NULL),
		.classid = OPTION(options, classid, NULL),
		.actions = OPTION(options, actions, NULL),
		.action_count = OPTION(options, action_count, 0),
	};

	if (!program) {
		diagnose(&messages->diagnostics, SEVERITY_ERROR, nowhere, "the object has no such program");
		return -ENOENT;
	}
	return program_attach(program, target, &all, &messages->diagnostics);
}

int weir_reader_open(struct weir_messages *messages, struct weir_reader **ret_reader)
{
	return reader_open(ret_reader, &messages->diagnostics);
}

int weir_reader_add_map(struct weir_reader *reader, struct weir_map *map,
			void (*handle)(void *context, const void *data, size_t length), void *context,
			struct weir_messages *messages)
{
	return reader_add_map(reader, map, &(struct reader_handler){ .handle = handle, .context = context },
			      &messages->diagnostics);
}

static void print_line(void *context, const struct weir_log_line *line)
{
	weir_log_print(context, line);
}

int weir_reader_add_log(struct weir_reader *reader, struct weir_object *object, const struct weir_log_options *options,
			void (*handle)(void *context, const struct weir_log_line *line), void *context,
			struct weir_messages *messages)
{
	struct weir_log_options all = { .size = sizeof(all),
					.level = OPTION(options, level, WEIR_LOG_INFO),
					.rate = OPTION(options, rate, 0) };
	struct reader_handler handler = { .handle_line = handle ? handle : print_line, .context = context };

	return reader_add_log(reader, object, &all, &handler, &messages->diagnostics);
}
