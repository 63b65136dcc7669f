// SPDX-License-Identifier: MPL-2.0
#include <services/process/pidfd.h>
#include <services/process/process_tree.h>
#include <services/process/thread.h>

struct pidfd {
	struct file base;
	struct pid *pid;	// reference; immutable
};

static void pidfd_release(struct pidfd *f) exclusive_access
{
	file_fini(&f->base);	// ends the watches on what the pid holds
	if (f->pid)
		pid_put(take(f->pid));
}
DEFINE_DERIVED(pidfd, file, pidfd_release)

static bool has_exited(struct pid *pid)
{
	struct process *p object_auto(process) = pid_process(pid);
	if (!p)
		return true;
	spin_guard(&process_tree_lock);
	return p->state != PROCESS_RUNNING;
}

static u32 pidfd_poll(struct file *f, struct poll_request *r)
{
	struct pidfd *self = pidfd_from_file(f);
	poll_add(r, pid_exit_event(self->pid));
	return has_exited(self->pid) ? POLL_IN | POLL_READ_NORMAL : 0;
}

// As fdinfo of Linux: the number as the reader sees it, -1 when it has gone.
static void pidfd_show(struct file *f, struct text *out borrowed)
{
	struct pid *pid = pidfd_from_file(f)->pid;
	struct process *p object_auto(process) = pid_process(pid);
	s32 number = p ? (s32)pid_number_in(pid, thread_pid_namespace()) : -1;
	text_printf(out, "Pid:\t%d\nNSpid:\t%d\n", number, number);
}

static const struct file_ops pidfd_ops = { .poll = pidfd_poll, .show_info = pidfd_show };

err_t pidfd_create(struct pid *pid, u32 flags, struct cred *cred, struct file **out borrowed)
{
	struct pidfd *f object_auto(pidfd) = pidfd_alloc();
	if (!f)
		return -ENOMEM;
	f->pid = pid_get(pid);
	err_t err = file_init_anonymous(&f->base, &pidfd_ops, STR("anon_inode:[pidfd]"), flags | 2, cred, 0);
	if (err)
		return err;
	*out = file_get(&f->base);
	return OK;
}

struct pid *pidfd_pid(struct file *f)
{
	return file_is_pidfd(f) ? pid_get(pidfd_from_file(f)->pid) : NULL;
}
