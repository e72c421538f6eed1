// SPDX-License-Identifier: GPL-2.0
/* Checks of CPUs and memory. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "readiness_check.h"

#define BYPASS  (READINESS_AF_XDP | READINESS_DPDK)
#define POLLING (READINESS_TUNING | BYPASS) /* a busy-polling kernel has a core of its own too */

#define EXIT_MOST_US    10    /* to leave a C-state */
#define STEAL_WARN_PPM  1000  /* 0.1 % */
#define STEAL_FAIL_PPM  10000 /* 1 % */
#define PAGES_WANTED_2M 256   /* 512 MB per node, DPDK's usual share */

/* ---- Which CPUs ------------------------------------------------------------------------------ */

static void check_cpus(const struct host_facts *facts, struct readiness_row *row)
{
	const struct cpu_facts *cpu = &facts->cpu;
	long long n = cpu->online.value;

	if (!cpu->online.known)
		return row_unread(row, cpu->online.error, NULL);
	if (n < 2)
		return row_fail(row, "one: a core that polls leaves none for anything else");
	if (cpu->allowed.known && cpu->allowed.value < n)
		return row_warn(row, "%lld, of which this process may use %lld", n,
		                (long long)cpu->allowed.value);
	if (n < 4)
		return row_warn(row, "%lld: one that polls is %lld %% of the host", n, 100 / n);
	row_ok(row, "%lld", n);
}

static void check_cpu_limit(const struct host_facts *facts, struct readiness_row *row)
{
	const struct fact *quota = &facts->cpu.quota_pct;

	if (!quota->known)
		return row_unread(row, quota->error, NULL);
	if (!quota->value)
		return row_ok(row, "none");
	row_fail(row,
	         "%lld %% of one CPU: once used up, everything stands still until the next "
	         "period",
	         (long long)quota->value);
	row_fix(row, "echo max > /sys/fs/cgroup/cpu.max (or the container's CPU limit), and a "
	             "cpuset instead");
}

/* A quarter of the CPUs, the last ones: "6-7" of 8. */
static struct version_text cpus_to_isolate(const struct cpu_facts *cpu)
{
	int n = cpu->online.known && cpu->online.value > 1 ? (int)cpu->online.value : 2;
	int count = n / 4 > 0 ? n / 4 : 1;
	struct version_text text;

	if (count == 1)
		snprintf(text.text, sizeof(text.text), "%d", n - 1);
	else
		snprintf(text.text, sizeof(text.text), "%d-%d", n - count, n - 1);
	return text;
}

/* One of the three options of the kernel's command line that make a quiet core. */
static void check_set(const struct cpu_facts *cpu, const struct fact *set, const char *parameter,
                      struct readiness_row *row)
{
	if (!set->known)
		return row_unread(row, set->error, NULL);
	if (set->value)
		return row_ok(row, "%lld CPUs", (long long)set->value);
	row_warn(row, "none");
	row_fix(row,
	        "add %s%s to GRUB_CMDLINE_LINUX in /etc/default/grub, then: update-grub && reboot",
	        parameter, cpus_to_isolate(cpu).text);
}

/* A parameter that this kernel does not have is not worth a reboot. */
static bool not_built(const struct fact *option, const char *name, struct readiness_row *row)
{
	if (!option->known || option->value)
		return false;
	row_warn(row, "this kernel is built without CONFIG_%s", name);
	row_fix(row, "use a kernel with CONFIG_%s", name);
	return true;
}

static void check_isolcpus(const struct host_facts *facts, struct readiness_row *row)
{
	check_set(&facts->cpu, &facts->cpu.isolated, "isolcpus=managed_irq,domain,", row);
}

static void check_nohz_full(const struct host_facts *facts, struct readiness_row *row)
{
	if (!not_built(&facts->kernel.option[KERNEL_NO_HZ_FULL], "NO_HZ_FULL", row))
		check_set(&facts->cpu, &facts->cpu.nohz_full, "nohz_full=", row);
}

static void check_rcu_nocbs(const struct host_facts *facts, struct readiness_row *row)
{
	if (!not_built(&facts->kernel.option[KERNEL_RCU_NOCB], "RCU_NOCB_CPU", row))
		check_set(&facts->cpu, &facts->cpu.rcu_nocbs, "rcu_nocbs=", row);
}

static void check_smt(const struct host_facts *facts, struct readiness_row *row)
{
	const struct fact *smt = &facts->cpu.smt;

	if (!smt->known)
		return row_unread(row, smt->error, NULL);
	if (!smt->value)
		return row_ok(row, "off, or the CPU has none");
	row_warn(row, "on: two CPUs share a core");
	row_fix(row, "echo off > /sys/devices/system/cpu/smt/control");
}

/* ---- Clock rate and sleep -------------------------------------------------------------------- */

static void check_governor(const struct host_facts *facts, struct readiness_row *row)
{
	const struct cpu_facts *cpu = &facts->cpu;

	if (!cpu->governor.known)
		return row_unread(
			row, cpu->governor.error,
			"no cpufreq here: firmware or hypervisor decide on the clock rate");
	if (cpu->governed_slow.known && !cpu->governed_slow.value)
		return row_ok(row, "performance on all CPUs");
	row_warn(row, "%.40s on %lld of %lld CPUs", cpu->governor.text,
	         (long long)cpu->governed_slow.value, (long long)cpu->governed.value);
	row_fix(row, "cpupower frequency-set -g performance");
}

/*
 * The driver of guests: what its state takes to leave is the hypervisor's, whatever number it gives
 * (Linux, Documentation/virt/guest-halt-polling.rst).
 */
static bool halts_by_hypervisor(const struct cpu_facts *cpu)
{
	return cpu->idle_driver.known && !strcmp(cpu->idle_driver.text, "haltpoll");
}

/* At 0 idle CPUs poll, and halt no more: other limits are for states with a known latency. */
static void check_halts(const struct cpu_facts *cpu, struct readiness_row *row)
{
	if (cpu->dma_latency_us.known && !cpu->dma_latency_us.value)
		row_ok(row, "idle CPUs poll: cpu_dma_latency is 0");
	else
		row_unknown(row, "idle CPUs halt by the hypervisor (haltpoll), which does not tell "
		                 "what that takes to leave: 'ktax ab --paths kernel-awake' does");
}

static void check_c_states(const struct host_facts *facts, struct readiness_row *row)
{
	const struct cpu_facts *cpu = &facts->cpu;
	long long us = cpu->idle_exit_us.value;

	if (!cpu->idle_exit_us.known)
		return row_unread(row, cpu->idle_exit_us.error,
		                  "no cpuidle states here: a hypervisor decides what idle means");
	if (halts_by_hypervisor(cpu))
		return check_halts(cpu, row);
	if (us <= EXIT_MOST_US)
		return row_ok(row, "the deepest enabled one, %.32s, takes %lld us to leave",
		              cpu->idle_state.text, us);
	if (cpu->dma_latency_us.known && cpu->dma_latency_us.value <= EXIT_MOST_US)
		return row_ok(row, "%.32s takes %lld us to leave, but cpu_dma_latency forbids it",
		              cpu->idle_state.text, us);
	row_warn(row, "the deepest enabled one, %.32s, takes %lld us to leave",
	         cpu->idle_state.text, us);
	row_fix(row, "cpupower idle-set -D %d", EXIT_MOST_US);
}

static void check_dma_latency(const struct host_facts *facts, struct readiness_row *row)
{
	const struct fact *us = &facts->cpu.dma_latency_us;

	if (!us->known)
		return row_unread(row, us->error, "no /dev/cpu_dma_latency here");
	if (us->value && halts_by_hypervisor(&facts->cpu)) {
		row_warn(row, "not 0, and idle CPUs halt by the hypervisor (haltpoll)");
		row_fix(row, "sh -c 'exec 3>/dev/cpu_dma_latency; printf \"\\0\\0\\0\\0\" >&3; "
		             "exec sleep infinity' &");
		return;
	}
	if (us->value <= EXIT_MOST_US)
		return row_ok(row, "%lld us", (long long)us->value);
	if (facts->cpu.idle_exit_us.known && facts->cpu.idle_exit_us.value <= EXIT_MOST_US)
		return row_ok(row, "no limit, and no C-state that would need one");
	if (facts->cpu.idle_exit_us.error == -ENOENT)
		return row_unknown(row,
		                   "no limit, and no cpuidle states here that it would be for");
	if (us->value >= 1000000000)
		row_warn(row, "no limit is set");
	else
		row_warn(row, "%lld us", (long long)us->value);
	row_fix(row, "tuned-adm profile network-latency");
}

static void check_turbo(const struct host_facts *facts, struct readiness_row *row)
{
	const struct fact *turbo = &facts->cpu.turbo;

	if (!turbo->known)
		return row_unread(row, turbo->error, "no switch for it here");
	if (!turbo->value)
		return row_ok(row, "off: the clock rate is steady");
	row_warn(row, "on: the clock rate depends on what the other cores do");
	row_fix(row, "for a comparison: echo 1 > /sys/devices/system/cpu/intel_pstate/no_turbo, or "
	             "echo 0 > /sys/devices/system/cpu/cpufreq/boost");
}

/* ---- Who else is on these CPUs --------------------------------------------------------------- */

/* Never with a fix: switching them off is a decision about security, not about latency. */
static void check_mitigations(const struct host_facts *facts, struct readiness_row *row)
{
	const struct cpu_facts *cpu = &facts->cpu;

	if (!cpu->mitigated.known)
		return row_unread(row, cpu->mitigated.error, NULL);
	if (!cpu->mitigated.value)
		return row_ok(row, "none in use");
	row_warn(row, "%lld in use: %s", (long long)cpu->mitigated.value, cpu->mitigations.text);
}

static void check_steal(const struct host_facts *facts, struct readiness_row *row)
{
	const struct fact *steal = &facts->cpu.steal_ppm;
	double percent = (double)steal->value / 1e4;

	if (!steal->known)
		return row_unread(row, steal->error, NULL);
	if (steal->value < STEAL_WARN_PPM)
		return row_ok(row, "%.2g %% since boot", percent);
	if (steal->value < STEAL_FAIL_PPM)
		row_warn(row, "%.2g %% since boot: other guests run on these CPUs", percent);
	else
		row_fail(row, "%.2g %% since boot: other guests run on these CPUs", percent);
	row_fix(row, "move to a host with dedicated CPUs (a metal or dedicated instance)");
}

static void check_hypervisor(const struct host_facts *facts, struct readiness_row *row)
{
	const struct fact_text *hypervisor = &facts->cpu.hypervisor;

	if (!hypervisor->known)
		return row_unread(row, hypervisor->error, "this kind of CPU does not tell");
	if (!hypervisor->text[0])
		return row_ok(row, "none");
	row_warn(row, "a virtual machine (%s)", hypervisor->text);
}

static void check_rt_throttling(const struct host_facts *facts, struct readiness_row *row)
{
	const struct fact *runtime = &facts->cpu.rt_runtime_us;

	if (!runtime->known)
		return row_unread(row, runtime->error, NULL);
	if (runtime->value < 0)
		return row_ok(row, "off");
	row_warn(row, "a real-time thread may run %lld us of its period (1 s by default)",
	         (long long)runtime->value);
	row_fix(row, "sysctl -w kernel.sched_rt_runtime_us=-1");
}

static void check_numa_balancing(const struct host_facts *facts, struct readiness_row *row)
{
	const struct cpu_facts *cpu = &facts->cpu;

	if (cpu->nodes.known && cpu->nodes.value == 1)
		return row_ok(row, "the host has one NUMA node");
	if (!cpu->numa_balancing.known)
		return row_unread(row, cpu->numa_balancing.error, NULL);
	if (!cpu->numa_balancing.value)
		return row_ok(row, "off");
	row_warn(row, "on: pages are unmapped and moved while the server runs");
	row_fix(row, "sysctl -w kernel.numa_balancing=0");
}

static void check_clocksource(const struct host_facts *facts, struct readiness_row *row)
{
	static const char *const fast[] = { "tsc", "kvm-clock", "hyperv_clocksource_tsc_page",
		                            "arch_sys_counter", "timebase" };
	const struct fact_text *clock = &facts->cpu.clocksource;

	if (!clock->known)
		return row_unread(row, clock->error, NULL);
	for (size_t i = 0; i < sizeof(fast) / sizeof(fast[0]); i++)
		if (!strcmp(clock->text, fast[i]))
			return row_ok(row, "%s", clock->text);
	row_fail(row, "%s: reading it takes a microsecond or more", clock->text);
	row_fix(row, "echo tsc > /sys/devices/system/clocksource/clocksource0/current_clocksource");
}

static void check_clock_sync(const struct host_facts *facts, struct readiness_row *row)
{
	const struct service_facts *service = &facts->service;

	if (!service->synchronized.known)
		return row_unread(row, service->synchronized.error, NULL);
	if (service->synchronized.value)
		return row_ok(row, "the clock is disciplined, %lld us off at most",
		              (long long)service->clock_error_us.value);
	row_warn(row, "nobody disciplines the kernel's clock");
	row_fix(row, "systemctl enable --now chrony");
}

/* ---- Memory ---------------------------------------------------------------------------------- */

static void check_thp(const struct host_facts *facts, struct readiness_row *row)
{
	const struct fact_text *thp = &facts->memory.thp;

	if (!thp->known)
		return row_unread(row, thp->error, "this kernel has none");
	if (strcmp(thp->text, "always") != 0)
		return row_ok(row, "%s", thp->text);
	row_warn(row, "always: the kernel assembles huge pages whenever memory is first used");
	row_fix(row, "echo madvise > /sys/kernel/mm/transparent_hugepage/enabled");
}

/* The node that has too few for a DPDK process on it; NULL: none has. */
static const struct memory_node_facts *poorest(const struct host_facts *facts)
{
	const struct memory_facts *memory = &facts->memory;
	int64_t near = facts->nic.node.known ? facts->nic.node.value : -1;

	for (int64_t i = 0; i < memory->nodes.value; i++) {
		const struct memory_node_facts *node = &memory->node[i];

		if ((near < 0 || node->node == near) && node->free_2m.value < PAGES_WANTED_2M &&
		    node->free_1g.value < 1)
			return node;
	}
	return NULL;
}

static void list_pages(const struct memory_facts *memory, char *text, size_t room)
{
	size_t length = 0;

	text[0] = '\0';
	for (int64_t i = 0; i < memory->nodes.value && length < room; i++) {
		const struct memory_node_facts *node = &memory->node[i];

		length += (size_t)snprintf(
			text + length, room - length, "%snode %d: %lld x 2 MB, %lld x 1 GB free",
			i ? "; " : "", node->node, (long long)node->free_2m.value,
			(long long)node->free_1g.value);
	}
}

static void check_hugepages(const struct host_facts *facts, struct readiness_row *row)
{
	const struct memory_facts *memory = &facts->memory;
	const struct memory_node_facts *node;
	char pages[160];

	if (!memory->nodes.known)
		return row_unread(row, memory->nodes.error, NULL);
	if (!memory->node[0].free_2m.known && !memory->node[0].free_1g.known)
		return row_unread(row, memory->node[0].free_2m.error,
		                  "this kernel has no hugepages of 2 MB or 1 GB");
	list_pages(memory, pages, sizeof(pages));
	node = poorest(facts);
	if (!node)
		return row_ok(row, "%s", pages);
	row_fail(row, "%s", pages);
	row_fix(row,
	        "echo %d > /sys/devices/system/node/node%d/hugepages/hugepages-2048kB/nr_hugepages",
	        2 * PAGES_WANTED_2M, node->node);
}

static void check_hugetlbfs(const struct host_facts *facts, struct readiness_row *row)
{
	const struct fact *mounted = &facts->memory.hugetlbfs;

	if (!mounted->known)
		return row_unread(row, mounted->error, NULL);
	if (mounted->value)
		return row_ok(row, "mounted");
	row_warn(row, "not mounted: DPDK then needs --in-memory");
	row_fix(row, "mkdir -p /dev/hugepages && mount -t hugetlbfs none /dev/hugepages");
}

static void check_memlock(const struct host_facts *facts, struct readiness_row *row)
{
	const struct fact *limit = &facts->process.memlock_bytes;
	bool may_exceed = facts->process.capabilities.known &&
	                  facts->process.capabilities.value & 1LL << 14; /* CAP_IPC_LOCK */

	if (!limit->known)
		return row_unread(row, limit->error, NULL);
	if (limit->value < 0)
		return row_ok(row, "no limit");
	if (may_exceed)
		return row_ok(row, "%lld KB, which CAP_IPC_LOCK may exceed",
		              (long long)limit->value / 1024);
	if (limit->value >= 64 << 20)
		return row_ok(row, "%lld MB", (long long)limit->value >> 20);
	row_warn(row, "%lld KB", (long long)limit->value / 1024);
	row_fix(row, "ulimit -l unlimited (systemd: LimitMEMLOCK=infinity; docker run --ulimit "
	             "memlock=-1)");
}

/* ---------------------------------------------------------------------------------------------- */

#define PARAMETERS "Linux, Documentation/admin-guide/kernel-parameters.txt"
#define QUIET      "Linux, Documentation/timers/no_hz.rst"

const struct readiness_check readiness_cpu_checks[] = {
	{ "cpus", "CPU", POLLING, check_cpus, "4 or more",
	  "a path that polls takes a core for itself", "taskset(1)" },
	{ "cpu_limit", "CPU", READINESS_ALL, check_cpu_limit, "none",
	  "a core that polls uses up any quota, and requests then wait for the next period",
	  "Linux, Documentation/scheduler/sched-bwc.rst" },
	{ "isolcpus", "CPU", POLLING, check_isolcpus, "the polling cores isolated",
	  "the scheduler puts other threads on a core that is not isolated", PARAMETERS },
	{ "nohz_full", "CPU", BYPASS, check_nohz_full, "no tick on the polling cores",
	  "the tick interrupts a core up to 1000 times a second", QUIET },
	{ "rcu_nocbs", "CPU", BYPASS, check_rcu_nocbs, "no RCU callbacks on the polling cores",
	  "RCU's callbacks run on whichever core queued them, unless moved away", QUIET },
	{ "smt", "CPU", POLLING, check_smt, "off, or the sibling of a polling core idle",
	  "a sibling that works takes a third or more of the core's speed, and varies it",
	  "Linux, Documentation/admin-guide/hw-vuln/l1tf.rst, SMT control" },
	{ "governor", "CPU", POLLING | READINESS_ATTRIBUTION, check_governor, "performance",
	  "a core that slows down between requests is slow for the next one",
	  "Linux, Documentation/admin-guide/pm/cpufreq.rst" },
	{ "c_states", "CPU", READINESS_TUNING | READINESS_ATTRIBUTION, check_c_states,
	  "none that takes more than 10 us to leave",
	  "the first packet after a pause waits until the core has woken up (accounts wakeup, nic_rx)",
	  "Linux, Documentation/admin-guide/pm/cpuidle.rst" },
	{ "cpu_dma_latency", "CPU", READINESS_TUNING, check_dma_latency,
	  "10 us or less; 0 in a guest that halts (haltpoll)",
	  "whoever holds this file open keeps all cores out of deep C-states while serving",
	  "Linux, Documentation/power/pm_qos_interface.rst" },
	{ "turbo", "CPU", READINESS_ATTRIBUTION, check_turbo, "off while measuring",
	  "figures of two runs differ by what the other cores did meanwhile",
	  "Linux, Documentation/admin-guide/pm/intel_pstate.rst" },
	{ "mitigations", "CPU", READINESS_TUNING, check_mitigations,
	  "known, when figures are compared",
	  "they make every system call, interrupt and indirect call dearer; what bypass gains here "
	  "it does not gain on CPUs without them. Whether they can be off is for security to say",
	  "Linux, Documentation/admin-guide/hw-vuln/" },
	{ "steal", "CPU", READINESS_ALL, check_steal, "less than 0.1 %",
	  "a stolen millisecond is a millisecond of latency on every path, and of noise in figures",
	  "proc(5), /proc/stat" },
	{ "hypervisor", "CPU", READINESS_ALL, check_hypervisor, "none",
	  "interrupts, timers and wakeups of a guest take exits to the host; another host has other "
	  "figures",
	  "cpuid(4), hypervisor bit" },
	{ "rt_throttling", "CPU", BYPASS, check_rt_throttling, "off",
	  "a polling thread of real-time priority is stopped for the rest of each period",
	  "sched(7), sched_rt_runtime_us" },
	{ "numa_balancing", "CPU", POLLING, check_numa_balancing, "off",
	  "the page faults that it causes stop threads for microseconds",
	  "Linux, Documentation/admin-guide/sysctl/kernel.rst" },
	{ "clocksource", "clocks", READINESS_TUNING | READINESS_ATTRIBUTION, check_clocksource,
	  "one that user space and BPF read in nanoseconds",
	  "ktax, the scheduler and the network stack read it for every packet",
	  "Linux, Documentation/timers/timekeeping.rst" },
	{ "clock_sync", "clocks", READINESS_ATTRIBUTION, check_clock_sync,
	  "disciplined by NTP or PTP",
	  "recordings of several hosts are put side by side by their clocks", "adjtimex(2)" },
	{ 0 },
};

const struct readiness_check readiness_memory_checks[] = {
	{ "thp", "memory", POLLING, check_thp, "madvise or never",
	  "compaction and the clearing of 2 MB stop a thread for up to milliseconds",
	  "Linux, Documentation/admin-guide/mm/transhuge.rst" },
	{ "hugepages", "memory", READINESS_DPDK, check_hugepages,
	  "256 free ones of 2 MB, or one of 1 GB, on the NIC's node",
	  "packet buffers in 4 KB pages miss the TLB, and most drivers need contiguous memory",
	  "DPDK guide, linux_gsg/sys_reqs.rst" },
	{ "hugetlbfs", "memory", READINESS_DPDK, check_hugetlbfs, "mounted",
	  "DPDK takes hugepages through it", "DPDK guide, linux_gsg/sys_reqs.rst" },
	{ "memlock", "memory", BYPASS | READINESS_ATTRIBUTION, check_memlock, "64 MB or more",
	  "an AF_XDP socket's frames are locked memory; so were BPF maps before Linux 5.11",
	  "Linux, Documentation/networking/af_xdp.rst" },
	{ 0 },
};
