// SPDX-License-Identifier: GPL-2.0
#include "ab_reader.h"

#include <errno.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

void ab_fail(struct ab_reader *reader, int error, const char *format, ...)
{
	va_list arguments;
	int length;

	if (reader->error)
		return;
	reader->error = error;
	length = snprintf(reader->why, reader->why_size, "%s: ", reader->path);
	if (length < 0 || (size_t)length >= reader->why_size)
		return;
	va_start(arguments, format);
	vsnprintf(reader->why + length, reader->why_size - (size_t)length, format, arguments);
	va_end(arguments);
}

/* ---- Values --------------------------------------------------------------------------------- */

void ab_copy_text(const char *from, char *into, size_t size)
{
	snprintf(into, size, "%s", from);
	for (; *into; into++)
		if ((unsigned char)*into < ' ' || *into == 0x7f)
			*into = '?';
}

void ab_read_text(struct ab_reader *reader, const json_t *object, const char *key, char *into,
                  size_t size)
{
	const json_t *value = json_object_get(object, key);

	if (!value || json_is_null(value))
		return;
	if (!json_is_string(value))
		ab_fail(reader, -EBADMSG, "\"%s\" is not a text", key);
	else
		ab_copy_text(json_string_value(value), into, size);
}

const json_t *ab_read_object(struct ab_reader *reader, const json_t *object, const char *key)
{
	const json_t *value = json_object_get(object, key);

	if (!json_is_object(value))
		ab_fail(reader, -EBADMSG, "\"%s\" is missing, or no object", key);
	return value;
}

bool ab_read_flag(struct ab_reader *reader, const json_t *object, const char *key)
{
	const json_t *value = json_object_get(object, key);

	if (!json_is_boolean(value))
		ab_fail(reader, -EBADMSG, "\"%s\" is neither true nor false", key);
	return json_is_true(value);
}

double ab_read_number(struct ab_reader *reader, const json_t *object, const char *key, double least,
                      double null)
{
	const json_t *value = json_object_get(object, key);
	double number = json_number_value(value);

	if (json_is_null(value) || (!value && isnan(null)))
		return null;
	if (!json_is_number(value) || !(number >= least) || number > AB_NUMBER_MOST) {
		ab_fail(reader, -EBADMSG, "\"%s\" is not a number as it should be", key);
		return null;
	}
	return number;
}

uint64_t ab_read_count(struct ab_reader *reader, const json_t *object, const char *key)
{
	const json_t *value = json_object_get(object, key);

	if (json_is_integer(value) && json_integer_value(value) >= 0)
		return (uint64_t)json_integer_value(value);
	ab_fail(reader, -EBADMSG, "\"%s\" is not a count", key);
	return 0;
}

double ab_read_time(struct ab_reader *reader, const json_t *object, const char *key)
{
	char text[32] = "";
	struct tm utc = { 0 };
	char *end;

	ab_read_text(reader, object, key, text, sizeof(text));
	if (!text[0])
		return NAN;
	end = strptime(text, "%Y-%m-%dT%H:%M:%SZ", &utc);
	if (end && !*end && utc.tm_year > 0 && utc.tm_year < 8000)
		return (double)timegm(&utc);
	ab_fail(reader, -EBADMSG, "\"%s\" is not a time in UTC", key);
	return NAN;
}

/* ---- What was run --------------------------------------------------------------------------- */

void ab_read_host(struct ab_reader *reader, const json_t *root)
{
	struct ab_document *document = reader->document;
	const json_t *host = ab_read_object(reader, root, "host");

	ab_read_text(reader, host, "hostname", document->hostname, sizeof(document->hostname));
	ab_read_text(reader, host, "kernel", document->kernel, sizeof(document->kernel));
	ab_read_text(reader, host, "cpu_model", document->cpu_model, sizeof(document->cpu_model));
}

void ab_read_link(struct ab_reader *reader, const json_t *root)
{
	struct ab_document *document = reader->document;
	const json_t *link = json_object_get(root, "link");
	char kind[16] = "";

	if (!link)
		return;
	if (!json_is_object(link))
		ab_fail(reader, -EBADMSG, "\"link\" is no object");
	ab_read_text(reader, link, "kind", kind, sizeof(kind));
	ab_read_text(reader, link, "driver", document->driver, sizeof(document->driver));
	document->own_links = !strcmp(kind, "test");
	document->has_link = document->own_links || !strcmp(kind, "ports");
	if (!document->has_link)
		ab_fail(reader, -EBADMSG, "\"kind\" of the link is neither test nor ports");
}

static void read_work(struct ab_reader *reader, const json_t *traffic)
{
	const json_t *work = json_object_get(traffic, "work");
	char source[16] = "";

	if (!work)
		return;
	ab_read_text(reader, work, "source", source, sizeof(source));
	reader->document->work_mean_ns = ab_read_number(reader, work, "mean_ns", 0, 0);
	if (!strcmp(source, "fixed"))
		reader->document->work = AB_WORK_FIXED;
	else if (!strcmp(source, "recording"))
		reader->document->work = AB_WORK_RECORDED;
	else if (strcmp(source, "none") != 0)
		ab_fail(reader, -EBADMSG, "\"source\" of the work is none, fixed or recording");
}

void ab_read_traffic(struct ab_reader *reader, const json_t *root)
{
	struct ab_document *document = reader->document;
	const json_t *traffic = ab_read_object(reader, root, "traffic");
	const json_t *sizes = ab_read_object(reader, traffic, "sizes");

	read_work(reader, traffic);
	document->rate_pps = ab_read_number(reader, traffic, "rate_pps", 0, NAN);
	document->flows = ab_read_count(reader, traffic, "flows");
	document->size_min_bytes = ab_read_count(reader, sizes, "min_bytes");
	document->size_max_bytes = ab_read_count(reader, sizes, "max_bytes");
	document->size_mean_bytes = ab_read_number(reader, sizes, "mean_bytes", 0, NAN);
}

void ab_read_schema(struct ab_reader *reader, const json_t *root, const char *wanted,
                    const char *what)
{
	const char *schema = json_string_value(json_object_get(root, "schema"));
	char shown[32];

	if (!schema) {
		ab_fail(reader, -EBADMSG, "not what '%s' writes: it has no \"schema\"", what);
		return;
	}
	ab_copy_text(schema, shown, sizeof(shown));
	if (strcmp(schema, wanted) != 0)
		ab_fail(reader, -EPROTO, "its schema is %s, not %s, the result of '%s'", shown,
		        wanted, what);
}

/* ---- The file -------------------------------------------------------------------------------- */

int ab_read_bytes(const char *path, char **ret_text, size_t *ret_size)
{
	FILE *file = fopen(path, "rbe");
	size_t size, room = AB_DOCUMENT_BYTES_MAX + 1;
	char *text = malloc(room);
	int err = 0;

	if (!file || !text) {
		err = file ? -ENOMEM : -errno;
		goto out;
	}
	errno = 0;
	size = fread(text, 1, room, file);
	if (ferror(file))
		err = errno ? -errno : -EIO;
	*ret_size = size;
out:
	if (file)
		fclose(file);
	if (err) {
		free(text);
		return err;
	}
	*ret_text = text;
	return 0;
}
