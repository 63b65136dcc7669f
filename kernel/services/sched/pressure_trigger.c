// SPDX-License-Identifier: MPL-2.0
// Triggers of pressure.
//
// A window that slides is approximated by the one that runs and a part of the growth in the one before it, as much as
// the sliding one still covers.
#include <core/time.h>
#include <services/sched/pressure_internal.h>

#define WINDOW_MIN_US 500000ul
#define WINDOW_MAX_US 10000000ul
#define PERIOD_US 2000000ul
enum { LOOKS_A_WINDOW = 10 };

static void pressure_trigger_release(struct pressure_trigger *t)
{
	{
		spin_guard(&pressure_lock);
		if (t->of && pressure_trigger_list_is_linked(t))
			pressure_trigger_list_remove(&t->of->pressure.triggers, t);
	}
	if (t->owner)
		object_put(take(t->owner));
}
DEFINE_OBJECT(pressure_trigger, pressure_trigger_release)

struct pressure_trigger *pressure_trigger_of(struct object *o)
{
	return pressure_trigger_from_object(o);
}

static bytes_t first_word(bytes_t text)
{
	return bytes_first(text, min(bytes_find(text, ' '), bytes_len(text)));
}

static bytes_t after_word(bytes_t text)
{
	return bytes_from(text, min(bytes_find(text, ' ') + 1, bytes_len(text)));
}

static err_t pressure_trigger_parse(bytes_t text, u32 *kind borrowed, u64 *threshold_us borrowed, u64 *window_us borrowed)
{
	if (bytes_equal(first_word(text), STR("some")))
		*kind = PRESSURE_SOME;
	else if (bytes_equal(first_word(text), STR("full")))
		*kind = PRESSURE_FULL;
	else
		return -EINVAL;
	text = after_word(text);
	if (!bytes_parse_u64(first_word(text), 10, threshold_us) || !bytes_parse_u64(after_word(text), 10, window_us))
		return -EINVAL;
	if (*window_us < WINDOW_MIN_US || *window_us > WINDOW_MAX_US || !*threshold_us || *threshold_us > *window_us)
		return -EINVAL;
	return OK;
}

err_t pressure_trigger_create(struct sched_group *g, struct object *owner, enum pressure_resource resource, bytes_t text,
	u32 flags, struct object **out borrowed)
{
	u64 threshold_us = 0, window_us = 0, now = clock_monotonic_ns();
	u32 kind = 0;
	err_t e = pressure_trigger_parse(text, &kind, &threshold_us, &window_us);

	if (!e && flags & PRESSURE_TRIGGER_UNPRIVILEGED && window_us % PERIOD_US)
		e = -EINVAL;
	if (e)
		return e;
	struct pressure_trigger *t object_auto(pressure_trigger) = pressure_trigger_alloc();

	if (!t)
		return -ENOMEM;
	wait_queue_init(&t->event);
	t->owner = owner ? object_get(owner) : NULL;
	t->of = g;
	t->value = (u32)resource * PRESSURE_KINDS + kind;
	t->threshold_ns = threshold_us * NS_PER_US;
	t->window_ns = window_us * NS_PER_US;
	t->start_ns = now;
	{
		spin_guard(&pressure_lock);
		pressure_collect(&g->pressure);
		t->start_total_ns = *array_ptr(g->pressure.total_ns, t->value);
		pressure_trigger_list_append(&g->pressure.triggers, t);
	}
	pressure_average_hurry();
	*out = &take(t)->object;
	return OK;
}

u64 pressure_trigger_look(struct pressure_trigger *t, u64 total_ns, u64 now)
{
	u64 passed = now - t->start_ns, grown = total_ns - t->start_total_ns, next = now + t->window_ns / LOOKS_A_WINDOW;

	if (passed > t->window_ns) {
		t->start_ns = now;
		t->start_total_ns = total_ns;
		t->before_ns = grown;
	} else {
		// In microseconds: the product of two windows of ten seconds stays in range.
		grown += t->before_ns / NS_PER_US * ((t->window_ns - passed) / NS_PER_US) / (t->window_ns / NS_PER_US) *
			NS_PER_US;
	}
	if (grown < t->threshold_ns || now < t->last_event_ns + t->window_ns)
		return next;
	t->last_event_ns = now;
	atomic_u32_store(&t->has_gone_off, 1);
	wait_queue_wake_all(&t->event, ~0u);
	return next;
}

bool pressure_trigger_take(struct pressure_trigger *t)
{
	return atomic_u32_exchange(&t->has_gone_off, 0);
}

struct wait_queue *pressure_trigger_event(struct pressure_trigger *t)
{
	return &t->event;
}
