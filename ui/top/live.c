// SPDX-License-Identifier: GPL-2.0
/*
 * The kernel, now: the recorder runs in a thread of its own, without a file, and hands over its
 * intervals. Attaching and draining take it up to half a second, in which the screen goes on.
 *
 * Intervals wait in a list, of QUEUE_BYTES at most: while the screen is paused the oldest go, and
 * are counted. Capabilities are those of a thread: the recorder's are given up by itself, this
 * one's here, once everything that takes them is open.
 */
#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "collector.h"
#include "privileges.h"
#include "source.h"

#define QUEUE_BYTES ((size_t)32 << 20)

struct live {
	struct source source;
	struct collector *collector;
	char targets[64];
	pthread_t thread;
	bool running;
	volatile sig_atomic_t stop;
	uint64_t taken_ns; /* time seen, of what was given to the model */

	pthread_mutex_t lock; /* of what follows */
	struct recording_slice *first, *last;
	size_t bytes;
	uint64_t dropped;
	struct recording_meta *meta;
	size_t n_meta;
	struct recording_hook *hooks;
	size_t n_hooks;
	char told[256]; /* "": nothing */
	bool ended, writing;
	int error;
	struct collector_failure *failure;
};

/* Notes come without a context. */
static struct live *noted;

/* ---- In the recorder's thread -----------------------------------------------------------------
 */

static void tell(struct live *live, const char *text)
{
	pthread_mutex_lock(&live->lock);
	snprintf(live->told, sizeof(live->told), "%s", text);
	pthread_mutex_unlock(&live->lock);
}

static void on_note(const char *text)
{
	if (noted)
		tell(noted, text);
}

static void on_log(int level, const char *text)
{
	(void)level; /* libbpf's: the screen has no place for them, ktax record -vv shows them */
	(void)text;
}

static void free_meta(struct live *live)
{
	for (size_t i = 0; i < live->n_meta; i++) {
		free(live->meta[i].key);
		free(live->meta[i].value);
	}
	free(live->meta);
	live->meta = NULL;
	live->n_meta = 0;
}

/* Where memory is short the facts stay as they were. */
static void keep_facts(struct live *live, const struct recording *facts,
                       const struct recording_hook *hooks, size_t n_hooks)
{
	struct recording_meta *meta = calloc(facts->n_meta + 1, sizeof(*meta));
	struct recording_hook *rows = calloc(n_hooks + 1, sizeof(*rows));

	if (!meta || !rows) {
		free(meta);
		free(rows);
		return;
	}
	free_meta(live);
	for (size_t i = 0; i < facts->n_meta; i++) {
		meta[i].key = strdup(facts->meta[i].key);
		meta[i].value = strdup(facts->meta[i].value);
	}
	memcpy(rows, hooks, n_hooks * sizeof(*rows));
	free(live->hooks);
	live->meta = meta;
	live->n_meta = facts->n_meta;
	live->hooks = rows;
	live->n_hooks = n_hooks;
}

static struct recording_slice *take_first(struct live *live)
{
	struct recording_slice *slice = live->first;

	if (!slice)
		return NULL;
	live->first = slice->next;
	if (!live->first)
		live->last = NULL;
	live->bytes -= slice->bytes;
	return slice;
}

static void append(struct live *live, struct recording_slice *slice)
{
	slice->next = NULL;
	if (live->last)
		live->last->next = slice;
	else
		live->first = slice;
	live->last = slice;
	live->bytes += slice->bytes;
	while (live->bytes > QUEUE_BYTES && live->first != live->last) {
		recording_slice_free(take_first(live));
		live->dropped++;
	}
}

static void on_interval(struct recording_slice *slice, const struct recording *facts,
                        const struct recording_hook *hooks, size_t n_hooks, void *context)
{
	struct live *live = context;

	pthread_mutex_lock(&live->lock);
	append(live, slice);
	keep_facts(live, facts, hooks, n_hooks);
	pthread_mutex_unlock(&live->lock);
}

static void on_wrote(const char *path, int error, bool begun, void *context)
{
	struct live *live = context;
	char text[256];

	pthread_mutex_lock(&live->lock);
	live->writing = begun && !error;
	pthread_mutex_unlock(&live->lock);
	if (error)
		snprintf(text, sizeof(text), "%.160s: %s", path, strerror(-error));
	else
		snprintf(text, sizeof(text), "%s %.160s", begun ? "recording to" : "recorded to",
		         path);
	tell(live, text);
}

static void *run(void *context)
{
	struct live *live = context;
	int error = collector_run(live->collector, &live->stop, NULL, NULL, live->failure);

	pthread_mutex_lock(&live->lock);
	live->error = error;
	live->ended = true;
	pthread_mutex_unlock(&live->lock);
	return NULL;
}

/* ---- In the screen's --------------------------------------------------------------------------
 */

static int give_facts(struct live *live, struct model *model)
{
	int error = 0;

	for (size_t i = 0; i < live->n_meta && !error; i++)
		if (live->meta[i].key && live->meta[i].value)
			error = recording_tail_set_meta(&model->tail, live->meta[i].key,
			                                live->meta[i].value);
	return error ? error : recording_tail_set_hooks(&model->tail, live->hooks, live->n_hooks);
}

static int give_slices(struct live *live, struct model *model)
{
	struct recording_slice *slice;
	int n = 0, error = 0;

	while (!error && (slice = take_first(live))) {
		live->taken_ns += slice->interval.length_ns;
		error = model_take(model, slice);
		n++;
	}
	return error ? error : n;
}

static int live_poll(struct source *source, struct model *model, uint64_t now_ns, char *ret_why,
                     size_t size)
{
	struct live *live = (struct live *)source;
	int given = 0;

	(void)now_ns;
	pthread_mutex_lock(&live->lock);
	if (live->first)
		given = give_facts(live, model);
	if (!given)
		given = give_slices(live, model);
	if (live->dropped) {
		snprintf(ret_why, size, "%llu intervals were dropped meanwhile",
		         (unsigned long long)live->dropped);
		live->dropped = 0;
	}
	if (!given && live->ended && live->error)
		given = live->error;
	pthread_mutex_unlock(&live->lock);
	if (given < 0)
		snprintf(ret_why, size, "the recorder ended: %s", strerror(-given));
	return given;
}

static bool live_ended(const struct source *source)
{
	struct live *live = (struct live *)source;
	bool ended;

	pthread_mutex_lock(&live->lock);
	ended = live->ended && !live->first;
	pthread_mutex_unlock(&live->lock);
	return ended;
}

static void live_describe(const struct source *source, char *text, size_t size)
{
	const struct live *live = (const struct live *)source;
	uint64_t seconds = live->taken_ns / 1000000000;

	snprintf(text, size, "live  %s  %llu:%02llu%s", live->targets,
	         (unsigned long long)seconds / 60, (unsigned long long)seconds % 60,
	         live_ended(source) ? "  ended" : "");
}

static void live_pause(struct source *source, bool paused, uint64_t now_ns)
{
	/* Intervals wait in the list. */
	(void)source;
	(void)paused;
	(void)now_ns;
}

static int live_write(struct source *source, const char *path)
{
	struct live *live = (struct live *)source;

	if (live_ended(source))
		return -ESRCH;
	collector_write(live->collector, path);
	return 0;
}

static bool live_writing(const struct source *source)
{
	struct live *live = (struct live *)source;
	bool writing;

	pthread_mutex_lock(&live->lock);
	writing = live->writing;
	pthread_mutex_unlock(&live->lock);
	return writing;
}

static bool live_told(struct source *source, char *text, size_t size)
{
	struct live *live = (struct live *)source;
	bool any;

	pthread_mutex_lock(&live->lock);
	any = live->told[0] != '\0';
	if (any)
		snprintf(text, size, "%s", live->told);
	live->told[0] = '\0';
	pthread_mutex_unlock(&live->lock);
	return any;
}

static void live_close(struct source *source)
{
	struct live *live = (struct live *)source;
	struct recording_slice *slice;

	live->stop = 1;
	if (live->running)
		pthread_join(live->thread, NULL);
	noted = NULL;
	collector_close(live->collector);
	while ((slice = take_first(live)))
		recording_slice_free(slice);
	free_meta(live);
	free(live->hooks);
	pthread_mutex_destroy(&live->lock);
	free(live);
}

static const struct source_ops live_ops = {
	.poll = live_poll,
	.describe = live_describe,
	.pause = live_pause,
	.write = live_write,
	.writing = live_writing,
	.told = live_told,
	.ended = live_ended,
	.close = live_close,
};

static void name_targets(const struct target_spec *spec, char *text, size_t size)
{
	size_t kinds = (spec->n_pids > 0) + (spec->n_ports > 0) + (spec->n_names > 0) +
	               (spec->n_cgroups > 0);
	size_t n = spec->n_pids + spec->n_ports + spec->n_names + spec->n_cgroups;

	if (!n)
		snprintf(text, size, "all TCP servers");
	else if (n > 1)
		snprintf(text, size, kinds > 1 ? "%zu conditions" : "%zu targets", n);
	else if (spec->n_pids)
		snprintf(text, size, "pid %d", spec->pids[0]);
	else if (spec->n_ports)
		snprintf(text, size, "port %u", spec->ports[0]);
	else
		snprintf(text, size, "%.40s", spec->n_names ? spec->names[0] : spec->cgroups[0]);
}

/* Signals are the screen's. */
static int start_thread(struct live *live)
{
	sigset_t all, before;
	int error;

	sigfillset(&all);
	pthread_sigmask(SIG_BLOCK, &all, &before);
	error = -pthread_create(&live->thread, NULL, run, live);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	live->running = !error;
	return error;
}

static int start(struct live *live, const struct collector_options *options,
                 struct collector_failure *ret_failure)
{
	struct collector_options with = *options;
	int error;

	with.observer = (struct collector_observer){ on_interval, on_wrote, live };
	with.note = on_note;
	with.log = on_log;
	error = collector_open(&with, &live->collector, ret_failure);
	if (error)
		return error;
	error = start_thread(live);
	if (!error)
		error = privileges_drop_all();
	if (error)
		*ret_failure = (struct collector_failure){ .error = error, .doing = "start" };
	return error;
}

int live_open(const struct collector_options *options, struct collector_failure *ret_failure,
              struct source **ret_source)
{
	struct live *live = calloc(1, sizeof(*live));
	int error;

	if (!live) {
		*ret_failure = (struct collector_failure){ .error = -ENOMEM, .doing = "start" };
		return -ENOMEM;
	}
	live->source.ops = &live_ops;
	live->failure = ret_failure;
	pthread_mutex_init(&live->lock, NULL);
	name_targets(&options->targets, live->targets, sizeof(live->targets));
	noted = live;
	error = start(live, options, ret_failure);
	if (error) {
		live_close(&live->source);
		return error;
	}
	*ret_source = &live->source;
	return 0;
}
