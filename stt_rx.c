// SPDX-License-Identifier: GPL-2.0
/*
 * Receive: an IP packet is a segment or an aggregate of neighbours, and
 * segments make a frame.  Packets come from stt_input.c, complete frames go to
 * stt_deliver.c.
 */
#include <linux/inetdevice.h>
#include <linux/netfilter.h>
#include <net/addrconf.h>
#include <net/route.h>
#include <net/tcp.h>
#include <net/xfrm.h>

#include "include/stt.h"
#include "include/stt_deliver.h"
#include "include/stt_early.h"
#include "include/stt_port.h"
#include "include/stt_proto.h"
#include "include/stt_reasm.h"
#include "include/stt_rx.h"
#include "include/stt_source.h"
#include "include/stt_stats.h"
#include "include/stt_trace.h"

/*
 * A frame of our own that came back from a group.  What the stack loops back
 * never gets here; what a network reflects does.
 */
static bool stt_rx_is_own(const struct stt_net *sn, const struct sk_buff *skb,
			  const struct stt_flow_key *key)
{
#if IS_ENABLED(CONFIG_IPV6)
	if (key->family == AF_INET6)
		return ipv6_chk_addr(sn->net, &key->saddr.v6,
				     dev_get_by_index_rcu(sn->net,
							  -key->scope), 0);
#endif
	return inet_addr_type_dev_table(sn->net, skb->dev,
					key->saddr.v4) == RTN_LOCAL;
}

/* The host's IPsec policy, which TCP would ask in its receive function. */
static bool stt_rx_policy(struct sk_buff *skb, sa_family_t family)
{
	if (family == AF_INET6)
		return xfrm6_policy_check(NULL, XFRM_POLICY_IN, skb);

	return xfrm4_policy_check(NULL, XFRM_POLICY_IN, skb);
}

/**
 * stt_rx_segment - receive a packet that was sent to one of our endpoints
 * @sn: namespace
 * @in: what its IP header says; gets the source port
 * @skb: packet, from the IP header on; taken over
 *
 * Context: BH disabled, RCU read side.
 */
void stt_rx_segment(struct stt_net *sn, struct stt_input_info *in,
		    struct sk_buff *skb)
{
	sa_family_t family = in->port->family;
	struct stt_flow_key *key = &in->from;
	unsigned int thoff = in->thoff;
	enum stt_accept accept;
	struct stt_skb_cb *cb;
	struct tcphdr *th;
	unsigned int hlen;
	u32 seq;

	if (!stt_rx_policy(skb, family)) {
		stt_drop(sn, skb, STT_NET_drop_policy, key, NULL);
		return;
	}
	if (skb->len < thoff + sizeof(*th)) {
		stt_drop(sn, skb, STT_NET_drop_header, key, NULL);
		return;
	}
	/* A tunnel below may have left word of a checksum of its own. */
	skb->csum_valid = 0;
	if (!skb_csum_unnecessary(skb) &&
	    nf_checksum(skb, NF_INET_LOCAL_IN, thoff, IPPROTO_TCP, family)) {
		stt_drop(sn, skb, STT_NET_drop_csum, key, NULL);
		return;
	}
	if (!pskb_may_pull(skb, thoff + sizeof(*th))) {
		stt_drop(sn, skb, STT_NET_drop_nomem, key, NULL);
		return;
	}
	th = (struct tcphdr *)(skb->data + thoff);
	hlen = thoff + th->doff * 4;
	/* Options are skipped; a segment without a byte of frame is none. */
	if (th->doff < sizeof(*th) / 4 || skb->len <= hlen) {
		stt_drop(sn, skb, STT_NET_drop_header, key, NULL);
		return;
	}
	seq = ntohl(th->seq);
	in->id = ntohl(th->ack_seq);
	key->sport = th->source;
	if (unlikely(key->scope < 0) && stt_rx_is_own(sn, skb, key)) {
		stt_drop(sn, skb, STT_NET_drop_peer, key, NULL);
		return;
	}
	if (!pskb_pull(skb, hlen)) {
		stt_drop(sn, skb, STT_NET_drop_nomem, key, NULL);
		return;
	}

	cb = stt_skb_cb(skb);
	cb->offset = stt_seq_offset(seq);
	cb->frame_len = stt_seq_len(seq);
	cb->segments = 1;
	cb->dsfield = in->dsfield;
	if (cb->frame_len < STT_MIN_FRAME ||
	    cb->offset + skb->len > cb->frame_len) {
		stt_drop(sn, skb, STT_NET_drop_length, key, NULL);
		return;
	}
	if (likely(skb->len == cb->frame_len &&
		   (!stt_reasm_watches(sn->reasm) ||
		    stt_reasm_passed(sn->reasm, key, in->id)))) {
		trace_stt_frame(sn->net, key, skb->len, 1,
				STT_FRAME_EV_WHOLE);
		stt_rx_frame(sn, in, skb, STT_DEV_rx_single);
		return;
	}

	accept = stt_port_accepts_rcu(in->port, key, cb->iif);
	if (accept == STT_ACCEPT_NONE) {
		stt_drop(sn, skb, STT_NET_drop_peer, key, NULL);
		return;
	}
	if (unlikely(in->learn) &&
	    (accept == STT_ACCEPT_PEER || stt_peer_is_known(sn->reasm, key)))
		stt_early_learn(in, skb);
	skb = stt_reasm_add(sn->reasm, key, in->id, accept == STT_ACCEPT_PEER,
			    skb);
	if (skb)
		stt_rx_frame(sn, in, skb, STT_DEV_rx_reassembled);
}
