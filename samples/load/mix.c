// SPDX-License-Identifier: GPL-2.0
/* Requests are formatted once; the choice is xorshift64* with a fixed seed. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "mix.h"

#define SEED 0x9e3779b97f4a7c15ULL

static int mix_add(struct mix *mix, const char *host, unsigned int weight, const char *method,
                   const char *path, const char *body)
{
	struct mix_item *items = realloc(mix->items, (mix->count + 1) * sizeof(*items));
	struct mix_item *item;
	char length_header[64] = "";
	int length;

	if (!items)
		return -ENOMEM;
	mix->items = items;
	item = &items[mix->count];
	if (*body)
		snprintf(length_header, sizeof(length_header), "Content-Length: %zu\r\n",
		         strlen(body));
	length = asprintf(&item->bytes, "%s %s HTTP/1.1\r\nHost: %s\r\n%s\r\n%s", method, path,
	                  host, length_header, body);
	if (length < 0)
		return -ENOMEM;
	item->length = (size_t)length;
	item->weight_end = weight + (mix->count ? items[mix->count - 1].weight_end : 0);
	mix->count++;
	return 0;
}

int mix_from_path(struct mix *mix, const char *host, const char *path)
{
	*mix = (struct mix){ .random = SEED };
	return mix_add(mix, host, 1, "GET", path, "");
}

static int mix_add_line(struct mix *mix, const char *host, char *line)
{
	char method[16], path[4096];
	unsigned int weight;
	int body = 0;

	line[strcspn(line, "\r\n")] = '\0';
	line += strspn(line, " \t");
	if (!*line || *line == '#')
		return 0;
	if (sscanf(line, "%u %15s %4095s %n", &weight, method, path, &body) != 3 || !weight ||
	    path[0] != '/')
		return -EBADMSG;
	return mix_add(mix, host, weight, method, path, line + body);
}

int mix_from_file(struct mix *mix, const char *host, const char *path, unsigned int *ret_line)
{
	FILE *file = fopen(path, "re");
	size_t capacity = 0;
	char *line = NULL;
	int error = 0;

	*mix = (struct mix){ .random = SEED };
	*ret_line = 0;
	if (!file)
		return -errno;
	while (!error && getline(&line, &capacity, file) >= 0) {
		++*ret_line;
		error = mix_add_line(mix, host, line);
	}
	free(line);
	fclose(file);
	return error || mix->count ? error : -ENODATA;
}

void mix_destroy(struct mix *mix)
{
	for (unsigned int i = 0; i < mix->count; i++)
		free(mix->items[i].bytes);
	free(mix->items);
	mix->items = NULL;
	mix->count = 0;
}

unsigned int mix_pick(struct mix *mix)
{
	uint64_t total = mix->items[mix->count - 1].weight_end, choice;
	unsigned int index = 0;

	mix->random ^= mix->random >> 12;
	mix->random ^= mix->random << 25;
	mix->random ^= mix->random >> 27;
	choice = ((mix->random * 0x2545f4914f6cdd1dULL) >> 32) % total;
	while (mix->items[index].weight_end <= choice)
		index++;
	return index;
}
