// SPDX-License-Identifier: MPL-2.0
/* Structures that calls read: shaped as the call wants them, filled at random. */
#ifndef KEELSON_TESTS_STRESS_SHAPES_H
#define KEELSON_TESTS_STRESS_SHAPES_H
#include "texts.h"
#include "values.h"

#include <linux/bpf.h>
#include <linux/filter.h>
#include <poll.h>
#include <sys/epoll.h>
#include <sys/uio.h>

static void *any_pointer(struct dice *d);

/* Words of all kinds: what a structure without a shape of its own is filled with. */
static void *soup(struct dice *d, size_t size)
{
	uint8_t *to = room(d, size);
	for (size_t at = 0; at < size; at += 8) {
		uint64_t word = 0;
		switch (below(d, 8)) {
		case 0: word = any_number(d); break;
		case 1: word = any_bits(d); break;
		case 2: word = d->arena + below(d, ARENA_PAGES * PAGE); break;
		case 3: word = any_fd(d); break;
		case 4: word = any_number(d) << 32 | (any_number(d) & 0xffffffff); break;
		case 5: word = below(d, 256); break;
		}
		memcpy(to + at, &word, size - at < 8 ? size - at : 8);
	}
	return to;
}

static inline void *any_iovec(struct dice *d)
{
	uint64_t count = 1 + below(d, 5);
	struct iovec *v = room(d, count * sizeof(*v));
	for (uint64_t i = 0; i < count; i++)
		v[i] = (struct iovec){any_pointer(d), any_size(d)};
	return v;
}

static inline void *any_time(struct dice *d)
{
	struct timespec *t = room(d, 2 * sizeof(*t));
	for (int i = 0; i < 2; i++)
		t[i] = (struct timespec){one_in(d, 20) ? (time_t)any_number(d) : 0,
			one_in(d, 20) ? (long)any_number(d) : (long)below(d, 2000000)};
	return t;
}

/* A program of classic BPF, mostly one that a checker would take. */
static inline void *any_filter(struct dice *d)
{
	static const uint16_t codes[] = {0x20, 0x28, 0x30, 0x40, 0x48, 0x50, 0x60, 0x61, 0x80, 0xb1, 0x00, 0x01, 0x04,
		0x14, 0x24, 0x34, 0x3c, 0x44, 0x54, 0x64, 0x6c, 0x74, 0x7c, 0x84, 0x94, 0x9c, 0xa4, 0xac, 0x02, 0x03,
		0x05, 0x15, 0x25, 0x35, 0x45, 0x1d, 0x2d, 0x3d, 0x4d, 0x06, 0x16, 0x07, 0x87};
	uint16_t count = (uint16_t)(1 + below(d, 12));
	struct sock_filter *f = room(d, count * sizeof(*f));
	struct sock_fprog *p = room(d, sizeof(*p));
	for (uint16_t i = 0; i < count; i++)
		f[i] = (struct sock_filter){PICK(d, codes), (uint8_t)below(d, 4), (uint8_t)below(d, 4),
			(uint32_t)(below(d, 2) ? 4 * below(d, 16) : any_number(d))};
	if (below(d, 8))	/* ends with "allow" or its like */
		f[count - 1] = (struct sock_filter){0x06, 0, 0, one_in(d, 4) ? 0x00050000 : 0x7fff0000};
	*p = (struct sock_fprog){count, f};
	return p;
}

static inline void *any_bpf(struct dice *d)
{
	static const uint8_t codes[] = {0x07, 0x0f, 0xb7, 0xbf, 0x61, 0x69, 0x71, 0x79, 0x62, 0x63, 0x7b, 0x15, 0x1d,
		0x55, 0x05, 0x25, 0x35, 0x95, 0x85, 0x18, 0x57, 0x77, 0x54, 0x74, 0x04, 0x34, 0xd4, 0xdb};
	uint32_t count = (uint32_t)(1 + below(d, 10));
	struct bpf_insn *f = room(d, count * sizeof(*f));
	union bpf_attr *a = room(d, sizeof(*a));
	memset(a, 0, sizeof(*a));
	for (uint32_t i = 0; i < count; i++)
		f[i] = (struct bpf_insn){PICK(d, codes), (uint8_t)(below(d, 12) & 15), (uint8_t)(below(d, 12) & 15),
			(int16_t)(below(d, 2) ? below(d, 5) : any_number(d)), (int32_t)any_number(d)};
	f[count - 1] = (struct bpf_insn){0x95, 0, 0, 0, 0};
	if (one_in(d, 3))
		return soup(d, sizeof(*a));
	a->prog_type = (uint32_t)(below(d, 2) ? BPF_PROG_TYPE_CGROUP_DEVICE : below(d, 32));
	a->insns = (uintptr_t)f;
	a->insn_cnt = count;
	a->license = (uintptr_t)words_of(d, "GPL");
	return a;
}

static inline void *any_polls(struct dice *d)
{
	struct pollfd *p = room(d, 8 * sizeof(*p));
	for (int i = 0; i < 8; i++)
		p[i] = (struct pollfd){(int)any_fd(d), (short)any_bits(d), 0};
	return p;
}

static inline void *any_sigaction(struct dice *d)
{
	uint64_t *a = room(d, 32);
	a[0] = below(d, 2);	/* SIG_DFL or SIG_IGN; rarely code that is none */
	if (one_in(d, 50))
		a[0] = any_number(d);
	a[1] = any_bits(d) | 0x04000000;
	a[2] = any_number(d);
	a[3] = any_number(d);
	return a;
}

static inline void *any_open_how(struct dice *d)
{
	uint64_t *h = room(d, 24);
	h[0] = any_bits(d);
	h[1] = h[0] & 0100 ? 0644 : 0;
	h[2] = any_bits(d) & (one_in(d, 5) ? ~0ul : 0x3f);
	return h;
}

static inline void *any_clone_args(struct dice *d)
{
	uint64_t *a = room(d, 88);
	memset(a, 0, 88);
	a[0] = any_clone_flags(d) & ~0xfful;
	a[4] = one_in(d, 10) ? any_signal(d) : SIGCHLD;
	for (int i = 1; i < 11; i++)
		if (one_in(d, 6))
			a[i] = one_in(d, 3) ? any_number(d) : any_address(d);
	return a;
}

static inline void *any_pointer(struct dice *d)
{
	switch (below(d, 24)) {
	case 0: return NULL;
	case 1: return (void *)0xffffffff80200000ul;
	case 2: return (void *)any_number(d);
	case 3: return (void *)any_address(d);
	case 4: return (void *)(d->arena + ARENA_PAGES * PAGE - below(d, 64));
	case 5: return words_of(d, PICK(d, setting_words));
	case 6: return words_of(d, PICK(d, name_words));
	case 7: return any_path(d);
	default: return soup(d, 8 * (1 + below(d, 24)));
	}
}
#endif
