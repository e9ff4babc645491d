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
 * that nobody misses anything, PRE_ROUTING is as good as LOCAL_IN.
 *
 * Not where the stack does more than that on the way: for VRFs, IP options,
 * fragments, IPsec, and rules that look at ports.
 */
#include <linux/hash.h>
#include <linux/netfilter.h>
#include <linux/percpu.h>
#include <net/dst.h>
#include <net/inet_dscp.h>
#include <net/ip6_fib.h>
#include <net/ip6_route.h>
#include <net/ipv6.h>
#include <net/l3mdev.h>
#include <net/route.h>
#include <net/xfrm.h>

#include "include/stt.h"

#define STT_INPUT_SLOTS		16

/**
 * struct stt_input_key - what routing looks at
 * @saddr: the sender
 * @daddr: our address
 * @iif: where it came in
 * @mark: of the packet
 * @dsfield: DSCP and ECN
 * @pad: 0
 *
 * Compared as bytes: no holes.
 */
struct stt_input_key {
	union stt_addr	saddr;
	union stt_addr	daddr;
	int		iif;
	u32		mark;
	u32		dsfield;
	u32		pad;
};

static_assert(sizeof(struct stt_input_key) == 48);

/**
 * struct stt_input_slot - a route that a packet was found
 * @key: the packet's
 * @cookie: for dst_check()
 * @dst: a reference, or NULL
 */
struct stt_input_slot {
	struct stt_input_key	key;
	u32			cookie;
	struct dst_entry	*dst;
};

/**
 * struct stt_input - the routes of an endpoint's last packets, for one CPU
 * @slots: by sender and receiver
 *
 * Written and read by its CPU alone, with BH disabled.
 */
struct stt_input {
	struct stt_input_slot	slots[STT_INPUT_SLOTS];
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

/* False for a packet that routing alone does not decide about. */
static bool stt_input_key(struct stt_input_key *key, const struct sk_buff *skb,
			  sa_family_t family)
{
	if (skb->pkt_type != PACKET_HOST || netif_is_l3_master(skb->dev) ||
	    netif_is_l3_slave(skb->dev) || skb_sec_path(skb))
		return false;

	if (family == AF_INET6) {
		const struct ipv6hdr *ip6h = ipv6_hdr(skb);

		key->saddr.v6 = ip6h->saddr;
		key->daddr.v6 = ip6h->daddr;
		key->dsfield = ipv6_get_dsfield(ip6h);
	} else {
		const struct iphdr *iph = ip_hdr(skb);

		if (iph->ihl != sizeof(*iph) / 4 || ip_is_fragment(iph))
			return false;
		ipv6_addr_set(&key->saddr.v6, iph->saddr, 0, 0, 0);
		ipv6_addr_set(&key->daddr.v6, iph->daddr, 0, 0, 0);
		key->dsfield = iph->tos;
	}
	key->iif = skb->dev->ifindex;
	key->mark = skb->mark;
	key->pad = 0;

	return true;
}

static struct stt_input_slot *stt_input_slot(const struct stt_port *port,
					     const struct stt_input_key *key)
{
	const u32 *s = (const u32 *)&key->saddr, *d = (const u32 *)&key->daddr;
	u32 x = s[0] ^ s[1] ^ s[2] ^ s[3] ^ d[0] ^ d[3];

	return &this_cpu_ptr(port->input)->slots[hash_32(x, 4)];
}

static bool stt_input_same(const struct stt_input_key *a,
			   const struct stt_input_key *b)
{
	const u64 *x = (const u64 *)a, *y = (const u64 *)b;

	return !((x[0] ^ y[0]) | (x[1] ^ y[1]) | (x[2] ^ y[2]) |
		 (x[3] ^ y[3]) | (x[4] ^ y[4]) | (x[5] ^ y[5]));
}

/**
 * stt_input_known - is a packet in PRE_ROUTING for us and nobody else
 * @port: endpoint it is sent to
 * @skb: packet, from the IP header on; not behind extension headers
 *
 * Context: BH disabled, RCU read side.
 */
bool stt_input_known(const struct stt_port *port, const struct sk_buff *skb)
{
	const struct stt_input_slot *slot;
	struct stt_input_key key;

	if (!stt_input_alone(port->net, port->family) ||
	    stt_input_has_policy(port->net) ||
	    !stt_input_key(&key, skb, port->family))
		return false;
	slot = stt_input_slot(port, &key);

	return slot->dst && stt_input_same(&slot->key, &key) &&
	       dst_check(slot->dst, slot->cookie);
}

/**
 * stt_input_learn - remember the route of a packet in LOCAL_IN
 * @port: endpoint it is sent to
 * @skb: packet, from the IP header on; not behind extension headers
 *
 * Context: BH disabled, RCU read side.
 */
void stt_input_learn(struct stt_port *port, const struct sk_buff *skb)
{
	struct dst_entry *dst = skb_dst(skb);
	struct stt_input_slot *slot;
	struct stt_input_key key;
	bool local;
	u32 cookie = 0;

	if (!dst || !stt_input_alone(port->net, port->family) ||
	    stt_input_has_policy(port->net) ||
	    stt_input_rules_want_ports(port->net, port->family) ||
	    !stt_input_key(&key, skb, port->family))
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

	slot = stt_input_slot(port, &key);
	dst_release(slot->dst);
	slot->key = key;
	slot->cookie = cookie;
	slot->dst = dst;
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

		for (i = 0; i < STT_INPUT_SLOTS; i++)
			dst_release(input->slots[i].dst);
	}
	free_percpu(port->input);
}
