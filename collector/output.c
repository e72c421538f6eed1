// SPDX-License-Identifier: GPL-2.0
/*
 * A file that was asked for during the run may fail (a full disk) without the run: it is left as it
 * is, the observer is told, and facts are kept in memory again.
 */
#include "output.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "internal.h"
#include "tail.h"

void output_init(struct output *output)
{
	pthread_mutex_init(&output->lock, NULL);
}

int output_create(struct collector *collector)
{
	const struct collector_options *options = &collector->options;

	collector->output.to_file = options->output != NULL;
	if (!options->output)
		return recording_create_in_memory(&collector->writer);
	return recording_create(options->output, options->overwrite, &collector->writer);
}

void output_close(struct collector *collector)
{
	recording_slice_free(collector->output.slice);
	recording_abandon(collector->writer);
	pthread_mutex_destroy(&collector->output.lock);
}

/* ---- A file that comes and goes ----------------------------------------------------------- */

static void tell(const struct collector *collector, int error, bool begun)
{
	const struct collector_observer *observer = &collector->options.observer;

	if (observer->wrote)
		observer->wrote(collector->output.path, error, begun, observer->context);
}

/* Goes on with @writer, which has got all facts. */
static void take_writer(struct collector *collector, struct recording_writer *writer, bool to_file)
{
	collector->writer = writer;
	collector->output.to_file = to_file;
	forget_endpoint_ids(collector);
}

static int begin_file(struct collector *collector)
{
	struct recording_writer *writer, *memory = collector->writer;
	int err = recording_create(collector->output.path, false, &writer);

	if (err)
		return err;
	err = recording_copy_facts(writer, memory);
	if (err) {
		recording_abandon(writer);
		return err;
	}
	take_writer(collector, writer, true);
	recording_abandon(memory);
	if (collector->attached_since_ns)
		arrivals_begin(collector->arrivals, collector->probes);
	collector->output.n_base = collect_hooks(collector, collector->output.base);
	return 0;
}

/* Completes the file, or after an error leaves it. */
static int end_file(struct collector *collector, int error)
{
	struct recording_writer *memory, *file = collector->writer;
	int err = recording_create_in_memory(&memory);

	if (err)
		return err;
	err = recording_copy_facts(memory, file);
	if (!err && !error)
		err = interval_write_hooks(collector);
	collector->output.n_base = 0;
	take_writer(collector, memory, false);
	if (error)
		recording_abandon(file);
	else if (!err)
		err = recording_finish(file);
	else
		recording_abandon(file);
	return err;
}

void collector_write(struct collector *collector, const char *path)
{
	struct output *output = &collector->output;

	pthread_mutex_lock(&output->lock);
	output->asked = true;
	snprintf(output->asked_path, sizeof(output->asked_path), "%s", path ? path : "");
	pthread_mutex_unlock(&output->lock);
}

/* True if something was asked for, which is then in @ret_path. */
static bool take_request(struct output *output, char ret_path[PATH_MAX])
{
	bool asked;

	pthread_mutex_lock(&output->lock);
	asked = output->asked;
	output->asked = false;
	memcpy(ret_path, output->asked_path, PATH_MAX);
	pthread_mutex_unlock(&output->lock);
	return asked;
}

static void switch_file(struct collector *collector)
{
	char path[PATH_MAX];

	if (!take_request(&collector->output, path))
		return;
	if (collector->output.to_file)
		tell(collector, end_file(collector, 0), false);
	if (!path[0])
		return;
	memcpy(collector->output.path, path, PATH_MAX);
	tell(collector, begin_file(collector), true);
}

/* ---- Intervals ------------------------------------------------------------------------------ */

int output_begin(struct collector *collector, const struct recording_interval *interval)
{
	int err = 0;

	if (collector->options.observer.interval)
		err = recording_slice_create(interval, &collector->output.slice);
	return err ? err : recording_begin(collector->writer, interval);
}

int output_ledger(struct collector *collector, const struct recording_endpoint *endpoint,
                  int64_t *id, const struct aggregate_delta *delta)
{
	struct recording_slice *slice = collector->output.slice;
	int err = slice ? recording_slice_add_aggregate(slice, endpoint, &delta->grown,
	                                                &delta->extent)
	                : 0;

	if (err || !collector->output.to_file)
		return err;
	if (!*id)
		err = recording_add_endpoint(collector->writer, endpoint, id);
	return err ? err : recording_add_ledger(collector->writer, *id, &delta->grown);
}

int output_requests(struct collector *collector, const struct recording_endpoint *endpoint,
                    int64_t id, const struct ktax_request *requests, size_t n)
{
	struct recording_slice *slice = collector->output.slice;
	int err = 0;

	for (size_t i = 0; slice && i < n && !err; i++)
		err = recording_slice_add_request(slice, endpoint, &requests[i]);
	if (err || !collector->output.to_file || !id)
		return err;
	return recording_add_requests(collector->writer, id, requests, n);
}

/* The observer takes the interval over. */
static int observe(struct collector *collector)
{
	const struct collector_observer *observer = &collector->options.observer;
	struct recording_slice *slice = collector->output.slice;
	struct recording_hook rows[HOOK_ROWS_MAX];
	struct recording *facts;
	int err = recording_facts(collector->writer, &facts);

	if (err)
		return err;
	collector->output.slice = NULL;
	recording_slice_finish(slice);
	observer->interval(slice, facts, rows, collect_hooks(collector, rows), observer->context);
	recording_free(facts);
	return 0;
}

int output_end(struct collector *collector, int error)
{
	bool later = collector->output.path[0] != '\0'; /* asked for during the run */

	if (!error && collector->output.to_file)
		error = recording_commit(collector->writer);
	else
		recording_discard(collector->writer);
	if (error && later && collector->output.to_file) {
		tell(collector, error, false);
		error = end_file(collector, error);
	}
	if (!error && collector->output.slice)
		error = observe(collector);
	if (!error)
		switch_file(collector);
	recording_slice_free(collector->output.slice);
	collector->output.slice = NULL;
	return error;
}

/* ---- Hooks ---------------------------------------------------------------------------------- */

static const struct recording_hook *find_base(const struct output *output,
                                              const struct recording_hook *row)
{
	for (size_t i = 0; i < output->n_base; i++)
		if (!strcmp(output->base[i].boundary, row->boundary) &&
		    !strcmp(output->base[i].account, row->account) &&
		    !strcmp(output->base[i].program, row->program))
			return &output->base[i];
	return NULL;
}

int output_hooks(struct collector *collector, struct recording_hook *rows, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		const struct recording_hook *base = find_base(&collector->output, &rows[i]);

		if (!base)
			continue;
		rows[i].run_ns -= base->run_ns < rows[i].run_ns ? base->run_ns : rows[i].run_ns;
		rows[i].runs -= base->runs < rows[i].runs ? base->runs : rows[i].runs;
	}
	return recording_set_hooks(collector->writer, rows, n);
}
