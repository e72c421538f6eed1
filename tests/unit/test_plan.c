// SPDX-License-Identifier: GPL-2.0
/* Plans: what is in them is taken, and what is wrong in them is told with file and line. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "plan.h"

#define ENDS "[generator]\ninterface = eth1\n[responder]\ninterface = eth2\n"

static char taken[256];

/* Knows "rate", which is a digit. */
static const char *set(void *context, const char *section, const char *name, const char *value)
{
	if (strcmp(name, "rate") != 0)
		return plan_unknown_key;
	if (strlen(value) != 1)
		return "a digit";
	snprintf(taken, sizeof(taken), "%s %s %s", section, name, value);
	return NULL;
}

static const struct plan_settings settings = { set, NULL };

static void reads(struct plan *plan, const char *text)
{
	char why[256] = "";

	taken[0] = '\0';
	if (plan_parse(plan, text, "a.ini", &settings, why, sizeof(why)))
		fail_msg("%s", why);
}

static void refuses(const char *text, const char *wanted)
{
	struct plan plan = { .generator.cpu = 77 };
	char why[256] = "";

	assert_int_equal(plan_parse(&plan, text, "a.ini", &settings, why, sizeof(why)), -EINVAL);
	assert_string_equal(why, wanted);
	assert_int_equal(plan.generator.cpu, 77);
}

static void what_is_left_out_is_the_test_link(void **state)
{
	static const uint8_t none[6], client[] = { 198, 18, 0, 1 }, server[] = { 198, 18, 0, 2 };
	struct plan plan;

	reads(&plan, ENDS);
	assert_string_equal(plan.generator.port.interface, "eth1");
	assert_string_equal(plan.responder.port.interface, "eth2");
	assert_string_equal(plan.responder.port.namespace, "");
	assert_int_equal(plan.generator.cpu, -1);
	assert_int_equal(plan.responder.udp_port, 7000);
	assert_false(plan.responder.rebind);
	assert_string_equal(plan.responder.remote, "");
	assert_memory_equal(plan.generator.mac, none, 6);
	assert_memory_equal(plan.generator.ip, client, 4);
	assert_memory_equal(plan.responder.ip, server, 4);
}

static void all_keys_are_taken(void **state)
{
	static const uint8_t mac[] = { 2, 0, 0xAB, 0, 0, 0x0f }, ip[] = { 10, 1, 2, 3 };
	struct plan plan;

	reads(&plan,
	      "; a comment\n[responder]\ninterface = eth1\nnamespace = blue\ncpu = 3 ; near\n"
	      "mac = 02:00:ab:00:00:0F\nip = 10.1.2.3\nport = 53\nrebind = yes\n\n[generator]\n"
	      "interface = eth1\ncpu=2\n[traffic]\nrate = 7\n");
	assert_string_equal(plan.responder.port.namespace, "blue");
	assert_int_equal(plan.responder.cpu, 3);
	assert_int_equal(plan.responder.udp_port, 53);
	assert_true(plan.responder.rebind);
	assert_memory_equal(plan.responder.mac, mac, 6);
	assert_memory_equal(plan.responder.ip, ip, 4);
	assert_int_equal(plan.generator.cpu, 2);
	assert_string_equal(taken, "traffic rate 7");
}

/* Names and numbers may be the same: they are of two hosts. */
static void another_host_has_names_of_its_own(void **state)
{
	struct plan plan;

	reads(&plan, "[generator]\ninterface = eth1\ncpu = 2\n[responder]\ninterface = eth1\n"
	             "remote = ssh -p 2222 root@server /usr/bin/ktax\n");
	assert_string_equal(plan.responder.remote, "ssh -p 2222 root@server /usr/bin/ktax");
	assert_int_equal(plan.generator.cpu, 2);
	assert_int_equal(plan.responder.cpu, -1);
	reads(&plan, "[generator]\ninterface = eth1\ncpu = 2\n[responder]\ninterface = eth1\n"
	             "cpu = 2\nremote = ssh b ktax\n");
	assert_int_equal(plan.responder.cpu, 2);
}

static void mistakes_name_file_and_line(void **state)
{
	refuses(ENDS "[traffic]\nrate = 70\n", "a.ini:6: rate needs a digit, not \"70\"");
	refuses(ENDS "[traffic]\nrote = 7\n", "a.ini:6: [traffic] has no key \"rote\"");
	refuses(ENDS "[design]\nrate = 7\nrate = 7\n", "a.ini:7: rate is given twice");
	refuses(ENDS "[desing]\nrate = 7\n", "a.ini:5: unknown section [desing]");
	refuses("rate = 7\n", "a.ini:1: \"rate\" is outside of any section");
	refuses("[generator]\nport = 7\n", "a.ini:2: [generator] has no key \"port\"");
	refuses("[generator]\nrebind = yes\n", "a.ini:2: [generator] has no key \"rebind\"");
	refuses("[generator]\ncpu = 1\ncpu = 2\n", "a.ini:3: cpu is given twice");
	refuses("[generator]\ninterface\n", "a.ini:2: neither \"[section]\" nor \"key = value\"");
	refuses("", "a.ini:1: [generator] names no interface");
	refuses("[generator]\ninterface = a\n", "a.ini:2: [responder] names no interface");
}

static void values_that_make_no_sense_are_refused(void **state)
{
	static const char *const values[][2] = {
		{ "interface", "" },
		{ "interface", "../../etc" },
		{ "interface", "a-name-of-16-and-more" },
		{ "namespace", ".." },
		{ "namespace", "a/b" },
		{ "cpu", "-1" },
		{ "cpu", "0x1" },
		{ "cpu", "99999999999999999999" },
		{ "cpu", "1,2" },
		{ "mac", "02:00:00:00:00" },
		{ "mac", "02-00-00-00-00-01" },
		{ "mac", "01:00:00:00:00:01" },
		{ "mac", "ff:ff:ff:ff:ff:ff" },
		{ "ip", "10.0.0" },
		{ "ip", "10.0.0.1/24" },
		{ "ip", "fd00::1" },
		{ "ip", "127.0.0.1" },
		{ "ip", "0.0.0.0" },
		{ "ip", "239.1.1.1" },
		{ "port", "0" },
		{ "port", "65536" },
		{ "port", "domain" },
		{ "rebind", "perhaps" },
		{ "remote", "" },
	};

	for (size_t i = 0; i < sizeof(values) / sizeof(values[0]); i++) {
		char text[128], why[256] = "", wanted[64];
		struct plan plan;

		snprintf(text, sizeof(text), "[responder]\n%s = %s\n", values[i][0], values[i][1]);
		snprintf(wanted, sizeof(wanted), "a.ini:2: %s needs ", values[i][0]);
		assert_int_equal(plan_parse(&plan, text, "a.ini", &settings, why, sizeof(why)),
		                 -EINVAL);
		if (strncmp(why, wanted, strlen(wanted)) != 0)
			fail_msg("%s: %s", text, why);
	}
}

static void ends_that_do_not_go_together_are_refused(void **state)
{
	refuses("[generator]\ninterface = a\n[responder]\ninterface = a\n",
	        "a.ini:4: generator and responder are both on a: they need two ports that are "
	        "cabled to each other");
	refuses(ENDS "cpu = 1\n[generator]\ncpu = 1\n",
	        "a.ini:5: generator and responder have the same CPU, so that every latency is the "
	        "length of a turn on it");
	refuses(ENDS "cpu = 1\n", "a.ini:5: name a CPU for the generator and for the responder, or "
	                          "for none of them");
	refuses(ENDS "remote = ssh b ktax\nip = 198.18.0.1\n",
	        "a.ini:6: generator and responder have "
	        "the same ip");
	refuses(ENDS "ip = 198.18.0.1\n", "a.ini:5: generator and responder have the same ip");
}

static void what_is_not_there_is_refused(void **state)
{
	static const struct {
		const char *text, *wanted;
	} cases[] = {
		{ "[generator]\ninterface = lo\n[responder]\ninterface = ktaxnone0\n",
		  ":4: there is no interface \"ktaxnone0\"" },
		{ "[generator]\ninterface = lo\nnamespace = ktax-none\n[responder]\ninterface = b\n",
		  ":3: there is no network namespace \"ktax-none\"" },
		{ "[generator]\ncpu = 8000\ninterface = lo\n[responder]\ncpu = 0\ninterface = b\n",
		  ":2: there is no CPU 8000 that ktax may run on" },
	};
	char path[] = "/tmp/ktax-plan.XXXXXX", why[256], wanted[256];
	struct plan plan;
	int fd = mkstemp(path);

	assert_true(fd >= 0);
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		size_t length = strlen(cases[i].text);

		assert_int_equal(ftruncate(fd, 0), 0);
		assert_int_equal(pwrite(fd, cases[i].text, length, 0), length);
		assert_int_equal(plan_read(&plan, path, &settings, why, sizeof(why)), -EINVAL);
		snprintf(wanted, sizeof(wanted), "%s%s", path, cases[i].wanted);
		assert_string_equal(why, wanted);
	}
	close(fd);
	unlink(path);
	assert_int_equal(plan_read(&plan, path, &settings, why, sizeof(why)), -ENOENT);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_is_left_out_is_the_test_link),
		cmocka_unit_test(all_keys_are_taken),
		cmocka_unit_test(another_host_has_names_of_its_own),
		cmocka_unit_test(mistakes_name_file_and_line),
		cmocka_unit_test(values_that_make_no_sense_are_refused),
		cmocka_unit_test(ends_that_do_not_go_together_are_refused),
		cmocka_unit_test(what_is_not_there_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
