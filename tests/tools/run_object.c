// SPDX-License-Identifier: GPL-2.0-only
/* Load an eBPF object, run its first program once and print what it returned: run_object FILE. */
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <stdio.h>
#include <string.h>

int main(int argc, char **argv)
{
	struct bpf_object *object = argc == 2 ? bpf_object__open(argv[1]) : NULL;
	struct bpf_test_run_opts options;
	int error;

	if (!object || bpf_object__load(object) != 0) {
		fprintf(stderr, "run_object: %s cannot be loaded\n", argc == 2 ? argv[1] : "nothing");
		return 1;
	}
	memset(&options, 0, sizeof(options));
	options.sz = sizeof(options);
	error = bpf_prog_test_run_opts(bpf_program__fd(bpf_object__next_program(object, NULL)), &options);
	if (error) {
		fprintf(stderr, "run_object: the program cannot be run: %s\n", strerror(-error));
		return 1;
	}
	printf("%u\n", options.retval);
	bpf_object__close(object);
	return 0;
}
