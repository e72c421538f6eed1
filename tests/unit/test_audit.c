// SPDX-License-Identifier: GPL-2.0
/* Reading a host's facts from made-up trees of /proc and /sys, hostile ones among them. */
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zlib.h>

#include <cmocka.h>

#include "audit.h"
#include "source.h"

#define CPU "/sys/devices/system/cpu"
#define NET "/sys/class/net/eth0"
#define PCI "/sys/devices/pci0000:00/0000:01:00.0"

static char root[64];

/* ---- Making trees ------------------------------------------------------------------------------
 */

static void in_root(char path[512], const char *below)
{
	snprintf(path, 512, "%s%s", root, below);
}

static void make_above(const char *path)
{
	char part[512];

	for (const char *slash = path + strlen(root) + 1; (slash = strchr(slash, '/')); slash++) {
		snprintf(part, sizeof(part), "%.*s", (int)(slash - path), path);
		mkdir(part, 0755);
	}
}

static void put_bytes(const char *below, const void *bytes, size_t n)
{
	char path[512];
	FILE *file;

	in_root(path, below);
	make_above(path);
	file = fopen(path, "w");
	assert_non_null(file);
	assert_int_equal(fwrite(bytes, 1, n, file), n);
	fclose(file);
}

static void put(const char *below, const char *text)
{
	put_bytes(below, text, strlen(text));
}

static void put_directory(const char *below)
{
	char path[512];

	in_root(path, below);
	make_above(path);
	assert_int_equal(mkdir(path, 0755), 0);
}

static void put_link(const char *below, const char *target)
{
	char path[512];

	in_root(path, below);
	make_above(path);
	assert_int_equal(symlink(target, path), 0);
}

static int begin_tree(void **state)
{
	snprintf(root, sizeof(root), "/tmp/ktax-audit.XXXXXX");
	return mkdtemp(root) ? 0 : -1;
}

static int end_tree(void **state)
{
	char command[128];

	snprintf(command, sizeof(command), "rm -rf '%s'", root);
	return system(command);
}

/* A host with two nodes of two CPUs, and a NIC with two queues on the second one. */
static void put_nic(void)
{
	put(PCI "/numa_node", "1\n");
	put_directory(PCI "/msi_irqs");
	put(PCI "/msi_irqs/40", "msix\n");
	put(PCI "/msi_irqs/41", "msix\n");
	put(PCI "/msi_irqs/42", "msix\n");
	put_link(PCI "/subsystem", "../../../bus/pci");
	put_link(PCI "/driver", "../../../bus/pci/drivers/ixgbe");
	put_link(PCI "/iommu_group", "../../kernel/iommu_groups/7");
	put(NET "/ifindex", "2\n");
	put(NET "/operstate", "up\n");
	put(NET "/mtu", "1500\n");
	put(NET "/speed", "10000\n");
	put(NET "/napi_defer_hard_irqs", "0\n");
	put(NET "/gro_flush_timeout", "20000\n");
	put(NET "/queues/rx-0/rps_cpus", "0\n");
	put(NET "/queues/rx-1/rps_cpus", "00000000,00000002\n");
	put_directory(NET "/queues/tx-0");
	put_link(NET "/device", "../../../devices/pci0000:00/0000:01:00.0");
	put_directory("/proc/irq/40/eth0-TxRx-0");
	put("/proc/irq/40/smp_affinity_list", "0-3\n");
	put("/proc/irq/40/effective_affinity_list", "0\n");
	put_directory("/proc/irq/41/eth0-TxRx-1");
	put("/proc/irq/41/smp_affinity_list", "3\n");
	put("/proc/irq/41/effective_affinity_list", "3\n");
	put("/proc/irq/42/smp_affinity_list", "0-3\n"); /* nobody has asked for it */
}

static void put_cpus(void)
{
	put(CPU "/online", "0-3\n");
	put(CPU "/isolated", "3\n");
	put(CPU "/nohz_full", "(null)\n");
	put(CPU "/smt/active", "1\n");
	put("/proc/cmdline", "quiet rcu_nocbs=2-3 ro\n");
	put("/proc/self/status", "Name:\tktax\nCapInh:\t0\nCapEff:\t000001ffffffffff\n"
	                         "CapBnd:\t0000000000002000\nSeccomp:\t2\nSeccomp_filters:\t1\n"
	                         "Cpus_allowed_list:\t0,2-3\n");
	put(CPU "/cpu0/cpufreq/scaling_governor", "performance\n");
	put(CPU "/cpu1/cpufreq/scaling_governor", "schedutil\n");
	put(CPU "/cpu0/cpuidle/state0/latency", "0\n");
	put(CPU "/cpu0/cpuidle/state0/name", "POLL\n");
	put(CPU "/cpu0/cpuidle/state1/latency", "2\n");
	put(CPU "/cpu0/cpuidle/state1/name", "C1\n");
	put(CPU "/cpu0/cpuidle/state2/latency", "133\n");
	put(CPU "/cpu0/cpuidle/state2/name", "C6\n");
	put(CPU "/cpu0/cpuidle/state2/disable", "1\n");
	put(CPU "/intel_pstate/no_turbo", "0\n");
	put(CPU "/vulnerabilities/spectre_v2", "Mitigation: Retpolines\n");
	put(CPU "/vulnerabilities/meltdown", "Not affected\n");
	put("/proc/stat", "cpu  100 0 100 700 0 0 0 100 0 0\ncpu0 1 2 3\n");
	put("/proc/cpuinfo", "processor\t: 0\nflags\t\t: fpu tsc hypervisor\n");
	put("/sys/class/dmi/id/sys_vendor", "ACME \"Cloud\"\n");
	put("/sys/devices/system/node/online", "0-1\n");
	put("/sys/devices/system/node/node0/cpulist", "0-1\n");
	put("/sys/devices/system/node/node1/cpulist", "2-3\n");
	put("/sys/fs/cgroup/cpu.max", "150000 100000\n");
}

static void put_rest(void)
{
	put("/proc/net/route", "Iface\tDestination\tGateway \tFlags\tRefCnt\tUse\tMetric\tMask\n"
	                       "eth9\t00000000\t0102A8C0\t0003\t0\t0\t600\t00000000\t0\t0\t0\n"
	                       "eth0\t00000000\t0102A8C0\t0003\t0\t0\t100\t00000000\t0\t0\t0\n"
	                       "eth8\t0002A8C0\t00000000\t0001\t0\t0\t0\t00FFFFFF\t0\t0\t0\n");
	put("/proc/sys/kernel/osrelease", "6.1.0-18-amd64\n");
	put("/proc/sys/kernel/hostname", "made-up\n");
	put("/boot/config-6.1.0-18-amd64", "CONFIG_XDP_SOCKETS=y\n# CONFIG_NO_HZ_FULL is not set\n"
	                                   "CONFIG_VFIO_PCI=m\nCONFIG_KPROBES_ON_FTRACE=y\n");
	put("/lib/modules/6.1.0-18-amd64/modules.dep",
	    "kernel/drivers/vfio/pci/vfio-pci.ko: kernel/drivers/vfio/pci/vfio-pci-core.ko\n");
	put("/sys/kernel/mm/transparent_hugepage/enabled", "always [madvise] never\n");
	put("/sys/devices/system/node/node1/hugepages/hugepages-2048kB/nr_hugepages", "512\n");
	put("/sys/devices/system/node/node1/hugepages/hugepages-2048kB/free_hugepages", "300\n");
	put("/proc/self/mounts", "none /dev/hugepages hugetlbfs rw 0 0\n");
	put("/proc/self/limits",
	    "Limit                     Soft Limit           Hard Limit\n"
	    "Max locked memory         8388608              unlimited  bytes\n");
	put("/proc/self/uid_map", "         0     100000      65536\n");
	put("/proc/77/comm", "irqbalance\n");
	put("/proc/78/comm", "ptp4l\n");
	put("/proc/sys/net/core/busy_poll", "50\n");
	put("/usr/lib/x86_64-linux-gnu/dpdk/pmds-23.0/librte_net_ixgbe.so", "");
}

static const char *library(const char *driver)
{
	return strcmp(driver, "ixgbe") ? NULL : "net_ixgbe";
}

static int look(const char *interface, struct host_facts *facts)
{
	const struct audit_options options = { .interface = interface,
		                               .root = root,
		                               .pmd_library = library };

	return audit_read(&options, facts);
}

static void holds(struct fact fact, int64_t value)
{
	assert_true(fact.known);
	assert_int_equal(fact.value, value);
}

static void lacks(struct fact fact, int error)
{
	assert_false(fact.known);
	assert_int_equal(fact.error, error);
}

/* ---- A made-up host ----------------------------------------------------------------------------
 */

static void an_interface_is_read(void **state)
{
	struct host_facts facts;

	put_nic();
	put_cpus();
	put_rest();
	assert_int_equal(look(NULL, &facts), 0);
	assert_string_equal(facts.nic.name, "eth0"); /* the lowest metric */
	assert_true(facts.nic.default_route);
	holds(facts.nic.kind, NIC_HARDWARE);
	assert_string_equal(facts.nic.driver.text, "ixgbe");
	assert_string_equal(facts.nic.bus.text, "0000:01:00.0");
	assert_string_equal(facts.nic.iommu_group.text, "7");
	assert_true(facts.nic.lower.known);
	assert_string_equal(facts.nic.lower.text, "");
	holds(facts.nic.up, 1);
	holds(facts.nic.mtu, 1500);
	holds(facts.nic.speed_mbps, 10000);
	holds(facts.nic.node, 1);
	holds(facts.nic.rx_queues, 2);
	holds(facts.nic.tx_queues, 1);
	holds(facts.nic.rps, 1);
	holds(facts.nic.gro_flush_timeout_ns, 20000);
	holds(facts.nic.pmd_installed, 1);
	/* What only a live host tells. */
	lacks(facts.nic.channels, 0);
	lacks(facts.nic.xdp_features, 0);
}

static void interrupts_are_read(void **state)
{
	struct host_facts facts;

	put_nic();
	put_cpus();
	assert_int_equal(look("eth0", &facts), 0);
	assert_false(facts.nic.default_route);
	holds(facts.nic.irqs, 2);
	holds(facts.nic.irqs_loose, 1);
	holds(facts.nic.irq_cpus, 2);
	holds(facts.nic.irqs_remote, 1);   /* CPU 0 is of node 0 */
	holds(facts.nic.irqs_isolated, 1); /* CPU 3 */
}

static void cpus_are_read(void **state)
{
	struct host_facts facts;

	put_nic();
	put_cpus();
	assert_int_equal(look("eth0", &facts), 0);
	holds(facts.cpu.online, 4);
	holds(facts.cpu.allowed, 3);
	holds(facts.cpu.nodes, 2);
	holds(facts.cpu.isolated, 1);
	holds(facts.cpu.isolated_near, 1);
	holds(facts.cpu.nohz_full, 0);
	holds(facts.cpu.rcu_nocbs, 2);
	holds(facts.cpu.smt, 1);
	holds(facts.cpu.governed, 2);
	holds(facts.cpu.governed_slow, 1);
	assert_string_equal(facts.cpu.governor.text, "schedutil");
	holds(facts.cpu.idle_exit_us, 2); /* C6 is disabled */
	assert_string_equal(facts.cpu.idle_state.text, "C1");
	holds(facts.cpu.turbo, 1);
	holds(facts.cpu.mitigated, 1);
	assert_string_equal(facts.cpu.mitigations.text, "spectre_v2");
	holds(facts.cpu.steal_ppm, 100000);
	assert_string_equal(facts.cpu.hypervisor.text, "ACME \"Cloud\"");
	holds(facts.cpu.quota_pct, 150);
	lacks(facts.cpu.numa_balancing, -ENOENT);
}

static void memory_kernel_and_process_are_read(void **state)
{
	struct host_facts facts;

	put_rest();
	put_cpus();
	put("/sys/devices/system/node/node0/cpulist.x", "");
	assert_int_equal(look("", &facts), -ENODEV);
	put_nic();
	assert_int_equal(look("eth0", &facts), 0);
	assert_string_equal(facts.hostname, "made-up");
	assert_string_equal(facts.memory.thp.text, "madvise");
	holds(facts.memory.nodes, 2);
	lacks(facts.memory.node[0].pages_2m, -ENOENT);
	holds(facts.memory.node[1].free_2m, 300);
	holds(facts.memory.hugetlbfs, 1);
	holds(facts.kernel.version, 6001);
	holds(facts.kernel.option[KERNEL_XDP_SOCKETS], 1);
	holds(facts.kernel.option[KERNEL_NO_HZ_FULL], 0);
	holds(facts.kernel.option[KERNEL_VFIO_PCI], 2);
	holds(facts.kernel.option[KERNEL_KPROBES], 0);
	holds(facts.kernel.vfio_pci, 1);
	holds(facts.kernel.uio_pci, 0);
	holds(facts.kernel.btf, 0);
	holds(facts.kernel.busy_poll_us, 50);
	holds(facts.process.capabilities, 0x1ffffffffff);
	holds(facts.process.capability_bound, 0x2000);
	holds(facts.process.seccomp, 2);
	holds(facts.process.memlock_bytes, 8388608);
	holds(facts.process.user_namespace, 1);
	holds(facts.service.irqbalance, 1);
	assert_string_equal(facts.service.ptp_daemon.text, "ptp4l");
}

static void the_compressed_configuration_goes_first(void **state)
{
	struct host_facts facts;
	char path[512];
	gzFile file;

	put_rest();
	in_root(path, "/proc/config.gz");
	file = gzopen(path, "w");
	assert_non_null(file);
	gzputs(file, "CONFIG_KPROBES=y\n");
	gzclose(file);
	assert_int_equal(look(NULL, &facts), -ENODEV); /* eth0 is not there */
	put_nic();
	assert_int_equal(look(NULL, &facts), 0);
	holds(facts.kernel.option[KERNEL_KPROBES], 1);
	holds(facts.kernel.option[KERNEL_XDP_SOCKETS], 0);
}

static void a_bond_names_what_it_is_made_of(void **state)
{
	struct host_facts facts;

	put("/sys/class/net/bond0/ifindex", "5\n");
	put_directory("/sys/class/net/bond0/lower_eth0");
	assert_int_equal(look("bond0", &facts), 0);
	holds(facts.nic.kind, NIC_VIRTUAL);
	assert_string_equal(facts.nic.lower.text, "eth0");
	lacks(facts.nic.irqs, -ENOENT);
}

static void a_virtio_nic_has_its_interrupts_one_level_up(void **state)
{
	struct host_facts facts;

	put_nic();
	put("/sys/class/net/eth1/ifindex", "3\n");
	put_directory(PCI "/virtio2");
	put_link(PCI "/virtio2/driver", "../../../../bus/virtio/drivers/virtio_net");
	put_link("/sys/class/net/eth1/device", "../../../devices/pci0000:00/0000:01:00.0/virtio2");
	assert_int_equal(look("eth1", &facts), 0);
	assert_string_equal(facts.nic.driver.text, "virtio_net");
	assert_string_equal(facts.nic.bus.text, "0000:01:00.0");
	holds(facts.nic.irqs, 2);
	holds(facts.nic.node, 1);
}

/* ---- Hostile trees
 * -------------------------------------------------------------------------------- */

static void an_empty_tree_has_no_facts(void **state)
{
	struct host_facts facts;

	assert_int_equal(look(NULL, &facts), 0);
	assert_string_equal(facts.nic.name, "");
	lacks(facts.cpu.online, -ENOENT);
	lacks(facts.cpu.steal_ppm, -ENOENT);
	lacks(facts.memory.nodes, -ENOENT);
	lacks(facts.kernel.option[KERNEL_KPROBES], -ENOENT);
	lacks(facts.process.capabilities, -ENOENT);
	assert_int_equal(look("eth0", &facts), -ENODEV);
}

static void names_that_leave_the_tree_are_refused(void **state)
{
	struct host_facts facts;

	assert_int_equal(look("../../../etc", &facts), -ENODEV);
	assert_int_equal(look("..", &facts), -ENODEV);
	assert_int_equal(look("a/b", &facts), -ENODEV);
	assert_int_equal(look("an_interface_with_a_long_name", &facts), -ENODEV);
	put("/proc/sys/kernel/osrelease", "6.1/../../../etc\n");
	assert_int_equal(look(NULL, &facts), 0);
	lacks(facts.kernel.version, -EBADMSG);
}

static void files_that_hold_something_else_are_not_understood(void **state)
{
	struct host_facts facts;
	char big[20000];

	memset(big, '7', sizeof(big));
	put_nic();
	put_bytes(NET "/mtu", big, sizeof(big));
	put(NET "/speed", "");
	put_bytes(NET "/gro_flush_timeout", "1\0002", 3);
	put(NET "/napi_defer_hard_irqs", "two");
	put_bytes(CPU "/online", big, sizeof(big));
	put(CPU "/isolated", "0-99999999");
	put(CPU "/nohz_full", "3-1");
	put("/proc/stat", "cpu 1 2 3");
	put("/proc/self/status", "\nCapEff:\tzzz\n");
	put("/proc/self/limits", "Max locked memory");
	put("/proc/self/uid_map", "\xff\xff");
	put("/sys/kernel/mm/transparent_hugepage/enabled", "always madvise");
	put("/sys/fs/cgroup/cpu.max", "100 0");
	put("/proc/config.gz", "not compressed");
	assert_int_equal(look("eth0", &facts), 0);
	lacks(facts.nic.mtu, -EBADMSG);
	lacks(facts.nic.speed_mbps, -ENODATA);
	lacks(facts.nic.napi_defer_hard_irqs, -EBADMSG);
	lacks(facts.cpu.online, -EBADMSG);
	lacks(facts.cpu.isolated, -EBADMSG);
	lacks(facts.cpu.nohz_full, -EBADMSG);
	lacks(facts.cpu.steal_ppm, -EBADMSG);
	lacks(facts.process.capabilities, -EBADMSG);
	lacks(facts.process.memlock_bytes, -EBADMSG);
	lacks(facts.process.user_namespace, -EBADMSG);
	lacks(facts.cpu.quota_pct, -EBADMSG);
	assert_false(facts.memory.thp.known);
}

/* A pipe would block whoever opens it, a directory cannot be read. */
static void what_is_no_file_is_not_read(void **state)
{
	struct host_facts facts;
	char path[512];

	put_nic();
	in_root(path, NET "/mtu");
	unlink(path);
	assert_int_equal(mkfifo(path, 0600), 0);
	in_root(path, NET "/speed");
	unlink(path);
	assert_int_equal(mkdir(path, 0755), 0);
	in_root(path, NET "/operstate");
	unlink(path);
	assert_int_equal(symlink("operstate", path), 0);
	assert_int_equal(look("eth0", &facts), 0);
	lacks(facts.nic.mtu, -EBADMSG);
	lacks(facts.nic.speed_mbps, -EBADMSG);
	lacks(facts.nic.up, -ELOOP);
}

static void control_characters_do_not_come_through(void **state)
{
	struct host_facts facts;

	put_nic();
	put(CPU "/cpu0/cpufreq/scaling_governor", "a\033[31mb\xff\n");
	assert_int_equal(look("eth0", &facts), 0);
	assert_string_equal(facts.cpu.governor.text, "a?[31mb?");
}

static void a_huge_file_is_not_taken_in(void **state)
{
	const struct source source = { .root = root };
	char path[512], *text;
	int fd;

	put("/huge", "x");
	in_root(path, "/huge");
	fd = open(path, O_WRONLY);
	assert_int_equal(ftruncate(fd, 1LL << 40), 0);
	close(fd);
	assert_int_equal(source_read_all(&source, &text, "/huge"), -EFBIG);
	put_bytes("/binary", "a\0b", 3);
	assert_int_equal(source_read_all(&source, &text, "/binary"), -EBADMSG);
}

static int count(const char *name, void *context)
{
	++*(int *)context;
	return 0;
}

static void a_directory_without_end_is_left(void **state)
{
	const struct source source = { .root = root };
	char path[64];
	int n = 0;

	for (int i = 0; i < 20; i++) {
		snprintf(path, sizeof(path), "/many/%d", i);
		put(path, "");
	}
	assert_int_equal(source_each(&source, 10, count, &n, "/many"), -E2BIG);
	assert_int_equal(n, 10);
	assert_int_equal(source_each(&source, 20, count, &n, "/many"), 0);
}

static void lists_of_cpus_are_parsed_whole_or_not(void **state)
{
	static const char *const bad[] = { "a",
		                           "1-",
		                           "-1",
		                           "1,,2",
		                           "1,",
		                           "2-1",
		                           "0-8192",
		                           "1 2",
		                           "0x1",
		                           "1-2-3",
		                           "99999999999999999999" };
	struct cpu_list list;

	assert_int_equal(cpu_list_parse("", &list), 0);
	assert_int_equal(cpu_list_count(&list), 0);
	assert_int_equal(cpu_list_parse("0-3,8,64-65,8191", &list), 0);
	assert_int_equal(cpu_list_count(&list), 8);
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		assert_int_equal(cpu_list_parse(bad[i], &list), -EBADMSG);
	assert_int_equal(cpu_list_count(&list), 8);
}

/* ---- This host
 * -------------------------------------------------------------------------------------- */

static void this_host_can_be_read(void **state)
{
	const struct audit_options options = { .interface = "lo" };
	struct host_facts facts;

	if (access("/sys/class/net/lo", F_OK))
		skip();
	assert_int_equal(audit_read(&options, &facts), 0);
	assert_true(facts.cpu.online.known && facts.cpu.online.value >= 1);
	assert_true(facts.superuser.known);
	assert_true(facts.nic.mtu.known);
	assert_true(facts.hostname[0] && facts.release[0]);
}

#define TREE(test) cmocka_unit_test_setup_teardown(test, begin_tree, end_tree)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TREE(an_interface_is_read),
		TREE(interrupts_are_read),
		TREE(cpus_are_read),
		TREE(memory_kernel_and_process_are_read),
		TREE(the_compressed_configuration_goes_first),
		TREE(a_bond_names_what_it_is_made_of),
		TREE(a_virtio_nic_has_its_interrupts_one_level_up),
		TREE(an_empty_tree_has_no_facts),
		TREE(names_that_leave_the_tree_are_refused),
		TREE(files_that_hold_something_else_are_not_understood),
		TREE(what_is_no_file_is_not_read),
		TREE(control_characters_do_not_come_through),
		TREE(a_huge_file_is_not_taken_in),
		TREE(a_directory_without_end_is_left),
		cmocka_unit_test(lists_of_cpus_are_parsed_whole_or_not),
		cmocka_unit_test(this_host_can_be_read),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
