/* SPDX-License-Identifier: GPL-2.0 */
/* The part of HTTP/1.1 that the sample server reads: a request with an optional counted body. */
#ifndef SAMPLES_HTTP_H
#define SAMPLES_HTTP_H

#include <stdbool.h>
#include <stddef.h>

#define HTTP_HEAD_MAX (16U << 10)
#define HTTP_BODY_MAX (1U << 20)

enum http_method { HTTP_GET, HTTP_POST, HTTP_OTHER };

/* A slice of the buffer that was parsed; not terminated by a zero. */
struct http_slice {
	const char *at;
	size_t length;
};

struct http_request {
	enum http_method method;
	struct http_slice path;
	struct http_slice query; /* behind the '?', empty where there is none */
	struct http_slice body;
	size_t length; /* of the whole request in bytes */
	bool keep_alive;
};

/*
 * Parses the request that @data starts with. 1: *ret_request is complete and refers to @data.
 * 0: more bytes are needed. -EBADMSG: not HTTP/1.x; -E2BIG: head over HTTP_HEAD_MAX; -EFBIG: body
 * over HTTP_BODY_MAX; -EOPNOTSUPP: a transfer coding.
 */
int http_parse(const char *data, size_t length, struct http_request *ret_request);

/* Whether @slice spells @text. */
bool http_slice_is(struct http_slice slice, const char *text);

#endif
