// SPDX-License-Identifier: GPL-2.0
/*
 * Reassembly: segments become frames.  Knows no device.
 *
 * Who owns what, and under which lock:
 *
 *	stt_reasm (one a namespace)
 *	  stt_shard [STT_SHARDS], by source address
 *	    stt_source: a sender's address ---- its open frames, oldest first
 *	      stt_flow: addresses and ports --- its frames, oldest first
 *	        stt_frame: a frame id --------- its segments, by offset
 *
 * A source lives in one shard with all its flows and frames, and the shard's
 * lock guards all of them.  Locks of two shards are never held together, and
 * nothing is joined or delivered under one.  A flow lives while it has frames,
 * a source while it has flows.
 *
 * A frame is open until it is complete or given up: by the timer, because
 * newer frames of its flow show that its segments are lost, because a flow that
 * only loses segments was idle, or for its memory.  Then it is closed, and
 * stays a while as a mark without segments.
 *
 * Memory (R8) is counted as truesize and charged before a segment is queued:
 * the sum over the namespace never exceeds its limit.  When it would, the
 * source that holds most gives up its oldest frame.  Known sources, those that
 * a device names as its peer or that completed a frame lately, are counted
 * apart from all others, which together get half of the limit: however many
 * they are, a known source within its part of the other half loses nothing to
 * them.  Closed frames are not charged; a shard keeps %STT_CLOSED_MAX of known
 * sources and as many of the others, so that these do not push out those.
 *
 * Time is bounded as well (R8a).  With n of each in a shard, what is done under
 * its lock for one segment is
 *
 *	source, flow	trees by hash, in an array: O(log n)
 *	frame		a tree by id in its flow: O(log n)
 *	segment		a tree by offset in its frame: O(log n)
 *	heaviest source	a tree by memory in each pool: O(log n)
 *	overdue frame	the oldest of the flow, and the first of a tree of
 *			those that can be delivered in parts: O(1)
 *	late segment	%STT_SALVAGE_GAPS gaps
 *
 * Trees and not tables that grow: they need no memory of their own, which a
 * flood would have to be charged for, and no moment at which all moves.  A
 * segment may push out %STT_EVICT_MAX frames before it is dropped itself, but
 * each of them was opened by a segment before.  The timer gives up
 * %STT_EXPIRE_BATCH frames, and a work item the rest, as many each time that it
 * runs.  A frame that comes whole takes the lock only if its flow shares a tree
 * with one that has incomplete frames.
 */
#include <linux/jhash.h>
#include <linux/jiffies.h>
#include <linux/random.h>
#include <linux/slab.h>
#include <linux/spinlock.h>
#include <linux/timer.h>
#include <net/inet_ecn.h>

#include "include/stt.h"
#include "include/stt_deliver.h"
#include "include/stt_flow.h"
#include "include/stt_frame.h"
#include "include/stt_peers.h"
#include "include/stt_reasm.h"
#include "include/stt_skb.h"
#include "include/stt_source.h"
#include "include/stt_stats.h"
#include "include/stt_trace.h"
#include "include/stt_whole.h"

/* Frames that expire under one hold of the lock, or one run of the timer. */
#define STT_EXPIRE_BATCH	64

/* Frames that one segment may push out before it is dropped itself. */
#define STT_EVICT_MAX		256

/* ---- giving up --------------------------------------------------------- */

/* Without the lock: what becomes of the segments of a frame given up. */
static void stt_reasm_lost(struct stt_shard *shard,
			   const struct stt_flow_key *key,
			   struct sk_buff *segs, bool partial,
			   enum stt_net_counter cause)
{
	struct stt_net *sn = shard->reasm->sn;

	trace_stt_frame(sn->net, key, stt_skb_cb(segs)->frame_len,
			stt_skb_cb(segs)->segments,
			cause == STT_NET_reasm_timeout ? STT_FRAME_EV_EXPIRED :
							 STT_FRAME_EV_EVICTED);
	if (partial && stt_rx_partial(sn, key, segs, cause, false)) {
		stt_peer_lost(sn, key, STT_PEER_partial);
		return;
	}
	if (partial)
		stt_flow_refused(shard, key);
	else
		stt_drop_list(segs, cause);
	stt_peer_lost(sn, key, STT_PEER_lost);
}

/* Give up the frames of a flow that newer ones show to be lost. */
static void stt_reasm_close_overdue(struct stt_reasm *reasm,
				    struct stt_shard *shard,
				    const struct stt_flow_key *key)
{
	u32 hash = stt_flow_hash(shard, key);

	for (;;) {
		struct stt_frame *frame = NULL;
		struct sk_buff *segs = NULL;
		struct stt_flow *flow;
		bool partial;

		spin_lock(&shard->lock);
		flow = stt_flow_find(shard, key, hash);
		if (flow)
			frame = stt_flow_overdue(shard, flow);
		if (frame) {
			stt_flow_learn(shard, flow, frame->len);
			segs = stt_flow_give_up(shard, frame,
						STT_NET_reasm_evicted,
						&partial);
		}
		spin_unlock(&shard->lock);
		if (!frame)
			return;
		stt_reasm_lost(shard, key, segs, partial,
			       STT_NET_reasm_evicted);
	}
}

/* The heaviest source of a pool loses its oldest frame.  False: none has. */
static bool stt_pool_evict(struct stt_reasm *reasm, enum stt_pool pool)
{
	struct stt_shard *shard = stt_pool_heaviest(reasm, pool);
	struct sk_buff *segs = NULL;
	struct stt_flow_key key;
	struct rb_node *last;
	bool partial;

	if (!shard)
		return false;

	spin_lock(&shard->lock);
	last = rb_last(&shard->by_mem[pool]);
	if (last) {
		struct stt_source *source;
		struct stt_frame *frame;

		source = rb_entry(last, struct stt_source, by_mem);
		frame = list_first_entry(&source->open, struct stt_frame,
					 in_source);
		key = frame->flow->key;
		segs = stt_flow_give_up(shard, frame, STT_NET_reasm_evicted,
					&partial);
	}
	spin_unlock(&shard->lock);
	if (segs)
		stt_reasm_lost(shard, &key, segs, partial,
			       STT_NET_reasm_evicted);

	return true;
}

/* Make room for a segment of a source of this pool. */
static bool stt_reasm_evict(struct stt_reasm *reasm, bool known)
{
	long mem = atomic_long_read(&reasm->mem);
	long unknown = atomic_long_read(&reasm->unknown);
	long limit = READ_ONCE(reasm->sn->limits.high_thresh);

	/* Known sources give way to others only beyond their half. */
	if (!known)
		return stt_pool_evict(reasm, STT_POOL_UNKNOWN) ||
		       (mem - unknown > limit / 2 &&
			stt_pool_evict(reasm, STT_POOL_KNOWN));
	if (mem - unknown < limit / 2 &&
	    stt_pool_evict(reasm, STT_POOL_UNKNOWN))
		return true;

	return stt_pool_evict(reasm, STT_POOL_KNOWN);
}

/* The first of a shard's list if it has expired; else arms the timer for it. */
static struct stt_frame *stt_shard_expired(struct stt_shard *shard,
					   struct list_head *list)
{
	struct stt_frame *frame;

	frame = list_first_entry_or_null(list, struct stt_frame, in_shard);
	if (!frame || !time_before(jiffies, frame->expires))
		return frame;
	stt_flow_arm(shard, frame->expires);

	return NULL;
}

static void stt_shard_give_up(struct stt_shard *shard, struct stt_frame *frame)
{
	struct stt_flow_key key = frame->flow->key;
	struct sk_buff *segs;
	bool partial;

	segs = stt_flow_give_up(shard, frame, STT_NET_reasm_timeout, &partial);
	spin_unlock(&shard->lock);
	stt_reasm_lost(shard, &key, segs, partial, STT_NET_reasm_timeout);
	spin_lock(&shard->lock);
}

/* Give up or forget some frames.  True: more have expired. */
static bool stt_shard_expire(struct stt_shard *shard)
{
	unsigned int left = STT_EXPIRE_BATCH;
	struct stt_frame *frame;
	int pool;

	lockdep_assert_held(&shard->lock);

	while ((frame = stt_shard_expired(shard, &shard->quiet)) ||
	       (frame = stt_shard_expired(shard, &shard->open))) {
		if (!left--)
			return true;
		stt_shard_give_up(shard, frame);
	}
	/* There are 2 * STT_CLOSED_MAX at most. */
	for (pool = 0; pool < STT_POOLS; pool++)
		while ((frame = stt_shard_expired(shard,
						  &shard->closed[pool])))
			stt_flow_forget_frame(shard, frame);

	return false;
}

/* Expire some frames now, and the others from a work item. */
static void stt_shard_run(struct stt_shard *shard)
{
	spin_lock_bh(&shard->lock);
	if (stt_shard_expire(shard) && !shard->dying)
		schedule_work(&shard->expire);
	spin_unlock_bh(&shard->lock);
}

static void stt_reasm_timer(struct timer_list *t)
{
	struct stt_shard *shard = timer_container_of(shard, t, timer);

	stt_shard_run(shard);
}

static void stt_reasm_expire(struct work_struct *work)
{
	stt_shard_run(container_of(work, struct stt_shard, expire));
}

/* ---- segments come ----------------------------------------------------- */

/**
 * struct stt_arrival - what a segment brings about
 * @segs: segments of its frame, now complete, or headers and late segment
 * @late: it is the latter
 * @cause: else, if it is not queued: what to count
 * @dropped: it is neither queued nor in @segs
 * @overdue: its frame shows that others are lost
 */
struct stt_arrival {
	struct sk_buff		*segs;
	bool			late;
	enum stt_net_counter	cause;
	bool			dropped;
	bool			overdue;
};

/* Is it all of its frame? */
static bool stt_seg_is_whole(struct sk_buff *skb)
{
	return skb->len == stt_skb_cb(skb)->frame_len;
}

/*
 * A segment of a frame that is closed already.  One that is all of a frame
 * that was given up is delivered: the frame may have been open when
 * stt_reasm_passed() looked.
 */
static void stt_frame_late(struct stt_frame *frame, struct sk_buff *skb,
			   struct stt_arrival *a)
{
	bool reordered;

	a->dropped = true;
	a->cause = STT_NET_reasm_late;
	if (stt_seg_is_whole(skb) && (frame->state == STT_FRAME_LOST ||
				      frame->state == STT_FRAME_PARTIAL)) {
		frame->state = STT_FRAME_DONE;
		a->dropped = false;
		a->segs = skb;
	} else if (frame->state == STT_FRAME_DONE) {
		a->cause = STT_NET_reasm_duplicate;
	} else if (frame->state == STT_FRAME_PARTIAL) {
		reordered = frame->number != frame->flow->started ||
			    stt_salvage_is_inside(frame->salvage, skb,
						  frame->len);
		if (!stt_salvage_fit(frame->salvage, skb)) {
			a->cause = STT_NET_reasm_duplicate;
			return;
		}
		if (reordered)
			frame->flow->losses = 0;
		a->late = true;
		a->dropped = false;
		a->segs = stt_salvage_packet(frame->salvage, skb);
	}
}

/*
 * A segment of an open frame, for which @cost is charged: 0 for one that makes
 * the frame complete, which needs no memory.
 */
static void stt_frame_add(struct stt_shard *shard, struct stt_frame *frame,
			  struct sk_buff *skb, unsigned long cost,
			  struct stt_arrival *a)
{
	struct stt_reasm *reasm = shard->reasm;
	struct stt_source *source = frame->flow->source;
	const struct stt_skb_cb cb = *stt_skb_cb(skb);
	bool reordered = stt_flow_is_reordered(frame, cb.offset);

	switch (stt_frame_insert(frame, skb)) {
	case STT_INSERT_TRIMMED:
		stt_net_count(reasm->sn, STT_NET_reasm_duplicate);
		reordered = false;
		fallthrough;
	case STT_INSERT_NEW:
		/* Only the first segment pays for the frame. */
		if (cost && frame->mem) {
			stt_reasm_uncharge(reasm, STT_FRAME_COST,
					   source->known);
			cost -= STT_FRAME_COST;
		}
		if (cost)
			stt_frame_charge(shard, frame, cost);
		frame->packets++;
		if (!stt_skb_cb(skb)->offset)
			frame->dsfield = cb.dsfield;
		if (INET_ECN_is_ce(cb.dsfield))
			frame->ce = true;
		if (reordered)
			frame->flow->losses = 0;
		if (frame->have == frame->len) {
			if ((s32)(frame->number - frame->flow->complete) > 0)
				frame->flow->complete = frame->number;
			a->segs = stt_frame_take(frame);
			stt_flow_close_frame(shard, frame, STT_FRAME_DONE);
		} else {
			stt_flow_watch_frame(shard, frame);
		}
		return;
	case STT_INSERT_DUPLICATE:
		if (INET_ECN_is_ce(cb.dsfield))
			frame->ce = true;
		a->cause = STT_NET_reasm_duplicate;
		break;
	case STT_INSERT_CONFLICT:
		a->cause = STT_NET_reasm_overlap;
		stt_frame_purge(frame, STT_NET_reasm_overlap);
		stt_flow_close_frame(shard, frame, STT_FRAME_POISONED);
		break;
	case STT_INSERT_NOMEM:
		a->cause = STT_NET_reasm_nomem;
		break;
	}
	a->dropped = true;
	stt_reasm_uncharge(reasm, cost, source->known);
}

/*
 * Find the segment's place and put it there.  False when there is no room,
 * and room may be made; *@known then tells for whom.
 */
static bool stt_shard_add(struct stt_shard *shard,
			  const struct stt_flow_key *key, u32 id, u32 hash,
			  struct sk_buff *skb, bool *known,
			  struct stt_arrival *a)
{
	unsigned long cost = skb->truesize + STT_FRAME_COST;
	u32 flow_hash = stt_flow_hash(shard, key);
	struct stt_frame *frame = NULL;
	struct stt_flow *flow;

	lockdep_assert_held(&shard->lock);

	a->dropped = true;
	flow = stt_flow_find(shard, key, flow_hash);
	if (flow)
		frame = stt_flow_find_frame(flow, id);
	if (frame && frame->state == STT_FRAME_DONE &&
	    !time_before(jiffies, frame->expires))
		frame = NULL;
	if (!frame && stt_whole_seen(shard->reasm, key, id)) {
		a->cause = STT_NET_reasm_duplicate;
		return true;
	}
	a->cause = STT_NET_reasm_nomem;
	if (!flow)
		flow = stt_flow_get(shard, key, flow_hash, hash);
	if (!flow)
		return true;
	if (frame && frame->len != stt_skb_cb(skb)->frame_len) {
		a->cause = STT_NET_drop_length;
		return true;
	}
	if (frame && frame->state != STT_FRAME_OPEN) {
		stt_frame_late(frame, skb, a);
		return true;
	}

	/* To make room might push out the very frame. */
	if (frame && stt_seg_is_whole(skb)) {
		a->dropped = false;
		stt_frame_add(shard, frame, skb, 0, a);
		a->overdue = stt_flow_overdue(shard, flow);
		return true;
	}

	stt_source_check(shard, flow->source, *known, hash);
	*known = flow->source->known;
	if (!stt_reasm_fits(shard->reasm, cost, *known)) {
		stt_flow_put(shard, flow);
		return true;
	}
	if (!stt_reasm_charge(shard->reasm, cost, *known)) {
		stt_flow_put(shard, flow);
		return false;
	}
	if (!frame)
		frame = stt_flow_start_frame(shard, flow, id,
					     stt_skb_cb(skb)->frame_len);
	if (!frame) {
		stt_reasm_uncharge(shard->reasm, cost, *known);
		stt_flow_put(shard, flow);
		return true;
	}
	a->dropped = false;
	stt_frame_add(shard, frame, skb, cost, a);
	a->overdue = stt_flow_overdue(shard, flow);

	return true;
}

/**
 * stt_reasm_add - add a segment, or an aggregate, to its frame
 * @reasm: namespace
 * @key: its flow
 * @id: its frame id
 * @known: a device names the sender as its peer
 * @skb: begins with the segment's first byte; its cb is filled in and fits
 *	its length. Taken over
 *
 * Segments may come in any order and from any CPU (R6), in any split (R5).
 * No byte is ever overwritten (R7).  Frames of the same flow that this one
 * shows to be lost are given up, and delivered in parts where that is right
 * (R15).
 *
 * Context: BH disabled.
 * Return: the frame, from the STT header on, if @skb made it complete; it is
 * the caller's, with %stt_skb_cb telling what it was made of.  Else NULL.
 */
struct sk_buff *stt_reasm_add(struct stt_reasm *reasm,
			      const struct stt_flow_key *key, u32 id,
			      bool known, struct sk_buff *skb)
{
	u32 hash = stt_source_hash(reasm, key);
	struct stt_shard *shard = &reasm->shards[hash % STT_SHARDS];
	struct stt_arrival a = { };
	int tries = STT_EVICT_MAX;
	struct sk_buff *rest;
	bool placed;

	/* Nothing that a queued segment holds may outlive its owner. */
	skb_orphan(skb);
	skb_dst_drop(skb);
	skb_ext_reset(skb);
	nf_reset_ct(skb);

	do {
		bool pool = known;

		spin_lock(&shard->lock);
		placed = stt_shard_add(shard, key, id, hash, skb, &pool, &a);
		spin_unlock(&shard->lock);
		if (placed || !stt_reasm_evict(reasm, pool))
			break;
	} while (tries--);

	if (a.overdue)
		stt_reasm_close_overdue(reasm, shard, key);
	if (a.dropped) {
		stt_drop(reasm->sn, skb, a.cause, key, NULL);
		return NULL;
	}
	if (!a.segs) {
		if (a.late)
			stt_net_count(reasm->sn, STT_NET_reasm_nomem);
		return NULL;
	}
	if (a.late) {
		stt_rx_partial(reasm->sn, key, a.segs, STT_NET_reasm_late,
			       true);
		return NULL;
	}

	rest = a.segs->next;
	skb_mark_not_on_list(a.segs);
	skb = stt_skb_join(a.segs, rest);
	stt_net_count(reasm->sn, skb ? STT_NET_reasm_ok : STT_NET_reasm_nomem);
	if (skb)
		trace_stt_frame(reasm->sn->net, key, skb->len,
				stt_skb_cb(skb)->segments,
				STT_FRAME_EV_REASSEMBLED);

	return skb;
}

/**
 * stt_reasm_watches - must stt_reasm_passed() be told of whole frames
 * @reasm: namespace's, or NULL
 */
bool stt_reasm_watches(const struct stt_reasm *reasm)
{
	return reasm && atomic_read(&reasm->nwatched);
}

/**
 * stt_reasm_passed - a frame of a flow came whole
 * @reasm: namespace, in which some frame is open or poisoned
 * @key: the flow
 * @id: the frame
 *
 * It is newer than the flow's open frames, and may show that they are lost.
 *
 * Context: BH disabled.
 * Return: false when segments of that very frame came before: what came now is
 * one more, for stt_reasm_add() to compare with them (R7).
 */
bool stt_reasm_passed(struct stt_reasm *reasm, const struct stt_flow_key *key,
		      u32 id)
{
	u32 source_hash = stt_source_hash(reasm, key), hash;
	struct stt_shard *shard = &reasm->shards[source_hash % STT_SHARDS];
	bool overdue = false, alone = true;
	struct stt_flow *flow;

	if (!READ_ONCE(shard->nwatched))
		return true;
	hash = stt_flow_hash(shard, key);
	if (!READ_ONCE(stt_flow_bucket(shard, hash)->rb_node))
		return true;

	spin_lock(&shard->lock);
	flow = stt_flow_find(shard, key, hash);
	if (flow)
		alone = !stt_flow_watches(flow, id);
	if (flow && alone) {
		flow->complete = ++flow->started;
		overdue = stt_flow_overdue(shard, flow);
	}
	spin_unlock(&shard->lock);
	if (overdue)
		stt_reasm_close_overdue(reasm, shard, key);

	return alone;
}

/* ---- life -------------------------------------------------------------- */

/**
 * stt_reasm_alloc - make room for a namespace's incomplete frames
 * @sn: the namespace
 *
 * Context: sleeps.
 * Return: it, or NULL.
 */
struct stt_reasm *stt_reasm_alloc(struct stt_net *sn)
{
	struct stt_reasm *reasm = kvzalloc_obj(*reasm, GFP_KERNEL_ACCOUNT);
	int i;

	if (!reasm)
		return NULL;
	reasm->whole = alloc_percpu_gfp(struct stt_whole, GFP_KERNEL_ACCOUNT);
	if (!reasm->whole) {
		kvfree(reasm);
		return NULL;
	}
	reasm->sn = sn;
	reasm->seed = get_random_u32();
	for (i = 0; i < STT_SHARDS; i++) {
		struct stt_shard *shard = &reasm->shards[i];

		spin_lock_init(&shard->lock);
		INIT_LIST_HEAD(&shard->open);
		INIT_LIST_HEAD(&shard->quiet);
		INIT_LIST_HEAD(&shard->closed[STT_POOL_UNKNOWN]);
		INIT_LIST_HEAD(&shard->closed[STT_POOL_KNOWN]);
		shard->by_mem[STT_POOL_UNKNOWN] = RB_ROOT;
		shard->by_mem[STT_POOL_KNOWN] = RB_ROOT;
		shard->reasm = reasm;
		timer_setup(&shard->timer, stt_reasm_timer, 0);
		INIT_WORK(&shard->expire, stt_reasm_expire);
	}

	return reasm;
}

/* Drop some frames of a shard.  True: some are left. */
static bool stt_shard_drop(struct stt_shard *shard)
{
	unsigned int left = STT_EXPIRE_BATCH;
	struct stt_frame *frame;
	int pool;

	list_splice_init(&shard->quiet, &shard->open);
	while (left--) {
		frame = list_first_entry_or_null(&shard->open,
						 struct stt_frame, in_shard);
		if (!frame)
			break;
		stt_frame_purge(frame, STT_NET_reasm_timeout);
		stt_flow_close_frame(shard, frame, STT_FRAME_LOST);
	}
	for (pool = 0; pool < STT_POOLS; pool++)
		while (shard->nclosed[pool]) {
			frame = list_first_entry(&shard->closed[pool],
						 struct stt_frame, in_shard);
			stt_flow_forget_frame(shard, frame);
		}

	return shard->nopen;
}

/* No segment reaches the shard any more. */
static void stt_shard_free(struct stt_shard *shard)
{
	bool more;

	spin_lock_bh(&shard->lock);
	shard->dying = true;
	spin_unlock_bh(&shard->lock);
	/* In this order: the timer starts the work. */
	timer_delete_sync(&shard->timer);
	cancel_work_sync(&shard->expire);

	do {
		spin_lock_bh(&shard->lock);
		more = stt_shard_drop(shard);
		spin_unlock_bh(&shard->lock);
		cond_resched();
	} while (more);
}

/**
 * stt_reasm_free - drop everything
 * @reasm: no segment can come in any more
 *
 * Context: sleeps.
 */
void stt_reasm_free(struct stt_reasm *reasm)
{
	int i;

	for (i = 0; i < STT_SHARDS; i++)
		stt_shard_free(&reasm->shards[i]);
	free_percpu(reasm->whole);
	kvfree(reasm);
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
	unsigned int i, n = 0;

	for (i = 0; reasm && i < STT_SHARDS; i++)
		n += READ_ONCE(reasm->shards[i].nopen);

	return n;
}
