/* SPDX-License-Identifier: GPL-2.0 */
/* stt_external.c: packets that carry where they go and came from. */
#ifndef _STT_EXTERNAL_H
#define _STT_EXTERNAL_H

#include <net/dst_metadata.h>

#include "stt.h"

struct stt_conf;
struct stt_dest;
struct stt_path_key;

int stt_external_init(struct stt_conf *conf);
void stt_external_free(struct stt_conf *conf);
bool stt_external_dest(const struct stt_conf *conf, const struct sk_buff *skb,
		       struct stt_dest *dest, struct stt_path_key *key);
bool stt_external_id(const struct stt_conf *conf, struct sk_buff *skb,
		     u64 *id, u32 *nhid);
struct metadata_dst *stt_external_rx_dst(struct metadata_dst **last,
					 const struct stt_flow_key *from,
					 const struct sk_buff *skb, u64 id,
					 u8 dsfield);

#endif /* _STT_EXTERNAL_H */
