// SPDX-License-Identifier: GPL-2.0
/* The tail: a list of slices, oldest first, and the sum of its newer end. */
#include "tail.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "internal.h"

/* ---- Sums ----------------------------------------------------------------------------------- */

/* min and max of the counts: those of a decoded histogram, the ends of the outermost buckets. */
static void settle_ends(struct histogram *histogram, uint32_t low, uint32_t high)
{
	while (high > low && !histogram->counts[high])
		high--;
	while (low < high && !histogram->counts[low])
		low++;
	if (!histogram->total) {
		histogram->min = UINT64_MAX;
		histogram->max = 0;
		return;
	}
	histogram->min = ktax_hist_lowest(low, histogram->magnitude);
	histogram->max = ktax_hist_lowest(high + 1, histogram->magnitude) - 1;
}

/* Adds the counts from @from to before @end, all of one histogram, or takes them off. */
static void apply_counts(struct histogram *into, const struct slice_count *from,
                         const struct slice_count *end, bool add)
{
	uint32_t low = from->index, high = end[-1].index;

	if (into->total) {
		uint32_t lowest = ktax_hist_index(into->min, into->magnitude);
		uint32_t highest = ktax_hist_index(into->max, into->magnitude);

		low = lowest < low ? lowest : low;
		high = highest > high ? highest : high;
	}
	for (; from < end; from++) {
		into->counts[from->index] += add ? from->count : -(uint64_t)from->count;
		into->total += add ? from->count : -(uint64_t)from->count;
	}
	settle_ends(into, low, high);
}

static void apply_cell(struct ktax_joint_cell *into, const struct ktax_joint_cell *cell, bool add)
{
	uint64_t *sums = (uint64_t *)into;
	const uint64_t *terms = (const uint64_t *)cell;

	for (size_t i = 0; i < sizeof(*into) / sizeof(*sums); i++)
		sums[i] += add ? terms[i] : -terms[i];
}

/* The counts of histograms from @first to before @end. */
static void apply_histograms(struct recording_ledger *into, const struct slice_ledger *ledger,
                             bool add, unsigned int first, unsigned int end)
{
	const struct slice_count *count = ledger->counts, *last = count + ledger->n_counts;

	while (count < last && count->histogram < first)
		count++;
	while (count < last && count->histogram < end) {
		const struct slice_count *from = count;

		while (count < last && count->histogram == from->histogram)
			count++;
		apply_counts(ledger_histogram(into, from->histogram), from, count, add);
	}
}

static void apply_accounts(struct recording_ledger *into, const struct slice_ledger *ledger,
                           bool add)
{
	apply_histograms(into, ledger, add, SLICE_ACCOUNT, LEDGER_HISTOGRAMS);
}

/* All but the histograms of accounts. */
static void apply_ledger(struct recording_ledger *into, const struct slice_ledger *ledger, bool add)
{
#define X(member) into->member += add ? ledger->member : -ledger->member;
	LEDGER_SUMS(X)
#undef X
	apply_histograms(into, ledger, add, 0, SLICE_ACCOUNT);
	for (size_t i = 0; i < ledger->n_cells; i++)
		apply_cell(&into->joint[ledger->cells[i].index], &ledger->cells[i].cell, add);
}

static void apply_interval(struct recording *into, const struct recording_interval *interval,
                           bool add)
{
#define X(member) into->sum.member += add ? interval->member : -interval->member;
	INTERVAL_SUMS(X)
#undef X
	into->n_intervals += add ? 1 : (size_t)-1;
}

/* ---- Endpoints ------------------------------------------------------------------------------ */

/* Slices have them in the same order mostly: @near is where to look first. */
static struct recording_ledger *find_ledger(struct recording *recording, size_t near,
                                            const struct recording_endpoint *endpoint)
{
	size_t n = recording->n_ledgers;

	for (size_t i = 0; i < n; i++) {
		struct recording_ledger *ledger = &recording->ledgers[(near + i) % n];

		if (!strcmp(ledger->endpoint.name, endpoint->name))
			return ledger;
	}
	return NULL;
}

static struct recording_ledger *append_ledger(struct recording *recording,
                                              const struct recording_endpoint *endpoint)
{
	struct recording_ledger *grown =
		reallocarray(recording->ledgers, recording->n_ledgers + 1, sizeof(*grown));

	if (!grown)
		return NULL;
	recording->ledgers = grown;
	if (ledger_init(&grown[recording->n_ledgers], endpoint))
		return NULL;
	return &grown[recording->n_ledgers++];
}

/* Every endpoint of @slice has its ledger, so that adding cannot fail half way. */
static int make_ledgers(struct recording_tail *tail, struct recording_slice *slice)
{
	size_t near = 0;

	for (size_t i = 0; i < slice->n_ledgers; i++) {
		const struct recording_endpoint *endpoint = &slice->ledgers[i].endpoint;
		struct recording_ledger *ledger = find_ledger(&tail->sum, near, endpoint);

		if (!ledger)
			ledger = append_ledger(&tail->sum, endpoint);
		if (!ledger)
			return -ENOMEM;
		ledger->endpoint = *endpoint; /* the process may be another one now */
		slice->ledgers[i].place = (size_t)(ledger - tail->sum.ledgers);
		near = slice->ledgers[i].place + 1;
	}
	return 0;
}

static void apply_slice(struct recording_tail *tail, const struct recording_slice *slice, bool add)
{
	for (size_t i = 0; i < slice->n_ledgers; i++) {
		const struct slice_ledger *ledger = &slice->ledgers[i];
		struct recording_ledger *into = &tail->sum.ledgers[ledger->place];

		apply_ledger(into, ledger, add);
		if (tail->length_ns == TAIL_EVERYTHING || ledger->place == tail->detailed)
			apply_accounts(into, ledger, add);
		apply_ledger(&tail->all.ledgers[0], ledger, add);
	}
	apply_interval(&tail->sum, &slice->interval, add);
	apply_interval(&tail->all, &slice->interval, add);
}

static void apply_accounts_of(struct recording_tail *tail, size_t place, bool add)
{
	for (struct recording_slice *slice = tail->summed; slice; slice = slice->next)
		for (size_t i = 0; i < slice->n_ledgers; i++)
			if (slice->ledgers[i].place == place)
				apply_accounts(&tail->sum.ledgers[place], &slice->ledgers[i], add);
}

void recording_tail_detail(struct recording_tail *tail, size_t place)
{
	if (tail->length_ns == TAIL_EVERYTHING || place == tail->detailed)
		return;
	if (tail->detailed < tail->sum.n_ledgers)
		apply_accounts_of(tail, tail->detailed, false);
	tail->detailed = place;
	apply_accounts_of(tail, place, true);
}

/* ---- What is in the sum --------------------------------------------------------------------- */

static void raise_max(struct recording_tail *tail, const struct recording_slice *slice)
{
	struct recording_ledger *all = &tail->all.ledgers[0];

	for (size_t i = 0; i < slice->n_ledgers; i++) {
		const struct slice_ledger *from = &slice->ledgers[i];
		struct recording_ledger *into = &tail->sum.ledgers[from->place];

		if (from->max_ns > into->max_ns)
			into->max_ns = from->max_ns;
		if (from->max_ns > all->max_ns)
			all->max_ns = from->max_ns;
	}
}

/* A maximum cannot be subtracted: it is taken anew, from the slices in the sum. */
static void settle_max(struct recording_tail *tail)
{
	for (size_t i = 0; i < tail->sum.n_ledgers; i++)
		tail->sum.ledgers[i].max_ns = 0;
	tail->all.ledgers[0].max_ns = 0;
	for (struct recording_slice *slice = tail->summed; slice; slice = slice->next)
		raise_max(tail, slice);
}

static void restore_max(struct recording_tail *tail)
{
	for (size_t i = 0; i < tail->sum.n_ledgers; i++)
		ledger_restore_max(&tail->sum.ledgers[i]);
	ledger_restore_max(&tail->all.ledgers[0]);
}

/* Takes the oldest slices off the sum while the others last for long enough. */
static void trim_sum(struct recording_tail *tail)
{
	if (tail->length_ns == TAIL_EVERYTHING)
		return;
	while (tail->summed != tail->last && tail->sum.sum.length_ns > tail->length_ns) {
		apply_slice(tail, tail->summed, false);
		tail->summed = tail->summed->next;
	}
	tail->sum.sum.start_realtime_ns = tail->summed->interval.start_realtime_ns;
	tail->all.sum.start_realtime_ns = tail->sum.sum.start_realtime_ns;
}

/* Lets go of the oldest slices; of a sum of everything only their figures stay. */
static void trim_slices(struct recording_tail *tail)
{
	while (tail->bytes > tail->bytes_max && tail->first != tail->last) {
		struct recording_slice *slice = tail->first;

		if (slice == tail->summed) {
			tail->summed = slice->next;
			if (tail->length_ns != TAIL_EVERYTHING)
				apply_slice(tail, slice, false);
		}
		tail->first = slice->next;
		tail->bytes -= slice->bytes;
		recording_slice_free(slice);
	}
}

static int add_slice(struct recording_tail *tail, struct recording_slice *slice)
{
	int error = make_ledgers(tail, slice);

	if (error)
		return error;
	if (!tail->sum.n_intervals)
		tail->sum.sum.start_realtime_ns = tail->all.sum.start_realtime_ns =
			slice->interval.start_realtime_ns;
	apply_slice(tail, slice, true);
	return 0;
}

int recording_tail_push(struct recording_tail *tail, struct recording_slice *slice)
{
	int error = add_slice(tail, slice);

	if (error) {
		recording_slice_free(slice);
		return error;
	}
	slice->next = NULL;
	if (tail->last)
		tail->last->next = slice;
	else
		tail->first = tail->summed = slice;
	tail->last = slice;
	tail->bytes += slice->bytes;
	trim_slices(tail);
	trim_sum(tail);
	/* Of everything some slices are gone, but their maximum is still there. */
	if (tail->length_ns == TAIL_EVERYTHING)
		raise_max(tail, slice);
	else
		settle_max(tail);
	restore_max(tail);
	return 0;
}

/* ---- Beginning, end, change ----------------------------------------------------------------- */

static void drop_ledgers(struct recording *recording)
{
	for (size_t i = 0; i < recording->n_ledgers; i++)
		ledger_destroy(&recording->ledgers[i]);
	free(recording->ledgers);
	recording->ledgers = NULL;
	recording->n_ledgers = recording->n_intervals = 0;
	recording->sum = (struct recording_interval){ 0 };
}

/* Fresh ledgers cost nothing until they are written to; zeroing used ones would. */
static int clear_sum(struct recording_tail *tail)
{
	static const struct recording_endpoint all = { .name = "all endpoints" };

	drop_ledgers(&tail->sum);
	drop_ledgers(&tail->all);
	tail->detailed = SIZE_MAX;
	return append_ledger(&tail->all, &all) ? 0 : -ENOMEM;
}

int recording_tail_init(struct recording_tail *tail, size_t bytes_max, uint64_t length_ns)
{
	*tail = (struct recording_tail){ .bytes_max = bytes_max, .length_ns = length_ns };
	tail->sum.complete = tail->sum.same_hooks = tail->sum.same_host = true;
	tail->sum.n_sources = 1;
	tail->all = tail->sum;
	return clear_sum(tail);
}

static void free_slices(struct recording_tail *tail)
{
	while (tail->first) {
		struct recording_slice *slice = tail->first;

		tail->first = slice->next;
		recording_slice_free(slice);
	}
	tail->summed = tail->last = NULL;
	tail->bytes = 0;
}

void recording_tail_destroy(struct recording_tail *tail)
{
	free_slices(tail);
	drop_ledgers(&tail->sum);
	drop_ledgers(&tail->all);
	for (size_t i = 0; i < tail->sum.n_meta; i++) {
		free(tail->sum.meta[i].key);
		free(tail->sum.meta[i].value);
	}
	free(tail->sum.meta);
	free(tail->sum.hooks);
	*tail = (struct recording_tail){ 0 };
}

int recording_tail_set_length(struct recording_tail *tail, uint64_t length_ns)
{
	int error;

	if (length_ns == tail->length_ns)
		return 0;
	error = clear_sum(tail);
	tail->length_ns = length_ns;
	tail->summed = tail->first;
	for (struct recording_slice *slice = tail->first; slice && !error; slice = slice->next)
		error = add_slice(tail, slice);
	if (error || !tail->last)
		return error;
	trim_sum(tail);
	settle_max(tail);
	restore_max(tail);
	return 0;
}

int recording_tail_reset(struct recording_tail *tail)
{
	free_slices(tail);
	return clear_sum(tail);
}

/* ---- Facts ---------------------------------------------------------------------------------- */

static struct recording_meta *find_meta(struct recording *recording, const char *key)
{
	for (size_t i = 0; i < recording->n_meta; i++)
		if (!strcmp(recording->meta[i].key, key))
			return &recording->meta[i];
	return NULL;
}

static int append_meta(struct recording *recording, const char *key, char *value)
{
	struct recording_meta *grown =
		reallocarray(recording->meta, recording->n_meta + 1, sizeof(*grown));
	char *name = strdup(key);

	if (grown)
		recording->meta = grown;
	if (!grown || !name) {
		free(name);
		return -ENOMEM;
	}
	grown[recording->n_meta++] = (struct recording_meta){ name, value };
	return 0;
}

int recording_tail_set_meta(struct recording_tail *tail, const char *key, const char *value)
{
	struct recording_meta *meta = find_meta(&tail->sum, key);
	char *copy = strdup(value);
	int error = copy ? 0 : -ENOMEM;

	if (error)
		return error;
	text_clean(copy);
	if (meta) {
		free(meta->value);
		meta->value = copy;
	} else {
		error = append_meta(&tail->sum, key, copy);
		if (error)
			free(copy);
	}
	tail->all.meta = tail->sum.meta;
	tail->all.n_meta = tail->sum.n_meta;
	return error;
}

int recording_tail_set_hooks(struct recording_tail *tail, const struct recording_hook *hooks,
                             size_t n_hooks)
{
	struct recording_hook *copy = calloc(n_hooks + 1, sizeof(*copy));

	if (!copy)
		return -ENOMEM;
	memcpy(copy, hooks, n_hooks * sizeof(*copy));
	free(tail->sum.hooks);
	tail->sum.hooks = tail->all.hooks = copy;
	tail->sum.n_hooks = tail->all.n_hooks = n_hooks;
	return 0;
}
