/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Follows direct jumps from the entry, breadth first, one node per instruction.
 *
 * The function's symbol does not bound the walk: compilers move unlikely code to ".cold" fragments
 * elsewhere and end functions in tail calls, and both belong to the call. What a call can execute
 * is what jumps lead to. Exception landing pads are not: no jump leads there.
 *
 * With every node goes the distance between the stack pointer and its value at entry ("depth"), and
 * the same for %rbp once it is a frame pointer, since "leave" and "lea -40(%rbp),%rsp" restore from
 * it. Paths that meet with different values make the value unknown, and the change is propagated.
 *
 * Why Zydis and not Capstone: it decodes into the caller's memory (nothing to allocate per
 * instruction), lists implied operands with their access, and is x86 only, a tenth of the size.
 */
#include "code_flow.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <Zydis/Zydis.h>

/* Larger functions exist (interpreter loops): they count as incomplete. Bounds time and memory. */
#define MAX_INSNS  8192
#define HASH_SLOTS (4 * MAX_INSNS)

struct decoded {
	ZydisDecodedInstruction insn;
	ZydisDecodedOperand ops[ZYDIS_MAX_OPERAND_COUNT];
	uint8_t bytes[CODE_MAX_INSN_BYTES];
};

struct walk {
	const struct code_source *source;
	struct code_flow *flow;
	ZydisDecoder decoder;
	uint64_t begin, end; /* of the function; end is 0 if unknown */
	enum code_tail_calls tail_calls;
	uint32_t *slots; /* vaddr -> index + 1 */
	uint32_t *queue; /* ring of nodes whose instruction is to be looked at (again) */
	bool *queued;
	uint32_t head, pending;
};

/* Never return, so what follows the call is not part of it. */
static const char *const noreturn[] = {
	"__stack_chk_fail", "abort",          "exit",          "_exit",
	"__assert_fail",    "__fortify_fail", "__chk_fail",    "longjmp",
	"_Unwind_Resume",   "__cxa_throw",    "__cxa_rethrow", "__cxa_throw_bad_array_new_length",
	"_ZSt9terminatev",  "__cxa_bad_cast", "__longjmp_chk", "__cxa_call_unexpected",
};

static bool name_is_noreturn(const char *name)
{
	for (size_t i = 0; i < sizeof(noreturn) / sizeof(noreturn[0]); i++)
		if (!strcmp(name, noreturn[i]))
			return true;
	/* libstdc++: std::__throw_out_of_range_fmt and its family */
	return !strncmp(name, "_ZSt", 4) && strstr(name, "__throw_");
}

static bool decode_at(struct walk *walk, uint64_t vaddr, struct decoded *ret)
{
	const struct code_source *source = walk->source;
	size_t n = source->read(source->context, vaddr, ret->bytes, sizeof(ret->bytes));

	return n && ZYAN_SUCCESS(ZydisDecoderDecodeFull(&walk->decoder, ret->bytes, n, &ret->insn,
	                                                ret->ops));
}

/* ---- nodes ---- */

static uint32_t *node_slot(struct walk *walk, uint64_t vaddr)
{
	uint32_t at = (uint32_t)((vaddr * 0x9e3779b97f4a7c15ULL) >> 40) % HASH_SLOTS;

	while (walk->slots[at] && walk->flow->insns[walk->slots[at] - 1].vaddr != vaddr)
		at = (at + 1) % HASH_SLOTS;
	return &walk->slots[at];
}

static void enqueue(struct walk *walk, uint32_t index)
{
	if (walk->queued[index])
		return;
	walk->queued[index] = true;
	walk->queue[(walk->head + walk->pending++) % MAX_INSNS] = index;
}

/* Two paths meet: values that differ are unknown. Whether that changed anything. */
static bool meet(int32_t *value, int32_t other)
{
	if (*value == other || *value == CODE_DEPTH_UNKNOWN)
		return false;
	*value = CODE_DEPTH_UNKNOWN;
	return true;
}

/* The node of @vaddr, reached with @depth and @frame; CODE_NO_INSN if there are too many. */
static uint32_t node_reach(struct walk *walk, uint64_t vaddr, int32_t depth, int32_t frame)
{
	struct code_flow *flow = walk->flow;
	uint32_t *slot = node_slot(walk, vaddr);

	if (*slot) {
		struct insn *node = &flow->insns[*slot - 1];
		bool changed = meet(&node->depth, depth);

		if (meet(&node->frame, frame) || changed)
			enqueue(walk, *slot - 1);
		return *slot - 1;
	}
	if (flow->n == MAX_INSNS) {
		flow->complete = false;
		return CODE_NO_INSN;
	}
	flow->insns[flow->n] = (struct insn){
		.vaddr = vaddr,
		.next = CODE_NO_INSN,
		.target = CODE_NO_INSN,
		.depth = depth,
		.frame = frame,
	};
	*slot = ++flow->n;
	enqueue(walk, flow->n - 1);
	return flow->n - 1;
}

/* ---- what an instruction is ---- */

/*
 * Which instructions uprobes emulate: arch/x86/kernel/uprobes.c, branch_setup_xol_ops() and
 * push_setup_xol_ops() (the latter since Linux 4.16). Prefixed forms are left out: 66 makes the
 * attach fail, and REX.B 90 is an exchange and not a nop. So are the longer nops, which older
 * kernels single-step.
 */
static bool is_emulated(const struct decoded *d)
{
	const uint8_t *b = d->bytes;

	switch (d->insn.length) {
	case 1:
		return b[0] == 0x90 || (b[0] >= 0x50 && b[0] <= 0x57);
	case 2:
		return (b[0] == 0x41 && b[1] >= 0x50 && b[1] <= 0x57) ||
		       (b[0] >= 0x70 && b[0] <= 0x7f) || b[0] == 0xeb;
	case 5:
		return b[0] == 0xe8 || b[0] == 0xe9;
	case 6:
		return b[0] == 0x0f && b[1] >= 0x80 && b[1] <= 0x8f;
	default:
		return false;
	}
}

/* push of rbx, rbp, r12 to r15 */
static bool is_save(const struct decoded *d)
{
	const uint8_t *b = d->bytes;

	if (d->insn.length == 1)
		return b[0] == 0x53 || b[0] == 0x55;
	return d->insn.length == 2 && b[0] == 0x41 && b[1] >= 0x54 && b[1] <= 0x57;
}

static bool is_slow(const ZydisDecodedInstruction *insn)
{
	const ZydisInstructionAttributes repeated =
		ZYDIS_ATTRIB_HAS_REP | ZYDIS_ATTRIB_HAS_REPE | ZYDIS_ATTRIB_HAS_REPNE;

	return insn->mnemonic == ZYDIS_MNEMONIC_SYSCALL || (insn->attributes & repeated);
}

static bool register_is(const ZydisDecodedOperand *op, ZydisRegister wanted)
{
	return op->type == ZYDIS_OPERAND_TYPE_REGISTER &&
	       ZydisRegisterGetLargestEnclosing(ZYDIS_MACHINE_MODE_LONG_64, op->reg.value) ==
	               wanted;
}

static bool writes_register(const struct decoded *d, ZydisRegister wanted)
{
	for (int i = 0; i < d->insn.operand_count; i++)
		if (register_is(&d->ops[i], wanted) &&
		    (d->ops[i].actions & ZYDIS_OPERAND_ACTION_MASK_WRITE))
			return true;
	return false;
}

/* The address of a direct jump or call, or of the memory operand 0 when relative to %rip. */
static bool absolute_address(const struct decoded *d, uint64_t vaddr, uint64_t *ret)
{
	const ZydisDecodedOperand *op = &d->ops[0];

	if (op->type == ZYDIS_OPERAND_TYPE_MEMORY && op->mem.base != ZYDIS_REGISTER_RIP)
		return false;
	if (op->type == ZYDIS_OPERAND_TYPE_REGISTER)
		return false;
	return ZYAN_SUCCESS(ZydisCalcAbsoluteAddress(&d->insn, op, vaddr, ret));
}

/* The import that an indirect jump or call at @vaddr goes through; NULL if none. */
static const char *import_of(struct walk *walk, const struct decoded *d, uint64_t vaddr,
                             uint64_t *ret_vaddr)
{
	uint64_t slot;

	*ret_vaddr = 0;
	if (d->ops[0].type != ZYDIS_OPERAND_TYPE_MEMORY || !absolute_address(d, vaddr, &slot))
		return NULL;
	return walk->source->import(walk->source->context, slot, ret_vaddr);
}

/* The import whose stub of the procedure linkage table starts at @vaddr; NULL if it is none. */
static const char *stub_import(struct walk *walk, uint64_t vaddr)
{
	struct decoded d;
	uint64_t ignored;

	if (!decode_at(walk, vaddr, &d))
		return NULL;
	if (d.insn.mnemonic == ZYDIS_MNEMONIC_ENDBR64) {
		vaddr += d.insn.length;
		if (!decode_at(walk, vaddr, &d))
			return NULL;
	}
	return d.insn.mnemonic == ZYDIS_MNEMONIC_JMP ? import_of(walk, &d, vaddr, &ignored) : NULL;
}

/* A call that ends the function cannot return either: compilers leave out what would follow. */
static bool call_returns(struct walk *walk, const struct decoded *d, uint64_t vaddr)
{
	const char *name = NULL;
	uint64_t target;

	if (vaddr + d->insn.length == walk->end)
		return false;
	if (d->ops[0].type == ZYDIS_OPERAND_TYPE_MEMORY)
		name = import_of(walk, d, vaddr, &target);
	else if (absolute_address(d, vaddr, &target))
		name = stub_import(walk, target);
	return !name || !name_is_noreturn(name);
}

/* ---- the stack pointer ---- */

static int32_t depth_add(int32_t depth, int64_t bytes)
{
	int64_t sum = (int64_t)depth + bytes;

	/* No frame is this large: wherever the code came from, it is not to be trusted. */
	if (depth == CODE_DEPTH_UNKNOWN || sum > (1 << 28) || sum < -(1 << 28))
		return CODE_DEPTH_UNKNOWN;
	return (int32_t)sum;
}

/* lea d(%rsp),%rsp and lea d(%rbp),%rsp */
static int32_t depth_after_lea(const struct decoded *d, int32_t depth, int32_t frame)
{
	const ZydisDecodedOperandMem *mem = &d->ops[1].mem;

	if (mem->index != ZYDIS_REGISTER_NONE)
		return CODE_DEPTH_UNKNOWN;
	if (mem->base == ZYDIS_REGISTER_RSP)
		return depth_add(depth, -mem->disp.value);
	if (mem->base == ZYDIS_REGISTER_RBP)
		return depth_add(frame, -mem->disp.value);
	return CODE_DEPTH_UNKNOWN;
}

static int32_t depth_after(const struct decoded *d, int32_t depth, int32_t frame)
{
	bool to_rsp = register_is(&d->ops[0], ZYDIS_REGISTER_RSP);
	bool immediate = d->ops[1].type == ZYDIS_OPERAND_TYPE_IMMEDIATE;

	switch (d->insn.mnemonic) {
	case ZYDIS_MNEMONIC_CALL: /* and its return */
		return depth;
	case ZYDIS_MNEMONIC_PUSH:
		return depth_add(depth, d->insn.operand_width / 8);
	case ZYDIS_MNEMONIC_POP:
		return to_rsp ? CODE_DEPTH_UNKNOWN : depth_add(depth, -d->insn.operand_width / 8);
	case ZYDIS_MNEMONIC_LEAVE:
		return depth_add(frame, -8);
	case ZYDIS_MNEMONIC_SUB:
		if (to_rsp && immediate)
			return depth_add(depth, d->ops[1].imm.value.s);
		break;
	case ZYDIS_MNEMONIC_ADD:
		if (to_rsp && immediate)
			return depth_add(depth, -d->ops[1].imm.value.s);
		break;
	case ZYDIS_MNEMONIC_LEA:
		if (to_rsp)
			return depth_after_lea(d, depth, frame);
		break;
	case ZYDIS_MNEMONIC_MOV:
		if (to_rsp && register_is(&d->ops[1], ZYDIS_REGISTER_RBP))
			return frame;
		break;
	default:
		break;
	}
	return writes_register(d, ZYDIS_REGISTER_RSP) ? CODE_DEPTH_UNKNOWN : depth;
}

static int32_t frame_after(const struct decoded *d, int32_t depth, int32_t frame)
{
	if (!writes_register(d, ZYDIS_REGISTER_RBP))
		return frame;
	if (d->insn.mnemonic == ZYDIS_MNEMONIC_MOV && register_is(&d->ops[0], ZYDIS_REGISTER_RBP) &&
	    register_is(&d->ops[1], ZYDIS_REGISTER_RSP))
		return depth;
	return CODE_DEPTH_UNKNOWN;
}

/* ---- the walk ---- */

static void reach_target(struct walk *walk, uint32_t from, uint64_t vaddr, int32_t depth,
                         int32_t frame)
{
	uint32_t target = node_reach(walk, vaddr, depth, frame);

	walk->flow->insns[from].target = target;
	if (target != CODE_NO_INSN)
		walk->flow->insns[target].jumped_to = true;
}

static bool is_tail_call(const struct walk *walk, const struct insn *node, uint64_t target)
{
	return walk->tail_calls == CODE_STOP_AT_TAIL_CALLS && walk->end && !node->depth &&
	       (target < walk->begin || target >= walk->end);
}

static uint8_t follow_jump(struct walk *walk, uint32_t index, const struct decoded *d)
{
	struct insn *node = &walk->flow->insns[index];
	uint64_t target;

	if (d->ops[0].type == ZYDIS_OPERAND_TYPE_IMMEDIATE) {
		if (!absolute_address(d, node->vaddr, &target))
			return INSN_LEAVE;
	} else if (!import_of(walk, d, node->vaddr, &target)) {
		walk->flow->complete = false;
		return INSN_LEAVE;
	} else if (!target) {
		return INSN_LEAVE; /* a tail call of another library */
	}
	if (is_tail_call(walk, node, target)) {
		node->callee = target;
		return INSN_TAIL_CALL;
	}
	reach_target(walk, index, target, node->depth, node->frame);
	return INSN_JUMP;
}

static uint8_t follow_branch(struct walk *walk, uint32_t index, const struct decoded *d)
{
	struct insn *node = &walk->flow->insns[index];
	uint64_t target;

	if (absolute_address(d, node->vaddr, &target))
		reach_target(walk, index, target, node->depth, node->frame);
	return INSN_BRANCH;
}

static uint8_t follow_call(struct walk *walk, uint32_t index, const struct decoded *d)
{
	struct insn *node = &walk->flow->insns[index];

	if (!call_returns(walk, d, node->vaddr))
		return INSN_STOP;
	if (d->ops[0].type != ZYDIS_OPERAND_TYPE_IMMEDIATE ||
	    !absolute_address(d, node->vaddr, &node->callee))
		node->callee = 0;
	return INSN_CALL;
}

/* Sets the successors but the next instruction; returns what kind of instruction it is. */
static uint8_t follow(struct walk *walk, uint32_t index, const struct decoded *d)
{
	switch (d->insn.meta.category) {
	case ZYDIS_CATEGORY_RET:
		return INSN_RETURN;
	case ZYDIS_CATEGORY_UNCOND_BR:
		return follow_jump(walk, index, d);
	case ZYDIS_CATEGORY_COND_BR:
		return follow_branch(walk, index, d);
	case ZYDIS_CATEGORY_CALL:
		return follow_call(walk, index, d);
	case ZYDIS_CATEGORY_INTERRUPT:
		return INSN_STOP;
	default:
		break;
	}
	switch (d->insn.mnemonic) {
	case ZYDIS_MNEMONIC_UD0:
	case ZYDIS_MNEMONIC_UD1:
	case ZYDIS_MNEMONIC_UD2:
	case ZYDIS_MNEMONIC_HLT:
		return INSN_STOP;
	default:
		return INSN_PLAIN;
	}
}

/* Looks at one node, once or again when what is known of its stack has changed. */
static bool visit(struct walk *walk, uint32_t index)
{
	struct insn *node = &walk->flow->insns[index];
	struct decoded d;

	if (!decode_at(walk, node->vaddr, &d)) {
		walk->flow->complete = false;
		node->kind = INSN_LEAVE;
		return false;
	}
	node->length = d.insn.length;
	node->emulated = is_emulated(&d);
	node->saves = is_save(&d);
	node->slow = is_slow(&d.insn);
	node->kind = follow(walk, index, &d);
	if (node->kind == INSN_PLAIN || node->kind == INSN_CALL || node->kind == INSN_BRANCH)
		node->next = node_reach(walk, node->vaddr + node->length,
		                        depth_after(&d, node->depth, node->frame),
		                        frame_after(&d, node->depth, node->frame));
	return true;
}

static int walk_from(struct walk *walk, uint64_t entry)
{
	node_reach(walk, entry, 0, CODE_DEPTH_UNKNOWN);
	while (walk->pending) {
		uint32_t index = walk->queue[walk->head];

		walk->head = (walk->head + 1) % MAX_INSNS;
		walk->pending--;
		walk->queued[index] = false;
		if (!visit(walk, index) && !index)
			return -EINVAL;
	}
	return 0;
}

int code_flow_decode(const struct code_source *source, uint64_t entry, uint64_t size,
                     enum code_tail_calls tail_calls, struct code_flow *ret)
{
	struct code_flow flow = { .complete = true };
	struct walk walk = {
		.source = source,
		.flow = &flow,
		.begin = entry,
		.end = size ? entry + size : 0,
		.tail_calls = tail_calls,
	};
	int err = -ENOMEM;

	ZydisDecoderInit(&walk.decoder, ZYDIS_MACHINE_MODE_LONG_64, ZYDIS_STACK_WIDTH_64);
	flow.insns = calloc(MAX_INSNS, sizeof(*flow.insns));
	walk.slots = calloc(HASH_SLOTS, sizeof(*walk.slots));
	walk.queue = calloc(MAX_INSNS, sizeof(*walk.queue));
	walk.queued = calloc(MAX_INSNS, sizeof(*walk.queued));
	if (flow.insns && walk.slots && walk.queue && walk.queued)
		err = walk_from(&walk, entry);
	free(walk.slots);
	free(walk.queue);
	free(walk.queued);
	if (err) {
		code_flow_release(&flow);
		return err;
	}
	*ret = flow;
	return 0;
}

void code_flow_release(struct code_flow *flow)
{
	free(flow->insns);
	*flow = (struct code_flow){ 0 };
}
