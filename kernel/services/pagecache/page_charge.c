// SPDX-License-Identifier: MPL-2.0
// Charges of data pages. The page holds a reference on its cgroup; both go when the page is freed.
#include <services/cgroup/cgroup.h>
#include <services/pagecache/page_charge.h>
#include <services/pagecache/page_mapping.h>

static enum cgroup_memory_kind page_charge_kind(const struct page *p borrowed)
{
	u32 flags = atomic_u32_load_relaxed(&p->flags);

	if (flags & PAGE_ANONYMOUS)
		return CGROUP_MEMORY_ANONYMOUS;
	return flags & PAGE_SHARED_MEMORY ? CGROUP_MEMORY_SHARED : CGROUP_MEMORY_FILE;
}

err_t page_charge(struct page *p, enum page_charge_mode mode)
{
	struct cgroup *payer object_auto(cgroup) = cgroup_current();
	err_t e = OK;

	if (mode == PAGE_CHARGE_AT_ONCE)
		cgroup_charge_memory_at_once(payer, 1, page_charge_kind(p));
	else
		e = cgroup_charge_memory(payer, 1, page_charge_kind(p));

	if (!e)
		p->cgroup = take(payer);
	return e;
}

// The last reference is gone: nobody else touches p.
static void page_uncharge(struct page *p)
{
	if (!p->cgroup)
		return;
	cgroup_uncharge_memory(p->cgroup, 1, page_charge_kind(p));
	cgroup_put(take(p->cgroup));
}

void page_charge_init(void)
{
	page_set_release_hook(page_uncharge);
}
