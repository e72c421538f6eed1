/* SPDX-License-Identifier: GPL-2.0 */
/* The host's fingerprint, for the recording's meta table. */
#ifndef KTAX_HOST_H
#define KTAX_HOST_H

struct recording_writer;

/* Writes hostname, kernel, CPU model and number, memory, clock source, mitigations. -errno. */
int host_record(struct recording_writer *writer);

#endif
