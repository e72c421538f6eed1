/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What a uprobe costs by the instruction under it, and what placement (probes/placement.h) saves.
 *
 *	uprobe_placement [CPU]		(as root)
 *
 * Prints two tables, in ns per call on top of the bare call, the least of several rounds: the
 * instructions that matter, each probed at a function's first byte; and functions of real
 * libraries, with enter and exit probe at the first byte against where spans_find() puts them.
 * Libraries that are not installed are left out. The BPF program behind each probe only returns.
 *
 * No wall-clock bound is checked: it reports.
 */
#include <errno.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "catalogue.h"
#include "library_calls.h"
#include "span_probes.h"
#include "spans.h"

#define ROUNDS 25
#define CALLS  800

static int program;

/* ---- functions made for the first table ---- */

#define FUNCTION(name, body)                                                                       \
	__asm__(".text\n.p2align 6\n.globl " #name "\n.type " #name ",@function\n" #name           \
	        ":\n" body "\n.size " #name ",.-" #name "\n");                                     \
	void name(void)

FUNCTION(first_push, "push %rbp\n pop %rbp\n ret");
FUNCTION(first_push_r12, "push %r12\n pop %r12\n ret");
FUNCTION(first_nop, "nop\n ret");
FUNCTION(first_nop5, ".byte 0x0f,0x1f,0x44,0,0\n ret");
FUNCTION(first_nop4, ".byte 0x0f,0x1f,0x40,0\n ret");
FUNCTION(first_branch, "jne 1f\n 1: ret");
FUNCTION(first_jump, "jmp 1f\n nop\n 1: ret");
FUNCTION(first_call, "call 1f\n ret\n 1: ret");
FUNCTION(first_sub, "sub $24,%rsp\n add $24,%rsp\n ret");
FUNCTION(first_endbr, "endbr64\n ret");
FUNCTION(first_mov, "mov %rdi,%rax\n ret");
FUNCTION(first_test, "test %rdi,%rdi\n ret");
FUNCTION(first_load, "mov 1f(%rip),%rax\n ret\n 1: .quad 0");
FUNCTION(first_ret, "ret");

static const struct {
	const char *name;
	void (*function)(void);
} instructions[] = {
	{ "push %rbp", first_push },
	{ "push %r12", first_push_r12 },
	{ "nop", first_nop },
	{ "nop (4 bytes)", first_nop4 },
	{ "nop (5 bytes)", first_nop5 },
	{ "jne", first_branch },
	{ "jmp", first_jump },
	{ "call", first_call },
	{ "sub $24,%rsp", first_sub },
	{ "endbr64", first_endbr },
	{ "mov %rdi,%rax", first_mov },
	{ "test %rdi,%rdi", first_test },
	{ "mov 1f(%rip),%rax", first_load },
	{ "ret", first_ret },
};

/* ---- timing ---- */

static double now_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec * 1e9 + (double)t.tv_nsec;
}

static double ns_per_call(void (*call)(void))
{
	double least = 1e18;

	for (int round = 0; round < ROUNDS; round++) {
		double start = now_ns(), took;

		for (int i = 0; i < CALLS; i++)
			call();
		took = (now_ns() - start) / CALLS;
		least = took < least ? took : least;
	}
	return least;
}

/* ---- first table ---- */

/* The offset of @function of this program: its address less the mapping's. */
static uint64_t own_offset(void (*function)(void))
{
	uint64_t start, end, offset, address = (uint64_t)(uintptr_t)function, found = 0;
	FILE *maps = fopen("/proc/self/maps", "re");
	char line[4096];

	while (maps && fgets(line, sizeof(line), maps))
		if (sscanf(line, "%lx-%lx %*s %lx", &start, &end, &offset) == 3 &&
		    address >= start && address < end)
			found = address - start + offset;
	if (maps)
		fclose(maps);
	return found;
}

static double cost(void (*function)(void), bool at_return)
{
	double bare = ns_per_call(function), probed = -1;
	struct span_probes probes = { 0 };

	if (span_probe_attach(&probes, "/proc/self/exe", own_offset(function), at_return, program))
		probed = ns_per_call(function) - bare;
	span_probes_detach(&probes);
	return probed;
}

static void print_instructions(void)
{
	printf("%-20s %10s %10s   ns per hit\n", "instruction", "uprobe", "uretprobe");
	for (size_t i = 0; i < sizeof(instructions) / sizeof(instructions[0]); i++)
		printf("%-20s %10.0f %10.0f\n", instructions[i].name,
		       cost(instructions[i].function, false), cost(instructions[i].function, true));
}

/* ---- second table ---- */

static const struct span_site *find_site(const struct span_list *list, const char *label)
{
	for (size_t i = 0; i < list->nsites; i++)
		if (!strcmp(list->sites[i].label, label))
			return &list->sites[i];
	return NULL;
}

static bool attach_at_entry(struct span_probes *probes, const struct span_site *site)
{
	return span_probe_attach(probes, site->path, site->offset_function, false, program) &&
	       span_probe_attach(probes, site->path, site->offset_function, true, program);
}

static bool attach_at_site(struct span_probes *probes, const struct span_site *site)
{
	bool ok = span_probe_attach(probes, site->path, site->offset_enter, false, program);

	if (site->use_uretprobe)
		return ok &&
		       span_probe_attach(probes, site->path, site->offset_enter, true, program);
	for (size_t i = 0; i < site->nexits; i++)
		ok = ok && span_probe_attach(probes, site->path, site->exits[i].offset,
		                             site->exits[i].use_uretprobe, program);
	return ok;
}

static double span_cost(void (*call)(void), const struct span_site *site,
                        bool (*attach_span)(struct span_probes *, const struct span_site *))
{
	double bare = ns_per_call(call), probed = -1;
	struct span_probes probes = { 0 };

	if (attach_span(&probes, site))
		probed = ns_per_call(call) - bare;
	span_probes_detach(&probes);
	return probed;
}

static void print_function(const struct catalogue *catalogue, const struct library_call *call)
{
	const pid_t self = getpid();
	const struct span_site *site;
	struct span_list *list;

	if (!call->prepare(call->name))
		return;
	list = NULL;
	site = spans_find(&self, 1, catalogue, &list) ? NULL : find_site(list, call->label);
	if (site)
		printf("%-36s %10.0f %10.0f   +%lu, %s%s\n", call->name,
		       span_cost(call->call, site, attach_at_entry),
		       span_cost(call->call, site, attach_at_site),
		       (unsigned long)(site->offset_enter - site->offset_function),
		       site->use_uretprobe ? "uretprobe" : "exits by uprobe",
		       site->single_stepped || site->exit_single_stepped ? ", single-stepped" : "");
	span_list_free(list);
	call->finish();
}

int main(int argc, char **argv)
{
	struct catalogue *catalogue;
	char message[CATALOGUE_MESSAGE_SIZE];
	cpu_set_t cpus;

	CPU_ZERO(&cpus);
	CPU_SET(argc > 1 ? (size_t)atoi(argv[1]) : 0, &cpus);
	sched_setaffinity(0, sizeof(cpus), &cpus);
	program = span_program_nothing();
	if (!span_probes_work()) {
		fprintf(stderr, "uprobe_placement: uprobes do not work here: %s\n",
		        strerror(errno));
		return 1;
	}
	if (catalogue_load(NULL, &catalogue, message, sizeof(message))) {
		fprintf(stderr, "uprobe_placement: %s\n", message);
		return 1;
	}
	print_instructions();
	printf("\n%-36s %10s %10s   ns per span\n", "function", "at entry", "placed");
	for (size_t i = 0; i < library_calls_n; i++)
		print_function(catalogue, &library_calls[i]);
	catalogue_free(catalogue);
	return 0;
}
