// SPDX-License-Identifier: GPL-2.0-only
/* tcpdump's expressions, by libpcap. A file of its own, since libpcap and the kernel's headers both have a struct bpf_insn. */
#include <errno.h>
#include <pcap/pcap.h>
#include <string.h>

#include "host/filter.h"

#define WHOLE_PACKET 262144 /* how much of a packet a match returns, as tcpdump has it */

static const struct classic_program *copy_program(struct arena *arena, const struct bpf_program *compiled)
{
	struct sock_filter *instructions = arena_new_array(arena, struct sock_filter, compiled->bf_len);
	struct classic_program *program = arena_new_object(arena, struct classic_program);

	for (unsigned i = 0; i < compiled->bf_len; i++) {
		const struct bpf_insn *insn = &compiled->bf_insns[i];

		instructions[i] = (struct sock_filter){ insn->code, insn->jt, insn->jf, insn->k };
	}
	*program = (struct classic_program){ compiled->bf_len, instructions };
	return program;
}

/* Its words without what every message begins with. */
static const char *message_of(struct arena *arena, pcap_t *pcap)
{
	static const char head[] = "can't parse filter expression: ";
	const char *message = pcap_geterr(pcap);

	if (strncmp(message, head, sizeof(head) - 1) == 0)
		message += sizeof(head) - 1;
	return arena_strdup(arena, message);
}

int host_filter(void *context, struct arena *arena, const struct host_filter_request *request,
		const struct classic_program **ret_program, const char **ret_message)
{
	pcap_t *pcap = pcap_open_dead(request->link == CLASSIC_ETHERNET ? DLT_EN10MB : DLT_RAW, WHOLE_PACKET);
	struct bpf_program compiled;
	int error = 0;

	(void)context;
	if (!pcap)
		return -ENOMEM;
	if (pcap_compile(pcap, &compiled, request->expression, 1, PCAP_NETMASK_UNKNOWN) == 0) {
		*ret_program = copy_program(arena, &compiled);
		pcap_freecode(&compiled);
	} else {
		*ret_message = message_of(arena, pcap);
		error = -EINVAL;
	}
	pcap_close(pcap);
	return error;
}
