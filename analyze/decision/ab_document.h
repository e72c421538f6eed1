/* SPDX-License-Identifier: GPL-2.0 */
/*
 * An A/B result as `ktax ab --json` writes it (docs/ab.schema.json), read back.
 *
 * Files may be hostile: sizes and numbers are bounded, a key that is needed and not there or not
 * what the schema says refuses the document, control characters in texts become '?'. Unknown keys
 * are ignored, as the schema wants. What later versions of ktax added may be absent, and is said to
 * be.
 */
#ifndef KTAX_AB_DOCUMENT_H
#define KTAX_AB_DOCUMENT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "policy.h"

#define AB_DOCUMENT_BYTES_MAX  (16U << 20)
#define AB_DOCUMENT_ARMS_MAX   64
#define AB_DOCUMENT_ROUNDS_MAX 10000

/* What a path is to a decision, by its name and what the document says of it. */
enum ab_role {
	AB_ROLE_BASELINE, /* the kernel as it is */
	AB_ROLE_TUNED,    /* sockets of the kernel, used otherwise: kernel-*, io_uring* */
	AB_ROLE_AF_XDP,
	AB_ROLE_DPDK,
	AB_ROLE_STAND_IN, /* a bypass' interface on the kernel's driver: decides nothing */
	AB_ROLE_BOUND,    /* no process answers, or no link: no candidate */
};

/* What the responder does per request, besides answering. */
enum ab_work { AB_WORK_NONE, AB_WORK_FIXED, AB_WORK_RECORDED };

enum ab_document_verdict {
	AB_DOCUMENT_BETTER,
	AB_DOCUMENT_WORSE,
	AB_DOCUMENT_EQUIVALENT,
	AB_DOCUMENT_INCONCLUSIVE,
	AB_DOCUMENT_INVALID,
	AB_DOCUMENT_VERDICTS
};

extern const char *const ab_document_verdict_name[AB_DOCUMENT_VERDICTS];

/* What is compared besides the latencies of policy.h. */
enum { AB_DOCUMENT_LOSS = POLICY_METRICS, AB_DOCUMENT_CPU, AB_DOCUMENT_METRICS };

/* Changes are ratios - 1, that of loss a difference of shares. An end may be infinite. */
struct ab_document_change {
	bool present;
	double change, low, high; /* NAN: not known */
	uint64_t n;               /* valid pairs */
	enum ab_document_verdict verdict;
};

struct ab_document_arm {
	char path[32];
	char summary[128]; /* "TCP sockets, asked again and again"; may be empty */
	char how[96];      /* "native XDP, copy"; may be empty */
	char why[192];
	enum ab_role role;
	bool skipped;              /* see why: it could not run; nothing else means anything */
	bool unequal;              /* the gates rejected it unlike the baseline */
	double ns[POLICY_METRICS]; /* over all valid blocks; NAN: null */
	double cpu_responder_ns, cpu_kernel_ns; /* per request; NAN: not measured */
	unsigned int cores_polling;
	struct ab_document_change change[AB_DOCUMENT_METRICS]; /* to the baseline */
	/*
	 * The blocks: document->rounds each, by round. Those that are not valid are NAN; lost ones
	 * INFINITY. NULL: the document lacks them (it is of an older ktax).
	 */
	double *block_ns[POLICY_METRICS];
};

struct ab_document {
	char ktax_version[32];
	double created_s;                             /* Unix epoch; NAN: not known */
	char hostname[65], kernel[65], cpu_model[96]; /* "": not known */
	bool has_link, own_links; /* has_link: own_links and driver mean something */
	char driver[32];          /* of the responder's interface, "": not known */
	char transport[16];       /* of the requests: "udp", "tcp" */
	double rate_pps;          /* NAN: not known */
	uint64_t size_min_bytes, size_max_bytes, flows; /* of frames */
	double size_mean_bytes;
	enum ab_work work;
	double work_mean_ns;
	double confidence;
	size_t rounds;
	enum ab_document_verdict verdict;
	char reason[256];
	size_t n_arms, baseline; /* index of the arm */
	struct ab_document_arm *arm;
};

/*
 * Reads @path. Negative errno with a sentence in @why: -EBADMSG: not such a document; -EPROTO: of
 * another schema; -EFBIG; -ENOMEM; those of opening and reading.
 */
int ab_document_read(const char *path, struct ab_document **ret, char *why, size_t why_size);
/* The same of @size bytes, called @path. */
int ab_document_parse(const char *text, size_t size, const char *path, struct ab_document **ret,
                      char *why, size_t why_size);
/* Accepts NULL. */
void ab_document_free(struct ab_document *document);

/* The arm of @path, or NULL. */
const struct ab_document_arm *ab_document_find(const struct ab_document *document,
                                               const char *path);

#endif
