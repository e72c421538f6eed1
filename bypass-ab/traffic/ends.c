// SPDX-License-Identifier: GPL-2.0
#include "traffic.h"

void traffic_set_ends(struct traffic *traffic, const struct frame_flow *flow)
{
	for (size_t i = 0; i < traffic->n_flows; i++) {
		uint16_t port = traffic->flow[i].client.port;

		traffic->flow[i] = *flow;
		traffic->flow[i].client.port = port;
	}
	for (size_t i = 0; i < traffic->n_requests; i++) {
		const struct traffic_request *request = &traffic->request[i];

		frame_set_ends(traffic->frames + request->frame_offset, request->frame_size,
		               &traffic->flow[request->flow]);
	}
}
