/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Keeping the CPUs from idle states: a CPU that has nothing to do then polls instead of halting, and
 * is woken without an interrupt (Linux, Documentation/admin-guide/pm/cpuidle.rst, "Power Management
 * Quality of Service for CPUs"). It is asked of the kernel for as long as a descriptor is open, so
 * nothing is left however the process ends.
 */
#ifndef KTAX_IDLE_STATES_H
#define KTAX_IDLE_STATES_H

#include <stddef.h>

/*
 * A descriptor to close, or a negative errno with a sentence in @why. It holds for all CPUs of the
 * host; on one without a driver for idle states (cpuidle) it changes nothing.
 */
int idle_states_forbid(char *why, size_t why_size);
/* May it be asked for? -EOPNOTSUPP, with a sentence in @why. */
int idle_states_check(char *why, size_t why_size);

#endif
