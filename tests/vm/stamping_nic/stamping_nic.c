// SPDX-License-Identifier: GPL-2.0
/*
 * A kernel module for tests, in an emulated guest only: makes a NIC that cannot stamp packets look
 * like one that can.
 *
 *	insmod stamping_nic.ko nic=eth0 rx_filter=1 delay_ns=5000000
 *
 * registers a PTP clock for that interface of the current network namespace, answers
 * ETHTOOL_GET_TS_INFO and SIOCGHWTSTAMP in its name, and writes into each packet that its driver
 * hands up the clock's time of delay_ns ago: as if the packet had come in then. The clock has
 * another epoch than any clock of the host and runs 200 ppm fast. What is in
 * /sys/module/stamping_nic/parameters may be changed at any time; step_ns moves the clock.
 */
#include <linux/ethtool.h>
#include <linux/module.h>
#include <linux/net_tstamp.h>
#include <linux/netdevice.h>
#include <linux/nsproxy.h>
#include <linux/ptp_clock_kernel.h>
#include <linux/rtnetlink.h>
#include <linux/skbuff.h>
#include <linux/tracepoint.h>
#include <linux/version.h>

#define EPOCH_NS     (4711LL * NSEC_PER_SEC)
#define FAST_ONE_OUT 5000 /* 200 ppm */

static char *nic = "eth0";
module_param(nic, charp, 0444);
static int rx_filter; /* enum hwtstamp_rx_filters */
module_param(rx_filter, int, 0644);
static long delay_ns;
module_param(delay_ns, long, 0644);
static long step_ns;
module_param(step_ns, long, 0644);

static struct net_device *device;
static struct ptp_clock *clock;
static struct tracepoint *handed_up;
static const struct net_device_ops *device_ops;
static const struct ethtool_ops *device_ethtool_ops;
static struct net_device_ops our_ops;
static struct ethtool_ops our_ethtool_ops;

/* The clock's time when CLOCK_MONOTONIC was @monotonic. */
static s64 clock_at(s64 monotonic)
{
	return EPOCH_NS + monotonic + monotonic / FAST_ONE_OUT + READ_ONCE(step_ns);
}

static int clock_read(struct ptp_clock_info *info, struct timespec64 *ret,
                      struct ptp_system_timestamp *system)
{
	ptp_read_system_prets(system);
	*ret = ns_to_timespec64(clock_at(ktime_get_ns()));
	ptp_read_system_postts(system);
	return 0;
}

static int clock_set(struct ptp_clock_info *info, const struct timespec64 *time)
{
	return -EOPNOTSUPP;
}

static struct ptp_clock_info clock_info = {
	.owner = THIS_MODULE,
	.name = "stamping_nic",
	.gettimex64 = clock_read,
	.settime64 = clock_set,
};

#if LINUX_VERSION_CODE >= KERNEL_VERSION(6, 11, 0)
#define ethtool_ts_info kernel_ethtool_ts_info
#endif
static int ts_info(struct net_device *dev, struct ethtool_ts_info *info)
{
	info->so_timestamping = SOF_TIMESTAMPING_RX_HARDWARE | SOF_TIMESTAMPING_RAW_HARDWARE;
	info->phc_index = ptp_clock_index(clock);
	info->rx_filters = BIT(HWTSTAMP_FILTER_NONE) | BIT(HWTSTAMP_FILTER_ALL);
	return 0;
}

static int nic_ioctl(struct net_device *dev, struct ifreq *request, int command)
{
	struct hwtstamp_config config = { .rx_filter = READ_ONCE(rx_filter) };

	if (command == SIOCGHWTSTAMP)
		return copy_to_user(request->ifr_data, &config, sizeof(config)) ? -EFAULT : 0;
	if (device_ops->ndo_eth_ioctl)
		return device_ops->ndo_eth_ioctl(dev, request, command);
	return -EOPNOTSUPP;
}

/* Of the tracepoint napi_gro_receive_entry: the driver hands up a packet. */
static void stamp(void *data, const struct sk_buff *skb)
{
	if (skb->dev == device && READ_ONCE(rx_filter))
		skb_hwtstamps((struct sk_buff *)skb)->hwtstamp =
			ns_to_ktime(clock_at(ktime_get_ns() - READ_ONCE(delay_ns)));
}

static void find_tracepoint(struct tracepoint *tracepoint, void *data)
{
	if (!strcmp(tracepoint->name, "napi_gro_receive_entry"))
		handed_up = tracepoint;
}

static void replace_operations(void)
{
	device_ops = device->netdev_ops;
	device_ethtool_ops = device->ethtool_ops;
	our_ops = *device_ops;
	our_ops.ndo_eth_ioctl = nic_ioctl;
	our_ethtool_ops = *device_ethtool_ops;
	our_ethtool_ops.get_ts_info = ts_info;
	rtnl_lock();
	device->netdev_ops = &our_ops;
	device->ethtool_ops = &our_ethtool_ops;
	rtnl_unlock();
}

static int __init stamping_nic_init(void)
{
	int error;

	for_each_kernel_tracepoint(find_tracepoint, NULL);
	device = dev_get_by_name(current->nsproxy->net_ns, nic);
	if (!device || !handed_up) {
		dev_put(device);
		return -ENODEV;
	}
	clock = ptp_clock_register(&clock_info, device->dev.parent);
	error = PTR_ERR_OR_ZERO(clock);
	if (!error) {
		error = tracepoint_probe_register(handed_up, stamp, NULL);
		if (error)
			ptp_clock_unregister(clock);
	}
	if (error)
		dev_put(device);
	else
		replace_operations();
	return error;
}

static void __exit stamping_nic_exit(void)
{
	rtnl_lock();
	device->netdev_ops = device_ops;
	device->ethtool_ops = device_ethtool_ops;
	rtnl_unlock();
	tracepoint_probe_unregister(handed_up, stamp, NULL);
	tracepoint_synchronize_unregister();
	ptp_clock_unregister(clock);
	dev_put(device);
}

module_init(stamping_nic_init);
module_exit(stamping_nic_exit);
MODULE_LICENSE("GPL");
MODULE_DESCRIPTION("Gives a NIC receive stamps, for tests");
