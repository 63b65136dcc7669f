// SPDX-License-Identifier: MPL-2.0
// The tag names a program by its content: equal programs have equal tags, here and on Linux.
#include <lib/sha1.h>
#include <services/bpf/bpf_internal.h>

void bpf_tag(bytes_t program, span_t tag)
{
	u8 digest[SHA1_SIZE];

	sha1(program, array_span(digest));
	span_copy_some(tag, array_bytes(digest));
}
