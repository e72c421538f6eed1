// SPDX-License-Identifier: GPL-2.0
#include "dpdk_port.h"

#include <errno.h>
#include <fcntl.h>
#include <glob.h>
#include <sched.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <bpf/libbpf.h>
#include <rte_dev.h>
#include <rte_eal.h>
#include <rte_errno.h>
#include <rte_ethdev.h>
#include <rte_log.h>
#include <xdp/libxdp.h>

#include "sentence.h"

/*
 * Has libxdp attach the AF_XDP driver's program itself, and not a dispatcher for it, which is
 * pinned to the BPF file system: a process that is killed would leave that behind.
 */
#define NO_DISPATCHER "LIBXDP_SKIP_DISPATCHER"

#define MEMORY_MB    64
#define SIBLING_MB   24 /* a pool */
#define RING_SIZE    1024
#define SEND_TRIES   16
#define LINK_TRIES   1000 /* memif looks for its peer once a second, and a NIC's link takes 5 */
#define LINK_WAIT_NS 10000000
#define POOL_CACHE   128
#define PRIVATE_SIZE RTE_ALIGN(sizeof(uint32_t), RTE_MBUF_PRIV_ALIGN)

static pid_t started_in; /* the process that has started the environment */
static bool has_hugepages;

/* ---- What DPDK says ----------------------------------------------------------------------- */

static char last_line[160];

static ssize_t keep_line(void *cookie, const char *text, size_t size)
{
	snprintf(last_line, sizeof(last_line), "%.*s", (int)strcspn(text, "\n"), text);
	return (ssize_t)size;
}

/* Its messages are not for the terminal: the last one goes into the reason why it failed. */
static void redirect_log(void)
{
	const cookie_io_functions_t functions = { .write = keep_line };
	FILE *log = fopencookie(NULL, "w", functions);

	if (!log)
		return;
	setvbuf(log, NULL, _IOLBF, 256);
	rte_openlog_stream(log);
}

static int dpdk_fails(int err, char *why, size_t why_size, const char *what)
{
	return sentence(why, why_size, err, "DPDK: %s: %s", what,
	                *last_line ? last_line : strerror(-err));
}

/* ---- The environment ---------------------------------------------------------------------- */

/* MB of free hugepages of @directory, whose name ends in "-2048kB". */
static unsigned long free_mb_of(const char *directory)
{
	unsigned long pages = 0, size_kb = 0;
	char path[256];
	FILE *file;

	snprintf(path, sizeof(path), "%s/free_hugepages", directory);
	file = fopen(path, "re");
	if (!file)
		return 0;
	if (fscanf(file, "%lu", &pages) != 1 ||
	    sscanf(strrchr(directory, '-'), "-%lukB", &size_kb) != 1)
		pages = 0;
	fclose(file);
	return pages * size_kb / 1024;
}

static bool enough_hugepages(unsigned int needed_mb)
{
	unsigned long mb = 0;
	glob_t found;

	if (glob("/sys/kernel/mm/hugepages/hugepages-*", 0, NULL, &found))
		return false;
	for (size_t i = 0; i < found.gl_pathc; i++)
		mb += free_mb_of(found.gl_pathv[i]);
	globfree(&found);
	return mb >= needed_mb;
}

/* The first CPU that the thread may run on. */
static int own_cpu(void)
{
	cpu_set_t set;

	if (sched_getaffinity(0, sizeof(set), &set))
		return -errno;
	for (int cpu = 0; cpu < CPU_SETSIZE; cpu++)
		if (CPU_ISSET(cpu, &set))
			return cpu;
	return -ENODEV;
}

/* Some failures are also printed to the terminal, past the log. Returns what restores it. */
static int silence(int fd)
{
	int kept = dup(fd), null = open("/dev/null", O_WRONLY | O_CLOEXEC);

	if (null >= 0) {
		dup2(null, fd);
		close(null);
	}
	return kept;
}

static void restore(int fd, int kept)
{
	if (kept < 0)
		return;
	dup2(kept, fd);
	close(kept);
}

/* The directory of its files, which are none. */
static void remove_runtime_directory(void)
{
	char path[256];
	char *last;

	snprintf(path, sizeof(path), "%s", rte_eal_get_runtime_dir());
	last = strrchr(path, '/');
	if (!last || rmdir(path))
		return;
	*last = '\0';
	rmdir(path); /* it stays if somebody else is in it */
}

static int start_silently(int n, char **arguments)
{
	int output = silence(STDOUT_FILENO), errors = silence(STDERR_FILENO), r;

	redirect_log();
	setenv(NO_DISPATCHER, "1", 1);
	r = rte_eal_init(n, arguments);
	restore(STDOUT_FILENO, output);
	restore(STDERR_FILENO, errors);
	remove_runtime_directory();
	return r < 0 ? -rte_errno : 0;
}

/*
 * Nothing is probed but what a port is made of: no PCI device but the one that is @allowed. Without
 * hugepages --in-memory is refused, and there are no files but its configuration's.
 */
static int start_environment(const char *allowed, unsigned int memory_mb)
{
	char core[24], megabytes[8], prefix[32], pci[64];
	char *arguments[] = {
		"ktax",
		"--lcores",
		core,
		"-m",
		megabytes,
		"--file-prefix",
		prefix,
		"--no-telemetry",
		"--log-level=warning",
		pci,
		NULL, /* room for more */
		NULL,
		NULL,
	};
	int n = sizeof(arguments) / sizeof(arguments[0]) - 3, cpu = own_cpu();

	if (cpu < 0)
		return cpu;
	/* A generator leaves some to its responder. */
	has_hugepages = enough_hugepages(memory_mb > MEMORY_MB ? memory_mb + MEMORY_MB : memory_mb);
	arguments[n++] = has_hugepages ? "--in-memory" : "--no-huge";
	if (!has_hugepages)
		arguments[n++] = "--no-shconf";
	if (!allowed)
		arguments[n++] = "--iova-mode=va"; /* a NIC's depends on its IOMMU */
	snprintf(core, sizeof(core), "0@%d", cpu);
	snprintf(megabytes, sizeof(megabytes), "%u", memory_mb);
	snprintf(prefix, sizeof(prefix), "ktax-%d", getpid());
	snprintf(pci, sizeof(pci), allowed ? "--allow=%s" : "--no-pci", allowed);
	return start_silently(n, arguments);
}

static int ensure_environment(const struct dpdk_device *device, char *why, size_t why_size)
{
	int err;

	if (started_in == getpid())
		return 0;
	if (started_in)
		return sentence(why, why_size, -EOPNOTSUPP,
		                "DPDK was started before in the process this one was forked from");
	err = start_environment(strcmp(device->bus, "pci") ? NULL : device->name,
	                        MEMORY_MB + device->siblings * SIBLING_MB);
	if (err)
		return dpdk_fails(-EOPNOTSUPP, why, why_size, "cannot start");
	started_in = getpid();
	return 0;
}

/* ---- The port ----------------------------------------------------------------------------- */

static void number_mbuf(struct rte_mempool *pool, void *context, void *object, unsigned int index)
{
	struct dpdk_port *port = context;

	port->mbuf[index] = object;
	*(uint32_t *)rte_mbuf_to_priv(object) = index;
}

static int make_pool(struct dpdk_port *port)
{
	char name[RTE_MEMPOOL_NAMESIZE];

	snprintf(name, sizeof(name), "ktax-%.16s", port->name);
	port->pool = rte_pktmbuf_pool_create(name, DPDK_MBUFS, POOL_CACHE, PRIVATE_SIZE,
	                                     RTE_MBUF_DEFAULT_BUF_SIZE, SOCKET_ID_ANY);
	if (!port->pool)
		return -rte_errno;
	rte_mempool_obj_iter(port->pool, number_mbuf, port);
	return 0;
}

static int quiet_libbpf(enum libbpf_print_level level, const char *format, va_list arguments)
{
	return 0;
}

static int quiet_libxdp(enum libxdp_print_level level, const char *format, va_list arguments)
{
	return 0;
}

static int start_port(struct dpdk_port *port)
{
	const struct rte_eth_conf configuration = { 0 };
	uint16_t received = RING_SIZE, sent = RING_SIZE;
	int err = rte_eth_dev_configure(port->id, 1, 1, &configuration);

	if (!err)
		err = rte_eth_dev_adjust_nb_rx_tx_desc(port->id, &received, &sent);
	if (!err)
		err = rte_eth_rx_queue_setup(port->id, 0, received, SOCKET_ID_ANY, NULL,
		                             port->pool);
	if (!err)
		err = rte_eth_tx_queue_setup(port->id, 0, sent, SOCKET_ID_ANY, NULL);
	if (!err)
		err = rte_eth_dev_start(port->id);
	if (!err)
		rte_eth_promiscuous_enable(port->id); /* where it is not, it is all there is */
	return err;
}

static int make_port(struct dpdk_port *port, const struct dpdk_device *device)
{
	int err = rte_eal_hotplug_add(device->bus, device->name, device->arguments);

	if (err || rte_eth_dev_get_port_by_name(device->name, &port->id)) {
		port->id = RTE_MAX_ETHPORTS;
		return -EOPNOTSUPP;
	}
	err = make_pool(port);
	return err ? err : start_port(port);
}

/* The AF_XDP driver has libxdp try programs that a kernel may refuse, which says so loudly. */
static int make_port_quietly(struct dpdk_port *port, const struct dpdk_device *device)
{
	libbpf_print_fn_t libbpf_print = libbpf_set_print(quiet_libbpf);
	libxdp_print_fn_t libxdp_print = libxdp_set_print(quiet_libxdp);
	int err = make_port(port, device);

	libbpf_set_print(libbpf_print);
	libxdp_set_print(libxdp_print);
	return err;
}

int dpdk_port_open(struct dpdk_port *port, const struct dpdk_device *device, char *why,
                   size_t why_size)
{
	int err = ensure_environment(device, why, why_size);

	if (err)
		return err;
	*port = (struct dpdk_port){ .id = RTE_MAX_ETHPORTS, .note = device->note };
	*last_line = '\0';
	snprintf(port->bus, sizeof(port->bus), "%s", device->bus);
	snprintf(port->name, sizeof(port->name), "%s", device->name);
	err = make_port_quietly(port, device);
	if (err) {
		dpdk_fails(err, why, why_size, device->name);
		dpdk_port_close(port);
	}
	return err;
}

static void stop_port(struct dpdk_port *port)
{
	rte_eth_promiscuous_disable(port->id);
	rte_eth_dev_stop(port->id);
	rte_eth_dev_close(port->id);
	rte_eal_hotplug_remove(port->bus, port->name);
}

/* An interface that has vanished is nothing that libxdp has to tell. */
void dpdk_port_close(struct dpdk_port *port)
{
	libbpf_print_fn_t libbpf_print = libbpf_set_print(quiet_libbpf);
	libxdp_print_fn_t libxdp_print = libxdp_set_print(quiet_libxdp);

	if (port->id < RTE_MAX_ETHPORTS)
		stop_port(port);
	libbpf_set_print(libbpf_print);
	libxdp_set_print(libxdp_print);
	rte_mempool_free(port->pool); /* NULL is fine */
	port->pool = NULL;
	port->id = RTE_MAX_ETHPORTS;
}

bool dpdk_port_await_link(const struct dpdk_port *port)
{
	const struct timespec wait = { .tv_nsec = LINK_WAIT_NS };
	struct rte_eth_link link = { 0 };

	for (int i = 0; i < LINK_TRIES; i++) {
		if (!rte_eth_link_get_nowait(port->id, &link) && link.link_status)
			return true;
		nanosleep(&wait, NULL);
	}
	return false;
}

/* ---- The paths' ports ----------------------------------------------------------------------- */

int dpdk_port_open_nic(struct dpdk_port *port, const char *interface, char *why, size_t why_size)
{
	const struct dpdk_device device = { "pci", interface, "", "poll-mode driver" };
	unsigned int domain, bus, slot, function;
	char reason[256];
	int err;

	if (sscanf(interface, "%x:%x:%x.%u", &domain, &bus, &slot, &function) != 4)
		return sentence(
			why, why_size, -EOPNOTSUPP,
			"it takes a NIC from the kernel: use a plan of two NICs (--plan) that says "
			"rebind = yes");
	err = dpdk_port_open(port, &device, reason, sizeof(reason));
	if (!err && !dpdk_port_await_link(port)) {
		dpdk_port_close(port);
		return sentence(why, why_size, -EOPNOTSUPP, "DPDK: %s has no carrier", interface);
	}
	if (err)
		sentence(why, why_size, err, "%s%s", reason,
		         started_in == getpid() && !has_hugepages
		                 ? " (without hugepages most NICs cannot be used: vm.nr_hugepages)"
		                 : "");
	return err;
}

int dpdk_port_open_af_packet(struct dpdk_port *port, const char *interface, char *why,
                             size_t why_size)
{
	char arguments[64];
	const struct dpdk_device device = { "vdev", "net_af_packet0", arguments,
		                            "the kernel's packet socket, no true bypass" };

	snprintf(arguments, sizeof(arguments), "iface=%s,qdisc_bypass=1", interface);
	return dpdk_port_open(port, &device, why, why_size);
}

int dpdk_port_open_af_xdp(struct dpdk_port *port, const char *interface, char *why, size_t why_size)
{
	char arguments[64];
	const struct dpdk_device device = { "vdev", "net_af_xdp0", arguments,
		                            "the kernel's AF_XDP socket, no true bypass" };

	snprintf(arguments, sizeof(arguments), "iface=%s", interface);
	return dpdk_port_open(port, &device, why, why_size);
}

uint16_t dpdk_port_send(struct dpdk_port *port, struct rte_mbuf **mbufs, uint16_t n)
{
	uint16_t sent = 0;

	for (int i = 0; i < SEND_TRIES && sent < n; i++)
		sent += rte_eth_tx_burst(port->id, 0, mbufs + sent, n - sent);
	rte_pktmbuf_free_bulk(mbufs + sent, n - sent);
	return sent;
}

uint64_t dpdk_port_drops(const struct dpdk_port *port)
{
	struct rte_eth_stats stats = { 0 };

	rte_eth_stats_get(port->id, &stats);
	return stats.imissed + stats.rx_nombuf;
}

void dpdk_port_describe(const struct dpdk_port *port, char *text, size_t size)
{
	snprintf(text, size, "%s, %s", port->note, has_hugepages ? "hugepages" : "no hugepages");
}
