// SPDX-License-Identifier: GPL-2.0
#include "cores.h"

#include <errno.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>

#include "sentence.h"

#define FAR_RATIO 1.5 /* of distances: measured again, they differ by some per cent */

bool cores_may_use(int cpu)
{
	cpu_set_t before, one;
	bool may;

	if (cpu < 0 || cpu >= CPU_SETSIZE || sched_getaffinity(0, sizeof(before), &before))
		return false;
	CPU_ZERO(&one);
	CPU_SET(cpu, &one);
	may = !sched_setaffinity(0, sizeof(one), &one);
	sched_setaffinity(0, sizeof(before), &before);
	return may;
}

/* Two threads of one core share what it computes with. */
static bool share_core(int one, int other)
{
	char path[96];
	int first, last;
	bool found = false;
	FILE *file;

	snprintf(path, sizeof(path), "/sys/devices/system/cpu/cpu%d/topology/thread_siblings_list",
	         one);
	file = fopen(path, "re");
	if (!file)
		return false;
	while (!found && fscanf(file, "%d", &first) == 1) {
		last = first;
		if (fscanf(file, "-%d", &last) == EOF)
			last = first;
		found = other >= first && other <= last;
		fscanf(file, ",");
	}
	fclose(file);
	return found;
}

int cores_pick(int *ret_generator, int *ret_responder, char *why, size_t why_size)
{
	int generator = -1, responder = -1;
	cpu_set_t set;

	if (sched_getaffinity(0, sizeof(set), &set))
		CPU_ZERO(&set);
	for (int cpu = 0; cpu < CPU_SETSIZE; cpu++) {
		if (!CPU_ISSET(cpu, &set))
			continue;
		if (generator < 0)
			generator = cpu;
		else if (responder < 0 ||
		         (share_core(generator, responder) && !share_core(generator, cpu)))
			responder = cpu;
	}
	if (responder < 0)
		return sentence(why, why_size, -EOPNOTSUPP,
		                "two CPUs are needed: on one, generator and responder take turns, "
		                "and every latency is the length of a turn");
	*ret_generator = generator;
	*ret_responder = responder;
	return 0;
}

int cores_pick_one(void)
{
	int first, second;

	return cores_pick(&first, &second, NULL, 0) ? sched_getcpu() : second;
}

bool cores_complain(int generator, int responder, char *text, size_t size)
{
	cpu_set_t set;

	if (share_core(generator, responder)) {
		snprintf(text, size,
		         "CPU %d and %d are threads of one core: a path that polls slows down the "
		         "generator, so that its latencies are too long",
		         generator, responder);
		return true;
	}
	if (sched_getaffinity(0, sizeof(set), &set) || CPU_COUNT(&set) > 2)
		return false;
	snprintf(text, size,
	         "generator and responder fill both CPUs: whatever else runs here interrupts them, "
	         "so that p99 is noisy, and p99.9 is mostly that");
	return true;
}

bool cores_complain_of_one(int cpu, const char *who, char *text, size_t size)
{
	cpu_set_t set;

	if (sched_getaffinity(0, sizeof(set), &set) || CPU_COUNT(&set) > 1)
		return false;
	snprintf(text, size,
	         "the %s's host has but CPU %d: whatever else runs there interrupts the %s, so "
	         "that p99 is noisy, and p99.9 is mostly that",
	         who, cpu, who);
	return true;
}

bool cores_complain_of_distance(double start_ns, double end_ns, char *text, size_t size)
{
	if (start_ns <= 0 || end_ns <= 0 ||
	    (end_ns <= FAR_RATIO * start_ns && start_ns <= FAR_RATIO * end_ns))
		return false;
	snprintf(
		text, size,
		"the two CPUs were %.0f ns apart at the start and %.0f ns at the end: the host has "
		"moved them meanwhile, and with them every latency",
		start_ns, end_ns);
	return true;
}

void cores_model(char *text, size_t size)
{
	FILE *file = fopen("/proc/cpuinfo", "re");
	char line[256], *colon;

	text[0] = '\0';
	if (!file)
		return;
	while (!text[0] && fgets(line, sizeof(line), file)) {
		colon = strncmp(line, "model name", 10) ? NULL : strchr(line, ':');
		if (colon)
			snprintf(text, size, "%s", colon + 1 + (colon[1] == ' '));
	}
	fclose(file);
	text[strcspn(text, "\n")] = '\0';
}
