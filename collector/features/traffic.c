// SPDX-License-Identifier: GPL-2.0
#include "traffic.h"

#include <netinet/in.h>
#include <string.h>

size_t traffic_packets(const struct traffic *traffic, struct packet ret[TRAFFIC_PACKETS_MAX])
{
	size_t n = 0;

	for (int direction = 0; direction < DIRECTIONS; direction++) {
		if (traffic->ipv6)
			ret[n++] = (struct packet){ traffic, direction, true };
		if (!traffic->ipv6 || traffic->both)
			ret[n++] = (struct packet){ traffic, direction, false };
	}
	return n;
}

static void set(struct packet_image *image, size_t offset, const void *bytes, size_t n)
{
	memcpy(image->bytes + offset, bytes, n);
	memset(image->known + offset, 1, n);
}

void packet_image(const struct packet *packet, struct packet_image *ret)
{
	const struct traffic *traffic = packet->traffic;
	const uint8_t tcp = IPPROTO_TCP, port[2] = { traffic->port >> 8, traffic->port & 0xff };
	/* Of the endpoint: where it is written in what it receives, and in what it sends. */
	size_t address = packet->ipv6 ? 24 : 16, width = packet->ipv6 ? 16 : 4;

	memset(ret, 0, sizeof(*ret));
	ret->transport = packet->ipv6 ? 40 : 20;
	set(ret, packet->ipv6 ? 6 : 9, &tcp, 1);
	if (packet->direction == SENT)
		address -= width;
	if (!traffic->any_address && packet->ipv6 == traffic->ipv6)
		set(ret, address, traffic->address, width);
	set(ret, ret->transport + (packet->direction == SENT ? 0 : 2), port, sizeof(port));
}

enum meets bytes_equal(const uint8_t *bytes, const uint8_t *known, const uint8_t *mask,
                       const uint8_t *wanted, size_t n)
{
	enum meets meets = MEETS_ALL;

	for (size_t i = 0; i < n; i++) {
		if (!mask[i])
			continue;
		if (!known[i])
			meets = MEETS_MAYBE;
		else if ((bytes[i] ^ wanted[i]) & mask[i])
			return MEETS_NOT;
	}
	return meets;
}

bool traffic_uses(const struct traffic *traffic, uint32_t link)
{
	for (size_t i = 0; i < traffic->n_links; i++)
		if (traffic->links[i].index == link)
			return true;
	return false;
}

enum meets traffic_meets_link(const struct traffic *traffic, const char *name, size_t length)
{
	size_t hits = 0;

	for (size_t i = 0; i < traffic->n_links; i++)
		hits += !strncmp(traffic->links[i].name, name, length);
	if (!hits)
		return traffic->more_links ? MEETS_MAYBE : MEETS_NOT;
	return hits == traffic->n_links && !traffic->more_links ? MEETS_ALL : MEETS_MAYBE;
}
