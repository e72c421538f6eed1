// SPDX-License-Identifier: GPL-2.0
/*
 * The kernel compares a PTP clock with CLOCK_REALTIME, and since 6.12 with CLOCK_MONOTONIC too.
 * The two have the same rate, so their difference is constant unless CLOCK_REALTIME is stepped: it
 * is taken before and after, and if it has changed, the reading is not used. CLOCK_MONOTONIC_RAW,
 * which runs at another rate, takes no part.
 */
#include "phc.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/ptp_clock.h>
#include <stdbool.h>
#include <stdio.h>
#include <sys/ioctl.h>
#include <time.h>
#include <unistd.h>

#define SAMPLES 7 /* of which the narrowest counts: the others met an interrupt, or a busy bus */

static int64_t clock_now(clockid_t clock)
{
	struct timespec time;

	clock_gettime(clock, &time);
	return time.tv_sec * 1000000000LL + time.tv_nsec;
}

static int64_t ptp_ns(const struct ptp_clock_time *time)
{
	return time->sec * 1000000000LL + time->nsec;
}

/* CLOCK_REALTIME against CLOCK_MONOTONIC. */
static int read_offset(struct clock_reading *ret)
{
	struct clock_bracket bracket[SAMPLES];

	for (int i = 0; i < SAMPLES; i++) {
		bracket[i].before_ns = clock_now(CLOCK_MONOTONIC);
		bracket[i].clock_ns = clock_now(CLOCK_REALTIME);
		bracket[i].after_ns = clock_now(CLOCK_MONOTONIC);
	}
	return clock_narrowest(bracket, SAMPLES, ret);
}

static int read_precise(int fd, struct clock_reading *ret)
{
	struct ptp_sys_offset_precise request = {};

	if (ioctl(fd, PTP_SYS_OFFSET_PRECISE, &request))
		return -errno;
	*ret = (struct clock_reading){ .clock_ns = ptp_ns(&request.device),
		                       .reference_ns = ptp_ns(&request.sys_realtime) };
	return 0;
}

static int read_extended(int fd, clockid_t clock, struct clock_reading *ret)
{
	/* The first of the reserved words is the clock, where the kernel knows it; 0 is realtime.
	 */
	struct ptp_sys_offset_extended request = { .n_samples = SAMPLES, .rsv = { clock } };
	struct clock_bracket bracket[SAMPLES];

	if (ioctl(fd, PTP_SYS_OFFSET_EXTENDED, &request))
		return -errno;
	for (int i = 0; i < SAMPLES; i++)
		bracket[i] = (struct clock_bracket){ ptp_ns(&request.ts[i][0]),
			                             ptp_ns(&request.ts[i][1]),
			                             ptp_ns(&request.ts[i][2]) };
	return clock_narrowest(bracket, SAMPLES, ret);
}

static int read_basic(int fd, struct clock_reading *ret)
{
	struct ptp_sys_offset request = { .n_samples = SAMPLES };
	struct clock_bracket bracket[SAMPLES];

	if (ioctl(fd, PTP_SYS_OFFSET, &request))
		return -errno;
	for (int i = 0; i < SAMPLES; i++)
		bracket[i] = (struct clock_bracket){ ptp_ns(&request.ts[2 * i]),
			                             ptp_ns(&request.ts[2 * i + 1]),
			                             ptp_ns(&request.ts[2 * i + 2]) };
	return clock_narrowest(bracket, SAMPLES, ret);
}

static int read_by(const struct phc *phc, struct clock_reading *ret)
{
	switch (phc->method) {
	case PHC_PRECISE:
		return read_precise(phc->fd, ret);
	case PHC_EXTENDED_MONOTONIC:
		return read_extended(phc->fd, CLOCK_MONOTONIC, ret);
	case PHC_EXTENDED:
		return read_extended(phc->fd, CLOCK_REALTIME, ret);
	case PHC_BASIC:
		break;
	}
	return read_basic(phc->fd, ret);
}

static bool is_unsupported(int err)
{
	return err == -EOPNOTSUPP || err == -ENOTTY || err == -EINVAL;
}

int phc_open(int index, struct phc *ret)
{
	char path[32];

	snprintf(path, sizeof(path), "/dev/ptp%d", index);
	ret->method = PHC_PRECISE;
	ret->fd = open(path, O_RDONLY | O_CLOEXEC);
	return ret->fd < 0 ? -errno : 0;
}

void phc_close(struct phc *phc)
{
	if (phc->fd >= 0)
		close(phc->fd);
	phc->fd = -1;
}

int phc_read(struct phc *phc, struct clock_reading *ret)
{
	struct clock_reading before, after;
	int err = read_offset(&before);

	if (err)
		return err;
	err = read_by(phc, ret);
	while (is_unsupported(err) && phc->method < PHC_BASIC) {
		phc->method++;
		err = read_by(phc, ret);
	}
	if (err || phc->method == PHC_EXTENDED_MONOTONIC)
		return err;
	err = read_offset(&after);
	if (err)
		return err;
	if (clock_offsets_differ(&before, &after))
		return -EAGAIN;
	clock_reading_to_monotonic(ret, before.error_ns < after.error_ns ? &before : &after);
	return 0;
}
