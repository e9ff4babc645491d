/* SPDX-License-Identifier: GPL-2.0 */
/* stt_flow.c: flows of incomplete frames. */
#ifndef _STT_FLOW_H
#define _STT_FLOW_H

#include <linux/jhash.h>
#include <linux/timer.h>

#include "stt_frame.h"
#include "stt_reasm.h"

static inline struct rb_root *stt_flow_bucket(struct stt_shard *shard, u32 hash)
{
	return &shard->flows[hash % STT_FLOW_HASH];
}

static inline u32 stt_flow_hash(const struct stt_shard *shard,
				const struct stt_flow_key *key)
{
	return jhash2((const u32 *)key, sizeof(*key) / sizeof(u32),
		      shard->reasm->seed);
}

static inline void stt_flow_arm(struct stt_shard *shard, unsigned long expires)
{
	if (!shard->dying && (!timer_pending(&shard->timer) ||
			      time_before(expires, shard->timer.expires)))
		mod_timer(&shard->timer, expires);
}

void stt_flow_put(struct stt_shard *shard, struct stt_flow *flow);
void stt_flow_forget_frame(struct stt_shard *shard, struct stt_frame *frame);
void stt_flow_close_frame(struct stt_shard *shard, struct stt_frame *frame,
			  enum stt_frame_state state);
struct sk_buff *stt_flow_give_up(struct stt_shard *shard,
				 struct stt_frame *frame,
				 enum stt_net_counter cause, bool *partial);
struct stt_flow *stt_flow_find(struct stt_shard *shard,
			       const struct stt_flow_key *key, u32 hash);
struct stt_flow *stt_flow_get(struct stt_shard *shard,
			      const struct stt_flow_key *key, u32 hash,
			      u32 source_hash);
struct stt_frame *stt_flow_overdue(struct stt_shard *shard,
				   struct stt_flow *flow);
bool stt_flow_is_reordered(const struct stt_frame *frame, unsigned int offset);
void stt_flow_watch_frame(struct stt_shard *shard, struct stt_frame *frame);
void stt_flow_learn(struct stt_shard *shard, struct stt_flow *flow,
		    unsigned int len);
void stt_flow_refused(struct stt_shard *shard, const struct stt_flow_key *key);
struct stt_frame *stt_flow_find_frame(struct stt_flow *flow, u32 id);
bool stt_flow_watches(struct stt_flow *flow, u32 id);
struct stt_frame *stt_flow_start_frame(struct stt_shard *shard,
				       struct stt_flow *flow, u32 id,
				       unsigned int len);

#endif /* _STT_FLOW_H */
