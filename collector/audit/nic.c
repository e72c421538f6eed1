// SPDX-License-Identifier: GPL-2.0
/*
 * An interface in sysfs. /sys shows the interfaces of the namespace in which it was mounted, which
 * need not be ours (ip netns exec mounts it anew, nsenter does not): where the two differ, what
 * stands there is somebody else's and stays unknown.
 */
#include <errno.h>
#include <net/if.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "internal.h"

#define ENTRIES_MAX  4096 /* of a directory */
#define ROUTE_UP     1
#define ROUTE_REJECT 0x200

#define NET "/sys/class/net/%s"

/* ---- The default route ----------------------------------------------------------------------- */

/* The text after @line's end, NULL after the last line. */
static char *end_line(char *line)
{
	char *end = strchr(line, '\n');

	if (!end)
		return NULL;
	*end = '\0';
	return end + 1;
}

static bool is_default_ipv4(const char *line, char name[16], unsigned long *ret_metric)
{
	unsigned long destination, gateway, flags, mask;

	return sscanf(line, "%15s %lx %lx %lx %*s %*s %lu %lx", name, &destination, &gateway,
	              &flags, ret_metric, &mask) == 6 &&
	       !destination && !mask && flags & ROUTE_UP && !(flags & ROUTE_REJECT);
}

static bool is_default_ipv6(const char *line, char name[16], unsigned long *ret_metric)
{
	unsigned long bits, flags;
	char destination[33];

	return sscanf(line, "%32s %lx %*s %*s %*s %lx %*s %*s %lx %15s", destination, &bits,
	              ret_metric, &flags, name) == 5 &&
	       !bits && strspn(destination, "0") == 32 && flags & ROUTE_UP &&
	       !(flags & ROUTE_REJECT) && strcmp(name, "lo") != 0;
}

/* The interface of the route with the lowest metric. */
static int search_routes(const struct source *source, const char *path,
                         bool (*is_default)(const char *, char *, unsigned long *),
                         char ret_name[16])
{
	unsigned long metric, least = 0;
	char *text, name[16];
	bool found = false;

	if (source_read_all(source, &text, "%s", path))
		return -ENOENT;
	for (char *line = text, *next; line; line = next) {
		next = end_line(line);
		if (!is_default(line, name, &metric) || (found && metric >= least))
			continue;
		found = true;
		least = metric;
		memcpy(ret_name, name, sizeof(name));
	}
	free(text);
	return found ? 0 : -ENOENT;
}

int audit_default_interface(const struct source *source, char ret_name[16])
{
	int err = search_routes(source, "/proc/net/route", is_default_ipv4, ret_name);

	return err ? search_routes(source, "/proc/net/ipv6_route", is_default_ipv6, ret_name) : 0;
}

/* ---- What sysfs tells --------------------------------------------------------------------------
 */

struct count {
	const char *prefix;
	int n;
};

static int count_entry(const char *name, void *context)
{
	struct count *count = context;

	count->n += !strncmp(name, count->prefix, strlen(count->prefix));
	return 0;
}

static struct fact count_queues(const struct source *source, const char *nic, const char *prefix)
{
	struct count count = { prefix, 0 };
	int err = source_each(source, ENTRIES_MAX, count_entry, &count, NET "/queues", nic);

	return err ? fact_error(err) : fact_known(count.n);
}

static bool has_bits(const char *mask)
{
	return mask[strspn(mask, "0,")] != '\0';
}

/* Receive queues that hand packets on to other CPUs in software (RPS). */
static struct fact count_rps(const struct source *source, const struct nic_facts *nic)
{
	char mask[4096];
	int n = 0, err;

	for (int queue = 0; queue < nic->rx_queues.value && queue < ENTRIES_MAX; queue++) {
		err = source_read(source, mask, sizeof(mask), NET "/queues/rx-%d/rps_cpus",
		                  nic->name, queue);
		if (err)
			return fact_error(err);
		n += has_bits(mask);
	}
	return fact_known(n);
}

static struct fact find_kind(const struct source *source, const char *nic)
{
	struct fact device = source_exists(source, NET "/device", nic);

	if (!device.known)
		return device;
	if (!strcmp(nic, "lo"))
		return fact_known(NIC_LOOPBACK);
	return fact_known(device.value ? NIC_HARDWARE : NIC_VIRTUAL);
}

static int take_lower(const char *name, void *context)
{
	struct fact_text *lower = context;

	if (strncmp(name, "lower_", 6) != 0)
		return 0;
	*lower = fact_text_of(name + 6);
	return 1;
}

/* known and "": there is none. */
static struct fact_text find_lower(const struct source *source, const char *nic)
{
	struct fact_text lower = fact_text_of("");
	int err = source_each(source, ENTRIES_MAX, take_lower, &lower, NET, nic);

	return err < 0 ? fact_text_error(err) : lower;
}

/* A virtio device hangs below the PCI device that has the address, interrupts and node. */
static const char *device_path(const struct source *source, const char *nic)
{
	return source_exists(source, NET "/device/msi_irqs", nic).value ||
	                       !source_exists(source, NET "/device/../msi_irqs", nic).value
	               ? "device"
	               : "device/..";
}

static void read_bus(const struct source *source, struct nic_facts *nic)
{
	const char *device = device_path(source, nic->name);
	struct fact_text subsystem = source_link(source, NET "/%s/subsystem", nic->name, device);
	char path[512], *name;

	nic->node = source_number(source, NET "/%s/numa_node", nic->name, device);
	nic->iommu_group = source_link(source, NET "/%s/iommu_group", nic->name, device);
	nic->driver = source_link(source, NET "/device/driver", nic->name);
	if (!subsystem.known || strcmp(subsystem.text, "pci") != 0) {
		nic->bus = fact_text_error(-ENOENT);
		return;
	}
	snprintf(path, sizeof(path), "%s" NET "/%s", source->root, nic->name, device);
	name = realpath(path, NULL);
	nic->bus = name && strrchr(name, '/') ? fact_text_of(strrchr(name, '/') + 1)
	                                      : fact_text_error(-ENOENT);
	free(name);
}

static void read_sysfs(const struct source *source, struct nic_facts *nic)
{
	nic->kind = find_kind(source, nic->name);
	nic->mtu = source_number(source, NET "/mtu", nic->name);
	nic->speed_mbps = source_number(source, NET "/speed", nic->name);
	nic->rx_queues = count_queues(source, nic->name, "rx-");
	nic->tx_queues = count_queues(source, nic->name, "tx-");
	nic->rps = count_rps(source, nic);
	nic->napi_defer_hard_irqs = source_number(source, NET "/napi_defer_hard_irqs", nic->name);
	nic->gro_flush_timeout_ns = source_number(source, NET "/gro_flush_timeout", nic->name);
	nic->lower = find_lower(source, nic->name);
	read_bus(source, nic);
}

static struct fact read_up(const struct source *source, const char *nic)
{
	struct fact_text state = source_text(source, NET "/operstate", nic);

	if (!state.known)
		return fact_error(state.error);
	return fact_known(!strcmp(state.text, "up") || !strcmp(state.text, "unknown"));
}

static void forget_sysfs(struct nic_facts *nic)
{
	const struct fact elsewhere = fact_error(-EXDEV);

	nic->kind = nic->mtu = nic->speed_mbps = nic->rx_queues = nic->tx_queues = elsewhere;
	nic->rps = nic->napi_defer_hard_irqs = nic->gro_flush_timeout_ns = nic->node = elsewhere;
	nic->up = nic->irqs = nic->irqs_loose = nic->irq_cpus = nic->irqs_remote = elsewhere;
	nic->irqs_isolated = elsewhere;
	nic->driver = nic->bus = nic->lower = nic->iommu_group = fact_text_error(-EXDEV);
}

int audit_nic(struct audit *audit, struct nic_facts *nic)
{
	const struct source *source = &audit->source;
	struct fact shown = source_number(source, NET "/ifindex", nic->name);
	unsigned index = source->live ? if_nametoindex(nic->name) : 0;

	if (source->live ? !index : !shown.known)
		return -ENODEV;
	if (source->live && shown.value != index) {
		forget_sysfs(nic);
	} else {
		nic->up = read_up(source, nic->name);
		read_sysfs(source, nic);
	}
	if (source->live) {
		audit_nic_ethtool(nic);
		audit_nic_netlink(nic, index);
	}
	if (nic->node.known && nic->node.value >= 0)
		audit->near_known = !source_cpus(source, &audit->near,
		                                 "/sys/devices/system/node/node%lld/cpulist",
		                                 (long long)nic->node.value);
	return 0;
}

/* ---- Interrupts
 * ---------------------------------------------------------------------------------- */

struct irqs {
	const struct audit *audit;
	struct cpu_list cpus;
	int n, loose, remote, isolated, error;
};

/*
 * What the name of an interrupt ends in where it is not a queue's: those are rare, and where they
 * go does not matter.
 */
static bool is_queue(const char *action)
{
	static const char *const others[] = { "-config", "-control", "misc", "async", "-mgmt" };

	for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++)
		if (strstr(action, others[i]))
			return false;
	return true;
}

/* An interrupt that somebody has asked for has a directory with that name. */
struct action {
	char name[64];
};

static int take_action(const char *name, void *context)
{
	struct action *action = context;

	if (strcmp(name, "spurious") != 0 && !strstr(name, "affinity") && strcmp(name, "node") != 0)
		snprintf(action->name, sizeof(action->name), "%s", name);
	return 0;
}

static int take_irq(const char *number, void *context)
{
	struct irqs *irqs = context;
	const struct source *source = &irqs->audit->source;
	struct action action = { "" };
	struct cpu_list allowed, effective;
	int err;

	if (number[strspn(number, "0123456789")])
		return 0;
	source_each(source, ENTRIES_MAX, take_action, &action, "/proc/irq/%s", number);
	if (!action.name[0] || !is_queue(action.name))
		return 0;
	err = source_cpus(source, &allowed, "/proc/irq/%s/smp_affinity_list", number);
	if (err) {
		irqs->error = err;
		return 0;
	}
	if (source_cpus(source, &effective, "/proc/irq/%s/effective_affinity_list", number))
		effective = allowed;
	irqs->n++;
	irqs->loose += cpu_list_count(&allowed) > 1;
	irqs->remote += irqs->audit->near_known && !cpu_list_common(&effective, &irqs->audit->near);
	irqs->isolated += cpu_list_common(&effective, &irqs->audit->isolated) > 0;
	cpu_list_add(&irqs->cpus, &effective);
	return 0;
}

void audit_nic_irqs(const struct audit *audit, struct nic_facts *nic)
{
	const char *device = device_path(&audit->source, nic->name);
	struct irqs irqs = { .audit = audit };
	int err;

	if (nic->irqs.error)
		return; /* somebody else's */
	err = source_each(&audit->source, ENTRIES_MAX, take_irq, &irqs, NET "/%s/msi_irqs",
	                  nic->name, device);
	if (!err)
		err = irqs.error;
	nic->irqs = err ? fact_error(err) : fact_known(irqs.n);
	nic->irqs_loose = err ? fact_error(err) : fact_known(irqs.loose);
	nic->irq_cpus = err ? fact_error(err) : fact_known(cpu_list_count(&irqs.cpus));
	nic->irqs_isolated = err ? fact_error(err) : fact_known(irqs.isolated);
	if (!err && !audit->near_known)
		err = -ENOENT;
	nic->irqs_remote = err ? fact_error(err) : fact_known(irqs.remote);
}
