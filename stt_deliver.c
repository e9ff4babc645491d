// SPDX-License-Identifier: GPL-2.0
/*
 * Delivery: a complete frame, or a part of one, becomes an inner packet, and
 * that goes to its device.  Frames come from stt_rx.c, parts from stt_reasm.c,
 * and what this host sends to itself from stt_tx.c.
 *
 * A frame that came whole is one straight line through this file.  What that
 * line allocates: nothing, but for a packet that is cloned (for a capture,
 * say), since its shared info is copied before it is written, and for one to an
 * external device, the metadata that it is given.
 */
#include <linux/etherdevice.h>
#include <linux/if_vlan.h>
#include <net/inet_ecn.h>
#include <net/ip.h>
#include <net/ipv6.h>
#include <net/tcp.h>

#include "include/stt.h"
#include "include/stt_conf.h"
#include "include/stt_deliver.h"
#include "include/stt_dev.h"
#include "include/stt_early.h"
#include "include/stt_external.h"
#include "include/stt_fdb.h"
#include "include/stt_gro.h"
#include "include/stt_ids.h"
#include "include/stt_inner.h"
#include "include/stt_partial.h"
#include "include/stt_peers.h"
#include "include/stt_port.h"
#include "include/stt_proto.h"
#include "include/stt_skb.h"
#include "include/stt_stats.h"
#include "include/stt_trace.h"
#include "include/stt_whole.h"

/*
 * What the segments were aggregated as is no business of the inner packet's.
 * The fields are written only where they must change, and are ours if the
 * headers are, as when sending: a TCP sender on this machine that keeps the
 * payload has given up both.
 */
static __always_inline int stt_rx_set_gso(struct sk_buff *skb,
					  unsigned int type, unsigned int size)
{
	struct skb_shared_info *shinfo = skb_shinfo(skb);

	if (shinfo->gso_size == size && shinfo->gso_type == type)
		return 0;
	if (skb_header_unclone(skb, GFP_ATOMIC))
		return -ENOMEM;

	shinfo = skb_shinfo(skb);
	shinfo->gso_type = type;
	shinfo->gso_size = size;
	/* The stack counts for itself what it does not trust. */
	shinfo->gso_segs = 0;

	return 0;
}

/* -EINVAL for a packet that is shorter than its headers */
static inline int stt_rx_pull(struct sk_buff *skb, unsigned int hlen)
{
	if (likely(skb_headlen(skb) >= hlen))
		return 0;
	if (skb->len < hlen)
		return -EINVAL;

	return pskb_may_pull(skb, hlen) ? 0 : -ENOMEM;
}

/**
 * stt_rx_offload - give the inner packet the offloads that its frame claims
 * @skb: inner packet, from the Ethernet header on; pointers into it are stale
 *	afterwards
 * @in: what it is
 * @off: what the STT header says
 * @csum_offload: believe a checksum that the sender says it verified
 *
 * R10, R12.
 *
 * Context: any; allocates atomically.
 * Return: 0; -EINVAL when the claims contradict each other or the packet;
 * -ENOMEM when there is no memory to fulfil them.
 */
int stt_rx_offload(struct sk_buff *skb, const struct stt_inner *in,
		   const struct stt_offload *off, bool csum_offload)
{
	unsigned int type, hlen, end, csum_offset;
	const struct tcphdr *th;
	u8 claims;
	int err;

	skb->csum_valid = 0;
	skb->csum_level = 0;
	if (!(off->flags & STT_F_CSUM_PARTIAL)) {
		skb->ip_summed = CHECKSUM_NONE;
		if (off->flags & STT_F_CSUM_VERIFIED && csum_offload)
			skb->ip_summed = CHECKSUM_UNNECESSARY;
		return stt_rx_set_gso(skb, 0, 0);
	}

	claims = STT_F_CSUM_PARTIAL;
	if (in->proto == htons(ETH_P_IP))
		claims |= STT_F_IPV4;
	if (in->l4_proto == IPPROTO_TCP)
		claims |= STT_F_TCP;
	if (!in->l4_proto || off->l4_offset != in->l4 || off->flags != claims)
		return -EINVAL;

	hlen = in->l4 + (in->l4_proto == IPPROTO_TCP ? sizeof(*th) :
						     sizeof(struct udphdr));
	csum_offset = offsetof(struct udphdr, check);
	err = stt_rx_pull(skb, hlen);
	if (err)
		return err;
	if (in->l4_proto == IPPROTO_TCP) {
		th = (const struct tcphdr *)(skb->data + in->l4);
		hlen = in->l4 + th->doff * 4;
		csum_offset = offsetof(struct tcphdr, check);
		if (th->doff < sizeof(*th) / 4)
			return -EINVAL;
		err = stt_rx_pull(skb, hlen);
		if (err)
			return err;
	}
	/* The checksum would be outside of the IP packet. */
	end = stt_inner_end(in, skb->data);
	if (end < hlen || !skb_partial_csum_set(skb, in->l4, csum_offset))
		return -EINVAL;

	if (!off->mss)
		return stt_rx_set_gso(skb, 0, 0);
	if (in->l4_proto != IPPROTO_TCP || off->mss < STT_MIN_MSS ||
	    off->mss == GSO_BY_FRAGS)
		return -EINVAL;
	/* Padding would become payload of the last segment. */
	if (unlikely(skb->len > end) && pskb_trim(skb, end))
		return -ENOMEM;
	if (off->mss >= skb->len - hlen)
		return stt_rx_set_gso(skb, 0, 0);

	type = in->proto == htons(ETH_P_IP) ? SKB_GSO_TCPV4 : SKB_GSO_TCPV6;
	th = (const struct tcphdr *)(skb->data + in->l4);
	if (th->cwr)
		type |= SKB_GSO_TCP_ECN;

	return stt_rx_set_gso(skb, type | SKB_GSO_DODGY, off->mss) ?:
	       stt_skb_make_cuttable(skb, hlen, off->mss);
}

/*
 * Outer DSCP and ECN into the inner header (R14), also behind tags that are
 * in the frame.  @skb begins with the Ethernet header.  Returns -EINVAL for a
 * combination to be dropped, -ENOMEM without memory, else 0.
 */
static int stt_rx_dsfield(struct sk_buff *skb, const struct stt_inner *in,
			  u8 outer, bool uniform)
{
	u8 inner, dsfield, *l3;
	bool set_ce = false;
	unsigned int hlen;
	bool ip4;

	if (!in->l3)
		return 0;
	ip4 = in->proto == htons(ETH_P_IP);
	hlen = in->l3 + (ip4 ? sizeof(struct iphdr) : sizeof(struct ipv6hdr));
	inner = in->dsfield;

	if (__INET_ECN_decapsulate(outer, inner, &set_ce) > 1)
		return -EINVAL;

	dsfield = inner;
	if (uniform)
		dsfield = (outer & ~INET_ECN_MASK) | (inner & INET_ECN_MASK);
	if (set_ce)
		dsfield |= INET_ECN_CE;
	else if ((outer & INET_ECN_MASK) == INET_ECN_ECT_1 &&
		 (inner & INET_ECN_MASK) == INET_ECN_ECT_0)
		dsfield ^= INET_ECN_ECT_0 | INET_ECN_ECT_1;
	if (likely(dsfield == inner))
		return 0;

	if (skb_ensure_writable(skb, hlen))
		return -ENOMEM;
	l3 = skb->data + in->l3;
	if (ip4)
		ipv4_change_dsfield((struct iphdr *)l3, 0, dsfield);
	else
		ipv6_change_dsfield((struct ipv6hdr *)l3, 0, dsfield);

	return 0;
}

/**
 * struct stt_rx_info - what is known of a frame
 * @conf: configuration of the device that receives it
 * @from: its addresses
 * @off: offloads
 * @in: what the inner packet is
 * @direct: no lock is held: it may go up the stack on the spot
 * @id: context id
 * @policy: the sender's group, for a device with group policy
 * @dsfield: DSCP and ECN of the outer header
 * @md: metadata for an external device, a reference; else NULL
 */
struct stt_rx_info {
	struct stt_conf		*conf;
	const struct stt_flow_key *from;
	struct stt_offload	off;
	struct stt_inner	in;
	bool			direct;
	u64			id;
	u16			policy;
	u8			dsfield;
	struct metadata_dst	*md;
};

/*
 * Find the device of a frame.  @skb begins with the STT header, which is linear
 * afterwards.  Where no device takes it, *@cause tells why, and @info holds
 * nothing; else stt_rx_done() is for what @info holds.
 */
static __always_inline bool
stt_rx_lookup(struct stt_port *port, const struct stt_flow_key *from,
	      struct stt_early_slot *slot, struct sk_buff *skb,
	      struct stt_rx_info *info, enum stt_net_counter *cause)
{
	struct stt_hdr *hdr;

	info->from = from;
	info->dsfield = stt_skb_cb(skb)->dsfield;
	info->md = NULL;
	info->direct = false;
	if (!pskb_may_pull(skb, STT_MIN_FRAME)) {
		*cause = STT_NET_drop_nomem;
		return false;
	}
	hdr = (struct stt_hdr *)skb->data;
	if (hdr->version != STT_VERSION) {
		*cause = STT_NET_drop_version;
		return false;
	}
	info->id = stt_hdr_decode(hdr, &info->off);
	info->policy = stt_port_policy(port, &info->id);
	info->conf = stt_early_conf(slot, port, info->id, from,
				    stt_skb_cb(skb)->iif);
	if (!info->conf || unlikely(!netif_running(info->conf->stt->dev))) {
		*cause = STT_NET_drop_no_device;
		return false;
	}
	if (unlikely(info->conf->external)) {
		info->md = stt_external_rx_dst(stt_early_md(slot), from, skb,
					       info->id, info->dsfield);
		if (!info->md) {
			*cause = STT_NET_drop_nomem;
			return false;
		}
	}

	return true;
}

static void stt_rx_done(const struct stt_rx_info *info)
{
	if (unlikely(info->md))
		dst_release(&info->md->dst);
}

/*
 * Remove what XDP or tc put in front of the outer header.  Shared info is
 * written, so a clone gets its own first.  False: there is no memory.
 */
static bool stt_rx_clear_metadata(struct sk_buff *skb)
{
	if (likely(!skb_metadata_len(skb)))
		return true;
	if (skb_unclone(skb, GFP_ATOMIC))
		return false;
	skb_metadata_clear(skb);

	return true;
}

/*
 * Make a packet one that has just come in by the tunnel device: reset what
 * the underlay left in it, and what the inner sender's stack did where the
 * same skb came all the way.  The first part is what every IP tunnel resets.
 *
 * Kept, as by other tunnels: mark, priority, security mark and receive time
 * stamp while the packet stays in its namespace; the NAPI id, by which a
 * socket polls the NIC; an L4 hash, since the outer ports are a hash of the
 * inner flow; the count of redirections, which ends loops.
 */
static void stt_rx_scrub(struct sk_buff *skb, bool xnet)
{
	skb_clear_hash_if_not_l4(skb);
	__vlan_hwaccel_clear_tag(skb);
	skb_set_queue_mapping(skb, 0);
	/* IP does this behind LOCAL_IN. */
	skb_clear_delivery_time(skb);
	skb_scrub_packet(skb, xnet);
	if (xnet)
		skb->priority = 0;
	skb->encapsulation = 0;
	skb->inner_protocol_type = 0;
	skb->remcsum_offload = 0;

	skb->csum_complete_sw = 0;
	skb->slow_gro = 0;
	skb->ooo_okay = 0;
	skb_set_dst_pending_confirm(skb, 0);
	skb_reset_redirect(skb);
#if defined(CONFIG_NET_SCHED) || defined(CONFIG_NET_XGRESS)
	skb->tc_index = 0;
#endif
#ifdef CONFIG_IPV6_NDISC_NODETYPE
	/* An ISATAP underlay says that the sender is a host, no router. */
	skb->ndisc_nodetype = 0;
#endif
}

/* What a scrubbed packet gets besides; a group of 0 is none, and is said. */
static void stt_rx_extra(const struct stt_rx_info *info, struct sk_buff *skb)
{
	if (info->md) {
		dst_hold(&info->md->dst);
		skb_dst_set(skb, &info->md->dst);
	}
	if (info->conf->gbp)
		skb->mark = (skb->mark & ~STT_GBP_MARK) | info->policy;
}

static void stt_rx_id_dropped(const struct stt_rx_info *info)
{
	if (info->md)
		stt_id_count_drop(stt_ids_get(info->conf->stt, info->id, false),
				  STT_ID_rx_drops);
}

/*
 * An inner packet was not fit for its device: drop it.  @err tells whose
 * fault that is, -ENOMEM ours and -EINVAL, which counts as @cause, the
 * sender's.
 */
static void stt_rx_unfit(struct stt_net *sn, const struct stt_rx_info *info,
			 struct sk_buff *skb, int err,
			 enum stt_net_counter cause)
{
	const struct stt_dev *stt = info->conf->stt;

	stt_rx_id_dropped(info);
	if (err == -ENOMEM) {
		stt_dev_count(stt, STT_DEV_rx_dropped);
		cause = STT_NET_drop_nomem;
	} else {
		stt_dev_count(stt, STT_DEV_rx_errors);
	}
	stt_drop(sn, skb, cause, info->from, &info->id);
}

/*
 * Drop a packet for its source address, which is the device's own where the
 * underlay loops.
 */
static void stt_rx_bad_source(struct stt_net *sn,
			      const struct stt_rx_info *info,
			      struct sk_buff *skb)
{
	const struct stt_dev *stt = info->conf->stt;
	const u8 *mac = ((struct ethhdr *)skb->data)->h_source;
	enum skb_drop_reason reason = SKB_DROP_REASON_MAC_INVALID_SOURCE;

	if (ether_addr_equal(mac, stt->dev->dev_addr))
		reason = SKB_DROP_REASON_LOCAL_MAC;
	stt_dev_count(stt, STT_DEV_rx_dropped);
	stt_drop_because(sn, skb, STT_NET_drop_source, reason, info->from,
			 &info->id);
}

/* Packets from this size on may become larger ones by GRO. */
#define STT_GRO_MIN	512

/* A packet in a frame in a packet in a frame: not all on one stack. */
static DEFINE_PER_CPU(bool, stt_rx_busy);

/*
 * May GRO make one packet of this GSO packet and others?  It may where the
 * user let the device's GRO exceed 64 KB (BIG TCP); GRO itself takes only
 * packets without a frag_list.
 */
static bool stt_rx_is_part(const struct net_device *dev,
			   const struct sk_buff *skb,
			   const struct stt_inner *in)
{
	bool v6 = in->proto == htons(ETH_P_IPV6);

	return netdev_get_gro_max(dev, v6) > GRO_LEGACY_MAX_SIZE &&
	       in->l4_proto == IPPROTO_TCP && !skb_cloned(skb) &&
	       !skb_has_frag_list(skb) &&
	       skb_headlen(skb) >= in->l4 + sizeof(struct tcphdr);
}

/*
 * GRO wants to know how many segments there are, and takes nothing that is
 * untrusted (SKB_GSO_DODGY): that mark asks for checks of the headers that
 * stt_rx_offload() has made.
 */
static void stt_rx_trust(struct sk_buff *skb, const struct stt_inner *in)
{
	const struct tcphdr *th = (struct tcphdr *)(skb->data + in->l4);
	unsigned int len = skb->len - in->l4 - th->doff * 4;
	struct skb_shared_info *shinfo = skb_shinfo(skb);

	shinfo->gso_segs = DIV_ROUND_UP(len, shinfo->gso_size);
	shinfo->gso_type &= ~SKB_GSO_DODGY;
}

/*
 * Can GRO make a larger packet of this one?  GSO packets are as large as their
 * sender could make them, unless BIG TCP is on here; small packets gain
 * nothing, and GRO would double their cost; clones it refuses.  @skb begins
 * with the Ethernet header; where this returns true it is prepared for GRO.
 */
static bool stt_rx_mergeable(const struct net_device *dev, struct sk_buff *skb,
			     const struct stt_inner *in)
{
	if (skb_is_gso(skb)) {
		if (likely(!stt_rx_is_part(dev, skb, in)))
			return false;
		stt_rx_trust(skb, in);
		return true;
	}

	return in->l4_proto && skb->len >= STT_GRO_MIN + ETH_HLEN &&
	       !skb_cloned(skb);
}

/*
 * Let a packet go up the stack: directly, or through GRO, which has a NAPI of
 * its own.  A packet must not overtake those before it: while packets of this
 * CPU are on their way through GRO, all others follow them.  With threaded NAPI
 * all take that path, since the user wants the thread to do the work.  Takes
 * @skb over.
 */
static void stt_rx_up(struct stt_dev *stt, struct sk_buff *skb, bool direct)
{
	if (likely(direct && !__this_cpu_read(stt_rx_busy) &&
		   !stt->dev->threaded && stt_gro_idle(stt->gro))) {
		__this_cpu_write(stt_rx_busy, true);
		netif_receive_skb(skb);
		__this_cpu_write(stt_rx_busy, false);
		return;
	}
	if (unlikely(!stt_gro_receive(stt->gro, skb))) {
		stt_dev_count(stt, STT_DEV_rx_dropped);
		kfree_skb_reason(skb, SKB_DROP_REASON_CPU_BACKLOG);
	}
}

/*
 * Hand an inner packet, its offloads set, to its device.  Only who holds no
 * lock may say @direct.  Takes @skb over; false if it was not fit to be
 * delivered.
 */
static bool stt_rx_deliver(struct stt_net *sn, const struct stt_rx_info *info,
			   struct sk_buff *skb)
{
	const struct stt_offload *off = &info->off;
	const struct stt_conf *conf = info->conf;
	struct stt_dev *stt = conf->stt;
	struct net_device *dev = stt->dev;
	bool mergeable;
	int err;

	err = stt_rx_dsfield(skb, &info->in, info->dsfield,
			     conf->dest.tos_inherit);
	if (unlikely(err)) {
		stt_rx_unfit(sn, info, skb, err, STT_NET_drop_ecn);
		return false;
	}
	if (conf->snoop &&
	    !stt_fdb_source(conf, info->from, info->id,
			    ((struct ethhdr *)skb->data)->h_source)) {
		stt_rx_id_dropped(info);
		stt_rx_bad_source(sn, info, skb);
		return false;
	}
	if (unlikely(!stt_rx_clear_metadata(skb))) {
		stt_rx_unfit(sn, info, skb, -ENOMEM, STT_NET_drop_nomem);
		return false;
	}
	stt_rx_scrub(skb, !net_eq(stt->net, dev_net(dev)));
	mergeable = stt_rx_mergeable(dev, skb, &info->in);
	skb->protocol = eth_type_trans(skb, dev);
	skb_reset_network_header(skb);
	if (skb->ip_summed != CHECKSUM_PARTIAL)
		skb_reset_transport_header(skb);
	skb_reset_mac_len(skb);
	if (off->vlan_present)
		__vlan_hwaccel_put_tag(skb, htons(ETH_P_8021Q), off->vlan_tci);
	if (unlikely(conf->rx_extra))
		stt_rx_extra(info, skb);
	stt_rx_up(stt, skb, info->direct && !mergeable);

	return true;
}

static __always_inline void stt_rx_count(const struct stt_rx_info *info,
					 enum stt_dev_counter how,
					 unsigned int segments,
					 unsigned int bytes)
{
	const struct stt_dev *stt = info->conf->stt;
	struct stt_dev_cpu *s = this_cpu_ptr(stt->cpu);

	u64_stats_update_begin(&s->syncp);
	u64_stats_inc(&s->c[STT_DEV_rx_frames]);
	u64_stats_add(&s->c[STT_DEV_rx_bytes], bytes);
	u64_stats_add(&s->c[STT_DEV_rx_segments], segments);
	u64_stats_inc(&s->c[how]);
	u64_stats_update_end(&s->syncp);
	if (unlikely(info->md))
		stt_id_count(stt_ids_get(stt, info->id, false),
			     STT_ID_rx_frames, bytes);
}

/**
 * stt_rx_frame - hand a complete frame to its device
 * @sn: namespace
 * @in: what is known of the packet that completed it
 * @skb: frame, from the STT header on; taken over
 * @how: %STT_DEV_rx_single, or %STT_DEV_rx_reassembled
 *
 * Context: BH disabled, RCU read side; no lock is held.
 */
void stt_rx_frame(struct stt_net *sn, const struct stt_input_info *in,
		  struct sk_buff *skb, enum stt_dev_counter how)
{
	u16 segments = stt_skb_cb(skb)->segments;
	enum stt_net_counter cause;
	struct stt_rx_info info;
	struct stt_conf *conf;
	unsigned int len;
	int err;

	if (!stt_rx_lookup(in->port, &in->from, in->slot, skb, &info, &cause)) {
		/* The id is not known before the header was read. */
		stt_drop(sn, skb, cause, &in->from,
			 cause == STT_NET_drop_no_device ? &info.id : NULL);
		return;
	}
	conf = info.conf;
	__skb_pull(skb, STT_HLEN);
	stt_inner_parse(skb, &info.in);
	err = stt_rx_offload(skb, &info.in, &info.off,
			     conf->stt->dev->features & NETIF_F_RXCSUM);
	if (unlikely(err)) {
		stt_rx_unfit(sn, &info, skb, err, STT_NET_drop_offload);
		goto done;
	}
	/* Its sender is known from now on; a device's peer is anyway. */
	if (stt_conf_any_remote(conf))
		stt_early_peer(in->slot, sn->reasm, &in->from);
	if (how == STT_DEV_rx_single) {
		stt_whole_note(sn->reasm, &in->from, in->id);
		if (unlikely(in->learn))
			stt_early_learn(in, skb);
	}
	len = skb->len;
	info.direct = true;
	if (stt_rx_deliver(sn, &info, skb)) {
		stt_rx_count(&info, how, segments, len);
		stt_peer_received(sn, &in->from, stt_early_peer_ref(in->slot),
				  len, how == STT_DEV_rx_reassembled);
	}
done:
	stt_rx_done(&info);
}

/**
 * stt_rx_local - deliver what a device of this host sent to one of this host
 * @sn: namespace
 * @conf: the receiver's configuration; not an external one
 * @from: addresses that the outer header would have had
 * @skb: inner packet, from the Ethernet header on; taken over
 * @off: its VLAN fields
 * @policy: the sender's group
 * @dsfield: DSCP and ECN that the outer header would have had
 *
 * Context: BH disabled, RCU read side.
 */
void stt_rx_local(struct stt_net *sn, struct stt_conf *conf,
		  const struct stt_flow_key *from, struct sk_buff *skb,
		  const struct stt_offload *off, u16 policy, u8 dsfield)
{
	struct stt_rx_info info = {
		.conf = conf, .from = from, .off = *off, .policy = policy,
		.dsfield = dsfield, .id = conf->key.id,
	};
	unsigned int len = skb->len;

	/* As the loopback device does. */
	if (skb_orphan_frags(skb, GFP_ATOMIC)) {
		stt_drop(sn, skb, STT_NET_drop_nomem, from, &info.id);
		return;
	}
	skb_orphan(skb);
	skb_clear_tstamp(skb);
	stt_inner_parse(skb, &info.in);
	if (stt_rx_deliver(sn, &info, skb))
		stt_rx_count(&info, STT_DEV_rx_single, 1, len);
}

/* Split the first run off a list of segments, and join it. */
static struct sk_buff *stt_rx_run(struct sk_buff *segs, struct sk_buff **next)
{
	struct sk_buff *last = segs, *rest;

	while (last->next && stt_skb_cb(last)->offset + last->len ==
			     stt_skb_cb(last->next)->offset)
		last = last->next;
	*next = last->next;
	last->next = NULL;
	rest = segs->next;
	skb_mark_not_on_list(segs);

	return stt_skb_join(segs, rest);
}

/**
 * stt_rx_partial - deliver what there is of a frame that lost segments (R15)
 * @sn: namespace
 * @from: its addresses
 * @segs: its segments in order, linked by ->next; taken over
 * @cause: why it was given up; counted already
 * @late: the rest was delivered before
 *
 * Packets go up in the order of their bytes.
 *
 * Context: BH disabled.
 * Return: false when nothing of it could be delivered.
 */
bool stt_rx_partial(struct stt_net *sn, const struct stt_flow_key *from,
		    struct sk_buff *segs, enum stt_net_counter cause,
		    bool late)
{
	unsigned int frame_len = stt_skb_cb(segs)->frame_len - STT_HLEN;
	unsigned int start, packets = 0, bytes = 0;
	u16 segments = stt_skb_cb(segs)->segments;
	enum stt_net_counter why;
	struct stt_rx_info info;
	struct stt_partial p;
	struct stt_port *port;
	struct sk_buff *skb;

	rcu_read_lock();
	port = stt_port_find_rcu(sn, from->family, from->dport);
	if (!port || stt_skb_cb(segs)->offset)
		goto drop;
	skb = stt_rx_run(segs, &segs);
	if (!skb)
		goto drop;
	if (!stt_rx_lookup(port, from, NULL, skb, &info, &why))
		goto drop_first;
	__skb_pull(skb, STT_HLEN);
	stt_inner_parse(skb, &info.in);
	if (!info.conf->partial ||
	    stt_rx_offload(skb, &info.in, &info.off, false) ||
	    !stt_partial_init(&p, skb, &info.off, frame_len)) {
		stt_rx_done(&info);
		goto drop_first;
	}

	for (start = 0;;) {
		unsigned int len;

		if (skb)
			skb = stt_partial_packet(&p, skb, start);
		len = skb ? skb->len : 0;
		if (skb && stt_rx_deliver(sn, &info, skb)) {
			stt_net_count(sn, STT_NET_partial_packets);
			bytes += len;
			packets++;
		}
		if (!segs)
			break;
		start = stt_skb_cb(segs)->offset - STT_HLEN;
		skb = stt_rx_run(segs, &segs);
	}
	if (packets && !late) {
		stt_net_count(sn, STT_NET_partial_frames);
		stt_rx_count(&info, STT_DEV_rx_partial, segments, bytes);
	}
	stt_rx_done(&info);
	trace_stt_frame(sn->net, from, frame_len, segments,
			STT_FRAME_EV_PARTIAL);
	rcu_read_unlock();
	return packets;

drop_first:
	kfree_skb_reason(skb, stt_drop_reason(cause));
drop:
	rcu_read_unlock();
	if (late)
		stt_net_count(sn, cause);
	stt_drop_list(segs, cause);

	return false;
}

/**
 * stt_rx_takes_parts - would parts of a frame be delivered (R15)
 * @sn: namespace
 * @from: its addresses
 * @iif: ifindex of the interface that it came in by
 * @headers: the STT header and all inner headers
 * @hlen: their length
 * @frame_len: length of the whole frame, STT header included
 *
 * Asked once for each flow, before frames are given up early: where parts are
 * refused that would only lose what may still be on its way.
 *
 * Context: BH disabled; allocates atomically.
 * Return: whether the device of such a frame takes parts, and parts of a frame
 * with such headers can be right.
 */
bool stt_rx_takes_parts(struct stt_net *sn, const struct stt_flow_key *from,
			int iif, const u8 *headers, unsigned int hlen,
			unsigned int frame_len)
{
	struct sk_buff *skb = alloc_skb(hlen, GFP_ATOMIC);
	const struct stt_conf *conf = NULL;
	struct stt_offload off;
	struct stt_partial p;
	struct stt_port *port;
	bool takes;
	u64 id;

	if (!skb)
		return false;
	id = stt_hdr_decode((const struct stt_hdr *)headers, &off);
	skb_put_data(skb, headers + STT_HLEN, hlen - STT_HLEN);

	rcu_read_lock();
	port = stt_port_find_rcu(sn, from->family, from->dport);
	if (port) {
		stt_port_policy(port, &id);
		conf = stt_port_conf_rcu(port, id, from, iif);
	}
	takes = conf && conf->partial &&
		stt_partial_init(&p, skb, &off, frame_len - STT_HLEN);
	rcu_read_unlock();
	kfree_skb(skb);

	return takes;
}
