/* SPDX-License-Identifier: GPL-2.0 */
/* stt_skb.c: how the bytes of a packet are laid out. */
#ifndef _STT_SKB_H
#define _STT_SKB_H

#include <linux/types.h>

struct sk_buff;

bool stt_skb_equal(const struct sk_buff *a, int a_off,
		   const struct sk_buff *b, int b_off, int len);
struct sk_buff *stt_skb_join(struct sk_buff *head, struct sk_buff *rest);
int stt_skb_make_cuttable(struct sk_buff *skb, unsigned int hlen,
			  unsigned int size);

#endif /* _STT_SKB_H */
