// SPDX-License-Identifier: MPL-2.0
// How units (and keel's options) write amounts and signals. All return 0 or -EINVAL.
#pragma once

#include <stdint.h>

// "512MiB", "512M", "512m", "65536": bytes; units are powers of 1024.
int unit_value_bytes(const char *text, uint64_t *bytes);

// "1500m" or "1.5": thousandths of a processor, at least 10.
int unit_value_cpu(const char *text, uint64_t *milli);

// A plain decimal number from 1 to `max`.
int unit_value_count(const char *text, uint64_t max, uint64_t *count);

// "TERM", "SIGTERM", "15": a signal's number, or -EINVAL.
int unit_value_signal(const char *text);

// "true" or "false" (also "yes", "no"): 1 or 0, or -EINVAL.
int unit_value_truth(const char *text);
