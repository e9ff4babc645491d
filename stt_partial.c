// SPDX-License-Identifier: GPL-2.0
/*
 * Partial delivery (section 3.3.2, R15): the rest of a frame that lost segments
 * becomes valid TCP packets.
 *
 * A run is a contiguous range of bytes that arrived, with offsets counted from
 * the inner Ethernet header.  Each run becomes one packet: a copy of the inner
 * headers of the frame, with a sequence number, lengths, flags and checksum
 * that fit the run.
 */
#include <linux/unaligned.h>
#include <net/ip.h>
#include <net/ip6_checksum.h>
#include <net/ipv6.h>
#include <net/tcp.h>

#include "include/stt_inner.h"
#include "include/stt_partial.h"
#include "include/stt_proto.h"
#include "include/stt_skb.h"

/* Options with a signature over the whole segment. */
#define STT_TCPOPT_MD5SIG	19
#define STT_TCPOPT_AO		29

/* Returns true if the options are well-formed and contain no signature. */
static bool stt_partial_options(const u8 *opt, int len)
{
	while (len > 0) {
		if (*opt == TCPOPT_EOL)
			return true;
		if (*opt == TCPOPT_NOP) {
			opt++;
			len--;
			continue;
		}
		if (len < 2 || opt[1] < 2 || opt[1] > len ||
		    *opt == STT_TCPOPT_MD5SIG || *opt == STT_TCPOPT_AO)
			return false;
		len -= opt[1];
		opt += opt[1];
	}

	return true;
}

/* Offset of the end of the IP packet, or 0 if it cannot be split. */
static unsigned int stt_partial_end(const struct stt_partial *p)
{
	if (p->in.proto == htons(ETH_P_IP)) {
		const struct iphdr *iph;

		iph = (const struct iphdr *)(p->headers + p->in.l3);
		/* Without DF every packet needs an id of its own. */
		if (iph->ihl != 5 || !(iph->frag_off & htons(IP_DF)))
			return 0;
	} else if (p->in.l4 != p->in.l3 + sizeof(struct ipv6hdr)) {
		return 0;
	}

	return stt_inner_end(&p->in, p->headers);
}

/**
 * stt_partial_init - prepare partial delivery of a frame
 * @p: filled in
 * @skb: first run, from the Ethernet header on; its headers are linear and
 *	were checked against its offload fields
 * @off: offload fields of its STT header
 * @frame_len: length of the whole inner frame, bytes
 *
 * Context: any; does not sleep.
 * Return: false if the frame cannot be split into valid packets.
 */
bool stt_partial_init(struct stt_partial *p, const struct sk_buff *skb,
		      const struct stt_offload *off, unsigned int frame_len)
{
	const u8 both = STT_F_CSUM_PARTIAL | STT_F_TCP;
	const struct tcphdr *th;

	if ((off->flags & both) != both)
		return false;
	stt_inner_parse(skb, &p->in);
	th = (const struct tcphdr *)(skb->data + p->in.l4);
	p->hlen = p->in.l4 + th->doff * 4;
	p->mss = off->mss;
	if (p->hlen > sizeof(p->headers) || p->hlen > skb_headlen(skb) ||
	    th->syn || th->rst || th->urg ||
	    !stt_partial_options((const u8 *)(th + 1),
				 th->doff * 4 - sizeof(*th)))
		return false;

	memcpy(p->headers, skb->data, p->hlen);
	p->end = stt_partial_end(p);

	return p->end > p->hlen && p->end <= frame_len;
}

static void stt_partial_set_gso(const struct stt_partial *p,
				struct sk_buff *skb, const struct tcphdr *th,
				unsigned int payload)
{
	struct skb_shared_info *shinfo = skb_shinfo(skb);

	shinfo->gso_type = 0;
	shinfo->gso_size = 0;
	shinfo->gso_segs = 0;
	if (!p->mss || payload <= p->mss)
		return;

	shinfo->gso_type = SKB_GSO_DODGY;
	shinfo->gso_type |= p->in.proto == htons(ETH_P_IP) ? SKB_GSO_TCPV4 :
							     SKB_GSO_TCPV6;
	if (th->cwr)
		shinfo->gso_type |= SKB_GSO_TCP_ECN;
	shinfo->gso_size = p->mss;
	shinfo->gso_segs = DIV_ROUND_UP(payload, p->mss);
}

/**
 * stt_partial_packet - make a packet of a run
 * @p: its frame
 * @skb: bytes of the run, including the headers for the first run; consumed
 * @start: offset of the run
 *
 * Context: any; allocates atomically.
 * Return: the packet, from the Ethernet header on, with its offloads set; NULL
 * if the run has no TCP payload, or without memory.
 */
struct sk_buff *stt_partial_packet(const struct stt_partial *p,
				   struct sk_buff *skb, unsigned int start)
{
	unsigned int end = start + skb->len, first = max(start, p->hlen);
	unsigned int payload;
	struct tcphdr *th;
	__sum16 sum;

	end = min(end, p->end);
	if (end <= first)
		goto drop;
	payload = end - first;

	/* Remove Ethernet padding after the IP packet. */
	if (pskb_trim(skb, end - start))
		goto drop;
	if (start) {
		if (skb_cow_head(skb, p->hlen) || skb_unclone(skb, GFP_ATOMIC))
			goto drop;
		memcpy(skb_push(skb, p->hlen), p->headers, p->hlen);
	} else if (skb_ensure_writable(skb, p->hlen) ||
		   skb_unclone(skb, GFP_ATOMIC)) {
		goto drop;
	}

	th = (struct tcphdr *)(skb->data + p->in.l4);
	put_unaligned_be32(get_unaligned_be32(&th->seq) + first - p->hlen,
			   &th->seq);
	if (end != p->end) {
		th->fin = 0;
		th->psh = 0;
	}
	if (first != p->hlen)
		th->cwr = 0;

	if (p->in.proto == htons(ETH_P_IP)) {
		struct iphdr *iph = (struct iphdr *)(skb->data + p->in.l3);

		iph->tot_len = htons(p->hlen - p->in.l3 + payload);
		ip_send_check(iph);
		sum = csum_tcpudp_magic(iph->saddr, iph->daddr,
					p->hlen - p->in.l4 + payload,
					IPPROTO_TCP, 0);
	} else {
		struct ipv6hdr *ip6h;

		ip6h = (struct ipv6hdr *)(skb->data + p->in.l3);
		ip6h->payload_len = htons(p->hlen - p->in.l4 + payload);
		sum = csum_ipv6_magic(&ip6h->saddr, &ip6h->daddr,
				      p->hlen - p->in.l4 + payload,
				      IPPROTO_TCP, 0);
	}
	th->check = ~sum;
	skb->csum_valid = 0;
	skb->csum_level = 0;
	if (!skb_partial_csum_set(skb, p->in.l4,
				  offsetof(struct tcphdr, check)))
		goto drop;
	stt_partial_set_gso(p, skb, th, payload);
	if (skb_is_gso(skb) && stt_skb_make_cuttable(skb, p->hlen, p->mss))
		goto drop;

	return skb;

drop:
	kfree_skb_reason(skb, SKB_DROP_REASON_NOMEM);
	return NULL;
}
