// SPDX-License-Identifier: MPL-2.0
// The credentials that act now, for services below the process service.
#include <core/once.h>
#include <services/cred/cred.h>

DEFINE_ONCE(cred_current_cell, const struct cred_current_ops);
static struct cred_current_cell cell;

void cred_set_current_ops(const struct cred_current_ops *ops)
{
	cred_current_cell_set(&cell, ops);
}

struct cred *cred_current(void)
{
	const struct cred_current_ops *ops = cred_current_cell_get(&cell);
	struct cred *now = ops ? ops->current() : NULL;
	return now ? now : cred_initial();
}
