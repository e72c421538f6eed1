// SPDX-License-Identifier: GPL-2.0
/* The head is collected until its empty line, then read once; the body is only counted. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "reply.h"

static int head_read(struct reply *reply)
{
	const char *length;

	reply->head[reply->head_length] = '\0';
	length = strcasestr(reply->head, "\r\nContent-Length:");
	if (sscanf(reply->head, "HTTP/1.%*c %3u", &reply->status) != 1 || !length)
		return -EBADMSG;
	reply->body_left = strtoull(strchr(length, ':') + 1, NULL, 10);
	reply->close = strcasestr(reply->head, "\r\nConnection: close") != NULL;
	reply->in_body = true;
	return 0;
}

/* Copies up to the end of the head; the number of bytes that were of it. */
static size_t head_collect(struct reply *reply, const char *data, size_t length)
{
	size_t before = reply->head_length, room = REPLY_HEAD_MAX - before;
	size_t from = before > 3 ? before - 3 : 0; /* the empty line may be cut in two */
	const char *end;

	if (length > room)
		length = room;
	memcpy(reply->head + before, data, length);
	end = memmem(reply->head + from, before + length - from, "\r\n\r\n", 4);
	reply->head_length = end ? (size_t)(end - reply->head) + 4 : before + length;
	return reply->head_length - before;
}

static bool head_complete(const struct reply *reply)
{
	return reply->head_length >= 4 &&
	       memcmp(reply->head + reply->head_length - 4, "\r\n\r\n", 4) == 0;
}

int reply_feed(struct reply *reply, const char *data, size_t length, size_t *ret_used)
{
	size_t used = 0;

	if (!reply->in_body) {
		used = head_collect(reply, data, length);
		reply->bytes += used;
		*ret_used = used;
		if (!head_complete(reply))
			return reply->head_length == REPLY_HEAD_MAX ? -EBADMSG : 0;
		if (head_read(reply))
			return -EBADMSG;
	}
	length -= used;
	if (length > reply->body_left)
		length = reply->body_left;
	reply->body_left -= length;
	reply->bytes += length;
	*ret_used = used + length;
	return reply->body_left == 0;
}

void reply_reset(struct reply *reply)
{
	reply->head_length = 0;
	reply->in_body = false;
	reply->body_left = 0;
	reply->bytes = 0;
}
