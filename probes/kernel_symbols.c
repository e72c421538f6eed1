// SPDX-License-Identifier: GPL-2.0
#include "kernel_symbols.h"

#include <stdio.h>
#include <string.h>

void kernel_symbols_find(struct kernel_symbols *ret)
{
	struct kernel_symbols symbols = {};
	FILE *file = fopen("/proc/kallsyms", "re");
	unsigned long long address;
	char name[128];

	*ret = symbols;
	if (!file)
		return;
	while (fscanf(file, "%llx %*c %127s%*[^\n]", &address, name) == 2) {
		if (!strcmp(name, "__per_cpu_offset"))
			symbols.per_cpu_offsets = address;
		else if (!strcmp(name, "steal_time"))
			symbols.steal = address;
		else if (!strcmp(name, "cpu_irqtime"))
			symbols.irqtime = address;
	}
	fclose(file);
	if (symbols.per_cpu_offsets)
		*ret = symbols;
}
