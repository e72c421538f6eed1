// SPDX-License-Identifier: GPL-2.0
/*
 * The buffer grows from a page's worth to one request of the largest size, and requests that were
 * pipelined behind the first move to the front when it has been handled.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "../common/clock.h"
#include "connection.h"

#define IN_INITIAL  (8U << 10)
#define IN_MAX      (HTTP_HEAD_MAX + HTTP_BODY_MAX + 1)
#define DROPPED_MAX (64U << 20) /* bytes that a refused client may still send */

struct connection *connection_new(int fd, uint16_t peer_port)
{
	struct connection *connection = calloc(1, sizeof(*connection));

	if (!connection)
		return NULL;
	connection->in = malloc(IN_INITIAL);
	if (!connection->in) {
		free(connection);
		return NULL;
	}
	connection->in_capacity = IN_INITIAL;
	connection->fd = fd;
	connection->peer_port = peer_port;
	return connection;
}

void connection_free(struct connection *connection)
{
	close(connection->fd);
	response_destroy(&connection->response);
	free(connection->in);
	free(connection);
}

static int in_grow(struct connection *connection)
{
	size_t capacity = connection->in_capacity * 2;
	char *in;

	if (capacity > IN_MAX)
		capacity = IN_MAX;
	if (capacity == connection->in_capacity)
		return -EFBIG;
	in = realloc(connection->in, capacity);
	if (!in)
		return -ENOMEM;
	connection->in = in;
	connection->in_capacity = capacity;
	return 0;
}

/* Bytes that nobody wants, or what connection_receive returns when there are no more. */
static int connection_drop(struct connection *connection)
{
	ssize_t received = recv(connection->fd, connection->in, connection->in_capacity, 0);

	if (received <= 0)
		return received < 0 ? -errno : 0;
	connection->dropped += (size_t)received;
	return connection->dropped > DROPPED_MAX ? -EFBIG : (int)received;
}

int connection_receive(struct connection *connection)
{
	ssize_t received;

	if (connection->lingering)
		return connection_drop(connection);
	if (connection->in_length == connection->in_capacity) {
		int error = in_grow(connection);

		if (error)
			return error;
	}
	connection->read_start_ns = clock_now_ns();
	received = recv(connection->fd, connection->in + connection->in_length,
	                connection->in_capacity - connection->in_length, 0);
	if (received <= 0)
		return received < 0 ? -errno : 0;
	connection->read_end_ns = clock_now_ns();
	if (!connection->in_length)
		connection->first_read_ns = connection->read_start_ns;
	connection->in_length += (size_t)received;
	connection->reads++;
	return (int)received;
}

bool connection_has_request(struct connection *connection)
{
	int result;

	if (!connection->in_length)
		return false;
	result = http_parse(connection->in, connection->in_length, &connection->request);
	connection->refusal = result < 0 ? result : 0;
	return result != 0;
}

/* Drops the request at the front: what is left came with the last receive call. */
static void in_consume(struct connection *connection, size_t length)
{
	connection->in_length -= length;
	memmove(connection->in, connection->in + length, connection->in_length);
	connection->first_read_ns = connection->read_start_ns;
	connection->reads = 0;
}

void connection_handle(struct connection *connection, struct handler *handler, pid_t reader_tid)
{
	struct request_record *record = &connection->record;

	*record = (struct request_record){
		.peer_port = connection->peer_port,
		.request = ++connection->requests,
		.reader_tid = reader_tid,
		.reads = connection->reads,
		.read_start_ns = connection->first_read_ns,
		.read_end_ns = connection->read_end_ns,
	};
	if (connection->refusal) {
		record->request_bytes = connection->in_length;
		handler_refuse(handler, connection->refusal, &connection->response, record);
	} else {
		record->request_bytes = connection->request.length;
		handler_handle(handler, &connection->request, &connection->response, record);
	}
	in_consume(connection, record->request_bytes);
	connection->responding = true;
}

static uint64_t write_start(const struct request_record *record, const struct handler *writer)
{
	/* Where the handler's thread writes, its end is the start: one reading of the clock less.
	 */
	return record->handler_tid == writer->tid ? record->handler_end_ns : clock_now_ns();
}

/*
 * A refused request may still be on its way: to close now would answer its bytes with a reset, which
 * overtakes the response (RFC 9112 section 9.6). So our side ends, and the client closes.
 */
static int connection_linger(struct connection *connection)
{
	connection->lingering = true;
	connection->in_length = 0;
	return shutdown(connection->fd, SHUT_WR) ? -errno : 0;
}

int connection_respond(struct connection *connection, struct handler *writer)
{
	struct request_record *record = &connection->record;
	int error;

	if (!record->write_start_ns)
		record->write_start_ns = write_start(record, writer);
	error = response_write(&connection->response, connection->fd, record);
	if (error)
		return error;
	record->write_end_ns = clock_now_ns();
	record->writer_tid = writer->tid;
	record->response_bytes = connection->response.offset;
	connection->responding = false;
	if (writer->logging)
		request_log_add(&writer->log, record);
	if (connection->refusal)
		return connection_linger(connection);
	return connection->response.keep_alive ? 0 : -ENOTCONN;
}
