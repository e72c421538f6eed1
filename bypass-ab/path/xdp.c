// SPDX-License-Identifier: GPL-2.0
/*
 * XDP: a program in the driver hook answers, and no process is woken: the lower bound of what is
 * still in the kernel. It does not do the responder's work.
 */
#include <arpa/inet.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "xdp.h"
#include "reflect.h"
#include "reflect.skel.h"
#include "sentence.h"
#include "xdp_attach.h"

_Static_assert(REFLECT_MAGIC == FRAME_MARK, "as frame.h has it");
_Static_assert(REFLECT_STOP == FRAME_STOP, "as frame.h has it");

struct path {
	struct reflect *program;
	int link;
	bool native;
};

static int quiet(enum libbpf_print_level level, const char *format, va_list arguments)
{
	return 0;
}

static int load(struct path *path, uint16_t port)
{
	libbpf_print_fn_t print = libbpf_set_print(quiet);
	int r;

	path->program = reflect__open();
	r = path->program ? 0 : -errno;
	if (!r) {
		path->program->rodata->port = htons(port);
		r = reflect__load(path->program);
	}
	libbpf_set_print(print);
	return r;
}

static void xdp_close(struct path *path)
{
	if (!path)
		return;
	if (path->link >= 0)
		close(path->link);
	reflect__destroy(path->program);
	free(path);
}

static int xdp_open(const struct path_config *config, struct path **ret_path, char *why,
                    size_t why_size)
{
	struct path *path = calloc(1, sizeof(*path));
	int r;

	if (!path)
		return sentence(why, why_size, -ENOMEM, "out of memory");
	path->link = -1;
	r = load(path, config->port);
	if (r) {
		xdp_close(path);
		return sentence(why, why_size, r == -EPERM ? -EOPNOTSUPP : r,
		                "the XDP program does not load: %s",
		                r == -EPERM ? "needs root (CAP_BPF)" : strerror(-r));
	}
	r = xdp_attach(bpf_program__fd(path->program->progs.reflect), config->interface,
	               &path->native, why, why_size);
	if (r < 0) {
		xdp_close(path);
		return r;
	}
	path->link = r;
	*ret_path = path;
	return 0;
}

static void xdp_stats(struct path *path, struct path_stats *ret_stats)
{
	int counts = bpf_map__fd(path->program->maps.counts);
	uint64_t answered = xdp_sum(counts, REFLECT_ANSWERED);

	*ret_stats = (struct path_stats){
		.received = answered,
		.sent = answered,
		.foreign = xdp_sum(counts, REFLECT_FOREIGN),
		.stops = xdp_sum(counts, REFLECT_STOPS),
	};
	snprintf(ret_stats->how, sizeof(ret_stats->how), "%s",
	         path->native ? "native XDP" : "generic XDP");
}

const struct path_type path_xdp = {
	.name = "xdp",
	.summary = "XDP program that answers in the driver hook, without a process",
	.raw = true,
	.in_kernel = true,
	.open = xdp_open,
	.stats = xdp_stats,
	.close = xdp_close,
};
