/* SPDX-License-Identifier: GPL-2.0 */
/* stt_neigh.c: ARP and ND proxy, and what tables lack. */
#ifndef _STT_NEIGH_H
#define _STT_NEIGH_H

#include <linux/types.h>

struct sk_buff;
struct stt_conf;
struct stt_dev;

void stt_neigh_l2miss(const struct stt_conf *conf, const u8 *mac, u64 id);
bool stt_neigh_is_setup(const struct sk_buff *skb);
bool stt_neigh_proxy(const struct stt_dev *stt, const struct stt_conf *conf,
		     struct sk_buff *skb);

#endif /* _STT_NEIGH_H */
