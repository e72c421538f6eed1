// SPDX-License-Identifier: GPL-2.0
/*
 * Each arm's programs are loaded once; a window only attaches and detaches them, which takes some
 * ten milliseconds. They are opened as the recorder does it (collector.c), with the same hooks, but
 * nobody reads or sweeps meanwhile: a window holds the probes' cost and not the recorder's, which
 * the arm "default" has in it.
 */
#include "arm.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "host.h"
#include "probes.h"
#include "targets.h"

#define SETTLE_MS         50
#define RECORDER_START_MS 3500 /* loads, and measures its own cost for a second first */
#define SAMPLE_HZ         499
#define ENDPOINTS         16

const struct arm_info arm_info[ARM_COUNT] = {
	[ARM_OFF] = { "aa", "A/A", false, false, false },
	[ARM_FULL] = { "full", "full", false, false, false },
	[ARM_LIGHT] = { "light", "light", true, false, false },
	[ARM_FULL_UNMATCHED] = { "full-unmatched", "full, unmatched", false, true, false },
	[ARM_LIGHT_UNMATCHED] = { "light-unmatched", "light, unmatched", true, true, false },
	[ARM_RECORDER] = { "default", "default", false, false, true },
};

struct arms {
	struct arms_options options;
	struct probes *probes[ARM_COUNT];
	struct targets *targets[ARM_COUNT];
	enum arm current;
	int other_listener; /* of the port that nobody talks to */
	uint16_t other_port;
	pid_t recorder;
};

static void wait_ms(unsigned int ms)
{
	const struct timespec time = { .tv_sec = ms / 1000, .tv_nsec = ms % 1000 * 1000000L };

	nanosleep(&time, NULL);
}

/* ---- Loading ------------------------------------------------------------------------------ */

static int listen_elsewhere(struct arms *arms)
{
	struct sockaddr_in address = { .sin_family = AF_INET,
		                       .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	socklen_t length = sizeof(address);

	arms->other_listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (arms->other_listener < 0 ||
	    bind(arms->other_listener, (struct sockaddr *)&address, length) ||
	    listen(arms->other_listener, 1) ||
	    getsockname(arms->other_listener, (struct sockaddr *)&address, &length))
		return -errno;
	arms->other_port = ntohs(address.sin_port);
	return 0;
}

static int open_targets(struct arms *arms, enum arm arm)
{
	struct target_spec spec = { .ports = arms->options.ports,
		                    .n_ports = arms->options.n_ports };
	char subject[64];
	int err;

	if (arm_info[arm].is_unmatched) {
		spec.ports = &arms->other_port;
		spec.n_ports = 1;
	}
	err = targets_open(&spec, &arms->targets[arm], subject);
	if (err)
		return err;
	targets_limit_endpoints(arms->targets[arm], ENDPOINTS);
	return targets_refresh(arms->targets[arm], NULL);
}

static int open_arm(struct arms *arms, enum arm arm)
{
	const struct hook_boundary *missing;
	struct probes_options options = {
		.max_connections = 16384,
		.max_endpoints = ENDPOINTS,
		.ring_bytes = 4 << 20,
		.light = arm_info[arm].is_light,
		.sample_hz = arm_info[arm].is_light ? 0 : SAMPLE_HZ,
		.framing = true,
	};
	struct target_links links;
	int err = open_targets(arms, arm);

	if (err)
		return err;
	links = targets_links(arms->targets[arm]);
	options.qdisc = links.qdisc;
	options.nic = links.nic;
	options.task_filter = targets_are_processes(arms->targets[arm]);
	err = probes_open(&options, &arms->probes[arm], &missing);
	return err ? err : targets_refresh(arms->targets[arm], arms->probes[arm]);
}

int arms_open(const struct arms_options *options, struct arms **ret_arms, const char **ret_doing)
{
	struct arms *arms = calloc(1, sizeof(*arms));
	int err;

	*ret_doing = "start";
	if (!arms)
		return -ENOMEM;
	arms->options = *options;
	*ret_doing = "listen on a port of its own";
	err = listen_elsewhere(arms);
	for (int arm = 0; !err && arm < ARM_COUNT; arm++) {
		if (arm == ARM_OFF || arm_info[arm].is_recorder)
			continue;
		*ret_doing = "load the probes";
		err = open_arm(arms, arm);
	}
	if (err) {
		arms_close(arms);
		return err;
	}
	*ret_arms = arms;
	return 0;
}

/* ---- Switching ---------------------------------------------------------------------------- */

static pid_t start_recorder(const struct arms_options *options)
{
	char port[2][8] = { "", "" };
	pid_t child = fork();
	int silent;

	if (child)
		return child < 0 ? -errno : child;
	host_pin(HOST_ANY_CPU);
	silent = open("/dev/null", O_RDWR);
	dup2(silent, STDIN_FILENO);
	dup2(silent, STDOUT_FILENO);
	dup2(silent, STDERR_FILENO);
	for (size_t i = 0; i < options->n_ports && i < 2; i++)
		snprintf(port[i], sizeof(port[i]), "%u", options->ports[i]);
	execl(options->ktax, "ktax", "record", "--force", "--output", options->recording, "--port",
	      port[0], options->n_ports > 1 ? "--port" : NULL, port[1], NULL);
	_exit(127);
}

static void stop_recorder(struct arms *arms)
{
	if (arms->recorder <= 0)
		return;
	kill(arms->recorder, SIGINT);
	waitpid(arms->recorder, NULL, 0);
	arms->recorder = 0;
}

static int attach_recorder(struct arms *arms)
{
	arms->recorder = start_recorder(&arms->options);
	if (arms->recorder < 0)
		return arms->recorder;
	wait_ms(RECORDER_START_MS);
	if (!waitpid(arms->recorder, NULL, WNOHANG))
		return 0;
	arms->recorder = 0;
	return -ECHILD;
}

int arms_switch(struct arms *arms, enum arm arm)
{
	const char *failed;
	int err = 0;

	if (arms->probes[arms->current])
		probes_detach(arms->probes[arms->current]);
	stop_recorder(arms);
	arms->current = arm;
	if (arms->probes[arm])
		err = probes_attach(arms->probes[arm], &failed);
	else if (arm_info[arm].is_recorder)
		err = attach_recorder(arms);
	wait_ms(SETTLE_MS);
	return err;
}

void arms_close(struct arms *arms)
{
	if (!arms)
		return;
	stop_recorder(arms);
	for (int arm = 0; arm < ARM_COUNT; arm++) {
		probes_close(arms->probes[arm]);
		targets_close(arms->targets[arm]);
	}
	if (arms->other_listener >= 0)
		close(arms->other_listener);
	free(arms);
}

pid_t arms_recorder(const struct arms *arms)
{
	return arms->recorder;
}

struct probes *arms_probes(const struct arms *arms, enum arm arm)
{
	return arms->probes[arm];
}
