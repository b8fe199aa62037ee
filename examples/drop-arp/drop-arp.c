// SPDX-License-Identifier: GPL-2.0-only
/* Loads drop-arp.bpf.c, which is embedded, attaches it to an interface until Ctrl-C. */
#include <weir/weir.h>

WEIR_EMBED(program, "drop-arp/drop-arp.bpf.o");

static const char *iface = "eth0";

int main(int argc, char **argv)
{
	const struct weir_argument arguments[] = { { 'i', "iface", &iface, NULL }, { 0 } };
	struct weir_main_options options = WEIR_OPTIONS(struct weir_main_options);

	options.name = "drop_arp";
	options.arguments = arguments;
	return weir_main(argc, argv, program, program_end - program, &options);
}
