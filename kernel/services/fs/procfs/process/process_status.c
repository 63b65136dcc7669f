// SPDX-License-Identifier: MPL-2.0
// /proc/PID/stat, status, statm, comm, limits and other numbers of one process (source: proc(5)).
#include <core/text.h>
#include <services/cred/user_namespace.h>
#include <services/fs/procfs/procfs_internal.h>
#include <services/process/process_signal.h>
#include <services/security/seccomp/seccomp.h>
#include <services/tty/tty.h>
#include <services/vfs/fs_context.h>
#include <services/vm/vm_space.h>

// Everything about signals that stat and status print.
struct signal_state {
	u64 pending, shared, blocked, ignored, caught;
};

static struct signal_state signal_state_of(struct process *p, struct thread *t)
{
	struct signal_state s = { };

	if (t) {
		s.pending = signal_pending_set(t).bits;
		s.blocked = t->blocked.bits;
	}
	s.shared = signal_shared_pending_set(p).bits;
	for (u32 n = 1; n <= SIGNAL_MAX; n++) {
		struct signal_action a = signal_action_get(p->actions, n);

		if (a.handler == SIGNAL_HANDLER_IGNORE)
			s.ignored |= signal_bit(n);
		else if (a.handler != SIGNAL_HANDLER_DEFAULT)
			s.caught |= signal_bit(n);
	}
	return s;
}

struct memory_state {
	struct vm_statistics statistics;
	struct vm_layout layout;
};

static void memory_state_of(struct thread *t, struct memory_state *out borrowed)
{
	struct vm_space *space object_auto(vm_space) = t ? thread_space_of(t) : NULL;

	if (!space)
		return;
	out->statistics = vm_space_statistics(space);
	out->layout = vm_space_layout(space);
}

static usize name_of(struct thread *t, span_t out)
{
	return t ? task_name(&t->base, out) : 0;
}

static u8 state_letter(struct pseudo_inode *n, struct process *p, struct thread *t)
{
	return proc_subject_of(n)->is_thread && t ? task_state_letter(&t->base) : process_state_letter(p);
}

// Number of the controlling terminal (old encoding) and its foreground group.
static void terminal_of(struct process *p, struct pid_namespace *pids, u32 *device borrowed, s32 *group borrowed)
{
	struct session *s object_auto(session) = process_session(p);
	struct object *terminal object_ref_auto = s ? session_terminal(s) : NULL;

	*group = -1;
	if (!terminal)
		return;
	struct tty *t = tty_of_object(terminal);
	u32 minor = device_minor(t->device);
	*device = device_major(t->device) << 8 | (minor & 0xff) | (minor & ~0xffu) << 12;
	mutex_guard(&t->lock);
	if (t->foreground)
		*group = (s32)pid_number_in(t->foreground->pid, pids);
}

static struct process_times times_of(struct pseudo_inode *n, struct process *p, struct thread *t)
{
	struct process_times times = { };

	if (!proc_subject_of(n)->is_thread || !t)
		return process_times_read(p);
	struct task_times own = task_read_times(&t->base);
	times.user_ns = own.user_ns;
	times.system_ns = own.system_ns;
	times.switches_voluntary = own.switches_voluntary;
	times.switches_involuntary = own.switches_involuntary;
	return times;
}

static no_inline void stat_identity(
	struct pseudo_inode *n, struct process *p, struct thread *t, struct text *out borrowed)
{
	struct pid_namespace *pids = proc_pids(n);
	u8 name[TASK_NAME_MAX] = { };
	u32 device = 0;
	s32 group = -1;
	usize length = name_of(t, array_span(name));

	terminal_of(p, pids, &device, &group);
	text_printf(out, "%u (", pid_number_in(proc_subject_of(n)->pid, pids));
	text_put(out, bytes_first(array_bytes(name), length));
	text_printf(out, ") %c %u %u %u %u %d 4194304", state_letter(n, p, t), process_parent_number(p, pids),
		process_group_number(p, pids), process_session_number(p, pids), device, group);
}

static no_inline void stat_times(struct pseudo_inode *n, struct process *p, struct thread *t, struct text *out borrowed)
{
	struct process_times own = times_of(n, p, t), children = process_times_children(p);
	s32 nice = t ? t->base.sched.nice : 0;

	text_printf(out, " %lu %lu %lu %lu %lu %lu %lu %lu", own.minor_faults, children.minor_faults, own.major_faults,
		children.major_faults, own.user_ns / PROC_TICK_NS, own.system_ns / PROC_TICK_NS,
		children.user_ns / PROC_TICK_NS, children.system_ns / PROC_TICK_NS);
	text_printf(out, " %d %d %u 0 %lu", 20 + nice, nice, process_thread_count(p),
		((t ? t->start_time_ns : p->start_time_ns) + proc_boot_offset_ns()) / PROC_TICK_NS);
}

static no_inline void stat_memory(struct process *p, struct thread *t, struct text *out borrowed)
{
	struct memory_state m = { };
	struct signal_state s = signal_state_of(p, t);

	memory_state_of(t, &m);
	text_printf(out, " %lu %lu %lu %lu %lu %lu 0 0", m.statistics.total * PAGE_SIZE, m.statistics.resident,
		process_rlimit(p, RLIMIT_RSS), m.layout.start_code, m.layout.end_code, m.layout.start_stack);
	text_printf(out, " %lu %lu %lu %lu 0 0 0 %u %u %u %u 0 0 0", s.pending & 0x7fffffff, s.blocked & 0x7fffffff,
		s.ignored & 0x7fffffff, s.caught & 0x7fffffff, p->exit_signal, t ? task_cpu(&t->base) : 0,
		t ? t->base.sched.realtime_priority : 0, t ? t->base.sched.policy : 0);
	text_printf(out, " %lu %lu %lu %lu %lu %lu %lu %u\n", m.layout.start_data, m.layout.end_data,
		m.layout.start_brk, m.layout.arg_start, m.layout.arg_end, m.layout.env_start, m.layout.env_end,
		p->exit_status);
}

static err_t stat_show(struct pseudo_inode *n, struct file *f, struct text *out borrowed)
{
	struct process *p object_auto(process) = proc_process(n);
	struct thread *t object_auto(thread) = proc_thread(n);

	if (!p)
		return -ESRCH;
	stat_identity(n, p, t, out);
	stat_times(n, p, t, out);
	stat_memory(p, t, out);
	return OK;
}

static err_t statm_show(struct pseudo_inode *n, struct file *f, struct text *out borrowed)
{
	struct thread *t object_auto(thread) = proc_thread(n);
	struct memory_state m = { };

	memory_state_of(t, &m);
	text_printf(out, "%lu %lu %lu %lu 0 %lu 0\n", m.statistics.total, m.statistics.resident,
		m.statistics.resident_file + m.statistics.resident_shared, m.statistics.text,
		m.statistics.data + m.statistics.stack);
	return OK;
}

// --- status ---------------------------------------------------------------------------------------------
static void status_state(u8 letter, struct text *out borrowed)
{
	text_put(out, STR("State:\t"));
	text_char(out, letter);
	text_put(out,
		letter == 'R'		? STR(" (running)")
			: letter == 'S' ? STR(" (sleeping)")
			: letter == 'D' ? STR(" (disk sleep)")
			: letter == 'T' ? STR(" (stopped)")
			: letter == 'Z' ? STR(" (zombie)")
					: STR(" (dead)"));
	text_char(out, '\n');
}

static no_inline void status_numbers(struct pseudo_inode *n, struct process *p, struct text *out borrowed)
{
	struct pid_namespace *pids = proc_pids(n);
	u32 own = pid_number_in(proc_subject_of(n)->pid, pids);

	text_printf(out, "Tgid:\t%u\nNgid:\t0\nPid:\t%u\nPPid:\t%u\nTracerPid:\t0\n", pid_number_in(p->pid, pids), own,
		process_parent_number(p, pids));
}

static no_inline void status_ids(const struct cred *c borrowed, struct text *out borrowed)
{
	struct user_namespace *ns = proc_user_namespace();

	text_printf(out, "Uid:\t%u\t%u\t%u\t%u\n", user_namespace_uid_show(ns, c->uid),
		user_namespace_uid_show(ns, c->euid), user_namespace_uid_show(ns, c->suid),
		user_namespace_uid_show(ns, c->fsuid));
	text_printf(out, "Gid:\t%u\t%u\t%u\t%u\n", user_namespace_gid_show(ns, c->gid),
		user_namespace_gid_show(ns, c->egid), user_namespace_gid_show(ns, c->sgid),
		user_namespace_gid_show(ns, c->fsgid));
	text_put(out, STR("Groups:\t"));
	for (u32 i = 0; i < group_list_count(c->groups); i++)
		text_printf(out, "%u ", user_namespace_gid_show(ns, group_list_at(c->groups, i)));
	text_char(out, '\n');
}

static struct pid_namespace *namespace_at(const struct pid *pid borrowed, u32 level)
{
	struct pid_namespace *at = pid_namespace_of(pid);

	while (pid_namespace_level(at) > level)
		at = pid_namespace_parent(at);
	return at;
}

// NStgid, NSpid, ...: the numbers of `pid` from the mount's namespace inward to that of `self`; 0 where it has none.
static void status_nested(bytes_t label, const struct pid *self borrowed, const struct pid *pid borrowed,
	struct pid_namespace *pids, struct text *out borrowed)
{
	text_put(out, label);
	for (u32 level = pid_namespace_level(pids); level <= pid_level(self); level++)
		text_printf(out, "\t%u", pid_number_in(pid, namespace_at(self, level)));
	text_char(out, '\n');
}

static no_inline void status_nested_all(struct pseudo_inode *n, struct process *p, struct text *out borrowed)
{
	struct pid_namespace *pids = proc_pids(n);
	struct process_group *g object_auto(process_group) = process_group_of(p);
	struct session *s object_auto(session) = process_session(p);

	const struct pid *self = proc_subject_of(n)->pid;

	status_nested(STR("NStgid:"), self, p->pid, pids, out);
	status_nested(STR("NSpid:"), self, self, pids, out);
	if (g)
		status_nested(STR("NSpgid:"), self, g->pid, pids, out);
	if (s)
		status_nested(STR("NSsid:"), self, s->pid, pids, out);
}

#define KIB(pages) ((pages) * (PAGE_SIZE / 1024))

static no_inline void status_memory(struct thread *t, struct text *out borrowed)
{
	struct memory_state m = { };

	memory_state_of(t, &m);
	text_printf(out,
		"VmPeak:\t%8lu kB\nVmSize:\t%8lu kB\nVmLck:\t%8lu kB\nVmPin:\t       0 kB\nVmHWM:\t%8lu kB\n"
		"VmRSS:\t%8lu kB\n",
		KIB(m.statistics.peak_total), KIB(m.statistics.total), KIB(m.statistics.locked),
		KIB(m.statistics.peak_resident), KIB(m.statistics.resident));
	text_printf(out,
		"RssAnon:\t%8lu kB\nRssFile:\t%8lu kB\nRssShmem:\t%8lu kB\nVmData:\t%8lu kB\nVmStk:\t%8lu kB\n"
		"VmExe:\t%8lu kB\n",
		KIB(m.statistics.resident_anonymous), KIB(m.statistics.resident_file),
		KIB(m.statistics.resident_shared), KIB(m.statistics.data), KIB(m.statistics.stack),
		KIB(m.statistics.text));
	text_printf(out, "VmLib:\t       0 kB\nVmPTE:\t%8lu kB\nVmSwap:\t       0 kB\n", KIB(m.statistics.page_tables));
}

static no_inline void status_signals(struct process *p, struct thread *t, struct text *out borrowed)
{
	struct signal_state s = signal_state_of(p, t);

	text_printf(out,
		"Threads:\t%u\nSigPnd:\t%016lx\nShdPnd:\t%016lx\nSigBlk:\t%016lx\nSigIgn:\t%016lx\nSigCgt:\t%016lx\n",
		process_thread_count(p), s.pending, s.shared, s.blocked, s.ignored, s.caught);
}

static no_inline void status_privileges(struct thread *t, const struct cred *c borrowed, struct text *out borrowed)
{
	struct cpu_set set = task_affinity(&t->base);
	struct task_times times = task_read_times(&t->base);

	text_printf(out, "CapInh:\t%016lx\nCapPrm:\t%016lx\nCapEff:\t%016lx\nCapBnd:\t%016lx\nCapAmb:\t%016lx\n",
		c->inheritable, c->permitted, c->effective, c->bounding, c->ambient);
	text_printf(out, "NoNewPrivs:\t%u\nSeccomp:\t%u\nSeccomp_filters:\t%u\nCpus_allowed:\t%lx\n",
		c->no_new_privileges | atomic_u32_load(&t->no_new_privileges), t->seccomp_mode,
		seccomp_filter_count(t), set.bits[0]);
	text_printf(out, "voluntary_ctxt_switches:\t%lu\nnonvoluntary_ctxt_switches:\t%lu\n", times.switches_voluntary,
		times.switches_involuntary);
}

static err_t status_show(struct pseudo_inode *n, struct file *f, struct text *out borrowed)
{
	struct process *p object_auto(process) = proc_process(n);
	struct thread *t object_auto(thread) = proc_thread(n);
	struct cred *c object_auto(cred) = t ? thread_cred_of(t) : NULL;
	u8 name[TASK_NAME_MAX] = { };

	if (!p)
		return -ESRCH;
	text_put(out, STR("Name:\t"));
	text_put_escaped(out, bytes_first(array_bytes(name), name_of(t, array_span(name))), STR("\n"));
	text_char(out, '\n');
	struct fs_context *context object_auto(fs_context) = t ? thread_fs_of(t) : NULL;
	if (context)
		text_printf(out, "Umask:\t%04o\n", fs_context_mask(context));
	status_state(state_letter(n, p, t), out);
	status_numbers(n, p, out);
	if (c)
		status_ids(c, out);
	status_nested_all(n, p, out);
	if (t)
		status_memory(t, out);
	status_signals(p, t, out);
	if (t && c)
		status_privileges(t, c, out);
	return OK;
}

// --- the small ones -------------------------------------------------------------------------------------
static err_t comm_show(struct pseudo_inode *n, struct file *f, struct text *out borrowed)
{
	struct thread *t object_auto(thread) = proc_thread(n);
	u8 name[TASK_NAME_MAX] = { };

	if (!t)
		return -ESRCH;
	text_put(out, bytes_first(array_bytes(name), name_of(t, array_span(name))));
	text_char(out, '\n');
	return OK;
}

static ssize_r comm_store(struct pseudo_inode *n, struct file *f, bytes_t data)
{
	struct thread *t object_auto(thread) = proc_thread(n);
	usize length = bytes_find(data, '\n');

	if (!t)
		return -ESRCH;
	if (t->process != process_current())
		return -EINVAL;
	task_set_name(&t->base, bytes_first(data, min(length, (usize)TASK_NAME_MAX - 1)));
	return (ssize_r)bytes_len(data);
}

struct limit_name {
	u8 name[28];
	u8 unit[12];
};
static const struct limit_name limit_names[RLIMIT_COUNT] = {
	{ "Max cpu time", "seconds" },
	{ "Max file size", "bytes" },
	{ "Max data size", "bytes" },
	{ "Max stack size", "bytes" },
	{ "Max core file size", "bytes" },
	{ "Max resident set", "bytes" },
	{ "Max processes", "processes" },
	{ "Max open files", "files" },
	{ "Max locked memory", "bytes" },
	{ "Max address space", "bytes" },
	{ "Max file locks", "locks" },
	{ "Max pending signals", "signals" },
	{ "Max msgqueue size", "bytes" },
	{ "Max nice priority", "" },
	{ "Max realtime priority", "" },
	{ "Max realtime timeout", "us" },
};

static void put_padded(struct text *out borrowed, bytes_t what, usize width)
{
	usize length = bytes_string_len(what);

	text_put(out, bytes_first(what, length));
	for (; length < width; length++)
		text_char(out, ' ');
}

static void put_limit(struct text *out borrowed, u64 value)
{
	if (value == RLIMIT_INFINITY)
		put_padded(out, STR("unlimited"), 21);
	else
		text_printf(out, "%-20lu ", value);
}

static err_t limits_show(struct pseudo_inode *n, struct file *f, struct text *out borrowed)
{
	struct process *p object_auto(process) = proc_process(n);

	if (!p)
		return -ESRCH;
	text_put(out, STR("Limit                     Soft Limit           Hard Limit           Units     \n"));
	for (u32 i = 0; i < RLIMIT_COUNT; i++) {
		struct rlimit limit = process_rlimit_both(p, i);

		put_padded(out, array_bytes(limit_names[i].name), 26);
		put_limit(out, limit.soft);
		put_limit(out, limit.hard);
		put_padded(out, array_bytes(limit_names[i].unit), 10);
		text_char(out, '\n');
	}
	return OK;
}

static err_t oom_score_adj_show(struct pseudo_inode *n, struct file *f, struct text *out borrowed)
{
	struct process *p object_auto(process) = proc_process(n);

	if (!p)
		return -ESRCH;
	spin_guard(&p->lock);
	text_printf(out, "%d\n", p->oom_score_adjust);
	return OK;
}

static ssize_r oom_score_adj_store(struct pseudo_inode *n, struct file *f, bytes_t data)
{
	struct process *p object_auto(process) = proc_process(n);
	s64 value = 0;

	if (!p)
		return -ESRCH;
	if (!bytes_parse_s64(bytes_first(data, bytes_find(data, '\n')), 0, &value) || value < -1000 || value > 1000)
		return -EINVAL;
	bool privileged = cred_has_capability(f->cred, user_namespace_initial(), CAP_SYS_RESOURCE);
	spin_guard(&p->lock);
	if (value < p->oom_score_adjust && !privileged)
		return -EACCES;
	p->oom_score_adjust = (s32)value;
	return (ssize_r)bytes_len(data);
}

static err_t oom_score_show(struct pseudo_inode *n, struct file *f, struct text *out borrowed)
{
	struct process *p object_auto(process) = proc_process(n);
	struct vm_space *space object_auto(vm_space) = proc_space(n);
	s32 adjust = 0;

	if (!p)
		return -ESRCH;
	{
		spin_guard(&p->lock);
		adjust = p->oom_score_adjust;
	}
	text_printf(out, "%lu\n", space ? vm_space_badness(space, adjust) : 0ul);
	return OK;
}

PROC_TEXT(stat, stat_show);
PROC_TEXT(statm, statm_show);
PROC_TEXT(status, status_show);
PROC_TEXT(limits, limits_show);
PROC_TEXT(oom_score, oom_score_show);
static const struct pseudo_kind comm_kind = { .show = comm_show, .store = comm_store };
static const struct pseudo_kind oom_score_adj_kind = { .show = oom_score_adj_show, .store = oom_score_adj_store };

static const struct pseudo_entry entries[] = {
	PROC_FILE("stat", 0444, stat_kind),
	PROC_FILE("statm", 0444, statm_kind),
	PROC_FILE("status", 0444, status_kind),
	PROC_FILE("comm", 0644, comm_kind),
	PROC_FILE("limits", 0444, limits_kind),
	PROC_FILE("oom_score", 0444, oom_score_kind),
	PROC_FILE("oom_score_adj", 0644, oom_score_adj_kind),
};

const struct pseudo_entry *proc_status_entry(u32 index)
{
	return index < array_len(entries) ? array_ptr(entries, index) : NULL;
}
