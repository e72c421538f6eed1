/* SPDX-License-Identifier: GPL-2.0 */
/* Captures for tests, written byte by byte: no library that the reader under test uses as well. */
#ifndef CAPTURE_FILE_H
#define CAPTURE_FILE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct capture_file {
	char path[64];
	uint8_t *bytes;
	size_t size, room;
	bool pcapng, swapped, microseconds;
};

/* Both start an empty file: its link type as in the pcap specification (1: Ethernet). */
void capture_pcap(struct capture_file *file, uint32_t link, bool swapped, bool microseconds);
void capture_pcapng(struct capture_file *file, uint16_t link);
/* A packet of @length bytes, of which the first @captured are there. */
void capture_packet(struct capture_file *file, uint64_t at_ns, const uint8_t *frame,
                    size_t captured, size_t length);
/* A UDP packet with @payload bytes over IPv4, or IPv6. */
void capture_udp(struct capture_file *file, uint64_t at_ns, uint16_t from, uint16_t to,
                 size_t payload, bool ipv6);
/* Writes it, or its first @size bytes, to file->path, which capture_done removes. */
void capture_write(struct capture_file *file, size_t size);
void capture_done(struct capture_file *file);

/* An Ethernet frame of at most 16 KiB; returns its length. */
size_t udp_frame(uint8_t *frame, uint16_t from, uint16_t to, size_t payload, bool ipv6);

#endif
