// SPDX-License-Identifier: GPL-2.0
#include "ab_host.h"

#include <stdio.h>
#include <stdlib.h>

#include "error.h"
#include "journal.h"

#define LIBXDP_DIRECTORY "/sys/fs/bpf/xdp" /* DPDK's net_af_xdp has it made */

volatile sig_atomic_t ab_interrupted;

static void interrupt(int signal)
{
	ab_interrupted = 1;
}

static void catch_signals(void)
{
	struct sigaction action = { .sa_handler = interrupt, .sa_flags = SA_RESTART };

	sigaction(SIGINT, &action, NULL);
	sigaction(SIGTERM, &action, NULL);
	sigaction(SIGHUP, &action, NULL);
	signal(SIGPIPE, SIG_IGN); /* a gone reader must not keep the host from being restored */
}

/* Where /run is not what should be used: a container, a test beside others. */
static const char *run_directory(void)
{
	const char *directory = getenv("KTAX_RUN_DIR");

	return directory && *directory ? directory : JOURNAL_DIRECTORY;
}

/* -1, or the exit code. */
static int open_journal(struct journal **ret_journal, size_t *ret_restored)
{
	char why[512];
	int err = journal_open(ret_journal, run_directory(), ret_restored, why, sizeof(why));

	return err ? error_print(&(struct failure){ .error = err, .cause = why }) : -1;
}

int ab_host_take(struct journal **ret_journal)
{
	size_t restored;
	int exit_code;

	catch_signals();
	exit_code = open_journal(ret_journal, &restored);
	if (exit_code >= 0)
		return exit_code;
	journal_close_at_exit(*ret_journal);
	journal_note_directory(*ret_journal, LIBXDP_DIRECTORY);
	if (restored)
		error_note("restored what a run that was killed had changed (%zu)", restored);
	return -1;
}

int ab_host_restore(struct journal *journal, int exit_code)
{
	char why[512];
	int err = journal_close(journal, why, sizeof(why));

	return err ? error_print(&(struct failure){ .error = err, .cause = why }) : exit_code;
}

int ab_host_cleanup(void)
{
	struct journal *journal;
	size_t restored;
	int exit_code = open_journal(&journal, &restored);

	if (exit_code >= 0)
		return exit_code;
	if (restored)
		printf("restored what a run that was killed had changed (%zu)\n", restored);
	else
		puts("nothing to do: no run has left anything");
	return ab_host_restore(journal, KTAX_EXIT_FINE);
}
