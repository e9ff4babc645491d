/* SPDX-License-Identifier: GPL-2.0 */
/* stt_partial.c: a frame with holes -> TCP packets. */
#ifndef _STT_PARTIAL_H
#define _STT_PARTIAL_H

#include "stt_inner.h"

struct sk_buff;
struct stt_offload;

/**
 * struct stt_partial - what the packets of one frame have in common
 * @in: what the inner packet is
 * @hlen: bytes of headers, TCP's options included
 * @end: where the IP packet ends, from the Ethernet header on
 * @mss: inner MSS, 0 for none
 * @headers: the headers as they came; TCP's begins within 255 bytes
 */
struct stt_partial {
	struct stt_inner	in;
	unsigned int		hlen;
	unsigned int		end;
	unsigned int		mss;
	u8			headers[U8_MAX + 60] __aligned(4);
};

bool stt_partial_init(struct stt_partial *p, const struct sk_buff *skb,
		      const struct stt_offload *off, unsigned int frame_len);
struct sk_buff *stt_partial_packet(const struct stt_partial *p,
				   struct sk_buff *skb, unsigned int start);

#endif /* _STT_PARTIAL_H */
