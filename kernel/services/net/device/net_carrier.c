// SPDX-License-Identifier: MPL-2.0
// Carriers change in interrupts and under locks; the news is spread by a worker, which walks the devices whose
// carrier is
// not yet what was told.
#include <core/once.h>
#include <services/net/device/net_device_internal.h>

static struct spinlock changed_lock = SPINLOCK_INIT(RANK_EVENT_SOURCE);
static struct carrier_changes changed GUARDED_BY(changed_lock);		// with references
DEFINE_ONCE(carrier_work_cell, struct work);
static struct carrier_work_cell carrier_work;

static bool enlist(struct net_device *d)
{
	irq_guard(&changed_lock);
	if (carrier_changes_is_linked(d))
		return false;
	carrier_changes_append(&changed, net_device_get(d));
	return true;
}

void net_device_set_carrier(struct net_device *d, u32 has_carrier)
{
	if (atomic_u32_exchange(&d->has_carrier, has_carrier ? 1 : 0) == (has_carrier ? 1u : 0u))
		return;
	atomic_u32_add(&d->carrier_changes, 1);
	if (enlist(d))
		work_schedule(carrier_work_cell_get(&carrier_work));
}

static struct net_device *changed_take(void) owned;
static struct net_device *changed_take(void)
{
	irq_guard(&changed_lock);
	return carrier_changes_pop(&changed);
}

static void spread(struct work *w)
{
	for (;;) {
		struct net_device *d object_auto(net_device) = changed_take();
		if (!d)
			return;
		mutex_guard(&net_change_lock);
		net_event_link(d, NET_EVENT_LINK, NET_RUNNING | NET_LOWER_UP);
		net_master_tell(d);
	}
}

struct carrier_work {
	struct work base;
};
static void carrier_work_release(struct carrier_work *w) { }
DEFINE_DERIVED(carrier_work, work, carrier_work_release)

err_t net_carrier_init(void)
{
	struct carrier_work *w object_auto(carrier_work) = carrier_work_alloc();

	if (!w)
		return -ENOMEM;
	w->base.run = spread;
	carrier_work_cell_set(&carrier_work, &take(w)->base);
	return OK;
}
