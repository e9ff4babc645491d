/* SPDX-License-Identifier: GPL-2.0 */
/* stt_deliver.c: frame -> inner packet -> device. */
#ifndef _STT_DELIVER_H
#define _STT_DELIVER_H

#include "stt.h"

struct stt_conf;
struct stt_inner;
struct stt_input_info;
struct stt_offload;

int stt_rx_offload(struct sk_buff *skb, const struct stt_inner *in,
		   const struct stt_offload *off, bool csum_offload);
void stt_rx_local(struct stt_net *sn, struct stt_conf *conf,
		  const struct stt_flow_key *from, struct sk_buff *skb,
		  const struct stt_offload *off, u16 policy, u8 dsfield);
bool stt_rx_partial(struct stt_net *sn, const struct stt_flow_key *from,
		    struct sk_buff *segs, enum stt_net_counter cause,
		    bool late);
bool stt_rx_takes_parts(struct stt_net *sn, const struct stt_flow_key *from,
			int iif, const u8 *headers, unsigned int hlen,
			unsigned int frame_len);
void stt_rx_frame(struct stt_net *sn, const struct stt_input_info *in,
		  struct sk_buff *skb, enum stt_dev_counter how);

#endif /* _STT_DELIVER_H */
