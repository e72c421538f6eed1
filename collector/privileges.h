/* SPDX-License-Identifier: GPL-2.0 */
/* Capabilities: which are missing, and giving up those that are not needed any more (libcap-ng). */
#ifndef KTAX_PRIVILEGES_H
#define KTAX_PRIVILEGES_H

#include <stdbool.h>
#include <stddef.h>

/*
 * Writes the names of capabilities that recording needs and this process lacks ("CAP_BPF,
 * CAP_PERFMON") to @ret; returns their number.
 */
int privileges_missing(char *ret, size_t room);

/*
 * Keeps what a running recording needs (CAP_BPF and CAP_PERFMON to attach windows and new spans,
 * CAP_SYS_PTRACE and CAP_DAC_READ_SEARCH to find targets; CAP_CHECKPOINT_RESTORE where it is there,
 * to follow /proc/PID/map_files as before; CAP_SYS_ADMIN only if @keep_admin, see
 * probes_spans_need_admin()) and gives up everything else for good. -errno.
 */
int privileges_drop(bool keep_admin);

/*
 * Has this thread write files as the owner of @path's directory (NULL: of the working directory),
 * where that is not root and root needs CAP_DAC_OVERRIDE to write: in the home of who called sudo.
 * What SQLite makes beside a recording could not be made any more after privileges_drop(), which is
 * to follow. -errno.
 */
int privileges_write_as_owner(const char *path);

/* Keeps nothing. Capabilities are those of a thread, so this and the others are of the calling one.
 */
int privileges_drop_all(void);

/* Whether CAP_SYS_ADMIN is there; keeping nothing else (for BPF statistics), -errno. */
bool privileges_have_admin(void);
int privileges_keep_admin_only(void);

#endif
