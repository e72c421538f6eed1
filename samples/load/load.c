// SPDX-License-Identifier: GPL-2.0
/*
 * Open loop. Batch k (of --pipeline requests) is due at start + k * interval and belongs to
 * connection k mod C. One that is busy then lets its batches wait: their number is all that has to
 * be kept, since batch j of connection c is k = j * C + c. When it is idle again the oldest goes
 * at once, with the time it was due as its intended time, so that a stall of the server counts
 * for every request that it delayed.
 *
 * Closed loop. A connection sends its next batch when the last is answered; intended is sent.
 *
 * After the duration, or a signal, nothing new becomes due, and what is due has DRAIN_NS to be
 * answered.
 */
#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/prctl.h>
#include <unistd.h>

#include "../common/clock.h"
#include "client.h"
#include "load.h"

#define EVENTS   64
#define DRAIN_NS (2 * NS_PER_SEC)

struct slot {
	struct client client;
	uint64_t batches; /* sent so far */
	uint64_t due;     /* of them due so far, open loop */
	bool armed_room;  /* epoll also waits for room */
};

struct load {
	const struct load_options *options;
	const struct target *target;
	struct mix *mix;
	struct load_result *result;
	struct slot *slots;
	int epoll_fd;
	uint64_t start_ns, stop_ns;
	uint64_t batches_max; /* in all */
	uint64_t batches_due; /* open loop: became due; closed loop: sent */
};

static volatile sig_atomic_t interrupted;

static void interrupt(int signal)
{
	interrupted = 1;
}

static void signals_catch(void)
{
	struct sigaction action = { .sa_handler = interrupt };

	sigaction(SIGINT, &action, NULL);
	sigaction(SIGTERM, &action, NULL);
}

/* From the number and not by adding intervals: no error adds up. */
static uint64_t batch_due_ns(const struct load *load, uint64_t batch)
{
	double ns =
		(double)batch * load->options->pipeline / load->options->rate * (double)NS_PER_SEC;

	return load->start_ns + (uint64_t)ns;
}

static bool open_loop(const struct load *load)
{
	return load->options->rate > 0;
}

static int slot_arm(const struct load *load, struct slot *slot, int operation)
{
	struct epoll_event event = { .events = EPOLLIN, .data.ptr = slot };

	if (slot->client.want_room)
		event.events |= EPOLLOUT;
	slot->armed_room = slot->client.want_room;
	return epoll_ctl(load->epoll_fd, operation, slot->client.fd, &event) ? -errno : 0;
}

static int slot_connect(const struct load *load, struct slot *slot)
{
	int error = client_connect(&slot->client, load->target, load->options->rcvbuf);

	return error ? error : slot_arm(load, slot, EPOLL_CTL_ADD);
}

/* The connection is gone: what was under way is lost, the rest goes on over a new one. */
static int slot_reconnect(struct load *load, struct slot *slot)
{
	struct client *client = &slot->client;

	load->result->disconnected += client->batch_size - client->batch_answered;
	client_close(client);
	return slot_connect(load, slot);
}

static int slot_send(struct load *load, struct slot *slot)
{
	if (client_send(&slot->client, load->options))
		return slot_reconnect(load, slot);
	if (slot->client.want_room != slot->armed_room)
		return slot_arm(load, slot, EPOLL_CTL_MOD);
	return 0;
}

static int slot_send_batch(struct load *load, struct slot *slot, uint64_t intended_ns)
{
	for (unsigned int i = 0; i < load->options->pipeline; i++) {
		unsigned int item = mix_pick(load->mix);
		int error = client_add(&slot->client, &load->mix->items[item], (uint16_t)item,
		                       intended_ns);

		if (error)
			return error;
	}
	slot->batches++;
	return slot_send(load, slot);
}

/* Sends the slot's next batch if it is idle and there is one. */
static int slot_continue(struct load *load, struct slot *slot, uint64_t now)
{
	uint64_t number;

	if (!client_idle(&slot->client))
		return 0;
	if (!open_loop(load)) {
		if (load->batches_due >= load->batches_max || now >= load->stop_ns)
			return 0;
		load->batches_due++;
		return slot_send_batch(load, slot, now);
	}
	if (slot->batches == slot->due)
		return 0;
	number = slot->batches * load->options->connections + (uint64_t)(slot - load->slots);
	return slot_send_batch(load, slot, batch_due_ns(load, number));
}

/* Everything that has become due by @now. */
static int schedule_advance(struct load *load, uint64_t now)
{
	int error = 0;

	while (!error && open_loop(load) && load->batches_due < load->batches_max &&
	       batch_due_ns(load, load->batches_due) <= now) {
		struct slot *slot = &load->slots[load->batches_due % load->options->connections];

		load->batches_due++;
		slot->due++;
		error = slot_continue(load, slot, now);
	}
	return error;
}

/* Parts of trickled requests whose gap is over; *wake_ns is lowered to the next one's time. */
static int parts_advance(struct load *load, uint64_t now, uint64_t *wake_ns)
{
	if (!load->options->trickle_gap_us)
		return 0;
	for (unsigned int i = 0; i < load->options->connections; i++) {
		struct slot *slot = &load->slots[i];
		int error = 0;

		if (slot->client.part_due_ns && slot->client.part_due_ns <= now)
			error = slot_send(load, slot);
		if (error)
			return error;
		if (slot->client.part_due_ns && slot->client.part_due_ns < *wake_ns)
			*wake_ns = slot->client.part_due_ns;
	}
	return 0;
}

static int slot_event(struct load *load, struct slot *slot, uint32_t events)
{
	int error = 0;

	if (events & EPOLLOUT)
		error = slot_send(load, slot);
	if (error || !(events & (EPOLLIN | EPOLLERR | EPOLLHUP)))
		return error;
	if (client_receive(&slot->client, load->result))
		error = slot_reconnect(load, slot);
	return error ? error : slot_continue(load, slot, clock_now_ns());
}

static bool load_finished(const struct load *load)
{
	for (unsigned int i = 0; i < load->options->connections; i++) {
		const struct slot *slot = &load->slots[i];

		if (!client_idle(&slot->client) || slot->batches < slot->due)
			return false;
	}
	return true;
}

/* Whether no batch will become due any more. */
static bool schedule_over(const struct load *load, uint64_t now)
{
	return now >= load->stop_ns || load->batches_due >= load->batches_max;
}

static void schedule_end(struct load *load, uint64_t now)
{
	if (load->stop_ns > now)
		load->stop_ns = now;
	load->batches_max = load->batches_due;
}

static uint64_t load_wake_ns(const struct load *load, uint64_t now)
{
	if (schedule_over(load, now))
		return load->stop_ns + DRAIN_NS;
	if (open_loop(load))
		return batch_due_ns(load, load->batches_due);
	return load->stop_ns;
}

static int load_wait(struct load *load, uint64_t now, uint64_t wake_ns)
{
	struct timespec timeout = clock_timespec(wake_ns > now ? wake_ns - now : 0);
	struct epoll_event events[EVENTS];
	int count = epoll_pwait2(load->epoll_fd, events, EVENTS, &timeout, NULL);
	int error = 0;

	for (int i = 0; i < count && !error; i++)
		error = slot_event(load, events[i].data.ptr, events[i].events);
	return error;
}

static int load_loop(struct load *load)
{
	int error = 0;

	for (unsigned int i = 0; i < load->options->connections && !error && !open_loop(load); i++)
		error = slot_continue(load, &load->slots[i], clock_now_ns());
	while (!error) {
		uint64_t now = clock_now_ns(), wake_ns;

		if (interrupted)
			schedule_end(load, now);
		error = schedule_advance(load, now);
		if (error || (schedule_over(load, now) && load_finished(load)))
			break;
		if (now >= load->stop_ns + DRAIN_NS)
			break;
		wake_ns = load_wake_ns(load, now);
		error = parts_advance(load, now, &wake_ns);
		if (!error)
			error = load_wait(load, now, wake_ns);
	}
	return error;
}

static uint64_t count_unanswered(const struct load *load)
{
	uint64_t unanswered = 0;

	for (unsigned int i = 0; i < load->options->connections; i++) {
		const struct slot *slot = &load->slots[i];

		unanswered += slot->client.batch_size - slot->client.batch_answered;
		if (open_loop(load))
			unanswered += (slot->due - slot->batches) * load->options->pipeline;
	}
	return unanswered;
}

static int load_open(struct load *load)
{
	const struct load_options *options = load->options;
	int error = 0;

	load->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
	if (load->epoll_fd < 0)
		return -errno;
	for (unsigned int i = 0; i < options->connections; i++)
		load->slots[i].client.fd = -1;
	for (unsigned int i = 0; i < options->connections && !error; i++) {
		struct client *client = &load->slots[i].client;

		client->batch = calloc(options->pipeline, sizeof(*client->batch));
		error = client->batch ? slot_connect(load, &load->slots[i]) : -ENOMEM;
	}
	return error;
}

/* The number of batches until the end by time or by --requests, whichever is sooner. */
static uint64_t batches_in(const struct load_options *options)
{
	double by_time = options->seconds * options->rate / options->pipeline;
	uint64_t batches = UINT64_MAX;

	if (options->requests)
		batches = (options->requests + options->pipeline - 1) / options->pipeline;
	if (options->rate > 0 && by_time < (double)batches)
		batches = by_time < 1 ? 1 : (uint64_t)by_time;
	return batches;
}

int load_run(const struct load_options *options, const struct target *target, struct mix *mix,
             struct load_result *result)
{
	struct load load = { .options = options, .target = target, .mix = mix, .result = result };
	int error;

	load.slots = calloc(options->connections, sizeof(*load.slots));
	if (!load.slots)
		return -ENOMEM;
	/* The default slack of 50 us would be added to every wait for a due time. */
	prctl(PR_SET_TIMERSLACK, 1UL);
	signals_catch();
	error = load_open(&load);
	result->start_ns = load.start_ns = clock_now_ns();
	load.stop_ns = load.start_ns + (uint64_t)(options->seconds * (double)NS_PER_SEC);
	load.batches_max = batches_in(options);
	if (!error)
		error = load_loop(&load);
	result->end_ns = clock_now_ns();
	result->unanswered = count_unanswered(&load);
	for (unsigned int i = 0; i < options->connections; i++)
		client_destroy(&load.slots[i].client);
	free(load.slots);
	if (load.epoll_fd >= 0)
		close(load.epoll_fd);
	return error;
}
