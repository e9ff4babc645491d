// SPDX-License-Identifier: GPL-2.0
/*
 * Packets that netpoll sends, for netconsole above all.  It sends with
 * interrupts off, where IP output must not run: it enables softirqs again, and
 * they would run in the middle of whatever printed the message.  So a work item
 * sends these packets.  Only during an oops, when no work item may ever run
 * again, are they sent at once.
 */
#include <linux/jump_label.h>
#include <linux/kernel.h>
#include <linux/netpoll.h>

#include "include/stt_dev.h"
#include "include/stt_netpoll.h"
#include "include/stt_stats.h"
#include "include/stt_trace.h"

/*
 * Devices that netpoll uses.  While there are none, no packet has to look
 * whether interrupts are off.
 */
DEFINE_STATIC_KEY_FALSE(stt_netpoll_used);

/* How many packets wait at most, when messages come faster than they go. */
#define STT_NETPOLL_QUEUE	256

static void stt_netpoll_work(struct work_struct *work)
{
	struct stt_netpoll *np = container_of(work, struct stt_netpoll, work);
	struct stt_dev *stt = container_of(np, struct stt_dev, netpoll);
	struct sk_buff *skb;

	while ((skb = skb_dequeue(&np->queue))) {
		local_bh_disable();
		if (netif_running(stt->dev))
			stt->dev->netdev_ops->ndo_start_xmit(skb, stt->dev);
		else
			stt_tx_dropped(stt, skb, SKB_DROP_REASON_DEV_READY);
		local_bh_enable();
		cond_resched();
	}
}

/**
 * stt_netpoll_defer - let a work item send a packet
 * @stt: device
 * @skb: packet from netpoll; taken over if this returns true
 *
 * When too many wait already, the packet is dropped and counted.
 *
 * Context: any, interrupts off.
 * Return: false when the packet is to be sent now, because of an oops.
 */
bool stt_netpoll_defer(struct stt_dev *stt, struct sk_buff *skb)
{
	struct stt_netpoll *np = &stt->netpoll;

	if (oops_in_progress)
		return false;
	if (skb_queue_len_lockless(&np->queue) >= STT_NETPOLL_QUEUE) {
		stt_dev_count(stt, STT_DEV_tx_dropped);
		trace_stt_tx_drop(stt->dev, skb, STT_DEV_tx_dropped,
				  &stt_no_flow, NULL);
		dev_kfree_skb_irq(skb);
		return true;
	}
	skb_queue_tail(&np->queue, skb);
	schedule_work(&np->work);

	return true;
}

#ifdef CONFIG_NET_POLL_CONTROLLER
/**
 * stt_netpoll_setup - ndo_netpoll_setup
 * @dev: stt device that netpoll begins to use
 *
 * Context: RTNL; sleeps.
 * Return: 0.
 */
int stt_netpoll_setup(struct net_device *dev)
{
	static_branch_inc(&stt_netpoll_used);

	return 0;
}

/**
 * stt_netpoll_cleanup - ndo_netpoll_cleanup
 * @dev: stt device that netpoll uses no longer
 *
 * Context: RTNL; sleeps.
 */
void stt_netpoll_cleanup(struct net_device *dev)
{
	static_branch_dec(&stt_netpoll_used);
}
#endif

/**
 * stt_netpoll_init - prepare a device for stt_netpoll_defer()
 * @stt: device that is being registered
 */
void stt_netpoll_init(struct stt_dev *stt)
{
	skb_queue_head_init(&stt->netpoll.queue);
	INIT_WORK(&stt->netpoll.work, stt_netpoll_work);
}

/**
 * stt_netpoll_stop - stop the work item, and drop packets that still wait
 * @stt: device that is down, and that netpoll does not use any more
 *
 * Context: process; sleeps.
 */
void stt_netpoll_stop(struct stt_dev *stt)
{
	cancel_work_sync(&stt->netpoll.work);
	skb_queue_purge(&stt->netpoll.queue);
}
