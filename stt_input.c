// SPDX-License-Identifier: GPL-2.0
/*
 * Which packets to our ports are known to be for this host.
 *
 * Between the netfilter hooks PRE_ROUTING and LOCAL_IN the stack looks for a
 * TCP socket and asks the routing tables whether a packet is for this host,
 * and may have come this way.  A connected socket spares its packets that: it
 * keeps the route that one of them was found (tcp_v4_early_demux()).  This is
 * the same for us: an endpoint keeps the routes that its last packets took.
 * While such a one holds and nobody but us has hooks at those two places, so
 * that nobody misses anything, PRE_ROUTING is as good as LOCAL_IN.  Whose the
 * last frame was is kept along with it.
 *
 * Not where the stack does more than that on the way: for VRFs, IP options,
 * fragments, IPsec, and rules that look at ports.
 */
#include <linux/hash.h>
#include <linux/netfilter.h>
#include <linux/percpu.h>
#include <net/dst.h>
#include <net/inet_ecn.h>
#include <net/ip6_fib.h>
#include <net/ip6_route.h>
#include <net/ipv6.h>
#include <net/l3mdev.h>
#include <net/route.h>
#include <net/xfrm.h>

#include "include/stt.h"

#define STT_INPUT_BITS		6

/**
 * struct stt_input_slot - a route that a packet was found, and whose it was
 * @saddr: the sender
 * @daddr: our address
 * @iif: where it came in
 * @mark: of the packet
 * @dscp: DSCP, where it stands in the IP header
 * @cookie: for dst_check()
 * @dst: a reference, or NULL: nothing is known
 * @gen: &stt_port.gen when @conf was looked up
 * @id: context id
 * @conf: whose frames with that id are, between those addresses; to be touched
 *	only if @gen still holds
 *
 * Routing looks at what stands before @cookie.
 */
struct stt_input_slot {
	union stt_addr		saddr;
	union stt_addr		daddr;
	int			iif;
	u32			mark;
	u8			dscp;
	u32			cookie;
	struct dst_entry	*dst;
	unsigned long		gen;
	u64			id;
	struct stt_conf		*conf;
};

/**
 * struct stt_input - what an endpoint's last packets showed, for one CPU
 * @slots: by sender and receiver
 *
 * Written and read by its CPU alone, with BH disabled.
 */
struct stt_input {
	struct stt_input_slot	slots[1 << STT_INPUT_BITS];
};

/* Nobody has hooks between which we skip something but ourselves. */
static bool stt_input_alone(const struct net *net, sa_family_t family)
{
	const struct nf_hook_entries *pre, *in;

	if (family == AF_INET6) {
		pre = rcu_dereference(net->nf.hooks_ipv6[NF_INET_PRE_ROUTING]);
		in = rcu_dereference(net->nf.hooks_ipv6[NF_INET_LOCAL_IN]);
	} else {
		pre = rcu_dereference(net->nf.hooks_ipv4[NF_INET_PRE_ROUTING]);
		in = rcu_dereference(net->nf.hooks_ipv4[NF_INET_LOCAL_IN]);
	}

	return pre && pre->num_hook_entries == 1 &&
	       in && in->num_hook_entries == 1;
}

static bool stt_input_has_policy(const struct net *net)
{
#ifdef CONFIG_XFRM
	return net->xfrm.policy_count[XFRM_POLICY_IN];
#else
	return false;
#endif
}

static bool stt_input_rules_want_ports(const struct net *net,
				       sa_family_t family)
{
#ifdef CONFIG_IP_MULTIPLE_TABLES
	if (family == AF_INET)
		return READ_ONCE(net->ipv4.fib_rules_require_fldissect);
#endif
#ifdef CONFIG_IPV6_MULTIPLE_TABLES
	if (family == AF_INET6)
		return READ_ONCE(net->ipv6.fib6_rules_require_fldissect);
#endif
	return false;
}

/* Where the stack does more than to route, it is to be asked each time. */
static bool stt_input_plain(const struct stt_port *port,
			    const struct sk_buff *skb)
{
	if (!stt_input_alone(port->net, port->family) ||
	    stt_input_has_policy(port->net) || skb->pkt_type != PACKET_HOST ||
	    netif_is_l3_master(skb->dev) || netif_is_l3_slave(skb->dev) ||
	    skb_sec_path(skb))
		return false;

	return port->family == AF_INET6 ||
	       (ip_hdr(skb)->ihl == sizeof(struct iphdr) / 4 &&
		!ip_is_fragment(ip_hdr(skb)));
}

static struct stt_input_slot *stt_input_slot(const struct stt_port *port,
					     const struct stt_flow_key *from)
{
	const u32 *s = (const u32 *)&from->saddr;
	const u32 *d = (const u32 *)&from->daddr;
	u32 x = s[0] ^ s[1] ^ s[2] ^ s[3] ^ d[0] ^ d[3];

	return &this_cpu_ptr(port->input)->slots[hash_32(x, STT_INPUT_BITS)];
}

/**
 * stt_input_known - is a packet in PRE_ROUTING for us and nobody else
 * @port: endpoint it is sent to
 * @skb: packet, from the IP header on; not behind extension headers
 * @from: its addresses
 * @dsfield: its DSCP and ECN
 *
 * Context: BH disabled, RCU read side.
 * Return: what is known of such packets, until BH is enabled; or NULL.
 */
struct stt_input_slot *stt_input_known(const struct stt_port *port,
				       const struct sk_buff *skb,
				       const struct stt_flow_key *from,
				       u8 dsfield)
{
	struct stt_input_slot *slot = stt_input_slot(port, from);

	if (slot->dst && slot->iif == skb->dev->ifindex &&
	    slot->mark == skb->mark &&
	    slot->dscp == (dsfield & ~INET_ECN_MASK) &&
	    stt_addr_equal(&slot->saddr, &from->saddr) &&
	    stt_addr_equal(&slot->daddr, &from->daddr) &&
	    stt_input_plain(port, skb) && dst_check(slot->dst, slot->cookie))
		return slot;

	return NULL;
}

/**
 * stt_input_learn - remember the route of a packet in LOCAL_IN
 * @port: endpoint it is sent to
 * @skb: packet, from the IP header on; not behind extension headers
 * @from: its addresses
 * @dsfield: its DSCP and ECN
 *
 * Context: BH disabled, RCU read side.
 */
void stt_input_learn(struct stt_port *port, const struct sk_buff *skb,
		     const struct stt_flow_key *from, u8 dsfield)
{
	struct dst_entry *dst = skb_dst(skb);
	struct stt_input_slot *slot;
	bool local;
	u32 cookie = 0;

	if (!dst || !stt_input_plain(port, skb) ||
	    stt_input_rules_want_ports(port->net, port->family))
		return;

	if (port->family == AF_INET6) {
		const struct rt6_info *rt;

		rt = container_of(dst, struct rt6_info, dst);
		local = rt->rt6i_flags & RTF_LOCAL;
		cookie = rt6_get_cookie(rt);
	} else {
		local = skb_rtable(skb)->rt_type == RTN_LOCAL;
	}
	if (!local || !dst_hold_safe(dst))
		return;

	slot = stt_input_slot(port, from);
	dst_release(slot->dst);
	*slot = (struct stt_input_slot) {
		.saddr = from->saddr,
		.daddr = from->daddr,
		.iif = skb->dev->ifindex,
		.mark = skb->mark,
		.dscp = dsfield & ~INET_ECN_MASK,
		.cookie = cookie,
		.dst = dst,
	};
}

/**
 * stt_input_conf - whose frame is this (R11)
 * @slot: what is known of its packets; or NULL
 * @port: endpoint it was sent to
 * @id: its context id
 * @from: its addresses
 *
 * Looks up what @slot does not know.  That a configuration goes is said by
 * &stt_port.gen before its grace period begins: while that has the value it
 * had before the lookup, there is nobody who frees it under us.
 *
 * Context: BH disabled, RCU read side.
 * Return: the most specific configuration that fits, or NULL.
 */
struct stt_conf *stt_input_conf(struct stt_input_slot *slot,
				struct stt_port *port, u64 id,
				const struct stt_flow_key *from)
{
	/* Pairs with stt_port_changed(). */
	unsigned long gen = smp_load_acquire(&port->gen);
	struct stt_conf *conf;

	if (likely(slot && slot->conf && slot->id == id && slot->gen == gen))
		return slot->conf;

	conf = stt_port_conf_rcu(port, id, from);
	if (slot) {
		slot->conf = conf;
		slot->id = id;
		slot->gen = gen;
	}

	return conf;
}

/**
 * stt_input_init - no route is known
 * @port: endpoint
 *
 * Return: 0 or -ENOMEM.
 */
int stt_input_init(struct stt_port *port)
{
	port->input = alloc_percpu(struct stt_input);

	return port->input ? 0 : -ENOMEM;
}

/**
 * stt_input_free - forget all routes
 * @port: endpoint that no packet sees any longer
 */
void stt_input_free(struct stt_port *port)
{
	int cpu, i;

	for_each_possible_cpu(cpu) {
		struct stt_input *input = per_cpu_ptr(port->input, cpu);

		for (i = 0; i < ARRAY_SIZE(input->slots); i++)
			dst_release(input->slots[i].dst);
	}
	free_percpu(port->input);
}
