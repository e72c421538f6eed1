/* SPDX-License-Identifier: GPL-2.0 */
/*
 * A PTP hardware clock (/dev/ptpN), which a NIC stamps packets by. Only ever read. It stays
 * readable when the privilege to open it has been given up.
 */
#ifndef KTAX_PHC_H
#define KTAX_PHC_H

#include <stdint.h>

#include "clock_fit.h"

/* How the kernel lets the clock be compared with its own, best first. */
enum phc_method {
	PHC_PRECISE,            /* in hardware, with CLOCK_REALTIME */
	PHC_EXTENDED_MONOTONIC, /* in brackets of CLOCK_MONOTONIC, since 6.12 */
	PHC_EXTENDED,           /* in brackets of CLOCK_REALTIME, since 5.0, by the driver */
	PHC_BASIC,              /* in wider brackets of it */
};

struct phc {
	int fd; /* -1: not open */
	enum phc_method method;
};

/* -errno of open(). */
int phc_open(int index, struct phc *ret);
void phc_close(struct phc *phc);

/*
 * Reads it against CLOCK_MONOTONIC: some microseconds. -EAGAIN: CLOCK_REALTIME, which took part,
 * was stepped meanwhile; or -errno of the driver.
 */
int phc_read(struct phc *phc, struct clock_reading *ret);

#endif
