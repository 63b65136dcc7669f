// SPDX-License-Identifier: MPL-2.0
// One map of a user namespace: ranges of numbers inside, in the parent, and in the kernel. Immutable.
// NULL maps are allowed wherever a map is read: nothing is mapped.
#pragma once
#include <services/cred/user_namespace.h>

struct id_map *id_map_identity(void) owned;	// of the initial namespace; NULL without memory
// Lines of "inside outside count". -EINVAL, -EPERM when the parent does not map the outside numbers.
err_t id_map_parse(bytes_t text, const struct id_map *parent borrowed, struct id_map **out borrowed);
u32 id_map_in(const struct id_map *m borrowed, u32 inside);	// kernel number or ID_INVALID
u32 id_map_out(const struct id_map *m borrowed, u32 kernel);
bool id_map_outside_has(const struct id_map *m borrowed, u32 outside);
bool id_map_is_single(const struct id_map *m borrowed);		// one extent of one number
u32 id_map_first_kernel(const struct id_map *m borrowed);
void id_map_show(const struct id_map *m borrowed, const struct id_map *viewer borrowed, struct text *out borrowed);
