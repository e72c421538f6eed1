/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Interval logs as org.HdrHistogram.HistogramLogWriter writes them, line by line.
 *
 * Times and the maximum have three decimals. They are rounded half up in integers and not printed
 * by %f, which would follow the locale's decimal comma. A reader adds BaseTime to the intervals'
 * offsets, and StartTime is what it subtracts to show them: both are the start.
 */
#include "hlog.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define NS_PER_MS 1000000ULL
#define NS_PER_US 1000ULL

/* A 64-bit number, its point and three decimals. */
#define DECIMAL_CHARS 24

/* @value / (1000 * @unit), with three decimals. */
static const char *decimal(char text[static DECIMAL_CHARS], uint64_t value, uint64_t unit)
{
	uint64_t thousandths = value / unit + (value % unit >= unit / 2);

	snprintf(text, DECIMAL_CHARS, "%" PRIu64 ".%03" PRIu64, thousandths / 1000,
	         thousandths % 1000);
	return text;
}

static int write_status(int printed)
{
	if (printed >= 0)
		return 0;
	return errno ? -errno : -EIO;
}

int hlog_write_header(FILE *file, uint64_t start_realtime_ns)
{
	static const char days[][4] = { "Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat" };
	static const char months[][4] = { "Jan", "Feb", "Mar", "Apr", "May", "Jun",
		                          "Jul", "Aug", "Sep", "Oct", "Nov", "Dec" };
	time_t seconds = (time_t)(start_realtime_ns / (1000 * NS_PER_MS));
	char start[DECIMAL_CHARS];
	struct tm utc;

	if (!gmtime_r(&seconds, &utc))
		return -errno;
	decimal(start, start_realtime_ns, NS_PER_MS);
	errno = 0;
	return write_status(
		fprintf(file,
	                "#[Histogram log format version 1.3]\n"
	                "#[BaseTime: %s (seconds since epoch)]\n"
	                "#[StartTime: %s (seconds since epoch), %s %s %02d %02d:%02d:%02d UTC %d]\n"
	                "\"StartTimestamp\",\"Interval_Length\",\"Interval_Max\","
	                "\"Interval_Compressed_Histogram\"\n",
	                start, start, days[utc.tm_wday], months[utc.tm_mon], utc.tm_mday,
	                utc.tm_hour, utc.tm_min, utc.tm_sec, utc.tm_year + 1900));
}

/* Padded base64 of RFC 4648, malloc()ed; NULL without memory. */
static char *base64(const uint8_t *bytes, size_t length)
{
	static const char digits[] =
		"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
	char *text = malloc((length + 2) / 3 * 4 + 1);
	char *out = text;

	if (!text)
		return NULL;
	for (size_t i = 0; i < length; i += 3) {
		size_t have = length - i < 3 ? length - i : 3;
		uint32_t group = (uint32_t)bytes[i] << 16;

		group |= have > 1 ? (uint32_t)bytes[i + 1] << 8 : 0;
		group |= have > 2 ? bytes[i + 2] : 0;
		*out++ = digits[group >> 18];
		*out++ = digits[group >> 12 & 63];
		*out++ = have > 1 ? digits[group >> 6 & 63] : '=';
		*out++ = have > 2 ? digits[group & 63] : '=';
	}
	*out = '\0';
	return text;
}

static char *encode_base64(const struct histogram *histogram, int *ret_error)
{
	uint8_t *bytes;
	size_t length;
	char *text;

	*ret_error = histogram_encode_compressed(histogram, &bytes, &length);
	if (*ret_error)
		return NULL;
	text = base64(bytes, length);
	free(bytes);
	if (!text)
		*ret_error = -ENOMEM;
	return text;
}

static int check_tag(const char *tag)
{
	if (!*tag)
		return -EINVAL;
	for (; *tag; tag++)
		if ((unsigned char)*tag <= ' ' || *tag == ',' || *tag == 0x7f)
			return -EINVAL;
	return 0;
}

int hlog_write_interval(FILE *file, const char *tag, uint64_t offset_ns, uint64_t length_ns,
                        const struct histogram *histogram)
{
	char start[DECIMAL_CHARS], length[DECIMAL_CHARS], max[DECIMAL_CHARS];
	uint64_t max_ns = histogram_highest_equivalent(histogram, histogram->max);
	int error = tag ? check_tag(tag) : 0;
	char *text;

	if (error)
		return error;
	text = encode_base64(histogram, &error);
	if (!text)
		return error;
	errno = 0;
	error = write_status(fprintf(file, "%s%s%s%s,%s,%s,%s\n", tag ? "Tag=" : "", tag ? tag : "",
	                             tag ? "," : "", decimal(start, offset_ns, NS_PER_MS),
	                             decimal(length, length_ns, NS_PER_MS),
	                             decimal(max, max_ns, NS_PER_US), text));
	free(text);
	return error;
}
