// SPDX-License-Identifier: GPL-2.0
#include "arm.h"

#include <errno.h>
#include <math.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "idle_states.h"
#include "ports.h"
#include "priority.h"
#include "sentence.h"
#include "sort.h"
#include "xdp_attach.h"

#define GRACE_NS        50000000 /* what has not come back by then is lost */
#define BEHIND_LIMIT_NS 50000    /* half of a block is later than that: it cannot keep the rate */
#define WAIT_LIMIT      0.05     /* of the block, for the CPU */
#define STEAL_LIMIT     0.05
/*
 * Of the block, after it. Two ends that spin before everything else leave others nothing, and what
 * waits for a CPU gets 5 % of each second in the end (sched_rt_runtime_us; since Linux 6.12 the
 * fair server), 50 ms at once within a block. What it got in between it does not get then.
 */
#define REST                 0.1
#define CONNECT_EPOCH        0 /* blocks count from 1 */
#define CONNECT_SECONDS_MOST 60

/* ---- Opening ------------------------------------------------------------------------------ */

/*
 * A veth takes what an XDP program transmits at its other end only if it has a program too. Some
 * wires bring one.
 */
static int attach_pass(struct arm *arm, char *why, size_t why_size)
{
	if (!arm->type->in_kernel)
		return 0;
	arm->pass = xdp_attach_pass(arm->link.generator_interface, why, why_size);
	return arm->pass < 0 && !arm->wire_type->takes_xdp ? arm->pass : 0;
}

/* Without a plan there is none to take, and the path says so itself. */
static int take_nic(struct arm *arm, const struct ab_options *options, char *why, size_t why_size)
{
	int err;

	if (!arm->type->takes_nic || !options->ports)
		return 0;
	err = ports_give(options->ports, why, why_size);
	arm->nic = err ? NULL : options->ports;
	return err;
}

static int make_link(struct arm *arm, const struct ab_options *options, char *why, size_t why_size)
{
	unsigned int ip =
		(options->tcp ? LINK_GENERATOR_IP : 0) | (arm->type->raw ? 0 : LINK_RESPONDER_IP);

	if (options->ports)
		return ports_join(options->ports, &arm->link, arm->type->raw, why, why_size);
	return link_make(&arm->link, &options->traffic->flow[0], ip, why, why_size);
}

static int open_wire(struct arm *arm, const char *interface, const struct traffic *traffic,
                     char *why, size_t why_size)
{
	const struct wire_config config = { interface, traffic->flow, traffic->n_flows };

	return arm->wire_type->open(&config, &arm->wire, why, why_size);
}

/* The same, in the generator's namespace. */
static int open_wire_on_link(struct arm *arm, const struct traffic *traffic, int home, char *why,
                             size_t why_size)
{
	int err = link_enter(arm->link.generator_ns);

	if (err)
		return sentence(why, why_size, err, "cannot enter the link's namespace: %s",
		                strerror(-err));
	err = open_wire(arm, arm->link.generator_interface, traffic, why, why_size);
	if (!err)
		err = attach_pass(arm, why, why_size);
	link_enter(home);
	return err;
}

static int start_responder(struct arm *arm, const struct ab_options *options,
                           struct path_config *config, char *why, size_t why_size)
{
	arm->remote = options->ports ? options->ports->remote : NULL;
	if (arm->remote)
		return remote_start(arm->remote, arm->result->type->name, options->tcp, config, why,
		                    why_size);
	snprintf(config->interface, sizeof(config->interface), "%s", arm->link.responder_interface);
	return responder_start(&arm->responder, arm->type, config, arm->link.responder_ns,
	                       options->responder_cpu, options->traffic, why, why_size);
}

/* The wire first, since what a veth's end gets depends on the other's. */
static int open_udp(struct arm *arm, const struct ab_options *options, struct path_config *config,
                    int home, char *why, size_t why_size)
{
	int err = open_wire_on_link(arm, options->traffic, home, why, why_size);

	return err ? err : start_responder(arm, options, config, why, why_size);
}

/* How long a block may take before its generator is taken to be gone. */
static unsigned int seconds_most(const struct generator *generator)
{
	const struct traffic *traffic = generator->traffic;
	double share = (double)generator->n_requests / (double)traffic->n_requests;
	double schedule_ns = generator->stretch * share * (double)traffic_duration_ns(traffic);
	double pings_ns = (double)generator->n_requests * GENERATOR_PING_TIMEOUT_NS;

	return (unsigned int)(60 + 2e-9 * (generator->ping_pong ? pings_ns : schedule_ns));
}

/* Returns when it listens. */
static int begin_block(struct arm *arm, uint16_t epoch, unsigned int most)
{
	if (arm->remote)
		return remote_begin(arm->remote, epoch, arm->type->awake, most);
	return responder_begin(&arm->responder, epoch);
}

static int end_block(struct arm *arm, struct responder_counts *counts)
{
	if (arm->remote)
		return remote_end(arm->remote, counts, &arm->remote_kernel_ns);
	return responder_end(&arm->responder, counts);
}

/* The stop frame of a block without requests, on the connection that was made last. */
static int send_stop(struct arm *arm, const struct traffic *traffic)
{
	size_t last = traffic->n_flows - 1;
	uint8_t frame[FRAME_MAX];
	int size = frame_build(frame, &traffic->flow[last], FRAME_STOP, 0, (uint16_t)last,
	                       FRAME_MARK_SIZE);

	if (size < 0)
		return size;
	frame_set_epoch(frame, (size_t)size, CONNECT_EPOCH);
	return arm->wire_type->send(arm->wire, frame, (size_t)size);
}

/*
 * The responder first: a wire of connections needs a server that listens, and one that serves,
 * where it has a TCP of its own. So they are made within a block that has no requests.
 */
static int open_tcp(struct arm *arm, const struct ab_options *options, struct path_config *config,
                    int home, char *why, size_t why_size)
{
	struct responder_counts unused;
	int err = start_responder(arm, options, config, why, why_size), end_err;

	if (!err && options->ports)
		err = ports_settle(options->ports, why, why_size);
	if (err)
		return err;
	err = begin_block(arm, CONNECT_EPOCH, CONNECT_SECONDS_MOST);
	if (err)
		return sentence(why, why_size, err, "its responder does not answer");
	err = open_wire_on_link(arm, options->traffic, home, why, why_size);
	if (err)
		return err;
	err = send_stop(arm, options->traffic);
	end_err = end_block(arm, &unused);
	if (err || end_err)
		return sentence(why, why_size, err ? err : end_err,
		                "its connections do not carry: %s",
		                strerror(err ? -err : -end_err));
	return 0;
}

/* On a link of its own, or the ports. */
static int open_on_link(struct arm *arm, const struct ab_options *options,
                        struct path_config *config, int home, char *why, size_t why_size)
{
	int err = take_nic(arm, options, why, why_size);

	if (!err)
		err = make_link(arm, options, why, why_size);
	if (err)
		return err;
	if (options->tcp)
		return open_tcp(arm, options, config, home, why, why_size);
	return open_udp(arm, options, config, home, why, why_size);
}

/* Without a link: the responder makes the socket by which both sides find their memory. */
static int open_in_memory(struct arm *arm, const struct ab_options *options,
                          struct path_config *config, char *why, size_t why_size)
{
	static unsigned int made;
	int err;

	if (options->ports && options->ports->remote)
		return sentence(why, why_size, -EOPNOTSUPP,
		                "it is in the memory of one host, and the responder has another");
	arm->wire_type = &wire_memif;
	snprintf(config->interface, sizeof(config->interface), "ktax%x.%x", getpid(),
	         made++ & 0xff);
	err = responder_start(&arm->responder, arm->type, config, -1, options->responder_cpu,
	                      options->traffic, why, why_size);
	return err ? err : open_wire(arm, config->interface, options->traffic, why, why_size);
}

int arm_open(struct arm *arm, struct ab_arm *result, const struct ab_options *options, int home,
             char *why, size_t why_size)
{
	const struct frame_end *server = &options->traffic->flow[0].server;
	struct path_config config = { .port = server->port,
		                      .local = *server,
		                      .max_size = FRAME_MAX };
	int err;

	*arm = (struct arm){ .result = result,
		             .type = options->tcp ? result->type->stream : result->type,
		             .link = { .generator_ns = -1, .responder_ns = -1 },
		             .wire_type = options->wire,
		             .responder = { .control = -1 },
		             .pass = -1 };
	if (!arm->type)
		return sentence(why, why_size, -EOPNOTSUPP, "it has no TCP");
	if (!arm->type->open)
		return sentence(why, why_size, -EOPNOTSUPP, "it answers over TCP only (--tcp)");
	if (arm->type->in_memory)
		return open_in_memory(arm, options, &config, why, why_size);
	err = arm->type->awake ? idle_states_check(why, why_size) : 0;
	if (err)
		return err;
	err = open_on_link(arm, options, &config, home, why, why_size);
	if (!err && options->ports)
		err = ports_settle(options->ports, why, why_size);
	return err;
}

void arm_close(struct arm *arm)
{
	if (!arm->result)
		return;
	if (arm->remote)
		remote_stop(arm->remote);
	responder_stop(&arm->responder);
	if (arm->wire)
		arm->wire_type->close(arm->wire);
	if (arm->pass >= 0)
		close(arm->pass);
	link_close(&arm->link);
	if (arm->nic)
		ports_take_back(arm->nic);
	arm->nic = NULL;
	arm->remote = NULL;
	arm->wire = NULL;
	arm->pass = -1;
}

/* ---- A block ------------------------------------------------------------------------------ */

/*
 * Time that the hypervisor took of @cpu, in ns (counted in ticks). The responder's CPU is no
 * matter of the gates: one that halts is given to others, and what it waits for them when it wakes
 * is what sleeping costs there.
 */
static uint64_t steal_ns(int cpu)
{
	FILE *file = fopen("/proc/stat", "re");
	unsigned long long steal = 0;
	char line[256], name[24];

	if (!file)
		return 0;
	snprintf(name, sizeof(name), "cpu%d ", cpu);
	while (fgets(line, sizeof(line), file))
		if (!strncmp(line, name, strlen(name)) &&
		    sscanf(line, "%*s %*u %*u %*u %*u %*u %*u %*u %llu", &steal) == 1)
			break;
	fclose(file);
	return steal * (1000000000ULL / sysconf(_SC_CLK_TCK));
}

/* The smallest latency that is not exceeded by @share of all; +INFINITY if that one was lost. */
static double quantile(const uint64_t *sorted, size_t n, double share)
{
	size_t rank = ceil(share * n);
	uint64_t value = sorted[rank ? rank - 1 : 0];

	return value == GENERATOR_LOST ? INFINITY : value;
}

static void count_block(struct generator *generator, struct ab_block *block)
{
	uint64_t *latency = generator->latency_ns;
	size_t n = generator->n_requests;

	sort_integers(latency, n);
	block->metric[AB_P50] = quantile(latency, n, 0.5);
	block->metric[AB_P90] = quantile(latency, n, 0.9);
	block->metric[AB_P99] = quantile(latency, n, 0.99);
	block->metric[AB_P999] = n >= 1000 ? quantile(latency, n, 0.999) : NAN;
	block->metric[AB_LOSS] = 1 - (double)block->generator.received / n;
	block->metric[AB_CPU] = NAN;
}

/* What wakes up waits too, until its CPU does: only what was put off it has been disturbed. */
static bool was_preempted(uint64_t wait_ns, uint64_t switches, double duration_ns)
{
	return switches && (double)wait_ns > WAIT_LIMIT * duration_ns;
}

/* What the block does not pass; @in_kernel: nobody but the kernel has answered. */
static unsigned int gates_failed(const struct ab_block *block, uint64_t lateness_limit_ns,
                                 bool in_kernel)
{
	const struct generator_counts *generator = &block->generator;
	const struct responder_counts *responder = &block->responder;
	uint64_t behind_limit_ns =
		lateness_limit_ns > BEHIND_LIMIT_NS ? lateness_limit_ns : BEHIND_LIMIT_NS;
	double duration_ns = generator->duration_ns;
	unsigned int gates = 0;

	if (generator->own_late_p99_ns > lateness_limit_ns ||
	    generator->late_p50_ns > behind_limit_ns)
		gates |= AB_GATE_LATENESS;
	if (block->steal_ns > STEAL_LIMIT * duration_ns)
		gates |= AB_GATE_STEAL;
	if (was_preempted(generator->wait_ns, generator->switches, duration_ns) ||
	    (!in_kernel && was_preempted(responder->wait_ns, responder->switches, duration_ns)))
		gates |= AB_GATE_PREEMPTED;
	if (!generator->received)
		gates |= AB_GATE_SILENT;
	return gates;
}

static void rest(const struct ab_block *block)
{
	uint64_t ns = (uint64_t)(REST * (double)block->generator.duration_ns);
	struct timespec time = { ns / 1000000000, ns % 1000000000 };

	nanosleep(&time, NULL);
}

/* Both ends at high priority, and the CPUs awake if the path is one that wants that. */
static int run_generator(struct arm *arm, struct generator *generator, uint16_t epoch,
                         struct generator_counts *counts)
{
	char why[128];
	int awake = arm->type->awake ? idle_states_forbid(why, sizeof(why)) : -1, err;

	if (arm->type->awake && awake < 0)
		return awake;
	if (!arm->remote)
		priority_set(arm->responder.pid, true);
	priority_set(0, true);
	generator->type = arm->wire_type;
	err = generator_run(generator, arm->wire, epoch, GRACE_NS, counts);
	priority_set(0, false);
	if (!arm->remote)
		priority_set(arm->responder.pid, false);
	if (awake >= 0)
		close(awake);
	return err;
}

int arm_run_block(struct arm *arm, struct generator *generator, uint16_t epoch,
                  struct ab_block *block)
{
	int cpu = sched_getcpu(), err = begin_block(arm, epoch, seconds_most(generator)), end_err;
	uint64_t steal_before = steal_ns(cpu);

	*block = (struct ab_block){};
	if (err)
		return err;
	err = run_generator(arm, generator, epoch, &block->generator);
	end_err = end_block(arm, &block->responder);
	if (err || end_err)
		return err ? err : end_err;
	block->steal_ns = steal_ns(cpu) - steal_before;
	rest(block);
	count_block(generator, block);
	block->gates = gates_failed(block, generator->lateness_limit_ns, arm->type->in_kernel);
	return 0;
}
