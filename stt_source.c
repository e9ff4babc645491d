// SPDX-License-Identifier: GPL-2.0
/*
 * Senders of incomplete frames: what they hold, and which of them are known.
 */
#include <linux/jhash.h>
#include <linux/jiffies.h>
#include <linux/slab.h>

#include "include/stt.h"
#include "include/stt_addr.h"
#include "include/stt_frame.h"
#include "include/stt_reasm.h"
#include "include/stt_source.h"

/* ---- known senders ----------------------------------------------------- */

/*
 * A table of hashes and times, one word an entry, in sets of a few.  Read and
 * written without a lock: what is lost in a race is learned with the next
 * frame.
 *
 * A new sender may evict another one that is new, after a second without a
 * frame.  One that sends again after that second moves to the first entries of
 * its set, which new senders get only if they are free.  So senders that send
 * once each, with forged addresses for instance, do not evict those that stay.
 */
#define STT_PEER_WAYS	8
#define STT_PEER_STEADY	4
/* After this time without a frame, another steady sender may evict one. */
#define STT_PEER_IDLE	(10 * HZ)

static u64 *stt_peer_set(struct stt_reasm *reasm, u32 hash)
{
	return &reasm->peers[hash % (STT_PEERS / STT_PEER_WAYS) *
			     STT_PEER_WAYS];
}

static u32 stt_peer_age(u64 peer)
{
	return (u32)jiffies - (u32)peer;
}

static bool stt_peer_known(struct stt_reasm *reasm, u32 hash)
{
	const u64 *set = stt_peer_set(reasm, hash);
	int i;

	for (i = 0; i < STT_PEER_WAYS; i++) {
		u64 peer = READ_ONCE(set[i]);

		if (peer && peer >> 32 == hash)
			return stt_peer_age(peer) < STT_PEER_TIME;
	}

	return false;
}

/**
 * stt_peer_is_known - did this sender complete a frame lately
 * @reasm: namespace
 * @from: its addresses
 *
 * Context: any.
 */
bool stt_peer_is_known(struct stt_reasm *reasm,
		       const struct stt_flow_key *from)
{
	return stt_peer_known(reasm, stt_source_hash(reasm, from));
}

/* The entry of a set that was noted longest ago; free ones count as oldest. */
static u64 *stt_peer_oldest(u64 *set, int first, int end, u32 *age)
{
	u64 *oldest = NULL;
	int i;

	*age = 0;
	for (i = first; i < end; i++) {
		u64 peer = READ_ONCE(set[i]);
		u32 a = peer ? stt_peer_age(peer) : U32_MAX;

		if (!oldest || a > *age) {
			oldest = &set[i];
			*age = a;
		}
	}

	return oldest;
}

/* Where to note a new sender, or NULL. */
static u64 *stt_peer_new(u64 *set)
{
	u64 *slot;
	u32 age;

	/* One that is free, or as good as that. */
	slot = stt_peer_oldest(set, 0, STT_PEER_WAYS, &age);
	if (age >= STT_PEER_TIME)
		return slot;
	slot = stt_peer_oldest(set, STT_PEER_STEADY, STT_PEER_WAYS, &age);

	return age > STT_PEER_FRESH ? slot : NULL;
}

/* Where to note again a sender that is at @slot. */
static u64 *stt_peer_again(u64 *set, u64 *slot)
{
	u64 *steady;
	u32 age;

	if (slot < set + STT_PEER_STEADY)
		return slot;
	steady = stt_peer_oldest(set, 0, STT_PEER_STEADY, &age);
	if (age <= STT_PEER_IDLE)
		return slot;
	WRITE_ONCE(*slot, 0);

	return steady;
}

/**
 * stt_peer_learn - a frame of this sender was complete, and had a device
 * @reasm: namespace
 * @from: its addresses
 *
 * Context: any.
 * Return: jiffies of when that was noted, for stt_peer_is_fresh().
 */
u32 stt_peer_learn(struct stt_reasm *reasm, const struct stt_flow_key *from)
{
	u32 hash = stt_source_hash(reasm, from);
	u64 *set = stt_peer_set(reasm, hash), *slot;
	int i;

	for (i = 0; i < STT_PEER_WAYS; i++) {
		u64 peer = READ_ONCE(set[i]);

		if (!peer || peer >> 32 != hash)
			continue;
		if (stt_peer_is_fresh(peer))
			return peer;
		break;
	}
	slot = i < STT_PEER_WAYS ? stt_peer_again(set, &set[i]) :
				   stt_peer_new(set);
	if (slot)
		WRITE_ONCE(*slot, (u64)hash << 32 | (u32)jiffies);

	/* Another may take the entry at the same time: to be looked up again. */
	return stt_peer_stale();
}

/* ---- memory ------------------------------------------------------------ */

static void stt_source_sort(struct stt_shard *shard, struct stt_source *source,
			    bool in)
{
	struct rb_root *root = &shard->by_mem[source->known];
	struct rb_node **p, *parent = NULL, *last;
	unsigned long heaviest = 0;

	if (!RB_EMPTY_NODE(&source->by_mem)) {
		rb_erase(&source->by_mem, root);
		RB_CLEAR_NODE(&source->by_mem);
	}
	if (in) {
		p = &root->rb_node;
		while (*p) {
			struct stt_source *s;

			parent = *p;
			s = rb_entry(parent, struct stt_source, by_mem);
			p = source->mem < s->mem ? &parent->rb_left :
						   &parent->rb_right;
		}
		rb_link_node(&source->by_mem, parent, p);
		rb_insert_color(&source->by_mem, root);
	}
	last = rb_last(root);
	if (last)
		heaviest = rb_entry(last, struct stt_source, by_mem)->mem;
	WRITE_ONCE(shard->heaviest[source->known], heaviest);
}

/* What sources of a pool may hold together. */
static long stt_pool_limit(const struct stt_reasm *reasm, bool known)
{
	long limit = READ_ONCE(reasm->sn->limits.high_thresh);

	return known ? limit : limit / 2;
}

/**
 * stt_reasm_fits - could there ever be room for a segment
 * @reasm: namespace
 * @bytes: truesize
 * @known: whether of a known source
 *
 * Return: false when evicting all others would not help.
 */
bool stt_reasm_fits(const struct stt_reasm *reasm, unsigned long bytes,
		    bool known)
{
	return (long)bytes <= stt_pool_limit(reasm, known);
}

/* Never above the limit, whenever it is read. */
static bool stt_pool_add(atomic_long_t *pool, long bytes, long limit)
{
	long old = atomic_long_read(pool);

	do {
		if (old + bytes > limit)
			return false;
	} while (!atomic_long_try_cmpxchg(pool, &old, old + bytes));

	return true;
}

/**
 * stt_reasm_charge - charge the namespace, if that is within its limits (R8)
 * @reasm: namespace
 * @bytes: truesize
 * @known: whether to a known source
 *
 * Return: false, with nothing charged, when it is not.
 */
bool stt_reasm_charge(struct stt_reasm *reasm, unsigned long bytes, bool known)
{
	if (!known &&
	    !stt_pool_add(&reasm->unknown, bytes, stt_pool_limit(reasm, false)))
		return false;
	if (stt_pool_add(&reasm->mem, bytes, stt_pool_limit(reasm, true)))
		return true;
	if (!known)
		atomic_long_sub(bytes, &reasm->unknown);

	return false;
}

/**
 * stt_reasm_uncharge - undo stt_reasm_charge()
 * @reasm: namespace
 * @bytes: as charged
 * @known: as charged
 */
void stt_reasm_uncharge(struct stt_reasm *reasm, unsigned long bytes,
			bool known)
{
	atomic_long_sub(bytes, &reasm->mem);
	if (!known)
		atomic_long_sub(bytes, &reasm->unknown);
}

/**
 * stt_frame_charge - give a frame what its namespace is charged for already
 * @shard: its shard, locked
 * @frame: open frame
 * @bytes: how much
 */
void stt_frame_charge(struct stt_shard *shard, struct stt_frame *frame,
		      unsigned long bytes)
{
	struct stt_source *source = frame->flow->source;

	lockdep_assert_held(&shard->lock);

	frame->mem += bytes;
	source->mem += bytes;
	stt_source_sort(shard, source, true);
}

/**
 * stt_frame_uncharge - give back all that a frame was charged
 * @shard: its shard, locked
 * @frame: frame
 */
void stt_frame_uncharge(struct stt_shard *shard, struct stt_frame *frame)
{
	struct stt_source *source = frame->flow->source;

	lockdep_assert_held(&shard->lock);

	stt_reasm_uncharge(shard->reasm, frame->mem, source->known);
	source->mem -= frame->mem;
	frame->mem = 0;
	stt_source_sort(shard, source, source->mem);
}

/* From now on a source is known; what it holds moves to the other pool. */
static void stt_source_trust(struct stt_shard *shard,
			     struct stt_source *source)
{
	atomic_long_sub(source->mem, &shard->reasm->unknown);
	stt_source_sort(shard, source, false);
	source->known = true;
	stt_source_sort(shard, source, source->mem);
}

/**
 * stt_source_check - look whether a source became known meanwhile
 * @shard: its shard, locked
 * @source: source
 * @named: a device names it as its peer
 * @hash: stt_source_hash() of it
 */
void stt_source_check(struct stt_shard *shard, struct stt_source *source,
		      bool named, u32 hash)
{
	lockdep_assert_held(&shard->lock);

	if (!source->known && (named || stt_peer_known(shard->reasm, hash)))
		stt_source_trust(shard, source);
}

/**
 * stt_pool_heaviest - where the source is that holds most
 * @reasm: namespace
 * @pool: among which sources
 *
 * Return: its shard, or NULL when none holds anything.  By the time that the
 * shard is locked it may be another source, or none.
 */
struct stt_shard *stt_pool_heaviest(struct stt_reasm *reasm,
				    enum stt_pool pool)
{
	struct stt_shard *shard = NULL;
	unsigned long most = 0;
	int i;

	for (i = 0; i < STT_SHARDS; i++) {
		unsigned long mem = READ_ONCE(reasm->shards[i].heaviest[pool]);

		if (mem > most) {
			most = mem;
			shard = &reasm->shards[i];
		}
	}

	return shard;
}

/* ---- sources come and go ----------------------------------------------- */

/**
 * stt_source_hash - which shard, and where in it
 * @reasm: namespace
 * @key: flow of a source
 */
u32 stt_source_hash(const struct stt_reasm *reasm,
		    const struct stt_flow_key *key)
{
	return jhash2((const u32 *)&key->saddr, sizeof(key->saddr) / 4,
		      reasm->seed ^ key->scope);
}

static struct rb_root *stt_source_bucket(struct stt_shard *shard, u32 hash)
{
	return &shard->sources[hash / STT_SHARDS % STT_SOURCE_HASH];
}

/* As memcmp(): where in its tree is a segment's source, seen from this one. */
static int stt_source_order(const struct stt_source *source,
			    const struct stt_flow_key *key, u32 hash)
{
	if (hash != source->hash)
		return hash < source->hash ? -1 : 1;
	if (key->scope != source->scope)
		return key->scope < source->scope ? -1 : 1;
	if (key->family != source->family)
		return key->family < source->family ? -1 : 1;

	return memcmp(&key->saddr, &source->addr, sizeof(key->saddr));
}

/**
 * stt_source_find - a sender, if it has something in here
 * @shard: its shard, locked
 * @key: flow of it
 * @hash: stt_source_hash() of it
 *
 * Return: the source or NULL.
 */
struct stt_source *stt_source_find(struct stt_shard *shard,
				   const struct stt_flow_key *key, u32 hash)
{
	struct rb_node *n = stt_source_bucket(shard, hash)->rb_node;

	lockdep_assert_held(&shard->lock);

	while (n) {
		struct stt_source *source = rb_entry(n, struct stt_source,
						     node);
		int order = stt_source_order(source, key, hash);

		if (!order)
			return source;
		n = order < 0 ? n->rb_left : n->rb_right;
	}

	return NULL;
}

/**
 * stt_source_get - a segment's source, making it if need be
 * @shard: its shard, locked
 * @key: the segment's flow
 * @hash: stt_source_hash() of it
 *
 * Context: allocates atomically.
 * Return: the source, without a reference: it goes with its last flow, or
 * with stt_source_put() if it gets none.  NULL without memory.
 */
struct stt_source *stt_source_get(struct stt_shard *shard,
				  const struct stt_flow_key *key, u32 hash)
{
	struct rb_root *root = stt_source_bucket(shard, hash);
	struct rb_node **p = &root->rb_node, *parent = NULL;
	struct stt_source *source;

	while (*p) {
		int order;

		parent = *p;
		source = rb_entry(parent, struct stt_source, node);
		order = stt_source_order(source, key, hash);
		if (!order)
			return source;
		p = order < 0 ? &parent->rb_left : &parent->rb_right;
	}

	source = kzalloc_obj(*source, GFP_ATOMIC);
	if (!source)
		return NULL;
	source->hash = hash;
	source->addr = key->saddr;
	source->scope = key->scope;
	source->family = key->family;
	INIT_LIST_HEAD(&source->open);
	RB_CLEAR_NODE(&source->by_mem);
	rb_link_node(&source->node, parent, p);
	rb_insert_color(&source->node, root);

	return source;
}

/**
 * stt_source_put - forget a source that has no flow
 * @shard: its shard, locked
 * @source: source; stays if it has one
 */
void stt_source_put(struct stt_shard *shard, struct stt_source *source)
{
	lockdep_assert_held(&shard->lock);

	if (source->flows)
		return;

	stt_source_sort(shard, source, false);
	rb_erase(&source->node, stt_source_bucket(shard, source->hash));
	kfree(source);
}

/* Open frames of a source that were sent to a port. */
static unsigned int stt_source_count(const struct stt_source *source,
				     __be16 port)
{
	const struct stt_frame *frame;
	unsigned int n = 0;

	list_for_each_entry(frame, &source->open, in_source)
		n += frame->flow->key.dport == port;

	return n;
}

/**
 * stt_source_open - how many incomplete frames of a sender there are now
 * @reasm: namespace's, or NULL
 * @addr: the sender
 * @scope: as in &struct stt_flow_key
 * @family: AF_INET or AF_INET6
 * @port: the endpoint's port number
 *
 * Context: any but hard interrupts.
 */
unsigned int stt_source_open(struct stt_reasm *reasm,
			     const union stt_addr *addr, int scope,
			     sa_family_t family, __be16 port)
{
	const struct stt_flow_key key = {
		.saddr = *addr, .scope = scope, .family = family,
	};
	const struct stt_source *source;
	struct stt_shard *shard;
	unsigned int n = 0;

	if (!reasm)
		return 0;
	shard = &reasm->shards[stt_source_hash(reasm, &key) % STT_SHARDS];
	if (!READ_ONCE(shard->nopen))
		return 0;

	spin_lock_bh(&shard->lock);
	source = stt_source_find(shard, &key, stt_source_hash(reasm, &key));
	if (source)
		n = stt_source_count(source, port);
	spin_unlock_bh(&shard->lock);

	return n;
}
