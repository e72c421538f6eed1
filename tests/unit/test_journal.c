// SPDX-License-Identifier: GPL-2.0
/* The journal: what a run changes is put back, by itself or after it was killed. */
#include <errno.h>
#include <fcntl.h>
#include <linux/ethtool.h>
#include <sched.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "change.h"
#include "journal.h"

/* As assert_true, also in a forked process, which must not go on with the other tests. */
#define need(condition) need_it(condition, #condition)

static bool is_child;

static void need_it(bool holds, const char *what)
{
	if (holds)
		return;
	if (is_child) {
		fprintf(stderr, "not true: %s\n", what);
		_exit(99);
	}
	fail_msg("not true: %s", what);
}

static char directory[64], first[128], second[128], path[128];

static int set_up(void **state)
{
	strcpy(directory, "/tmp/ktax-journal.XXXXXX");
	if (!mkdtemp(directory))
		return -1;
	snprintf(first, sizeof(first), "%s/first", directory);
	snprintf(second, sizeof(second), "%s/second", directory);
	snprintf(path, sizeof(path), "%s/ab.journal", directory);
	return 0;
}

static int tear_down(void **state)
{
	unlink(first);
	unlink(second);
	unlink(path);
	return rmdir(directory);
}

static void put(const char *file, const char *text)
{
	FILE *out = fopen(file, "w");

	need(out);
	fputs(text, out);
	fclose(out);
}

static void assert_holds(const char *file, const char *text)
{
	char value[CHANGE_VALUE_MAX];

	need(change_read_file(file, value) == 0);
	need(!strcmp(value, text));
}

static struct journal *take(size_t wanted_restored)
{
	struct journal *journal = NULL;
	size_t restored = 99;
	char why[256] = "";

	if (journal_open(&journal, directory, &restored, why, sizeof(why)))
		need_it(false, why);
	need(restored == wanted_restored);
	return journal;
}

static void set(struct journal *journal, const char *file, const char *value)
{
	char why[256] = "";

	if (journal_set_file(journal, NULL, file, value, why, sizeof(why)))
		need_it(false, why);
	assert_holds(file, value);
}

static void give_back(struct journal *journal)
{
	char why[256] = "";

	if (journal_close(journal, why, sizeof(why)))
		need_it(false, why);
}

static off_t size_of(const char *file)
{
	struct stat status;

	need(stat(file, &status) == 0);
	return status.st_size;
}

/* Runs @body in a process that ends as it does. */
static int in_child(void (*body)(void))
{
	pid_t pid = fork();
	int status;

	if (!pid) {
		is_child = true;
		body();
		_exit(0);
	}
	need(waitpid(pid, &status, 0) == pid);
	return status;
}

static void what_was_changed_is_put_back_the_last_first(void **state)
{
	struct journal *journal = take(0);

	put(first, "one\n");
	put(second, "two words\tand a tab\n");
	set(journal, first, "1");
	set(journal, first, "2");
	set(journal, second, "3");
	assert_true(size_of(path) > 0);
	give_back(journal);
	assert_holds(first, "one");
	assert_holds(second, "two words\tand a tab");
	assert_int_equal(size_of(path), 0);
}

static void change_and_be_killed(void)
{
	struct journal *journal = take(0);

	set(journal, first, "1");
	set(journal, second, "2");
	raise(SIGKILL);
}

static void the_next_run_restores_what_a_killed_one_left(void **state)
{
	put(first, "one\n");
	put(second, "two\n");
	assert_true(WIFSIGNALED(in_child(change_and_be_killed)));
	assert_holds(first, "1");
	give_back(take(2));
	assert_holds(first, "one");
	assert_holds(second, "two");
	give_back(take(0));
}

static void exit_within(void)
{
	struct journal *journal = take(0);

	journal_close_at_exit(journal);
	set(journal, first, "1");
	/* A responder that a library ends restores nothing: the run goes on. */
	if (!fork())
		exit(0);
	wait(NULL);
	assert_holds(first, "1");
	exit(0);
}

static void an_exit_in_the_middle_restores(void **state)
{
	put(first, "one\n");
	assert_int_equal(in_child(exit_within), 0);
	assert_holds(first, "one");
	assert_int_equal(size_of(path), 0);
}

static void a_second_run_is_told_of_the_first(void **state)
{
	struct journal *journal = take(0), *other = NULL;
	char why[256] = "", wanted[64];
	size_t restored;

	put(first, "one\n");
	set(journal, first, "1");
	assert_int_equal(journal_open(&other, directory, &restored, why, sizeof(why)), -EBUSY);
	snprintf(wanted, sizeof(wanted), "another run is under way (process %d)", getpid());
	assert_non_null(strstr(why, wanted));
	assert_null(other);
	assert_holds(first, "1");
	give_back(journal);
	assert_holds(first, "one");
}

static void a_line_that_was_cut_short_was_not_made(void **state)
{
	int fd;

	put(first, "one\n");
	put(second, "two\n");
	assert_int_equal(WTERMSIG(in_child(change_and_be_killed)), SIGKILL);
	fd = open(path, O_WRONLY);
	assert_int_equal(ftruncate(fd, size_of(path) - 2), 0);
	close(fd);
	give_back(take(1));
	assert_holds(first, "one");
	assert_holds(second, "2");
	put(path, "ktax-a");
	give_back(take(0));
}

static void an_earlier_boot_left_nothing(void **state)
{
	put(first, "one\n");
	put(path, "ktax-ab 1 1 1 another-boot\nfile\t0\t-\t0\t/nonexistent\tx\n");
	give_back(take(0));
}

static void a_damaged_journal_is_said_and_kept(void **state)
{
	static const char *const texts[] = { "hello\n", "\n\n\n", "ktax-ab 2 1 1 x\n",
		                             "ktax-ab 1 -1 99999999999999999999999 \n" };
	struct journal *journal = NULL;
	char why[256];
	size_t restored;

	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		put(path, texts[i]);
		why[0] = '\0';
		assert_int_equal(journal_open(&journal, directory, &restored, why, sizeof(why)),
		                 -EBADMSG);
		assert_non_null(strstr(why, path));
		assert_true(size_of(path) > 0);
	}
}

static void damage_and_be_killed(void)
{
	struct journal *journal = take(0);
	FILE *file;

	set(journal, first, "1");
	file = fopen(path, "a");
	fputs("file\tx\nwhat\t0\t-\t0\ta\tb\n\t\t\t\t\t\t\t\n", file);
	fclose(file);
	raise(SIGKILL);
}

static void what_can_be_read_of_a_damaged_journal_is_restored(void **state)
{
	struct journal *journal = NULL;
	char why[256] = "";
	size_t restored;

	put(first, "one\n");
	assert_int_equal(WTERMSIG(in_child(damage_and_be_killed)), SIGKILL);
	assert_int_equal(journal_open(&journal, directory, &restored, why, sizeof(why)), -EBADMSG);
	assert_non_null(strstr(why, "damaged"));
	assert_holds(first, "one");
}

static void a_journal_of_others_is_not_obeyed(void **state)
{
	struct journal *journal = NULL;
	char why[256] = "";
	size_t restored;

	put(path, "");
	assert_int_equal(chmod(path, 0666), 0);
	assert_int_equal(journal_open(&journal, directory, &restored, why, sizeof(why)), -EPERM);
	unlink(path);
	assert_int_equal(symlink(first, path), 0);
	assert_int_equal(journal_open(&journal, directory, &restored, why, sizeof(why)), -ELOOP);
}

/* ---- Interfaces, in a namespace of this process -------------------------------------------- */

/* Set up once: only then it has its queueing discipline. */
#define VETH                                                                                       \
	"ip link add jv0 numrxqueues 4 numtxqueues 4 type veth peer name jv1 numrxqueues 4 "       \
	"numtxqueues 4 && ip link set jv0 up && ip link set jv0 down"

static const struct port port = { .interface = "jv0" };

static int enter_namespace(void **state)
{
	if (set_up(state))
		return -1;
	if (unshare(CLONE_NEWNET) == 0 && system(VETH) == 0)
		return 0;
	tear_down(state);
	return -1;
}

/* What ip(8) and ethtool(8) say of the interface. */
static void describe(char *text, size_t size)
{
	FILE *out = popen("ip -o link show jv0; ip -o address show dev jv0; ip neighbour show dev "
	                  "jv0 nud permanent; ethtool -k jv0; ethtool -l jv0; cat "
	                  "/proc/sys/net/ipv6/conf/jv0/disable_ipv6",
	                  "r");
	size_t n;

	need(out);
	n = fread(text, 1, size - 1, out);
	text[n] = '\0';
	pclose(out);
	need(n > 500);
}

/* As assert_string_equal, but says which line is another. */
static void assert_same_lines(char *before, char *after)
{
	char *one, *other;

	do {
		one = strsep(&before, "\n");
		other = strsep(&after, "\n");
		if (!one || !other || strcmp(one, other) != 0)
			fail_msg("\"%s\" is now \"%s\"", one, other);
	} while (before && after);
	assert_true(!before && !after);
}

static void change_interface(struct journal *journal)
{
	char why[256] = "";

	if (journal_note_xdp(journal, &port, why, sizeof(why)) ||
	    journal_set_file(journal, &port, "/proc/sys/net/ipv6/conf/jv0/disable_ipv6", "1", why,
	                     sizeof(why)) ||
	    journal_set_offloads_off(journal, &port, why, sizeof(why)) ||
	    journal_set_one_channel(journal, &port, why, sizeof(why)) ||
	    journal_set_up(journal, &port, why, sizeof(why)) ||
	    journal_note_address(journal, &port, "10.9.9.1/24", "10.9.9.2", why, sizeof(why)))
		need_it(false, why);
	need(!system("ip address add 10.9.9.1/24 dev jv0 && ip neighbour add 10.9.9.2 lladdr "
	             "02:00:00:00:00:01 nud permanent dev jv0"));
}

static void an_interface_is_as_it_was(void **state)
{
	static char before[16384], within[16384], after[16384];
	struct journal *journal = take(0);

	describe(before, sizeof(before));
	change_interface(journal);
	describe(within, sizeof(within));
	assert_non_null(strstr(within, "tx-checksumming: off"));
	assert_non_null(strstr(within, "10.9.9.2 lladdr"));
	assert_string_not_equal(before, within);
	give_back(journal);
	describe(after, sizeof(after));
	assert_same_lines(before, after);
}

static void change_interface_and_be_killed(void)
{
	change_interface(take(0));
	raise(SIGKILL);
}

static void an_interface_is_as_it_was_after_a_kill(void **state)
{
	static char before[16384], after[16384];

	describe(before, sizeof(before));
	assert_int_equal(WTERMSIG(in_child(change_interface_and_be_killed)), SIGKILL);
	give_back(take(7));
	describe(after, sizeof(after));
	assert_same_lines(before, after);
}

static void an_interface_that_is_gone_needs_nothing(void **state)
{
	assert_int_equal(WTERMSIG(in_child(change_interface_and_be_killed)), SIGKILL);
	assert_int_equal(system("ip link del jv0 && " VETH), 0);
	/* All seven lines are dealt with, though there is nothing to do. */
	give_back(take(7));
	assert_int_equal(size_of(path), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(what_was_changed_is_put_back_the_last_first, set_up,
		                                tear_down),
		cmocka_unit_test_setup_teardown(the_next_run_restores_what_a_killed_one_left,
		                                set_up, tear_down),
		cmocka_unit_test_setup_teardown(an_exit_in_the_middle_restores, set_up, tear_down),
		cmocka_unit_test_setup_teardown(a_second_run_is_told_of_the_first, set_up,
		                                tear_down),
		cmocka_unit_test_setup_teardown(a_line_that_was_cut_short_was_not_made, set_up,
		                                tear_down),
		cmocka_unit_test_setup_teardown(an_earlier_boot_left_nothing, set_up, tear_down),
		cmocka_unit_test_setup_teardown(a_damaged_journal_is_said_and_kept, set_up,
		                                tear_down),
		cmocka_unit_test_setup_teardown(what_can_be_read_of_a_damaged_journal_is_restored,
		                                set_up, tear_down),
		cmocka_unit_test_setup_teardown(a_journal_of_others_is_not_obeyed, set_up,
		                                tear_down),
	};
	const struct CMUnitTest of_interfaces[] = {
		cmocka_unit_test_setup_teardown(an_interface_is_as_it_was, enter_namespace,
		                                tear_down),
		cmocka_unit_test_setup_teardown(an_interface_is_as_it_was_after_a_kill,
		                                enter_namespace, tear_down),
		cmocka_unit_test_setup_teardown(an_interface_that_is_gone_needs_nothing,
		                                enter_namespace, tear_down),
	};
	int failed = cmocka_run_group_tests(tests, NULL, NULL);

	if (geteuid() == 0)
		failed += cmocka_run_group_tests(of_interfaces, NULL, NULL);
	return failed;
}
