// SPDX-License-Identifier: GPL-2.0
/*
 * IP input: which packets are for our endpoints.
 *
 * Netfilter hooks take them.  The one that takes segments is in the local input
 * path, behind all rules of the host (R1).  The others run before connection
 * tracking, and exempt our segments and ICMP errors about them.  Where
 * stt_early.h shows it to be as good, segments are taken there already.
 */
#include <linux/bottom_half.h>
#include <linux/inetdevice.h>
#include <linux/netfilter.h>
#include <linux/netfilter/nf_conntrack_common.h>
#include <linux/netfilter_ipv4.h>
#include <linux/netfilter_ipv6.h>
#include <net/addrconf.h>
#include <net/ip.h>
#include <net/ipv6.h>
#include <net/route.h>
#include <net/tcp.h>

#include "include/stt.h"
#include "include/stt_addr.h"
#include "include/stt_early.h"
#include "include/stt_icmp.h"
#include "include/stt_input.h"
#include "include/stt_mcast.h"
#include "include/stt_port.h"
#include "include/stt_proto.h"
#include "include/stt_reasm.h"
#include "include/stt_rx.h"
#include "include/stt_stats.h"
#include "include/stt_zone.h"

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
stt_input_scoped(struct stt_port *port, struct stt_early_slot *slot,
		 const struct sk_buff *skb, sa_family_t family,
		 unsigned int thoff, int scope)
{
	return (struct stt_input_info){
		.port = port,
		.slot = slot,
		.from = {
			.saddr = stt_ip_saddr(skb, family),
			.daddr = stt_ip_daddr(skb, family),
			.sport = 0,
			.dport = port->number,
			.scope = scope,
			.family = family,
		},
		.id = 0,
		.thoff = thoff,
		.dsfield = stt_ip_dsfield(skb, family),
		.learn = false,
	};
}

static __always_inline struct stt_input_info
stt_input_parse(struct stt_port *port, const struct sk_buff *skb,
		sa_family_t family, unsigned int thoff)
{
	struct stt_input_info in = stt_input_scoped(port, NULL, skb, family,
						    thoff, 0);

	in.from.scope = stt_input_scope(skb, &in.from);

	return in;
}

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
	union stt_addr daddr = stt_ip_daddr(skb, port->family);

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
					    struct dst_entry *dst)
{
#if IS_ENABLED(CONFIG_IPV6)
	if (family == AF_INET6) {
		struct inet6_dev *idev;

		idev = dst ? ip6_dst_idev(dst) : NULL;
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
		    struct stt_early_slot *slot, struct sk_buff *skb,
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
	struct stt_early_slot *slot;

	if (unlikely(!in_softirq() || skb->sk))
		return false;
	slot = stt_early_known(port, skb, family);
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
	struct stt_input_info in = stt_input_parse(port, skb, port->family,
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
	struct stt_input_info in = stt_input_parse(port, skb, port->family,
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
	in = stt_input_parse(port, skb, AF_INET6, thoff);
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
	stt_drop(sn, skb, STT_NET_drop_header, &in.from, NULL);

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
 * Without VRFs there is no hook for them.
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
		if (!sn->ninputs[i])
			continue;
		err = stt_input_register_hook(sn, i, STT_HOOK_OUT);
		if (err)
			return err;
	}

	return 0;
}

static int stt_input_watch_vrfs(struct net *net)
{
	struct net_device *dev;

	for_each_netdev(net, dev)
		if (netif_is_l3_master(dev))
			return stt_input_register_vrf(net);

	return 0;
}

/* Packets may be in the hooks until a grace period has passed. */
static void stt_input_unregister(struct stt_net *sn, int family)
{
	struct nf_hook_ops *ops = sn->hooks[family];
	int i;

	for (i = 0; i < STT_HOOKS; i++) {
		if (ops[i].priv)
			nf_unregister_net_hook(sn->net, &ops[i]);
		ops[i].priv = NULL;
	}
}

static int stt_input_register(struct stt_net *sn, int family)
{
	int err;

	err = stt_input_register_hook(sn, family, STT_HOOK_PRE);
	if (!err)
		err = stt_input_register_hook(sn, family, STT_HOOK_IN);
	if (err)
		stt_input_unregister(sn, family);

	return err;
}

/**
 * stt_input_get - let a family's packets come to us
 * @net: namespace
 * @family: AF_INET or AF_INET6
 * @extack: says why not
 *
 * Each endpoint of a configuration holds this.  What is allocated here stays
 * for as long as the namespace.
 *
 * Context: RTNL; sleeps.
 * Return: 0, -ENOMEM, or what netfilter returns; -EAFNOSUPPORT for a family
 * that the kernel does not have.
 */
int stt_input_get(struct net *net, sa_family_t family,
		  struct netlink_ext_ack *extack)
{
	int i = stt_family_index(family), err = 0;
	struct stt_net *sn = stt_net(net);

	ASSERT_RTNL();

	if (!sn->reasm)
		sn->reasm = stt_reasm_alloc(sn);
	if (!sn->reasm || (!sn->early && stt_early_init(sn)))
		return -ENOMEM;

	if (!sn->ninputs[i])
		err = stt_input_register(sn, i);
	if (err)
		goto err_hooks;
	sn->ninputs[i]++;
	err = stt_input_watch_vrfs(net);
	if (!err)
		return 0;

	stt_input_put(net, family);
err_hooks:
	NL_SET_ERR_MSG(extack, "Cannot register netfilter hooks");
	return err;
}

/**
 * stt_input_put - undo stt_input_get()
 * @net: namespace
 * @family: AF_INET or AF_INET6
 *
 * Context: RTNL; sleeps.  Packets may be on their way to endpoints until a
 * grace period has passed.
 */
void stt_input_put(struct net *net, sa_family_t family)
{
	int i = stt_family_index(family);
	struct stt_net *sn = stt_net(net);

	ASSERT_RTNL();

	if (!--sn->ninputs[i])
		stt_input_unregister(sn, i);
}
