// SPDX-License-Identifier: MPL-2.0
// Whose request is next: fair queueing by start time, level by level. All with the disk's queue locked.
//
// A group has a virtual time for what is directly in it: its jobs, and the groups below it with something to do. Each
// of these may begin next at `start`; the least start is served, becomes the group's virtual time, and moves on by the
// cost divided by the weight. Who comes after a pause begins at the group's time: what was not used is not saved up.
// Nobody is starved, because every start is passed some day.
//
// A reader that waits for each of its requests has nothing waiting in the moment when one is over, and would lose its
// turn each time to those behind it. So a group whose requests have all begun is expected back: who would start later
// than it is held. Once its last request is over, it is expected for half the time that the disk takes for a request,
// and only if it usually is back by then: the disk does not wait for those who do not keep it busy.
#include <core/time.h>
#include <services/cgroup/io/cgroup_io_internal.h>

#define PAUSE_MAX_NS (100 * NS_PER_MS)	// a longer one counts as this

static bool turn_has_waiting(const struct cgroup_io_device *d borrowed)
{
	return !cgroup_io_job_list_is_empty(&d->jobs) || !cgroup_io_places_is_empty(&d->ready);
}

static u64 turn_price(u32 cost, u32 weight)
{
	return (u64)cost * CGROUP_IO_WEIGHT_MAX / weight;
}

static void turn_expect(struct cgroup_io_device *d)
{
	d->is_expected = 1;
	cgroup_io_places_insert(&d->parent->expected, d, d->finish);
}

static void turn_expect_no_more(struct cgroup_io_device *d)
{
	if (!d->is_expected)
		return;
	d->is_expected = 0;
	cgroup_io_places_remove(&d->parent->expected, d);
}

void cgroup_io_turn_forget(struct cgroup_io_device *d)
{
	turn_expect_no_more(d);
}

// It comes back after a pause in which nothing of it was here.
static void turn_note_pause(struct cgroup_io_device *d, u64 now)
{
	if (!d->begun && !turn_has_waiting(d))
		d->pause_ns = cgroup_io_average(d->pause_ns, min(now - min(now, d->idle_ns), PAUSE_MAX_NS));
}

void cgroup_io_turn_wait(struct cgroup_io_device *d, struct cgroup_io_job *j, u64 now)
{
	for (struct cgroup_io_device *a = d; a->parent; a = a->parent)
		turn_note_pause(a, now);
	if (cgroup_io_job_list_is_empty(&d->jobs))
		d->jobs_start = max(d->virtual_now, d->jobs_finish);
	cgroup_io_job_list_append(&d->jobs, cgroup_io_job_get(j));
	for (; d->parent && !d->is_ready; d = d->parent) {
		// Who was expected keeps its place, even if others were served meanwhile.
		d->start = d->is_expected ? d->finish : max(d->parent->virtual_now, d->finish);
		turn_expect_no_more(d);
		d->is_ready = 1;
		cgroup_io_places_insert(&d->parent->ready, d, d->start);
	}
}

void cgroup_io_turn_begin(struct cgroup_io_device *d)
{
	for (; d; d = d->parent)
		d->begun++;
}

void cgroup_io_turn_end(struct cgroup_io_device *d, u64 now, u64 expected_until_ns)
{
	for (; d; d = d->parent) {
		if (--d->begun)
			continue;
		d->idle_ns = now;
		d->expected_until_ns = expected_until_ns;
		if (now + d->pause_ns > expected_until_ns)
			turn_expect_no_more(d);
	}
}

// Is somebody expected to come before `start`? Until when.
static bool turn_is_held(struct cgroup_io_device *d, u64 start, u64 now, u64 *until_ns borrowed)
{
	for (;;) {
		struct cgroup_io_device *e = cgroup_io_places_first(&d->expected);

		if (!e || e->finish >= start)
			return false;
		if (e->begun)
			return true; // what ends it asks again
		if (e->expected_until_ns > now) {
			*until_ns = e->expected_until_ns;
			return true;
		}
		turn_expect_no_more(e);
	}
}

// The place whose job is next, at or below d; NULL: none may begin.
static struct cgroup_io_device *turn_find(struct cgroup_io_device *d, u64 now, u64 *ask_again_ns borrowed)
{
	for (;;) {
		struct cgroup_io_device *child = cgroup_io_places_first(&d->ready);
		const bool has_jobs = !cgroup_io_job_list_is_empty(&d->jobs);
		const bool is_own = has_jobs && (!child || d->jobs_start <= child->start);

		if (!child && !has_jobs)
			return NULL;
		if (turn_is_held(d, is_own ? d->jobs_start : child->start, now, ask_again_ns))
			return NULL;
		if (is_own)
			return d;
		d = child;
	}
}

// d was served at this cost: its turn, and that of each group above, moves on.
static void turn_pay(struct cgroup_io_device *d, u32 cost)
{
	for (; d->parent; d = d->parent) {
		struct cgroup_io_device *above = d->parent;

		cgroup_io_places_remove(&above->ready, d);
		d->is_ready = 0;
		above->virtual_now = max(above->virtual_now, d->start);
		d->finish = d->start + turn_price(cost, atomic_u32_load_relaxed(&d->weight));
		d->start = d->finish;
		if (turn_has_waiting(d)) {
			d->is_ready = 1;
			cgroup_io_places_insert(&above->ready, d, d->start);
		} else {
			turn_expect(d);
		}
	}
}

struct cgroup_io_job *cgroup_io_turn_take(struct cgroup_io_device *root, u64 now, u64 *ask_again_ns borrowed)
{
	struct cgroup_io_device *d = turn_find(root, now, ask_again_ns);
	struct cgroup_io_job *j object_auto(cgroup_io_job) = d ? cgroup_io_job_list_pop(&d->jobs) : NULL;

	if (!j)
		return NULL;
	d->virtual_now = max(d->virtual_now, d->jobs_start);
	d->jobs_finish = d->jobs_start + turn_price(j->cost, CGROUP_IO_WEIGHT_NORMAL);
	d->jobs_start = d->jobs_finish;
	turn_pay(d, j->cost);
	return take(j);
}
