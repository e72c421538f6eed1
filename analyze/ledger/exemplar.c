// SPDX-License-Identifier: GPL-2.0
#include "exemplar.h"

static uint64_t distance(uint64_t a, uint64_t b)
{
	return a > b ? a - b : b - a;
}

/* A request that is not whole, or stands for several, is no example. */
static bool is_plain(const struct ktax_request *request)
{
	return !(request->flags &
	         (KTAX_REQUEST_INCOMPLETE | KTAX_REQUEST_UNBALANCED | KTAX_REQUEST_BATCH));
}

void exemplar_consider(struct exemplar *exemplar, const struct ktax_request *request)
{
	uint64_t off = distance(request->total_ns, exemplar->wanted_ns);

	if (!is_plain(request) || (double)off > EXEMPLAR_NEAR * (double)exemplar->wanted_ns)
		return;
	exemplar->candidates++;
	if (exemplar->found && distance(exemplar->request.total_ns, exemplar->wanted_ns) <= off)
		return;
	exemplar->found = true;
	exemplar->request = *request;
}
