// SPDX-License-Identifier: MPL-2.0
// Programs of bpf(2) that rule devices of control groups: BPF_PROG_TYPE_CGROUP_DEVICE. source: bpf(2)
// A program for packets (BPF_PROG_TYPE_CGROUP_SKB) can be loaded, since libraries ask that way whether programs can be
// attached at all; it cannot look at its packet and there is nothing yet that it could be attached to.
#pragma once
#include <services/cgroup/cgroup.h>
#include <services/vfs/file.h>

#define BPF_NAME_MAX 16u
#define BPF_TAG_SIZE 8u
#define BPF_PROGRAM_ID_MAX 0x7fffffffu
#define BPF_GROUP_PROGRAMS_MAX 64u
#define BPF_PROGRAM_INSTRUCTIONS_MAX 4096u

struct bpf_program;
DECLARE_OBJECT(bpf_program)

// The values are Linux's (enum bpf_prog_type).
enum bpf_type { BPF_TYPE_CGROUP_PACKET = 8, BPF_TYPE_CGROUP_DEVICE = 15 };
struct stack_only bpf_load {
	enum bpf_type type;
	bytes_t instructions;		// whole ones; at least one
	u32 expected_attach_type, is_gpl, uid;
	u8 name[BPF_NAME_MAX];
};
// Checks and keeps a program. -E2BIG, -EINVAL, -EACCES (see bpf_internal.h), -ENOMEM; the reason in `log`.
err_t bpf_program_load(const struct bpf_load *l borrowed, struct text *log borrowed, struct bpf_program **out borrowed);
// By number; NULL: none. *id: the next number in use above it, false at the end.
struct bpf_program *bpf_program_find(u32 id) owned;
bool bpf_program_next_id(u32 *id borrowed);
u32 bpf_program_id(const struct bpf_program *p borrowed);

struct bpf_program_facts {
	enum bpf_type type;
	u32 id, instruction_count, uid, is_gpl;
	u64 load_time_ns;
	u8 tag[BPF_TAG_SIZE], name[BPF_NAME_MAX];
};
void bpf_program_read(const struct bpf_program *p borrowed, struct bpf_program_facts *out borrowed);
// As many bytes of the instructions as fit.
void bpf_program_copy(const struct bpf_program *p borrowed, span_t to);

// A descriptor's file for it; and back: NULL for another kind of file.
err_t bpf_file_create(struct bpf_program *p, struct cred *cred, struct file **out borrowed);
struct bpf_program *bpf_program_of_file(struct file *f);	// borrowed from the file

// --- on a group -------------------------------------------------------------------------------------
enum bpf_attach_flag { BPF_ALLOW_OVERRIDE = 1, BPF_ALLOW_MULTI = 2, BPF_REPLACE = 4 };
// -EINVAL (flags, already there), -EPERM (a group above or a program already here forbids it), -E2BIG,
// -ENOENT (nothing to replace), -ENOMEM. `replaced`: NULL without BPF_REPLACE.
err_t bpf_group_attach(struct cgroup *g, struct bpf_program *p, struct bpf_program *replaced, u32 flags);
// p NULL: the one program of a group without BPF_ALLOW_MULTI. -ENOENT, -EINVAL
err_t bpf_group_detach(struct cgroup *g, struct bpf_program *p);
// The programs of g (effective: those that are asked about its processes): the numbers of the first few, how many
// there are in all, the flags of the group.
struct bpf_group_programs {
	u32 count, flags;
	u32 id[BPF_GROUP_PROGRAMS_MAX];
};
enum bpf_query { BPF_QUERY_OWN, BPF_QUERY_EFFECTIVE };
void bpf_group_query(struct cgroup *g, enum bpf_query what, struct bpf_group_programs *out borrowed);

void bpf_init(void);
