// SPDX-License-Identifier: GPL-2.0
/* features.bpf.c - counts how often one hook fires. HOOK is its section name, given by -D. */
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>

__u64 fired;

SEC(HOOK)
int count(void *ctx)
{
	__sync_fetch_and_add(&fired, 1);
	return 0;
}

char LICENSE[] SEC("license") = "GPL";
