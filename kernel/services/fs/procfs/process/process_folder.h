// SPDX-License-Identifier: MPL-2.0
// Tables of entries of /proc/PID, one a file of this folder; process_folder.c joins them.
#pragma once
#include <services/fs/procfs/procfs_internal.h>

const struct pseudo_entry *proc_memory_entry(u32 index);	// process_memory.c
const struct pseudo_entry *proc_world_entry(u32 index);		// process_world.c
const struct pseudo_entry *proc_call_entry(u32 index);		// process_call.c
const struct pseudo_entry *proc_children_entry(void);		// of threads only
// Files of one address space: an opener who may not look is refused; then the space as it was, NULL when it is gone.
err_t proc_space_open(struct pseudo_inode *n, struct file *f);
struct vm_space *proc_space_of_file(struct file *f) owned;
extern const struct pseudo_kind proc_pagemap_kind;	// process_pagemap.c
// process_maps.c
extern const struct pseudo_kind proc_maps_kind;
extern const struct pseudo_kind proc_smaps_kind;
extern const struct pseudo_kind proc_smaps_rollup_kind;
// readlink of a magic link: the name of where follow_link leads.
ssize_r proc_link_name(struct pseudo_inode *n, span_t out);
