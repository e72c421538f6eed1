/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Which driver a NIC is bound to: the kernel's own, which makes a network interface of it, or one
 * that leaves it to user space, for DPDK (Documentation/ABI/testing/sysfs-bus-pci).
 *
 * The interface is gone while user space has the NIC. It comes back with another index, in the
 * namespace of the host, and with its driver's defaults.
 */
#ifndef KTAX_BINDING_H
#define KTAX_BINDING_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* What there is of a NIC that the kernel has: as text, and back, by binding_print and _parse. */
struct binding {
	char pci[16];      /* "0000:00:10.0" */
	char driver[32];   /* the kernel's */
	char override[32]; /* which driver is to have it, whatever fits: "(null)" mostly */
	uint8_t mac[6];
	unsigned int mtu;
};

#define BINDING_TEXT_MAX 128

/*
 * Of @interface, in the calling thread's namespace. -EOPNOTSUPP, with a sentence in @why: it is no
 * PCI device, has a driver that shares it with user space, or other interfaces or virtual functions.
 */
int binding_read(const char *interface, struct binding *ret, char *why, size_t why_size);
void binding_print(const struct binding *binding, char text[BINDING_TEXT_MAX]);
int binding_parse(const char *text, struct binding *ret);

/* Is the calling thread in the namespace in which a NIC comes back, that of the host? */
bool binding_comes_back_here(void);

/*
 * Gives the NIC to user space: to vfio-pci where there is an IOMMU (or VFIO does without),
 * uio_pci_generic elsewhere. -EOPNOTSUPP: that driver is not loaded, or does not take it; a sentence
 * in @why. The NIC may have no driver then: binding_take_back.
 */
int binding_give(const struct binding *binding, char *why, size_t why_size);

/*
 * Gives it back to the kernel, whoever has it, and waits for the interface: called @interface, in
 * the calling thread's namespace, with the MAC address and the MTU that it had. -ETIMEDOUT: it has
 * not come back; 1: nothing had to be done.
 */
int binding_take_back(const struct binding *binding, const char *interface);

#endif
