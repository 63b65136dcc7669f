// SPDX-License-Identifier: MPL-2.0
// Queues of pending signals: what is kept once, what each time, in which order they come, who pays.
#include <lib/test.h>
#include <services/cred/cred.h>
#include <services/signal/signal.h>

static err_t add(struct signal_queue *q, u32 signal, s32 code, u64 value)
{
	struct signal_info info = { .signal = (s32)signal, .code = code, .value = value, .kind = SIGNAL_INFO_QUEUE };

	return signal_queue_add(q, &info, NULL, U64_MAX);
}

TEST(standard_signals_are_kept_once)
{
	struct signal_queue q = { };
	struct signal_info info = { };

	EXPECT(add(&q, SIGUSR1, 0, 1) == OK);
	EXPECT(add(&q, SIGUSR1, 0, 2) == OK);
	EXPECT(signal_queue_take(&q, (struct signal_set){ 0 }, &info));
	EXPECT(info.signal == SIGUSR1 && info.value == 1);
	EXPECT(!signal_queue_take(&q, (struct signal_set){ 0 }, &info));
	EXPECT(q.pending.bits == 0);
}

TEST(a_source_is_queued_once_beside_others)
{
	struct signal_queue q = { };
	struct signal_source *s object_auto(signal_source) = signal_source_create();
	struct signal_info taken = { },
		info = { .signal = SIGUSR1, .code = SI_TIMER, .kind = SIGNAL_INFO_TIMER, .value = 9, .source = s };

	EXPECT(s && add(&q, SIGUSR1, 0, 1) == OK);
	EXPECT(signal_queue_add(&q, &info, NULL, U64_MAX) == OK && atomic_u32_load(&s->is_queued));
	EXPECT(signal_queue_add(&q, &info, NULL, U64_MAX) == OK);
	EXPECT(signal_queue_take(&q, (struct signal_set){ 0 }, &taken) && taken.value == 1);
	EXPECT(signal_queue_take(&q, (struct signal_set){ 0 }, &taken) && taken.value == 9 && !taken.source);
	EXPECT(!atomic_u32_load(&s->is_queued) && !signal_queue_take(&q, (struct signal_set){ 0 }, &taken));
	EXPECT(signal_queue_add(&q, &info, NULL, U64_MAX) == OK && atomic_u32_load(&s->is_queued));
	signal_queue_clear(&q, (struct signal_set){ U64_MAX });
	EXPECT(!atomic_u32_load(&s->is_queued));
}

TEST(real_time_signals_are_kept_in_order)
{
	struct signal_queue q = { };
	struct signal_info info = { };

	for (u64 i = 0; i < 5; i++)
		EXPECT(add(&q, SIGNAL_REALTIME_MIN + 2, -1, i) == OK);
	EXPECT(add(&q, SIGNAL_REALTIME_MIN, -1, 77) == OK);
	EXPECT(signal_queue_take(&q, (struct signal_set){ 0 }, &info) && info.value == 77);
	for (u64 i = 0; i < 5; i++)
		EXPECT(signal_queue_take(&q, (struct signal_set){ 0 }, &info) && info.value == i);
	EXPECT(!signal_queue_take(&q, (struct signal_set){ 0 }, &info));
}

TEST(blocked_signals_stay)
{
	struct signal_queue q = { };
	struct signal_info info = { };

	EXPECT(add(&q, SIGTERM, 0, 0) == OK);
	EXPECT(add(&q, SIGUSR2, 0, 0) == OK);
	EXPECT(signal_queue_take(&q, (struct signal_set){ signal_bit(SIGUSR2) }, &info) && info.signal == SIGTERM);
	EXPECT(!signal_queue_take(&q, (struct signal_set){ signal_bit(SIGUSR2) }, &info));
	EXPECT(q.pending.bits == signal_bit(SIGUSR2));
	signal_queue_clear(&q, (struct signal_set){ U64_MAX });
	EXPECT(q.pending.bits == 0 && !signal_record_list_first(&q.records));
}

TEST(faults_come_first)
{
	struct signal_queue q = { };
	struct signal_info info = { };

	EXPECT(add(&q, SIGHUP, 0, 0) == OK);
	EXPECT(add(&q, SIGSEGV, 1, 0) == OK);
	EXPECT(signal_queue_take(&q, (struct signal_set){ 0 }, &info) && info.signal == SIGSEGV);
	EXPECT(signal_queue_take(&q, (struct signal_set){ 0 }, &info) && info.signal == SIGHUP);
}

// A model beside it: per signal the count that must be pending.
TEST(random_traffic_agrees_with_a_model)
{
	struct signal_queue q = { };
	u32 count[SIGNAL_MAX + 1] = { }, seed = 5;

	for (u32 round = 0; round < test_rounds() * 20; round++) {
		u32 signal = 1 + test_random(&seed) % SIGNAL_MAX;
		struct signal_set blocked = { (u64)test_random(&seed) << 40 ^ test_random(&seed) };
		struct signal_info info = { };

		if (test_random(&seed) % 2) {
			EXPECT(add(&q, signal, -1, round) == OK);
			count[signal] = signal < SIGNAL_REALTIME_MIN ? 1 : count[signal] + 1;
		} else if (signal_queue_take(&q, blocked, &info)) {
			EXPECT(count[info.signal] > 0 && !(blocked.bits & signal_bit((u32)info.signal)));
			count[info.signal]--;
		}
		for (u32 s = 1; s <= SIGNAL_MAX; s++)
			EXPECT(!!(q.pending.bits & signal_bit(s)) == (count[s] > 0));
	}
	signal_queue_clear(&q, (struct signal_set){ U64_MAX });
}
