// SPDX-License-Identifier: MPL-2.0
// Tricks with the preprocessor: a change of the core's text, and a change of what file a line is from.
#include "node.h"
#define UNUSED maybe_unused static
#define sizeof(x) 4096 // BAD: macro
UNUSED usize captured(struct node *n) { return span_len(array_span(n->name)); } // BAD: macro
#undef sizeof // BAD: macro
#define __hidden 1 // BAD: macro
UNUSED u64 through_macro(struct node *n)
{
#define NUMBER_OF(pointer) ((u64)(pointer))
	return NUMBER_OF(n); // BAD: cast
}
#line 15 "/usr/include/core/types.h" // BAD: line
UNUSED u64 elsewhere(struct node *n) { return (u64)n; } // BAD: cast
