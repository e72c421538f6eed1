/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Placing probes.
 *
 * A uprobe replaces an instruction by a trap. The kernel then emulates the instruction if it is a
 * push, a nop or a relative jump or call (about 1 us in all), and otherwise executes a copy of it
 * with a second trap, which in virtual machines costs ten times as much
 * (tests/bench/uprobe_placement.c measures both). So the first instruction is often the wrong one.
 *
 * Enter: the first emulated instruction among those that run exactly once per call: the straight
 * line from the entry up to and including its first jump or call, as far as no jump leads into it.
 * Where jumps are hidden in a table only pushes of preserved registers are safe to be outside of
 * any loop.
 *
 * Exit: a uretprobe replaces the return address, so it has to sit where the stack pointer is still
 * that of the entry, and the function must not be unwound: the unwinder finds the kernel's
 * trampoline in place of the caller and gives up (std::terminate). Otherwise exits are uprobes. A
 * return itself is single-stepped, but whatever runs after the last call, and leads to a return
 * within a few instructions, is as good: there often is an emulated branch, such as the one of the
 * stack protector. An instruction of the second kind is called an early exit here.
 *
 *	call  do_the_work		enter at the first emulated one before
 *	test  %eax,%eax
 *	jle   1f			<- early exit: only cheap instructions follow
 *	mov   (%rsp),%eax
 *  1:	add   $0x18,%rsp
 *	ret				<- not needed: all ways to it lead through an early exit
 *
 * In order of preference: uretprobe at an emulated instruction; emulated exits; uretprobe at the
 * first byte, single-stepped; returns, single-stepped (only for functions that throw, the others
 * have the uretprobe, which is as slow and cannot miss).
 */
#include "placement.h"

#include <errno.h>
#include <stdlib.h>

/* How much may run between an early exit and the return, and before an enter: tens of ns. */
#define MAX_TAIL_INSNS 48
#define MAX_HEAD_INSNS 48

#define TAIL_COSTLY 0xff

struct exits_search {
	const struct code_flow *flow;
	uint32_t enter;
	uint8_t *tail; /* instructions until the return at most, or TAIL_COSTLY */
	bool *covered; /* every way to this instruction passes an early exit */
};

/* ---- enter ---- */

static bool is_enter(const struct code_flow *flow, const struct insn *insn)
{
	if (!insn->emulated || insn->depth == CODE_DEPTH_UNKNOWN)
		return false;
	return flow->complete || insn->saves;
}

/* The index of the instruction to probe, or CODE_NO_INSN. */
static uint32_t find_enter(const struct code_flow *flow)
{
	uint32_t index = 0;

	for (int i = 0; i < MAX_HEAD_INSNS; i++) {
		const struct insn *insn = &flow->insns[index];

		if (insn->jumped_to)
			return CODE_NO_INSN;
		if (is_enter(flow, insn))
			return index;
		if (insn->kind != INSN_PLAIN || insn->slow || insn->next == CODE_NO_INSN)
			return CODE_NO_INSN;
		index = insn->next;
	}
	return CODE_NO_INSN;
}

/* ---- exits ---- */

static uint8_t tail_through(const struct exits_search *search, uint32_t index)
{
	uint8_t tail = search->tail[index];

	return tail >= MAX_TAIL_INSNS ? TAIL_COSTLY : tail + 1;
}

/* How long it takes to return from behind @insn, from what is known of its successors. */
static uint8_t tail_after(const struct exits_search *search, const struct insn *insn)
{
	uint8_t next = 0, target = 0;

	if (insn->kind == INSN_LEAVE)
		return TAIL_COSTLY;
	if (insn->kind == INSN_RETURN || insn->kind == INSN_STOP)
		return 0;
	if (insn->kind != INSN_JUMP)
		next = insn->next == CODE_NO_INSN ? TAIL_COSTLY : tail_through(search, insn->next);
	if (insn->kind == INSN_JUMP || insn->kind == INSN_BRANCH)
		target = insn->target == CODE_NO_INSN ? TAIL_COSTLY
		                                      : tail_through(search, insn->target);
	return next > target ? next : target;
}

/* Least fixed point from "all costly": what is on a loop stays costly. */
static void find_tails(struct exits_search *search)
{
	const struct code_flow *flow = search->flow;
	bool changed = true;

	for (uint32_t i = 0; i < flow->n; i++)
		search->tail[i] = TAIL_COSTLY;
	while (changed) {
		changed = false;
		for (uint32_t i = flow->n; i-- > 0;) {
			const struct insn *insn = &flow->insns[i];

			if (search->tail[i] != TAIL_COSTLY || insn->slow || insn->kind == INSN_CALL)
				continue;
			search->tail[i] = tail_after(search, insn);
			changed |= search->tail[i] != TAIL_COSTLY;
		}
	}
}

static bool is_early_exit(const struct exits_search *search, uint32_t index)
{
	const struct insn *insn = &search->flow->insns[index];

	return index != search->enter && insn->emulated && search->tail[index] != TAIL_COSTLY &&
	       insn->depth != CODE_DEPTH_UNKNOWN && insn->kind != INSN_STOP;
}

static bool uncover(struct exits_search *search, uint32_t index)
{
	if (index == CODE_NO_INSN || !search->covered[index])
		return false;
	search->covered[index] = false;
	return true;
}

/* Greatest fixed point from "all covered": the entry is not, nor what it leads to. */
static void find_covered(struct exits_search *search)
{
	const struct code_flow *flow = search->flow;
	bool changed = true;

	for (uint32_t i = 1; i < flow->n; i++)
		search->covered[i] = true;
	while (changed) {
		changed = false;
		for (uint32_t i = 0; i < flow->n; i++) {
			if (search->covered[i] || is_early_exit(search, i))
				continue;
			changed |= uncover(search, flow->insns[i].next);
			changed |= uncover(search, flow->insns[i].target);
		}
	}
}

/* Adds the first early exit on each way, and the returns that are not behind one. */
static const char *collect_exits(const struct exits_search *search, struct placement *placement)
{
	for (uint32_t i = 0; i < search->flow->n; i++) {
		const struct insn *insn = &search->flow->insns[i];
		bool returns = insn->kind == INSN_RETURN;

		if (search->covered[i] || (!returns && !is_early_exit(search, i)))
			continue;
		if (placement->nexits == PLACEMENT_MAX_EXITS)
			return "it returns in too many places";
		placement->exits[placement->nexits++] = (struct placement_exit){
			.vaddr = insn->vaddr,
			.sp_delta = returns ? 0 : insn->depth,
		};
		placement->exit_single_stepped |= returns;
	}
	return placement->nexits ? NULL : "it never returns";
}

static const char *exits_obstacle(const struct code_flow *flow)
{
	if (!flow->complete)
		return "its code has jumps that cannot be followed";
	for (uint32_t i = 0; i < flow->n; i++)
		if (flow->insns[i].kind == INSN_LEAVE)
			return "it ends in a jump to another library";
	return NULL;
}

/* Fills in the exits. 0, -ENOMEM, or -EOPNOTSUPP with the reason. */
static int find_exits(const struct code_flow *flow, uint32_t enter, struct placement *placement,
                      const char **ret_reason)
{
	struct exits_search search = {
		.flow = flow,
		.enter = enter == CODE_NO_INSN ? 0 : enter,
		.tail = malloc(flow->n),
		.covered = calloc(flow->n, sizeof(bool)),
	};
	const char *reason = exits_obstacle(flow);

	if (!search.tail || !search.covered) {
		free(search.tail);
		free(search.covered);
		return -ENOMEM;
	}
	if (!reason) {
		find_tails(&search);
		find_covered(&search);
		reason = collect_exits(&search, placement);
	}
	free(search.tail);
	free(search.covered);
	if (!reason)
		return 0;
	*ret_reason = reason;
	return -EOPNOTSUPP;
}

/* ---- choice ---- */

struct placement placement_at_entry(uint64_t entry)
{
	return (struct placement){
		.enter_vaddr = entry,
		.use_uretprobe = true,
		.single_stepped = true,
	};
}

static void set_enter(struct placement *placement, const struct code_flow *flow, uint32_t enter)
{
	const struct insn *insn = &flow->insns[enter == CODE_NO_INSN ? 0 : enter];

	placement->enter_vaddr = insn->vaddr;
	placement->sp_delta = insn->depth;
	placement->single_stepped = !insn->emulated;
}

static int choose(const struct code_flow *flow, bool throws, struct placement *ret,
                  const char **ret_reason)
{
	uint32_t enter = find_enter(flow);
	struct placement placement = { 0 };
	const char *reason = NULL;
	int err;

	set_enter(&placement, flow, enter);
	if (!throws && !placement.single_stepped && !placement.sp_delta) {
		placement.use_uretprobe = true;
		*ret = placement;
		return 0;
	}
	err = find_exits(flow, enter, &placement, &reason);
	if (err == -ENOMEM)
		return err;
	if (err && throws) {
		*ret_reason = reason;
		return err;
	}
	if (!throws && (err || placement.single_stepped || placement.exit_single_stepped)) {
		placement = placement_at_entry(flow->insns[0].vaddr);
		placement.single_stepped = !flow->insns[0].emulated;
	}
	*ret = placement;
	return 0;
}

int placement_choose(const struct code_source *source, uint64_t entry, uint64_t size, bool throws,
                     struct placement *ret, const char **ret_reason)
{
	struct code_flow flow;
	int err = code_flow_decode(source, entry, size, &flow);

	if (err == -EINVAL) {
		*ret_reason = "its code does not decode";
		return -EOPNOTSUPP;
	}
	if (err)
		return err;
	err = choose(&flow, throws, ret, ret_reason);
	code_flow_release(&flow);
	return err;
}
