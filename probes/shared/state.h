/* SPDX-License-Identifier: GPL-2.0 */
/*
 * State that BPF programs and the loader share beyond the aggregates: settings, counters, the
 * listener table, and the connection slots (user space never writes those, it sizes the table).
 */
#ifndef KTAX_STATE_H
#define KTAX_STATE_H

#include "aggregate.h"

/* Set before load (read-only for the programs, so the verifier drops what is switched off). */
struct ktax_settings {
	__u32 max_endpoints;
	__u32 max_connections;
	__u32 n_cpus;               /* possible ones */
	__u8 switch_has_prev_state; /* sched_switch passes prev_state (since 5.18) */
	__u8 qdisc_hooked;          /* tx_qdisc is attached: kernel_tx ends there */
	__u8 softirq_hooked;        /* softirq_entry/exit count stolen time */
	__u8 framing;               /* look into received bytes for pipelined requests */
	__u8 nic_stamps;            /* some NIC stamps packets: look for it */
	__u8 pad[7];
	__u64 per_cpu_offsets; /* address of __per_cpu_offset[] */
	__u64 steal_offset;    /* per-CPU offset of the hypervisor's steal counter, 0: none */
	__u64 irqtime_offset;  /* and of the kernel's interrupt time, 0: not accounted */
	__u64 tick_ns;         /* length of a jiffy */
};

/* Changed while running, through the mapped .bss. */
struct ktax_control {
	__u32 epoch;        /* counts attaches: what was open before belongs to another epoch */
	__u32 admit;        /* requests may begin; off while hooks come and go */
	__u32 filter_tasks; /* only threads of the processes in the map "processes" */
	__u32 filter_ports; /* only listeners on a port that listening_ports[] has already */
	__u32 endpoints;    /* indices of aggregates that are taken, the last one aside */
	__u32 listens;      /* listeners that the programs have added to the map "listeners" */
	__u32 sample_every; /* --requests 1/N: 0 off */
	__u32 pad;
	__u64 slow_ns;        /* --slow: requests at least as long as this, ~0 off */
	__u64 attached_at_ns; /* CLOCK_MONOTONIC */
	/* Single-stepping a probed instruction (step_cost.h), 0 while not measured: */
	__u64 step_before_ns; /* up to the program's stamp */
	__u64 step_after_ns;  /* and from there on */
	__u64 stepped_at_ns;  /* stamp of the program that it is measured with */
};

/* What went wrong, per CPU. */
struct ktax_counters {
	__u64 ring_full; /* sampled requests dropped: ring buffer full */
	__u64 map_full;  /* connections not followed: no free slot */
	/* Events of a request that were not seen or not posted: its arrival, a send after its end.
	 */
	__u64 missed_stamps;
	__u64 clock_errors; /* negative or absurd spans, not posted */
	__u64 reopened;     /* requests dropped: in flight at an attach or detach */
	__u64 evicted;      /* connection slots taken back from idle connections */
	__u64 stepped;      /* single-stepped probes in user code that is accounted for */
	__u64 stepped_ns;   /* of their time, moved to unknown */
	/* Not wrong: requests from a NIC, where some NIC stamps packets, by what they begin at. */
	__u64 nic_stamped;   /* the NIC's stamp */
	__u64 nic_unstamped; /* the interrupt, for want of a stamp */
	__u64 nic_refused;   /* the interrupt, for the stamp is of no use */
};

/* Key of a listening socket. IPv4 addresses stand in the first 4 bytes. */
struct ktax_listener {
	__u32 netns;      /* inode number of the network namespace */
	__u16 port;       /* host order */
	__u16 family;     /* 4 or 6 */
	__u8 address[16]; /* all zero: wildcard */
};

/* What is known of it. */
struct ktax_listening {
	__u32 endpoint; /* index of its aggregates */
	__u32 process;  /* that listens, 0: not known */
};

/* What the start of a packet's way, and so of a request, is known from. */
enum ktax_arrival {
	KTAX_ARRIVAL_LINK,      /* given to the driver by the peer on this host; or not known */
	KTAX_ARRIVAL_UNSTAMPED, /* interrupt of a NIC; the packet has no stamp */
	KTAX_ARRIVAL_REFUSED,   /* interrupt of a NIC; the packet's stamp cannot be right */
	KTAX_ARRIVAL_STAMP,     /* the NIC's stamp */
};

enum ktax_connection_state {
	KTAX_IDLE,     /* no request */
	KTAX_READABLE, /* bytes have arrived, nobody read them */
	KTAX_OPEN,     /* read, not answered */
	KTAX_SENT,     /* at least part of the response has left */
	KTAX_FINISHING,
	KTAX_IGNORED, /* read by a process that is not a target */
};

/* What the light hook set keeps of a connection besides: the socket's own counters. */
struct ktax_light {
	__u64 left_ns;         /* the owner turned to another request, 0: it has not; */
	__u64 left_blocked_ns; /* its off-CPU clocks then */
	__u64 left_runnable_ns;
	__u64 sent_ns; /* the last send call, and the socket's counters at its begin: */
	__u64 payload; /* bytes sent before the response */
	__u64 left;    /* bytes that the call still has to write */
	__u32 write_seq;
	__u32 segs_out;
	__u32 data_segs_out;
	__u32 retransmits;
	__u32 room;       /* segments that may be sent at once */
	__u32 segs_in;    /* when the last copy to user space began, */
	__u32 acks_out;   /* and segs_out */
	__u32 copied_seq; /* first byte of the request */
	__u8 copying;     /* the end of that copy has not been posted */
	__u8 stamped;     /* the end of the response was seen */
	__u8 pad[6];
};

struct ktax_connection {
	/* What every event looks at stands together: connections are cold in the cache. */
	__u64 sock;       /* address of the socket */
	__u32 generation; /* of this slot */
	__u32 state;      /* enum ktax_connection_state */
	__u32 request;    /* counts requests of this slot */
	__u32 epoch;
	__u32 endpoint;
	__u32 owner; /* tid of the thread whose time counts */
	__u32 in_use;
	__u32 locked; /* somebody is at the ledger (full set) */
	__u32 flags;
	__u64 start_ns;    /* first byte of the request reached the host */
	__u64 posted_ns;   /* the ledger is posted up to here */
	__u64 end_ns;      /* last byte of the response that has left so far */
	__u64 readable_ns; /* first byte of the request became readable */
	__u64 account_ns[KTAX_NACCOUNTS];
	/* Off-CPU clocks of the owner when it turned to another connection. */
	__u64 pause_blocked_ns;
	__u64 pause_runnable_ns;
	__u64 bytes_in;
	__u64 bytes_out;
	__u32 sent_seq;   /* TCP sequence after the last byte given to the driver */
	__u32 queued_seq; /* the same for the queueing discipline, where that is hooked */
	__u32 tid_read;
	__u32 tid_write;
	__u32 batch;
	__u16 samples_user;
	__u16 samples_kernel;
	__u16 peer_port;
	__u8 sent_seq_valid;
	__u8 send_blocked;  /* last send found the send buffer full */
	__u8 protocol;      /* enum ktax_protocol, 0: not looked at yet */
	__u8 framing_quiet; /* reads in a row that held one message */
	__u8 on_nic;        /* the last segment was given to a NIC, which has not let go of it */
	__u8 arrival;       /* enum ktax_arrival: what start_ns is */
	__u32 framing_skip; /* bytes of the message at hand that are still to be read */
	__u32 framing_arguments; /* and its arguments */
	struct ktax_light light;
};

_Static_assert(sizeof(struct ktax_listener) == 24, "listener");
_Static_assert(sizeof(struct ktax_connection) % 8 == 0, "connection");

#endif
