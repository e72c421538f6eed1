/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What the operations that probes are made of cost on this kernel and CPU, in ns per operation:
 * the least of 300 rounds of 2000 in a row, so with warm caches and without interruption.
 *
 *	helper_calls		(as root)
 *
 * No bound is checked: it reports.
 */
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "helper_calls.h"
#include "helper_calls.skel.h"

#define ROUNDS 300

static const char *const names[N_OPERATIONS] = {
	[NOTHING] = "empty loop",
	[CLOCK] = "bpf_ktime_get_ns",
	[CURRENT_TASK] = "bpf_get_current_task_btf",
	[TASK_STORAGE] = "bpf_task_storage_get",
	[ARRAY] = "array lookup and increment",
	[PROBE_READ] = "bpf_probe_read_kernel, 8 bytes",
	[ATOMIC_ADD] = "atomic add, uncontended",
	[ARRIVAL] = "count of an arrival, all of it",
};

/* The address of the kernel's @symbol, 0 if it is not shown. */
static unsigned long kernel_address(const char *symbol)
{
	FILE *symbols = fopen("/proc/kallsyms", "re");
	unsigned long address, found = 0;
	char name[256];

	while (symbols && !found && fscanf(symbols, "%lx %*c %255s%*[^\n]", &address, name) == 2)
		if (!strcmp(name, symbol))
			found = address;
	if (symbols)
		fclose(symbols);
	return found;
}

int main(void)
{
	struct helper_calls *calls = helper_calls__open_and_load();

	if (!calls) {
		fprintf(stderr, "helper_calls: the program does not load: run it as root, on a "
		                "kernel with BTF\n");
		return 2;
	}
	calls->bss->tid = syscall(SYS_gettid);
	calls->bss->address = kernel_address("jiffies_64");
	if (helper_calls__attach(calls)) {
		fprintf(stderr, "helper_calls: cannot attach to task_rename\n");
		helper_calls__destroy(calls);
		return 2;
	}
	for (int i = 0; i < ROUNDS; i++)
		prctl(PR_SET_NAME, i & 1 ? "even" : "odd");
	for (int i = 0; i < N_OPERATIONS; i++)
		printf("%-32s %6.1f ns\n", names[i], (double)calls->bss->least_ns[i] / REPEATS);
	helper_calls__destroy(calls);
	return 0;
}
