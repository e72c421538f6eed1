// SPDX-License-Identifier: GPL-2.0
/*
 * core_distance CPU CPU: how long a cache line takes to another CPU and back, in ns: the median of
 * many short trials. In a virtual machine the host moves CPUs to siblings or far apart, which moves
 * every latency between two of them.
 */
#include <pthread.h>
#include <sched.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#define TRIALS 200
#define PINGS  500

static _Alignas(128) uint64_t ping;
static _Alignas(128) uint64_t pong;

static void run_on(int cpu)
{
	cpu_set_t set;

	CPU_ZERO(&set);
	CPU_SET(cpu, &set);
	sched_setaffinity(0, sizeof(set), &set);
}

static void *answer(void *cpu)
{
	uint64_t last = 0;

	run_on(*(int *)cpu);
	while (last != UINT64_MAX) {
		uint64_t now = __atomic_load_n(&ping, __ATOMIC_ACQUIRE);

		if (now == last)
			continue;
		last = now;
		__atomic_store_n(&pong, last, __ATOMIC_RELEASE);
	}
	return NULL;
}

static double now_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec * 1e9 + now.tv_nsec;
}

static double trial(uint64_t *number)
{
	double start = now_ns();

	for (int i = 0; i < PINGS; i++) {
		__atomic_store_n(&ping, ++*number, __ATOMIC_RELEASE);
		while (__atomic_load_n(&pong, __ATOMIC_ACQUIRE) != *number)
			;
	}
	return (now_ns() - start) / PINGS;
}

static int compare(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return x < y ? -1 : x > y;
}

int main(int argc, char **argv)
{
	double trials[TRIALS];
	pthread_t thread;
	uint64_t number = 0;
	int other;

	if (argc != 3)
		return 1;
	run_on(atoi(argv[1]));
	other = atoi(argv[2]);
	if (pthread_create(&thread, NULL, answer, &other))
		return 1;
	trial(&number);
	for (int i = 0; i < TRIALS; i++)
		trials[i] = trial(&number);
	__atomic_store_n(&ping, UINT64_MAX, __ATOMIC_RELEASE);
	pthread_join(thread, NULL);
	qsort(trials, TRIALS, sizeof(trials[0]), compare);
	printf("%.0f\n", trials[TRIALS / 2]);
	return 0;
}
