/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What a thread that handles requests owns: its document, file, lock helper and log. Each phase
 * of a plan runs on the caller's thread and writes how long it took to the record.
 */
#ifndef SAMPLES_HANDLER_H
#define SAMPLES_HANDLER_H

#include "json.h"
#include "lock_helper.h"
#include "plan.h"
#include "request_log.h"
#include "response.h"

struct handler {
	pid_t tid;
	const struct json_library *json;
	const char *io_dir;
	void *document; /* that json_us dumps */
	int zero_fd;    /* /dev/zero, -1 until used */
	int io_fd;      /* nameless file in io_dir, -1 until used */
	struct lock_helper lock_helper;
	bool logging;
	struct request_log log;
	unsigned int gc_every, gc_us; /* a pause in each gc_every-th request, 0: none */
	unsigned int gc_countdown;
};

/* 0 or -ENOMEM. The thread that will own it sets tid. */
int handler_init(struct handler *handler, const struct json_library *json, const char *io_dir,
                 bool logging);
/* Frees all but the log, which is written later; accepts a zeroed handler. */
void handler_destroy(struct handler *handler);

/* Does what @request asks for: fills @response and the phases of @record. */
void handler_handle(struct handler *handler, const struct http_request *request,
                    struct response *response, struct request_record *record);
/* The response to a request that could not be read; @error as of http_parse. Closes after it. */
void handler_refuse(struct handler *handler, int error, struct response *response,
                    struct request_record *record);

#endif
