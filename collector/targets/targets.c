// SPDX-License-Identifier: GPL-2.0
/*
 * Finding targets: processes (process_table.h) and listening sockets (netlink.h), the two joined by
 * socket inode.
 *
 * The file descriptors of a process (expensive on a busy host) are read only for processes of the
 * spec, or when a listener appears whose owner is not known yet. And none of it is read anew while
 * nothing tells of a change (target_watch.h): on a host with many processes that would be most of
 * what ktax costs.
 */
#include "targets.h"

#include <arpa/inet.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "array.h"
#include "netlink.h"
#include "probes.h"
#include "process_table.h"
#include "target_watch.h"

struct owner {
	uint32_t inode;
	pid_t pid;
};

struct target_listener {
	struct ktax_listener key;
	uint32_t endpoint;
	pid_t owner; /* 0: not known */
	bool seen;   /* in a dump of sockets, and its owner was looked for */
	bool told;   /* to the probes, or by them */
};

struct targets {
	struct target_spec spec;
	struct target_watch watch;
	struct probes *probes; /* NULL: not told of any yet */
	uint32_t listens;      /* of the listeners that they have added, those that are known */
	uint32_t max_endpoints;
	struct process_table processes; /* of the last refresh */
	pid_t *pids;                    /* targets among them, and owners of endpoints */
	size_t n_pids;
	uint64_t generation;
	struct owner *owners; /* of sockets */
	size_t n_owners;
	struct netspace *netspaces;
	size_t n_netspaces;
	size_t n_unseen; /* processes whose namespace the last refresh could not look into */
	struct target_listener *listeners;
	size_t n_listeners;
	struct recording_endpoint *endpoints; /* TARGETS_ENDPOINTS_MAX of them */
	size_t n_endpoints;
};

/* ---- Processes ---------------------------------------------------------------------------- */

bool targets_are_processes(const struct targets *targets)
{
	const struct target_spec *spec = &targets->spec;

	return spec->n_pids || spec->n_names || spec->n_cgroups;
}

/* Marks what the spec names. Descendants of pids count; names and cgroups stand for themselves. */
static void mark_processes(struct targets *targets)
{
	const struct target_spec *spec = &targets->spec;

	for (size_t i = 0; i < spec->n_pids; i++)
		process_mark(&targets->processes, spec->pids[i]);
	process_mark_descendants(&targets->processes);
	for (size_t i = 0; i < spec->n_names; i++)
		process_mark_name(&targets->processes, spec->names[i]);
	for (size_t i = 0; i < spec->n_cgroups; i++)
		process_mark_cgroup(&targets->processes, spec->cgroups[i]);
}

bool targets_alive(const struct targets *targets)
{
	for (size_t i = 0; i < targets->spec.n_pids; i++)
		if (!kill(targets->spec.pids[i], 0) || errno == EPERM)
			return true;
	if (!targets->spec.n_pids)
		return true;
	for (size_t i = 0; i < targets->processes.n; i++)
		if (targets->processes.processes[i].target) /* a child outlives its parent */
			return true;
	return false;
}

/* Children that were forked since the last scan are known to the probes already. */
static void mark_forked(struct targets *targets, struct probes *probes)
{
	static uint32_t pids[16384];
	size_t n = probes_processes(probes, pids, sizeof(pids) / sizeof(pids[0]));

	for (size_t i = 0; i < n; i++)
		if (targets->spec.n_pids)
			process_mark(&targets->processes, pids[i]);
}

/* Targets, and the owners of endpoints: threads of those are known before they meet a socket. */
static int tell_processes(struct targets *targets, struct probes *probes)
{
	static uint32_t pids[16384];
	size_t n = probes_processes(probes, pids, sizeof(pids) / sizeof(pids[0]));

	for (size_t i = 0; i < n; i++)
		if (!process_find(&targets->processes, pids[i]))
			probes_remove_process(probes, pids[i]);
	for (size_t i = 0; i < targets->n_pids; i++) {
		int err = probes_add_process(probes, targets->pids[i]);

		if (err)
			return err;
	}
	return 0;
}

/* ---- Sockets and their owners ------------------------------------------------------------- */

static int add_owners(struct targets *targets, pid_t pid)
{
	char path[64], link[64];
	struct dirent *entry;
	DIR *fds;
	int err = 0;

	snprintf(path, sizeof(path), "/proc/%d/fd", pid);
	fds = opendir(path);
	if (!fds)
		return 0; /* gone, or not ours to look into */
	while (!err && (entry = readdir(fds))) {
		ssize_t length = readlinkat(dirfd(fds), entry->d_name, link, sizeof(link) - 1);
		struct owner owner = { .pid = pid };

		if (length <= 0)
			continue;
		link[length] = '\0';
		if (sscanf(link, "socket:[%u]", &owner.inode) != 1)
			continue;
		err = array_grow(&targets->owners, targets->n_owners, sizeof(owner));
		if (!err)
			targets->owners[targets->n_owners++] = owner;
	}
	closedir(fds);
	return err;
}

static const struct owner *owner_of(const struct targets *targets, uint32_t inode)
{
	for (size_t i = 0; i < targets->n_owners; i++)
		if (targets->owners[i].inode == inode)
			return &targets->owners[i];
	return NULL;
}

/* The sockets of target processes; of all processes where none are named. */
static int scan_owners(struct targets *targets, bool all)
{
	int err = 0;

	targets->n_owners = 0;
	for (size_t i = 0; !err && i < targets->processes.n; i++)
		if (all || targets->processes.processes[i].target)
			err = add_owners(targets, targets->processes.processes[i].pid);
	return err;
}

/* ---- Network namespaces ------------------------------------------------------------------- */

static bool netspace_known(const struct targets *targets, uint32_t inode)
{
	for (size_t i = 0; i < targets->n_netspaces; i++)
		if (targets->netspaces[i].inode == inode)
			return true;
	return false;
}

/* Nothing where the process is gone; else the others go on, without its servers. */
static int netspace_refused(struct targets *targets, int err)
{
	if (err == -ENOMEM)
		return err;
	targets->n_unseen += err != -ENOENT && err != -ESRCH;
	return 0;
}

static int add_netspace(struct targets *targets, pid_t pid)
{
	char path[64];
	struct stat status;
	int err;

	snprintf(path, sizeof(path), pid ? "/proc/%d/ns/net" : "/proc/self/ns/net", pid);
	if (stat(path, &status)) /* most likely in one that is known, unless it is asked for */
		return targets_are_processes(targets) ? netspace_refused(targets, -errno) : 0;
	if (netspace_known(targets, status.st_ino))
		return 0;
	err = array_grow(&targets->netspaces, targets->n_netspaces, sizeof(struct netspace));
	if (err)
		return err;
	err = netspace_open(pid, &targets->netspaces[targets->n_netspaces]);
	if (err)
		return netspace_refused(targets, err);
	targets->n_netspaces++;
	return 0;
}

static int scan_netspaces(struct targets *targets)
{
	bool processes = targets_are_processes(targets);
	int err;

	targets->n_unseen = 0;
	err = processes ? 0 : add_netspace(targets, 0);

	for (size_t i = 0; !err && i < targets->processes.n; i++)
		if (!processes || targets->processes.processes[i].target)
			err = add_netspace(targets, targets->processes.processes[i].pid);
	return err;
}

/* ---- Endpoints ---------------------------------------------------------------------------- */

static bool port_wanted(const struct targets *targets, uint16_t port)
{
	for (size_t i = 0; i < targets->spec.n_ports; i++)
		if (targets->spec.ports[i] == port)
			return true;
	return !targets->spec.n_ports;
}

static void endpoint_name(const struct targets *targets, const struct ktax_listener *key,
                          char *name, size_t room)
{
	char address[INET6_ADDRSTRLEN], space[24] = "";
	struct stat ours;

	inet_ntop(key->family == 6 ? AF_INET6 : AF_INET, key->address, address, sizeof(address));
	if (!stat("/proc/self/ns/net", &ours) && ours.st_ino != key->netns)
		snprintf(space, sizeof(space), "@%u", key->netns);
	snprintf(name, room, key->family == 6 ? "[%s]:%u/tcp%s" : "%s:%u/tcp%s", address, key->port,
	         space);
}

/* Names endpoint @i after @key; the last is for all that have none of their own. */
static void endpoint_set(struct targets *targets, uint32_t i, const struct ktax_listener *key)
{
	struct recording_endpoint *endpoint = &targets->endpoints[i];

	if (i == targets->max_endpoints - 1)
		snprintf(endpoint->name, sizeof(endpoint->name), "other endpoints");
	else
		endpoint_name(targets, key, endpoint->name, sizeof(endpoint->name));
	if (i >= targets->n_endpoints)
		targets->n_endpoints = i + 1;
}

/* A new endpoint for @key while there is room, else the last. */
static uint32_t endpoint_make(struct targets *targets, const struct ktax_listener *key)
{
	uint32_t other = targets->max_endpoints - 1, i = targets->n_endpoints;

	if (targets->probes)
		i = probes_take_endpoint(targets->probes);
	if (i > other)
		i = other;
	endpoint_set(targets, i, key);
	return i;
}

static struct target_listener *listener_find(struct targets *targets,
                                             const struct ktax_listener *key)
{
	for (size_t i = 0; i < targets->n_listeners; i++)
		if (!memcmp(&targets->listeners[i].key, key, sizeof(*key)))
			return &targets->listeners[i];
	return NULL;
}

/* A new one, that has no endpoint yet; NULL: out of memory. */
static struct target_listener *listener_make(struct targets *targets,
                                             const struct ktax_listener *key)
{
	struct target_listener *listener;

	if (array_grow(&targets->listeners, targets->n_listeners, sizeof(*listener)))
		return NULL;
	listener = &targets->listeners[targets->n_listeners++];
	*listener = (struct target_listener){ .key = *key };
	return listener;
}

/* Process @pid is the one that listens, as far as it is known. */
static void listener_set_owner(struct targets *targets, struct target_listener *listener, pid_t pid)
{
	struct recording_endpoint *endpoint = &targets->endpoints[listener->endpoint];
	struct process *known = process_find(&targets->processes, pid), process;

	listener->owner = pid;
	if (listener->endpoint == targets->max_endpoints - 1 || endpoint->pid == pid)
		return;
	if (!known && process_read(pid, &process))
		return;
	endpoint->pid = pid;
	memcpy(endpoint->comm, known ? known->name : process.name, sizeof(endpoint->comm));
}

static int listener_add(struct targets *targets, const struct netlink_listener *found,
                        const struct owner *owner)
{
	struct target_listener *listener = listener_find(targets, &found->key);

	if (!listener) {
		listener = listener_make(targets, &found->key);
		if (!listener)
			return -ENOMEM;
		listener->endpoint = endpoint_make(targets, &found->key);
	}
	if (owner)
		listener_set_owner(targets, listener, owner->pid);
	listener->seen = true;
	return 0;
}

/* The programs know @key, as @listening. */
static int listener_adopt(struct targets *targets, const struct ktax_listener *key,
                          const struct ktax_listening *listening)
{
	struct target_listener *listener = listener_find(targets, key);

	if (!listener)
		listener = listener_make(targets, key);
	if (!listener)
		return -ENOMEM;
	if (listener->told)
		return 0;
	listener->told = true;
	listener->endpoint = listening->endpoint;
	endpoint_set(targets, listening->endpoint, key);
	if (!listener->owner && listening->process)
		listener->owner = listening->process;
	if (listener->owner)
		listener_set_owner(targets, listener, listener->owner);
	return 0;
}

int targets_adopt(struct targets *targets, struct probes *probes)
{
	uint32_t listens = probes_listens(probes);
	struct ktax_listener key, previous;
	struct ktax_listening listening;
	int err;

	if (listens == targets->listens)
		return 0;
	err = probes_next_listener(probes, NULL, &key, &listening);
	while (!err) {
		err = listener_adopt(targets, &key, &listening);
		previous = key;
		if (!err)
			err = probes_next_listener(probes, &previous, &key, &listening);
	}
	if (err != -ENOENT)
		return err;
	targets->listens = listens;
	return 0;
}

/* Listeners of one namespace that are targets. *ret_unowned: one's owner is not known yet. */
static int scan_listeners(struct targets *targets, struct netspace *netspace, bool *ret_unowned)
{
	struct netlink_listener *found = NULL;
	size_t n = 0;
	int err = netspace_listeners(netspace, &found, &n);

	for (size_t i = 0; !err && i < n; i++) {
		const struct owner *owner = owner_of(targets, found[i].inode);
		const struct target_listener *listener;

		if (!port_wanted(targets, found[i].key.port))
			continue;
		if (targets_are_processes(targets) && !owner)
			continue;
		listener = listener_find(targets, &found[i].key);
		*ret_unowned |= !owner && !(listener && (listener->seen || listener->owner));
		err = listener_add(targets, &found[i], owner);
	}
	free(found);
	return err;
}

static int scan_all_listeners(struct targets *targets, bool *ret_unowned)
{
	int err = 0;

	for (size_t i = 0; !err && i < targets->n_netspaces; i++)
		err = scan_listeners(targets, &targets->netspaces[i], ret_unowned);
	return err;
}

/*
 * A listener that is gone stays known for as long as its connections may live: only its port is
 * told to the probes once, and removing it would cut off what was accepted from it.
 */
static int tell_listeners(struct targets *targets, struct probes *probes)
{
	for (size_t i = 0; i < targets->n_listeners; i++) {
		struct target_listener *listener = &targets->listeners[i];
		struct ktax_listening listening = { listener->endpoint, listener->owner };
		int err;

		if (listener->told)
			continue;
		err = probes_add_listener(probes, &listener->key, &listening);
		if (!err)
			err = listener_adopt(targets, &listener->key, &listening);
		if (err)
			return err;
	}
	return 0;
}

/* ---- Outside ------------------------------------------------------------------------------ */

static int collect_pids(struct targets *targets)
{
	pid_t *pids = NULL;
	size_t n = 0;
	int err = 0;

	for (size_t i = 0; !err && i < targets->processes.n; i++) {
		bool wanted = targets->processes.processes[i].target;

		for (size_t j = 0; !wanted && j < targets->n_listeners; j++)
			wanted = targets->listeners[j].owner == targets->processes.processes[i].pid;
		if (!wanted)
			continue;
		err = array_grow(&pids, n, sizeof(*pids));
		if (!err)
			pids[n++] = targets->processes.processes[i].pid;
	}
	if (err) {
		free(pids);
		return err;
	}
	if (n != targets->n_pids || (n && memcmp(pids, targets->pids, n * sizeof(*pids))))
		targets->generation++;
	free(targets->pids);
	targets->pids = pids;
	targets->n_pids = n;
	return 0;
}

/* The programs get to know which endpoints there are, and tell which they have added. */
static int take_over(struct targets *targets, struct probes *probes)
{
	if (!targets->probes)
		for (size_t i = 0; i < targets->n_endpoints; i++)
			probes_take_endpoint(probes);
	targets->probes = probes;
	return targets_adopt(targets, probes);
}

static int look_around(struct targets *targets, struct probes *probes)
{
	bool unowned = false;
	int err = process_table_scan(&targets->processes);

	if (err)
		return err;
	mark_processes(targets);
	if (probes)
		mark_forked(targets, probes);
	if (probes)
		err = take_over(targets, probes);
	if (!err && targets_are_processes(targets))
		err = scan_owners(targets, false);
	if (!err)
		err = scan_netspaces(targets);
	if (!err)
		err = scan_all_listeners(targets, &unowned);
	if (!err && unowned) {
		err = scan_owners(targets, true);
		if (!err)
			err = scan_all_listeners(targets, &unowned);
	}
	if (!err)
		err = collect_pids(targets);
	if (!err && probes)
		err = tell_listeners(targets, probes);
	if (!err && probes)
		err = tell_processes(targets, probes);
	return err;
}

int targets_refresh(struct targets *targets, struct probes *probes)
{
	/* The first time with probes, they have to be told of all. */
	bool first = !probes || !targets->probes;
	bool look = target_watch_look(&targets->watch, targets->netspaces, targets->n_netspaces,
	                              targets->pids, targets->n_pids);

	if (first || look)
		return look_around(targets, probes);
	return targets_adopt(targets, probes);
}

static int check_spec(const struct target_spec *spec, char subject[64])
{
	for (size_t i = 0; i < spec->n_pids; i++) {
		struct process process;

		if (process_read(spec->pids[i], &process)) {
			snprintf(subject, 64, "process %d", spec->pids[i]);
			return -ESRCH;
		}
	}
	for (size_t i = 0; i < spec->n_cgroups; i++) {
		char path[4096];

		snprintf(path, sizeof(path), "%s/cgroup.procs", spec->cgroups[i]);
		if (access(path, R_OK)) {
			snprintf(subject, 64, "%s", spec->cgroups[i]);
			return -ENOENT;
		}
	}
	return 0;
}

int targets_open(const struct target_spec *spec, struct targets **ret_targets, char ret_subject[64])
{
	struct targets *targets;
	int err = check_spec(spec, ret_subject);

	if (err)
		return err;
	targets = calloc(1, sizeof(*targets));
	if (!targets)
		return -ENOMEM;
	targets->spec = *spec;
	targets->max_endpoints = TARGETS_ENDPOINTS_MAX;
	targets->endpoints = calloc(TARGETS_ENDPOINTS_MAX, sizeof(*targets->endpoints));
	if (!targets->endpoints) {
		targets_close(targets);
		return -ENOMEM;
	}
	*ret_targets = targets;
	return 0;
}

void targets_close(struct targets *targets)
{
	if (!targets)
		return;
	for (size_t i = 0; i < targets->n_netspaces; i++)
		netspace_close(&targets->netspaces[i]);
	free(targets->netspaces);
	process_table_free(&targets->processes);
	free(targets->pids);
	free(targets->owners);
	free(targets->listeners);
	free(targets->endpoints);
	free(targets);
}

void targets_limit_endpoints(struct targets *targets, uint32_t max)
{
	targets->max_endpoints = max;
	targets->n_endpoints = 0;
	memset(targets->endpoints, 0, TARGETS_ENDPOINTS_MAX * sizeof(*targets->endpoints));
	for (size_t i = 0; i < targets->n_listeners; i++) {
		struct target_listener *listener = &targets->listeners[i];

		listener->endpoint = endpoint_make(targets, &listener->key);
		if (listener->owner)
			listener_set_owner(targets, listener, listener->owner);
	}
}

size_t targets_unseen(const struct targets *targets)
{
	return targets->n_unseen;
}

size_t targets_merged(const struct targets *targets)
{
	size_t n = 0;

	for (size_t i = 0; i < targets->n_listeners; i++)
		n += targets->listeners[i].endpoint == targets->max_endpoints - 1;
	return n;
}

/* Listeners on a loopback address are reached over lo alone; the others over any link. */
struct target_links targets_links(struct targets *targets)
{
	struct target_links links = {};

	for (size_t i = 0; i < targets->n_netspaces; i++) {
		bool everywhere = false, any = false;

		for (size_t j = 0; j < targets->n_listeners; j++) {
			if (targets->listeners[j].key.netns != targets->netspaces[i].inode)
				continue;
			any = true;
			everywhere |= !target_is_loopback(&targets->listeners[j].key);
		}
		if (everywhere)
			target_links_add(&links, &targets->netspaces[i]);
		else if (any)
			target_links_add_loopback(&links, &targets->netspaces[i]);
	}
	if (targets->n_listeners)
		return links;
	for (size_t i = 0; i < targets->n_netspaces; i++) /* they may come later, anywhere */
		target_links_add(&links, &targets->netspaces[i]);
	links.qdisc = links.nic = true;
	return links;
}

size_t targets_pids(const struct targets *targets, const pid_t **ret_pids)
{
	*ret_pids = targets->pids;
	return targets->n_pids;
}

uint64_t targets_generation(const struct targets *targets)
{
	return targets->generation;
}

size_t targets_endpoints(const struct targets *targets, const struct recording_endpoint **ret)
{
	*ret = targets->endpoints;
	return targets->n_endpoints;
}

bool targets_listener(const struct targets *targets, size_t i, struct target_listening *ret)
{
	const struct target_listener *found = &targets->listeners[i];

	if (i >= targets->n_listeners)
		return false;
	*ret = (struct target_listening){ &targets->endpoints[found->endpoint], found->key,
		                          found->owner, -1 };
	for (size_t j = 0; j < targets->n_netspaces; j++)
		if (targets->netspaces[j].inode == found->key.netns && targets->netspaces[j].route)
			ret->socket = netspace_socket(&targets->netspaces[j]);
	return true;
}
