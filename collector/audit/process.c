// SPDX-License-Identifier: GPL-2.0
/* This process: what it may do, and what runs beside it. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/timex.h>

#include "internal.h"

#define PROCESSES_MAX 8192 /* that are looked at: daemons start early, and have low numbers */
#define ENTRIES_MAX   65536

/* ---- Limits ------------------------------------------------------------------------------------
 */

static struct fact status_number(const char *status, const char *name, const char *format)
{
	const char *line = strstr(status, name);
	unsigned long long value;

	if (!line || sscanf(line + strlen(name), format, &value) != 1)
		return fact_error(-EBADMSG);
	return fact_known((int64_t)value);
}

static void read_status(const struct source *source, struct process_facts *process)
{
	char status[8192];
	int err = source_read(source, status, sizeof(status), "/proc/self/status");

	if (err) {
		process->capabilities = process->capability_bound = fact_error(err);
		process->seccomp = fact_error(err);
		return;
	}
	process->capabilities = status_number(status, "\nCapEff:", "%llx");
	process->capability_bound = status_number(status, "\nCapBnd:", "%llx");
	process->seccomp = status_number(status, "\nSeccomp:", "%llu");
}

static struct fact read_memlock(const struct source *source)
{
	static const char name[] = "Max locked memory";
	char limits[4096], soft[32];
	unsigned long long bytes;
	const char *line;
	int err = source_read(source, limits, sizeof(limits), "/proc/self/limits");

	if (err)
		return fact_error(err);
	line = strstr(limits, name);
	if (!line || sscanf(line + sizeof(name) - 1, "%31s", soft) != 1)
		return fact_error(-EBADMSG);
	if (!strcmp(soft, "unlimited"))
		return fact_known(-1);
	return sscanf(soft, "%llu", &bytes) == 1 && bytes <= INT64_MAX ? fact_known((int64_t)bytes)
	                                                               : fact_error(-EBADMSG);
}

/* The first namespace maps all users to themselves. */
static struct fact read_user_namespace(const struct source *source)
{
	unsigned long inside, outside, length;
	char map[256];
	int err = source_read(source, map, sizeof(map), "/proc/self/uid_map");

	if (err)
		return fact_error(err);
	if (sscanf(map, "%lu %lu %lu", &inside, &outside, &length) != 3)
		return fact_error(-EBADMSG);
	return fact_known(inside || outside || length != 4294967295UL);
}

/*
 * The first namespace of processes has a fixed number (PROC_PID_INIT_INO of the kernel). What is in
 * it is no container, whatever files an image has left behind.
 */
#define FIRST_PID_NAMESPACE "pid:[4026531836]"

static struct fact_text find_container(const struct source *source)
{
	struct fact_text named = source_text(source, "/run/systemd/container");
	char groups[4096];

	if (!strcmp(source_link(source, "/proc/self/ns/pid").text, FIRST_PID_NAMESPACE))
		return fact_text_of("");
	if (named.known)
		return named;
	if (source_exists(source, "/.dockerenv").value)
		return fact_text_of("docker");
	if (source_exists(source, "/run/.containerenv").value)
		return fact_text_of("podman");
	if (source_exists(source, "/var/run/secrets/kubernetes.io").value)
		return fact_text_of("kubernetes");
	if (!source_read(source, groups, sizeof(groups), "/proc/1/cgroup") &&
	    (strstr(groups, "/docker") || strstr(groups, "/kubepods") || strstr(groups, "/lxc")))
		return fact_text_of("a container");
	return fact_text_of("");
}

void audit_process(const struct audit *audit, struct process_facts *process)
{
	read_status(&audit->source, process);
	process->memlock_bytes = read_memlock(&audit->source);
	process->user_namespace = read_user_namespace(&audit->source);
	process->container = find_container(&audit->source);
}

/* ---- Daemons ------------------------------------------------------------------------------------
 */

struct daemons {
	const struct source *source;
	unsigned n;
	bool irqbalance;
	char ptp[32];
};

static int take_process(const char *pid, void *context)
{
	struct daemons *daemons = context;
	struct fact_text name;

	if (pid[strspn(pid, "0123456789")])
		return 0;
	if (++daemons->n > PROCESSES_MAX)
		return -E2BIG;
	name = source_text(daemons->source, "/proc/%.16s/comm", pid);
	daemons->irqbalance |= !strcmp(name.text, "irqbalance");
	if (!strcmp(name.text, "ptp4l") || !strcmp(name.text, "phc2sys"))
		snprintf(daemons->ptp, sizeof(daemons->ptp), "%.31s", name.text);
	return 0;
}

static void find_daemons(const struct source *source, struct service_facts *service)
{
	struct daemons daemons = { .source = source };
	int err = source_each(source, ENTRIES_MAX, take_process, &daemons, "/proc");

	service->irqbalance =
		!err || daemons.irqbalance ? fact_known(daemons.irqbalance) : fact_error(err);
	service->ptp_daemon =
		!err || daemons.ptp[0] ? fact_text_of(daemons.ptp) : fact_text_error(err);
}

static void ask_clock(struct service_facts *service)
{
	struct timex clock = { 0 };
	int state = adjtimex(&clock);

	service->synchronized =
		state < 0 ? fact_error(-errno) : fact_known(!(clock.status & STA_UNSYNC));
	service->clock_error_us = state < 0 ? fact_error(-errno) : fact_known(clock.maxerror);
}

void audit_services(const struct audit *audit, struct service_facts *service)
{
	find_daemons(&audit->source, service);
	if (audit->source.live)
		ask_clock(service);
}
