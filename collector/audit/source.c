// SPDX-License-Identifier: GPL-2.0
#include "source.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* "ROOT/..." into @path; -ENAMETOOLONG. */
static int make_path(const struct source *source, char path[PATH_MAX], const char *format,
                     va_list arguments)
{
	int length = snprintf(path, PATH_MAX, "%s", source->root), more;

	if (length < 0 || length >= PATH_MAX)
		return -ENAMETOOLONG;
	more = vsnprintf(path + length, PATH_MAX - (size_t)length, format, arguments);
	return more < 0 || length + more >= PATH_MAX ? -ENAMETOOLONG : 0;
}

/* A regular file; never one that could block, as a pipe would. */
static int open_file(const char *path)
{
	struct stat status;
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);

	if (fd < 0)
		return -errno;
	if (!fstat(fd, &status) && S_ISREG(status.st_mode))
		return fd;
	close(fd);
	return -EBADMSG;
}

/* Up to @room bytes; their number. */
static ssize_t read_some(const char *path, char *ret, size_t room)
{
	int fd = open_file(path);
	size_t length = 0;
	ssize_t n = 1;

	if (fd < 0)
		return fd;
	while (length < room && (n = read(fd, ret + length, room - length)) > 0)
		length += (size_t)n;
	if (n < 0)
		n = -errno;
	close(fd);
	return n < 0 ? n : (ssize_t)length;
}

static int read_text(const char *path, char *ret, size_t room)
{
	ssize_t length = read_some(path, ret, room - 1);

	if (length < 0)
		return (int)length;
	ret[length] = '\0';
	while (length > 0 && (ret[length - 1] == '\n' || ret[length - 1] == ' '))
		ret[--length] = '\0';
	return length ? 0 : -ENODATA;
}

int source_read(const struct source *source, char *ret, size_t room, const char *format, ...)
{
	char path[PATH_MAX];
	va_list arguments;
	int err;

	va_start(arguments, format);
	err = make_path(source, path, format, arguments);
	va_end(arguments);
	return err ? err : read_text(path, ret, room);
}

int source_read_all(const struct source *source, char **ret, const char *format, ...)
{
	char path[PATH_MAX], *text;
	va_list arguments;
	ssize_t length;
	int err;

	va_start(arguments, format);
	err = make_path(source, path, format, arguments);
	va_end(arguments);
	text = err ? NULL : malloc(SOURCE_BYTES_MAX + 1);
	if (!text)
		return err ? err : -ENOMEM;
	length = read_some(path, text, SOURCE_BYTES_MAX + 1);
	if (length > SOURCE_BYTES_MAX)
		length = -EFBIG;
	else if (length >= 0 && memchr(text, 0, (size_t)length))
		length = -EBADMSG;
	if (length < 0) {
		free(text);
		return (int)length;
	}
	text[length] = '\0';
	*ret = text;
	return 0;
}

struct fact source_number(const struct source *source, const char *format, ...)
{
	char path[PATH_MAX], text[64], *end;
	va_list arguments;
	long long value;
	int err;

	va_start(arguments, format);
	err = make_path(source, path, format, arguments);
	va_end(arguments);
	if (!err)
		err = read_text(path, text, sizeof(text));
	if (err)
		return fact_error(err);
	errno = 0;
	value = strtoll(text, &end, 10);
	return end == text || *end || errno ? fact_error(-EBADMSG) : fact_known(value);
}

struct fact_text fact_text_of(const char *text)
{
	struct fact_text fact = { .known = true };

	snprintf(fact.text, sizeof(fact.text), "%s", text);
	for (char *c = fact.text; *c; c++)
		if ((unsigned char)*c < ' ' || (unsigned char)*c >= 127)
			*c = '?';
	return fact;
}

struct fact_text fact_text_error(int error)
{
	return (struct fact_text){ .error = error };
}

struct fact_text source_text(const struct source *source, const char *format, ...)
{
	char path[PATH_MAX], text[sizeof(((struct fact_text *)NULL)->text)];
	va_list arguments;
	int err;

	va_start(arguments, format);
	err = make_path(source, path, format, arguments);
	va_end(arguments);
	if (!err)
		err = read_text(path, text, sizeof(text));
	if (err)
		return fact_text_error(err);
	text[strcspn(text, "\n")] = '\0';
	return fact_text_of(text);
}

struct fact source_exists(const struct source *source, const char *format, ...)
{
	char path[PATH_MAX];
	va_list arguments;
	int err;

	va_start(arguments, format);
	err = make_path(source, path, format, arguments);
	va_end(arguments);
	if (err)
		return fact_error(err);
	if (!access(path, F_OK))
		return fact_known(1);
	return errno == ENOENT || errno == ENOTDIR ? fact_known(0) : fact_error(-errno);
}

struct fact_text source_link(const struct source *source, const char *format, ...)
{
	char path[PATH_MAX], target[PATH_MAX], *slash;
	va_list arguments;
	ssize_t length;
	int err;

	va_start(arguments, format);
	err = make_path(source, path, format, arguments);
	va_end(arguments);
	if (err)
		return fact_text_error(err);
	length = readlink(path, target, sizeof(target) - 1);
	if (length < 0)
		return fact_text_error(-errno);
	target[length] = '\0';
	slash = strrchr(target, '/');
	return fact_text_of(slash ? slash + 1 : target);
}

int source_each(const struct source *source, unsigned most,
                int (*each)(const char *name, void *context), void *context, const char *format,
                ...)
{
	char path[PATH_MAX];
	struct dirent *entry;
	va_list arguments;
	unsigned n = 0;
	DIR *directory;
	int err;

	va_start(arguments, format);
	err = make_path(source, path, format, arguments);
	va_end(arguments);
	if (err)
		return err;
	directory = opendir(path);
	if (!directory)
		return -errno;
	while (!err && (entry = readdir(directory))) {
		if (!strcmp(entry->d_name, ".") || !strcmp(entry->d_name, ".."))
			continue;
		err = n++ == most ? -E2BIG : each(entry->d_name, context);
	}
	closedir(directory);
	return err;
}

/* ---- Lists of CPUs --------------------------------------------------------------------------- */

/* "4" or "4-7" at *@text, which moves behind it. */
static int parse_range(const char **text, unsigned long *ret_first, unsigned long *ret_last)
{
	char *end;

	if (**text < '0' || **text > '9')
		return -EBADMSG;
	*ret_first = *ret_last = strtoul(*text, &end, 10);
	if (*end == '-') {
		if (end[1] < '0' || end[1] > '9')
			return -EBADMSG;
		*ret_last = strtoul(end + 1, &end, 10);
	}
	*text = end;
	return *ret_first <= *ret_last && *ret_last < CPU_LIST_MAX ? 0 : -EBADMSG;
}

int cpu_list_parse(const char *text, struct cpu_list *ret)
{
	struct cpu_list list = { 0 };
	unsigned long first, last;

	while (*text) {
		if (parse_range(&text, &first, &last))
			return -EBADMSG;
		for (unsigned long cpu = first; cpu <= last; cpu++)
			list.word[cpu / 64] |= 1ULL << cpu % 64;
		if (*text == ',' && text[1])
			text++;
		else if (*text)
			return -EBADMSG;
	}
	*ret = list;
	return 0;
}

int cpu_list_common(const struct cpu_list *a, const struct cpu_list *b)
{
	int n = 0;

	for (size_t i = 0; i < CPU_LIST_MAX / 64; i++)
		n += __builtin_popcountll(a->word[i] & b->word[i]);
	return n;
}

int cpu_list_count(const struct cpu_list *list)
{
	return cpu_list_common(list, list);
}

void cpu_list_add(struct cpu_list *list, const struct cpu_list *other)
{
	for (size_t i = 0; i < CPU_LIST_MAX / 64; i++)
		list->word[i] |= other->word[i];
}

int source_cpus(const struct source *source, struct cpu_list *ret, const char *format, ...)
{
	char path[PATH_MAX], text[4096];
	va_list arguments;
	int err;

	va_start(arguments, format);
	err = make_path(source, path, format, arguments);
	va_end(arguments);
	if (!err)
		err = read_text(path, text, sizeof(text));
	if (err == -ENODATA)
		text[0] = '\0';
	else if (err)
		return err;
	/* What an empty list of isolated CPUs may read as. */
	return cpu_list_parse(strcmp(text, "(null)") ? text : "", ret);
}
