/* SPDX-License-Identifier: GPL-2.0 */
/*
 * How far two CPUs are from each other: how long a cache line takes to the other one and back. In a
 * virtual machine the host moves CPUs to siblings or far apart, which moves every latency between
 * two of them.
 */
#ifndef KTAX_CORE_DISTANCE_H
#define KTAX_CORE_DISTANCE_H

/*
 * In ns, the median of short trials that take some 2 ms together, 50 at most. From the CPU that the
 * calling thread is bound to, to @other. 0: it could not be measured.
 */
double core_distance_ns(int other);

#endif
