// SPDX-License-Identifier: GPL-2.0
#include "wire.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "link.h"
#include "port.h"
#include "ports.h"
#include "sentence.h"
#include "sort.h"
#include "tsc.h"

#define TRIAL_FRAMES 1000
#define TRIAL_SIZE   64
#define TRIAL_GAP_NS 20000 /* as in a run: what is sent back to back costs less */
#define WHY_SIZE     256
#define CLEARLY_LESS 0.9 /* of what the simpler ones take, which come first */

const struct wire_type *const wire_types[] = { &wire_af_xdp, &wire_packet, &wire_dpdk, NULL };

const struct wire_type *wire_by_name(const char *name)
{
	for (const struct wire_type *const *type = wire_types; *type; type++)
		if (!strcasecmp((*type)->name, name))
			return *type;
	return NULL;
}

static void wait_until(const struct tsc *tsc, uint64_t until_ns)
{
	while (tsc_now_ns(tsc) < until_ns)
		;
}

/*
 * ns to send @frame over @wire to where nobody listens, the median, so that what else the host does
 * meanwhile does not choose; 0: it could not.
 */
static uint64_t time_sends(const struct wire_type *type, struct wire *wire, const uint8_t *frame)
{
	uint64_t spent_ns[TRIAL_FRAMES], next_ns;
	struct tsc tsc;

	tsc_calibrate(&tsc);
	next_ns = tsc_now_ns(&tsc);
	for (int i = 0; i < TRIAL_FRAMES; i++) {
		uint64_t start_ns;

		wait_until(&tsc, next_ns);
		start_ns = tsc_now_ns(&tsc);
		if (type->send(wire, frame, TRIAL_SIZE))
			return 0;
		spent_ns[i] = tsc_now_ns(&tsc) - start_ns;
		next_ns = start_ns + TRIAL_GAP_NS;
	}
	sort_integers(spent_ns, TRIAL_FRAMES);
	return spent_ns[TRIAL_FRAMES / 2];
}

/* In the generator's namespace of @link. */
static uint64_t time_wire(const struct wire_type *type, const struct link *link,
                          const struct frame_flow *flow, const struct ports *ports, char *why)
{
	const struct wire_config config = { link->generator_interface, flow, 1 };
	uint8_t frame[FRAME_MAX] = {};
	struct wire *wire;
	uint64_t cost_ns = 0;

	if (frame_build(frame, flow, FRAME_STOP, 0, 0, FRAME_MARK_SIZE) < 0 ||
	    type->open(&config, &wire, why, WHY_SIZE))
		return 0;
	if (!ports || !ports_settle(ports, why, WHY_SIZE))
		cost_ns = time_sends(type, wire, frame);
	type->close(wire);
	return cost_ns;
}

/* As time_sends; 0 with the reason in @why. */
static uint64_t try_wire(const struct wire_type *type, const struct frame_flow *flow,
                         const struct ports *ports, char *why)
{
	struct link link;
	uint64_t cost_ns = 0;
	int home, err = ports ? ports_join(ports, &link, true, why, WHY_SIZE)
	                      : link_make(&link, flow, 0, why, WHY_SIZE);

	if (err)
		return 0;
	home = namespace_visit(link.generator_ns);
	if (home >= 0) {
		cost_ns = time_wire(type, &link, flow, ports, why);
		namespace_leave(home);
	}
	link_close(&link);
	return cost_ns;
}

struct trial {
	uint64_t cost_ns;
	char why[WHY_SIZE];
};

/* In a process of its own, which may start a DPDK, as this one may have to later. */
static struct trial try_apart(const struct wire_type *type, const struct frame_flow *flow,
                              const struct ports *ports)
{
	struct trial trial = { .why = "its trial has failed" };
	int ends[2];
	pid_t pid;

	if (pipe2(ends, O_CLOEXEC))
		return trial;
	pid = fork();
	if (!pid) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		trial.cost_ns = try_wire(type, flow, ports, trial.why);
		_exit(write(ends[1], &trial, sizeof(trial)) != sizeof(trial));
	}
	close(ends[1]);
	if (pid > 0 && read(ends[0], &trial, sizeof(trial)) != sizeof(trial))
		trial.cost_ns = 0;
	close(ends[0]);
	if (pid > 0)
		waitpid(pid, NULL, 0);
	return trial;
}

int wire_choose(const struct frame_flow *flow, const struct ports *ports,
                const struct wire_type **ret_type, char *why, size_t why_size)
{
	char refusal[WHY_SIZE] = "";
	uint64_t least_ns = 0;

	for (const struct wire_type *const *type = wire_types; *type; type++) {
		const struct trial trial = try_apart(*type, flow, ports);

		if (!trial.cost_ns && !refusal[0])
			snprintf(refusal, sizeof(refusal), "%s", trial.why);
		if (!trial.cost_ns || (least_ns && trial.cost_ns > CLEARLY_LESS * least_ns))
			continue;
		least_ns = trial.cost_ns;
		*ret_type = *type;
	}
	if (!least_ns)
		return sentence(why, why_size, -EOPNOTSUPP, "the generator cannot send: %s",
		                refusal);
	return 0;
}
