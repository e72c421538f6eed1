// SPDX-License-Identifier: GPL-2.0
/*
 * What ethtool tells, by its ioctl: every kernel has that, and needs no privilege for reading.
 * Offloads are read by the old flags (ETHTOOL_GFLAGS), which stand for the same bits.
 */
#include <errno.h>
#include <linux/ethtool.h>
#include <linux/net_tstamp.h>
#include <linux/sockios.h>
#include <net/if.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "internal.h"

struct asker {
	int fd;
	const char *name;
};

/* ethtool_ops that a driver lacks are -EOPNOTSUPP. */
static int ask(const struct asker *asker, unsigned long request, void *data)
{
	struct ifreq interface = { .ifr_data = data };

	snprintf(interface.ifr_name, sizeof(interface.ifr_name), "%s", asker->name);
	return ioctl(asker->fd, request, &interface) ? -errno : 0;
}

static int ask_ethtool(const struct asker *asker, void *data)
{
	return ask(asker, SIOCETHTOOL, data);
}

static struct fact fact_or(int error, int64_t value)
{
	return error ? fact_error(error) : fact_known(value);
}

static void ask_driver(const struct asker *asker, struct nic_facts *nic)
{
	struct ethtool_drvinfo info = { .cmd = ETHTOOL_GDRVINFO };

	if (ask_ethtool(asker, &info))
		return; /* sysfs has said it, or nobody knows */
	info.driver[sizeof(info.driver) - 1] = '\0';
	info.bus_info[sizeof(info.bus_info) - 1] = '\0';
	if (info.driver[0])
		nic->driver = fact_text_of(info.driver);
	if (info.bus_info[0] && !nic->bus.known && strchr(info.bus_info, ':'))
		nic->bus = fact_text_of(info.bus_info);
}

static void ask_channels(const struct asker *asker, struct nic_facts *nic)
{
	struct ethtool_channels channels = { .cmd = ETHTOOL_GCHANNELS };
	int err = ask_ethtool(asker, &channels);

	nic->channels = fact_or(err, (int64_t)channels.combined_count + channels.rx_count);
	nic->channels_max =
		fact_or(err, channels.max_combined ? channels.max_combined : channels.max_rx);
	nic->channels_combined = fact_or(err, channels.max_combined != 0);
}

static void ask_rss(const struct asker *asker, struct nic_facts *nic)
{
	struct ethtool_rxnfc rings = { .cmd = ETHTOOL_GRXRINGS };
	struct ethtool_rxfh table = { .cmd = ETHTOOL_GRSSH };
	int err = ask_ethtool(asker, &rings);

	nic->rss_rings = fact_or(err, (int64_t)rings.data);
	err = ask_ethtool(asker, &table);
	nic->rss_entries = fact_or(err, table.indir_size);
}

static void ask_rings(const struct asker *asker, struct nic_facts *nic)
{
	struct ethtool_ringparam rings = { .cmd = ETHTOOL_GRINGPARAM };
	int err = ask_ethtool(asker, &rings);

	nic->ring_rx = fact_or(err, rings.rx_pending);
	nic->ring_rx_max = fact_or(err, rings.rx_max_pending);
	nic->ring_tx = fact_or(err, rings.tx_pending);
	nic->ring_tx_max = fact_or(err, rings.tx_max_pending);
}

static void ask_coalescing(const struct asker *asker, struct nic_facts *nic)
{
	struct ethtool_coalesce coalesce = { .cmd = ETHTOOL_GCOALESCE };
	int err = ask_ethtool(asker, &coalesce);

	nic->rx_usecs = fact_or(err, coalesce.rx_coalesce_usecs);
	nic->adaptive_rx = fact_or(err, coalesce.use_adaptive_rx_coalesce != 0);
}

static void ask_offloads(const struct asker *asker, struct nic_facts *nic)
{
	struct ethtool_value gro = { .cmd = ETHTOOL_GGRO }, flags = { .cmd = ETHTOOL_GFLAGS };
	int err = ask_ethtool(asker, &gro);

	nic->gro = fact_or(err, gro.data != 0);
	err = ask_ethtool(asker, &flags);
	nic->lro = fact_or(err, (flags.data & ETH_FLAG_LRO) != 0);
	nic->ntuple = fact_or(err, (flags.data & ETH_FLAG_NTUPLE) != 0);
	nic->rxhash = fact_or(err, (flags.data & ETH_FLAG_RXHASH) != 0);
}

static void ask_stamps(const struct asker *asker, struct nic_facts *nic)
{
	struct ethtool_ts_info info = { .cmd = ETHTOOL_GET_TS_INFO };
	struct hwtstamp_config config = { 0 };
	int err = ask_ethtool(asker, &info);

	nic->rx_stamps = fact_or(err, (info.so_timestamping & SOF_TIMESTAMPING_RX_HARDWARE) != 0);
	nic->tx_stamps = fact_or(err, (info.so_timestamping & SOF_TIMESTAMPING_TX_HARDWARE) != 0);
	nic->phc = fact_or(err, info.phc_index);
	err = ask(asker, SIOCGHWTSTAMP, &config);
	nic->stamping = fact_or(err, config.rx_filter != HWTSTAMP_FILTER_NONE);
}

/* Without sysfs. */
static void ask_basics(const struct asker *asker, struct nic_facts *nic)
{
	struct ifreq interface = { 0 };

	snprintf(interface.ifr_name, sizeof(interface.ifr_name), "%s", asker->name);
	if (!nic->mtu.known && !ioctl(asker->fd, SIOCGIFMTU, &interface))
		nic->mtu = fact_known(interface.ifr_mtu);
	if (!ioctl(asker->fd, SIOCGIFFLAGS, &interface)) {
		if (!nic->up.known)
			nic->up = fact_known((interface.ifr_flags & IFF_RUNNING) != 0);
		if (!nic->kind.known && interface.ifr_flags & IFF_LOOPBACK)
			nic->kind = fact_known(NIC_LOOPBACK);
	}
}

void audit_nic_ethtool(struct nic_facts *nic)
{
	struct asker asker = { socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0), nic->name };

	if (asker.fd < 0)
		return;
	ask_basics(&asker, nic);
	ask_driver(&asker, nic);
	ask_channels(&asker, nic);
	ask_rss(&asker, nic);
	ask_rings(&asker, nic);
	ask_coalescing(&asker, nic);
	ask_offloads(&asker, nic);
	ask_stamps(&asker, nic);
	close(asker.fd);
}
