/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The kernel's types as far as the BPF programs use them: stands in for the vmlinux.h generated
 * from BTF where ktax is built on a host without /sys/kernel/btf/vmlinux (a build container).
 *
 * Written by hand, from the generated one. What the programs see of the kernel's own structs
 * carries preserve_access_index: clang records every access, and libbpf moves it to where the
 * member is on the kernel that the object is loaded on. So order, offsets and what lies between do
 * not matter here; names and kinds (pointer, integer and its sign, struct, bit field) do. What user
 * space sees too comes from the kernel's UAPI headers, whose layout is fixed.
 *
 * To extend it, when a program uses another member:
 *	cmake -B build-minimal -DKTAX_VMLINUX_BTF=/nonexistent && cmake --build build-minimal
 * fails and names it; its declaration is found by
 *	bpftool btf dump file /sys/kernel/btf/vmlinux format c | grep -A300 '^struct NAME {'
 * Members that are within an unnamed struct or union there may stand without it here. Add only
 * what is used; tests/compile/minimal.test.sh builds with this file and records.
 */
#ifndef __VMLINUX_H__
#define __VMLINUX_H__

#include <linux/bpf.h>
#include <linux/types.h>
#include <stdbool.h>
#include <stddef.h>

typedef __u8 u8;
typedef __u16 u16;
typedef __u32 u32;
typedef __u64 u64;
typedef __s64 s64;

/* ---- Fixed on the wire -------------------------------------------------------------------- */

struct tcphdr {
	__be16 source;
	__be16 dest;
	__be32 seq;
	__be32 ack_seq;
	__u16 res1 : 4;
	__u16 doff : 4;
	__u16 flags : 8;
	__be16 window;
	__sum16 check;
	__be16 urg_ptr;
};

/* ---- The kernel's own: relocated ---------------------------------------------------------- */

#pragma clang attribute push(__attribute__((preserve_access_index)), apply_to = record)

/* x86-64 */
struct pt_regs {
	unsigned long r15, r14, r13, r12, bp, bx, r11, r10, r9, r8;
	unsigned long ax, cx, dx, si, di;
	unsigned long orig_ax;
	unsigned long ip;
	unsigned long flags;
	unsigned long sp;
};

struct bpf_perf_event_data {
	struct pt_regs regs;
};

/* ---- Tasks ---- */

struct rq {
	u64 clock;
	u64 clock_task;
};

struct cfs_rq {
	struct rq *rq; /* CONFIG_FAIR_GROUP_SCHED */
};

struct sched_entity {
	u64 exec_start;
	u64 sum_exec_runtime;
	struct cfs_rq *cfs_rq;
};

struct sched_info {
	unsigned long long run_delay;
	unsigned long long last_arrival;
	unsigned long long last_queued;
};

struct xol_area {
	unsigned long vaddr;
};

struct uprobes_state {
	struct xol_area *xol_area;
};

struct mm_struct {
	struct uprobes_state uprobes_state;
};

struct task_struct {
	unsigned int __state;
	int pid;
	int tgid;
	struct mm_struct *mm;
	unsigned int in_iowait : 1;
	struct sched_entity se;
	struct sched_info sched_info;
};

/* ---- Network ---- */

struct ns_common {
	unsigned int inum;
};

struct net {
	struct ns_common ns;
};

typedef struct {
	struct net *net;
} possible_net_t;

struct in6_addr {
	__u8 s6_addr[16];
};

struct sock_common {
	__be32 skc_rcv_saddr;
	__be16 skc_dport;
	__u16 skc_num;
	unsigned short skc_family;
	volatile unsigned char skc_state;
	possible_net_t skc_net;
	struct in6_addr skc_v6_rcv_saddr;
	unsigned int skc_hash;
};

typedef struct {
	int owned;
} socket_lock_t;

struct sk_buff_head {
	struct sk_buff *prev;
	__u32 qlen;
};

struct sock {
	struct sock_common __sk_common;
	socket_lock_t sk_lock;
	struct sk_buff_head sk_receive_queue;
	int sk_rx_dst_ifindex;
	struct socket *sk_socket;
	u32 sk_pacing_status;
	u16 sk_protocol;
};

struct socket {
	struct sock *sk;
};

struct inet_sock {
	struct sock sk;
};

struct inet_connection_sock {
	struct inet_sock icsk_inet;
	struct {
		__u32 lrcvtime;
	} icsk_ack;
};

struct tcp_sock {
	struct inet_connection_sock inet_conn;
	u32 segs_in;
	u32 segs_out;
	u32 data_segs_out;
	u64 bytes_sent;
	u64 bytes_retrans;
	u32 total_retrans;
	u32 copied_seq;
	u32 rcv_nxt;
	u32 rcv_wup;
	u32 snd_una;
	u32 snd_nxt;
	u32 snd_cwnd;
	u32 write_seq;
	u8 nonagle : 4;
	u32 packets_out;
	u64 tcp_clock_cache;
	u64 tcp_wstamp_ns;
	u64 first_tx_mstamp;
};

struct iov_iter {
	size_t count;
};

struct msghdr {
	struct iov_iter msg_iter;
};

struct device {
	struct device *parent;
};

struct net_device {
	int ifindex;
	possible_net_t nd_net;
	struct device dev;
};

struct sk_buff {
	struct sock *sk;
	struct net_device *dev;
	unsigned int len;
	__u16 transport_header;
	__u16 network_header;
	unsigned int end; /* on 64 bits: offset from head */
	unsigned char *head;
	unsigned char *data;
};

struct skb_shared_hwtstamps {
	s64 hwtstamp;
};

struct skb_shared_info {
	__u8 tx_flags;
	struct skb_shared_hwtstamps hwtstamps;
};

#pragma clang attribute pop

#endif
