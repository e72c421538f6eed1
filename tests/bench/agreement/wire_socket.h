/* SPDX-License-Identifier: GPL-2.0 */
/*
 * A wire for the generator that is what the client of sockperf is: a connected UDP socket that is
 * asked again and again. Of a frame it sends the payload; what comes in gets the headers back.
 */
#ifndef KTAX_BENCH_WIRE_SOCKET_H
#define KTAX_BENCH_WIRE_SOCKET_H

#include "wire.h"

extern const struct wire_type wire_socket;

#endif
