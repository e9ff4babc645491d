/* SPDX-License-Identifier: GPL-2.0 */
/* stt_gro.c: received packets on their way through GRO. */
#ifndef _STT_GRO_H
#define _STT_GRO_H

#include <linux/netdevice.h>
#include <linux/percpu.h>
#include <linux/skbuff.h>

/**
 * struct stt_gro - packets of one CPU on their way through GRO
 * @queued: how many packets have been put into @queue, modulo 2^32
 * @passed: what @queued was when all packets up to then had left GRO
 * @queue: packets that wait for @napi; its lock also guards @queued
 * @batch: packets that @napi took from @queue; used by its poll function alone
 * @napi: passes them through GRO
 *
 * @passed equals @queued when no packet is in @queue, in @batch or held by
 * GRO.  Only then may a packet go up the stack without overtaking others.
 */
struct stt_gro {
	unsigned int		queued;
	unsigned int		passed;
	struct sk_buff_head	queue;
	struct sk_buff_head	batch;
	struct napi_struct	napi;
};

/**
 * stt_gro_idle - have all packets of this CPU left GRO
 * @gro: of a device
 *
 * Context: BH disabled.
 * Return: true when a packet that goes up the stack now overtakes none.
 */
static inline bool stt_gro_idle(const struct stt_gro __percpu *gro)
{
	const struct stt_gro *g = this_cpu_ptr(gro);

	/* Pairs with stt_gro_poll(). */
	return smp_load_acquire(&g->passed) == READ_ONCE(g->queued);
}

int stt_gro_init(struct stt_gro __percpu **gro, struct net_device *dev);
void stt_gro_stop(struct stt_gro __percpu *gro);
bool stt_gro_receive(struct stt_gro __percpu *gro, struct sk_buff *skb);

#endif /* _STT_GRO_H */
