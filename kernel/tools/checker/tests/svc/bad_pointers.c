// SPDX-License-Identifier: MPL-2.0
// Legs 1, 2 and 4: conversions, arithmetic, subscripts, addresses of locals and lent pointers.
#include "node.h"
#define UNUSED maybe_unused static

UNUSED u64 to_integer(struct node *n) { return (u64)n; } // BAD: cast
UNUSED struct node *from_integer(u64 x) { return (struct node *)x; } // BAD: cast
UNUSED u32 *other_type(struct node *n) { return (u32 *)n; } // BAD: cast
UNUSED struct node *from_void(void *p) { return p; } // BAD: cast
UNUSED u8 plain_index(u8 *p, int i) { return p[i]; } // BAD: index
UNUSED u8 increment(u8 *p) { p++; return *p; } // BAD: arith
UNUSED u8 *add(u8 *p) { return p + 4; } // BAD: arith
UNUSED long difference(u8 *a, u8 *b) { return a - b; } // BAD: arith
UNUSED int order(u8 *a, u8 *b) { return a < b; } // BAD: ptrcmp
UNUSED void keep_local(void) { struct node n; node_keep(&n); } // BAD: addrlocal
UNUSED u32 *return_local(void) { u32 a[4] = { 0 }; u32 *p = a; return p; } // BAD: addrlocal
UNUSED u32 *return_literal(void) { return &(u32){ 3 }; } // BAD: addrlocal
UNUSED void store_lent(struct node *n borrowed) { n->parent = n; } // BAD: borrow
UNUSED void store_lent_copy(struct node *n borrowed, struct node *m) { struct node *q = n; m->parent = q; } // BAD: borrow
UNUSED void store_lent_later(struct node *n borrowed, struct node *m) { struct node *q = m; q = n; m->parent = q; } // BAD: borrow
UNUSED void store_choice(struct node *n borrowed, struct node *m, u32 c) { m->parent = c ? m : n; } // BAD: borrow
UNUSED u32 *return_lent_field(struct node *n borrowed) { return &n->uid; } // BAD: borrow
UNUSED void pass_lent(struct node *n borrowed) { node_keep(n); } // BAD: borrow
UNUSED void lend_holder(struct node *n borrowed) { struct node *q = n; node_auto_put(&q); } // BAD: borrow
UNUSED void unknown_callee(void (*f)(u32 *), u32 x) { f(&x); } // BAD: addrlocal
void header_borrows(u32 *p borrowed);
void header_borrows(u32 *p) { *p = 1; } // BAD: borrow
UNUSED u32 parameter_array(u32 a[4], u32 i) { return a[i]; } // BAD: index
UNUSED u8 *element_address(span_t s) { return &span_at(s, 0); } // BAD: borrow
UNUSED const u8 *index_address(const u8 *p, usize i) { return &p[i]; } // BAD: index oneend
struct array { u8 a[8]; };
UNUSED u8 *one_past(struct array *a, u32 i) { return &a->a[i]; } // BAD: oneend
struct rows { u8 r[4][8]; };
UNUSED u8 row_past(struct rows *x, u32 i) { span_t s = array_span(x->r[i]); return span_at(s, 0); } // BAD: oneend
static struct array make(void) { return (struct array){ 0 }; }
UNUSED u8 *temporary(void) { u8 *p = make().a; return p; } // BAD: addrlocal
UNUSED u32 drop_const(const u32 *p) { u32 *q = (u32 *)p; return *q; } // BAD: cast
UNUSED int (*function_cast(void))(void) { return (int (*)(void))node_keep; } // BAD: cast
static u32 lending(struct node *n borrowed) { return n->uid; }
UNUSED void wrong_ops(struct node_ops *o) { o->touch = lending; } // BAD: cast
UNUSED span_t view_of_local(void) { u8 a[4] = { 0 }; span_t s = array_span(a); return s; } // BAD: stackonly
UNUSED void view_out(span_t *out) { u8 a[4] = { 0 }; *out = array_span(a); } // BAD: stackonly
UNUSED void view_stored(span_t *out borrowed) { u8 a[4] = { 0 }; *out = array_span(a); } // BAD: stackonly
struct holder { span_t s; }; // BAD: stackonly
struct stack_only context { span_t s; };
UNUSED void view_in_context(struct context *c borrowed) { u8 b[4] = { 0 }; c->s = array_span(b); } // BAD: stackonly
struct raw { u8 *name; }; // BAD: rawptr
struct numbers { u32 *first; }; // BAD: rawptr
union pun { u64 word; u8 *pointer; }; // BAD: rawptr union
union flag { u8 byte; bool truth; }; // BAD: union
struct counted { u32 n; u32 a[] counted_by(n); }; // BAD: fam
struct counted_const { const u32 n; u32 a[] counted_by(n); }; // BAD: fam
UNUSED void char_array(struct array *a) { char text[4] = { 0 }; log_text(LOG_INFO, text, array_bytes(a->a)); } // BAD: addrlocal chars
struct name { char text[4]; };
UNUSED void char_field(struct name *n) { log_text(LOG_INFO, n->text, STR("")); } // BAD: chars
UNUSED void char_address(void) { char c = 'x'; log_text(LOG_INFO, &c, STR("")); } // BAD: addrlocal chars
UNUSED void copy_object(struct node *a, struct node *b) { *a = *b; } // BAD: copy
UNUSED void clear_object(struct node *a) { *a = (struct node){ }; } // BAD: copy
UNUSED void copy_lock(struct node *a, struct node *b) { a->lock = b->lock; } // BAD: copy
struct stack_only keeper { struct node *plain; struct node *held lent_field; };
UNUSED u32 lent_in_plain(struct node *n borrowed) { struct keeper k = { .plain = n }; return k.plain->uid; } // BAD: borrow
UNUSED void lent_field_kept(struct keeper *k borrowed, struct node *m) { m->parent = k->held; } // BAD: borrow
struct heap_keeper { struct node *held lent_field; }; // BAD: stackonly
UNUSED void void_pointer_from_local(void) { u32 x = 0; void *p = &x; (void)p; } // BAD: cast
