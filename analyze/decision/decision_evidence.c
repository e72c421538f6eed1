// SPDX-License-Identifier: GPL-2.0
/*
 * Is there enough to decide with, and do recording and A/B belong together? Whatever is amiss is
 * said at once, each with what would settle it: nobody wants to run four hours of A/B for every
 * objection.
 */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "decision_internal.h"
#include "recording.h"

#define DECLINE_AT    4.0  /* times what counts as alike */
#define PAYLOAD_LEAST 64.0 /* smaller ones cost the same */
#define PAYLOAD_MOST  1452.0
#define PAYLOAD_AB    16.0
#define HEADERS       42.0 /* Ethernet, IPv4, UDP: the frames that the A/B says the sizes of */
#define FUTURE_S      3600.0

/* ---- What would settle it ------------------------------------------------------------------- */

void evidence_ask_recording(struct maker *maker, double requests)
{
	const struct decision_input *in = maker->in;
	const char *command = recording_meta(in->recording, "command");
	double rate = in->endpoint->rate.per_second, seconds = COUNTERFACTUAL_BLOCKS_MIN + 4;
	double share = (double)in->recording->sum.attached_ns /
	               fmax(1, (double)in->recording->sum.length_ns);

	/* With a tenth to spare. */
	if (rate > 0 && share > 0)
		seconds = fmax(seconds, ceil(1.1 * requests / (rate * share)));
	command_add(maker, "sudo ktax record ... -d %.0f -f -o %.120s%s%.100s", fmin(seconds, 1e7),
	            in->recording->sources[0], command ? "    # as before: " : "",
	            command ? command : "");
}

static double payload_bytes(const struct recording_ledger *ledger)
{
	return (double)(ledger->bytes_in + ledger->bytes_out) / 2 /
	       fmax(1, (double)ledger->requests);
}

/* What the recorded requests came over. */
enum link_kind { LINK_UNKNOWN, LINK_SOFTWARE, LINK_NIC };

double evidence_loopback_share(const struct maker *maker)
{
	const struct recording_ledger *ledger = maker->in->endpoint->ledger;
	const char *name = ledger->endpoint.name;

	if (!strncmp(name, "127.", 4) || !strncmp(name, "[::1]", 5))
		return 1;
	return ledger->requests ? (double)ledger->loopback / (double)ledger->requests : 0;
}

bool evidence_has_loopback(const struct maker *maker)
{
	double above = 1 - counterfactual_share_below[maker->out->quantile];

	return evidence_loopback_share(maker) > above / 10;
}

static enum link_kind recorded_link(const struct maker *maker)
{
	const struct finding_endpoint *endpoint = maker->in->endpoint;
	const struct finding_account *nic_tx = &endpoint->account[KTAX_NIC_TX];
	const char *nics = recording_meta(maker->in->recording, "nics");

	if (evidence_loopback_share(maker) > 0.5 || (nics && !strcmp(nics, "none")))
		return LINK_SOFTWARE;
	/* Only what a NIC completes is posted there. */
	if (nic_tx->present)
		return nic_tx->part.share > 0 ? LINK_NIC : LINK_SOFTWARE;
	return nics ? LINK_NIC : LINK_UNKNOWN;
}

static bool ab_is_software(const struct ab_document *ab)
{
	return ab->own_links || !strcmp(ab->driver, "veth");
}

void evidence_ask_link(struct maker *maker)
{
	const struct decision_input *in = maker->in;
	const char *name = in->endpoint->ledger->endpoint.name;
	const char *colon = strrchr(name, ':');
	unsigned int port = 0;

	if (!colon || sscanf(colon, ":%5u/", &port) != 1)
		return;
	command_add(
		maker,
		"sudo ktax record --port %u -d 30 -o remote.ktax    # with clients on other hosts",
		port);
}

void evidence_note_loopback(struct maker *maker)
{
	if (!evidence_has_loopback(maker))
		return;
	reason_write(caution_add(maker), text_share(evidence_loopback_share(maker)).text,
	             from_recording(maker, "ledger.loopback"),
	             "requests came over loopback, which no bypass can take: an A/B can tell "
	             "what tuning gains; whether bypass pays takes requests from other hosts");
	evidence_ask_link(maker);
}

void evidence_ask_ab(struct maker *maker)
{
	const struct decision_input *in = maker->in;
	bool nic = recorded_link(maker) == LINK_NIC;
	double rate = fmax(1, round(in->endpoint->rate.per_second));
	double size = fmin(PAYLOAD_MOST, fmax(PAYLOAD_AB, payload_bytes(in->endpoint->ledger)));

	command_add(
		maker, "sudo ktax ab %s --rate %.0f --size %.0f --rounds 30%s%.80s --json %.80s",
		nic ? "--plan plan.ini --paths kernel-awake,kernel-spin,kernel-busypoll,af_xdp,dpdk"
		    : "--tcp --paths kernel-awake,kernel-spin,kernel-busypoll,af_xdp-lwip",
		rate, round(size), in->policy_path ? " --policy " : "",
		in->policy_path ? in->policy_path : "", in->ab_path ? in->ab_path : "ab.json");
	if (nic)
		reason_write(
			caution_add(maker), "", from_recording(maker, "meta, nics"),
			"plan.ini names two cabled ports on a NIC like the recorded one (%.120s), "
			"see samples/ab.ini",
			recording_meta(in->recording, "nics")
				? recording_meta(in->recording, "nics")
				: "unknown");
}

/* The A/B's own arguments, but for its rate. */
void evidence_ask_sweep(struct maker *maker)
{
	const struct decision_input *in = maker->in;
	const struct ab_document *ab = in->ab;
	char paths[160] = "";

	for (size_t i = 0; i < ab->n_arms; i++)
		if (i != ab->baseline && !ab->arm[i].skipped && ab->arm[i].role != AB_ROLE_BOUND)
			snprintf(paths + strlen(paths), sizeof(paths) - strlen(paths), "%s%s",
			         *paths ? "," : "", ab->arm[i].path);
	command_add(maker, "sudo ktax ab --sweep%s --paths %s --size %.0f --json %.60s",
	            !ab->own_links                  ? " --plan plan.ini"
	            : !strcmp(ab->transport, "tcp") ? " --tcp"
	                                            : "",
	            paths, fmin(PAYLOAD_MOST, fmax(PAYLOAD_AB, ab->size_mean_bytes - HEADERS)),
	            in->sweep_path ? in->sweep_path : "sweep.json");
	maker->asked_sweep = true;
}

void evidence_check_sweep(struct maker *maker)
{
	const struct decision_input *in = maker->in;
	char why[256], source[160];

	if (!in->sweep)
		return;
	maker->out->sweep_fits =
		sweep_document_fits(in->sweep, in->ab, in->policy->likeness, why, sizeof(why));
	snprintf(source, sizeof(source), "%.120s: host, link, traffic", in->sweep_path);
	if (!maker->out->sweep_fits)
		reason_write(caution_add(maker), "", source,
		             "the sweep was not run as the A/B was, and is not used: %.250s", why);
}

/* ---- The recording -------------------------------------------------------------------------- */

static bool refuse_few(struct maker *maker)
{
	const struct counterfactual *found = maker->in->counterfactual;
	enum counterfactual_quantile q = maker->out->quantile;
	double needed = (double)counterfactual_requests_needed(q);
	char figure[40];

	snprintf(figure, sizeof(figure), "%.0f requests", (double)found->requests);
	if (!found->enough[q]) {
		reason_write(reason_add(maker), figure, from_recording(maker, "ledger.requests"),
		             "%.0f requests are too few for %s: it takes %.0f",
		             (double)found->requests, quantile_title(q), needed);
		evidence_ask_recording(maker, needed);
		return true;
	}
	if (found->has_intervals)
		return false;
	snprintf(figure, sizeof(figure), "%zu intervals", found->n_intervals);
	reason_write(reason_add(maker), figure, from_recording(maker, "table interval"),
	             "the recording is too short to tell how far its figures can be trusted "
	             "(%.140s): it takes %d intervals with requests",
	             found->why, COUNTERFACTUAL_BLOCKS_MIN);
	evidence_ask_recording(maker, needed);
	return true;
}

static bool refuse_unbalanced(struct maker *maker)
{
	const struct recording_ledger *ledger = maker->in->endpoint->ledger;
	double share = (double)ledger->unbalanced / fmax(1, (double)ledger->requests);

	if (share <= maker->in->policy->unbalanced)
		return false;
	reason_write(reason_add(maker), text_share(share).text,
	             from_recording(maker, "ledger.unbalanced"),
	             "%s of the requests do not balance, the policy allows %s; it is a bug of ktax",
	             text_share(share).text, text_share(maker->in->policy->unbalanced).text);
	return true;
}

static uint64_t all_requests(const struct recording *recording)
{
	uint64_t sum = 0;

	for (size_t i = 0; i < recording->n_ledgers; i++)
		sum += recording->ledgers[i].requests;
	return sum;
}

static bool refuse_lost(struct maker *maker)
{
	const struct recording *recording = maker->in->recording;
	const struct recording_ledger *ledger = maker->in->endpoint->ledger;
	const struct recording_interval *sum = &recording->sum;
	double lost =
		(double)sum->lost_map_full + (double)sum->missed_stamps + (double)sum->clock_errors;
	double share = lost / (lost + fmax(1, (double)all_requests(recording)));
	double partly = (double)ledger->incomplete / fmax(1, (double)ledger->requests);
	bool refused = false;

	if (share > maker->in->policy->lost) {
		reason_write(reason_add(maker), text_share(share).text,
		             from_recording(maker, "interval.lost_map_full, missed_stamps"),
		             "%.0f connections or events were not seen (%s, the policy allows %s)",
		             lost, text_share(share).text,
		             text_share(maker->in->policy->lost).text);
		refused = true;
	}
	if (partly > maker->in->policy->lost) {
		reason_write(
			reason_add(maker), text_share(partly).text,
			from_recording(maker, "ledger.incomplete"),
			"of %s of the requests arrival or end was not seen, the policy allows %s",
			text_share(partly).text, text_share(maker->in->policy->lost).text);
		refused = true;
	}
	if (refused)
		evidence_ask_recording(
			maker, (double)counterfactual_requests_needed(maker->out->quantile));
	return refused;
}

static bool refuse_age(struct maker *maker, double at_s, const char *what, const char *source)
{
	double age = maker->in->now_s - at_s, most = maker->in->policy->max_age_s;

	if (isinf(most))
		return false;
	if (isnan(age))
		reason_write(reason_add(maker), "unknown", source,
		             "when the %s was made is not known; the policy asks for at most %s",
		             what, text_days(most).text);
	else if (age > most)
		reason_write(reason_add(maker), text_days(age).text, source,
		             "the %s is %s old, the policy allows %s", what, text_days(age).text,
		             text_days(most).text);
	else if (age < -FUTURE_S)
		reason_write(reason_add(maker), text_days(-age).text, source,
		             "the %s is from %s in the future: a clock is wrong", what,
		             text_days(-age).text);
	else
		return false;
	return true;
}

static bool refuse_recording_age(struct maker *maker)
{
	const struct recording_interval *sum = &maker->in->recording->sum;

	if (!refuse_age(maker, (double)(sum->start_realtime_ns + sum->length_ns) / 1e9, "recording",
	                from_recording(maker, "interval.start_realtime_ns")))
		return false;
	evidence_ask_recording(maker, (double)counterfactual_requests_needed(maker->out->quantile));
	return true;
}

static void note_unfinished(struct maker *maker)
{
	if (!maker->in->recording->complete)
		reason_write(
			caution_add(maker), "", from_recording(maker, "meta, complete"),
			"the recording is not finished: its recorder was killed or still runs");
}

bool evidence_refuses_recording(struct maker *maker)
{
	bool refused = refuse_few(maker);

	refused |= refuse_unbalanced(maker);
	refused |= refuse_lost(maker);
	refused |= refuse_recording_age(maker);
	note_unfinished(maker);
	return refused;
}

/* ---- The same host, NIC and traffic --------------------------------------------------------- */

static const char *or_unknown(const char *text)
{
	return text && *text ? text : "unknown";
}

static bool differs(const char *recorded, const char *compared)
{
	return !recorded || !*compared || strcmp(recorded, compared) != 0;
}

static bool refuse_host(struct maker *maker)
{
	const struct recording *recording = maker->in->recording;
	const struct ab_document *ab = maker->in->ab;
	const char *hostname = recording_meta(recording, "hostname");
	const char *kernel = recording_meta(recording, "kernel");
	const char *cpu = recording_meta(recording, "cpu_model");

	if (recording->n_sources > 1 && !recording->same_host) {
		reason_write(reason_add(maker), "", from_recording(maker, "meta, hostname"),
		             "the recording is of several hosts, the A/B of one (%s)",
		             or_unknown(ab->hostname));
		return true;
	}
	if (!differs(hostname, ab->hostname) && !differs(kernel, ab->kernel) &&
	    !(cpu && ab->cpu_model[0] && strcmp(cpu, ab->cpu_model)))
		return false;
	reason_write(
		reason_add(maker), or_unknown(ab->hostname), from_ab(maker, "host"),
		"the A/B ran on another host: %s, kernel %s, %.60s; recorded was %.64s, kernel "
		"%.64s, %.60s; it must run on %.64s",
		or_unknown(ab->hostname), or_unknown(ab->kernel), or_unknown(ab->cpu_model),
		or_unknown(hostname), or_unknown(kernel), or_unknown(cpu), or_unknown(hostname));
	return true;
}

/* "eth0 e1000e, eth1 ?" has this driver. */
/* @nics: as in meta "nics", "eth0 e1000e, eth1 ?" */
static bool has_interface(const char *nics, const char *name)
{
	size_t length = strlen(name);

	for (const char *at = nics; at; at = strstr(at, ", "), at = at ? at + 2 : NULL)
		if (!strncmp(at, name, length) && at[length] == ' ')
			return true;
	return false;
}

void evidence_note_interface(struct maker *maker)
{
	const char *looked_at = maker->in->readiness->interface;
	const char *nics = recording_meta(maker->in->recording, "nics");

	if (!looked_at[0] || !nics || has_interface(nics, looked_at))
		return;
	if (recorded_link(maker) == LINK_SOFTWARE)
		reason_write(caution_add(maker), looked_at,
		             from_recording(maker, "meta, readiness"),
		             "what is said of a NIC is of %s, by which the requests did not come",
		             looked_at);
	else
		reason_write(caution_add(maker), looked_at,
		             from_recording(maker, "meta, readiness"),
		             "what is said of a NIC is of %s, but the requests came by %.120s: see "
		             "'ktax doctor --iface'",
		             looked_at, nics);
}

static bool has_driver(const char *nics, const char *driver)
{
	size_t length = strlen(driver);

	for (const char *at = nics; at && *driver && (at = strchr(at, ' ')); at++)
		if (!strncmp(at + 1, driver, length) && (!at[1 + length] || at[1 + length] == ','))
			return true;
	return false;
}

static bool refuse_link(struct maker *maker)
{
	const struct ab_document *ab = maker->in->ab;
	const char *nics = recording_meta(maker->in->recording, "nics");
	enum link_kind kind = recorded_link(maker);
	struct decision_reason *reason;

	if (ab->has_link && kind == LINK_SOFTWARE && ab_is_software(ab)) {
		reason_write(
			caution_add(maker), "veth", from_ab(maker, "link"),
			"the recorded requests came over %s, the A/B's over veth: all of it is "
			"within the host and says nothing of requests that come by a NIC",
			evidence_has_loopback(maker) ? "loopback" : "a link within the host");
		return false;
	}
	if (ab->has_link && kind == LINK_NIC && !ab_is_software(ab) && has_driver(nics, ab->driver))
		return false;
	reason = reason_add(maker);
	if (!ab->has_link)
		reason_write(reason, "unknown", from_ab(maker, "link"),
		             "the A/B does not say over which link it ran");
	else if (kind == LINK_UNKNOWN)
		reason_write(reason, "unknown", from_recording(maker, "meta, nics"),
		             "the recording does not say which NIC its requests came by; record it "
		             "again");
	else
		reason_write(reason, or_unknown(ab->driver), from_ab(maker, "link.driver"),
		             "the A/B ran on %s (%s), the recorded requests came by %s (%.100s)",
		             ab_is_software(ab) ? "links within the host" : "a NIC",
		             or_unknown(ab->driver),
		             kind == LINK_NIC ? "a NIC" : "a link within the host",
		             kind == LINK_NIC ? or_unknown(nics) : "loopback or veth");
	return true;
}

static double factor_between(double a, double b)
{
	if (!(a > 0) || !(b > 0))
		return 0;
	return a > b ? a / b : b / a;
}

void evidence_compare_traffic(struct maker *maker)
{
	const struct finding_endpoint *endpoint = maker->in->endpoint;
	const struct ab_document *ab = maker->in->ab;

	maker->out->rate_factor = factor_between(endpoint->rate.per_second, ab->rate_pps);
	maker->out->size_factor =
		isnan(ab->size_mean_bytes)
			? 0
			: factor_between(fmax(PAYLOAD_LEAST, payload_bytes(endpoint->ledger)),
	                                 fmax(PAYLOAD_LEAST, ab->size_mean_bytes - HEADERS));
}

/* Says how far apart they are; true if too far for a prediction. */
static bool refuse_traffic(struct maker *maker, double factor, const char *what, double recorded,
                           double compared, const char *key)
{
	double alike = maker->in->policy->likeness;
	bool refused = factor == 0 || factor > DECLINE_AT * alike;
	char figure[40] = "unknown", told[40];

	if (factor && factor <= alike)
		return false;
	if (factor)
		snprintf(figure, sizeof(figure), "factor %.3g", factor);
	snprintf(told, sizeof(told), isnan(compared) ? "an unknown one" : "%.0f", compared);
	reason_write(refused ? reason_add(maker) : caution_add(maker), figure,
	             from_ab(maker, "traffic.%s", key),
	             "the A/B's %s is %s, the recording's %.0f: %s", what, told, recorded,
	             refused ? "too far apart for a prediction" : "intervals are wider for it");
	return refused;
}

static bool refuse_traffics(struct maker *maker)
{
	const struct finding_endpoint *endpoint = maker->in->endpoint;
	const struct decision *out = maker->out;
	const struct ab_document *ab = maker->in->ab;
	bool refused = refuse_traffic(maker, out->rate_factor, "rate per second",
	                              endpoint->rate.per_second, ab->rate_pps, "rate_pps");

	refused |= refuse_traffic(maker, out->size_factor, "mean frame or message in bytes",
	                          payload_bytes(endpoint->ledger), ab->size_mean_bytes,
	                          "sizes.mean_bytes");
	if (!strcmp(ab->transport, "udp"))
		reason_write(
			caution_add(maker), "udp", from_ab(maker, "traffic"),
			"the A/B's requests are datagrams: what a TCP stack over AF_XDP or DPDK "
			"takes is not in its figures");
	return refused;
}

/* ---- The A/B itself ------------------------------------------------------------------------- */

static bool refuse_invalid(struct maker *maker)
{
	const struct ab_document *ab = maker->in->ab;

	if (ab->verdict != AB_DOCUMENT_INVALID)
		return false;
	reason_write(reason_add(maker), "invalid", from_ab(maker, "verdict"),
	             "the A/B is not valid: %.250s", ab->reason);
	return true;
}

static bool refuse_without_blocks(struct maker *maker)
{
	const struct ab_document *ab = maker->in->ab;

	if (ab->arm[ab->baseline].block_ns[POLICY_P50])
		return false;
	reason_write(reason_add(maker), "", from_ab(maker, "arms[].blocks"),
	             "the A/B has no figures of single blocks: it was written by an older ktax "
	             "(%s)",
	             or_unknown(ab->ktax_version));
	return true;
}

bool evidence_refuses_ab(struct maker *maker)
{
	bool refused = refuse_host(maker);

	evidence_compare_traffic(maker);
	refused |= refuse_link(maker);
	refused |= refuse_invalid(maker);
	refused |= refuse_without_blocks(maker);
	refused |= refuse_age(maker, maker->in->ab->created_s, "A/B", from_ab(maker, "created"));
	refused |= refuse_traffics(maker);
	if (refused)
		evidence_ask_ab(maker);
	return refused;
}
