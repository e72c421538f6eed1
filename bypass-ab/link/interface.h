/* SPDX-License-Identifier: GPL-2.0 */
/* Questions to a network interface of the calling thread's namespace. Negative errno. */
#ifndef KTAX_INTERFACE_H
#define KTAX_INTERFACE_H

#include <net/if.h>
#include <stdint.h>

/* An ioctl of netdevice(7): @ifreq has its argument, but not the name. */
int interface_request(const char *interface, unsigned long request, struct ifreq *ifreq);
/* ETHTOOL ioctl of the command that @request begins with. */
int interface_ethtool(const char *interface, void *request);
int interface_mac(const char *interface, uint8_t mac[6]);

#endif
