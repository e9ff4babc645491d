// SPDX-License-Identifier: GPL-2.0
/*
 * Received packets on their way through GRO, which needs a NAPI.
 *
 * This does what gro_cells does, with two differences.  First, it knows when
 * all packets have left GRO.  Most packets gain nothing from GRO and go up the
 * stack directly, but they must not overtake others of their flow that are
 * still in it.  Second, the queue has a lock: with threaded NAPI the thread
 * that empties it may run on another CPU than the one that fills it.
 */
#include <net/gro.h>
#include <net/hotdata.h>

#include "include/stt_gro.h"

/*
 * The next packet, or NULL when there is none left.  In that case *@queued is
 * the number of packets that had been queued when the queue was found empty.
 */
static struct sk_buff *stt_gro_dequeue(struct stt_gro *g, unsigned int *queued)
{
	struct sk_buff *skb = __skb_dequeue(&g->batch);

	if (skb)
		return skb;

	spin_lock(&g->queue.lock);
	*queued = g->queued;
	skb_queue_splice_init(&g->queue, &g->batch);
	spin_unlock(&g->queue.lock);

	return __skb_dequeue(&g->batch);
}

static int stt_gro_poll(struct napi_struct *napi, int budget)
{
	struct stt_gro *g = container_of(napi, struct stt_gro, napi);
	unsigned int queued = 0;
	struct sk_buff *skb;
	int done = 0;

	while (done < budget) {
		skb = stt_gro_dequeue(g, &queued);
		if (!skb)
			break;
		napi_gro_receive(napi, skb);
		done++;
	}
	if (done == budget)
		return done;

	/* Nothing stays behind, whatever gro_flush_timeout says. */
	napi_gro_flush(napi, false);
	if (!napi_complete_done(napi, done))
		return done;
	/*
	 * All packets counted by @queued have gone up the stack.  Another CPU
	 * may have polled since and stored a later value, which this replaces:
	 * packets then take the queue until it is polled again, which does no
	 * harm.  Pairs with stt_gro_idle().
	 */
	smp_store_release(&g->passed, queued);

	return done;
}

/**
 * stt_gro_receive - queue a packet for GRO
 * @gro: of the packet's device
 * @skb: packet, from its network header on; taken over unless this fails
 *
 * As for gro_cells, net.core.netdev_max_backlog says how many may wait.
 *
 * Context: BH disabled.
 * Return: false when the queue is full, or there is no memory to unshare a
 * clone.
 */
bool stt_gro_receive(struct stt_gro __percpu *gro, struct sk_buff *skb)
{
	struct stt_gro *g = this_cpu_ptr(gro);
	bool first;

	if (unlikely(skb_queue_len_lockless(&g->queue) >
		     READ_ONCE(net_hotdata.max_backlog)))
		return false;
	/* GRO writes to packets. */
	if (unlikely(skb_unclone(skb, GFP_ATOMIC)))
		return false;

	spin_lock(&g->queue.lock);
	WRITE_ONCE(g->queued, g->queued + 1);
	__skb_queue_tail(&g->queue, skb);
	first = skb_queue_len(&g->queue) == 1;
	spin_unlock(&g->queue.lock);
	if (first)
		napi_schedule(&g->napi);

	return true;
}

/**
 * stt_gro_init - prepare a device for stt_gro_receive()
 * @gro: set to the new per-CPU structures, which the caller frees by
 *	free_percpu() a grace period after stt_gro_stop(), or at once if the
 *	device was never registered
 * @dev: device that is being registered
 *
 * Context: RTNL; sleeps.
 * Return: 0 or -ENOMEM.
 */
int stt_gro_init(struct stt_gro __percpu **gro, struct net_device *dev)
{
	int cpu;

	*gro = alloc_percpu(struct stt_gro);
	if (!*gro)
		return -ENOMEM;

	for_each_possible_cpu(cpu) {
		struct stt_gro *g = per_cpu_ptr(*gro, cpu);

		skb_queue_head_init(&g->queue);
		__skb_queue_head_init(&g->batch);
		/* As gro_cells: no socket busy-polls this NAPI. */
		set_bit(NAPI_STATE_NO_BUSY_POLL, &g->napi.state);
		netif_napi_add(dev, &g->napi, stt_gro_poll);
		napi_enable(&g->napi);
	}

	return 0;
}

/**
 * stt_gro_stop - stop polling, and drop the packets that are still queued
 * @gro: of a device that receives no packets any more
 *
 * Context: RTNL; sleeps.
 */
void stt_gro_stop(struct stt_gro __percpu *gro)
{
	int cpu;

	for_each_possible_cpu(cpu) {
		struct stt_gro *g = per_cpu_ptr(gro, cpu);

		napi_disable(&g->napi);
		/* netpoll may still look at it, until a grace period is over. */
		__netif_napi_del(&g->napi);
		__skb_queue_purge(&g->batch);
		__skb_queue_purge(&g->queue);
	}
}
