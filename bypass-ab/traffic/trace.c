// SPDX-License-Identifier: GPL-2.0
/*
 * Requests are collected while the file is read, 16 bytes each and only those of the wanted part,
 * then sorted by time, then built: how much room the frames take is known by then.
 */
#include "trace.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "block.h"
#include "flow_table.h"
#include "sentence.h"
#include "trace_file.h"

struct item {
	uint64_t at_ns;
	uint32_t number; /* in the file's order */
	uint16_t payload_size;
	uint16_t flow;
};

struct collection {
	const struct trace_options *options;
	struct traffic_trace trace;
	struct item *item;
	size_t n, room;
	struct flow_table *flows;
	uint32_t *to_port; /* packets by destination port */
};

/* ---- Reading ------------------------------------------------------------------------------ */

static int grow(struct collection *collection)
{
	size_t room = collection->room ? 2 * collection->room : 4096;
	struct item *item;

	if (collection->n == TRAFFIC_REQUESTS_MAX)
		return -E2BIG;
	item = reallocarray(collection->item, room, sizeof(*item));
	if (!item)
		return -ENOMEM;
	collection->item = item;
	collection->room = room;
	return 0;
}

/* The payload that a frame can have, and a count if that is not what it was. */
static uint16_t fit(struct traffic_trace *trace, size_t payload_size)
{
	size_t most = frame_payload_max(traffic_test_flow.ipv6);

	trace->enlarged += payload_size < FRAME_MARK_SIZE;
	trace->too_long += payload_size > most;
	if (payload_size < FRAME_MARK_SIZE)
		return FRAME_MARK_SIZE;
	return payload_size > most ? most : payload_size;
}

static bool is_in_part(const struct collection *collection, uint64_t number)
{
	const struct trace_options *options = collection->options;

	return !options->n_requests || number / options->n_requests == options->part;
}

static int take_request(struct collection *collection, const struct trace_packet *packet)
{
	struct traffic_trace *trace = &collection->trace;
	struct item *item;
	bool shared;
	int err;

	if (!is_in_part(collection, trace->requests++))
		return 0;
	err = collection->n == collection->room ? grow(collection) : 0;
	if (err)
		return err;
	item = &collection->item[collection->n];
	*item = (struct item){
		.at_ns = packet->at_ns,
		.number = collection->n,
		.payload_size = fit(trace, packet->payload_size),
		.flow = flow_table_number(collection->flows, &packet->flow, &shared),
	};
	trace->reordered += collection->n && packet->at_ns < item[-1].at_ns;
	trace->truncated += packet->truncated;
	trace->ipv6 += packet->flow.ipv6;
	trace->vlan += packet->vlan;
	trace->shared_flows += shared;
	collection->n++;
	return 0;
}

static int take_packet(struct collection *collection, const struct trace_packet *packet)
{
	struct traffic_trace *trace = &collection->trace;

	trace->packets++;
	switch (packet->class) {
	case FRAME_NOT_IP:
		trace->not_ip++;
		return 0;
	case FRAME_NOT_UDP:
		trace->not_udp++;
		return 0;
	case FRAME_FRAGMENT:
		trace->fragments++;
		return 0;
	case FRAME_DAMAGED:
		trace->damaged++;
		return 0;
	case FRAME_UDP:
		break;
	}
	collection->to_port[packet->flow.server_port]++;
	if (packet->flow.server_port == collection->options->port)
		return take_request(collection, packet);
	if (packet->flow.client_port == collection->options->port)
		trace->of_responses++;
	else
		trace->other_ports++;
	return 0;
}

static int read_packets(struct collection *collection, struct trace_file *file, char *why,
                        size_t why_size)
{
	struct trace_packet packet;
	int err;

	while ((err = trace_next(file, &packet, why, why_size)) > 0) {
		err = take_packet(collection, &packet);
		if (err == -E2BIG)
			return sentence(why, why_size, err,
			                "it has more than %u requests; take a part of it",
			                TRAFFIC_REQUESTS_MAX);
		if (err)
			return sentence(why, why_size, err, "out of memory");
	}
	return err;
}

/* ---- What is missing ---------------------------------------------------------------------- */

static int refuse_empty(const struct collection *collection, char *why, size_t why_size)
{
	const struct trace_options *options = collection->options;
	const struct traffic_trace *trace = &collection->trace;
	unsigned int most = 0;

	if (trace->requests)
		return sentence(why, why_size, -ENODATA,
		                "it has %llu requests to port %u: there is no part %zu of %zu",
		                (unsigned long long)trace->requests, options->port, options->part,
		                options->n_requests);
	for (unsigned int port = 0; port < 65536; port++)
		if (collection->to_port[port] > collection->to_port[most])
			most = port;
	if (!collection->to_port[most])
		return sentence(why, why_size, -ENODATA,
		                "it has no UDP packets among its %llu packets",
		                (unsigned long long)trace->packets);
	return sentence(why, why_size, -ENODATA,
	                "it has no UDP packets to port %u; most are to port %u", options->port,
	                most);
}

static int check_options(const struct trace_options *options, char *why, size_t why_size)
{
	if (!options->port)
		return sentence(why, why_size, -EINVAL, "the server's port is not known");
	if (!(options->speed > 0) || !isfinite(options->speed))
		return sentence(why, why_size, -EINVAL, "the speed must be above 0");
	if (options->n_requests > TRAFFIC_REQUESTS_MAX)
		return sentence(why, why_size, -E2BIG, "a block has %u requests at most",
		                TRAFFIC_REQUESTS_MAX);
	return 0;
}

/* ---- Building ----------------------------------------------------------------------------- */

static int by_time(const void *a, const void *b)
{
	const struct item *x = a, *y = b;

	if (x->at_ns != y->at_ns)
		return x->at_ns < y->at_ns ? -1 : 1;
	return (x->number > y->number) - (x->number < y->number);
}

static int check_duration(const struct collection *collection, char *why, size_t why_size)
{
	uint64_t first = collection->item[0].at_ns,
		 last = collection->item[collection->n - 1].at_ns;
	double seconds = (double)(last - first) / 1e9 / collection->options->speed;

	if (seconds <= TRACE_SECONDS_MAX)
		return 0;
	return sentence(why, why_size, -ERANGE,
	                "its requests take %.0f s, and a block lasts %d s at most; take a part of "
	                "it, or raise the speed",
	                seconds, TRACE_SECONDS_MAX);
}

static int append_all(struct block *block, const struct collection *collection)
{
	const struct trace_options *options = collection->options;
	uint64_t bytes = 0;
	int err;

	for (size_t i = 0; i < collection->n; i++)
		bytes += collection->item[i].payload_size;
	err = block_allocate(block, collection->n, bytes, flow_table_size(collection->flows));
	for (size_t i = 0; !err && i < collection->n; i++) {
		const struct item *item = &collection->item[i];
		double at_ns = (double)(item->at_ns - collection->item[0].at_ns) / options->speed;

		err = block_append(block, llround(at_ns), item->flow, item->payload_size,
		                   options->work_ns);
	}
	return err;
}

static int build(struct traffic *traffic, struct collection *collection, char *why, size_t why_size)
{
	struct block block;
	int err;

	qsort(collection->item, collection->n, sizeof(*collection->item), by_time);
	err = check_duration(collection, why, why_size);
	if (err)
		return err;
	err = append_all(&block, collection);
	if (err) {
		traffic_free(&block.traffic);
		return sentence(why, why_size, err, "cannot build the block: %s", strerror(-err));
	}
	*traffic = block.traffic;
	traffic->gaps = TRAFFIC_RECORDED;
	traffic->trace = collection->trace;
	return 0;
}

static int collect(struct traffic *traffic, struct collection *collection, char *why,
                   size_t why_size)
{
	struct trace_file *file;
	int err;

	collection->flows = flow_table_new();
	collection->to_port = calloc(65536, sizeof(*collection->to_port));
	if (!collection->flows || !collection->to_port)
		return sentence(why, why_size, -ENOMEM, "out of memory");
	err = trace_open(collection->options->path, &file, collection->trace.sha256, why, why_size);
	if (err)
		return err;
	err = read_packets(collection, file, why, why_size);
	trace_close(file);
	if (err)
		return err;
	if (!collection->n)
		return refuse_empty(collection, why, why_size);
	return build(traffic, collection, why, why_size);
}

int traffic_replay(struct traffic *traffic, const struct trace_options *options, char *why,
                   size_t why_size)
{
	struct collection collection = { .options = options };
	int err = check_options(options, why, why_size);

	if (err)
		return err;
	err = collect(traffic, &collection, why, why_size);
	flow_table_free(collection.flows);
	free(collection.to_port);
	free(collection.item);
	return err;
}
