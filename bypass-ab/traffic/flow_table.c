// SPDX-License-Identifier: GPL-2.0
/*
 * Open addressing with a bound on the steps: a trace whose flows were chosen to collide makes flows
 * share a number, not the search slow.
 */
#include "flow_table.h"

#include <stdlib.h>
#include <string.h>

#include "traffic.h"

#define SLOTS 131072 /* a power of two, well above TRAFFIC_FLOWS_MAX */
#define STEPS 64

_Static_assert(SLOTS > 2 * TRAFFIC_FLOWS_MAX, "slots");
_Static_assert(sizeof(struct flow_key) == 40, "key without padding");

struct slot {
	struct flow_key key;
	uint32_t number; /* from 1; 0: free */
};

struct flow_table {
	struct slot slot[SLOTS];
	size_t n;
};

struct flow_table *flow_table_new(void)
{
	return calloc(1, sizeof(struct flow_table));
}

void flow_table_free(struct flow_table *table)
{
	free(table);
}

size_t flow_table_size(const struct flow_table *table)
{
	return table->n;
}

/* splitmix64's finisher over the key's words. */
static uint64_t hash(const struct flow_key *key)
{
	uint64_t word[5], sum = 0;

	memcpy(word, key, sizeof(word));
	for (int i = 0; i < 5; i++) {
		sum = (sum ^ word[i]) + 0x9e3779b97f4a7c15;
		sum = (sum ^ sum >> 30) * 0xbf58476d1ce4e5b9;
		sum = (sum ^ sum >> 27) * 0x94d049bb133111eb;
		sum ^= sum >> 31;
	}
	return sum;
}

uint16_t flow_table_number(struct flow_table *table, const struct flow_key *key, bool *ret_shared)
{
	uint64_t start = hash(key);

	*ret_shared = false;
	for (uint64_t step = 0; step < STEPS; step++) {
		struct slot *slot = &table->slot[(start + step) % SLOTS];

		if (slot->number && !memcmp(&slot->key, key, sizeof(*key)))
			return slot->number - 1;
		if (slot->number)
			continue;
		if (table->n == TRAFFIC_FLOWS_MAX)
			break;
		slot->key = *key;
		slot->number = ++table->n;
		return slot->number - 1;
	}
	*ret_shared = true;
	return start % table->n;
}
