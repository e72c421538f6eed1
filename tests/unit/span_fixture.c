/* SPDX-License-Identifier: GPL-2.0 */
/* A small shared library to find functions and notes in: "libspan_fixture.so.1". */
#include <sys/sdt.h>

int fixture_parse(int n);
int fixture_write(int n);
int fixture_hidden_work(int n);

__attribute__((noinline, visibility("hidden"))) int fixture_hidden_work(int n)
{
	DTRACE_PROBE1(ktax, span_begin, 7);
	__asm__ volatile("" : "+r"(n));
	DTRACE_PROBE1(ktax, span_end, 7);
	return n * 3;
}

int fixture_parse(int n)
{
	return fixture_hidden_work(n) + fixture_hidden_work(n + 1);
}

int fixture_write(int n)
{
	return fixture_parse(n) - 1;
}

/* The same code by a second name. */
int fixture_alias(int n) __attribute__((alias("fixture_write")));

int fixture_indirect(int n) __attribute__((ifunc("fixture_choose")));

/* Named by the attribute only, which not every compiler counts as a use. */
__attribute__((used)) static int (*fixture_choose(void))(int)
{
	return fixture_write;
}
