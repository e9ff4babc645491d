/* SPDX-License-Identifier: GPL-2.0 */
/* stt_rx.c: segment -> frame. */
#ifndef _STT_RX_H
#define _STT_RX_H

struct sk_buff;
struct stt_input_info;
struct stt_net;

void stt_rx_segment(struct stt_net *sn, struct stt_input_info *in,
		    struct sk_buff *skb);

#endif /* _STT_RX_H */
