/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Targets: whose requests are recorded.
 *
 * Processes are given by pid (with their descendants), name or cgroup; ports by number. What is
 * given of one kind adds up, kinds restrict each other: -p 1 -p 2 --port 80 is port 80 of either.
 * Nothing given: every TCP server of the host. What is followed in the end are the connections of
 * listening sockets; each listening address is an endpoint.
 *
 * Processes and sockets come and go: targets_refresh, called every second, follows them. A process
 * that changes its name or cgroup, and nothing else, may take ten of them to be found.
 */
#ifndef KTAX_TARGETS_H
#define KTAX_TARGETS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "recording.h"
#include "state.h"
#include "target_links.h"

struct probes;
struct targets;

#define TARGETS_ENDPOINTS_MAX 1025

struct target_spec {
	pid_t *pids;
	size_t n_pids;
	const char **names; /* as in /proc/PID/comm */
	size_t n_names;
	const char **cgroups; /* directories below a cgroup mount */
	size_t n_cgroups;
	uint16_t *ports;
	size_t n_ports;
};

/* -ESRCH: a pid of @spec does not exist; -ENOENT: a cgroup does not; *ret_subject names it. */
int targets_open(const struct target_spec *spec, struct targets **ret_targets,
                 char ret_subject[64]);
void targets_close(struct targets *targets);

/*
 * Finds the processes and listeners there are now. With @probes, tells them; without, only looks
 * (before the probes are opened). -errno of the first failure; what was found stays.
 */
int targets_refresh(struct targets *targets, struct probes *probes);

/*
 * Limits the endpoints to @max, the last of which, "other endpoints", is for all listeners that the
 * others have no room for. Before that it is TARGETS_ENDPOINTS_MAX. To be called before the probes
 * are told of any.
 */
void targets_limit_endpoints(struct targets *targets, uint32_t max);
/* Listeners that have no endpoint of their own. */
size_t targets_merged(const struct targets *targets);

/*
 * Takes over the listeners that the programs have seen begin to listen since, so that each endpoint
 * that has requests has its name. targets_refresh does so too.
 */
int targets_adopt(struct targets *targets, struct probes *probes);

/* Processes whose network namespace could not be looked into: servers there are not followed. */
size_t targets_unseen(const struct targets *targets);

struct target_links targets_links(struct targets *targets);
bool targets_are_processes(const struct targets *targets);

/* Processes that own the endpoints or are named by the spec, for the span catalogue. */
size_t targets_pids(const struct targets *targets, const pid_t **ret_pids);
/* A number that changes when the set of processes does. */
uint64_t targets_generation(const struct targets *targets);
/* Whether any of the processes given by pid is still there. */
bool targets_alive(const struct targets *targets);

/* A listener of an endpoint. */
struct target_listening {
	const struct recording_endpoint *endpoint;
	struct ktax_listener key;
	pid_t owner; /* 0: not known */
	int socket;  /* some one inside its network namespace; -1: that may not be entered */
};

/* The @i-th of those found so far; false where there are no more. */
bool targets_listener(const struct targets *targets, size_t i, struct target_listening *ret);

/* Endpoints found so far; their index is that of the aggregates. */
size_t targets_endpoints(const struct targets *targets, const struct recording_endpoint **ret);

#endif
