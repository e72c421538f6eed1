// SPDX-License-Identifier: GPL-2.0
/* The guard: which interfaces a run refuses to touch, in namespaces of this process. */
#include <errno.h>
#include <sched.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "guard.h"

/* Two ports that carry nothing, gv0 and gw0. */
static int enter_namespace(void **state)
{
	if (unshare(CLONE_NEWNET))
		return -1;
	return system("ip link set lo up && ip link add gv0 type veth peer name gv1 && "
	              "ip link add gw0 type veth peer name gw1 && ip link set gv0 up && "
	              "ip link set gv1 up && ip link set gw0 up && ip link set gw1 up && "
	              "ip address add 10.8.0.1/24 dev gv0 && "
	              "ip -6 address add fd00:8::1/64 dev gv0 nodad");
}

static void ip(const char *arguments)
{
	char command[256];

	snprintf(command, sizeof(command), "ip %s", arguments);
	if (system(command) != 0)
		fail_msg("%s", command);
}

static void assert_free(const char *interface)
{
	struct port port = {};
	char why[256] = "";

	strcpy(port.interface, interface);
	if (guard_check(&port, why, sizeof(why)))
		fail_msg("%s", why);
}

static void assert_guarded(const char *interface, const char *wanted)
{
	struct port port = {};
	char why[256] = "";

	strcpy(port.interface, interface);
	assert_int_equal(guard_check(&port, why, sizeof(why)), -EPERM);
	assert_string_equal(why, wanted);
}

#define DEFAULT " carries the default route: it is not touched without --i-know"

static void a_port_that_carries_nothing_is_free(void **state)
{
	assert_free("gv0");
	assert_free("gw0");
}

static void the_default_route_is_guarded(void **state)
{
	ip("route add default via 10.8.0.2 dev gv0");
	assert_guarded("gv0", "gv0" DEFAULT);
	assert_free("gw0");
	assert_free("gv1");
}

static void the_ipv6_default_route_is_guarded(void **state)
{
	ip("-6 route add default via fd00:8::2 dev gv0");
	assert_guarded("gv0", "gv0" DEFAULT);
	assert_free("gw0");
}

static void the_default_route_of_another_table_is_guarded(void **state)
{
	ip("route add default via 10.8.0.2 dev gv0 table 77");
	assert_guarded("gv0", "gv0" DEFAULT);
}

static void a_default_route_in_halves_is_guarded(void **state)
{
	ip("route add 128.0.0.0/1 via 10.8.0.2 dev gv0");
	assert_guarded("gv0", "gv0" DEFAULT);
}

static void each_hop_of_a_default_route_is_guarded(void **state)
{
	ip("address add 10.9.0.1/24 dev gw0");
	ip("route add default nexthop via 10.8.0.2 dev gv0 nexthop via 10.9.0.2 dev gw0");
	assert_guarded("gv0", "gv0" DEFAULT);
	assert_guarded("gw0", "gw0" DEFAULT);
}

static void a_nexthop_object_is_guarded(void **state)
{
	ip("nexthop add id 5 via 10.8.0.2 dev gv0");
	ip("route add default nhid 5");
	assert_guarded("gv0", "gv0" DEFAULT);
	assert_free("gw0");
}

static void other_routes_are_not(void **state)
{
	ip("route add 10.0.0.0/8 via 10.8.0.2 dev gv0");
	ip("route add unreachable default metric 9999");
	assert_free("gv0");
}

static void what_is_below_the_default_route_is_guarded(void **state)
{
	ip("link add gbr0 type bridge");
	ip("link set gw0 master gbr0");
	/* As a VLAN, which not every kernel has. */
	ip("link add link gbr0 name gmac0 type macvlan");
	ip("address add 10.7.0.1/24 dev gmac0");
	ip("link set gbr0 up");
	ip("link set gmac0 up");
	assert_free("gw0");
	ip("route add default via 10.7.0.2 dev gmac0");
	assert_guarded("gw0", "gw0 is below gmac0, which carries the default route: it is not "
	                      "touched without --i-know");
	assert_guarded("gmac0", "gmac0" DEFAULT);
	assert_free("gv0");
}

static void the_way_back_of_ssh_is_guarded(void **state)
{
	ip("address add 10.9.0.1/24 dev gw0");
	/* The environment that a process was started with is what counts: see in_session(). */
	assert_guarded("gv0", "gv0 carries the ssh session from 10.8.0.77: it is not touched "
	                      "without --i-know");
	assert_free("gw0");
}

static void what_is_not_there_is_said(void **state)
{
	struct port port = { .interface = "gx0" };
	char why[256];

	assert_int_equal(guard_check(&port, why, sizeof(why)), -ENODEV);
	assert_string_equal(why, "there is no interface gx0");
	strcpy(port.namespace, "ktax-no-such");
	assert_int_equal(guard_check(&port, why, sizeof(why)), -ENOENT);
	assert_non_null(strstr(why, "ktax-no-such"));
}

static void the_peer_is_the_first_word(void **state)
{
	char buffer[32];

	assert_string_equal(guard_ssh_peer("10.0.0.1 5 10.0.0.2 22", buffer, sizeof(buffer)),
	                    "10.0.0.1");
	assert_string_equal(guard_ssh_peer("fe80::1%eth0 5 fe80::2 22", buffer, sizeof(buffer)),
	                    "fe80::1%eth0");
	assert_null(guard_ssh_peer("", buffer, sizeof(buffer)));
	assert_null(guard_ssh_peer("10.0.0.1", buffer, sizeof(buffer)));
	assert_null(guard_ssh_peer(" 5 6 7", buffer, sizeof(buffer)));
	assert_null(guard_ssh_peer("hello world", buffer, sizeof(buffer)));
	assert_null(
		guard_ssh_peer("10.0.0.1111111111111111111111111111 5", buffer, sizeof(buffer)));
}

#define NETWORK_TEST(name) cmocka_unit_test_setup(name, enter_namespace)

static int in_session(void)
{
	const struct CMUnitTest tests[] = { NETWORK_TEST(the_way_back_of_ssh_is_guarded) };

	return cmocka_run_group_tests(tests, NULL, NULL);
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(the_peer_is_the_first_word) };
	const struct CMUnitTest network_tests[] = {
		NETWORK_TEST(a_port_that_carries_nothing_is_free),
		NETWORK_TEST(the_default_route_is_guarded),
		NETWORK_TEST(the_ipv6_default_route_is_guarded),
		NETWORK_TEST(the_default_route_of_another_table_is_guarded),
		NETWORK_TEST(a_default_route_in_halves_is_guarded),
		NETWORK_TEST(each_hop_of_a_default_route_is_guarded),
		NETWORK_TEST(a_nexthop_object_is_guarded),
		NETWORK_TEST(other_routes_are_not),
		NETWORK_TEST(what_is_below_the_default_route_is_guarded),
		NETWORK_TEST(what_is_not_there_is_said),
	};
	char self[256], command[512];
	ssize_t n = readlink("/proc/self/exe", self, sizeof(self) - 1);
	int failed;

	if (argc > 1)
		return in_session();
	failed = cmocka_run_group_tests(tests, NULL, NULL);
	if (geteuid() != 0 || n < 0)
		return failed;
	failed += cmocka_run_group_tests(network_tests, NULL, NULL);
	/* As under sudo: an ancestor has the variable, the process has not. */
	self[n] = '\0';
	snprintf(command, sizeof(command),
	         "SSH_CONNECTION='10.8.0.77 4444 10.8.0.1 22' sh -c 'env -u SSH_CONNECTION %s "
	         "session; exit $?'",
	         self);
	return failed + (system(command) != 0);
}
