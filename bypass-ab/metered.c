// SPDX-License-Identifier: GPL-2.0
#include "metered.h"

#include "remote.h"
#include "softirq_meter.h"

int metered_start(struct metered *metered, const struct ab_options *options, struct remote *remote,
                  char *why, size_t why_size)
{
	int err;

	*metered = (struct metered){ .options = options, .remote = remote };
	err = remote ? remote_meter(remote, true, why, why_size)
	             : softirq_meter_start(&metered->meter, why, why_size);
	metered->on = !err;
	return err;
}

void metered_stop(struct metered *metered)
{
	if (metered->on && metered->remote)
		remote_meter(metered->remote, false, NULL, 0);
	softirq_meter_stop(metered->meter);
	*metered = (struct metered){};
}

/* On two CPUs of this host. */
struct reading {
	struct softirq_time responder, generator;
};

static struct reading read_meter(const struct metered *metered)
{
	return (struct reading){
		.responder = softirq_meter_read(metered->meter, metered->options->responder_cpu),
		.generator = softirq_meter_read(metered->meter, metered->options->generator_cpu),
	};
}

/*
 * What the process did for the generator's side, in softirqs, is not its own; what the kernel does
 * for it is done on the generator's CPU. On a host of its own, all that is received is for it.
 */
static void count(const struct arm *arm, const struct ab_block *block, const struct reading *before,
                  const struct reading *after, struct metered_cost *ret)
{
	double foreign_ns = (double)(after->responder.within_ns - before->responder.within_ns);
	double own_ns = (double)block->responder.cpu_ns;

	*ret = (struct metered_cost){ .answers = (double)(arm->type->in_kernel
		                                                  ? block->generator.received
		                                                  : block->responder.answered) };
	if (arm->remote) {
		ret->responder_ns = own_ns;
		ret->kernel_ns = (double)arm->remote_kernel_ns;
		return;
	}
	ret->responder_ns = foreign_ns < own_ns ? own_ns - foreign_ns : 0;
	ret->kernel_ns = (double)(after->generator.within_ns - before->generator.within_ns +
	                          after->generator.outside_ns - before->generator.outside_ns);
}

int metered_run_block(struct metered *metered, struct arm *arm, struct generator *generator,
                      uint16_t epoch, struct ab_block *block, struct metered_cost *ret_cost)
{
	struct reading before, after;
	int err;

	softirq_meter_set_process(metered->meter, arm->responder.pid);
	before = read_meter(metered);
	err = arm_run_block(arm, generator, epoch, block);
	if (err)
		return err;
	after = read_meter(metered);
	count(arm, block, &before, &after, ret_cost);
	if (!ret_cost->answers)
		return 0;
	block->kernel_ns = (uint64_t)ret_cost->kernel_ns;
	block->metric[AB_CPU] = (ret_cost->responder_ns + ret_cost->kernel_ns) / ret_cost->answers;
	return 0;
}
