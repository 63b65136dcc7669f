// SPDX-License-Identifier: MPL-2.0
// One interrupt, whatever its source.
#include "core/arch/x86_64/apic/local.h"
#include "core/arch/x86_64/smp/flush.h"
#include "core/arch/x86_64/smp/ipi.h"
#include "core/arch/x86_64/time/time.h"
#include "core/arch/x86_64/trap/frame.h"
#include "core/irq/dispatch.h"
#include "core/irq/irq.h"
#include <core/arch/cpu.h>
#include <core/arch/interrupts.h>
#include <core/print.h>

static u32 unhandled;                   // atomic: how many interrupts nobody took

static void device_handle(u32 vector)
{
	if (vector_dispatch(vector))
		return;
	// Shared lines fire for nobody now and then; a screaming one shows here.
	u32 n = __atomic_add_fetch(&unhandled, 1, __ATOMIC_RELAXED);
	if ((n & (n - 1)) == 0 && n >= 1024)
		log_warning("irq: %u interrupts that no handler took, last vector %u", n, vector);
}

bool arch_interrupted_user(void)
{
	return cpu_word(u32, CPU_LOCAL_INTERRUPT_DEPTH) != 0 && cpu_word(u32, CPU_LOCAL_INTERRUPTED_USER) != 0;
}

void interrupt_handle(u32 vector, enum interrupt_origin origin)
{
	cpu_word(u32, CPU_LOCAL_INTERRUPT_DEPTH)++;
	cpu_word(u32, CPU_LOCAL_INTERRUPTED_USER) = origin == INTERRUPT_FROM_USER;
	switch (vector) {
	case VECTOR_TIMER:
		time_interrupt();
		break;
	case VECTOR_RESCHEDULE:
		core_reschedule_interrupt();
		break;                  // the flag is set; the way out looks at it
	case VECTOR_CALL:
		ipi_call_handle();
		break;
	case VECTOR_FLUSH:
		flush_handle();
		break;
	case VECTOR_SPURIOUS:
		goto out;               // not to be acknowledged
	default:
		if (vector >= VECTOR_DEVICE_FIRST && vector < VECTOR_DEVICE_END)
			device_handle(vector);
		break;
	}
	apic_end_of_interrupt();
out:
	cpu_word(u32, CPU_LOCAL_INTERRUPT_DEPTH)--;
}

void interrupt_nmi(void)
{
	if (ipi_stop_requested())
		arch_cpu_halt();
	// Otherwise a platform's complaint (memory parity, watchdog): nothing to repair.
	log_error("irq: non-maskable interrupt on processor %u", arch_cpu_index());
}
