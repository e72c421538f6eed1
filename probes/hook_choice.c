// SPDX-License-Identifier: GPL-2.0
#include "hook_choice.h"

#include <bpf/btf.h>
#include <string.h>

#include "kernel_symbols.h"
#include "probes.h"

static bool boundary_needed(const struct probes_options *options,
                            const struct kernel_symbols *symbols, const struct btf *btf,
                            const struct hook_boundary *boundary, const char **ret_why)
{
	if (options->light && !boundary->light) {
		*ret_why = "the light hook set does without it";
		return false;
	}
	*ret_why = boundary->absent;
	switch (boundary->need) {
	case NEED_QDISC:
		return options->qdisc;
	case NEED_NIC:
		return options->nic;
	case NEED_INTERRUPTS:
		if (symbols->irqtime)
			*ret_why = "the kernel accounts interrupt time itself";
		return options->nic && !symbols->irqtime;
	case NEED_TASK_FILTER:
		*ret_why = "targets are not processes";
		return options->task_filter;
	case NEED_SENDPAGE:
		*ret_why = "this kernel has no tcp_sendpage";
		return btf__find_by_name_kind(btf, "tcp_sendpage", BTF_KIND_FUNC) > 0;
	case NEED_ALWAYS:
		break;
	}
	return true;
}

/* Where nothing is asked for, the light set takes what costs least: fentry's trampolines. */
static enum hook_family preferred_family(const struct probes_options *options)
{
	if (options->light && options->family == HOOK_ANY)
		return HOOK_FENTRY;
	return options->family;
}

const struct hook_boundary *hook_choice_make(struct hook_choice *choice,
                                             const struct probes_options *options,
                                             const struct kernel_symbols *symbols,
                                             const struct btf *btf, bool storage_hash)
{
	const struct hook_boundary *missing = NULL;

	for (int i = 0; i < BOUNDARY_COUNT; i++) {
		const struct hook_boundary *boundary = &hook_boundaries[i];

		choice->chosen[i] = NULL;
		if (!boundary_needed(options, symbols, btf, boundary, &choice->why[i]))
			continue;
		choice->chosen[i] =
			hook_choose(btf, boundary, preferred_family(options), storage_hash);
		if (choice->chosen[i])
			continue;
		choice->why[i] = boundary->absent;
		if (boundary->required && !missing)
			missing = boundary;
	}
	return missing;
}

bool hook_choice_has_program(const struct hook_choice *choice, const char *name)
{
	for (int i = 0; i < BOUNDARY_COUNT; i++)
		if (choice->chosen[i] && !strcmp(choice->chosen[i]->program, name))
			return true;
	return false;
}
