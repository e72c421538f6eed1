// SPDX-License-Identifier: GPL-2.0
/*
 * The bytes of a batch are joined first, so that they leave in one call; the stamps are taken
 * around it. --trickle cuts them into PARTS pieces whose times are kept in part_due_ns.
 */
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "../common/clock.h"
#include "client.h"

#define PARTS          4U
#define RECEIVE_LENGTH (256U << 10)

static uint16_t local_port(int fd)
{
	union {
		struct sockaddr any;
		struct sockaddr_in v4;
		struct sockaddr_in6 v6;
	} address = { 0 };
	socklen_t length = sizeof(address);

	if (getsockname(fd, &address.any, &length))
		return 0;
	return ntohs(address.any.sa_family == AF_INET6 ? address.v6.sin6_port
	                                               : address.v4.sin_port);
}

int client_connect(struct client *client, const struct target *target, unsigned int rcvbuf)
{
	int fd = socket(target->address.ss_family, SOCK_STREAM | SOCK_CLOEXEC, 0), on = 1, error;

	if (fd < 0)
		return -errno;
	if (rcvbuf)
		setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &rcvbuf, sizeof(rcvbuf));
	setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
	if (connect(fd, (const struct sockaddr *)&target->address, target->address_length) ||
	    fcntl(fd, F_SETFL, O_NONBLOCK)) {
		error = -errno;
		close(fd);
		return error;
	}
	client->fd = fd;
	client->local_port = local_port(fd);
	client->requests = 0;
	client->batch_size = client->batch_answered = 0;
	client->out_length = client->out_offset = 0;
	client->part_due_ns = 0;
	client->want_room = false;
	reply_reset(&client->reply);
	return 0;
}

void client_close(struct client *client)
{
	if (client->fd >= 0)
		close(client->fd);
	client->fd = -1;
}

void client_destroy(struct client *client)
{
	client_close(client);
	free(client->batch);
	free(client->out);
}

bool client_idle(const struct client *client)
{
	return client->batch_answered == client->batch_size;
}

int client_add(struct client *client, const struct mix_item *item, uint16_t number,
               uint64_t intended_ns)
{
	if (client_idle(client)) {
		client->batch_size = client->batch_answered = 0;
		client->out_length = client->out_offset = 0;
		client->sent_ns = 0;
	}
	if (client->out_length + item->length > client->out_capacity) {
		size_t capacity = (client->out_length + item->length) * 2;
		char *out = realloc(client->out, capacity);

		if (!out)
			return -ENOMEM;
		client->out = out;
		client->out_capacity = capacity;
	}
	memcpy(client->out + client->out_length, item->bytes, item->length);
	client->out_length += item->length;
	client->batch[client->batch_size++] = (struct client_request){ intended_ns, number };
	return 0;
}

/* How far this call may send: with trickle to the end of the part that has begun. */
static size_t part_limit(const struct client *client, const struct load_options *options)
{
	size_t part = client->out_length / PARTS + 1;
	size_t limit;

	if (!options->trickle_gap_us)
		return client->out_length;
	limit = (client->out_offset / part + 1) * part;
	return limit < client->out_length ? limit : client->out_length;
}

int client_send(struct client *client, const struct load_options *options)
{
	size_t limit = part_limit(client, options);
	uint64_t start = clock_now_ns();
	ssize_t sent = send(client->fd, client->out + client->out_offset,
	                    limit - client->out_offset, MSG_NOSIGNAL);

	if (!client->sent_ns)
		client->sent_ns = start;
	if (sent < 0 && errno != EAGAIN && errno != EINTR)
		return -errno;
	if (sent > 0)
		client->out_offset += (size_t)sent;
	client->sent_end_ns = clock_now_ns();
	client->want_room = client->out_offset < limit;
	client->part_due_ns = 0;
	if (!client->want_room && client->out_offset < client->out_length)
		client->part_due_ns = client->sent_end_ns + options->trickle_gap_us * NS_PER_US;
	return 0;
}

static void client_answered(struct client *client, uint64_t now, struct load_result *result)
{
	const struct client_request *request = &client->batch[client->batch_answered++];
	struct load_record record = {
		.intended_ns = request->intended_ns,
		.sent_ns = client->sent_ns,
		.sent_end_ns = client->sent_end_ns,
		.first_byte_ns = client->first_byte_ns,
		.last_byte_ns = now,
		.bytes = client->reply.bytes,
		.request = ++client->requests,
		.local_port = client->local_port,
		.status = (uint16_t)client->reply.status,
		.item = request->item,
	};

	load_result_add(result, &record);
	reply_reset(&client->reply);
}

int client_receive(struct client *client, struct load_result *result)
{
	static char buffer[RECEIVE_LENGTH];
	ssize_t received = recv(client->fd, buffer, sizeof(buffer), 0);
	uint64_t now = clock_now_ns();
	size_t offset = 0;

	if (received < 0)
		return errno == EAGAIN || errno == EINTR ? 0 : -errno;
	if (received == 0)
		return -EPIPE;
	while (offset < (size_t)received) {
		size_t used = 0;
		int complete;

		if (client_idle(client)) /* a response that nobody asked for */
			return -EBADMSG;
		if (!client->reply.bytes)
			client->first_byte_ns = now;
		complete = reply_feed(&client->reply, buffer + offset, (size_t)received - offset,
		                      &used);
		offset += used;
		if (complete < 0)
			return complete;
		if (complete)
			client_answered(client, now, result);
		if (complete && client->reply.close)
			return -EPIPE;
	}
	return 0;
}
