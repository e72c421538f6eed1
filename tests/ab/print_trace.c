// SPDX-License-Identifier: GPL-2.0
/* print_trace FILE PORT: the block that traffic_replay makes, "due_ns payload_bytes flow" a line. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "trace.h"

#define HEADERS 42 /* Ethernet, IPv4, UDP */

int main(int argc, char **argv)
{
	struct trace_options options = { .speed = 1 };
	struct traffic traffic;
	char why[512] = "";

	if (argc != 3)
		return 2;
	options.path = argv[1];
	options.port = atoi(argv[2]);
	if (traffic_replay(&traffic, &options, why, sizeof(why))) {
		fprintf(stderr, "%s\n", why);
		return 1;
	}
	for (size_t i = 0; i < traffic.n_requests; i++) {
		const struct traffic_request *request = &traffic.request[i];

		printf("%" PRIu64 " %d %u\n", request->at_ns, request->frame_size - HEADERS,
		       request->flow);
	}
	fprintf(stderr, "%" PRIu64 " packets, %" PRIu64 " responses, %" PRIu64 " truncated\n",
	        traffic.trace.packets, traffic.trace.of_responses, traffic.trace.truncated);
	traffic_free(&traffic);
	return 0;
}
