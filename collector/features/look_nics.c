// SPDX-License-Identifier: GPL-2.0
/* What the NICs of the traffic do for the kernel (ETHTOOL_GFEATURES), and what they lack for
 * offload. */
#include <errno.h>
#include <linux/ethtool.h>
#include <linux/sockios.h>
#include <net/if.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "look.h"

/* As in net/ethtool/common.c, netdev_features_strings. */
static const char *const used_names[] = {
	"tx-tcp-segmentation", "tx-tcp6-segmentation",   "rx-gro",      "rx-gro-hw", "rx-lro",
	"tx-checksum-ipv4",    "tx-checksum-ip-generic", "rx-checksum", "rx-hashing"
};
static const char *const offload_names[] = { "tls-hw-tx-offload", "tls-hw-rx-offload",
	                                     "esp-hw-offload", "hw-tc-offload",
	                                     "rx-ntuple-filter" };

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

struct nic_features {
	uint32_t n;
	struct ethtool_gstrings *names;
	struct ethtool_gfeatures *features;
};

static int ethtool(int fd, const char *name, void *command)
{
	struct ifreq request = { .ifr_data = command };

	snprintf(request.ifr_name, sizeof(request.ifr_name), "%s", name);
	return ioctl(fd, SIOCETHTOOL, &request) ? -errno : 0;
}

static int count_features(int fd, const char *name, uint32_t *ret)
{
	enum { DATA = offsetof(struct ethtool_sset_info, data) / sizeof(uint32_t) };
	union {
		uint32_t words[DATA + 1];
		struct ethtool_sset_info info;
	} sets = { .words = { 0 } };
	int err;

	sets.info.cmd = ETHTOOL_GSSET_INFO;
	sets.info.sset_mask = 1 << ETH_SS_FEATURES;
	err = ethtool(fd, name, &sets);
	if (err)
		return err;
	*ret = sets.words[DATA];
	return sets.info.sset_mask && *ret && *ret <= 1024 ? 0 : -EOPNOTSUPP;
}

static int read_features(int fd, const char *name, struct nic_features *nic)
{
	int err = count_features(fd, name, &nic->n);
	size_t blocks = (nic->n + 31) / 32;

	if (err)
		return err;
	nic->names = calloc(1, sizeof(*nic->names) + nic->n * ETH_GSTRING_LEN);
	nic->features =
		calloc(1, sizeof(*nic->features) + blocks * sizeof(nic->features->features[0]));
	if (!nic->names || !nic->features)
		return -ENOMEM;
	nic->names->cmd = ETHTOOL_GSTRINGS;
	nic->names->string_set = ETH_SS_FEATURES;
	nic->names->len = nic->n;
	nic->features->cmd = ETHTOOL_GFEATURES;
	nic->features->size = blocks;
	err = ethtool(fd, name, nic->names);
	return err ? err : ethtool(fd, name, nic->features);
}

static void free_features(struct nic_features *nic)
{
	free(nic->names);
	free(nic->features);
}

static bool has(const struct nic_features *nic, const char *name, bool active)
{
	for (uint32_t i = 0; i < nic->n; i++) {
		const struct ethtool_get_features_block *block = &nic->features->features[i / 32];
		const char *own = (const char *)nic->names->data + i * ETH_GSTRING_LEN;

		if (!strncmp(own, name, ETH_GSTRING_LEN))
			return (active ? block->active : block->available | block->active) &
			       1U << i % 32;
	}
	return false;
}

static void append(char *ret, size_t room, const char *text)
{
	size_t length = strlen(ret);

	snprintf(ret + length, room - length, "%s%s", length ? ", " : "", text);
}

/* ---- Telling ------------------------------------------------------------------------------ */

static void tell_used(struct look *look, const struct traffic *traffic, const char *name,
                      const struct nic_features *nic)
{
	char used[256] = "";

	for (size_t i = 0; i < COUNT(used_names); i++)
		if (has(nic, used_names[i], true))
			append(used, sizeof(used), used_names[i]);
	if (*used)
		look_tell(look, SERVICE_OFFLOADS, STATE_FOUND, name, traffic->endpoint, NULL, "%s",
		          used);
}

static void tell_lacking(struct look *look, const struct traffic *traffic, const char *name,
                         const struct nic_features *nic)
{
	char lacking[256] = "", path[64];

	snprintf(path, sizeof(path), "/sys/class/net/%s/device/infiniband", name);
	if (look->ours && access(path, F_OK))
		append(lacking, sizeof(lacking), "no RDMA device of its own");
	for (size_t i = 0; i < COUNT(offload_names); i++)
		if (!has(nic, offload_names[i], false))
			append(lacking, sizeof(lacking), offload_names[i]);
	if (*lacking)
		look_tell(look, SERVICE_RDMA, STATE_LACKING, name, traffic->endpoint,
		          look->ours ? NULL : "RDMA devices of other namespaces are not looked for",
		          "it lacks: %s", lacking);
}

static bool is_nic(const struct look *look, uint32_t index)
{
	for (size_t i = 0; i < look->links.n; i++)
		if (look->links.links[i].index == index)
			return look->links.links[i].physical && !look->links.links[i].loopback;
	return false;
}

static int look_at_nic(struct look *look, const struct traffic *traffic, const char *name, int fd)
{
	struct nic_features nic = {};
	int err = read_features(fd, name, &nic);

	if (!err) {
		tell_used(look, traffic, name, &nic);
		tell_lacking(look, traffic, name, &nic);
	}
	free_features(&nic);
	return err;
}

void look_for_nics(struct look *look)
{
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0), err = fd < 0 ? -errno : 0;

	for (size_t i = 0; !err && i < look->n_traffics; i++) {
		const struct traffic *traffic = &look->traffics[i];

		for (size_t j = 0; !err && j < traffic->n_links; j++)
			if (is_nic(look, traffic->links[j].index))
				err = look_at_nic(look, traffic, traffic->links[j].name, fd);
	}
	if (fd >= 0)
		close(fd);
	if (err) {
		look_tell_unknown(look, SERVICE_OFFLOADS, err);
		look_tell_unknown(look, SERVICE_RDMA, err);
	}
}
