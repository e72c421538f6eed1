// SPDX-License-Identifier: GPL-2.0
/*
 * A recording, played: an interval is shown once its end is reached, in the recording's own time.
 * What was read ahead waits in a queue of a few intervals. At the end of a recording that is not
 * complete, it is looked for more once a second.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "source.h"

#define READ_AHEAD    8
#define LOOK_AGAIN_NS 1000000000ULL

struct replay {
	struct source source;
	char *path;
	struct recording_position position;
	struct recording_slice *queue[READ_AHEAD]; /* oldest first */
	size_t n_queued;
	bool complete, at_end;
	uint64_t length_ns;  /* of the recording, as far as is known */
	uint64_t shown_ns;   /* of it, in the model */
	uint64_t played_ns;  /* of it, by the clock */
	uint64_t clock_ns;   /* when played_ns was right; 0: paused */
	uint64_t look_at_ns; /* for more, at the end */
	double speed;
	bool paused;
};

static int enqueue(struct recording_slice *slice, void *context)
{
	struct replay *replay = context;

	replay->queue[replay->n_queued++] = slice;
	return 0;
}

static int read_ahead(struct replay *replay)
{
	int error;

	if (replay->n_queued || replay->at_end)
		return 0;
	error = recording_read_on(replay->path, &replay->position, READ_AHEAD, enqueue, replay);
	replay->at_end = !error && !replay->n_queued;
	return error;
}

/* Gives the model the next interval; 0 at the end. */
static int give(struct replay *replay, struct model *model)
{
	struct recording_slice *slice;
	int error = read_ahead(replay);

	if (error || !replay->n_queued)
		return error;
	slice = replay->queue[0];
	replay->n_queued--;
	memmove(replay->queue, replay->queue + 1, replay->n_queued * sizeof(replay->queue[0]));
	replay->shown_ns += slice->interval.length_ns;
	if (replay->shown_ns > replay->length_ns)
		replay->length_ns = replay->shown_ns;
	error = model_take(model, slice);
	return error ? error : 1;
}

static int failed(const struct replay *replay, int error, char *ret_why, size_t size)
{
	snprintf(ret_why, size, "%s: %s", replay->path, strerror(-error));
	return error;
}

static void advance(struct replay *replay, uint64_t now_ns)
{
	if (!replay->paused)
		replay->played_ns +=
			(uint64_t)((double)(now_ns - replay->clock_ns) * replay->speed);
	/* Time does not run on where there is nothing to show. */
	if (replay->at_end && replay->played_ns > replay->shown_ns)
		replay->played_ns = replay->shown_ns;
	replay->clock_ns = now_ns;
}

/* A recorder may have written more. */
static void look_again(struct replay *replay, uint64_t now_ns)
{
	if (!replay->at_end || replay->complete || now_ns < replay->look_at_ns)
		return;
	replay->look_at_ns = now_ns + LOOK_AGAIN_NS;
	replay->at_end = false;
}

/* The next interval's end has been reached. */
static bool is_due(struct replay *replay)
{
	return replay->n_queued &&
	       replay->shown_ns + replay->queue[0]->interval.length_ns <= replay->played_ns;
}

static int replay_poll(struct source *source, struct model *model, uint64_t now_ns, char *ret_why,
                       size_t size)
{
	struct replay *replay = (struct replay *)source;
	int n = 0, error = 0;

	look_again(replay, now_ns);
	advance(replay, now_ns);
	if (!replay->paused)
		error = read_ahead(replay);
	while (error >= 0 && !replay->paused && is_due(replay)) {
		error = give(replay, model);
		n++;
		if (error >= 0)
			error = read_ahead(replay);
	}
	return error < 0 ? failed(replay, error, ret_why, size) : n;
}

static int replay_step(struct source *source, struct model *model, char *ret_why, size_t size)
{
	struct replay *replay = (struct replay *)source;
	int given;

	if (!replay->complete)
		replay->at_end = false;
	given = give(replay, model);
	replay->played_ns = replay->shown_ns;
	return given < 0 ? failed(replay, given, ret_why, size) : given;
}

static void print_time(char text[24], uint64_t ns)
{
	uint64_t seconds = ns / 1000000000;

	if (seconds >= 3600)
		snprintf(text, 24, "%llu:%02llu:%02llu", (unsigned long long)seconds / 3600,
		         (unsigned long long)seconds / 60 % 60, (unsigned long long)seconds % 60);
	else
		snprintf(text, 24, "%llu:%02llu", (unsigned long long)seconds / 60,
		         (unsigned long long)seconds % 60);
}

static void replay_describe(const struct source *source, char *text, size_t size)
{
	const struct replay *replay = (const struct replay *)source;
	const char *name = strrchr(replay->path, '/');
	char shown[24], length[24], speed[16] = "";

	print_time(shown, replay->shown_ns);
	print_time(length, replay->length_ns);
	if (replay->speed < 1 || replay->speed > 1)
		snprintf(speed, sizeof(speed), "  x%g", replay->speed);
	snprintf(text, size, "%.80s  %s of %s%s%s", name ? name + 1 : replay->path, shown, length,
	         speed, replay->at_end ? "  end" : "");
}

static void replay_pause(struct source *source, bool paused, uint64_t now_ns)
{
	struct replay *replay = (struct replay *)source;

	advance(replay, now_ns);
	replay->paused = paused;
}

static double replay_faster(struct source *source, double factor, uint64_t now_ns)
{
	struct replay *replay = (struct replay *)source;
	double speed = replay->speed * factor;

	advance(replay, now_ns);
	if (speed >= 1.0 / 16 && speed <= 1024)
		replay->speed = speed;
	return replay->speed;
}

static void drop_queue(struct replay *replay)
{
	for (size_t i = 0; i < replay->n_queued; i++)
		recording_slice_free(replay->queue[i]);
	replay->n_queued = 0;
}

static void replay_rewind(struct source *source, uint64_t now_ns)
{
	struct replay *replay = (struct replay *)source;

	drop_queue(replay);
	replay->position = (struct recording_position){ 0 };
	replay->shown_ns = replay->played_ns = 0;
	replay->clock_ns = now_ns;
	replay->at_end = false;
}

static bool replay_ended(const struct source *source)
{
	const struct replay *replay = (const struct replay *)source;

	return replay->at_end;
}

static void replay_close(struct source *source)
{
	struct replay *replay = (struct replay *)source;

	drop_queue(replay);
	free(replay->path);
	free(replay);
}

static const struct source_ops replay_ops = {
	.poll = replay_poll,
	.describe = replay_describe,
	.pause = replay_pause,
	.step = replay_step,
	.faster = replay_faster,
	.rewind = replay_rewind,
	.ended = replay_ended,
	.close = replay_close,
};

static int take_facts(struct replay *replay, struct model *model)
{
	struct recording *facts;
	int error = recording_read_facts(replay->path, &facts);

	if (error)
		return error;
	for (size_t i = 0; i < facts->n_meta && !error; i++)
		error = recording_tail_set_meta(&model->tail, facts->meta[i].key,
		                                facts->meta[i].value);
	if (!error)
		error = recording_tail_set_hooks(&model->tail, facts->hooks, facts->n_hooks);
	replay->complete = facts->complete;
	replay->length_ns = facts->sum.length_ns;
	recording_free(facts);
	return error;
}

/* Up to where it is to start. */
static int forward(struct replay *replay, struct model *model, const struct replay_options *options)
{
	int given = 1;

	while (given > 0 && (options->at_end || replay->shown_ns < options->at_ns))
		given = give(replay, model);
	replay->played_ns = replay->shown_ns;
	return given < 0 ? given : model_refresh(model);
}

int replay_open(const struct replay_options *options, struct model *model, uint64_t now_ns,
                struct source **ret_source)
{
	struct replay *replay = calloc(1, sizeof(*replay));
	int error;

	if (!replay)
		return -ENOMEM;
	replay->source.ops = &replay_ops;
	replay->speed = options->speed;
	replay->paused = options->paused;
	replay->clock_ns = now_ns;
	replay->path = strdup(options->path);
	error = replay->path ? take_facts(replay, model) : -ENOMEM;
	if (!error)
		error = forward(replay, model, options);
	if (error) {
		replay_close(&replay->source);
		return error;
	}
	*ret_source = &replay->source;
	return 0;
}
