// SPDX-License-Identifier: GPL-2.0
/*
 * Transmit, first part: where an inner packet goes.  The remote address, the
 * packet's metadata, an FDB entry or a nexthop group names one destination or
 * several, and stt_tx.c sends a frame to each.
 *
 * The functions here own the packet and hand it on, unless they say otherwise.
 */
#include <linux/etherdevice.h>
#include <linux/if_vlan.h>
#include <net/dst.h>
#include <net/nexthop.h>

#include "include/stt_addr.h"
#include "include/stt_conf.h"
#include "include/stt_dev.h"
#include "include/stt_external.h"
#include "include/stt_fdb.h"
#include "include/stt_ids.h"
#include "include/stt_inner.h"
#include "include/stt_neigh.h"
#include "include/stt_netpoll.h"
#include "include/stt_path.h"
#include "include/stt_proto.h"
#include "include/stt_stats.h"
#include "include/stt_tx.h"
#include "include/stt_xmit.h"

/* ---- FDB --------------------------------------------------------------- */

/* Takes @skb over. */
static void stt_xmit_dest(struct stt_dev *stt, struct stt_dest *to,
			  const struct stt_fdb_dest *dest, u64 id,
			  struct sk_buff *skb, const struct stt_inner *in,
			  const struct stt_offload *off)
{
	to->path = rcu_dereference(dest->path);
	to->key = &to->path->key;
	to->id = id;
	to->counters = stt_ids_get(stt, id, true);
	stt_tx_to(stt, to, skb, in, off);
}

/* Drop a packet for whose context id there is no destination. */
static noinline void stt_xmit_no_dest(struct stt_dev *stt, struct sk_buff *skb,
				      u64 id, enum skb_drop_reason reason)
{
	stt_id_count_drop(stt_ids_get(stt, id, true), STT_ID_tx_drops);
	stt_tx_drop_flow(stt, skb, STT_DEV_tx_no_route, reason,
			 &stt_no_flow, &id);
}

/**
 * stt_xmit_fdb - send an inner packet where its destination address says
 * @conf: the device's configuration
 * @skb: inner packet, from the Ethernet header on; taken over
 * @id: context id: the device's, or with an external device the metadata's
 * @in: what it is
 * @off: the VLAN fields are filled in
 *
 * Allocates: a clone for each destination after the first.
 *
 * Context: BH disabled, RCU read side.
 */
static void stt_xmit_fdb(const struct stt_conf *conf, struct sk_buff *skb,
			 u64 id, const struct stt_inner *in,
			 const struct stt_offload *off)
{
	const struct ethhdr *eth = (const struct ethhdr *)skb->data;
	static const u8 zero[ETH_ALEN] __aligned(2) = { };
	struct stt_fdb_dest *dest, *first = NULL;
	struct stt_dev *stt = conf->stt;
	u64 key_id = stt_fdb_key_id(conf, id);
	struct stt_dest to = conf->dest;
	struct stt_fdb *fdb = &stt->fdb;
	struct stt_fdb_entry *entry;
	struct stt_fdb_nh *group;
	struct sk_buff *clone;

	entry = stt_fdb_find_rcu(fdb, eth->h_dest, key_id);
	if (!entry)
		entry = stt_fdb_find_rcu(fdb, zero, key_id);
	if (!entry) {
		if (conf->l2miss && !is_multicast_ether_addr(eth->h_dest))
			stt_neigh_l2miss(conf, eth->h_dest, id);
		goto drop;
	}
	if (time_after(jiffies, READ_ONCE(entry->used)))
		WRITE_ONCE(entry->used, jiffies);

	group = rcu_dereference(entry->nh);
	if (group) {
		first = stt_fdb_nh_select(conf, group,
					  stt_inner_hash(skb, in));
		if (!first)
			goto drop;
		stt_xmit_dest(stt, &to, first, id, skb, in, off);
		return;
	}
	list_for_each_entry_rcu(dest, &entry->dests, list) {
		if (!first) {
			first = dest;
			continue;
		}
		clone = skb_clone(skb, GFP_ATOMIC);
		if (clone)
			stt_xmit_dest(stt, &to, dest, dest->at.id, clone, in,
				      off);
		else
			stt_dev_count(stt, STT_DEV_tx_dropped);
	}
	if (first) {
		stt_xmit_dest(stt, &to, first, first->at.id, skb, in, off);
		return;
	}
drop:
	stt_xmit_no_dest(stt, skb, id, SKB_DROP_REASON_NO_TX_TARGET);
}

/**
 * stt_xmit_nexthop - send an inner packet to a nexthop that its metadata name
 * @conf: external configuration
 * @skb: inner packet, from the Ethernet header on; taken over
 * @nhid: FDB nexthop or group, in the underlay's namespace
 * @id: context id
 * @in: what the packet is
 * @off: the VLAN fields are filled in
 *
 * A bridge names one for packets to a port that is down (backup_nhid).
 *
 * Context: BH disabled, RCU read side.
 */
static void stt_xmit_nexthop(const struct stt_conf *conf, struct sk_buff *skb,
			     u32 nhid, u64 id, const struct stt_inner *in,
			     const struct stt_offload *off)
{
	struct stt_dest to = conf->dest;
	struct stt_dev *stt = conf->stt;
	struct stt_path_key key;
	struct stt_fdb_where at;
	struct nexthop *nh;

	nh = nexthop_find_by_id(stt->net, nhid);
	if (!nh || !nexthop_is_fdb(nh) ||
	    !stt_fdb_nh_where(conf, nh, stt_inner_hash(skb, in), &at)) {
		stt_xmit_no_dest(stt, skb, id,
				 stt_tx_reason(STT_DEV_tx_no_route));
		return;
	}
	stt_fdb_path_key(conf, &at, STT_PATH_LEARNED, &key);
	to.path = stt_path_keep_rcu(stt->net, &key);
	to.key = to.path ? &to.path->key : &key;
	to.id = id;
	to.counters = stt_ids_get(stt, id, true);
	stt_tx_to(stt, &to, skb, in, off);
}

/* ---- packets ------------------------------------------------------------- */

/*
 * Move an 802.1Q tag from the packet to the VLAN field; any other tag belongs
 * into the frame (W9).  Returns NULL, with @skb dropped, when there is no
 * memory.
 */
static struct sk_buff *stt_xmit_vlan(struct stt_dev *stt, struct sk_buff *skb,
				     struct stt_offload *off)
{
	const struct ethhdr *eth;

	off->vlan_present = false;
	off->vlan_tci = 0;
	if (skb_vlan_tag_present(skb)) {
		if (skb->vlan_proto != htons(ETH_P_8021Q)) {
			skb = __vlan_hwaccel_push_inside(skb);
			if (!skb)
				stt_dev_count(stt, STT_DEV_tx_dropped);
			return skb;
		}
		off->vlan_tci = skb_vlan_tag_get(skb);
		off->vlan_present = true;
		__vlan_hwaccel_clear_tag(skb);
		return skb;
	}

	eth = (const struct ethhdr *)skb->data;
	if (eth->h_proto != htons(ETH_P_8021Q))
		return skb;
	if (__skb_vlan_pop(skb, &off->vlan_tci)) {
		stt_tx_dropped(stt, skb, SKB_DROP_REASON_NOMEM);
		return NULL;
	}
	off->vlan_present = true;

	return skb;
}

/*
 * As stt_tx_to(), to where the packet's metadata say; when they name an id
 * alone, to where the FDB says.
 */
static void stt_xmit_external(struct stt_dev *stt, const struct stt_conf *conf,
			      struct sk_buff *skb, const struct stt_inner *in,
			      const struct stt_offload *off)
{
	struct stt_path_key key;
	struct stt_dest dest;
	u32 nhid;
	u64 id;

	if (likely(stt_external_dest(conf, skb, &dest, &key))) {
		dest.counters = stt_ids_get(stt, dest.id, true);
		stt_tx_to(stt, &dest, skb, in, off);
		return;
	}
	if (stt_external_id(conf, skb, &id, &nhid)) {
		if (nhid)
			stt_xmit_nexthop(conf, skb, nhid, id, in, off);
		else
			stt_xmit_fdb(conf, skb, id, in, off);
	} else if (!skb_tunnel_info(skb) && stt_neigh_is_setup(skb)) {
		stt_tx_dropped(stt, skb, SKB_DROP_REASON_TUNNEL_TXINFO);
	} else {
		stt_tx_drop(stt, skb, STT_DEV_tx_bad_key);
	}
}

/**
 * stt_start_xmit - ndo_start_xmit
 * @skb: inner packet; taken over
 * @dev: stt device
 *
 * Context: BH disabled, or from netpoll interrupts off.
 * Return: NETDEV_TX_OK: what cannot be sent is dropped and counted.
 */
netdev_tx_t stt_start_xmit(struct sk_buff *skb, struct net_device *dev)
{
	struct stt_dev *stt = netdev_priv(dev);
	struct stt_dev_cpu *s = this_cpu_ptr(stt->cpu);
	struct stt_offload off;
	struct stt_conf *conf;
	struct stt_inner in;

	if (stt_netpoll_take(stt, skb))
		return NETDEV_TX_OK;
	/* Through other tunnels back to this one: it would never end. */
	if (unlikely(s->sender == current)) {
		stt_tx_drop(stt, skb, STT_DEV_tx_loop);
		return NETDEV_TX_OK;
	}
	s->sender = current;

	rcu_read_lock();
	conf = stt_conf_rcu(stt);
	if (!conf) {
		stt_tx_drop(stt, skb, STT_DEV_tx_no_route);
		goto unlock;
	}
	if (!pskb_may_pull(skb, ETH_HLEN)) {
		stt_tx_dropped(stt, skb, SKB_DROP_REASON_PKT_TOO_SMALL);
		goto unlock;
	}
	skb_reset_mac_header(skb);
	if (unlikely(conf->proxy) && stt_neigh_proxy(stt, conf, skb))
		goto unlock;
	skb = stt_xmit_vlan(stt, skb, &off);
	if (!skb)
		goto unlock;

	stt_inner_parse(skb, &in);
	if (likely(READ_ONCE(stt->fdb.plain) && conf->dest.path))
		stt_tx_to(stt, &conf->dest, skb, &in, &off);
	else if (conf->external)
		stt_xmit_external(stt, conf, skb, &in, &off);
	else
		stt_xmit_fdb(conf, skb, conf->key.id, &in, &off);
unlock:
	rcu_read_unlock();
	/* Not who it was before: with PREEMPT_RT that one may be through. */
	s->sender = NULL;
	return NETDEV_TX_OK;
}

/**
 * stt_fill_metadata_dst - ndo_fill_metadata_dst: what would be sent
 * @dev: stt device
 * @skb: inner packet with metadata, which are the caller's to write; source
 *	address and ports are filled in
 *
 * Open vSwitch asks before it reports a packet.
 *
 * Context: BH disabled, RCU read side.
 * Return: 0, -EINVAL for metadata that cannot be followed, or what the route
 * lookup returns.
 */
int stt_fill_metadata_dst(struct net_device *dev, struct sk_buff *skb)
{
	struct ip_tunnel_info *info = skb_tunnel_info(skb);
	struct stt_dev *stt = netdev_priv(dev);
	struct stt_path_key key;
	struct dst_entry *dst;
	union stt_addr saddr;
	struct stt_inner in;
	struct stt_conf *conf;
	struct stt_dest dest;
	__be16 sport;

	conf = stt_conf_rcu(stt);
	if (!conf || !conf->external || !pskb_may_pull(skb, ETH_HLEN) ||
	    !stt_external_dest(conf, skb, &dest, &key))
		return -EINVAL;

	stt_inner_parse(skb, &in);
	sport = htons(stt_tx_sport(skb, &in, dest.key->sport_min,
				   dest.key->sport_max));
	dst = stt_dest_route(stt->net, &dest,
			     dest.tos_inherit ? in.dsfield : dest.tos,
			     dest.label_inherit ? in.label : dest.label, sport,
			     &saddr);
	if (IS_ERR(dst))
		return PTR_ERR(dst);
	dst_release(dst);

	if (dest.key->family == AF_INET6)
		info->key.u.ipv6.src = saddr.v6;
	else
		info->key.u.ipv4.src = saddr.v4;
	info->key.tp_src = sport;
	info->key.tp_dst = dest.key->dport;

	return 0;
}
