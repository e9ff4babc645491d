// SPDX-License-Identifier: GPL-2.0
/*
 * BIG TCP: a GSO packet that is larger than a frame is cut into GSO packets
 * that are not (W13).
 *
 * skb_gso_segment() does the work: with a multiple of the MSS for a segment
 * size, what it makes are packets of several segments each.  Sequence numbers,
 * lengths, flags and checksums come out right.  What it cannot know is put
 * right here: that its results are GSO packets again, and that their IPv4 ids
 * must step by the segments that each will become.  It also takes off the IPv6
 * jumbo option that kernels before 6.19 put into such packets.
 */
#include <linux/ip.h>
#include <linux/skbuff.h>
#include <linux/tcp.h>
#include <net/checksum.h>
#include <net/gso.h>

#include "include/stt_cut.h"
#include "include/stt_inner.h"
#include "include/stt_skb.h"

/* Length of all headers of an inner TCP packet; 0 if they are not there. */
static unsigned int stt_cut_headers(const struct sk_buff *skb,
				    const struct stt_inner *in)
{
	const struct tcphdr *th;
	struct tcphdr _th;

	th = skb_header_pointer(skb, in->l4, sizeof(_th), &_th);

	return th ? in->l4 + th->doff * 4 : 0;
}

/* Make one of the results a GSO packet again, if it is more than a segment. */
static void stt_cut_restore(struct sk_buff *skb, const struct stt_inner *in,
			    unsigned int type, unsigned int mss)
{
	const struct tcphdr *th = (struct tcphdr *)(skb->data + in->l4);
	unsigned int len = skb->len - in->l4 - th->doff * 4;
	struct skb_shared_info *shinfo = skb_shinfo(skb);

	if (len <= mss) {
		skb_gso_reset(skb);
		return;
	}
	/* CWR is on the first one alone. */
	if (!th->cwr)
		type &= ~SKB_GSO_TCP_ECN;
	shinfo->gso_type = type;
	shinfo->gso_size = mss;
	shinfo->gso_segs = DIV_ROUND_UP(len, mss);
}

static void stt_cut_set_id(struct sk_buff *skb, const struct stt_inner *in,
			   u16 id)
{
	struct iphdr *iph = (struct iphdr *)(skb->data + in->l3);

	csum_replace2(&iph->check, iph->id, htons(id));
	iph->id = htons(id);
}

/**
 * stt_cut - cut a TCP GSO packet into the fewest GSO packets of a size
 * @skb: inner packet, from the Ethernet header on; the headers are in memory
 *	of its own and linear as far as IP's; stays the caller's
 * @in: what it is: TCP
 * @max: bytes that a result may have at most, headers included
 *
 * Context: any; allocates atomically.
 * Return: the results, linked by ->next; -EMSGSIZE where @max leaves no room
 * for a segment, or one result would hold all; -ENOMEM; what skb_gso_segment()
 * returns.
 */
struct sk_buff *stt_cut(struct sk_buff *skb, const struct stt_inner *in,
			unsigned int max)
{
	const netdev_features_t features = NETIF_F_SG | NETIF_F_HW_CSUM |
					   NETIF_F_HIGHDMA;
	unsigned int hlen = stt_cut_headers(skb, in);
	const struct skb_shared_info *shinfo = skb_shinfo(skb);
	unsigned int type = shinfo->gso_type, mss = shinfo->gso_size;
	bool ip4 = in->proto == htons(ETH_P_IP);
	struct sk_buff *segs, *seg;
	struct stt_inner part;
	unsigned int n;
	u16 id = 0;
	int err;

	if (!hlen || hlen >= max || !mss || mss == GSO_BY_FRAGS)
		return ERR_PTR(-EMSGSIZE);
	n = (min(max, GSO_LEGACY_MAX_SIZE - 1) - hlen) / mss;
	if (!n || skb->len - hlen <= n * mss)
		return ERR_PTR(-EMSGSIZE);
	err = stt_skb_make_cuttable(skb, hlen, n * mss);
	if (err)
		return ERR_PTR(err);
	if (ip4)
		id = ntohs(((struct iphdr *)(skb->data + in->l3))->id);

	skb_shinfo(skb)->gso_size = n * mss;
	segs = skb_gso_segment(skb, features);
	/* The headers may have moved. */
	skb_shinfo(skb)->gso_size = mss;
	if (IS_ERR_OR_NULL(segs))
		return segs ? : ERR_PTR(-EMSGSIZE);

	/* Without a jumbo option, where there was one. */
	stt_inner_parse(segs, &part);
	for (seg = segs; seg; seg = seg->next) {
		stt_cut_restore(seg, &part, type, mss);
		if (ip4 && !(type & SKB_GSO_TCP_FIXEDID)) {
			stt_cut_set_id(seg, &part, id);
			id += n;
		}
	}

	return segs;
}
