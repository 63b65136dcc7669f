// SPDX-License-Identifier: MPL-2.0
// Unpacking: a reader gives the bytes of one archive after another, whether compressed or not; the unpacker
// takes a header, a name, and content in steps. Names are resolved below the root of the root file system as
// if root had typed them. Numbers from the archive are checked before use; a damaged archive ends the work.
#include <core/boot.h>
#include <core/print.h>
#include <lib/inflate.h>
#include <services/fs/initramfs/initramfs.h>
#include <services/vfs/attributes.h>
#include <services/vfs/entry.h>
#include <services/vfs/file.h>
#include <services/vfs/fs_context.h>
#include <services/vfs/mount_namespace.h>

#define HEADER_BYTES 110u
#define NAME_MAX_BYTES 4096u
#define STEP_BYTES 65536u

// A name seen with its inode number, for hard links.
struct link_record {
	struct object object;
	struct list_link link;
	u32 inode, major, minor;
	struct buf *name;	// owned
};
static exclusive_access void link_record_release(struct link_record *l)
{
	buf_free(take(l->name));
}
DECLARE_OBJECT(link_record)
DEFINE_OBJECT(link_record, link_record_release)
DEFINE_LIST(link_record_list, link_record, link)

struct unpacker {
	struct object object;
	struct inflate inflate;
	struct buf *window, *step, *name, *header;	// owned
	struct fs_context *fs;		// reference
	struct link_record_list links;
	u64 position;			// in the plain input
	u64 in_archive;			// bytes of this archive so far (for alignment)
	u32 is_compressed;
};

static void links_forget(struct unpacker *u)
{
	while (!link_record_list_is_empty(&u->links)) {
		struct link_record *l object_auto(link_record) = link_record_list_pop(&u->links);
		(void)l;
	}
}

static exclusive_access void unpacker_release(struct unpacker *u)
{
	buf_free(take(u->window));
	buf_free(take(u->step));
	buf_free(take(u->name));
	buf_free(take(u->header));
	if (u->fs)
		fs_context_put(take(u->fs));
	links_forget(u);
}
DECLARE_OBJECT(unpacker)
DEFINE_OBJECT(unpacker, unpacker_release)

struct cpio_entry {
	u32 inode, mode, uid, gid, links, time, size, major, minor, device_major, device_minor, name_bytes;
};

// --- reading ------------------------------------------------------------------------------------------
static err_t read_exact(struct unpacker *u, span_t out)
{
	bytes_t input = boot_initrd();
	usize done = 0;

	u->in_archive += span_len(out);
	if (!u->is_compressed) {
		if (span_len(out) > bytes_len(input) - u->position)
			return -EINVAL;
		span_copy(out, bytes_slice(input, u->position, span_len(out)));
		u->position += span_len(out);
		return OK;
	}
	while (done < span_len(out)) {
		ssize_r n = inflate_read(&u->inflate, input, buf_span(u->window), span_from(out, done));

		if (n <= 0)
			return -EINVAL;
		done += (usize)n;
	}
	return OK;
}

// Headers and content begin at multiples of four.
static err_t align(struct unpacker *u)
{
	u8 padding[4] = { };

	return read_exact(u, span_first(array_span(padding), (4 - u->in_archive % 4) % 4));
}

static bool hex_field(bytes_t header, u32 index, u32 *out borrowed)
{
	u64 value = 0;
	bool ok = bytes_parse_u64(bytes_slice(header, 6 + index * 8ul, 8), 16, &value);

	*out = (u32)value;
	return ok;
}

static err_t header_parse(bytes_t b, struct cpio_entry *e borrowed)
{
	bool ok = bytes_start_with(b, STR("070701")) || bytes_start_with(b, STR("070702"));

	ok = ok && hex_field(b, 0, &e->inode) && hex_field(b, 1, &e->mode) && hex_field(b, 2, &e->uid) &&
		hex_field(b, 3, &e->gid) && hex_field(b, 4, &e->links) && hex_field(b, 5, &e->time) &&
		hex_field(b, 6, &e->size) && hex_field(b, 7, &e->major) && hex_field(b, 8, &e->minor) &&
		hex_field(b, 9, &e->device_major) && hex_field(b, 10, &e->device_minor) &&
		hex_field(b, 11, &e->name_bytes);
	return ok && e->name_bytes > 0 && e->name_bytes <= NAME_MAX_BYTES ? OK : (err_t)-EINVAL;
}

// --- writing ------------------------------------------------------------------------------------------
#define context_of(u) ((struct lookup_context){ .cred = cred_initial(), .fs = (u)->fs })

static no_inline err_t content_write(struct unpacker *u, struct file *f, u64 size)
{
	for (u64 left = size; left > 0;) {
		usize n = min(left, (u64)STEP_BYTES);
		err_t err = read_exact(u, span_first(buf_span(u->step), n));
		struct iobuf from = iobuf_from_kernel(bytes_first(buf_bytes(u->step), n));

		if (err)
			return err;
		ssize_r written = file_write(f, &from, NULL);
		if (written != (ssize_r)n)
			return written < 0 ? (err_t)written : (err_t)-ENOSPC;
		left -= n;
	}
	return OK;
}

static no_inline err_t content_skip(struct unpacker *u, u64 size)
{
	for (u64 left = size; left > 0;) {
		usize n = min(left, (u64)STEP_BYTES);
		err_t err = read_exact(u, span_first(buf_span(u->step), n));

		if (err)
			return err;
		left -= n;
	}
	return OK;
}

static no_inline err_t file_make(struct unpacker *u, const struct cpio_entry *e borrowed, bytes_t name)
{
	struct lookup_context c = context_of(u);
	struct file *f object_auto(file) = NULL;
	err_t err = file_open(
		&c, name, OPEN_CREATE | 1u | OPEN_NO_FOLLOW | (e->size ? OPEN_TRUNCATE : 0), e->mode & 07777, &f);

	return err ? err : content_write(u, f, e->size);
}

static no_inline err_t symlink_make(struct unpacker *u, const struct cpio_entry *e borrowed, bytes_t name)
{
	struct lookup_context c = context_of(u);
	err_t err;

	if (e->size == 0 || e->size > NAME_MAX_BYTES)
		return -EINVAL;
	err = read_exact(u, span_first(buf_span(u->step), e->size));
	return err ? err : entry_symlink(&c, bytes_first(buf_bytes(u->step), e->size), name);
}

static no_inline err_t node_make(struct unpacker *u, const struct cpio_entry *e borrowed, bytes_t name)
{
	struct lookup_context c = context_of(u);
	err_t err;

	if ((e->mode & S_IFMT) == S_IFDIR)
		err = entry_make_directory(&c, name, e->mode & 07777);
	else
		err = entry_make_node(&c, name, e->mode, device_number(e->device_major, e->device_minor));
	return err == -EEXIST ? OK : err;
}

// Mode, owner, time: after the content, because writing changes them.
static no_inline err_t attributes_set(struct unpacker *u, const struct cpio_entry *e borrowed, bytes_t name)
{
	struct lookup_context c = context_of(u);
	struct path p path_auto = path_none();
	struct times_change t = { .access = TIME_SET,
		.modify = TIME_SET,
		.access_time = { .seconds = e->time },
		.modify_time = { .seconds = e->time } };
	err_t err = path_lookup(&c, name, &p);

	if (!err)
		err = attributes_change_owner(&p, e->uid, e->gid, c.cred);
	if (!err && (e->mode & S_IFMT) != S_IFLNK)
		err = attributes_change_mode(&p, e->mode & 07777, c.cred);
	if (!err)
		err = attributes_set_times(&p, &t, c.cred);
	return err;
}

// An earlier name of the same inode; a first name is remembered. *linked tells whether the link was made.
static no_inline err_t link_make(
	struct unpacker *u, const struct cpio_entry *e borrowed, bytes_t name, bool *linked borrowed)
{
	struct lookup_context c = context_of(u);

	list_for_each(link_record_list, l, &u->links) {
		struct path p path_auto = path_none();

		if (l->inode != e->inode || l->major != e->major || l->minor != e->minor)
			continue;
		err_t err = path_lookup(&c, buf_bytes(l->name), &p);
		*linked = true;
		return err ? err : entry_link(&p, &c, name);
	}
	struct link_record *l object_auto(link_record) = link_record_alloc();
	if (!l)
		return -ENOMEM;
	l->name = buf_from(name);
	if (!l->name)
		return -ENOMEM;
	l->inode = e->inode;
	l->major = e->major;
	l->minor = e->minor;
	link_record_list_push(&u->links, take(l));
	return OK;
}

static err_t entry_unpack(struct unpacker *u, const struct cpio_entry *e borrowed, bytes_t name)
{
	u32 type = e->mode & S_IFMT;
	bool linked = false;
	err_t err = OK;

	if (type == S_IFREG && e->links > 1)
		err = link_make(u, e, name, &linked);
	if (err)
		return err;
	if (type == S_IFREG)
		err = linked && e->size == 0 ? OK : file_make(u, e, name);
	else if (type == S_IFLNK)
		err = symlink_make(u, e, name);
	else if (type == S_IFDIR || type == S_IFCHR || type == S_IFBLK || type == S_IFIFO || type == S_IFSOCK)
		err = node_make(u, e, name);
	else
		return -EINVAL;
	return err ? err : attributes_set(u, e, name);
}

// --- archives -----------------------------------------------------------------------------------------
enum step_result { STEP_ENTRY, STEP_TRAILER };

static err_t entry_next(struct unpacker *u, enum step_result *result borrowed)
{
	struct cpio_entry e = { };
	err_t err = align(u);

	if (!err)
		err = read_exact(u, buf_span(u->header));
	if (!err)
		err = header_parse(buf_bytes(u->header), &e);
	if (!err)
		err = read_exact(u, span_first(buf_span(u->name), e.name_bytes));
	if (!err)
		err = align(u);
	if (err)
		return err;
	bytes_t name = bytes_first(buf_bytes(u->name), e.name_bytes);
	name = bytes_first(name, bytes_string_len(name));
	if (bytes_equal(name, STR("TRAILER!!!"))) {
		*result = STEP_TRAILER;
		return OK;
	}
	if (bytes_equal(name, STR(".")) || bytes_len(name) == 0)
		return content_skip(u, e.size);
	err = entry_unpack(u, &e, name);
	if (err)
		log_text(LOG_ERROR, "initramfs: cannot unpack", name);
	return err;
}

static err_t archive_unpack(struct unpacker *u)
{
	enum step_result result = STEP_ENTRY;
	err_t err = OK;

	u->in_archive = 0;
	while (!err && result == STEP_ENTRY)
		err = entry_next(u, &result);
	links_forget(u);
	return err;
}

// The rest of a compressed stream: zeros behind the trailer, or another archive.
static err_t stream_unpack(struct unpacker *u)
{
	bytes_t input = boot_initrd();
	err_t err = inflate_begin(&u->inflate, input, u->position);

	if (err)
		return err;
	u->is_compressed = 1;
	err = archive_unpack(u);
	while (!err) {
		ssize_r n = inflate_read(&u->inflate, input, buf_span(u->window), buf_span(u->step));

		if (n <= 0) {
			err = (err_t)n;
			break;
		}
	}
	u->is_compressed = 0;
	u->position = u->inflate.position;
	return err;
}

static err_t all_unpack(struct unpacker *u)
{
	bytes_t input = boot_initrd();
	err_t err = OK;

	while (!err && u->position < bytes_len(input)) {
		u8 c = byte_at(input, u->position);

		if (c == 0)
			u->position++;
		else if (c == 0x1f)
			err = stream_unpack(u);
		else
			err = archive_unpack(u);
	}
	return err;
}

static err_t unpacker_set_up(struct unpacker *u)
{
	struct path root path_auto = path_none();

	u->window = buf_alloc(INFLATE_WINDOW);
	u->step = buf_alloc(STEP_BYTES);
	u->name = buf_alloc(NAME_MAX_BYTES);
	u->header = buf_alloc(HEADER_BYTES);
	mount_namespace_root(mount_namespace_initial(), &root);
	u->fs = fs_context_create(&root);
	if (!u->window || !u->step || !u->name || !u->header || !u->fs)
		return -ENOMEM;
	(void)fs_context_set_mask(u->fs, 0);
	return OK;
}

err_t initramfs_unpack(void)
{
	err_t err;

	if (bytes_len(boot_initrd()) == 0)
		return -ENOENT;
	struct unpacker *u object_auto(unpacker) = unpacker_alloc();
	err = u ? unpacker_set_up(u) : (err_t)-ENOMEM;
	if (!err)
		err = all_unpack(u);
	if (err)
		log_error("initramfs: stopped at byte %lu of %lu: error %d", u ? u->position : 0ul,
			bytes_len(boot_initrd()), -(s32)err);
	boot_initrd_free();
	return err;
}
