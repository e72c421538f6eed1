// SPDX-License-Identifier: GPL-2.0
/* The child that looks, and what becomes of what it tells. */
#include "host_features.h"

#include <errno.h>
#include <fcntl.h>
#include <jansson.h>
#include <linux/sockios.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "look.h"

#define PIPE_BYTES     (1 << 20) /* so that the child seldom waits for its parent */
#define DOCUMENT_BYTES (900 << 10)
#define SERVICE(name)  (1U << SERVICE_##name)

/* What looks for what. In this order: the cheap and telling ones first. */
static const struct {
	void (*look)(struct look *look);
	unsigned int services; /* that are known when it, after those before it, is done */
	bool once;             /* it is about the host, not a namespace */
} looks[] = {
	{ look_for_host_programs, 0, .once = true },
	{ look_for_sockets, SERVICE(TCP) | SERVICE(VISIBILITY) | SERVICE(KTLS) |
	                            SERVICE(SOCKET_OPTIONS) | SERVICE(SOCKET_BPF) },
	{ look_for_qdiscs, SERVICE(QDISC) | SERVICE(TC_FILTER) },
	{ look_for_link_programs, SERVICE(XDP) | SERVICE(TC_BPF) },
	{ look_for_cgroup_programs, SERVICE(CGROUP_BPF) },
	{ look_for_namespace_programs, SERVICE(NETNS_BPF) },
	{ look_for_nftables, SERVICE(NFTABLES) },
	{ look_for_iptables, SERVICE(IPTABLES) },
	{ look_for_ipsec, SERVICE(IPSEC) },
	{ look_for_nics, SERVICE(OFFLOADS) | SERVICE(RDMA) },
	{ look_for_conntrack, SERVICE(CONNTRACK) },
	{ look_for_packet_sockets, SERVICE(PACKET_SOCKETS) },
	{ look_for_container, SERVICE(CONTAINER) },
};

#define N_LOOKS (sizeof(looks) / sizeof(looks[0]))

static uint64_t now_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec * 1000000000ULL + now.tv_nsec;
}

/* ---- The child: namespaces ---------------------------------------------------------------- */

struct space {
	uint32_t inode;
	int fd;  /* of the namespace; -1: it may not be entered */
	int err; /* why */
	struct look look;
};

struct spaces {
	struct space spaces[HOST_FEATURES_ENDPOINTS_MAX];
	size_t n;
	struct traffic traffics[HOST_FEATURES_ENDPOINTS_MAX]; /* by namespace */
	struct teller teller;
};

static uint32_t inode_of(const char *path)
{
	struct stat status;

	return stat(path, &status) ? 0 : status.st_ino;
}

static void space_open(struct space *space, const struct host_endpoint *endpoint)
{
	uint32_t ours = inode_of("/proc/self/ns/net"), first = inode_of("/proc/1/ns/net");

	space->inode = endpoint->listener.netns;
	space->look.ours = ours == space->inode;
	space->look.contained = first ? first != space->inode : !space->look.ours;
	space->look.outside_unknown = !first && space->look.ours;
	if (space->look.ours)
		space->fd = open("/proc/self/ns/net", O_RDONLY | O_CLOEXEC);
	else
		space->fd = endpoint->netspace < 0 ? (errno = EPERM, -1)
		                                   : ioctl(endpoint->netspace, SIOCGSKNS);
	space->err = space->fd < 0 ? -errno : 0;
	snprintf(space->look.space, sizeof(space->look.space), "network namespace %u",
	         space->inode);
}

static void traffic_set(struct traffic *traffic, const struct host_endpoint *endpoint)
{
	static const uint8_t any[16];

	*traffic = (struct traffic){
		.endpoint = endpoint->name,
		.ipv6 = endpoint->listener.family == 6,
		.port = endpoint->listener.port,
		.pid = endpoint->pid,
	};
	memcpy(traffic->address, endpoint->listener.address, sizeof(traffic->address));
	traffic->any_address = !memcmp(traffic->address, any, sizeof(any));
}

/* The endpoints of a namespace stand together, as its looks take them. */
static void sort_endpoints(struct spaces *spaces, const struct host_endpoint *endpoints, size_t n)
{
	size_t n_traffics = 0;

	for (size_t i = 0; i < n; i++) {
		struct space *space = &spaces->spaces[spaces->n];
		bool known = false;

		for (size_t j = 0; !known && j < spaces->n; j++)
			known = spaces->spaces[j].inode == endpoints[i].listener.netns;
		if (known)
			continue;
		space_open(space, &endpoints[i]);
		space->look.teller = &spaces->teller;
		space->look.traffics = &spaces->traffics[n_traffics];
		for (size_t j = i; j < n; j++)
			if (endpoints[j].listener.netns == space->inode)
				traffic_set(&spaces->traffics[n_traffics++], &endpoints[j]);
		space->look.n_traffics = &spaces->traffics[n_traffics] - space->look.traffics;
		spaces->n++;
	}
}

/* Enters it and reads what all looks need. */
static void space_prepare(struct space *space)
{
	struct look *look = &space->look;
	int err = space->err;

	if (!err && setns(space->fd, CLONE_NEWNET))
		err = -errno;
	if (!err)
		err = links_read(&look->links);
	if (!err)
		err = sockets_identify(look);
	for (size_t i = 0; !err && i < look->n_traffics; i++)
		links_of_traffic(&look->links, &look->traffics[i]);
	space->err = err;
}

static void space_look(struct space *space, size_t i)
{
	if (!space->err && setns(space->fd, CLONE_NEWNET))
		space->err = -errno;
	if (!space->err) {
		looks[i].look(&space->look);
		return;
	}
	for (int service = 0; service < SERVICES; service++)
		if (looks[i].services & 1U << service)
			look_tell_unknown(&space->look, service, space->err);
}

/* ---- The child ---------------------------------------------------------------------------- */

static void look_at_all(struct spaces *spaces)
{
	for (size_t i = 0; i < spaces->n; i++)
		space_prepare(&spaces->spaces[i]);
	for (size_t i = 0; i < N_LOOKS; i++) {
		for (size_t j = 0; j < (looks[i].once ? 1 : spaces->n); j++)
			space_look(&spaces->spaces[j], i);
		for (int service = 0; service < SERVICES; service++)
			if (looks[i].services & 1U << service)
				tell_looked_for(&spaces->teller, service);
	}
}

static _Noreturn void child_main(const struct host_endpoint *endpoints, size_t n, int fd)
{
	uint64_t began_ns = now_ns();
	struct spaces *spaces = calloc(1, sizeof(*spaces));
	char text[96];

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	prctl(PR_SET_NAME, "ktax-features");
	signal(SIGPIPE, SIG_IGN);
	if (!spaces)
		_exit(1);
	spaces->teller.fd = fd;
	sort_endpoints(spaces, endpoints, n);
	look_at_all(spaces);
	snprintf(text, sizeof(text), "{\"took_ns\":%llu,\"full\":%s}\n",
	         (unsigned long long)(now_ns() - began_ns), spaces->teller.full ? "true" : "false");
	_exit(write(fd, text, strlen(text)) < 0);
}

int host_features_begin(const struct host_endpoint *endpoints, size_t n_endpoints,
                        struct host_features *ret)
{
	size_t n = n_endpoints;
	int ends[2];

	*ret = HOST_FEATURES_NONE;
	if (n > HOST_FEATURES_ENDPOINTS_MAX)
		n = HOST_FEATURES_ENDPOINTS_MAX;
	for (size_t i = 0; i < n; i++)
		memcpy(ret->names[i], endpoints[i].name, sizeof(ret->names[i]));
	ret->n_endpoints = n;
	ret->n_left_out = n_endpoints - n;
	if (!n)
		return 0;
	if (pipe2(ends, O_CLOEXEC))
		return -errno;
	fcntl(ends[1], F_SETPIPE_SZ, PIPE_BYTES);
	ret->child = fork();
	if (!ret->child)
		child_main(endpoints, n, ends[1]);
	close(ends[1]);
	ret->fd = ends[0];
	return ret->child < 0 ? -errno : 0;
}

/* ---- The parent --------------------------------------------------------------------------- */

/* Everything that comes until the end, the limit, or @room. Whether it was the end. */
static bool read_lines(int fd, uint64_t limit_ns, char *ret, size_t room, size_t *ret_length)
{
	uint64_t end_ns = now_ns() + limit_ns;

	*ret_length = 0;
	while (*ret_length < room) {
		struct pollfd ready = { .fd = fd, .events = POLLIN };
		uint64_t now = now_ns();
		ssize_t n;

		if (poll(&ready, 1, now < end_ns ? (end_ns - now) / 1000000 : 0) <= 0)
			return false;
		n = read(fd, ret + *ret_length, room - *ret_length);
		if (n <= 0)
			return true;
		*ret_length += n;
	}
	return false;
}

static json_t *member(json_t *document, const char *key)
{
	return json_object_get(document, key);
}

/* Puts one line of the child where it belongs. */
static void take_line(json_t *document, const char *line, size_t length)
{
	json_t *object = json_loadb(line, length, 0, NULL), *value;

	value = json_object_get(object, "took_ns");
	if (value)
		json_object_set(document, "took_ns", value);
	if (json_is_true(json_object_get(object, "full")))
		json_object_set_new(document, "why",
		                    json_string("there is more than a recording has room for"));
	value = json_object_get(object, "looked_for");
	if (value)
		json_array_append(member(document, "looked_for"), value);
	if (json_object_get(object, "feature"))
		json_array_append(member(document, "features"), object);
	json_decref(object);
}

static void take_lines(json_t *document, const char *text, size_t length)
{
	const char *end = text + length, *stop;

	for (; text < end; text = stop + 1) {
		stop = memchr(text, '\n', end - text);
		if (!stop)
			break; /* it was ended within a line */
		take_line(document, text, stop - text);
	}
}

static json_t *document_new(const struct host_features *features)
{
	json_t *document = json_pack("{s:s, s:n, s:[], s:[], s:[]}", "schema", "ktax.features/1",
	                             "why", "endpoints", "looked_for", "features");

	for (size_t i = 0; document && i < features->n_endpoints; i++)
		json_array_append_new(member(document, "endpoints"),
		                      json_string(features->names[i]));
	return document;
}

static void say_why(const struct host_features *features, json_t *document)
{
	char text[96];

	if (!features->n_endpoints)
		json_object_set_new(document, "why",
		                    json_string("no endpoint listened when the recording began"));
	else if (!member(document, "took_ns"))
		json_object_set_new(
			document, "why",
			json_string(features->ended ? "reading it failed halfway"
		                                    : "reading it took too long, and was ended"));
	if (!features->n_left_out || !json_is_null(member(document, "why")))
		return;
	snprintf(text, sizeof(text), "only %d of %zu endpoints were looked at",
	         HOST_FEATURES_ENDPOINTS_MAX, features->n_endpoints + features->n_left_out);
	json_object_set_new(document, "why", json_string(text));
}

char *host_features_finish(struct host_features *features, uint64_t limit_ns)
{
	json_t *document = document_new(features);
	char *lines = malloc(DOCUMENT_BYTES), *text;
	size_t length = 0;

	if (features->fd >= 0 && document && lines) {
		features->ended =
			read_lines(features->fd, limit_ns, lines, DOCUMENT_BYTES, &length);
		take_lines(document, lines, length);
	}
	say_why(features, document);
	text = document && lines ? json_dumps(document, JSON_COMPACT) : NULL;
	host_features_abandon(features);
	json_decref(document);
	free(lines);
	return text;
}

void host_features_abandon(struct host_features *features)
{
	if (features->fd >= 0)
		close(features->fd);
	if (features->child > 0) {
		kill(features->child, SIGKILL);
		waitpid(features->child, NULL, 0);
	}
	*features = HOST_FEATURES_NONE;
}
