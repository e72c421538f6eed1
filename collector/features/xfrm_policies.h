/* SPDX-License-Identifier: GPL-2.0 */
/* IPsec policies, as the kernel's xfrm tells of them. */
#ifndef KTAX_XFRM_POLICIES_H
#define KTAX_XFRM_POLICIES_H

#include "traffic.h"

struct nlmsghdr;

/* Whether the policy of this message selects packets of @traffic. MEETS_NOT too where it is none.
 */
enum meets xfrm_policy_meets(const struct nlmsghdr *header, const struct traffic *traffic);

#endif
