// SPDX-License-Identifier: GPL-2.0
#include "change.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/ethtool.h>
#include <linux/if_link.h>
#include <linux/sockios.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <bpf/libbpf.h>

#include "binding.h"
#include "interface.h"
#include "ip_batch.h"
#include "link.h"
#include "napi.h"

#define FEATURE_WORDS 8 /* of 32 features; kernels have 3 at most so far */

/* ---- Files -------------------------------------------------------------------------------- */

int change_read_file(const char *path, char value[CHANGE_VALUE_MAX])
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t n;

	if (fd < 0)
		return -errno;
	n = read(fd, value, CHANGE_VALUE_MAX);
	if (n < 0)
		n = -errno;
	close(fd);
	if (n < 0)
		return n;
	if (n == CHANGE_VALUE_MAX)
		return -EFBIG;
	value[n] = '\0';
	if (n && value[n - 1] == '\n')
		value[n - 1] = '\0';
	return strchr(value, '\n') ? -EFBIG : 0;
}

int change_write_file(const char *path, const char *value)
{
	int fd = open(path, O_WRONLY | O_TRUNC | O_CLOEXEC), err = 0;
	size_t length = strlen(value);

	if (fd < 0)
		return -errno;
	if (write(fd, value, length) != (ssize_t)length)
		err = errno ? -errno : -EIO;
	close(fd);
	return err;
}

static int save_file(struct change *change)
{
	return change_read_file(change->what, change->value);
}

/* A file that is gone had a device or an interface that is gone. */
static int restore_file(const struct change *change)
{
	int err = change_write_file(change->what, change->value);

	return err == -ENOENT ? 0 : err;
}

/* What others make for themselves and leave empty (libxdp its directory of pinned programs). */
static int save_directory(struct change *change)
{
	return access(change->what, F_OK) ? 0 : -EEXIST;
}

static int restore_directory(const struct change *change)
{
	if (!rmdir(change->what))
		return 0;
	return errno == ENOENT || errno == ENOTEMPTY ? 1 : -errno;
}

/* ---- ethtool ------------------------------------------------------------------------------ */

/* As struct ethtool_gfeatures, with room for the words. */
struct features {
	uint32_t command, size;
	struct ethtool_get_features_block word[FEATURE_WORDS];
};

static int get_features(const char *interface, struct features *features)
{
	*features = (struct features){ .command = ETHTOOL_GFEATURES, .size = FEATURE_WORDS };
	return interface_ethtool(interface, features);
}

/* All features that are wanted, in words: one offload is more than one of them. */
static int save_features(struct change *change)
{
	struct features features;
	int err = get_features(change->interface, &features), n = 0;

	for (unsigned int i = 0; !err && i < features.size && i < FEATURE_WORDS; i++)
		n += snprintf(change->value + n, CHANGE_VALUE_MAX - n, "%s%x", i ? " " : "",
		              features.word[i].requested);
	return err;
}

static int restore_features(const struct change *change)
{
	struct { /* as struct ethtool_sfeatures */
		uint32_t command, size;
		struct ethtool_set_features_block word[FEATURE_WORDS];
	} wanted = { .command = ETHTOOL_SFEATURES };
	struct features features;
	const char *at = change->value;
	int err = get_features(change->interface, &features), length;
	unsigned int word;

	for (; !err && sscanf(at, "%x%n", &word, &length) == 1; at += length) {
		unsigned int i = wanted.size++;

		if (i >= features.size || i >= FEATURE_WORDS)
			return -EINVAL;
		wanted.word[i].valid = features.word[i].available;
		wanted.word[i].requested = word & features.word[i].available;
	}
	err = err ? err : interface_ethtool(change->interface, &wanted);
	return err > 0 ? 0 : err;
}

static int save_channels(struct change *change)
{
	struct ethtool_channels channels = { .cmd = ETHTOOL_GCHANNELS };
	int err = interface_ethtool(change->interface, &channels);

	if (!err)
		snprintf(change->value, sizeof(change->value), "%u %u %u %u", channels.rx_count,
		         channels.tx_count, channels.other_count, channels.combined_count);
	return err;
}

/* A driver that has one queue only may not know how to set it. */
static bool has_channels(const char *interface, const struct ethtool_channels *wanted)
{
	struct ethtool_channels now = { .cmd = ETHTOOL_GCHANNELS };

	return !interface_ethtool(interface, &now) && now.rx_count == wanted->rx_count &&
	       now.tx_count == wanted->tx_count && now.other_count == wanted->other_count &&
	       now.combined_count == wanted->combined_count;
}

static int restore_channels(const struct change *change)
{
	struct ethtool_channels channels = { .cmd = ETHTOOL_SCHANNELS };

	if (sscanf(change->value, "%u %u %u %u", &channels.rx_count, &channels.tx_count,
	           &channels.other_count, &channels.combined_count) != 4)
		return -EINVAL;
	return has_channels(change->interface, &channels)
	               ? 0
	               : interface_ethtool(change->interface, &channels);
}

/* ---- Interfaces --------------------------------------------------------------------------- */

/* In the words of ip-link(8). DPDK's drivers of the kernel's interfaces set promiscuous mode. */
static int save_flags(struct change *change)
{
	struct ifreq request = {};
	int err = interface_request(change->interface, SIOCGIFFLAGS, &request);

	if (!err)
		snprintf(change->value, sizeof(change->value), "%s promisc %s",
		         request.ifr_flags & IFF_UP ? "up" : "down",
		         request.ifr_flags & IFF_PROMISC ? "on" : "off");
	return err;
}

/* ip(8) in the namespace that the caller is in. */
static int run_ip(const char *format, const struct change *change)
{
	char command[IP_BATCH_MAX];
	int home = link_here(), err;

	if (home < 0)
		return home;
	snprintf(command, sizeof(command), format, change->interface,
	         change->kind == &change_flags ? change->value : change->what);
	err = ip_batch(home, home, command, NULL, 0);
	close(home);
	return err;
}

static int restore_flags(const struct change *change)
{
	return run_ip("link set dev %s %s\n", change);
}

static int save_nothing(struct change *change)
{
	return 0;
}

/* flush is content with nothing to flush. */
static int restore_address(const struct change *change)
{
	return run_ip("address flush dev %s to %s\n", change);
}

static int restore_neighbour(const struct change *change)
{
	return run_ip("neighbour flush dev %s to %s nud all\n", change);
}

/* ---- NAPI --------------------------------------------------------------------------------- */

/*
 * The instance whose position, by id, is change->what: many drivers make new ones, in the same
 * order, when their queues change. -ENOENT: there are fewer.
 */
static int find_instance(const struct change *change, struct napi_instance *ret_instance)
{
	struct napi_instance instances[NAPI_MAX];
	int n = napi_list(change->interface, instances, NAPI_MAX);
	int position = (int)strtol(change->what, NULL, 10);

	if (n < 0)
		return n;
	if (position < 0 || position >= n)
		return -ENOENT;
	*ret_instance = instances[position];
	return 0;
}

static int save_napi(struct change *change)
{
	struct napi_instance instance;
	int err = find_instance(change, &instance);

	if (err || !instance.settings.known)
		return err ? err : -EOPNOTSUPP;
	snprintf(change->value, sizeof(change->value), "%u %llu %llu",
	         instance.settings.defer_hard_irqs,
	         (unsigned long long)instance.settings.gro_flush_timeout_ns,
	         (unsigned long long)instance.settings.irq_suspend_timeout_ns);
	return 0;
}

static bool read_settings(const char *value, struct napi_settings *settings)
{
	unsigned long long gro_ns, suspend_ns;

	*settings = (struct napi_settings){ .known = true };
	if (sscanf(value, "%u %llu %llu", &settings->defer_hard_irqs, &gro_ns, &suspend_ns) != 3)
		return false;
	settings->gro_flush_timeout_ns = gro_ns;
	settings->irq_suspend_timeout_ns = suspend_ns;
	return true;
}

static bool are_equal(const struct napi_settings *one, const struct napi_settings *other)
{
	return one->defer_hard_irqs == other->defer_hard_irqs &&
	       one->gro_flush_timeout_ns == other->gro_flush_timeout_ns &&
	       one->irq_suspend_timeout_ns == other->irq_suspend_timeout_ns;
}

static int restore_napi(const struct change *change)
{
	struct napi_instance instance;
	struct napi_settings wanted;
	int err = find_instance(change, &instance);

	if (err)
		return err == -ENOENT ? 1 : err;
	if (!read_settings(change->value, &wanted))
		return -EINVAL;
	if (are_equal(&wanted, &instance.settings))
		return 1;
	return napi_set_instance(instance.id, &wanted);
}

/* ---- XDP ---------------------------------------------------------------------------------- */

static int save_xdp(struct change *change)
{
	unsigned int id = 0;
	int err = bpf_xdp_query_id(change->index, 0, &id);

	if (err)
		return err;
	return id ? -EEXIST : 0;
}

/*
 * One that is attached by a BPF link cannot be detached so, and does not need to. Its interface may
 * have another index since (journal.h).
 */
static int restore_xdp(const struct change *change)
{
	struct change now = { .index = if_nametoindex(change->interface) };
	int native = bpf_xdp_detach((int)now.index, XDP_FLAGS_DRV_MODE, NULL);
	int generic = bpf_xdp_detach((int)now.index, XDP_FLAGS_SKB_MODE, NULL);

	if (!native || !generic)
		return save_xdp(&now) == -EEXIST ? -EBUSY : 0;
	return native;
}

/* ---- Drivers ------------------------------------------------------------------------------ */

static int save_driver(struct change *change)
{
	struct binding binding;
	int err = binding_read(change->interface, &binding, NULL, 0);

	if (!err)
		binding_print(&binding, change->value);
	return err;
}

static int restore_driver(const struct change *change)
{
	struct binding binding;
	int err = binding_parse(change->value, &binding);

	return err ? err : binding_take_back(&binding, change->interface);
}

/* ---- All of them -------------------------------------------------------------------------- */

const struct change_kind change_file = { "file", save_file, restore_file };
const struct change_kind change_directory = { "directory", save_directory, restore_directory };
const struct change_kind change_features = { "features", save_features, restore_features };
const struct change_kind change_channels = { "channels", save_channels, restore_channels };
const struct change_kind change_flags = { "flags", save_flags, restore_flags };
const struct change_kind change_napi = { "napi", save_napi, restore_napi };
const struct change_kind change_address = { "address", save_nothing, restore_address };
const struct change_kind change_neighbour = { "neighbour", save_nothing, restore_neighbour };
const struct change_kind change_xdp = { "xdp", save_xdp, restore_xdp };
const struct change_kind change_driver = { "driver", save_driver, restore_driver };

const struct change_kind *change_kind_by_name(const char *name)
{
	static const struct change_kind *const kinds[] = { &change_file,
		                                           &change_directory,
		                                           &change_features,
		                                           &change_channels,
		                                           &change_flags,
		                                           &change_napi,
		                                           &change_address,
		                                           &change_neighbour,
		                                           &change_xdp,
		                                           &change_driver,
		                                           NULL };

	for (const struct change_kind *const *kind = kinds; *kind; kind++)
		if (!strcmp((*kind)->name, name))
			return *kind;
	return NULL;
}
