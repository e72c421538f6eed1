// SPDX-License-Identifier: GPL-2.0
/*
 * Level-triggered epoll. A connection waits for input, or, while its response does not fit into
 * the socket, for room only: a client that does not read is not read from either.
 *
 * With a pool, connections are registered EPOLLONESHOT: the event that leads to a dispatch has
 * disarmed it, so no event can arrive for a connection that a worker owns, and giving it back is
 * the worker's epoll_ctl (idle) or the returned list and the eventfd (work left for the loop).
 */
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include "loop.h"
#include "pool.h"

#define EVENTS       64
#define STOP_POLL_MS 5

enum next { NEXT_INPUT, NEXT_ROOM, NEXT_WORKER, NEXT_CLOSE };

/* Does all that can be done for @connection, which the loop owns, without waiting; what is next. */
static enum next connection_advance(struct loop *loop, struct connection *connection)
{
	for (;;) {
		if (connection->responding) {
			int error = connection_respond(connection, &loop->handler);

			if (error)
				return error == -EAGAIN ? NEXT_ROOM : NEXT_CLOSE;
		}
		if (!connection_has_request(connection))
			return NEXT_INPUT;
		if (loop->pool)
			return NEXT_WORKER;
		connection_handle(connection, &loop->handler, loop->handler.tid);
	}
}

static void loop_close(struct loop *loop, struct connection *connection)
{
	if (connection->before)
		connection->before->after = connection->after;
	else
		loop->all = connection->after;
	if (connection->after)
		connection->after->before = connection->before;
	loop->connections--;
	connection_free(connection);
}

static int loop_arm(const struct loop *loop, struct connection *connection, uint32_t events)
{
	struct epoll_event event = { .events = events, .data.ptr = connection };
	int fd = connection->fd;

	connection->armed = events;
	if (loop->pool) {
		event.events |= EPOLLONESHOT;
		/* The event may come before epoll_ctl has returned: from here on it is the loop's.
		 */
		atomic_store(&connection->lent, false);
	}
	return epoll_ctl(loop->epoll_fd, EPOLL_CTL_MOD, fd, &event) ? -errno : 0;
}

/* Waits for @events; without EPOLLONESHOT only a change is a system call. */
static void loop_wait_for(struct loop *loop, struct connection *connection, uint32_t events)
{
	if (!loop->pool && connection->armed == events)
		return;
	if (loop_arm(loop, connection, events))
		loop_close(loop, connection);
}

static void loop_advance(struct loop *loop, struct connection *connection)
{
	switch (connection_advance(loop, connection)) {
	case NEXT_INPUT:
		loop_wait_for(loop, connection, EPOLLIN);
		break;
	case NEXT_ROOM:
		loop_wait_for(loop, connection, EPOLLOUT);
		break;
	case NEXT_WORKER:
		atomic_fetch_add(&loop->dispatched, 1);
		atomic_store(&connection->lent, true);
		pool_dispatch(loop->pool, connection);
		break;
	case NEXT_CLOSE:
		loop_close(loop, connection);
		break;
	}
}

static void loop_connection_event(struct loop *loop, struct connection *connection)
{
	int received = 1;

	if (atomic_load(&connection->lent)) /* cannot be: EPOLLONESHOT */
		return;
	if (!connection->responding)
		received = connection_receive(connection);
	if (received > 0)
		loop_advance(loop, connection);
	else if (received == -EAGAIN || received == -EINTR)
		loop_wait_for(loop, connection, EPOLLIN);
	else
		loop_close(loop, connection);
}

static uint16_t peer_port(const struct sockaddr_storage *address)
{
	if (address->ss_family == AF_INET6)
		return ntohs(((const struct sockaddr_in6 *)address)->sin6_port);
	return ntohs(((const struct sockaddr_in *)address)->sin_port);
}

static int loop_add(struct loop *loop, int fd, uint16_t port)
{
	struct connection *connection = connection_new(fd, port);
	struct epoll_event event = { .events = EPOLLIN, .data.ptr = connection };

	if (!connection)
		return -ENOMEM;
	connection->loop = loop;
	connection->armed = EPOLLIN;
	connection->after = loop->all;
	if (loop->all)
		loop->all->before = connection;
	loop->all = connection;
	loop->connections++;
	if (loop->pool)
		event.events |= EPOLLONESHOT;
	if (epoll_ctl(loop->epoll_fd, EPOLL_CTL_ADD, fd, &event))
		loop_close(loop, connection);
	return 0;
}

static void loop_accept(struct loop *loop)
{
	struct sockaddr_storage address = { 0 };
	socklen_t length = sizeof(address);
	int fd, on = 1;

	while ((fd = accept4(loop->listen_fd, (struct sockaddr *)&address, &length,
	                     SOCK_NONBLOCK | SOCK_CLOEXEC)) >= 0) {
		setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
		if (loop->connections >= loop->connections_max ||
		    loop_add(loop, fd, peer_port(&address)))
			close(fd);
		length = sizeof(address);
	}
}

static void loop_collect(struct loop *loop)
{
	struct connection *connection;
	eventfd_t count;

	eventfd_read(loop->wake_fd, &count);
	pthread_mutex_lock(&loop->returned_mutex);
	connection = loop->returned;
	loop->returned = NULL;
	pthread_mutex_unlock(&loop->returned_mutex);
	while (connection) {
		struct connection *next = connection->next;

		atomic_store(&connection->lent, false);
		if (connection->failed)
			loop_close(loop, connection);
		else
			loop_advance(loop, connection);
		atomic_fetch_sub(&loop->dispatched, 1);
		connection = next;
	}
}

static void loop_event(struct loop *loop, const struct epoll_event *event)
{
	if (event->data.ptr == &loop->listen_fd)
		loop_accept(loop);
	else if (event->data.ptr == &loop->wake_fd)
		loop_collect(loop);
	else
		loop_connection_event(loop, event->data.ptr);
}

static void *loop_run(void *argument)
{
	struct loop *loop = argument;
	struct epoll_event events[EVENTS];

	loop->handler.tid = gettid();
	while (!atomic_load(&loop->stop) || atomic_load(&loop->dispatched)) {
		int timeout_ms = atomic_load(&loop->stop) ? STOP_POLL_MS : -1;
		int count = epoll_wait(loop->epoll_fd, events, EVENTS, timeout_ms);

		for (int i = 0; i < count; i++)
			loop_event(loop, &events[i]);
		if (atomic_load(&loop->stop))
			loop_collect(loop);
	}
	return NULL;
}

static int loop_register(struct loop *loop, int *fd, uint32_t events)
{
	struct epoll_event event = { .events = events, .data.ptr = fd };

	return epoll_ctl(loop->epoll_fd, EPOLL_CTL_ADD, *fd, &event) ? -errno : 0;
}

static int loop_open(struct loop *loop)
{
	int error;

	loop->wake_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	loop->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
	if (loop->wake_fd < 0 || loop->epoll_fd < 0)
		return -errno;
	error = loop_register(loop, &loop->wake_fd, EPOLLIN);
	/* Preforked processes share the listening socket: wake one of them per connection. */
	return error ? error : loop_register(loop, &loop->listen_fd, EPOLLIN | EPOLLEXCLUSIVE);
}

int loop_start(struct loop *loop, const struct loop_options *options, unsigned int number)
{
	char name[24];
	int error;

	*loop = (struct loop){
		.listen_fd = options->listen_fd,
		.pool = options->pool,
		.connections_max = options->connections_max,
	};
	pthread_mutex_init(&loop->returned_mutex, NULL);
	error = handler_init(&loop->handler, options->json, options->io_dir, options->logging);
	loop->handler.gc_every = options->gc_every;
	loop->handler.gc_us = options->gc_us;
	if (!error)
		error = loop_open(loop);
	if (!error)
		error = -pthread_create(&loop->thread, NULL, loop_run, loop);
	if (error) {
		loop_destroy(loop);
		request_log_destroy(&loop->handler.log);
		return error;
	}
	snprintf(name, sizeof(name), "loop-%u", number);
	pthread_setname_np(loop->thread, name);
	return 0;
}

void loop_stop(struct loop *loop)
{
	atomic_store(&loop->stop, true);
	eventfd_write(loop->wake_fd, 1);
	pthread_join(loop->thread, NULL);
}

void loop_destroy(struct loop *loop)
{
	while (loop->all)
		loop_close(loop, loop->all);
	handler_destroy(&loop->handler);
	if (loop->wake_fd > 0)
		close(loop->wake_fd);
	if (loop->epoll_fd > 0)
		close(loop->epoll_fd);
	pthread_mutex_destroy(&loop->returned_mutex);
}

void loop_return(struct loop *loop, struct connection *connection)
{
	pthread_mutex_lock(&loop->returned_mutex);
	connection->next = loop->returned;
	loop->returned = connection;
	pthread_mutex_unlock(&loop->returned_mutex);
	eventfd_write(loop->wake_fd, 1);
}

void loop_rearm(struct loop *loop, struct connection *connection)
{
	if (loop_arm(loop, connection, EPOLLIN)) {
		connection->failed = true;
		loop_return(loop, connection);
		return;
	}
	atomic_fetch_sub(&loop->dispatched, 1);
}
