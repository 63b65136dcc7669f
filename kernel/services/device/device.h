// SPDX-License-Identifier: MPL-2.0
// The registry of devices: number <-> name <-> operations. Device nodes of any file system lead here
// by number; devfs makes nodes, sysfs folders, from what is registered. Base type: drivers derive.
#pragma once
#include <core/lock.h>
#include <core/object.h>
#include <core/span.h>

struct file;
struct file_ops;
enum device_kind { DEVICE_CHAR, DEVICE_BLOCK };
#define DEVICE_NAME_MAX 48
struct device {
	struct object object;
	struct list_link link;		// registry's lock
	// All immutable after registration:
	enum device_kind kind;
	u32 major, minor, minor_count;	// [minor, minor + minor_count) lead here; one node, at `minor`
	u32 mode;			// permissions of the node, e.g. 0666
	u8 name[DEVICE_NAME_MAX];	// path under /dev ("null", "vda1", "pts/ptmx"); empty: no node
	u8 class_name[16];		// "mem", "tty", "block", "misc": folder in /sys/class
	const struct file_ops *ops;	// of files opened on it (a block device: services/block's)
	// Prepares an open file. May change f->ops (not yet shared). NULL: nothing to do. -ENXIO, -EBUSY ...
	err_t (*open)(struct device *d, struct file *f);
	struct device *parent;		// reference or NULL (a disk of its partitions)
};
DECLARE_OBJECT(device)
void device_set_name(struct device *d borrowed, bytes_t name);
void device_set_class(struct device *d borrowed, bytes_t name);
// -EBUSY when the number or name is taken. The registry takes a reference. => may sleep (listeners)
err_t device_register(struct device *d);
void device_unregister(struct device *d);
// The simple case: a char device that needs no state of its own.
err_t device_register_char(bytes_t name, bytes_t class_name, u32 major, u32 minor, u32 mode, const struct file_ops *ops,
			   err_t (*open)(struct device *d, struct file *f));
// An unused major number of the dynamic range (234..254), -EBUSY.
ssize_r device_allocate_major(enum device_kind kind);
struct device *device_find(enum device_kind kind, u64 number) owned;
struct device *device_find_name(bytes_t name) owned;
// For walks: the index-th registered, NULL at the end.
struct device *device_at(u32 index) owned;

// devfs, sysfs, uevents: told of every device, those already registered included.
struct device_listener {
	void (*added)(struct device *d);
	void (*removed)(struct device *d);
};
#define DEVICE_LISTENERS_MAX 4
err_t device_listen(const struct device_listener *l);
// Major numbers in use, for /proc/devices: name of the class that uses `major`; false if none.
bool device_major_name(enum device_kind kind, u32 major, span_t out, usize *length borrowed);
