// SPDX-License-Identifier: GPL-2.0
/*
 * The contents of a frame that is being reassembled: its segments in a tree by
 * offset, without overlap; and the state that is kept for late segments after
 * the frame was given up.
 *
 * Everything runs under the lock of the frame's shard, except
 * stt_salvage_packet(), which works on a salvage that the caller owns.
 */
#include <linux/slab.h>
#include <net/inet_ecn.h>

#include "include/stt.h"
#include "include/stt_frame.h"
#include "include/stt_proto.h"
#include "include/stt_skb.h"
#include "include/stt_stats.h"

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
	/* skb->rbnode overlays these. */
	skb->next = NULL;
	skb->prev = NULL;
	skb->dev = NULL;
	kfree_skb_reason(skb, stt_drop_reason(cause));
}

/* Find the first segment that ends after @offset. */
static struct sk_buff *stt_frame_find_seg(struct stt_frame *frame,
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

static void stt_frame_link_seg(struct stt_frame *frame, struct sk_buff *skb)
{
	struct rb_node **p = &frame->segments.rb_node, *parent = NULL;

	/* Fast path: segments usually arrive in order. */
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
 * stt_frame_insert - queue a segment by its offset (R6, R7)
 * @frame: open frame
 * @skb: segment that fits the length of the frame; owned by the frame if it
 *	was queued, else still by the caller
 *
 * Bytes that are already there are trimmed from @skb, or from the frame where
 * @skb covers a whole segment of it.  Their values must be equal.
 *
 * Context: shard lock held; allocates atomically.
 * Return: what became of the segment.
 */
enum stt_insert stt_frame_insert(struct stt_frame *frame, struct sk_buff *skb)
{
	unsigned int start = stt_seg_start(skb), end = stt_seg_end(skb);
	struct sk_buff *seg, *next;
	unsigned int base = start;
	bool overlap = false;

	if (!frame->last || stt_seg_end(frame->last) <= start) {
		stt_frame_link_seg(frame, skb);
		return STT_INSERT_NEW;
	}

	for (seg = stt_frame_find_seg(frame, start);
	     seg && stt_seg_start(seg) < end; seg = next) {
		unsigned int from = max(start, stt_seg_start(seg));
		unsigned int to = min(end, stt_seg_end(seg));

		next = skb_rb_next(seg);
		overlap = true;
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
	stt_frame_link_seg(frame, skb);

	return overlap ? STT_INSERT_TRIMMED : STT_INSERT_NEW;
}

/**
 * stt_frame_purge - free all segments of a frame
 * @frame: frame
 * @cause: drop cause to record for them
 *
 * Context: shard lock held.
 */
void stt_frame_purge(struct stt_frame *frame, enum stt_net_counter cause)
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

/**
 * stt_frame_take - remove all segments from a frame
 * @frame: frame
 *
 * Context: shard lock held.
 * Return: the segments in order, linked by ->next, now owned by the caller;
 * NULL if there were none.  The cb of the first has the number of packets that
 * brought them, and DSCP and ECN of the frame.
 */
struct sk_buff *stt_frame_take(struct stt_frame *frame)
{
	struct sk_buff *head = NULL, **link = &head;
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
	frame->last = NULL;
	frame->have = 0;

	if (head) {
		stt_skb_cb(head)->segments = frame->packets;
		stt_skb_cb(head)->dsfield = frame->dsfield;
		if (frame->ce)
			stt_skb_cb(head)->dsfield |= INET_ECN_CE;
	}

	return head;
}

/* ---- late segments ----------------------------------------------------- */

/* Copy the first @len bytes of the frame; false if some are missing. */
static bool stt_frame_peek(struct stt_frame *frame, void *to, unsigned int len)
{
	struct rb_node *n = rb_first(&frame->segments);
	unsigned int off = 0;

	while (n && off < len) {
		struct sk_buff *skb = rb_to_skb(n);
		unsigned int part = min(len - off, skb->len);

		if (stt_seg_start(skb) != off ||
		    skb_copy_bits(skb, 0, to + off, part))
			return false;
		off += part;
		n = rb_next(n);
	}

	return off == len;
}

/**
 * stt_frame_headers - copy the headers of a frame that claims to be TCP
 * @frame: open frame
 * @buf: room for %STT_HEADERS_MAX bytes
 *
 * Only parts of such a frame can be delivered, once its headers are here
 * (R15).  Whether they are right is seen when it is delivered.
 *
 * Return: their length from the STT header to the end of TCP's options, or 0.
 */
unsigned int stt_frame_headers(struct stt_frame *frame, u8 *buf)
{
	const u8 both = STT_F_CSUM_PARTIAL | STT_F_TCP;
	const struct stt_hdr *hdr = (struct stt_hdr *)buf;
	unsigned int l4, hlen;

	if (!stt_frame_peek(frame, buf, STT_HLEN) ||
	    (hdr->flags & both) != both)
		return 0;
	l4 = STT_HLEN + hdr->l4_offset;
	if (!stt_frame_peek(frame, buf, l4 + sizeof(struct tcphdr)))
		return 0;
	/* The data offset is the upper half of the byte. */
	hlen = l4 + (buf[l4 + 12] >> 4) * 4;

	return stt_frame_peek(frame, buf, hlen) ? hlen : 0;
}

/**
 * stt_frame_salvage - prepare for late segments of a frame that is given up
 * @frame: frame that still has its segments
 *
 * Saves the headers and the gaps.
 *
 * Context: shard lock held; allocates atomically.
 * Return: the salvage, to be freed with kfree(); NULL if the frame does not
 * qualify, or without memory.
 */
struct stt_salvage *stt_frame_salvage(struct stt_frame *frame)
{
	u8 buf[STT_HEADERS_MAX];
	struct stt_salvage *salvage;
	unsigned int hlen, at = 0;
	struct rb_node *n;

	hlen = stt_frame_headers(frame, buf);
	if (!hlen)
		return NULL;
	salvage = kmalloc(struct_size(salvage, headers, hlen), GFP_ATOMIC);
	if (!salvage)
		return NULL;
	salvage->n = 0;
	salvage->hlen = hlen;
	salvage->dsfield = frame->dsfield;
	memcpy(salvage->headers, buf, hlen);

	for (n = rb_first(&frame->segments);
	     salvage->n < STT_SALVAGE_GAPS; n = rb_next(n)) {
		unsigned int start = n ? stt_seg_start(rb_to_skb(n)) :
					 frame->len;

		if (start > at) {
			salvage->gaps[salvage->n].start = at;
			salvage->gaps[salvage->n].end = start;
			salvage->n++;
		}
		if (!n)
			break;
		at = stt_seg_end(rb_to_skb(n));
	}

	return salvage;
}

/**
 * stt_salvage_is_inside - does a late segment belong before others that came
 * @salvage: what was kept of its frame
 * @skb: segment
 * @frame_len: length of the frame
 *
 * Return: false for what follows the last byte that came.
 */
bool stt_salvage_is_inside(const struct stt_salvage *salvage,
			   struct sk_buff *skb, unsigned int frame_len)
{
	const struct stt_gap *last;

	if (!salvage->n)
		return true;
	last = &salvage->gaps[salvage->n - 1];

	return last->end != frame_len || stt_seg_start(skb) < last->start;
}

/**
 * stt_salvage_fit - trim a late segment to the gap that it fills
 * @salvage: salvage of its frame; the gap is closed or shortened
 * @skb: segment; stays the caller's
 *
 * No byte is delivered twice.  A segment that spans several gaps fills the
 * first one only.
 *
 * Context: shard lock held; allocates atomically.
 * Return: false if the segment fills no gap, or without memory.
 */
bool stt_salvage_fit(struct stt_salvage *salvage, struct sk_buff *skb)
{
	unsigned int start = stt_seg_start(skb), end = stt_seg_end(skb);
	struct stt_gap *gap, old;
	unsigned int i;

	for (i = 0; i < salvage->n; i++)
		if (start < salvage->gaps[i].end && end > salvage->gaps[i].start)
			break;
	if (i == salvage->n)
		return false;

	gap = &salvage->gaps[i];
	old = *gap;
	start = max_t(unsigned int, start, old.start);
	end = min_t(unsigned int, end, old.end);
	if (pskb_trim(skb, end - stt_seg_start(skb)) ||
	    !pskb_pull(skb, start - stt_seg_start(skb)))
		return false;
	stt_skb_cb(skb)->offset = start;

	/* The gap keeps both of its ends, one, or none. */
	if (start > old.start && end < old.end) {
		gap->end = start;
		if (salvage->n < STT_SALVAGE_GAPS) {
			memmove(gap + 2, gap + 1,
				(salvage->n - i - 1) * sizeof(*gap));
			gap[1].start = end;
			gap[1].end = old.end;
			salvage->n++;
		}
	} else if (start > old.start) {
		gap->end = start;
	} else if (end < old.end) {
		gap->start = end;
	} else {
		salvage->n--;
		memmove(gap, gap + 1, (salvage->n - i) * sizeof(*gap));
	}

	return true;
}

/**
 * stt_salvage_packet - put saved headers in front of a late segment
 * @salvage: salvage of its frame, owned by the caller
 * @skb: segment, trimmed by stt_salvage_fit(); consumed
 *
 * Context: any; allocates atomically.
 * Return: headers and segment, linked by ->next like the result of
 * stt_frame_take(), or NULL without memory.
 */
struct sk_buff *stt_salvage_packet(const struct stt_salvage *salvage,
				   struct sk_buff *skb)
{
	unsigned int outer = min_t(unsigned int, sizeof(struct ipv6hdr),
				   skb_tail_pointer(skb) -
				   skb_network_header(skb));
	struct sk_buff *head = alloc_skb(outer + salvage->hlen, GFP_ATOMIC);

	if (!head) {
		kfree_skb(skb);
		return NULL;
	}
	/* Metadata are made from the outer header: copy that as well. */
	skb_reset_network_header(head);
	skb_reserve(head, outer);
	memcpy(skb_network_header(head), skb_network_header(skb), outer);
	skb_put_data(head, salvage->headers, salvage->hlen);
	*stt_skb_cb(head) = *stt_skb_cb(skb);
	stt_skb_cb(head)->offset = 0;
	stt_skb_cb(head)->segments = 1;
	stt_skb_cb(head)->dsfield = salvage->dsfield;
	if (INET_ECN_is_ce(stt_skb_cb(skb)->dsfield))
		stt_skb_cb(head)->dsfield |= INET_ECN_CE;
	head->next = skb;
	skb->next = NULL;

	return head;
}
