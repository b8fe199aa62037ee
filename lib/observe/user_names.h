/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Names of users by number, as the file /etc/passwd has them: no name service is asked, so that a flood of lines waits for none,
 * and so that it works in a static binary.
 */
#ifndef WEIR_OBSERVE_USER_NAMES_H
#define WEIR_OBSERVE_USER_NAMES_H

#include <stdint.h>

struct user_names;

/* PATH of the file. Never NULL; the file is read when the first name is asked for. */
struct user_names *user_names_new(const char *path);
void user_names_free(struct user_names *names); /* NULL is fine */

/* Good until the names are freed. NULL: it has none. The file is read again when it changed. */
const char *user_name(struct user_names *names, uint32_t uid);

#endif
