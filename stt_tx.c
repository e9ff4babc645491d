// SPDX-License-Identifier: GPL-2.0
/*
 * Transmit: an inner packet becomes an STT frame, and the frame one TCP-shaped
 * IP packet that the NIC's TSO, or software GSO, cuts into segments.
 *
 * The inner packet stays whole if the STT header can say what the far end
 * needs to cut it (W7); what the header cannot say is resolved here first
 * (W8).  Every function below that takes an skb leaves it the caller's unless
 * it says otherwise.
 */
#include <linux/etherdevice.h>
#include <linux/if_vlan.h>
#include <linux/jhash.h>
#include <linux/netfilter/nf_conntrack_common.h>
#include <linux/siphash.h>
#include <net/dst.h>
#include <net/gso.h>
#include <net/inet_ecn.h>
#include <net/ip.h>
#include <net/ip6_checksum.h>
#include <net/ip6_route.h>
#include <net/ipv6.h>
#include <net/netns/hash.h>
#include <net/route.h>
#include <net/tcp.h>

#include "include/stt.h"
#include "include/stt_addr.h"
#include "include/stt_conf.h"
#include "include/stt_cut.h"
#include "include/stt_deliver.h"
#include "include/stt_dev.h"
#include "include/stt_ids.h"
#include "include/stt_inner.h"
#include "include/stt_limits.h"
#include "include/stt_path.h"
#include "include/stt_port.h"
#include "include/stt_proto.h"
#include "include/stt_resend.h"
#include "include/stt_skb.h"
#include "include/stt_stats.h"
#include "include/stt_tx.h"

/*
 * What an inner GSO packet may be for the header to describe it.  AccECN's
 * flags are those of a counter, the same in each segment: any TSO copies them,
 * but for CWR.
 */
#define STT_GSO_TYPES \
	(SKB_GSO_TCPV4 | SKB_GSO_TCPV6 | SKB_GSO_DODGY | SKB_GSO_TCP_FIXEDID | \
	 SKB_GSO_TCP_ACCECN)

/* ---- frame ids (W2) ---------------------------------------------------- */

/*
 * An id must not come back while a receiver may hold fragments of the frame
 * that had it.  The smallest frame takes 14 + 20 + 20 + 18 + 14 bytes, with
 * checksum, preamble and gap 110 bytes of wire: 113.6 million a second at 100
 * Gbit/s.  A clock of 125 MHz is faster, and comes round after 2^32 / 125e6 =
 * 34 s, beyond any receiver's patience (ours: 30 s at most, and so Open
 * vSwitch's).  One counter for the whole host, whatever CPU sends, follows that
 * clock.  CPUs take ids in blocks, so that they share a cache line once in a
 * block; what is left of a block is not used after a second.  So what was used
 * in the last 33 s is all behind the clock, by less than 2^32, also when the
 * module was loaded anew meanwhile.
 *
 * The key of the permutation that hides the counter must then be the same as
 * before: it is derived from a secret of the kernel that is drawn once a boot.
 */
#define STT_ID_CLOCK_SHIFT	3

struct stt_id_block {
	u32		next;
	u32		left;
	unsigned long	taken;
};

static DEFINE_PER_CPU(struct stt_id_block, stt_id_block);
static struct stt_id_key stt_id_key __ro_after_init;
static atomic64_t stt_id_counter;

/**
 * stt_tx_init_ids - draw the key of the frame ids
 *
 * Context: module load.
 */
void __init stt_tx_init_ids(void)
{
	siphash_key_t secret = { {
		net_hash_mix(&init_net), (unsigned long)&init_net
	} };
	int i;

	for (i = 0; i < ARRAY_SIZE(stt_id_key.mul); i++) {
		u64 r = siphash_1u32(i, &secret);

		stt_id_key.mul[i] = (u32)r | 1;
		stt_id_key.add[i] = r >> 32;
	}
}

/**
 * stt_tx_take_ids - take a block of %STT_ID_BLOCK numbers
 * @counter: behind the last block
 * @clock: where it may not be behind of
 *
 * Return: the first.
 */
u64 stt_tx_take_ids(atomic64_t *counter, u64 clock)
{
	s64 old = atomic64_read(counter), first;

	do {
		first = max_t(s64, old, clock);
	} while (!atomic64_try_cmpxchg(counter, &old, first + STT_ID_BLOCK));

	return first;
}

/**
 * stt_tx_next_id - a frame id that was not used recently
 *
 * Context: any but hard interrupts; BH disabled.
 */
u32 stt_tx_next_id(void)
{
	struct stt_id_block *b = get_cpu_ptr(&stt_id_block);
	u32 n;

	if (unlikely(!b->left || time_after(jiffies, b->taken + HZ))) {
		b->taken = jiffies;
		b->next = stt_tx_take_ids(&stt_id_counter,
					  ktime_get_boottime_ns() >>
					  STT_ID_CLOCK_SHIFT);
		b->left = STT_ID_BLOCK;
	}
	b->left--;
	n = b->next++;
	put_cpu_ptr(&stt_id_block);

	return stt_id_permute(&stt_id_key, n);
}

/* ---- the inner packet -------------------------------------------------- */

static bool stt_tx_offload_gso(const struct sk_buff *skb,
			       const struct stt_inner *in)
{
	const struct skb_shared_info *shinfo = skb_shinfo(skb);
	unsigned int type = in->proto == htons(ETH_P_IP) ? SKB_GSO_TCPV4 :
							   SKB_GSO_TCPV6;
	const struct tcphdr *th;
	struct tcphdr _th;

	if (in->l4_proto != IPPROTO_TCP || !(shinfo->gso_type & type) ||
	    shinfo->gso_type & ~STT_GSO_TYPES)
		return false;
	/* What our own receiver would refuse (R10). */
	if (shinfo->gso_size < STT_MIN_MSS || shinfo->gso_size == GSO_BY_FRAGS)
		return false;

	/* CWR is for the first segment only, and not every TSO knows that. */
	th = skb_header_pointer(skb, in->l4, sizeof(_th), &_th);
	return th && !th->cwr;
}

/**
 * stt_tx_offload - describe an inner packet's offloads in the STT header (W7)
 * @skb: inner packet, from the Ethernet header on
 * @in: what it is
 * @off: filled in but for the VLAN fields
 *
 * Return: false when the header has no words for them, and checksum or
 * segmentation must be resolved in software (W8).
 */
bool stt_tx_offload(struct sk_buff *skb, const struct stt_inner *in,
		    struct stt_offload *off)
{
	off->flags = 0;
	off->l4_offset = 0;
	off->mss = 0;

	if (skb->ip_summed != CHECKSUM_PARTIAL) {
		if (skb_is_gso(skb))
			return false;
		if (skb->ip_summed == CHECKSUM_UNNECESSARY && in->l4_proto)
			off->flags = STT_F_CSUM_VERIFIED;
		return true;
	}

	if (!in->l4_proto || in->l4 > U8_MAX ||
	    skb_checksum_start_offset(skb) != in->l4 ||
	    skb->csum_offset != (in->l4_proto == IPPROTO_TCP ?
				 offsetof(struct tcphdr, check) :
				 offsetof(struct udphdr, check)))
		return false;
	if (skb_is_gso(skb) && !stt_tx_offload_gso(skb, in))
		return false;

	off->flags = STT_F_CSUM_PARTIAL;
	if (in->proto == htons(ETH_P_IP))
		off->flags |= STT_F_IPV4;
	if (in->l4_proto == IPPROTO_TCP)
		off->flags |= STT_F_TCP;
	off->l4_offset = in->l4;
	off->mss = skb_shinfo(skb)->gso_size;

	return true;
}

/**
 * stt_tx_sport - the outer source port of an inner flow (W5)
 * @skb: inner packet, from the Ethernet header on
 * @in: what it is
 * @min: lowest port
 * @max: highest port
 *
 * Return: the port, host order.
 */
u16 stt_tx_sport(struct sk_buff *skb, const struct stt_inner *in, u16 min,
		 u16 max)
{
	u32 hash;

	/* The flow dissector has nothing to tell two non-IP flows apart by. */
	if (in->l3)
		hash = stt_inner_hash(skb, in);
	else
		hash = jhash(skb->data, 2 * ETH_ALEN, stt_id_key.add[0]);

	return stt_port_scale(hash, min, max);
}

/* ---- the outer packet -------------------------------------------------- */

/**
 * struct stt_outer - what goes into the outer headers of a frame
 * @dst: route; a reference until the frame is sent
 * @saddr: source address
 * @daddr: destination address
 * @label: IPv6 flow label
 * @sport: source port, network order
 * @dport: destination port, network order
 * @dsfield: DSCP and ECN
 * @ttl: TTL or hop limit
 * @df: DF, for IPv4
 * @local: the peer is this host, and needs no outer headers
 */
struct stt_outer {
	struct dst_entry	*dst;
	union stt_addr		saddr;
	union stt_addr		daddr;
	__be32			label;
	__be16			sport;
	__be16			dport;
	u8			dsfield;
	u8			ttl;
	bool			df;
	bool			local;
};

static unsigned int stt_ip_hlen(sa_family_t family)
{
	return family == AF_INET6 ? sizeof(struct ipv6hdr) :
				    sizeof(struct iphdr);
}

static unsigned int stt_max_frame(sa_family_t family)
{
	return family == AF_INET6 ? STT_MAX_FRAME_V6 : STT_MAX_FRAME_V4;
}

static bool stt_tx_fits(const struct sk_buff *skb, sa_family_t family)
{
	return skb->len + STT_HLEN <= stt_max_frame(family);
}

/* Push the IPv4 header, except for what ip_local_out() fills in. */
static __always_inline void
stt_ip4_push(struct net *net, struct sk_buff *skb, const struct stt_outer *out)
{
	struct iphdr *iph = __skb_push(skb, sizeof(*iph));

	skb_reset_network_header(skb);
	iph->version = 4;
	iph->ihl = sizeof(*iph) / 4;
	iph->tos = out->dsfield;
	iph->ttl = out->ttl;
	iph->protocol = IPPROTO_TCP;
	iph->saddr = out->saddr.v4;
	iph->daddr = out->daddr.v4;
	/* With DF an id means nothing (RFC 6864). */
	iph->id = 0;
	iph->frag_off = out->df ? htons(IP_DF) : 0;
	if (!out->df)
		__ip_select_ident(net, iph, skb_shinfo(skb)->gso_segs ? : 1);
	skb->protocol = htons(ETH_P_IP);
	memset(IPCB(skb), 0, sizeof(*IPCB(skb)));
}

/* As stt_ip4_push(). */
static __always_inline void
stt_ip6_push(struct sk_buff *skb, const struct stt_outer *out)
{
	struct ipv6hdr *ip6h = __skb_push(skb, sizeof(*ip6h));

	skb_reset_network_header(skb);
	ip6_flow_hdr(ip6h, out->dsfield, out->label);
	ip6h->nexthdr = IPPROTO_TCP;
	ip6h->hop_limit = out->ttl;
	ip6h->saddr = out->saddr.v6;
	ip6h->daddr = out->daddr.v6;
	skb->protocol = htons(ETH_P_IPV6);
	memset(IP6CB(skb), 0, sizeof(*IP6CB(skb)));
}

static __always_inline void
stt_ip_push(struct net *net, struct sk_buff *skb, sa_family_t family,
	    const struct stt_outer *out)
{
	if (family == AF_INET6)
		stt_ip6_push(skb, out);
	else
		stt_ip4_push(net, skb, out);
}

/* Send a packet that begins with its IP header.  Takes @skb over. */
static __always_inline int
stt_ip_send(struct net *net, struct sk_buff *skb, sa_family_t family)
{
#if IS_ENABLED(CONFIG_IPV6)
	if (family == AF_INET6)
		return ip6_local_out(net, NULL, skb);
#endif
	return ip_local_out(net, NULL, skb);
}

static __always_inline __sum16
stt_pseudo_sum(sa_family_t family, const struct stt_outer *out,
	       unsigned int len)
{
	if (family == AF_INET6)
		return ~csum_ipv6_magic(&out->saddr.v6, &out->daddr.v6, len,
					IPPROTO_TCP, 0);

	return ~csum_tcpudp_magic(out->saddr.v4, out->daddr.v4, len,
				  IPPROTO_TCP, 0);
}

/*
 * Frames to a group stay on the link unless told otherwise, as those of any
 * other sender of multicasts.
 */
static u8 stt_hop_limit4(const struct stt_outer *out)
{
	if (ipv4_is_multicast(out->daddr.v4))
		return 1;

	return ip4_dst_hoplimit(out->dst);
}

static u8 stt_hop_limit6(const struct stt_outer *out)
{
	if (ipv6_addr_is_multicast(&out->daddr.v6))
		return 1;

	return ip6_dst_hoplimit(out->dst);
}

/* Route the frame, and fix what depends on the route. */
static int stt_tx_route(struct net *net, const struct stt_dest *dest,
			const struct stt_inner *in, struct stt_outer *out)
{
	bool ip4 = in->proto == htons(ETH_P_IP);
	u8 dscp = dest->tos_inherit ? in->dsfield : dest->tos;

	/* ECN is the inner one in normal mode (RFC 6040 section 4.1). */
	out->dsfield = (dscp & ~INET_ECN_MASK) | (in->dsfield & INET_ECN_MASK);
	out->daddr = dest->key->remote;
	out->dport = dest->key->dport;
	out->label = dest->label_inherit ? in->label : dest->label;
	out->dst = stt_dest_route(net, dest, out->dsfield, out->label,
				  out->sport, &out->saddr);
	if (IS_ERR(out->dst))
		return PTR_ERR(out->dst);

	out->ttl = dest->ttl_inherit ? in->ttl : dest->ttl;
	if (dest->key->family == AF_INET6) {
		if (!out->ttl)
			out->ttl = stt_hop_limit6(out);
		return 0;
	}

	if (!out->ttl)
		out->ttl = stt_hop_limit4(out);
	/* As TCP: no DF where the path MTU is known to be below the minimum. */
	out->df = dest->df != STT_DF_UNSET &&
		  (dest->df == STT_DF_SET || in->df || (in->l3 && !ip4)) &&
		  !ip_mtu_locked(out->dst);

	return 0;
}

/* Is this host the peer?  IPsec, if it is to be used, needs a packet. */
static bool stt_route_is_local(sa_family_t family, const struct dst_entry *dst)
{
	const unsigned int all = RTCF_LOCAL | RTCF_BROADCAST | RTCF_MULTICAST;

	if (family == AF_INET6)
		return container_of(dst, struct rt6_info, dst)->rt6i_flags &
		       RTF_LOCAL && !dst_xfrm(dst);

	return (container_of(dst, struct rtable, dst)->rt_flags & all) ==
	       RTCF_LOCAL && !dst_xfrm(dst);
}

static u64 stt_tx_id(const struct stt_dest *dest, const struct sk_buff *skb)
{
	return dest->id | (u64)(skb->mark & dest->mark_mask) << STT_GBP_SHIFT;
}

/* As stt_tx_drop_flow(), of what was to be sent to @dest. */
static noinline void
stt_tx_drop_to_because(struct stt_dev *stt, const struct stt_dest *dest,
		       struct sk_buff *skb, enum stt_dev_counter cause,
		       enum skb_drop_reason reason)
{
	const struct stt_flow_key key = {
		.saddr = dest->key->local,
		.daddr = dest->key->remote,
		.dport = dest->key->dport,
		.family = dest->key->family,
	};
	u64 id = stt_tx_id(dest, skb);

	stt_id_count_drop(dest->counters, STT_ID_tx_drops);
	stt_tx_drop_flow(stt, skb, cause, reason, &key, &id);
}

static void stt_tx_drop_to(struct stt_dev *stt, const struct stt_dest *dest,
			   struct sk_buff *skb, enum stt_dev_counter cause)
{
	stt_tx_drop_to_because(stt, dest, skb, cause, stt_tx_reason(cause));
}

/* As stt_tx_dropped(). */
static void stt_tx_dropped_to(struct stt_dev *stt, const struct stt_dest *dest,
			      struct sk_buff *skb, enum skb_drop_reason reason)
{
	stt_tx_drop_to_because(stt, dest, skb, STT_DEV_tx_dropped, reason);
}

/*
 * Tell the NIC, or software GSO, how to cut the frame: as TCP, at what the
 * path MTU leaves.  The frame's headers are all pushed but for IP's.
 */
static __always_inline int
stt_tx_segment_size(struct sk_buff *skb, sa_family_t family,
		    unsigned int frame_len, unsigned int mss)
{
	struct skb_shared_info *shinfo = skb_shinfo(skb);
	int err;

	if (frame_len <= mss) {
		/* TCP leaves a type in packets that are no GSO packets, too. */
		if (shinfo->gso_size)
			skb_gso_reset(skb);
		return 0;
	}

	err = stt_skb_make_cuttable(skb, 0, mss);
	if (err)
		return err;

	shinfo = skb_shinfo(skb);
	shinfo->gso_type = family == AF_INET6 ? SKB_GSO_TCPV6 : SKB_GSO_TCPV4;
	shinfo->gso_size = mss;
	shinfo->gso_segs = DIV_ROUND_UP(frame_len, mss);

	return 0;
}

static void stt_tx_count(const struct stt_dev *stt, unsigned int len, bool tso)
{
	struct stt_dev_cpu *s = this_cpu_ptr(stt->cpu);

	u64_stats_update_begin(&s->syncp);
	u64_stats_inc(&s->c[STT_DEV_tx_frames]);
	u64_stats_add(&s->c[STT_DEV_tx_bytes], len);
	if (tso)
		u64_stats_inc(&s->c[STT_DEV_tx_tso]);
	u64_stats_update_end(&s->syncp);
}

/*
 * The peer is this host: hand the packet to its device there, which is found
 * as for a frame that was received.  Takes @skb over if it returns true; else
 * the packet is to go through the stack.
 */
static bool stt_tx_local(struct stt_dev *stt, const struct stt_dest *dest,
			 struct sk_buff *skb, const struct stt_offload *off,
			 const struct stt_outer *out)
{
	const struct stt_flow_key from = {
		.saddr = out->saddr,
		.daddr = out->daddr,
		.sport = out->sport,
		.dport = out->dport,
		.scope = dest->key->scope,
		.family = dest->key->family,
	};
	struct stt_net *sn = stt_net(stt->net);
	u64 id = stt_tx_id(dest, skb);
	struct stt_conf *conf = NULL;
	struct stt_port *port;
	u16 policy = 0;

	port = stt_port_find_rcu(sn, from.family, from.dport);
	if (port) {
		policy = stt_port_policy(port, &id);
		conf = stt_port_conf_rcu(port, id, &from, dest->key->link);
	}
	if (conf && conf->stt == stt) {
		stt_tx_drop_to(stt, dest, skb, STT_DEV_tx_loop);
		return true;
	}
	/* Its metadata tell of headers. */
	if (conf && conf->external)
		return false;
	if (!conf || !netif_running(conf->stt->dev)) {
		stt_dev_count(stt, STT_DEV_tx_errors);
		stt_drop(sn, skb, STT_NET_drop_no_device, &from, &id);
		return true;
	}

	stt_tx_count(stt, skb->len, false);
	skb->encapsulation = 0;
	skb_scrub_packet(skb, !net_eq(stt->net, dev_net(stt->dev)));
	stt_rx_local(sn, conf, &from, skb, off, policy, out->dsfield);

	return true;
}

/* Push the IP header and send.  Takes @skb over. */
static __always_inline int
stt_ip_out(struct net *net, struct sk_buff *skb, sa_family_t family,
	   const struct stt_outer *out)
{
	stt_ip_push(net, skb, family, out);

	return stt_ip_send(net, skb, family);
}

/* The first segment of a frame once more (W14), or NULL. */
static struct sk_buff *stt_tx_copy(const struct sk_buff *skb,
				   sa_family_t family,
				   const struct stt_outer *out)
{
	struct sk_buff *copy = stt_resend_copy(skb, skb_headroom(skb));

	if (copy)
		tcp_hdr(copy)->check = stt_pseudo_sum(family, out, copy->len);

	return copy;
}

/*
 * Would software GSO below us lose the transmit time stamp that the sender of
 * the inner packet asked for?  tcp_gso_tstamp() gives it to the segment whose
 * sequence number reaches the sender's key, but our sequence numbers mean
 * something else.  A NIC with TSO gets the whole frame; bridges and bonds say
 * that they have TSO although their ports may have none.  In a VRF, connection
 * tracking would see the segments of a frame that is cut here: there the time
 * stamps are lost.
 */
static bool stt_tx_stamp_is_lost(struct sk_buff *skb)
{
	const struct dst_entry *dst = skb_dst(skb);
	const struct net_device *dev = dst->dev;

	if (!(skb_shinfo(skb)->tx_flags & SKBTX_ANY_TSTAMP) ||
	    netif_is_l3_master(dev) || netif_is_l3_slave(dev))
		return false;

	return !skb_gso_ok(skb, dev->features) || dst_xfrm(dst) ||
	       netif_is_bridge_master(dev) || netif_is_ovs_master(dev) ||
	       netif_is_lag_master(dev);
}

/*
 * Cut a frame as software GSO would, with the time stamp on the last segment:
 * the inner packet is sent when all of its segments are.  That segment is also
 * charged to the sender's socket, which gets the time stamp.  @skb begins with
 * its TCP-shaped header, and is taken over.
 */
static int stt_tx_segments(struct net *net, struct sk_buff *skb,
			   sa_family_t family, const struct stt_outer *out)
{
	netdev_features_t features = skb_dst(skb)->dev->features;
	u8 flags = skb_shinfo(skb)->tx_flags & SKBTX_ANY_TSTAMP;
	u32 tskey = skb_shinfo(skb)->tskey;
	struct sk_buff *segs, *next;
	int ret, err = 0;

	stt_ip_push(net, skb, family, out);
	segs = skb_gso_segment(skb, features & ~NETIF_F_GSO_MASK);
	if (IS_ERR_OR_NULL(segs)) {
		kfree_skb_reason(skb, SKB_DROP_REASON_SKB_GSO_SEG);
		return -ENOMEM;
	}
	consume_skb(skb);
	for (skb = segs; skb; skb = next) {
		next = skb->next;
		skb_mark_not_on_list(skb);
		skb_shinfo(skb)->tx_flags &= ~SKBTX_ANY_TSTAMP;
		if (!next) {
			skb_shinfo(skb)->tx_flags |= flags;
			skb_shinfo(skb)->tskey = tskey;
		}
		ret = stt_ip_send(net, skb, family);
		if (net_xmit_eval(ret))
			err = ret;
	}

	return err;
}

/*
 * As stt_ip_out(), for a frame of several segments whose first one is to be
 * sent once more, or that has a time stamp.  Few frames come here.
 */
static noinline int stt_ip_out_special(struct net *net, struct sk_buff *skb,
				       sa_family_t family,
				       const struct stt_outer *out, bool resent)
{
	struct sk_buff *copy = NULL;
	int err;

	if (resent)
		copy = stt_tx_copy(skb, family, out);
	if (stt_tx_stamp_is_lost(skb))
		err = stt_tx_segments(net, skb, family, out);
	else
		err = stt_ip_out(net, skb, family, out);
	if (copy)
		stt_ip_out(net, copy, family, out);

	return err;
}

/*
 * Find out how frames of an inner flow are sent: all that @out says is the
 * same for each.  @skb is a packet of that flow and stays the caller's, as does
 * the reference @out->dst.  Returns false, with the counter that tells why in
 * *@cause and no reference, when they cannot be.
 */
static __always_inline bool
stt_tx_prepare(struct stt_dev *stt, const struct stt_dest *dest,
	       struct sk_buff *skb, const struct stt_inner *in,
	       struct stt_outer *out, enum stt_dev_counter *cause)
{
	const struct stt_path_key *key = dest->key;

	out->sport = htons(stt_tx_sport(skb, in, key->sport_min,
					key->sport_max));
	if (stt_tx_route(stt->net, dest, in, out)) {
		*cause = STT_DEV_tx_no_route;
		return false;
	}
	if (out->dst->dev == stt->dev) {
		dst_release(out->dst);
		*cause = STT_DEV_tx_loop;
		return false;
	}
	stt_limits_check(stt, dest, out->dst->dev);
	out->local = unlikely(stt_route_is_local(key->family, out->dst)) &&
		     dest->localbypass;
	if (likely(dest->path))
		stt_path_used(dest->path);

	return true;
}

/* Bytes that go in front of an inner packet, link header included. */
static unsigned int stt_tx_headroom(sa_family_t family,
				    const struct stt_outer *out)
{
	return LL_RESERVED_SPACE(out->dst->dev) + out->dst->header_len +
	       stt_ip_hlen(family) + sizeof(struct tcphdr) + STT_HLEN;
}

/*
 * Encapsulate and send one inner packet as one frame, which is large enough
 * for it.  Takes @skb and the reference @out->dst over.
 */
static __always_inline void
stt_tx_frame(struct stt_dev *stt, const struct stt_dest *dest,
	     struct sk_buff *skb, const struct stt_inner *in,
	     const struct stt_offload *off, const struct stt_outer *out)
{
	unsigned int inner_len = skb->len, frame_len = inner_len + STT_HLEN;
	const struct stt_path_key *key = dest->key;
	sa_family_t family = key->family;
	unsigned int hlen = stt_ip_hlen(family);
	struct tcphdr *th;
	bool tso, resent;
	unsigned int mss;
	u64 id;
	int err;

	if (unlikely(out->local) && stt_tx_local(stt, dest, skb, off, out)) {
		dst_release(out->dst);
		return;
	}

	/*
	 * The headers go in front, and the shared info is written: both are
	 * ours after this, as for any tunnel.  TCP sets its GSO fields anew
	 * with each transmission.
	 */
	if (skb_cow_head(skb, stt_tx_headroom(family, out)))
		goto drop_nomem;

	id = stt_tx_id(dest, skb);
	mss = min_t(unsigned int, dst_mtu(out->dst), STT_MAX_DGRAM);
	mss = max_t(unsigned int, mss, hlen + sizeof(*th) + STT_MIN_MSS) -
	      hlen - sizeof(*th);
	resent = stt_resend_wanted(skb, in, skb->hash ^ (u32)id,
				   frame_len > mss);
	stt_hdr_encode(__skb_push(skb, STT_HLEN), id, off);
	if (stt_tx_segment_size(skb, family, frame_len, mss))
		goto drop_nomem;
	tso = skb_is_gso(skb);

	th = __skb_push(skb, sizeof(*th));
	skb_reset_transport_header(skb);
	stt_tcp_encode(th, out->sport, out->dport, frame_len, stt_tx_next_id());
	th->check = stt_pseudo_sum(family, out, skb->len);
	skb->ip_summed = CHECKSUM_PARTIAL;
	skb->csum_start = skb_transport_header(skb) - skb->head;
	skb->csum_offset = offsetof(struct tcphdr, check);
	skb->encapsulation = 0;

	skb_scrub_packet(skb, !net_eq(stt->net, dev_net(stt->dev)));
	skb_clear_hash_if_not_l4(skb);
	if (key->mark)
		skb->mark = key->mark;
	/* Connection tracking has no business with it; not before the scrub. */
	skb_set_nfct(skb, IP_CT_UNTRACKED);
	skb_dst_set(skb, out->dst);
	if (tso && unlikely(resent || skb_shinfo(skb)->tx_flags &
					SKBTX_ANY_TSTAMP))
		err = stt_ip_out_special(stt->net, skb, family, out, resent);
	else
		err = stt_ip_out(stt->net, skb, family, out);

	if (unlikely(net_xmit_eval(err))) {
		stt_id_count_drop(dest->counters, STT_ID_tx_drops);
		stt_dev_count(stt, STT_DEV_tx_dropped);
		return;
	}
	stt_id_count(dest->counters, STT_ID_tx_frames, inner_len);
	stt_tx_count(stt, inner_len, tso);
	return;

drop_nomem:
	dst_release(out->dst);
	stt_tx_dropped_to(stt, dest, skb, SKB_DROP_REASON_NOMEM);
}

/* Frame one result of cutting; as stt_tx_frame(), but keeps @out->dst. */
static noinline void stt_tx_part(struct stt_dev *stt,
				 const struct stt_dest *dest,
				 struct sk_buff *skb,
				 const struct stt_inner *in,
				 const struct stt_offload *off,
				 const struct stt_outer *out)
{
	if (!stt_tx_fits(skb, dest->key->family)) {
		stt_tx_drop_to(stt, dest, skb, STT_DEV_tx_too_big);
		return;
	}
	dst_hold(out->dst);
	stt_tx_frame(stt, dest, skb, in, off, out);
}

/*
 * Resolve in software what the header cannot express (W8), and send what
 * comes of it.  Takes @skb over, and leaves @out->dst.
 */
static void stt_tx_software(struct stt_dev *stt, const struct stt_dest *dest,
			    struct sk_buff *skb, struct stt_offload *off,
			    const struct stt_outer *out)
{
	netdev_features_t features = NETIF_F_SG | NETIF_F_HW_CSUM |
				     NETIF_F_HIGHDMA;
	struct sk_buff *segs = skb, *next;
	struct stt_inner in;

	stt_dev_count(stt, STT_DEV_tx_sw_offload);
	if (skb_is_gso(skb)) {
		segs = skb_gso_segment(skb, features);
		if (IS_ERR_OR_NULL(segs)) {
			stt_tx_dropped_to(stt, dest, skb,
					  SKB_DROP_REASON_SKB_GSO_SEG);
			return;
		}
		consume_skb(skb);
	}

	/* All results have the same headers but for lengths and the like. */
	stt_inner_parse(segs, &in);
	for (skb = segs; skb; skb = next) {
		next = skb->next;
		skb_mark_not_on_list(skb);
		if (!stt_tx_offload(skb, &in, off)) {
			/* A VM may want it in a tag that is gone. */
			if (skb_checksum_start_offset(skb) < 0 ||
			    skb_csum_hwoffload_help(skb, 0)) {
				stt_tx_dropped_to(stt, dest, skb,
						  SKB_DROP_REASON_SKB_CSUM);
				continue;
			}
			stt_tx_offload(skb, &in, off);
		}
		stt_tx_part(stt, dest, skb, &in, off, out);
	}
}

/*
 * Send a GSO packet that is larger than a frame as several frames (W13).
 * Takes @skb over, and leaves @out->dst.
 */
static void stt_tx_big(struct stt_dev *stt, const struct stt_dest *dest,
		       struct sk_buff *skb, const struct stt_inner *in,
		       struct stt_offload *off, const struct stt_outer *out,
		       unsigned int max)
{
	struct sk_buff *segs, *next;
	struct stt_inner part;

	segs = stt_cut(skb, in, max);
	if (IS_ERR(segs)) {
		stt_tx_software(stt, dest, skb, off, out);
		return;
	}
	consume_skb(skb);

	stt_inner_parse(segs, &part);
	for (skb = segs; skb; skb = next) {
		next = skb->next;
		skb_mark_not_on_list(skb);
		if (likely(stt_tx_offload(skb, &part, off)))
			stt_tx_part(stt, dest, skb, &part, off, out);
		else
			stt_tx_software(stt, dest, skb, off, out);
	}
}

/*
 * Is this a TCP GSO packet that is too large for a frame, and has no other GSO
 * type that stt_cut() would leave meaningless (a frag_list of segments)?
 */
static bool stt_tx_is_big(const struct sk_buff *skb,
			  const struct stt_inner *in, unsigned int max)
{
	const unsigned int types = STT_GSO_TYPES | SKB_GSO_TCP_ECN;

	return skb->len > max && in->l4_proto == IPPROTO_TCP &&
	       skb_is_gso(skb) && skb_is_gso_tcp(skb) &&
	       !(skb_shinfo(skb)->gso_type & ~types);
}

/*
 * The largest GSO packet, from the inner Ethernet header on, that one frame
 * holds and the lower device's TSO takes; if that is not known, one frame.
 */
static unsigned int stt_tx_max_gso(const struct stt_dev *stt,
				   sa_family_t family)
{
	return min_t(unsigned int, READ_ONCE(stt->gso_size) - 1,
		     stt_max_frame(family) - STT_HLEN);
}

/*
 * Send a packet that does not go as it is: one frame cannot hold it, or the
 * header cannot describe it.  Its headers, which all results inherit, get
 * room for ours at once.  Takes @skb over, and leaves @out->dst.
 */
static noinline void stt_tx_cut(struct stt_dev *stt,
				const struct stt_dest *dest,
				struct sk_buff *skb, const struct stt_inner *in,
				struct stt_offload *off,
				const struct stt_outer *out)
{
	sa_family_t family = dest->key->family;
	unsigned int max = stt_tx_max_gso(stt, family);

	if (skb_cow_head(skb, stt_tx_headroom(family, out)))
		stt_tx_dropped_to(stt, dest, skb, SKB_DROP_REASON_NOMEM);
	else if (stt_tx_is_big(skb, in, max))
		stt_tx_big(stt, dest, skb, in, off, out, max);
	else
		stt_tx_software(stt, dest, skb, off, out);
}

/**
 * stt_tx_to - send an inner packet to one destination
 * @stt: device
 * @dest: where to
 * @skb: inner packet, from the Ethernet header on, its 802.1Q tag in @off;
 *	taken over. Who sends it to several sends a clone to each
 * @in: what it is
 * @off: the VLAN fields are filled in
 *
 * Context: BH disabled, RCU read side.
 */
void stt_tx_to(struct stt_dev *stt, const struct stt_dest *dest,
	       struct sk_buff *skb, const struct stt_inner *in,
	       const struct stt_offload *off)
{
	sa_family_t family = dest->key->family;
	struct stt_offload o = *off;
	enum stt_dev_counter cause;
	struct stt_outer out = { };

	/* A route would not help. */
	if (unlikely(!skb_is_gso(skb) && !stt_tx_fits(skb, family))) {
		stt_tx_drop_to(stt, dest, skb, STT_DEV_tx_too_big);
		return;
	}
	if (!stt_tx_prepare(stt, dest, skb, in, &out, &cause)) {
		stt_tx_drop_to(stt, dest, skb, cause);
		return;
	}
	if (likely(stt_tx_offload(skb, in, &o) &&
		   (!skb_is_gso(skb) ||
		    skb->len <= stt_tx_max_gso(stt, family)))) {
		stt_tx_frame(stt, dest, skb, in, &o, &out);
		return;
	}
	stt_tx_cut(stt, dest, skb, in, &o, &out);
	dst_release(out.dst);
}
