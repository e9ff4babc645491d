/* SPDX-License-Identifier: GPL-2.0 */
/* stt_source.c: senders, and the memory of their incomplete frames. */
#ifndef _STT_SOURCE_H
#define _STT_SOURCE_H

#include <linux/jiffies.h>

#include "stt_reasm.h"

/* A sender that was heard of within a second: another frame says nothing new. */
#define STT_PEER_FRESH		HZ

static inline bool stt_peer_is_fresh(u32 heard)
{
	return (u32)jiffies - heard <= STT_PEER_FRESH;
}

static inline u32 stt_peer_stale(void)
{
	return (u32)jiffies - STT_PEER_FRESH - 1;
}

bool stt_peer_is_known(struct stt_reasm *reasm,
		       const struct stt_flow_key *from);
u32 stt_peer_learn(struct stt_reasm *reasm, const struct stt_flow_key *from);

unsigned int stt_source_open(struct stt_reasm *reasm,
			     const union stt_addr *addr, int scope,
			     sa_family_t family, __be16 port);

u32 stt_source_hash(const struct stt_reasm *reasm,
		    const struct stt_flow_key *key);
struct stt_source *stt_source_find(struct stt_shard *shard,
				   const struct stt_flow_key *key, u32 hash);
struct stt_source *stt_source_get(struct stt_shard *shard,
				  const struct stt_flow_key *key, u32 hash);
void stt_source_put(struct stt_shard *shard, struct stt_source *source);
void stt_source_check(struct stt_shard *shard, struct stt_source *source,
		      bool named, u32 hash);
bool stt_reasm_fits(const struct stt_reasm *reasm, unsigned long bytes,
		    bool known);
bool stt_reasm_charge(struct stt_reasm *reasm, unsigned long bytes,
		      bool known);
void stt_reasm_uncharge(struct stt_reasm *reasm, unsigned long bytes,
			bool known);
void stt_frame_charge(struct stt_shard *shard, struct stt_frame *frame,
		      unsigned long bytes);
void stt_frame_uncharge(struct stt_shard *shard, struct stt_frame *frame);
struct stt_shard *stt_pool_heaviest(struct stt_reasm *reasm,
				    enum stt_pool pool);

#endif /* _STT_SOURCE_H */
