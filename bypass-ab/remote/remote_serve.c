// SPDX-License-Identifier: GPL-2.0
#include "remote_serve.h"

#include <errno.h>
#include <poll.h>
#include <sched.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/utsname.h>
#include <time.h>
#include <unistd.h>

#include "cores.h"
#include "idle_states.h"
#include "journal.h"
#include "priority.h"
#include "remote_message.h"
#include "sentence.h"
#include "softirq_meter.h"

#define IDLE_SECONDS_MOST 600

struct server {
	int in, out;
	struct journal *journal;
	const volatile sig_atomic_t *interrupted;
	int cpu; /* the responder's */
	struct port_end end;
	struct frame_flow flow;
	struct traffic traffic; /* of it, the work of each request */
	struct responder responder;
	bool started, within_block;
	unsigned int seconds_most; /* of the block */
	int awake;                 /* what keeps the CPUs from idle states, or -1 */
	struct softirq_meter *meter;
	struct softirq_time metered; /* at the begin of the block */
};

/* ---- CPUs ----------------------------------------------------------------------------------- */

/* This process does nothing in a block, but wakes at its end. */
static void leave_cpu(int cpu)
{
	cpu_set_t set;

	if (sched_getaffinity(0, sizeof(set), &set) || CPU_COUNT(&set) < 2)
		return;
	CPU_CLR(cpu, &set);
	sched_setaffinity(0, sizeof(set), &set);
}

static void describe_host(const struct server *server, struct remote_host *ret)
{
	struct utsname name = {};

	uname(&name);
	snprintf(ret->name, sizeof(ret->name), "%.63s", name.nodename);
	snprintf(ret->kernel, sizeof(ret->kernel), "%.63s", name.release);
	cores_model(ret->cpu_model, sizeof(ret->cpu_model));
	ret->cpus = (int)sysconf(_SC_NPROCESSORS_CONF);
	ret->cpu = server->cpu;
	cores_complain_of_one(server->cpu, "responder", ret->caution, sizeof(ret->caution));
}

static void set_cpu(struct server *server, const struct remote_request *request,
                    struct remote_answer *answer)
{
	if (request->cpu >= 0 && !cores_may_use(request->cpu)) {
		answer->err = sentence(answer->why, sizeof(answer->why), -EINVAL,
		                       "there is no CPU %d that ktax may run on", request->cpu);
		return;
	}
	server->cpu = request->cpu < 0 ? cores_pick_one() : request->cpu;
	describe_host(server, &answer->host);
	leave_cpu(server->cpu);
}

/* ---- The port ------------------------------------------------------------------------------- */

static void examine(struct server *server, const struct remote_request *request,
                    struct remote_answer *answer)
{
	struct port_end *end = &server->end;

	port_end_close(end);
	*end = (struct port_end){ .port = request->examine.port,
		                  .serves = true,
		                  .rebind = request->examine.rebind,
		                  .journal = server->journal,
		                  .ns = -1 };
	end->port.namespace[sizeof(end->port.namespace) - 1] = '\0';
	end->port.interface[sizeof(end->port.interface) - 1] = '\0';
	server->flow = request->examine.flow;
	answer->err = port_end_examine(end, &server->flow, request->examine.i_know, answer->why,
	                               sizeof(answer->why));
	memcpy(answer->examined.mac, server->flow.server.mac, sizeof(answer->examined.mac));
	memcpy(answer->examined.driver, end->driver, sizeof(answer->examined.driver));
}

static void change(struct server *server, const struct remote_request *request,
                   struct remote_answer *answer)
{
	server->flow = request->flow;
	answer->err = port_end_change(&server->end, &server->flow, true, answer->why,
	                              sizeof(answer->why));
}

static void set_address(struct server *server, const struct remote_request *request,
                        struct remote_answer *answer)
{
	answer->err = port_end_set_address(&server->end, &server->flow, request->has_address,
	                                   answer->why, sizeof(answer->why));
}

/* One that has not come back from user space is lost, and why is known. */
static void get_state(struct server *server, const struct remote_request *request,
                      struct remote_answer *answer)
{
	const struct port_end *end = &server->end;

	answer->state = port_end_state(end);
	if (end->lost[0])
		answer->err = sentence(answer->why, sizeof(answer->why), -ENODEV, "%s", end->lost);
}

static void give(struct server *server, const struct remote_request *request,
                 struct remote_answer *answer)
{
	answer->err = port_end_give(&server->end, answer->why, sizeof(answer->why));
}

static void take_back(struct server *server, const struct remote_request *request,
                      struct remote_answer *answer)
{
	port_end_take_back(&server->end);
	if (server->end.lost[0])
		answer->err =
			sentence(answer->why, sizeof(answer->why), -ENODEV, "%s", server->end.lost);
}

/* ---- The responder -------------------------------------------------------------------------- */

static void drain(int fd, uint64_t size)
{
	char unused[4096];

	while (size) {
		size_t part = size < sizeof(unused) ? size : sizeof(unused);

		if (remote_receive(fd, unused, part))
			return;
		size -= part;
	}
}

static void set_work(struct server *server, const struct remote_request *request,
                     struct remote_answer *answer)
{
	struct traffic *traffic = &server->traffic;

	uint64_t n = request->n_requests;
	uint32_t *work_ns = n <= TRAFFIC_REQUESTS_MAX ? calloc(n, sizeof(*work_ns)) : NULL;

	if (!work_ns)
		drain(server->in, n * sizeof(*work_ns));
	free(traffic->request);
	*traffic = (struct traffic){ .request = work_ns ? calloc(n, sizeof(*traffic->request))
		                                        : NULL };
	if (traffic->request && !remote_receive(server->in, work_ns, n * sizeof(*work_ns)))
		traffic->n_requests = n;
	else
		answer->err = -ENOMEM;
	for (size_t i = 0; i < traffic->n_requests; i++)
		traffic->request[i].work_ns = work_ns[i];
	free(work_ns);
}

static void stop_responder(struct server *server)
{
	if (server->started)
		responder_stop(&server->responder);
	server->started = server->within_block = false;
	if (server->awake >= 0)
		close(server->awake);
	server->awake = -1;
}

static void start(struct server *server, const struct remote_request *request,
                  struct remote_answer *answer)
{
	struct path_config config = request->start.config;
	char name[sizeof(request->start.path)];
	const struct path_type *type;

	memcpy(name, request->start.path, sizeof(name));
	name[sizeof(name) - 1] = '\0';
	stop_responder(server);
	type = path_by_name(name);
	if (type && request->start.stream)
		type = type->stream;
	if (!type || !type->open) {
		answer->err = sentence(answer->why, sizeof(answer->why), -EOPNOTSUPP,
		                       "there is no path '%s'", name);
		return;
	}
	answer->err = type->awake ? idle_states_check(answer->why, sizeof(answer->why)) : 0;
	if (answer->err)
		return;
	strcpy(config.interface, port_end_interface(&server->end));
	answer->err =
		responder_start(&server->responder, type, &config, server->end.ns, server->cpu,
	                        &server->traffic, answer->why, sizeof(answer->why));
	server->started = !answer->err;
}

/* Of all CPUs: which of them the NIC interrupts is up to the host. */
static struct softirq_time meter_now(const struct server *server)
{
	return softirq_meter_read_all(server->meter);
}

static void begin(struct server *server, const struct remote_request *request,
                  struct remote_answer *answer)
{
	answer->err = server->started ? 0 : -EPIPE;
	if (!answer->err && request->begin.awake && server->awake < 0) {
		server->awake = idle_states_forbid(answer->why, sizeof(answer->why));
		answer->err = server->awake < 0 ? server->awake : 0;
	}
	if (!answer->err)
		answer->err = responder_begin(&server->responder, request->begin.epoch);
	if (answer->err)
		return;
	softirq_meter_set_process(server->meter, server->responder.pid);
	server->metered = meter_now(server);
	priority_set(server->responder.pid, true);
	server->seconds_most = request->begin.seconds_most;
	server->within_block = true;
}

static void end(struct server *server, const struct remote_request *request,
                struct remote_answer *answer)
{
	if (!server->within_block) {
		answer->err = -EPIPE;
		return;
	}
	answer->err = responder_end(&server->responder, &answer->ended.counts);
	answer->ended.kernel_ns = meter_now(server).outside_ns - server->metered.outside_ns;
	priority_set(server->responder.pid, false);
	server->within_block = false;
	if (server->awake >= 0)
		close(server->awake);
	server->awake = -1;
}

static void stop(struct server *server, const struct remote_request *request,
                 struct remote_answer *answer)
{
	stop_responder(server);
}

static void meter(struct server *server, const struct remote_request *request,
                  struct remote_answer *answer)
{
	if (request->meter && !server->meter)
		answer->err = softirq_meter_start(&server->meter, answer->why, sizeof(answer->why));
	if (!request->meter) {
		softirq_meter_stop(server->meter);
		server->meter = NULL;
	}
}

/* ---- Serving -------------------------------------------------------------------------------- */

/* All but REMOTE_LEAVE. */
static void (*const calls[REMOTE_LEAVE])(struct server *, const struct remote_request *,
                                         struct remote_answer *) = {
	[REMOTE_CPU] = set_cpu,         [REMOTE_EXAMINE] = examine, [REMOTE_CHANGE] = change,
	[REMOTE_ADDRESS] = set_address, [REMOTE_STATE] = get_state, [REMOTE_GIVE] = give,
	[REMOTE_TAKE_BACK] = take_back, [REMOTE_WORK] = set_work,   [REMOTE_START] = start,
	[REMOTE_BEGIN] = begin,         [REMOTE_END] = end,         [REMOTE_STOP] = stop,
	[REMOTE_METER] = meter,
};

static time_t now_seconds(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec;
}

/* Is there a request, before this process is to end? */
static bool await_request(const struct server *server)
{
	struct pollfd poll_for = { .fd = server->in, .events = POLLIN };
	time_t until =
		now_seconds() + (server->within_block ? server->seconds_most : IDLE_SECONDS_MOST);
	int n;

	do
		n = poll(&poll_for, 1, 1000);
	while ((!n || (n < 0 && errno == EINTR)) && !*server->interrupted && now_seconds() < until);
	return n > 0 && !*server->interrupted;
}

/* Until it is to end: true, if it was told to by a request of *ret_number. */
static bool serve(struct server *server, uint32_t *ret_number, int *ret_err)
{
	while (await_request(server)) {
		struct remote_answer answer = {};
		struct remote_request request;

		if (remote_receive(server->in, &request, sizeof(request)))
			return false;
		*ret_number = answer.number = request.number;
		if (request.call == REMOTE_LEAVE)
			return true;
		if ((unsigned int)request.call > REMOTE_LEAVE) {
			*ret_err = -EREMOTEIO;
			return false;
		}
		calls[request.call](server, &request, &answer);
		if (remote_send(server->out, &answer, sizeof(answer)))
			return false;
	}
	return false;
}

static int clean_up(struct server *server, char *why, size_t why_size)
{
	stop_responder(server);
	softirq_meter_stop(server->meter);
	port_end_take_back(&server->end);
	port_end_close(&server->end);
	free(server->traffic.request);
	return journal_close(server->journal, why, why_size);
}

int remote_serve(int in, int out, struct journal *journal, const volatile sig_atomic_t *interrupted,
                 char *why, size_t why_size)
{
	struct server server = { .in = in,
		                 .out = out,
		                 .journal = journal,
		                 .interrupted = interrupted,
		                 .cpu = cores_pick_one(),
		                 .end = { .ns = -1 },
		                 .awake = -1 };
	struct remote_answer answer = {};
	struct remote_greeting greeting;
	int protocol_err = 0;
	bool told = false;

	remote_greet(&greeting);
	if (!remote_send(out, &greeting, sizeof(greeting)))
		told = serve(&server, &answer.number, &protocol_err);
	answer.err = clean_up(&server, answer.why, sizeof(answer.why));
	if (told)
		remote_send(out, &answer, sizeof(answer));
	if (answer.err)
		return sentence(why, why_size, answer.err, "%s", answer.why);
	if (protocol_err)
		return sentence(why, why_size, protocol_err,
		                "what comes is no request of ktax: --responder is for the ktax on "
		                "the generator's host, which starts it");
	return 0;
}
