// SPDX-License-Identifier: GPL-2.0
#include "endpoint_room.h"

#include "targets.h"

static size_t larger(size_t a, size_t b)
{
	return a > b ? a : b;
}

static size_t smaller(size_t a, size_t b)
{
	return a < b ? a : b;
}

/* A port is often listened on twice, for IPv4 and IPv6; a process may open a few; a host, many. */
static size_t expected(const struct target_spec *spec, size_t found)
{
	if (spec->n_ports)
		return larger(found, 2 * spec->n_ports);
	if (spec->n_pids || spec->n_names || spec->n_cgroups)
		return larger(found + 2, 4);
	return larger(found + 4, 8);
}

uint32_t endpoint_room(const struct target_spec *spec, size_t found, uint64_t bytes_each)
{
	size_t wanted = smaller(expected(spec, found), ENDPOINT_ROOM_MOST);
	size_t fit = ENDPOINT_ROOM_BYTES / bytes_each;

	return fit > 2 ? smaller(wanted, fit - 1) : 1;
}
