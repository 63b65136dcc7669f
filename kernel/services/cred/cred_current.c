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

static struct spinlock hook_lock = SPINLOCK_INIT(RANK_SERVICE_LEAF);
static bool (*domain_covers)(struct object *outer, struct object *inner)
	GUARDED_BY(hook_lock);

void cred_set_domain_hook(bool (*covers)(struct object *outer, struct object *inner))
{
	spin_guard(&hook_lock);
	domain_covers = covers;
}

bool cred_domain_covers(const struct cred *outer borrowed, const struct cred *inner borrowed)
{
	bool (*covers)(struct object *outer, struct object *inner);
	if (!outer->domain)
		return true;
	if (!inner->domain)
		return false;
	{
		spin_guard(&hook_lock);
		covers = domain_covers;
	}
	return covers && covers(outer->domain, inner->domain);
}

struct cred *cred_current(void)
{
	const struct cred_current_ops *ops = cred_current_cell_get(&cell);
	struct cred *now = ops ? ops->current() : NULL;
	return now ? now : cred_initial();
}
