/* SPDX-License-Identifier: GPL-2.0 */
/* A capture of any bytes gives a sound block or one sentence. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "fuzz.h"
#include "trace.h"

static void require(int holds)
{
	if (!holds)
		abort();
}

static void check_block(const struct traffic *traffic)
{
	require(traffic->n_requests > 0 && traffic->n_flows > 0);
	for (size_t i = 0; i < traffic->n_requests; i++) {
		const struct traffic_request *request = &traffic->request[i];

		require(request->frame_offset + request->frame_size <= traffic->frames_size);
		require(request->flow < traffic->n_flows);
		require(!i || request->at_ns >= request[-1].at_ns);
		require(!!frame_find_mark(traffic->frames + request->frame_offset,
		                          request->frame_size, TRAFFIC_PORT));
	}
}

static void replay(const char *path, size_t n_requests)
{
	struct trace_options options = {
		.path = path, .port = 7000, .speed = 1, .n_requests = n_requests, .part = 1
	};
	struct traffic traffic;
	char why[512] = "";

	if (traffic_replay(&traffic, &options, why, sizeof(why))) {
		require(why[0] && !strchr(why, '\n'));
		return;
	}
	check_block(&traffic);
	traffic_free(&traffic);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
	char path[64];
	int fd = memfd_create("capture", MFD_CLOEXEC);

	require(fd >= 0 && write(fd, bytes, size) == (ssize_t)size);
	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	replay(path, 0);
	replay(path, 2);
	close(fd);
	return 0;
}
