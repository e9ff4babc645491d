// SPDX-License-Identifier: GPL-2.0
/*
 * ARP and neighbour discovery on the device.  With proxy, requests are answered
 * from the device's neighbour table instead of being sent to all peers.  With
 * l2miss and l3miss, netlink listeners are told which FDB entries and
 * neighbours are missing.
 */
#include <linux/etherdevice.h>
#include <linux/if_arp.h>
#include <linux/if_vlan.h>
#include <net/arp.h>
#include <net/ip6_checksum.h>
#include <net/ipv6.h>
#include <net/ndisc.h>
#include <net/neighbour.h>
#include <net/rtnetlink.h>

#include "include/stt_conf.h"
#include "include/stt_dev.h"
#include "include/stt_neigh.h"
#include "include/stt_stats.h"

/* ---- misses ------------------------------------------------------------ */

/* As much of a context id as a message can name. */
struct stt_neigh_vni {
	bool	present;
	u32	vni;
};

/*
 * Send RTM_GETNEIGH to all listeners.  @family determines the length of @dst.
 * Either @dst or @mac may be NULL.
 */
static void stt_neigh_ask(const struct stt_dev *stt, u8 family,
			  const void *dst, const u8 *mac,
			  struct stt_neigh_vni src)
{
	int dst_len = family == AF_INET6 ? sizeof(struct in6_addr) :
					   sizeof(__be32);
	struct net *net = dev_net(stt->dev);
	struct nlmsghdr *nlh;
	struct ndmsg *ndm;
	struct sk_buff *skb;

	skb = nlmsg_new(NLMSG_ALIGN(sizeof(*ndm)) +
			nla_total_size(sizeof(struct in6_addr)) +
			nla_total_size(ETH_ALEN) + nla_total_size(sizeof(s32)) +
			nla_total_size(sizeof(u32)),
			GFP_ATOMIC);
	if (!skb)
		goto err;
	nlh = nlmsg_put(skb, 0, 0, RTM_GETNEIGH, sizeof(*ndm), 0);
	if (!nlh)
		goto err_free;
	ndm = nlmsg_data(nlh);
	memset(ndm, 0, sizeof(*ndm));
	ndm->ndm_family = family;
	ndm->ndm_ifindex = stt->dev->ifindex;
	ndm->ndm_state = NUD_STALE;
	ndm->ndm_type = RTN_UNICAST;
	if ((mac && nla_put(skb, NDA_LLADDR, ETH_ALEN, mac)) ||
	    (dst && nla_put(skb, NDA_DST, dst_len, dst)) ||
	    (src.present && nla_put_u32(skb, NDA_SRC_VNI, src.vni)) ||
	    (!net_eq(net, stt->net) &&
	     nla_put_s32(skb, NDA_LINK_NETNSID, peernet2id(net, stt->net))))
		goto err_free;
	nlmsg_end(skb, nlh);
	rtnl_notify(skb, net, 0, RTNLGRP_NEIGH, NULL, GFP_ATOMIC);
	return;

err_free:
	kfree_skb(skb);
err:
	rtnl_set_sk_err(net, RTNLGRP_NEIGH, -ENOBUFS);
}

/**
 * stt_neigh_l2miss - tell netlink listeners that an FDB entry is missing
 * @conf: the device's configuration
 * @mac: destination MAC address without an entry
 * @id: context id of the packet; an external device's message names it, if it
 *	has no more than 32 bits
 *
 * Context: any but hard interrupts; allocates atomically.
 */
void stt_neigh_l2miss(const struct stt_conf *conf, const u8 *mac, u64 id)
{
	const struct stt_neigh_vni src = {
		.present = conf->external && id <= U32_MAX,
		.vni = id,
	};

	stt_neigh_ask(conf->stt, AF_INET, NULL, mac, src);
}

/* ---- lookup and reply -------------------------------------------------- */

/*
 * Look up the MAC address of @addr in the device's neighbour table.  Without an
 * entry, listeners may be told (l3miss).  An entry that is not in a connected
 * state is no answer.
 */
static bool stt_neigh_find(const struct stt_dev *stt,
			   const struct stt_conf *conf,
			   struct neigh_table *tbl, const void *addr, u8 *mac,
			   bool *router)
{
	struct neighbour *n = neigh_lookup(tbl, addr, stt->dev);
	bool found;

	if (!n) {
		if (conf->l3miss)
			stt_neigh_ask(stt, tbl->family, addr, NULL,
				      (struct stt_neigh_vni) { });
		return false;
	}
	found = READ_ONCE(n->nud_state) & NUD_CONNECTED;
	neigh_ha_snapshot(mac, n, stt->dev);
	*router = n->flags & NTF_ROUTER;
	neigh_release(n);

	return found && is_valid_ether_addr(mac);
}

/* Deliver the answer as if the device had received it.  Consumes @reply. */
static void stt_neigh_reply(const struct stt_dev *stt, struct sk_buff *reply)
{
	reply->protocol = eth_type_trans(reply, stt->dev);
	skb_reset_network_header(reply);
	reply->ip_summed = CHECKSUM_UNNECESSARY;
	if (netif_rx(reply) == NET_RX_DROP)
		stt_dev_count(stt, STT_DEV_rx_dropped);
}

/* ---- ARP --------------------------------------------------------------- */

struct stt_arp {
	struct arphdr	hdr;
	u8		sha[ETH_ALEN];
	__be32		sip;
	u8		tha[ETH_ALEN];
	__be32		tip;
} __packed;

static_assert(sizeof(struct stt_arp) == 28);

static bool stt_neigh_is_request(const struct stt_arp *arp)
{
	return (arp->hdr.ar_hrd == htons(ARPHRD_ETHER) ||
		arp->hdr.ar_hrd == htons(ARPHRD_IEEE802)) &&
	       arp->hdr.ar_pro == htons(ETH_P_IP) &&
	       arp->hdr.ar_hln == ETH_ALEN && arp->hdr.ar_pln == 4 &&
	       arp->hdr.ar_op == htons(ARPOP_REQUEST);
}

static struct sk_buff *stt_neigh_arp_reply(const struct stt_dev *stt,
					   const struct stt_conf *conf,
					   const struct stt_arp *arp)
{
	__be32 sip = get_unaligned(&arp->sip), tip = get_unaligned(&arp->tip);
	u8 mac[ETH_ALEN] __aligned(2);
	bool router;

	/* Address probes and announcements are not answered. */
	if (!sip || sip == tip || ipv4_is_loopback(tip) ||
	    ipv4_is_multicast(tip) || stt->dev->flags & IFF_NOARP)
		return NULL;
	if (!stt_neigh_find(stt, conf, &arp_tbl, &tip, mac, &router))
		return NULL;

	return arp_create(ARPOP_REPLY, ETH_P_ARP, sip, stt->dev, tip,
			  arp->sha, mac, arp->sha);
}

/* ---- ND ---------------------------------------------------------------- */

#if IS_ENABLED(CONFIG_IPV6)
struct stt_ns {
	struct ipv6hdr	ip6h;
	struct nd_msg	msg;
};

static bool stt_neigh_is_solicit(const struct stt_ns *ns)
{
	return ns->ip6h.nexthdr == IPPROTO_ICMPV6 &&
	       ns->ip6h.hop_limit == 255 &&
	       ns->msg.icmph.icmp6_type == NDISC_NEIGHBOUR_SOLICITATION &&
	       !ns->msg.icmph.icmp6_code;
}

/*
 * Find the MAC address to answer to: the source link-layer address option, or
 * else the Ethernet source.  Returns false for malformed options, which
 * invalidate the request (RFC 4861, 4.6).
 */
static bool stt_neigh_asker(const struct sk_buff *skb, u8 *mac)
{
	unsigned int off = ETH_HLEN + sizeof(struct stt_ns);
	const struct nd_opt_hdr *opt;
	struct nd_opt_hdr _opt;

	ether_addr_copy(mac, ((const struct ethhdr *)skb->data)->h_source);
	while (off < skb->len) {
		opt = skb_header_pointer(skb, off, sizeof(_opt), &_opt);
		if (!opt || !opt->nd_opt_len ||
		    off + opt->nd_opt_len * 8 > skb->len)
			return false;
		if (opt->nd_opt_type == ND_OPT_SOURCE_LL_ADDR)
			return !skb_copy_bits(skb, off + sizeof(_opt), mac,
					      ETH_ALEN) &&
			       is_valid_ether_addr(mac);
		off += opt->nd_opt_len * 8;
	}

	return true;
}

/* Build an advertisement of @mac to @asker, in answer to @ns. */
static struct sk_buff *stt_neigh_advert(const struct stt_dev *stt,
					const struct stt_ns *ns,
					const u8 *asker, const u8 *mac,
					bool router)
{
	unsigned int len = sizeof(struct nd_msg) + 8;
	unsigned int room = LL_RESERVED_SPACE(stt->dev) + NET_IP_ALIGN;
	struct ipv6hdr *ip6h;
	struct sk_buff *reply;
	struct ethhdr *eth;
	struct nd_msg *na;

	reply = alloc_skb(room + ETH_HLEN + sizeof(*ip6h) + len, GFP_ATOMIC);
	if (!reply)
		return NULL;
	skb_reserve(reply, room);

	eth = skb_put(reply, ETH_HLEN);
	ether_addr_copy(eth->h_dest, asker);
	ether_addr_copy(eth->h_source, mac);
	eth->h_proto = htons(ETH_P_IPV6);

	ip6h = skb_put(reply, sizeof(*ip6h));
	ip6_flow_hdr(ip6h, ipv6_get_dsfield(&ns->ip6h), 0);
	ip6h->payload_len = htons(len);
	ip6h->nexthdr = IPPROTO_ICMPV6;
	ip6h->hop_limit = 255;
	ip6h->saddr = ns->msg.target;
	ip6h->daddr = ns->ip6h.saddr;

	na = skb_put_zero(reply, len);
	na->icmph.icmp6_type = NDISC_NEIGHBOUR_ADVERTISEMENT;
	na->icmph.icmp6_router = router;
	na->icmph.icmp6_override = 1;
	na->icmph.icmp6_solicited = 1;
	na->target = ns->msg.target;
	na->opt[0] = ND_OPT_TARGET_LL_ADDR;
	na->opt[1] = 1;
	ether_addr_copy(&na->opt[2], mac);
	na->icmph.icmp6_cksum = csum_ipv6_magic(&ip6h->saddr, &ip6h->daddr,
						len, IPPROTO_ICMPV6,
						csum_partial(na, len, 0));

	return reply;
}

static struct sk_buff *stt_neigh_nd_reply(const struct stt_dev *stt,
					  const struct stt_conf *conf,
					  const struct sk_buff *skb,
					  const struct stt_ns *ns)
{
	u8 asker[ETH_ALEN] __aligned(2), mac[ETH_ALEN] __aligned(2);
	bool router;

	/* No source address: duplicate address detection is not answered. */
	if (ipv6_addr_any(&ns->ip6h.saddr) ||
	    ipv6_addr_loopback(&ns->ip6h.daddr) ||
	    ipv6_addr_is_multicast(&ns->msg.target) ||
	    !stt_neigh_asker(skb, asker))
		return NULL;
	if (!stt_neigh_find(stt, conf, &nd_tbl, &ns->msg.target, mac, &router))
		return NULL;

	return stt_neigh_advert(stt, ns, asker, mac, router);
}
#endif

/**
 * stt_neigh_is_setup - does the kernel send this by itself for a new address?
 * @skb: packet to be sent, from the Ethernet header on
 *
 * Return: true for duplicate address detection, router solicitations and
 * multicast listener reports, which every IPv6 device sends when it is set up.
 * False for the solicitation of a neighbour: something was routed to it.
 */
bool stt_neigh_is_setup(const struct sk_buff *skb)
{
	const struct ethhdr *eth = (const struct ethhdr *)skb->data;
	struct {
		struct ipv6hdr	ip6h;
		u8		type;
	} p;

	if (eth->h_proto != htons(ETH_P_IPV6) ||
	    skb_copy_bits(skb, ETH_HLEN, &p, sizeof(p)) ||
	    (p.ip6h.daddr.s6_addr32[0] & htonl(0xffff0000)) !=
	    htonl(0xff020000))
		return false;
	/* Listener reports are behind a router alert. */
	if (p.ip6h.nexthdr == NEXTHDR_HOP)
		return true;
	if (p.ip6h.nexthdr != IPPROTO_ICMPV6)
		return false;

	return p.type == NDISC_ROUTER_SOLICITATION ||
	       (p.type == NDISC_NEIGHBOUR_SOLICITATION &&
		ipv6_addr_any(&p.ip6h.saddr));
}

/**
 * stt_neigh_proxy - answer an ARP request or neighbour solicitation
 * @stt: device with @conf->proxy
 * @conf: its configuration
 * @skb: packet to be sent, from the Ethernet header on
 *
 * Requests inside a VLAN concern another device's table and are sent.
 *
 * Context: BH disabled, RCU read side; allocates atomically.
 * Return: true if @skb was a request; it was then consumed, answered or not.
 * False if it was not; @skb stays the caller's.
 */
bool stt_neigh_proxy(const struct stt_dev *stt, const struct stt_conf *conf,
		     struct sk_buff *skb)
{
	const struct ethhdr *eth = (const struct ethhdr *)skb->data;
	struct sk_buff *reply = NULL;

	if (skb_vlan_tag_present(skb))
		return false;

	if (eth->h_proto == htons(ETH_P_ARP)) {
		const struct stt_arp *arp;
		struct stt_arp _arp;

		arp = skb_header_pointer(skb, ETH_HLEN, sizeof(_arp), &_arp);
		if (!arp || !stt_neigh_is_request(arp))
			return false;
		reply = stt_neigh_arp_reply(stt, conf, arp);
#if IS_ENABLED(CONFIG_IPV6)
	} else if (eth->h_proto == htons(ETH_P_IPV6) && ipv6_mod_enabled()) {
		struct stt_ns ns;

		if (skb_copy_bits(skb, ETH_HLEN, &ns, sizeof(ns)) ||
		    !stt_neigh_is_solicit(&ns))
			return false;
		reply = stt_neigh_nd_reply(stt, conf, skb, &ns);
#endif
	} else {
		return false;
	}

	if (!reply) {
		/* Requests that the table cannot answer are not sent. */
		stt_tx_dropped(stt, skb, SKB_DROP_REASON_NEIGH_FAILED);
		return true;
	}
	stt_neigh_reply(stt, reply);
	consume_skb(skb);

	return true;
}
