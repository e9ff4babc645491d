/* SPDX-License-Identifier: GPL-2.0 */
/* stt_icmp.c: what routers tell us about our segments. */
#ifndef _STT_ICMP_H
#define _STT_ICMP_H

#include <linux/types.h>

struct net;
struct sk_buff;

bool stt_icmp4(struct sk_buff *skb, struct net *net, int iif);
bool stt_icmp6(struct sk_buff *skb, struct net *net);
bool stt_redirect6(struct sk_buff *skb, struct net *net, int iif);

#endif /* _STT_ICMP_H */
