// SPDX-License-Identifier: GPL-2.0
#include "trace_times.h"

#include <errno.h>
#include <stdlib.h>

#include "sentence.h"
#include "trace_file.h"

struct collection {
	struct trace_times times;
	size_t room;
	uint16_t port;
	uint64_t *to_port; /* packets by destination port */
};

static int append(struct collection *collection, uint64_t at_ns)
{
	struct trace_times *times = &collection->times;

	if (times->n == TRACE_TIMES_MAX)
		return -E2BIG;
	if (times->n == collection->room) {
		size_t room = collection->room ? 2 * collection->room : 4096;
		uint64_t *larger = reallocarray(times->at_ns, room, sizeof(*larger));

		if (!larger)
			return -ENOMEM;
		times->at_ns = larger;
		collection->room = room;
	}
	times->reordered += times->n && at_ns < times->at_ns[times->n - 1];
	times->at_ns[times->n++] = at_ns;
	return 0;
}

static int read_packets(struct collection *collection, struct trace_file *file, char *why,
                        size_t why_size)
{
	struct trace_packet packet;
	int err;

	while ((err = trace_next(file, &packet, why, why_size)) > 0) {
		collection->times.packets++;
		if (packet.class != FRAME_UDP && !packet.tcp)
			continue;
		collection->to_port[packet.flow.server_port]++;
		if (packet.flow.server_port != collection->port)
			continue;
		err = append(collection, packet.at_ns);
		if (err == -E2BIG)
			return sentence(why, why_size, err,
			                "it has more than %u packets to port %u", TRACE_TIMES_MAX,
			                collection->port);
		if (err)
			return sentence(why, why_size, err, "out of memory");
	}
	return err;
}

static int refuse_empty(const struct collection *collection, char *why, size_t why_size)
{
	unsigned int most = 0;

	for (unsigned int port = 0; port < 65536; port++)
		if (collection->to_port[port] > collection->to_port[most])
			most = port;
	if (!collection->to_port[most])
		return sentence(why, why_size, -ENODATA,
		                "it has no TCP or UDP packets among its %llu packets",
		                (unsigned long long)collection->times.packets);
	return sentence(why, why_size, -ENODATA,
	                "it has no packets to port %u; most are to port %u", collection->port,
	                most);
}

static int by_time(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

	return (x > y) - (x < y);
}

static int collect(struct collection *collection, const char *path, char *why, size_t why_size)
{
	struct trace_times *times = &collection->times;
	struct trace_file *file;
	char sha256[65];
	int err;

	collection->to_port = calloc(65536, sizeof(*collection->to_port));
	if (!collection->to_port)
		return sentence(why, why_size, -ENOMEM, "out of memory");
	err = trace_open(path, &file, sha256, why, why_size);
	if (err)
		return err;
	err = read_packets(collection, file, why, why_size);
	trace_close(file);
	if (!err && !times->n)
		err = refuse_empty(collection, why, why_size);
	if (!err && times->reordered)
		qsort(times->at_ns, times->n, sizeof(*times->at_ns), by_time);
	return err;
}

int trace_times_read(const char *path, uint16_t port, struct trace_times *ret, char *why,
                     size_t why_size)
{
	struct collection collection = { .port = port };
	int err = collect(&collection, path, why, why_size);

	free(collection.to_port);
	if (err)
		trace_times_free(&collection.times);
	else
		*ret = collection.times;
	return err;
}

void trace_times_free(struct trace_times *times)
{
	free(times->at_ns);
	*times = (struct trace_times){ 0 };
}
