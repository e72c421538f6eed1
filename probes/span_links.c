// SPDX-License-Identifier: GPL-2.0
#include "span_links.h"

#include <bpf/bpf.h>
#include <bpf/btf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "spans.h"

/* From linux/bpf.h of 6.6, which is newer than the headers here. */
#define TRACE_UPROBE_MULTI    48 /* BPF_TRACE_UPROBE_MULTI */
#define UPROBE_MULTI_F_RETURN 1  /* BPF_F_UPROBE_MULTI_RETURN */

struct uprobe_multi_attr {
	uint32_t program, target;
	uint32_t attach_type, link_flags;
	uint64_t path, offsets, ref_ctr_offsets, cookies;
	uint32_t count, flags, pid, pad;
};

struct span_links {
	struct bpf_link **link;
	size_t n_links;
	int *fd; /* of uprobe_multi links */
	size_t n_fds;
};

/* Probes of one program in one file. */
struct batch {
	const char *path;
	uint64_t *offset, *cookie;
	size_t n;
};

/* Ends before begins: a span that is entered is always left. */
enum probe_kind {
	PROBE_ANNOTATION_END,
	PROBE_EXIT,
	PROBE_EXIT_AT_RET,
	PROBE_ENTER,
	PROBE_ANNOTATION_BEGIN,
	PROBE_STEP, /* of no span */
	PROBE_KINDS
};

static const char *const program_name[PROBE_KINDS][2] = {
	[PROBE_ANNOTATION_END] = { "span_end__perf", "span_end__multi" },
	[PROBE_ANNOTATION_BEGIN] = { "span_begin__perf", "span_begin__multi" },
	[PROBE_EXIT] = { "span_exit__perf", "span_exit__multi" },
	[PROBE_EXIT_AT_RET] = { "span_exit_at_ret__perf", "span_exit_at_ret__multi" },
	[PROBE_ENTER] = { "span_enter__perf", "span_enter__multi" },
	[PROBE_STEP] = { "span_step__perf", "span_step__multi" },
};

bool span_links_multi_supported(const struct btf *kernel_btf)
{
	int id = btf__find_by_name_kind(kernel_btf, "bpf_attach_type", BTF_KIND_ENUM);
	const struct btf_type *type = id > 0 ? btf__type_by_id(kernel_btf, id) : NULL;

	for (int i = 0; type && i < btf_vlen(type); i++)
		if (!strcmp(btf__name_by_offset(kernel_btf, btf_enum(type)[i].name_off),
		            "BPF_TRACE_UPROBE_MULTI"))
			return true;
	return false;
}

void span_links_prepare(struct bpf_object *object, bool multi)
{
	for (int kind = 0; kind < PROBE_KINDS; kind++) {
		struct bpf_program *bulk =
			bpf_object__find_program_by_name(object, program_name[kind][true]);

		bpf_program__set_autoload(bulk, multi);
		if (multi)
			bpf_program__set_expected_attach_type(bulk, TRACE_UPROBE_MULTI);
		bpf_program__set_autoload(
			bpf_object__find_program_by_name(object, program_name[kind][false]),
			!multi);
	}
}

/* As span.bpf.h takes it apart. */
#define COOKIE_STACKED 0x100ULL
#define COOKIE_STEPPED 0x200ULL

static uint64_t span_cookie(const struct span_site *site, int32_t sp_delta, bool stepped)
{
	return (uint64_t)site->account | (site->nesting == SPAN_STACKED ? COOKIE_STACKED : 0) |
	       (stepped ? COOKIE_STEPPED : 0) | (uint64_t)(uint32_t)sp_delta << 16;
}

/* ---- Keeping links ------------------------------------------------------------------------ */

static int keep_link(struct span_links *links, struct bpf_link *link)
{
	struct bpf_link **grown;

	if (!link)
		return -errno;
	grown = realloc(links->link, (links->n_links + 1) * sizeof(struct bpf_link *));
	if (!grown) {
		bpf_link__destroy(link);
		return -ENOMEM;
	}
	links->link = grown;
	grown[links->n_links++] = link;
	return 0;
}

static int keep_fd(struct span_links *links, int fd)
{
	int *grown;

	if (fd < 0)
		return -errno;
	grown = realloc(links->fd, (links->n_fds + 1) * sizeof(*grown));
	if (!grown) {
		close(fd);
		return -ENOMEM;
	}
	links->fd = grown;
	grown[links->n_fds++] = fd;
	return 0;
}

/* ---- Letting go of links ------------------------------------------------------------------ */

/*
 * A link of uprobes is gone when a grace period of the kernel has passed, tens to hundreds of
 * milliseconds. Closed one after the other, each waits for one of its own; closed at once, they
 * share it.
 */
#define CLOSERS_MOST 64

struct closing {
	struct span_links *links;
	size_t next; /* links first, then descriptors */
};

static void *close_links(void *context)
{
	struct closing *closing = context;
	const struct span_links *links = closing->links;
	size_t i;

	while ((i = __atomic_fetch_add(&closing->next, 1, __ATOMIC_RELAXED)) <
	       links->n_links + links->n_fds) {
		if (i < links->n_links)
			bpf_link__destroy(links->link[i]);
		else
			close(links->fd[i - links->n_links]);
	}
	return NULL;
}

/* Signals are for the other threads. Where there can be no thread, this one closes all. */
static void close_at_once(struct span_links *links)
{
	struct closing closing = { links, 0 };
	pthread_t closer[CLOSERS_MOST];
	size_t n = 0, wanted = links->n_links + links->n_fds;
	sigset_t all, before;

	if (wanted > CLOSERS_MOST)
		wanted = CLOSERS_MOST;
	sigfillset(&all);
	pthread_sigmask(SIG_BLOCK, &all, &before);
	while (n + 1 < wanted && !pthread_create(&closer[n], NULL, close_links, &closing))
		n++;
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	close_links(&closing);
	while (n)
		pthread_join(closer[--n], NULL);
}

void span_links_detach(struct span_links *links)
{
	if (!links)
		return;
	close_at_once(links);
	free(links->link);
	free(links->fd);
	free(links);
}

/* ---- Batches ------------------------------------------------------------------------------ */

static int batch_add(struct batch *batch, uint64_t offset, uint64_t cookie)
{
	uint64_t *offsets = realloc(batch->offset, (batch->n + 1) * sizeof(*offsets));
	uint64_t *cookies = realloc(batch->cookie, (batch->n + 1) * sizeof(*cookies));

	batch->offset = offsets ? offsets : batch->offset;
	batch->cookie = cookies ? cookies : batch->cookie;
	if (!offsets || !cookies)
		return -ENOMEM;
	offsets[batch->n] = offset;
	cookies[batch->n++] = cookie;
	return 0;
}

/* Two functions may end in the same instruction, which is stepped once, for both their probes. */
static bool is_stepped_in(const struct batch *batch, uint64_t offset)
{
	for (size_t i = 0; i < batch->n; i++)
		if (batch->offset[i] == offset && batch->cookie[i] & COOKIE_STEPPED)
			return true;
	return false;
}

static int batch_add_exit(struct batch *batch, const struct span_site *site,
                          const struct span_exit *exit)
{
	bool stepped = exit->single_stepped && exit->offset != site->offset_enter &&
	               !is_stepped_in(batch, exit->offset);

	return batch_add(batch, exit->offset, span_cookie(site, exit->sp_delta, stepped));
}

static int batch_add_site(struct batch *batch, const struct span_site *site, enum probe_kind kind)
{
	int err = 0;

	if (kind == PROBE_ENTER)
		return batch_add(batch, site->offset_enter,
		                 span_cookie(site, site->sp_delta, site->single_stepped));
	if (kind == PROBE_EXIT && site->use_uretprobe)
		return batch_add(batch, site->offset_enter, span_cookie(site, 0, false));
	for (size_t i = 0; !err && i < site->nexits; i++)
		if (site->exits[i].use_uretprobe == (kind == PROBE_EXIT))
			err = batch_add_exit(batch, site, &site->exits[i]);
	return err;
}

/* @n probes of @batch from @from on, in one link. */
static int link_multi(struct span_links *links, const struct bpf_program *program,
                      const struct batch *batch, size_t from, size_t n, bool on_return)
{
	struct uprobe_multi_attr attr = {
		.program = bpf_program__fd(program),
		.attach_type = TRACE_UPROBE_MULTI,
		.path = (uintptr_t)batch->path,
		.offsets = (uintptr_t)&batch->offset[from],
		.cookies = (uintptr_t)&batch->cookie[from],
		.count = n,
		.flags = on_return ? UPROBE_MULTI_F_RETURN : 0,
	};

	return keep_fd(links, syscall(SYS_bpf, BPF_LINK_CREATE, &attr, sizeof(attr)));
}

/* One instruction that the kernel does not probe fails a link: then each half by itself. */
static int attach_multi(struct span_links *links, const struct bpf_program *program,
                        const struct batch *batch, size_t from, size_t n, bool on_return)
{
	int err = link_multi(links, program, batch, from, n, on_return), first, second;

	if (!err || n == 1 || err == -EPERM || err == -EACCES || err == -ENOENT)
		return err;
	first = attach_multi(links, program, batch, from, n / 2, on_return);
	second = attach_multi(links, program, batch, from + n / 2, n - n / 2, on_return);
	return first ? first : second;
}

static int attach_each(struct span_links *links, const struct bpf_program *program,
                       const struct batch *batch, bool on_return)
{
	int first = 0;

	for (size_t i = 0; i < batch->n; i++) {
		LIBBPF_OPTS(bpf_uprobe_opts, options, .retprobe = on_return,
		            .bpf_cookie = batch->cookie[i]);
		int err = keep_link(links,
		                    bpf_program__attach_uprobe_opts(program, -1, batch->path,
		                                                    batch->offset[i], &options));

		first = first ? first : err;
	}
	return first;
}

/* Attaches @batch, and empties it. */
static int attach_batch(struct span_links *links, struct bpf_object *object, bool multi,
                        enum probe_kind kind, struct batch *batch)
{
	const struct bpf_program *program =
		bpf_object__find_program_by_name(object, program_name[kind][multi]);
	int err = 0;

	if (batch->n)
		err = multi ? attach_multi(links, program, batch, 0, batch->n, kind == PROBE_EXIT)
		            : attach_each(links, program, batch, kind == PROBE_EXIT);
	free(batch->offset);
	free(batch->cookie);
	return err;
}

/* All probes of @kind in the file of @sites[from]; earlier sites of the same file had it done. */
static int attach_file(struct bpf_object *object, bool multi, const struct span_list *spans,
                       size_t from, enum probe_kind kind, struct span_links *links)
{
	const struct span_site *first = &spans->sites[from];
	struct batch batch = { .path = first->path };
	int err = 0, attached;

	for (size_t i = from; !err && i < spans->nsites; i++)
		if (spans->sites[i].dev == first->dev && spans->sites[i].ino == first->ino)
			err = batch_add_site(&batch, &spans->sites[i], kind);
	attached = attach_batch(links, object, multi, kind, &batch);
	return err ? err : attached;
}

static bool file_seen(const struct span_list *spans, size_t index)
{
	const struct span_site *site = &spans->sites[index];

	for (size_t i = 0; i < index; i++)
		if (spans->sites[i].dev == site->dev && spans->sites[i].ino == site->ino)
			return true;
	return false;
}

static int attach_functions(struct bpf_object *object, bool multi, const struct span_list *spans,
                            enum probe_kind kind, struct span_links *links)
{
	int first = 0;

	for (size_t i = 0; i < spans->nsites; i++) {
		int err =
			file_seen(spans, i) ? 0 : attach_file(object, multi, spans, i, kind, links);

		first = first ? first : err;
	}
	return first;
}

static int attach_annotations(struct bpf_object *object, bool multi, const struct span_list *spans,
                              enum probe_kind kind, struct span_links *links)
{
	int first = 0;

	for (size_t i = 0; i < spans->nusdt; i++) {
		const struct span_usdt *usdt = &spans->usdt[i];
		struct batch batch = { .path = usdt->path };
		int err = 0, attached;

		for (size_t j = 0; !err && j < usdt->nannotations; j++)
			if (usdt->annotations[j].begins == (kind == PROBE_ANNOTATION_BEGIN))
				err = batch_add(&batch, usdt->annotations[j].offset,
				                usdt->annotations[j].account);
		attached = attach_batch(links, object, multi, kind, &batch);
		err = err ? err : attached;
		first = first ? first : err;
	}
	return first;
}

int span_links_attach(struct bpf_object *object, bool multi, const struct span_list *spans,
                      struct span_links **ret_links)
{
	struct span_links *links = calloc(1, sizeof(*links));
	int first = 0;

	if (!links)
		return -ENOMEM;
	for (int kind = 0; kind < PROBE_STEP; kind++) {
		bool annotations = kind == PROBE_ANNOTATION_END || kind == PROBE_ANNOTATION_BEGIN;
		int err = annotations ? attach_annotations(object, multi, spans, kind, links)
		                      : attach_functions(object, multi, spans, kind, links);

		first = first ? first : err;
	}
	*ret_links = links;
	return first;
}

int span_links_attach_step(struct bpf_object *object, bool multi, uint64_t offset,
                           struct span_links **ret_links)
{
	struct span_links *links = calloc(1, sizeof(*links));
	struct batch batch = { .path = "/proc/self/exe" };
	int err = links ? batch_add(&batch, offset, 0) : -ENOMEM;

	if (err) {
		free(batch.offset);
		free(batch.cookie);
	} else {
		err = attach_batch(links, object, multi, PROBE_STEP, &batch);
	}
	if (err) {
		span_links_detach(links);
		return err;
	}
	*ret_links = links;
	return 0;
}
