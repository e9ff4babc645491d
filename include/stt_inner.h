/* SPDX-License-Identifier: GPL-2.0 */
/* stt_inner.c: what an inner packet is. */
#ifndef _STT_INNER_H
#define _STT_INNER_H

#include <linux/if_ether.h>
#include <linux/ip.h>
#include <linux/ipv6.h>
#include <linux/types.h>

struct sk_buff;

/**
 * struct stt_inner - what an inner packet is
 * @proto: ethertype behind any tags
 * @l3: offset of the IP header from the Ethernet header; 0 if not IP
 * @l4: offset of the TCP or UDP header, when @l4_proto is set
 * @l4_proto: IPPROTO_TCP or IPPROTO_UDP with a header of its own; 0 for
 *	other protocols and for IP fragments
 * @dsfield: DSCP and ECN, 0 if not IP
 * @ttl: TTL or hop limit, 0 if not IP
 * @df: IPv4 with DF, or IPv6
 * @label: IPv6 flow label
 */
struct stt_inner {
	__be16	proto;
	u16	l3;
	u16	l4;
	u8	l4_proto;
	u8	dsfield;
	u8	ttl;
	bool	df;
	__be32	label;
};

/* Where the IP packet ends by its own length; @data begins as @in says. */
static inline unsigned int stt_inner_end(const struct stt_inner *in,
					 const u8 *data)
{
	const u8 *l3 = data + in->l3;

	if (in->proto == htons(ETH_P_IP))
		return in->l3 + ntohs(((const struct iphdr *)l3)->tot_len);

	return in->l3 + sizeof(struct ipv6hdr) +
	       ntohs(((const struct ipv6hdr *)l3)->payload_len);
}

void stt_inner_parse(const struct sk_buff *skb, struct stt_inner *in);
u32 stt_inner_hash(struct sk_buff *skb, const struct stt_inner *in);

#endif /* _STT_INNER_H */
