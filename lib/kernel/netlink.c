// SPDX-License-Identifier: GPL-2.0-only
#include "kernel/netlink.h"

#include <errno.h>
#include <stdbool.h>
#include <sys/socket.h>

#include "base/cleanup.h"

int netlink_ask(const struct nlmsghdr *request, void (*read)(void *context, struct nlmsghdr *message), void *context)
{
	_cleanup_close_ int fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_ROUTE);
	bool has_end = request->nlmsg_flags & (NLM_F_DUMP | NLM_F_ACK);
	char buffer[32768] __attribute__((aligned(8)));

	if (fd < 0 || send(fd, request, request->nlmsg_len, 0) < 0)
		return -errno;
	for (;;) {
		ssize_t length = recv(fd, buffer, sizeof(buffer), 0);
		struct nlmsghdr *message = (struct nlmsghdr *)buffer;

		if (length < 0 && errno == EINTR)
			continue;
		if (length < 0)
			return -errno;
		for (; NLMSG_OK(message, length); message = NLMSG_NEXT(message, length)) {
			if (message->nlmsg_type == NLMSG_DONE)
				return 0;
			if (message->nlmsg_type == NLMSG_ERROR)
				return ((struct nlmsgerr *)NLMSG_DATA(message))->error;
			if (read)
				read(context, message);
			if (!has_end)
				return 0;
		}
	}
}
