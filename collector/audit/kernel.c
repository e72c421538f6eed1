// SPDX-License-Identifier: GPL-2.0
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>

#include "internal.h"

#define ENTRIES_MAX 4096

/* ---- Configuration ----------------------------------------------------------------------------
 */

static const char *const option_names[KERNEL_NOPTIONS] = {
	[KERNEL_DEBUG_INFO_BTF] = "CONFIG_DEBUG_INFO_BTF",
	[KERNEL_XDP_SOCKETS] = "CONFIG_XDP_SOCKETS",
	[KERNEL_BPF_SYSCALL] = "CONFIG_BPF_SYSCALL",
	[KERNEL_KPROBES] = "CONFIG_KPROBES",
	[KERNEL_DIRECT_CALLS] = "CONFIG_DYNAMIC_FTRACE_WITH_DIRECT_CALLS",
	[KERNEL_BUSY_POLL] = "CONFIG_NET_RX_BUSY_POLL",
	[KERNEL_NO_HZ_FULL] = "CONFIG_NO_HZ_FULL",
	[KERNEL_RCU_NOCB] = "CONFIG_RCU_NOCB_CPU",
	[KERNEL_VFIO_PCI] = "CONFIG_VFIO_PCI",
	[KERNEL_UIO_PCI] = "CONFIG_UIO_PCI_GENERIC",
	[KERNEL_HUGETLBFS] = "CONFIG_HUGETLBFS",
	[KERNEL_IO_URING] = "CONFIG_IO_URING",
};

/* The compressed file of at most SOURCE_BYTES_MAX once unpacked. */
static int read_config_gz(const struct source *source, char **ret)
{
	char path[4096], *text;
	gzFile file;
	int length;

	snprintf(path, sizeof(path), "%s/proc/config.gz", source->root);
	if (!source_exists(source, "/proc/config.gz").value)
		return -ENOENT;
	text = malloc(SOURCE_BYTES_MAX + 1);
	file = text ? gzopen(path, "re") : NULL;
	length = file ? gzread(file, text, SOURCE_BYTES_MAX) : -1;
	if (file)
		gzclose(file);
	if (length <= 0) {
		free(text);
		return -EBADMSG;
	}
	text[length] = '\0';
	*ret = text;
	return 0;
}

/* "CONFIG_X=y" at the beginning of a line. What has no such line is not set. */
static int64_t option_value(const char *text, const char *name)
{
	size_t length = strlen(name);

	for (const char *at = text; (at = strstr(at, name)); at += length)
		if ((at == text || at[-1] == '\n') && at[length] == '=')
			return at[length + 1] == 'y' ? 1 : at[length + 1] == 'm' ? 2 : 0;
	return 0;
}

static void read_config(const struct source *source, const char *release,
                        struct fact option[KERNEL_NOPTIONS])
{
	char *text;
	int err = read_config_gz(source, &text);

	if (err)
		err = source_read_all(source, &text, "/boot/config-%s", release);
	if (err)
		err = source_read_all(source, &text, "/lib/modules/%s/config", release);
	for (int i = 0; i < KERNEL_NOPTIONS; i++)
		option[i] = err ? fact_error(err) : fact_known(option_value(text, option_names[i]));
	if (!err)
		free(text);
}

/* ---- VFIO and IOMMU ----------------------------------------------------------------------------
 */

static int count_one(const char *name, void *context)
{
	++*(int64_t *)context;
	return 0;
}

static struct fact count_iommus(const struct source *source)
{
	int64_t n = 0;
	int err = source_each(source, ENTRIES_MAX, count_one, &n, "/sys/class/iommu");

	return err && err != -ENOENT ? fact_error(err) : fact_known(n);
}

/* Whether there is such a module to load. */
static struct fact lists_module(const struct source *source, const char *release,
                                const char *module)
{
	char *text, file[64];
	bool found;
	int err = source_read_all(source, &text, "/lib/modules/%s/modules.dep", release);

	if (err)
		return fact_error(err);
	snprintf(file, sizeof(file), "/%s.ko", module);
	found = strstr(text, file) != NULL;
	free(text);
	return fact_known(found);
}

/* A driver that user space reaches devices by. */
static struct fact find_driver(const struct source *source, const char *release, const char *driver)
{
	if (source_exists(source, "/sys/bus/pci/drivers/%s", driver).value)
		return fact_known(2);
	return lists_module(source, release, driver);
}

static struct fact find_uio(const struct source *source, const char *release)
{
	struct fact generic = find_driver(source, release, "uio_pci_generic");

	/* DPDK's own, from outside of the kernel's tree. */
	if (source_exists(source, "/sys/bus/pci/drivers/igb_uio").value)
		return fact_known(2);
	return generic;
}

/* ------------------------------------------------------------------------------------------------
 */

static struct fact read_version(const char *release)
{
	unsigned major, minor;

	if (sscanf(release, "%u.%u", &major, &minor) != 2 || major > 1000 || minor > 999)
		return fact_error(-EBADMSG);
	return fact_known(1000LL * major + minor);
}

static struct fact read_noiommu(const struct source *source)
{
	struct fact_text mode =
		source_text(source, "/sys/module/vfio/parameters/enable_unsafe_noiommu_mode");

	return mode.known ? fact_known(mode.text[0] == 'Y') : fact_error(mode.error);
}

void audit_kernel(const struct audit *audit, struct kernel_facts *kernel)
{
	const struct source *source = &audit->source;
	struct fact_text release = source_text(source, "/proc/sys/kernel/osrelease");

	/* Only what could be part of a path. */
	if (strchr(release.text, '/'))
		release = fact_text_error(-EBADMSG);
	kernel->version = read_version(release.text);
	read_config(source, release.text, kernel->option);
	kernel->btf = source_exists(source, "/sys/kernel/btf/vmlinux");
	kernel->kprobe = source_exists(source, "/sys/bus/event_source/devices/kprobe");
	kernel->bpf_jit = source_number(source, "/proc/sys/net/core/bpf_jit_enable");
	kernel->busy_poll_us = source_number(source, "/proc/sys/net/core/busy_poll");
	kernel->busy_read_us = source_number(source, "/proc/sys/net/core/busy_read");
	kernel->io_uring_disabled = source_number(source, "/proc/sys/kernel/io_uring_disabled");
	kernel->iommus = count_iommus(source);
	kernel->vfio_pci = find_driver(source, release.text, "vfio-pci");
	kernel->uio_pci = find_uio(source, release.text);
	kernel->noiommu = read_noiommu(source);
	if (source->live)
		audit_kernel_trials(kernel);
}
