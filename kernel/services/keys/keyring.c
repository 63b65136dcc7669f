// SPDX-License-Identifier: MPL-2.0
// Keyrings: links to keys. Rings of keyrings and towers of more than six are refused, so searches and releases end.
#include <services/keys/key_internal.h>

static exclusive_access void key_link_release(struct key_link *l)
{
	if (l->key)
		key_put(take(l->key));
}
DEFINE_OBJECT(key_link, key_link_release)

void keyring_clear(struct key *ring)
{
	for (;;) {
		struct key_link *l object_auto(key_link) = key_link_list_pop(&ring->links);
		if (!l)
			return;
		if (ring->account && key_charge(ring, -(s64)KEY_LINK_BYTES))
			return;	// giving back never fails
	}
}

static struct key_link *link_of(struct key *ring, struct key *k)
{
	list_for_each(key_link_list, l, &ring->links) {
		if (l->key == k)
			return l;
	}
	return NULL;
}

bool keyring_remove(struct key *ring, struct key *k)
{
	struct key_link *l object_auto(key_link) = link_of(ring, k);
	if (!l)
		return false;
	key_link_list_remove(&ring->links, l);	// `l` is the list's reference now
	return !key_charge(ring, -(s64)KEY_LINK_BYTES);
}

struct key *keyring_find(struct key *ring, enum key_type type, bytes_t description)
{
	list_for_each(key_link_list, l, &ring->links) {
		if (key_is(l->key, type, description) && !l->key->is_invalid && !l->key->is_revoked)
			return l->key;
	}
	return NULL;
}

static u32 height(struct key *ring, u32 level)
{
	u32 highest = 0;
	if (ring->type != KEY_TYPE_KEYRING || level > KEYRING_DEPTH_MAX)
		return 0;
	list_for_each(key_link_list, l, &ring->links)
		highest = max(highest, height(l->key, level + 1));
	return highest + 1;
}

static bool holds(struct key *ring, struct key *wanted, u32 level)
{
	if (ring->type != KEY_TYPE_KEYRING || level > KEYRING_DEPTH_MAX)
		return false;
	list_for_each(key_link_list, l, &ring->links) {
		if (l->key == wanted || holds(l->key, wanted, level + 1))
			return true;
	}
	return false;
}

err_t keyring_add(struct key *ring, struct key *k)
{
	if (k == ring || holds(k, ring, 1))
		return -EDEADLK;
	if (height(k, 1) >= KEYRING_DEPTH_MAX)
		return -ELOOP;
	if (link_of(ring, k))
		return OK;
	struct key_link *l object_auto(key_link) = key_link_alloc();
	struct key *same object_auto(key) = NULL;
	if (!l)
		return -ENOMEM;
	const err_t e = key_charge(ring, KEY_LINK_BYTES);
	if (e)
		return e;
	struct key *old = keyring_find(ring, k->type, k->description ? buf_bytes(k->description) : bytes_empty());
	if (old) {
		same = key_get(old);
		(void)keyring_remove(ring, same);
	}
	l->key = key_get(k);
	key_link_list_append(&ring->links, take(l));
	return OK;
}

// --- searching ----------------------------------------------------------------------------------------

struct stack_only ring_search {
	enum key_possession possession;
	enum key_type type;
	bytes_t description;
	err_t why;	// the best reason so far
};

static struct key *search_level(struct key *ring, struct ring_search *s borrowed, u32 level)
{
	list_for_each(key_link_list, l, &ring->links) {
		if (!key_is(l->key, s->type, s->description) || !key_permits(l->key, s->possession, KEY_SEARCH))
			continue;
		const err_t e = key_check(l->key);
		if (!e)
			return l->key;
		s->why = e;
	}
	if (level == KEYRING_DEPTH_MAX)
		return NULL;
	list_for_each(key_link_list, below, &ring->links) {
		if (below->key->type != KEY_TYPE_KEYRING || key_check(below->key) ||
			!key_permits(below->key, s->possession, KEY_SEARCH))
			continue;
		struct key *found = search_level(below->key, s, level + 1);
		if (found)
			return found;
	}
	return NULL;
}

err_t keyring_search(struct key *ring, enum key_possession possession, enum key_type type, bytes_t description,
	struct key **out borrowed)
{
	struct ring_search s = { .possession = possession, .type = type, .description = description, .why = -ENOKEY };
	if (key_check(ring) || !key_permits(ring, possession, KEY_SEARCH))
		return -EACCES;
	struct key *found = key_is(ring, type, description) ? ring : search_level(ring, &s, 1);
	if (!found)
		return s.why;
	*out = key_get(found);
	return OK;
}

bool keyring_holds(struct key *ring, struct key *wanted)
{
	return ring == wanted || holds(ring, wanted, 1);
}
