/* SPDX-License-Identifier: GPL-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "endpoint_room.h"
#include "targets.h"

#define PER_CPU 330000ULL

static const struct target_spec every_server,
	one_port = { .n_ports = 1 }, two_ports = { .n_ports = 2 }, one_process = { .n_pids = 1 },
	port_of_name = { .n_ports = 1, .n_names = 1 };

static void a_port_needs_few_and_a_host_more(void **state)
{
	assert_int_equal(endpoint_room(&one_port, 1, 2 * PER_CPU), 2);
	assert_int_equal(endpoint_room(&two_ports, 1, 2 * PER_CPU), 4);
	assert_int_equal(endpoint_room(&port_of_name, 1, 2 * PER_CPU), 2);
	assert_int_equal(endpoint_room(&one_process, 1, 2 * PER_CPU), 4);
	assert_int_equal(endpoint_room(&every_server, 0, 2 * PER_CPU), 8);
}

static void what_listens_already_fits_and_some_more(void **state)
{
	assert_int_equal(endpoint_room(&one_port, 5, 2 * PER_CPU), 5);
	assert_int_equal(endpoint_room(&one_process, 10, 2 * PER_CPU), 12);
	assert_int_equal(endpoint_room(&every_server, 20, 2 * PER_CPU), 24);
	assert_int_equal(endpoint_room(&every_server, 5000, 2 * PER_CPU), ENDPOINT_ROOM_MOST);
}

static void memory_is_bounded_on_any_number_of_cpus(void **state)
{
	for (uint64_t cpus = 1; cpus <= 8192; cpus++) {
		uint64_t each = cpus * PER_CPU;
		uint32_t room = endpoint_room(&every_server, 100, each);

		assert_in_range(room, 1, ENDPOINT_ROOM_MOST);
		if (room > 1)
			assert_true((room + 1) * each <= ENDPOINT_ROOM_BYTES);
	}
	assert_int_equal(endpoint_room(&every_server, 100, 64 * PER_CPU), 5);
	assert_int_equal(endpoint_room(&one_port, 1, 64 * PER_CPU), 2);
	assert_int_equal(endpoint_room(&one_port, 1, 1024 * PER_CPU), 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_port_needs_few_and_a_host_more),
		cmocka_unit_test(what_listens_already_fits_and_some_more),
		cmocka_unit_test(memory_is_bounded_on_any_number_of_cpus),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
