// SPDX-License-Identifier: GPL-2.0
/*
 * Sources. XDP and zero-copy: the commit of Linux that brought them, as listed with its version in
 * the table of BPF_PROG_TYPE_XDP on docs.ebpf.io, which ends at Linux 6.10; "never" is a driver
 * that is not in it. What a running kernel says of itself (netdev's xdp-features, Linux 6.3 and
 * later) goes before this table. MTU: the same page, "Max MTU". DPDK: its guide's page of the NIC.
 */
#include "driver_table.h"

#include <string.h>

#define LINUX(commit) "Linux commit " commit
#define NOT_LISTED    "docs.ebpf.io, BPF_PROG_TYPE_XDP: not among the drivers up to Linux 6.10"
#define GUIDE(page)   "DPDK guide, nics/" page ".rst"
#define NO_DEVICE     "no device behind it"
#define NO_GUIDE      "DPDK guide, nics/: no driver"

const struct nic_driver nic_drivers[] = {
	/* Intel */
	{ "e1000", SINCE_NEVER, SINCE_NEVER, 0, PMD_VFIO, "net_e1000", NOT_LISTED, NOT_LISTED,
	  GUIDE("e1000em") },
	{ "e1000e", SINCE_NEVER, SINCE_NEVER, 0, PMD_VFIO, "net_e1000", NOT_LISTED, NOT_LISTED,
	  GUIDE("e1000em") },
	{ "igb", 5010, 6014, 3046, PMD_VFIO, "net_e1000", LINUX("9cbc948b5a20"),
	  LINUX("80f6ccf9f116"), GUIDE("igb") },
	{ "igc", 5013, 5014, 1500, PMD_VFIO, "net_igc", LINUX("26575105d6ed"),
	  LINUX("fc9df2a0b520"), GUIDE("igc") },
	{ "ixgbe", 4012, 4020, 3050, PMD_VFIO, "net_ixgbe", LINUX("924708081629"),
	  LINUX("d0bcacd0a130"), GUIDE("ixgbe") },
	{ "ixgbevf", 4017, SINCE_NEVER, 3050, PMD_VFIO, "net_ixgbe", LINUX("c7aec59657b6"),
	  NOT_LISTED, GUIDE("intel_vf") },
	{ "i40e", 4013, 4020, 3046, PMD_VFIO, "net_i40e", LINUX("0c8493d90b6b"),
	  LINUX("0a714186d3c0"), GUIDE("i40e") },
	{ "iavf", SINCE_NEVER, SINCE_NEVER, 0, PMD_VFIO, "net_iavf", NOT_LISTED, NOT_LISTED,
	  GUIDE("intel_vf") },
	{ "ice", 5005, 5005, 3046, PMD_VFIO, "net_ice", LINUX("efc2214b6047"),
	  LINUX("2d4238f55697"), GUIDE("ice") },
	{ "idpf", SINCE_UNKNOWN, SINCE_UNKNOWN, 0, PMD_VFIO, "net_idpf", "not looked up",
	  "not looked up", GUIDE("idpf") },
	{ "fm10k", SINCE_NEVER, SINCE_NEVER, 0, PMD_VFIO, "net_fm10k", NOT_LISTED, NOT_LISTED,
	  GUIDE("fm10k") },
	/* NVIDIA, Broadcom, AMD, Marvell and others */
	{ "mlx4_en", 4008, SINCE_NEVER, 3498, PMD_SHARED, "net_mlx4", LINUX("47a38e155037"),
	  NOT_LISTED, GUIDE("mlx4") },
	{ "mlx5_core", 4009, 5003, 3498, PMD_SHARED, "net_mlx5", LINUX("86994156c736"),
	  LINUX("db05815b36cb"), GUIDE("mlx5") },
	{ "bnxt_en", 4011, SINCE_NEVER, 3502, PMD_VFIO, "net_bnxt", LINUX("c6d30e8391b8"),
	  NOT_LISTED, GUIDE("bnxt") },
	{ "bnx2x", SINCE_NEVER, SINCE_NEVER, 0, PMD_VFIO, "net_bnx2x", NOT_LISTED, NOT_LISTED,
	  GUIDE("bnx2x") },
	{ "tg3", SINCE_NEVER, SINCE_NEVER, 0, PMD_NONE, NULL, NOT_LISTED, NOT_LISTED, NO_GUIDE },
	{ "sfc", 5005, SINCE_NEVER, 3530, PMD_VFIO, "net_sfc", LINUX("e45a4fed9d00"), NOT_LISTED,
	  GUIDE("sfc_efx") },
	{ "amd-xgbe", SINCE_NEVER, SINCE_NEVER, 0, PMD_VFIO, "net_axgbe", NOT_LISTED, NOT_LISTED,
	  GUIDE("axgbe") },
	{ "ionic", 6009, SINCE_NEVER, 3502, PMD_VFIO, "net_ionic", LINUX("180e35cdf035"),
	  NOT_LISTED, GUIDE("ionic") },
	{ "qede", 4010, SINCE_NEVER, 0, PMD_VFIO, "net_qede", LINUX("496e05170958"), NOT_LISTED,
	  GUIDE("qede") },
	{ "atlantic", 5019, SINCE_NEVER, 2048, PMD_VFIO, "net_atlantic", LINUX("0d14657f4083"),
	  NOT_LISTED, GUIDE("atlantic") },
	{ "nicvf", 4012, SINCE_NEVER, 1508, PMD_VFIO, "net_thunderx", LINUX("05c773f52b96"),
	  NOT_LISTED, GUIDE("thunderx") },
	{ "nfp", 4010, 5018, 4096, PMD_VFIO, "net_nfp", LINUX("ecd63a0217d5"),
	  LINUX("6402528b7a0b"), GUIDE("nfp") },
	{ "cxgb4", SINCE_NEVER, SINCE_NEVER, 0, PMD_VFIO, "net_cxgbe", NOT_LISTED, NOT_LISTED,
	  GUIDE("cxgbe") },
	{ "enic", SINCE_NEVER, SINCE_NEVER, 0, PMD_VFIO, "net_enic", NOT_LISTED, NOT_LISTED,
	  GUIDE("enic") },
	{ "hns3", SINCE_NEVER, SINCE_NEVER, 0, PMD_VFIO, "net_hns3", NOT_LISTED, NOT_LISTED,
	  GUIDE("hns3") },
	{ "hinic", SINCE_NEVER, SINCE_NEVER, 0, PMD_VFIO, "net_hinic", NOT_LISTED, NOT_LISTED,
	  GUIDE("hinic") },
	{ "be2net", SINCE_NEVER, SINCE_NEVER, 0, PMD_NONE, NULL, NOT_LISTED, NOT_LISTED, NO_GUIDE },
	{ "r8169", SINCE_NEVER, SINCE_NEVER, 0, PMD_VFIO, "net_r8169", NOT_LISTED, NOT_LISTED,
	  GUIDE("r8169") },
	{ "mvneta", 5005, SINCE_NEVER, 3520, PMD_UNKNOWN, NULL, LINUX("0db51da7a8e9"), NOT_LISTED,
	  "not looked up" },
	{ "mvpp2", 5009, SINCE_NEVER, 3552, PMD_UNKNOWN, NULL, LINUX("07dd0a7aae7f"), NOT_LISTED,
	  "not looked up" },
	{ "fsl_dpaa2_eth", 5000, 6002, 0, PMD_UNKNOWN, NULL, LINUX("7e273a8ebdd3"),
	  LINUX("48276c08cf5d"), "not looked up" },
	{ "tsnep", 6003, 6004, 0, PMD_NONE, NULL, LINUX("f0f6460f9130"), LINUX("3fc2333933fd"),
	  NO_GUIDE },
	/* Clouds and virtual machines */
	{ "ena", 5006, SINCE_NEVER, 3498, PMD_VFIO, "net_ena", LINUX("838c93dc5449"), NOT_LISTED,
	  GUIDE("ena") },
	{ "gve", 6004, 6004, 2032, PMD_VFIO, "net_gve", LINUX("75eaae158b1b"),
	  LINUX("fd8e40321a12"), GUIDE("gve") },
	{ "mana", 5017, SINCE_NEVER, 3506, PMD_SHARED, "net_mana", LINUX("ed5356b53f07"),
	  NOT_LISTED, GUIDE("mana") },
	{ "hv_netvsc", 5006, SINCE_NEVER, 3506, PMD_SHARED, "net_netvsc", LINUX("351e1581395f"),
	  NOT_LISTED, GUIDE("netvsc") },
	{ "virtio_net", 4010, SINCE_UNKNOWN, 3506, PMD_VFIO, "net_virtio", LINUX("f600b6905015"),
	  "receiving since Linux 6.11; refused by the devices that were tried", GUIDE("virtio") },
	{ "vmxnet3", 6006, SINCE_NEVER, 3494, PMD_VFIO, "net_vmxnet3", LINUX("54f00cce1178"),
	  NOT_LISTED, GUIDE("vmxnet3") },
	{ "vif", 5009, SINCE_NEVER, 3840, PMD_NONE, NULL, LINUX("6c5aa6fc4def"), NOT_LISTED,
	  NO_GUIDE },
	/* Without a device */
	{ "veth", 4019, SINCE_NEVER, 3506, PMD_NONE, NULL, LINUX("948d4f214fde"), NOT_LISTED,
	  NO_DEVICE },
	{ "tun", 4014, SINCE_NEVER, 1500, PMD_NONE, NULL, LINUX("761876c857cb"), NOT_LISTED,
	  NO_DEVICE },
	{ "bonding", 5015, SINCE_NEVER, 0, PMD_NONE, NULL, LINUX("9e2ee5c7e7c3"), NOT_LISTED,
	  NO_DEVICE },
	{ "bridge", SINCE_NEVER, SINCE_NEVER, 0, PMD_NONE, NULL, NOT_LISTED, NOT_LISTED,
	  NO_DEVICE },
	{ "dummy", SINCE_NEVER, SINCE_NEVER, 0, PMD_NONE, NULL, NOT_LISTED, NOT_LISTED, NO_DEVICE },
	{ NULL },
};

const struct nic_driver *nic_driver_find(const char *name)
{
	for (const struct nic_driver *driver = nic_drivers; driver->name; driver++)
		if (!strcmp(driver->name, name))
			return driver;
	return NULL;
}

const char *nic_driver_pmd(const char *name)
{
	const struct nic_driver *driver = nic_driver_find(name);

	return driver ? driver->pmd : NULL;
}
