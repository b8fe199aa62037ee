/* SPDX-License-Identifier: GPL-2.0-only */
/* Without libFuzzer: run each file that is named, once. */
int main(int argc, char **argv)
{
	for (int i = 1; i < argc; i++) {
		FILE *file = fopen(argv[i], "rb");
		uint8_t *data = malloc(1 << 20);
		size_t size = file ? fread(data, 1, 1 << 20, file) : 0;

		if (!file) {
			perror(argv[i]);
			return 3;
		}
		fclose(file);
		fprintf(stderr, "%s\n", argv[i]);
		LLVMFuzzerTestOneInput(data, size);
		free(data);
	}
	printf("%d inputs, nothing found\n", argc - 1);
	return 0;
}
