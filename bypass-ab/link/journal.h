/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The journal of a run: what it changes on the host is written down before it is changed, with what
 * restores it. At its end the run restores all of it, the last change first; if it is killed, the
 * next run or `ktax ab --cleanup` does.
 *
 * The file is DIRECTORY/ab.journal, one line per change, and is empty when there is nothing to
 * restore. Who holds its lock (flock) is the one run that this host can have at a time.
 *
 *	ktax-ab 1 PID START BOOT			who writes it
 *	KIND\tNAMESPACE\tINTERFACE\tINDEX\tWHAT\tVALUE	a change; VALUE was there before
 *
 * NAMESPACE is its inode, INDEX the interface's: if either is another one now, then what was
 * changed is gone, and there is nothing to restore. (But an interface whose driver is restored has
 * another index for it, and is what it was.) START (ticks, /proc/PID/stat) tells a process
 * from a later one of the same id, BOOT likewise for the host.
 */
#ifndef KTAX_JOURNAL_H
#define KTAX_JOURNAL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "port.h"

#define JOURNAL_DIRECTORY "/run/ktax"

struct journal;

/*
 * Takes the journal in @directory, which is made if it is not there, after restoring what a run
 * left that is gone: *ret_restored changes. -EBUSY: another run is under way. A sentence in @why.
 */
int journal_open(struct journal **ret_journal, const char *directory, size_t *ret_restored,
                 char *why, size_t why_size);
/*
 * Restores all that was changed, and gives the journal up; NULL is fine. If that fails in part, the
 * rest is done nonetheless, and the journal stays for another try.
 */
int journal_close(struct journal *journal, char *why, size_t why_size);
/* As journal_close, at exit() too, whoever calls it (but no process that was forked). */
int journal_close_at_exit(struct journal *journal);

/*
 * Each writes down what is there, then changes it; a sentence in @why. Without a journal (NULL) it
 * is changed only: it has been written down before. A file below /proc or /sys
 * (sysctls, hugepages, IRQ affinity) holds one line; in the port's namespace, or here if it is
 * NULL.
 */
int journal_set_file(struct journal *journal, const struct port *port, const char *path,
                     const char *value, char *why, size_t why_size);
/* If there is no directory @path it is removed at the end, unless it is in use then. */
int journal_note_directory(struct journal *journal, const char *path);
/* What ethtool -K shows is put back at the end, whoever changes it. */
int journal_note_features(struct journal *journal, const struct port *port, char *why,
                          size_t why_size);
/* Checksums and segmentation are the CPU's: on veth nobody else ever does them. */
int journal_set_offloads_off(struct journal *journal, const struct port *port, char *why,
                             size_t why_size);
/* One queue, so that a path that reads one gets all of the traffic. */
int journal_set_one_channel(struct journal *journal, const struct port *port, char *why,
                            size_t why_size);
/* Up; promiscuous mode is put back too, whoever sets it. */
int journal_set_up(struct journal *journal, const struct port *port, char *why, size_t why_size);
/* What its NAPI instances are set to is put back at the end, whoever changes it; it has them while
 * it is up. */
int journal_note_napi(struct journal *journal, const struct port *port, char *why, size_t why_size);
/* Removed at the end: both are addresses that the port does not have yet; the caller sets them. */
int journal_note_address(struct journal *journal, const struct port *port, const char *address,
                         const char *neighbour, char *why, size_t why_size);
/* What is attached later is detached at the end; -EBUSY: a program is attached now. */
int journal_note_xdp(struct journal *journal, const struct port *port, char *why, size_t why_size);

/*
 * The driver of the port's NIC is restored at the end, and then all that was changed of it; the
 * caller gives it to user space (binding.h). -EOPNOTSUPP as binding_read.
 */
int journal_note_driver(struct journal *journal, const struct port *port, char *why,
                        size_t why_size);

#endif
