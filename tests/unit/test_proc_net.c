/* SPDX-License-Identifier: GPL-2.0 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <arpa/inet.h>
#include <cmocka.h>
#include <sys/socket.h>
#include <sys/stat.h>

#include "proc_net.h"

#define QUEUES " 00000000:00000000 00:00000000 00000000  1000        0 4711 1 0000000000000000"

static void a_line_of_a_listener_is_its_key_and_inode(void **state)
{
	struct netlink_listener listener;

	assert_int_equal(proc_net_parse("   0: 0100007F:1F90 00000000:0000 0A" QUEUES
	                                " 100 0 0 10 0\n",
	                                &listener),
	                 0);
	assert_int_equal(listener.key.family, 4);
	assert_int_equal(listener.key.port, 8080);
	assert_memory_equal(listener.key.address, "\x7f\x00\x00\x01\x00", 5);
	assert_int_equal(listener.inode, 4711);
	assert_int_equal(proc_net_parse(" 12: B80D0120000000000000000001000000:0050 "
	                                "00000000000000000000000000000000:0000 0A" QUEUES,
	                                &listener),
	                 0);
	assert_int_equal(listener.key.family, 6);
	assert_int_equal(listener.key.port, 80);
	assert_memory_equal(listener.key.address, "\x20\x01\x0d\xb8\0\0\0\0\0\0\0\0\0\0\0\x01", 16);
}

static void other_lines_are_none(void **state)
{
	struct netlink_listener listener;

	assert_int_equal(proc_net_parse("   1: 0100007F:1F90 0100007F:C001 01" QUEUES, &listener),
	                 -ENOENT);
	assert_int_equal(proc_net_parse("  sl  local_address rem_address   st", &listener),
	                 -EINVAL);
	assert_int_equal(proc_net_parse("   0: 0100007F:1F90 00000000:0000 0A", &listener),
	                 -EINVAL);
	assert_int_equal(proc_net_parse("   0: 01007F:1F90 00000000:0000 0A" QUEUES, &listener),
	                 -EINVAL);
	assert_int_equal(proc_net_parse("", &listener), -EINVAL);
}

static uint32_t inode_of(int fd)
{
	struct stat status;

	assert_int_equal(fstat(fd, &status), 0);
	return status.st_ino;
}

static void listeners_are_read_again_from_the_open_files(void **state)
{
	struct proc_net net = PROC_NET_CLOSED;
	int socket_fd = socket(AF_INET, SOCK_STREAM, 0);
	bool found = false;

	assert_int_equal(proc_net_open(getpid(), &net), 0);
	for (int round = 0; round < 2; round++) {
		struct netlink_listener *listeners = NULL;
		size_t n = 0;

		assert_int_equal(proc_net_listeners(&net, 99, &listeners, &n), 0);
		for (size_t i = 0; i < n; i++) {
			assert_int_equal(listeners[i].key.netns, 99);
			found |= listeners[i].inode == inode_of(socket_fd);
		}
		free(listeners);
		assert_int_equal(found, round);
		assert_int_equal(listen(socket_fd, 1), 0);
	}
	close(socket_fd);
	proc_net_close(&net);
	assert_true(proc_net_open(-1, &net) < 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_line_of_a_listener_is_its_key_and_inode),
		cmocka_unit_test(other_lines_are_none),
		cmocka_unit_test(listeners_are_read_again_from_the_open_files),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
