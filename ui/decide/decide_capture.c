// SPDX-License-Identifier: GPL-2.0
/* ktax decide --trace: how evenly the packets of a capture arrive. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "decide.h"
#include "error.h"
#include "trace_times.h"

/* Of "10.0.0.1:6379/tcp"; 0: none. */
static uint16_t port_of(const char *endpoint)
{
	const char *colon = strrchr(endpoint, ':');
	unsigned long port = colon ? strtoul(colon + 1, NULL, 10) : 0;

	return port <= UINT16_MAX ? (uint16_t)port : 0;
}

static void find_predictability(const struct trace_times *times, struct predictability *ret)
{
	struct recording_arrivals arrivals[PREDICTABILITY_WINDOWS];

	predictability_count(times->at_ns, times->n, arrivals); /* they ascend */
	predictability_create(arrivals, ret);
	if (!ret->present)
		snprintf(ret->why, sizeof(ret->why),
		         "the packets are all within a millisecond: capture for longer");
	predictability_add_times(ret, times->at_ns, times->n);
	predictability_end_intervals(ret);
}

int decide_read_capture(const char *path, uint16_t port, const char *endpoint,
                        struct decide_capture *ret_capture)
{
	struct trace_times times;
	char why[512];
	int err;

	port = port ? port : port_of(endpoint);
	if (!port)
		return error_usage("decide", "%s has no port: name one with --trace-port",
		                   endpoint);
	err = trace_times_read(path, port, &times, why, sizeof(why));
	if (err)
		return error_print(&(struct failure){
			.error = err,
			.subject = path,
			.doing = "count its packets",
			.cause = why,
			.remedy = err == -ENODATA ? "name the server's port with --trace-port" : "",
		});
	find_predictability(&times, &ret_capture->predictability);
	snprintf(ret_capture->source, sizeof(ret_capture->source), "%.120s: packets to port %u",
	         path, port);
	trace_times_free(&times);
	return -1;
}
