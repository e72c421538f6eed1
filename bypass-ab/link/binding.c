// SPDX-License-Identifier: GPL-2.0
#include "binding.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/ethtool.h>
#include <linux/sockios.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "change.h"
#include "interface.h"
#include "ip_batch.h"
#include "link.h"
#include "port.h"
#include "sentence.h"

#define PCI               "/sys/bus/pci"
#define HOST_NAMESPACE    "/proc/1/ns/net"
#define NO_IOMMU          "/sys/module/vfio/parameters/enable_unsafe_noiommu_mode"
#define COME_BACK_STEP_US 20000
#define COME_BACK_STEPS   750 /* 15 s: firmware may be loaded */
#define NAMED_STEPS       25  /* for udev to name it */

/* ---- sysfs -------------------------------------------------------------------------------- */

/* To the file whose path is @format with @name in it. */
static int write_to_bus(const char *format, const char *name, const char *value)
{
	char path[128];

	snprintf(path, sizeof(path), format, name);
	return change_write_file(path, value);
}

static void driver_of(const char *pci, char driver[32])
{
	char path[64], target[256];
	ssize_t n;

	snprintf(path, sizeof(path), PCI "/devices/%s/driver", pci);
	n = readlink(path, target, sizeof(target) - 1);
	target[n > 0 ? n : 0] = '\0';
	snprintf(driver, 32, "%.31s", n > 0 ? strrchr(target, '/') + 1 : "");
}

/* The interface that the kernel has made of it, in the host's namespace; false: none. */
static bool interface_of(const char *pci, char interface[16])
{
	const struct dirent *entry;
	bool found = false;
	char path[64];
	DIR *directory;

	snprintf(path, sizeof(path), PCI "/devices/%s/net", pci);
	directory = opendir(path);
	while (directory && !found && (entry = readdir(directory)))
		found = entry->d_name[0] != '.' &&
		        snprintf(interface, 16, "%.15s", entry->d_name) > 0;
	if (directory)
		closedir(directory);
	return found;
}

/* ---- Reading ------------------------------------------------------------------------------ */

/* Of these DPDK's driver works beside the kernel's, by the verbs interface of RDMA. */
static bool shares(const char *driver)
{
	return !strncmp(driver, "mlx", 3) || !strcmp(driver, "mana");
}

int binding_read(const char *interface, struct binding *ret, char *why, size_t why_size)
{
	struct ethtool_drvinfo info = { .cmd = ETHTOOL_GDRVINFO };
	struct ifreq mtu = {};
	char path[64], override[CHANGE_VALUE_MAX];
	int err = interface_ethtool(interface, &info);

	*ret = (struct binding){};
	snprintf(ret->pci, sizeof(ret->pci), "%.15s", err ? "" : info.bus_info);
	snprintf(path, sizeof(path), PCI "/devices/%s/driver_override", ret->pci);
	if (!ret->pci[0] || access(path, W_OK))
		return sentence(why, why_size, -EOPNOTSUPP,
		                "%s is no PCI device that can be given to user space", interface);
	driver_of(ret->pci, ret->driver);
	if (shares(ret->driver))
		return sentence(why, why_size, -EOPNOTSUPP,
		                "the driver of %s, %s, shares its NIC with DPDK, and ktax can only "
		                "give a NIC away",
		                interface, ret->driver);
	err = interface_mac(interface, ret->mac);
	if (!err)
		err = interface_request(interface, SIOCGIFMTU, &mtu);
	if (err)
		return sentence(why, why_size, err, "interface %s: %s", interface, strerror(-err));
	ret->mtu = (unsigned int)mtu.ifr_mtu;
	err = change_read_file(path, override);
	snprintf(ret->override, sizeof(ret->override), "%.31s", err ? "(null)" : override);
	return 0;
}

void binding_print(const struct binding *binding, char text[BINDING_TEXT_MAX])
{
	const uint8_t *mac = binding->mac;

	snprintf(text, BINDING_TEXT_MAX, "%s %s %s %02x:%02x:%02x:%02x:%02x:%02x %u", binding->pci,
	         binding->driver, binding->override, mac[0], mac[1], mac[2], mac[3], mac[4], mac[5],
	         binding->mtu);
}

int binding_parse(const char *text, struct binding *ret)
{
	uint8_t *mac = ret->mac;

	*ret = (struct binding){};
	return sscanf(text, "%15s %31s %31s %hhx:%hhx:%hhx:%hhx:%hhx:%hhx %u", ret->pci,
	              ret->driver, ret->override, &mac[0], &mac[1], &mac[2], &mac[3], &mac[4],
	              &mac[5], &ret->mtu) == 10
	               ? 0
	               : -EINVAL;
}

/* ---- Giving, and taking back ---------------------------------------------------------------- */

bool binding_comes_back_here(void)
{
	int host = open("/proc/1/ns/net", O_RDONLY | O_CLOEXEC), here = link_here();
	bool same = host >= 0 && here >= 0 && namespace_inode(host) == namespace_inode(here);

	if (host >= 0)
		close(host);
	if (here >= 0)
		close(here);
	return same;
}

static const char *user_driver(const char *pci)
{
	char path[64], without[CHANGE_VALUE_MAX];

	snprintf(path, sizeof(path), PCI "/devices/%s/iommu_group", pci);
	if (!access(path, F_OK) || (!change_read_file(NO_IOMMU, without) && without[0] == 'Y'))
		return "vfio-pci";
	return "uio_pci_generic";
}

/* Lets @driver (as driver_override has it) have the device, from whoever has it now. */
static int bind_to(const char *pci, const char *driver)
{
	char now[32];
	int err = write_to_bus(PCI "/devices/%s/driver_override", pci, driver);

	driver_of(pci, now);
	if (!err && now[0])
		err = write_to_bus(PCI "/drivers/%s/unbind", now, pci);
	return err ? err : change_write_file(PCI "/drivers_probe", pci);
}

int binding_give(const struct binding *binding, char *why, size_t why_size)
{
	const char *driver = user_driver(binding->pci);
	char path[64], now[32];
	int err;

	snprintf(path, sizeof(path), PCI "/drivers/%s", driver);
	if (access(path, F_OK))
		return sentence(why, why_size, -EOPNOTSUPP,
		                "the driver that would give %s to user space is not loaded: "
		                "modprobe %s",
		                binding->pci, driver);
	err = bind_to(binding->pci, driver);
	driver_of(binding->pci, now);
	if (!err && strcmp(now, driver) != 0)
		err = -EIO;
	if (err)
		return sentence(why, why_size, err, "cannot bind %s to %s: %s", binding->pci,
		                driver, strerror(-err));
	return 0;
}

/* Of the device, in the calling thread's namespace already? */
static bool is_here(const struct binding *binding, const char *interface)
{
	struct ethtool_drvinfo info = { .cmd = ETHTOOL_GDRVINFO };

	return !interface_ethtool(interface, &info) && !strcmp(info.bus_info, binding->pci);
}

/* udev may give it its name meanwhile. */
static int await_interface(const struct binding *binding, const char *interface, char found[16])
{
	int named = 0;

	for (int i = 0; i < COME_BACK_STEPS; i++, usleep(COME_BACK_STEP_US))
		if (interface_of(binding->pci, found) &&
		    (!strcmp(found, interface) || ++named >= NAMED_STEPS))
			return 0;
	return -ETIMEDOUT;
}

/* From the host's namespace to that of the caller, as it was. */
static int bring_home(const struct binding *binding, const char *interface, const char *found)
{
	int host = open(HOST_NAMESPACE, O_RDONLY | O_CLOEXEC), here = link_here(), err = -ENOENT;
	const uint8_t *mac = binding->mac;
	char commands[IP_BATCH_MAX];
	int n = snprintf(commands, sizeof(commands),
	                 "link set dev %s down\n"
	                 "link set dev %s address %02x:%02x:%02x:%02x:%02x:%02x mtu %u\n",
	                 found, found, mac[0], mac[1], mac[2], mac[3], mac[4], mac[5],
	                 binding->mtu);

	if (strcmp(found, interface) != 0)
		n += snprintf(commands + n, sizeof(commands) - (size_t)n,
		              "link set dev %s name %s\n", found, interface);
	if (host >= 0 && here >= 0 && namespace_inode(host) != namespace_inode(here))
		snprintf(commands + n, sizeof(commands) - (size_t)n,
		         "link set dev %s netns /proc/%d/fd/%d\n", interface, getpid(), here);
	if (host >= 0 && here >= 0)
		err = ip_batch(here, host, commands, NULL, 0);
	if (host >= 0)
		close(host);
	if (here >= 0)
		close(here);
	return err;
}

int binding_take_back(const struct binding *binding, const char *interface)
{
	char now[32], found[16];
	int err = 0;

	driver_of(binding->pci, now);
	if (!strcmp(now, binding->driver) && is_here(binding, interface))
		return 1;
	if (strcmp(now, binding->driver) != 0)
		err = bind_to(binding->pci, binding->driver);
	/* What was written there is "(null)" if nothing was: an empty line makes it that. */
	if (!err)
		err = write_to_bus(PCI "/devices/%s/driver_override", binding->pci,
		                   strcmp(binding->override, "(null)") ? binding->override : "\n");
	if (!err)
		err = await_interface(binding, interface, found);
	return err ? err : bring_home(binding, interface, found);
}
