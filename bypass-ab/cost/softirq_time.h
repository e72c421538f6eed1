/* SPDX-License-Identifier: GPL-2.0 */
#ifndef KTAX_SOFTIRQ_TIME_H
#define KTAX_SOFTIRQ_TIME_H

/* Of one CPU. */
struct softirq_time {
	unsigned long long within_ns;  /* in the context of the process */
	unsigned long long outside_ns; /* of any other task */
};

#endif
