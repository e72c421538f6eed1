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
 * Where the last call is followed by a plain return, as in wrappers, the exit is a uretprobe in the
 * function that is called last ("return probe"). It fires for all its callers, and the frame tells
 * the wrapper's calls from those of others; so the wrapper must not call it from elsewhere itself.
 *
 *	sub   $8,%rsp
 *	call  do_the_work		enter here; exit when do_the_work returns, 16 bytes deeper
 *	add   $8,%rsp
 *	ret
 *
 * In order of preference: uretprobe at an emulated instruction; early exits; early exits and return
 * probes; uretprobe at the first byte, single-stepped. Functions that throw have early exits and,
 * where these do not suffice, probes at their returns, single-stepped.
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
	bool *covered; /* every way to this instruction passes an early exit or a return probe */
	uint64_t *return_probes; /* per call: where its callee's return probe goes, 0 if nowhere */
};

/* ---- enter ---- */

static bool is_enter(const struct code_flow *flow, const struct insn *insn)
{
	if (!insn->emulated || insn->depth < 0) /* CODE_DEPTH_UNKNOWN is negative */
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

	if (insn->kind == INSN_LEAVE || insn->kind == INSN_TAIL_CALL)
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
	       insn->depth >= 0 && insn->kind != INSN_STOP;
}

static bool is_exit(const struct exits_search *search, uint32_t index)
{
	return is_early_exit(search, index) || search->return_probes[index];
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

	for (uint32_t i = 0; i < flow->n; i++)
		search->covered[i] = i > 0;
	while (changed) {
		changed = false;
		for (uint32_t i = 0; i < flow->n; i++) {
			if (search->covered[i] || is_exit(search, i))
				continue;
			changed |= uncover(search, flow->insns[i].next);
			changed |= uncover(search, flow->insns[i].target);
		}
	}
}

/* ---- return probes ---- */

/* A call behind which only cheap instructions follow, or a tail call. */
static bool is_last_call(const struct exits_search *search, const struct insn *insn)
{
	if (insn->kind == INSN_TAIL_CALL)
		return true;
	return insn->kind == INSN_CALL && insn->next != CODE_NO_INSN &&
	       search->tail[insn->next] != TAIL_COSTLY;
}

/* Whether only last calls in this function are calls of @callee. */
static bool is_called_last(const struct exits_search *search, uint64_t callee)
{
	const struct code_flow *flow = search->flow;

	if (!callee || callee == flow->insns[0].vaddr)
		return false;
	for (uint32_t i = 0; i < flow->n; i++)
		if (flow->insns[i].callee == callee && !is_last_call(search, &flow->insns[i]))
			return false;
	return true;
}

/* Where a uretprobe in the function at @entry costs no single step; 0 if nowhere. */
static int find_return_probe(const struct code_source *source, uint64_t entry, uint64_t *ret)
{
	struct code_flow flow;
	uint32_t enter;
	int err = code_flow_decode(source, entry, 0, CODE_FOLLOW_TAIL_CALLS, &flow);

	*ret = 0;
	if (err)
		return err == -ENOMEM ? err : 0;
	enter = find_enter(&flow);
	if (enter != CODE_NO_INSN && !flow.insns[enter].depth)
		*ret = flow.insns[enter].vaddr;
	code_flow_release(&flow);
	return 0;
}

static int find_return_probes(struct exits_search *search, const struct code_source *source)
{
	const struct code_flow *flow = search->flow;
	int err = 0;

	for (uint32_t i = 0; i < flow->n && !err; i++) {
		const struct insn *insn = &flow->insns[i];

		if (is_last_call(search, insn) && insn->depth >= 0 &&
		    is_called_last(search, insn->callee))
			err = find_return_probe(source, insn->callee, &search->return_probes[i]);
	}
	return err;
}

/* ---- all exits of a function ---- */

static struct placement_exit exit_at(const struct exits_search *search, uint32_t index)
{
	const struct insn *insn = &search->flow->insns[index];
	uint64_t return_probe = search->return_probes[index];

	if (return_probe)
		return (struct placement_exit){
			.vaddr = return_probe,
			.sp_delta = insn->depth + (insn->kind == INSN_CALL ? 8 : 0),
			.use_uretprobe = true,
		};
	return (struct placement_exit){
		.vaddr = insn->vaddr,
		.sp_delta = insn->kind == INSN_RETURN ? 0 : insn->depth,
		.single_stepped = insn->kind == INSN_RETURN,
	};
}

static bool has_exit(const struct placement *placement, const struct placement_exit *exit)
{
	for (size_t i = 0; i < placement->nexits; i++)
		if (placement->exits[i].vaddr == exit->vaddr &&
		    placement->exits[i].sp_delta == exit->sp_delta)
			return true;
	return false;
}

/* Adds the first exit on each way, and the returns that are not behind one. */
static const char *collect_exits(const struct exits_search *search, struct placement *placement)
{
	for (uint32_t i = 0; i < search->flow->n; i++) {
		bool returns = search->flow->insns[i].kind == INSN_RETURN;
		struct placement_exit exit = exit_at(search, i);

		if (search->covered[i] || (!returns && !is_exit(search, i)) ||
		    has_exit(placement, &exit))
			continue;
		if (placement->nexits == PLACEMENT_MAX_EXITS)
			return "it returns in too many places";
		placement->exits[placement->nexits++] = exit;
		placement->exit_single_stepped |= exit.single_stepped;
	}
	return placement->nexits ? NULL : "it never returns";
}

static const char *exits_obstacle(const struct exits_search *search)
{
	const struct code_flow *flow = search->flow;

	if (!flow->complete)
		return "its code has jumps that cannot be followed";
	for (uint32_t i = 0; i < flow->n; i++) {
		uint8_t kind = flow->insns[i].kind;

		if (kind == INSN_LEAVE || (kind == INSN_TAIL_CALL && !search->return_probes[i]))
			return "it ends in a jump to another library";
	}
	return NULL;
}

static int search_run(struct exits_search *search, const struct code_source *source,
                      struct placement *placement, const char **ret_reason)
{
	const char *reason;
	int err = 0;

	find_tails(search);
	if (source)
		err = find_return_probes(search, source);
	if (err)
		return err;
	reason = exits_obstacle(search);
	if (!reason) {
		find_covered(search);
		reason = collect_exits(search, placement);
	}
	if (!reason)
		return 0;
	*ret_reason = reason;
	return -EOPNOTSUPP;
}

/*
 * Fills in the exits of @placement, with return probes if @source is not NULL (it has their code).
 * Returns 0, -ENOMEM, or -EOPNOTSUPP with the reason.
 */
static int find_exits(const struct code_flow *flow, uint32_t enter,
                      const struct code_source *source, struct placement *placement,
                      const char **ret_reason)
{
	struct exits_search search = {
		.flow = flow,
		.enter = enter == CODE_NO_INSN ? 0 : enter,
		.tail = malloc(flow->n),
		.covered = calloc(flow->n, sizeof(*search.covered)),
		.return_probes = calloc(flow->n, sizeof(*search.return_probes)),
	};
	int err = -ENOMEM;

	if (search.tail && search.covered && search.return_probes)
		err = search_run(&search, source, placement, ret_reason);
	free(search.tail);
	free(search.covered);
	free(search.return_probes);
	return err;
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

/* The enter probe, without exits yet. */
static struct placement placement_of_enter(const struct code_flow *flow, uint32_t enter)
{
	const struct insn *insn = &flow->insns[enter == CODE_NO_INSN ? 0 : enter];

	return (struct placement){
		.enter_vaddr = insn->vaddr,
		.sp_delta = insn->depth,
		.single_stepped = !insn->emulated,
	};
}

static bool is_stepped(const struct placement *placement)
{
	return placement->single_stepped || placement->exit_single_stepped;
}

/* For a function that is not unwound: -EOPNOTSUPP if it takes a single step. */
static int choose_emulated(const struct code_flow *flow, const struct code_source *source,
                           struct placement *ret)
{
	uint32_t enter = find_enter(flow);
	struct placement placement = placement_of_enter(flow, enter);
	const char *reason;
	int err = 0;

	if (!placement.single_stepped && !placement.sp_delta)
		placement.use_uretprobe = true;
	else
		err = find_exits(flow, enter, source, &placement, &reason);
	if (err)
		return err;
	if (is_stepped(&placement))
		return -EOPNOTSUPP;
	*ret = placement;
	return 0;
}

static int choose_with_return_probes(const struct code_source *source, uint64_t entry,
                                     uint64_t size, struct placement *ret)
{
	struct code_flow flow;
	int err = code_flow_decode(source, entry, size, CODE_STOP_AT_TAIL_CALLS, &flow);

	if (err)
		return err;
	err = choose_emulated(&flow, source, ret);
	code_flow_release(&flow);
	return err;
}

/* For a function that may be unwound. */
static int choose_throwing(const struct code_flow *flow, struct placement *ret,
                           const char **ret_reason)
{
	uint32_t enter = find_enter(flow);
	struct placement placement = placement_of_enter(flow, enter);
	int err = find_exits(flow, enter, NULL, &placement, ret_reason);

	if (!err)
		*ret = placement;
	return err;
}

int placement_choose(const struct code_source *source, uint64_t entry, uint64_t size, bool throws,
                     struct placement *ret, const char **ret_reason)
{
	struct placement placement = placement_at_entry(entry);
	struct code_flow flow;
	int err = code_flow_decode(source, entry, size, CODE_FOLLOW_TAIL_CALLS, &flow);

	if (err == -EINVAL) {
		*ret_reason = "its code does not decode";
		return -EOPNOTSUPP;
	}
	if (err)
		return err;
	placement.single_stepped = !flow.insns[0].emulated;
	if (throws)
		err = choose_throwing(&flow, &placement, ret_reason);
	else
		err = choose_emulated(&flow, NULL, &placement);
	code_flow_release(&flow);
	if (!throws && err == -EOPNOTSUPP)
		err = choose_with_return_probes(source, entry, size, &placement);
	if (err && (throws || err == -ENOMEM))
		return err;
	*ret = placement;
	return 0;
}
