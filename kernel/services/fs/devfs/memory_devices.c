// SPDX-License-Identifier: MPL-2.0
// The devices without hardware: null, zero, full, random, urandom, kmsg (source: null(4), full(4), random(4)).
#include <core/print.h>
#include <core/random.h>
#include <services/device/device.h>
#include <services/fs/devfs/devfs_internal.h>
#include <services/vfs/file.h>

#define MEMORY_MAJOR 1u
#define STEP_BYTES 256u
#define RANDOM_READ_MAX (32u << 20)

static ssize_r null_read(struct file *f, struct iobuf *to borrowed, u64 *position borrowed)
{
	return 0;
}

static ssize_r null_write(struct file *f, struct iobuf *from borrowed, u64 *position borrowed)
{
	return (ssize_r)iobuf_remaining(from);
}

static ssize_r zero_read(struct file *f, struct iobuf *to borrowed, u64 *position borrowed)
{
	usize wanted = iobuf_remaining(to);
	usize n = iobuf_put_zeros(to, wanted);

	return n || !wanted ? (ssize_r)n : (ssize_r)-EFAULT;
}

// No mapping: private or shared memory of zeros (services/vm).
static err_t zero_map(struct file *f, u32 protection, struct page_mapping **out borrowed)
{
	*out = NULL;
	return OK;
}

static ssize_r full_write(struct file *f, struct iobuf *from borrowed, u64 *position borrowed)
{
	return -ENOSPC;
}

static ssize_r any_seek(struct file *f, s64 offset, u32 whence)
{
	return 0;
}

static ssize_r random_read(struct file *f, struct iobuf *to borrowed, u64 *position borrowed)
{
	usize wanted = min(iobuf_remaining(to), (usize)RANDOM_READ_MAX), done = 0;

	while (done < wanted) {
		u8 step[STEP_BYTES] = { };
		span_t s = span_first(array_span(step), min(wanted - done, (usize)STEP_BYTES));

		random_fill(s);
		usize n = iobuf_put(to, bytes_of(s));
		done += n;
		if (n < span_len(s))
			return done ? (ssize_r)done : (ssize_r)-EFAULT;
	}
	return (ssize_r)done;
}

static ssize_r random_write(struct file *f, struct iobuf *from borrowed, u64 *position borrowed)
{
	usize total = 0;

	while (iobuf_remaining(from) > 0) {
		u8 step[STEP_BYTES] = { };
		usize n = iobuf_get(from, span_first(array_span(step), min(iobuf_remaining(from), (usize)STEP_BYTES)));

		if (n == 0)
			return total ? (ssize_r)total : (ssize_r)-EFAULT;
		random_add(bytes_first(array_bytes(step), n), 0);
		total += n;
	}
	return (ssize_r)total;
}

// Each read gives one record's text; the file's position counts log positions.
static ssize_r kmsg_read(struct file *f, struct iobuf *to borrowed, u64 *position borrowed)
{
	u8 record[512] = { };
	u64 at = max(*position, log_first_position());
	usize n = log_read(&at, array_span(record));

	if (n == 0)
		return -EAGAIN;
	*position = at;
	return iobuf_put(to, bytes_first(array_bytes(record), n)) == n ? (ssize_r)n : (ssize_r)-EINVAL;
}

static ssize_r kmsg_write(struct file *f, struct iobuf *from borrowed, u64 *position borrowed)
{
	u8 line[512] = { };
	usize wanted = min(iobuf_remaining(from), sizeof(line));
	usize n = iobuf_get(from, span_first(array_span(line), wanted));
	bytes_t text = bytes_first(array_bytes(line), n);

	if (n < wanted)
		return -EFAULT;
	// A leading <N> gives the priority.
	if (n > 2 && byte_at(text, 0) == '<' && bytes_find(text, '>') < 5)
		text = bytes_from(text, bytes_find(text, '>') + 1);
	log_text(LOG_INFO, "user", bytes_first(text, bytes_find(text, '\n')));
	return (ssize_r)n;
}

static const struct file_ops null_ops = { .read = null_read, .write = null_write, .seek = any_seek };
static const struct file_ops zero_ops = { .read = zero_read, .write = null_write, .seek = any_seek, .map = zero_map };
static const struct file_ops full_ops = { .read = zero_read, .write = full_write, .seek = any_seek };
static const struct file_ops random_ops = { .read = random_read, .write = random_write, .seek = any_seek };
static const struct file_ops kmsg_ops = { .read = kmsg_read, .write = kmsg_write, .seek = any_seek };

struct memory_device {
	u8 name[12];
	u32 minor, mode;
	const struct file_ops *ops;
};
static const struct memory_device devices[] = {
	{ "null", 3, 0666, &null_ops }, { "zero", 5, 0666, &zero_ops }, { "full", 7, 0666, &full_ops },
	{ "random", 8, 0666, &random_ops }, { "urandom", 9, 0666, &random_ops }, { "kmsg", 11, 0644, &kmsg_ops },
};

err_t memory_devices_register(void)
{
	for (u32 i = 0; i < array_len(devices); i++) {
		const struct memory_device *d = array_ptr(devices, i);
		bytes_t name = bytes_first(array_bytes(d->name), bytes_string_len(array_bytes(d->name)));
		err_t err = device_register_char(name, STR("mem"), MEMORY_MAJOR, d->minor, d->mode, d->ops, NULL);

		if (err)
			return err;
	}
	return OK;
}
