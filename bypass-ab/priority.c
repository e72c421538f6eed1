// SPDX-License-Identifier: GPL-2.0
#include "priority.h"

#include <sched.h>

#define FIFO_PRIORITY 50

void priority_set(pid_t pid, bool high)
{
	struct sched_param parameter = { .sched_priority = high ? FIFO_PRIORITY : 0 };

	sched_setscheduler(pid, high ? SCHED_FIFO : SCHED_OTHER, &parameter);
}
