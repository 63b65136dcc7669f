// SPDX-License-Identifier: MPL-2.0
#include "fault.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

int fault_set(struct fault *fault, int error, const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	vsnprintf(fault->text, sizeof(fault->text), format, arguments);
	va_end(arguments);
	return error;
}

int fault_errno(struct fault *fault, const char *format, ...)
{
	int error = errno != 0 ? errno : EIO;
	va_list arguments;
	int length;

	va_start(arguments, format);
	length = vsnprintf(fault->text, sizeof(fault->text), format, arguments);
	va_end(arguments);
	if (length >= 0 && (size_t)length < sizeof(fault->text))
		snprintf(fault->text + length, sizeof(fault->text) - (size_t)length, ": %s",
			 strerror(error));
	return -error;
}

int fault_prefix(struct fault *fault, int error, const char *format, ...)
{
	char old[FAULT_TEXT_SIZE];
	va_list arguments;
	int length;

	memcpy(old, fault->text, sizeof(old));
	va_start(arguments, format);
	length = vsnprintf(fault->text, sizeof(fault->text), format, arguments);
	va_end(arguments);
	if (length >= 0 && (size_t)length < sizeof(fault->text))
		snprintf(fault->text + length, sizeof(fault->text) - (size_t)length, ": %s", old);
	return error;
}
