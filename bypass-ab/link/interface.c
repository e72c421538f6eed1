// SPDX-License-Identifier: GPL-2.0
#include "interface.h"

#include <errno.h>
#include <linux/sockios.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

int interface_request(const char *interface, unsigned long request, struct ifreq *ifreq)
{
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0), err;

	if (fd < 0)
		return -errno;
	snprintf(ifreq->ifr_name, sizeof(ifreq->ifr_name), "%s", interface);
	err = ioctl(fd, request, ifreq) < 0 ? -errno : 0;
	close(fd);
	return err;
}

int interface_ethtool(const char *interface, void *request)
{
	struct ifreq ifreq = { .ifr_data = request };

	return interface_request(interface, SIOCETHTOOL, &ifreq);
}

int interface_mac(const char *interface, uint8_t mac[6])
{
	struct ifreq ifreq = {};
	int err = interface_request(interface, SIOCGIFHWADDR, &ifreq);

	if (!err)
		memcpy(mac, ifreq.ifr_hwaddr.sa_data, 6);
	return err;
}
