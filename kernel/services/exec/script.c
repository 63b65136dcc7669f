// SPDX-License-Identifier: MPL-2.0
// "#!" lines. source: execve(2), "Interpreter scripts"
#include <services/exec/exec_internal.h>

static bool is_blank(u8 c)
{
	return c == ' ' || c == '\t';
}

err_t script_parse(bytes_t head, struct script_line *out borrowed)
{
	usize end = bytes_find(head, '\n');
	bool cut = end == bytes_len(head) && end == EXEC_HEAD_SIZE;
	usize at = 2;
	while (at < end && is_blank(byte_at(head, at)))
		at++;
	usize name = at;
	while (at < end && !is_blank(byte_at(head, at)) && byte_at(head, at))
		at++;
	if (at == name || (cut && at == end))
		return -ENOEXEC;	// no name, or one whose end we do not know
	out->name_offset = (u32)name;
	out->name_length = (u32)(at - name);
	while (at < end && is_blank(byte_at(head, at)))
		at++;
	// One argument: the rest of the line without blanks at its end.
	usize last = at + bytes_string_len(bytes_slice(head, at, end - at));
	while (last > at && is_blank(byte_at(head, last - 1)))
		last--;
	out->argument_offset = (u32)at;
	out->argument_length = (u32)(last - at);
	return OK;
}
