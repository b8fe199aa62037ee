// SPDX-License-Identifier: GPL-2.0-only
/* Loads kprobe-tcp-connect.bpf.c, which is embedded, attaches it to tcp_connect and prints what it logs, until Ctrl-C. */
#include <weir/weir.h>

WEIR_EMBED(program, "kprobe-tcp-connect/kprobe-tcp-connect.bpf.o");

int main(int argc, char **argv)
{
	struct weir_main_options options = WEIR_OPTIONS(struct weir_main_options);

	options.name = "kprobetcp";
	return weir_main(argc, argv, program, program_end - program, &options);
}
