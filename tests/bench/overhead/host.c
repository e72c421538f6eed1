// SPDX-License-Identifier: GPL-2.0
#include "host.h"

#include <bpf/bpf.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

int host_thread_open(pid_t tid)
{
	char path[64];
	int fd;

	snprintf(path, sizeof(path), "/proc/%d/schedstat", tid);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	return fd < 0 ? -errno : fd;
}

struct host_thread host_thread_read(int fd)
{
	struct host_thread thread = { 0 };
	unsigned long long cpu, delay;
	char text[96];
	ssize_t n = pread(fd, text, sizeof(text) - 1, 0);

	if (n < 0)
		return thread;
	text[n] = '\0';
	if (sscanf(text, "%llu %llu", &cpu, &delay) == 2)
		thread = (struct host_thread){ .cpu_ns = cpu, .delay_ns = delay };
	return thread;
}

uint64_t host_preempted(pid_t pid)
{
	unsigned long long switches = 0;
	char path[64], line[256];
	FILE *file;

	snprintf(path, sizeof(path), "/proc/%d/status", pid);
	file = fopen(path, "re");
	while (file && fgets(line, sizeof(line), file))
		if (sscanf(line, "nonvoluntary_ctxt_switches: %llu", &switches) == 1)
			break;
	if (file)
		fclose(file);
	return switches;
}

uint64_t host_steal_ns(void)
{
	FILE *file = fopen("/proc/stat", "re");
	unsigned long long ticks = 0;

	if (file && fscanf(file, "cpu %*u %*u %*u %*u %*u %*u %*u %llu", &ticks) != 1)
		ticks = 0;
	if (file)
		fclose(file);
	return ticks * (1000000000ULL / (uint64_t)sysconf(_SC_CLK_TCK));
}

static bool link_is_on_kernel(uint32_t id)
{
	struct bpf_link_info info = { 0 };
	uint32_t length = sizeof(info);
	int fd = bpf_link_get_fd_by_id(id);
	bool found;

	if (fd < 0)
		return false; /* gone meanwhile */
	found = !bpf_obj_get_info_by_fd(fd, &info, &length) &&
	        (info.type == BPF_LINK_TYPE_RAW_TRACEPOINT || info.type == BPF_LINK_TYPE_TRACING);
	close(fd);
	return found;
}

static unsigned int links_in_file(const char *path)
{
	FILE *file = fopen(path, "re");
	unsigned int found = 0;
	char line[256];

	while (file && fgets(line, sizeof(line), file))
		found += !strcmp(line, "link_type:\traw_tracepoint\n") ||
		         !strcmp(line, "link_type:\ttracing\n");
	if (file)
		fclose(file);
	return found;
}

static unsigned int links_of_process(pid_t pid)
{
	char path[320];
	const struct dirent *entry;
	unsigned int found = 0;
	DIR *directory;

	snprintf(path, sizeof(path), "/proc/%d/fdinfo", pid);
	directory = opendir(path);
	while (directory && (entry = readdir(directory))) {
		snprintf(path, sizeof(path), "/proc/%d/fdinfo/%s", pid, entry->d_name);
		found += links_in_file(path);
	}
	if (directory)
		closedir(directory);
	return found;
}

unsigned int host_foreign_links(pid_t child)
{
	unsigned int all = 0, own = links_of_process(getpid());
	uint32_t id = 0;

	if (child)
		own += links_of_process(child);
	while (!bpf_link_get_next_id(id, &id))
		all += link_is_on_kernel(id);
	return all > own ? all - own : 0;
}

int host_real_time(pid_t tid, int priority)
{
	const struct sched_param parameter = { .sched_priority = priority };

	return sched_setscheduler(tid, priority ? SCHED_FIFO : SCHED_OTHER, &parameter) ? -errno
	                                                                                : 0;
}

int host_pin(int cpu)
{
	cpu_set_t set;

	CPU_ZERO(&set);
	for (unsigned int i = 0; i < CPU_SETSIZE; i++)
		if (cpu == HOST_ANY_CPU || i == (unsigned int)cpu)
			CPU_SET(i, &set);
	return sched_setaffinity(0, sizeof(set), &set) ? -errno : 0;
}
