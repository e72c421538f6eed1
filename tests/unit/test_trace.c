/* SPDX-License-Identifier: GPL-2.0 */
/* Traffic out of captures: gaps, sizes and flows are kept; what is not kept is counted. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "capture_file.h"
#include "paired.h"
#include "trace.h"

#define START_NS 1700000000123456789ULL
#define REQUESTS 300

static struct trace_options options_of(const struct capture_file *file)
{
	return (struct trace_options){ .path = file->path, .port = 7000, .speed = 1 };
}

static void replay(struct capture_file *file, const struct trace_options *options,
                   struct traffic *traffic)
{
	char why[512] = "";

	capture_write(file, file->size);
	if (traffic_replay(traffic, options, why, sizeof(why)))
		fail_msg("%s", why);
	assert_string_equal(why, "");
	assert_int_equal(traffic->gaps, TRAFFIC_RECORDED);
}

static void refused_as(const struct trace_options *options, int error, const char *word)
{
	struct traffic traffic = { .n_requests = 77 };
	char why[512] = "";

	assert_int_equal(traffic_replay(&traffic, options, why, sizeof(why)), error);
	assert_int_equal(traffic.n_requests, 77);
	if (!strstr(why, word) || strchr(why, '\n'))
		fail_msg("no single sentence with '%s': %s", word, why);
}

static size_t payload_of(const struct traffic *traffic, size_t i)
{
	return traffic->request[i].frame_size - 42;
}

/* ---- What is kept ------------------------------------------------------------------------- */

static uint64_t due(size_t i)
{
	return i * 100000 + i * i % 977;
}

static size_t size(size_t i)
{
	return 16 + i * 37 % 1400;
}

/* Requests of 7 flows, each answered, among other packets. */
static void fill(struct capture_file *file, uint64_t unit_ns)
{
	uint8_t frame[16384];
	size_t length;

	for (size_t i = 0; i < REQUESTS; i++) {
		uint64_t at_ns = START_NS / unit_ns * unit_ns + due(i) / unit_ns * unit_ns;

		capture_udp(file, at_ns, 30000 + i % 7, 7000, size(i), false);
		capture_udp(file, at_ns + unit_ns, 7000, 30000 + i % 7, 99, false);
		if (i % 3)
			continue;
		capture_udp(file, at_ns + unit_ns, 53, 53, 99, false);
		length = udp_frame(frame, 1, 7000, 64, false);
		frame[12] = 8;
		frame[13] = 6; /* ARP */
		capture_packet(file, at_ns, frame, length, length);
		length = udp_frame(frame, 1, 7000, 64, false);
		frame[23] = 6; /* TCP */
		capture_packet(file, at_ns, frame, length, length);
		length = udp_frame(frame, 1, 7000, 64, false);
		frame[20] = 0x20; /* more fragments */
		capture_packet(file, at_ns, frame, length, length);
		capture_packet(file, at_ns, frame, 30, 30);
	}
}

static void assert_kept(const struct traffic *traffic, uint64_t unit_ns)
{
	const struct traffic_trace *trace = &traffic->trace;

	assert_int_equal(traffic->n_requests, REQUESTS);
	assert_int_equal(traffic->n_flows, 7);
	for (size_t i = 0; i < REQUESTS; i++) {
		const struct traffic_request *request = &traffic->request[i];
		const struct frame_mark *mark = frame_find_mark(
			traffic->frames + request->frame_offset, request->frame_size, TRAFFIC_PORT);

		assert_int_equal(request->at_ns, due(i) / unit_ns * unit_ns);
		assert_int_equal(payload_of(traffic, i), size(i));
		assert_int_equal(request->flow, i % 7);
		assert_non_null(mark);
		assert_int_equal(frame_mark_id(mark), i);
	}
	assert_int_equal(trace->packets, 2 * REQUESTS + 5 * REQUESTS / 3);
	assert_int_equal(trace->requests, REQUESTS);
	assert_int_equal(trace->of_responses, REQUESTS);
	assert_int_equal(trace->other_ports, REQUESTS / 3);
	assert_int_equal(trace->not_ip, REQUESTS / 3);
	assert_int_equal(trace->not_udp, REQUESTS / 3);
	assert_int_equal(trace->fragments + trace->damaged, 2 * REQUESTS / 3);
	assert_int_equal(trace->truncated + trace->enlarged + trace->too_long + trace->ipv6 +
	                         trace->vlan + trace->reordered + trace->shared_flows,
	                 0);
}

static void test_every_kind_of_file_gives_the_same_block(void **state)
{
	for (int kind = 0; kind < 5; kind++) {
		bool microseconds = kind & 1;
		struct capture_file file;
		struct traffic traffic;
		struct trace_options options;

		if (kind == 4)
			capture_pcapng(&file, 1);
		else
			capture_pcap(&file, 1, kind & 2, microseconds);
		fill(&file, microseconds ? 1000 : 1);
		options = options_of(&file);
		replay(&file, &options, &traffic);
		assert_kept(&traffic, microseconds ? 1000 : 1);
		traffic_free(&traffic);
		capture_done(&file);
	}
}

static void test_the_speed_scales_the_gaps(void **state)
{
	const double speeds[] = { 1, 2, 0.5, 3 };
	struct capture_file file;
	struct trace_options options;
	struct traffic traffic;

	capture_pcap(&file, 1, false, false);
	fill(&file, 1);
	options = options_of(&file);
	options.work_ns = 777;
	for (int k = 0; k < 4; k++) {
		options.speed = speeds[k];
		replay(&file, &options, &traffic);
		for (size_t i = 0; i < REQUESTS; i++) {
			double error = traffic.request[i].at_ns - due(i) / speeds[k];

			assert_true(error >= -0.51 && error <= 0.51);
			assert_int_equal(traffic.request[i].work_ns, 777);
		}
		traffic_free(&traffic);
	}
	capture_done(&file);
}

static void test_a_long_capture_is_cut_into_parts(void **state)
{
	struct capture_file file;
	struct trace_options options;
	struct traffic traffic;

	capture_pcap(&file, 1, false, false);
	fill(&file, 1);
	options = options_of(&file);
	options.n_requests = 70;
	for (options.part = 0; options.part < 5; options.part++) {
		size_t first = options.part * 70, n = options.part == 4 ? 20 : 70;

		replay(&file, &options, &traffic);
		assert_int_equal(traffic.n_requests, n);
		assert_int_equal(traffic.trace.requests, REQUESTS);
		for (size_t i = 0; i < n; i++) {
			assert_int_equal(traffic.request[i].at_ns, due(first + i) - due(first));
			assert_int_equal(payload_of(&traffic, i), size(first + i));
		}
		traffic_free(&traffic);
	}
	refused_as(&options, -ENODATA, "300 requests to port 7000: there is no part 5 of 70");
	options.part = SIZE_MAX;
	refused_as(&options, -ENODATA, "there is no part");
	capture_done(&file);
}

/* ---- What is not kept as it was ----------------------------------------------------------- */

static void test_what_no_frame_can_have_is_counted(void **state)
{
	const size_t sizes[] = { 0, 15, 16, 1472, 1473, 8972, 1452 };
	struct capture_file file;
	struct trace_options options;
	struct traffic traffic;

	capture_pcap(&file, 1, false, false);
	for (size_t i = 0; i < 7; i++)
		capture_udp(&file, START_NS + i, 1, 7000, sizes[i], i == 6);
	options = options_of(&file);
	replay(&file, &options, &traffic);
	assert_int_equal(traffic.n_requests, 7);
	assert_int_equal(payload_of(&traffic, 0), 16);
	assert_int_equal(payload_of(&traffic, 1), 16);
	assert_int_equal(payload_of(&traffic, 2), 16);
	assert_int_equal(payload_of(&traffic, 3), 1472);
	assert_int_equal(payload_of(&traffic, 4), 1472);
	assert_int_equal(payload_of(&traffic, 5), 1472);
	assert_int_equal(payload_of(&traffic, 6), 1452);
	assert_int_equal(traffic.trace.enlarged, 2);
	assert_int_equal(traffic.trace.too_long, 2);
	assert_int_equal(traffic.trace.ipv6, 1);
	assert_int_equal(traffic.n_flows, 2);
	traffic_free(&traffic);
	capture_done(&file);
}

static void test_packets_cut_by_the_snap_length_keep_their_size(void **state)
{
	struct capture_file file;
	struct trace_options options;
	struct traffic traffic;
	uint8_t frame[16384];
	size_t length = udp_frame(frame, 1, 7000, 1000, false);

	capture_pcap(&file, 1, false, false);
	capture_packet(&file, START_NS, frame, 42, length); /* its headers */
	capture_packet(&file, START_NS + 5, frame, length - 1, length);
	capture_packet(&file, START_NS + 9, frame, length, length);
	capture_packet(&file, START_NS + 10, frame, 41, length);             /* not all headers */
	capture_packet(&file, START_NS + 10, frame, length - 5, length - 5); /* a lie */
	options = options_of(&file);
	replay(&file, &options, &traffic);
	assert_int_equal(traffic.n_requests, 3);
	for (size_t i = 0; i < 3; i++)
		assert_int_equal(payload_of(&traffic, i), 1000);
	assert_int_equal(traffic.trace.truncated, 2);
	assert_int_equal(traffic.trace.damaged, 2);
	traffic_free(&traffic);
	capture_done(&file);
}

static void test_vlan_tags_are_left_out(void **state)
{
	struct capture_file file;
	struct trace_options options;
	struct traffic traffic;
	uint8_t frame[16384], tagged[16384];
	size_t length = udp_frame(frame, 1, 7000, 200, false);

	memcpy(tagged, frame, 12);
	memcpy(tagged + 12, "\x81\x00\x00\x05", 4);
	memcpy(tagged + 16, frame + 12, length - 12);
	capture_pcap(&file, 1, false, false);
	capture_packet(&file, START_NS, tagged, length + 4, length + 4);
	capture_packet(&file, START_NS, frame, length, length);
	options = options_of(&file);
	replay(&file, &options, &traffic);
	assert_int_equal(traffic.request[0].frame_size, length);
	assert_int_equal(traffic.trace.vlan, 1);
	assert_int_equal(traffic.n_flows, 1);
	traffic_free(&traffic);
	capture_done(&file);
}

static void test_links_without_ethernet_are_understood(void **state)
{
	const struct {
		uint32_t link;
		size_t header, protocol; /* protocol: offset of the EtherType, or 99 */
	} links[] = {
		{ 113, 16, 14 }, { 276, 20, 0 }, { 101, 0, 99 }, { 228, 0, 99 }, { 0, 4, 99 }
	};
	uint8_t frame[16384], packet[16384];
	size_t length = udp_frame(frame, 1, 7000, 300, false) - 14;

	for (size_t k = 0; k < 5; k++) {
		size_t header = links[k].header;
		struct capture_file file;
		struct trace_options options;
		struct traffic traffic;

		memset(packet, 0, sizeof(packet));
		if (links[k].protocol != 99)
			packet[links[k].protocol] = 8;
		memcpy(packet + header, frame + 14, length);
		capture_pcap(&file, links[k].link, false, false);
		capture_packet(&file, START_NS, packet, length + header, length + header);
		options = options_of(&file);
		replay(&file, &options, &traffic);
		assert_int_equal(traffic.n_requests, 1);
		assert_int_equal(payload_of(&traffic, 0), 300);
		traffic_free(&traffic);
		capture_done(&file);
	}
}

static void test_requests_are_sent_in_order_of_time(void **state)
{
	const uint64_t at[] = { 500, 100, 300, 300, 900, 0 };
	const uint64_t sorted[] = { 0, 100, 300, 300, 500, 900 };
	const size_t from[] = { 5, 1, 2, 3, 0, 4 };
	struct capture_file file;
	struct trace_options options;
	struct traffic traffic;

	capture_pcap(&file, 1, false, false);
	for (size_t i = 0; i < 6; i++)
		capture_udp(&file, START_NS + at[i], 1, 7000, 100 + i, false);
	options = options_of(&file);
	replay(&file, &options, &traffic);
	for (size_t i = 0; i < 6; i++) {
		assert_int_equal(traffic.request[i].at_ns, sorted[i]);
		assert_int_equal(payload_of(&traffic, i), 100 + from[i]);
	}
	assert_int_equal(traffic.trace.reordered, 2);
	traffic_free(&traffic);
	capture_done(&file);
}

static void test_flows_beyond_the_ports_share_one(void **state)
{
	struct capture_file file;
	struct trace_options options;
	struct traffic traffic;
	uint8_t frame[256];
	size_t length;

	capture_pcap(&file, 1, false, false);
	for (size_t i = 0; i < 60000; i++) {
		length = udp_frame(frame, 1 + i % 1000, 7000, 16, false);
		frame[26 + 3] = i / 1000; /* the client's address */
		capture_packet(&file, START_NS + i, frame, length, length);
	}
	options = options_of(&file);
	replay(&file, &options, &traffic);
	assert_int_equal(traffic.n_requests, 60000);
	assert_int_equal(traffic.n_flows, TRAFFIC_FLOWS_MAX);
	assert_int_equal(traffic.trace.shared_flows, 60000 - TRAFFIC_FLOWS_MAX);
	for (size_t i = 0; i < 60000; i++)
		assert_true(i < TRAFFIC_FLOWS_MAX ? traffic.request[i].flow == i
		                                  : traffic.request[i].flow < TRAFFIC_FLOWS_MAX);
	traffic_free(&traffic);
	capture_done(&file);
}

static void test_the_hash_is_that_of_sha256sum(void **state)
{
	struct capture_file file;
	struct trace_options options;
	struct traffic traffic;
	char command[128], expected[65] = "";
	FILE *pipe;

	capture_pcap(&file, 1, false, false);
	fill(&file, 1);
	options = options_of(&file);
	replay(&file, &options, &traffic);
	snprintf(command, sizeof(command), "sha256sum %s", file.path);
	pipe = popen(command, "re");
	assert_non_null(pipe);
	assert_int_equal(fread(expected, 1, 64, pipe), 64);
	pclose(pipe);
	assert_string_equal(traffic.trace.sha256, expected);
	traffic_free(&traffic);
	capture_done(&file);
}

/* ---- Refusals ----------------------------------------------------------------------------- */

static void test_files_that_are_no_capture_are_refused(void **state)
{
	struct trace_options options = { .port = 7000, .speed = 1, .path = "/nowhere/x.pcap" };
	struct capture_file file;
	char fifo[] = "/tmp/ktax-fifo.XXXXXX";

	refused_as(&options, -ENOENT, "cannot open the trace: No such file or directory");
	options.path = "/tmp";
	refused_as(&options, -EISDIR, "Is a directory");
	close(mkstemp(fifo));
	unlink(fifo);
	assert_int_equal(mkfifo(fifo, 0600), 0);
	options.path = fifo;
	refused_as(&options, -EINVAL, "no regular file");
	unlink(fifo);
	capture_pcap(&file, 1, false, false);
	options.path = file.path;
	capture_write(&file, 0);
	refused_as(&options, -EBADMSG, "no pcap or pcapng file");
	memcpy(file.bytes, "hello, world! hello", 20);
	capture_write(&file, 24);
	refused_as(&options, -EBADMSG, "no pcap or pcapng file");
	capture_done(&file);
	capture_pcap(&file, 105, false, false);
	options.path = file.path;
	capture_write(&file, file.size);
	refused_as(&options, -EPROTONOSUPPORT, "IEEE802_11 (105)");
	capture_done(&file);
}

static void test_captures_without_requests_are_refused(void **state)
{
	struct capture_file file;
	struct trace_options options;

	capture_pcap(&file, 1, false, false);
	options = options_of(&file);
	capture_write(&file, file.size);
	refused_as(&options, -ENODATA, "no UDP packets among its 0 packets");
	capture_udp(&file, START_NS, 1, 6000, 100, false);
	capture_udp(&file, START_NS, 1, 5000, 100, false);
	capture_udp(&file, START_NS, 1, 5000, 100, false);
	capture_write(&file, file.size);
	refused_as(&options, -ENODATA, "no UDP packets to port 7000; most are to port 5000");
	options.port = 0;
	refused_as(&options, -EINVAL, "port is not known");
	capture_done(&file);
}

static void test_blocks_that_would_not_end_are_refused(void **state)
{
	struct capture_file file;
	struct trace_options options;
	struct traffic traffic;

	capture_pcap(&file, 1, false, false);
	capture_udp(&file, START_NS, 1, 7000, 100, false);
	capture_udp(&file, START_NS + 3601000000000, 1, 7000, 100, false);
	options = options_of(&file);
	capture_write(&file, file.size);
	refused_as(&options, -ERANGE, "take 3601 s");
	options.speed = 1e-300;
	refused_as(&options, -ERANGE, "take a part");
	options.speed = 0;
	refused_as(&options, -EINVAL, "speed");
	options.speed = 2;
	replay(&file, &options, &traffic);
	assert_int_equal(traffic_duration_ns(&traffic), 1800500000000);
	traffic_free(&traffic);
	capture_done(&file);
}

/* Either a sound block or a sentence. */
static void bear(const struct capture_file *file)
{
	struct trace_options options = options_of(file);
	struct traffic traffic;
	char why[512] = "";
	int err = traffic_replay(&traffic, &options, why, sizeof(why));

	if (err) {
		assert_true(why[0] && !strchr(why, '\n'));
		return;
	}
	for (size_t i = 0; i < traffic.n_requests; i++)
		assert_non_null(frame_find_mark(traffic.frames + traffic.request[i].frame_offset,
		                                traffic.request[i].frame_size, TRAFFIC_PORT));
	traffic_free(&traffic);
}

static void start(struct capture_file *file, int kind)
{
	if (kind)
		capture_pcapng(file, 1);
	else
		capture_pcap(file, 1, false, false);
	for (size_t i = 0; i < 6; i++)
		capture_udp(file, START_NS + i, 1 + i, 7000, 20 * i, i % 2);
}

static void test_files_that_are_cut_off_are_borne(void **state)
{
	for (int kind = 0; kind < 2; kind++) {
		struct capture_file file;

		start(&file, kind);
		for (size_t cut = 0; cut < file.size; cut++) {
			capture_write(&file, cut);
			bear(&file);
		}
		capture_write(&file, file.size - 3);
		refused_as(&(struct trace_options){ .path = file.path, .port = 7000, .speed = 1 },
		           -EBADMSG, "damaged after packet 5");
		capture_done(&file);
	}
}

static void test_files_that_are_damaged_are_borne(void **state)
{
	struct paired_order order;

	paired_order_init(&order, 3);
	for (int kind = 0; kind < 2; kind++) {
		struct capture_file file;
		uint8_t good[4096];

		start(&file, kind);
		assert_true(file.size < sizeof(good));
		memcpy(good, file.bytes, file.size);
		for (int trial = 0; trial < 2000; trial++) {
			size_t changes = 1 + paired_order_draw(&order, 5);

			memcpy(file.bytes, good, file.size);
			while (changes--)
				file.bytes[paired_order_draw(&order, file.size)] =
					paired_order_draw(&order, 256);
			capture_write(&file, file.size);
			bear(&file);
		}
		capture_done(&file);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_every_kind_of_file_gives_the_same_block),
		cmocka_unit_test(test_the_speed_scales_the_gaps),
		cmocka_unit_test(test_a_long_capture_is_cut_into_parts),
		cmocka_unit_test(test_what_no_frame_can_have_is_counted),
		cmocka_unit_test(test_packets_cut_by_the_snap_length_keep_their_size),
		cmocka_unit_test(test_vlan_tags_are_left_out),
		cmocka_unit_test(test_links_without_ethernet_are_understood),
		cmocka_unit_test(test_requests_are_sent_in_order_of_time),
		cmocka_unit_test(test_flows_beyond_the_ports_share_one),
		cmocka_unit_test(test_the_hash_is_that_of_sha256sum),
		cmocka_unit_test(test_files_that_are_no_capture_are_refused),
		cmocka_unit_test(test_captures_without_requests_are_refused),
		cmocka_unit_test(test_blocks_that_would_not_end_are_refused),
		cmocka_unit_test(test_files_that_are_cut_off_are_borne),
		cmocka_unit_test(test_files_that_are_damaged_are_borne),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
