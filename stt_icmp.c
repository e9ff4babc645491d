// SPDX-License-Identifier: GPL-2.0
/*
 * Path MTU discovery (W12): what routers tell us about our segments.
 *
 * TCP's own error handlers find no socket for an STT segment and stop there.
 * A message is believed only if its checksum is right and it quotes a header
 * that we could have sent: from one of our addresses, out of the source port
 * range, to a peer and a port of it that we sent to in the last minute.
 * More than the ports need not be quoted.
 *
 * Believed messages change the route exceptions of the tunnel's own flow, the
 * place where the rest of the stack keeps path MTUs as well.
 */
#include <linux/icmp.h>
#include <linux/icmpv6.h>
#include <linux/inetdevice.h>
#include <linux/netfilter.h>
#include <net/addrconf.h>
#include <net/dst.h>
#include <net/icmp.h>
#include <net/l3mdev.h>
#include <net/route.h>

#include "include/stt.h"

/* The part of a TCP header that every router quotes. */
struct stt_quoted_ports {
	__be16	source;
	__be16	dest;
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

/*
 * Update the paths that the quoted packet may have taken: %STT_QUOTED_PATHS of
 * them at most, because the sender of the message decides how often this runs.
 */
static bool stt_icmp_pmtu(struct sk_buff *skb, struct net *net,
			  const struct stt_path_peer_key *key, int quoted,
			  __be16 sport, u32 mtu)
{
	struct stt_path *paths[STT_QUOTED_PATHS];
	unsigned int i, n;

	/* One receiver of many does not speak for the others. */
	if (stt_addr_multicast(&key->remote, key->family))
		return false;

	/* Behind a user space queue this is process context. */
	local_bh_disable();
	n = stt_path_quoted_get(stt_net(net), key, skb->dev->ifindex,
				ntohs(sport), paths);
	for (i = 0; i < n; i++)
		stt_path_update_pmtu(paths[i], skb, quoted, sport, mtu);
	local_bh_enable();

	return n;
}

/**
 * stt_icmp4 - look at an ICMP message that came in
 * @skb: begins with its IPv4 header; stays the caller's. The linear part may
 *	be reallocated
 * @net: namespace
 *
 * Context: RCU read side.
 * Return: whether it was about a frame of ours, and was believed.
 */
bool stt_icmp4(struct sk_buff *skb, struct net *net)
{
	unsigned int thoff = ip_hdrlen(skb), quoted = thoff + sizeof(struct icmphdr);
	struct stt_quoted_ports _ports, *ports;
	union stt_addr saddr = { }, daddr = { };
	struct icmphdr _icmph, *icmph;
	struct stt_path_peer_key key;
	struct iphdr *iph;
	u32 mtu;

	icmph = skb_header_pointer(skb, thoff, sizeof(_icmph), &_icmph);
	if (!icmph || icmph->type != ICMP_DEST_UNREACH ||
	    icmph->code != ICMP_FRAG_NEEDED || ip_is_fragment(ip_hdr(skb)))
		return false;
	mtu = ntohs(icmph->un.frag.mtu);

	if (!pskb_may_pull(skb, quoted + sizeof(*iph)))
		return false;
	iph = (struct iphdr *)(skb->data + quoted);
	if (iph->version != 4 || iph->ihl < 5 || iph->protocol != IPPROTO_TCP ||
	    iph->frag_off & htons(IP_OFFSET))
		return false;
	ports = skb_header_pointer(skb, quoted + iph->ihl * 4, sizeof(_ports),
				   &_ports);
	if (!ports)
		return false;

	saddr.v4 = iph->saddr;
	daddr.v4 = iph->daddr;
	stt_quoted_peer(&key, skb, AF_INET, &saddr, &daddr, ports->dest);
	if (!stt_path_quoted_rcu(stt_net(net), &key, skb->dev->ifindex) ||
	    inet_addr_type_dev_table(net, skb->dev, saddr.v4) != RTN_LOCAL ||
	    nf_checksum(skb, NF_INET_PRE_ROUTING, thoff, IPPROTO_ICMP, AF_INET))
		return false;

	/* Routers of old say 0, and no MTU of IPv4 is below 68 (RFC 791). */
	if (mtu < 68)
		return false;

	return stt_icmp_pmtu(skb, net, &key, quoted, ports->source, mtu);
}

#if IS_ENABLED(CONFIG_IPV6)
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
	unsigned int quoted = thoff + sizeof(struct icmp6hdr);
	struct stt_quoted_ports _ports, *ports;
	union stt_addr saddr, daddr;
	struct icmp6hdr _icmph, *icmph;
	struct stt_path_peer_key key;
	struct ipv6hdr *iph;
	u32 mtu;

	icmph = skb_header_pointer(skb, thoff, sizeof(_icmph), &_icmph);
	if (!icmph || icmph->icmp6_type != ICMPV6_PKT_TOOBIG)
		return false;
	mtu = ntohl(icmph->icmp6_mtu);

	if (!pskb_may_pull(skb, quoted + sizeof(*iph)))
		return false;
	iph = (struct ipv6hdr *)(skb->data + quoted);
	if (iph->version != 6 || iph->nexthdr != IPPROTO_TCP)
		return false;
	ports = skb_header_pointer(skb, quoted + sizeof(*iph), sizeof(_ports),
				   &_ports);
	if (!ports)
		return false;

	saddr.v6 = iph->saddr;
	daddr.v6 = iph->daddr;
	stt_quoted_peer(&key, skb, AF_INET6, &saddr, &daddr, ports->dest);
	if (!stt_path_quoted_rcu(stt_net(net), &key, skb->dev->ifindex) ||
	    !ipv6_chk_addr(net, &saddr.v6, skb->dev, 0) ||
	    nf_checksum(skb, NF_INET_PRE_ROUTING, thoff, IPPROTO_ICMPV6,
			AF_INET6))
		return false;

	return stt_icmp_pmtu(skb, net, &key, quoted, ports->source, mtu);
}
#endif
