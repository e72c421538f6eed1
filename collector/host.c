// SPDX-License-Identifier: GPL-2.0
#include "host.h"

#include <stdio.h>
#include <string.h>
#include <sys/utsname.h>
#include <unistd.h>

#include "recording.h"

/* The first line of @path, without its end. */
static int read_line(const char *path, char *ret, size_t room)
{
	FILE *file = fopen(path, "re");
	bool read;

	if (!file)
		return -1;
	read = fgets(ret, room, file) != NULL;
	fclose(file);
	if (!read)
		return -1;
	ret[strcspn(ret, "\n")] = '\0';
	return 0;
}

static int record_file(struct recording_writer *writer, const char *key, const char *path)
{
	char line[256];

	return read_line(path, line, sizeof(line)) ? 0 : recording_set_meta(writer, key, line);
}

static int record_cpu_model(struct recording_writer *writer)
{
	FILE *file = fopen("/proc/cpuinfo", "re");
	char line[256], *model = NULL;

	if (!file)
		return 0;
	while (!model && fgets(line, sizeof(line), file))
		if (!strncmp(line, "model name", 10) && strchr(line, ':'))
			model = strchr(line, ':') + 2;
	fclose(file);
	if (!model)
		return 0;
	model[strcspn(model, "\n")] = '\0';
	return recording_set_meta(writer, "cpu_model", model);
}

/* "name: Mitigation ...; " of every vulnerability that is mitigated: it decides on a hook's cost.
 */
static int record_mitigations(struct recording_writer *writer)
{
	static const char *const names[] = { "spectre_v2", "spec_rstack_overflow", "retbleed",
		                             "meltdown", "mds" };
	char all[1024] = "", path[128], line[160];

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		size_t length = strlen(all);

		snprintf(path, sizeof(path), "/sys/devices/system/cpu/vulnerabilities/%s",
		         names[i]);
		if (read_line(path, line, sizeof(line)) || !strcmp(line, "Not affected"))
			continue;
		snprintf(all + length, sizeof(all) - length, "%s%s: %s", length ? "; " : "",
		         names[i], line);
	}
	return *all ? recording_set_meta(writer, "mitigations", all) : 0;
}

int host_record(struct recording_writer *writer)
{
	struct utsname system;
	char number[32];
	int err;

	if (uname(&system))
		return 0;
	err = recording_set_meta(writer, "hostname", system.nodename);
	if (!err)
		err = recording_set_meta(writer, "kernel", system.release);
	if (!err)
		err = recording_set_meta(writer, "arch", system.machine);
	snprintf(number, sizeof(number), "%ld", sysconf(_SC_NPROCESSORS_ONLN));
	if (!err)
		err = recording_set_meta(writer, "cpus", number);
	snprintf(number, sizeof(number), "%lld",
	         (long long)sysconf(_SC_PHYS_PAGES) * sysconf(_SC_PAGESIZE));
	if (!err)
		err = recording_set_meta(writer, "memory_bytes", number);
	if (!err)
		err = record_cpu_model(writer);
	if (!err)
		err = record_file(
			writer, "clocksource",
			"/sys/devices/system/clocksource/clocksource0/current_clocksource");
	if (!err)
		err = record_file(writer, "governor",
		                  "/sys/devices/system/cpu/cpu0/cpufreq/scaling_governor");
	if (!err)
		err = record_mitigations(writer);
	return err;
}
