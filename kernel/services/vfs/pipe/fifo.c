// SPDX-License-Identifier: MPL-2.0
// The ends of pipes: pipe(2), and open(2) of a FIFO, which waits for the other end.
#include <services/vfs/dentry.h>
#include <services/vfs/file/file_internal.h>
#include <services/vfs/mount.h>
#include <services/vfs/pipe/pipe_internal.h>

static void end_release(struct file *f);
static const struct file_ops pipe_ops = {
	.read = pipe_read,
	.write = pipe_write,
	.poll = pipe_poll,
	.control = pipe_control,
	.release = end_release,
	.async_events = FILE_ASYNC_IN | FILE_ASYNC_OUT,
};

struct pipe *pipe_of_file(struct file *f)
{
	return f->ops == &pipe_ops ? pipe_from(f->private_object) : NULL;
}

static void end_open_locked(struct pipe *const p, struct file *f) REQUIRES(p->lock)
{
	if (f->mode & FILE_MODE_READ) {
		p->readers++;
		p->readers_seen++;
	}
	if (f->mode & FILE_MODE_WRITE) {
		p->writers++;
		atomic_u64_add(&p->writers_seen, 1);
	}
	pipe_changed(p, ~0u);
}

static void end_open(struct pipe *const p, struct file *f)
{
	mutex_guard(&p->lock);
	end_open_locked(p, f);
}

static void end_close(struct pipe *const p, struct file *f)
{
	mutex_guard(&p->lock);
	p->readers -= f->mode & FILE_MODE_READ ? 1 : 0;
	p->writers -= f->mode & FILE_MODE_WRITE ? 1 : 0;
	// The end of one side is told to the other.
	pipe_changed(p, POLL_IN | POLL_OUT | POLL_HANGUP | POLL_ERROR | (!p->readers == !p->writers ? POLL_QUIET : 0));
}

// The inode knows its pipe while an end is open: the last one takes it away.
static void end_release(struct file *f)
{
	struct pipe *const p = pipe_of_file(f);
	struct inode *const i = f->inode;
	struct pipe *gone object_auto(pipe) = NULL;
	end_close(p, f);
	spin_guard(&i->lock);
	if (i->pipe == p && --i->pipe_ends == 0)
		gone = take(i->pipe);
}

// The inode's pipe, made at the first open; counts one more end.
static struct pipe *inode_pipe(struct inode *const i) owned;
static struct pipe *inode_pipe(struct inode *const i)
{
	struct pipe *fresh object_auto(pipe) = pipe_make();
	if (!fresh)
		return NULL;
	spin_guard(&i->lock);
	if (!i->pipe)
		i->pipe = take(fresh);
	i->pipe_ends++;
	return pipe_get(i->pipe);
}

static err_t fifo_wait_writer(struct pipe *const p, u64 seen)
{
	mutex_guard(&p->lock);
	return wait_event_mutex(&p->event, &p->lock, WAIT_INTERRUPTIBLE, DEADLINE_NEVER, p->writers ||
		atomic_u64_load(&p->writers_seen) != seen);
}

static err_t fifo_wait_reader(struct pipe *const p, u64 seen)
{
	mutex_guard(&p->lock);
	return wait_event_mutex(&p->event, &p->lock, WAIT_INTERRUPTIBLE, DEADLINE_NEVER, p->readers ||
		p->readers_seen != seen);
}

// The ends at the moment of an open.
struct stack_only fifo_ends {
	u32 readers, writers;
	u64 readers_seen, writers_seen;
};

// Counts the file as an end, unless it may not wait for a reader that it needs: -ENXIO.
static err_t fifo_enter(struct pipe *const p, struct file *f, bool refuses, struct fifo_ends *was borrowed)
{
	mutex_guard(&p->lock);
	was->readers = p->readers;
	was->writers = p->writers;
	was->readers_seen = p->readers_seen;
	was->writers_seen = atomic_u64_load(&p->writers_seen);
	if (refuses && was->readers == 0)
		return -ENXIO;
	f->private_value = was->writers_seen;
	end_open_locked(p, f);
	return OK;
}

static err_t fifo_join(struct pipe *const p, struct file *f)
{
	const u32 both = FILE_MODE_READ | FILE_MODE_WRITE;
	struct fifo_ends was = { };
	err_t e = fifo_enter(p, f, (f->mode & both) == FILE_MODE_WRITE && file_is_nonblocking(f), &was);
	if (e || (f->mode & both) == both || file_is_nonblocking(f))
		return e;
	// A writer that waited for us may write, close and be gone before we look again.
	if (f->mode & FILE_MODE_READ)
		e = was.writers ? OK : fifo_wait_writer(p, was.writers_seen);
	else
		e = was.readers ? OK : fifo_wait_reader(p, was.readers_seen);
	if (!e && (f->mode & FILE_MODE_READ))
		f->private_value = U64_MAX;
	return e;
}

static void fifo_leave(struct inode *const i)
{
	struct pipe *gone object_auto(pipe) = NULL;
	spin_guard(&i->lock);
	if (--i->pipe_ends == 0)
		gone = take(i->pipe);
}

err_t fifo_open(struct file *f)
{
	struct pipe *p object_auto(pipe) = inode_pipe(f->inode);
	if (!p)
		return -ENOMEM;
	f->private_object = object_get(&p->object);
	f->ops = &pipe_ops;
	// A pipe opened again through /proc/PID/fd does not wait for the other end: it may be gone for good.
	if (mount_has(f->path.mount, MOUNT_INTERNAL)) {
		end_open(p, f);
		return OK;
	}
	const err_t e = fifo_join(p, f);
	if (e == -ENXIO)
		fifo_leave(f->inode);
	else if (e)
		end_release(f);
	return e;
}

static err_t pipe_end(const struct path *p borrowed, u32 flags, struct cred *cred, struct file **out borrowed)
{
	struct file *f object_auto(file) = NULL;
	err_t e = file_create(p, flags, cred, &f);
	if (e)
		return e;
	struct pipe *pipe object_auto(pipe) = inode_pipe(f->inode);
	if (!pipe)
		return -ENOMEM;
	f->private_object = object_get(&pipe->object);
	f->ops = &pipe_ops;
	end_open(pipe, f);
	*out = take(f);
	return OK;
}

err_t pipe_create(u32 flags, struct cred *cred, struct file **reader borrowed, struct file **writer borrowed)
{
	struct path place path_auto = path_none();
	struct file *first object_auto(file) = NULL;
	err_t e = anonymous_place(STR("pipe:"), S_IFIFO | 0600, cred, &place);
	if (e)
		return e;
	e = pipe_end(&place, flags & (OPEN_NONBLOCK | OPEN_DIRECT), cred, &first);
	if (e)
		return e;
	first->private_value = U64_MAX;
	e = pipe_end(&place, (flags & (OPEN_NONBLOCK | OPEN_DIRECT)) | 1, cred, writer);
	if (e)
		return e;
	*reader = take(first);
	return OK;
}
