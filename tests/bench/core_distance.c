// SPDX-License-Identifier: GPL-2.0
/* core_distance CPU CPU: how long a cache line takes to another CPU and back, in ns. */
#include "core_distance.h"

#include <sched.h>
#include <stdio.h>
#include <stdlib.h>

int main(int argc, char **argv)
{
	cpu_set_t set;

	if (argc != 3)
		return 1;
	CPU_ZERO(&set);
	CPU_SET(atoi(argv[1]), &set);
	if (sched_setaffinity(0, sizeof(set), &set))
		return 1;
	printf("%.0f\n", core_distance_ns(atoi(argv[2])));
	return 0;
}
