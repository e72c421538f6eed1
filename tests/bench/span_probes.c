/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Raw perf events and instructions instead of a skeleton: these programs are a few instructions
 * long, and differ only in a slot number.
 */
#include "span_probes.h"

#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <asm/ptrace.h>
#include <bpf/bpf.h>
#include <linux/perf_event.h>

#define RETURN_FLAG 1ULL /* perf: "this is a uretprobe" (format/retprobe is config:0) */

#define INSN(code_, dst, src, off_, imm_)                                                          \
	{                                                                                          \
		.code = (code_), .dst_reg = (dst), .src_reg = (src), .off = (off_), .imm = (imm_)  \
	}

static int uprobe_type(void)
{
	FILE *file = fopen("/sys/bus/event_source/devices/uprobe/type", "re");
	int type = -1;

	if (file && fscanf(file, "%d", &type) != 1)
		type = -1;
	if (file)
		fclose(file);
	return type;
}

bool span_probes_work(void)
{
	int program = uprobe_type() < 0 ? -1 : span_program_nothing();

	if (program >= 0)
		close(program);
	return program >= 0;
}

int span_program_nothing(void)
{
	const struct bpf_insn code[] = {
		INSN(BPF_ALU64 | BPF_MOV | BPF_K, BPF_REG_0, 0, 0, 0),
		INSN(BPF_JMP | BPF_EXIT, 0, 0, 0, 0),
	};

	return bpf_prog_load(BPF_PROG_TYPE_KPROBE, "nothing", "GPL", code, 2, NULL);
}

int span_hits_create(void)
{
	return bpf_map_create(BPF_MAP_TYPE_ARRAY, "hits", sizeof(uint32_t),
	                      SPAN_PROBES_MAX * sizeof(struct span_hit), 1, NULL);
}

/* hits[slot].sp = ctx->rsp; hits[slot].count++; return 0; */
int span_program_record(int map, size_t slot)
{
	const int at = (int)(slot * sizeof(struct span_hit));
	const struct bpf_insn code[] = {
		INSN(BPF_LD | BPF_IMM | BPF_DW, BPF_REG_2, BPF_PSEUDO_MAP_VALUE, 0, map),
		INSN(0, 0, 0, 0, at),
		INSN(BPF_LDX | BPF_MEM | BPF_DW, BPF_REG_3, BPF_REG_1,
		     offsetof(struct pt_regs, rsp), 0),
		INSN(BPF_STX | BPF_MEM | BPF_DW, BPF_REG_2, BPF_REG_3, 0, 0),
		INSN(BPF_ALU64 | BPF_MOV | BPF_K, BPF_REG_3, 0, 0, 1),
		INSN(BPF_STX | BPF_ATOMIC | BPF_DW, BPF_REG_2, BPF_REG_3, 8, BPF_ADD),
		INSN(BPF_ALU64 | BPF_MOV | BPF_K, BPF_REG_0, 0, 0, 0),
		INSN(BPF_JMP | BPF_EXIT, 0, 0, 0, 0),
	};

	return bpf_prog_load(BPF_PROG_TYPE_KPROBE, "record", "GPL", code,
	                     sizeof(code) / sizeof(code[0]), NULL);
}

bool span_hits_read(int map, struct span_hit hits[SPAN_PROBES_MAX])
{
	const uint32_t key = 0;

	return !bpf_map_lookup_elem(map, &key, hits);
}

bool span_hits_clear(int map)
{
	const struct span_hit none[SPAN_PROBES_MAX] = { 0 };
	const uint32_t key = 0;

	return !bpf_map_update_elem(map, &key, none, BPF_ANY);
}

bool span_probe_attach(struct span_probes *probes, const char *path, uint64_t offset,
                       bool at_return, int program)
{
	struct perf_event_attr attr = {
		.type = (uint32_t)uprobe_type(),
		.size = sizeof(attr),
		.config = at_return ? RETURN_FLAG : 0,
		.uprobe_path = (uint64_t)(uintptr_t)path,
		.probe_offset = offset,
	};
	int fd;

	if (probes->n == SPAN_PROBES_MAX)
		return false;
	fd = (int)syscall(SYS_perf_event_open, &attr, getpid(), -1, -1, PERF_FLAG_FD_CLOEXEC);
	if (fd < 0)
		return false;
	probes->fds[probes->n++] = fd;
	return !ioctl(fd, PERF_EVENT_IOC_SET_BPF, program) && !ioctl(fd, PERF_EVENT_IOC_ENABLE, 0);
}

void span_probes_detach(struct span_probes *probes)
{
	while (probes->n)
		close(probes->fds[--probes->n]);
}
