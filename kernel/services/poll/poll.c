// SPDX-License-Identifier: MPL-2.0
// The base type of poll requests.
#include <services/poll/poll.h>

DEFINE_BASE(poll_request)

void poll_add(struct poll_request *r, struct wait_queue *q borrowed)
{
	if (r)
		r->add(r, q);
}
