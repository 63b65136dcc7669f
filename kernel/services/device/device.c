// SPDX-License-Identifier: MPL-2.0
// The registry of devices.
#include <core/atomic.h>
#include <services/device/device.h>

DEFINE_BASE(device)
DEFINE_LIST(device_list, device, link)

struct simple_device {
	struct device base;
};
static exclusive_access void simple_device_release(struct simple_device *d)
{
	if (d->base.parent)
		device_put(take(d->base.parent));
}
DEFINE_DERIVED(simple_device, device, simple_device_release)

// One mutex over registration keeps listeners in step; look-ups take the spinlock alone.
static struct mutex change_lock = MUTEX_INIT(RANK_DEVICE_CHANGE);
static struct spinlock list_lock = SPINLOCK_INIT(RANK_SERVICE_LEAF);
static struct device_list devices GUARDED_BY(list_lock);
static const struct device_listener *listeners[DEVICE_LISTENERS_MAX] GUARDED_BY(change_lock);
static u32 listener_count GUARDED_BY(change_lock);
static struct atomic_u32 char_majors = ATOMIC_INIT(234), block_majors = ATOMIC_INIT(240);

#define DYNAMIC_MAJOR_END 512u

void device_set_name(struct device *d borrowed, bytes_t name)
{
	span_fill(array_span(d->name), 0);
	span_copy_some(span_first(array_span(d->name), DEVICE_NAME_MAX - 1), name);
}

void device_set_class(struct device *d borrowed, bytes_t name)
{
	span_fill(array_span(d->class_name), 0);
	span_copy_some(span_first(array_span(d->class_name), sizeof(d->class_name) - 1), name);
}

static bool devices_overlap(const struct device *a, const struct device *b)
{
	return a->kind == b->kind && a->major == b->major && a->minor < b->minor + b->minor_count &&
		b->minor < a->minor + a->minor_count;
}

static bool same_name(const struct device *a, const struct device *b)
{
	return a->name[0] && bytes_equal(array_bytes(a->name), array_bytes(b->name));
}

static err_t device_enter(struct device *d)
{
	struct device *held object_auto(device) = device_get(d);
	spin_guard(&list_lock);
	list_for_each(device_list, other, &devices) {
		if (devices_overlap(other, d) || same_name(d, other))
			return -EBUSY;
	}
	device_list_append(&devices, take(held));
	return OK;
}

err_t device_register(struct device *d)
{
	if (d->minor_count == 0)
		d->minor_count = 1;
	mutex_guard(&change_lock);
	const err_t e = device_enter(d);
	if (e)
		return e;
	for (u32 n = 0; n < listener_count; n++)
		listeners[n]->added(d);
	return OK;
}

static bool device_leave(struct device *d)
{
	spin_guard(&list_lock);
	if (!device_list_is_linked(d))
		return false;
	device_list_remove(&devices, d);
	return true;
}

void device_unregister(struct device *d)
{
	mutex_guard(&change_lock);
	if (!device_leave(d))
		return;
	for (u32 n = 0; n < listener_count; n++)
		listeners[n]->removed(d);
	device_put(take(d));
}

err_t device_register_char(bytes_t name, bytes_t class_name, u32 major, u32 minor, u32 mode, const struct file_ops *ops,
			   err_t (*open)(struct device *d, struct file *f))
{
	struct simple_device *d object_auto(simple_device) = simple_device_alloc();
	if (!d)
		return -ENOMEM;
	d->base.kind = DEVICE_CHAR;
	d->base.major = major;
	d->base.minor = minor;
	d->base.mode = mode;
	d->base.ops = ops;
	d->base.open = open;
	device_set_name(&d->base, name);
	device_set_class(&d->base, class_name);
	return device_register(&d->base);
}

ssize_r device_allocate_major(enum device_kind kind)
{
	const u32 major = kind == DEVICE_CHAR ? atomic_u32_add(&char_majors, 1) : atomic_u32_add(&block_majors, 1);
	return major < DYNAMIC_MAJOR_END ? (ssize_r)major : (ssize_r)-EBUSY;
}

// --- look-up ----------------------------------------------------------------------------------------

static u32 number_major(u64 number)
{
	return (u32)(number >> 20);
}

static u32 number_minor(u64 number)
{
	return (u32)number & 0xfffff;
}

struct device *device_find(enum device_kind kind, u64 number)
{
	const u32 major = number_major(number), minor = number_minor(number);
	spin_guard(&list_lock);
	list_for_each(device_list, d, &devices) {
		if (d->kind == kind && d->major == major && minor >= d->minor && minor - d->minor < d->minor_count)
			return device_get(d);
	}
	return NULL;
}

struct device *device_find_name(bytes_t name)
{
	spin_guard(&list_lock);
	list_for_each(device_list, d, &devices) {
		if (bytes_equal(bytes_first(array_bytes(d->name), bytes_string_len(array_bytes(d->name))), name))
			return device_get(d);
	}
	return NULL;
}

struct device *device_at(u32 index)
{
	spin_guard(&list_lock);
	list_for_each(device_list, d, &devices) {
		if (index-- == 0)
			return device_get(d);
	}
	return NULL;
}

err_t device_listen(const struct device_listener *l)
{
	mutex_guard(&change_lock);
	if (listener_count == DEVICE_LISTENERS_MAX)
		return -ENOSPC;
	listeners[listener_count++] = l;
	for (u32 n = 0;; n++) {
		struct device *d object_auto(device) = device_at(n);
		if (!d)
			return OK;
		l->added(d);
	}
}

bool device_major_name(enum device_kind kind, u32 major, span_t out, usize *length borrowed)
{
	spin_guard(&list_lock);
	list_for_each(device_list, d, &devices) {
		if (d->kind != kind || d->major != major)
			continue;
		*length = span_copy_some(out, bytes_first(array_bytes(d->class_name),
			bytes_string_len(array_bytes(d->class_name))));
		return true;
	}
	return false;
}
