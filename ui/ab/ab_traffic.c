// SPDX-License-Identifier: GPL-2.0
#include "ab_traffic.h"

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "error.h"
#include "frame.h"
#include "recording.h"
#include "work.h"

#define RATE_DEFAULT    20000 /* per second */
#define BLOCK_LEAST     1000  /* requests */
#define WORK_LONGEST_NS 1000000000
#define BUSY_SHARE      0.8        /* of the responder's time, from which on requests queue */
#define WORK_SEED       0x6b726f77 /* not the seed of the gaps */
#define PAYLOAD_MOST    1452
#define WEIGHT_MOST     1000000
#define SIZES_TEXT_MAX  128
#define SPEED_LEAST     0.001
#define SPEED_MOST      1000

const struct ab_traffic ab_traffic_default = {
	.shape = { .rate_pps = RATE_DEFAULT,
	           .gaps = TRAFFIC_POISSON,
	           .burst = 8,
	           .n_flows = 16,
	           .size = { { 64, 1 } },
	           .n_sizes = 1 },
	.trace = { .port = TRAFFIC_PORT, .speed = 1 },
};

/* ---- Options -------------------------------------------------------------------------------- */

static int parse_gaps(const char *text, enum traffic_gaps *ret_gaps)
{
	static const char *const names[] = { [TRAFFIC_CONSTANT] = "constant",
		                             [TRAFFIC_POISSON] = "poisson",
		                             [TRAFFIC_BURSTS] = "bursts" };

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (!strcmp(text, names[i])) {
			*ret_gaps = i;
			return 0;
		}
	return -EINVAL;
}

/* "BYTES", "BYTES:WEIGHT" */
static int parse_size(char *text, struct traffic_size *ret_size)
{
	char *weight = text, *bytes = strsep(&weight, ":");
	uint64_t number = 0, weighs = 1;

	if (option_integer(bytes, FRAME_MARK_SIZE, PAYLOAD_MOST, &number) ||
	    (weight && option_integer(weight, 1, WEIGHT_MOST, &weighs)))
		return -EINVAL;
	*ret_size = (struct traffic_size){ (uint16_t)number, (double)weighs };
	return 0;
}

/* As many as the shape has room for, separated by commas. */
static int parse_sizes(const char *text, struct traffic_shape *shape)
{
	char copy[SIZES_TEXT_MAX], *rest = copy, *size;

	if (snprintf(copy, sizeof(copy), "%s", text) >= (int)sizeof(copy))
		return -EINVAL;
	shape->n_sizes = 0;
	while ((size = strsep(&rest, ",")))
		if (shape->n_sizes == TRAFFIC_SIZES_MAX ||
		    parse_size(size, &shape->size[shape->n_sizes++]))
			return -EINVAL;
	return 0;
}

/* A time, or else a recording: no file's name is a number and a unit. */
static const char *take_work(struct ab_traffic *wanted, const char *value)
{
	uint64_t number = 0;
	int err = option_duration(value, &number);

	wanted->work_recording = NULL;
	wanted->shape.work_ns = 0;
	if (!err && number <= WORK_LONGEST_NS) {
		wanted->shape.work_ns = number;
		return NULL;
	}
	if (!err || !*value)
		return "a time, 1s at most, or a recording";
	wanted->work_recording = value;
	return NULL;
}

static const char *take_synthetic(struct traffic_shape *shape, int option, const char *value)
{
	uint64_t number = 0;

	switch (option) {
	case AB_TRAFFIC_RATE:
		return option_number(value, 1, TRAFFIC_RATE_MAX, &shape->rate_pps)
		               ? "a rate, 1 to 50000000"
		               : NULL;
	case AB_TRAFFIC_GAPS:
		return parse_gaps(value, &shape->gaps) ? "poisson, constant or bursts" : NULL;
	case AB_TRAFFIC_FLOWS:
		if (option_integer(value, 1, 10000, &number))
			return "a number, 1 to 10000";
		shape->n_flows = number;
		return NULL;
	case AB_TRAFFIC_SIZE:
		return parse_sizes(value, shape)
		               ? "payloads of 16 to 1452 bytes, 8 at most, as in 64:7,512:4,1400:1"
		               : NULL;
	}
	return NULL;
}

static const char *take_trace(struct trace_options *trace, int option, const char *value)
{
	uint64_t number = 0;

	switch (option) {
	case AB_TRAFFIC_TRACE:
		trace->path = value;
		return *value ? NULL : "a file";
	case AB_TRAFFIC_TRACE_PORT:
		if (option_integer(value, 1, 65535, &number))
			return "a port, 1 to 65535";
		trace->port = number;
		return NULL;
	case AB_TRAFFIC_SPEED:
		return option_number(value, SPEED_LEAST, SPEED_MOST, &trace->speed)
		               ? "a factor, 0.001 to 1000"
		               : NULL;
	case AB_TRAFFIC_PART:
		if (option_integer(value, 0, UINT32_MAX, &number))
			return "a number, from 0 on";
		trace->part = number;
		return NULL;
	}
	return NULL;
}

const char *ab_traffic_take(struct ab_traffic *wanted, int option, const char *value)
{
	wanted->given |= 1u << (option - AB_TRAFFIC_RATE);
	if (option == AB_TRAFFIC_WORK)
		return take_work(wanted, value);
	if (option >= AB_TRAFFIC_TRACE)
		return take_trace(&wanted->trace, option, value);
	return take_synthetic(&wanted->shape, option, value);
}

static bool is_given(const struct ab_traffic *wanted, enum ab_traffic_option option)
{
	return wanted->given & 1u << (option - AB_TRAFFIC_RATE);
}

int ab_traffic_check(const struct ab_traffic *wanted)
{
	static const char *const names[] = { "rate", "gaps", "flows", "size" };
	static const char *const of_trace[] = { "trace-port", "speed", "part" };

	for (int i = 0; wanted->trace.path && i < 4; i++)
		if (is_given(wanted, AB_TRAFFIC_RATE + i))
			return error_usage("ab",
			                   "--%s is for made-up traffic: a trace has its own%s",
			                   names[i], i ? "" : " (see --speed)");
	for (int i = 0; !wanted->trace.path && i < 3; i++)
		if (is_given(wanted, AB_TRAFFIC_TRACE_PORT + i))
			return error_usage("ab", "--%s is for --trace", of_trace[i]);
	return -1;
}

/* ---- Work out of a recording ---------------------------------------------------------------- */

/* On the CPU for the request, but for the kernel's part in sending and receiving it. */
static const enum ktax_account work_accounts[] = { KTAX_APP, KTAX_APP_KERNEL, KTAX_SERIALIZE,
	                                           KTAX_TLS };

/* What goes into JSON and onto a terminal. */
static void make_printable(char *text)
{
	for (; *text; text++)
		if (*text < ' ' || *text > '~')
			*text = '?';
}

static int draw_work(const struct ab_traffic *wanted, const struct recording *recording,
                     uint64_t seed, struct traffic *traffic)
{
	const struct recording_ledger *ledger = &recording->ledgers[0];
	struct work_times times = { .requests = ledger->requests };
	int err;

	for (size_t i = 0; i < sizeof(work_accounts) / sizeof(work_accounts[0]); i++)
		times.histogram[times.n++] = &ledger->account[work_accounts[i]];
	err = traffic_draw_work(traffic, &times, seed ^ WORK_SEED);
	snprintf(traffic->work_from, sizeof(traffic->work_from), "%.160s, %.90s",
	         wanted->work_recording, ledger->endpoint.name);
	make_printable(traffic->work_from);
	return err;
}

static int take_work_of_recording(const struct ab_traffic *wanted, uint64_t seed,
                                  struct traffic *traffic)
{
	struct recording *recording;
	int err = recording_read(&wanted->work_recording, 1, &recording, NULL);

	if (!err) {
		err = recording->n_ledgers && recording->ledgers[0].requests
		              ? draw_work(wanted, recording, seed, traffic)
		              : -ENODATA;
		recording_free(recording);
	}
	if (!err)
		return -1;
	return error_print(&(struct failure){
		.error = err,
		.subject = wanted->work_recording,
		.doing = "take the work from it",
		.cause = err == -EINVAL || err == -ENODATA ? "it has no requests" : NULL,
		.remedy = err == -ENOENT ? "--work takes a time, such as 20us, or a recording "
	                                   "(ktax record)"
	                                 : NULL });
}

/* ---- Making it ------------------------------------------------------------------------------ */

static int replay(const struct ab_traffic *wanted, size_t n_requests, struct traffic *traffic)
{
	struct trace_options options = wanted->trace;
	char why[512];
	int err;

	options.n_requests = n_requests;
	options.work_ns = wanted->shape.work_ns;
	err = traffic_replay(traffic, &options, why, sizeof(why));
	if (!err && traffic->n_requests < BLOCK_LEAST) {
		snprintf(why, sizeof(why),
		         "%zu requests to port %u are there, and a block takes %d at least",
		         traffic->n_requests, options.port, BLOCK_LEAST);
		traffic_free(traffic);
		err = -ENODATA;
	}
	if (!err)
		return -1;
	return error_print(&(struct failure){
		.error = err,
		.subject = options.path,
		.doing = "replay it",
		.cause = why,
		.remedy = err == -ENODATA ? "name the server's port with --trace-port, or capture "
	                                    "for longer"
	                                  : NULL });
}

static int synthesize(const struct ab_traffic *wanted, size_t n_requests, uint64_t seed,
                      struct traffic *traffic)
{
	struct traffic_shape shape = wanted->shape;
	int err;

	shape.n_requests = n_requests;
	shape.seed = seed;
	err = traffic_synthesize(traffic, &shape);
	if (!err)
		return -1;
	return error_print(&(struct failure){ .error = err, .doing = "make the traffic" });
}

/* One responder works on one request at a time. */
static void complain_of_work(const struct traffic *traffic)
{
	double work_ns = 0, busy;

	for (size_t i = 0; i < traffic->n_requests; i++)
		work_ns += traffic->request[i].work_ns;
	busy = work_ns / ((double)traffic_duration_ns(traffic) + 1);
	if (busy > BUSY_SHARE)
		error_note("the work alone keeps the responder %.0f %% busy at this rate: requests "
		           "will queue for it on every path",
		           100 * busy);
}

int ab_traffic_make(const struct ab_traffic *wanted, size_t n_requests, uint64_t seed,
                    struct traffic *traffic)
{
	int exit_code = wanted->trace.path ? replay(wanted, n_requests, traffic)
	                                   : synthesize(wanted, n_requests, seed, traffic);

	if (exit_code >= 0)
		return exit_code;
	if (wanted->work_recording)
		exit_code = take_work_of_recording(wanted, seed, traffic);
	if (exit_code >= 0)
		traffic_free(traffic);
	else
		complain_of_work(traffic);
	return exit_code;
}
