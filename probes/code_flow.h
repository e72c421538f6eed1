/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The control flow of one function of x86-64 machine code, as far as direct jumps show it.
 *
 * Needed to place probes: which instructions run exactly once per call, where the function returns,
 * and how far the stack pointer is from its value at entry.
 */
#ifndef KTAX_CODE_FLOW_H
#define KTAX_CODE_FLOW_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define CODE_MAX_INSN_BYTES 15

/* Where the bytes come from. */
struct code_source {
	void *context;
	/* Copies up to @n code bytes at @vaddr; returns how many, 0 if @vaddr is not code. */
	size_t (*read)(void *context, uint64_t vaddr, uint8_t *bytes, size_t n);
	/*
	 * What the pointer at @slot (of the global offset table) is bound to: its name, and in
	 * @ret_vaddr its address if it is in this file, else 0. NULL: not a known slot.
	 */
	const char *(*import)(void *context, uint64_t slot, uint64_t *ret_vaddr);
};

enum insn_kind {
	INSN_PLAIN,
	INSN_CALL,
	INSN_BRANCH, /* conditional jump */
	INSN_JUMP,   /* also a direct tail call, if the flow goes on in the called function */
	INSN_RETURN,
	INSN_TAIL_CALL, /* a jump to another function; only with CODE_STOP_AT_TAIL_CALLS */
	INSN_STOP,      /* never continues: a trap, a call of a noreturn function */
	INSN_LEAVE,     /* jumps to where the decoder cannot follow: another library, a register */
};

#define CODE_NO_INSN       UINT32_MAX
#define CODE_DEPTH_UNKNOWN INT32_MIN

struct insn {
	uint64_t vaddr;
	uint64_t callee; /* of a direct call or tail call, else 0 */
	uint32_t next;   /* index of the instruction behind it, CODE_NO_INSN if not reached */
	uint32_t target; /* index of the jump's target, or CODE_NO_INSN */
	int32_t depth;   /* bytes the stack has grown since entry, before this instruction */
	int32_t frame;   /* the same for where %rbp points to */
	uint8_t length;
	uint8_t kind;
	bool saves;     /* pushes a register that the called function must preserve */
	bool emulated;  /* the kernel's uprobes emulate it instead of single-stepping it */
	bool slow;      /* may take long by itself: system calls, string instructions */
	bool jumped_to; /* some jump leads here */
};

struct code_flow {
	struct insn *insns; /* [0] is the entry; otherwise in no order that means anything */
	uint32_t n;
	bool complete; /* all jumps within the file are known, those of exceptions apart */
};

/* What a tail call (a jump out of the function, with the stack as at entry) is taken for. */
enum code_tail_calls { CODE_FOLLOW_TAIL_CALLS, CODE_STOP_AT_TAIL_CALLS };

/*
 * Follows the code from @entry of a function of @size bytes (0: unknown). The flow is incomplete if
 * it meets a jump through a register or table, bytes that are no instruction, or too much code.
 * Returns 0, -EINVAL if not even the first instruction decodes, -ENOMEM.
 */
int code_flow_decode(const struct code_source *source, uint64_t entry, uint64_t size,
                     enum code_tail_calls tail_calls, struct code_flow *ret);
void code_flow_release(struct code_flow *flow);

#endif
