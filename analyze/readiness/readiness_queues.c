// SPDX-License-Identifier: GPL-2.0
/* Checks of queues, rings and interrupts: what tunes the way from the NIC to the stack. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "readiness_check.h"

#define RING_WANTED     1024 /* frames: at 1 Mpps a millisecond */
#define COALESCING_MOST 10   /* us */

static bool no_interface(const struct nic_facts *nic, struct readiness_row *row)
{
	if (nic->name[0])
		return false;
	row_unknown(row, "no default route: name an interface with --iface");
	return true;
}

/* What only a device has; of an interface without one nothing is to be said. */
static bool no_device(const struct nic_facts *nic, struct readiness_row *row)
{
	if (no_interface(nic, row))
		return true;
	if (!nic->kind.known || nic->kind.value == NIC_HARDWARE)
		return false;
	row_unknown(row, "%s has no device", nic->name);
	return true;
}

static int64_t least(int64_t a, int64_t b)
{
	return a < b ? a : b;
}

/* ---- Queues ---------------------------------------------------------------------------------- */

static void check_queues(const struct host_facts *facts, struct readiness_row *row)
{
	const struct nic_facts *nic = &facts->nic;
	int64_t cpus = facts->cpu.online.known ? facts->cpu.online.value : 1, wanted;

	if (no_interface(nic, row))
		return;
	if (!nic->channels.known || !nic->channels_max.known) {
		if (nic->rx_queues.known && nic->kind.value != NIC_LOOPBACK)
			return row_unknown(row,
			                   "%lld to receive; the driver does not say how many "
			                   "there could be",
			                   (long long)nic->rx_queues.value);
		return row_unread(row, nic->channels.error, NULL);
	}
	wanted = least(cpus, nic->channels_max.value);
	if (nic->channels.value >= wanted)
		return row_ok(row, "%lld of at most %lld, for %lld CPUs",
		              (long long)nic->channels.value, (long long)nic->channels_max.value,
		              (long long)cpus);
	row_warn(row, "%lld of at most %lld, for %lld CPUs", (long long)nic->channels.value,
	         (long long)nic->channels_max.value, (long long)cpus);
	row_fix(row, "ethtool -L %s %s %lld", nic->name,
	        nic->channels_combined.value ? "combined" : "rx", (long long)wanted);
}

/* Queues that packets arrive on, 0 where that is not known. */
static int64_t queues(const struct nic_facts *nic)
{
	return nic->channels.known ? nic->channels.value : nic->rx_queues.value;
}

static void check_rss(const struct host_facts *facts, struct readiness_row *row)
{
	const struct nic_facts *nic = &facts->nic;

	if (no_device(nic, row))
		return;
	if (queues(nic) == 1)
		return row_ok(row, "one queue: nothing to spread");
	if (!nic->rxhash.known)
		return row_unread(row, nic->rxhash.error, NULL);
	if (!nic->rxhash.value) {
		row_warn(row, "the NIC hands no hash to the kernel");
		return row_fix(row, "ethtool -K %s rxhash on", nic->name);
	}
	if (!nic->rss_entries.known)
		return row_unread(row, nic->rss_entries.error, NULL);
	if (!nic->rss_entries.value)
		return row_unknown(row, "the driver shows no indirection table");
	row_ok(row, "over %lld rings, %lld entries", (long long)queues(nic),
	       (long long)nic->rss_entries.value);
}

static void check_flow_steering(const struct host_facts *facts, struct readiness_row *row)
{
	const struct nic_facts *nic = &facts->nic;

	if (no_device(nic, row))
		return;
	if (queues(nic) == 1)
		return row_ok(row, "one queue: all packets arrive there");
	if (!nic->ntuple.known)
		return row_unread(row, nic->ntuple.error, NULL);
	if (nic->ntuple.value)
		return row_ok(row, "ntuple filters are on");
	row_warn(row, "ntuple filters are off, or the NIC has none");
	row_fix(row, "ethtool -K %s ntuple on", nic->name);
}

/* ---- Rings and offloads ---------------------------------------------------------------------- */

static void check_ring_size(const struct host_facts *facts, struct readiness_row *row)
{
	const struct nic_facts *nic = &facts->nic;
	int64_t wanted;

	if (no_device(nic, row))
		return;
	if (!nic->ring_rx.known || !nic->ring_rx_max.known)
		return row_unread(row, nic->ring_rx.error, NULL);
	wanted = least(RING_WANTED, nic->ring_rx_max.value);
	if (nic->ring_rx.value >= wanted)
		return row_ok(row, "%lld to receive, of at most %lld",
		              (long long)nic->ring_rx.value, (long long)nic->ring_rx_max.value);
	row_warn(row, "%lld to receive, of at most %lld", (long long)nic->ring_rx.value,
	         (long long)nic->ring_rx_max.value);
	row_fix(row, "ethtool -G %s rx %lld", nic->name, (long long)wanted);
}

static void check_coalescing(const struct host_facts *facts, struct readiness_row *row)
{
	const struct nic_facts *nic = &facts->nic;
	bool adaptive = nic->adaptive_rx.known && nic->adaptive_rx.value;

	if (no_device(nic, row))
		return;
	if (!nic->rx_usecs.known)
		return row_unread(row, nic->rx_usecs.error, NULL);
	if (!adaptive && nic->rx_usecs.value <= COALESCING_MOST)
		return row_ok(row, "an interrupt waits %lld us at most",
		              (long long)nic->rx_usecs.value);
	row_warn(row, "an interrupt waits %lld us%s", (long long)nic->rx_usecs.value,
	         adaptive ? ", and the driver changes that with the load (adaptive)" : "");
	row_fix(row, "ethtool -C %s%s rx-usecs 0", nic->name, adaptive ? " adaptive-rx off" : "");
}

static void check_gro(const struct host_facts *facts, struct readiness_row *row)
{
	const struct nic_facts *nic = &facts->nic;

	if (no_interface(nic, row))
		return;
	if (!nic->gro.known)
		return row_unread(row, nic->gro.error, NULL);
	if (nic->gro.value)
		return row_ok(row, "on: segments that arrive together pass the stack as one");
	row_warn(row, "off: every segment passes the stack by itself");
	row_fix(row, "ethtool -K %s gro on", nic->name);
}

static void check_lro(const struct host_facts *facts, struct readiness_row *row)
{
	const struct nic_facts *nic = &facts->nic;

	if (no_interface(nic, row))
		return;
	if (!nic->lro.known)
		return row_unread(row, nic->lro.error, NULL);
	if (!nic->lro.value)
		return row_ok(row, "off");
	row_warn(row, "on: the NIC holds packets back to join them");
	row_fix(row, "ethtool -K %s lro off", nic->name);
}

/* ---- Interrupts ------------------------------------------------------------------------------ */

static void fix_affinity(const struct host_facts *facts, struct readiness_row *row)
{
	const struct nic_facts *nic = &facts->nic;
	long long cpus = facts->cpu.online.value > 0 ? facts->cpu.online.value : 1;

	if (!nic->bus.known)
		return row_fix(row,
		               "for each line of 'grep %s /proc/interrupts': "
		               "echo CPU > /proc/irq/NUMBER/smp_affinity_list",
		               nic->name);
	row_fix(row,
	        "c=0; for i in $(ls /sys/bus/pci/devices/%s/msi_irqs); do echo $((c++ %% %lld)) > "
	        "/proc/irq/$i/smp_affinity_list; done",
	        nic->bus.text, cpus);
}

static void check_irq_affinity(const struct host_facts *facts, struct readiness_row *row)
{
	const struct nic_facts *nic = &facts->nic;
	long long n = nic->irqs.value;

	if (no_device(nic, row))
		return;
	if (!nic->irqs.known)
		return row_unread(row, nic->irqs.error, "its device shows no interrupts");
	if (!n)
		return row_unknown(row, "its device has no interrupts that are in use");
	if (nic->irqs_remote.known && nic->irqs_remote.value)
		row_warn(row, "%lld of %lld go to another NUMA node than the NIC's",
		         (long long)nic->irqs_remote.value, n);
	else if (nic->irqs_loose.value)
		row_warn(row, "%lld of %lld may go to more than one CPU",
		         (long long)nic->irqs_loose.value, n);
	else if (n > 2 && nic->irq_cpus.value == 1 && facts->cpu.online.value > 1)
		row_warn(row, "all %lld go to one CPU", n);
	else
		return row_ok(row, "%lld, each pinned, on %lld CPUs", n,
		              (long long)nic->irq_cpus.value);
	fix_affinity(facts, row);
}

static void check_irqs_isolated(const struct host_facts *facts, struct readiness_row *row)
{
	const struct nic_facts *nic = &facts->nic;

	if (no_device(nic, row))
		return;
	if (!nic->irqs_isolated.known)
		return row_unread(row, nic->irqs_isolated.error, "its device shows no interrupts");
	if (!nic->irqs_isolated.value)
		return row_ok(row, "none of the NIC's");
	row_warn(row, "%lld of the NIC's go to isolated CPUs", (long long)nic->irqs_isolated.value);
	fix_affinity(facts, row);
}

static void check_irqbalance(const struct host_facts *facts, struct readiness_row *row)
{
	const struct fact *runs = &facts->service.irqbalance;

	if (!runs->known)
		return row_unread(row, runs->error, NULL);
	if (!runs->value)
		return row_ok(row, "does not run");
	row_warn(row, "runs: it moves interrupts every 10 s");
	row_fix(row, "systemctl disable --now irqbalance");
}

static void check_napi_defer(const struct host_facts *facts, struct readiness_row *row)
{
	const struct nic_facts *nic = &facts->nic;

	if (no_interface(nic, row))
		return;
	if (!nic->napi_defer_hard_irqs.known || !nic->gro_flush_timeout_ns.known)
		return row_unread(row, nic->napi_defer_hard_irqs.error, NULL);
	if (!nic->napi_defer_hard_irqs.value && !nic->gro_flush_timeout_ns.value)
		return row_ok(row, "both are 0");
	row_warn(row, "napi_defer_hard_irqs %lld, gro_flush_timeout %lld ns",
	         (long long)nic->napi_defer_hard_irqs.value,
	         (long long)nic->gro_flush_timeout_ns.value);
	row_fix(row,
	        "echo 0 > /sys/class/net/%s/napi_defer_hard_irqs; echo 0 > "
	        "/sys/class/net/%s/gro_flush_timeout",
	        nic->name, nic->name);
}

static void check_rps(const struct host_facts *facts, struct readiness_row *row)
{
	const struct nic_facts *nic = &facts->nic;

	if (no_interface(nic, row))
		return;
	if (!nic->rps.known)
		return row_unread(row, nic->rps.error, NULL);
	if (!nic->rps.value)
		return row_ok(row, "off");
	row_warn(row, "on for %lld queues", (long long)nic->rps.value);
	row_fix(row, "for q in /sys/class/net/%s/queues/rx-*; do echo 0 > $q/rps_cpus; done",
	        nic->name);
}

#define GROUP  "queues"
#define KERNEL READINESS_TUNING

const struct readiness_check readiness_queue_checks[] = {
	{ "queues", GROUP, KERNEL | READINESS_AF_XDP | READINESS_DPDK, check_queues,
	  "as many as CPUs, or as the NIC has",
	  "each queue is served by one CPU; an AF_XDP socket takes one for itself",
	  "ethtool(8), -L; Linux, Documentation/networking/scaling.rst" },
	{ "rss", GROUP, KERNEL, check_rss, "packets spread over all queues by a hash",
	  "without it all packets arrive on one queue and one CPU",
	  "Linux, Documentation/networking/scaling.rst" },
	{ "flow_steering", GROUP, READINESS_AF_XDP, check_flow_steering,
	  "filters that send a flow to a queue",
	  "an AF_XDP socket sees only its own queue: the traffic has to be sent there",
	  "ethtool(8), -N; Linux, Documentation/networking/af_xdp.rst" },
	{ "ring_size", GROUP, KERNEL | READINESS_AF_XDP, check_ring_size, "1024 or more to receive",
	  "what arrives while the CPU is busy elsewhere is lost once the ring is full",
	  "ethtool(8), -G" },
	{ "coalescing", GROUP, KERNEL, check_coalescing, "fixed, and at most 10 us",
	  "an interrupt that waits for more packets is latency of the first one",
	  "ethtool(8), -C" },
	{ "gro", GROUP, KERNEL, check_gro, "on",
	  "it saves CPU time per packet; a veth also polls (NAPI) only with it", "ethtool(8), -K" },
	{ "lro", GROUP, KERNEL | READINESS_AF_XDP, check_lro, "off",
	  "packets wait in the NIC for the next one, and drivers refuse XDP with it",
	  "ethtool(8), -K" },
	{ "irq_affinity", GROUP, KERNEL | READINESS_AF_XDP, check_irq_affinity,
	  "each on one CPU, of the NIC's node",
	  "an interrupt that moves finds cold caches, and no thread can be placed next to it",
	  "Linux, Documentation/core-api/irq/irq-affinity.rst" },
	{ "irqs_isolated", GROUP, READINESS_AF_XDP | READINESS_DPDK, check_irqs_isolated,
	  "no interrupts on isolated CPUs",
	  "a polling core is isolated so that nothing interrupts it",
	  "Linux, Documentation/admin-guide/kernel-parameters.txt, isolcpus" },
	{ "irqbalance", GROUP, KERNEL | READINESS_AF_XDP, check_irqbalance, "not running",
	  "it undoes any placement of interrupts", "irqbalance(1)" },
	{ "napi_defer", GROUP, KERNEL | READINESS_AF_XDP | READINESS_ATTRIBUTION, check_napi_defer,
	  "0, unless the application busy-polls",
	  "interrupts are put off for a poller; where none polls, packets wait for the timer",
	  "Linux, Documentation/networking/napi.rst" },
	{ "rps", GROUP, KERNEL, check_rps, "off where the NIC has queues enough",
	  "handing a packet to another CPU takes an interrupt between them and a wakeup",
	  "Linux, Documentation/networking/scaling.rst" },
	{ 0 },
};
