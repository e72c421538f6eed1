/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What is lost: the services of the kernel that acted on a recording's traffic when it began, and
 * what AF_XDP and DPDK would leave of them. `ktax record` has read them from the host
 * (collector/features/); this reads them back from the recording, which nobody vouches for.
 *
 * The document (meta "features" of the recording; absent = null):
 *
 *   { "schema": "ktax.features/1",
 *     "took_ns": 12000000,            what the reading took
 *     "why": "...",                   what kept it from being complete, or null
 *     "endpoints": ["10.0.0.1:6379/tcp"],   that were looked at; others were not
 *     "looked_for": ["nftables", ...],      the names of features that were
 *     "features": [ { "feature": "nftables", "state": "found", "where": "inet filter input",
 *                     "endpoint": "10.0.0.1:6379/tcp",      null: the host, or a whole namespace
 *                     "found": "12 rules, 3 match its port; they counted 1234567 packets",
 *                     "consequence": "...", "af_xdp": "lost", "dpdk": "lost", "why": null } ] }
 *
 * Texts are UTF-8 without control characters. Unknown keys are ignored.
 */
#ifndef KTAX_LOST_FEATURES_H
#define KTAX_LOST_FEATURES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct recording;

/* How sure it is that it acts on this traffic. */
enum feature_state {
	FEATURE_FOUND,     /* it does */
	FEATURE_MAY_APPLY, /* it is there; whether it meets this traffic could not be decided */
	FEATURE_INHERENT,  /* every TCP endpoint has it: the kernel's TCP, ss and tcpdump */
	FEATURE_LACKING,   /* what the NIC lacks for offload; nothing that could be lost */
	FEATURE_UNKNOWN,   /* could not be read, see why */
	FEATURE_NSTATES
};

/* What a path leaves of it. */
enum feature_fate {
	FEATURE_KEPT,
	FEATURE_PARTLY,
	FEATURE_LOST,
	FEATURE_NO_FATE, /* null: state is lacking */
	FEATURE_NFATES
};

/* "found", "may-apply", ...; "kept", "partly", "lost", NULL: as in the JSON. */
extern const char *const feature_state_name[FEATURE_NSTATES];
extern const char *const feature_fate_name[FEATURE_NFATES];

struct feature {
	const char *feature;     /* "nftables", "qdisc", "xdp", ...: docs/features.md */
	const char *where;       /* chain, interface, socket, cgroup, namespace */
	const char *endpoint;    /* as in recording_endpoint.name; NULL: the host or a namespace */
	const char *found;       /* NULL: state is unknown */
	const char *consequence; /* of leaving the kernel, one sentence */
	enum feature_state state;
	enum feature_fate af_xdp, dpdk;
	const char *why; /* why it is unknown, or may only apply; NULL */
};

struct features {
	uint64_t took_ns;
	const char *why; /* it is not complete; NULL */
	size_t n_endpoints;
	const char **endpoints; /* that were looked at */
	size_t n_looked_for;
	const char **looked_for;
	size_t n;
	struct feature *features;
	void *document; /* owns the texts */
};

/* At most, of the document and of each array in it: far above what ktax writes. */
#define FEATURES_BYTES_MAX (1U << 20)
#define FEATURES_MAX       4096U

/*
 * *ret is to be freed by features_free(). -ENODATA: the recording was made by a ktax that did not
 * look; -EBADMSG: not such a document, or one above the limits; -EPROTO: of a later schema;
 * -ENOMEM.
 */
int features_read(const struct recording *recording, struct features **ret);
int features_parse(const char *json, struct features **ret);
void features_free(struct features *features);

/* Whether @endpoint (a name) was looked at: if not, that nothing was found means nothing. */
bool features_looked_at(const struct features *features, const char *endpoint);
/* Whether @feature concerns @endpoint: its own, or one of the host or a namespace. */
bool feature_concerns(const struct feature *feature, const char *endpoint);

#endif
