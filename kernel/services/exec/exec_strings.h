// SPDX-License-Identifier: MPL-2.0
// The strings of execve on their way to the new stack: argv, then envp, each with its end mark,
// one after the other in chunks of fixed length.
#pragma once
#include <core/buf.h>
#include <core/object.h>
#include <core/user.h>

#define EXEC_STRING_MAX (128u << 10)
#define EXEC_STRINGS_CHUNK (16u << 10)
#define EXEC_STRINGS_CHUNKS_MAX 384u	// 6 MiB
DEFINE_POINTER_TABLE(buf_table, buf)
struct exec_strings {
	struct object object;
	struct buf_table *chunks;	// owned
	u64 length;			// bytes used
	u64 limit;			// bytes allowed
	u32 argument_count, environment_count;
	u64 skipped;			// bytes at the beginning that were replaced (script's argv[0])
	struct buf *prefix;		// owned: strings before the rest (scripts); NULL: none
	u64 prefix_length;
};
DECLARE_OBJECT(exec_strings)
struct exec_strings *exec_strings_create(u64 limit) owned;
enum exec_string_kind { EXEC_ARGUMENT, EXEC_ENVIRONMENT };
// Arguments first, then the environment. -E2BIG, -ENOMEM, -EFAULT
err_t exec_strings_add(struct exec_strings *s, enum exec_string_kind kind, bytes_t text);
err_t exec_strings_add_user(struct exec_strings *s, enum exec_string_kind kind, user_addr_t text);
// Script: argv[0] goes away, `text` comes first. -E2BIG, -ENOMEM
err_t exec_strings_drop_first(struct exec_strings *s);
err_t exec_strings_push_front(struct exec_strings *s, bytes_t text);
// Bytes of all strings; writes them to user memory at `to`.
u64 exec_strings_size(const struct exec_strings *s borrowed);
err_t exec_strings_write(struct exec_strings *s, user_addr_t to);
// The length with end mark of the string at `position` within the whole.
u64 exec_strings_length_at(struct exec_strings *s, u64 position);
