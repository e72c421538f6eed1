// SPDX-License-Identifier: GPL-2.0
/*
 * Frames are built and read byte by byte, at offsets: received ones are not aligned, and nothing
 * they say about their own length is believed before it is compared with what is there.
 */
#include "frame.h"

#include <arpa/inet.h>
#include <errno.h>
#include <linux/if_ether.h>
#include <netinet/in.h>
#include <string.h>

#define ETHERNET_SIZE 14
#define VLAN_SIZE     4
#define VLAN_TAGS_MAX 4
#define IPV4_SIZE     20
#define IPV6_SIZE     40
#define UDP_SIZE      8
#define EXTENSIONS    8 /* IPv6 extension headers that are walked through */

static uint16_t get16(const uint8_t *bytes)
{
	return (uint16_t)(bytes[0] << 8 | bytes[1]);
}

static void put16(uint8_t *bytes, uint16_t value)
{
	bytes[0] = value >> 8;
	bytes[1] = value & 0xff;
}

/* ---- Checksums (RFC 1071) ----------------------------------------------------------------- */

static uint64_t sum16(const uint8_t *bytes, size_t length, uint64_t sum)
{
	size_t i;

	for (i = 0; i + 1 < length; i += 2)
		sum += get16(bytes + i);
	if (i < length)
		sum += (uint64_t)bytes[i] << 8;
	return sum;
}

static uint16_t checksum(uint64_t sum)
{
	while (sum >> 16)
		sum = (sum & 0xffff) + (sum >> 16);
	return ~sum & 0xffff;
}

/* ---- Building ----------------------------------------------------------------------------- */

size_t frame_payload_max(bool ipv6)
{
	return FRAME_MAX - ETHERNET_SIZE - (ipv6 ? IPV6_SIZE : IPV4_SIZE) - UDP_SIZE;
}

static void put_ipv4(uint8_t *ip, const struct frame_flow *flow, size_t udp_size)
{
	memset(ip, 0, IPV4_SIZE);
	ip[0] = 0x45;
	put16(ip + 2, IPV4_SIZE + udp_size);
	put16(ip + 6, 0x4000); /* don't fragment, so there is no identification either (RFC 6864) */
	ip[8] = 64;
	ip[9] = IPPROTO_UDP;
	memcpy(ip + 12, flow->client.ip, 4);
	memcpy(ip + 16, flow->server.ip, 4);
	put16(ip + 10, checksum(sum16(ip, IPV4_SIZE, 0)));
}

static void put_ipv6(uint8_t *ip, const struct frame_flow *flow, size_t udp_size)
{
	memset(ip, 0, IPV6_SIZE);
	ip[0] = 0x60;
	put16(ip + 4, udp_size);
	ip[6] = IPPROTO_UDP;
	ip[7] = 64;
	memcpy(ip + 8, flow->client.ip, 16);
	memcpy(ip + 24, flow->server.ip, 16);
}

/* Over pseudo header (@addresses: both of them), UDP header and payload. */
static void put_udp_checksum(uint8_t *udp, size_t udp_size, const uint8_t *addresses,
                             size_t addresses_size)
{
	uint64_t sum = IPPROTO_UDP + udp_size;
	uint16_t result;

	put16(udp + 6, 0);
	sum = sum16(addresses, addresses_size, sum);
	result = checksum(sum16(udp, udp_size, sum));
	put16(udp + 6, result ? result : 0xffff); /* 0 would mean: none */
}

static void put_payload(uint8_t *payload, size_t size, enum frame_kind kind, uint32_t id,
                        uint16_t flow_number)
{
	struct frame_mark mark = {
		.magic = htonl(FRAME_MARK),
		.id = htonl(id),
		.epoch_complement = 0xffff,
		.kind = kind,
		.flow = htons(flow_number),
	};

	memcpy(payload, &mark, sizeof(mark));
	for (size_t i = sizeof(mark); i < size; i++)
		payload[i] = i & 0xff;
}

int frame_build(uint8_t *frame, const struct frame_flow *flow, enum frame_kind kind, uint32_t id,
                uint16_t flow_number, size_t payload_size)
{
	size_t ip_size = flow->ipv6 ? IPV6_SIZE : IPV4_SIZE;
	size_t udp_size = UDP_SIZE + payload_size, length = ETHERNET_SIZE + ip_size + udp_size;
	uint8_t *udp = frame + ETHERNET_SIZE + ip_size;

	if (payload_size < FRAME_MARK_SIZE || payload_size > frame_payload_max(flow->ipv6))
		return -EMSGSIZE;
	put16(frame + 12, flow->ipv6 ? ETH_P_IPV6 : ETH_P_IP);
	put16(udp + 4, udp_size);
	put_payload(udp + UDP_SIZE, payload_size, kind, id, flow_number);
	frame_set_ends(frame, length, flow);
	return (int)length;
}

void frame_set_epoch(uint8_t *frame, size_t length, uint16_t epoch)
{
	size_t ip_size =
		length > ETHERNET_SIZE && frame[ETHERNET_SIZE] >> 4 == 6 ? IPV6_SIZE : IPV4_SIZE;
	size_t mark = ETHERNET_SIZE + ip_size + UDP_SIZE;

	if (length < mark + FRAME_MARK_SIZE)
		return;
	put16(frame + mark + offsetof(struct frame_mark, epoch), epoch);
	put16(frame + mark + offsetof(struct frame_mark, epoch_complement), ~epoch & 0xffff);
}

void frame_set_ends(uint8_t *frame, size_t length, const struct frame_flow *flow)
{
	size_t ip_size = flow->ipv6 ? IPV6_SIZE : IPV4_SIZE;
	size_t address_size = flow->ipv6 ? 16 : 4;
	uint8_t *ip = frame + ETHERNET_SIZE, *udp = ip + ip_size;
	size_t udp_size = length - ETHERNET_SIZE - ip_size;

	memcpy(frame, flow->server.mac, 6);
	memcpy(frame + 6, flow->client.mac, 6);
	if (flow->ipv6)
		put_ipv6(ip, flow, udp_size);
	else
		put_ipv4(ip, flow, udp_size);
	put16(udp, flow->client.port);
	put16(udp + 2, flow->server.port);
	put_udp_checksum(udp, udp_size, udp - 2 * address_size, 2 * address_size);
}

/* ---- Reading ------------------------------------------------------------------------------ */

static enum frame_class parse_udp(const uint8_t *frame, size_t length, size_t udp, size_t end,
                                  struct frame_layout *layout)
{
	size_t size;

	if (length < udp + UDP_SIZE)
		return FRAME_DAMAGED;
	size = get16(frame + udp + 4);
	if (size < UDP_SIZE || udp + size > end)
		return FRAME_DAMAGED;
	layout->udp = udp;
	layout->payload = udp + UDP_SIZE;
	layout->payload_size = size - UDP_SIZE;
	return FRAME_UDP;
}

static enum frame_class not_udp(struct frame_layout *layout, size_t at, uint8_t protocol)
{
	layout->udp = at;
	layout->protocol = protocol;
	return FRAME_NOT_UDP;
}

static enum frame_class parse_ipv4(const uint8_t *frame, size_t length, size_t offset,
                                   struct frame_layout *layout)
{
	const uint8_t *ip = frame + offset;
	size_t header, total;

	if (length < offset + IPV4_SIZE)
		return FRAME_DAMAGED;
	header = (ip[0] & 15) * 4U;
	total = get16(ip + 2);
	if (header < IPV4_SIZE || total < header)
		return FRAME_DAMAGED;
	if (get16(ip + 6) & 0x3fff) /* more fragments, or an offset */
		return FRAME_FRAGMENT;
	if (ip[9] != IPPROTO_UDP)
		return not_udp(layout, offset + header, ip[9]);
	return parse_udp(frame, length, offset + header, offset + total, layout);
}

static enum frame_class parse_ipv6(const uint8_t *frame, size_t length, size_t offset,
                                   struct frame_layout *layout)
{
	size_t at = offset + IPV6_SIZE, end;
	uint8_t next;

	if (length < at)
		return FRAME_DAMAGED;
	next = frame[offset + 6];
	end = at + get16(frame + offset + 4);
	for (int i = 0; i < EXTENSIONS; i++) {
		if (next == IPPROTO_UDP)
			return parse_udp(frame, length, at, end, layout);
		if (next == IPPROTO_FRAGMENT)
			return FRAME_FRAGMENT;
		if (next != IPPROTO_HOPOPTS && next != IPPROTO_ROUTING && next != IPPROTO_DSTOPTS)
			return not_udp(layout, at, next);
		if (length < at + 2)
			return FRAME_DAMAGED;
		next = frame[at];
		at += (frame[at + 1] + 1U) * 8;
	}
	return not_udp(layout, at, IPPROTO_NONE);
}

static enum frame_class parse_version(const uint8_t *frame, size_t length, size_t offset,
                                      int version, struct frame_layout *layout)
{
	if (length <= offset || frame[offset] >> 4 != version)
		return FRAME_DAMAGED;
	layout->ip = offset;
	layout->ipv6 = version == 6;
	return version == 6 ? parse_ipv6(frame, length, offset, layout)
	                    : parse_ipv4(frame, length, offset, layout);
}

enum frame_class frame_parse_ip(const uint8_t *frame, size_t length, size_t offset,
                                struct frame_layout *ret_layout)
{
	struct frame_layout layout = { 0 };
	enum frame_class class;
	int version;

	if (length <= offset)
		return FRAME_DAMAGED;
	version = frame[offset] >> 4;
	if (version != 4 && version != 6)
		return FRAME_NOT_IP;
	class = parse_version(frame, length, offset, version, &layout);
	if (class == FRAME_UDP || class == FRAME_NOT_UDP)
		*ret_layout = layout;
	return class;
}

static bool is_vlan(uint16_t type)
{
	return type == ETH_P_8021Q || type == ETH_P_8021AD || type == ETH_P_QINQ1;
}

enum frame_class frame_parse(const uint8_t *frame, size_t length, struct frame_layout *ret_layout)
{
	struct frame_layout layout = { 0 };
	size_t offset = ETHERNET_SIZE;
	enum frame_class class;
	uint16_t type;

	if (length < ETHERNET_SIZE)
		return FRAME_DAMAGED;
	type = get16(frame + offset - 2);
	while (is_vlan(type) && layout.vlan_tags < VLAN_TAGS_MAX) {
		offset += VLAN_SIZE;
		if (length < offset)
			return FRAME_DAMAGED;
		type = get16(frame + offset - 2);
		layout.vlan_tags++;
	}
	if (type != ETH_P_IP && type != ETH_P_IPV6)
		return FRAME_NOT_IP;
	class = parse_version(frame, length, offset, type == ETH_P_IP ? 4 : 6, &layout);
	if (class == FRAME_UDP || class == FRAME_NOT_UDP)
		*ret_layout = layout;
	return class;
}

const struct frame_mark *frame_payload_mark(const void *payload, size_t length)
{
	const struct frame_mark *mark = payload;

	if (length < FRAME_MARK_SIZE || mark->magic != htonl(FRAME_MARK))
		return NULL;
	return (mark->epoch ^ mark->epoch_complement) == 0xffff ? mark : NULL;
}

const struct frame_mark *frame_find_mark(const uint8_t *frame, size_t length, uint16_t port)
{
	struct frame_layout layout;

	if (frame_parse(frame, length, &layout) != FRAME_UDP)
		return NULL;
	if (port && get16(frame + layout.udp + 2) != port)
		return NULL;
	if (length < (size_t)layout.payload + layout.payload_size)
		return NULL;
	return frame_payload_mark(frame + layout.payload, layout.payload_size);
}

uint32_t frame_mark_id(const struct frame_mark *mark)
{
	return ntohl(mark->id);
}

uint16_t frame_mark_epoch(const struct frame_mark *mark)
{
	return ntohs(mark->epoch);
}

/* ---- Reflecting --------------------------------------------------------------------------- */

static void swap(uint8_t *a, uint8_t *b, size_t size)
{
	uint8_t kept[16];

	memcpy(kept, a, size);
	memcpy(a, b, size);
	memcpy(b, kept, size);
}

void frame_reflect(uint8_t *frame, size_t length)
{
	struct frame_layout layout;
	uint8_t *ip;

	if (frame_parse(frame, length, &layout) != FRAME_UDP)
		return;
	ip = frame + layout.ip;
	swap(frame, frame + 6, 6);
	if (layout.ipv6)
		swap(ip + 8, ip + 24, 16);
	else
		swap(ip + 12, ip + 16, 4);
	swap(frame + layout.udp, frame + layout.udp + 2, 2);
}
