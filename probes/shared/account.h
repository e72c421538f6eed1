/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The accounts of the ledger: the one list that BPF programs, recordings and reports share.
 *
 * Every nanosecond of a request is posted to exactly one of these. A row is
 *
 *	X(symbol, "name", removed by, group of the four-way summary, "from -> to")
 *
 * "removed by" says what could take the time away: a tuned kernel (busy polling, interrupt and
 * C-state settings), a bypass path (AF_XDP, DPDK), or neither. The order is the order in which a
 * request meets them, and the order of every table ktax prints. Adding an account is adding a row
 * here, and a column in collector/recording/schema.sql (see CONTRIBUTING.md).
 */
#ifndef KTAX_ACCOUNT_H
#define KTAX_ACCOUNT_H

/* clang-format off */
#define KTAX_ACCOUNTS(X)                                                                           \
	X(NIC_RX,     "nic_rx",     TUNING,  NIC,           "NIC's stamp or interrupt, or peer's transmit -> handed to the stack") \
	X(KERNEL_RX,  "kernel_rx",  BYPASS,  KERNEL,        "handed to the stack -> socket readable")  \
	X(WAKEUP,     "wakeup",     TUNING,  KERNEL,        "socket readable -> the reading thread runs") \
	X(APP_QUEUE,  "app_queue",  NEITHER, APPLICATION,   "readable -> read, thread busy with other work") \
	X(COPY_RX,    "copy_rx",    BYPASS,  KERNEL,        "in the receive call, copying")            \
	X(APP,        "app",        NEITHER, APPLICATION,   "on CPU in user code")                     \
	X(APP_KERNEL, "app_kernel", NEITHER, APPLICATION,   "on CPU in the kernel outside the socket calls") \
	X(SERIALIZE,  "serialize",  NEITHER, SERIALIZATION, "in a function of the serialization catalogue") \
	X(TLS,        "tls",        NEITHER, SERIALIZATION, "in TLS library calls")                    \
	X(GC,         "gc",         NEITHER, APPLICATION,   "stop-the-world pause of the runtime")     \
	X(HOP,        "hop",        NEITHER, APPLICATION,   "blocked on a downstream connection")      \
	X(LOCK,       "lock",       NEITHER, APPLICATION,   "blocked on a futex or handed to another thread") \
	X(IO,         "io",         NEITHER, APPLICATION,   "blocked on disk I/O")                     \
	X(WAIT,       "wait",       NEITHER, APPLICATION,   "blocked on anything else")                \
	X(PREEMPT,    "preempt",    NEITHER, APPLICATION,   "runnable but not running; softirq, irq and steal time") \
	X(KERNEL_TX,  "kernel_tx",  BYPASS,  KERNEL,        "send call -> queueing discipline")        \
	X(QDISC,      "qdisc",      NEITHER, KERNEL,        "in the queueing discipline")              \
	X(CWND,       "cwnd",       NEITHER, KERNEL,        "response waits for ACKs, send buffer or pacing") \
	X(NIC_TX,     "nic_tx",     TUNING,  NIC,           "given to the driver -> completion")       \
	X(UNKNOWN,    "unknown",    NEITHER, APPLICATION,   "what no probe explains")
/* clang-format on */

enum ktax_account {
#define X(symbol, name, removed_by, group, span) KTAX_##symbol,
	KTAX_ACCOUNTS(X)
#undef X
		KTAX_NACCOUNTS
};

/* A set of accounts, one bit each: accounts present, accounts removed by a path, ... */
#define KTAX_ACCOUNT_BIT(account) (1U << (account))

/* The two floors (DESIGN: total - tunable, total - addressable). Bypass includes tuning. */
#define KTAX_TUNABLE_SET                                                                           \
	(KTAX_ACCOUNT_BIT(KTAX_NIC_RX) | KTAX_ACCOUNT_BIT(KTAX_WAKEUP) |                           \
	 KTAX_ACCOUNT_BIT(KTAX_NIC_TX))
#define KTAX_ADDRESSABLE_SET                                                                       \
	(KTAX_TUNABLE_SET | KTAX_ACCOUNT_BIT(KTAX_KERNEL_RX) | KTAX_ACCOUNT_BIT(KTAX_COPY_RX) |    \
	 KTAX_ACCOUNT_BIT(KTAX_KERNEL_TX))

#ifndef __BPF__

enum ktax_removed_by { KTAX_REMOVED_NEITHER, KTAX_REMOVED_TUNING, KTAX_REMOVED_BYPASS };

/* The four-way summary that decision makers read is a fold of the accounts over these. */
enum ktax_group {
	KTAX_GROUP_NIC,
	KTAX_GROUP_KERNEL,
	KTAX_GROUP_SERIALIZATION,
	KTAX_GROUP_APPLICATION,
	KTAX_NGROUPS
};

struct ktax_account_info {
	const char *name; /* as in JSON, recordings and options */
	enum ktax_removed_by removed_by;
	enum ktax_group group;
	const char *span; /* "from -> to", for people */
};

extern const struct ktax_account_info ktax_account_info[KTAX_NACCOUNTS];
extern const char *const ktax_group_name[KTAX_NGROUPS];

/* The account called @name, or -ENOENT. */
int ktax_account_by_name(const char *name);

#endif /* __BPF__ */
#endif
