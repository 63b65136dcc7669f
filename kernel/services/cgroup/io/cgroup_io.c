// SPDX-License-Identifier: MPL-2.0
// io.max, io.stat, and what is written to io.weight.
//
// For each disk that a group uses it has a record: what it moved (of its own; sums walk the groups below) and for
// each limit the time at which the next request may begin. A request moves that time on by what it costs at the
// limit's rate; a group that was idle for a while may begin CREDIT_NS early. Nobody keeps a queue: the task that
// submits
// sleeps (services/block). The write-back thread does not sleep for a group, it makes a debt that the writers of
// that group wait for.
#include <core/task.h>
#include <core/time.h>
#include <services/cgroup/io/cgroup_io_internal.h>

#define CREDIT_NS (150 * NS_PER_MS)
#define DEBT_NS (100 * NS_PER_MS)	// what a writer may be ahead of its limit before it waits
#define RATE_MAX (1ul << 50)

static exclusive_access void cgroup_io_device_release(struct cgroup_io_device *d)
{
	if (d->queue)
		cgroup_io_queue_forget(d->queue, d);
	if (d->parent)
		cgroup_io_device_put(take(d->parent));
}
DEFINE_OBJECT(cgroup_io_device, cgroup_io_device_release)
DEFINE_LIST_OPS(cgroup_io_list, cgroup_io_device, link)

static struct cgroup_io_device *cgroup_io_find(struct cgroup *g, u64 number) owned;
static struct cgroup_io_device *cgroup_io_find(struct cgroup *g, u64 number)
{
	spin_guard(&g->io_lock);
	list_for_each(cgroup_io_list, d, &g->io_devices)
		if (d->number == number)
			return cgroup_io_device_get(d);
	return NULL;
}

// The parent's record is there already, or g is the root.
static struct cgroup_io_device *cgroup_io_add(struct cgroup *g, u64 number) owned;
static struct cgroup_io_device *cgroup_io_add(struct cgroup *g, u64 number)
{
	struct cgroup_io_device *d object_auto(cgroup_io_device) = cgroup_io_device_alloc();

	if (!d)
		return NULL;
	d->number = number;
	d->parent = g->parent ? cgroup_io_find(g->parent, number) : NULL;
	for (u32 i = 0; i < array_len(d->rate); i++)
		atomic_u64_store(array_ptr(d->rate, i), CGROUP_MAX);
	struct cgroup_io_device *listed object_auto(cgroup_io_device) = cgroup_io_device_get(d);
	{
		spin_guard(&g->io_lock);
		list_for_each(cgroup_io_list, other, &g->io_devices)
			if (other->number == number)
				return cgroup_io_device_get(other);
		atomic_u32_store(&d->weight, atomic_u32_load(&g->io_weight));
		cgroup_io_list_append(&g->io_devices, take(listed));
	}
	return take(d);
}

// The highest of g and the groups above it that has no record of the disk; NULL: all have.
static struct cgroup *cgroup_io_highest_without(struct cgroup *g, u64 number)
{
	struct cgroup *without = NULL;

	for (struct cgroup *a = g; a; a = a->parent) {
		struct cgroup_io_device *d object_auto(cgroup_io_device) = cgroup_io_find(a, number);

		if (d)
			break;
		without = a;
	}
	return without;
}

struct cgroup_io_device *cgroup_io_obtain(struct cgroup *g, u64 number)
{
	for (;;) {
		struct cgroup *without = cgroup_io_highest_without(g, number);

		if (!without)
			return cgroup_io_find(g, number);
		struct cgroup_io_device *d object_auto(cgroup_io_device) = cgroup_io_add(without, number);

		if (!d)
			return NULL;
		if (without == g)
			return take(d);
	}
}

static u64 cgroup_io_pay(struct cgroup_io_device *d, u32 limit, u64 amount, u64 now)
{
	u64 rate = atomic_u64_load_relaxed(array_ptr(d->rate, limit));
	struct atomic_u64 *next = array_ptr(d->next_ns, limit);

	if (rate == CGROUP_MAX)
		return 0;
	for (;;) {
		u64 old = atomic_u64_load(next), begin = max(old, now - min(now, CREDIT_NS));

		if (atomic_u64_compare_exchange(next, old, begin + amount * NS_PER_SECOND / max(rate, 1ul)))
			return begin;
	}
}

u64 cgroup_io_charge(struct cgroup *g, u64 device, enum cgroup_io_direction direction, u64 bytes)
{
	struct cgroup_io_device *own object_auto(cgroup_io_device) = cgroup_io_obtain(g, device);
	u64 now = clock_monotonic_ns(), begin = 0;

	if (own) {
		atomic_u64_add(array_ptr(own->bytes, direction), bytes);
		atomic_u64_add(array_ptr(own->requests, direction), 1);
	}
	for (struct cgroup *a = g; a->parent; a = a->parent) {
		if (!atomic_u32_load_relaxed(&a->io_limited))
			continue;
		struct cgroup_io_device *d object_auto(cgroup_io_device) = cgroup_io_find(a, device);

		if (!d)
			continue;
		begin = max(begin, cgroup_io_pay(d, direction, bytes, now));
		begin = max(begin, cgroup_io_pay(d, CGROUP_IO_DIRECTIONS + (u32)direction, 1, now));
	}
	return begin;
}

// When the last write of g's own devices is paid for.
static u64 cgroup_io_paid_at(struct cgroup *g)
{
	u64 at = 0;

	spin_guard(&g->io_lock);
	list_for_each(cgroup_io_list, d, &g->io_devices) {
		at = max(at, atomic_u64_load_relaxed(array_ptr(d->next_ns, CGROUP_IO_WRITE)));
		at = max(at, atomic_u64_load_relaxed(array_ptr(d->next_ns, CGROUP_IO_DIRECTIONS + CGROUP_IO_WRITE)));
	}
	return at;
}

void cgroup_io_wait_debt(struct cgroup *g)
{
	u64 at = 0;

	for (struct cgroup *a = g; a->parent; a = a->parent)
		if (atomic_u32_load_relaxed(&a->io_limited))
			at = max(at, cgroup_io_paid_at(a));
	if (at <= clock_monotonic_ns() + DEBT_NS)
		return;
	task_begin_io_wait();
	(void)task_sleep_until(at - DEBT_NS, WAIT_KILLABLE); // a kill ends the wait, and then the writer
	task_end_io_wait();
}

// --- limits and counts, for the files ----------------------------------------------------------

u64 cgroup_io_device_at(struct cgroup *g, u32 index)
{
	spin_guard(&g->io_lock);
	list_for_each(cgroup_io_list, d, &g->io_devices)
		if (!index--)
			return d->number;
	return CGROUP_MAX;
}

void cgroup_io_read_limits(struct cgroup *g, u64 device, struct cgroup_io_limits *out borrowed)
{
	struct cgroup_io_device *d object_auto(cgroup_io_device) = cgroup_io_find(g, device);

	for (u32 i = 0; i < CGROUP_IO_DIRECTIONS; i++) {
		*array_ptr(out->bytes, i) = d ? atomic_u64_load(array_ptr(d->rate, i)) : CGROUP_MAX;
		*array_ptr(out->requests, i) =
			d ? atomic_u64_load(array_ptr(d->rate, CGROUP_IO_DIRECTIONS + i)) : CGROUP_MAX;
	}
}

static void cgroup_io_set_rate(struct cgroup_io_device *d, u32 limit, u64 rate)
{
	if (atomic_u64_exchange(array_ptr(d->rate, limit), rate == CGROUP_MAX ? rate : min(rate, RATE_MAX)) != rate)
		atomic_u64_store(array_ptr(d->next_ns, limit), 0);
}

err_t cgroup_io_set_limits(struct cgroup *g, u64 device, const struct cgroup_io_limits *l borrowed)
{
	struct cgroup_io_device *d object_auto(cgroup_io_device) = cgroup_io_obtain(g, device);

	if (!d)
		return -ENOMEM;
	for (u32 i = 0; i < CGROUP_IO_DIRECTIONS; i++) {
		cgroup_io_set_rate(d, i, *array_ptr(l->bytes, i));
		cgroup_io_set_rate(d, CGROUP_IO_DIRECTIONS + i, *array_ptr(l->requests, i));
	}
	atomic_u32_store(&g->io_limited, 1); // it stays: the records say what there is to limit
	return OK;
}

// --- weights -------------------------------------------------------------------------------------

void cgroup_io_set_weight(struct cgroup *g, u32 weight)
{
	spin_guard(&g->io_lock);
	atomic_u32_store(&g->io_weight, weight);
	list_for_each(cgroup_io_list, d, &g->io_devices)
		if (!atomic_u32_load(&d->own_weight))
			atomic_u32_store(&d->weight, weight);
}

err_t cgroup_io_set_device_weight(struct cgroup *g, u64 device, u32 weight)
{
	struct cgroup_io_device *d object_auto(cgroup_io_device) = cgroup_io_obtain(g, device);

	if (!d)
		return -ENOMEM;
	spin_guard(&g->io_lock);
	atomic_u32_store(&d->own_weight, weight);
	atomic_u32_store(&d->weight, weight ? weight : atomic_u32_load(&g->io_weight));
	return OK;
}

u32 cgroup_io_device_weight(struct cgroup *g, u64 device)
{
	struct cgroup_io_device *d object_auto(cgroup_io_device) = cgroup_io_find(g, device);

	return d ? atomic_u32_load(&d->own_weight) : 0;
}

void cgroup_io_switch(struct cgroup *g, u32 is_enabled)
{
	atomic_u32_store(&g->io_enabled, is_enabled);
}

void cgroup_io_reset(struct cgroup *g)
{
	static const struct cgroup_io_limits none = {
		{ CGROUP_MAX, CGROUP_MAX }, { CGROUP_MAX, CGROUP_MAX }
	};

	for (u32 i = 0; cgroup_io_device_at(g, i) != CGROUP_MAX; i++) {
		const u64 device = cgroup_io_device_at(g, i);
		err_t e = cgroup_io_set_limits(g, device, &none), e2 = cgroup_io_set_device_weight(g, device, 0);

		(void)e; // the record is there: nothing is allocated
		(void)e2;
	}
	cgroup_io_set_weight(g, CGROUP_IO_WEIGHT_NORMAL);
	atomic_u32_store(&g->io_limited, 0);
}

static void cgroup_io_add_counts(struct cgroup *g, u64 device, struct cgroup_io_counts *out borrowed)
{
	struct cgroup_io_device *d object_auto(cgroup_io_device) = cgroup_io_find(g, device);

	for (u32 i = 0; d && i < CGROUP_IO_DIRECTIONS; i++) {
		*array_ptr(out->bytes, i) += atomic_u64_load(array_ptr(d->bytes, i));
		*array_ptr(out->requests, i) += atomic_u64_load(array_ptr(d->requests, i));
	}
}

void cgroup_io_read_counts(struct cgroup *g, u64 device, struct cgroup_io_counts *out borrowed)
{
	for (struct cgroup *c = cgroup_next_below(g, NULL); c; c = cgroup_next_below(g, c))
		cgroup_io_add_counts(c, device, out);
}

static void cgroup_io_add_to(struct cgroup *g, u64 device, const struct cgroup_io_counts *counts borrowed)
{
	struct cgroup_io_device *d object_auto(cgroup_io_device) = cgroup_io_obtain(g, device);

	for (u32 i = 0; d && i < CGROUP_IO_DIRECTIONS; i++) {
		atomic_u64_add(array_ptr(d->bytes, i), *array_ptr(counts->bytes, i));
		atomic_u64_add(array_ptr(d->requests, i), *array_ptr(counts->requests, i));
	}
}

// g goes: its parent keeps what it moved.
void cgroup_io_fini(struct cgroup *g)
{
	for (;;) {
		struct cgroup_io_device *d object_auto(cgroup_io_device) = NULL;
		struct cgroup_io_counts counts = {};
		{
			spin_guard(&g->io_lock);
			d = cgroup_io_list_pop(&g->io_devices); // the list's reference
		}
		if (!d)
			return;
		for (u32 i = 0; i < CGROUP_IO_DIRECTIONS; i++) {
			*array_ptr(counts.bytes, i) = atomic_u64_load(array_ptr(d->bytes, i));
			*array_ptr(counts.requests, i) = atomic_u64_load(array_ptr(d->requests, i));
		}
		if (g->parent)
			cgroup_io_add_to(g->parent, d->number, &counts);
	}
}
