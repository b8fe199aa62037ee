/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Putting generated functions in the place of the stubs classify(), set_member() and predicate() of a chain's template.
 *
 * libbpf is asked to call back just before it hands a program to the kernel (prog_prepare_load_fn): then all
 * subprograms are in place, maps have descriptors, and BTF records point at the right instructions. What libbpf
 * would load is cut into functions there, the ones that are still reached are kept in their order, the
 * generated ones are put behind them, and calls and BTF records are made anew.
 */
#ifndef WEIR_KERNEL_SPLICE_H
#define WEIR_KERNEL_SPLICE_H

#include <bpf/bpf.h>
#include <bpf/btf.h>
#include <bpf/libbpf.h>
#include <stdint.h>

#include "kernel/load.h"

struct splice {
	const struct load_request *request;
	int *data_fds;	 /* of the code's maps (data_maps.h) */
	struct btf *btf; /* the object's */
	/* BTF ids and strings, put into the object's BTF before it goes to the kernel */
	uint32_t *type_ids;	/* FUNC of each generated function */
	uint32_t *text_offsets; /* the text of each rule */
	uint32_t *file_offsets; /* the name of its file */
	/* What the program is made of; the kernel reads it during the load. */
	struct bpf_insn *instructions;
	struct bpf_func_info *functions;
	struct bpf_line_info *lines;
	uint32_t instruction_count, function_count, line_count;
	const char *why; /* what is wrong with the template, where splice_program fails; NULL: nothing */
};

/* Between open and load: names and texts into the BTF of OBJECT. 0 or -errno. */
int splice_prepare(struct splice *splice, struct bpf_object *object, const struct load_request *request);

/* In prog_prepare_load_fn. 0 or -errno, and splice->why says why. */
int splice_program(struct splice *splice, struct bpf_program *program, struct bpf_prog_load_opts *options);

/* After the load. */
void splice_free(struct splice *splice);

#endif
