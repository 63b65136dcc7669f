// SPDX-License-Identifier: MPL-2.0
// Devices: /sys/class/CLASS/NAME and /sys/dev/char/MAJOR:MINOR with `dev` and `uevent`; disks: /sys/block/NAME and
// /sys/dev/block/MAJOR:MINOR with size, ro and the partitions' numbers. All are made on look-up from the registries.
#include <core/text.h>
#include <services/block/block_device.h>
#include <services/device/device.h>
#include <services/fs/sysfs/sysfs_internal.h>

// What a device's folder and its files show. The device is found again by number each time.
struct device_subject {
	struct object object;
	u64 number;		// immutable
	enum device_kind kind;	// immutable
};
static void device_subject_release(struct device_subject *s) { }
DECLARE_OBJECT(device_subject)
DEFINE_OBJECT(device_subject, device_subject_release)

static struct device_subject *subject_of(struct pseudo_inode *n)
{
	return device_subject_from_object(n->subject);
}

static struct block_device *disk_of(struct pseudo_inode *n) owned;
static struct block_device *disk_of(struct pseudo_inode *n)
{
	return block_device_find(subject_of(n)->number);
}

static err_t dev_show(struct pseudo_inode *n, struct file *f, struct text *out borrowed)
{
	u64 number = subject_of(n)->number;

	text_printf(out, "%u:%u\n", device_major(number), device_minor(number));
	return OK;
}

static void name_put(struct pseudo_inode *n, struct text *out borrowed)
{
	struct device_subject *s = subject_of(n);
	struct device *d object_auto(device) = device_find(s->kind, s->number);
	struct block_device *b object_auto(block_device) = s->kind == DEVICE_BLOCK ? disk_of(n) : NULL;

	if (b)
		text_put(out, bytes_first(array_bytes(b->name), b->name_length));
	else if (d)
		text_put(out, bytes_first(array_bytes(d->name), bytes_string_len(array_bytes(d->name))));
}

static err_t uevent_show(struct pseudo_inode *n, struct file *f, struct text *out borrowed)
{
	u64 number = subject_of(n)->number;

	text_printf(out, "MAJOR=%u\nMINOR=%u\nDEVNAME=", device_major(number), device_minor(number));
	name_put(n, out);
	text_char(out, '\n');
	return OK;
}

static err_t size_show(struct pseudo_inode *n, struct file *f, struct text *out borrowed)
{
	struct block_device *b object_auto(block_device) = disk_of(n);

	text_printf(out, "%lu\n", b ? b->sector_count : 0ul);
	return OK;
}

static err_t ro_show(struct pseudo_inode *n, struct file *f, struct text *out borrowed)
{
	struct block_device *b object_auto(block_device) = disk_of(n);

	text_printf(out, "%u\n", b && (b->flags & BLOCK_DEVICE_READ_ONLY) ? 1u : 0u);
	return OK;
}

static err_t partition_show(struct pseudo_inode *n, struct file *f, struct text *out borrowed)
{
	struct block_device *b object_auto(block_device) = disk_of(n);

	text_printf(out, "%u\n", b ? b->partition : 0u);
	return OK;
}

static err_t start_show(struct pseudo_inode *n, struct file *f, struct text *out borrowed)
{
	struct block_device *b object_auto(block_device) = disk_of(n);

	text_printf(out, "%lu\n", b ? b->start_sector : 0ul);
	return OK;
}

static const struct pseudo_kind dev_file_kind = { .show = dev_show }, uevent_kind = { .show = uevent_show },
				size_kind = { .show = size_show }, ro_kind = { .show = ro_show },
				partition_kind = { .show = partition_show }, start_kind = { .show = start_show };
#define FILE_OF(text, kind_) { .name = text, .mode = S_IFREG | 0444, .kind = &(kind_) }
static const struct pseudo_entry device_entries[] = {
	FILE_OF("dev", dev_file_kind),
	FILE_OF("uevent", uevent_kind),
	FILE_OF("size", size_kind),
	FILE_OF("ro", ro_kind),
	FILE_OF("partition", partition_kind),
	FILE_OF("start", start_kind),
};
#define CHAR_ENTRIES 2u
#define DISK_ENTRIES 4u

static const struct pseudo_entry *device_entry(u32 index)
{
	return index < array_len(device_entries) ? array_ptr(device_entries, index) : NULL;
}

// Character devices have two files, disks four, partitions six.
static bool device_has_entry(struct pseudo_inode *dir, const struct pseudo_entry *e)
{
	struct block_device *b object_auto(block_device) = subject_of(dir)->kind == DEVICE_BLOCK ? disk_of(dir) : NULL;
	u32 count = b ? (b->partition ? (u32)array_len(device_entries) : DISK_ENTRIES) : CHAR_ENTRIES;

	for (u32 i = 0; i < count; i++)
		if (e == array_ptr(device_entries, i))
			return true;
	return false;
}

static const struct pseudo_kind device_kind_folder;

static err_t device_folder(
	struct pseudo_inode *dir, bytes_t name, enum device_kind kind, u64 number, struct inode **out borrowed)
{
	struct device_subject *s object_auto(device_subject) = device_subject_alloc();

	if (!s)
		return -ENOMEM;
	s->kind = kind;
	s->number = number;
	return pseudo_create(dir, name, S_IFDIR | 0755, &device_kind_folder, &s->object, 0, out);
}

// A disk's folder holds its partitions' folders too.
static err_t device_lookup(struct pseudo_inode *dir, bytes_t name, struct inode **out borrowed)
{
	struct block_device *b object_auto(block_device) = block_device_find_name(name);
	struct block_device *own object_auto(block_device) =
		subject_of(dir)->kind == DEVICE_BLOCK ? disk_of(dir) : NULL;

	if (!b || !own || b->disk != own)
		return -ENOENT;
	return device_folder(dir, name, DEVICE_BLOCK, b->number, out);
}

// Lists the block devices below `disk` (NULL: whole disks). Positions are registry indices.
static err_t disks_list(struct pseudo_inode *dir, struct block_device *disk, u64 *position borrowed,
	struct directory_sink *sink borrowed)
{
	for (;; *position += 1) {
		struct block_device *b object_auto(block_device) = block_device_at((u32)*position);

		if (!b)
			return OK;
		bytes_t name = bytes_first(array_bytes(b->name), b->name_length);
		if (b->disk == disk && !sink->add(sink, name, pseudo_number(dir, name), S_IFDIR >> 12, *position + 1))
			return OK;
	}
}

static err_t device_read_directory(
	struct pseudo_inode *dir, u64 *position borrowed, struct directory_sink *sink borrowed)
{
	struct block_device *own object_auto(block_device) =
		subject_of(dir)->kind == DEVICE_BLOCK ? disk_of(dir) : NULL;

	return own ? disks_list(dir, own, position, sink) : OK;
}

static const struct pseudo_kind device_kind_folder = {
	.entry_at = device_entry,
	.has_entry = device_has_entry,
	.lookup = device_lookup,
	.read_directory = device_read_directory,
};

// --- /sys/block -----------------------------------------------------------------------------------------
static err_t block_lookup(struct pseudo_inode *dir, bytes_t name, struct inode **out borrowed)
{
	struct block_device *b object_auto(block_device) = block_device_find_name(name);

	return b && !b->disk ? device_folder(dir, name, DEVICE_BLOCK, b->number, out) : (err_t)-ENOENT;
}

static err_t block_read_directory(
	struct pseudo_inode *dir, u64 *position borrowed, struct directory_sink *sink borrowed)
{
	return disks_list(dir, NULL, position, sink);
}

const struct pseudo_kind sysfs_block_kind = { .lookup = block_lookup, .read_directory = block_read_directory };

// --- /sys/class: one folder for each class name that is in use ---------------------------------------------
#define class_name_of(d) bytes_first(array_bytes((d)->class_name), bytes_string_len(array_bytes((d)->class_name)))
#define device_name_of(d) bytes_first(array_bytes((d)->name), bytes_string_len(array_bytes((d)->name)))

// The first registered device of a class: stands for it. Its index, or -ENOENT.
static err_t class_find(bytes_t name, u32 *index borrowed)
{
	for (u32 i = 0;; i++) {
		struct device *d object_auto(device) = device_at(i);

		if (!d)
			return -ENOENT;
		if (bytes_equal(class_name_of(d), name) && bytes_len(device_name_of(d)) > 0) {
			*index = i;
			return OK;
		}
	}
}

static err_t member_lookup(struct pseudo_inode *dir, bytes_t name, struct inode **out borrowed)
{
	struct device *any object_auto(device) = device_at((u32)dir->value[0]);
	struct device *d object_auto(device) = device_find_name(name);

	if (!any || !d || !bytes_equal(class_name_of(d), class_name_of(any)))
		return -ENOENT;
	return device_folder(dir, name, d->kind, device_number(d->major, d->minor), out);
}

static err_t member_read_directory(
	struct pseudo_inode *dir, u64 *position borrowed, struct directory_sink *sink borrowed)
{
	struct device *any object_auto(device) = device_at((u32)dir->value[0]);

	for (; any; *position += 1) {
		struct device *d object_auto(device) = device_at((u32)*position);

		if (!d)
			return OK;
		if (!bytes_equal(class_name_of(d), class_name_of(any)) || bytes_len(device_name_of(d)) == 0)
			continue;
		if (!sink->add(sink, device_name_of(d), pseudo_number(dir, device_name_of(d)), S_IFDIR >> 12,
			    *position + 1))
			return OK;
	}
	return OK;
}

static const struct pseudo_kind class_member_kind = { .lookup = member_lookup,
	.read_directory = member_read_directory };

static err_t class_lookup(struct pseudo_inode *dir, bytes_t name, struct inode **out borrowed)
{
	u32 index = 0;
	err_t err = class_find(name, &index);

	return err ? err : pseudo_create(dir, name, S_IFDIR | 0755, &class_member_kind, NULL, index, out);
}

static err_t class_read_directory(
	struct pseudo_inode *dir, u64 *position borrowed, struct directory_sink *sink borrowed)
{
	for (;; *position += 1) {
		struct device *d object_auto(device) = device_at((u32)*position);
		u32 first = 0;

		if (!d)
			return OK;
		if (class_find(class_name_of(d), &first) || first != *position)
			continue;
		if (!sink->add(
			    sink, class_name_of(d), pseudo_number(dir, class_name_of(d)), S_IFDIR >> 12, *position + 1))
			return OK;
	}
}

static const struct pseudo_entry class_entries[] = {
	{ .name = "net", .mode = S_IFDIR | 0755, .kind = &sysfs_net_kind },
};
static const struct pseudo_entry *class_entry(u32 index)
{
	return index < array_len(class_entries) ? array_ptr(class_entries, index) : NULL;
}
const struct pseudo_kind sysfs_class_kind = {
	.entry_at = class_entry, .lookup = class_lookup, .read_directory = class_read_directory
};

// --- /sys/dev/{char,block}/MAJOR:MINOR ----------------------------------------------------------------------
static err_t number_lookup(struct pseudo_inode *dir, bytes_t name, struct inode **out borrowed)
{
	usize colon = bytes_find(name, ':');
	enum device_kind kind = dir->value[0] ? DEVICE_BLOCK : DEVICE_CHAR;
	u64 major = 0, minor = 0;

	if (colon == bytes_len(name) || !bytes_parse_u64(bytes_first(name, colon), 10, &major) ||
		!bytes_parse_u64(bytes_from(name, colon + 1), 10, &minor))
		return -ENOENT;
	u64 number = device_number((u32)major, (u32)minor);
	struct device *d object_auto(device) = kind == DEVICE_CHAR ? device_find(kind, number) : NULL;
	struct block_device *b object_auto(block_device) = kind == DEVICE_BLOCK ? block_device_find(number) : NULL;
	return d || b ? device_folder(dir, name, kind, number, out) : (err_t)-ENOENT;
}

static const struct pseudo_kind number_kind = { .lookup = number_lookup };
static const struct pseudo_entry dev_entries[] = {
	{ .name = "char", .mode = S_IFDIR | 0755, .kind = &number_kind, .value = 0 },
	{ .name = "block", .mode = S_IFDIR | 0755, .kind = &number_kind, .value = 1 },
};
static const struct pseudo_entry *dev_entry(u32 index)
{
	return index < array_len(dev_entries) ? array_ptr(dev_entries, index) : NULL;
}
const struct pseudo_kind sysfs_dev_kind = { .entry_at = dev_entry };
