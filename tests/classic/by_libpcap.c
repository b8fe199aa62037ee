// SPDX-License-Identifier: GPL-2.0-only
#include <pcap/pcap.h>

#include "by_libpcap.h"

uint32_t by_libpcap(const struct classic_program *program, const uint8_t *data, uint32_t length)
{
	struct bpf_insn instructions[CLASSIC_LIMIT];

	for (uint32_t i = 0; i < program->count; i++)
		instructions[i] = (struct bpf_insn){ program->instructions[i].code, program->instructions[i].jt,
						     program->instructions[i].jf, program->instructions[i].k };
	return bpf_filter(instructions, data, length, length);
}
