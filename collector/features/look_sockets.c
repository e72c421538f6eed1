// SPDX-License-Identifier: GPL-2.0
/*
 * What the sockets of the endpoints ask of the kernel: TCP itself, options, filters, kTLS.
 *
 * Options are those of the listening socket, that accepted ones inherit. What is set on these later
 * is seen only as far as sock_diag tells it (congestion control, upper-layer protocol).
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "diag_sockets.h"
#include "look.h"
#include "socket_options.h"

/* TCP_ESTABLISHED, TCP_CLOSE_WAIT and TCP_LISTEN of net/tcp_states.h, which is not exported */
#define CONNECTED       (1U << 1 | 1U << 8)
#define LISTENING       (1U << 10)
#define CONNECTIONS_MAX 20000 /* looked at, of an endpoint */

static void read_word(const char *path, char *ret, size_t room)
{
	FILE *file = fopen(path, "re");

	*ret = '\0';
	if (file && !fgets(ret, room, file))
		*ret = '\0';
	if (file)
		fclose(file);
	ret[strcspn(ret, "\n")] = '\0';
}

/* ---- Listeners ---------------------------------------------------------------------------- */

static int on_listener(const struct nlmsghdr *header, void *context)
{
	struct look *look = context;
	struct diag_socket socket;

	if (!diag_socket_parse(header, &socket))
		return MNL_CB_OK;
	for (size_t i = 0; i < look->n_traffics; i++) {
		struct traffic *traffic = &look->traffics[i];

		if (socket.port != traffic->port || socket.ipv6 != traffic->ipv6 ||
		    memcmp(socket.address, traffic->address, sizeof(socket.address)) != 0)
			continue;
		traffic->inode = socket.inode;
		traffic->both = socket.ipv6 && !socket.ipv6_only && traffic->any_address;
		traffic->md5 = socket.md5;
	}
	return MNL_CB_OK;
}

int sockets_identify(struct look *look)
{
	int err = diag_sockets_dump(false, LISTENING, 0, on_listener, look);

	return err ? err : diag_sockets_dump(true, LISTENING, 0, on_listener, look);
}

/* ---- Connections -------------------------------------------------------------------------- */

struct connections {
	const struct traffic *traffic;
	size_t n, tls, mptcp;
	char congestion[16]; /* of the first */
	bool mixed;          /* others have another one */
	bool more;           /* than were looked at */
};

static void count_connection(struct connections *connections, const struct diag_socket *socket)
{
	connections->tls += !strcmp(socket->ulp, "tls");
	connections->mptcp += !strcmp(socket->ulp, "mptcp");
	if (!connections->n++)
		memcpy(connections->congestion, socket->congestion, sizeof(socket->congestion));
	connections->mixed |= strcmp(connections->congestion, socket->congestion) != 0;
}

static int on_connection(const struct nlmsghdr *header, void *context)
{
	struct connections *connections = context;
	struct diag_socket socket;

	if (!diag_socket_parse(header, &socket) ||
	    !diag_socket_is_of(&socket, connections->traffic))
		return MNL_CB_OK;
	count_connection(connections, &socket);
	connections->more = connections->n == CONNECTIONS_MAX;
	return connections->more ? MNL_CB_STOP : MNL_CB_OK;
}

static void tell_tcp(struct look *look, const struct connections *connections,
                     const char *congestion)
{
	const struct traffic *traffic = connections->traffic;
	const char *used = connections->n ? connections->congestion : congestion;

	look_tell(look, SERVICE_TCP, STATE_INHERENT, "socket", traffic->endpoint, NULL,
	          "%s%zu connections now, congestion control %s%s",
	          connections->more ? "more than " : "", connections->n, *used ? used : "unknown",
	          connections->mixed ? " and others" : "");
	look_tell(look, SERVICE_VISIBILITY, STATE_INHERENT, look->space, traffic->endpoint, NULL,
	          "ss shows its listening socket and %zu connections", connections->n);
	if (connections->tls)
		look_tell(look, SERVICE_KTLS, STATE_FOUND, "socket", traffic->endpoint, NULL,
		          "%zu of %zu connections have kTLS", connections->tls, connections->n);
	if (connections->mptcp)
		look_tell(look, SERVICE_SOCKET_OPTIONS, STATE_FOUND, "connections",
		          traffic->endpoint, NULL, "%zu of %zu are of Multipath TCP",
		          connections->mptcp, connections->n);
}

static int look_at_connections(struct look *look, const struct traffic *traffic,
                               const char *congestion)
{
	struct connections connections = { .traffic = traffic };
	int err = diag_sockets_dump(traffic->ipv6, CONNECTED, traffic->port, on_connection,
	                            &connections);

	if (!err)
		tell_tcp(look, &connections, congestion);
	return err;
}

/* kTLS that is not of an endpoint's connections: of which is not known. */
static void look_for_tls(struct look *look)
{
	FILE *file = fopen("/proc/thread-self/net/tls_stat", "re");
	unsigned long long n, sum = 0;
	char line[128], name[64];

	while (file && fgets(line, sizeof(line), file))
		if (sscanf(line, "%63s %llu", name, &n) == 2 && !strncmp(name, "TlsCurr", 7))
			sum += n;
	if (sum)
		look_tell(look, SERVICE_KTLS, STATE_MAY_APPLY, look->space, NULL,
		          "of which connections is not told here",
		          "%llu directions of connections are encrypted by the kernel now", sum);
	if (file)
		fclose(file);
}

/* ---- Options ------------------------------------------------------------------------------ */

static void tell_filter(struct look *look, const struct traffic *traffic, int fd)
{
	unsigned int length;

	switch (socket_filter(fd, &length)) {
	case FILTER_CLASSIC:
		look_tell(look, SERVICE_SOCKET_BPF, STATE_FOUND, "listening socket",
		          traffic->endpoint, NULL, "a filter of %u instructions (SO_ATTACH_FILTER)",
		          length);
		break;
	case FILTER_EBPF:
		look_tell(look, SERVICE_SOCKET_BPF, STATE_FOUND, "listening socket",
		          traffic->endpoint, NULL, "an eBPF filter (SO_ATTACH_BPF)");
		break;
	case FILTER_UNKNOWN:
		look_tell(look, SERVICE_SOCKET_BPF, STATE_UNKNOWN, "listening socket",
		          traffic->endpoint, "the kernel does not tell", NULL);
		break;
	case FILTER_NONE:
		break;
	}
}

static int look_at_options(struct look *look, const struct traffic *traffic, const char *congestion)
{
	char options[512];
	int fd = traffic->pid && traffic->inode ? socket_borrow(traffic->pid, traffic->inode)
	                                        : -ESRCH;

	if (fd < 0)
		return fd;
	socket_options(fd, congestion, options, sizeof(options));
	tell_filter(look, traffic, fd);
	close(fd);
	if (traffic->md5)
		snprintf(options + strlen(options), sizeof(options) - strlen(options),
		         "%sTCP_MD5SIG", *options ? ", " : "");
	if (*options)
		look_tell(look, SERVICE_SOCKET_OPTIONS, STATE_FOUND, "listening socket",
		          traffic->endpoint, NULL, "%s", options);
	return 0;
}

static void options_unknown(struct look *look, const struct traffic *traffic, int err)
{
	const char *why = err == -ESRCH ? "whose socket it is is not known" : why_unreadable(err);

	look_tell(look, SERVICE_SOCKET_OPTIONS, STATE_UNKNOWN, "listening socket",
	          traffic->endpoint, why, NULL);
	look_tell(look, SERVICE_SOCKET_BPF, STATE_UNKNOWN, "listening socket", traffic->endpoint,
	          why, NULL);
}

void look_for_sockets(struct look *look)
{
	char congestion[16];
	int err = 0;

	read_word("/proc/sys/net/ipv4/tcp_congestion_control", congestion, sizeof(congestion));
	for (size_t i = 0; i < look->n_traffics; i++) {
		const struct traffic *traffic = &look->traffics[i];
		int one = look_at_options(look, traffic, congestion);

		if (one)
			options_unknown(look, traffic, one);
		one = look_at_connections(look, traffic, congestion);
		err = err ? err : one;
	}
	look_for_tls(look);
	if (err) {
		look_tell_unknown(look, SERVICE_KTLS, err);
		look_tell_unknown(look, SERVICE_TCP, err);
	}
}
