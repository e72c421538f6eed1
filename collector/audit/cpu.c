// SPDX-License-Identifier: GPL-2.0
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "internal.h"

#define CPU         "/sys/devices/system/cpu"
#define CPUS_MAX    1024 /* that are looked at one by one */
#define STATES_MAX  16   /* of cpuidle */
#define ENTRIES_MAX 4096

static struct fact list_size(int error, const struct cpu_list *list)
{
	return error ? fact_error(error) : fact_known(cpu_list_count(list));
}

/* ---- Sets of CPUs ---------------------------------------------------------------------------- */

/* The list after "NAME=" on the kernel's command line; without "nohz,domain," and the like. */
static int cmdline_cpus(const struct source *source, const char *name, struct cpu_list *ret)
{
	char line[4096], *word = NULL, *list;
	int err = source_read(source, line, sizeof(line), "/proc/cmdline");

	if (err)
		return err;
	memset(ret, 0, sizeof(*ret));
	for (char *rest = line, *part; (part = strsep(&rest, " "));)
		if (!strncmp(part, name, strlen(name)) && part[strlen(name)] == '=')
			word = part + strlen(name) + 1;
	if (!word)
		return 0;
	list = word + strcspn(word, "0123456789");
	if (!*list) /* "all" */
		return source_cpus(source, ret, CPU "/online");
	return cpu_list_parse(list, ret);
}

static void read_sets(struct audit *audit, struct cpu_facts *cpu)
{
	const struct source *source = &audit->source;
	struct cpu_list list;
	int err = source_cpus(source, &list, CPU "/online");

	cpu->online = list_size(err, &list);
	err = source_cpus(source, &audit->isolated, CPU "/isolated");
	cpu->isolated = list_size(err, &audit->isolated);
	cpu->isolated_list = source_text(source, CPU "/isolated");
	cpu->isolated_near = fact_error(-ENOENT);
	if (!err && audit->near_known)
		cpu->isolated_near = fact_known(cpu_list_common(&audit->isolated, &audit->near));
	err = source_cpus(source, &list, CPU "/nohz_full");
	if (err == -ENOENT) /* a kernel without it */
		cpu->nohz_full = fact_known(0);
	else
		cpu->nohz_full = list_size(err, &list);
	err = cmdline_cpus(source, "rcu_nocbs", &list);
	cpu->rcu_nocbs = list_size(err, &list);
	err = source_cpus(source, &list, "/sys/devices/system/node/online");
	cpu->nodes = list_size(err, &list);
}

static void read_allowed(const struct source *source, struct cpu_facts *cpu)
{
	char text[8192], *line;
	struct cpu_list list;
	int err = source_read(source, text, sizeof(text), "/proc/self/status");

	if (!err) {
		line = strstr(text, "Cpus_allowed_list:\t");
		err = line ? 0 : -EBADMSG;
	}
	if (!err) {
		line += strlen("Cpus_allowed_list:\t");
		line[strcspn(line, "\n")] = '\0';
		err = cpu_list_parse(line, &list);
	}
	cpu->allowed = list_size(err, &list);
}

/* ---- Clock rate and sleep -------------------------------------------------------------------- */

static void read_governors(const struct source *source, struct cpu_facts *cpu)
{
	int64_t n = 0, slow = 0;

	for (int i = 0; i < CPUS_MAX && (!cpu->online.known || i < 2 * cpu->online.value); i++) {
		struct fact_text governor =
			source_text(source, CPU "/cpu%d/cpufreq/scaling_governor", i);

		if (!governor.known)
			continue;
		n++;
		if (strcmp(governor.text, "performance") != 0 && slow++ == 0)
			cpu->governor = governor;
		else if (n == 1)
			cpu->governor = governor;
	}
	cpu->governed = fact_known(n);
	cpu->governed_slow = fact_known(slow);
	if (!n)
		cpu->governor = source_text(source, CPU "/cpu0/cpufreq/scaling_governor");
	cpu->scaling_driver = source_text(source, CPU "/cpu0/cpufreq/scaling_driver");
}

/* All CPUs have the same states, nearly always; the first one stands for them. */
static void read_idle(const struct source *source, struct cpu_facts *cpu)
{
	cpu->idle_driver = source_text(source, CPU "/cpuidle/current_driver");
	cpu->idle_exit_us = fact_error(-ENOENT);
	cpu->idle_state = fact_text_error(-ENOENT);
	for (int i = 0; i < STATES_MAX; i++) {
		struct fact exit_us = source_number(source, CPU "/cpu0/cpuidle/state%d/latency", i);

		if (!exit_us.known)
			break;
		if (source_number(source, CPU "/cpu0/cpuidle/state%d/disable", i).value)
			continue;
		cpu->idle_exit_us = exit_us;
		cpu->idle_state = source_text(source, CPU "/cpu0/cpuidle/state%d/name", i);
	}
}

static void read_turbo(const struct source *source, struct cpu_facts *cpu)
{
	struct fact off = source_number(source, CPU "/intel_pstate/no_turbo");

	cpu->turbo =
		off.known ? fact_known(!off.value) : source_number(source, CPU "/cpufreq/boost");
}

/* What the kernel holds C-states to now, whoever asked for it. Reading asks for nothing. */
static struct fact read_dma_latency(const struct source *source)
{
	int fd = source->live ? open("/dev/cpu_dma_latency", O_RDONLY | O_CLOEXEC) : -1;
	int32_t us;
	ssize_t n;

	if (fd < 0)
		return fact_error(source->live ? -errno : 0);
	n = read(fd, &us, sizeof(us));
	close(fd);
	return n == sizeof(us) ? fact_known(us) : fact_error(-EIO);
}

/* ---- Mitigations, steal, limits -------------------------------------------------------------- */

struct mitigations {
	const struct source *source;
	int n;
	char names[sizeof(((struct fact_text *)NULL)->text)];
};

static int take_vulnerability(const char *name, void *context)
{
	struct mitigations *mitigations = context;
	size_t length = strlen(mitigations->names);
	struct fact_text state =
		source_text(mitigations->source, CPU "/vulnerabilities/%.64s", name);

	if (!state.known || strncmp(state.text, "Mitigation", 10) != 0)
		return 0;
	mitigations->n++;
	snprintf(mitigations->names + length, sizeof(mitigations->names) - length, "%s%s",
	         length ? ", " : "", name);
	return 0;
}

static void read_mitigations(const struct source *source, struct cpu_facts *cpu)
{
	struct mitigations mitigations = { .source = source };
	int err = source_each(source, ENTRIES_MAX, take_vulnerability, &mitigations,
	                      CPU "/vulnerabilities");

	cpu->mitigated = err ? fact_error(err) : fact_known(mitigations.n);
	cpu->mitigations = err ? fact_text_error(err) : fact_text_of(mitigations.names);
}

static struct fact read_steal(const struct source *source)
{
	unsigned long long ticks[8], sum = 0;
	char text[1024];
	int err = source_read(source, text, sizeof(text), "/proc/stat");

	if (err)
		return fact_error(err);
	if (sscanf(text, "cpu %llu %llu %llu %llu %llu %llu %llu %llu", &ticks[0], &ticks[1],
	           &ticks[2], &ticks[3], &ticks[4], &ticks[5], &ticks[6], &ticks[7]) != 8)
		return fact_error(-EBADMSG);
	for (size_t i = 0; i < 8; i++)
		if (ticks[i] > UINT64_MAX / 1000000 / 8)
			return fact_error(-EBADMSG);
		else
			sum += ticks[i];
	return sum ? fact_known((int64_t)(ticks[7] * 1000000 / sum)) : fact_error(-ENODATA);
}

/* Only x86 lists a flag for it; where there are no flags nothing is known. */
static struct fact_text read_hypervisor(const struct source *source)
{
	struct fact_text vendor = source_text(source, "/sys/class/dmi/id/sys_vendor");
	bool guest, flags;
	char *text;
	int err = source_read_all(source, &text, "/proc/cpuinfo");

	if (err)
		return fact_text_error(err);
	flags = strstr(text, "\nflags\t") != NULL;
	guest = flags && strstr(text, " hypervisor");
	free(text);
	if (!flags)
		return fact_text_error(-ENOENT);
	if (!guest)
		return fact_text_of("");
	return vendor.known ? vendor : fact_text_of("of no vendor that is named");
}

/* cgroup v2's cpu.max: "50000 100000", or "max 100000"; v1 has it in two files. */
static struct fact read_quota(const struct source *source)
{
	unsigned long long quota, period;
	char text[64];
	struct fact v1, v1_period;
	int err = source_read(source, text, sizeof(text), "/sys/fs/cgroup/cpu.max");

	if (!err) {
		if (!strncmp(text, "max", 3))
			return fact_known(0);
		if (sscanf(text, "%llu %llu", &quota, &period) == 2 && period &&
		    quota < UINT64_MAX / 100)
			return fact_known((int64_t)(quota * 100 / period));
		return fact_error(-EBADMSG);
	}
	v1 = source_number(source, "/sys/fs/cgroup/cpu/cpu.cfs_quota_us");
	v1_period = source_number(source, "/sys/fs/cgroup/cpu/cpu.cfs_period_us");
	if (v1.known && v1.value > 0 && v1.value < INT64_MAX / 100 && v1_period.value > 0)
		return fact_known(v1.value * 100 / v1_period.value);
	return fact_known(0); /* the root of the hierarchy has no such file */
}

void audit_cpu(struct audit *audit, struct cpu_facts *cpu)
{
	const struct source *source = &audit->source;

	read_sets(audit, cpu);
	read_allowed(source, cpu);
	cpu->smt = source_number(source, CPU "/smt/active");
	read_governors(source, cpu);
	read_idle(source, cpu);
	cpu->dma_latency_us = read_dma_latency(source);
	read_turbo(source, cpu);
	read_mitigations(source, cpu);
	cpu->steal_ppm = read_steal(source);
	cpu->hypervisor = read_hypervisor(source);
	cpu->clocksource = source_text(
		source, "/sys/devices/system/clocksource/clocksource0/current_clocksource");
	cpu->rt_runtime_us = source_number(source, "/proc/sys/kernel/sched_rt_runtime_us");
	cpu->numa_balancing = source_number(source, "/proc/sys/kernel/numa_balancing");
	cpu->quota_pct = read_quota(source);
}
