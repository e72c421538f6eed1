/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Is this host ready: for a tuned kernel, for AF_XDP, for DPDK, and for measuring? Facts of the
 * host in (host_facts.h), one row per check out. Pure: the same facts give the same rows, here or
 * on another host.
 *
 * A row says what was found, what is wanted, why, and the command that gets there. A check that
 * could not be done is `unknown`, with the reason in found; it is never `ok`.
 */
#ifndef KTAX_READINESS_H
#define KTAX_READINESS_H

#include <stdbool.h>
#include <stddef.h>

#define READINESS_ROWS_MAX 80

enum readiness_status {
	READINESS_OK,
	READINESS_WARN,    /* works, but costs latency, cores or trust */
	READINESS_FAIL,    /* what depends on it does not work, or not as it should */
	READINESS_UNKNOWN, /* could not be looked at: found says why */
	READINESS_NSTATUS,
};

extern const char *const readiness_status_name[READINESS_NSTATUS]; /* "ok", "warn", ... */

/* Whom a check concerns: a set of these. */
enum readiness_concern {
	READINESS_TUNING = 1 << 0,      /* the kernel's own path, tuned: the verdict tune-kernel */
	READINESS_AF_XDP = 1 << 1,      /* AF_XDP sockets and XDP programs */
	READINESS_DPDK = 1 << 2,        /* a poll-mode driver in user space */
	READINESS_ATTRIBUTION = 1 << 3, /* ktax record: what it can see, and how far to trust it */
	READINESS_ALL = (1 << 4) - 1,
};

#define READINESS_NCONCERNS 4

extern const char *const readiness_concern_name[READINESS_NCONCERNS]; /* "tuning", "af_xdp" ... */

struct readiness_row {
	char check[24]; /* "governor": stable, for scripts */
	char group[16]; /* heading it is shown under: "CPU" */
	enum readiness_status status;
	unsigned concerns; /* set of enum readiness_concern */
	unsigned blocks;   /* set of the same: what cannot run here at all because of it */
	char found[192];
	char want[160];
	char why[256];
	char fix[320]; /* a command, as root; or a sentence; "" where there is nothing to fix */
	char source[160];
};

/* Large (100 KB): not for the stack. Without pointers: it may be copied. */
struct readiness {
	char hostname[65], kernel[65];
	char interface[16]; /* "" : there is none */
	bool default_route; /* it was not named, but carries the default route */
	char driver[32];    /* of the interface, "" where unknown */
	size_t n;
	struct readiness_row rows[READINESS_ROWS_MAX];
};

struct host_facts;

/* Does all checks. The same facts give the same rows, in the same order. */
void readiness_evaluate(const struct host_facts *facts, struct readiness *ret);
/* Keeps only the rows of @concerns. */
void readiness_keep(struct readiness *readiness, unsigned concerns);

/* The row of @check, or NULL. */
const struct readiness_row *readiness_find(const struct readiness *readiness, const char *check);
/*
 * What to change: rows of @concerns that are warn or fail and have a fix. Call it with @after NULL,
 * then with what it returned; NULL at the end.
 */
const struct readiness_row *readiness_next_fix(const struct readiness *readiness, unsigned concerns,
                                               const struct readiness_row *after);
/* Which of @concerns cannot run on this host at all. */
unsigned readiness_blocked(const struct readiness *readiness, unsigned concerns);

/*
 * The document ktax.doctor/1 (docs/doctor.schema.json), one line; what a recording's meta
 * `readiness` holds. malloc()ed, NULL: no memory.
 */
char *readiness_to_json(const struct readiness *readiness);
/*
 * Reads such a text, which may be hostile: rows and strings are bounded, control characters become
 * '?'. Unknown keys and concerns are ignored, an unknown status is `unknown`. -EBADMSG: not such a
 * document, *ret is untouched then.
 */
int readiness_from_json(const char *text, struct readiness *ret);

#endif
