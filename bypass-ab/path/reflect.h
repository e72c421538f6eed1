/* SPDX-License-Identifier: GPL-2.0 */
/* What the reflecting XDP program and its loader share. */
#ifndef KTAX_REFLECT_H
#define KTAX_REFLECT_H

/* As in frame.h: FRAME_MARK and FRAME_STOP. */
#define REFLECT_MAGIC 0x4b544158u
#define REFLECT_STOP  1

enum reflect_count {
	REFLECT_ANSWERED,
	REFLECT_STOPS,
	REFLECT_FOREIGN,
	REFLECT_COUNTS,
};

#endif
