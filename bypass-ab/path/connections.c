// SPDX-License-Identifier: GPL-2.0
#include "connections.h"

#include <errno.h>
#include <string.h>

int connections_init(struct connections *connections, uint32_t max_size)
{
	*connections = (struct connections){ .max_size = max_size };
	return socket_slots_init(&connections->slots, RECORD_LENGTH_BYTES + max_size);
}

void connections_free(struct connections *connections)
{
	for (int i = 0; i < CONNECTIONS; i++)
		if (connections->at[i].is_open)
			connections_remove(connections, i);
	socket_slots_free(&connections->slots);
}

int connections_add(struct connections *connections, size_t buffer_bytes)
{
	struct connection *connection;
	int number = 0;

	while (number < CONNECTIONS && connections->at[number].is_open)
		number++;
	if (number == CONNECTIONS)
		return -EMFILE;
	connection = &connections->at[number];
	if (record_buffer_init(&connection->in, buffer_bytes))
		return -ENOMEM;
	connection->is_open = true;
	connections->n_open++;
	return number;
}

void connections_remove(struct connections *connections, int number)
{
	struct connection *connection = &connections->at[number];

	record_buffer_free(&connection->in);
	connection->is_open = false;
	connection->generation++;
	connections->n_open--;
}

uint64_t connections_key(const struct connections *connections, int number)
{
	return (uint64_t)number << 32 | connections->at[number].generation;
}

int connections_find(const struct connections *connections, uint64_t key)
{
	const struct connection *connection;

	if (key >> 32 >= CONNECTIONS)
		return -1;
	connection = &connections->at[key >> 32];
	return connection->is_open && connection->generation == (uint32_t)key ? (int)(key >> 32)
	                                                                      : -1;
}

int connections_of_slot(const struct connections *connections, uint32_t slot)
{
	return connections_find(connections, connections->slot_key[slot]);
}

/* Copies a whole record into @slot. False: it is no request. */
static bool take_record(struct connections *connections, int number, uint32_t length, uint32_t slot,
                        struct path_message *message)
{
	uint8_t *record = connections->slots.slot[slot].payload.iov_base;

	memcpy(record, record_take(&connections->at[number].in, length),
	       RECORD_LENGTH_BYTES + length);
	connections->slot_key[slot] = connections_key(connections, number);
	*message = (struct path_message){ record + RECORD_LENGTH_BYTES, length, slot };
	return frame_payload_mark(message->payload, length);
}

int connections_take(struct connections *connections, int number, struct path_message *message)
{
	const struct record_buffer *in = &connections->at[number].in;
	int64_t length;

	while ((length = record_next(in, connections->max_size))) {
		int slot;

		if (length < 0) {
			connections->foreign++;
			return -EBADMSG;
		}
		slot = socket_slot_take(&connections->slots);
		if (slot < 0)
			return 0;
		if (take_record(connections, number, (uint32_t)length, (uint32_t)slot, message))
			return 1;
		connections->foreign++;
		socket_slot_release(&connections->slots, (uint32_t)slot);
	}
	return 0;
}

struct iovec connections_answer(struct connections *connections, uint32_t slot, uint32_t size)
{
	uint8_t *record = connections->slots.slot[slot].payload.iov_base;

	return (struct iovec){ record, record_set_length(record, size) };
}

void connections_release(struct connections *connections, const struct path_message *messages,
                         unsigned int n)
{
	for (unsigned int i = 0; i < n; i++)
		socket_slot_release(&connections->slots, messages[i].slot);
}
