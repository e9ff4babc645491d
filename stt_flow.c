// SPDX-License-Identifier: GPL-2.0
/*
 * Flows of incomplete frames: how frames are opened, closed and given up, and
 * what the frames of a flow tell about each other.  stt_reasm.c explains how
 * flows, frames and sources hang together.
 */
#include <linux/jiffies.h>
#include <linux/rbtree.h>
#include <linux/slab.h>
#include <linux/spinlock.h>
#include <linux/timer.h>

#include "include/stt_deliver.h"
#include "include/stt_flow.h"
#include "include/stt_frame.h"
#include "include/stt_reasm.h"
#include "include/stt_source.h"
#include "include/stt_stats.h"

/* Closed frames that a shard remembers, per pool. */
#define STT_CLOSED_MAX		256

/* Open frames that are looked at when their flow turns out to be lossy. */
#define STT_LEARN_SCAN		32

/*
 * How long a segment of a complete frame is known as a duplicate.  One of a
 * frame that was given up is known for %STT_LATE_TIME.
 */
#define STT_DONE_TIME		(HZ / 5)

/**
 * stt_flow_put - a flow lost a frame, or gets none; it goes with the last
 * @shard: its shard
 * @flow: flow
 *
 * Context: &stt_shard.lock.
 */
void stt_flow_put(struct stt_shard *shard, struct stt_flow *flow)
{
	struct stt_source *source = flow->source;

	if (flow->nframes)
		return;

	rb_erase(&flow->node, stt_flow_bucket(shard, flow->hash));
	kfree(flow);
	source->flows--;
	stt_source_put(shard, source);
}

/* Count frames that a frame that comes whole is compared with. */
static void stt_flow_count_watched(struct stt_shard *shard, int n)
{
	WRITE_ONCE(shard->nwatched, shard->nwatched + n);
	atomic_add(n, &shard->reasm->nwatched);
}

/**
 * stt_flow_forget_frame - forget a closed frame
 * @shard: its shard
 * @frame: frame; freed.  Its flow and source go with their last frame
 *
 * Context: &stt_shard.lock.
 */
void stt_flow_forget_frame(struct stt_shard *shard, struct stt_frame *frame)
{
	struct stt_flow *flow = frame->flow;

	lockdep_assert_held(&shard->lock);

	if (!RB_EMPTY_NODE(&frame->by_id))
		rb_erase(&frame->by_id, &flow->frames);
	list_del(&frame->in_flow);
	list_del(&frame->in_shard);
	shard->nclosed[frame->pool]--;
	if (frame->state == STT_FRAME_POISONED)
		stt_flow_count_watched(shard, -1);
	flow->nframes--;
	kfree(frame->salvage);
	kfree(frame);
	stt_flow_put(shard, flow);
}

static unsigned long stt_flow_deadline(const struct stt_shard *shard)
{
	unsigned int ms = READ_ONCE(shard->reasm->sn->limits.time_ms);

	return jiffies + msecs_to_jiffies(ms);
}

/**
 * stt_flow_close_frame - an open frame becomes a closed one
 * @shard: its shard
 * @frame: frame, whose segments were taken out or freed
 * @state: what it is from now on
 *
 * The flow that it is in may go, when too many are closed: it does not, as long
 * as the caller looks at the flow before the next one is closed.
 *
 * Context: &stt_shard.lock.
 */
void stt_flow_close_frame(struct stt_shard *shard, struct stt_frame *frame,
			  enum stt_frame_state state)
{
	struct stt_flow *flow = frame->flow;
	unsigned long limit;

	lockdep_assert_held(&shard->lock);

	stt_frame_uncharge(shard, frame);
	list_del(&frame->in_source);
	list_move_tail(&frame->in_flow, &flow->closed);
	flow->nopen--;
	if (frame->parts)
		rb_erase_cached(&frame->by_number, &flow->parts);
	WRITE_ONCE(shard->nopen, shard->nopen - 1);
	if (state != STT_FRAME_POISONED)
		stt_flow_count_watched(shard, -1);

	frame->state = state;
	/* Duplicates follow soon; the id of a lost frame may come late. */
	frame->expires = stt_flow_deadline(shard);
	limit = jiffies + (state == STT_FRAME_DONE ? STT_DONE_TIME :
						     STT_LATE_TIME);
	if (time_after(frame->expires, limit))
		frame->expires = limit;
	frame->pool = flow->source->known;
	list_move_tail(&frame->in_shard, &shard->closed[frame->pool]);
	stt_flow_arm(shard, frame->expires);
	if (++shard->nclosed[frame->pool] > STT_CLOSED_MAX) {
		frame = list_first_entry(&shard->closed[frame->pool],
					 struct stt_frame, in_shard);
		stt_flow_forget_frame(shard, frame);
	}
}

/**
 * stt_flow_give_up - give an open frame up
 * @shard: its shard
 * @frame: frame
 * @cause: why; counted
 * @partial: set: may its segments be delivered in parts
 *
 * Context: &stt_shard.lock.
 * Return: its segments, linked by ->next.
 */
struct sk_buff *stt_flow_give_up(struct stt_shard *shard,
				 struct stt_frame *frame,
				 enum stt_net_counter cause, bool *partial)
{
	struct sk_buff *segs;

	stt_net_count(shard->reasm->sn, cause);
	frame->salvage = stt_frame_salvage(frame);
	*partial = frame->salvage;
	segs = stt_frame_take(frame);
	stt_flow_close_frame(shard, frame,
			     *partial ? STT_FRAME_PARTIAL : STT_FRAME_LOST);

	return segs;
}

/* As memcmp(): where in its tree is the flow with @key, seen from this one. */
static int stt_flow_order(const struct stt_flow *flow,
			  const struct stt_flow_key *key, u32 hash)
{
	if (hash != flow->hash)
		return hash < flow->hash ? -1 : 1;

	return memcmp(key, &flow->key, sizeof(*key));
}

/*
 * A flow, or NULL.  *@link and *@parent are where one with this key belongs,
 * for rb_link_node().
 */
static struct stt_flow *stt_flow_seek(struct stt_shard *shard,
				      const struct stt_flow_key *key, u32 hash,
				      struct rb_node ***link,
				      struct rb_node **parent)
{
	struct rb_node **p = &stt_flow_bucket(shard, hash)->rb_node;

	*parent = NULL;
	while (*p) {
		struct stt_flow *flow = rb_entry(*p, struct stt_flow, node);
		int order = stt_flow_order(flow, key, hash);

		if (!order)
			return flow;
		*parent = *p;
		p = order < 0 ? &(*p)->rb_left : &(*p)->rb_right;
	}
	*link = p;

	return NULL;
}

/**
 * stt_flow_find - find a flow
 * @shard: shard of its source
 * @key: addresses and ports
 * @hash: stt_flow_hash()
 *
 * Context: &stt_shard.lock.
 * Return: the flow or NULL.
 */
struct stt_flow *stt_flow_find(struct stt_shard *shard,
			       const struct stt_flow_key *key, u32 hash)
{
	struct rb_node **link, *parent;

	return stt_flow_seek(shard, key, hash, &link, &parent);
}

/**
 * stt_flow_get - find a flow, or make it
 * @shard: shard of its source
 * @key: addresses and ports
 * @hash: stt_flow_hash()
 * @source_hash: stt_source_hash()
 *
 * A caller that adds no frame calls stt_flow_put().
 *
 * Context: &stt_shard.lock.
 * Return: the flow, or NULL without memory.
 */
struct stt_flow *stt_flow_get(struct stt_shard *shard,
			      const struct stt_flow_key *key, u32 hash,
			      u32 source_hash)
{
	struct rb_node **link, *parent;
	struct stt_source *source;
	struct stt_flow *flow;

	flow = stt_flow_seek(shard, key, hash, &link, &parent);
	if (flow)
		return flow;
	source = stt_source_get(shard, key, source_hash);
	if (!source)
		return NULL;

	flow = kzalloc_obj(*flow, GFP_ATOMIC);
	if (!flow) {
		stt_source_put(shard, source);
		return NULL;
	}
	flow->hash = hash;
	flow->key = *key;
	flow->source = source;
	flow->losses = STT_FLOW_LOSSY;
	flow->frames = RB_ROOT;
	flow->parts = RB_ROOT_CACHED;
	INIT_LIST_HEAD(&flow->open);
	INIT_LIST_HEAD(&flow->closed);
	rb_link_node(&flow->node, parent, link);
	rb_insert_color(&flow->node, stt_flow_bucket(shard, hash));
	source->flows++;

	return flow;
}

/*
 * How many newer frames of its flow show that a frame is lost.  It is also
 * how many a flow keeps open.
 */
static u32 stt_flow_window(const struct stt_shard *shard)
{
	return max(READ_ONCE(shard->reasm->sn->limits.max_frames), 1U);
}

/**
 * stt_flow_overdue - the oldest frame that newer ones show to be lost
 * @shard: the flow's shard
 * @flow: flow
 *
 * They do by their number, or in a lossy flow, because one of them is complete.
 * There only frames that can be delivered in parts are given up early: the
 * inner TCP would take all of such a frame for lost once it sees the newer one.
 * For the others waiting costs nothing.
 *
 * Context: &stt_shard.lock.
 * Return: the frame or NULL.
 */
struct stt_frame *stt_flow_overdue(struct stt_shard *shard,
				   struct stt_flow *flow)
{
	struct stt_frame *frame;
	struct rb_node *first;

	frame = list_first_entry_or_null(&flow->open, struct stt_frame,
					 in_flow);
	if (!frame)
		return NULL;
	if (flow->started - frame->number >= stt_flow_window(shard))
		return frame;
	first = rb_first_cached(&flow->parts);
	if (flow->losses < STT_FLOW_LOSSY || !first)
		return NULL;
	frame = rb_entry(first, struct stt_frame, by_number);

	return (s32)(flow->complete - frame->number) > 0 ? frame : NULL;
}

static bool stt_flow_frame_is_older(struct rb_node *a, const struct rb_node *b)
{
	return (s32)(rb_entry(a, struct stt_frame, by_number)->number -
		     rb_entry(b, struct stt_frame, by_number)->number) < 0;
}

/* Where the segments of a frame that are here end. */
static unsigned int stt_flow_frame_end(const struct stt_frame *frame)
{
	return frame->last ? stt_skb_cb(frame->last)->offset + frame->last->len :
			     0;
}

/**
 * stt_flow_is_reordered - would a segment show that the path reorders segments
 * @frame: its frame
 * @offset: of its first byte
 *
 * It would if it is not the newest of its flow.  The sender may repeat the
 * first one behind the frame (W14): that shows nothing.
 *
 * Context: &stt_shard.lock.
 */
bool stt_flow_is_reordered(const struct stt_frame *frame, unsigned int offset)
{
	unsigned int end = stt_flow_frame_end(frame);

	if (!offset && end == frame->len)
		return false;

	return offset < end || frame->number != frame->flow->started;
}

/*
 * Can parts of a frame be delivered?  The device is asked once for each flow:
 * one that refuses parts would lose what is given up early.
 */
static noinline bool stt_flow_takes_parts(struct stt_shard *shard,
					  struct stt_frame *frame)
{
	struct stt_flow *flow = frame->flow;
	u8 buf[STT_HEADERS_MAX];
	unsigned int hlen;

	hlen = stt_frame_headers(frame, buf);
	if (!hlen)
		return false;
	if (flow->asked)
		return true;
	flow->asked = true;
	if (stt_rx_takes_parts(shard->reasm->sn, &flow->key,
			       stt_skb_cb(frame->last)->iif, buf, hlen,
			       frame->len))
		return true;
	flow->losses = 0;

	return false;
}

/**
 * stt_flow_watch_frame - a segment came, and its frame is not complete
 * @shard: its shard
 * @frame: frame
 *
 * In a lossy flow, if parts of the frame can be delivered, a hole in it shows
 * that what belongs there is lost, and so are the rests of older frames; without
 * a hole, the idle timeout decides when the rest is lost.
 *
 * Context: &stt_shard.lock.
 */
void stt_flow_watch_frame(struct stt_shard *shard, struct stt_frame *frame)
{
	unsigned long expires = jiffies + STT_FLOW_IDLE;
	struct stt_flow *flow = frame->flow;

	if (flow->losses < STT_FLOW_LOSSY) {
		if (!frame->parts)
			return;
		/* Reordering showed meanwhile: it has all its time again. */
		frame->expires = frame->deadline;
		list_move_tail(&frame->in_shard, &shard->open);
		return;
	}
	if (!frame->parts) {
		if (!stt_flow_takes_parts(shard, frame))
			return;
		frame->parts = true;
		rb_add_cached(&frame->by_number, &flow->parts,
			      stt_flow_frame_is_older);
	}
	if (frame->have < stt_flow_frame_end(frame) &&
	    (s32)(frame->number - flow->complete) >= 0)
		flow->complete = frame->number + 1;
	if (time_after(expires, frame->deadline))
		return;

	frame->expires = expires;
	list_move_tail(&frame->in_shard, &shard->quiet);
	stt_flow_arm(shard, expires);
}

/**
 * stt_flow_learn - a frame was lost: is the flow a lossy one
 * @shard: the flow's shard
 * @flow: flow
 * @len: length of the frame
 *
 * Context: &stt_shard.lock.
 */
void stt_flow_learn(struct stt_shard *shard, struct stt_flow *flow,
		    unsigned int len)
{
	unsigned int left = STT_LEARN_SCAN;
	struct stt_frame *frame;

	if (flow->losses >= STT_FLOW_LOSSY)
		return;
	flow->losses += DIV_ROUND_UP(len, STT_LOSS_UNIT);
	if (flow->losses < STT_FLOW_LOSSY)
		return;

	/* No more segments may come of those that are there. */
	list_for_each_entry(frame, &flow->open, in_flow) {
		if (!left--)
			break;
		stt_flow_watch_frame(shard, frame);
	}
}

/**
 * stt_flow_refused - parts were not delivered: no frame is given up early
 * @shard: the flow's shard
 * @key: addresses and ports
 *
 * Context: BH disabled; takes &stt_shard.lock.
 */
void stt_flow_refused(struct stt_shard *shard, const struct stt_flow_key *key)
{
	struct stt_flow *flow;

	spin_lock(&shard->lock);
	flow = stt_flow_find(shard, key, stt_flow_hash(shard, key));
	if (flow)
		flow->losses = 0;
	spin_unlock(&shard->lock);
}

/**
 * stt_flow_find_frame - find a frame, open or closed
 * @flow: flow
 * @id: frame id
 *
 * Context: &stt_shard.lock.
 * Return: the frame or NULL.
 */
struct stt_frame *stt_flow_find_frame(struct stt_flow *flow, u32 id)
{
	struct rb_node *n = flow->frames.rb_node;

	while (n) {
		struct stt_frame *frame = rb_entry(n, struct stt_frame, by_id);

		if (frame->id == id)
			return frame;
		n = id < frame->id ? n->rb_left : n->rb_right;
	}

	return NULL;
}

/* Let segments find a frame, from now on in place of one with the same id. */
static void stt_flow_link_frame(struct stt_flow *flow, struct stt_frame *frame)
{
	struct rb_node **p = &flow->frames.rb_node, *parent = NULL;

	while (*p) {
		struct stt_frame *f = rb_entry(*p, struct stt_frame, by_id);

		if (f->id == frame->id) {
			rb_replace_node(&f->by_id, &frame->by_id,
					&flow->frames);
			RB_CLEAR_NODE(&f->by_id);
			return;
		}
		parent = *p;
		p = frame->id < f->id ? &parent->rb_left : &parent->rb_right;
	}
	rb_link_node(&frame->by_id, parent, p);
	rb_insert_color(&frame->by_id, &flow->frames);
}

/**
 * stt_flow_watches - must a whole frame be compared with segments of it
 * @flow: flow
 * @id: frame id
 *
 * If it was given up, the whole one is the better copy.
 *
 * Context: &stt_shard.lock.
 */
bool stt_flow_watches(struct stt_flow *flow, u32 id)
{
	const struct stt_frame *frame = stt_flow_find_frame(flow, id);

	return frame && frame->state != STT_FRAME_LOST &&
	       frame->state != STT_FRAME_PARTIAL;
}

/**
 * stt_flow_start_frame - open a frame
 * @shard: the flow's shard
 * @flow: flow
 * @id: frame id
 * @len: length of the whole frame
 *
 * Context: &stt_shard.lock.
 * Return: the frame, or NULL without memory.
 */
struct stt_frame *stt_flow_start_frame(struct stt_shard *shard,
				       struct stt_flow *flow, u32 id,
				       unsigned int len)
{
	struct stt_frame *frame;

	/* Marks of frames that are further back than the window are useless. */
	while (flow->nframes > 1) {
		frame = list_first_entry_or_null(&flow->closed,
						 struct stt_frame, in_flow);
		if (!frame ||
		    flow->started - frame->number <= 2 * stt_flow_window(shard))
			break;
		stt_flow_forget_frame(shard, frame);
	}

	frame = kzalloc_obj(*frame, GFP_ATOMIC);
	if (!frame)
		return NULL;
	frame->flow = flow;
	frame->id = id;
	frame->number = ++flow->started;
	frame->len = len;
	frame->deadline = stt_flow_deadline(shard);
	frame->expires = frame->deadline;
	frame->segments = RB_ROOT;
	stt_flow_link_frame(flow, frame);
	list_add_tail(&frame->in_flow, &flow->open);
	list_add_tail(&frame->in_source, &flow->source->open);
	list_add_tail(&frame->in_shard, &shard->open);
	flow->nframes++;
	flow->nopen++;
	WRITE_ONCE(shard->nopen, shard->nopen + 1);
	stt_flow_count_watched(shard, 1);
	stt_flow_arm(shard, frame->expires);

	return frame;
}
