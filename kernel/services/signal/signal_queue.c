// SPDX-License-Identifier: MPL-2.0
// Pending signals: a set of bits, and a list of records with their information in order of arrival. A
// standard signal has at most one record, but for those of sources, which have one each; a bit without a record is a
// signal whose information was lost for want of memory (it is delivered with code SI_USER and sender 0).
#include <services/signal/signal.h>

static void signal_source_release(struct signal_source *s) exclusive_access { }
DEFINE_OBJECT(signal_source, signal_source_release)

struct signal_source *signal_source_create(void)
{
	return signal_source_alloc();
}

static void signal_record_release(struct signal_record *r) exclusive_access
{
	if (r->source) {
		atomic_u32_store(&r->source->is_queued, 0);
		signal_source_put(take(r->source));
	}
	if (r->account) {
		atomic_u64_sub(&r->account->pending_signals, 1);
		user_account_put(take(r->account));
	}
}
DEFINE_OBJECT(signal_record, signal_record_release)

// Charges one record to the account; false at the limit.
static bool account_charge(struct user_account *account, u64 limit)
{
	if (!account)
		return true;
	if (atomic_u64_add(&account->pending_signals, 1) < limit)
		return true;
	atomic_u64_sub(&account->pending_signals, 1);
	return false;
}

static struct signal_record *record_create(
	const struct signal_info *info borrowed, struct user_account *account, u64 limit) owned;
static struct signal_record *record_create(
	const struct signal_info *info borrowed, struct user_account *account, u64 limit)
{
	struct signal_record *r object_auto(signal_record) = signal_record_alloc();
	if (!r || !account_charge(account, limit))
		return NULL;
	r->info = *info;
	r->info.source = NULL;
	if (info->source) {
		r->source = signal_source_get(info->source);
		atomic_u32_store(&r->source->is_queued, 1);
	}
	if (account)
		r->account = user_account_get(account);
	return take(r);
}

err_t signal_queue_add(struct signal_queue *q borrowed, const struct signal_info *info borrowed,
		       struct user_account *account, u64 limit)
{
	u32 signal = (u32)info->signal;
	bool is_realtime = signal >= SIGNAL_REALTIME_MIN;
	if (info->source ? atomic_u32_load(&info->source->is_queued) :
		!is_realtime && (q->pending.bits & signal_bit(signal)))
		return OK;
	// Standard signals are not refused for a limit.
	u64 effective_limit = is_realtime ? limit : U64_MAX;
	struct signal_record *r object_auto(signal_record) = record_create(info, account, effective_limit);
	if (!r) {
		if (is_realtime && info->code != SI_USER)
			return -EAGAIN;
		q->pending.bits |= signal_bit(signal);
		return OK;
	}
	signal_record_list_append(&q->records, take(r));
	q->pending.bits |= signal_bit(signal);
	return OK;
}

// Signals that a fault of the thread itself raises go first.
#define SYNCHRONOUS                                                                                 \
	(1ul << (SIGSEGV - 1) | 1ul << (SIGBUS - 1) | 1ul << (SIGILL - 1) | 1ul << (SIGTRAP - 1) | \
	 1ul << (SIGFPE - 1) | 1ul << (SIGSYS - 1))

static u32 lowest(u64 bits)
{
	if (bits & SYNCHRONOUS)
		bits &= SYNCHRONOUS;
	return (u32)__builtin_ctzl(bits) + 1;
}

bool signal_queue_take(struct signal_queue *q borrowed, struct signal_set blocked, struct signal_info *out borrowed)
{
	u64 ready = q->pending.bits & ~blocked.bits;
	if (!ready)
		return false;
	u32 signal = lowest(ready);
	*out = (struct signal_info){ .signal = (s32)signal, .code = SI_USER, .kind = SIGNAL_INFO_KILL };
	bool found = false, more = false;
	list_for_each_safe(signal_record_list, r, &q->records) {
		if ((u32)r->info.signal != signal)
			continue;
		if (found) {
			more = true;
			break;
		}
		found = true;
		*out = r->info;
		signal_record_list_remove(&q->records, r);
		struct signal_record *gone object_auto(signal_record) = r;
	}
	if (!more)
		q->pending.bits &= ~signal_bit(signal);
	return true;
}

void signal_queue_clear(struct signal_queue *q borrowed, struct signal_set which)
{
	if (!(q->pending.bits & which.bits))
		return;
	q->pending.bits &= ~which.bits;
	list_for_each_safe(signal_record_list, r, &q->records) {
		if (!(which.bits & signal_bit((u32)r->info.signal)))
			continue;
		signal_record_list_remove(&q->records, r);
		struct signal_record *gone object_auto(signal_record) = r;
	}
}
