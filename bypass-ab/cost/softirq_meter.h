/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What the kernel did for a responder outside of its process, and what it did within it for
 * others. On a veth pair a packet is received in a softirq on the *sender's* CPU:
 *
 *	generator's CPU   sends a request   -> softirq: the responder's receive work
 *	responder's CPU   sends a response  -> softirq: the generator's receive work
 *
 * So of the receive softirqs (NET_RX) those on the generator's CPU are the responder's cost, and
 * those on its own CPU, in its own context, are not. The meter is two BPF programs per packet; it
 * is only attached in blocks whose latencies do not count.
 *
 * A responder with a host of its own has what is received there to itself, on whatever CPU.
 */
#ifndef KTAX_SOFTIRQ_METER_H
#define KTAX_SOFTIRQ_METER_H

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "softirq_time.h"

struct softirq_meter;

/* Loads and attaches it; a negative errno with a sentence in @why. */
int softirq_meter_start(struct softirq_meter **ret_meter, char *why, size_t why_size);
/* From here on, "within" is the process @pid. */
void softirq_meter_set_process(struct softirq_meter *meter, pid_t pid);
/* The sums of @cpu since the start; zeros where the meter is NULL. */
struct softirq_time softirq_meter_read(struct softirq_meter *meter, int cpu);
/* The same of all CPUs together. */
struct softirq_time softirq_meter_read_all(struct softirq_meter *meter);
/* Detaches; NULL is fine. */
void softirq_meter_stop(struct softirq_meter *meter);

#endif
