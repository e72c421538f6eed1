/* SPDX-License-Identifier: GPL-2.0 */
/*
 * DPDK's environment (EAL) and one port of it: what the DPDK paths and the generator's DPDK wire
 * have in common. Only files that are built with DPDK see this.
 */
#ifndef KTAX_DPDK_PORT_H
#define KTAX_DPDK_PORT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <rte_mbuf.h>

#define DPDK_MBUFS 8191

struct dpdk_device {
	const char *bus;  /* "vdev", or "pci" */
	const char *name; /* "net_af_xdp0", "0000:00:10.0" */
	const char *arguments;
	const char *note;      /* what it is, for people; or NULL */
	unsigned int siblings; /* ports that this process may make beside it */
};

struct dpdk_port {
	uint16_t id;
	struct rte_mempool *pool;
	char bus[8], name[32];
	const char *note;                  /* what is below it, for people */
	struct rte_mbuf *mbuf[DPDK_MBUFS]; /* all of the pool's, by their number */
};

/*
 * Makes a port of @device with one queue each way and starts it. The environment is started with
 * the first port of a process, on the CPU that the calling thread is bound to, and stays: DPDK
 * starts once per process. It takes no signals, writes no files and leaves no hugepages.
 * As path_type.open for errors and @why.
 */
int dpdk_port_open(struct dpdk_port *port, const struct dpdk_device *device, char *why,
                   size_t why_size);
void dpdk_port_close(struct dpdk_port *port);
/* Until it has a carrier, 10 s at most: false, it has none. */
bool dpdk_port_await_link(const struct dpdk_port *port);

/*
 * The same for the paths, which have one port each: the NIC whose PCI address @interface is, or an
 * interface of the kernel's.
 */
typedef int (*dpdk_port_open_fn)(struct dpdk_port *port, const char *interface, char *why,
                                 size_t why_size);
int dpdk_port_open_nic(struct dpdk_port *port, const char *interface, char *why, size_t why_size);
int dpdk_port_open_af_packet(struct dpdk_port *port, const char *interface, char *why,
                             size_t why_size);
int dpdk_port_open_af_xdp(struct dpdk_port *port, const char *interface, char *why,
                          size_t why_size);

/* Sends all that there is room for and frees the rest. Returns how many were sent. */
uint16_t dpdk_port_send(struct dpdk_port *port, struct rte_mbuf **mbufs, uint16_t n);
/* Received frames that were lost for want of room. */
uint64_t dpdk_port_drops(const struct dpdk_port *port);
/* "poll-mode driver, hugepages": how it runs here. */
void dpdk_port_describe(const struct dpdk_port *port, char *text, size_t size);

static inline uint32_t dpdk_number(struct rte_mbuf *mbuf)
{
	return *(uint32_t *)rte_mbuf_to_priv(mbuf);
}

#endif
