// SPDX-License-Identifier: GPL-2.0
/*
 * The phases are measured from outside, each by two readings of the clock right around it, and
 * nothing else happens between: what is logged is what the thread spent there.
 */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <ktax/ktax.h>

#include "../common/clock.h"
#include "handler.h"
#include "spin.h"

/* Some 5 us per dump: long against a probe on the function, short against the time asked for. */
#define DOCUMENT_ITEMS 8
#define IO_BLOCK       (64U << 10)
#define LOG_RESERVED   (32U << 10) /* records: 5 MiB per thread */

static char zeros[IO_BLOCK];

int handler_init(struct handler *handler, const struct json_library *json, const char *io_dir,
                 bool logging)
{
	*handler = (struct handler){
		.json = json,
		.io_dir = io_dir,
		.document = json->items(DOCUMENT_ITEMS),
		.zero_fd = -1,
		.io_fd = -1,
		.logging = logging,
	};
	if (!handler->document)
		return -ENOMEM;
	return logging ? request_log_reserve(&handler->log, LOG_RESERVED) : 0;
}

void handler_destroy(struct handler *handler)
{
	if (!handler->json)
		return;
	lock_helper_destroy(&handler->lock_helper);
	handler->json->document_free(handler->document);
	if (handler->zero_fd >= 0)
		close(handler->zero_fd);
	if (handler->io_fd >= 0)
		close(handler->io_fd);
	handler->json = NULL;
}

/* A dump that adds its own time, and no other, to the record. */
static const char *dump_timed(const struct handler *handler, void *document, size_t *ret_length,
                              struct request_record *record)
{
	uint64_t start = clock_now_ns();
	const char *text = handler->json->dump(document, ret_length);

	record->json_ns += clock_now_ns() - start;
	return text;
}

static void phase_json(const struct handler *handler, uint64_t us, struct request_record *record)
{
	while (record->json_ns < us * NS_PER_US) {
		size_t length;
		const char *text = dump_timed(handler, handler->document, &length, record);

		if (!text)
			return;
		handler->json->text_free(text);
	}
}

static uint64_t phase_annotate(int account, uint64_t us)
{
	uint64_t elapsed = 0;

	switch (account) {
#define X(symbol, name, number)                                                                    \
	case KTAX_SPAN_##symbol:                                                                   \
		KTAX_SPAN_BEGIN(name);                                                             \
		elapsed = spin_us(us);                                                             \
		KTAX_SPAN_END(name);                                                               \
		break;
		KTAX_SPAN_ACCOUNTS(X)
#undef X
	}
	return elapsed;
}

/* Clearing 64 KiB takes some us in the kernel, against which the clock and the loop are little. */
static uint64_t phase_syscall(struct handler *handler, uint64_t us)
{
	static _Thread_local char scratch[64 << 10];
	uint64_t start, now;

	if (handler->zero_fd < 0)
		handler->zero_fd = open("/dev/zero", O_RDONLY | O_CLOEXEC);
	start = now = clock_now_ns();
	while (now - start < us * NS_PER_US) {
		if (read(handler->zero_fd, scratch, sizeof(scratch)) < 0)
			break;
		now = clock_now_ns();
	}
	return now - start;
}

/* The file loses its name at once: whatever happens, none is left behind. */
static int io_open(struct handler *handler)
{
	char path[PATH_MAX];

	if (handler->io_fd >= 0)
		return 0;
	if (snprintf(path, sizeof(path), "%s/ktax-sample-XXXXXX", handler->io_dir) >= PATH_MAX)
		return -ENAMETOOLONG;
	handler->io_fd = mkostemp(path, O_CLOEXEC);
	if (handler->io_fd < 0)
		return -errno;
	unlink(path);
	return 0;
}

static int phase_io(struct handler *handler, uint64_t kb, uint64_t *ret_elapsed_ns)
{
	uint64_t left = kb << 10, start;
	int error = io_open(handler);

	if (error)
		return error;
	start = clock_now_ns();
	while (left) {
		size_t length = left < IO_BLOCK ? left : IO_BLOCK;
		ssize_t written = pwrite(handler->io_fd, zeros, length, (off_t)((kb << 10) - left));

		if (written < 0)
			return -errno;
		left -= (uint64_t)written;
	}
	if (fdatasync(handler->io_fd))
		return -errno;
	*ret_elapsed_ns = clock_now_ns() - start;
	return 0;
}

static uint64_t phase_sleep(uint64_t us)
{
	struct timespec duration = clock_timespec(us * NS_PER_US);
	uint64_t start = clock_now_ns();

	while (clock_nanosleep(CLOCK_MONOTONIC, 0, &duration, &duration) == EINTR)
		;
	return clock_now_ns() - start;
}

/*
 * The pause of a collector that the thread runs itself, as those that are triggered by allocation
 * do: the request at hand has it in its gc, those that came meanwhile have waited in app_queue.
 */
static uint64_t phase_gc(struct handler *handler)
{
	if (!handler->gc_every || ++handler->gc_countdown < handler->gc_every)
		return 0;
	handler->gc_countdown = 0;
	return phase_annotate(KTAX_SPAN_GC, handler->gc_us);
}

/* All phases of @plan, in the order of plan.h. 0, or -errno where one could not be done. */
static int phases_run(struct handler *handler, const struct plan *plan,
                      struct request_record *record)
{
	if (plan->spin_us)
		record->spin_ns = spin_us(plan->spin_us);
	if (plan->json_us)
		phase_json(handler, plan->json_us, record);
	if (plan->annotate_us)
		record->annotate_ns = phase_annotate(plan->annotate_account, plan->annotate_us);
	record->annotate_ns += phase_gc(handler);
	if (plan->syscall_us)
		record->syscall_ns = phase_syscall(handler, plan->syscall_us);
	if (plan->lock_us)
		record->lock_ns = lock_helper_block(&handler->lock_helper, plan->lock_us);
	if (plan->io_kb) {
		int error = phase_io(handler, plan->io_kb, &record->io_ns);

		if (error)
			return error;
	}
	if (plan->sleep_us)
		record->sleep_ns = phase_sleep(plan->sleep_us);
	return 0;
}

static void respond_error(struct response *response, unsigned int status, const char *why,
                          struct request_record *record)
{
	record->endpoint = ENDPOINT_ERROR;
	record->status = (uint16_t)status;
	/* Out of memory leaves an empty response and a closed connection. */
	if (response_set_text(response, status, "text/plain", why, strlen(why)))
		response->keep_alive = false;
}

static void respond_document(const struct handler *handler, void *document,
                             struct response *response, struct request_record *record)
{
	size_t length = 0;
	const char *text = document ? dump_timed(handler, document, &length, record) : NULL;

	if (!text || response_set_text(response, 200, "application/json", text, length))
		respond_error(response, 500, "out of memory\n", record);
	if (text)
		handler->json->text_free(text);
	if (document)
		handler->json->document_free(document);
}

static void handle_work(const struct plan *plan, struct response *response,
                        struct request_record *record)
{
	record->endpoint = ENDPOINT_WORK;
	if (response_set_filler(response, plan))
		respond_error(response, 500, "out of memory\n", record);
}

static void handle_items(const struct handler *handler, const struct plan *plan,
                         struct response *response, struct request_record *record)
{
	record->endpoint = ENDPOINT_ITEMS;
	respond_document(handler, handler->json->items(plan->items), response, record);
}

static void handle_echo(const struct handler *handler, const struct http_request *request,
                        struct response *response, struct request_record *record)
{
	uint64_t start = clock_now_ns();
	void *document = handler->json->parse(request->body.at, request->body.length);

	record->json_ns += clock_now_ns() - start;
	record->endpoint = ENDPOINT_ECHO;
	if (document)
		respond_document(handler, document, response, record);
	else
		respond_error(response, 400, "the body is not JSON\n", record);
}

static void route(struct handler *handler, const struct http_request *request,
                  const struct plan *plan, struct response *response, struct request_record *record)
{
	if (request->method == HTTP_GET && http_slice_is(request->path, "/work"))
		handle_work(plan, response, record);
	else if (request->method == HTTP_GET && http_slice_is(request->path, "/items"))
		handle_items(handler, plan, response, record);
	else if (request->method == HTTP_POST && http_slice_is(request->path, "/echo"))
		handle_echo(handler, request, response, record);
	else
		respond_error(response, 404, "GET /work, GET /items or POST /echo\n", record);
}

void handler_handle(struct handler *handler, const struct http_request *request,
                    struct response *response, struct request_record *record)
{
	struct plan plan;

	record->handler_tid = handler->tid;
	record->handler_start_ns = clock_now_ns();
	record->status = 200;
	response_begin(response, request->keep_alive);
	if (plan_parse(request->query, &plan))
		respond_error(response, 400, "unknown parameter or value out of range\n", record);
	else if (phases_run(handler, &plan, record))
		respond_error(response, 500, "cannot write to the directory of --io-dir\n", record);
	else
		route(handler, request, &plan, response, record);
	record->handler_end_ns = clock_now_ns();
}

void handler_refuse(struct handler *handler, int error, struct response *response,
                    struct request_record *record)
{
	record->handler_tid = handler->tid;
	record->handler_start_ns = clock_now_ns();
	response_begin(response, false);
	if (error == -E2BIG)
		respond_error(response, 431, "the request's head is too long\n", record);
	else if (error == -EFBIG)
		respond_error(response, 413, "the request's body is too long\n", record);
	else if (error == -EOPNOTSUPP)
		respond_error(response, 501, "transfer codings are not read\n", record);
	else
		respond_error(response, 400, "not an HTTP/1.1 request\n", record);
	record->handler_end_ns = clock_now_ns();
}
