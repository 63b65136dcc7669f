// SPDX-License-Identifier: MPL-2.0
// Charging, for those who allocate: see account.c.
#pragma once

#include <core/arch/cpu.h>
#include <core/memory_account.h>

#define ACCOUNT_NOBODY U32_MAX

bool account_charge(u32 account, usize bytes, enum memory_account_kind kind, u32 *owner);
void account_uncharge_owner(u32 owner, usize bytes, enum memory_account_kind kind);

// Charges the current task's account; *owner is what to give back to. False: refused.
static inline bool account_charge_current(usize bytes, enum memory_account_kind kind, u32 *owner)
{
	const struct task *t = arch_current_task();

	*owner = 0;
	if (!t)
		return true;
	const u32 account = t->__account_borrowed ? t->__account_borrowed : t->__account;
	if (__likely(!account) || account == ACCOUNT_NOBODY || t->__account_suspended || arch_interrupt_depth())
		return true;
	return account_charge(account, bytes, kind, owner);
}

static inline void account_uncharge(u32 owner, usize bytes, enum memory_account_kind kind)
{
	if (__unlikely(owner))
		account_uncharge_owner(owner, bytes, kind);
}
