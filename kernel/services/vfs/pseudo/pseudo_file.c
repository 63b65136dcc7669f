// SPDX-License-Identifier: MPL-2.0
// Open files whose text is made by `show`. Each open file keeps the text of its last making, so that
// a reader with a small buffer sees one state; a read at offset 0 makes it anew.
#include <core/buf.h>
#include <services/vfs/pseudo/pseudo_internal.h>

#define CONTENT_FIRST_SIZE 1024u

struct pseudo_content {
	struct object object;
	struct mutex lock;
	struct buf *text GUARDED_BY(lock);
	usize length GUARDED_BY(lock);
	struct spinlock attach_lock;
	struct object *attached GUARDED_BY(attach_lock);	// reference or NULL; stays, once it is there
};
static exclusive_access void pseudo_content_release(struct pseudo_content *c)
{
	buf_free(take(c->text));
	if (c->attached)
		object_put(take(c->attached));
}
DECLARE_OBJECT(pseudo_content)
DEFINE_OBJECT(pseudo_content, pseudo_content_release)

// Makes the text with more room until it fits.
static err_t content_make(struct pseudo_content *c, struct file *f) REQUIRES(c->lock);
static err_t content_make(struct pseudo_content *c, struct file *f)
{
	struct pseudo_inode *n = pseudo_inode_of_file(f);
	usize size = c->text ? buf_len(c->text) : CONTENT_FIRST_SIZE;
	for (;;) {
		if (!c->text || buf_len(c->text) < size) {
			buf_free(take(c->text));
			c->text = buf_alloc(size);
			if (!c->text)
				return -ENOMEM;
		}
		struct text out = text_to(buf_span(c->text));
		const err_t e = n->kind->show(n, f, &out);
		if (e)
			return e;
		c->length = bytes_len(text_bytes(&out));
		if (text_fits(&out))
			return OK;
		if (size >= BUF_MAX)
			return -ENOMEM;		// better none than one that ends somewhere
		size = min(text_needed(&out) + text_needed(&out) / 2, (usize)BUF_MAX);
	}
}

static ssize_r pseudo_read(struct file *f, struct iobuf *to borrowed, u64 *position borrowed)
{
	if (!f->private_object)
		return -EINVAL;
	struct pseudo_content *const c = pseudo_content_from_object(f->private_object);
	mutex_guard(&c->lock);
	if (*position == 0 || !c->text) {
		const err_t e = content_make(c, f);
		if (e)
			return (ssize_r)e;
	}
	if (*position >= c->length || iobuf_remaining(to) == 0)
		return (ssize_r)0;
	const usize wanted = min(c->length - *position, iobuf_remaining(to));
	const usize n = iobuf_put(to, bytes_slice(buf_bytes(c->text), *position, wanted));
	if (n == 0)
		return -EFAULT;
	*position += n;
	return (ssize_r)n;
}

static ssize_r pseudo_write(struct file *f, struct iobuf *from borrowed, u64 *position borrowed)
{
	struct pseudo_inode *n = pseudo_inode_of_file(f);
	if (!n->kind->store)
		return -EINVAL;
	const usize length = min(iobuf_remaining(from), (usize)PSEUDO_WRITE_MAX);
	struct buf *data buf_auto = buf_alloc(max(length, (usize)1));
	if (!data)
		return -ENOMEM;
	if (iobuf_get(from, span_first(buf_span(data), length)) < length)
		return -EFAULT;
	// Some programs write their strings with the zero byte at the end: what is before it counts.
	const bytes_t written = bytes_first(buf_bytes(data), length);
	const usize text = bytes_string_len(written);
	ssize_r taken = n->kind->store(n, f, bytes_first(written, text));
	if (taken == (ssize_r)text)
		taken = (ssize_r)length;
	if (taken > 0)
		*position += (u64)taken;
	return taken;
}

static ssize_r pseudo_seek(struct file *f, s64 offset, u32 whence)
{
	return whence > 2 ? (ssize_r)-EINVAL : file_seek_generic(f, offset, whence, 0);
}

static u32 pseudo_poll(struct file *f, struct poll_request *r)
{
	struct pseudo_inode *n = pseudo_inode_of_file(f);
	if (!n->kind->poll)
		return POLL_IN | POLL_OUT | POLL_READ_NORMAL | POLL_WRITE_NORMAL;
	return n->kind->poll(n, f, r);
}

err_t pseudo_attach(struct file *f, struct object *o consumes)
{
	struct object *extra object_ref_auto = o;
	struct pseudo_content *const c = pseudo_content_from_object(f->private_object);
	spin_guard(&c->attach_lock);
	if (c->attached)
		return -EBUSY;
	c->attached = take(extra);
	return OK;
}

struct object *pseudo_attached(struct file *f)
{
	struct pseudo_content *const c = pseudo_content_from_object(f->private_object);
	spin_guard(&c->attach_lock);
	return c->attached;
}

const struct file_ops pseudo_file_ops = {
	.read = pseudo_read, .write = pseudo_write, .seek = pseudo_seek, .poll = pseudo_poll,
};

// The text is there before the kind's `open`, which may attach something to it.
static err_t content_begin(struct file *f)
{
	struct pseudo_content *c object_auto(pseudo_content) = pseudo_content_alloc();
	if (!c)
		return -ENOMEM;
	mutex_init(&c->lock, RANK_PSEUDO_CONTENT);
	spin_init(&c->attach_lock, RANK_SERVICE_LEAF);
	f->private_object = &take(c)->object;
	return OK;
}

err_t pseudo_open(struct inode *i, struct file *f)
{
	struct pseudo_inode *n = pseudo_inode_of(i);
	const bool is_file = i->type == S_IFREG;
	const err_t e = is_file && n->kind->show && !n->kind->ops ? content_begin(f) : OK;
	if (e)
		return e;
	if (is_file && n->kind->ops)
		f->ops = n->kind->ops;
	return n->kind->open ? n->kind->open(n, f) : OK;
}
