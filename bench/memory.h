/* SPDX-License-Identifier: GPL-2.0-only */
/* What the benchmarks share with files and with the programs that they measure: memory. */
#ifndef WEIR_BENCH_MEMORY_H
#define WEIR_BENCH_MEMORY_H

#include <bpf/bpf.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

/* A file, to be read; NULL: it said why not. */
static inline const void *map_file(const char *name, size_t *ret_size)
{
	int fd = open(name, O_RDONLY | O_CLOEXEC);
	struct stat status;
	void *data = MAP_FAILED;

	if (fd >= 0 && fstat(fd, &status) == 0 && status.st_size > 0)
		data = mmap(NULL, (size_t)status.st_size, PROT_READ, MAP_PRIVATE, fd, 0);
	if (fd >= 0)
		close(fd);
	if (data == MAP_FAILED) {
		perror(name);
		return NULL;
	}
	*ret_size = (size_t)status.st_size;
	return data;
}

/* The memory of a program's map, to be written; NULL: it has none of that name. */
static inline void *map_memory(int program, const char *name, size_t size)
{
	uint32_t ids[16] = { 0 }, length = sizeof(struct bpf_prog_info);
	struct bpf_prog_info info = { .nr_map_ids = 16, .map_ids = (uint64_t)(uintptr_t)ids };
	void *memory = MAP_FAILED;

	if (bpf_obj_get_info_by_fd(program, &info, &length))
		return NULL;
	for (uint32_t i = 0; i < info.nr_map_ids && i < 16 && memory == MAP_FAILED; i++) {
		struct bpf_map_info map = { 0 };
		int fd = bpf_map_get_fd_by_id(ids[i]);

		length = sizeof(map);
		if (fd >= 0 && bpf_obj_get_info_by_fd(fd, &map, &length) == 0 && strcmp(map.name, name) == 0)
			memory = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
		if (fd >= 0)
			close(fd);
	}
	return memory == MAP_FAILED ? NULL : memory;
}

#endif
