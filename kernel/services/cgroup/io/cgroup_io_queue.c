// SPDX-License-Identifier: MPL-2.0
// io.weight: groups that keep a disk busy get parts of it by their weights.
//
// While one group alone uses a disk, its requests go straight through. When a second comes, a contest begins, which
// lasts until one has been alone again for CONTEST_NS: now the disk is given only as much at a time as keeps it busy
// (BUSY_MAX), and the rest waits here, where who is next can still be chosen (io/cgroup_io_turn.c: fair queueing).
//
// What the root group does waits for nobody. What a group does that has no io controller takes the turn of the next
// group above that has one.
// source: the kernel's Documentation/admin-guide/cgroup-v2.rst, "IO"
#include <core/time.h>
#include <services/cgroup/io/cgroup_io_internal.h>

#define CONTEST_NS (200 * NS_PER_MS)
#define REQUEST_COST 16384u		// what a request costs beside its bytes
#define BUSY_MAX (4u * (131072u + REQUEST_COST))
enum { AVERAGE_SHIFT = 3 };		// an average moves an eighth of the way to what is measured

DEFINE_BASE(cgroup_io_job)

void cgroup_io_job_fini(struct cgroup_io_job *j borrowed)
{
	if (j->place)
		cgroup_io_device_put(take(j->place));
}

void cgroup_io_queue_init(struct cgroup_io_queue *q borrowed)
{
	spin_init(&q->lock, RANK_EVENT_SOURCE);
}

void cgroup_io_queue_fini(struct cgroup_io_queue *q borrowed)
{
	struct cgroup_io_device *root object_auto(cgroup_io_device) = NULL;

	irq_guard(&q->lock);
	root = take(q->root);
}

void cgroup_io_queue_forget(struct cgroup_io_queue *q, struct cgroup_io_device *d)
{
	irq_guard(&q->lock);
	cgroup_io_turn_forget(d);
}

u64 cgroup_io_average(u64 average, u64 measured)
{
	return average - (average >> AVERAGE_SHIFT) + (measured >> AVERAGE_SHIFT);
}

// Who takes g's turns: the root for all that no controller divides.
static struct cgroup *cgroup_io_taker(struct cgroup *g)
{
	while (g->parent && !atomic_u32_load_relaxed(&g->io_enabled))
		g = g->parent;
	return g;
}

// Does more than one group use the disk?
static bool queue_is_contested(struct cgroup_io_queue *q, u64 group, u64 now) REQUIRES(q->lock)
{
	if (q->last_group != group) {
		if (q->last_group)
			q->contest_end_ns = now + CONTEST_NS;
		q->last_group = group;
	}
	return q->waiting || now < q->contest_end_ns;
}

static void queue_begin(struct cgroup_io_queue *q, struct cgroup_io_job *j, u64 now) REQUIRES(q->lock)
{
	q->busy += j->cost;
	j->begin_ns = now;
	cgroup_io_turn_begin(j->place);
}

static void queue_note_root(struct cgroup_io_queue *q, struct cgroup_io_device *d) REQUIRES(q->lock)
{
	if (q->root)
		return;
	while (d->parent)
		d = d->parent;
	q->root = cgroup_io_device_get(d);
}

bool cgroup_io_queue_enter(struct cgroup_io_queue *q, struct cgroup *g, u64 device, struct cgroup_io_job *j, u32 bytes)
{
	struct cgroup *taker = cgroup_io_taker(g);

	if (cgroup_is_root(taker))
		return true;
	j->place = cgroup_io_obtain(taker, device);
	if (!j->place)
		return true; // no memory: it waits for nobody
	j->cost = bytes + REQUEST_COST;
	u64 now = clock_monotonic_ns();

	irq_guard(&q->lock);
	// The groups above take turns, too: each must know where to be forgotten at its end.
	for (struct cgroup_io_device *a = j->place; a && a->queue != q; a = a->parent)
		a->queue = q;
	queue_note_root(q, j->place);
	if (!queue_is_contested(q, taker->id, now)) {
		queue_begin(q, j, now);
		return true;
	}
	cgroup_io_turn_wait(j->place, j, now);
	q->waiting++;
	return false;
}

bool cgroup_io_queue_leave(struct cgroup_io_queue *q, const struct cgroup_io_job *j borrowed)
{
	if (!j->place)
		return false;
	u64 now = clock_monotonic_ns();

	irq_guard(&q->lock);
	q->busy -= j->cost;
	q->service_ns = cgroup_io_average(q->service_ns, now - min(now, j->begin_ns));
	cgroup_io_turn_end(j->place, now, now + q->service_ns / 2);
	return q->waiting && q->busy < BUSY_MAX;
}

struct cgroup_io_job *cgroup_io_queue_next(struct cgroup_io_queue *q, u64 *ask_again_ns borrowed)
{
	u64 now = clock_monotonic_ns();

	*ask_again_ns = 0;
	irq_guard(&q->lock);
	if (!q->waiting || q->busy >= BUSY_MAX)
		return NULL;
	struct cgroup_io_job *j object_auto(cgroup_io_job) = cgroup_io_turn_take(q->root, now, ask_again_ns);

	if (!j)
		return NULL;
	q->waiting--;
	queue_begin(q, j, now);
	return take(j);
}
