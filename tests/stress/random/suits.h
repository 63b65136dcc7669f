// SPDX-License-Identifier: MPL-2.0
/* All arguments of a call. */
#ifndef KEELSON_TESTS_STRESS_SUITS_H
#define KEELSON_TESTS_STRESS_SUITS_H
#include "arguments.h"

/* Calls whose arguments belong together. */
static void suit(struct dice *d, const struct call *c, uint64_t v[6])
{
	static const char *const keys[] = {"size", "mode", "source", "uid", "ro", "nr_inodes", "x"};
	uint64_t size = 0;
	switch (c->number) {
	case SYS_connect: case SYS_bind:
		v[1] = (uintptr_t)any_name(d, &size);
		v[2] = size;
		break;
	case SYS_sendto:
		v[4] = (uintptr_t)any_name(d, &size);
		v[5] = size;
		if (one_in(d, 2)) {
			v[1] = (uintptr_t)room(d, 400);
			v[2] = put_netlink(d, (uint8_t *)v[1], 400);
		}
		break;
	case SYS_mq_open: case SYS_mq_unlink:
		v[0] = (uintptr_t)words_of(d, one_in(d, 2) ? "q" : PICK(d, name_words));
		v[3] = below(d, 3) ? 0 : v[3];
		break;
	case SYS_setxattr: case SYS_lsetxattr: case SYS_fsetxattr: case SYS_getxattr: case SYS_lgetxattr:
	case SYS_fgetxattr: case SYS_removexattr: case SYS_lremovexattr: case SYS_fremovexattr:
		v[1] = (uintptr_t)words_of(d, name_words[below(d, below(d, 3) ? 2 : 10)]);
		break;
	case SYS_landlock_create_ruleset: case SYS_landlock_add_rule: {
		uint64_t *rule = room(d, 16);
		rule[0] = any_bits(d) & 0x3fff;
		rule[1] = SLOT_FOLDER;
		v[0] = c->number == SYS_landlock_add_rule ? v[0] : (uintptr_t)rule;
		v[1] = c->number == SYS_landlock_add_rule ? 1 : 8;
		v[2] = c->number == SYS_landlock_add_rule ? (uintptr_t)rule : 0;
		break;
	}
	case SYS_fsconfig:
		v[1] = below(d, 9);
		v[2] = (uintptr_t)words_of(d, PICK(d, keys));
		v[3] = below(d, 3) ? (uintptr_t)words_of(d, PICK(d, setting_words)) : v[1] == 6 ? 0 : v[3];
		v[4] = below(d, 3) ? 0 : v[4];
		break;
	case SYS_accept: case SYS_accept4: case SYS_getsockname: case SYS_getpeername:
		v[1] = (uintptr_t)room(d, 128);
		v[2] = (uintptr_t)memcpy(room(d, 4), &(uint32_t){below(d, 8) ? 100 : (uint32_t)any_number(d)}, 4);
		break;
	case SYS_epoll_ctl:
		v[1] = 1 + below(d, 3);
		v[3] = (uintptr_t)any_polls(d);
		break;
	case SYS_copy_file_range: case SYS_splice: case SYS_sendfile:
		v[0] = one_in(d, 3) ? SLOT_PIPE : v[0];
		v[1] = below(d, 3) ? 0 : v[1];
		v[2] = one_in(d, 3) ? SLOT_PIPE_END : v[2];
		v[3] = below(d, 3) ? 0 : v[3];
		break;
	case SYS_socket: case SYS_socketpair:
		v[1] = any_socket_type(d);
		break;
	case SYS_setsockopt:
		if (one_in(d, 6)) {
			v[2] = 26;	/* SO_ATTACH_FILTER */
			v[3] = (uintptr_t)any_filter(d);
			v[4] = 16;
		} else if (below(d, 3)) {
			v[4] = below(d, 3) ? 4 : 16;
		}
		break;
	case SYS_ioctl:
		v[1] = any_ioctl(d);
		v[2] = below(d, 3) ? (uintptr_t)any_pointer(d) : any_fd(d);
		break;
	case SYS_mmap:
		v[0] = below(d, 2) ? any_address(d) : 0;
		v[1] = below(d, 8) ? PAGE * (1 + below(d, 20)) : any_number(d);
		v[3] = (1 + below(d, 3)) | (v[0] && below(d, 4) ? 0x10 : 0) | (below(d, 2) ? 0x20 : 0);
		v[3] |= one_in(d, 4) ? any_bits(d) : 0;
		if (v[3] & 0x10)	/* what is there already may go only in the ground that is for it */
			v[0] = GROUND_BASE + below(d, GROUND_PAGES / 2) * PAGE;
		break;
	case SYS_munmap: case SYS_mprotect: case SYS_madvise: case SYS_mremap: case SYS_mlock:
	case SYS_remap_file_pages: case SYS_pkey_mprotect: case SYS_msync:
		if (below(d, 30))
			v[0] = GROUND_BASE + below(d, GROUND_PAGES) * PAGE;
		v[1] = below(d, 20) ? PAGE * below(d, 20) : any_number(d);
		if (c->number == SYS_mremap && v[3] & 2)
			v[4] = GROUND_BASE + below(d, GROUND_PAGES / 2) * PAGE;
		break;
	case SYS_seccomp:
		v[0] = 1 + below(d, 3);	/* strict mode would only end the thread */
		v[1] = any_bits(d);
		v[2] = (uintptr_t)any_filter(d);
		break;
	case SYS_bpf:
		v[0] = below(d, 2) ? 5 : below(d, 40);
		v[1] = (uintptr_t)any_bpf(d);
		v[2] = below(d, 8) ? 72 : any_size(d);
		break;
	case SYS_unshare: case SYS_setns:
		v[c->number == SYS_setns] = any_clone_flags(d) & ~0xfful;
		break;
	case SYS_prctl:
		v[0] = one_in(d, 4) ? PICK(d, ((const uint64_t[]){0x59616d61, 0x53564d41, 35, 47, 59})) : below(d, 70);
		break;
	case SYS_mount:
		v[2] = (uintptr_t)words_of(d, PICK(d, type_words));
		v[3] = any_bits(d) & (one_in(d, 4) ? ~0ul : 0x5fffff);
		break;
	case SYS_openat2: case SYS_clone3:
		v[c->number == SYS_openat2 ? 3 : 1] = c->number == SYS_clone3 ? 88 : one_in(d, 8) ? any_size(d) : 24;
		break;
	case SYS_ptrace:
		v[0] = below(d, 3) ? below(d, 26) : 0x4200 + below(d, 18);
		break;
	case SYS_fcntl:
		v[1] = below(d, 2) ? below(d, 40) : 1024 + below(d, 20);
		break;
	case SYS_futex:
		v[1] = below(d, 14) | (below(d, 3) << 7);
		v[3] = below(d, 2) ? (uintptr_t)any_time(d) : few(d);
		break;
	case SYS_keyctl:
		v[0] = below(d, 34);
		v[1] = any_key(d);
		break;
	case SYS_shmget:
		v[1] = below(d, 8) ? PAGE * below(d, 8) : any_number(d);
		break;
	}
}

static void choose(struct dice *d, const struct call *c, uint64_t v[6])
{
	for (int i = 0; i < 6; i++) {
		const struct argument *a = &c->arguments[i];
		if (a->type == TYPE_NONE)
			v[i] = 0;
		else
			v[i] = a->type == TYPE_POINTER ? pointer_argument(d, a->name) : number_argument(d, c->number,
				a);
	}
	suit(d, c, v);
	if (one_in(d, 40))	/* and now and then one argument is anything */
		v[below(d, 6)] = any_number(d);
}
#endif
