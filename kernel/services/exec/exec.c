// SPDX-License-Identifier: MPL-2.0
// execve in two halves. exec_prepare() reads the program, follows scripts, maps everything into a new
// address space and decides on credentials: any error leaves the old program untouched. exec_commit() ends
// the other threads and moves the thread over; what fails after that kills the process.
#include <services/cred/user_namespace.h>
#include <services/exec/exec_internal.h>
#include <services/process/exit.h>
#include <services/process/execve.h>
#include <services/process/process_signal.h>
#include <services/process/trace.h>
#include <services/vfs/path_guard.h>
#include <services/vfs/file_table.h>
#include <services/vfs/fs_context.h>
#include <services/vfs/mount.h>
#include <services/vfs/notify.h>

#define SCRIPT_DEPTH_MAX 5u
#define PERSONALITY_NO_RANDOM 0x0040000u
#define DYNAMIC_BASE 0x555555554000ul	// two thirds of user space, as Linux

static void exec_plan_release(struct exec_plan *p) exclusive_access
{
	if (p->image)
		elf_image_put(take(p->image));
	if (p->interpreter)
		elf_image_put(take(p->interpreter));
	if (p->space)
		vm_space_put(take(p->space));
	if (p->cred)
		cred_put(take(p->cred));
	if (p->strings)
		exec_strings_put(take(p->strings));
	buf_free(take(p->path));
}
DEFINE_OBJECT(exec_plan, exec_plan_release)

static struct spinlock vdso_lock = SPINLOCK_INIT(RANK_SERVICE_LEAF);
static const struct vdso_ops *vdso GUARDED_BY(vdso_lock);

void exec_set_vdso(const struct vdso_ops *ops)
{
	spin_guard(&vdso_lock);
	vdso = ops;
}

static const struct vdso_ops *vdso_registered(void)
{
	spin_guard(&vdso_lock);
	return vdso;
}

// --- opening ------------------------------------------------------------------------------------

static err_t may_execute(const struct path *p borrowed, const struct cred *cred borrowed)
{
	struct inode *i = path_inode(p);
	if (i->type != S_IFREG)
		return -EACCES;
	if (mount_has(p->mount, MOUNT_NO_EXEC))
		return -EACCES;
	const err_t e = path_permission(p, PERMISSION_EXECUTE, cred);
	return e ? e : path_guard_check(cred, p, PATH_EXECUTE | PATH_READ_FILE);
}

err_t exec_open(const struct lookup_context *c borrowed, bytes_t path, struct file **out borrowed)
{
	struct path place path_auto = path_none();
	err_t err = path_lookup(c, path, &place);
	if (!err)
		err = may_execute(&place, c->cred);
	// Reading is the kernel's business here: a program may be executable without being readable.
	struct file *f object_auto(file) = NULL;
	if (!err)
		err = file_open_path(&place, 0, thread_cred(), &f);
	if (!err)
		err = file_deny_writing(f);
	if (err)
		return err;
	notify_opened(f);
	*out = take(f);
	return OK;
}

static err_t open_by_name(bytes_t name, struct file **out borrowed)
{
	struct lookup_context c = {
		.cred = thread_cred(), .fs = thread_fs(), .start = path_none(), .flags = LOOKUP_FOLLOW
	};
	return exec_open(&c, name, out);
}

// --- first half -----------------------------------------------------------------------------------

// The first bytes, zeros beyond the end of a short file; their number.
static ssize_r read_head(struct file *f, span_t out)
{
	struct iobuf b = iobuf_to_kernel(out);
	u64 position = 0;
	return file_read(f, &b, &position);
}

static err_t push_script(struct exec_strings *s, bytes_t head, const struct script_line *line borrowed, bytes_t path)
{
	err_t err = exec_strings_drop_first(s);
	if (!err)
		err = exec_strings_push_front(s, path);
	if (!err && line->argument_length)
		err = exec_strings_push_front(s, bytes_slice(head, line->argument_offset, line->argument_length));
	return err ? err : exec_strings_push_front(s, bytes_slice(head, line->name_offset, line->name_length));
}

// Replaces *file by the script's interpreter. `path` is how the script was called.
static err_t follow_script(
	struct exec_plan *plan, bytes_t head, struct buf **path borrowed, struct file **file borrowed)
{
	struct script_line line = { 0 };
	err_t err = script_parse(head, &line);
	if (!err)
		err = push_script(plan->strings, head, &line, buf_bytes(*path));
	if (err)
		return err;
	bytes_t name = bytes_slice(head, line.name_offset, line.name_length);
	struct file *next object_auto(file) = NULL;
	err = open_by_name(name, &next);
	if (err)
		return err;
	struct buf *called buf_auto = buf_from(name);
	if (!called)
		return -ENOMEM;
	struct file *old object_auto(file) = take(*file);
	struct buf *old_path buf_auto = take(*path);
	*file = take(next);
	*path = take(called);
	return OK;
}

static err_t read_interpreter(struct exec_plan *plan)
{
	struct buf *name buf_auto = buf_alloc(ELF_INTERPRETER_MAX);
	if (!name)
		return -ENOMEM;
	err_t err = elf_read_interpreter(plan->image, buf_span(name));
	if (err)
		return err;
	struct file *f object_auto(file) = NULL;
	bytes_t text = bytes_first(buf_bytes(name), plan->image->interpreter_length);
	err = open_by_name(bytes_first(text, bytes_string_len(text)), &f);
	if (err)
		return err;
	err = elf_read(f, &plan->interpreter);
	return err == (err_t)-ENOEXEC ? -ELIBBAD : err;
}

// Reads the program of `file`, or of the interpreter of the script that it is.
no_inline static err_t read_program(struct exec_plan *plan, struct file *file)
{
	struct file *f object_auto(file) = file_get(file);
	struct buf *called buf_auto = buf_from(buf_bytes(plan->path));
	if (!called)
		return -ENOMEM;
	for (u32 depth = 0;; depth++) {
		u8 head[EXEC_HEAD_SIZE];
		ssize_r length = read_head(f, array_span(head));
		if (length < 0)
			return (err_t)length;
		bytes_t text = bytes_first(array_bytes(head), (usize)length);
		if (!bytes_start_with(text, STR("#!")))
			break;
		if (depth >= SCRIPT_DEPTH_MAX)
			return -ELOOP;
		err_t err = follow_script(plan, text, &called, &f);
		if (err)
			return err;
	}
	err_t err = elf_read(f, &plan->image);
	if (!err && plan->image->interpreter_length)
		err = read_interpreter(plan);
	return err ? err : exec_identity_make(plan, f);
}

static u64 dynamic_base(const struct exec_plan *plan borrowed)
{
	// The entropy of mappings serves for programs, too: the distance to the fixed place is what is random.
	u64 fixed = vm_random_mmap_base(0, 0, USER_TOP), random = vm_random_mmap_base(plan->is_random, 0, USER_TOP);
	return DYNAMIC_BASE + (fixed - random);
}

static err_t map_program(struct exec_plan *plan)
{
	struct process *p = process_current();
	u64 stack_limit = process_rlimit(p, RLIMIT_STACK);
	struct vm_limits limits = {
		.address_space_bytes = process_rlimit(p, RLIMIT_AS),
		.data_bytes = process_rlimit(p, RLIMIT_DATA),
		.stack_bytes = stack_limit,
		.locked_bytes = process_rlimit(p, RLIMIT_MEMLOCK),
	};
	plan->space = vm_space_create(thread_cred()->user_ns);
	if (!plan->space)
		return -ENOMEM;
	vm_space_set_limits(plan->space, &limits);
	plan->stack_top = vm_random_stack_top(plan->is_random);
	plan->layout.mmap_base = vm_random_mmap_base(plan->is_random, stack_limit, plan->stack_top);
	vm_space_set_layout(plan->space, &plan->layout);
	struct file *program object_auto(file) = file_get(plan->image->file);
	vm_space_set_executable(plan->space, take(program));
	err_t err = elf_map(plan->image, plan->space, dynamic_base(plan));
	if (!err && plan->interpreter)
		err = elf_map(plan->interpreter, plan->space, 0);
	if (!err)
		err = exec_stack_map(plan);
	const struct vdso_ops *ops = vdso_registered();
	if (!err && ops)
		err = ops->map(plan->space, &plan->vdso);
	return err;
}

static void fill_layout(struct exec_plan *plan)
{
	struct elf_image *e = plan->image;
	plan->layout.start_code = e->code_start;
	plan->layout.end_code = e->code_end;
	plan->layout.start_data = e->data_start;
	plan->layout.end_data = e->data_end;
	plan->layout.start_brk = plan->layout.brk = vm_random_break(plan->is_random, e->break_start);
	plan->layout.vdso = plan->vdso;
	vm_space_set_layout(plan->space, &plan->layout);
}

static err_t prepare(const struct exec_request *r borrowed, struct exec_plan **out borrowed)
{
	struct exec_plan *plan object_auto(exec_plan) = exec_plan_alloc();
	if (!plan)
		return -ENOMEM;
	plan->strings = exec_strings_get(r->strings);
	plan->path = buf_from(r->path);
	if (!plan->path)
		return -ENOMEM;
	plan->is_random = !(thread_current()->personality & PERSONALITY_NO_RANDOM);
	err_t err = read_program(plan, r->file);
	if (!err)
		err = map_program(plan);
	if (err)
		return err;
	fill_layout(plan);
	*out = take(plan);
	return OK;
}

// --- second half --------------------------------------------------------------------------------------

static err_t own_files(void)
{
	struct thread *t = thread_current();
	if (object_references(&t->files->object) > 1) {
		struct file_table *copy object_auto(file_table) = NULL;
		err_t err = file_table_copy(t->files, U32_MAX, &copy);
		if (err)
			return err;
		thread_set_files(take(copy));
	}
	file_table_close_on_exec(t->files);
	return OK;
}

static err_t own_signal_actions(void)
{
	struct process *p = process_current();
	if (object_references(&p->actions->object) > 1) {
		struct signal_action_table *copy object_auto(signal_action_table) =
			signal_action_table_copy(p->actions);
		if (!copy)
			return -ENOMEM;
		struct signal_action_table *old object_auto(signal_action_table) = NULL;
		irq_guard(&p->signal_lock);
		old = take(p->actions);
		p->actions = take(copy);
	}
	signal_action_reset_handlers(p->actions);
	return OK;
}

static void switch_space(struct exec_plan *plan)
{
	struct thread *t = thread_current();
	struct vm_space *old object_auto(vm_space) = NULL;
	vm_space_activate(plan->space);
	{
		spin_guard(&t->lock);
		old = take(t->space);
		t->space = take(plan->space);
	}
	vfork_complete(t);
}

static void reset_thread(struct thread *t)
{
	t->alternate_stack = 0;
	t->alternate_stack_size = 0;
	t->alternate_stack_flags = 0;
	t->clear_child_tid = user_addr(0);
	t->set_child_tid = user_addr(0);
	t->robust_list = user_addr(0);
	atomic_u32_store(&t->futex_owner, 0);
	t->rseq = user_addr(0);
	task_unwatch_switches(&t->base);
	user_bases_sync(&t->user);	// the new program's begin at 0
	user_fpu_reset();
}

static void set_registers(struct thread *t, const struct exec_plan *plan borrowed)
{
	struct elf_image *first = plan->interpreter ? plan->interpreter : plan->image;
	t->user = (struct user_context){
		.rip = first->entry + first->bias,
		.rsp = plan->stack_pointer,
		.cs = 0x33,
		.ss = 0x2b,
		.rflags = 0x200,
		.orig_rax = ~0ul,
		.must_iret = 1,
	};
}

// By who starts it.
static bool is_readable(struct vm_space *space, struct thread *t)
{
	struct file *f object_auto(file) = vm_space_executable(space);

	return f && inode_permission_generic(f->inode, PERMISSION_READ, t->cred) == OK;
}

// The new space is seen before the new identity is: until then nobody looks into it who may not do so afterwards.
static void guard_space(struct thread *t, struct exec_plan *plan)
{
	plan->is_guarded = plan->gains || !is_readable(plan->space, t);
	if (plan->is_guarded)
		atomic_u32_or(&t->process->flags, PROCESS_NOT_DUMPABLE);
}

static void set_identity(struct thread *t, struct exec_plan *plan)
{
	thread_set_cred(take(plan->cred));
	if (!plan->is_guarded)
		atomic_u32_and(&t->process->flags, ~(u32)PROCESS_NOT_DUMPABLE);
	spin_guard(&process_tree_lock);
	t->process->tree_flags |= PROCESS_EXECED;
	t->process->tree_flags &= ~(u32)PROCESS_CHANGES_IDENTITY;
	t->process->parent_death_signal = plan->is_secure ? 0 : t->process->parent_death_signal;
	t->process->exit_signal = SIGCHLD;
}

// The last component of the path.
static void set_name(struct thread *t, bytes_t path)
{
	usize start = 0;
	for (usize i = 0; i < bytes_len(path); i++)
		if (byte_at(path, i) == '/')
			start = i + 1;
	bytes_t name = bytes_from(path, start);
	task_set_name(&t->base, bytes_first(name, min(bytes_len(name), (usize)TASK_NAME_MAX - 1)));
}

// In the new address space.
static err_t finish(struct thread *t, struct exec_plan *plan)
{
	err_t err = own_files();
	if (!err)
		err = own_signal_actions();
	if (!err)
		err = elf_zero_tails(plan->image);
	if (!err && plan->interpreter)
		err = elf_zero_tails(plan->interpreter);
	if (err)
		return err;
	err = exec_stack_write(plan);
	if (err)
		return err;
	plan->layout.start_stack = plan->stack_pointer;
	vm_space_set_layout(t->space, &plan->layout);
	set_identity(t, plan);
	set_name(t, buf_bytes(plan->path));	// who sees the new name sees what the program is, too
	set_registers(t, plan);
	return OK;
}

err_t exec_program(const struct exec_request *r borrowed)
{
	struct thread *t = thread_current();
	struct exec_plan *plan object_auto(exec_plan) = NULL;
	const u32 old_number = thread_number(t);
	err_t err = prepare(r, &plan);
	if (err)
		return err;
	err = process_become_single(t);
	if (err)
		return -ERESTARTNOINTR;	// the thread is about to exit
	const struct user_mode_ops *ops = thread_user_mode_ops();
	if (t->space && ops->thread_exits)
		ops->thread_exits(t);
	exec_identity_settle(plan);
	thread_release_futexes(t);
	if (ops->program_changes)
		ops->program_changes(t);
	guard_space(t, plan);
	switch_space(plan);
	reset_thread(t);
	err = finish(t, plan);
	if (err)
		process_exit_group(SIGSEGV);
	else
		trace_exec(old_number);
	return err;
}
