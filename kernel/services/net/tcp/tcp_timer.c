// SPDX-License-Identifier: MPL-2.0
// Time. All connections with something to wait for are in one tree by alarm time, and one timer is armed for the first;
// when it fires, work in a kernel thread goes through those that are due. An alarm is only ever moved forward: most
// deadlines are put off again and again (an acknowledgment comes), and then a rare early alarm finds nothing to do,
// which is cheaper than moving a timer with every segment.
#include <core/work.h>
#include <services/net/tcp/tcp_internal.h>

#define RETRIES_ORPHAN 8u

DEFINE_TREE(tcp_timer_tree, tcp_socket, timer_link)
static struct synchronised tcp_timers {
	struct spinlock lock;
	struct tcp_timer_tree tree GUARDED_BY(lock);	// with references
	struct timer *alarm GUARDED_BY(lock);
	u64 alarm_ns GUARDED_BY(lock);
} timers = { .lock = SPINLOCK_INIT(RANK_SERVICE_LEAF) };

struct tcp_alarm {
	struct timer base;
	struct work *work;		// reference; immutable
};
static exclusive_access void tcp_alarm_release(struct tcp_alarm *a)
{
	if (a->work)
		work_put(take(a->work));
}
DEFINE_DERIVED(tcp_alarm, timer, tcp_alarm_release)
struct tcp_work {
	struct work base;
};
static exclusive_access void tcp_work_release(struct tcp_work *w) { }
DEFINE_DERIVED(tcp_work, work, tcp_work_release)

static u64 earliest(const struct tcp_deadlines *d borrowed)
{
	return min(min(min(d->retransmit, d->probe), min(d->delayed_ack, d->keep_alive)), d->wait);
}

static void arm_alarm(struct tcp_timers *const all) REQUIRES(all->lock)
{
	struct tcp_socket *first = tcp_timer_tree_first(&all->tree);

	if (!first || tcp_timer_tree_key(first) >= all->alarm_ns)
		return;
	all->alarm_ns = tcp_timer_tree_key(first);
	timer_set(all->alarm, all->alarm_ns);
}

void tcp_timer_arm(struct tcp_socket *const t)
{
	const u64 when = earliest(&t->deadlines);
	struct tcp_timers *const all = &timers;

	if (when == DEADLINE_NEVER)
		return;
	spin_guard(&all->lock);
	if (tcp_timer_tree_is_linked(t)) {
		if (tcp_timer_tree_key(t) <= when)
			return;
		tcp_timer_tree_remove(&all->tree, t);
		tcp_timer_tree_insert(&all->tree, t, when);
	} else {
		tcp_timer_tree_insert(&all->tree, tcp_socket_get(t), when);
	}
	arm_alarm(all);
}

void tcp_timer_forget(struct tcp_socket *const t)
{
	struct tcp_socket *dropped object_auto(tcp_socket) = NULL;
	struct tcp_timers *const all = &timers;

	spin_guard(&all->lock);
	if (!tcp_timer_tree_is_linked(t))
		return;
	tcp_timer_tree_remove(&all->tree, t);
	dropped = t;
}

// --- what happens when ----------------------------------------------------------------------------------------------

u64 tcp_keep_idle_ns(const struct tcp_socket *t borrowed)
{
	return (u64)tcp_setting(&t->settings.keep_idle, &tcp_common(t)->tcp_keep_idle) * NS_PER_SECOND;
}

u64 tcp_fin_timeout_ns(const struct tcp_socket *t borrowed)
{
	return (u64)tcp_setting(&t->settings.linger2, &tcp_common(t)->tcp_fin_timeout) * NS_PER_SECOND;
}

static void give_up(struct tcp_socket *const t) REQUIRES(t->lock)
{
	const u32 soft = atomic_u32_load(&t->soft_error);

	if (t->state == TCP_SYN_SENT || t->state == TCP_SYN_RECEIVED)
		ip_count(t->net, TCP_ATTEMPT_FAILS);
	else
		ip_count(t->net, TCP_ABORTS_ON_TIMEOUT);
	tcp_drop_queues(t);
	tcp_finish(t, soft ? soft : ETIMEDOUT);
}

static bool has_timed_out(struct tcp_socket *const t, u64 since_ns, u64 now_ns) REQUIRES(t->lock)
{
	const u64 limit = (u64)atomic_u32_load_relaxed(&t->settings.user_timeout_ms) * NS_PER_MS;

	return limit && since_ns && now_ns >= since_ns + limit;
}

static u32 retries_allowed(struct tcp_socket *const t) REQUIRES(t->lock)
{
	const struct ip_settings *common = tcp_common(t);

	if (t->state == TCP_SYN_SENT)
		return tcp_setting(&t->settings.syn_count, &common->tcp_syn_retries);
	if (t->state == TCP_SYN_RECEIVED)
		return atomic_u32_load_relaxed(&common->tcp_answer_retries) +
			atomic_u32_load_relaxed(&t->settings.defer_accept);
	if (!t->is_orphan)
		return atomic_u32_load_relaxed(&common->tcp_retries);
	const u32 orphan = atomic_u32_load_relaxed(&common->tcp_orphan_retries);
	return orphan ? orphan : RETRIES_ORPHAN;
}

static void retransmit_due(struct tcp_socket *const t, struct tcp_burst *b borrowed, u64 now_ns) REQUIRES(t->lock)
{
	struct tcp_sender *const s = &t->send;

	t->deadlines.retransmit = DEADLINE_NEVER;
	if (s->unacked == s->maximum && t->state != TCP_SYN_RECEIVED)
		return;
	if ((t->state == TCP_SYN_RECEIVED && !tcp_child_is_wanted(t)) || s->retransmits >= retries_allowed(t) ||
		has_timed_out(t, s->first_retransmit_ns, now_ns)) {
		give_up(t);
		return;
	}
	s->retransmits++;
	ip_count(t->net, TCP_TIMEOUTS);
	s->rto_ns = min(s->rto_ns * 2, TCP_RTO_MAX_NS);
	if (t->state == TCP_SYN_SENT || t->state == TCP_SYN_RECEIVED) {
		s->is_timed = 0;
		s->total_retransmits++;
		ip_count(t->net, TCP_RETRANSMITTED);
		ip_count(t->net, TCP_SYN_REPEATS);
		tcp_send_syn(t, b, now_ns);
		return;
	}
	tcp_cwnd_timeout(t);
	s->next = s->unacked;		// everything from here on is taken for lost
	tcp_retransmit_first(t, b, now_ns);
	t->deadlines.retransmit = now_ns + s->rto_ns;
}

#define PROBE_BACKOFF_MAX 15u
static u64 probe_interval_ns(const struct tcp_sender *s borrowed)
{
	return min(max(s->rto_ns, TCP_RTO_MIN_NS) << s->probe_backoff, TCP_RTO_MAX_NS);
}

// A peer that answers probes may keep its window shut as long as it likes (RFC 9293, 3.8.6.1; RFC 1122, 4.2.2.17), but
// for the user's own limit, and but for a connection that nobody has a file of any more: that one is over when the time
// between two probes has reached its maximum.
static bool has_lost_peer(struct tcp_socket *const t, u64 now_ns) REQUIRES(t->lock)
{
	if (has_timed_out(t, t->send.probed_ns, now_ns) || t->send.probes >= retries_allowed(t))
		return true;
	return t->is_orphan && probe_interval_ns(&t->send) == TCP_RTO_MAX_NS;
}

static void probe_due(struct tcp_socket *const t, struct tcp_burst *b borrowed, u64 now_ns) REQUIRES(t->lock)
{
	struct tcp_sender *const s = &t->send;
	const u32 waiting = s->end + s->fin - s->next;

	t->deadlines.probe = DEADLINE_NEVER;
	if (!waiting || s->next != s->unacked)
		return;
	if (s->window >= min(waiting, s->mss)) {
		// Only held back by TCP_CORK or the like: 200 ms are enough.
		s->more = 0;
		const u32 corked = atomic_u32_exchange(&t->settings.cork, 0);
		const u32 no_delay = atomic_u32_exchange(&t->settings.no_delay, 1);
		tcp_output(t, b, now_ns);
		atomic_u32_store(&t->settings.cork, corked);
		atomic_u32_store(&t->settings.no_delay, no_delay);
		return;
	}
	if (has_lost_peer(t, now_ns)) {
		give_up(t);
		return;
	}
	if (!s->probed_ns)
		s->probed_ns = now_ns;
	s->probes++;
	s->probe_backoff = min(s->probe_backoff + 1, PROBE_BACKOFF_MAX);
	ip_count(t->net, TCP_WINDOW_PROBES);
	tcp_send_probe(t, b);
	t->deadlines.probe = now_ns + probe_interval_ns(s);
	const u64 limit = (u64)atomic_u32_load_relaxed(&t->settings.user_timeout_ms) * NS_PER_MS;
	if (limit)
		t->deadlines.probe = min(t->deadlines.probe, max(s->probed_ns + limit, now_ns + TCP_RTO_MIN_NS));
}

static void keep_alive_due(struct tcp_socket *const t, struct tcp_burst *b borrowed, u64 now_ns) REQUIRES(t->lock)
{
	const u32 interval = tcp_setting(&t->settings.keep_interval, &tcp_common(t)->tcp_keep_interval);
	const u32 count = tcp_setting(&t->settings.keep_count, &tcp_common(t)->tcp_keep_count);
	const u64 idle = now_ns - max(t->receive.last_ns, t->send.last_ns), allowed = tcp_keep_idle_ns(t);

	t->deadlines.keep_alive = DEADLINE_NEVER;
	if (!(atomic_u32_load_relaxed(&t->settings.flags) & SOCKET_KEEP_ALIVE) || t->state == TCP_SYN_SENT)
		return;
	const bool is_busy = t->send.next != t->send.unacked || seq_before(t->send.next, t->send.end);
	if (is_busy || idle < allowed) {	// it is alive, or retransmission will tell
		t->deadlines.keep_alive = now_ns + (idle < allowed ? allowed - idle : allowed);
		return;
	}
	const bool is_over = has_timed_out(t, t->receive.last_ns, now_ns) && t->keep_probes;
	if (is_over || (!atomic_u32_load_relaxed(&t->settings.user_timeout_ms) &&
		t->keep_probes >= count)) {
		tcp_send_reset(t, b);
		give_up(t);
		return;
	}
	t->keep_probes++;
	ip_count(t->net, TCP_KEEP_ALIVES);
	tcp_send_probe(t, b);
	t->deadlines.keep_alive = now_ns + (u64)interval * NS_PER_SECOND;
}

static void run_deadlines(struct tcp_socket *const t, struct tcp_burst *b borrowed, u64 now_ns) REQUIRES(t->lock)
{
	if (t->state == TCP_CLOSED)
		return;
	if (t->deadlines.wait <= now_ns) {
		tcp_drop_queues(t);
		tcp_finish(t, 0);
		return;
	}
	if (t->deadlines.delayed_ack <= now_ns) {
		t->deadlines.delayed_ack = DEADLINE_NEVER;
		if (t->receive.unacknowledged) {
			ip_count(t->net, TCP_DELAYED_ACKS);
			tcp_send_ack(t, b);
		}
	}
	if (t->deadlines.retransmit <= now_ns)
		retransmit_due(t, b, now_ns);
	if (t->state != TCP_CLOSED && t->deadlines.probe <= now_ns)
		probe_due(t, b, now_ns);
	if (t->state != TCP_CLOSED && t->deadlines.keep_alive <= now_ns)
		keep_alive_due(t, b, now_ns);
	if (t->state != TCP_CLOSED)
		tcp_timer_arm(t);
}

// The first that is due, with the tree's reference.
static struct tcp_socket *next_due(struct tcp_timers *const all, u64 now_ns) owned;
static struct tcp_socket *next_due(struct tcp_timers *const all, u64 now_ns)
{
	spin_guard(&all->lock);
	struct tcp_socket *t = tcp_timer_tree_first(&all->tree);

	if (!t || tcp_timer_tree_key(t) > now_ns) {
		all->alarm_ns = DEADLINE_NEVER;
		arm_alarm(all);
		return NULL;
	}
	tcp_timer_tree_remove(&all->tree, t);
	return t;
}

static void run_due(struct work *w)
{
	for (;;) {
		const u64 now_ns = clock_monotonic_ns();
		struct tcp_socket *t object_auto(tcp_socket) = next_due(&timers, now_ns);
		struct tcp_burst b = { };
		if (!t)
			return;
		struct tcp_socket *const due = t;
		{
			spin_guard(&due->lock);
			run_deadlines(due, &b, now_ns);
		}
		tcp_burst_send(due->net, &b);
	}
}

static void alarm_fired(struct timer *t)
{
	work_schedule(tcp_alarm_from_timer(t)->work);
}

err_t tcp_timers_init(void)
{
	struct tcp_work *w object_auto(tcp_work) = tcp_work_alloc();
	struct tcp_alarm *a object_auto(tcp_alarm) = tcp_alarm_alloc();
	struct tcp_timers *const all = &timers;

	if (!w || !a)
		return -ENOMEM;
	w->base.run = run_due;
	a->base.fire = alarm_fired;
	a->work = &take(w)->base;
	spin_guard(&all->lock);
	all->alarm = &take(a)->base;
	all->alarm_ns = DEADLINE_NEVER;
	return OK;
}
