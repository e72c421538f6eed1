/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The programs: for each boundary's handler in full.bpf.c, one per way to hook it. Named
 * boundary__family; the table in hooks.c refers to them by these names.
 */
#ifndef KTAX_PROGRAMS_BPF_H
#define KTAX_PROGRAMS_BPF_H

/* ---- tp_btf ------------------------------------------------------------------------------- */

SEC("tp_btf/netif_receive_skb") int BPF_PROG(rx_stack__tp_btf, struct sk_buff *skb)
{
	return rx_stack(skb);
}

SEC("tp_btf/sk_data_ready") int BPF_PROG(readable__tp_btf, struct sock *sk)
{
	return readable(sk);
}

SEC("tp_btf/skb_copy_datagram_iovec") int BPF_PROG(read_begin__tp_btf, struct sk_buff *skb)
{
	return read_begin(skb);
}

SEC("tp_btf/sock_recv_length") int BPF_PROG(read_end__tp_btf, struct sock *sk, int ret)
{
	return read_end(ret);
}

/* In tcp_recvmsg_locked, after the copy: there since 4.15, but without the length. */
SEC("tp_btf/tcp_rcv_space_adjust") int BPF_PROG(read_end__tp_btf_space, struct sock *sk)
{
	return read_end(0);
}

SEC("tp_btf/tcp_sendmsg_locked") int BPF_PROG(send_begin__tp_btf, struct sock *sk)
{
	return send_begin(sk);
}

SEC("tp_btf/sock_send_length") int BPF_PROG(send_end__tp_btf, struct sock *sk, int ret)
{
	return send_end(ret);
}

SEC("tp_btf/net_dev_queue") int BPF_PROG(tx_qdisc__tp_btf, struct sk_buff *skb)
{
	return tx_qdisc(skb);
}

SEC("tp_btf/net_dev_start_xmit")
int BPF_PROG(tx_driver__tp_btf, struct sk_buff *skb, struct net_device *device)
{
	return tx_driver(skb, device);
}

SEC("tp_btf/sched_switch")
int BPF_PROG(task_switch__tp_btf, bool preempt, struct task_struct *from, struct task_struct *to,
             unsigned int from_state)
{
	/* prev_state is the tracepoint's 4th argument since 5.18 (commit fa2c3254d7cf). */
	long state = settings.switch_has_prev_state ? from_state : READ(from, __state);

	return task_switch(preempt, from, to, state);
}

SEC("tp_btf/softirq_entry") int BPF_PROG(softirq_enter__tp_btf)
{
	return interrupt_enter();
}

SEC("tp_btf/softirq_exit") int BPF_PROG(softirq_leave__tp_btf)
{
	return interrupt_leave();
}

SEC("tp_btf/irq_handler_entry") int BPF_PROG(nic_interrupt__tp_btf)
{
	return nic_interrupt();
}

SEC("tp_btf/napi_poll") int BPF_PROG(nic_poll__tp_btf)
{
	return nic_poll();
}

SEC("tp_btf/inet_sock_set_state")
int BPF_PROG(connection_state__tp_btf, struct sock *sk, int old_state, int new_state)
{
	return connection_state(sk, new_state);
}

SEC("tp_btf/sched_process_fork")
int BPF_PROG(process_fork__tp_btf, struct task_struct *parent, struct task_struct *child)
{
	return process_fork(parent, child);
}

/* ---- fentry, fexit ------------------------------------------------------------------------ */

SEC("fentry/sock_def_readable") int BPF_PROG(readable__fentry, struct sock *sk)
{
	return readable(sk);
}

SEC("fentry/skb_copy_datagram_iter") int BPF_PROG(read_begin__fentry, struct sk_buff *skb)
{
	return read_begin(skb);
}

SEC("fexit/tcp_recvmsg") int BPF_PROG(read_end__fentry)
{
	__u64 ret = 0;

	bpf_get_func_ret(ctx, &ret);
	return read_end(ret);
}

SEC("fentry/tcp_sendmsg_locked") int BPF_PROG(send_begin__fentry, struct sock *sk)
{
	return send_begin(sk);
}

SEC("fexit/tcp_sendmsg") int BPF_PROG(send_end__fentry)
{
	__u64 ret = 0;

	bpf_get_func_ret(ctx, &ret);
	return send_end(ret);
}

/* sendfile before 6.5 (commit c5c37af6ecad: sendpage became sendmsg with MSG_SPLICE_PAGES). */
SEC("fentry/tcp_sendpage") int BPF_PROG(sendpage_begin__fentry, struct sock *sk)
{
	return send_begin(sk);
}

SEC("fexit/tcp_sendpage") int BPF_PROG(sendpage_end__fentry)
{
	__u64 ret = 0;

	bpf_get_func_ret(ctx, &ret);
	return send_end(ret);
}

/* The destructor of a segment's skb. */
SEC("fentry/tcp_wfree") int BPF_PROG(tx_done__fentry, struct sk_buff *skb)
{
	return tx_done(skb);
}

/* Where tcp_set_state, listen and nobody else for TCP go through. */
SEC("fentry/inet_sk_state_store")
int BPF_PROG(connection_state__fentry, struct sock *sk, int state)
{
	return connection_state(sk, state);
}

#ifdef KTAX_STORE_HASH

/* ---- kprobe, kretprobe -------------------------------------------------------------------- */

SEC("kprobe/sock_def_readable") int BPF_KPROBE(readable__kprobe, struct sock *sk)
{
	return readable(sk);
}

SEC("kprobe/skb_copy_datagram_iter") int BPF_KPROBE(read_begin__kprobe, struct sk_buff *skb)
{
	return read_begin(skb);
}

SEC("kretprobe/tcp_recvmsg") int BPF_KRETPROBE(read_end__kprobe, int ret)
{
	return read_end(ret);
}

SEC("kprobe/tcp_sendmsg_locked") int BPF_KPROBE(send_begin__kprobe, struct sock *sk)
{
	return send_begin(sk);
}

SEC("kretprobe/tcp_sendmsg") int BPF_KRETPROBE(send_end__kprobe, int ret)
{
	return send_end(ret);
}

SEC("kprobe/tcp_sendpage") int BPF_KPROBE(sendpage_begin__kprobe, struct sock *sk)
{
	return send_begin(sk);
}

SEC("kretprobe/tcp_sendpage") int BPF_KRETPROBE(sendpage_end__kprobe, int ret)
{
	return send_end(ret);
}

SEC("kprobe/tcp_wfree") int BPF_KPROBE(tx_done__kprobe, struct sk_buff *skb)
{
	return tx_done(skb);
}

SEC("kprobe/inet_sk_state_store")
int BPF_KPROBE(connection_state__kprobe, struct sock *sk, int state)
{
	return connection_state(sk, state);
}

/* ---- raw_tp ------------------------------------------------------------------------------- */

SEC("raw_tp/netif_receive_skb") int BPF_PROG(rx_stack__raw_tp, struct sk_buff *skb)
{
	return rx_stack(skb);
}

SEC("raw_tp/sk_data_ready") int BPF_PROG(readable__raw_tp, struct sock *sk)
{
	return readable(sk);
}

SEC("raw_tp/skb_copy_datagram_iovec") int BPF_PROG(read_begin__raw_tp, struct sk_buff *skb)
{
	return read_begin(skb);
}

SEC("raw_tp/sock_recv_length") int BPF_PROG(read_end__raw_tp, struct sock *sk, int ret)
{
	return read_end(ret);
}

SEC("raw_tp/tcp_sendmsg_locked") int BPF_PROG(send_begin__raw_tp, struct sock *sk)
{
	return send_begin(sk);
}

SEC("raw_tp/sock_send_length") int BPF_PROG(send_end__raw_tp, struct sock *sk, int ret)
{
	return send_end(ret);
}

SEC("raw_tp/net_dev_queue") int BPF_PROG(tx_qdisc__raw_tp, struct sk_buff *skb)
{
	return tx_qdisc(skb);
}

SEC("raw_tp/net_dev_start_xmit")
int BPF_PROG(tx_driver__raw_tp, struct sk_buff *skb, struct net_device *device)
{
	return tx_driver(skb, device);
}

SEC("raw_tp/sched_switch")
int BPF_PROG(task_switch__raw_tp, bool preempt, struct task_struct *from, struct task_struct *to,
             unsigned int from_state)
{
	long state = settings.switch_has_prev_state ? from_state : READ(from, __state);

	return task_switch(preempt, from, to, state);
}

SEC("raw_tp/softirq_entry") int softirq_enter__raw_tp(void *ctx)
{
	return interrupt_enter();
}

SEC("raw_tp/softirq_exit") int softirq_leave__raw_tp(void *ctx)
{
	return interrupt_leave();
}

SEC("raw_tp/irq_handler_entry") int nic_interrupt__raw_tp(void *ctx)
{
	return nic_interrupt();
}

SEC("raw_tp/napi_poll") int nic_poll__raw_tp(void *ctx)
{
	return nic_poll();
}

SEC("raw_tp/inet_sock_set_state")
int BPF_PROG(connection_state__raw_tp, struct sock *sk, int old_state, int new_state)
{
	return connection_state(sk, new_state);
}

SEC("raw_tp/sched_process_fork")
int BPF_PROG(process_fork__raw_tp, struct task_struct *parent, struct task_struct *child)
{
	return process_fork(parent, child);
}

#endif /* KTAX_STORE_HASH */

#endif
