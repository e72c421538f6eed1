// SPDX-License-Identifier: GPL-2.0
#include "nic_drivers.h"

#include <linux/ethtool.h>
#include <linux/sockios.h>
#include <net/if.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>

#include "recording.h"

/* "?" where it does not say. */
static void read_driver(const struct target_nic *nic, char driver[32])
{
	struct ethtool_drvinfo info = { .cmd = ETHTOOL_GDRVINFO };
	struct ifreq request = { .ifr_data = (void *)&info };

	memcpy(request.ifr_name, nic->name, sizeof(request.ifr_name));
	snprintf(driver, 32, "?");
	if (!ioctl(nic->socket, SIOCETHTOOL, &request) && info.driver[0])
		snprintf(driver, 32, "%.31s", info.driver);
}

int nic_drivers_record(struct recording_writer *writer, const struct target_links *links)
{
	char text[TARGET_NICS_MAX * 52 + 8] = "", driver[32];
	size_t length = 0;

	for (size_t i = 0; i < links->n_nics && length < sizeof(text); i++) {
		read_driver(&links->nics[i], driver);
		length += (size_t)snprintf(text + length, sizeof(text) - length, "%s%.16s %s",
		                           i ? ", " : "", links->nics[i].name, driver);
	}
	if (links->nic && !links->n_nics)
		return 0;
	return recording_set_meta(writer, "nics", links->n_nics ? text : "none");
}
