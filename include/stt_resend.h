/* SPDX-License-Identifier: GPL-2.0 */
/* stt_resend.c: retransmissions of inner TCP. */
#ifndef _STT_RESEND_H
#define _STT_RESEND_H

#include <linux/in.h>
#include <linux/skbuff.h>

#include "stt_inner.h"

/* Packets below this size never fill two segments, nor much of a window. */
#define STT_RESEND_MIN		512

bool stt_resend_look(const struct sk_buff *skb, const struct stt_inner *in,
		     u32 hash, bool several);

/**
 * stt_resend_wanted - does an inner TCP send this again
 * @skb: inner packet, from the Ethernet header on
 * @in: what it is
 * @hash: of its flow and destination
 * @several: it makes a frame of several segments
 *
 * Remembers what was sent, so every frame has to be shown to it once.
 *
 * Context: BH disabled.
 * Return: whether the frame's first segment is to follow it.
 */
static inline bool stt_resend_wanted(const struct sk_buff *skb,
				     const struct stt_inner *in, u32 hash,
				     bool several)
{
	return skb->len >= STT_RESEND_MIN && in->l4_proto == IPPROTO_TCP &&
	       stt_resend_look(skb, in, hash, several);
}

struct sk_buff *stt_resend_copy(const struct sk_buff *skb,
				unsigned int headroom);

#endif /* _STT_RESEND_H */
