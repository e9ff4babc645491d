/* SPDX-License-Identifier: GPL-2.0 */
/*
 * stt_reasm.c: segments -> frames.  It explains how sources, flows and frames
 * hang together; stt_source.c keeps the accounts.
 */
#ifndef _STT_REASM_H
#define _STT_REASM_H

#include <linux/list.h>
#include <linux/rbtree.h>
#include <linux/sizes.h>
#include <linux/spinlock.h>
#include <linux/timer.h>
#include <linux/workqueue.h>

#include "stt.h"
#include "stt_frame.h"

#define STT_SHARDS		16
/* Trees in each shard: what grows with a flood is their depth alone. */
#define STT_SOURCE_HASH		16
#define STT_FLOW_HASH		64

/* Frames that came whole, and that each CPU remembers. */
#define STT_WHOLE_BITS		9

/*
 * How long a segment of a frame that was given up is known as a late one, at
 * most, or one of a frame that came whole as a duplicate: no id comes back
 * before that (W2).
 */
#define STT_LATE_TIME		(3 * HZ)

/* Senders that a namespace knows, and for how long. */
#define STT_PEERS		2048
#define STT_PEER_TIME		(300 * HZ)

/**
 * struct stt_source - what one sender has in here
 * @node: in &stt_shard.sources
 * @by_mem: in &stt_shard.by_mem of its pool, while it holds memory
 * @hash: stt_source_hash() of it
 * @addr: its address
 * @scope: as in &struct stt_flow_key
 * @family: AF_INET or AF_INET6
 * @known: which pool it is in
 * @mem: bytes charged
 * @flows: how many there are
 * @open: its open frames, oldest first
 */
struct stt_source {
	struct rb_node		node;
	struct rb_node		by_mem;
	u32			hash;
	union stt_addr		addr;
	int			scope;
	u32			family;
	bool			known;
	unsigned long		mem;
	unsigned int		flows;
	struct list_head	open;
};

/**
 * struct stt_flow - frames with the same addresses and ports (R6)
 * @node: in &stt_shard.flows
 * @hash: of @key
 * @key: addresses and ports
 * @source: its sender
 * @frames: open and closed ones, by id
 * @open: open ones, oldest first
 * @closed: closed ones, the longest closed first
 * @parts: open ones with &stt_frame.parts, by number
 * @nframes: how many are in @open and @closed
 * @nopen: how many are in @open
 * @started: how many were ever started, those that came whole included
 * @complete: frames with a lower number than this are lost if the path does
 *	not reorder segments: of the newest frame that is complete, or behind
 *	that of the newest with a hole
 * @losses: %STT_FLOW_LOSSY or more while nothing shows that the path reorders
 *	segments, or that parts are refused; 0 when that shows.  What newer
 *	frames show to be lost adds to it, in units of %STT_LOSS_UNIT
 * @asked: whether parts are refused was looked up
 */
struct stt_flow {
	struct rb_node		node;
	u32			hash;
	struct stt_flow_key	key;
	struct stt_source	*source;
	struct rb_root		frames;
	struct list_head	open;
	struct list_head	closed;
	struct rb_root_cached	parts;
	unsigned int		nframes;
	unsigned int		nopen;
	u32			started;
	u32			complete;
	unsigned int		losses;
	bool			asked;
};

/*
 * A flow is lossy until a segment comes late, and again when so much was lost
 * without another late segment in between.  What comes of a frame of a lossy
 * flow is delivered in parts once something newer shows that the rest is lost,
 * be it a segment behind a hole or a complete frame.  What is lost last is
 * shown by the flow being idle, for a small part of the time that TCP waits at
 * least before it sends all again.  A frame adds a unit for each 16 KB that it
 * begins: that no segment of a large one came late tells more.
 */
#define STT_FLOW_LOSSY		16
#define STT_LOSS_UNIT		SZ_16K
#define STT_FLOW_IDLE	(HZ / 100 + 1)

/* What a frame costs beside its segments, if it is its source's only one. */
#define STT_FRAME_COST \
	(sizeof(struct stt_frame) + sizeof(struct stt_flow) + \
	 sizeof(struct stt_source))

/**
 * enum stt_pool - who pays for memory
 * @STT_POOL_UNKNOWN: sources that never completed a frame
 * @STT_POOL_KNOWN: those that did lately, or that a device names
 * @STT_POOLS: how many pools there are
 *
 * &stt_source.known is one of the first two.
 */
enum stt_pool {
	STT_POOL_UNKNOWN,
	STT_POOL_KNOWN,
	STT_POOLS
};

/**
 * struct stt_shard - sources of one hash
 * @lock: guards the shard and all that is in it
 * @sources: by hash and address
 * @flows: by hash and key; whether one is empty is read without the lock
 * @open: open frames that are not in @quiet, oldest first
 * @quiet: open ones that the idle timeout shows to be lost, the longest idle
 *	first
 * @closed: closed ones, the longest closed first, per pool
 * @nopen: how many are open; read without the lock
 * @nwatched: how many are open or poisoned; read without the lock
 * @nclosed: how many are closed, per pool
 * @by_mem: sources by what they hold, per pool
 * @heaviest: what the heaviest holds; read without the lock
 * @timer: for the first of each list
 * @expire: goes on where the timer leaves off
 * @dying: neither of the two is started any more
 * @reasm: the namespace's
 */
struct stt_shard {
	spinlock_t		lock;	/* guards all of this */
	struct rb_root		sources[STT_SOURCE_HASH];
	struct rb_root		flows[STT_FLOW_HASH];
	struct list_head	open;
	struct list_head	quiet;
	struct list_head	closed[STT_POOLS];
	unsigned int		nopen;
	unsigned int		nwatched;
	unsigned int		nclosed[STT_POOLS];
	struct rb_root		by_mem[STT_POOLS];
	unsigned long		heaviest[STT_POOLS];
	struct timer_list	timer;
	struct work_struct	expire;
	bool			dying;
	struct stt_reasm	*reasm;
} ____cacheline_aligned_in_smp;

/**
 * struct stt_whole - frames that came whole, as one CPU saw them
 * @seen: upper half: of a hash of flow and id; lower half: jiffies. By the
 *	same hash
 */
struct stt_whole {
	u64	seen[1 << STT_WHOLE_BITS];
};

/**
 * struct stt_reasm - the incomplete frames of a namespace
 * @sn: the namespace's limits and counters
 * @mem: bytes charged
 * @unknown: those of them that are charged to unknown sources
 * @seed: of the hashes
 * @whole: frames that came whole lately (R15a)
 * @nwatched: of all shards; read for each frame that comes whole
 * @peers: senders that completed frames: hash and jiffies of each
 * @shards: everything else
 */
struct stt_reasm {
	struct stt_net		*sn;
	atomic_long_t		mem;
	atomic_long_t		unknown;
	u32			seed;
	struct stt_whole __percpu *whole;
	atomic_t		nwatched ____cacheline_aligned_in_smp;
	u64			peers[STT_PEERS];
	struct stt_shard	shards[STT_SHARDS];
};

/* ---- stt_reasm.c ---------------------------------------------------------- */

struct stt_reasm *stt_reasm_alloc(struct stt_net *sn);
void stt_reasm_free(struct stt_reasm *reasm);
struct sk_buff *stt_reasm_add(struct stt_reasm *reasm,
			      const struct stt_flow_key *key, u32 id,
			      bool known, struct sk_buff *skb);

bool stt_reasm_watches(const struct stt_reasm *reasm);
bool stt_reasm_passed(struct stt_reasm *reasm, const struct stt_flow_key *key,
		      u32 id);
unsigned long stt_reasm_mem(const struct stt_reasm *reasm);
unsigned int stt_reasm_frames(const struct stt_reasm *reasm);

#endif /* _STT_REASM_H */
