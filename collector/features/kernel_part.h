/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Whether the kernel has a part of it loaded. Asking a part over netlink makes the kernel load the
 * module; to look at a host is not to change it, and what is not loaded acts on no packet.
 */
#ifndef KTAX_KERNEL_PART_H
#define KTAX_KERNEL_PART_H

enum kernel_part { PART_ABSENT, PART_PRESENT, PART_UNKNOWN };

/* @module: its name with underscores, "nf_tables". Present too where it is built in. */
enum kernel_part kernel_part(const char *module);

#endif
