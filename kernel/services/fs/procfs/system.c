// SPDX-License-Identifier: MPL-2.0
// Files of the root that describe the machine and the system as a whole (source: proc(5)).
#include <core/boot.h>
#include <core/cpu.h>
#include <core/memory.h>
#include <core/text.h>
#include <core/time.h>
#include <services/block/block_device.h>
#include <services/cgroup/cgroup_hierarchy.h>
#include <services/cred/user_namespace.h>
#include <services/device/device.h>
#include <services/device/log_reader.h>
#include <services/fs/procfs/procfs_internal.h>
#include <services/namespace/uts.h>
#include <services/pagecache/page_mapping.h>
#include <services/sched/load.h>

static err_t uptime_show(struct pseudo_inode *n, struct file *f, struct text *out borrowed)
{
	u64 up = clock_monotonic_ns() + proc_boot_offset_ns(), idle = 0;

	for (u32 i = 0; i < cpu_count(); i++)
		idle += cpu_read_times(i).idle_ns;
	text_printf(out, "%lu.%02lu %lu.%02lu\n", up / NS_PER_SECOND, up / 10000000 % 100, idle / NS_PER_SECOND,
		idle / 10000000 % 100);
	return OK;
}

static err_t version_show(struct pseudo_inode *n, struct file *f, struct text *out borrowed)
{
	text_put(out, STR(UTS_SYSTEM_NAME " version " UTS_RELEASE " (keelson) " UTS_VERSION "\n"));
	return OK;
}

static err_t cmdline_show(struct pseudo_inode *n, struct file *f, struct text *out borrowed)
{
	text_put(out, boot_command_line());
	text_char(out, '\n');
	return OK;
}

static no_inline void meminfo_line(struct text *out borrowed, bytes_t name, u64 pages)
{
	text_put(out, name);
	text_char(out, ':');
	for (usize i = bytes_len(name) + 1; i < 16; i++)
		text_char(out, ' ');
	text_printf(out, "%8lu kB\n", pages * (PAGE_SIZE / 1024));
}

static no_inline void meminfo_cache(struct text *out borrowed, const struct pagecache_totals *c borrowed)
{
	meminfo_line(out, STR("SwapCached"), 0);
	meminfo_line(out, STR("Active(file)"), c->active_file);
	meminfo_line(out, STR("Inactive(file)"), c->inactive_file);
	meminfo_line(out, STR("SwapTotal"), 0);
	meminfo_line(out, STR("SwapFree"), 0);
	meminfo_line(out, STR("Dirty"), c->dirty_pages);
	meminfo_line(out, STR("Writeback"), c->writeback_pages);
	meminfo_line(out, STR("Mapped"), c->mapped_pages);
	meminfo_line(out, STR("Shmem"), c->shmem_pages);
}

static err_t meminfo_show(struct pseudo_inode *n, struct file *f, struct text *out borrowed)
{
	struct memory_totals m = memory_read_totals();
	struct pagecache_totals c = pagecache_read_totals();
	u64 reclaimable =
		c.active_file + c.inactive_file > c.dirty_pages ? c.active_file + c.inactive_file - c.dirty_pages : 0;

	meminfo_line(out, STR("MemTotal"), m.total_pages);
	meminfo_line(out, STR("MemFree"), m.free_pages);
	meminfo_line(
		out, STR("MemAvailable"), min(m.free_pages + reclaimable + m.slab_reclaimable_pages, m.total_pages));
	meminfo_line(out, STR("Buffers"), 0);
	meminfo_line(out, STR("Cached"), c.file_pages);
	meminfo_cache(out, &c);
	meminfo_line(out, STR("Slab"), m.slab_pages);
	meminfo_line(out, STR("SReclaimable"), m.slab_reclaimable_pages);
	meminfo_line(out, STR("SUnreclaim"), m.slab_pages - min(m.slab_pages, m.slab_reclaimable_pages));
	meminfo_line(out, STR("KernelStack"), m.stack_pages);
	meminfo_line(out, STR("PageTables"), m.page_table_pages);
	return OK;
}

static void stat_cpu(struct text *out borrowed, const struct cpu_times *t borrowed)
{
	text_printf(out, " %lu 0 %lu %lu 0 %lu 0 0 0 0\n", t->user_ns / PROC_TICK_NS, t->system_ns / PROC_TICK_NS,
		t->idle_ns / PROC_TICK_NS, t->irq_ns / PROC_TICK_NS);
}

static struct cpu_times times_sum(void)
{
	struct cpu_times sum = { };

	for (u32 i = 0; i < cpu_count(); i++) {
		struct cpu_times t = cpu_read_times(i);

		sum.user_ns += t.user_ns;
		sum.system_ns += t.system_ns;
		sum.idle_ns += t.idle_ns;
		sum.irq_ns += t.irq_ns;
		sum.context_switches += t.context_switches;
	}
	return sum;
}

// Processes of the mount's pid namespace that run now.
static u32 running_count(struct pseudo_inode *n)
{
	u32 running = 0;

	for (u32 number = 1;; number++) {
		struct pid *pid object_auto(pid) = pid_next(proc_pids(n), &number);
		struct thread *t object_auto(thread) = pid ? pid_thread(pid) : NULL;

		if (!pid)
			return running;
		running += t && task_state_letter(&t->base) == 'R';
	}
}

static err_t stat_show(struct pseudo_inode *n, struct file *f, struct text *out borrowed)
{
	struct cpu_times sum = times_sum();
	u64 boot_ns = clock_realtime_ns() - clock_monotonic_ns() - proc_boot_offset_ns();

	text_put(out, STR("cpu "));
	stat_cpu(out, &sum);
	for (u32 i = 0; i < cpu_count(); i++) {
		struct cpu_times t = cpu_read_times(i);

		text_printf(out, "cpu%u", i);
		stat_cpu(out, &t);
	}
	text_printf(out, "ctxt %lu\nbtime %lu\nprocesses %u\nprocs_running %u\nprocs_blocked 0\n", sum.context_switches,
		boot_ns / NS_PER_SECOND, pid_namespace_last(proc_pids(n)), running_count(n));
	return OK;
}

static err_t loadavg_show(struct pseudo_inode *n, struct file *f, struct text *out borrowed)
{
	struct load_average l = load_read();

	for (u32 i = 0; i < array_len(l.value); i++) {
		u64 hundredths = (l.value[i] * 100 + LOAD_ONE / 2) / LOAD_ONE;

		text_printf(out, "%lu.%02lu ", hundredths / 100, hundredths % 100);
	}
	text_printf(out, "%u/%u %u\n", load_runnable(), pid_namespace_count(proc_pids(n)),
		pid_namespace_last(proc_pids(n)));
	return OK;
}

static void put_text_field(struct text *out borrowed, bytes_t label, bytes_t value)
{
	text_put(out, label);
	text_put(out, bytes_first(value, bytes_string_len(value)));
	text_char(out, '\n');
}

// cpu_identity is larger than a frame may be.
struct identity_box {
	struct object object;
	struct cpu_identity identity;
};
static void identity_box_release(struct identity_box *b) { }
DECLARE_OBJECT(identity_box)
DEFINE_OBJECT(identity_box, identity_box_release)

static void cpu_put(u32 cpu, struct cpu_identity *id, struct text *out borrowed)
{
	text_printf(out, "processor\t: %u\n", cpu);
	put_text_field(out, STR("vendor_id\t: "), array_bytes(id->vendor));
	text_printf(out, "cpu family\t: %u\nmodel\t\t: %u\n", id->family, id->model);
	put_text_field(out, STR("model name\t: "), array_bytes(id->model_name));
	text_printf(out,
		"stepping\t: %u\ncpu MHz\t\t: %lu.%03lu\ncache size\t: %u KB\nphysical id\t: 0\nsiblings\t: %u\n"
		"core id\t\t: %u\n",
		id->stepping, id->tsc_khz / 1000, id->tsc_khz % 1000, id->cache_kib, cpu_count(), cpu);
	text_printf(out, "cpu cores\t: %u\napicid\t\t: %u\nfpu\t\t: yes\nfpu_exception\t: yes\nwp\t\t: yes\n",
		cpu_count(), id->apic_id);
	put_text_field(out, STR("flags\t\t: "), array_bytes(id->flags));
	text_printf(out, "address sizes\t: %u bits physical, %u bits virtual\n\n", id->physical_bits, id->virtual_bits);
}

static err_t cpuinfo_show(struct pseudo_inode *n, struct file *f, struct text *out borrowed)
{
	struct identity_box *b object_auto(identity_box) = identity_box_alloc();

	if (!b)
		return -ENOMEM;
	for (u32 i = 0; i < cpu_count(); i++) {
		cpu_read_identity(i, &b->identity);
		cpu_put(i, &b->identity, out);
	}
	return OK;
}

static err_t filesystems_show(struct pseudo_inode *n, struct file *f, struct text *out borrowed)
{
	for (u32 i = 0; file_system_at(i); i++) {
		const struct file_system_type *t = file_system_at(i);

		text_put(out, t->flags & FILE_SYSTEM_NEEDS_DEVICE ? STR("\t") : STR("nodev\t"));
		put_text_field(out, bytes_empty(), array_bytes(t->name));
	}
	return OK;
}

static err_t partitions_show(struct pseudo_inode *n, struct file *f, struct text *out borrowed)
{
	text_put(out, STR("major minor  #blocks  name\n\n"));
	for (u32 i = 0;; i++) {
		struct block_device *d object_auto(block_device) = block_device_at(i);

		if (!d)
			return OK;
		text_printf(
			out, "%4u  %7u %10lu ", device_major(d->number), device_minor(d->number), d->sector_count / 2);
		text_put(out, bytes_first(array_bytes(d->name), d->name_length));
		text_char(out, '\n');
	}
}

static err_t swaps_show(struct pseudo_inode *n, struct file *f, struct text *out borrowed)
{
	text_put(out, STR("Filename\t\t\t\tType\t\tSize\t\tUsed\t\tPriority\n"));
	return OK;
}

static void majors_put(enum device_kind kind, struct text *out borrowed)
{
	for (u32 major = 0; major < 512; major++) {
		u8 name[16] = { };
		usize length = 0;

		if (!device_major_name(kind, major, array_span(name), &length))
			continue;
		text_printf(out, "%3u ", major);
		text_put(out, bytes_first(array_bytes(name), length));
		text_char(out, '\n');
	}
}

static err_t devices_show(struct pseudo_inode *n, struct file *f, struct text *out borrowed)
{
	text_put(out, STR("Character devices:\n"));
	majors_put(DEVICE_CHAR, out);
	text_put(out, STR("\nBlock devices:\n"));
	majors_put(DEVICE_BLOCK, out);
	return OK;
}

static err_t slabinfo_show(struct pseudo_inode *n, struct file *f, struct text *out borrowed)
{
	struct slab_info s = { };

	text_put(out,
		STR("slabinfo - version: 2.1\n"
		"# name            <active_objs> <num_objs> <objsize> <objperslab> <pagesperslab>\n"));
	for (u32 i = 0; memory_slab_info(i, &s); i++) {
		usize length = bytes_string_len(array_bytes(s.name));

		text_put(out, bytes_first(array_bytes(s.name), length));
		for (; length < 18; length++)
			text_char(out, ' ');
		text_printf(out, "%6lu %6lu %6lu %4lu %4u\n", s.objects_used, s.objects_total, s.object_size,
			    s.object_size ? PAGE_SIZE / s.object_size : 0, 1u);
	}
	return OK;
}

// kmsg: what is read is gone for the next reader. It cannot be waited for with poll(2): nothing wakes a poller.
static err_t kmsg_open(struct pseudo_inode *n, struct file *f)
{
	struct user_namespace *machine = user_namespace_initial();

	return cred_has_capability(thread_cred(), machine, CAP_SYSLOG) ||
		cred_has_capability(thread_cred(), machine, CAP_SYS_ADMIN) ? OK : (err_t)-EPERM;
}

static ssize_r kmsg_read(struct file *f, struct iobuf *to borrowed, u64 *position borrowed)
{
	return log_reader_read(to, file_is_nonblocking(f) ? LOG_READER_RETURNS : LOG_READER_WAITS);
}

static const struct file_ops kmsg_ops = { .read = kmsg_read };
static const struct pseudo_kind kmsg_kind = { .open = kmsg_open, .ops = &kmsg_ops };

// The controllers that there are, by the names that Linux gives them here. All are in the one hierarchy of version 2,
// whose number is 0.
static void put_controller(struct text *out borrowed, bytes_t name, u32 groups)
{
	text_put(out, name);
	text_printf(out, "\t0\t%u\t1\n", groups);
}

static err_t cgroups_show(struct pseudo_inode *n, struct file *f, struct text *out borrowed)
{
	mutex_lock(&cgroup_tree_lock);
	u32 groups = 1 + cgroup_root()->descendant_count + atomic_u32_load(&cgroup_root()->dying_count);

	mutex_unlock(&cgroup_tree_lock);
	text_put(out, STR("#subsys_name\thierarchy\tnum_cgroups\tenabled\n"));
	put_controller(out, STR("cpuset"), groups);
	put_controller(out, STR("cpu"), groups);
	put_controller(out, STR("blkio"), groups);
	put_controller(out, STR("memory"), groups);
	put_controller(out, STR("hugetlb"), groups);
	put_controller(out, STR("pids"), groups);
	return OK;
}

PROC_TEXT(uptime, uptime_show);
PROC_TEXT(version, version_show);
PROC_TEXT(cmdline, cmdline_show);
PROC_TEXT(meminfo, meminfo_show);
PROC_TEXT(stat, stat_show);
PROC_TEXT(loadavg, loadavg_show);
PROC_TEXT(cpuinfo, cpuinfo_show);
PROC_TEXT(filesystems, filesystems_show);
PROC_TEXT(partitions, partitions_show);
PROC_TEXT(swaps, swaps_show);
PROC_TEXT(devices, devices_show);
PROC_TEXT(slabinfo, slabinfo_show);
PROC_TEXT(cgroups, cgroups_show);

static const struct pseudo_entry entries[] = {
	PROC_FILE("uptime", 0444, uptime_kind),
	PROC_FILE("version", 0444, version_kind),
	PROC_FILE("cmdline", 0444, cmdline_kind),
	PROC_FILE("meminfo", 0444, meminfo_kind),
	PROC_FILE("stat", 0444, stat_kind),
	PROC_FILE("cpuinfo", 0444, cpuinfo_kind),
	PROC_FILE("loadavg", 0444, loadavg_kind),
	PROC_FILE("filesystems", 0444, filesystems_kind),
	PROC_FILE("partitions", 0444, partitions_kind),
	PROC_FILE("swaps", 0444, swaps_kind),
	PROC_FILE("devices", 0444, devices_kind),
	PROC_FILE("slabinfo", 0400, slabinfo_kind),
	PROC_FILE("cgroups", 0444, cgroups_kind),
	PROC_FILE("kmsg", 0400, kmsg_kind),
};

const struct pseudo_entry *proc_system_entry(u32 index)
{
	return index < array_len(entries) ? array_ptr(entries, index) : NULL;
}
