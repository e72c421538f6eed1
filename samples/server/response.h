/* SPDX-License-Identifier: GPL-2.0 */
/*
 * A response, and how far it is written. Its bytes are the text (head, and a body that is text)
 * and then body_bytes of filler, the lower case alphabet over and over.
 */
#ifndef SAMPLES_RESPONSE_H
#define SAMPLES_RESPONSE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "plan.h"
#include "request_log.h"

struct response {
	char *text; /* kept from response to response */
	size_t text_length, text_capacity;
	uint64_t filler_bytes;
	uint64_t offset; /* of the next byte to write */
	enum write_how how;
	uint64_t chunks, chunk; /* number of them, the one being written */
	uint64_t chunk_gap_us;
	bool keep_alive;
};

/* The filler that all responses share, made once. 0 or -errno. */
int response_filler_open(void);
void response_filler_close(void);

/* Starts a response of one chunk. The text's capacity is kept. */
void response_begin(struct response *response, bool keep_alive);
/* Sets head and a text body. 0 or -ENOMEM, with nothing to send. */
int response_set_text(struct response *response, unsigned int status, const char *type,
                      const char *body, size_t length);
/* Sets head and a filler body, and how to write it, as in @plan. 0 or -ENOMEM. */
int response_set_filler(struct response *response, const struct plan *plan);
void response_destroy(struct response *response);

/*
 * Writes on until the end: 0; the socket would block: -EAGAIN, call again when it is writable;
 * another -errno: give the connection up. Counts calls and gaps in @record.
 */
int response_write(struct response *response, int fd, struct request_record *record);

#endif
