/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What is known of a host that decides on latency, bypass and measuring: facts, no judgement.
 * collector/audit/ reads them, analyze/readiness/readiness.h judges them. Plain data without pointers.
 *
 * Every fact is known or not; where it is not, error is the reason: -ENOENT (there is no such
 * thing here), -EACCES or -EPERM (not for this user), -EBADMSG (not understood), -EXDEV (/sys
 * shows another network namespace), 0: was not looked at. A zeroed struct knows nothing.
 */
#ifndef KTAX_HOST_FACTS_H
#define KTAX_HOST_FACTS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define FACTS_NODES_MAX 16 /* NUMA nodes that are looked at */

struct fact {
	int64_t value;
	bool known;
	int error; /* negative errno */
};

struct fact_text {
	char text[96]; /* without control characters, cut off where it is longer */
	bool known;
	int error;
};

enum nic_kind {
	NIC_LOOPBACK,
	NIC_VIRTUAL,  /* veth, bridge, bond, tunnel: no device behind it */
	NIC_HARDWARE, /* has a device, emulated ones included */
};

/* As in the kernel's uapi/linux/netdev.h (since Linux 6.3). */
enum nic_xdp_feature {
	NIC_XDP_BASIC = 1 << 0,
	NIC_XDP_REDIRECT = 1 << 1,
	NIC_XDP_NDO_XMIT = 1 << 2,
	NIC_XDP_XSK_ZEROCOPY = 1 << 3,
	NIC_XDP_HW_OFFLOAD = 1 << 4,
	NIC_XDP_RX_SG = 1 << 5,
	NIC_XDP_NDO_XMIT_SG = 1 << 6,
};

struct nic_facts {
	char name[16];
	bool default_route; /* it was not named: it carries the default route */
	struct fact kind;   /* enum nic_kind */
	struct fact_text driver;
	struct fact_text bus;   /* "0000:01:00.0" */
	struct fact_text lower; /* an interface that this one is made of: eth0 for bond0, eth0.7 */
	struct fact up;
	struct fact speed_mbps;
	struct fact mtu;
	struct fact node; /* NUMA; < 0: none */
	struct fact rx_queues, tx_queues;
	struct fact channels, channels_max; /* combined, or those of the receiving side */
	struct fact channels_combined;      /* which of the two */
	struct fact rss_rings;              /* receive rings that packets are spread over */
	struct fact rss_entries;            /* of the indirection table */
	struct fact rxhash;
	struct fact ring_rx, ring_rx_max, ring_tx, ring_tx_max;
	struct fact rx_usecs, adaptive_rx;
	struct fact gro, lro, ntuple;
	struct fact rps; /* receive queues that hand packets to other CPUs in software */
	struct fact napi_defer_hard_irqs, gro_flush_timeout_ns;
	struct fact xdp_features; /* set of enum nic_xdp_feature, as the kernel says itself */
	struct fact xdp_program;  /* id of the one that is attached, 0: none */
	struct fact rx_stamps, tx_stamps; /* whether the hardware can */
	struct fact stamping;             /* receive stamps are switched on */
	struct fact phc;                  /* number of its PTP clock, < 0: none */
	struct fact irqs;                 /* interrupts of its device that are its queues' */
	struct fact irqs_loose;           /* that may go to more than one CPU */
	struct fact irq_cpus;             /* distinct CPUs they go to */
	struct fact irqs_remote;          /* that go to another node than the NIC's */
	struct fact irqs_isolated;        /* that go to isolated CPUs */
	struct fact_text iommu_group;     /* number; known: its device is behind an IOMMU */
	struct fact pmd_installed;        /* DPDK's library for it; see pmd_library */
};

struct cpu_facts {
	struct fact online, allowed; /* allowed: that this process may run on */
	struct fact nodes;
	struct fact smt;
	struct fact isolated, nohz_full, rcu_nocbs; /* number of CPUs */
	struct fact isolated_near;                  /* of the isolated: on the NIC's node */
	struct fact_text isolated_list;
	struct fact_text scaling_driver;
	struct fact_text governor;    /* of the first CPU that has not "performance", or that */
	struct fact governed;         /* CPUs with a governor */
	struct fact governed_slow;    /* of these, with another one than performance */
	struct fact_text idle_driver; /* of cpuidle */
	struct fact_text idle_state;  /* deepest one that is enabled */
	struct fact idle_exit_us;     /* what it takes to leave that */
	struct fact dma_latency_us;   /* what /dev/cpu_dma_latency holds it to now */
	struct fact turbo;            /* enabled */
	struct fact mitigated;        /* vulnerabilities that are mitigated, at a cost */
	struct fact_text mitigations; /* their names */
	struct fact steal_ppm;        /* of all CPU time since boot */
	struct fact_text hypervisor;  /* product name; known and "": none */
	struct fact_text clocksource;
	struct fact rt_runtime_us; /* of a second, for real-time threads; -1: no limit */
	struct fact numa_balancing;
	struct fact quota_pct; /* cgroup limit, of one CPU; 0: none */
};

struct memory_node_facts {
	int node;
	struct fact pages_2m, free_2m, pages_1g, free_1g;
};

struct memory_facts {
	struct fact_text thp; /* the word in brackets: always, madvise, never */
	struct fact nodes;    /* in node[] */
	struct memory_node_facts node[FACTS_NODES_MAX];
	struct fact hugetlbfs; /* is mounted */
};

/* Options of the kernel's configuration that matter here: 1 built in, 2 a module, 0 not set. */
enum kernel_option {
	KERNEL_DEBUG_INFO_BTF,
	KERNEL_XDP_SOCKETS,
	KERNEL_BPF_SYSCALL,
	KERNEL_KPROBES,
	KERNEL_DIRECT_CALLS, /* DYNAMIC_FTRACE_WITH_DIRECT_CALLS: what fentry attaches by */
	KERNEL_BUSY_POLL,
	KERNEL_NO_HZ_FULL,
	KERNEL_RCU_NOCB,
	KERNEL_VFIO_PCI,
	KERNEL_UIO_PCI,
	KERNEL_HUGETLBFS,
	KERNEL_IO_URING,
	KERNEL_NOPTIONS,
};

struct kernel_facts {
	struct fact version; /* 6.1 is 6001 */
	struct fact option[KERNEL_NOPTIONS];
	struct fact btf;            /* /sys/kernel/btf/vmlinux is there */
	struct fact io_uring;       /* this process may use it */
	struct fact xdp_socket;     /* one could be made */
	struct fact tp_btf, fentry; /* such a program could be loaded (fentry: attached) */
	struct fact kprobe;         /* the kernel has the event source */
	struct fact bpf_jit;
	struct fact busy_poll_us, busy_read_us;
	struct fact io_uring_disabled; /* 0 no, 1 for some, 2 for all */
	struct fact iommus;
	struct fact vfio_pci; /* 0 not there, 1 a module to load, 2 ready */
	struct fact uio_pci;  /* uio_pci_generic, the same */
	struct fact noiommu;  /* vfio's enable_unsafe_noiommu_mode */
};

struct process_facts {
	struct fact capabilities, capability_bound; /* bit sets */
	struct fact memlock_bytes;                  /* -1: no limit */
	struct fact seccomp;                        /* mode: 0 none, 2 filter */
	struct fact user_namespace;                 /* root here is not root of the host */
	struct fact_text container;                 /* its kind; known and "": none found */
};

struct service_facts {
	struct fact irqbalance;      /* runs */
	struct fact_text ptp_daemon; /* ptp4l, phc2sys; known and "": none runs */
	struct fact synchronized;    /* the kernel's clock is, says whoever disciplines it */
	struct fact clock_error_us;  /* at most */
};

struct host_facts {
	char hostname[65], release[65];
	struct fact superuser;
	struct nic_facts nic;
	struct cpu_facts cpu;
	struct memory_facts memory;
	struct kernel_facts kernel;
	struct process_facts process;
	struct service_facts service;
};

static inline struct fact fact_known(int64_t value)
{
	return (struct fact){ .value = value, .known = true };
}

static inline struct fact fact_error(int error)
{
	return (struct fact){ .error = error };
}

#endif
