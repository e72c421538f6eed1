/* SPDX-License-Identifier: GPL-2.0 */
/* corpus DIRECTORY: runs a fuzz target on each of its files. */
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>

#include "fuzz.h"

#define SIZE_MOST (1 << 20)

static int run_file(const char *directory, const char *name)
{
	char path[4096];
	uint8_t *bytes = malloc(SIZE_MOST);
	FILE *file;
	size_t size;

	snprintf(path, sizeof(path), "%s/%s", directory, name);
	file = fopen(path, "re");
	if (!file || !bytes) {
		free(bytes);
		return 1;
	}
	size = fread(bytes, 1, SIZE_MOST, file);
	fclose(file);
	/* At its exact size, where a sanitizer sees a byte beyond. */
	bytes = realloc(bytes, size + !size);
	LLVMFuzzerTestOneInput(bytes, size);
	free(bytes);
	return 0;
}

int main(int argc, char **argv)
{
	DIR *directory = argc == 2 ? opendir(argv[1]) : NULL;
	struct dirent *entry;
	int files = 0, failed = 0;

	if (!directory)
		return 2;
	while ((entry = readdir(directory)))
		if (entry->d_name[0] != '.') {
			failed += run_file(argv[1], entry->d_name);
			files++;
		}
	closedir(directory);
	printf("%d files\n", files);
	return failed || !files;
}
