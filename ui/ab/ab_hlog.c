// SPDX-License-Identifier: GPL-2.0
/*
 * `ktax ab --hlog`: an interval log per path, of one interval: all of its valid blocks. Requests
 * that were lost have no latency, so they are not in it.
 */
#include "ab_output.h"

#include <errno.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

#include "hlog.h"

/* The names of paths are file names and tags as they are. */
static int write_arm(const char *directory, const struct ab_arm *arm, uint64_t start_ns,
                     uint64_t length_ns, char path[4096])
{
	FILE *file;
	int error;

	snprintf(path, 4096, "%s/%s.hlog", directory, arm->type->name);
	file = fopen(path, "we");
	if (!file)
		return -errno;
	error = hlog_write_header(file, start_ns);
	if (!error)
		error = hlog_write_interval(file, arm->type->name, 0, length_ns, &arm->latency);
	if (fclose(file) && !error)
		error = -errno;
	return error;
}

int ab_hlog(const char *directory, const struct ab_result *result, char ret_path[4096])
{
	uint64_t length_ns = (uint64_t)(result->seconds * 1e9), start_ns;
	struct timespec now;
	int error = 0;

	snprintf(ret_path, 4096, "%s", directory);
	if (strlen(directory) > 3800)
		return -ENAMETOOLONG;
	if (mkdir(directory, 0777) < 0 && errno != EEXIST)
		return -errno;
	clock_gettime(CLOCK_REALTIME, &now);
	start_ns = (uint64_t)now.tv_sec * 1000000000 + (uint64_t)now.tv_nsec - length_ns;
	for (size_t i = 0; i < result->n_arms && !error; i++)
		if (!result->arm[i].skipped)
			error = write_arm(directory, &result->arm[i], start_ns, length_ns,
			                  ret_path);
	return error;
}
