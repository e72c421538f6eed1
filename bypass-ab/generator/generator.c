// SPDX-License-Identifier: GPL-2.0
#include "generator.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "frame.h"
#include "own_time.h"
#include "sort.h"
#include "tsc.h"

#define START_AFTER_NS   500000 /* until the first request is due */
#define RECEIVE_MOST     16     /* frames between two looks at the schedule */
#define STOP_FRAMES      3      /* one is enough if none is lost */
#define STOP_INTERVAL_NS 1000000

/* A block under way. */
struct run {
	struct generator *generator;
	struct wire *wire;
	struct tsc tsc;
	uint16_t epoch;
	uint64_t start_ns, now_ns, last_ns;
	uint64_t sent_at_ns; /* ping-pong: the one that is out */
	/* The next request can be sent from then on, if the generator had never been late by itself. */
	uint64_t ideal_ns;
	size_t next, outstanding;
	struct generator_counts counts;
};

int generator_init(struct generator *generator, const struct wire_type *type,
                   const struct traffic *traffic)
{
	size_t n = traffic->n_requests;

	*generator = (struct generator){
		.type = type, .traffic = traffic, .n_requests = n, .stretch = 1
	};
	generator->frames = malloc(traffic->frames_size);
	generator->latency_ns = calloc(n, sizeof(*generator->latency_ns));
	generator->lateness_ns = calloc(n, sizeof(*generator->lateness_ns));
	generator->own_lateness_ns = calloc(n, sizeof(*generator->own_lateness_ns));
	if (!generator->frames || !generator->latency_ns || !generator->lateness_ns ||
	    !generator->own_lateness_ns) {
		generator_free(generator);
		return -ENOMEM;
	}
	memcpy(generator->frames, traffic->frames, traffic->frames_size);
	return 0;
}

void generator_free(struct generator *generator)
{
	free(generator->frames);
	free(generator->latency_ns);
	free(generator->lateness_ns);
	free(generator->own_lateness_ns);
	*generator = (struct generator){};
}

static void set_epoch(struct generator *generator, uint16_t epoch)
{
	const struct traffic *traffic = generator->traffic;

	for (size_t i = 0; i < generator->n_requests; i++) {
		const struct traffic_request *request = &traffic->request[i];

		frame_set_epoch(generator->frames + request->frame_offset, request->frame_size,
		                epoch);
		generator->latency_ns[i] = GENERATOR_LOST;
		generator->lateness_ns[i] = generator->own_lateness_ns[i] = 0;
	}
}

static void look_at_clock(struct run *run)
{
	run->now_ns = tsc_now_ns(&run->tsc);
	if (run->last_ns && run->now_ns - run->last_ns > run->counts.gap_max_ns)
		run->counts.gap_max_ns = run->now_ns - run->last_ns;
	run->last_ns = run->now_ns;
}

static uint64_t due_ns(const struct run *run, size_t request)
{
	if (run->generator->ping_pong)
		return run->sent_at_ns;
	return run->start_ns + (uint64_t)(run->generator->traffic->request[request].at_ns *
	                                  run->generator->stretch);
}

static void note_response(void *context, const struct frame_mark *mark)
{
	struct run *run = context;
	uint32_t id = frame_mark_id(mark);
	uint64_t *latency_ns;

	if (frame_mark_epoch(mark) != run->epoch || id >= run->next) {
		run->counts.stale++;
		return;
	}
	latency_ns = &run->generator->latency_ns[id];
	if (*latency_ns != GENERATOR_LOST) {
		run->counts.duplicates++;
		return;
	}
	*latency_ns = tsc_now_ns(&run->tsc) - due_ns(run, id);
	run->counts.received++;
	run->outstanding--;
}

static void receive(struct run *run)
{
	run->generator->type->receive(run->wire, RECEIVE_MOST, note_response, run);
}

/* Its own is what is beyond a generator that sends at once what is due, and waits only for sends. */
static void note_lateness(struct run *run)
{
	uint64_t due = due_ns(run, run->next);

	run->generator->lateness_ns[run->next] = run->now_ns - due;
	if (run->ideal_ns < due)
		run->ideal_ns = due;
	run->generator->own_lateness_ns[run->next] = run->now_ns - run->ideal_ns;
}

static void send_next(struct run *run)
{
	struct generator *generator = run->generator;
	const struct traffic_request *request = &generator->traffic->request[run->next];

	if (generator->ping_pong)
		run->sent_at_ns = run->ideal_ns = run->now_ns;
	note_lateness(run);
	run->next++;
	run->outstanding++;
	if (generator->type->send(run->wire, generator->frames + request->frame_offset,
	                          request->frame_size)) {
		run->counts.not_sent++;
		run->outstanding--;
	} else {
		run->counts.sent++;
	}
	run->ideal_ns += tsc_now_ns(&run->tsc) - run->now_ns;
}

static bool is_due(const struct run *run)
{
	if (run->generator->ping_pong)
		return !run->outstanding ||
		       run->now_ns - run->sent_at_ns > GENERATOR_PING_TIMEOUT_NS;
	return run->now_ns >= due_ns(run, run->next);
}

static bool is_stopped(const struct run *run)
{
	return run->generator->stop && *run->generator->stop;
}

/* Sends on schedule, and receives whenever nothing is due. */
static void run_schedule(struct run *run)
{
	size_t n = run->generator->n_requests;

	while (run->next < n && !is_stopped(run)) {
		look_at_clock(run);
		if (is_due(run))
			send_next(run);
		else
			receive(run);
	}
}

static void await_outstanding(struct run *run, uint64_t grace_ns)
{
	uint64_t until = run->now_ns + grace_ns;

	while (run->outstanding && run->now_ns < until && !is_stopped(run)) {
		look_at_clock(run);
		receive(run);
	}
}

static void count_lateness(struct run *run)
{
	uint64_t *lateness = run->generator->lateness_ns, *own = run->generator->own_lateness_ns;
	size_t n = run->generator->n_requests;

	sort_integers(lateness, n);
	sort_integers(own, n);
	run->counts.late_p50_ns = lateness[n / 2];
	run->counts.late_p99_ns = lateness[n - 1 - n / 100];
	run->counts.late_max_ns = lateness[n - 1];
	run->counts.own_late_p99_ns = own[n - 1 - n / 100];
}

/* Sent more than once where one may be lost. */
static void send_stop(struct run *run)
{
	const struct traffic *traffic = run->generator->traffic;
	uint8_t frame[FRAME_MAX];
	int times = run->generator->type->reliable ? 1 : STOP_FRAMES;
	int size = frame_build(frame, &traffic->flow[0], FRAME_STOP, 0, 0, FRAME_MARK_SIZE);

	if (size < 0)
		return;
	frame_set_epoch(frame, size, run->epoch);
	for (int i = 0; i < times; i++) {
		uint64_t until = tsc_now_ns(&run->tsc) + STOP_INTERVAL_NS;

		run->generator->type->send(run->wire, frame, size);
		while (i + 1 < times && tsc_now_ns(&run->tsc) < until)
			;
	}
}

int generator_run(struct generator *generator, struct wire *wire, uint16_t epoch, uint64_t grace_ns,
                  struct generator_counts *ret_counts)
{
	struct run run = { .generator = generator, .wire = wire, .epoch = epoch };
	uint64_t drops = generator->type->drops(wire);
	struct own_time before, after;

	set_epoch(generator, epoch);
	if (!generator->tsc.ns_per_tick)
		tsc_calibrate(&generator->tsc);
	run.tsc = generator->tsc;
	own_time_read(&before);
	run.start_ns = tsc_now_ns(&run.tsc) + START_AFTER_NS;
	run_schedule(&run);
	run.counts.backlog = run.outstanding;
	await_outstanding(&run, grace_ns);
	run.counts.duration_ns = run.now_ns - run.start_ns;
	own_time_read(&after);
	send_stop(&run);
	run.counts.wait_ns = after.wait_ns - before.wait_ns;
	run.counts.switches = after.switches - before.switches;
	run.counts.wire_drops = generator->type->drops(wire) - drops;
	count_lateness(&run);
	*ret_counts = run.counts;
	return is_stopped(&run) ? -EINTR : 0;
}
