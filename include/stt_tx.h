/* SPDX-License-Identifier: GPL-2.0 */
/* stt_tx.c: inner packet -> STT frame -> IP. */
#ifndef _STT_TX_H
#define _STT_TX_H

#include <linux/atomic.h>
#include <linux/types.h>

struct sk_buff;
struct stt_dest;
struct stt_dev;
struct stt_inner;
struct stt_offload;

bool stt_tx_offload(struct sk_buff *skb, const struct stt_inner *in,
		    struct stt_offload *off);
u16 stt_tx_sport(struct sk_buff *skb, const struct stt_inner *in, u16 min,
		 u16 max);
void stt_tx_init_ids(void);
#define STT_ID_BLOCK	256
u64 stt_tx_take_ids(atomic64_t *counter, u64 clock);
u32 stt_tx_next_id(void);
void stt_tx_to(struct stt_dev *stt, const struct stt_dest *dest,
	       struct sk_buff *skb, const struct stt_inner *in,
	       const struct stt_offload *off);

#endif /* _STT_TX_H */
