// SPDX-License-Identifier: GPL-2.0
/* Checks of the interface, its driver, and what that can do. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "driver_table.h"
#include "readiness_check.h"

#define BYPASS (READINESS_AF_XDP | READINESS_DPDK)

static const char *const kind_names[] = { "loopback", "virtual", "hardware" };

/* Whether there is no interface to speak of; then that is said. */
static bool no_interface(const struct nic_facts *nic, struct readiness_row *row)
{
	if (nic->name[0])
		return false;
	row_unknown(row, "no default route: name an interface with --iface");
	return true;
}

static bool is_kind(const struct nic_facts *nic, enum nic_kind kind)
{
	return nic->kind.known && nic->kind.value == kind;
}

/* ---- The link -------------------------------------------------------------------------------- */

static void check_link(const struct host_facts *facts, struct readiness_row *row)
{
	const struct nic_facts *nic = &facts->nic;
	char speed[32] = "";

	if (no_interface(nic, row))
		return;
	if (!nic->up.known)
		return row_unread(row, nic->up.error, NULL);
	if (nic->speed_mbps.known && nic->speed_mbps.value > 0)
		snprintf(speed, sizeof(speed), ", %lld Mb/s", (long long)nic->speed_mbps.value);
	if (!nic->up.value) {
		row_fail(row, "%s is down", nic->name);
		row_fix(row, "ip link set dev %s up", nic->name);
	} else if (is_kind(nic, NIC_HARDWARE)) {
		row_ok(row, "%s is up%s", nic->name, speed);
	} else if (nic->lower.known && nic->lower.text[0]) {
		row_warn(row, "%s is up, and made of %s, which is what counts", nic->name,
		         nic->lower.text);
		row_fix(row, "ktax doctor --iface %s", nic->lower.text);
	} else {
		row_warn(row, "%s is up, %s: no NIC's interrupts, rings or stamps are on this way",
		         nic->name,
		         nic->kind.known ? kind_names[nic->kind.value] : "of no kind known");
	}
}

static void check_driver(const struct host_facts *facts, struct readiness_row *row)
{
	const struct nic_facts *nic = &facts->nic;
	const char *bus = nic->bus.known ? nic->bus.text : "";

	if (no_interface(nic, row))
		return;
	if (is_kind(nic, NIC_LOOPBACK))
		return row_warn(row, "the loopback interface has no driver, and nothing to bypass");
	if (!nic->driver.known)
		return row_unread(row, nic->driver.error, "it has no driver that is named");
	if (nic_driver_find(nic->driver.text))
		row_ok(row, "%s%s%s", nic->driver.text, *bus ? " at " : "", bus);
	else
		row_unknown(row, "%s%s%s is not in ktax's table of drivers", nic->driver.text,
		            *bus ? " at " : "", bus);
}

static void check_mtu(const struct host_facts *facts, struct readiness_row *row)
{
	const struct nic_facts *nic = &facts->nic;
	const struct nic_driver *driver = nic_driver_find(nic->driver.text);
	bool fragments = nic->xdp_features.known && nic->xdp_features.value & NIC_XDP_RX_SG;
	int most = driver ? driver->xdp_mtu_max : 0;

	if (no_interface(nic, row))
		return;
	if (!nic->mtu.known)
		return row_unread(row, nic->mtu.error, NULL);
	if (most && nic->mtu.value > most) {
		if (fragments)
			row_warn(row, "%lld: above %d only XDP programs for fragments are taken",
			         (long long)nic->mtu.value, most);
		else
			row_fail(row, "%lld: with XDP, %s takes %d at most",
			         (long long)nic->mtu.value, driver->name, most);
		return row_fix(row, "ip link set dev %s mtu 1500", nic->name);
	}
	if (is_kind(nic, NIC_LOOPBACK))
		return row_ok(row, "%lld; no driver that would limit it",
		              (long long)nic->mtu.value);
	if (!most && nic->mtu.value > 3000)
		return row_unknown(row, "%lld: what this driver takes with XDP is not known",
		                   (long long)nic->mtu.value);
	row_ok(row, "%lld", (long long)nic->mtu.value);
}

/* ---- XDP ------------------------------------------------------------------------------------- */

/* By the table: 1 it has it, 0 it has not, -1 not known. */
static int since_says(int since, const struct fact *kernel)
{
	if (since == SINCE_UNKNOWN || !kernel->known)
		return -1;
	if (since == SINCE_NEVER)
		return kernel->value <= DRIVER_TABLE_CHECKED ? 0 : -1;
	return kernel->value >= since;
}

static void say_since(struct readiness_row *row, const struct nic_driver *driver, int since,
                      const char *what, int says)
{
	if (says > 0)
		return row_ok(row, "%s has %s since Linux %s (table)", driver->name, what,
		              version_text(since).text);
	if (says < 0)
		return row_unknown(row, "whether %s has %s on this kernel is not known",
		                   driver->name, what);
	row_warn(row, "%s has no %s%s%s", driver->name, what, since > 0 ? " before Linux " : "",
	         since > 0 ? version_text(since).text : "");
}

/* What the kernel says goes first, then the table of drivers. */
static void check_feature(const struct host_facts *facts, struct readiness_row *row, int feature,
                          const char *what, bool zerocopy)
{
	const struct nic_facts *nic = &facts->nic;
	const struct nic_driver *driver = nic_driver_find(nic->driver.text);
	int since;

	if (nic->xdp_features.known) {
		if ((nic->xdp_features.value & feature) == feature)
			row_ok(row, "%s: the kernel says so (xdp-features 0x%llx)", what,
			       (unsigned long long)nic->xdp_features.value);
		else
			row_warn(row, "no %s: the kernel says so (xdp-features 0x%llx)", what,
			         (unsigned long long)nic->xdp_features.value);
		snprintf(row->source, sizeof(row->source),
		         "netdev netlink, Documentation/netlink/specs/netdev.yaml");
		return;
	}
	if (!driver)
		return row_unknown(row,
		                   "the kernel does not say, and the driver is not in the table");
	since = zerocopy ? driver->zerocopy_since : driver->xdp_since;
	snprintf(row->source, sizeof(row->source), "%s",
	         zerocopy ? driver->zerocopy_source : driver->xdp_source);
	say_since(row, driver, since, what, since_says(since, &facts->kernel.version));
}

static void check_xdp_native(const struct host_facts *facts, struct readiness_row *row)
{
	if (no_interface(&facts->nic, row))
		return;
	if (is_kind(&facts->nic, NIC_LOOPBACK))
		row_warn(row, "no native XDP: the loopback interface has no driver");
	else
		check_feature(facts, row, NIC_XDP_BASIC | NIC_XDP_REDIRECT, "native XDP", false);
	/* The generic hook comes after the kernel has made its packet: little is bypassed. */
	if (row->status == READINESS_WARN)
		row->status = READINESS_FAIL;
}

static void check_xdp_zerocopy(const struct host_facts *facts, struct readiness_row *row)
{
	if (no_interface(&facts->nic, row))
		return;
	if (is_kind(&facts->nic, NIC_LOOPBACK))
		return row_warn(row, "no zero-copy AF_XDP: the loopback interface has no driver");
	check_feature(facts, row, NIC_XDP_XSK_ZEROCOPY, "zero-copy AF_XDP", true);
}

static void check_xdp_program(const struct host_facts *facts, struct readiness_row *row)
{
	const struct fact *program = &facts->nic.xdp_program;

	if (no_interface(&facts->nic, row))
		return;
	if (!program->known)
		return row_unread(row, program->error, NULL);
	if (!program->value)
		return row_ok(row, "none is attached");
	row_fail(row, "program %lld is attached: ktax never replaces somebody else's",
	         (long long)program->value);
	row_fix(row,
	        "bpftool prog show id %lld; then, if nobody needs it: ip link set dev %s xdp off",
	        (long long)program->value, facts->nic.name);
}

/* ---- DPDK ------------------------------------------------------------------------------------ */

static void lack_pmd(struct readiness_row *row, const char *name)
{
	row_fail(row, "DPDK has no driver for %s", name);
	row->blocks = READINESS_DPDK;
}

static void find_library(const struct nic_facts *nic, const struct nic_driver *driver,
                         struct readiness_row *row)
{
	if (!nic->pmd_installed.known)
		return row_ok(row, "%s takes %s", driver->pmd, driver->name);
	if (nic->pmd_installed.value)
		return row_ok(row, "%s takes %s, and is installed", driver->pmd, driver->name);
	row_warn(row, "%s takes %s, but librte_%s.so was not found", driver->pmd, driver->name,
	         driver->pmd);
	row_fix(row, "apt install librte-meta-all");
}

static void check_dpdk_pmd(const struct host_facts *facts, struct readiness_row *row)
{
	const struct nic_facts *nic = &facts->nic;
	const struct nic_driver *driver = nic_driver_find(nic->driver.text);

	if (no_interface(nic, row))
		return;
	if (is_kind(nic, NIC_LOOPBACK))
		return lack_pmd(row, "the loopback interface");
	if (nic->lower.known && nic->lower.text[0])
		return row_unknown(row, "%s is made of %s: look at that", nic->name,
		                   nic->lower.text);
	if (driver)
		snprintf(row->source, sizeof(row->source), "%s", driver->pmd_source);
	if (driver && driver->access == PMD_NONE)
		return lack_pmd(row, driver->name);
	if (is_kind(nic, NIC_VIRTUAL))
		return lack_pmd(row, "an interface without a device");
	if (!driver || driver->access == PMD_UNKNOWN)
		return row_unknown(row, "none is known for %s",
		                   nic->driver.known ? nic->driver.text : "this driver");
	find_library(nic, driver, row);
}

/* Whether DPDK takes the device away from the kernel, which is what VFIO and an IOMMU are for. */
static bool keeps_driver(const struct nic_facts *nic)
{
	const struct nic_driver *driver = nic_driver_find(nic->driver.text);

	return driver && driver->access == PMD_SHARED;
}

static const char *address(const struct nic_facts *nic)
{
	return nic->bus.known && nic->bus.text[0] ? nic->bus.text : "PCI-ADDRESS";
}

/* What could not be looked for (no modules in a container) may still be there. */
static void lack_vfio(const struct kernel_facts *kernel, struct readiness_row *row)
{
	const struct fact *vfio = &kernel->option[KERNEL_VFIO_PCI];
	const struct fact *uio = &kernel->option[KERNEL_UIO_PCI];

	if (!vfio->known || vfio->value || !uio->known || uio->value)
		return row_unknown(row,
		                   "neither vfio-pci nor uio_pci_generic was found: this kernel's "
		                   "modules may be elsewhere");
	row_fail(row, "this kernel is built without vfio-pci and uio_pci_generic");
	row_fix(row, "use a kernel with CONFIG_VFIO_PCI");
	row->blocks = READINESS_DPDK;
}

static void check_vfio(const struct host_facts *facts, struct readiness_row *row)
{
	const struct kernel_facts *kernel = &facts->kernel;

	if (keeps_driver(&facts->nic))
		return row_ok(row, "not needed: DPDK works through %s", facts->nic.driver.text);
	if (kernel->vfio_pci.value == 2)
		return row_ok(row, "vfio-pci is there");
	if (kernel->vfio_pci.value == 1) {
		row_warn(row, "vfio-pci is a module, and not loaded");
		return row_fix(row, "modprobe vfio-pci && dpdk-devbind.py -b vfio-pci %s",
		               address(&facts->nic));
	}
	if (kernel->uio_pci.value <= 0)
		return lack_vfio(kernel, row);
	row_warn(row, "no vfio-pci, only uio_pci_generic: no protection by an IOMMU");
	row_fix(row, "modprobe uio_pci_generic && dpdk-devbind.py -b uio_pci_generic %s",
	        address(&facts->nic));
}

static void check_iommu(const struct host_facts *facts, struct readiness_row *row)
{
	const struct kernel_facts *kernel = &facts->kernel;

	if (keeps_driver(&facts->nic))
		return row_ok(row, "not needed: DPDK works through %s", facts->nic.driver.text);
	if (facts->nic.iommu_group.known)
		return row_ok(row, "the device is in IOMMU group %s", facts->nic.iommu_group.text);
	if (!kernel->iommus.known)
		return row_unread(row, kernel->iommus.error, NULL);
	if (kernel->iommus.value)
		return row_ok(row, "%lld in use", (long long)kernel->iommus.value);
	if (kernel->noiommu.known && kernel->noiommu.value)
		return row_warn(row, "none; VFIO is allowed to work without: a DPDK process can "
		                     "then write anywhere in memory");
	row_fail(row, "none is in use");
	row_fix(row,
	        "add intel_iommu=on iommu=pt (Intel) or iommu=pt (AMD) to the kernel's command "
	        "line, and reboot; without one: echo Y > "
	        "/sys/module/vfio/parameters/enable_unsafe_noiommu_mode");
}

/* ---- Stamps and place ------------------------------------------------------------------------ */

static void check_hw_timestamps(const struct host_facts *facts, struct readiness_row *row)
{
	const struct nic_facts *nic = &facts->nic;

	if (no_interface(nic, row))
		return;
	if (!nic->rx_stamps.known)
		return row_unread(row, nic->rx_stamps.error, NULL);
	if (!nic->rx_stamps.value)
		return row_warn(row, "this NIC stamps no received packets: nic_rx begins at the "
		                     "interrupt, or not at all");
	if (nic->stamping.known && nic->stamping.value)
		return row_ok(row, "received packets are stamped");
	row_warn(row, "the NIC can, but does not stamp received packets");
	row_fix(row, "hwstamp_ctl -i %s -r 1", nic->name);
}

static void check_ptp_clock(const struct host_facts *facts, struct readiness_row *row)
{
	const struct nic_facts *nic = &facts->nic;
	const struct fact_text *daemon = &facts->service.ptp_daemon;

	if (no_interface(nic, row))
		return;
	if (!nic->phc.known)
		return row_unread(row, nic->phc.error, NULL);
	if (nic->phc.value < 0)
		return row_warn(row, "the NIC has no PTP clock");
	if (!daemon->known)
		return row_unread(row, daemon->error, NULL);
	if (daemon->text[0])
		return row_ok(row, "/dev/ptp%lld, %s runs", (long long)nic->phc.value,
		              daemon->text);
	row_warn(row, "/dev/ptp%lld runs free: no ptp4l or phc2sys", (long long)nic->phc.value);
	row_fix(row, "phc2sys -c %s -s CLOCK_REALTIME -O 0", nic->name);
}

static void check_nic_node(const struct host_facts *facts, struct readiness_row *row)
{
	const struct nic_facts *nic = &facts->nic;
	const struct cpu_facts *cpu = &facts->cpu;

	if (no_interface(nic, row))
		return;
	if (cpu->nodes.known && cpu->nodes.value == 1)
		return row_ok(row, "the host has one NUMA node");
	if (!nic->node.known)
		return row_unread(row, nic->node.error, "the interface has no device");
	if (nic->node.value < 0)
		return row_unknown(row, "the firmware does not say which node the NIC is on");
	if (cpu->isolated.value > 0 && cpu->isolated_near.known && !cpu->isolated_near.value) {
		row_warn(row, "node %lld, but the isolated CPUs (%s) are on another",
		         (long long)nic->node.value, cpu->isolated_list.text);
		return row_fix(row,
		               "isolate CPUs out of: cat /sys/devices/system/node/node%lld/cpulist",
		               (long long)nic->node.value);
	}
	row_ok(row, "node %lld: numactl --cpunodebind=%lld --membind=%lld COMMAND",
	       (long long)nic->node.value, (long long)nic->node.value, (long long)nic->node.value);
}

#define NIC "interface"

const struct readiness_check readiness_nic_checks[] = {
	{ "link", NIC, READINESS_ALL, check_link, "a NIC that is up",
	  "what is measured on loopback or veth does not hold for a NIC, nor the other way round",
	  "ip-link(8)" },
	{ "driver", NIC, BYPASS, check_driver, "a driver whose abilities are known",
	  "native XDP, zero-copy and a poll-mode driver depend on the driver",
	  "ethtool -i; analyze/readiness/driver_table.c" },
	{ "xdp_native", NIC, READINESS_AF_XDP, check_xdp_native, "native XDP, with redirects",
	  "without it AF_XDP works only in the generic hook, after most of the kernel's work",
	  "analyze/readiness/driver_table.c" },
	{ "xdp_zerocopy", NIC, READINESS_AF_XDP, check_xdp_zerocopy, "zero-copy AF_XDP",
	  "without it every frame is copied between the driver's memory and the socket's",
	  "analyze/readiness/driver_table.c" },
	{ "xdp_program", NIC, READINESS_AF_XDP, check_xdp_program, "no XDP program",
	  "an interface takes one XDP program in its driver's hook; AF_XDP needs that place",
	  "Linux, Documentation/networking/af_xdp.rst" },
	{ "mtu", NIC, READINESS_AF_XDP, check_mtu, "frames that fit into one buffer",
	  "a driver refuses an XDP program where frames may be longer than its buffer",
	  "docs.ebpf.io, BPF_PROG_TYPE_XDP, Max MTU" },
	{ "dpdk_pmd", NIC, READINESS_DPDK, check_dpdk_pmd, "a poll-mode driver of DPDK's",
	  "without one DPDK goes through the kernel's driver, which is no bypass",
	  "DPDK guide, nics/" },
	{ "vfio", NIC, READINESS_DPDK, check_vfio, "vfio-pci",
	  "a poll-mode driver reaches the NIC through it",
	  "DPDK guide, linux_gsg/linux_drivers.rst" },
	{ "iommu", NIC, READINESS_DPDK, check_iommu, "an IOMMU in use",
	  "vfio-pci takes no device without one, unless it is told to be unsafe",
	  "DPDK guide, linux_gsg/linux_drivers.rst" },
	{ "nic_node", NIC, READINESS_ALL, check_nic_node, "cores and memory on the NIC's NUMA node",
	  "memory and interrupts of the other node cost 50 to 100 ns each time",
	  "DPDK guide, linux_gsg/nic_perf_intel_platform.rst" },
	{ "hw_timestamps", NIC, READINESS_ATTRIBUTION, check_hw_timestamps,
	  "received packets stamped by the NIC",
	  "with stamps ktax sees the time in the NIC and until the interrupt (nic_rx)",
	  "Linux, Documentation/networking/timestamping.rst" },
	{ "ptp_clock", NIC, READINESS_ATTRIBUTION, check_ptp_clock,
	  "a PTP clock that is kept in step",
	  "ktax converts stamps by following this clock; steps of it make stamps unusable for a while",
	  "Linux, Documentation/driver-api/ptp.rst" },
	{ 0 },
};
