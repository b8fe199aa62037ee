// SPDX-License-Identifier: GPL-2.0-only
#include "kernel/data_maps.h"

#include <bpf/bpf.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/cleanup.h"

uint32_t load_outcome(const struct load_request *request, uint32_t rule)
{
	const struct rule *of = &request->code->tree->rules->rules[rule];

	return rule_outcome(of, request->slots ? request->slots[rule] : of->slot);
}

/*
 * Through memory that is shared with the map: a call for each element would take longer than the verifier. The kernel allows that
 * only for maps that programs might write, too; these have no instruction that does.
 */
static int fill(int fd, const struct load_request *request, const struct code_data *data)
{
	size_t size = (size_t)data->count * data->value_size;
	char *to = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);

	if (to == MAP_FAILED)
		return -errno;
	memcpy(to, data->bytes, size);
	for (uint32_t i = 0; data->rules && i < data->count; i++) {
		uint32_t outcome;

		if (data->rules[i] == CODE_NO_RULE)
			continue;
		outcome = load_outcome(request, data->rules[i]);
		memcpy(to + (size_t)i * data->value_size + offsetof(struct code_outcome, outcome), &outcome, sizeof(outcome));
	}
	return munmap(to, size) ? -errno : 0;
}

static int create(const struct load_request *request, const struct code_data *data, int *ret_fd)
{
	LIBBPF_OPTS(bpf_map_create_opts, options, .map_flags = BPF_F_MMAPABLE);
	_cleanup_close_ int fd =
		bpf_map_create(BPF_MAP_TYPE_ARRAY, data->name, sizeof(uint32_t), data->value_size, data->count, &options);
	int error;

	if (fd < 0)
		return fd;
	error = fill(fd, request, data);
	if (!error)
		error = bpf_map_freeze(fd);
	if (!error)
		*ret_fd = TAKE_FD(fd);
	return error;
}

int data_maps_create(const struct load_request *request, int **ret_fds)
{
	const struct code *code = request->code;
	int *fds = calloc(code->data_count + 1, sizeof(*fds)), error = 0;

	if (!fds)
		return -ENOMEM;
	for (uint32_t i = 0; i < code->data_count; i++)
		fds[i] = -1;
	for (uint32_t i = 0; i < code->data_count && !error; i++)
		error = create(request, &code->data[i], &fds[i]);
	if (error)
		data_maps_close(fds, code->data_count);
	else
		*ret_fds = fds;
	return error;
}

void data_maps_close(int *fds, uint32_t count)
{
	for (uint32_t i = 0; fds && i < count; i++)
		closep(&fds[i]);
	free(fds);
}
