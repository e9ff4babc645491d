// SPDX-License-Identifier: GPL-2.0
/*
 * The routes that taking packets early depends on: stt_early.h tells why and
 * when.
 */
#include <linux/percpu.h>
#include <net/dst.h>
#include <net/ip6_fib.h>
#include <net/ip6_route.h>
#include <net/route.h>

#include "include/stt.h"
#include "include/stt_early.h"
#include "include/stt_port.h"
#include "include/stt_source.h"

/* Rules that look at ports.  A new rule makes routes obsolete. */
static bool stt_early_has_port_rules(const struct net *net, sa_family_t family)
{
#ifdef CONFIG_IP_MULTIPLE_TABLES
	return family == AF_INET &&
	       READ_ONCE(net->ipv4.fib_rules_require_fldissect);
#else
	return false;
#endif
}

static void stt_early_forget(struct stt_early_slot *slot)
{
	dst_release(slot->dst);
	if (slot->md)
		dst_release(&slot->md->dst);
}

/* Routing counts packets of routes with realms. */
static bool stt_early_is_accounted(const struct dst_entry *dst)
{
#ifdef CONFIG_IP_ROUTE_CLASSID
	return dst->tclassid;
#else
	return false;
#endif
}

/**
 * stt_early_learn - remember the route of a packet that came to LOCAL_IN
 * @in: what its IP header says, with @learn
 * @skb: packet, a frame or a part of one, with its route and mark; the IP
 *	header is where it was
 *
 * The packet was accepted: it was a right frame for a device, or its sender is
 * known.  Others cannot push known senders' routes out.
 *
 * Context: BH disabled, RCU read side.
 */
void stt_early_learn(const struct stt_input_info *in,
		     const struct sk_buff *skb)
{
	struct dst_entry *dst = skb_dst(skb);
	struct stt_port *port = in->port;
	struct stt_early_slot *slot;
	bool local;
	u32 cookie = 0;

	if (!stt_bh_exclusive() || !dst || dst->lwtstate ||
	    !stt_early_plain(port->net, skb, port->family) ||
	    stt_early_has_port_rules(port->net, port->family))
		return;

	if (port->family == AF_INET6) {
		const struct rt6_info *rt;

		rt = container_of(dst, struct rt6_info, dst);
		local = rt->rt6i_flags & RTF_LOCAL;
		cookie = rt6_get_cookie(rt);
	} else {
		local = skb_rtable(skb)->rt_type == RTN_LOCAL;
	}
	if (!local || stt_early_is_accounted(dst) || !dst_hold_safe(dst))
		return;

	slot = stt_early_slot_of(port, skb, port->family);
	stt_early_forget(slot);
	*slot = (struct stt_early_slot) {
		.saddr = in->from.saddr,
		.daddr = in->from.daddr,
		.iif = skb->dev->ifindex,
		.mark = skb->mark,
		.dscp = in->dsfield & ~INET_ECN_MASK,
		.family = port->family,
		.scope = in->from.scope,
		.cookie = cookie,
		.dst = dst,
		.checks = stt_early_checks(port->net, skb, port->family),
		.heard = stt_peer_stale(),
	};
}

/**
 * stt_early_init - no route is known
 * @sn: namespace
 *
 * Return: 0 or -ENOMEM.
 */
int stt_early_init(struct stt_net *sn)
{
	sn->early = alloc_percpu_gfp(struct stt_early, GFP_KERNEL_ACCOUNT);

	return sn->early ? 0 : -ENOMEM;
}

/**
 * stt_early_free - forget all routes
 * @sn: namespace without ports, and without packets that look at one
 */
void stt_early_free(struct stt_net *sn)
{
	int cpu, i;

	if (!sn->early)
		return;
	for_each_possible_cpu(cpu) {
		struct stt_early *input = per_cpu_ptr(sn->early, cpu);

		for (i = 0; i < ARRAY_SIZE(input->slots); i++)
			stt_early_forget(&input->slots[i]);
	}
	free_percpu(sn->early);
}
