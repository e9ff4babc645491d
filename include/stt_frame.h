/* SPDX-License-Identifier: GPL-2.0 */
/*
 * A frame that did not come whole: its segments, and what is left of it when
 * it was given up.  stt_frame.c knows what is in a frame, stt_reasm.c which
 * frames there are.
 */
#ifndef _STT_FRAME_H
#define _STT_FRAME_H

#include <linux/list.h>
#include <linux/rbtree.h>
#include <linux/skbuff.h>
#include <linux/types.h>

#include "stt.h"
#include "stt_proto.h"

/**
 * struct stt_gap - bytes of a frame that are missing
 * @start: the first
 * @end: behind the last
 */
struct stt_gap {
	u16	start;
	u16	end;
};

#define STT_SALVAGE_GAPS	8

/* L4 offsets are a byte, and a TCP header has at most 60. */
#define STT_HEADERS_MAX		(STT_HLEN + U8_MAX + 60)

/**
 * struct stt_salvage - what late segments of a frame need to be delivered
 * @n: gaps left
 * @gaps: in order; what is beyond %STT_SALVAGE_GAPS is given up
 * @dsfield: as in &struct stt_skb_cb
 * @hlen: bytes in @headers
 * @headers: the STT header and all inner headers
 */
struct stt_salvage {
	unsigned int	n;
	struct stt_gap	gaps[STT_SALVAGE_GAPS];
	u8		dsfield;
	u16		hlen;
	u8		headers[];
};

/**
 * enum stt_frame_state - what became of a frame
 * @STT_FRAME_OPEN: it waits for segments
 * @STT_FRAME_DONE: it was complete; a segment is a duplicate
 * @STT_FRAME_POISONED: its segments disagreed (R7)
 * @STT_FRAME_LOST: it was given up whole
 * @STT_FRAME_PARTIAL: it was given up, and what had come was delivered (R15)
 *
 * All but the first are closed: they have no segments and are charged to
 * nobody, and stay for a while so that late segments meet with what they
 * deserve.
 */
enum stt_frame_state {
	STT_FRAME_OPEN,
	STT_FRAME_DONE,
	STT_FRAME_POISONED,
	STT_FRAME_LOST,
	STT_FRAME_PARTIAL,
};

/**
 * struct stt_frame - a frame that did not come whole
 * @by_id: in &stt_flow.frames; empty once a newer frame has the same id
 * @by_number: in &stt_flow.parts if @parts
 * @in_flow: in &stt_flow.open or &stt_flow.closed
 * @in_source: in &stt_source.open while open
 * @in_shard: in &stt_shard.open, &stt_shard.quiet or &stt_shard.closed
 * @flow: its flow
 * @id: frame id
 * @number: how many frames its flow had started when it was
 * @state: enum stt_frame_state
 * @pool: once closed: enum stt_pool, whose list in &stt_shard.closed it is in
 * @len: bytes it has when complete
 * @have: bytes that are here
 * @packets: that brought them
 * @dsfield: outer DSCP and ECN of the first segment
 * @ce: some segment had CE
 * @parts: its flow loses segments without reordering them, and what came of
 *	it could be delivered
 * @mem: bytes charged
 * @deadline: jiffies: it is not open any longer than until then
 * @expires: jiffies: when its turn in &stt_shard's list is
 * @segments: tree by offset; they do not overlap
 * @last: the one at the highest offset
 * @salvage: in %STT_FRAME_PARTIAL
 */
struct stt_frame {
	struct rb_node		by_id;
	struct rb_node		by_number;
	struct list_head	in_flow;
	struct list_head	in_source;
	struct list_head	in_shard;
	struct stt_flow		*flow;
	u32			id;
	u32			number;
	u8			state;
	u8			pool;
	u16			len;
	u16			have;
	u16			packets;
	u8			dsfield;
	bool			ce;
	bool			parts;
	unsigned long		mem;
	unsigned long		deadline;
	unsigned long		expires;
	struct rb_root		segments;
	struct sk_buff		*last;
	struct stt_salvage	*salvage;
};

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

enum stt_insert stt_frame_insert(struct stt_frame *frame, struct sk_buff *skb);
void stt_frame_purge(struct stt_frame *frame, enum stt_net_counter cause);
struct sk_buff *stt_frame_take(struct stt_frame *frame);
unsigned int stt_frame_headers(struct stt_frame *frame, u8 *buf);
struct stt_salvage *stt_frame_salvage(struct stt_frame *frame);
bool stt_salvage_is_inside(const struct stt_salvage *salvage,
			   struct sk_buff *skb, unsigned int frame_len);
bool stt_salvage_fit(struct stt_salvage *salvage, struct sk_buff *skb);
struct sk_buff *stt_salvage_packet(const struct stt_salvage *salvage,
				   struct sk_buff *skb);

#endif /* _STT_FRAME_H */
