// SPDX-License-Identifier: GPL-2.0
/* The checks of ktax doctor on made-up facts: hosts on which all is well, nothing is, or unknown.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "driver_table.h"
#include "host_facts.h"
#include "readiness.h"

#define ALL_CAPABILITIES 0x1ffffffffffLL

static struct fact_text text(const char *value)
{
	struct fact_text fact = { .known = true };

	snprintf(fact.text, sizeof(fact.text), "%s", value);
	return fact;
}

/* ---- Hosts -------------------------------------------------------------------------------------
 */

static void good_nic(struct nic_facts *nic)
{
	*nic = (struct nic_facts){
		.name = "eth0",
		.kind = fact_known(NIC_HARDWARE),
		.driver = text("ixgbe"),
		.bus = text("0000:01:00.0"),
		.lower = text(""),
		.up = fact_known(1),
		.speed_mbps = fact_known(10000),
		.mtu = fact_known(1500),
		.node = fact_known(0),
		.rx_queues = fact_known(8),
		.channels = fact_known(8),
		.channels_max = fact_known(64),
		.channels_combined = fact_known(1),
		.rss_rings = fact_known(8),
		.rss_entries = fact_known(128),
		.rxhash = fact_known(1),
		.ring_rx = fact_known(1024),
		.ring_rx_max = fact_known(4096),
		.rx_usecs = fact_known(1),
		.adaptive_rx = fact_known(0),
		.gro = fact_known(1),
		.lro = fact_known(0),
		.ntuple = fact_known(1),
		.rps = fact_known(0),
		.napi_defer_hard_irqs = fact_known(0),
		.gro_flush_timeout_ns = fact_known(0),
		.xdp_features = fact_known(NIC_XDP_BASIC | NIC_XDP_REDIRECT | NIC_XDP_XSK_ZEROCOPY),
		.xdp_program = fact_known(0),
		.rx_stamps = fact_known(1),
		.tx_stamps = fact_known(1),
		.stamping = fact_known(1),
		.phc = fact_known(0),
		.irqs = fact_known(8),
		.irqs_loose = fact_known(0),
		.irq_cpus = fact_known(8),
		.irqs_remote = fact_known(0),
		.irqs_isolated = fact_known(0),
		.iommu_group = text("12"),
		.pmd_installed = fact_known(1),
	};
}

static void good_cpu(struct cpu_facts *cpu)
{
	*cpu = (struct cpu_facts){
		.online = fact_known(8),
		.allowed = fact_known(8),
		.nodes = fact_known(1),
		.smt = fact_known(0),
		.isolated = fact_known(2),
		.isolated_near = fact_known(2),
		.isolated_list = text("6-7"),
		.nohz_full = fact_known(2),
		.rcu_nocbs = fact_known(2),
		.governor = text("performance"),
		.governed = fact_known(8),
		.governed_slow = fact_known(0),
		.idle_state = text("C1"),
		.idle_exit_us = fact_known(2),
		.dma_latency_us = fact_known(0),
		.turbo = fact_known(0),
		.mitigated = fact_known(0),
		.mitigations = text(""),
		.steal_ppm = fact_known(0),
		.hypervisor = text(""),
		.clocksource = text("tsc"),
		.rt_runtime_us = fact_known(-1),
		.numa_balancing = fact_known(0),
		.quota_pct = fact_known(0),
	};
}

static void good_kernel(struct kernel_facts *kernel)
{
	*kernel = (struct kernel_facts){
		.version = fact_known(6012),
		.btf = fact_known(1),
		.xdp_socket = fact_known(1),
		.tp_btf = fact_known(1),
		.fentry = fact_known(1),
		.kprobe = fact_known(1),
		.bpf_jit = fact_known(1),
		.busy_poll_us = fact_known(50),
		.busy_read_us = fact_known(50),
		.io_uring = fact_known(1),
		.io_uring_disabled = fact_known(0),
		.iommus = fact_known(1),
		.vfio_pci = fact_known(2),
		.uio_pci = fact_known(0),
	};
	for (int i = 0; i < KERNEL_NOPTIONS; i++)
		kernel->option[i] = fact_known(1);
}

static void good_host(struct host_facts *facts)
{
	memset(facts, 0, sizeof(*facts));
	snprintf(facts->hostname, sizeof(facts->hostname), "good");
	snprintf(facts->release, sizeof(facts->release), "6.12.1");
	facts->superuser = fact_known(1);
	good_nic(&facts->nic);
	good_cpu(&facts->cpu);
	facts->memory.thp = text("madvise");
	facts->memory.nodes = fact_known(1);
	facts->memory.node[0].free_2m = fact_known(512);
	facts->memory.node[0].free_1g = fact_known(0);
	facts->memory.hugetlbfs = fact_known(1);
	good_kernel(&facts->kernel);
	facts->process.capabilities = fact_known(ALL_CAPABILITIES);
	facts->process.capability_bound = fact_known(ALL_CAPABILITIES);
	facts->process.memlock_bytes = fact_known(-1);
	facts->process.seccomp = fact_known(0);
	facts->process.user_namespace = fact_known(0);
	facts->process.container = text("");
	facts->service.irqbalance = fact_known(0);
	facts->service.ptp_daemon = text("ptp4l");
	facts->service.synchronized = fact_known(1);
	facts->service.clock_error_us = fact_known(10);
}

/* All that can be wrong at once, as far as one thing does not hide another. */
static void bad_host(struct host_facts *facts)
{
	good_host(facts);
	facts->nic.up = fact_known(0);
	facts->nic.xdp_features = fact_known(0);
	facts->nic.xdp_program = fact_known(17);
	facts->nic.mtu = fact_known(9000);
	facts->nic.driver = text("i40e");
	facts->nic.pmd_installed = fact_known(0);
	facts->nic.iommu_group = (struct fact_text){ .error = -ENOENT };
	facts->nic.channels = fact_known(0); /* of one CPU, two would do */
	facts->nic.rxhash = facts->nic.ntuple = facts->nic.gro = fact_known(0);
	facts->nic.ring_rx = fact_known(128);
	facts->nic.rx_usecs = fact_known(50);
	facts->nic.adaptive_rx = facts->nic.lro = facts->nic.rps = fact_known(1);
	facts->nic.irqs_loose = facts->nic.irqs_isolated = fact_known(8);
	facts->nic.napi_defer_hard_irqs = fact_known(2);
	facts->nic.stamping = fact_known(0);
	facts->service.ptp_daemon = text("");
	facts->service.irqbalance = fact_known(1);
	facts->service.synchronized = fact_known(0);
	facts->cpu.nodes = fact_known(2);
	facts->cpu.isolated_near = fact_known(0);
	facts->cpu.online = facts->cpu.allowed = fact_known(1);
	facts->cpu.smt = facts->cpu.turbo = facts->cpu.numa_balancing = fact_known(1);
	facts->cpu.nohz_full = facts->cpu.rcu_nocbs = fact_known(0);
	facts->cpu.governor = text("powersave");
	facts->cpu.governed_slow = fact_known(8);
	facts->cpu.idle_exit_us = fact_known(133);
	facts->cpu.dma_latency_us = fact_known(2000000000);
	facts->cpu.mitigated = fact_known(3);
	facts->cpu.steal_ppm = fact_known(20000);
	facts->cpu.hypervisor = text("ACME");
	facts->cpu.clocksource = text("hpet");
	facts->cpu.rt_runtime_us = fact_known(950000);
	facts->cpu.quota_pct = fact_known(150);
	facts->memory.thp = text("always");
	facts->memory.node[0].free_2m = fact_known(0);
	facts->memory.hugetlbfs = fact_known(0);
	facts->process.memlock_bytes = fact_known(65536);
	facts->process.capabilities = facts->process.capability_bound = fact_known(0);
	facts->process.seccomp = fact_known(2);
	facts->process.user_namespace = fact_known(1);
	facts->process.container = text("docker");
	facts->kernel.btf = facts->kernel.xdp_socket = facts->kernel.kprobe = fact_known(0);
	facts->kernel.bpf_jit = fact_known(0);
	facts->kernel.version = fact_known(5003);
	facts->kernel.tp_btf = facts->kernel.fentry = fact_error(-EPERM);
	facts->kernel.busy_poll_us = facts->kernel.busy_read_us = fact_known(0);
	facts->kernel.io_uring_disabled = fact_known(2);
	facts->kernel.iommus = facts->kernel.vfio_pci = fact_known(0);
	facts->kernel.option[KERNEL_VFIO_PCI] = facts->kernel.option[KERNEL_UIO_PCI] =
		fact_known(0);
}

static struct readiness *evaluate(const struct host_facts *facts)
{
	static struct readiness readiness;

	readiness_evaluate(facts, &readiness);
	return &readiness;
}

static const struct readiness_row *row_of(const struct host_facts *facts, const char *check)
{
	const struct readiness_row *row = readiness_find(evaluate(facts), check);

	if (!row)
		fail_msg("there is no check %s", check);
	return row;
}

static void is(const struct host_facts *facts, const char *check, enum readiness_status status)
{
	const struct readiness_row *row = row_of(facts, check);

	if (row->status != status)
		fail_msg("%s is %s: %s", check, readiness_status_name[row->status], row->found);
}

/* ---- All of them
 * --------------------------------------------------------------------------------- */

static void on_a_good_host_all_is_fine(void **state)
{
	static struct host_facts facts;
	const struct readiness *readiness;

	good_host(&facts);
	readiness = evaluate(&facts);
	assert_true(readiness->n >= 25);
	for (size_t i = 0; i < readiness->n; i++)
		is(&facts, readiness->rows[i].check, READINESS_OK);
	assert_int_equal(readiness_blocked(readiness, READINESS_ALL), 0);
	assert_null(readiness_next_fix(readiness, READINESS_ALL, NULL));
}

static void on_a_bad_host_nothing_is(void **state)
{
	static struct host_facts facts;
	const struct readiness *readiness;

	bad_host(&facts);
	readiness = evaluate(&facts);
	for (size_t i = 0; i < readiness->n; i++) {
		const struct readiness_row *row = &readiness->rows[i];

		/* What a table of its own or the good facts keep fine. */
		if (!strcmp(row->check, "driver") || !strcmp(row->check, "isolcpus"))
			continue;
		if (row->status != READINESS_WARN && row->status != READINESS_FAIL)
			fail_msg("%s is %s: %s", row->check, readiness_status_name[row->status],
			         row->found);
	}
	assert_int_equal(readiness_blocked(readiness, READINESS_ALL),
	                 READINESS_ALL & ~READINESS_TUNING);
}

/* Whoever has not looked must not say that all is well. */
static void what_is_not_known_is_never_fine(void **state)
{
	static struct host_facts facts;
	const struct readiness *readiness = evaluate(&facts);

	snprintf(facts.nic.name, sizeof(facts.nic.name), "eth0");
	for (int with_name = 0; with_name < 2; with_name++) {
		readiness = evaluate(&facts);
		for (size_t i = 0; i < readiness->n; i++)
			is(&facts, readiness->rows[i].check, READINESS_UNKNOWN);
		assert_int_equal(readiness_blocked(readiness, READINESS_ALL), 0);
		facts.nic.name[0] = '\0';
	}
}

static void every_row_says_all_of_it(void **state)
{
	static struct host_facts facts;
	const struct readiness *readiness;

	for (int bad = 0; bad < 2; bad++) {
		(bad ? bad_host : good_host)(&facts);
		readiness = evaluate(&facts);
		for (size_t i = 0; i < readiness->n; i++) {
			const struct readiness_row *row = &readiness->rows[i];

			assert_true(row->check[0] && row->group[0] && row->found[0]);
			assert_true(row->want[0] && row->why[0] && row->source[0]);
			assert_true(row->concerns && !(row->concerns & ~READINESS_ALL));
			assert_int_equal(row->blocks & ~row->concerns, 0);
			assert_ptr_equal(readiness_find(readiness, row->check), row);
			/* Nothing was cut off. */
			assert_true(strlen(row->found) < sizeof(row->found) - 1);
			assert_true(strlen(row->want) < sizeof(row->want) - 1);
			assert_true(strlen(row->why) < sizeof(row->why) - 1);
			assert_true(strlen(row->fix) < sizeof(row->fix) - 1);
			assert_true(strlen(row->source) < sizeof(row->source) - 1);
			if (row->status == READINESS_OK)
				assert_string_equal(row->fix, "");
		}
	}
}

static void fixes_are_listed_by_what_they_concern(void **state)
{
	static struct host_facts facts;
	const struct readiness *readiness;
	const struct readiness_row *row = NULL;
	size_t n = 0;

	good_host(&facts);
	facts.kernel.busy_poll_us = fact_known(0);
	facts.memory.node[0].free_2m = fact_known(0);
	readiness = evaluate(&facts);
	row = readiness_next_fix(readiness, READINESS_TUNING, NULL);
	assert_non_null(row);
	assert_string_equal(row->check, "busy_poll");
	assert_string_equal(row->fix, "sysctl -w net.core.busy_poll=50");
	assert_null(readiness_next_fix(readiness, READINESS_TUNING, row));
	for (row = NULL; (row = readiness_next_fix(readiness, READINESS_ALL, row)); n++)
		;
	assert_int_equal(n, 2);
}

/* ---- One by one
 * ---------------------------------------------------------------------------------- */

static void the_kernels_word_on_xdp_goes_before_the_table(void **state)
{
	static struct host_facts facts;

	good_host(&facts);
	facts.nic.driver = text("e1000e"); /* never, says the table */
	is(&facts, "xdp_native", READINESS_OK);
	facts.nic.xdp_features = fact_known(0);
	is(&facts, "xdp_native", READINESS_FAIL);
	facts.nic.driver = text("ixgbe"); /* since 4.12, says the table */
	is(&facts, "xdp_native", READINESS_FAIL);
	is(&facts, "xdp_zerocopy", READINESS_WARN);
}

static void without_its_word_the_table_and_the_version_decide(void **state)
{
	static struct host_facts facts;

	good_host(&facts);
	facts.nic.xdp_features = fact_error(-ENOENT);
	facts.kernel.version = fact_known(4019);
	is(&facts, "xdp_native", READINESS_OK);
	is(&facts, "xdp_zerocopy", READINESS_WARN); /* since 4.20 */
	facts.kernel.version = fact_known(4020);
	is(&facts, "xdp_zerocopy", READINESS_OK);
	facts.nic.driver = text("e1000e");
	is(&facts, "xdp_native", READINESS_FAIL);
	facts.kernel.version = fact_known(DRIVER_TABLE_CHECKED + 1);
	is(&facts, "xdp_native", READINESS_UNKNOWN);
	facts.nic.driver = text("brandnew");
	is(&facts, "xdp_native", READINESS_UNKNOWN);
	is(&facts, "driver", READINESS_UNKNOWN);
	is(&facts, "dpdk_pmd", READINESS_UNKNOWN);
}

static void dpdk_cannot_run_without_a_driver_of_its_own(void **state)
{
	static struct host_facts facts;

	good_host(&facts);
	facts.nic.driver = text("tg3");
	is(&facts, "dpdk_pmd", READINESS_FAIL);
	assert_int_equal(readiness_blocked(evaluate(&facts), READINESS_ALL), READINESS_DPDK);
	facts.nic.driver = text("veth");
	facts.nic.kind = fact_known(NIC_VIRTUAL);
	assert_int_equal(readiness_blocked(evaluate(&facts), READINESS_ALL), READINESS_DPDK);
	/* A bond is as good as what it is made of. */
	facts.nic.driver = text("bonding");
	facts.nic.lower = text("eth0");
	is(&facts, "dpdk_pmd", READINESS_UNKNOWN);
	assert_int_equal(readiness_blocked(evaluate(&facts), READINESS_ALL), 0);
}

static void some_drivers_of_dpdk_need_neither_vfio_nor_an_iommu(void **state)
{
	static struct host_facts facts;

	good_host(&facts);
	facts.nic.iommu_group = (struct fact_text){ .error = -ENOENT };
	facts.kernel.iommus = facts.kernel.vfio_pci = fact_known(0);
	facts.kernel.option[KERNEL_VFIO_PCI] = facts.kernel.option[KERNEL_UIO_PCI] = fact_known(0);
	is(&facts, "vfio", READINESS_FAIL);
	is(&facts, "iommu", READINESS_FAIL);
	facts.nic.driver = text("mlx5_core");
	is(&facts, "vfio", READINESS_OK);
	is(&facts, "iommu", READINESS_OK);
	assert_int_equal(readiness_blocked(evaluate(&facts), READINESS_ALL), 0);
}

/* A container without /lib/modules says nothing about the kernel's modules. */
static void modules_that_could_not_be_looked_for_may_be_there(void **state)
{
	static struct host_facts facts;

	good_host(&facts);
	facts.kernel.vfio_pci = facts.kernel.uio_pci = fact_error(-ENOENT);
	is(&facts, "vfio", READINESS_UNKNOWN);
	facts.kernel.option[KERNEL_VFIO_PCI] = fact_known(2);
	is(&facts, "vfio", READINESS_UNKNOWN);
	facts.kernel.vfio_pci = fact_known(1);
	is(&facts, "vfio", READINESS_WARN);
	assert_non_null(strstr(row_of(&facts, "vfio")->fix, "vfio-pci 0000:01:00.0"));
}

static void a_lack_of_root_is_not_a_lack_of_the_host(void **state)
{
	static struct host_facts facts;

	good_host(&facts);
	facts.superuser = fact_known(0);
	facts.process.capabilities = fact_known(0);
	facts.kernel.fentry = facts.kernel.tp_btf = facts.kernel.xdp_socket = fact_error(-EPERM);
	facts.kernel.bpf_jit = fact_error(-EACCES);
	facts.cpu.dma_latency_us = fact_error(-EACCES);
	is(&facts, "capabilities", READINESS_WARN);
	is(&facts, "fentry", READINESS_UNKNOWN);
	is(&facts, "tp_btf", READINESS_UNKNOWN);
	is(&facts, "xdp_sockets", READINESS_OK); /* by the configuration */
	is(&facts, "bpf_jit", READINESS_UNKNOWN);
	assert_non_null(strstr(row_of(&facts, "bpf_jit")->found, "root"));
	assert_int_equal(readiness_blocked(evaluate(&facts), READINESS_ALL), 0);
	/* To root the same refusal is the kernel's. */
	facts.superuser = fact_known(1);
	is(&facts, "fentry", READINESS_WARN);
}

static void capabilities_are_judged_by_who_needs_them(void **state)
{
	static struct host_facts facts;
	const int64_t raw = 1LL << 13, bpf = 1LL << 39, admin = 1LL << 21;

	good_host(&facts);
	facts.process.capability_bound = fact_known(ALL_CAPABILITIES & ~raw);
	assert_int_equal(row_of(&facts, "capabilities")->blocks, READINESS_AF_XDP);
	/* CAP_SYS_ADMIN includes CAP_BPF, but record asks for that by its name. */
	facts.process.capability_bound = fact_known(ALL_CAPABILITIES & ~bpf);
	assert_int_equal(row_of(&facts, "capabilities")->blocks, READINESS_ATTRIBUTION);
	facts.process.capability_bound = fact_known(ALL_CAPABILITIES & ~bpf & ~admin);
	assert_int_equal(row_of(&facts, "capabilities")->blocks,
	                 READINESS_ATTRIBUTION | READINESS_AF_XDP);
}

static void a_limit_on_c_states_makes_deep_ones_harmless(void **state)
{
	static struct host_facts facts;

	good_host(&facts);
	facts.cpu.idle_exit_us = fact_known(133);
	is(&facts, "c_states", READINESS_OK);
	facts.cpu.dma_latency_us = fact_known(2000000000);
	is(&facts, "c_states", READINESS_WARN);
	is(&facts, "cpu_dma_latency", READINESS_WARN);
	facts.cpu.idle_exit_us = fact_known(2);
	is(&facts, "c_states", READINESS_OK);
	is(&facts, "cpu_dma_latency", READINESS_OK);
	/* A guest without states of its own: what its host does is not known. */
	facts.cpu.idle_exit_us = fact_error(-ENOENT);
	is(&facts, "c_states", READINESS_UNKNOWN);
	is(&facts, "cpu_dma_latency", READINESS_UNKNOWN);
}

static void what_a_halt_takes_is_the_hypervisors(void **state)
{
	static struct host_facts facts;

	good_host(&facts);
	facts.cpu.idle_driver = text("haltpoll");
	facts.cpu.idle_exit_us = fact_known(1);
	is(&facts, "c_states", READINESS_OK);
	is(&facts, "cpu_dma_latency", READINESS_OK);
	/* No limit above 0 keeps a guest from halting. */
	facts.cpu.dma_latency_us = fact_known(1);
	is(&facts, "c_states", READINESS_UNKNOWN);
	is(&facts, "cpu_dma_latency", READINESS_WARN);
}

static void io_uring_is_tried_before_it_is_believed(void **state)
{
	static struct host_facts facts;

	good_host(&facts);
	facts.kernel.io_uring = fact_error(-EPERM); /* configured, but forbidden */
	is(&facts, "io_uring", READINESS_WARN);
	facts.kernel.io_uring = fact_known(0);
	is(&facts, "io_uring", READINESS_WARN);
	facts.kernel.io_uring = fact_known(1);
	facts.kernel.io_uring_disabled = fact_error(-ENOENT); /* before Linux 6.6 */
	is(&facts, "io_uring", READINESS_OK);
}

static void hugepages_count_on_the_node_of_the_nic(void **state)
{
	static struct host_facts facts;
	const struct readiness_row *row;

	good_host(&facts);
	facts.memory.nodes = facts.cpu.nodes = fact_known(2);
	facts.memory.node[1] = (struct memory_node_facts){ .node = 1,
		                                           .free_2m = fact_known(0),
		                                           .free_1g = fact_known(0) };
	is(&facts, "hugepages", READINESS_OK);
	facts.nic.node = fact_known(1);
	row = row_of(&facts, "hugepages");
	assert_int_equal(row->status, READINESS_FAIL);
	assert_non_null(strstr(row->fix, "/node1/"));
	facts.memory.node[1].free_1g = fact_known(1);
	is(&facts, "hugepages", READINESS_OK);
}

static void interrupts_are_judged_by_where_they_go(void **state)
{
	static struct host_facts facts;

	good_host(&facts);
	facts.nic.irq_cpus = fact_known(1);
	is(&facts, "irq_affinity", READINESS_WARN);
	assert_non_null(strstr(row_of(&facts, "irq_affinity")->found, "one CPU"));
	facts.nic.irqs = fact_known(1);
	is(&facts, "irq_affinity", READINESS_OK);
	facts.nic.irqs_remote = fact_known(1);
	is(&facts, "irq_affinity", READINESS_WARN);
	facts.nic.irqs = fact_error(-ENOENT);
	is(&facts, "irq_affinity", READINESS_UNKNOWN);
}

static void mtu_is_judged_by_the_driver(void **state)
{
	static struct host_facts facts;

	good_host(&facts);
	facts.nic.mtu = fact_known(3050);
	is(&facts, "mtu", READINESS_OK);
	facts.nic.mtu = fact_known(3051);
	is(&facts, "mtu", READINESS_FAIL);
	facts.nic.xdp_features.value |= NIC_XDP_RX_SG;
	is(&facts, "mtu", READINESS_WARN);
	facts.nic.driver = text("qede");
	is(&facts, "mtu", READINESS_UNKNOWN);
}

static void hostile_names_do_not_reach_a_shell(void **state)
{
	static struct host_facts facts;

	good_host(&facts);
	snprintf(facts.nic.name, sizeof(facts.nic.name), "a;$(reboot)\033");
	facts.nic.lro = fact_known(1);
	assert_string_equal(row_of(&facts, "lro")->fix, "ethtool -K a?\?\?reboot?\? lro off");
	assert_string_equal(evaluate(&facts)->interface, "a?\?\?reboot?\?");
}

static void extreme_figures_are_said_as_they_are(void **state)
{
	static struct host_facts facts;
	const int64_t extremes[] = { INT64_MIN, -1, 0, 1, INT64_MAX };

	for (size_t i = 0; i < sizeof(extremes) / sizeof(extremes[0]); i++) {
		good_host(&facts);
		/* Every fact that is a number, whatever it means. */
		for (struct fact *fact = (struct fact *)&facts.kernel;
		     fact < (struct fact *)(&facts.kernel + 1); fact++)
			fact->value = extremes[i];
		facts.cpu.online.value = facts.cpu.isolated.value = extremes[i];
		facts.nic.channels.value = facts.nic.channels_max.value = extremes[i];
		facts.nic.ring_rx.value = facts.nic.mtu.value = facts.nic.irqs.value = extremes[i];
		facts.cpu.steal_ppm.value = facts.cpu.idle_exit_us.value = extremes[i];
		facts.process.memlock_bytes.value = extremes[i];
		facts.nic.kind.value = NIC_VIRTUAL;
		assert_true(evaluate(&facts)->n >= 25);
	}
}

/* ---- The table of drivers
 * ------------------------------------------------------------------------ */

static void every_driver_is_listed_once_and_with_its_sources(void **state)
{
	for (const struct nic_driver *driver = nic_drivers; driver->name; driver++) {
		assert_ptr_equal(nic_driver_find(driver->name), driver);
		assert_non_null(driver->xdp_source);
		assert_non_null(driver->zerocopy_source);
		assert_non_null(driver->pmd_source);
		assert_true((driver->access == PMD_VFIO || driver->access == PMD_SHARED) ==
		            (driver->pmd != NULL));
		/* Zero-copy is a mode of native XDP. */
		if (driver->zerocopy_since > 0)
			assert_true(driver->xdp_since > 0 &&
			            driver->xdp_since <= driver->zerocopy_since);
	}
	assert_null(nic_driver_find("brandnew"));
	assert_null(nic_driver_pmd("tg3"));
	assert_string_equal(nic_driver_pmd("igb"), "net_e1000");
}

/* ---- JSON
 * ---------------------------------------------------------------------------------------- */

static void json_comes_back_as_it_was(void **state)
{
	static struct readiness before, after;
	static struct host_facts facts;
	char *json;

	bad_host(&facts);
	facts.nic.default_route = true;
	readiness_evaluate(&facts, &before);
	json = readiness_to_json(&before);
	assert_non_null(json);
	assert_null(strchr(json, '\n'));
	assert_int_equal(readiness_from_json(json, &after), 0);
	assert_memory_equal(&before, &after, sizeof(before));
	free(json);
}

static void hostile_json_is_refused_or_tamed(void **state)
{
	static const char *const refused[] = {
		"",
		"null",
		"[]",
		"{}",
		"{\"schema\":\"ktax.doctor/2\",\"checks\":[]}",
		"{\"schema\":1,\"checks\":[]}",
		"{\"schema\":\"ktax.doctor/1\"}",
		"{\"schema\":\"ktax.doctor/1\",\"checks\":{}}",
		"{\"schema\":\"ktax.doctor/1\",\"checks\":[]",
		"\xff\xfe",
	};
	static struct readiness readiness;

	readiness.n = 7;
	for (size_t i = 0; i < sizeof(refused) / sizeof(refused[0]); i++)
		assert_int_equal(readiness_from_json(refused[i], &readiness), -EBADMSG);
	assert_int_equal(readiness.n, 7);
	assert_int_equal(
		readiness_from_json("{\"schema\":\"ktax.doctor/1\",\"host\":3,\"checks\":[1,[],"
	                            "{\"check\":\"a\\u001bb\",\"status\":\"great\",\"blocks\":"
	                            "[\"dpdk\",\"moon\",4]},{\"check\":{},\"concerns\":\"dpdk\"}]}",
	                            &readiness),
		0);
	assert_int_equal(readiness.n, 2);
	assert_string_equal(readiness.rows[0].check, "a?b");
	assert_int_equal(readiness.rows[0].status, READINESS_UNKNOWN);
	assert_int_equal(readiness.rows[0].blocks, READINESS_DPDK);
	assert_string_equal(readiness.rows[1].check, "");
	assert_int_equal(readiness.rows[1].concerns, 0);
}

static void json_with_too_many_and_too_long_rows_is_cut(void **state)
{
	static struct readiness readiness;
	char *json = malloc(1 << 20), *at = json;

	at += sprintf(at, "{\"schema\":\"ktax.doctor/1\",\"checks\":[");
	for (int i = 0; i < 1000; i++)
		at += sprintf(at, "%s{\"check\":\"%0500d\"}", i ? "," : "", i);
	sprintf(at, "]}");
	assert_int_equal(readiness_from_json(json, &readiness), 0);
	assert_int_equal(readiness.n, READINESS_ROWS_MAX);
	assert_int_equal(strlen(readiness.rows[0].check), sizeof(readiness.rows[0].check) - 1);
	free(json);
}

static void only_what_was_asked_for_is_kept(void **state)
{
	static struct readiness readiness;
	static struct host_facts facts;

	bad_host(&facts);
	readiness_evaluate(&facts, &readiness);
	readiness_keep(&readiness, READINESS_DPDK);
	assert_non_null(readiness_find(&readiness, "hugepages"));
	assert_null(readiness_find(&readiness, "busy_poll"));
	for (size_t i = 0; i < readiness.n; i++)
		assert_true(readiness.rows[i].concerns & READINESS_DPDK);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(on_a_good_host_all_is_fine),
		cmocka_unit_test(on_a_bad_host_nothing_is),
		cmocka_unit_test(what_is_not_known_is_never_fine),
		cmocka_unit_test(every_row_says_all_of_it),
		cmocka_unit_test(fixes_are_listed_by_what_they_concern),
		cmocka_unit_test(the_kernels_word_on_xdp_goes_before_the_table),
		cmocka_unit_test(without_its_word_the_table_and_the_version_decide),
		cmocka_unit_test(dpdk_cannot_run_without_a_driver_of_its_own),
		cmocka_unit_test(some_drivers_of_dpdk_need_neither_vfio_nor_an_iommu),
		cmocka_unit_test(modules_that_could_not_be_looked_for_may_be_there),
		cmocka_unit_test(a_lack_of_root_is_not_a_lack_of_the_host),
		cmocka_unit_test(capabilities_are_judged_by_who_needs_them),
		cmocka_unit_test(a_limit_on_c_states_makes_deep_ones_harmless),
		cmocka_unit_test(what_a_halt_takes_is_the_hypervisors),
		cmocka_unit_test(io_uring_is_tried_before_it_is_believed),
		cmocka_unit_test(hugepages_count_on_the_node_of_the_nic),
		cmocka_unit_test(interrupts_are_judged_by_where_they_go),
		cmocka_unit_test(mtu_is_judged_by_the_driver),
		cmocka_unit_test(hostile_names_do_not_reach_a_shell),
		cmocka_unit_test(extreme_figures_are_said_as_they_are),
		cmocka_unit_test(every_driver_is_listed_once_and_with_its_sources),
		cmocka_unit_test(json_comes_back_as_it_was),
		cmocka_unit_test(hostile_json_is_refused_or_tamed),
		cmocka_unit_test(json_with_too_many_and_too_long_rows_is_cut),
		cmocka_unit_test(only_what_was_asked_for_is_kept),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
