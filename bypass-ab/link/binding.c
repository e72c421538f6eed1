// SPDX-License-Identifier: GPL-2.0
#include "binding.h"

#include <errno.h>
#include <fcntl.h>
#include <glob.h>
#include <linux/ethtool.h>
#include <linux/sockios.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "change.h"
#include "interface.h"
#include "ip_batch.h"
#include "link.h"
#include "port.h"
#include "sentence.h"

#define PCI                 "/sys/bus/pci"
#define HOST_NAMESPACE      "/proc/1/ns/net"
#define FIRST_PID_NAMESPACE 0xeffffffc /* PROC_PID_INIT_INO, include/linux/proc_ns.h */
#define NO_IOMMU            "/sys/module/vfio/parameters/enable_unsafe_noiommu_mode"
#define COME_BACK_STEP_US   20000
#define COME_BACK_STEPS     750 /* 15 s: firmware may be loaded */
#define NAMED_STEPS         25  /* for udev to name it, and between two tries */

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

/*
 * The interfaces that the kernel has made of it, in the host's namespace; those of a virtio NIC are
 * below a device of its own. Returns how many are called otherwise than @interface, and the last of
 * all in *ret_found, if it is not NULL; "": none.
 */
static size_t interfaces_of(const char *pci, const char *interface, char ret_found[16])
{
	glob_t found = {};
	size_t others = 0;
	char path[96];

	snprintf(path, sizeof(path), PCI "/devices/%s/net/*", pci);
	glob(path, 0, NULL, &found);
	snprintf(path, sizeof(path), PCI "/devices/%s/virtio*/net/*", pci);
	glob(path, found.gl_pathc ? GLOB_APPEND : 0, NULL, &found);
	if (ret_found)
		ret_found[0] = '\0';
	for (size_t i = 0; i < found.gl_pathc; i++) {
		const char *name = strrchr(found.gl_pathv[i], '/') + 1;

		others += strcmp(name, interface) != 0;
		if (ret_found)
			snprintf(ret_found, 16, "%.15s", name);
	}
	globfree(&found);
	return others;
}

static bool has_virtual_functions(const char *pci)
{
	char path[96], number[CHANGE_VALUE_MAX];

	snprintf(path, sizeof(path), PCI "/devices/%s/sriov_numvfs", pci);
	return !change_read_file(path, number) && strcmp(number, "0") != 0;
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
	if (interfaces_of(ret->pci, interface, NULL) || has_virtual_functions(ret->pci))
		return sentence(why, why_size, -EOPNOTSUPP,
		                "the NIC of %s has other ports or virtual functions, which would "
		                "go with it",
		                interface);
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

static bool is_same_file(const char *path, ino_t inode)
{
	struct stat status;

	return !stat(path, &status) && status.st_ino == inode;
}

/* In a container process 1 is not the host's. */
bool binding_comes_back_here(void)
{
	int here = link_here();
	bool same = here >= 0 && is_same_file(HOST_NAMESPACE, namespace_inode(here)) &&
	            is_same_file("/proc/self/ns/pid", FIRST_PID_NAMESPACE);

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
	if (err || strcmp(now, driver) != 0)
		return sentence(why, why_size, -EOPNOTSUPP,
		                "%s does not take %s%s%s (see the kernel's log)", driver,
		                binding->pci, err ? ": " : "", err ? strerror(-err) : "");
	return 0;
}

/* Of the device, in the calling thread's namespace already, as it was? */
static bool is_here(const struct binding *binding, const char *interface)
{
	struct ethtool_drvinfo info = { .cmd = ETHTOOL_GDRVINFO };
	struct ifreq mtu = {};
	uint8_t mac[6];

	return !interface_ethtool(interface, &info) && !strcmp(info.bus_info, binding->pci) &&
	       !interface_mac(interface, mac) && !memcmp(mac, binding->mac, sizeof(mac)) &&
	       !interface_request(interface, SIOCGIFMTU, &mtu) &&
	       (unsigned int)mtu.ifr_mtu == binding->mtu;
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

/* udev may give it its name meanwhile, and between any two commands. */
static int await_interface(const struct binding *binding, const char *interface)
{
	char found[16];
	int err = -ETIMEDOUT, seen = 0;

	for (int i = 0; i < COME_BACK_STEPS && err; i++, usleep(COME_BACK_STEP_US)) {
		interfaces_of(binding->pci, interface, found);
		if (!found[0])
			continue;
		if (!strcmp(found, interface) || ++seen % NAMED_STEPS == 0)
			err = bring_home(binding, interface, found);
	}
	return err;
}

int binding_take_back(const struct binding *binding, const char *interface)
{
	char now[32];
	bool away;
	int err = 0;

	driver_of(binding->pci, now);
	away = strcmp(now, binding->driver) != 0;
	if (away)
		err = bind_to(binding->pci, binding->driver);
	/* What was read there is "(null)" if nothing is: an empty line makes it that. */
	if (!err)
		err = write_to_bus(PCI "/devices/%s/driver_override", binding->pci,
		                   strcmp(binding->override, "(null)") ? binding->override : "\n");
	if (err)
		return err;
	return !away && is_here(binding, interface) ? 1 : await_interface(binding, interface);
}
