// SPDX-License-Identifier: GPL-2.0
/*
 * top_refresh [ENDPOINTS]: the CPU time that one refresh of `ktax top` takes, per view: reading
 * what the kernel's side has counted of that many busy endpoints (50), making an interval of it,
 * taking it, finding what it says, and drawing 132 x 43 characters. As a share of a CPU at one
 * refresh a second. The counts are those of two CPUs and the spare set.
 */
#include <locale.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "aggregates.h"
#include "commands.h"
#include "top.h"

/* Stands for main.c: the help looks commands up there. */
const struct command *const commands[] = { NULL };

const struct command *command_find(const char *name)
{
	(void)name;
	return NULL;
}

const char *command_nearest(const char *name)
{
	(void)name;
	return NULL;
}

#define ENDPOINTS_MOST 1024
#define WARM_UP        12
#define REFRESHES      30
#define REQUESTS       1000 /* of an endpoint, a second */

static double random_share(void)
{
	static uint64_t state = 12345;

	state = state * 6364136223846793005ULL + 1442695040888963407ULL;
	return (double)(state >> 11) / 9007199254740992.0;
}

static uint64_t exponential(double mean_ns)
{
	return (uint64_t)(-log(1 - random_share()) * mean_ns);
}

/* As in tests/report/make_recording.c: 12 of the accounts, as a web server has them. */
static void draw_accounts(uint64_t ns[KTAX_NACCOUNTS])
{
	memset(ns, 0, KTAX_NACCOUNTS * sizeof(*ns));
	ns[KTAX_KERNEL_RX] = 1200 + exponential(900);
	ns[KTAX_WAKEUP] = exponential(6000);
	ns[KTAX_APP_QUEUE] = random_share() < 0.2 ? exponential(20000) : 0;
	ns[KTAX_COPY_RX] = 600 + exponential(200);
	ns[KTAX_APP] = 21000 + exponential(16000);
	ns[KTAX_SERIALIZE] = 2000 + exponential(1500);
	ns[KTAX_GC] = random_share() < 0.012 ? 400000 + exponential(500000) : 0;
	ns[KTAX_HOP] = random_share() < 0.3 ? 20000 + exponential(30000) : 0;
	ns[KTAX_PREEMPT] = random_share() < 0.05 ? exponential(50000) : 0;
	ns[KTAX_KERNEL_TX] = 5200 + exponential(800);
	ns[KTAX_QDISC] = random_share() < 0.1 ? exponential(9000) : 0;
	ns[KTAX_UNKNOWN] = exponential(120);
}

static void add_request(struct ktax_aggregate *aggregate)
{
	uint64_t ns[KTAX_NACCOUNTS], total = 0;
	struct ktax_joint_cell *cell;

	draw_accounts(ns);
	for (int i = 0; i < KTAX_NACCOUNTS; i++) {
		total += ns[i];
		if (ns[i])
			aggregate->account[i][ktax_hist_index(ns[i], KTAX_HIST_MAGNITUDE)]++;
	}
	cell = &aggregate->joint[ktax_hist_index(total, KTAX_JOINT_MAGNITUDE)];
	cell->requests++;
	for (int i = 0; i < KTAX_NACCOUNTS; i++)
		cell->sum_ns[i] += ns[i];
	aggregate->requests++;
	aggregate->max_ns = total > aggregate->max_ns ? total : aggregate->max_ns;
	aggregate->total[ktax_hist_index(total, KTAX_HIST_MAGNITUDE)]++;
	aggregate->floor_tuned[ktax_hist_index(total * 9 / 10, KTAX_HIST_MAGNITUDE)]++;
	aggregate->floor_bypass[ktax_hist_index(total * 8 / 10, KTAX_HIST_MAGNITUDE)]++;
}

static double cpu_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
	return (double)now.tv_sec * 1e3 + (double)now.tv_nsec / 1e6;
}

/* ---- The kernel's side, and the recorder's thread ---------------------------------------------
 */

#define SETS 3

struct kernel {
	int n;
	struct ktax_aggregate *memory;
	struct aggregates aggregates;
	struct ktax_aggregate *last;
	struct aggregate_delta delta;
};

static void make_kernel(struct kernel *kernel, int n)
{
	*kernel = (struct kernel){
		.n = n,
		.memory = calloc((size_t)n * SETS, sizeof(*kernel->memory)),
		.last = calloc((size_t)n, sizeof(*kernel->last)),
	};
	kernel->aggregates = (struct aggregates){
		.memory = kernel->memory,
		.sets = SETS,
		.endpoints = (uint32_t)n,
		.counted = calloc(SETS, sizeof(*kernel->aggregates.counted)),
	};
	if (!kernel->memory || !kernel->last || !kernel->aggregates.counted)
		abort();
}

static void free_kernel(struct kernel *kernel)
{
	free(kernel->memory);
	free(kernel->last);
	free(kernel->aggregates.counted);
}

/* A second's requests, on both CPUs. */
static void count_requests(struct kernel *kernel, const struct ktax_aggregate *second)
{
	for (int i = 0; i < kernel->n; i++)
		for (int set = 0; set < 2; set++) {
			struct ktax_aggregate *into = &kernel->memory[set * kernel->n + i];

			ktax_aggregate_add(into, second);
		}
}

/* Milliseconds of CPU time per refresh. */
struct cost {
	double read, slice, take, find, draw;
};

static struct recording_slice *make_slice(struct kernel *kernel, struct cost *cost)
{
	const struct recording_interval interval = { .length_ns = 1000000000,
		                                     .attached_ns = 1000000000 };
	struct recording_slice *slice;
	double began, now;

	if (recording_slice_create(&interval, &slice))
		abort();
	for (int e = 0; e < kernel->n; e++) {
		struct recording_endpoint endpoint = { .pid = e + 1, .comm = "server" };

		began = cpu_ms();
		aggregates_take(&kernel->aggregates, (uint32_t)e, &kernel->last[e], &kernel->delta);
		snprintf(endpoint.name, sizeof(endpoint.name), "10.0.0.1:%d/tcp", 8000 + e);
		now = cpu_ms();
		cost->read += now - began;
		if (recording_slice_add_aggregate(slice, &endpoint, &kernel->delta.grown,
		                                  &kernel->delta.extent))
			abort();
		cost->slice += cpu_ms() - now;
	}
	recording_slice_finish(slice);
	return slice;
}

/* ---- The screen's -----------------------------------------------------------------------------
 */

static void describe(const struct source *source, char *text, size_t size)
{
	(void)source;
	snprintf(text, size, "bench");
}

static struct cost measure(struct top *top, struct canvas *canvas, struct kernel *kernel,
                           const struct ktax_aggregate *second)
{
	struct cost cost = { 0 };

	for (int i = 0; i < WARM_UP + REFRESHES; i++) {
		double began, taken, found;
		struct recording_slice *slice;
		int error;

		if (i == WARM_UP)
			cost = (struct cost){ 0 };
		count_requests(kernel, second);
		slice = make_slice(kernel, &cost);
		began = cpu_ms();
		error = model_take(&top->model, slice);
		taken = cpu_ms();
		if (error || model_refresh(&top->model))
			abort();
		found = cpu_ms();
		top_draw(top, canvas);
		cost.take += taken - began;
		cost.find += found - taken;
		cost.draw += cpu_ms() - found;
	}
	return cost;
}

static void print_cost(const char *view, int n, const struct cost *cost)
{
	double ms = cost->read + cost->slice + cost->take + cost->find + cost->draw;

	printf("%-12s %d endpoints  %5.2f ms (read %.2f, slice %.2f, take %.2f, "
	       "find %.2f, draw %.2f)  %.2f %% of a CPU at one a second\n",
	       view, n, ms / REFRESHES, cost->read / REFRESHES, cost->slice / REFRESHES,
	       cost->take / REFRESHES, cost->find / REFRESHES, cost->draw / REFRESHES,
	       ms / REFRESHES / 10);
}

/* As many as the probes have. */
static void set_hooks(struct model *model)
{
	static struct recording_hook hooks[40];

	for (int i = 0; i < 40; i++) {
		snprintf(hooks[i].boundary, sizeof(hooks[i].boundary), "boundary_%d", i);
		strcpy(hooks[i].account, ktax_account_info[i % KTAX_NACCOUNTS].name);
		strcpy(hooks[i].program, "tp_btf/tcp_sendmsg_locked");
		strcpy(hooks[i].why, "entering the send call counts as app");
	}
	if (recording_tail_set_hooks(&model->tail, hooks, 40))
		abort();
}

int main(int argc, char **argv)
{
	static const struct source_ops ops = { .describe = describe };
	static struct ktax_aggregate aggregate;
	struct source source = { &ops };
	struct top top = { .source = &source };
	struct canvas canvas;
	struct kernel kernel;
	int n = argc > 1 ? atoi(argv[1]) : 50;

	if (n < 1 || n > ENDPOINTS_MOST)
		return 1;
	setlocale(LC_CTYPE, "C.UTF-8");
	for (int i = 0; i < REQUESTS; i++)
		add_request(&aggregate);
	if (model_init(&top.model, TOP_BYTES_MAX, SPAN_DEFAULT_NS) ||
	    canvas_init(&canvas, 43, 132, true))
		return 1;
	make_kernel(&kernel, n);
	set_hooks(&top.model);
	for (int view = 0; view < N_VIEWS; view++) {
		struct cost cost;

		top.view = (enum view_name)view;
		cost = measure(&top, &canvas, &kernel, &aggregate);
		print_cost(top_views[view]->option, n, &cost);
	}
	printf("intervals in memory: %.1f MB\n", (double)top.model.tail.bytes / 1e6);
	free_kernel(&kernel);
	model_destroy(&top.model);
	canvas_destroy(&canvas);
	return 0;
}
