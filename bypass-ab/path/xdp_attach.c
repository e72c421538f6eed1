// SPDX-License-Identifier: GPL-2.0
#include "xdp_attach.h"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <linux/if_link.h>
#include <net/if.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "sentence.h"

static const char *refusal(int error)
{
	switch (error) {
	case -EBUSY:
	case -EEXIST:
		return "another XDP program is attached to it";
	case -ERANGE:
	case -EMSGSIZE:
		return "its MTU is too large for XDP (veth: 3506 at most)";
	case -ENOSPC:
		return "it has fewer receive queues than its peer has transmit queues";
	case -EPERM:
	case -EACCES:
		return "needs root (CAP_BPF and CAP_NET_ADMIN)";
	default:
		return strerror(-error);
	}
}

/* What a setting of the host or of the interface forbids skips the path; the rest is a failure. */
static int severity(int error)
{
	switch (error) {
	case -EBUSY:
	case -EEXIST:
	case -ERANGE:
	case -EMSGSIZE:
	case -ENOSPC:
	case -EPERM:
	case -EACCES:
	case -EINVAL:
		return -EOPNOTSUPP;
	default:
		return error;
	}
}

static int attach_mode(int program, unsigned int index, uint32_t mode)
{
	LIBBPF_OPTS(bpf_link_create_opts, options, .flags = mode);
	int link = bpf_link_create(program, (int)index, BPF_XDP, &options);

	return link < 0 ? -errno : link;
}

int xdp_attach(int program, const char *interface, bool *ret_native, char *why, size_t why_size)
{
	unsigned int index = if_nametoindex(interface);
	bool native = true;
	int link;

	if (!index)
		return sentence(why, why_size, -ENODEV, "there is no interface %s", interface);
	link = attach_mode(program, index, XDP_FLAGS_DRV_MODE);
	if (link == -EOPNOTSUPP) {
		native = false;
		link = attach_mode(program, index, XDP_FLAGS_SKB_MODE);
	}
	if (link < 0)
		return sentence(why, why_size, severity(link), "XDP on %s: %s", interface,
		                refusal(link));
	*ret_native = native;
	return link;
}

int xdp_attach_pass(const char *interface, char *why, size_t why_size)
{
	const struct bpf_insn instructions[] = {
		{ .code = BPF_ALU64 | BPF_MOV | BPF_K, .dst_reg = BPF_REG_0, .imm = XDP_PASS },
		{ .code = BPF_JMP | BPF_EXIT },
	};
	bool native;
	int program, link;

	program = bpf_prog_load(BPF_PROG_TYPE_XDP, "ktax_pass", "GPL", instructions,
	                        sizeof(instructions) / sizeof(*instructions), NULL);
	if (program < 0)
		return sentence(why, why_size, severity(program), "XDP on %s: %s", interface,
		                refusal(program));
	link = xdp_attach(program, interface, &native, why, why_size);
	close(program); /* the link keeps it */
	return link;
}

uint64_t xdp_sum(int map, uint32_t key)
{
	int cpus = libbpf_num_possible_cpus();
	uint64_t *value = cpus > 0 ? calloc((size_t)cpus, sizeof(*value)) : NULL;
	uint64_t sum = 0;

	if (value && !bpf_map_lookup_elem(map, &key, value))
		for (int i = 0; i < cpus; i++)
			sum += value[i];
	free(value);
	return sum;
}
