/* SPDX-License-Identifier: GPL-2.0 */
/*
 * stt_early.c: packets that are taken before the stack has routed them.
 *
 * Between PRE_ROUTING and LOCAL_IN the stack looks for a TCP socket and asks
 * the routing tables whether a packet is for this host and whether its sender
 * is valid.  A connected socket saves its packets that lookup, because it keeps
 * a route (tcp_v4_early_demux()).  We do the same: a namespace keeps the routes
 * of the last packets that it accepted.  While such a route is valid and no
 * other hooks exist in PRE_ROUTING and LOCAL_IN, taking a packet in PRE_ROUTING
 * is as good as taking it in LOCAL_IN.  That does not hold where the stack does
 * more on the way: for VRFs, IP options, fragments, IPsec, and routing rules
 * that look at ports.  The configuration of the last frame is kept along with
 * the route.
 *
 * What every packet passes is here, in one copy for each family.
 */
#ifndef _STT_EARLY_H
#define _STT_EARLY_H

#include <linux/hash.h>
#include <linux/inetdevice.h>
#include <linux/netfilter.h>
#include <linux/percpu.h>
#include <net/dst.h>
#include <net/dst_metadata.h>
#include <net/inet_ecn.h>
#include <net/ip.h>
#include <net/ip6_fib.h>
#include <net/ipv6.h>
#include <net/l3mdev.h>
#include <net/xfrm.h>

#include "stt_peers.h"
#include "stt_port.h"
#include "stt_source.h"

#define STT_EARLY_BITS		6

/**
 * struct stt_early_slot - the route of a packet, and the device of its frame
 * @saddr: the sender
 * @daddr: our address
 * @iif: ifindex of the interface that it came in by
 * @mark: of the packet
 * @dscp: DSCP, in the upper six bits
 * @checks: what stt_early_checks() returned
 * @family: of the addresses
 * @scope: what stt_input_scope() returned
 * @cookie: for dst_check()
 * @dst: a reference, or NULL: nothing is known
 * @gen: &stt_port.gen when @conf was looked up
 * @id: context id
 * @conf: receives frames with that id between those addresses; to be touched
 *	only if @gen still holds
 * @md: metadata of the last frame for an external device; a reference, or NULL
 * @heard: what stt_peer_learn() returned
 * @peer: the sender's counters
 *
 * Routing looks at what stands before @cookie.
 */
struct stt_early_slot {
	union stt_addr		saddr;
	union stt_addr		daddr;
	int			iif;
	u32			mark;
	u8			dscp;
	u8			checks;
	u16			family;
	int			scope;
	u32			cookie;
	struct dst_entry	*dst;
	unsigned long		gen;
	u64			id;
	struct stt_conf		*conf;
	struct metadata_dst	*md;
	u32			heard;
	struct stt_peer_ref	peer;
};

/**
 * struct stt_early - what a namespace's last packets showed, for one CPU
 * @slots: by sender and receiver
 *
 * All endpoints share it: none takes memory of its own for each CPU.  Packets
 * that were not accepted leave nothing here.
 *
 * Written and read by its CPU alone, with BH disabled.
 */
struct stt_early {
	struct stt_early_slot	slots[1 << STT_EARLY_BITS];
};

/**
 * struct stt_input_info - a packet to an endpoint, as IP knows it
 * @port: endpoint
 * @slot: what is known of such packets, or NULL
 * @from: addresses; the source port is filled in later
 * @id: frame id; filled in later
 * @thoff: offset of the TCP header from the IP header
 * @dsfield: DSCP and ECN
 * @learn: the packet came through routing and all hooks: once it is accepted,
 *	its route may be remembered for the next ones
 */
struct stt_input_info {
	struct stt_port		*port;
	struct stt_early_slot	*slot;
	struct stt_flow_key	from;
	u32			id;
	unsigned int		thoff;
	u8			dsfield;
	bool			learn;
};

/* Are our hooks the only ones in PRE_ROUTING and LOCAL_IN? */
static __always_inline bool stt_early_alone(const struct net *net,
					    sa_family_t family)
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

static bool stt_early_has_policy(const struct net *net)
{
#ifdef CONFIG_XFRM
	return net->xfrm.policy_count[XFRM_POLICY_IN] ||
	       net->xfrm.policy_default[XFRM_POLICY_IN] !=
	       XFRM_USERPOLICY_ACCEPT;
#else
	return false;
#endif
}

/* Rules of IPv6 also look at flow labels.  A new one changes no route. */
static __always_inline bool stt_early_has_rules6(const struct net *net)
{
#ifdef CONFIG_IPV6_MULTIPLE_TABLES
	return READ_ONCE(net->ipv6.fib6_has_custom_rules);
#else
	return false;
#endif
}

/*
 * How the stack validates the sender's address.  A change of these settings
 * does not make routes obsolete.  All that matters of rp_filter's two values,
 * for all devices and for this one, is which is the larger: their bits tell.
 */
static __always_inline u8 stt_early_checks(const struct net *net,
					   const struct sk_buff *skb,
					   sa_family_t family)
{
	struct in_device *idev;
	u8 rp_filter;

	if (family != AF_INET)
		return 0;
	idev = __in_dev_get_rcu(skb->dev);
	if (unlikely(!idev))
		return 0;
	rp_filter = READ_ONCE(IPV4_DEVCONF_ALL(net, RP_FILTER)) |
		    IN_DEV_CONF_GET(idev, RP_FILTER);
	if (!rp_filter)
		return 0;

	return rp_filter << 1 | (IN_DEV_SRC_VMARK(idev) ? 1 : 0);
}

/* Where the stack does more than routing, it has to see every packet. */
static __always_inline bool
stt_early_plain(const struct net *net, const struct sk_buff *skb,
		sa_family_t family)
{
	if (!stt_early_alone(net, family) || stt_early_has_policy(net) ||
	    skb->pkt_type != PACKET_HOST ||
	    netif_is_l3_master(skb->dev) || netif_is_l3_slave(skb->dev) ||
	    skb_sec_path(skb) || skb_metadata_dst(skb))
		return false;
	if (family == AF_INET6)
		return !stt_early_has_rules6(net);

	return ip_hdr(skb)->ihl == sizeof(struct iphdr) / 4 &&
	       !ip_is_fragment(ip_hdr(skb));
}

static __always_inline struct stt_early_slot *
stt_early_slot_of(const struct stt_port *port, const struct sk_buff *skb,
		  sa_family_t family)
{
	u32 x = skb->mark ^ (stt_ip_dsfield(skb, family) & ~INET_ECN_MASK);

	if (family == AF_INET6) {
		const u32 *s = (const u32 *)&ipv6_hdr(skb)->saddr;
		const u32 *d = (const u32 *)&ipv6_hdr(skb)->daddr;

		x ^= s[0] ^ s[1] ^ s[2] ^ s[3] ^ d[0] ^ d[3];
	} else {
		x ^= (__force u32)(ip_hdr(skb)->saddr ^ ip_hdr(skb)->daddr);
	}

	return &this_cpu_ptr(port->early)->slots[hash_32(x, STT_EARLY_BITS)];
}

static __always_inline bool
stt_early_same_addrs(const struct stt_early_slot *slot,
		     const struct sk_buff *skb, sa_family_t family)
{
	if (family == AF_INET6)
		return ipv6_addr_equal(&slot->saddr.v6,
				       &ipv6_hdr(skb)->saddr) &&
		       ipv6_addr_equal(&slot->daddr.v6, &ipv6_hdr(skb)->daddr);

	return slot->saddr.v4 == ip_hdr(skb)->saddr &&
	       slot->daddr.v4 == ip_hdr(skb)->daddr;
}

/* What is known of such packets as this in PRE_ROUTING, or NULL. */
static __always_inline struct stt_early_slot *
stt_early_known(const struct stt_port *port, const struct sk_buff *skb,
		sa_family_t family)
{
	struct stt_early_slot *slot = stt_early_slot_of(port, skb, family);
	const struct net *net = port->net;

	if (slot->dst && slot->family == family &&
	    slot->iif == skb->dev->ifindex && slot->mark == skb->mark &&
	    slot->dscp == (stt_ip_dsfield(skb, family) & ~INET_ECN_MASK) &&
	    slot->checks == stt_early_checks(net, skb, family) &&
	    stt_early_same_addrs(slot, skb, family) &&
	    stt_early_plain(net, skb, family) &&
	    dst_check(slot->dst, slot->cookie))
		return slot;

	return NULL;
}

/**
 * stt_early_conf - find the configuration that a frame is for (R11)
 * @slot: what is known of its packets; or NULL
 * @port: endpoint it was sent to
 * @id: its context id
 * @from: its addresses
 * @iif: ifindex of the interface that it came in by, also in a VRF
 *
 * Looks it up if @slot does not have it.  &stt_port.gen changes before the
 * grace period of a configuration begins: while it has the value that it had
 * before the lookup, the configuration is not freed.
 *
 * Context: BH disabled, RCU read side.
 * Return: the most specific configuration that fits, or NULL.
 */
static inline struct stt_conf *
stt_early_conf(struct stt_early_slot *slot, struct stt_port *port, u64 id,
	       const struct stt_flow_key *from, int iif)
{
	/* Pairs with stt_port_changed(). */
	unsigned long gen = smp_load_acquire(&port->gen);
	struct stt_conf *conf;

	if (likely(slot && slot->conf && slot->id == id && slot->gen == gen))
		return slot->conf;

	conf = stt_port_conf_rcu(port, id, from, iif);
	if (slot) {
		slot->conf = conf;
		slot->id = id;
		slot->gen = gen;
	}

	return conf;
}

/**
 * stt_early_md - where the metadata of a sender's last frame are kept
 * @slot: what is known of its packets; or NULL
 *
 * Context: BH disabled, RCU read side.
 * Return: a place for a reference, or NULL.
 */
static inline struct metadata_dst **
stt_early_md(struct stt_early_slot *slot)
{
	return slot ? &slot->md : NULL;
}

/**
 * stt_early_peer_ref - where a sender's counters are remembered
 * @slot: what is known of its packets; or NULL
 *
 * Context: BH disabled, RCU read side.
 * Return: a place for it, or NULL.
 */
static inline struct stt_peer_ref *
stt_early_peer_ref(struct stt_early_slot *slot)
{
	return slot ? &slot->peer : NULL;
}

/**
 * stt_early_peer - a frame of this sender was complete, and had a device
 * @slot: what is known of its packets; or NULL
 * @reasm: namespace
 * @from: its addresses
 *
 * Context: BH disabled, RCU read side.
 */
static inline void stt_early_peer(struct stt_early_slot *slot,
				  struct stt_reasm *reasm,
				  const struct stt_flow_key *from)
{
	u32 heard;

	if (likely(slot && stt_peer_is_fresh(slot->heard)))
		return;

	heard = stt_peer_learn(reasm, from);
	if (slot)
		slot->heard = heard;
}

void stt_early_learn(const struct stt_input_info *in,
		     const struct sk_buff *skb);
int stt_early_init(struct stt_net *sn);
void stt_early_free(struct stt_net *sn);

#endif /* _STT_EARLY_H */
