// SPDX-License-Identifier: MPL-2.0
#include <stdarg.h>
#include <stdio.h>

#include "commands.h"

int complain(const char *format, ...)
{
	va_list arguments;

	fputs("keel: ", stderr);
	va_start(arguments, format);
	vfprintf(stderr, format, arguments);
	va_end(arguments);
	fputc('\n', stderr);
	return STATUS_FAILED;
}
