// SPDX-License-Identifier: GPL-2.0
/* Packet sockets that the traffic is shown to (/proc/net/packet), and who holds them. */
#include <dirent.h>
#include <errno.h>
#include <linux/if_ether.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "look.h"
#include "packet_sockets.h"

#define SOCKETS_MAX   256 /* looked at; of these OWNERS_MAX are looked for */
#define OWNERS_MAX    16
#define PROCESSES_MAX 4096 /* whose descriptors are looked into */

int packet_socket_parse(const char *line, struct packet_socket *ret)
{
	struct packet_socket found = {};

	/* "sk RefCnt Type Proto Iface R Rmem User Inode" */
	if (sscanf(line, "%*x %*d %*d %x %u %*d %*u %*u %u", &found.protocol, &found.link,
	           &found.inode) != 3)
		return -EINVAL;
	*ret = found;
	return 0;
}

bool packet_socket_sees(const struct packet_socket *socket, const struct traffic *traffic)
{
	bool protocol = socket->protocol == ETH_P_ALL;

	if (socket->protocol == ETH_P_IP)
		protocol = !traffic->ipv6 || traffic->both;
	if (socket->protocol == ETH_P_IPV6)
		protocol = traffic->ipv6;
	return protocol && (!socket->link || traffic_uses(traffic, socket->link));
}

/* ---- Who holds them ----------------------------------------------------------------------- */

static bool holds(const char *pid, uint32_t inode)
{
	char path[300], link[64], wanted[32];
	struct dirent *entry;
	bool found = false;
	DIR *fds;

	snprintf(path, sizeof(path), "/proc/%s/fd", pid);
	snprintf(wanted, sizeof(wanted), "socket:[%u]", inode);
	fds = opendir(path);
	while (fds && !found && (entry = readdir(fds))) {
		ssize_t length = readlinkat(dirfd(fds), entry->d_name, link, sizeof(link) - 1);

		link[length > 0 ? length : 0] = '\0';
		found = !strcmp(link, wanted);
	}
	if (fds)
		closedir(fds);
	return found;
}

static void name_of(const char *pid, char *ret, size_t room)
{
	char path[300], name[32] = "?";
	FILE *file;

	snprintf(path, sizeof(path), "/proc/%s/comm", pid);
	file = fopen(path, "re");
	if (file && fgets(name, sizeof(name), file))
		name[strcspn(name, "\n")] = '\0';
	if (file)
		fclose(file);
	snprintf(ret, room, "%.15s (pid %.10s)", name, pid);
}

/* "tcpdump (pid 7)", or "a process that was not found". */
static void owner_of(uint32_t inode, char *ret, size_t room)
{
	DIR *processes = opendir("/proc");
	struct dirent *entry;
	int left = PROCESSES_MAX;

	snprintf(ret, room, "a process that was not found");
	while (processes && left && (entry = readdir(processes))) {
		if (entry->d_name[0] < '1' || entry->d_name[0] > '9')
			continue;
		left--;
		if (!holds(entry->d_name, inode))
			continue;
		name_of(entry->d_name, ret, room);
		break;
	}
	if (processes)
		closedir(processes);
}

/* ---- Telling ------------------------------------------------------------------------------ */

struct holder {
	struct packet_socket socket;
	char name[64];
};

static const char *name_of_link(const struct look *look, uint32_t index)
{
	for (size_t i = 0; i < look->links.n; i++)
		if (look->links.links[i].index == index)
			return look->links.links[i].name;
	return "all interfaces";
}

static void tell_socket(struct look *look, const struct traffic *traffic, struct holder *holder)
{
	const struct packet_socket *socket = &holder->socket;
	char protocol[32] = "of all protocols";

	if (!packet_socket_sees(socket, traffic))
		return;
	if (!holder->name[0])
		owner_of(socket->inode, holder->name, sizeof(holder->name));
	if (socket->protocol != ETH_P_ALL)
		snprintf(protocol, sizeof(protocol), "of protocol 0x%04x", socket->protocol);
	look_tell(look, SERVICE_PACKET_SOCKETS, STATE_FOUND, name_of_link(look, socket->link),
	          traffic->endpoint, NULL, "packets %s are shown to %s", protocol, holder->name);
}

static size_t read_sockets(FILE *file, struct holder *holders)
{
	char line[256];
	size_t n = 0;

	while (n < SOCKETS_MAX && fgets(line, sizeof(line), file)) {
		if (packet_socket_parse(line, &holders[n].socket))
			continue; /* the heading */
		if (n >= OWNERS_MAX)
			snprintf(holders[n].name, sizeof(holders[n].name), "a process");
		n++;
	}
	return n;
}

void look_for_packet_sockets(struct look *look)
{
	FILE *file = fopen("/proc/thread-self/net/packet", "re");
	struct holder *holders = calloc(SOCKETS_MAX, sizeof(*holders));
	int err = !holders ? -ENOMEM : !file ? -errno : 0;
	size_t n = err ? 0 : read_sockets(file, holders);

	for (size_t i = 0; i < n; i++)
		for (size_t j = 0; j < look->n_traffics; j++)
			tell_socket(look, &look->traffics[j], &holders[i]);
	if (file)
		fclose(file);
	free(holders);
	if (err && err != -ENOENT) /* a kernel without packet sockets */
		look_tell_unknown(look, SERVICE_PACKET_SOCKETS, err);
}
