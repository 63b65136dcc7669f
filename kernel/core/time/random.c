// SPDX-License-Identifier: MPL-2.0
// Random numbers: ChaCha20 with fast key erasure (D. J. Bernstein). The generator's whole state is a key.
// Each request derives one block: its first half becomes the new key, so that what was given out cannot
// be found again from a later state; a long request then streams from a key of its own, outside the lock.
// Entropy is mixed in by running the block function over key and input together.
#include <core/arch/clock.h>
#include <core/arch/cpu.h>
#include <core/lock.h>
#include <core/random.h>

enum { CREDIT_READY = 128, RESEED_REQUESTS = 4096 };

struct chacha_key {
	u32 word[8];
};

static struct spinlock random_lock = SPINLOCK_INIT(RANK_IRQ_LEAF);
static struct chacha_key key;		// guarded by random_lock, as the following
static u64 requests;
static bool is_seeded;
static u32 credit_bits_total;		// atomic

static inline u32 rotate(u32 v, u32 n)
{
	return v << n | v >> (32 - n);
}

static inline void quarter(u32 *x, u32 a, u32 b, u32 c, u32 d)
{
	x[a] += x[b];
	x[d] = rotate(x[d] ^ x[a], 16);
	x[c] += x[d];
	x[b] = rotate(x[b] ^ x[c], 12);
	x[a] += x[b];
	x[d] = rotate(x[d] ^ x[a], 8);
	x[c] += x[d];
	x[b] = rotate(x[b] ^ x[c], 7);
}

static void chacha_block(const struct chacha_key *k, u64 counter, u64 nonce, u32 out[16])
{
	u32 in[16] = { 0x61707865, 0x3320646e, 0x79622d32, 0x6b206574 };

	for (u32 i = 0; i < 8; i++)
		in[4 + i] = k->word[i];
	in[12] = (u32)counter;
	in[13] = (u32)(counter >> 32);
	in[14] = (u32)nonce;
	in[15] = (u32)(nonce >> 32);
	for (u32 i = 0; i < 16; i++)
		out[i] = in[i];
	for (u32 round = 0; round < 10; round++) {
		quarter(out, 0, 4, 8, 12);
		quarter(out, 1, 5, 9, 13);
		quarter(out, 2, 6, 10, 14);
		quarter(out, 3, 7, 11, 15);
		quarter(out, 0, 5, 10, 15);
		quarter(out, 1, 6, 11, 12);
		quarter(out, 2, 7, 8, 13);
		quarter(out, 3, 4, 9, 14);
	}
	for (u32 i = 0; i < 16; i++)
		out[i] += in[i];
}

// The lock is held. Each word of input changes the whole key.
static void mix_word(u64 word)
{
	u32 block[16];

	chacha_block(&key, requests++, word, block);
	for (u32 i = 0; i < 8; i++)
		key.word[i] = block[i];
}

static void mix_hardware(void)
{
	mix_word(arch_timestamp());
	for (u32 i = 0; i < 4; i++) {
		u64 word = arch_hardware_random();

		mix_word(word);
		if (word)
			__atomic_fetch_add(&credit_bits_total, 32, __ATOMIC_RELAXED);
	}
}

// Without a hardware source the start is all there is: how long small waits take varies with caches,
// interrupts and the host.
static void seed(void)
{
	mix_word(arch_clock_ns());
	for (u32 i = 0; i < 256; i++) {
		mix_word(arch_timestamp());
		arch_cpu_relax();
	}
	mix_hardware();
	is_seeded = true;
}

static void request_block(u32 block[16])
{
	irq_guard(&random_lock);
	if (__unlikely(!is_seeded))
		seed();
	else if (__unlikely(requests % RESEED_REQUESTS == 0))
		mix_hardware();
	chacha_block(&key, 0, requests++, block);
	for (u32 i = 0; i < 8; i++)
		key.word[i] = block[i];
}

void random_fill(span_t out)
{
	u32 block[16];
	struct chacha_key stream = { { 0 } };

	request_block(block);
	bytes_t half = { (const u8 *)(block + 8), 32 };

	if (span_len(out) <= 32) {
		span_copy(out, bytes_first(half, span_len(out)));
	} else {
		__builtin_memcpy(&stream, block + 8, 32);
		for (u64 counter = 1; span_len(out); counter++) {
			chacha_block(&stream, counter, 0, block);
			out = span_from(out, span_copy_some(out, (bytes_t){ (const u8 *)block, 64 }));
		}
	}
	__builtin_memset(block, 0, sizeof(block));
	asm volatile("" : : "r"(block), "r"(&stream) : "memory");
}

// Words for small requests, a block's worth at a time, each erased when it is given out.
struct word_stock {
	u64 words[4];
	u32 count;
} __attribute__((aligned(64)));
static struct word_stock stocks[ARCH_CPU_MAX]; // this CPU only, interrupts off

u64 random_u64(void)
{
	u64 saved = arch_interrupts_save();
	struct word_stock *s = &stocks[arch_cpu_index()];

	if (!s->count) {
		random_fill((span_t){ (u8 *)s->words, sizeof(s->words) });
		s->count = 4;
	}
	u64 v = s->words[--s->count];

	s->words[s->count] = 0;
	arch_interrupts_restore(saved);
	return v;
}

// The high half of v * limit is even enough when the low half is not among the few overfull values.
u64 random_below(u64 limit)
{
	unsigned __int128 product;

	if (__unlikely(!limit))
		core_trap();
	do {
		product = (unsigned __int128)random_u64() * limit;
	} while ((u64)product < (0 - limit) % limit);
	return (u64)(product >> 64);
}

void random_add(bytes_t entropy, u32 credit_bits)
{
	irq_guard(&random_lock);
	if (!is_seeded)
		seed();
	mix_word(arch_timestamp());
	for (usize i = 0; i < bytes_len(entropy); i += 8) {
		u64 word = 0;

		for (usize j = i; j < bytes_len(entropy) && j < i + 8; j++)
			word = word << 8 | byte_at(entropy, j);
		mix_word(word);
	}
	if (__atomic_load_n(&credit_bits_total, __ATOMIC_RELAXED) < CREDIT_READY)
		__atomic_fetch_add(&credit_bits_total, min(credit_bits, (u32)CREDIT_READY), __ATOMIC_RELAXED);
}

bool random_is_ready(void)
{
	return __atomic_load_n(&credit_bits_total, __ATOMIC_RELAXED) >= CREDIT_READY;
}
