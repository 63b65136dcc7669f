// SPDX-License-Identifier: MPL-2.0
// Device vectors: who listens, and how often each fired.
//
// A vector's list is changed and walked under its lock. Handlers run under it too: they are short, run
// with interrupts off, and a vector goes to one processor, so nobody else waits for it except a
// detach, which thereby waits until the handler is done.
#include "core/irq/irq.h"
#include "core/arch/x86_64/trap/frame.h"
#include "core/irq/dispatch.h"
#include <core/arch/cpu.h>
#include <core/debug.h>
#include <core/lock.h>

enum {
	DEVICE_VECTORS = VECTOR_DEVICE_END - VECTOR_DEVICE_FIRST,
};

DEFINE_BASE(irq_action)
DEFINE_LIST(action_list, irq_action, __link)

struct device_vector {
	struct spinlock lock;
	struct action_list actions;     // guarded by lock; each entry holds a reference
	u32 line;                       // guarded by table_lock
	u32 used;                       // guarded by table_lock
	u64 counts[ARCH_CPU_MAX];       // written by that CPU only
};

static struct device_vector vectors[DEVICE_VECTORS];
static struct spinlock table_lock = SPINLOCK_INIT(RANK_IRQ_LEAF);

static struct device_vector *vector_at(u32 vector)
{
	kernel_assert(vector >= VECTOR_DEVICE_FIRST && vector < VECTOR_DEVICE_END);
	return &vectors[vector - VECTOR_DEVICE_FIRST];
}

u32 vector_allocate(u32 line)
{
	irq_guard(&table_lock);
	for (u32 i = 0; i < DEVICE_VECTORS; i++) {
		if (vectors[i].used)
			continue;
		vectors[i].used = 1;
		vectors[i].line = line;
		spin_init(&vectors[i].lock, RANK_IRQ);
		for (u32 c = 0; c < ARCH_CPU_MAX; c++)
			vectors[i].counts[c] = 0;
		return VECTOR_DEVICE_FIRST + i;
	}
	return 0;
}

void vector_free(u32 vector)
{
	irq_guard(&table_lock);
	vector_at(vector)->used = 0;
}

void vector_attach(u32 vector, struct irq_action *action)
{
	struct device_vector *v = vector_at(vector);
	struct irq_action *held = irq_action_get(action);
	held->__vector = vector;
	irq_guard(&v->lock);
	action_list_append(&v->actions, held);
}

void vector_detach(u32 vector, struct irq_action *action)
{
	struct device_vector *v = vector_at(vector);
	{
		irq_guard(&v->lock);
		if (!action_list_has(&v->actions, action))
			return;
		action_list_remove(&v->actions, action);
	}
	irq_action_put(action);
}

bool vector_dispatch(u32 vector)
{
	struct device_vector *v = &vectors[vector - VECTOR_DEVICE_FIRST];
	bool handled = false;
	if (!v->used)
		return false;
	v->counts[arch_cpu_index()]++;
	spin_guard(&v->lock);
	for (struct irq_action *a = action_list_first(&v->actions); a; a = action_list_next(a))
		handled |= a->handle(a);
	return handled;
}

bool irq_read_count(u32 index, u32 cpu, u64 *count, u32 *line)
{
	irq_guard(&table_lock);
	for (u32 i = 0; i < DEVICE_VECTORS; i++) {
		if (!vectors[i].used || index-- != 0)
			continue;
		*count = cpu < ARCH_CPU_MAX ? vectors[i].counts[cpu] : 0;
		*line = vectors[i].line;
		return true;
	}
	return false;
}
