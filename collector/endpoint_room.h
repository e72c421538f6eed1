/* SPDX-License-Identifier: GPL-2.0 */
/*
 * For how many endpoints aggregates are kept apart, where the user does not say.
 *
 * An aggregate takes 0.3 MB per endpoint and possible CPU and once more, all of it from the start. So there is
 * room for the endpoints that listen when the recording begins and for some that may come, within
 * ENDPOINT_ROOM_BYTES. What comes beyond is recorded as one more, "other endpoints".
 */
#ifndef KTAX_ENDPOINT_ROOM_H
#define KTAX_ENDPOINT_ROOM_H

#include <stddef.h>
#include <stdint.h>

struct target_spec;

/* Of the aggregates, those of "other endpoints" included; but there is always room for one. */
#define ENDPOINT_ROOM_BYTES (128 << 20)
/* Most that are kept apart: the report should still be readable. */
#define ENDPOINT_ROOM_MOST 64

/*
 * For targets of @spec, of which @found endpoints listen now, where one takes @bytes_each. Without
 * the other endpoints: 1 to ENDPOINT_ROOM_MOST.
 */
uint32_t endpoint_room(const struct target_spec *spec, size_t found, uint64_t bytes_each);

#endif
