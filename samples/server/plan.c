// SPDX-License-Identifier: GPL-2.0
/* One table of the numbers with their limits, so that no request can hold a thread for long. */
#include <errno.h>
#include <stddef.h>
#include <string.h>

#include <ktax/ktax.h>

#include "plan.h"

#define US_MAX (10ULL * 1000 * 1000)

static const struct parameter {
	const char *name;
	size_t offset;
	uint64_t max;
} parameters[] = {
	{ "spin_us", offsetof(struct plan, spin_us), US_MAX },
	{ "json_us", offsetof(struct plan, json_us), US_MAX },
	{ "annotate_us", offsetof(struct plan, annotate_us), US_MAX },
	{ "syscall_us", offsetof(struct plan, syscall_us), US_MAX },
	{ "lock_us", offsetof(struct plan, lock_us), US_MAX },
	{ "io_kb", offsetof(struct plan, io_kb), 64 << 10 },
	{ "sleep_us", offsetof(struct plan, sleep_us), US_MAX },
	{ "bytes", offsetof(struct plan, bytes), 1ULL << 30 },
	{ "chunks", offsetof(struct plan, chunks), 10000 },
	{ "chunk_gap_us", offsetof(struct plan, chunk_gap_us), US_MAX },
	{ "n", offsetof(struct plan, items), 10000 },
};

static int parse_number(struct http_slice text, uint64_t max, uint64_t *ret_value)
{
	uint64_t value = 0;

	if (!text.length || text.length > 18)
		return -EINVAL;
	for (size_t i = 0; i < text.length; i++) {
		if (text.at[i] < '0' || text.at[i] > '9')
			return -EINVAL;
		value = value * 10 + (uint64_t)(text.at[i] - '0');
	}
	if (value > max)
		return -EINVAL;
	*ret_value = value;
	return 0;
}

static int parse_how(struct http_slice text, enum write_how *ret_how)
{
	if (http_slice_is(text, "write"))
		*ret_how = WRITE_PLAIN;
	else if (http_slice_is(text, "writev"))
		*ret_how = WRITE_VECTOR;
	else if (http_slice_is(text, "sendfile"))
		*ret_how = WRITE_SENDFILE;
	else
		return -EINVAL;
	return 0;
}

static int parse_account(struct http_slice text, int *ret_account)
{
#define X(symbol, name, number)                                                                    \
	if (http_slice_is(text, #name)) {                                                          \
		*ret_account = number;                                                             \
		return 0;                                                                          \
	}
	KTAX_SPAN_ACCOUNTS(X)
#undef X
	return -EINVAL;
}

static int parse_pair(struct http_slice name, struct http_slice value, struct plan *plan)
{
	if (http_slice_is(name, "how"))
		return parse_how(value, &plan->how);
	if (http_slice_is(name, "annotate"))
		return parse_account(value, &plan->annotate_account);
	for (size_t i = 0; i < sizeof(parameters) / sizeof(*parameters); i++) {
		const struct parameter *parameter = &parameters[i];

		if (http_slice_is(name, parameter->name))
			return parse_number(value, parameter->max,
			                    (uint64_t *)((char *)plan + parameter->offset));
	}
	return -EINVAL;
}

/* The slice up to @stop or the end; *rest moves behind it. */
static struct http_slice take(struct http_slice *rest, char stop)
{
	const char *end = memchr(rest->at, stop, rest->length);
	struct http_slice taken = { rest->at, end ? (size_t)(end - rest->at) : rest->length };
	size_t skip = taken.length + (end ? 1 : 0);

	rest->at += skip;
	rest->length -= skip;
	return taken;
}

int plan_parse(struct http_slice query, struct plan *ret_plan)
{
	struct plan plan = {
		.bytes = 2,
		.chunks = 1,
		.items = 50,
		.annotate_account = KTAX_SPAN_SERIALIZE,
	};

	while (query.length) {
		struct http_slice value = take(&query, '&');
		struct http_slice name = take(&value, '=');
		int error = parse_pair(name, value, &plan);

		if (error)
			return error;
	}
	if (!plan.chunks)
		return -EINVAL;
	*ret_plan = plan;
	return 0;
}
