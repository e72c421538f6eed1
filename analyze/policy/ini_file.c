// SPDX-License-Identifier: GPL-2.0
/*
 * The file is read whole, so that lines can be numbered and a hostile file is bounded, and given to
 * inih line by line. The first mistake is kept.
 */
#include "ini_file.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <ini.h>

#include "sentence.h"

#define FILE_MOST 65536 /* bytes */

int ini_mistake(struct ini_file *file, const char *format, ...)
{
	va_list arguments;
	int length;

	if (file->failed)
		return 0;
	file->failed = true;
	length = snprintf(file->why, file->why_size, "%s:%d: ", file->path, file->line);
	if (length < 0 || (size_t)length >= file->why_size)
		return 0;
	va_start(arguments, format);
	vsnprintf(file->why + length, file->why_size - (size_t)length, format, arguments);
	va_end(arguments);
	return 0;
}

/* ---- Lines ---------------------------------------------------------------------------------- */

static int refuse_section(struct ini_file *file, const char *section)
{
	const struct ini_reader *reader = file->reader;
	const char *near = reader->nearest_section ? reader->nearest_section(section) : NULL;

	if (near)
		return ini_mistake(file, "unknown section [%s], did you mean [%s]?", section, near);
	return ini_mistake(file, "unknown section [%s]", section);
}

static int handle(void *context, const char *section, const char *name, const char *value)
{
	struct ini_file *file = context;

	if (file->failed)
		return 0;
	if (!*section)
		return ini_mistake(file, "\"%s\" is outside of any section", name);
	if (!file->reader->knows_section(section))
		return refuse_section(file, section);
	return file->reader->set(file, section, name, value ? value : "");
}

/* Debian's inih says nothing of a section without keys, so it is looked at here. */
static void check_section(struct ini_file *file, const char *line)
{
	char section[64];

	if (sscanf(line, " [%63[^]]]", section) == 1 && !file->reader->knows_section(section))
		refuse_section(file, section);
}

/* inih's fgets(): hands out the text line by line, and counts. */
static char *next_line(char *line, int size, void *context)
{
	struct ini_file *file = context;
	size_t length;

	if (!*file->at || file->failed)
		return NULL;
	file->line++;
	/* To inih, a line that begins with a blank goes on with the value of the one before. */
	file->at += strspn(file->at, " \t");
	length = strcspn(file->at, "\n");
	if (length >= (size_t)size) {
		ini_mistake(file, "the line is longer than %d characters", size - 1);
		return NULL;
	}
	memcpy(line, file->at, length);
	line[length] = '\0';
	file->at += length + (file->at[length] == '\n');
	check_section(file, line);
	return line;
}

int ini_text_read(const char *text, const char *path, const struct ini_reader *reader,
                  void *context, char *why, size_t why_size)
{
	struct ini_file file = {
		.path = path,
		.why = why,
		.why_size = why_size,
		.reader = reader,
		.context = context,
		.at = text,
	};
	int line = ini_parse_stream(next_line, &file, handle, &file);

	if (line > 0 && !file.failed) {
		file.line = line;
		ini_mistake(&file, "neither \"[section]\" nor \"key = value\"");
	}
	if (!file.failed && reader->check) {
		file.line = file.line ? file.line : 1;
		reader->check(&file);
	}
	return file.failed ? -EINVAL : 0;
}

/* ---- The file ------------------------------------------------------------------------------- */

static int read_text(const char *path, const char *what, char *text, char *why, size_t why_size)
{
	FILE *file = fopen(path, "rbe");
	int err = 0;
	size_t length;

	if (!file)
		return sentence(why, why_size, -errno, "%s: %s", path, strerror(errno));
	errno = 0;
	length = fread(text, 1, FILE_MOST, file);
	if (ferror(file)) {
		err = errno ? -errno : -EIO;
		sentence(why, why_size, err, "%s: %s", path, strerror(-err));
	} else if (length == FILE_MOST || memchr(text, '\0', length)) {
		err = sentence(why, why_size, -EINVAL, "%s: not a %s file", path, what);
	}
	fclose(file);
	text[length < FILE_MOST ? length : 0] = '\0';
	return err;
}

int ini_file_read(const char *path, const struct ini_reader *reader, void *context, char *why,
                  size_t why_size)
{
	char *text = malloc(FILE_MOST);
	int err;

	if (!text)
		return sentence(why, why_size, -ENOMEM, "%s: out of memory", path);
	err = read_text(path, reader->what, text, why, why_size);
	if (!err)
		err = ini_text_read(text, path, reader, context, why, why_size);
	free(text);
	return err;
}
