/* SPDX-License-Identifier: GPL-2.0 */
/* Frames: checksums computed another way, epochs, reflection, VLAN, hostile frames. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <arpa/inet.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "frame.h"
#include "paired.h"

static const struct frame_flow ipv4_flow = {
	.client = { .mac = { 2, 0, 0, 0, 0, 1 }, .ip = { 10, 1, 2, 3 }, .port = 40001 },
	.server = { .mac = { 2, 0, 0, 0, 0, 2 }, .ip = { 10, 1, 2, 4 }, .port = 7000 },
};
static const struct frame_flow ipv6_flow = {
	.client = { .mac = { 2, 0, 0, 0, 0, 1 }, .ip = { 0xfd, [15] = 1 }, .port = 40001 },
	.server = { .mac = { 2, 0, 0, 0, 0, 2 }, .ip = { 0xfd, [15] = 2 }, .port = 7000 },
	.ipv6 = true,
};

/* ---- Checksums, computed from the end with immediate end-around carry ---------------------- */

static uint32_t add_carry(uint32_t sum, uint32_t word)
{
	sum += word;
	return sum > 0xffff ? sum - 0xffff : sum;
}

static uint32_t sum_backwards(const uint8_t *bytes, size_t length, uint32_t sum)
{
	while (length--)
		sum = add_carry(sum, length % 2 ? bytes[length] : (uint32_t)bytes[length] << 8);
	return sum;
}

static void assert_checksums_hold(const uint8_t *frame, size_t length)
{
	bool ipv6 = frame[14] >> 4 == 6;
	size_t udp = ipv6 ? 54 : 34, address = ipv6 ? 22 : 26;
	uint32_t sum = add_carry(17, length - udp);

	if (!ipv6)
		assert_int_equal(sum_backwards(frame + 14, 20, 0), 0xffff);
	assert_true(frame[udp + 6] || frame[udp + 7]);
	sum = sum_backwards(frame + address, udp - address, sum);
	assert_int_equal(sum_backwards(frame + udp, length - udp, sum), 0xffff);
}

/* The headers' lengths say what the frame's is. */
static void assert_lengths_hold(const uint8_t *frame, size_t length)
{
	bool ipv6 = frame[14] >> 4 == 6;
	size_t udp = ipv6 ? 54 : 34;

	assert_int_equal(frame[udp + 4] << 8 | frame[udp + 5], length - udp);
	if (ipv6)
		assert_int_equal(frame[18] << 8 | frame[19], length - 54);
	else
		assert_int_equal(frame[16] << 8 | frame[17], length - 14);
}

static void check_frames_of(const struct frame_flow *flow)
{
	uint8_t frame[FRAME_MAX];

	for (size_t payload = FRAME_MARK_SIZE; payload <= frame_payload_max(flow->ipv6);
	     payload++) {
		int length = frame_build(frame, flow, FRAME_REQUEST, payload * 40503, 7, payload);

		assert_int_equal(length, 14 + (flow->ipv6 ? 40 : 20) + 8 + payload);
		assert_lengths_hold(frame, length);
		assert_checksums_hold(frame, length);
	}
}

static void test_frames_have_valid_checksums_at_every_size(void **state)
{
	check_frames_of(&ipv4_flow);
	check_frames_of(&ipv6_flow);
}

/* A frame whose checksum comes out as 0 must say 0xffff. */
static void test_no_frame_has_a_zero_checksum(void **state)
{
	uint8_t frame[FRAME_MAX];

	for (uint32_t id = 0; id < 0x10000; id++)
		assert_checksums_hold(frame,
		                      frame_build(frame, &ipv6_flow, FRAME_REQUEST, id, 0, 16));
}

static void test_sizes_that_no_frame_has_are_refused(void **state)
{
	uint8_t frame[FRAME_MAX];

	assert_int_equal(frame_build(frame, &ipv4_flow, FRAME_REQUEST, 0, 0, 15), -EMSGSIZE);
	assert_int_equal(frame_build(frame, &ipv4_flow, FRAME_REQUEST, 0, 0, 1472), FRAME_MAX);
	assert_int_equal(frame_build(frame, &ipv4_flow, FRAME_REQUEST, 0, 0, 1473), -EMSGSIZE);
	assert_int_equal(frame_build(frame, &ipv6_flow, FRAME_REQUEST, 0, 0, 1452), FRAME_MAX);
	assert_int_equal(frame_build(frame, &ipv6_flow, FRAME_REQUEST, 0, 0, 1453), -EMSGSIZE);
	assert_int_equal(frame_build(frame, &ipv4_flow, FRAME_REQUEST, 0, 0, SIZE_MAX), -EMSGSIZE);
}

/* ---- Marks -------------------------------------------------------------------------------- */

static void check_epochs_of(const struct frame_flow *flow)
{
	uint8_t frame[FRAME_MAX], before[FRAME_MAX];
	int length = frame_build(frame, flow, FRAME_REQUEST, 12345, 7, 100);
	size_t mark_at = length - 100;

	memcpy(before, frame, length);
	for (uint32_t epoch = 0; epoch <= 0xffff; epoch++) {
		const struct frame_mark *mark;

		frame_set_epoch(frame, length, epoch);
		mark = frame_find_mark(frame, length, 7000);
		assert_ptr_equal(mark, frame + mark_at);
		assert_int_equal(frame_mark_epoch(mark), epoch);
		assert_int_equal(frame_mark_id(mark), 12345);
		assert_int_equal(ntohs(mark->flow), 7);
		assert_int_equal(mark->kind, FRAME_REQUEST);
		assert_checksums_hold(frame, length);
	}
	/* Nothing but the epoch changed. */
	memset(frame + mark_at + 8, 0, 4);
	memset(before + mark_at + 8, 0, 4);
	assert_memory_equal(frame, before, length);
}

static void test_an_epoch_leaves_the_checksum_valid(void **state)
{
	check_epochs_of(&ipv4_flow);
	check_epochs_of(&ipv6_flow);
}

static void test_epochs_are_not_set_beyond_the_frame(void **state)
{
	uint8_t built[FRAME_MAX];
	int length = frame_build(built, &ipv4_flow, FRAME_REQUEST, 1, 0, 16);

	for (int cut = 0; cut < length; cut++) {
		uint8_t *frame = malloc(cut + !cut);

		memcpy(frame, built, cut);
		frame_set_epoch(frame, cut, 0x1234);
		assert_memory_equal(frame, built, cut);
		free(frame);
	}
}

static void test_marks_are_found_by_port(void **state)
{
	uint8_t frame[FRAME_MAX];
	int length = frame_build(frame, &ipv4_flow, FRAME_STOP, 9, 0, 64);
	const struct frame_mark *mark = frame_find_mark(frame, length, 0);

	assert_non_null(mark);
	assert_int_equal(mark->kind, FRAME_STOP);
	assert_non_null(frame_find_mark(frame, length, 7000));
	assert_null(frame_find_mark(frame, length, 7001));
	assert_null(frame_find_mark(frame, length, 40001));
	assert_ptr_equal(frame_payload_mark(frame + 42, 64), mark);
	assert_null(frame_payload_mark(frame + 42, 15));
	assert_null(frame_payload_mark(frame + 41, 64));
}

/* Puts VLAN tags of @types before the EtherType. */
static size_t tag(uint8_t *tagged, const uint8_t *frame, size_t length, const uint16_t *types,
                  size_t n)
{
	size_t at = 12;

	memcpy(tagged, frame, 12);
	for (size_t i = 0; i < n; i++) {
		tagged[at++] = types[i] >> 8;
		tagged[at++] = types[i] & 0xff;
		tagged[at++] = 0;
		tagged[at++] = 100 + i;
	}
	memcpy(tagged + at, frame + 12, length - 12);
	return at + length - 12;
}

static void test_marks_are_found_behind_vlan_tags(void **state)
{
	const uint16_t types[] = { 0x88a8, 0x8100, 0x8100, 0x9100, 0x8100 };
	const struct frame_flow *flows[] = { &ipv4_flow, &ipv6_flow };
	uint8_t frame[FRAME_MAX], tagged[FRAME_MAX];

	for (int f = 0; f < 2; f++) {
		int length = frame_build(frame, flows[f], FRAME_REQUEST, 77, 0, 64);

		for (size_t n = 0; n <= 4; n++) {
			size_t size = tag(tagged, frame, length, types, n);
			const struct frame_mark *mark = frame_find_mark(tagged, size, 7000);

			assert_non_null(mark);
			assert_int_equal(frame_mark_id(mark), 77);
			frame_reflect(tagged, size);
			assert_non_null(frame_find_mark(tagged, size, 40001));
		}
		/* More tags than any network has. */
		assert_null(frame_find_mark(tagged, tag(tagged, frame, length, types, 5), 0));
	}
}

static void test_marks_are_found_behind_extension_headers(void **state)
{
	uint8_t frame[FRAME_MAX], longer[FRAME_MAX] = { 0 };
	int length = frame_build(frame, &ipv6_flow, FRAME_REQUEST, 5, 0, 64);
	struct frame_layout layout;

	memcpy(longer, frame, 54);
	memcpy(longer + 70, frame + 54, length - 54);
	longer[20] = 0; /* hop-by-hop, of 16 bytes */
	longer[18 + 1] = 64 + 8 + 16;
	longer[54] = 17;
	longer[55] = 1;
	assert_non_null(frame_find_mark(longer, length + 16, 7000));
	assert_int_equal(frame_parse(longer, length + 16, &layout), FRAME_UDP);
	assert_int_equal(layout.udp, 70);
	longer[20] = 44; /* a fragment header has 8 bytes, but that is not looked at */
	assert_int_equal(frame_parse(longer, length + 16, &layout), FRAME_FRAGMENT);
	assert_null(frame_find_mark(longer, length + 16, 0));
	longer[20] = 50; /* ESP */
	assert_int_equal(frame_parse(longer, length + 16, &layout), FRAME_NOT_UDP);
}

static void test_frames_are_classified(void **state)
{
	uint8_t good[FRAME_MAX], frame[FRAME_MAX];
	int length = frame_build(good, &ipv4_flow, FRAME_REQUEST, 5, 0, 64);
	const struct {
		size_t at;
		uint8_t byte;
		enum frame_class class;
	} changes[] = {
		{ 13, 0x06, FRAME_NOT_IP },   /* ARP */
		{ 23, 6, FRAME_NOT_UDP },     /* TCP */
		{ 20, 0x20, FRAME_FRAGMENT }, /* more fragments */
		{ 21, 0x01, FRAME_FRAGMENT }, /* an offset */
		{ 14, 0x44, FRAME_DAMAGED },  /* a header of 16 bytes */
		{ 14, 0x65, FRAME_DAMAGED },  /* version 6 where IPv4 was announced */
		{ 17, 19, FRAME_DAMAGED },    /* shorter than its header */
		{ 17, 20, FRAME_DAMAGED },    /* no room for UDP */
		{ 39, 7, FRAME_DAMAGED },     /* shorter than the UDP header */
		{ 38, 0xff, FRAME_DAMAGED },  /* longer than the packet */
		{ 15, 0xff, FRAME_UDP },      /* DSCP */
	};
	struct frame_layout layout;

	for (size_t i = 0; i < sizeof(changes) / sizeof(changes[0]); i++) {
		memcpy(frame, good, length);
		frame[changes[i].at] = changes[i].byte;
		assert_int_equal(frame_parse(frame, length, &layout), changes[i].class);
		assert_true(changes[i].class == FRAME_UDP || !frame_find_mark(frame, length, 0));
	}
	assert_int_equal(frame_parse_ip(good + 14, length - 14, 0, &layout), FRAME_UDP);
	assert_int_equal(layout.payload_size, 64);
	assert_int_equal(frame_parse_ip(good, length, 14, &layout), FRAME_UDP);
	assert_int_equal(frame_parse_ip(good, 14, 14, &layout), FRAME_DAMAGED);
}

/* ---- Reflection --------------------------------------------------------------------------- */

static void check_reflection_of(const struct frame_flow *flow)
{
	uint8_t frame[FRAME_MAX], request[FRAME_MAX], expected[FRAME_MAX];
	struct frame_flow back = { .client = flow->server,
		                   .server = flow->client,
		                   .ipv6 = flow->ipv6 };
	int length = frame_build(frame, flow, FRAME_REQUEST, 12345, 7, 333);

	memcpy(request, frame, length);
	frame_reflect(frame, length);
	assert_checksums_hold(frame, length);
	frame_build(expected, &back, FRAME_REQUEST, 12345, 7, 333);
	assert_memory_equal(frame, expected, length);
	assert_non_null(frame_find_mark(frame, length, flow->client.port));
	frame_reflect(frame, length);
	assert_memory_equal(frame, request, length);
}

static void test_a_response_is_a_request_the_other_way(void **state)
{
	check_reflection_of(&ipv4_flow);
	check_reflection_of(&ipv6_flow);
}

/* ---- Hostile frames ----------------------------------------------------------------------- */

/* On memory of exactly its size, where a sanitizer sees a byte beyond. */
static void read_frame(const uint8_t *bytes, size_t length)
{
	uint8_t *frame = malloc(length + !length);
	const struct frame_mark *mark;
	struct frame_layout layout;

	memcpy(frame, bytes, length);
	mark = frame_find_mark(frame, length, 0);
	if (mark) {
		assert_true((const uint8_t *)mark >= frame + 42);
		assert_true((const uint8_t *)mark + FRAME_MARK_SIZE <= frame + length);
	}
	if (frame_parse(frame, length, &layout) == FRAME_UDP)
		assert_true(layout.payload <= length && layout.payload == layout.udp + 8);
	frame_parse_ip(frame, length, 14, &layout);
	frame_payload_mark(frame, length);
	frame_reflect(frame, length);
	frame_reflect(frame, length);
	assert_memory_equal(frame, bytes, length);
	frame_set_epoch(frame, length, 1);
	free(frame);
}

static void test_cut_frames_are_not_read_beyond_their_end(void **state)
{
	const struct frame_flow *flows[] = { &ipv4_flow, &ipv6_flow };
	const uint16_t types[] = { 0x8100, 0x8100 };
	uint8_t frame[FRAME_MAX], tagged[FRAME_MAX];

	for (int f = 0; f < 2; f++) {
		int length = frame_build(frame, flows[f], FRAME_REQUEST, 5, 0, 64);

		for (int cut = 0; cut <= length; cut++) {
			read_frame(frame, cut);
			assert_true(cut == length || !frame_find_mark(frame, cut, 0));
		}
		length = (int)tag(tagged, frame, length, types, 2);
		for (int cut = 0; cut <= length; cut++)
			read_frame(tagged, cut);
	}
}

static void test_damaged_frames_are_not_read_beyond_their_end(void **state)
{
	const struct frame_flow *flows[] = { &ipv4_flow, &ipv6_flow };
	uint8_t good[FRAME_MAX], frame[FRAME_MAX];
	struct paired_order order;

	paired_order_init(&order, 1);
	for (int trial = 0; trial < 200000; trial++) {
		const struct frame_flow *flow = flows[trial % 2];
		size_t length = frame_build(good, flow, FRAME_REQUEST, 5, 0, 32);
		size_t changes = 1 + paired_order_draw(&order, 4);

		memcpy(frame, good, length);
		while (changes--) /* most of them in the headers */
			frame[12 + paired_order_draw(&order, 56)] = paired_order_draw(&order, 256);
		read_frame(frame, length - paired_order_draw(&order, 8));
	}
}

static void test_random_bytes_are_not_read_beyond_their_end(void **state)
{
	uint8_t frame[128];
	struct paired_order order;

	paired_order_init(&order, 2);
	for (int trial = 0; trial < 100000; trial++) {
		for (size_t i = 0; i < sizeof(frame); i++)
			frame[i] = paired_order_draw(&order, 256);
		if (trial % 2) {
			frame[12] = trial % 4 == 1 ? 0x86 : 0x08;
			frame[13] = trial % 4 == 1 ? 0xdd : 0x00;
		}
		read_frame(frame, paired_order_draw(&order, sizeof(frame) + 1));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_frames_have_valid_checksums_at_every_size),
		cmocka_unit_test(test_no_frame_has_a_zero_checksum),
		cmocka_unit_test(test_sizes_that_no_frame_has_are_refused),
		cmocka_unit_test(test_an_epoch_leaves_the_checksum_valid),
		cmocka_unit_test(test_epochs_are_not_set_beyond_the_frame),
		cmocka_unit_test(test_marks_are_found_by_port),
		cmocka_unit_test(test_marks_are_found_behind_vlan_tags),
		cmocka_unit_test(test_marks_are_found_behind_extension_headers),
		cmocka_unit_test(test_frames_are_classified),
		cmocka_unit_test(test_a_response_is_a_request_the_other_way),
		cmocka_unit_test(test_cut_frames_are_not_read_beyond_their_end),
		cmocka_unit_test(test_damaged_frames_are_not_read_beyond_their_end),
		cmocka_unit_test(test_random_bytes_are_not_read_beyond_their_end),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
