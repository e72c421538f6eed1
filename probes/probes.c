// SPDX-License-Identifier: GPL-2.0
/*
 * The probes' life: load, attach, read, detach.
 *
 * The same source (full.bpf.c) is embedded as two objects: "tracing" keeps its state in socket and
 * task storage, "hash" in bounded hash maps, which kprobe and raw_tp programs can use too. The
 * tracing object is taken unless a required boundary cannot be hooked with it, or the user asked
 * for a family that it does not have. The light hook set (light.bpf.c) is a third object, of the
 * tracing kind. From then on they are handled alike, by names.
 *
 * Which hooks: hook_choice.c. Programs are attached one link each; spans (uprobes, USDT) are in
 * span_links.c, the sampling of CPUs in cpu_sampler.c, the reading of aggregates in aggregates.c.
 */
#include "probes.h"

#include <bpf/bpf.h>
#include <bpf/btf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "aggregates.h"
#include "cpu_sampler.h"
#include "full_hash.skel.h"
#include "full_tracing.skel.h"
#include "hook_choice.h"
#include "kernel_symbols.h"
#include "light.skel.h"
#include "span_links.h"
#include "spans.h"

#define SWEEP_SLOTS 1024 /* per run of the sweep program: it is bounded for the verifier */

struct probes {
	struct probes_options options;
	struct full_tracing *tracing; /* one of these three */
	struct full_hash *hash;
	struct light *light;
	struct bpf_object *object;
	struct ktax_control *control; /* in the object's mapped .bss */
	uint8_t *listening_ports;
	struct hook_choice hooks;
	struct bpf_link *link[BOUNDARY_COUNT];
	int n_cpus;
	struct cpu_sampler sampler;
	uint64_t map_full; /* as counted at the last sweep */
	struct span_links *spans;
	struct span_links *step; /* see probes_measure_step() */
	uint64_t step_bare_ns;
	bool uprobe_multi;
	struct aggregates aggregates;
	struct ring_buffer *ring;
	void (*visit)(const struct ktax_request *request, void *context);
	void *visit_context;
	bool attached;
	struct kernel_symbols symbols;
};

/* ---- Loading ------------------------------------------------------------------------------ */

static int open_object(struct probes *probes, bool storage_hash)
{
	if (probes->options.light)
		probes->light = light__open();
	else if (storage_hash)
		probes->hash = full_hash__open();
	else
		probes->tracing = full_tracing__open();
	if (probes->light)
		probes->object = probes->light->obj;
	else if (probes->hash)
		probes->object = probes->hash->obj;
	else if (probes->tracing)
		probes->object = probes->tracing->obj;
	else
		return -errno;
	return 0;
}

static bool program_is_chosen(const struct probes *probes, const char *name)
{
	return hook_choice_has_program(&probes->hooks, name) ||
	       !strncmp(name, "span_", 5) /* see span_links_prepare */ || !strcmp(name, "sweep") ||
	       !strcmp(name, "cpu_sample");
}

static int switch_arguments(const struct btf *btf)
{
	int id = btf__find_by_name_kind(btf, "btf_trace_sched_switch", BTF_KIND_TYPEDEF);
	const struct btf_type *type = id > 0 ? btf__type_by_id(btf, id) : NULL;

	while (type && (btf_is_typedef(type) || btf_is_ptr(type)))
		type = btf__type_by_id(btf, type->type);
	return type && btf_is_func_proto(type) ? btf_vlen(type) : 0;
}

static int set_entries(struct probes *probes, const char *map, uint32_t entries)
{
	return bpf_map__set_max_entries(bpf_object__find_map_by_name(probes->object, map), entries);
}

static int size_maps(struct probes *probes)
{
	const struct probes_options *options = &probes->options;
	int err = set_entries(probes, "connections", options->max_connections);

	if (!err)
		err = set_entries(probes, "free_slots", options->max_connections);
	if (!err)
		err = set_entries(probes, "aggregates",
		                  aggregates_sets(probes->n_cpus) * options->max_endpoints);
	if (!err)
		err = set_entries(probes, "requests", options->ring_bytes);
	if (!err && probes->hash)
		err = set_entries(probes, "references", options->max_connections * 2);
	return err;
}

/* A jiffy is what the coarse clock moves by. */
static uint64_t tick_ns(void)
{
	struct timespec resolution;

	return clock_getres(CLOCK_MONOTONIC_COARSE, &resolution) ? 0 : resolution.tv_nsec;
}

static int prepare_object(struct probes *probes, const struct btf *btf)
{
	struct ktax_settings settings = {
		.n_cpus = probes->n_cpus,
		.max_endpoints = probes->options.max_endpoints,
		.max_connections = probes->options.max_connections,
		/* (void *data, bool preempt, prev, next, prev_state) */
		.switch_has_prev_state = switch_arguments(btf) >= 5,
		.qdisc_hooked = probes->hooks.chosen[BOUNDARY_TX_QDISC] != NULL,
		.softirq_hooked = probes->hooks.chosen[BOUNDARY_SOFTIRQ_ENTER] &&
		                  probes->hooks.chosen[BOUNDARY_SOFTIRQ_LEAVE],
		.framing = probes->options.framing,
		.nic_stamps = probes->options.nic_stamps,
		.per_cpu_offsets = probes->symbols.per_cpu_offsets,
		.steal_offset = probes->symbols.steal,
		.irqtime_offset = probes->symbols.irqtime,
		.tick_ns = tick_ns(),
	};
	struct bpf_program *program;

	bpf_object__for_each_program(program, probes->object) {
		bool chosen = program_is_chosen(probes, bpf_program__name(program));

		bpf_program__set_autoload(program, chosen);
	}
	probes->uprobe_multi = span_links_multi_supported(btf);
	if (!probes->light) /* it has no spans */
		span_links_prepare(probes->object, probes->uprobe_multi);
	if (probes->light)
		memcpy((void *)&probes->light->rodata->settings, &settings, sizeof(settings));
	else if (probes->hash)
		memcpy((void *)&probes->hash->rodata->settings, &settings, sizeof(settings));
	else
		memcpy((void *)&probes->tracing->rodata->settings, &settings, sizeof(settings));
	return size_maps(probes);
}

static int load_object(struct probes *probes)
{
	int err = bpf_object__load_skeleton(probes->light  ? probes->light->skeleton
	                                    : probes->hash ? probes->hash->skeleton
	                                                   : probes->tracing->skeleton);

	if (err)
		return err;
	if (probes->light) {
		probes->control = &probes->light->bss->control;
		probes->listening_ports = probes->light->bss->listening_ports;
	} else if (probes->hash) {
		probes->control = &probes->hash->bss->control;
		probes->listening_ports = probes->hash->bss->listening_ports;
	} else {
		probes->control = &probes->tracing->bss->control;
		probes->listening_ports = probes->tracing->bss->listening_ports;
	}
	probes->control->slow_ns = UINT64_MAX;
	probes->control->filter_tasks = probes->options.task_filter;
	probes->control->filter_ports = probes->options.n_ports > 0;
	for (size_t i = 0; i < probes->options.n_ports; i++)
		probes->listening_ports[probes->options.ports[i]] = 1;
	return 0;
}

static int map_fd(const struct probes *probes, const char *name)
{
	return bpf_object__find_map_fd_by_name(probes->object, name);
}

static int fill_free_slots(struct probes *probes)
{
	int fd = map_fd(probes, "free_slots");

	for (uint32_t i = 0; i < probes->options.max_connections; i++)
		if (bpf_map_update_elem(fd, NULL, &i, BPF_ANY))
			return -errno;
	return 0;
}

static int visit_request(void *context, void *data, size_t size)
{
	struct probes *probes = context;

	if (probes->visit && size >= sizeof(struct ktax_request))
		probes->visit(data, probes->visit_context);
	return 0;
}

static int set_up_maps(struct probes *probes)
{
	int err = aggregates_map(map_fd(probes, "aggregates"), probes->n_cpus,
	                         probes->options.max_endpoints, &probes->aggregates);

	if (!err)
		err = fill_free_slots(probes);
	if (!err)
		err = cpu_sampler_open(&probes->sampler, probes->n_cpus, probes->options.sample_hz);
	if (err)
		return err;
	probes->ring = ring_buffer__new(map_fd(probes, "requests"), visit_request, probes, NULL);
	return probes->ring ? 0 : -errno;
}

static void (*libbpf_log)(int level, const char *text);

static int log_libbpf(enum libbpf_print_level level, const char *format, va_list arguments)
{
	char text[1024];

	if (!libbpf_log)
		return 0;
	vsnprintf(text, sizeof(text), format, arguments);
	libbpf_log(level, text);
	return 0;
}

static int choose_and_load(struct probes *probes, const struct hook_boundary **ret_missing)
{
	bool storage_hash = !probes->options.light && (probes->options.family == HOOK_KPROBE ||
	                                               probes->options.family == HOOK_RAW_TP);
	struct btf *btf = btf__load_vmlinux_btf();
	int err;

	if (!btf)
		return errno == EPERM || errno == EACCES ? -EPERM : -EOPNOTSUPP;
	kernel_symbols_find(&probes->symbols);
	*ret_missing = hook_choice_make(&probes->hooks, &probes->options, &probes->symbols, btf,
	                                storage_hash);
	if (*ret_missing && !storage_hash && !probes->options.light) {
		storage_hash = true;
		*ret_missing = hook_choice_make(&probes->hooks, &probes->options, &probes->symbols,
		                                btf, storage_hash);
	}
	err = *ret_missing ? -EOPNOTSUPP : open_object(probes, storage_hash);
	if (!err)
		err = prepare_object(probes, btf);
	btf__free(btf);
	if (!err)
		err = load_object(probes);
	return err;
}

int probes_open(const struct probes_options *options, struct probes **ret_probes,
                const struct hook_boundary **ret_missing)
{
	struct probes *probes = calloc(1, sizeof(*probes));
	int err;

	if (!probes)
		return -ENOMEM;
	libbpf_log = options->log;
	libbpf_set_print(log_libbpf);
	probes->options = *options;
	probes->n_cpus = libbpf_num_possible_cpus();
	err = probes->n_cpus < 0 ? probes->n_cpus : choose_and_load(probes, ret_missing);
	if (!err)
		err = set_up_maps(probes);
	if (err) {
		probes_close(probes);
		return err;
	}
	*ret_probes = probes;
	return 0;
}

void probes_close(struct probes *probes)
{
	if (!probes)
		return;
	probes_detach(probes);
	probes_detach_spans(probes);
	span_links_detach(probes->step);
	cpu_sampler_close(&probes->sampler);
	ring_buffer__free(probes->ring);
	aggregates_unmap(&probes->aggregates);
	full_tracing__destroy(probes->tracing);
	full_hash__destroy(probes->hash);
	light__destroy(probes->light);
	free(probes);
}

/* ---- Attaching ---------------------------------------------------------------------------- */

static struct bpf_program *program_by_name(const struct probes *probes, const char *name)
{
	return bpf_object__find_program_by_name(probes->object, name);
}

static uint64_t monotonic_ns(void)
{
	struct timespec time;

	clock_gettime(CLOCK_MONOTONIC, &time);
	return time.tv_sec * 1000000000ULL + time.tv_nsec;
}

int probes_attach(struct probes *probes, const char **ret_failed)
{
	if (probes->attached)
		return 0;
	probes->attached = true;
	probes->control->epoch++;
	probes->control->attached_at_ns = monotonic_ns();
	for (int i = 0; i < BOUNDARY_COUNT; i++) {
		if (!probes->hooks.chosen[i])
			continue;
		probes->link[i] = bpf_program__attach(
			program_by_name(probes, probes->hooks.chosen[i]->program));
		if (!probes->link[i]) {
			int err = -errno;

			*ret_failed = probes->hooks.chosen[i]->program;
			probes_detach(probes);
			return err;
		}
	}
	cpu_sampler_attach(&probes->sampler, program_by_name(probes, "cpu_sample"));
	probes_admit(probes, true);
	return 0;
}

void probes_admit(struct probes *probes, bool admit)
{
	probes->control->admit = admit;
}

void probes_detach(struct probes *probes)
{
	if (!probes->attached)
		return;
	probes_admit(probes, false);
	for (int i = 0; i < BOUNDARY_COUNT; i++) {
		bpf_link__destroy(probes->link[i]);
		probes->link[i] = NULL;
	}
	cpu_sampler_detach(&probes->sampler);
	probes->attached = false;
}

bool probes_attached(const struct probes *probes)
{
	return probes->attached;
}

/* ---- Spans -------------------------------------------------------------------------------- */

int probes_attach_spans(struct probes *probes, const struct span_list *spans)
{
	probes_detach_spans(probes);
	return span_links_attach(probes->object, probes->uprobe_multi, spans, &probes->spans);
}

bool probes_spans_need_admin(const struct probes *probes, const struct span_list *spans)
{
	return !probes->uprobe_multi && (spans->nusdt || spans->nsites);
}

void probes_detach_spans(struct probes *probes)
{
	span_links_detach(probes->spans);
	probes->spans = NULL;
}

/* The first time. The probe stays: it costs only who calls that function. */
static int attach_step(struct probes *probes)
{
	uint64_t offset;
	int err = step_cost_offset(&offset);

	if (err)
		return err;
	probes->step_bare_ns = step_cost_bare_ns();
	return span_links_attach_step(probes->object, probes->uprobe_multi, offset, &probes->step);
}

int probes_measure_step(struct probes *probes, struct step_cost *ret)
{
	const volatile __u64 *stamp = &probes->control->stepped_at_ns;
	int err = probes->step ? 0 : attach_step(probes);

	if (!err)
		err = step_cost_measure(probes->step_bare_ns, (const volatile uint64_t *)stamp,
		                        ret);
	if (err)
		return err;
	probes->control->step_before_ns = ret->before_ns;
	probes->control->step_after_ns = ret->after_ns;
	return 0;
}

/* ---- Targets ------------------------------------------------------------------------------ */

/* As endpoint_take in connection.bpf.h, with which it shares the count. */
uint32_t probes_take_endpoint(struct probes *probes)
{
	uint32_t other = probes->options.max_endpoints - 1, endpoint = other;

	if (__atomic_load_n(&probes->control->endpoints, __ATOMIC_RELAXED) < other)
		endpoint = __atomic_fetch_add(&probes->control->endpoints, 1, __ATOMIC_RELAXED);
	return endpoint < other ? endpoint : other;
}

int probes_add_listener(struct probes *probes, const struct ktax_listener *listener,
                        struct ktax_listening *listening)
{
	int fd = map_fd(probes, "listeners");

	if (bpf_map_update_elem(fd, listener, listening, BPF_NOEXIST) &&
	    (errno != EEXIST || bpf_map_lookup_elem(fd, listener, listening)))
		return -errno;
	probes->listening_ports[listener->port] = 1;
	return 0;
}

uint32_t probes_listens(const struct probes *probes)
{
	return __atomic_load_n(&probes->control->listens, __ATOMIC_ACQUIRE);
}

int probes_next_listener(struct probes *probes, const struct ktax_listener *previous,
                         struct ktax_listener *ret, struct ktax_listening *ret_listening)
{
	int fd = map_fd(probes, "listeners");

	if (bpf_map_get_next_key(fd, previous, ret) || bpf_map_lookup_elem(fd, ret, ret_listening))
		return -errno;
	return 0;
}

int probes_add_process(struct probes *probes, uint32_t pid)
{
	uint32_t origin = 1;

	if (bpf_map_update_elem(map_fd(probes, "processes"), &pid, &origin, BPF_ANY))
		return -errno;
	return 0;
}

int probes_remove_process(struct probes *probes, uint32_t pid)
{
	return bpf_map_delete_elem(map_fd(probes, "processes"), &pid) ? -errno : 0;
}

size_t probes_processes(struct probes *probes, uint32_t *ret_pids, size_t room)
{
	int fd = map_fd(probes, "processes");
	uint32_t key, *previous = NULL;
	size_t n = 0;

	while (n < room && !bpf_map_get_next_key(fd, previous, &key)) {
		ret_pids[n] = key;
		previous = &ret_pids[n++];
	}
	return n;
}

static int nic_clock_write(struct probes *probes, const struct ktax_nic_clock *clock)
{
	uint32_t slot = clock->interface % KTAX_NIC_CLOCKS;

	return bpf_map_update_elem(map_fd(probes, "nic_clocks"), &slot, clock, 0) ? -errno : 0;
}

int probes_set_nic_clock(struct probes *probes, struct ktax_nic_clock *clock,
                         const struct ktax_clock_line *line)
{
	uint32_t other = !clock->turn;
	int err;

	clock->line[other] = *line;
	err = nic_clock_write(probes, clock); /* still the turn of the old line */
	if (err)
		return err;
	clock->turn = other;
	return nic_clock_write(probes, clock);
}

/* ---- Reading ------------------------------------------------------------------------------ */

void probes_sample(struct probes *probes, uint32_t every, uint64_t slow_ns)
{
	probes->control->sample_every = every;
	probes->control->slow_ns = slow_ns;
}

int probes_consume(struct probes *probes,
                   void (*visit)(const struct ktax_request *request, void *context), void *context)
{
	probes->visit = visit;
	probes->visit_context = context;
	return ring_buffer__consume(probes->ring);
}

static void add_u64(uint64_t *into, const uint64_t *from, size_t n)
{
	for (size_t i = 0; i < n; i++)
		into[i] += from[i];
}

bool probes_take(const struct probes *probes, uint32_t endpoint, struct ktax_aggregate *last,
                 struct aggregate_delta *delta)
{
	return aggregates_take(&probes->aggregates, endpoint, last, delta);
}

bool probes_read_arrivals(const struct probes *probes, uint32_t endpoint, uint64_t first,
                          uint32_t n, uint32_t *ret)
{
	return aggregates_read_arrivals(&probes->aggregates, endpoint, first, n, ret);
}

void probes_read_counters(const struct probes *probes, struct ktax_counters *ret)
{
	struct ktax_counters *each = calloc(probes->n_cpus, sizeof(*each));
	uint32_t zero = 0;

	memset(ret, 0, sizeof(*ret));
	if (each && !bpf_map_lookup_elem(map_fd(probes, "counters"), &zero, each))
		for (int cpu = 0; cpu < probes->n_cpus; cpu++)
			add_u64((uint64_t *)ret, (uint64_t *)&each[cpu],
			        sizeof(*ret) / sizeof(uint64_t));
	free(each);
}

int probes_sweep(struct probes *probes, uint64_t idle_ns, uint32_t *ret_in_flight)
{
	int program = bpf_program__fd(program_by_name(probes, "sweep"));
	struct ktax_counters counters;
	uint32_t in_flight = 0;
	bool release;

	probes_read_counters(probes, &counters);
	release = counters.map_full != probes->map_full;
	probes->map_full = counters.map_full;
	for (uint32_t first = 0; first < probes->options.max_connections; first += SWEEP_SLOTS) {
		const uint64_t arguments[] = { monotonic_ns() - idle_ns, first, SWEEP_SLOTS,
			                       release };
		LIBBPF_OPTS(bpf_test_run_opts, run, .ctx_in = arguments,
		            .ctx_size_in = sizeof(arguments));
		int err = bpf_prog_test_run_opts(program, &run);

		if (err)
			return err;
		in_flight += run.retval;
	}
	*ret_in_flight = in_flight;
	return 0;
}

/* ---- Reporting ---------------------------------------------------------------------------- */

static void program_cost(const struct bpf_program *program, uint64_t *ret_run_ns,
                         uint64_t *ret_runs)
{
	struct bpf_prog_info info = {};
	uint32_t length = sizeof(info);
	int fd = bpf_program__fd(program);

	if (fd < 0 || bpf_obj_get_info_by_fd(fd, &info, &length))
		return;
	*ret_run_ns += info.run_time_ns;
	*ret_runs += info.run_cnt;
}

void probes_hooks(const struct probes *probes, struct probes_hook *ret_hooks)
{
	for (int i = 0; i < BOUNDARY_COUNT; i++) {
		struct probes_hook *hook = &ret_hooks[i];

		*hook = (struct probes_hook){ .boundary = &hook_boundaries[i],
			                      .candidate = probes->hooks.chosen[i],
			                      .why = probes->hooks.chosen[i]
			                                     ? NULL
			                                     : probes->hooks.why[i] };
		if (hook->candidate)
			program_cost(program_by_name(probes, hook->candidate->program),
			             &hook->run_ns, &hook->runs);
	}
}

void probes_cost(const struct probes *probes, uint64_t *ret_run_ns, uint64_t *ret_runs)
{
	struct bpf_program *program;

	*ret_run_ns = *ret_runs = 0;
	bpf_object__for_each_program(program, probes->object)
		program_cost(program, ret_run_ns, ret_runs);
}

const char *probes_stolen_source(const struct probes *probes)
{
	if (probes->symbols.irqtime)
		return "kernel's interrupt time accounting (cpu_irqtime)";
	if (probes->hooks.chosen[BOUNDARY_SOFTIRQ_ENTER])
		return "softirq_entry/exit";
	return "none";
}

bool probes_storage_is_hash(const struct probes *probes)
{
	return probes->hash != NULL;
}

bool probes_are_light(const struct probes *probes)
{
	return probes->light != NULL;
}

uint64_t probes_endpoint_bytes(void)
{
	int n_cpus = libbpf_num_possible_cpus();

	return aggregates_sets(n_cpus > 0 ? n_cpus : 1) * sizeof(struct ktax_aggregate);
}

bool probes_use_nic_stamps(const struct probes *probes)
{
	return probes->options.nic_stamps;
}

uint64_t probes_memory_bytes(const struct probes *probes)
{
	const struct bpf_map *map;
	uint64_t bytes = 0;

	bpf_object__for_each_map(map, probes->object) {
		uint64_t cpus =
			bpf_map__type(map) == BPF_MAP_TYPE_PERCPU_ARRAY ? probes->n_cpus : 1;

		if (bpf_map__type(map) == BPF_MAP_TYPE_RINGBUF)
			bytes += bpf_map__max_entries(map);
		else
			bytes += (uint64_t)bpf_map__max_entries(map) * cpus *
			         (bpf_map__key_size(map) + bpf_map__value_size(map));
	}
	return bytes;
}
