// SPDX-License-Identifier: GPL-2.0
/*
 * Sentences out of findings. What is worth naming: the largest group, every other from 5 % on, the
 * kernel always (it is what ktax is asked about), and of the application gc, hop and unknown by
 * name. The slowest 1 % are told where they differ from the mean by at least 3 points.
 */
#include "headline.h"

#include <inttypes.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define NAMED_FROM   0.05
#define DIFFERS_FROM 0.03

struct sentence {
	char *text;
	size_t size;
};

static void say(struct sentence *sentence, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

static void say(struct sentence *sentence, const char *format, ...)
{
	size_t length = strlen(sentence->text);
	va_list arguments;

	va_start(arguments, format);
	vsnprintf(sentence->text + length, sentence->size - length, format, arguments);
	va_end(arguments);
}

static void say_separator(struct sentence *sentence)
{
	if (sentence->text[0])
		say(sentence, "; ");
}

static void say_percent(struct sentence *sentence, double share)
{
	double percent = 100 * share;

	if (percent > 0 && percent < 0.1)
		say(sentence, "<0.1 %%");
	else
		say(sentence, percent < 9.95 && percent > 0 ? "%.1f %%" : "%.0f %%", percent);
}

static void say_slowest(struct sentence *sentence, const struct finding_part *part)
{
	if (fabs(part->share - part->p99_band_share) < DIFFERS_FROM)
		return;
	say(sentence, ", ");
	say_percent(sentence, part->p99_band_share);
	say(sentence, " of the slowest 1 %%");
}

static bool worth_naming(const struct finding_part *part)
{
	return part->share >= NAMED_FROM || part->p99_band_share >= NAMED_FROM;
}

/* How much of the kernel's part a bypass could take, where that is not all of it. */
static void say_addressable(struct sentence *sentence, const struct finding_endpoint *endpoint)
{
	const struct finding_part *kernel = &endpoint->group[KTAX_GROUP_KERNEL].part;
	double addressable = endpoint->kernel_addressable.share;

	if (kernel->share - addressable < 0.005)
		return;
	say(sentence, " (");
	say_percent(sentence, addressable);
	say(sentence, " addressable, ");
	say_percent(sentence, kernel->share - addressable);
	say(sentence, " not)");
}

static void say_group(struct sentence *sentence, const struct finding_endpoint *endpoint, int group)
{
	static const char *const names[KTAX_NGROUPS] = {
		[KTAX_GROUP_NIC] = "NIC",
		[KTAX_GROUP_KERNEL] = "kernel stack",
		[KTAX_GROUP_SERIALIZATION] = "serialization",
		[KTAX_GROUP_APPLICATION] = "application",
	};
	const struct finding_part *part = &endpoint->group[group].part;
	bool first = !sentence->text[0];

	say_separator(sentence);
	say(sentence, "%s ", names[group]);
	say_percent(sentence, part->share);
	if (first)
		say(sentence, " of the mean");
	if (group == KTAX_GROUP_KERNEL)
		say_addressable(sentence, endpoint);
	say_slowest(sentence, part);
}

static void say_causes(struct sentence *sentence, const struct finding_endpoint *endpoint)
{
	static const struct {
		enum ktax_account account;
		const char *words;
	} causes[] = { { KTAX_GC, "gc alone" },
		       { KTAX_HOP, "hop alone" },
		       { KTAX_UNKNOWN, "unexplained" } };

	for (size_t i = 0; i < sizeof(causes) / sizeof(causes[0]); i++) {
		const struct finding_account *account = &endpoint->account[causes[i].account];

		if (!account->present || !worth_naming(&account->part))
			continue;
		say(sentence, "; %s ", causes[i].words);
		say_percent(sentence, account->part.share);
		say_slowest(sentence, &account->part);
	}
}

/* The groups, largest share of the mean first. */
static void sort_groups(const struct finding_endpoint *endpoint, int ret_order[KTAX_NGROUPS])
{
	for (int g = 0; g < KTAX_NGROUPS; g++) {
		int place = g;

		for (; place > 0 && endpoint->group[ret_order[place - 1]].part.share <
		                            endpoint->group[g].part.share;
		     place--)
			ret_order[place] = ret_order[place - 1];
		ret_order[place] = g;
	}
}

static void say_groups(struct sentence *sentence, const struct finding_endpoint *endpoint)
{
	int order[KTAX_NGROUPS];

	sort_groups(endpoint, order);
	for (int i = 0; i < KTAX_NGROUPS; i++) {
		const struct finding_group *group = &endpoint->group[order[i]];

		if (i == 0 || order[i] == KTAX_GROUP_KERNEL || worth_naming(&group->part))
			say_group(sentence, endpoint, order[i]);
	}
	say_causes(sentence, endpoint);
}

static void say_endpoint_caution(struct sentence *sentence, const struct recording_ledger *ledger)
{
	if (ledger->unbalanced) {
		say_separator(sentence);
		say(sentence, "%" PRIu64 " of %" PRIu64 " requests do not balance, a bug of ktax",
		    ledger->unbalanced, ledger->requests);
	}
	if (ledger->requests < 1000) {
		say_separator(sentence);
		say(sentence, "%sp99.9 not resolved (n = %" PRIu64 ")",
		    ledger->requests < 100 ? "p99 and " : "", ledger->requests);
	}
}

void headline_write(struct finding_endpoint *endpoint)
{
	struct sentence headline = { endpoint->headline, sizeof(endpoint->headline) };
	struct sentence caution = { endpoint->caution, sizeof(endpoint->caution) };

	endpoint->headline[0] = endpoint->caution[0] = '\0';
	if (!endpoint->ledger->requests) {
		say(&headline, "no request was recorded");
		return;
	}
	say_groups(&headline, endpoint);
	say_endpoint_caution(&caution, endpoint->ledger);
}

static void say_count(struct sentence *sentence, uint64_t count, const char *what)
{
	if (!count)
		return;
	say_separator(sentence);
	say(sentence, "%" PRIu64 " %s", count, what);
}

static uint64_t meta_number(const struct recording *recording, const char *key)
{
	const char *value = recording_meta(recording, key);

	return value ? strtoull(value, NULL, 10) : 0;
}

void headline_write_caution(struct findings *findings)
{
	struct sentence caution = { findings->caution, sizeof(findings->caution) };
	const struct recording *recording = findings->recording;

	findings->caution[0] = '\0';
	if (!recording->complete)
		say(&caution, "not finished, the recorder was killed or still runs");
	say_count(&caution, recording->sum.lost_map_full, "connections not followed (table full)");
	say_count(&caution, meta_number(recording, "merged_endpoints"),
	          "endpoints recorded as one (--max-endpoints)");
	say_count(&caution, meta_number(recording, "unseen_processes"),
	          "processes in network namespaces that could not be looked into");
	say_count(&caution, recording->sum.missed_stamps, "requests of unseen arrival");
	say_count(&caution, recording->sum.clock_errors, "spans off the clock");
	say_count(&caution, recording->sum.lost_ring, "sampled requests lost");
	if (recording->n_sources > 1 && !recording->same_host) {
		say_separator(&caution);
		say(&caution, "merged from different hosts");
	}
	if (recording->n_sources > 1 && !recording->same_hooks) {
		say_separator(&caution);
		say(&caution, "merged from recordings with different hooks");
	}
}
