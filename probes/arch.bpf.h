/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What depends on the architecture: registers of the interrupted user code, and what a system call
 * number says about why a thread sleeps. No syscall is traced (that costs every process of the
 * host): the number is read from the saved registers when a thread is switched out.
 */
#ifndef KTAX_ARCH_BPF_H
#define KTAX_ARCH_BPF_H

#include "store.bpf.h"

static __always_inline struct pt_regs *current_user_registers(void)
{
	return (struct pt_regs *)bpf_task_pt_regs(bpf_get_current_task_btf());
}

#if defined(__TARGET_ARCH_x86)

static __always_inline __u64 user_stack_pointer(void)
{
	return current_user_registers()->sp;
}

static __always_inline __u64 user_instruction_pointer(void)
{
	return current_user_registers()->ip;
}

/*
 * Was user code interrupted? Kernel addresses are the upper half. A macro, since the verifier wants
 * the context read at a fixed offset; not regs.cs, whose width differs between kernels.
 */
#define registers_are_user(ctx) ((__s64)(ctx)->regs.ip >= 0)

static __always_inline __u64 syscall_number(void)
{
	return current_user_registers()->orig_ax;
}

/* Where the receive call that the current thread is in puts the bytes; 0 if that is not known. */
static __always_inline __u64 syscall_read_buffer(void)
{
	struct pt_regs *registers = current_user_registers();
	__u64 number = registers->orig_ax, second = registers->si, vector = second, address = 0;

	barrier_var(second); /* read once: the verifier wants one load for one kind of pointer */
	switch (number) {
	case 0:  /* read */
	case 45: /* recvfrom */
		return second;
	case 19: /* readv */
		break;
	case 47: /* recvmsg: msg_iov is the third word of struct msghdr */
		bpf_probe_read_user(&vector, sizeof(vector), (void *)(second + 16));
		break;
	default:
		return 0;
	}
	bpf_probe_read_user(&address, sizeof(address), (void *)vector);
	return address;
}

static __always_inline bool syscall_is_lock(__u64 number)
{
	return number == 202 /* futex */ || number == 449 /* futex_waitv */ ||
	       number == 455 /* futex_wait */;
}

/* Calls in which a server waits for the network. */
static __always_inline bool syscall_is_network_wait(__u64 number)
{
	switch (number) {
	case 0:   /* read */
	case 7:   /* poll */
	case 19:  /* readv */
	case 23:  /* select */
	case 43:  /* accept */
	case 45:  /* recvfrom */
	case 47:  /* recvmsg */
	case 232: /* epoll_wait */
	case 270: /* pselect6 */
	case 271: /* ppoll */
	case 281: /* epoll_pwait */
	case 288: /* accept4 */
	case 299: /* recvmmsg */
	case 426: /* io_uring_enter */
	case 441: /* epoll_pwait2 */
		return true;
	}
	return false;
}

#else
#error "ktax knows the system calls of x86-64 only"
#endif

#endif
