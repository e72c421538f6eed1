/* SPDX-License-Identifier: GPL-2.0 */
/* The entry of every fuzz target, as libFuzzer calls it. */
#ifndef FUZZ_H
#define FUZZ_H

#include <stddef.h>
#include <stdint.h>

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);

#endif
