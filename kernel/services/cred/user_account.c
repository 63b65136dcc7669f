// SPDX-License-Identifier: MPL-2.0
// Accounts live as long as somebody refers to them; the table holds no reference and an account takes
// itself out when it is released.
#include <services/cred/user_account.h>

DEFINE_LIST(user_account_list, user_account, link)
#define BUCKETS 64u
static struct spinlock table_lock = SPINLOCK_INIT(RANK_SERVICE_LEAF);
static struct user_account_list buckets[BUCKETS] GUARDED_BY(table_lock);

static void user_account_release(struct user_account *a) exclusive_access
{
	spin_guard(&table_lock);
	struct user_account_list *list = array_ptr(buckets, a->uid % BUCKETS);
	if (user_account_list_has(list, a))
		user_account_list_remove(list, a);
}
DEFINE_OBJECT(user_account, user_account_release)

// One that is being released stays in the list until its release callback has the lock: pass it by.
static struct user_account *find_living(u32 uid) owned;
static struct user_account *find_living(u32 uid)
{
	spin_guard(&table_lock);
	list_for_each(user_account_list, a, array_ptr(buckets, uid % BUCKETS)) {
		if (a->uid != uid)
			continue;
		struct user_account *living object_auto(user_account) = user_account_try_get(a);
		if (living)
			return take(living);
	}
	return NULL;
}

struct user_account *user_account_of(u32 uid)
{
	struct user_account *found object_auto(user_account) = find_living(uid);
	if (found)
		return take(found);
	struct user_account *made object_auto(user_account) = user_account_alloc();
	if (!made)
		return NULL;
	made->uid = uid;
	{
		spin_guard(&table_lock);
		// Two makers at once leave two accounts; the later one is found from now on.
		user_account_list_push(array_ptr(buckets, uid % BUCKETS), made);
	}
	return take(made);
}
