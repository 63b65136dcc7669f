// SPDX-License-Identifier: MPL-2.0
// Between the files of this folder.
#pragma once
#include <core/buf.h>
#include <core/list.h>
#include <core/text.h>
#include <services/bpf/bpf.h>

// struct bpf_cgroup_dev_ctx: access type (access << 16 | kind), major, minor.
#define BPF_CONTEXT_SIZE 12u
struct bpf_device_context {
	u32 access_type, major, minor;
};

struct bpf_program {
	struct object object;
	enum bpf_type type;		// immutable
	u32 id;				// immutable
	u32 instruction_count;		// immutable
	u64 load_time_ns;		// since boot; immutable
	u32 uid;			// kernel id of who loaded it; immutable
	u32 expected_attach_type;	// immutable
	u32 is_gpl;			// immutable
	u8 name[BPF_NAME_MAX];		// immutable
	u8 tag[BPF_TAG_SIZE];		// immutable
	struct buf *original;		// owned; as it was loaded; immutable
	struct buf *code;		// owned; as the interpreter wants it; immutable
	struct tree_link link;		// the table of numbers, under its lock
};

// Follows every path through `program` (decoded from the buffer, whose loads it annotates). OK, -EINVAL (malformed,
// loops), -EACCES (what it may not do), -ENOMEM. Says why in `log`.
err_t bpf_verify(span_t program, enum bpf_type type, struct text *log borrowed);
// r0 of a verified program at its end.
u64 bpf_run(const struct bpf_program *p borrowed, const struct bpf_device_context *context borrowed);
// The first bytes of SHA-1 over the instructions.
void bpf_tag(bytes_t program, span_t tag);
