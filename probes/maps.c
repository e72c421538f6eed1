/* SPDX-License-Identifier: GPL-2.0 */
/*
 * A process may live in a container, and its files may have been replaced (an upgraded library) or
 * deleted since it mapped them. So the path in its maps is looked up below /proc/PID/root, and
 * taken only if it is the mapped file. If not, /proc/PID/map_files/START-END is a link to the
 * mapped file itself, which always works but needs CAP_SYS_ADMIN or CAP_CHECKPOINT_RESTORE, and
 * lasts only as long as that mapping.
 *
 * "The mapped file" is told by stat() through map_files where that is allowed; the device in maps
 * differs from stat()'s on file systems with several devices behind one (btrfs, overlayfs).
 */
#include "maps.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>

#define DELETED " (deleted)"

/* ---- lines ---- */

static bool is_octal(char c)
{
	return c >= '0' && c <= '7';
}

/* The kernel writes newlines as \012. */
static void unescape(char *path)
{
	char *to = path;

	for (const char *from = path; *from; to++) {
		if (from[0] == '\\' && is_octal(from[1]) && is_octal(from[2]) &&
		    is_octal(from[3])) {
			*to = (char)((from[1] - '0') * 64 + (from[2] - '0') * 8 + from[3] - '0');
			from += 4;
		} else {
			*to = *from++;
		}
	}
	*to = '\0';
}

static bool strip_deleted(char *path)
{
	size_t length = strlen(path), suffix = strlen(DELETED);

	if (length <= suffix || strcmp(path + length - suffix, DELETED) != 0)
		return false;
	path[length - suffix] = '\0';
	return true;
}

int map_line_parse(const char *line, struct map_line *ret)
{
	struct map_line map = { 0 };
	unsigned int major_id, minor_id;
	uint64_t ino, offset;
	char mode[5];
	size_t length;
	int used = 0;

	if (sscanf(line, "%" SCNx64 "-%" SCNx64 " %4s %" SCNx64 " %x:%x %" SCNu64 "%n", &map.start,
	           &map.end, mode, &offset, &major_id, &minor_id, &ino, &used) != 7 ||
	    strlen(mode) != 4 || map.start >= map.end)
		return -EINVAL;
	map.executable = mode[2] == 'x';
	map.dev = makedev(major_id, minor_id);
	map.ino = ino;
	line += used;
	line += strspn(line, " ");
	length = strcspn(line, "\n");
	if (length >= sizeof(map.path))
		return -EINVAL;
	memcpy(map.path, line, length);
	map.deleted = strip_deleted(map.path);
	unescape(map.path);
	*ret = map;
	return 0;
}

/* ---- files ---- */

static bool same_file(const struct stat *st, dev_t dev, ino_t ino)
{
	return st->st_dev == dev && st->st_ino == ino;
}

/* Sets path, dev and ino of @file, which @pid has mapped as @map. */
static void find_path(pid_t pid, const struct map_line *map, struct mapped_file *file)
{
	char link[64], path[PATH_MAX];
	struct stat st;
	bool linked;

	snprintf(link, sizeof(link), "/proc/%d/map_files/%" PRIx64 "-%" PRIx64, (int)pid,
	         map->start, map->end);
	linked = !stat(link, &st);
	file->dev = linked ? st.st_dev : map->dev;
	file->ino = linked ? st.st_ino : map->ino;
	if ((size_t)snprintf(path, sizeof(path), "/proc/%d/root%s", (int)pid, map->path) <
	            sizeof(path) &&
	    !stat(path, &st) && same_file(&st, file->dev, file->ino))
		strcpy(file->path, path);
	else
		strcpy(file->path, linked ? link : "");
}

static bool is_program(pid_t pid, const struct mapped_file *file)
{
	char path[64];
	struct stat st;

	snprintf(path, sizeof(path), "/proc/%d/exe", (int)pid);
	return !stat(path, &st) && same_file(&st, file->dev, file->ino);
}

static struct mapped_file *files_find(struct mapped_files *files, dev_t dev, ino_t ino)
{
	for (size_t i = 0; i < files->n; i++)
		if (files->files[i].dev == dev && files->files[i].ino == ino)
			return &files->files[i];
	return NULL;
}

static struct mapped_file *files_append(struct mapped_files *files)
{
	struct mapped_file *grown = files->files;

	if (!(files->n & (files->n - 1))) /* grows at each power of two */
		grown = reallocarray(grown, files->n ? 2 * files->n : 1, sizeof(*grown));
	if (!grown)
		return NULL;
	files->files = grown;
	return &grown[files->n++];
}

static int files_add(struct mapped_files *files, pid_t pid, const struct map_line *map)
{
	struct mapped_file file = { 0 };
	struct mapped_file *known;

	find_path(pid, map, &file);
	file.is_executable = is_program(pid, &file);
	strcpy(file.name, map->path);
	known = files_find(files, file.dev, file.ino);
	if (known) {
		known->is_executable |= file.is_executable;
		if (!*known->path)
			strcpy(known->path, file.path);
		return 0;
	}
	known = files_append(files);
	if (!known)
		return -ENOMEM;
	*known = file;
	return 0;
}

static int add_process(struct mapped_files *files, pid_t pid)
{
	struct map_line map;
	char path[64], *line = NULL;
	size_t size = 0;
	FILE *maps;
	int err = 0;

	snprintf(path, sizeof(path), "/proc/%d/maps", (int)pid);
	maps = fopen(path, "re");
	if (!maps)
		return errno == ENOENT ? -ESRCH : -errno;
	while (!err && getline(&line, &size, maps) > 0)
		if (!map_line_parse(line, &map) && map.executable && map.ino && *map.path == '/')
			err = files_add(files, pid, &map);
	if (!err && ferror(maps)) /* the process ended meanwhile */
		err = -ESRCH;
	free(line);
	fclose(maps);
	return err;
}

int maps_files(const pid_t *pids, size_t n, struct mapped_files *ret)
{
	struct mapped_files files = { 0 };
	size_t alive = 0;

	for (size_t i = 0; i < n; i++) {
		int err = add_process(&files, pids[i]);

		if (err && err != -ESRCH) {
			mapped_files_release(&files);
			return err;
		}
		alive += !err;
	}
	if (n && !alive) {
		mapped_files_release(&files);
		return -ESRCH;
	}
	*ret = files;
	return 0;
}

void mapped_files_release(struct mapped_files *files)
{
	free(files->files);
	*files = (struct mapped_files){ 0 };
}

/*
 * Pages that are mapped and are no data of the process' own: the first field of /proc/PID/statm less
 * the sixth (proc_pid_statm(5)), which does not move as heaps and stacks grow. 0: it is gone.
 */
static uint64_t foreign_pages(pid_t pid)
{
	uint64_t size, data;
	char path[64];
	FILE *file;
	int read;

	snprintf(path, sizeof(path), "/proc/%d/statm", (int)pid);
	file = fopen(path, "re");
	if (!file)
		return 0;
	read = fscanf(file, "%" SCNu64 " %*u %*u %*u %*u %" SCNu64, &size, &data);
	fclose(file);
	return read == 2 ? size - data : 0;
}

uint64_t maps_fingerprint(const pid_t *pids, size_t n)
{
	uint64_t hash = UINT64_C(0xcbf29ce484222325); /* FNV-1a, over numbers instead of bytes */

	for (size_t i = 0; i < n; i++) {
		hash = (hash ^ (uint64_t)pids[i]) * UINT64_C(0x100000001b3);
		hash = (hash ^ foreign_pages(pids[i])) * UINT64_C(0x100000001b3);
	}
	return hash;
}
