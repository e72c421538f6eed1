// SPDX-License-Identifier: GPL-2.0
/*
 * A request is parsed only once its head is complete, from its first byte each time: a head that
 * arrives in pieces is scanned again per piece, which HTTP_HEAD_MAX bounds. Nothing is copied.
 *
 *	METHOD SP target SP HTTP/1.x CRLF  (name: value CRLF)*  CRLF  [Content-Length bytes]
 */
#include <errno.h>
#include <string.h>
#include <strings.h>

#include "http.h"

bool http_slice_is(struct http_slice slice, const char *text)
{
	return slice.length == strlen(text) && memcmp(slice.at, text, slice.length) == 0;
}

static bool slice_is_nocase(struct http_slice slice, const char *text)
{
	return slice.length == strlen(text) && strncasecmp(slice.at, text, slice.length) == 0;
}

/* Cuts the bytes before @separator off @rest. False, and @rest as it was, if there is none. */
static bool slice_cut(struct http_slice *rest, char separator, struct http_slice *ret_before)
{
	const char *at = memchr(rest->at, separator, rest->length);

	if (!at)
		return false;
	*ret_before = (struct http_slice){ rest->at, (size_t)(at - rest->at) };
	rest->length -= ret_before->length + 1;
	rest->at = at + 1;
	return true;
}

static struct http_slice slice_trim(struct http_slice slice)
{
	while (slice.length && strchr(" \t\r", slice.at[0])) {
		slice.at++;
		slice.length--;
	}
	while (slice.length && strchr(" \t\r", slice.at[slice.length - 1]))
		slice.length--;
	return slice;
}

static int parse_length(struct http_slice text, size_t *ret_length)
{
	size_t length = 0;

	if (!text.length)
		return -EBADMSG;
	for (size_t i = 0; i < text.length; i++) {
		if (text.at[i] < '0' || text.at[i] > '9')
			return -EBADMSG;
		length = length * 10 + (size_t)(text.at[i] - '0');
		if (length > HTTP_BODY_MAX)
			return -EFBIG;
	}
	*ret_length = length;
	return 0;
}

static int parse_request_line(struct http_slice line, struct http_request *request)
{
	struct http_slice method, target;

	if (!slice_cut(&line, ' ', &method) || !slice_cut(&line, ' ', &target) || !target.length)
		return -EBADMSG;
	line = slice_trim(line);
	if (line.length != 8 || memcmp(line.at, "HTTP/1.", 7) != 0)
		return -EBADMSG;
	request->keep_alive = line.at[7] != '0';
	request->method = http_slice_is(method, "GET")    ? HTTP_GET
	                  : http_slice_is(method, "POST") ? HTTP_POST
	                                                  : HTTP_OTHER;
	if (slice_cut(&target, '?', &request->path)) {
		request->query = target;
	} else {
		request->path = target;
		request->query = (struct http_slice){ target.at, 0 };
	}
	return 0;
}

static int parse_header(struct http_slice line, struct http_request *request)
{
	struct http_slice name;

	if (!slice_cut(&line, ':', &name))
		return -EBADMSG;
	line = slice_trim(line);
	if (slice_is_nocase(name, "content-length"))
		return parse_length(line, &request->body.length);
	if (slice_is_nocase(name, "transfer-encoding"))
		return -EOPNOTSUPP;
	if (slice_is_nocase(name, "connection") && slice_is_nocase(line, "close"))
		request->keep_alive = false;
	if (slice_is_nocase(name, "connection") && slice_is_nocase(line, "keep-alive"))
		request->keep_alive = true;
	return 0;
}

static int parse_head(struct http_slice head, struct http_request *request)
{
	struct http_slice line;
	int error;

	if (!slice_cut(&head, '\n', &line))
		return -EBADMSG;
	error = parse_request_line(line, request);
	while (!error && slice_cut(&head, '\n', &line) && slice_trim(line).length)
		error = parse_header(line, request);
	return error;
}

int http_parse(const char *data, size_t length, struct http_request *ret_request)
{
	struct http_request request = { 0 };
	const char *end = memmem(data, length, "\r\n\r\n", 4);
	size_t head_length;
	int error;

	if (!end)
		return length > HTTP_HEAD_MAX ? -E2BIG : 0;
	head_length = (size_t)(end - data) + 4;
	if (head_length > HTTP_HEAD_MAX)
		return -E2BIG;
	error = parse_head((struct http_slice){ data, head_length }, &request);
	if (error)
		return error;
	request.body.at = data + head_length;
	request.length = head_length + request.body.length;
	if (length < request.length)
		return 0;
	*ret_request = request;
	return 1;
}
