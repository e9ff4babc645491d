/* SPDX-License-Identifier: GPL-2.0 */
/* stt_netpoll.c: packets that are sent with interrupts off. */
#ifndef _STT_NETPOLL_H
#define _STT_NETPOLL_H

#include <linux/jump_label.h>
#include <linux/netpoll.h>

#include "stt_dev.h"

DECLARE_STATIC_KEY_FALSE(stt_netpoll_used);

bool stt_netpoll_defer(struct stt_dev *stt, struct sk_buff *skb);
int stt_netpoll_setup(struct net_device *dev);
void stt_netpoll_cleanup(struct net_device *dev);
void stt_netpoll_init(struct stt_dev *stt);
void stt_netpoll_stop(struct stt_dev *stt);

/**
 * stt_netpoll_take - take a packet over if it cannot be sent in this context
 * @stt: device
 * @skb: packet; taken over if this returns true
 *
 * Context: any.
 * Return: whether the packet was taken over.
 */
static inline bool stt_netpoll_take(struct stt_dev *stt, struct sk_buff *skb)
{
	return static_branch_unlikely(&stt_netpoll_used) &&
	       netpoll_tx_running(stt->dev) && stt_netpoll_defer(stt, skb);
}

#endif /* _STT_NETPOLL_H */
