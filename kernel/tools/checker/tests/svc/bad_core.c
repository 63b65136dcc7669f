// SPDX-License-Identifier: MPL-2.0
// Legs 3, 5 and 7: references, guards, initialisation, and what belongs to the core.
#include "node.h"
#include "../other/outside.h" // BAD: include
#pragma clang diagnostic ignored "-Wall" // BAD: pragma
#define UNUSED maybe_unused static
extern int core_secret(int); // BAD: extern
static int counter; // BAD: global
static struct node *cached; // BAD: global
volatile int spinning; // BAD: global volatile
_Thread_local int local_to_thread; // BAD: global
UNUSED int *unnamed(void) { static int once; return &once; } // BAD: global
UNUSED void assembly(void) { __asm__ volatile("cli"); } // BAD: asm
UNUSED int variadic(int n, ...) { return n; } // BAD: varargs
UNUSED void format_variable(const char *f) { log_info(f); } // BAD: format
UNUSED void format_string(const char *s) { log_info("%s", s); } // BAD: format
UNUSED void format_pointer(struct node *n) { log_info("%p", n); } // BAD: format
UNUSED void variable_length(int n) { u8 a[n]; a[0] = 1; } // BAD: vla
UNUSED void reference_lost(u32 n) { struct node *i = node_find(n); i->uid = 1; } // BAD: owned
UNUSED struct node *reference_unmarked(void) { return node_find(3); } // BAD: owned
UNUSED void reference_dropped(u32 n) { (void)node_find(n); } // BAD: owned
UNUSED struct node *escape_return(u32 n) { struct node *i object_auto(node) = node_find(n); return i; } // BAD: escape
UNUSED void escape_store(struct node *m, u32 n) { struct node *i object_auto(node) = node_find(n); m->parent = i; } // BAD: escape
UNUSED void consume_copy(struct node *n) { node_put(n->parent); } // BAD: consume
UNUSED u32 unguarded(struct node *n) { return n->link_count; } // BAD: guard
UNUSED u32 other_guard(struct node *a, struct node *b) { spin_guard(&a->lock); return b->link_count; } // BAD: guard
UNUSED u64 wrong_lock(struct node *a) { spin_guard(&a->lock); return a->size; } // BAD: guard
UNUSED u32 guard_ended(struct node *a) { { spin_guard(&a->lock); } return a->link_count; } // BAD: guard
UNUSED void base_changes(struct node *a, struct node *b) { spin_guard(&a->lock); a = b; a->link_count = 0; } // BAD: guardbase
UNUSED void path_changes(struct node *a, struct node *b) { spin_guard(&a->parent->lock); a->parent = b; } // BAD: guardbase
UNUSED u64 private_field(span_t s) { return s.__n; } // BAD: private
UNUSED u32 private_object(struct node *n) { return n->object.__references; } // BAD: private
UNUSED span_t private_build(u8 *p) { return (span_t){ p, 100 }; } // BAD: private
UNUSED span_t private_second(usize n) { return (span_t){ .__n = n }; } // BAD: private
UNUSED void builtin_copy(void *d, const void *s) { __builtin_memcpy(d, s, 8); } // BAD: builtin
UNUSED void atomic_builtin(struct node *n) { __atomic_store_n(&n->uid, 1, __ATOMIC_RELAXED); } // BAD: builtin
__attribute__((section(".init"))) UNUSED void section(void) { } // BAD: attr
__attribute__((constructor)) UNUSED void constructor_function(void) { } // BAD: attr
UNUSED void held(struct node *n) { __spin_held(&n->lock); } // BAD: reserved
UNUSED void as_bytes(struct record *r) { (void)__object_span(r, 8); } // BAD: reserved
UNUSED void computed_goto(int x) { void *l = &&out; goto *l; out: (void)x; } // BAD: goto
UNUSED int jump(int c) { if (c) goto out; return 1; out: return 0; } // BAD: goto
UNUSED int switch_declaration(int c) { switch (c) { int x; case 1: x = 2; return x; } return 0; } // BAD: switch
UNUSED int switch_labelled(int c) { switch (c) { case 0: int x = 3; return x; case 1: return 2; } return 0; } // BAD: switch
UNUSED void pragma_operator(void) { _Pragma("clang diagnostic ignored \"-Wall\"") } // BAD: pragma
int renamed(int) __asm__("core_secret"); // BAD: attr extern
void *memcpy(void *, const void *, usize); // BAD: extern
typedef u8 __mine; // BAD: reserved
static void keeps(struct node **p) { (*p)->uid = 0; }
UNUSED void cleanup_keeps(u32 n) { struct node *i auto_release(keeps) = node_find(n); i->uid = 1; } // BAD: cleanup
UNUSED err_t leak_pointer(user_addr_t to, struct node *n) { struct pointing p = { 1, n }; return user_copy_out_object(to, &p); } // BAD: abi
UNUSED err_t leak_padding(user_addr_t to) { struct holed h = { 1, 2 }; return user_copy_out_object(to, &h); } // BAD: abi
UNUSED err_t forge_object(struct node *n, user_addr_t from) { return user_copy_in_object(n, from); } // BAD: abi
UNUSED err_t forge_truth(bool *b, user_addr_t from) { return user_copy_in_object(b, from); } // BAD: abi
exclusive_access UNUSED u32 not_first(u32 a, struct node *n) { return n->link_count + a; } // BAD: guard
exclusive_access UNUSED void first_only(struct node *n) { n->link_count = 0; }
UNUSED void calls_exclusive(struct node *n) { first_only(n); } // BAD: exclusive
