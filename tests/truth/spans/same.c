/* SPDX-License-Identifier: GPL-2.0 */
/* Built twice under one name, and loaded while a recording runs. */
#include "spin.h"

void same_work(unsigned long us);

void same_work(unsigned long us)
{
	spin(us);
}
