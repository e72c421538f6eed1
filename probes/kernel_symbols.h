/* SPDX-License-Identifier: GPL-2.0 */
/* Where the kernel keeps what the BPF programs read by address (from /proc/kallsyms). */
#ifndef KTAX_KERNEL_SYMBOLS_H
#define KTAX_KERNEL_SYMBOLS_H

#include <stdint.h>

/* 0: not to be had. */
struct kernel_symbols {
	uint64_t per_cpu_offsets; /* __per_cpu_offset[], by CPU */
	uint64_t steal;           /* offset of KVM's per-CPU steal_time; its first member counts */
	uint64_t irqtime;         /* offset of cpu_irqtime (CONFIG_IRQ_TIME_ACCOUNTING), likewise */
};

/* Without the array of offsets, the per-CPU variables are not to be had either. */
void kernel_symbols_find(struct kernel_symbols *ret);

#endif
