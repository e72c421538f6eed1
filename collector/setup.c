// SPDX-License-Identifier: GPL-2.0
/* Setting up a run, and what is said where that fails. */
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "catalogue.h"
#include "endpoint_room.h"
#include "host.h"
#include "internal.h"
#include "nic_drivers.h"
#include "privileges.h"

#define SAMPLE_HZ  499 /* user/kernel sampling; a prime, to stay out of step with ticks */
#define RING_BYTES (4 << 20)
/* What recording may wait for the features, that are read while the probes are loaded. */
#define FEATURES_LIMIT_NS (200 * NSEC_PER_MSEC)

static int check_privileges(struct collector_failure *failure)
{
	static char cause[200];
	char capabilities[160];

	if (!privileges_missing(capabilities, sizeof(capabilities)))
		return 0;
	snprintf(cause, sizeof(cause), "it lacks %s", capabilities);
	return failed(failure, -EPERM, NULL, "attach probes", cause,
	              "run it as root (sudo ktax record ...), or give it these");
}

static void open_stats(struct collector *collector)
{
	if (stats_switch_open(&collector->cost.stats) && collector->options.budget_pct > 0)
		note(collector, "what the probes cost cannot be measured without CAP_SYS_ADMIN: "
		                "they stay attached, whatever --budget says");
}

static int open_targets(struct collector *collector, struct collector_failure *failure)
{
	const struct collector_options *options = &collector->options;
	char subject[64] = "";
	int err = targets_open(&options->targets, &collector->targets, subject);

	if (err == -ESRCH)
		return failed(failure, err, subject, "record it", "there is no such process",
		              "look its pid up in ps, or give --comm or --port");
	if (err == -ENOENT)
		return failed(failure, err, subject, "record it", "not a readable cgroup directory",
		              "give the path of a directory that holds cgroup.procs");
	if (!err)
		err = targets_refresh(collector->targets, NULL);
	if (err == -ENOENT)
		return failed(failure, -EOPNOTSUPP, "kernel", "look for listening sockets",
		              "it has no sock_diag", "load the module tcp_diag (CONFIG_INET_DIAG)");
	if (err)
		return failed(failure, err, "/proc", "look for targets", NULL, NULL);
	return 0;
}

/* Room for the endpoints: as asked for, or for those that were found and some more. */
static int make_room(struct collector *collector, struct collector_failure *failure)
{
	const struct recording_endpoint *endpoints;
	struct collector_options *options = &collector->options;
	size_t found = targets_endpoints(collector->targets, &endpoints);
	int err;

	if (!options->max_endpoints)
		options->max_endpoints =
			endpoint_room(&options->targets, found, probes_endpoint_bytes());
	options->max_endpoints++; /* the others */
	targets_limit_endpoints(collector->targets, options->max_endpoints);
	err = intervals_allocate(collector);
	return err ? failed(failure, err, NULL, "start", NULL, NULL) : 0;
}

/* Listeners that have an endpoint of their own, as what looks for features takes them. */
static size_t list_endpoints(const struct collector *collector, struct host_endpoint *ret, size_t n)
{
	const struct recording_endpoint *endpoints;
	uint32_t others = collector->options.max_endpoints - 1;
	struct target_listening listening;
	size_t count = 0;

	targets_endpoints(collector->targets, &endpoints);
	for (size_t i = 0; count < n && targets_listener(collector->targets, i, &listening); i++) {
		if (listening.endpoint == &endpoints[others])
			continue;
		ret[count] = (struct host_endpoint){ .listener = listening.key,
			                             .pid = listening.owner,
			                             .netspace = listening.socket };
		memcpy(ret[count++].name, listening.endpoint->name, sizeof(ret->name));
	}
	return count;
}

/* What bypass would lose is read meanwhile. That it cannot be is told in the recording alone. */
static void begin_features(struct collector *collector)
{
	struct host_endpoint *endpoints = calloc(TARGETS_ENDPOINTS_MAX, sizeof(*endpoints));
	size_t n;

	if (!endpoints)
		return;
	n = list_endpoints(collector, endpoints, TARGETS_ENDPOINTS_MAX);
	host_features_begin(endpoints, n, &collector->features);
	free(endpoints);
}

static int write_features(struct collector *collector)
{
	char *document = host_features_finish(&collector->features, FEATURES_LIMIT_NS);
	int err = document ? recording_set_meta(collector->writer, "features", document) : 0;

	free(document);
	return err;
}

static int probes_failure(struct collector_failure *failure, int err,
                          const struct hook_boundary *missing)
{
	static char cause[160];

	if (missing) {
		snprintf(cause, sizeof(cause),
		         "no way to hook \"%s\" works on this kernel (account %s)", missing->name,
		         ktax_account_info[missing->account].name);
		return failed(failure, -EOPNOTSUPP, "kernel", "follow requests", cause,
		              "use a kernel built with CONFIG_KPROBES and CONFIG_FUNCTION_TRACER");
	}
	if (err == -EOPNOTSUPP)
		return failed(failure, err, "/sys/kernel/btf/vmlinux", "read the kernel's types",
		              "the kernel has no BTF",
		              "use a kernel built with CONFIG_DEBUG_INFO_BTF");
	return failed(failure, err, "BPF programs", "load them", NULL,
	              "run it with -vv to see the verifier's message");
}

static int open_probes(struct collector *collector, struct collector_failure *failure)
{
	const struct collector_options *options = &collector->options;
	struct target_links links = targets_links(collector->targets);
	struct probes_options probes = {
		.family = options->family,
		.light = options->light,
		.max_connections = options->max_connections,
		.max_endpoints = options->max_endpoints,
		.ring_bytes = RING_BYTES,
		.sample_hz = options->light ? 0 : SAMPLE_HZ,
		.qdisc = links.qdisc,
		.nic = links.nic,
		.task_filter = targets_are_processes(collector->targets),
		.ports = options->targets.ports,
		.n_ports = options->targets.n_ports,
		.framing = !options->no_framing,
		.log = options->log,
	};
	const struct hook_boundary *missing = NULL;
	int err;

	if (options->light)
		links.n_nics = 0; /* it does not see packets arrive */
	err = nic_clocks_open(&links, &collector->nic_clocks);
	if (err)
		return failed(failure, err, NULL, "start", NULL, NULL);
	probes.nic_stamps = nic_clocks_used(collector->nic_clocks);
	err = probes_open(&probes, &collector->probes, &missing);
	if (err)
		return probes_failure(failure, err, missing);
	probes_sample(collector->probes, options->sample_every, UINT64_MAX);
	collector->cost.probes = collector->probes;
	if (probes_use_nic_stamps(
		    collector->probes)) /* the first reading: the others come by and by */
		nic_clocks_tick(collector->nic_clocks, collector->probes,
		                clock_ns(CLOCK_MONOTONIC));
	err = targets_refresh(collector->targets, collector->probes);
	return err ? failed(failure, err, "BPF maps", "hand over the targets", NULL, NULL) : 0;
}

static int open_catalogue(struct collector *collector, struct collector_failure *failure)
{
	static char cause[CATALOGUE_MESSAGE_SIZE + PATH_MAX];
	char message[CATALOGUE_MESSAGE_SIZE] = "";
	const struct collector_options *options = &collector->options;
	const char *dir = options->catalogue;
	int err = 0;

	if (options->light)
		return 0; /* spans cost more than all else in it */
	if (!options->no_catalogue)
		err = catalogue_load(options->catalogue, &collector->catalogue, message,
		                     sizeof(message));
	for (size_t i = 0; !err && i < options->n_spans; i++)
		err = catalogue_add_span(&collector->catalogue, options->spans[i], message,
		                         sizeof(message));
	if (!err)
		return 0;
	if (dir && strncmp(message, dir, strlen(dir))) /* "FILE:LINE: ...", below it */
		snprintf(cause, sizeof(cause), "%s/%s", dir, message);
	else
		snprintf(cause, sizeof(cause), "%s", message);
	return failed(failure, err, NULL, "read the catalogue of functions", cause,
	              "correct it, or give --catalogue none");
}

static int find_spans(struct collector *collector, struct collector_failure *failure)
{
	int err = refresh_spans(collector);

	collector->spans_generation = targets_generation(collector->targets);
	if (!err && !collector->options.child)
		note_unmatched_spans(collector);
	return err ? failed(failure, err, NULL, "look for functions to probe", NULL, NULL) : 0;
}

static int create_recording(struct collector *collector, struct collector_failure *failure)
{
	const struct collector_options *options = &collector->options;
	int err = output_create(collector);

	if (err == -EEXIST)
		return failed(failure, err, options->output, "create the recording",
		              "the file exists", "choose another with -o, or overwrite it with -f");
	if (err == -EBUSY)
		return failed(failure, err, options->output, "create the recording",
		              "another ktax is writing it", "choose another with -o");
	if (err == -EINVAL)
		return failed(failure, err, options->output, "create the recording",
		              "it is a device, pipe or socket", "name a file with -o");
	if (err == -EACCES || err == -EPERM) /* of the file, not of what ktax is about */
		return failed(failure, -EIO, options->output, "create the recording",
		              "its directory or the file is not writable",
		              "choose another with -o");
	if (err)
		return failed(failure, err, options->output, "create the recording", NULL, NULL);
	return 0;
}

static int write_meta(struct collector *collector)
{
	const struct collector_options *options = &collector->options;
	struct recording_writer *writer = collector->writer;
	struct target_links links = targets_links(collector->targets);
	char text[64];
	int err = host_record(writer);

	if (!err)
		err = nic_drivers_record(writer, &links);
	if (!err && options->command_line)
		err = recording_set_meta(writer, "command", options->command_line);
	if (!err)
		err = recording_set_meta(writer, "role", "server");
	if (!err && options->readiness)
		err = recording_set_meta(writer, "readiness", options->readiness);
	if (!err)
		err = recording_set_meta(writer, "detail", options->light ? "light" : "full");
	if (!err)
		err = recording_set_meta(writer, "hooks", hook_family_name[options->family]);
	snprintf(text, sizeof(text), "%llu", (unsigned long long)options->interval_ns);
	if (!err)
		err = recording_set_meta(writer, "interval_ns", text);
	snprintf(text, sizeof(text), "%g", options->budget_pct);
	if (!err && options->budget_pct > 0)
		err = recording_set_meta(writer, "budget_pct", text);
	if (!err && !stats_switch_works(&collector->cost.stats))
		err = recording_set_meta(writer, "probe_cost", "unknown");
	snprintf(text, sizeof(text), "none");
	if (options->sample_every)
		snprintf(text, sizeof(text), "1/%u", options->sample_every);
	else if (options->slow_pct > 0)
		snprintf(text, sizeof(text), "slow %g", options->slow_pct);
	if (!err)
		err = recording_set_meta(writer, "requests_sampling", text);
	return err ? err : write_features(collector);
}

int setup(struct collector *collector, struct collector_failure *failure)
{
	int err = check_privileges(failure);

	if (err)
		return err;
	open_stats(collector);
	err = open_targets(collector, failure);
	if (!err)
		err = make_room(collector, failure);
	if (!err)
		begin_features(collector);
	if (!err)
		err = open_catalogue(collector, failure);
	if (!err)
		err = open_probes(collector, failure);
	if (!err)
		err = find_spans(collector, failure);
	if (!err)
		err = create_recording(collector, failure);
	if (!err) {
		err = write_meta(collector);
		if (err)
			failed(failure, err, collector->options.output, "write the recording", NULL,
			       NULL);
	}
	return err;
}
