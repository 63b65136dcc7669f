// SPDX-License-Identifier: MPL-2.0
// Registers and signals of a tracee that stands, in Linux's layouts. source: ptrace(2), <sys/user.h>, <linux/elf.h>
#pragma once
#include <services/process/trace.h>

s64 ptrace_peek_user(struct thread *t, u64 offset, user_addr_t to);
s64 ptrace_poke_user(struct thread *t, u64 offset, u64 value);
s64 ptrace_get_registers(struct thread *t, user_addr_t to);
s64 ptrace_set_registers(struct thread *t, user_addr_t from);
s64 ptrace_get_vector(struct thread *t, user_addr_t to);
s64 ptrace_set_vector(struct thread *t, user_addr_t from);
// GETREGSET and SETREGSET: `kind` NT_PRSTATUS, NT_PRFPREG or NT_X86_XSTATE; `vector` is a struct iovec.
s64 ptrace_register_set(struct thread *t, u32 kind, user_addr_t vector, u32 is_set);
// PEEKSIGINFO: how many signals were copied.
s64 ptrace_peek_signals(struct thread *t, user_addr_t arguments, user_addr_t to);
