// SPDX-License-Identifier: MPL-2.0
// Cryptographic random numbers (ChaCha20, reseeded; fast key erasure).
#pragma once
#include <core/span.h>

void random_fill(span_t out);
u64 random_u64(void);
// Evenly distributed below `limit` (> 0).
u64 random_below(u64 limit);
// Mixes entropy from a device (virtio-rng) or user (write to /dev/random; credit 0).
void random_add(bytes_t entropy, u32 credit_bits);
bool random_is_ready(void);
