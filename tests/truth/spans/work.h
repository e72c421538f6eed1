/* SPDX-License-Identifier: GPL-2.0 */
/* Functions to be probed (--span libktax-truth-spans.so:span_*), in a library of plain C. */
#ifndef KTAX_TRUTH_WORK_H
#define KTAX_TRUTH_WORK_H

/* The code of the function @name, which is declared as span_stepped. */
#define STEPPED_FUNCTION(name)                                                                     \
	__asm__(".text\n.p2align 6\n.globl " #name "\n.type " #name ",@function\n" #name ":\n"     \
	        "	mov %rdi, %rcx\n"                                                                \
	        "	rdtsc\n"                                                                         \
	        "	shl $32, %rdx\n"                                                                 \
	        "	or %rdx, %rax\n"                                                                 \
	        "	add %rax, %rcx\n"                                                                \
	        "1:	rdtsc\n"                                                                       \
	        "	shl $32, %rdx\n"                                                                 \
	        "	or %rdx, %rax\n"                                                                 \
	        "	cmp %rcx, %rax\n"                                                                \
	        "	jb 1b\n"                                                                         \
	        "	ret\n.size " #name ",.-" #name "\n")

#ifdef __cplusplus
extern "C" {
#endif

/* Calls @inside. */
void span_work(void (*inside)(void));
/* Calls itself @depth times and then @inside; spins for @us before and after each call. */
void span_recurse(int depth, unsigned long us, void (*inside)(void));
/* Spins for @us and jumps to span_last, which spins for @us. */
int span_first(unsigned long us);
int span_last(unsigned long us);

/*
 * Spin for @ticks of the time stamp counter, in code that has no instruction uprobes emulate at its
 * begin, and none but the return at its end. The last one is the same and not to be probed.
 */
void span_stepped(unsigned long ticks);
void bare_stepped(unsigned long ticks);

#ifdef __cplusplus
}
#endif

#endif
