/* SPDX-License-Identifier: GPL-2.0 */
/* stt_cut.c: BIG TCP. */
#ifndef _STT_CUT_H
#define _STT_CUT_H

struct sk_buff;
struct stt_inner;

struct sk_buff *stt_cut(struct sk_buff *skb, const struct stt_inner *in,
			unsigned int max);

#endif /* _STT_CUT_H */
