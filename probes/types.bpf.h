/* SPDX-License-Identifier: GPL-2.0 */
/* What every BPF source starts from: the kernel's types, libbpf's helpers, the shared types. */
#ifndef KTAX_TYPES_BPF_H
#define KTAX_TYPES_BPF_H

#include "vmlinux.h"
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_core_read.h>
#include <bpf/bpf_tracing.h>
#include <bpf/bpf_endian.h>

#define __BPF__ 1
#include "state.h"

#endif
