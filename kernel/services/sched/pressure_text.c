// SPDX-License-Identifier: MPL-2.0
// Pressure as its files show it. source: the kernel's Documentation/accounting/psi.rst
#include <core/time.h>
#include <services/sched/group.h>

static void put_average(struct text *out borrowed, bytes_t name, u64 average)
{
	text_put(out, name);
	text_printf(out, "%lu.%02lu", average / PRESSURE_ONE, average % PRESSURE_ONE * 100 / PRESSURE_ONE);
}

static void put_line(struct text *out borrowed, bytes_t name, struct pressure_report r)
{
	text_put(out, name);
	put_average(out, STR(" avg10="), r.average[0]);
	put_average(out, STR(" avg60="), r.average[1]);
	put_average(out, STR(" avg300="), r.average[2]);
	text_printf(out, " total=%lu\n", r.total_ns / NS_PER_US);
}

void pressure_show(struct sched_group *g, enum pressure_resource resource, struct text *out borrowed)
{
	struct pressure_report full = {};

	put_line(out, STR("some"), pressure_read(g, resource, PRESSURE_SOME));
	// The machine as a whole is never without a task on a processor while it has something to run.
	if (g->parent || resource != PRESSURE_CPU)
		full = pressure_read(g, resource, PRESSURE_FULL);
	put_line(out, STR("full"), full);
}
