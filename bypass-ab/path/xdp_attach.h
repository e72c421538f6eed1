/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Attaches XDP programs by a BPF link: it is gone when its file descriptor is, so a process that
 * is killed leaves none behind. A program of somebody else is never replaced.
 */
#ifndef KTAX_XDP_ATTACH_H
#define KTAX_XDP_ATTACH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * In the driver's hook, or in the generic one where the driver has none: *ret_native tells. Returns
 * the file descriptor of the link; or a negative errno with a sentence in @why, -EOPNOTSUPP: XDP
 * cannot be had on this interface as it is.
 */
int xdp_attach(int program, const char *interface, bool *ret_native, char *why, size_t why_size);

/*
 * Attaches a program that passes everything. The peer of a veth needs one (or GRO) to take what
 * an XDP program transmits or redirects at the other end. As xdp_attach; close it to detach.
 */
int xdp_attach_pass(const char *interface, char *why, size_t why_size);

/* The sum over all CPUs of entry @key of a per-CPU array of u64. */
uint64_t xdp_sum(int map, uint32_t key);

#endif
