// SPDX-License-Identifier: MPL-2.0
#include "message.h"

#include <stdarg.h>
#include <stdio.h>
#include <unistd.h>

#include "../lib/file.h"

enum { LINE_SIZE = 512 };

void message(const char *format, ...)
{
	char line[LINE_SIZE];
	va_list arguments;
	int length = snprintf(line, sizeof(line), "keelson: ");
	int more;

	va_start(arguments, format);
	more = vsnprintf(line + length, sizeof(line) - (size_t)length - 1, format, arguments);
	va_end(arguments);
	if (more < 0)
		return;
	length += more;
	if (length > LINE_SIZE - 2)
		length = LINE_SIZE - 2;
	line[length++] = '\n';
	// One write, so that lines of several processes do not mix.
	if (file_write_all(STDERR_FILENO, line, (size_t)length) != 0) {
		// There is nowhere else to say it.
	}
}
