/* SPDX-License-Identifier: GPL-2.0 */
/* The readers, one file per part of struct host_facts. None fails: what is not read is unknown. */
#ifndef KTAX_AUDIT_INTERNAL_H
#define KTAX_AUDIT_INTERNAL_H

#include "audit.h"
#include "source.h"

struct audit {
	struct source source;
	const struct audit_options *options;
	struct cpu_list isolated, near; /* near: CPUs of the NIC's node */
	bool near_known;
};

/* The interface of the default route into @ret_name; -ENOENT. */
int audit_default_interface(const struct source *source, char ret_name[16]);
/* @nic->name is set. -ENODEV. */
int audit_nic(struct audit *audit, struct nic_facts *nic);
void audit_nic_irqs(const struct audit *audit, struct nic_facts *nic);
/* Ring sizes, channels, coalescing, offloads, stamps: by ethtool's ioctl. Live only. */
void audit_nic_ethtool(struct nic_facts *nic);
/* XDP features and program: by netlink. Live only. */
void audit_nic_netlink(struct nic_facts *nic, unsigned index);
void audit_cpu(struct audit *audit, struct cpu_facts *cpu);
void audit_memory(const struct audit *audit, struct memory_facts *memory);
void audit_kernel(const struct audit *audit, struct kernel_facts *kernel);
/* What only a trial tells: BPF programs, an AF_XDP socket. Live only. */
void audit_kernel_trials(struct kernel_facts *kernel);
void audit_process(const struct audit *audit, struct process_facts *process);
void audit_services(const struct audit *audit, struct service_facts *service);

#endif
