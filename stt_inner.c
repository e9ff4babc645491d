// SPDX-License-Identifier: GPL-2.0
/*
 * What an inner packet is, and which flow it belongs to: asked on transmit for
 * the STT header and the source port, and on receipt to compare them with it.
 */
#include <linux/etherdevice.h>
#include <linux/if_vlan.h>
#include <net/dsfield.h>
#include <net/ip.h>
#include <net/ipv6.h>

#include "include/stt_inner.h"

/* Tags in front of an IP header that are skipped. */
#define STT_MAX_TAGS	4

/*
 * IPv6 extension headers that are skipped.  A packet with more is one without
 * a TCP or UDP header, to the sender and to the receiver: 64 KB have room for
 * 8,000, and the sender of a frame would decide how long each look at it takes.
 */
#define STT_MAX_EXTHDRS	8

/*
 * The parsers look at the first @len bytes of the packet, at @data, and return
 * false when those are too few.  No copies of headers are on their stacks:
 * each packet passes here at both ends.
 */
static bool stt_inner_parse4(const struct sk_buff *skb, const u8 *data,
			     unsigned int len, struct stt_inner *in,
			     unsigned int off)
{
	const struct iphdr *iph = (const struct iphdr *)(data + off);

	if (len < off + sizeof(*iph))
		return false;
	if (iph->version != 4 || iph->ihl < 5)
		return true;

	in->l3 = off;
	in->dsfield = iph->tos;
	in->ttl = iph->ttl;
	in->df = iph->frag_off & htons(IP_DF);
	if (ip_is_fragment(iph) || off + iph->ihl * 4 > skb->len)
		return true;
	if (iph->protocol == IPPROTO_TCP || iph->protocol == IPPROTO_UDP) {
		in->l4 = off + iph->ihl * 4;
		in->l4_proto = iph->protocol;
	}

	return true;
}

/* Length of an extension header; 0 if the packet has no L4 header behind it. */
static unsigned int stt_inner_exthdr_len(const struct sk_buff *skb,
					 unsigned int off, u8 type,
					 const struct ipv6_opt_hdr *hdr)
{
	__be16 _frag_off, *frag_off;

	switch (type) {
	case NEXTHDR_FRAGMENT:
		frag_off = skb_header_pointer(skb, off +
					      offsetof(struct frag_hdr,
						       frag_off),
					      sizeof(_frag_off), &_frag_off);
		/* One that is the whole packet is none. */
		return frag_off && !*frag_off ? sizeof(struct frag_hdr) : 0;
	case NEXTHDR_AUTH:
		return ipv6_authlen(hdr);
	default:
		return ipv6_optlen(hdr);
	}
}

/*
 * Move @l4 and @nexthdr behind extension headers.  False if there is no L4
 * header: in a fragment, behind too many headers, or beyond the packet's end.
 */
static noinline bool stt_inner_skip6(const struct sk_buff *skb,
				     unsigned int *l4, u8 *nexthdr)
{
	struct ipv6_opt_hdr _hdr, *hdr;
	unsigned int n, len;

	for (n = 0; n < STT_MAX_EXTHDRS && ipv6_ext_hdr(*nexthdr); n++) {
		if (*nexthdr == NEXTHDR_NONE)
			return false;
		hdr = skb_header_pointer(skb, *l4, sizeof(_hdr), &_hdr);
		if (!hdr)
			return false;
		len = stt_inner_exthdr_len(skb, *l4, *nexthdr, hdr);
		if (!len)
			return false;
		*nexthdr = hdr->nexthdr;
		*l4 += len;
	}

	return !ipv6_ext_hdr(*nexthdr);
}

static bool stt_inner_parse6(const struct sk_buff *skb, const u8 *data,
			     unsigned int len, struct stt_inner *in,
			     unsigned int off)
{
	const struct ipv6hdr *ip6h = (const struct ipv6hdr *)(data + off);
	unsigned int l4 = off + sizeof(*ip6h);
	u8 nexthdr;

	if (len < l4)
		return false;
	if (ip6h->version != 6)
		return true;

	in->l3 = off;
	in->dsfield = ipv6_get_dsfield(ip6h);
	in->ttl = ip6h->hop_limit;
	in->df = true;
	in->label = ip6_flowlabel(ip6h);
	nexthdr = ip6h->nexthdr;
	if (ipv6_ext_hdr(nexthdr) && !stt_inner_skip6(skb, &l4, &nexthdr))
		return true;
	if (nexthdr == IPPROTO_TCP || nexthdr == IPPROTO_UDP) {
		in->l4 = l4;
		in->l4_proto = nexthdr;
	}

	return true;
}

static bool stt_inner_parse_at(const struct sk_buff *skb, const u8 *data,
			       unsigned int len, struct stt_inner *in)
{
	unsigned int off = ETH_HLEN;
	int tags;

	memset(in, 0, sizeof(*in));
	in->proto = ((const struct ethhdr *)data)->h_proto;
	for (tags = 0; eth_type_vlan(in->proto) && tags < STT_MAX_TAGS;
	     tags++) {
		const struct vlan_hdr *vh;

		vh = (const struct vlan_hdr *)(data + off);
		off += sizeof(*vh);
		if (len < off)
			return false;
		in->proto = vh->h_vlan_encapsulated_proto;
	}

	if (in->proto == htons(ETH_P_IP))
		return stt_inner_parse4(skb, data, len, in, off);
	if (in->proto == htons(ETH_P_IPV6))
		return stt_inner_parse6(skb, data, len, in, off);

	return true;
}

/* All that the parsers may look at. */
#define STT_INNER_MAX \
	(ETH_HLEN + STT_MAX_TAGS * VLAN_HLEN + sizeof(struct ipv6hdr))

static noinline void stt_inner_parse_copy(const struct sk_buff *skb,
					  struct stt_inner *in)
{
	unsigned int len = min_t(unsigned int, skb->len, STT_INNER_MAX);
	u8 buf[2 + STT_INNER_MAX] __aligned(4);
	/* The IP header behind the Ethernet header is to be aligned. */
	u8 *data = buf + 2;

	if (skb_copy_bits(skb, 0, data, len))
		len = 0;
	stt_inner_parse_at(skb, data, len, in);
}

/**
 * stt_inner_parse - find out what an inner packet is
 * @skb: begins with an Ethernet header, which is linear
 * @in: filled in
 *
 * Does not change or move anything.
 */
void stt_inner_parse(const struct sk_buff *skb, struct stt_inner *in)
{
	if (unlikely(!stt_inner_parse_at(skb, skb->data, skb_headlen(skb), in)))
		stt_inner_parse_copy(skb, in);
}

/**
 * stt_inner_hash - the hash of an inner flow
 * @skb: inner packet, from the Ethernet header on
 * @in: what it is
 *
 * Behind tags that are in the packet the stack has the network header here or
 * there, and the flow dissector would take the IP header for a tag.
 */
u32 stt_inner_hash(struct sk_buff *skb, const struct stt_inner *in)
{
	u16 network_header = skb->network_header;
	__be16 protocol = skb->protocol;
	u32 hash;

	if (likely(in->l3 <= ETH_HLEN))
		return skb_get_hash(skb);
	skb_set_network_header(skb, in->l3);
	skb->protocol = in->proto;
	hash = skb_get_hash(skb);
	skb->network_header = network_header;
	skb->protocol = protocol;

	return hash;
}
