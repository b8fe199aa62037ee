// SPDX-License-Identifier: GPL-2.0-only
/*
 * Random valid programs of classic BPF on random packets, at every hook, judged by four who know nothing of each other: weir's
 * interpreter, weir's translation in the kernel (BPF_PROG_TEST_RUN), libpcap's interpreter, and the kernel's own classic BPF (a
 * filter on a socket). libpcap and the kernel do not agree on two things, where weir goes with libpcap: an offset X + k that
 * wraps around (the kernel goes on from the front), and a shift by an X of more than 31 (the kernel takes five bits of it).
 *
 *	compare [--seed N] [--packets N] [--each N]
 */
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <getopt.h>
#include <inttypes.h>
#include <linux/bpf.h>
#include <linux/pkt_cls.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "../unit/classic/random_program.h"
#include "by_libpcap.h"
#include "compile.h"
#include "kernel/load.h"

#define ETHER_BYTES 14
#define MOST_BYTES  120
#define BUFFERS	    4500 /* now and then a frame that needs a second page at XDP */

static const struct {
	const char *words, *target;
	enum bpf_prog_type type;
} hooks[] = {
	{ "xdp ingress", "lo", BPF_PROG_TYPE_XDP },
	{ "tc ingress", "lo", BPF_PROG_TYPE_SCHED_CLS },
	{ "tc egress", "lo", BPF_PROG_TYPE_SCHED_CLS },
	{ "cgroup ingress", "\"/\"", BPF_PROG_TYPE_CGROUP_SKB },
	{ "cgroup egress", "\"/\"", BPF_PROG_TYPE_CGROUP_SKB },
};

struct options {
	uint64_t seed, packets, each;
};

struct totals {
	uint64_t packets, programs, matches, by_socket, wrapped, short_frames;
};

struct trial {
	struct classic_program program;
	size_t hook;
	int program_fd, sockets[2];
	bool socket_agrees; /* the kernel's own can be held against it */
	bool indirect;
	uint64_t seed;
};

static void print_program(const struct trial *trial)
{
	printf("# seed %" PRIu64 " at %s: bytecode ", trial->seed, hooks[trial->hook].words);
	classic_print_bytecode(&trial->program, stdout);
	putchar('\n');
}

static bool differs(const struct trial *trial, const char *who, const uint8_t *data, uint32_t length, const uint32_t results[2])
{
	printf("not ok 1 - %s says %u, weir's interpreter %u\n", who, results[1], results[0]);
	print_program(trial);
	printf("# packet of %u bytes:", length);
	for (uint32_t i = 0; i < length && i < MOST_BYTES; i++)
		printf(" %02x", data[i]);
	putchar('\n');
	return false;
}

/* ---- Those who judge ---- */

/* Load a policy whose only question is the program. */
static bool load_policy(struct trial *trial, struct arena *arena)
{
	struct load_request request = { .counters_fd = -1, .events_fd = -1, .owners_fd = -1, .counter_slots = 32 };
	struct diagnostics diagnostics;
	struct source source = { .name = "case.weir" };
	struct loaded_chain loaded;
	const struct compiled *compiled;
	char *bytecode = NULL, *text;
	size_t size;
	FILE *out = open_memstream(&bytecode, &size);

	classic_print_bytecode(&trial->program, out);
	fclose(out);
	text = arena_printf(arena,
			    "chain edge {\nhook %s on %s\nbytecode \"%s\" drop\nmeta malformed bytecode \"%s\" drop\nmeta malformed accept\n}\n",
			    hooks[trial->hook].words, hooks[trial->hook].target, bytecode, bytecode);
	free(bytecode);
	source.text = text;
	source.length = strlen(text);
	diagnostics_init(&diagnostics, arena);
	compiled = compile(arena, host_system(), &source, "case",
			   &(struct code_options){ .long_jump = kernel_features()->long_jump }, &diagnostics);
	if (compiled) {
		request.code = compiled->chains[0].code;
		if (kernel_load(&request, &loaded, &diagnostics) == 0) {
			close(loaded.counters_fd);
			trial->program_fd = loaded.program_fd;
			return true;
		}
	}
	diagnostics_print(&diagnostics, stdout, false);
	return false;
}

/* 1 where the rule matched, 0 where not, -1 where the kernel takes no such frame. */
static int by_weir(const struct trial *trial, const uint8_t *data, uint32_t length, uint32_t linear)
{
	static uint8_t frame[BUFFERS + ETHER_BYTES];
	uint32_t link = hooks[trial->hook].type == BPF_PROG_TYPE_CGROUP_SKB ? ETHER_BYTES : 0;
	struct xdp_md context = { .data_end = linear };
	LIBBPF_OPTS(bpf_test_run_opts, options, .data_in = frame, .data_size_in = length + link, .repeat = 1);

	memset(frame, 0, ETHER_BYTES);
	memcpy(frame + link, data, length);
	if (link)
		frame[12] = 0x88, frame[13] = 0xb5;
	if (linear) {
		options.ctx_in = &context;
		options.ctx_size_in = sizeof(context);
	}
	if (bpf_prog_test_run_opts(trial->program_fd, &options))
		return -1;
	switch (hooks[trial->hook].type) {
	case BPF_PROG_TYPE_XDP:
		return options.retval == XDP_DROP;
	case BPF_PROG_TYPE_SCHED_CLS:
		return options.retval == TC_ACT_SHOT;
	default:
		return options.retval == 0;
	}
}

static bool open_sockets(struct trial *trial)
{
	const struct sock_fprog filter = { (unsigned short)trial->program.count, (void *)trial->program.instructions };

	return !socketpair(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, trial->sockets) &&
	       !setsockopt(trial->sockets[1], SOL_SOCKET, SO_ATTACH_FILTER, &filter, sizeof(filter));
}

static uint32_t by_socket(const struct trial *trial, const uint8_t *data, uint32_t length)
{
	uint8_t trash[1];

	if (send(trial->sockets[0], data, length, 0) < 0)
		return 0; /* "not permitted": the filter dropped it */
	return recv(trial->sockets[1], trash, sizeof(trash), MSG_TRUNC) >= 0;
}

/* ---- Comparing ---- */

static void survey(struct trial *trial)
{
	trial->socket_agrees = true;
	trial->indirect = false;
	for (uint32_t i = 0; i < trial->program.count; i++) {
		const struct sock_filter *insn = &trial->program.instructions[i];
		uint16_t operation = BPF_OP(insn->code);

		if (BPF_CLASS(insn->code) == BPF_ALU && BPF_SRC(insn->code) == BPF_X && (operation == BPF_LSH || operation == BPF_RSH))
			trial->socket_agrees = false;
		if (BPF_CLASS(insn->code) == BPF_LD && BPF_MODE(insn->code) == BPF_IND)
			trial->indirect = true;
	}
}

static bool compare_packet(struct trial *trial, uint64_t *state, struct totals *totals)
{
	static uint8_t data[BUFFERS];
	struct classic_packet packet = { .data = data };
	uint32_t linear = 0, results[2];
	int weir;

	packet.length = draw_packet(state, data, draw(state, 200) ? MOST_BYTES : BUFFERS);
	if (hooks[trial->hook].type == BPF_PROG_TYPE_XDP && packet.length > 60 && draw(state, 2))
		linear = 14 + draw(state, (uint32_t)packet.length - 14);
	results[0] = classic_run(&trial->program, &packet);
	results[1] = by_libpcap(&trial->program, data, (uint32_t)packet.length);
	if (results[0] != results[1])
		return differs(trial, "libpcap", data, (uint32_t)packet.length, results);
	totals->packets++;
	results[0] = results[0] != 0;
	totals->matches += results[0];
	weir = by_weir(trial, data, (uint32_t)packet.length, linear);
	results[1] = (uint32_t)weir;
	if (weir < 0)
		totals->short_frames++;
	else if (results[0] != results[1])
		return differs(trial, "weir's program in the kernel", data, (uint32_t)packet.length, results);
	if (!trial->socket_agrees || !packet.length)
		return true;
	results[1] = by_socket(trial, data, (uint32_t)packet.length);
	totals->by_socket++;
	if (results[1] && !results[0] && trial->indirect)
		totals->wrapped++;
	else if (results[0] != results[1])
		return differs(trial, "the kernel's classic BPF", data, (uint32_t)packet.length, results);
	return true;
}

static bool compare_program(uint64_t seed, const struct options *options, struct totals *totals)
{
	struct sock_filter instructions[PROGRAM_MOST];
	struct arena *arena = arena_new();
	uint64_t state = seed;
	struct trial trial = { .program_fd = -1, .sockets = { -1, -1 }, .seed = seed };
	bool agree;

	trial.program = draw_program(&state, instructions, true);
	trial.hook = draw(&state, sizeof(hooks) / sizeof(*hooks));
	survey(&trial);
	agree = load_policy(&trial, arena) && (!trial.socket_agrees || open_sockets(&trial));
	if (!agree) {
		puts("not ok 1 - a valid program is not taken");
		print_program(&trial);
	}
	for (uint64_t i = 0; i < options->each && agree; i++)
		agree = compare_packet(&trial, &state, totals);
	totals->programs++;
	close(trial.program_fd);
	close(trial.sockets[0]);
	close(trial.sockets[1]);
	arena_free(arena);
	return agree;
}

static int quiet(enum libbpf_print_level level, const char *format, va_list arguments)
{
	(void)level, (void)format, (void)arguments;
	return 0;
}

int main(int argc, char **argv)
{
	static const struct option known[] = { { "seed", required_argument, NULL, 's' },
					       { "packets", required_argument, NULL, 'p' },
					       { "each", required_argument, NULL, 'e' },
					       { 0 } };
	struct options options = { .seed = (uint64_t)time(NULL), .packets = 1000000, .each = 2000 };
	struct totals totals = { 0 };
	int option;

	while ((option = getopt_long(argc, argv, "", known, NULL)) != -1) {
		uint64_t value = optarg ? strtoull(optarg, NULL, 0) : 0;

		if (option == 's')
			options.seed = value;
		else if (option == 'p')
			options.packets = value;
		else if (option == 'e')
			options.each = value;
		else
			return 2;
	}
	printf("# seed %" PRIu64 "\n", options.seed);
	fflush(stdout);
	libbpf_set_print(quiet);
	kernel_raise_memlock();
	for (uint64_t i = 0; totals.packets < options.packets; i++)
		if (!compare_program(options.seed + i, &options, &totals))
			return 1;
	printf("# %" PRIu64 " matched, %" PRIu64 " frames were too short for a test run, the kernel's classic BPF was asked %" PRIu64
	       " times and wrapped around in %" PRIu64 "\n",
	       totals.matches, totals.short_frames, totals.by_socket, totals.wrapped);
	printf("%sok 1 - %" PRIu64 " packets through %" PRIu64 " programs: weir's interpreter, its translation, libpcap and the kernel agree\n",
	       totals.matches > totals.packets / 20 && totals.wrapped < totals.packets / 50 ? "" : "not ", totals.packets, totals.programs);
	puts("1..1");
	return 0;
}
