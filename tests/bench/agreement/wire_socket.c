// SPDX-License-Identifier: GPL-2.0
#include "wire_socket.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "ip_batch.h"
#include "link.h"
#include "sentence.h"
#include "traffic.h"

#define HEADERS 42 /* Ethernet, IPv4, UDP */

struct wire {
	int fd;
};

/* The generator's end has no address for the other wires. */
static int give_address(const char *interface, char *why, size_t why_size)
{
	const struct frame_flow *flow = &traffic_test_flow;
	char commands[IP_BATCH_MAX], client[INET_ADDRSTRLEN], server[INET_ADDRSTRLEN];
	const uint8_t *mac = flow->server.mac;
	int here = link_here(), err;

	if (here < 0)
		return here;
	inet_ntop(AF_INET, flow->client.ip, client, sizeof(client));
	inet_ntop(AF_INET, flow->server.ip, server, sizeof(server));
	snprintf(commands, sizeof(commands),
	         "address add %s/24 dev %s\n"
	         "neighbour replace %s lladdr %02x:%02x:%02x:%02x:%02x:%02x nud permanent dev %s\n",
	         client, interface, server, mac[0], mac[1], mac[2], mac[3], mac[4], mac[5],
	         interface);
	err = ip_batch(here, here, commands, why, why_size);
	close(here);
	return err;
}

static int socket_open(const struct wire_config *config, struct wire **ret_wire, char *why,
                       size_t why_size)
{
	struct sockaddr_in server = { .sin_family = AF_INET,
		                      .sin_port = htons(config->flow->server.port) };
	int err = give_address(config->interface, why, why_size);
	struct wire *wire;

	if (err)
		return err;
	wire = calloc(1, sizeof(*wire));
	if (!wire)
		return sentence(why, why_size, -ENOMEM, "out of memory");
	memcpy(&server.sin_addr, traffic_test_flow.server.ip, sizeof(server.sin_addr));
	wire->fd = socket(AF_INET, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (wire->fd < 0 || connect(wire->fd, (struct sockaddr *)&server, sizeof(server))) {
		err = -errno;
		if (wire->fd >= 0)
			close(wire->fd);
		free(wire);
		return sentence(why, why_size, err, "no UDP socket: %s", strerror(-err));
	}
	*ret_wire = wire;
	return 0;
}

static int socket_send(struct wire *wire, const uint8_t *frame, size_t size)
{
	return send(wire->fd, frame + HEADERS, size - HEADERS, 0) < 0 ? -errno : 0;
}

static int socket_receive(struct wire *wire, unsigned int most,
                          void (*visit)(void *context, const struct frame_mark *mark),
                          void *context)
{
	const struct frame_mark *mark;
	uint8_t payload[FRAME_MAX];
	ssize_t n = recv(wire->fd, payload, sizeof(payload), 0);

	if (n < 0)
		return 0;
	mark = frame_payload_mark(payload, (size_t)n);
	if (mark)
		visit(context, mark);
	return 1;
}

static uint64_t socket_drops(struct wire *wire)
{
	return 0;
}

static void socket_close(struct wire *wire)
{
	if (!wire)
		return;
	close(wire->fd);
	free(wire);
}

const struct wire_type wire_socket = {
	.name = "UDP socket",
	.open = socket_open,
	.send = socket_send,
	.receive = socket_receive,
	.drops = socket_drops,
	.close = socket_close,
};
