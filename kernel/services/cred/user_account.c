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
static struct user_account *find_living(u32 uid) owned REQUIRES(table_lock);
static struct user_account *find_living(u32 uid)
{
	list_for_each(user_account_list, a, array_ptr(buckets, uid % BUCKETS)) {
		if (a->uid != uid)
			continue;
		struct user_account *living object_auto(user_account) = user_account_try_get(a);
		if (living)
			return take(living);
	}
	return NULL;
}

static struct user_account *find(u32 uid) owned;
static struct user_account *find(u32 uid)
{
	spin_guard(&table_lock);
	return find_living(uid);
}

// `made`, or the one that somebody else made meanwhile: there is one account a user, or its limits would not hold.
static struct user_account *enter(struct user_account *made) owned;
static struct user_account *enter(struct user_account *made)
{
	spin_guard(&table_lock);
	struct user_account *known object_auto(user_account) = find_living(made->uid);
	if (known)
		return take(known);
	user_account_list_push(array_ptr(buckets, made->uid % BUCKETS), made);
	return user_account_get(made);
}

struct user_account *user_account_of(u32 uid)
{
	struct user_account *found object_auto(user_account) = find(uid);
	if (found)
		return take(found);
	struct user_account *made object_auto(user_account) = user_account_alloc();
	if (!made)
		return NULL;
	made->uid = uid;
	return enter(made);
}

static bool uid_from(u64 least, u32 *out borrowed)
{
	bool is_found = false;
	spin_guard(&table_lock);
	for (u32 n = 0; n < BUCKETS; n++) {
		list_for_each(user_account_list, a, array_ptr(buckets, n)) {
			if (a->uid < least || (is_found && a->uid >= *out))
				continue;
			*out = a->uid;
			is_found = true;
		}
	}
	return is_found;
}

struct user_account *user_account_from_uid(u64 least)
{
	u32 uid = 0;
	while (uid_from(least, &uid)) {
		struct user_account *living object_auto(user_account) = find(uid);
		if (living)
			return take(living);
		least = (u64)uid + 1;
	}
	return NULL;
}
