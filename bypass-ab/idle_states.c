// SPDX-License-Identifier: GPL-2.0
#include "idle_states.h"

#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <string.h>
#include <unistd.h>

#include "sentence.h"

#define LATENCY_REQUEST "/dev/cpu_dma_latency"

int idle_states_forbid(char *why, size_t why_size)
{
	const int32_t latency_us = 0;
	int fd = open(LATENCY_REQUEST, O_WRONLY | O_CLOEXEC), err;

	if (fd >= 0 && write(fd, &latency_us, sizeof(latency_us)) == sizeof(latency_us))
		return fd;
	err = -errno;
	if (fd >= 0)
		close(fd);
	return sentence(why, why_size, err, "cannot keep CPUs from idle states by %s: %s",
	                LATENCY_REQUEST, strerror(-err));
}

int idle_states_check(char *why, size_t why_size)
{
	int fd = idle_states_forbid(why, why_size);

	if (fd < 0)
		return -EOPNOTSUPP;
	close(fd);
	return 0;
}
