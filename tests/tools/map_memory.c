// SPDX-License-Identifier: GPL-2.0-only
/* Map the memory of a pinned map: map_memory PIN read|write. Exit code 0: it could be had; 1: not, and errno says why. */
#include <bpf/bpf.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>

int main(int argc, char **argv)
{
	int fd = argc == 3 ? bpf_obj_get(argv[1]) : -1;
	int protection = argc == 3 && strcmp(argv[2], "write") == 0 ? PROT_READ | PROT_WRITE : PROT_READ;

	if (fd < 0) {
		fprintf(stderr, "map_memory: no such pin\n");
		return 2;
	}
	if (mmap(NULL, 4096, protection, MAP_SHARED, fd, 0) == MAP_FAILED) {
		perror("map_memory");
		return 1;
	}
	return 0;
}
