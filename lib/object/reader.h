/* SPDX-License-Identifier: GPL-2.0-only */
/* Readers: what weir_reader_open and weir_reader_add_ of weir.h do, with diagnostics. */
#ifndef WEIR_OBJECT_READER_H
#define WEIR_OBJECT_READER_H

#include "object/object.h"

struct reader_handler {
	void (*handle)(void *context, const void *data, size_t length);
	void (*handle_line)(void *context, const struct weir_log_line *line);
	void *context;
};

int reader_open(struct weir_reader **ret_reader, struct diagnostics *diagnostics);
int reader_add_map(struct weir_reader *reader, struct weir_map *map, const struct reader_handler *handler,
		   struct diagnostics *diagnostics);
int reader_add_log(struct weir_reader *reader, struct weir_object *object, const struct weir_log_options *options,
		   const struct reader_handler *handler, struct diagnostics *diagnostics);

#endif
