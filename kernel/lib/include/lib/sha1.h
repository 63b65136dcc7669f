// SPDX-License-Identifier: MPL-2.0
// SHA-1 (source: RFC 3174): a name for content, not a protection.
#pragma once
#include <core/span.h>

#define SHA1_SIZE 20u
// The digest of `data`; `out` has SHA1_SIZE bytes.
void sha1(bytes_t data, span_t out);
