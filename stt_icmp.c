// SPDX-License-Identifier: GPL-2.0
/*
 * What routers tell us about our segments: path MTUs (W12) and redirects (W15).
 *
 * TCP's own error handlers find no socket for an STT segment and stop there.
 * A message is believed only if its checksum is right and it quotes a header
 * that we could have sent: from one of our addresses, out of the source port
 * range, to a peer and a port of it that we sent to in the last minute.
 * More than the ports need not be quoted.
 *
 * Believed messages change the route exceptions of the tunnel's own flow, the
 * place where the rest of the stack keeps path MTUs and redirects as well.
 * Path MTUs are taken before the host's firewall, which may drop what its
 * connection tracking does not know; redirects behind it, as by a socket: a
 * host that drops them there is not redirected.
 *
 * Other errors are not acted on.  Unreachable hosts and ports are soft errors
 * for TCP as well, and here they would let anyone on the path stop a tunnel.
 */
#include <linux/etherdevice.h>
#include <linux/icmp.h>
#include <linux/icmpv6.h>
#include <linux/inetdevice.h>
#include <linux/netfilter.h>
#include <net/addrconf.h>
#include <net/dst.h>
#include <net/icmp.h>
#include <net/ip6_fib.h>
#include <net/l3mdev.h>
#include <net/ndisc.h>
#include <net/neighbour.h>
#include <net/route.h>
#include <net/xfrm.h>

#include "include/stt.h"
#include "include/stt_addr.h"
#include "include/stt_icmp.h"
#include "include/stt_path.h"

/* The part of a TCP header that every router quotes. */
struct stt_quoted_ports {
	__be16	source;
	__be16	dest;
};

/**
 * struct stt_icmp_msg - a message about a segment of ours
 * @quoted: offset of the IP header that it quotes
 * @redirect: it is a redirect, not about a path MTU
 * @mtu: the path MTU
 * @iif: redirect: where it came in; 0: only look whether it is believed
 */
struct stt_icmp_msg {
	int	quoted;
	bool	redirect;
	u32	mtu;
	int	iif;
};

/*
 * Tell the route of @path, which needs a packet of the flow in question: let
 * @skb pass for the one it quotes at @quoted for as long as that takes.
 */
static void stt_path_update_pmtu(struct stt_path *path, struct sk_buff *skb,
				 int quoted, __be16 sport, u32 mtu)
{
	struct stt_dest dest = { .key = &path->key, .path = path };
	int network = skb_network_offset(skb);
	struct net_device *dev = skb->dev;
	u32 mark = skb->mark;
	struct dst_entry *dst;
	union stt_addr saddr;

	/* Another packet's route may go through another next hop. */
	dst = stt_dest_route(path->net, &dest, path->key.tos, 0, sport, &saddr);
	if (IS_ERR(dst))
		return;

	skb_set_network_header(skb, quoted);
	skb->dev = dst->dev;
	skb->mark = path->key.mark;
	if (dst->ops->update_pmtu)
		dst->ops->update_pmtu(dst, NULL, skb, mtu, false);
	skb_set_network_header(skb, network);
	skb->dev = dev;
	skb->mark = mark;
	dst_release(dst);
}

/* What a quoted packet tells of its path. */
static void stt_quoted_peer(struct stt_path_peer_key *key,
			    const struct sk_buff *skb, sa_family_t family,
			    const union stt_addr *saddr,
			    const union stt_addr *daddr, __be16 dport)
{
	memset(key, 0, sizeof(*key));
	key->remote = *daddr;
	key->local = *saddr;
	/* Another VRF's peer may have the same address. */
	key->scope = l3mdev_master_ifindex_rcu(skb->dev);
	key->dport = dport;
	key->family = family;
}

/* The interface that a message came in by: before or behind a VRF's device. */
static int stt_icmp_link(const struct sk_buff *skb,
			 const struct stt_icmp_msg *msg)
{
	return msg->iif ?: skb->dev->ifindex;
}

/* Is this the router that a route leads to? */
static bool stt_redirect_is_from_gateway(struct dst_entry *dst,
					 const struct sk_buff *skb)
{
#if IS_ENABLED(CONFIG_IPV6)
	const struct rt6_info *rt = container_of(dst, struct rt6_info, dst);
	unsigned char ha[MAX_ADDR_LEN] __aligned(2);
	struct neighbour *n;
	bool same;

	/* The route's own check. */
	if (ip_hdr(skb)->version == 4)
		return true;
	if (!(rt->rt6i_flags & RTF_GATEWAY))
		return false;
	if (ipv6_addr_equal(&rt->rt6i_gateway, &ipv6_hdr(skb)->saddr))
		return true;
	/* It speaks by its link-local address, and we know another one. */
	if (!skb_mac_header_was_set(skb) || dst->dev->addr_len != ETH_ALEN)
		return false;
	n = dst_neigh_lookup(dst, &rt->rt6i_gateway);
	if (!n)
		return false;
	neigh_ha_snapshot(ha, n, dst->dev);
	same = READ_ONCE(n->nud_state) & NUD_VALID &&
	       ether_addr_equal(ha, eth_hdr(skb)->h_source);
	neigh_release(n);

	return same;
#else
	return true;
#endif
}

/*
 * Let the route of @path follow a redirect, as far as the host's settings for
 * the interface accept it.  The route's operation expects @skb to begin with
 * the quoted packet.
 */
static void stt_path_redirect(struct stt_path *path, struct sk_buff *skb,
			      const struct stt_icmp_msg *msg, __be16 sport)
{
	struct stt_dest dest = { .key = &path->key, .path = path };
	struct dst_entry *bundle, *dst;
	struct net_device *dev = skb->dev;
	u32 mark = skb->mark;
	union stt_addr saddr;

	bundle = stt_dest_route(path->net, &dest, path->key.tos, 0, sport,
				&saddr);
	if (IS_ERR(bundle))
		return;
	dst = xfrm_dst_path(bundle);
	if (dst->dev->ifindex != msg->iif || !dst->ops->redirect ||
	    !stt_redirect_is_from_gateway(dst, skb))
		goto out;

	/* In a VRF it came by the VRF device. */
	skb->dev = dst->dev;
	skb->mark = path->key.mark;
	__skb_pull(skb, msg->quoted);
	dst->ops->redirect(dst, NULL, skb);
	__skb_push(skb, msg->quoted);
	skb->dev = dev;
	skb->mark = mark;
out:
	dst_release(bundle);
}

static void stt_path_heed(struct stt_path *path, struct sk_buff *skb,
			  const struct stt_icmp_msg *msg, __be16 sport)
{
	if (!msg->redirect)
		stt_path_update_pmtu(path, skb, msg->quoted, sport, msg->mtu);
	else if (msg->iif)
		stt_path_redirect(path, skb, msg, sport);
}

/*
 * Tell the paths that the quoted packet may have taken: %STT_QUOTED_PATHS of
 * them at most, because the sender of the message decides how often this runs.
 */
static bool stt_icmp_heed(struct sk_buff *skb, struct net *net,
			  const struct stt_path_peer_key *key, __be16 sport,
			  const struct stt_icmp_msg *msg)
{
	struct stt_path *paths[STT_QUOTED_PATHS];
	unsigned int i, n;

	/* One receiver of many does not speak for the others. */
	if (stt_addr_multicast(&key->remote, key->family))
		return false;

	/* Behind a user space queue this is process context. */
	local_bh_disable();
	n = stt_path_quoted_get(stt_net(net), key, stt_icmp_link(skb, msg),
				ntohs(sport), paths);
	for (i = 0; i < n; i++)
		stt_path_heed(paths[i], skb, msg, sport);
	local_bh_enable();

	return n;
}

/* Heed a message whose ICMP header is at @thoff if it is to be believed. */
static bool stt_icmp4_believed(struct sk_buff *skb, struct net *net,
			       unsigned int thoff,
			       const struct stt_icmp_msg *msg)
{
	struct stt_quoted_ports _ports, *ports;
	union stt_addr saddr = { }, daddr = { };
	struct stt_path_peer_key key;
	struct iphdr *iph;

	if (!pskb_may_pull(skb, msg->quoted + sizeof(*iph)))
		return false;
	iph = (struct iphdr *)(skb->data + msg->quoted);
	if (iph->version != 4 || iph->ihl < 5 || iph->protocol != IPPROTO_TCP ||
	    iph->frag_off & htons(IP_OFFSET))
		return false;
	ports = skb_header_pointer(skb, msg->quoted + iph->ihl * 4,
				   sizeof(_ports), &_ports);
	if (!ports)
		return false;

	saddr.v4 = iph->saddr;
	daddr.v4 = iph->daddr;
	stt_quoted_peer(&key, skb, AF_INET, &saddr, &daddr, ports->dest);
	if (!stt_path_quoted_rcu(stt_net(net), &key, stt_icmp_link(skb, msg)) ||
	    inet_addr_type_dev_table(net, skb->dev, saddr.v4) != RTN_LOCAL ||
	    nf_checksum(skb, NF_INET_PRE_ROUTING, thoff, IPPROTO_ICMP, AF_INET))
		return false;

	return stt_icmp_heed(skb, net, &key, ports->source, msg);
}

/**
 * stt_icmp4 - look at an ICMP message that came in
 * @skb: begins with its IPv4 header; stays the caller's. The linear part may
 *	be reallocated
 * @net: namespace
 * @iif: where it came in, behind the host's firewall; 0 before
 *
 * Context: RCU read side.
 * Return: whether it was about a frame of ours, and was believed.
 */
bool stt_icmp4(struct sk_buff *skb, struct net *net, int iif)
{
	unsigned int thoff = ip_hdrlen(skb);
	struct stt_icmp_msg msg = {
		.quoted = thoff + sizeof(struct icmphdr),
		.iif = iif,
	};
	struct icmphdr _icmph, *icmph;

	icmph = skb_header_pointer(skb, thoff, sizeof(_icmph), &_icmph);
	if (!icmph || ip_is_fragment(ip_hdr(skb)))
		return false;
	if (icmph->type == ICMP_REDIRECT && icmph->code <= ICMP_REDIR_HOSTTOS) {
		msg.redirect = true;
	} else if (icmph->type == ICMP_DEST_UNREACH &&
		   icmph->code == ICMP_FRAG_NEEDED && !iif) {
		msg.mtu = ntohs(icmph->un.frag.mtu);
		/* Old routers say 0; no MTU of IPv4 is below 68 (RFC 791). */
		if (msg.mtu < 68)
			return false;
	} else {
		return false;
	}

	return stt_icmp4_believed(skb, net, thoff, &msg);
}

#if IS_ENABLED(CONFIG_IPV6)
/* As stt_icmp4_believed(); a redirect about another destination is not. */
static bool stt_icmp6_believed(struct sk_buff *skb, struct net *net,
			       unsigned int thoff,
			       const struct stt_icmp_msg *msg)
{
	struct stt_quoted_ports _ports, *ports;
	struct stt_path_peer_key key;
	union stt_addr saddr, daddr;
	const struct rd_msg *rd;
	struct ipv6hdr *iph;

	if (!pskb_may_pull(skb, msg->quoted + sizeof(*iph)))
		return false;
	iph = (struct ipv6hdr *)(skb->data + msg->quoted);
	if (iph->version != 6 || iph->nexthdr != IPPROTO_TCP)
		return false;
	ports = skb_header_pointer(skb, msg->quoted + sizeof(*iph),
				   sizeof(_ports), &_ports);
	if (!ports)
		return false;

	saddr.v6 = iph->saddr;
	daddr.v6 = iph->daddr;
	rd = (const struct rd_msg *)(skb->data + thoff);
	if (msg->redirect && !ipv6_addr_equal(&rd->dest, &daddr.v6))
		return false;
	stt_quoted_peer(&key, skb, AF_INET6, &saddr, &daddr, ports->dest);
	if (!stt_path_quoted_rcu(stt_net(net), &key, stt_icmp_link(skb, msg)) ||
	    !ipv6_chk_addr(net, &saddr.v6, skb->dev, 0) ||
	    nf_checksum(skb, NF_INET_PRE_ROUTING, thoff, IPPROTO_ICMPV6,
			AF_INET6))
		return false;

	return stt_icmp_heed(skb, net, &key, ports->source, msg);
}

/**
 * stt_icmp6 - look at an ICMPv6 message that came in
 * @skb: begins with its IPv6 header; stays the caller's. The linear part may
 *	be reallocated
 * @net: namespace
 *
 * Context: RCU read side.
 * Return: whether it was about a frame of ours, and was believed.
 */
bool stt_icmp6(struct sk_buff *skb, struct net *net)
{
	unsigned int thoff = sizeof(struct ipv6hdr);
	struct stt_icmp_msg msg = {
		.quoted = thoff + sizeof(struct icmp6hdr),
	};
	struct icmp6hdr _icmph, *icmph;

	icmph = skb_header_pointer(skb, thoff, sizeof(_icmph), &_icmph);
	if (!icmph || icmph->icmp6_type != ICMPV6_PKT_TOOBIG)
		return false;
	msg.mtu = ntohl(icmph->icmp6_mtu);

	return stt_icmp6_believed(skb, net, thoff, &msg);
}

/*
 * Where a redirect quotes the packet that it is about, or 0.  All of @skb is
 * linear.
 */
static int stt_redirect_quoted(const struct sk_buff *skb, unsigned int at)
{
	while (at + sizeof(struct nd_opt_hdr) <= skb->len) {
		const struct nd_opt_hdr *opt = (void *)(skb->data + at);
		unsigned int len = opt->nd_opt_len * 8;

		if (!len || at + len > skb->len)
			break;
		/* Six bytes of it are reserved. */
		if (opt->nd_opt_type == ND_OPT_REDIRECT_HDR)
			return at + 8;
		at += len;
	}

	return 0;
}

/**
 * stt_redirect6 - look at an ICMPv6 message that came in
 * @skb: begins with its IPv6 header; stays the caller's. The linear part may
 *	be reallocated
 * @net: namespace
 * @iif: where it came in
 *
 * A redirect is heeded under the conditions of RFC 4861 section 8.1.
 *
 * Context: RCU read side.
 * Return: whether it was about a frame of ours, and was believed.
 */
bool stt_redirect6(struct sk_buff *skb, struct net *net, int iif)
{
	unsigned int thoff = sizeof(struct ipv6hdr);
	struct stt_icmp_msg msg = { .redirect = true, .iif = iif };
	struct icmp6hdr _icmph, *icmph;

	icmph = skb_header_pointer(skb, thoff, sizeof(_icmph), &_icmph);
	if (!icmph || icmph->icmp6_type != NDISC_REDIRECT ||
	    icmph->icmp6_code || ipv6_hdr(skb)->hop_limit != 255 ||
	    !(ipv6_addr_type(&ipv6_hdr(skb)->saddr) & IPV6_ADDR_LINKLOCAL))
		return false;
	/* No redirect may be longer, and it is small enough to be made linear. */
	if (skb->len < thoff + sizeof(struct rd_msg) ||
	    skb->len > IPV6_MIN_MTU || !pskb_may_pull(skb, skb->len))
		return false;
	msg.quoted = stt_redirect_quoted(skb, thoff + sizeof(struct rd_msg));
	if (!msg.quoted)
		return false;

	return stt_icmp6_believed(skb, net, thoff, &msg);
}
#endif
