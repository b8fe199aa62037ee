// SPDX-License-Identifier: GPL-2.0-only
/* XDP: one program an interface. Native (in the driver) where the driver can, else generic (in the stack). */
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <linux/bpf.h>
#include <linux/if_link.h>
#include <string.h>

#include "base/cleanup.h"
#include "kernel/attach.h"

static int create_in_mode(uint32_t ifindex, int program_fd, uint32_t flags)
{
	LIBBPF_OPTS(bpf_link_create_opts, options, .flags = flags);

	return bpf_link_create(program_fd, (int)ifindex, BPF_XDP, &options);
}

/* AUTO falls back to generic mode for any reason the driver may have, but not when another program is there. */
int xdp_create(struct manifest_attachment *at, enum attach_mode mode, int program_fd)
{
	int link = -1;

	if (mode != MODE_GENERIC) {
		at->how = HOW_NATIVE;
		link = create_in_mode(at->ifindex, program_fd, XDP_FLAGS_DRV_MODE);
		if (link >= 0 || mode == MODE_NATIVE || link == -EBUSY || link == -EEXIST || link == -ENODEV || link == -EPERM)
			return link;
	}
	at->how = HOW_GENERIC;
	return create_in_mode(at->ifindex, program_fd, XDP_FLAGS_SKB_MODE);
}

int xdp_program(uint32_t ifindex, uint32_t *ret_program_id, bool *ret_native)
{
	struct bpf_xdp_query_opts options;
	int r;

	memset(&options, 0, sizeof(options)); /* padding, too: libbpf looks at it */
	options.sz = sizeof(options);
	r = bpf_xdp_query((int)ifindex, 0, &options);
	if (r)
		return r;
	*ret_program_id = options.prog_id	? options.prog_id
			  : options.drv_prog_id ? options.drv_prog_id
			  : options.skb_prog_id ? options.skb_prog_id
						: options.hw_prog_id;
	*ret_native = options.attach_mode != XDP_ATTACHED_SKB;
	return 0;
}

bool xdp_program_is_linked(uint32_t ifindex, uint32_t id)
{
	for (uint32_t link = 0; bpf_link_get_next_id(link, &link) == 0;) {
		_cleanup_close_ int fd = bpf_link_get_fd_by_id(link);
		struct bpf_link_info info = { 0 };
		uint32_t length = sizeof(info);

		if (fd >= 0 && bpf_obj_get_info_by_fd(fd, &info, &length) == 0 && info.type == BPF_LINK_TYPE_XDP &&
		    info.prog_id == id && info.xdp.ifindex == ifindex)
			return true;
	}
	return false;
}
