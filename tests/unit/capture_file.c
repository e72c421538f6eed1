/* SPDX-License-Identifier: GPL-2.0 */
#include "capture_file.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static void put(struct capture_file *file, const void *bytes, size_t size)
{
	if (file->size + size > file->room) {
		file->room = 2 * (file->size + size);
		file->bytes = realloc(file->bytes, file->room);
		if (!file->bytes)
			abort();
	}
	memcpy(file->bytes + file->size, bytes, size);
	file->size += size;
}

static void put32(struct capture_file *file, uint32_t value)
{
	value = file->swapped ? __builtin_bswap32(value) : value;
	put(file, &value, sizeof(value));
}

static void put16(struct capture_file *file, uint16_t value)
{
	value = file->swapped ? __builtin_bswap16(value) : value;
	put(file, &value, sizeof(value));
}

static void begin(struct capture_file *file)
{
	*file = (struct capture_file){ .path = "/tmp/ktax-capture.XXXXXX" };
	close(mkstemp(file->path));
}

void capture_pcap(struct capture_file *file, uint32_t link, bool swapped, bool microseconds)
{
	begin(file);
	file->swapped = swapped;
	file->microseconds = microseconds;
	put32(file, microseconds ? 0xa1b2c3d4 : 0xa1b23c4d);
	put16(file, 2);
	put16(file, 4);
	put32(file, 0);
	put32(file, 0);
	put32(file, 262144);
	put32(file, link);
}

void capture_pcapng(struct capture_file *file, uint16_t link)
{
	begin(file);
	file->pcapng = true;
	put32(file, 0x0a0d0d0a); /* section header */
	put32(file, 28);
	put32(file, 0x1a2b3c4d);
	put16(file, 1);
	put16(file, 0);
	put32(file, 0xffffffff);
	put32(file, 0xffffffff);
	put32(file, 28);
	put32(file, 1); /* interface */
	put32(file, 32);
	put16(file, link);
	put16(file, 0);
	put32(file, 262144);
	put16(file, 9); /* if_tsresol: ns */
	put16(file, 1);
	put32(file, 9);
	put32(file, 0);
	put32(file, 32);
}

void capture_packet(struct capture_file *file, uint64_t at_ns, const uint8_t *frame,
                    size_t captured, size_t length)
{
	size_t padding = file->pcapng ? -captured % 4 : 0;

	if (file->pcapng) {
		put32(file, 6); /* enhanced packet */
		put32(file, 32 + captured + padding);
		put32(file, 0);
		put32(file, at_ns >> 32);
		put32(file, at_ns);
	} else {
		put32(file, at_ns / 1000000000);
		put32(file, at_ns % 1000000000 / (file->microseconds ? 1000 : 1));
	}
	put32(file, captured);
	put32(file, length);
	put(file, frame, captured);
	if (!file->pcapng)
		return;
	put(file, "\0\0\0", padding);
	put32(file, 32 + captured + padding);
}

static void put_be16(uint8_t *bytes, uint16_t value)
{
	bytes[0] = value >> 8;
	bytes[1] = value & 0xff;
}

size_t udp_frame(uint8_t *frame, uint16_t from, uint16_t to, size_t payload, bool ipv6)
{
	uint8_t *ip = frame + 14, *udp = ip + (ipv6 ? 40 : 20);

	memset(frame, 0, udp + 8 + payload - frame);
	put_be16(frame + 12, ipv6 ? 0x86dd : 0x0800);
	if (ipv6) {
		ip[0] = 0x60;
		put_be16(ip + 4, 8 + payload);
		ip[6] = 17;
		ip[8] = 0xfd;
		ip[24] = 0xfe;
	} else {
		ip[0] = 0x45;
		put_be16(ip + 2, 28 + payload);
		ip[8] = 64;
		ip[9] = 17;
		ip[12] = 10;
		ip[16] = 239;
	}
	put_be16(udp, from);
	put_be16(udp + 2, to);
	put_be16(udp + 4, 8 + payload);
	return udp + 8 + payload - frame;
}

void capture_udp(struct capture_file *file, uint64_t at_ns, uint16_t from, uint16_t to,
                 size_t payload, bool ipv6)
{
	uint8_t frame[16384];
	size_t length = udp_frame(frame, from, to, payload, ipv6);

	capture_packet(file, at_ns, frame, length, length);
}

void capture_write(struct capture_file *file, size_t size)
{
	FILE *stream = fopen(file->path, "we");

	if (!stream || fwrite(file->bytes, 1, size, stream) != size || fclose(stream))
		abort();
}

void capture_done(struct capture_file *file)
{
	unlink(file->path);
	free(file->bytes);
}
