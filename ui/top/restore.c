// SPDX-License-Identifier: GPL-2.0
/*
 * In the handler of a fault only what is async-signal-safe may be called: the escape sequences are
 * copied beforehand, and write(), tcsetattr() and raise() are safe. It has a stack of its own, for
 * the fault may be that there is no more stack.
 */
#include "restore.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <termios.h>
#include <unistd.h>

#define STACK_BYTES 65536

static const int faults[] = { SIGSEGV, SIGBUS, SIGILL, SIGFPE, SIGABRT, SIGQUIT, SIGSYS };

static struct termios settings;
static char sequence[256];
static size_t length;
static volatile sig_atomic_t armed;

static void on_fault(int signal)
{
	static const char newline[] = "\r\n";

	if (armed) {
		armed = 0;
		/* Nothing can be done where it fails. */
		if (write(STDOUT_FILENO, sequence, length) < 0 ||
		    write(STDOUT_FILENO, newline, sizeof(newline) - 1) < 0)
			_exit(128 + signal);
		tcsetattr(STDIN_FILENO, TCSANOW, &settings);
	}
	raise(signal); /* by SA_RESETHAND, now its default: ends the process, with a core */
}

void restore_prepare(void)
{
	tcgetattr(STDIN_FILENO, &settings);
}

void restore_arm(const char *leave)
{
	static char stack[STACK_BYTES];
	const stack_t alternate = { .ss_sp = stack, .ss_size = sizeof(stack) };
	struct sigaction action = { .sa_handler = on_fault,
		                    .sa_flags = (int)(SA_RESETHAND | SA_ONSTACK | SA_NODEFER) };

	snprintf(sequence, sizeof(sequence), "%s", leave);
	length = strlen(sequence);
	sigaltstack(&alternate, NULL);
	armed = 1;
	for (size_t i = 0; i < sizeof(faults) / sizeof(faults[0]); i++)
		sigaction(faults[i], &action, NULL);
}

void restore_disarm(void)
{
	armed = 0;
}
