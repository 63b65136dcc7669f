// SPDX-License-Identifier: MPL-2.0
// io.*
#include <services/block/block_device.h>
#include <services/cgroup/cgroup_io.h>
#include <services/fs/cgroupfs/cgroup_files.h>
#include <services/vfs/stat.h>

static void cgroup_io_put_limit(struct text *out borrowed, bytes_t name, u64 limit)
{
	text_put(out, name);
	if (limit == CGROUP_MAX)
		text_put(out, STR("max"));
	else
		text_printf(out, "%lu", limit);
}

// One line for each disk that has a limit.
void cgroup_io_show_max(struct cgroup *g, struct text *out borrowed)
{
	for (u32 i = 0;; i++) {
		u64 device = cgroup_io_device_at(g, i);
		struct cgroup_io_limits l = {};

		if (device == CGROUP_MAX)
			return;
		cgroup_io_read_limits(g, device, &l);
		if (l.bytes[0] == CGROUP_MAX && l.bytes[1] == CGROUP_MAX && l.requests[0] == CGROUP_MAX &&
			l.requests[1] == CGROUP_MAX)
			continue;
		text_printf(out, "%u:%u", device_major(device), device_minor(device));
		cgroup_io_put_limit(out, STR(" rbps="), l.bytes[CGROUP_IO_READ]);
		cgroup_io_put_limit(out, STR(" wbps="), l.bytes[CGROUP_IO_WRITE]);
		cgroup_io_put_limit(out, STR(" riops="), l.requests[CGROUP_IO_READ]);
		cgroup_io_put_limit(out, STR(" wiops="), l.requests[CGROUP_IO_WRITE]);
		text_char(out, '\n');
	}
}

static err_t cgroup_io_parse_word(bytes_t word, struct cgroup_io_limits *l borrowed)
{
	usize equals = bytes_find(word, '=');
	bytes_t name = bytes_first(word, equals);
	u64 limit = 0;

	if (equals >= bytes_len(word))
		return -EINVAL;
	err_t e = cgroup_parse_limit(bytes_from(word, equals + 1), &limit);

	if (e)
		return e;
	if (!limit)
		return -ERANGE;
	if (bytes_equal(name, STR("rbps")))
		l->bytes[CGROUP_IO_READ] = limit;
	else if (bytes_equal(name, STR("wbps")))
		l->bytes[CGROUP_IO_WRITE] = limit;
	else if (bytes_equal(name, STR("riops")))
		l->requests[CGROUP_IO_READ] = limit;
	else if (bytes_equal(name, STR("wiops")))
		l->requests[CGROUP_IO_WRITE] = limit;
	else
		return -EINVAL;
	return OK;
}

// "MAJOR:MINOR": a whole disk that is there.
static err_t cgroup_io_parse_device(bytes_t text, u64 *out borrowed)
{
	usize colon = bytes_find(text, ':');
	u64 major = 0, minor = 0;

	if (!bytes_parse_u64(bytes_first(text, colon), 10, &major) || colon >= bytes_len(text) ||
		!bytes_parse_u64(bytes_from(text, colon + 1), 10, &minor) || major > U32_MAX || minor > U32_MAX)
		return -EINVAL;
	*out = device_number((u32)major, (u32)minor);
	struct block_device *d object_auto(block_device) = block_device_find(*out);

	return d && !d->disk ? OK : -ENODEV;
}

// "MAJOR:MINOR [rbps=N] [wbps=N] [riops=N] [wiops=N]"; what is not named stays.
err_t cgroup_io_store_max(struct cgroup *g, bytes_t text)
{
	usize space = bytes_find(text, ' ');
	struct cgroup_io_limits l = {};
	u64 device = 0;
	err_t e = cgroup_io_parse_device(bytes_first(text, space), &device);

	if (e)
		return e;
	cgroup_io_read_limits(g, device, &l);
	text = bytes_from(text, min(space + 1, bytes_len(text)));
	while (bytes_len(text)) {
		usize length = bytes_find(text, ' ');

		e = length ? cgroup_io_parse_word(bytes_first(text, length), &l) : OK;
		if (e)
			return e;
		text = bytes_from(text, min(length + 1, bytes_len(text)));
	}
	return cgroup_io_set_limits(g, device, &l);
}

// The weight for all disks, and a line for each disk that has its own.
void cgroup_io_show_weight(struct cgroup *g, struct text *out borrowed)
{
	text_printf(out, "default %u\n", atomic_u32_load(&g->io_weight));
	for (u32 i = 0;; i++) {
		u64 device = cgroup_io_device_at(g, i);
		u32 weight = device == CGROUP_MAX ? 0 : cgroup_io_device_weight(g, device);

		if (device == CGROUP_MAX)
			return;
		if (weight)
			text_printf(out, "%u:%u %u\n", device_major(device), device_minor(device), weight);
	}
}

static err_t cgroup_io_parse_weight(bytes_t text, u32 *weight borrowed)
{
	u64 value = 0;

	if (!bytes_parse_u64(text, 10, &value) || !value || value > CGROUP_IO_WEIGHT_MAX)
		return -EINVAL;
	*weight = (u32)value;
	return OK;
}

// "[default] WEIGHT", "MAJOR:MINOR WEIGHT" or "MAJOR:MINOR default".
err_t cgroup_io_store_weight(struct cgroup *g, bytes_t text)
{
	usize space = bytes_find(text, ' ');
	bytes_t first = bytes_first(text, space), rest = bytes_from(text, min(space + 1, bytes_len(text)));
	u32 weight = 0;
	u64 device = 0;
	err_t e;

	if (bytes_find(text, ':') == bytes_len(text)) {
		e = cgroup_io_parse_weight(bytes_equal(first, STR("default")) ? rest : text, &weight);
		if (!e)
			cgroup_io_set_weight(g, weight);
		return e;
	}
	e = cgroup_io_parse_device(first, &device);
	if (!e && !bytes_equal(rest, STR("default")))
		e = cgroup_io_parse_weight(rest, &weight);
	return e ? e : cgroup_io_set_device_weight(g, device, weight);
}

// One line for each disk that the group or one below has used. Nothing is ever discarded.
void cgroup_io_show_stat(struct cgroup *g, struct text *out borrowed)
{
	for (u32 i = 0;; i++) {
		struct block_device *d object_auto(block_device) = block_device_at(i);
		struct cgroup_io_counts c = {};

		if (!d)
			return;
		if (d->disk)
			continue;
		{
			mutex_guard(&cgroup_tree_lock);
			cgroup_io_read_counts(g, d->number, &c);
		}
		if (!c.requests[CGROUP_IO_READ] && !c.requests[CGROUP_IO_WRITE])
			continue;
		text_printf(out, "%u:%u rbytes=%lu wbytes=%lu ", device_major(d->number), device_minor(d->number),
			c.bytes[CGROUP_IO_READ], c.bytes[CGROUP_IO_WRITE]);
		text_printf(out, "rios=%lu wios=%lu dbytes=0 dios=0\n", c.requests[CGROUP_IO_READ],
			c.requests[CGROUP_IO_WRITE]);
	}
}
