// SPDX-License-Identifier: GPL-2.0
/*
 * IP input: which packets are for our endpoints.
 *
 * Netfilter hooks take them.  The one that takes segments is in the local input
 * path, behind all rules of the host (R1).  The others run before connection
 * tracking, and exempt our segments and ICMP errors about them.
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
 */
#include <linux/bottom_half.h>
#include <linux/hash.h>
#include <linux/inetdevice.h>
#include <linux/netfilter.h>
#include <linux/netfilter/nf_conntrack_common.h>
#include <linux/netfilter_ipv4.h>
#include <linux/netfilter_ipv6.h>
#include <linux/percpu.h>
#include <net/addrconf.h>
#include <net/dst.h>
#include <net/inet_ecn.h>
#include <net/ip.h>
#include <net/ip6_fib.h>
#include <net/ip6_route.h>
#include <net/ipv6.h>
#include <net/l3mdev.h>
#include <net/route.h>
#include <net/tcp.h>
#include <net/xfrm.h>

#include "include/stt.h"

#define STT_INPUT_BITS		6

/**
 * struct stt_input_slot - the route of a packet, and the device of its frame
 * @saddr: the sender
 * @daddr: our address
 * @iif: ifindex of the interface that it came in by
 * @mark: of the packet
 * @dscp: DSCP, in the upper six bits
 * @checks: what stt_input_checks() returned
 * @family: of the addresses
 * @scope: what stt_input_scope() returned
 * @cookie: for dst_check()
 * @dst: a reference, or NULL: nothing is known
 * @gen: &stt_port.gen when @conf was looked up
 * @id: context id
 * @conf: whose frames with that id are, between those addresses; to be touched
 *	only if @gen still holds
 * @md: metadata of the last frame for an external device; a reference, or NULL
 * @heard: what stt_peer_learn() returned
 * @peer: the sender's counters
 *
 * Routing looks at what stands before @cookie.
 */
struct stt_input_slot {
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
 * struct stt_input - what a namespace's last packets showed, for one CPU
 * @slots: by sender and receiver
 *
 * All endpoints share it: none takes memory of its own for each CPU.  Packets
 * that were not accepted leave nothing here.
 *
 * Written and read by its CPU alone, with BH disabled.
 */
struct stt_input {
	struct stt_input_slot	slots[1 << STT_INPUT_BITS];
};

/*
 * Most functions that every packet passes are told the family, so that there is
 * a copy of them for each, without a branch.
 */

static __always_inline union stt_addr
stt_input_saddr(const struct sk_buff *skb, sa_family_t family)
{
	if (family == AF_INET6)
		return (union stt_addr){ .v6 = ipv6_hdr(skb)->saddr };

	return (union stt_addr){ .v6.s6_addr32 = { ip_hdr(skb)->saddr } };
}

static __always_inline union stt_addr
stt_input_daddr(const struct sk_buff *skb, sa_family_t family)
{
	if (family == AF_INET6)
		return (union stt_addr){ .v6 = ipv6_hdr(skb)->daddr };

	return (union stt_addr){ .v6.s6_addr32 = { ip_hdr(skb)->daddr } };
}

static __always_inline u8 stt_input_dsfield(const struct sk_buff *skb,
					    sa_family_t family)
{
	return family == AF_INET6 ? ipv6_get_dsfield(ipv6_hdr(skb)) :
				    ipv4_get_dsfield(ip_hdr(skb));
}

/* The interface that a packet came in by, also in a VRF. */
static int stt_input_iif(const struct sk_buff *skb)
{
	return ((const struct stt_skb_cb *)skb->cb)->iif;
}

/* A group's scope is an interface's, also in a VRF. */
static int stt_input_group_scope(const struct sk_buff *skb)
{
	return -stt_input_iif(skb);
}

/* The VRF that a packet is in, before and behind the VRF's device, or 0. */
static __always_inline int stt_input_vrf(const struct sk_buff *skb)
{
	if (likely(!netif_is_l3_master(skb->dev) &&
		   !netif_is_l3_slave(skb->dev)))
		return 0;

	return l3mdev_master_ifindex_rcu(skb->dev);
}

/* The ifindex that addresses are meant in; see struct stt_conf_key. */
static __always_inline int
stt_input_scope(const struct sk_buff *skb, const struct stt_flow_key *from)
{
	if (unlikely(stt_addr_multicast(&from->daddr, from->family)))
		return stt_input_group_scope(skb);
	/* Within a VRF too, a link-local address is its interface's. */
	if (unlikely(stt_addr_linklocal(&from->saddr, from->family) ||
		     stt_addr_linklocal(&from->daddr, from->family)))
		return stt_input_iif(skb);

	return stt_input_vrf(skb);
}

/*
 * What the IP header of a packet says; its TCP header is @thoff bytes on.  All
 * members are named, or the compiler would clear the rest first.
 */
static __always_inline struct stt_input_info
stt_input_scoped(struct stt_port *port, struct stt_input_slot *slot,
		 const struct sk_buff *skb, sa_family_t family,
		 unsigned int thoff, int scope)
{
	return (struct stt_input_info){
		.port = port,
		.slot = slot,
		.from = {
			.saddr = stt_input_saddr(skb, family),
			.daddr = stt_input_daddr(skb, family),
			.sport = 0,
			.dport = port->number,
			.scope = scope,
			.family = family,
		},
		.id = 0,
		.thoff = thoff,
		.dsfield = stt_input_dsfield(skb, family),
		.learn = false,
	};
}

static __always_inline struct stt_input_info
stt_input_info(struct stt_port *port, const struct sk_buff *skb,
	       sa_family_t family, unsigned int thoff)
{
	struct stt_input_info in = stt_input_scoped(port, NULL, skb, family,
						    thoff, 0);

	in.from.scope = stt_input_scope(skb, &in.from);

	return in;
}

/* ---- what is known ----------------------------------------------------- */

/* Are our hooks the only ones in PRE_ROUTING and LOCAL_IN? */
static __always_inline bool stt_input_alone(const struct net *net,
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

static bool stt_input_has_policy(const struct net *net)
{
#ifdef CONFIG_XFRM
	return net->xfrm.policy_count[XFRM_POLICY_IN] ||
	       net->xfrm.policy_default[XFRM_POLICY_IN] !=
	       XFRM_USERPOLICY_ACCEPT;
#else
	return false;
#endif
}

/* Rules that look at ports.  A new rule makes routes obsolete. */
static bool stt_input_has_port_rules(const struct net *net, sa_family_t family)
{
#ifdef CONFIG_IP_MULTIPLE_TABLES
	return family == AF_INET &&
	       READ_ONCE(net->ipv4.fib_rules_require_fldissect);
#else
	return false;
#endif
}

/* Rules of IPv6 also look at flow labels.  A new one changes no route. */
static __always_inline bool stt_input_has_rules6(const struct net *net)
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
static __always_inline u8 stt_input_checks(const struct net *net,
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
stt_input_plain(const struct net *net, const struct sk_buff *skb,
		sa_family_t family)
{
	if (!stt_input_alone(net, family) || stt_input_has_policy(net) ||
	    skb->pkt_type != PACKET_HOST ||
	    netif_is_l3_master(skb->dev) || netif_is_l3_slave(skb->dev) ||
	    skb_sec_path(skb) || skb_metadata_dst(skb))
		return false;
	if (family == AF_INET6)
		return !stt_input_has_rules6(net);

	return ip_hdr(skb)->ihl == sizeof(struct iphdr) / 4 &&
	       !ip_is_fragment(ip_hdr(skb));
}

static __always_inline struct stt_input_slot *
stt_input_slot(const struct stt_port *port, const struct sk_buff *skb,
	       sa_family_t family)
{
	u32 x = skb->mark ^ (stt_input_dsfield(skb, family) & ~INET_ECN_MASK);

	if (family == AF_INET6) {
		const u32 *s = (const u32 *)&ipv6_hdr(skb)->saddr;
		const u32 *d = (const u32 *)&ipv6_hdr(skb)->daddr;

		x ^= s[0] ^ s[1] ^ s[2] ^ s[3] ^ d[0] ^ d[3];
	} else {
		x ^= (__force u32)(ip_hdr(skb)->saddr ^ ip_hdr(skb)->daddr);
	}

	return &this_cpu_ptr(port->input)->slots[hash_32(x, STT_INPUT_BITS)];
}

static __always_inline bool
stt_input_same_addrs(const struct stt_input_slot *slot,
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
static __always_inline struct stt_input_slot *
stt_input_known(const struct stt_port *port, const struct sk_buff *skb,
		sa_family_t family)
{
	struct stt_input_slot *slot = stt_input_slot(port, skb, family);
	const struct net *net = port->net;

	if (slot->dst && slot->family == family &&
	    slot->iif == skb->dev->ifindex && slot->mark == skb->mark &&
	    slot->dscp == (stt_input_dsfield(skb, family) & ~INET_ECN_MASK) &&
	    slot->checks == stt_input_checks(net, skb, family) &&
	    stt_input_same_addrs(slot, skb, family) &&
	    stt_input_plain(net, skb, family) &&
	    dst_check(slot->dst, slot->cookie))
		return slot;

	return NULL;
}

static void stt_input_forget(struct stt_input_slot *slot)
{
	dst_release(slot->dst);
	if (slot->md)
		dst_release(&slot->md->dst);
}

/* Routing counts packets of routes with realms. */
static bool stt_input_is_accounted(const struct dst_entry *dst)
{
#ifdef CONFIG_IP_ROUTE_CLASSID
	return dst->tclassid;
#else
	return false;
#endif
}

/**
 * stt_input_learn - remember the route of a packet that came to LOCAL_IN
 * @in: what its IP header says, with @learn
 * @skb: packet, a frame or a part of one, with its route and mark; the IP
 *	header is where it was
 *
 * The packet was accepted: it was a right frame for a device, or its sender is
 * known.  Others cannot push known senders' routes out.
 *
 * Context: BH disabled, RCU read side.
 */
void stt_input_learn(const struct stt_input_info *in,
		     const struct sk_buff *skb)
{
	struct dst_entry *dst = skb_dst(skb);
	struct stt_port *port = in->port;
	struct stt_input_slot *slot;
	bool local;
	u32 cookie = 0;

	if (!stt_bh_exclusive() || !dst || dst->lwtstate ||
	    !stt_input_plain(port->net, skb, port->family) ||
	    stt_input_has_port_rules(port->net, port->family))
		return;

	if (port->family == AF_INET6) {
		const struct rt6_info *rt;

		rt = container_of(dst, struct rt6_info, dst);
		local = rt->rt6i_flags & RTF_LOCAL;
		cookie = rt6_get_cookie(rt);
	} else {
		local = skb_rtable(skb)->rt_type == RTN_LOCAL;
	}
	if (!local || stt_input_is_accounted(dst) || !dst_hold_safe(dst))
		return;

	slot = stt_input_slot(port, skb, port->family);
	stt_input_forget(slot);
	*slot = (struct stt_input_slot) {
		.saddr = in->from.saddr,
		.daddr = in->from.daddr,
		.iif = skb->dev->ifindex,
		.mark = skb->mark,
		.dscp = in->dsfield & ~INET_ECN_MASK,
		.family = port->family,
		.scope = in->from.scope,
		.cookie = cookie,
		.dst = dst,
		.checks = stt_input_checks(port->net, skb, port->family),
		.heard = stt_peer_stale(),
	};
}

/**
 * stt_input_conf - find the configuration that a frame is for (R11)
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
struct stt_conf *stt_input_conf(struct stt_input_slot *slot,
				struct stt_port *port, u64 id,
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
 * stt_input_md - where the metadata of a sender's last frame are kept
 * @slot: what is known of its packets; or NULL
 *
 * Context: BH disabled, RCU read side.
 * Return: a place for a reference, or NULL.
 */
struct metadata_dst **stt_input_md(struct stt_input_slot *slot)
{
	return slot ? &slot->md : NULL;
}

/**
 * stt_input_peer_ref - where a sender's counters are remembered
 * @slot: what is known of its packets; or NULL
 *
 * Context: BH disabled, RCU read side.
 * Return: a place for it, or NULL.
 */
struct stt_peer_ref *stt_input_peer_ref(struct stt_input_slot *slot)
{
	return slot ? &slot->peer : NULL;
}

/**
 * stt_input_peer - a frame of this sender was complete, and had a device
 * @slot: what is known of its packets; or NULL
 * @reasm: namespace
 * @from: its addresses
 *
 * Context: BH disabled, RCU read side.
 */
void stt_input_peer(struct stt_input_slot *slot, struct stt_reasm *reasm,
		    const struct stt_flow_key *from)
{
	u32 heard;

	if (likely(slot && stt_peer_is_fresh(slot->heard)))
		return;

	heard = stt_peer_learn(reasm, from);
	if (slot)
		slot->heard = heard;
}

/**
 * stt_input_init - no route is known
 * @sn: namespace
 *
 * Return: 0 or -ENOMEM.
 */
int stt_input_init(struct stt_net *sn)
{
	sn->input = alloc_percpu_gfp(struct stt_input, GFP_KERNEL_ACCOUNT);

	return sn->input ? 0 : -ENOMEM;
}

/**
 * stt_input_free - forget all routes
 * @sn: namespace without ports, and without packets that look at one
 */
void stt_input_free(struct stt_net *sn)
{
	int cpu, i;

	if (!sn->input)
		return;
	for_each_possible_cpu(cpu) {
		struct stt_input *input = per_cpu_ptr(sn->input, cpu);

		for (i = 0; i < ARRAY_SIZE(input->slots); i++)
			stt_input_forget(&input->slots[i]);
	}
	free_percpu(sn->input);
}

/* ---- hooks ------------------------------------------------------------- */

/* Whatever was set before us, a connection tracking zone for instance. */
static void stt_input_untrack(struct sk_buff *skb)
{
	nf_reset_ct(skb);
	skb_set_nfct(skb, IP_CT_UNTRACKED);
}

/* 0 where there is none.  Not on every packet's stack. */
static noinline __be16 stt_input_dest_copy(const struct sk_buff *skb, int thoff)
{
	struct tcphdr th;

	if (skb_copy_bits(skb, thoff, &th, offsetofend(struct tcphdr, dest)))
		return 0;

	return th.dest;
}

/* The endpoint that the TCP packet at @thoff is sent to, if one is. */
static __always_inline struct stt_port *
stt_input_port(const struct stt_net *sn, const struct sk_buff *skb,
	       sa_family_t family, unsigned int thoff)
{
	const struct tcphdr *th = (const struct tcphdr *)(skb->data + thoff);

	if (likely(skb_headlen(skb) >= thoff + sizeof(*th)))
		return stt_port_find_rcu(sn, family, th->dest);

	return stt_port_find_rcu(sn, family, stt_input_dest_copy(skb, thoff));
}

/* Is the packet sent to a group that devices of ours are in? */
static bool stt_input_to_group(struct stt_port *port,
			       const struct sk_buff *skb)
{
	union stt_addr daddr = stt_input_daddr(skb, port->family);

	return stt_addr_multicast(&daddr, port->family) &&
	       stt_group_joined(port, &daddr, stt_input_group_scope(skb));
}

/*
 * TCP refuses what was not sent to this host alone, and so it may, but for
 * groups of ours.
 */
static bool stt_input_is_for_us(struct stt_port *port,
				const struct sk_buff *skb)
{
	return likely(skb->pkt_type == PACKET_HOST) ||
	       (skb->pkt_type == PACKET_MULTICAST &&
		stt_input_to_group(port, skb));
}

/* TCP's packets count as delivered, too, whatever becomes of them. */
static __always_inline void stt_input_count(struct net *net,
					    sa_family_t family,
					    const struct dst_entry *dst)
{
#if IS_ENABLED(CONFIG_IPV6)
	if (family == AF_INET6) {
		struct inet6_dev *idev;

		idev = dst ? ip6_dst_idev((struct dst_entry *)dst) : NULL;
		__IP6_INC_STATS(net, idev, IPSTATS_MIB_INDELIVERS);
		return;
	}
#endif
	__IP_INC_STATS(net, IPSTATS_MIB_INDELIVERS);
}

/*
 * Is a packet to the port for a configuration, and not for a socket that a
 * transparent proxy, BPF or early demux assigned (R1)?
 */
static bool stt_input_is_ours(const struct stt_input_info *in,
			      const struct sk_buff *skb)
{
	return !skb->sk && stt_zone_is_meant_rcu(in->port, &in->from,
						 stt_input_iif(skb));
}

/*
 * Take a packet, behind all of the host's rules.  One that went through a user
 * space queue (NFQUEUE) comes to the hooks behind that in process context; all
 * code of ours needs BH disabled.
 */
static void stt_input_take(struct stt_net *sn, struct stt_input_info *in,
			   struct sk_buff *skb, bool learn)
{
	local_bh_disable();
	in->learn = learn;
	stt_input_count(sn->net, in->port->family, skb_dst(skb));
	stt_rx_segment(sn, in, skb);
	local_bh_enable();
}

static __always_inline bool
stt_input_take_slot(struct stt_net *sn, struct stt_port *port,
		    struct stt_input_slot *slot, struct sk_buff *skb,
		    sa_family_t family, unsigned int thoff)
{
	struct stt_input_info in = stt_input_scoped(port, slot, skb, family,
						    thoff, slot->scope);

	if (unlikely(!stt_zone_is_meant_rcu(port, &in.from, slot->iif)))
		return false;
	stt_input_count(sn->net, family, slot->dst);
	stt_rx_segment(sn, &in, skb);

	return true;
}

/*
 * Take a packet where there are no rules and it is known what the stack would
 * do with it.  Returns false if it is left to the stack, unchanged.
 */
static __always_inline bool
stt_input_take_known(struct stt_net *sn, struct stt_port *port,
		     struct sk_buff *skb, sa_family_t family,
		     unsigned int thoff)
{
	struct stt_input_slot *slot;

	if (unlikely(!in_softirq() || skb->sk))
		return false;
	slot = stt_input_known(port, skb, family);
	if (unlikely(!slot))
		return false;

	return stt_input_take_slot(sn, port, slot, skb, family, thoff);
}

/* A whole frame as stt_tx.c makes it, which no TCP sender makes. */
static bool stt_is_frame(const struct stt_net *sn, const struct sk_buff *skb,
			 sa_family_t family, int thoff)
{
	const struct tcphdr *th;
	struct tcphdr _th;

	if (!stt_input_port(sn, skb, family, thoff))
		return false;
	th = skb_header_pointer(skb, thoff, sizeof(_th), &_th);

	return th && th->doff == sizeof(*th) / 4 && th->ack && th->psh &&
	       !th->window &&
	       ntohl(th->seq) == stt_seq(skb->len - thoff - sizeof(*th), 0);
}

/*
 * Frames are untracked when they are made.  A VRF takes that for its own mark
 * and removes it, before they go out again through the real device.
 */
static unsigned int stt_local_out(void *priv, struct sk_buff *skb,
				  const struct nf_hook_state *state)
{
	const struct stt_net *sn = priv;
	bool ours;

	if (likely(!netif_is_l3_slave(state->out)))
		return NF_ACCEPT;
	if (state->pf == NFPROTO_IPV4)
		ours = ip_hdr(skb)->protocol == IPPROTO_TCP &&
		       stt_is_frame(sn, skb, AF_INET, ip_hdrlen(skb));
	else
		ours = ipv6_hdr(skb)->nexthdr == IPPROTO_TCP &&
		       stt_is_frame(sn, skb, AF_INET6, sizeof(struct ipv6hdr));
	if (ours)
		stt_input_untrack(skb);

	return NF_ACCEPT;
}

/* Is the packet sent to an address of this host? */
static bool stt_input_is_local(const struct stt_port *port,
			       const struct sk_buff *skb)
{
#if IS_ENABLED(CONFIG_IPV6)
	if (port->family == AF_INET6)
		return ipv6_chk_addr(port->net, &ipv6_hdr(skb)->daddr,
				     skb->dev, 0);
#endif
	return inet_addr_type_dev_table(port->net, skb->dev,
					ip_hdr(skb)->daddr) == RTN_LOCAL;
}

/*
 * In PRE_ROUTING, before connection tracking: exempt what is ours.  Only
 * packets to an address of this host are, or to a group of ours; connections
 * to other hosts and forwarded ones stay tracked, though their port is the
 * same.
 */
static noinline void stt_input_unknown(struct stt_port *port,
				       struct sk_buff *skb, unsigned int thoff)
{
	struct stt_input_info in = stt_input_info(port, skb, port->family,
						  thoff);

	if (stt_input_is_ours(&in, skb) &&
	    (stt_input_is_local(port, skb) || stt_input_to_group(port, skb)))
		stt_input_untrack(skb);
}

static __always_inline unsigned int
stt_input_early(struct stt_net *sn, struct stt_port *port, struct sk_buff *skb,
		sa_family_t family, unsigned int thoff)
{
	if (likely(stt_input_take_known(sn, port, skb, family, thoff)))
		return NF_STOLEN;
	if (rcu_access_pointer(nf_ct_hook))
		stt_input_unknown(port, skb, thoff);

	return NF_ACCEPT;
}

/* In LOCAL_IN, behind all of the host's rules. */
static unsigned int stt_input_late(struct stt_net *sn, struct stt_port *port,
				   struct sk_buff *skb, unsigned int thoff)
{
	struct stt_input_info in = stt_input_info(port, skb, port->family,
						  thoff);

	if (!stt_input_is_for_us(port, skb) || !stt_input_is_ours(&in, skb))
		return NF_ACCEPT;
	stt_input_take(sn, &in, skb, true);

	return NF_STOLEN;
}

/* What routers say of our segments is not for connection tracking either. */
static unsigned int stt_input_icmp4(struct net *net, struct sk_buff *skb)
{
	if (stt_icmp4(skb, net, 0))
		stt_input_untrack(skb);

	return NF_ACCEPT;
}

static unsigned int stt_prerouting4(void *priv, struct sk_buff *skb,
				    const struct nf_hook_state *state)
{
	struct stt_net *sn = priv;
	const struct iphdr *iph = ip_hdr(skb);
	struct stt_port *port;

	if (iph->protocol == IPPROTO_ICMP)
		return stt_input_icmp4(state->net, skb);
	if (iph->protocol != IPPROTO_TCP || iph->frag_off & htons(IP_OFFSET))
		return NF_ACCEPT;
	port = stt_input_port(sn, skb, AF_INET, ip_hdrlen(skb));

	if (likely(!port))
		return NF_ACCEPT;

	return stt_input_early(sn, port, skb, AF_INET, ip_hdrlen(skb));
}

static unsigned int stt_local_in4(void *priv, struct sk_buff *skb,
				  const struct nf_hook_state *state)
{
	struct stt_net *sn = priv;
	struct stt_port *port;

	/* Behind a VRF's device the interface is known by its number alone. */
	if (ip_hdr(skb)->protocol == IPPROTO_ICMP)
		stt_icmp4(skb, sn->net, IPCB(skb)->iif);
	if (ip_hdr(skb)->protocol != IPPROTO_TCP)
		return NF_ACCEPT;
	port = stt_input_port(sn, skb, AF_INET, ip_hdrlen(skb));

	return port ? stt_input_late(sn, port, skb, ip_hdrlen(skb)) :
		      NF_ACCEPT;
}

#if IS_ENABLED(CONFIG_IPV6)
/* As stt_input_icmp4(). */
static unsigned int stt_input_icmp6(struct net *net, struct sk_buff *skb)
{
	if (stt_icmp6(skb, net))
		stt_input_untrack(skb);

	return NF_ACCEPT;
}

static unsigned int stt_prerouting6(void *priv, struct sk_buff *skb,
				    const struct nf_hook_state *state)
{
	struct stt_net *sn = priv;
	const struct ipv6hdr *ip6h = ipv6_hdr(skb);
	struct stt_port *port;

	if (ip6h->nexthdr == IPPROTO_ICMPV6)
		return stt_input_icmp6(state->net, skb);
	if (ip6h->nexthdr != IPPROTO_TCP)
		return NF_ACCEPT;
	port = stt_input_port(sn, skb, AF_INET6, sizeof(*ip6h));

	if (likely(!port))
		return NF_ACCEPT;

	return stt_input_early(sn, port, skb, AF_INET6, sizeof(*ip6h));
}

/*
 * A segment behind extension headers.  This hook sees them before they are
 * looked at, so only those are skipped that say nothing to the receiver:
 * hop-by-hop options, which IPv6 input has been through.  Behind any other,
 * and in a fragment that nobody put together on the way here, a segment is
 * refused: no sender of STT makes such.  A packet that a routing header sends
 * elsewhere is not ours.
 */
static unsigned int stt_local_in6_ext(struct stt_net *sn, struct sk_buff *skb)
{
	unsigned int thoff = 0, rthoff = 0, first = sizeof(struct ipv6hdr);
	int flags = 0, rt_flags = IP6_FH_F_SKIP_RH;
	u8 nexthdr = ipv6_hdr(skb)->nexthdr;
	unsigned short frag_off = 0;
	struct ipv6_opt_hdr _hop, *hop;
	struct stt_input_info in;
	struct stt_port *port;

	if (!ipv6_ext_hdr(nexthdr) ||
	    ipv6_find_hdr(skb, &thoff, IPPROTO_TCP, &frag_off, &flags) < 0 ||
	    frag_off)
		return NF_ACCEPT;
	port = stt_input_port(sn, skb, AF_INET6, thoff);
	if (!port || !stt_input_is_for_us(port, skb))
		return NF_ACCEPT;
	in = stt_input_info(port, skb, AF_INET6, thoff);
	if (!stt_input_is_ours(&in, skb))
		return NF_ACCEPT;
	/* Finds a routing header only if it has segments left. */
	if (ipv6_find_hdr(skb, &rthoff, NEXTHDR_ROUTING, NULL, &rt_flags) >= 0)
		return NF_ACCEPT;

	hop = skb_header_pointer(skb, first, sizeof(_hop), &_hop);
	if (nexthdr == NEXTHDR_HOP && hop && hop->nexthdr == IPPROTO_TCP &&
	    first + ipv6_optlen(hop) == thoff) {
		stt_input_take(sn, &in, skb, false);
		return NF_STOLEN;
	}
	stt_drop(sn, skb, STT_NET_drop_header);

	return NF_STOLEN;
}

static unsigned int stt_local_in6(void *priv, struct sk_buff *skb,
				  const struct nf_hook_state *state)
{
	struct stt_net *sn = priv;
	struct stt_port *port;

	if (ipv6_hdr(skb)->nexthdr == IPPROTO_ICMPV6) {
		stt_redirect6(skb, sn->net, IP6CB(skb)->iif);
		return NF_ACCEPT;
	}
	if (unlikely(ipv6_hdr(skb)->nexthdr != IPPROTO_TCP))
		return stt_local_in6_ext(sn, skb);
	port = stt_input_port(sn, skb, AF_INET6, sizeof(struct ipv6hdr));

	return port ? stt_input_late(sn, port, skb, sizeof(struct ipv6hdr)) :
		      NF_ACCEPT;
}

#endif

/*
 * By family, in the order of &enum stt_hook.  A namespace has copies of its
 * own, whose priv is the namespace's: that is cheaper than to look for it.
 */
static const struct nf_hook_ops stt_hooks[2][STT_HOOKS] = {
	{
		{
			.hook		= stt_prerouting4,
			.pf		= NFPROTO_IPV4,
			.hooknum	= NF_INET_PRE_ROUTING,
			.priority	= NF_IP_PRI_CONNTRACK - 1,
		},
		{
			.hook		= stt_local_in4,
			.pf		= NFPROTO_IPV4,
			.hooknum	= NF_INET_LOCAL_IN,
			.priority	= NF_IP_PRI_LAST - 1,
		},
		{
			.hook		= stt_local_out,
			.pf		= NFPROTO_IPV4,
			.hooknum	= NF_INET_LOCAL_OUT,
			.priority	= NF_IP_PRI_CONNTRACK - 1,
		},
	},
#if IS_ENABLED(CONFIG_IPV6)
	{
		{
			.hook		= stt_prerouting6,
			.pf		= NFPROTO_IPV6,
			.hooknum	= NF_INET_PRE_ROUTING,
			.priority	= NF_IP6_PRI_CONNTRACK - 1,
		},
		{
			.hook		= stt_local_in6,
			.pf		= NFPROTO_IPV6,
			.hooknum	= NF_INET_LOCAL_IN,
			.priority	= NF_IP6_PRI_LAST - 1,
		},
		{
			.hook		= stt_local_out,
			.pf		= NFPROTO_IPV6,
			.hooknum	= NF_INET_LOCAL_OUT,
			.priority	= NF_IP6_PRI_CONNTRACK - 1,
		},
	},
#endif
};

static int stt_input_register_hook(struct stt_net *sn, int family,
				   enum stt_hook hook)
{
	struct nf_hook_ops *ops = &sn->hooks[family][hook];
	int err;

	if (ops->priv)
		return 0;
	*ops = stt_hooks[family][hook];
	if (!ops->hook)
		return -EAFNOSUPPORT;
	ops->priv = sn;
	err = nf_register_net_hook(sn->net, ops);
	if (err)
		ops->priv = NULL;

	return err;
}

/**
 * stt_input_register_vrf - do what VRFs need, from the first one on
 * @net: namespace, which has a VRF
 *
 * Where there are none nobody pays for them.
 *
 * Context: RTNL; sleeps.
 * Return: 0, or what netfilter returns.
 */
int stt_input_register_vrf(struct net *net)
{
	struct stt_net *sn = stt_net(net);
	int i, err;

	ASSERT_RTNL();

	for (i = 0; i < ARRAY_SIZE(sn->hooks); i++) {
		if (!sn->nports[i])
			continue;
		err = stt_input_register_hook(sn, i, STT_HOOK_OUT);
		if (err)
			return err;
	}

	return 0;
}

/**
 * stt_input_register - let a family's packets come to us
 * @net: namespace
 * @family: AF_INET or AF_INET6
 *
 * Context: RTNL; sleeps.
 * Return: 0, or what netfilter returns; -EAFNOSUPPORT for a family that the
 * kernel does not have.
 */
int stt_input_register(struct net *net, sa_family_t family)
{
	int i = stt_family_index(family), err;
	struct stt_net *sn = stt_net(net);

	err = stt_input_register_hook(sn, i, STT_HOOK_PRE);
	if (!err)
		err = stt_input_register_hook(sn, i, STT_HOOK_IN);
	if (err)
		stt_input_unregister(net, family);

	return err;
}

/**
 * stt_input_unregister - undo stt_input_register()
 * @net: namespace
 * @family: AF_INET or AF_INET6
 *
 * Context: RTNL; sleeps.  Packets may be in the hooks until a grace period
 * has passed.
 */
void stt_input_unregister(struct net *net, sa_family_t family)
{
	struct nf_hook_ops *ops = stt_net(net)->hooks[stt_family_index(family)];
	int i;

	for (i = 0; i < STT_HOOKS; i++) {
		if (ops[i].priv)
			nf_unregister_net_hook(net, &ops[i]);
		ops[i].priv = NULL;
	}
}
