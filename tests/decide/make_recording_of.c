// SPDX-License-Identifier: GPL-2.0
/*
 * make_recording_of FILE KEY=VALUE...: a recording of requests with given accounts.
 *
 *	ACCOUNT=NS       every request: exponential around NS, but at least half of it
 *	ACCOUNT=NS@SHARE only in this share of the requests, as in gc=900000@0.02
 *	rate= seconds= bytes=   requests a second; how long; of request and response each
 *	start=           of the first interval, Unix epoch; by default it ended just now
 *	endpoint= nics= hostname= kernel=   nics=-: meta without it
 *	unbalanced= incomplete= map_full= loopback=   of every second
 *	absent=ACCOUNT   no hook fed it
 *	seed=
 *
 * The same arguments give the same recording, but for its time.
 */
#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "recording.h"

#define SECOND_NS 1000000000ULL

struct shape {
	double mean_ns[KTAX_NACCOUNTS], share[KTAX_NACCOUNTS];
	bool absent[KTAX_NACCOUNTS];
	unsigned long rate, seconds, bytes, start, unbalanced, incomplete, map_full, loopback, seed;
	const char *endpoint, *nics, *hostname, *kernel;
};

/* Uniform in 0..1; Knuth's linear congruential generator. */
static double random_share(struct shape *shape)
{
	shape->seed = shape->seed * 6364136223846793005UL + 1442695040888963407UL;
	return (double)(shape->seed >> 11) / 9007199254740992.0;
}

static uint64_t draw(struct shape *shape, int account)
{
	double mean = shape->mean_ns[account];

	if (mean <= 0 || random_share(shape) >= shape->share[account])
		return 0;
	return (uint64_t)(mean / 2 - log(1 - random_share(shape)) * mean / 2);
}

/* ---- Arguments ------------------------------------------------------------------------------ */

static int take_number(struct shape *shape, const char *key, const char *value)
{
	const struct {
		const char *name;
		unsigned long *into;
	} keys[] = { { "rate", &shape->rate },
		     { "seconds", &shape->seconds },
		     { "bytes", &shape->bytes },
		     { "start", &shape->start },
		     { "unbalanced", &shape->unbalanced },
		     { "incomplete", &shape->incomplete },
		     { "loopback", &shape->loopback },
		     { "map_full", &shape->map_full },
		     { "seed", &shape->seed } };

	for (size_t i = 0; i < sizeof(keys) / sizeof(keys[0]); i++)
		if (!strcmp(key, keys[i].name)) {
			*keys[i].into = strtoul(value, NULL, 10);
			return 0;
		}
	return -EINVAL;
}

static int take_text(struct shape *shape, const char *key, const char *value)
{
	if (!strcmp(key, "endpoint"))
		shape->endpoint = value;
	else if (!strcmp(key, "nics"))
		shape->nics = value;
	else if (!strcmp(key, "hostname"))
		shape->hostname = value;
	else if (!strcmp(key, "kernel"))
		shape->kernel = value;
	else if (!strcmp(key, "absent") && ktax_account_by_name(value) >= 0)
		shape->absent[ktax_account_by_name(value)] = true;
	else
		return -EINVAL;
	return 0;
}

static int take(struct shape *shape, char *argument)
{
	char *value = strchr(argument, '='), *end;
	int account;

	if (!value)
		return -EINVAL;
	*value++ = '\0';
	account = ktax_account_by_name(argument);
	if (account < 0)
		return take_number(shape, argument, value) ? take_text(shape, argument, value) : 0;
	shape->mean_ns[account] = strtod(value, &end);
	shape->share[account] = *end == '@' ? strtod(end + 1, &end) : 1;
	return *end ? -EINVAL : 0;
}

/* ---- Requests ------------------------------------------------------------------------------- */

static void add_floor(uint32_t *buckets, const uint64_t ns[KTAX_NACCOUNTS], uint64_t total_ns,
                      unsigned int removed)
{
	for (int i = 0; i < KTAX_NACCOUNTS; i++)
		if (removed & KTAX_ACCOUNT_BIT(i))
			total_ns -= ns[i];
	buckets[ktax_hist_index(total_ns, KTAX_HIST_MAGNITUDE)]++;
}

static void add_request(struct shape *shape, struct ktax_aggregate *aggregate)
{
	uint64_t ns[KTAX_NACCOUNTS], total_ns = 0;
	struct ktax_joint_cell *cell;

	for (int i = 0; i < KTAX_NACCOUNTS; i++)
		total_ns += ns[i] = draw(shape, i);
	cell = &aggregate->joint[ktax_hist_index(total_ns, KTAX_JOINT_MAGNITUDE)];
	aggregate->requests++;
	aggregate->bytes_in += shape->bytes;
	aggregate->bytes_out += shape->bytes;
	if (total_ns > aggregate->max_ns)
		aggregate->max_ns = total_ns;
	aggregate->total[ktax_hist_index(total_ns, KTAX_HIST_MAGNITUDE)]++;
	add_floor(aggregate->floor_tuned, ns, total_ns, KTAX_TUNABLE_SET);
	add_floor(aggregate->floor_bypass, ns, total_ns, KTAX_ADDRESSABLE_SET);
	cell->requests++;
	for (int i = 0; i < KTAX_NACCOUNTS; i++) {
		cell->sum_ns[i] += ns[i];
		if (ns[i])
			aggregate->account[i][ktax_hist_index(ns[i], KTAX_HIST_MAGNITUDE)]++;
	}
}

static int add_second(struct shape *shape, struct recording_writer *writer, unsigned long second,
                      int64_t id)
{
	static struct ktax_aggregate aggregate;
	const struct recording_interval interval = {
		.start_realtime_ns = (shape->start + second) * SECOND_NS,
		.length_ns = SECOND_NS,
		.attached_ns = SECOND_NS,
		.lost_map_full = shape->map_full,
	};
	int err = recording_begin(writer, &interval);

	memset(&aggregate, 0, sizeof(aggregate));
	for (unsigned long i = 0; i < shape->rate; i++)
		add_request(shape, &aggregate);
	aggregate.unbalanced = shape->unbalanced;
	aggregate.incomplete = shape->incomplete;
	aggregate.loopback = shape->loopback;
	if (!err)
		err = recording_add_ledger(writer, id, &aggregate);
	return err ? err : recording_commit(writer);
}

/* ---- The file ------------------------------------------------------------------------------- */

static int set_hooks(const struct shape *shape, struct recording_writer *writer)
{
	struct recording_hook hooks[KTAX_NACCOUNTS] = {};
	size_t n = 0;

	for (int i = 0; i < KTAX_NACCOUNTS; i++) {
		struct recording_hook *hook = &hooks[n++];

		snprintf(hook->boundary, sizeof(hook->boundary), "made_up");
		snprintf(hook->account, sizeof(hook->account), "%s", ktax_account_info[i].name);
		if (shape->absent[i])
			snprintf(hook->why, sizeof(hook->why), "nothing saw it");
		else
			snprintf(hook->program, sizeof(hook->program), "tp_btf/made_up");
	}
	return recording_set_hooks(writer, hooks, n);
}

static int set_facts(const struct shape *shape, struct recording_writer *writer)
{
	const char *const facts[][2] = { { "hostname", shape->hostname },
		                         { "kernel", shape->kernel },
		                         { "cpu_model", "A CPU" },
		                         { "cpus", "8" },
		                         { "command", "ktax record --port 6379" },
		                         { "nics", shape->nics } };
	int err = set_hooks(shape, writer);

	for (size_t i = 0; i < sizeof(facts) / sizeof(facts[0]) && !err; i++)
		if (strcmp(facts[i][1], "-") != 0)
			err = recording_set_meta(writer, facts[i][0], facts[i][1]);
	return err;
}

static int make(struct shape *shape, const char *path)
{
	struct recording_endpoint endpoint = { .pid = 4711, .comm = "server" };
	struct recording_writer *writer;
	int64_t id = 0;
	int err = recording_create(path, true, &writer);

	if (err)
		return err;
	snprintf(endpoint.name, sizeof(endpoint.name), "%s", shape->endpoint);
	err = set_facts(shape, writer);
	if (!err)
		err = recording_add_endpoint(writer, &endpoint, &id);
	for (unsigned long second = 0; second < shape->seconds && !err; second++)
		err = add_second(shape, writer, second, id);
	if (!err)
		return recording_finish(writer);
	recording_abandon(writer);
	return err;
}

int main(int argc, char **argv)
{
	struct shape shape = { .rate = 2000,
		               .seconds = 12,
		               .bytes = 64,
		               .seed = 4711,
		               .endpoint = "10.0.0.1:6379/tcp",
		               .nics = "none",
		               .hostname = "box",
		               .kernel = "6.1.0" };
	int err = argc < 2 ? -EINVAL : 0;

	for (int i = 2; i < argc && !err; i++)
		err = take(&shape, argv[i]);
	if (!shape.start)
		shape.start = (unsigned long)time(NULL) - shape.seconds;
	if (!err)
		err = make(&shape, argv[1]);
	if (err)
		fprintf(stderr, "make_recording_of: %s\n", strerror(-err));
	return err != 0;
}
