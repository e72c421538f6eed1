// SPDX-License-Identifier: GPL-2.0
/*
 * Closed loop: a connection sends again as soon as it is answered. Open loop: arrivals are drawn in
 * advance (exponential gaps) and sent over any free connection; if none is free they queue, and
 * their latency counts from when they were due, so a stall of the server is seen in full. The open
 * loop spins: a thread that slept until the next arrival would measure its own wakeups.
 *
 * Between windows, when the server may have to wait for its CPU, what finds no free connection is
 * given up, so that no window begins with the backlog of a time that is not measured.
 *
 * The thread alone touches connections and the lists. Others see atomic counters, and change
 * "wanted" and "marks_wanted"; that the thread has followed is told by "recording" and "marks".
 * Latencies are only listed: which of them count is decided after the window.
 */
#include "client.h"

#include <arpa/inet.h>
#include <errno.h>
#include <math.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "paired.h"
#include "speed.h"

#define EVENTS       64
#define RESPONSE_MAX 65536
#define QUEUE        65536 /* arrivals that wait for a connection */
#define LATENCIES    (1u << 22)
#define QUIET_MS     100 /* a response is complete after so long without more */
#define WAIT_MS      50  /* of the closed loop, to see that it should stop */

struct connection {
	int fd;
	size_t received;
	uint64_t intended_ns;
};

struct client {
	struct client_options options;
	size_t request_bytes, response_bytes;
	struct connection *connections;
	int epoll_fd;
	pthread_t thread;
	bool running;
	pid_t tid;
	uint64_t *latencies;
	size_t n_latencies;
	struct client_mark *marks;
	struct paired_order random;
	uint64_t due_ns;   /* next arrival */
	uint64_t since_ns; /* recording since */
	unsigned int *free;
	unsigned int n_free;
	uint64_t *queue; /* arrivals head..tail, modulo QUEUE */
	uint64_t head, tail;
	_Atomic uint64_t done;
	_Atomic bool wanted, recording, stop;
	_Atomic size_t marks_wanted, n_marks;
	_Atomic int error;
	_Atomic bool ready;
	char buffer[RESPONSE_MAX];
};

static uint64_t now_ns(void)
{
	struct timespec time;

	clock_gettime(CLOCK_MONOTONIC, &time);
	return (uint64_t)time.tv_sec * 1000000000ULL + (uint64_t)time.tv_nsec;
}

/* ---- Connecting --------------------------------------------------------------------------- */

static int connect_one(uint16_t port, int *ret_fd)
{
	const struct sockaddr_in address = { .sin_family = AF_INET,
		                             .sin_port = htons(port),
		                             .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	const int on = 1;
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	if (fd < 0)
		return -errno;
	if (connect(fd, (const struct sockaddr *)&address, sizeof(address)) ||
	    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on))) {
		int err = -errno;

		close(fd);
		return err;
	}
	*ret_fd = fd;
	return 0;
}

static int connect_all(struct client *client)
{
	int err = 0;

	for (unsigned int i = 0; !err && i < client->options.connections; i++) {
		struct epoll_event event = { .events = EPOLLIN, .data.u32 = i };
		struct connection *connection = &client->connections[i];

		err = connect_one(client->options.port, &connection->fd);
		if (!err && epoll_ctl(client->epoll_fd, EPOLL_CTL_ADD, connection->fd, &event))
			err = -errno;
		client->free[client->n_free++] = i;
	}
	return err;
}

static int learn_response(struct client *client)
{
	struct pollfd poll_fd = { .fd = client->connections[0].fd, .events = POLLIN };
	ssize_t n;

	if (send(poll_fd.fd, client->options.request, client->request_bytes, MSG_NOSIGNAL) < 0)
		return -errno;
	while (poll(&poll_fd, 1, client->response_bytes ? QUIET_MS : 20 * QUIET_MS) > 0) {
		n = recv(poll_fd.fd, client->buffer, RESPONSE_MAX, 0);
		if (n <= 0)
			return n ? -errno : -ECONNRESET;
		client->response_bytes += (size_t)n;
	}
	return client->response_bytes ? 0 : -ETIMEDOUT;
}

/* ---- Requests ----------------------------------------------------------------------------- */

static int send_request(struct client *client, struct connection *connection, uint64_t intended_ns)
{
	ssize_t n = send(connection->fd, client->options.request, client->request_bytes,
	                 MSG_NOSIGNAL | MSG_DONTWAIT);

	connection->received = 0;
	connection->intended_ns = intended_ns;
	if (n < 0)
		return -errno;
	return (size_t)n == client->request_bytes ? 0 : -EMSGSIZE;
}

static int answered(struct client *client, unsigned int number)
{
	struct connection *connection = &client->connections[number];
	uint64_t now = now_ns();

	if (client->recording && connection->intended_ns >= client->since_ns &&
	    client->n_latencies < LATENCIES)
		client->latencies[client->n_latencies++] = now - connection->intended_ns;
	atomic_store_explicit(&client->done, client->done + 1, memory_order_relaxed);
	if (client->options.rate <= 0)
		return send_request(client, connection, now);
	if (client->head != client->tail)
		return send_request(client, connection, client->queue[client->head++ % QUEUE]);
	client->free[client->n_free++] = number;
	return 0;
}

static int receive(struct client *client, unsigned int number)
{
	struct connection *connection = &client->connections[number];
	ssize_t n = recv(connection->fd, client->buffer, RESPONSE_MAX, MSG_DONTWAIT);

	if (n < 0)
		return errno == EAGAIN ? 0 : -errno;
	connection->received += (size_t)n;
	if (!n || connection->received > client->response_bytes)
		return n ? -EPROTO : -ECONNRESET;
	return connection->received == client->response_bytes ? answered(client, number) : 0;
}

static uint64_t draw_gap_ns(struct client *client)
{
	double uniform = (double)(paired_order_draw(&client->random, 1ULL << 53) + 1) * 0x1p-53;

	return (uint64_t)(-log(uniform) * 1e9 / client->options.rate);
}

/* Sends, or queues, what has become due. */
static int arrive(struct client *client)
{
	uint64_t now = now_ns();
	int err = 0;

	for (; !err && client->due_ns <= now; client->due_ns += draw_gap_ns(client)) {
		if (client->n_free)
			err = send_request(client,
			                   &client->connections[client->free[--client->n_free]],
			                   client->due_ns);
		else if (!client->recording)
			continue;
		else if (client->tail - client->head < QUEUE)
			client->queue[client->tail++ % QUEUE] = client->due_ns;
		else
			err = -ENOBUFS; /* the server does not keep up at all */
	}
	return err;
}

/* ---- The thread --------------------------------------------------------------------------- */

static void follow_wanted(struct client *client)
{
	bool wanted = client->wanted;

	while (client->n_marks < client->marks_wanted) {
		client->marks[client->n_marks] = (struct client_mark){
			.latencies = client->n_latencies,
			.probe_ns = speed_probe_ns(),
		};
		client->n_marks++;
	}
	if (wanted && !client->recording) {
		client->n_latencies = 0;
		client->since_ns = now_ns();
	}
	client->recording = wanted;
}

static int turn(struct client *client)
{
	bool open = client->options.rate > 0;
	struct epoll_event events[EVENTS];
	int n, err = open ? arrive(client) : 0;

	follow_wanted(client);
	if (err)
		return err;
	n = epoll_wait(client->epoll_fd, events, EVENTS, open ? 0 : WAIT_MS);
	if (n < 0)
		return errno == EINTR ? 0 : -errno;
	for (int i = 0; !err && i < n; i++)
		err = receive(client, events[i].data.u32);
	return err;
}

static int pin(int cpu)
{
	cpu_set_t set;

	CPU_ZERO(&set);
	CPU_SET((unsigned int)cpu, &set);
	return -pthread_setaffinity_np(pthread_self(), sizeof(set), &set);
}

static void *run(void *argument)
{
	struct client *client = argument;
	int err = pin(client->options.cpu);

	client->tid = gettid();
	client->ready = true;
	client->due_ns = now_ns();
	for (unsigned int i = 0;
	     !err && client->options.rate <= 0 && i < client->options.connections; i++)
		err = send_request(client, &client->connections[i], now_ns());
	while (!err && !client->stop)
		err = turn(client);
	client->error = err;
	return NULL;
}

/* ---- From outside ------------------------------------------------------------------------- */

static int prepare(struct client *client)
{
	unsigned int n = client->options.connections;
	int err;

	client->latencies = calloc(LATENCIES, sizeof(*client->latencies));
	client->marks = calloc(CLIENT_MARKS_MAX, sizeof(*client->marks));
	client->connections = calloc(n, sizeof(*client->connections));
	client->free = calloc(n, sizeof(*client->free));
	client->queue = calloc(QUEUE, sizeof(*client->queue));
	client->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
	for (unsigned int i = 0; client->connections && i < n; i++)
		client->connections[i].fd = -1;
	if (!client->latencies || !client->marks || !client->connections || !client->free ||
	    !client->queue)
		return -ENOMEM;
	if (client->epoll_fd < 0)
		return -errno;
	err = connect_all(client);
	return err ? err : learn_response(client);
}

int client_start(const struct client_options *options, struct client **ret_client)
{
	struct client *client = calloc(1, sizeof(*client));
	const struct timespec pause = { .tv_nsec = 1000000 };
	int err;

	if (!client)
		return -ENOMEM;
	client->options = *options;
	client->epoll_fd = -1;
	client->request_bytes = strlen(options->request);
	paired_order_init(&client->random, options->seed);
	err = prepare(client);
	if (!err)
		err = -pthread_create(&client->thread, NULL, run, client);
	if (err) {
		client_stop(client);
		return err;
	}
	client->running = true;
	while (!client->ready)
		nanosleep(&pause, NULL);
	*ret_client = client;
	return 0;
}

void client_stop(struct client *client)
{
	if (!client)
		return;
	client->stop = true;
	if (client->running)
		pthread_join(client->thread, NULL);
	for (unsigned int i = 0; client->connections && i < client->options.connections; i++)
		if (client->connections[i].fd >= 0)
			close(client->connections[i].fd);
	if (client->epoll_fd >= 0)
		close(client->epoll_fd);
	free(client->latencies);
	free(client->marks);
	free(client->connections);
	free(client->free);
	free(client->queue);
	free(client);
}

int client_record(struct client *client, bool on)
{
	const struct timespec pause = { .tv_nsec = 100000 };

	if (on)
		client->n_marks = client->marks_wanted = 0;
	client->wanted = on;
	while (!client->error &&
	       (client->recording != on || client->n_marks != client->marks_wanted))
		nanosleep(&pause, NULL);
	return client->error;
}

void client_mark(struct client *client)
{
	if (client->marks_wanted < CLIENT_MARKS_MAX)
		client->marks_wanted++;
}

size_t client_marks_done(const struct client *client)
{
	return client->n_marks;
}

const uint64_t *client_latencies(const struct client *client)
{
	return client->latencies;
}

const struct client_mark *client_marks(const struct client *client)
{
	return client->marks;
}

pid_t client_tid(const struct client *client)
{
	return client->tid;
}

uint64_t client_done(const struct client *client)
{
	return client->done;
}

uint64_t client_cpu_ns(const struct client *client)
{
	struct timespec time = { 0 };
	clockid_t clock;

	if (!pthread_getcpuclockid(client->thread, &clock))
		clock_gettime(clock, &time);
	return (uint64_t)time.tv_sec * 1000000000ULL + (uint64_t)time.tv_nsec;
}

int client_error(const struct client *client)
{
	return client->error;
}
