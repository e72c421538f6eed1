// SPDX-License-Identifier: GPL-2.0
/*
 * A line that converts stamps holds for a second; a reading every quarter of one keeps it up. So
 * what a servo (ptp4l) does to the clock's rate is followed, and a clock that cannot be read any
 * more is not used any more. A line that may be off by more than ERROR_USED_NS is not handed out at
 * all.
 */
#include "nic_clocks.h"

#include <errno.h>
#include <linux/ethtool.h>
#include <linux/net_tstamp.h>
#include <linux/sockios.h>
#include <net/if.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>

#include "clock_fit.h"
#include "phc.h"
#include "probes.h"

#define NSEC_PER_MSEC  1000000LL
#define READ_EVERY_NS  (250 * NSEC_PER_MSEC)
#define VALID_NS       (1000 * NSEC_PER_MSEC)
#define ERROR_NOTED_NS 1000
#define ERROR_USED_NS  50000

enum nic_state {
	NIC_PLAIN,  /* has no clock, or does not say */
	NIC_OFF,    /* does not stamp what it receives */
	NIC_CLOSED, /* its clock cannot be opened */
	NIC_TAKEN,  /* another NIC has its slot */
	NIC_STAMPS,
};

struct nic {
	struct target_nic nic;
	enum nic_state state;
	int index; /* of the clock */
	int error; /* of opening it */
	struct phc phc;
	struct clock_fit fit;
	struct ktax_nic_clock clock; /* what the probes have */
	bool published;
	uint64_t due_ns;
	int64_t error_ns;       /* of the last line, INT64_MAX: there was none yet */
	int64_t worst_error_ns; /* of those that were used */
};

struct nic_clocks {
	size_t n;
	struct nic nics[TARGET_NICS_MAX];
};

/* ---- What a NIC says of itself ------------------------------------------------------------ */

static void name_request(struct ifreq *request, const struct nic *nic, void *data)
{
	memset(request, 0, sizeof(*request));
	memcpy(request->ifr_name, nic->nic.name, sizeof(request->ifr_name));
	request->ifr_data = data;
}

/* The number of its PTP clock, < 0: none. */
static int ask_clock(const struct nic *nic)
{
	struct ethtool_ts_info info = { .cmd = ETHTOOL_GET_TS_INFO };
	struct ifreq request;

	name_request(&request, nic, &info);
	if (ioctl(nic->nic.socket, SIOCETHTOOL, &request))
		return -1;
	return info.phc_index;
}

/* Whether it stamps received packets now. Which ones, its stamps say. */
static bool ask_stamping(const struct nic *nic)
{
	struct hwtstamp_config config = {};
	struct ifreq request;

	name_request(&request, nic, &config);
	return !ioctl(nic->nic.socket, SIOCGHWTSTAMP, &request) &&
	       config.rx_filter != HWTSTAMP_FILTER_NONE;
}

static bool slot_is_taken(const struct nic_clocks *clocks, const struct nic *nic)
{
	for (const struct nic *other = clocks->nics; other < nic; other++)
		if (other->state == NIC_STAMPS &&
		    other->nic.index % KTAX_NIC_CLOCKS == nic->nic.index % KTAX_NIC_CLOCKS)
			return true;
	return false;
}

static void open_nic(const struct nic_clocks *clocks, struct nic *nic)
{
	nic->phc.fd = -1;
	nic->error_ns = INT64_MAX;
	nic->index = ask_clock(nic);
	if (nic->index < 0)
		return;
	nic->state = NIC_OFF;
	if (!ask_stamping(nic))
		return;
	nic->state = NIC_TAKEN;
	if (slot_is_taken(clocks, nic))
		return;
	nic->error = phc_open(nic->index, &nic->phc);
	nic->state = nic->error ? NIC_CLOSED : NIC_STAMPS;
	nic->clock.netns = nic->nic.netns;
	nic->clock.interface = nic->nic.index;
}

int nic_clocks_open(const struct target_links *links, struct nic_clocks **ret_clocks)
{
	struct nic_clocks *clocks = calloc(1, sizeof(*clocks));

	if (!clocks)
		return -ENOMEM;
	clocks->n = links->n_nics;
	for (size_t i = 0; i < clocks->n; i++) {
		clocks->nics[i].nic = links->nics[i];
		open_nic(clocks, &clocks->nics[i]);
	}
	*ret_clocks = clocks;
	return 0;
}

void nic_clocks_close(struct nic_clocks *clocks)
{
	for (size_t i = 0; clocks && i < clocks->n; i++)
		phc_close(&clocks->nics[i].phc);
	free(clocks);
}

bool nic_clocks_used(const struct nic_clocks *clocks)
{
	for (size_t i = 0; i < clocks->n; i++)
		if (clocks->nics[i].state == NIC_STAMPS)
			return true;
	return false;
}

/* ---- Following a clock -------------------------------------------------------------------- */

static void publish(struct nic *nic, struct probes *probes)
{
	struct ktax_clock_line line = {}; /* which does not hold */

	if (clock_fit_line(&nic->fit, VALID_NS, &line, &nic->error_ns))
		nic->error_ns = INT64_MAX;
	if (nic->error_ns > ERROR_USED_NS)
		line = (struct ktax_clock_line){};
	if (!line.until_ns && !nic->published)
		return;
	if (probes_set_nic_clock(probes, &nic->clock, &line))
		return; /* the old line ends by itself */
	nic->published = line.until_ns;
	if (nic->published && nic->error_ns > nic->worst_error_ns)
		nic->worst_error_ns = nic->error_ns;
}

static void follow(struct nic *nic, struct probes *probes, uint64_t now)
{
	struct clock_reading reading;

	if (nic->state != NIC_STAMPS || now < nic->due_ns)
		return;
	nic->due_ns = now + READ_EVERY_NS;
	if (phc_read(&nic->phc, &reading))
		return;
	clock_fit_add(&nic->fit, &reading);
	if (nic->fit.n < 2)
		nic->due_ns = now;
	publish(nic, probes);
}

void nic_clocks_tick(struct nic_clocks *clocks, struct probes *probes, uint64_t now)
{
	for (size_t i = 0; i < clocks->n; i++)
		follow(&clocks->nics[i], probes, now);
}

/* ---- Reporting ---------------------------------------------------------------------------- */

static void explain(const struct nic *nic, char *ret, size_t room)
{
	const char *name = nic->nic.name;

	switch (nic->state) {
	case NIC_PLAIN:
		snprintf(ret, room, "%s has no clock to stamp packets by", name);
		break;
	case NIC_OFF:
		snprintf(ret, room, "receive stamps of %s are off (hwtstamp_ctl -i %s -r 1)", name,
		         name);
		break;
	case NIC_CLOSED:
		snprintf(ret, room, "stamps of %s are not used: /dev/ptp%d: %s", name, nic->index,
		         strerror(-nic->error));
		break;
	case NIC_TAKEN:
		snprintf(ret, room, "stamps of %s are not used: too many NICs", name);
		break;
	case NIC_STAMPS:
		if (nic->worst_error_ns)
			snprintf(ret, room, "stamps of %s are right to %.1f us%s", name,
			         nic->worst_error_ns / 1e3,
			         nic->worst_error_ns > ERROR_NOTED_NS ? " only" : "");
		else if (nic->error_ns == INT64_MAX)
			snprintf(ret, room, "stamps of %s by ptp%d", name, nic->index);
		else
			snprintf(ret, room, "stamps of %s are not used: right to %.0f us only",
			         name, nic->error_ns / 1e3);
		break;
	}
}

void nic_clocks_summarize(const struct nic_clocks *clocks, struct nic_clocks_summary *ret)
{
	memset(ret, 0, sizeof(*ret));
	for (size_t i = 0; i < clocks->n; i++) {
		const struct nic *nic = &clocks->nics[i];
		size_t program = strlen(ret->program), why = strlen(ret->why);
		char text[128];

		if (nic->state == NIC_PLAIN)
			continue;
		if (nic->state == NIC_STAMPS)
			snprintf(ret->program + program, sizeof(ret->program) - program, "%sptp%d",
			         program ? "," : "hwtstamp/", nic->index);
		explain(nic, text, sizeof(text));
		snprintf(ret->why + why, sizeof(ret->why) - why, "%s%s", why ? "; " : "", text);
	}
}

void nic_clocks_describe(const struct nic_clocks *clocks,
                         void (*line)(const char *text, void *context), void *context)
{
	char text[128];

	for (size_t i = 0; i < clocks->n; i++) {
		if (clocks->nics[i].state == NIC_PLAIN)
			continue;
		explain(&clocks->nics[i], text, sizeof(text));
		line(text, context);
	}
}
