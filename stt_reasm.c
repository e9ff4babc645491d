// SPDX-License-Identifier: GPL-2.0
/*
 * Reassembly: segments become frames.  Knows no device.
 *
 * Who owns what, and under which lock:
 *
 *	stt_reasm (one a namespace)
 *	  stt_shard [STT_SHARDS], by source address
 *	    stt_source: a sender's address ---- its frames, oldest first
 *	      stt_flow: addresses and ports --- its frames, oldest first
 *	        stt_frame: a frame id --------- its segments, by offset
 *
 * A source lives in one shard with all its flows and frames, and the shard's
 * lock guards all of them.  Locks of two shards are never held together, and
 * nothing is freed, joined or delivered under one.  A flow lives while it has
 * frames, a source while it has flows.
 *
 * Memory (R8) is counted as truesize and charged before a segment is queued:
 * the sum over the namespace never exceeds its limit.  When it would, the
 * source that holds most gives up its oldest frame.
 *
 * Every step is bounded: a frame is found among at most max_frames of its
 * flow, a segment among those of its frame by a tree.
 */
#include <linux/jhash.h>
#include <linux/jiffies.h>
#include <linux/random.h>
#include <linux/slab.h>
#include <linux/spinlock.h>
#include <linux/timer.h>
#include <net/inet_ecn.h>

#include "include/stt.h"
#include "include/stt_trace.h"

#define STT_SHARDS		16
#define STT_SOURCE_HASH		16
#define STT_FLOW_HASH		64

/* What a frame costs beside its segments, if it is its source's only one. */
#define STT_FRAME_COST \
	(sizeof(struct stt_frame) + sizeof(struct stt_flow) + \
	 sizeof(struct stt_source))

/* Frames that one segment may push out before it is dropped itself. */
#define STT_EVICT_MAX		256

/**
 * struct stt_source - what one sender has in here
 * @node: in &stt_shard.sources
 * @by_mem: in &stt_shard.by_mem
 * @addr: its address
 * @scope: as in &struct stt_flow_key
 * @family: AF_INET or AF_INET6
 * @mem: bytes charged
 * @flows: how many there are
 * @frames: all its frames, oldest first
 */
struct stt_source {
	struct hlist_node	node;
	struct rb_node		by_mem;
	union stt_addr		addr;
	int			scope;
	u32			family;
	unsigned long		mem;
	unsigned int		flows;
	struct list_head	frames;
};

/**
 * struct stt_flow - frames whose ids are of one kind (R6)
 * @node: in &stt_shard.flows
 * @key: which kind
 * @source: its sender
 * @frames: oldest first
 * @count: how many
 */
struct stt_flow {
	struct hlist_node	node;
	struct stt_flow_key	key;
	struct stt_source	*source;
	struct list_head	frames;
	unsigned int		count;
};

/**
 * struct stt_frame - a frame that is not complete
 * @in_flow: in &stt_flow.frames
 * @in_source: in &stt_source.frames
 * @in_shard: in &stt_shard.frames
 * @flow: its flow
 * @id: frame id
 * @len: bytes it will have
 * @have: bytes that are here
 * @packets: that brought them
 * @dsfield: outer DSCP and ECN of the first segment
 * @ce: some segment had CE
 * @condemned: segments disagreed (R7): no segment is taken any more
 * @mem: bytes charged
 * @expires: jiffies
 * @segments: tree by offset; they do not overlap
 * @last: the one at the highest offset
 */
struct stt_frame {
	struct list_head	in_flow;
	struct list_head	in_source;
	struct list_head	in_shard;
	struct stt_flow		*flow;
	u32			id;
	u16			len;
	u16			have;
	u16			packets;
	u8			dsfield;
	bool			ce;
	bool			condemned;
	unsigned long		mem;
	unsigned long		expires;
	struct rb_root		segments;
	struct sk_buff		*last;
};

/**
 * struct stt_shard - sources of one hash
 * @lock: guards the shard and all that is in it
 * @sources: by address
 * @flows: by key
 * @frames: all of them, oldest first
 * @count: how many
 * @by_mem: sources by what they hold
 * @heaviest: what the heaviest holds; read without the lock
 * @timer: for the oldest frame
 * @reasm: whose shard it is
 */
struct stt_shard {
	spinlock_t		lock;
	struct hlist_head	sources[STT_SOURCE_HASH];
	struct hlist_head	flows[STT_FLOW_HASH];
	struct list_head	frames;
	unsigned int		count;
	struct rb_root		by_mem;
	unsigned long		heaviest;
	struct timer_list	timer;
	struct stt_reasm	*reasm;
} ____cacheline_aligned_in_smp;

/**
 * struct stt_reasm - the incomplete frames of a namespace
 * @sn: the namespace's limits and counters
 * @mem: bytes charged
 * @seed: of the hashes
 * @shards: everything else
 */
struct stt_reasm {
	struct stt_net		*sn;
	atomic_long_t		mem;
	u32			seed;
	struct stt_shard	shards[STT_SHARDS];
};

/* ---- segments in a frame ----------------------------------------------- */

static unsigned int stt_seg_start(struct sk_buff *skb)
{
	return stt_skb_cb(skb)->offset;
}

static unsigned int stt_seg_end(struct sk_buff *skb)
{
	return stt_skb_cb(skb)->offset + skb->len;
}

static void stt_seg_free(struct sk_buff *skb, enum stt_net_counter cause)
{
	/* The tree node lies over these. */
	skb->next = NULL;
	skb->prev = NULL;
	skb->dev = NULL;
	kfree_skb_reason(skb, stt_drop_reason(cause));
}

/* The first segment that ends behind @offset. */
static struct sk_buff *stt_frame_find(struct stt_frame *frame,
				      unsigned int offset)
{
	struct rb_node *n = frame->segments.rb_node;
	struct sk_buff *found = NULL;

	while (n) {
		struct sk_buff *skb = rb_to_skb(n);

		if (stt_seg_end(skb) > offset) {
			found = skb;
			n = n->rb_left;
		} else {
			n = n->rb_right;
		}
	}

	return found;
}

static void stt_frame_link(struct stt_frame *frame, struct sk_buff *skb)
{
	struct rb_node **p = &frame->segments.rb_node, *parent = NULL;

	/* In order is the usual order. */
	if (frame->last && stt_seg_start(frame->last) < stt_seg_start(skb)) {
		parent = &frame->last->rbnode;
		p = &parent->rb_right;
		frame->last = skb;
	} else if (!frame->last) {
		frame->last = skb;
	}
	while (*p) {
		parent = *p;
		if (stt_seg_start(skb) < stt_seg_start(rb_to_skb(parent)))
			p = &parent->rb_left;
		else
			p = &parent->rb_right;
	}
	rb_link_node(&skb->rbnode, parent, p);
	rb_insert_color(&skb->rbnode, &frame->segments);
	frame->have += skb->len;
}

static void stt_frame_unlink_seg(struct stt_frame *frame, struct sk_buff *skb)
{
	if (frame->last == skb)
		frame->last = skb_rb_prev(skb);
	rb_erase(&skb->rbnode, &frame->segments);
	frame->have -= skb->len;
	stt_seg_free(skb, STT_NET_reasm_duplicate);
}

/**
 * enum stt_insert - what became of a segment
 * @STT_INSERT_NEW: queued; all its bytes were new
 * @STT_INSERT_TRIMMED: queued; some of its bytes were here already, and the
 *	same
 * @STT_INSERT_DUPLICATE: not queued: all were
 * @STT_INSERT_CONFLICT: not queued: bytes differ from those that are here
 * @STT_INSERT_NOMEM: not queued
 */
enum stt_insert {
	STT_INSERT_NEW,
	STT_INSERT_TRIMMED,
	STT_INSERT_DUPLICATE,
	STT_INSERT_CONFLICT,
	STT_INSERT_NOMEM,
};

/*
 * Put a segment where it belongs, as far as its bytes are new (R7).  @skb is
 * the frame's if it was queued, else still the caller's.
 */
static enum stt_insert stt_frame_insert(struct stt_frame *frame,
					struct sk_buff *skb)
{
	unsigned int start = stt_seg_start(skb), end = stt_seg_end(skb);
	unsigned int base = start;
	struct sk_buff *seg, *next;

	if (!frame->last || stt_seg_end(frame->last) <= start) {
		stt_frame_link(frame, skb);
		return STT_INSERT_NEW;
	}

	for (seg = stt_frame_find(frame, start);
	     seg && stt_seg_start(seg) < end; seg = next) {
		unsigned int from = max(start, stt_seg_start(seg));
		unsigned int to = min(end, stt_seg_end(seg));

		next = skb_rb_next(seg);
		if (!stt_skb_equal(seg, from - stt_seg_start(seg), skb,
				   from - base, to - from))
			return STT_INSERT_CONFLICT;
		if (from == start && to == end)
			return STT_INSERT_DUPLICATE;
		if (from == start)
			start = to;
		else if (to == end)
			end = from;
		else
			stt_frame_unlink_seg(frame, seg);
	}

	if (pskb_trim(skb, end - base) || !pskb_pull(skb, start - base))
		return STT_INSERT_NOMEM;
	stt_skb_cb(skb)->offset = start;
	stt_frame_link(frame, skb);

	return STT_INSERT_TRIMMED;
}

/* Free all segments of a frame. */
static void stt_frame_purge(struct stt_frame *frame,
			    enum stt_net_counter cause)
{
	struct rb_node *n = rb_first(&frame->segments);

	while (n) {
		struct sk_buff *skb = rb_to_skb(n);

		n = rb_next(n);
		rb_erase(&skb->rbnode, &frame->segments);
		stt_seg_free(skb, cause);
	}
	frame->last = NULL;
	frame->have = 0;
}

/*
 * One packet of a complete frame's segments.  Frees the frame.  NULL when
 * there is no memory.
 */
static struct sk_buff *stt_frame_join(struct stt_frame *frame)
{
	struct sk_buff *head = NULL, **link = &head, *rest;
	struct rb_node *n = rb_first(&frame->segments);

	while (n) {
		struct sk_buff *skb = rb_to_skb(n);

		n = rb_next(n);
		rb_erase(&skb->rbnode, &frame->segments);
		skb->prev = NULL;
		skb->dev = NULL;
		skb->next = NULL;
		*link = skb;
		link = &skb->next;
	}

	rest = head->next;
	skb_mark_not_on_list(head);
	stt_skb_cb(head)->segments = frame->packets;
	stt_skb_cb(head)->dsfield = frame->dsfield |
				    (frame->ce ? INET_ECN_CE : 0);
	kfree(frame);

	return stt_skb_join(head, rest);
}

/* ---- memory ------------------------------------------------------------ */

static void stt_source_charge(struct stt_shard *shard,
			      struct stt_source *source, long delta)
{
	struct rb_node **p, *parent = NULL;
	struct rb_node *last;

	lockdep_assert_held(&shard->lock);

	if (!RB_EMPTY_NODE(&source->by_mem))
		rb_erase(&source->by_mem, &shard->by_mem);
	source->mem += delta;

	p = &shard->by_mem.rb_node;
	while (*p) {
		struct stt_source *s;

		parent = *p;
		s = rb_entry(parent, struct stt_source, by_mem);
		p = source->mem < s->mem ? &parent->rb_left :
					   &parent->rb_right;
	}
	rb_link_node(&source->by_mem, parent, p);
	rb_insert_color(&source->by_mem, &shard->by_mem);

	last = rb_last(&shard->by_mem);
	WRITE_ONCE(shard->heaviest,
		   rb_entry(last, struct stt_source, by_mem)->mem);
}

static void stt_source_forget(struct stt_shard *shard,
			      struct stt_source *source)
{
	struct rb_node *last;

	hlist_del(&source->node);
	rb_erase(&source->by_mem, &shard->by_mem);
	last = rb_last(&shard->by_mem);
	WRITE_ONCE(shard->heaviest, last ?
		   rb_entry(last, struct stt_source, by_mem)->mem : 0);
	kfree(source);
}

static void stt_frame_charge(struct stt_shard *shard, struct stt_frame *frame,
			     long delta)
{
	frame->mem += delta;
	stt_source_charge(shard, frame->flow->source, delta);
}

/*
 * Segments of a frame disagree: drop them all, and remember that until it
 * expires, so that those still to come do not wait for the others.
 */
static void stt_frame_condemn(struct stt_shard *shard, struct stt_frame *frame)
{
	unsigned long freed = frame->mem - STT_FRAME_COST;

	frame->condemned = true;
	stt_frame_purge(frame, STT_NET_reasm_overlap);
	atomic_long_sub(freed, &shard->reasm->mem);
	stt_frame_charge(shard, frame, -(long)freed);
}

/*
 * Take a frame out of everything, and with it the flow and the source if it
 * was their last.  The frame is the caller's, to free without the lock.
 */
static void stt_frame_unlink(struct stt_shard *shard, struct stt_frame *frame)
{
	struct stt_flow *flow = frame->flow;
	struct stt_source *source = flow->source;

	lockdep_assert_held(&shard->lock);

	list_del(&frame->in_flow);
	list_del(&frame->in_source);
	list_del(&frame->in_shard);
	WRITE_ONCE(shard->count, shard->count - 1);
	atomic_long_sub(frame->mem, &shard->reasm->mem);
	stt_source_charge(shard, source, -(long)frame->mem);
	frame->flow = NULL;

	if (!--flow->count) {
		hlist_del(&flow->node);
		kfree(flow);
		if (!--source->flows)
			stt_source_forget(shard, source);
	}
}

/* Free unlinked frames that are lost, counting each under @cause. */
static void stt_frames_lost(struct stt_reasm *reasm, struct list_head *frames,
			    enum stt_net_counter cause)
{
	struct stt_frame *frame, *tmp;

	list_for_each_entry_safe(frame, tmp, frames, in_shard) {
		/* A condemned frame was counted as it was condemned. */
		if (!frame->condemned)
			stt_net_count(reasm->sn, cause);
		stt_frame_purge(frame, cause);
		kfree(frame);
	}
}

/* The heaviest source of all loses its oldest frame.  False: there is none. */
static bool stt_reasm_evict(struct stt_reasm *reasm)
{
	struct stt_frame *frame = NULL;
	struct stt_shard *shard = NULL;
	unsigned long most = 0;
	LIST_HEAD(lost);
	int i;

	for (i = 0; i < STT_SHARDS; i++) {
		unsigned long mem = READ_ONCE(reasm->shards[i].heaviest);

		if (mem > most) {
			most = mem;
			shard = &reasm->shards[i];
		}
	}
	if (!shard)
		return false;

	spin_lock(&shard->lock);
	if (!RB_EMPTY_ROOT(&shard->by_mem)) {
		struct stt_source *source;

		source = rb_entry(rb_last(&shard->by_mem), struct stt_source,
				  by_mem);
		frame = list_first_entry(&source->frames, struct stt_frame,
					 in_source);
		stt_frame_unlink(shard, frame);
		list_add(&frame->in_shard, &lost);
	}
	spin_unlock(&shard->lock);
	stt_frames_lost(reasm, &lost, STT_NET_reasm_evicted);

	return true;
}

/* Charge the namespace, making room if need be. */
static bool stt_reasm_charge(struct stt_reasm *reasm, unsigned long bytes)
{
	int tries = STT_EVICT_MAX;

	do {
		unsigned long limit = READ_ONCE(reasm->sn->limits.high_thresh);
		long mem = atomic_long_add_return(bytes, &reasm->mem);

		if (likely(mem <= limit))
			return true;
		atomic_long_sub(bytes, &reasm->mem);
		if (bytes > limit)
			return false;
	} while (tries-- && stt_reasm_evict(reasm));

	return false;
}

/* ---- finding and making ------------------------------------------------ */

static struct stt_source *stt_source_get(struct stt_shard *shard,
					 const struct stt_flow_key *key,
					 u32 hash)
{
	struct hlist_head *head;
	struct stt_source *source;

	head = &shard->sources[hash / STT_SHARDS % STT_SOURCE_HASH];
	hlist_for_each_entry(source, head, node)
		if (stt_addr_equal(&source->addr, &key->saddr) &&
		    source->scope == key->scope &&
		    source->family == key->family)
			return source;

	source = kzalloc(sizeof(*source), GFP_ATOMIC);
	if (!source)
		return NULL;
	source->addr = key->saddr;
	source->scope = key->scope;
	source->family = key->family;
	INIT_LIST_HEAD(&source->frames);
	RB_CLEAR_NODE(&source->by_mem);
	stt_source_charge(shard, source, 0);
	hlist_add_head(&source->node, head);

	return source;
}

static struct stt_flow *stt_flow_get(struct stt_shard *shard,
				     const struct stt_flow_key *key,
				     u32 source_hash)
{
	struct stt_source *source;
	struct hlist_head *head;
	struct stt_flow *flow;
	u32 hash;

	hash = jhash2((const u32 *)key, sizeof(*key) / sizeof(u32),
		      shard->reasm->seed);
	head = &shard->flows[hash % STT_FLOW_HASH];
	hlist_for_each_entry(flow, head, node)
		if (!memcmp(&flow->key, key, sizeof(*key)))
			return flow;

	source = stt_source_get(shard, key, source_hash);
	if (!source)
		return NULL;
	flow = kzalloc(sizeof(*flow), GFP_ATOMIC);
	if (!flow) {
		if (!source->flows)
			stt_source_forget(shard, source);
		return NULL;
	}
	flow->key = *key;
	flow->source = source;
	INIT_LIST_HEAD(&flow->frames);
	hlist_add_head(&flow->node, head);
	source->flows++;

	return flow;
}

/*
 * The frame that a segment belongs to; @lost gets the frames that a new one
 * shows to be lost.  NULL when there is no memory.
 */
static struct stt_frame *stt_frame_get(struct stt_shard *shard,
				       const struct stt_flow_key *key,
				       u32 source_hash, u32 id,
				       unsigned int len, struct list_head *lost)
{
	const struct stt_reasm_limits *limits = &shard->reasm->sn->limits;
	struct stt_frame *frame;
	struct stt_flow *flow;

	lockdep_assert_held(&shard->lock);

	flow = stt_flow_get(shard, key, source_hash);
	if (!flow)
		return NULL;
	/* The newest is the likeliest. */
	list_for_each_entry_reverse(frame, &flow->frames, in_flow)
		if (frame->id == id)
			return frame;

	frame = kzalloc(sizeof(*frame), GFP_ATOMIC);
	if (!frame) {
		if (!flow->count) {
			struct stt_source *source = flow->source;

			hlist_del(&flow->node);
			kfree(flow);
			if (!--source->flows)
				stt_source_forget(shard, source);
		}
		return NULL;
	}
	frame->flow = flow;
	frame->id = id;
	frame->len = len;
	frame->expires = jiffies + msecs_to_jiffies(READ_ONCE(limits->time_ms));
	frame->segments = RB_ROOT;
	list_add_tail(&frame->in_flow, &flow->frames);
	list_add_tail(&frame->in_source, &flow->source->frames);
	list_add_tail(&frame->in_shard, &shard->frames);
	flow->count++;
	WRITE_ONCE(shard->count, shard->count + 1);
	if (!timer_pending(&shard->timer))
		mod_timer(&shard->timer, frame->expires);

	while (flow->count > max(READ_ONCE(limits->max_frames), 1U)) {
		struct stt_frame *oldest;

		oldest = list_first_entry(&flow->frames, struct stt_frame,
					  in_flow);
		stt_frame_unlink(shard, oldest);
		list_add_tail(&oldest->in_shard, lost);
	}

	return frame;
}

/* ---- the outside ------------------------------------------------------- */

/**
 * stt_reasm_add - add a segment, or an aggregate, to its frame
 * @reasm: namespace
 * @key: its flow
 * @id: its frame id
 * @skb: begins with the segment's first byte; its cb is filled in and fits
 *	its length. Taken over
 *
 * Segments may come in any order and from any CPU (R6), in any split (R5).
 * No byte is ever overwritten (R7).
 *
 * Context: BH disabled.
 * Return: the frame, from the STT header on, if @skb made it complete; it is
 * the caller's, with %stt_skb_cb telling what it was made of.  Else NULL.
 */
struct sk_buff *stt_reasm_add(struct stt_reasm *reasm,
			      const struct stt_flow_key *key, u32 id,
			      struct sk_buff *skb)
{
	struct stt_skb_cb *cb = stt_skb_cb(skb);
	unsigned long cost = skb->truesize + STT_FRAME_COST;
	enum stt_net_counter cause = STT_NET_reasm_nomem;
	enum stt_insert what = STT_INSERT_NOMEM;
	struct stt_frame *frame, *done = NULL;
	struct stt_shard *shard;
	LIST_HEAD(lost);
	u32 hash;

	/* Nothing that a queued segment holds may outlive its owner. */
	skb_orphan(skb);
	skb_dst_drop(skb);
	skb_ext_reset(skb);
	nf_reset_ct(skb);

	if (!stt_reasm_charge(reasm, cost)) {
		stt_drop(reasm->sn, skb, STT_NET_reasm_nomem);
		return NULL;
	}

	hash = jhash2((const u32 *)&key->saddr, sizeof(key->saddr) / 4,
		      reasm->seed ^ key->scope);
	shard = &reasm->shards[hash % STT_SHARDS];

	spin_lock(&shard->lock);
	frame = stt_frame_get(shard, key, hash, id, cb->frame_len, &lost);
	if (!frame)
		goto unlock;
	if (frame->len != cb->frame_len) {
		cause = STT_NET_drop_length;
		goto unlock;
	}
	if (frame->condemned) {
		cause = STT_NET_reasm_condemned;
		goto unlock;
	}

	what = stt_frame_insert(frame, skb);
	switch (what) {
	case STT_INSERT_TRIMMED:
		stt_net_count(reasm->sn, STT_NET_reasm_duplicate);
		fallthrough;
	case STT_INSERT_NEW:
		/* Only the first segment pays for the frame. */
		if (frame->mem) {
			atomic_long_sub(STT_FRAME_COST, &reasm->mem);
			cost -= STT_FRAME_COST;
		}
		stt_frame_charge(shard, frame, cost);
		frame->packets++;
		if (!cb->offset)
			frame->dsfield = cb->dsfield;
		if (INET_ECN_is_ce(cb->dsfield))
			frame->ce = true;
		if (frame->have == frame->len) {
			stt_frame_unlink(shard, frame);
			done = frame;
		}
		break;
	case STT_INSERT_DUPLICATE:
		cause = STT_NET_reasm_duplicate;
		break;
	case STT_INSERT_CONFLICT:
		cause = STT_NET_reasm_overlap;
		stt_frame_condemn(shard, frame);
		break;
	case STT_INSERT_NOMEM:
		break;
	}
unlock:
	spin_unlock(&shard->lock);

	stt_frames_lost(reasm, &lost, STT_NET_reasm_evicted);
	if (what != STT_INSERT_NEW && what != STT_INSERT_TRIMMED) {
		atomic_long_sub(cost, &reasm->mem);
		stt_drop(reasm->sn, skb, cause);
		return NULL;
	}
	if (!done)
		return NULL;

	skb = stt_frame_join(done);
	stt_net_count(reasm->sn,
		      skb ? STT_NET_reasm_ok : STT_NET_reasm_nomem);

	return skb;
}

static void stt_reasm_expire(struct timer_list *t)
{
	struct stt_shard *shard = timer_container_of(shard, t, timer);
	struct stt_frame *frame, *tmp;
	LIST_HEAD(lost);

	spin_lock(&shard->lock);
	list_for_each_entry_safe(frame, tmp, &shard->frames, in_shard) {
		if (time_before(jiffies, frame->expires)) {
			mod_timer(&shard->timer, frame->expires);
			break;
		}
		stt_frame_unlink(shard, frame);
		list_add_tail(&frame->in_shard, &lost);
	}
	spin_unlock(&shard->lock);

	stt_frames_lost(shard->reasm, &lost, STT_NET_reasm_timeout);
}

/**
 * stt_reasm_alloc - make room for a namespace's incomplete frames
 * @sn: the namespace
 *
 * Context: sleeps.
 * Return: it, or NULL.
 */
struct stt_reasm *stt_reasm_alloc(struct stt_net *sn)
{
	struct stt_reasm *reasm = kzalloc(sizeof(*reasm), GFP_KERNEL);
	int i;

	if (!reasm)
		return NULL;
	reasm->sn = sn;
	reasm->seed = get_random_u32();
	for (i = 0; i < STT_SHARDS; i++) {
		struct stt_shard *shard = &reasm->shards[i];

		spin_lock_init(&shard->lock);
		INIT_LIST_HEAD(&shard->frames);
		shard->by_mem = RB_ROOT;
		shard->reasm = reasm;
		timer_setup(&shard->timer, stt_reasm_expire, 0);
	}

	return reasm;
}

/**
 * stt_reasm_free - drop everything
 * @reasm: no segment can come in any more
 *
 * Context: sleeps.
 */
void stt_reasm_free(struct stt_reasm *reasm)
{
	struct stt_frame *frame, *tmp;
	int i;

	for (i = 0; i < STT_SHARDS; i++) {
		struct stt_shard *shard = &reasm->shards[i];

		timer_delete_sync(&shard->timer);
		spin_lock_bh(&shard->lock);
		list_for_each_entry_safe(frame, tmp, &shard->frames,
					 in_shard) {
			stt_frame_unlink(shard, frame);
			stt_frame_purge(frame, STT_NET_reasm_timeout);
			kfree(frame);
		}
		spin_unlock_bh(&shard->lock);
	}
	kfree(reasm);
}

/**
 * stt_reasm_mem - memory that incomplete frames hold now, in bytes
 * @reasm: namespace's, or NULL
 */
unsigned long stt_reasm_mem(const struct stt_reasm *reasm)
{
	return reasm ? atomic_long_read(&reasm->mem) : 0;
}

/**
 * stt_reasm_frames - how many incomplete frames there are now
 * @reasm: namespace's, or NULL
 */
unsigned int stt_reasm_frames(const struct stt_reasm *reasm)
{
	unsigned int n = 0;
	int i;

	if (!reasm)
		return 0;
	for (i = 0; i < STT_SHARDS; i++)
		n += READ_ONCE(reasm->shards[i].count);

	return n;
}
