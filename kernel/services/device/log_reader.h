// SPDX-License-Identifier: MPL-2.0
// What syslog(2) reads with SYSLOG_ACTION_READ and a reader of /proc/kmsg share: one place in the kernel log. What one
// of them has read no other sees again. source: syslog(2), proc(5)
#pragma once
#include <core/iobuf.h>

#define LOG_RECORD_TEXT_MAX 640u

enum log_reader_wait { LOG_READER_RETURNS, LOG_READER_WAITS };
// Bytes put into `to`: as many records as are there and fit, the last one perhaps in part; the rest of it comes first
// next time. -EAGAIN when nothing is new (LOG_READER_RETURNS), -ERESTARTSYS, -EFAULT, -ENOMEM. => sleeps
ssize_r log_reader_read(struct iobuf *to borrowed, enum log_reader_wait wait);
// Bytes that are to be read.
u64 log_reader_unread(span_t line);
