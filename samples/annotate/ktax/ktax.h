/* SPDX-License-Identifier: (GPL-2.0 OR MIT) */
/*
 * ktax/ktax.h: tell ktax which account a part of your code belongs to.
 *
 * ktax finds the usual libraries by itself (JSON, protobuf, TLS, ...). For what it cannot know,
 * such as a serializer written by hand or a cache lock that spins, mark the code:
 *
 *	#include <ktax/ktax.h>
 *
 *	KTAX_SPAN_BEGIN(serialize);
 *	length = encode_reply(reply, buffer);
 *	KTAX_SPAN_END(serialize);
 *
 * or let the block's end close the span, whichever way it is left:
 *
 *	{
 *		KTAX_SPAN(serialize);			C, GCC or clang
 *		...
 *	}
 *	ktax::span<KTAX_SPAN_SERIALIZE> span;		C++ (KTAX_SPAN works too)
 *
 * The accounts are those of KTAX_SPAN_ACCOUNTS below; another name does not compile.
 *
 * Rules of use
 *  - A span begins and ends on the same thread, in the same function, and within one request; not
 *    with an alloca() or an array of variable length made between them.
 *  - Spans nest: the innermost open one is charged, its end returns to the one around it. So every
 *    BEGIN needs its END on every path, or what follows, up to the end of the request, may be
 *    charged to the wrong account: prefer the scoped forms where there is an early return. C's
 *    longjmp() skips the end of a span.
 *  - Only time on the CPU in user code is relabelled. A thread that blocks or is preempted within
 *    a span is charged to the account of its cause (lock, io, wait, preempt), as everywhere.
 *  - Nothing is linked and nothing is called: a span costs two nops unless a tracer is attached,
 *    and about a microsecond per end of it when one is. Mark what takes tens of microseconds.
 *
 * How it works. Each macro emits one instruction that does nothing and a USDT note (ELF section
 * .note.stapsdt, version 3, as <sys/sdt.h> of SystemTap does) that says where it is:
 *
 *	n_namesz 8 | n_descsz | n_type 3 | "stapsdt\0"
 *	address of the nop | address of _.stapsdt.base | semaphore, 0: none
 *	"ktax\0" | "span_begin\0" or "span_end\0" | "-4@$ACCOUNT\0"
 *
 * The last string is the argument, a constant of 4 bytes.
 *
 * The argument is a constant in the note, so that a tracer reads it once, when it attaches. Any
 * USDT tracer can use the probes: perf, bpftrace, SystemTap, libbpf.
 *
 * Why not <sys/sdt.h> itself: few systems have it installed. Where this file does not know the
 * machine it falls back to it, and without it to nothing.
 *
 * The nop has one byte, although Linux 6.18 replaces a probed one of five by a call, which is
 * faster than a breakpoint: the call's return address overwrites what a function that calls no
 * other keeps below its stack pointer (the red zone of x86-64).
 */
#ifndef KTAX_KTAX_H
#define KTAX_KTAX_H

/*
 * X(symbol, name, number). The numbers are part of compiled programs: never change one, add only.
 */
#define KTAX_SPAN_ACCOUNTS(X)                                                                      \
	X(APP, app, 1)             /* back to plain application code within a span */              \
	X(SERIALIZE, serialize, 2) /* encoding, decoding, compression */                           \
	X(TLS, tls, 3)             /* encryption */                                                \
	X(GC, gc, 4)               /* a pause of the runtime or of an own allocator */             \
	X(HOP, hop, 5)             /* on behalf of a downstream service */                         \
	X(LOCK, lock, 6)           /* waiting for another thread while spinning */                 \
	X(IO, io, 7)               /* storage code in user space */                                \
	X(WAIT, wait, 8)           /* polling for anything else */

/* clang-format off */
enum ktax_span_account {
#define KTAX_SPAN_ENUM_(symbol, name, number) KTAX_SPAN_##symbol = (number),
	KTAX_SPAN_ACCOUNTS(KTAX_SPAN_ENUM_)
#undef KTAX_SPAN_ENUM_
#define KTAX_SPAN_ENUM_(symbol, name, number) KTAX_SPAN_NUMBER_##name = (number),
	KTAX_SPAN_ACCOUNTS(KTAX_SPAN_ENUM_)
#undef KTAX_SPAN_ENUM_
	KTAX_SPAN_ACCOUNT_MAX = 8
};
/* clang-format on */

#if defined(KTAX_SPAN_DISABLE) || !defined(__GNUC__) || !defined(__ELF__)
#define KTAX_SPAN_PROBE_(probe, number) ((void)(number))
#elif (defined(__x86_64__) && defined(__LP64__)) || defined(__aarch64__)

#ifdef __x86_64__
#define KTAX_SPAN_CONSTANT_ "$%c0"
#else
#define KTAX_SPAN_CONSTANT_ "%c0"
#endif

/*
 * "?" puts the note into the section group of the code around it, so that the linker drops both
 * or none (C++ inline functions). %c0 prints the constant bare. The memory clobber keeps the
 * compiler from moving loads and stores of the work out of the span.
 */
#define KTAX_SPAN_PROBE_(probe, number)                                                            \
	__asm__ __volatile__("990: nop\n.pushsection .note.stapsdt,\"?\",\"note\"\n"               \
	                     ".balign 4\n"                                                         \
	                     ".4byte 992f-991f, 994f-993f, 3\n"                                    \
	                     "991: .asciz \"stapsdt\"\n"                                           \
	                     "992: .balign 4\n"                                                    \
	                     "993: .8byte 990b, _.stapsdt.base, 0\n"                               \
	                     ".asciz \"ktax\"\n"                                                   \
	                     ".asciz \"" #probe "\"\n"                                             \
	                     ".asciz \"-4@" KTAX_SPAN_CONSTANT_ "\"\n"                             \
	                     "994: .balign 4\n"                                                    \
	                     ".popsection\n"                                                       \
	                     ".ifndef _.stapsdt.base\n"                                            \
	                     ".pushsection .stapsdt.base,\"aG\",\"progbits\",.stapsdt.base,"       \
	                     "comdat\n"                                                            \
	                     ".weak _.stapsdt.base\n"                                              \
	                     ".hidden _.stapsdt.base\n"                                            \
	                     "_.stapsdt.base: .space 1\n"                                          \
	                     ".size _.stapsdt.base, 1\n"                                           \
	                     ".popsection\n"                                                       \
	                     ".endif\n"                                                            \
	                     :                                                                     \
	                     : "i"((int)(number))                                                  \
	                     : "memory")

#elif defined(__has_include)
#if __has_include(<sys/sdt.h>)
#include <sys/sdt.h>
#define KTAX_SPAN_PROBE_(probe, number) DTRACE_PROBE1(ktax, probe, (int)(number))
#endif
#endif
#ifndef KTAX_SPAN_PROBE_
#define KTAX_SPAN_PROBE_(probe, number) ((void)(number))
#endif

/* Opens a span of @account: app, serialize, tls, gc, hop, lock, io or wait, without quotes. */
#define KTAX_SPAN_BEGIN(account) KTAX_SPAN_PROBE_(span_begin, KTAX_SPAN_NUMBER_##account)
/* Closes the innermost open span, which is one of @account. */
#define KTAX_SPAN_END(account) KTAX_SPAN_PROBE_(span_end, KTAX_SPAN_NUMBER_##account)

#ifdef __GNUC__
/* One pair of functions per account: the number has to be a constant where the note is made. */
#define KTAX_SPAN_FUNCTIONS_(symbol, name, number)                                                 \
	static inline __attribute__((always_inline, unused)) char ktax_span_begin_##name(void)     \
	{                                                                                          \
		KTAX_SPAN_PROBE_(span_begin, number);                                              \
		return 0;                                                                          \
	}                                                                                          \
	static inline __attribute__((always_inline, unused)) void ktax_span_end_##name(char *span) \
	{                                                                                          \
		(void)span;                                                                        \
		KTAX_SPAN_PROBE_(span_end, number);                                                \
	}
KTAX_SPAN_ACCOUNTS(KTAX_SPAN_FUNCTIONS_)
#undef KTAX_SPAN_FUNCTIONS_

#define KTAX_SPAN_PASTE2_(a, b) a##b
#define KTAX_SPAN_PASTE_(a, b)  KTAX_SPAN_PASTE2_(a, b)
/* A span of @account from here to the end of the enclosing block. */
#define KTAX_SPAN(account)                                                                         \
	__attribute__((cleanup(ktax_span_end_##account), unused)) char KTAX_SPAN_PASTE_(           \
		ktax_span_, __LINE__) = ktax_span_begin_##account()
#endif

#ifdef __cplusplus
namespace ktax
{
/* A span of ktax::span<KTAX_SPAN_SERIALIZE> lasts as long as the object, exceptions included. */
template <int Account> class span
{
      public:
	inline __attribute__((always_inline)) span()
	{
		static_assert(Account >= 1 && Account <= KTAX_SPAN_ACCOUNT_MAX, "no such account");
		KTAX_SPAN_PROBE_(span_begin, Account);
	}
	inline __attribute__((always_inline)) ~span()
	{
		KTAX_SPAN_PROBE_(span_end, Account);
	}
	span(const span &) = delete;
	span &operator=(const span &) = delete;
};
} // namespace ktax
#endif

#endif
