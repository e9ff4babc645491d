// SPDX-License-Identifier: GPL-2.0
/*
 * External mode: a packet's tunnel metadata say where its frame goes, and a
 * received packet gets metadata that say where its frame came from.
 */
#include <linux/hash.h>
#include <linux/percpu.h>
#include <net/dst_metadata.h>
#include <net/ip.h>
#include <net/ip_tunnels.h>
#include <net/ipv6.h>

#include "include/stt.h"
#include "include/stt_addr.h"
#include "include/stt_conf.h"
#include "include/stt_dev.h"
#include "include/stt_external.h"
#include "include/stt_path.h"
#include "include/stt_port.h"

#define STT_EXTERNAL_BITS	4

/**
 * struct stt_external_slot - where metadata sent a packet
 * @asked: the metadata
 * @gen: &stt_net.path_gen when the path of @dest was looked up
 * @dest: where it went; with a path, or nothing is known
 */
struct stt_external_slot {
	struct ip_tunnel_key	asked;
	unsigned long		gen;
	struct stt_dest		dest;
} ____cacheline_aligned;

/**
 * struct stt_external - where an external device's last packets went, for one
 *	CPU
 * @slots: by receiver and context id
 *
 * Written and read by its CPU alone, with BH disabled: see stt_bh_exclusive().
 */
struct stt_external {
	struct stt_external_slot slots[1 << STT_EXTERNAL_BITS];
};

/**
 * stt_external_init - nothing was sent yet
 * @conf: external configuration
 *
 * Return: 0 or -ENOMEM.
 */
int stt_external_init(struct stt_conf *conf)
{
	if (!stt_bh_exclusive())
		return 0;
	conf->sent = alloc_percpu_gfp(struct stt_external, GFP_KERNEL_ACCOUNT);

	return conf->sent ? 0 : -ENOMEM;
}

/**
 * stt_external_free - undo stt_external_init()
 * @conf: configuration that no packet sees any longer
 */
void stt_external_free(struct stt_conf *conf)
{
	free_percpu(conf->sent);
}

/* Do they say the same, as far as STT sends it? */
static __always_inline bool stt_external_same(const struct ip_tunnel_key *a,
					      const struct ip_tunnel_key *b,
					      bool ip6)
{
	if (a->tun_id != b->tun_id || a->tos != b->tos || a->ttl != b->ttl ||
	    a->label != b->label || a->tp_dst != b->tp_dst ||
	    ip_tunnel_key_flag(a, IP_TUNNEL_DONT_FRAGMENT_BIT) !=
	    ip_tunnel_key_flag(b, IP_TUNNEL_DONT_FRAGMENT_BIT))
		return false;
	if (ip6)
		return ipv6_addr_equal(&a->u.ipv6.src, &b->u.ipv6.src) &&
		       ipv6_addr_equal(&a->u.ipv6.dst, &b->u.ipv6.dst);

	return a->u.ipv4.src == b->u.ipv4.src && a->u.ipv4.dst == b->u.ipv4.dst;
}

static void stt_external_addrs(const struct ip_tunnel_info *info,
			       struct stt_path_key *key)
{
	memset(key, 0, sizeof(*key));
	key->family = ip_tunnel_info_af(info);
	if (key->family == AF_INET6) {
		key->remote.v6 = info->key.u.ipv6.dst;
		key->local.v6 = info->key.u.ipv6.src;
	} else {
		key->remote.v4 = info->key.u.ipv4.dst;
		key->local.v4 = info->key.u.ipv4.src;
	}
}

/* The mark of another namespace, or a policy's, says nothing about routes. */
static u32 stt_external_mark(const struct stt_conf *conf,
			     const struct sk_buff *skb)
{
	if (conf->fwmark || conf->dest.mark_mask ||
	    !net_eq(conf->stt->net, dev_net(conf->stt->dev)))
		return conf->fwmark;

	return skb->mark;
}

/* What @info asks for: all of @dest and of @key but the path. */
static bool stt_external_ask(const struct stt_conf *conf,
			     const struct ip_tunnel_info *info, u32 mark,
			     struct stt_dest *dest, struct stt_path_key *key)
{
	const struct stt_port *port;
	u64 id;

	id = be64_to_cpu(info->key.tun_id);
	if (!stt_conf_takes_id(conf, id))
		return false;
	port = stt_conf_port(conf, ip_tunnel_info_af(info));
	if (!port)
		return false;

	*dest = conf->dest;
	dest->id = id;
	dest->localbypass = false;
	if (info->key.ttl) {
		dest->ttl = info->key.ttl;
		dest->ttl_inherit = false;
	}
	if (info->key.tos) {
		dest->tos = info->key.tos;
		dest->tos_inherit = false;
	}
	if (info->key.label) {
		dest->label = info->key.label & IPV6_FLOWLABEL_MASK;
		dest->label_inherit = false;
	}
	if (ip_tunnel_key_flag(&info->key, IP_TUNNEL_DONT_FRAGMENT_BIT))
		dest->df = STT_DF_SET;
	dest->key = key;

	stt_external_addrs(info, key);
	if (stt_addr_any(&key->remote))
		return false;
	if (stt_addr_any(&key->local))
		key->local = conf->key.local;
	key->dport = info->key.tp_dst ? : port->number;
	key->number = port->number;
	key->link = conf->link;
	key->scope = conf->key.scope;
	key->use = STT_PATH_LEARNED;
	if (key->family == AF_INET6 &&
	    ipv6_addr_type(&key->remote.v6) & IPV6_ADDR_LINKLOCAL)
		key->scope = conf->link;
	key->mark = mark;
	key->sport_min = conf->sport_min;
	key->sport_max = conf->sport_max;
	key->tos = dest->tos & INET_DSCP_MASK;

	return true;
}

/* What is remembered of such packets; NULL: nothing can be. */
static struct stt_external_slot *
stt_external_slot_of(const struct stt_conf *conf,
		     const struct ip_tunnel_info *info)
{
	u32 x = (__force u64)info->key.tun_id >> 32;

	if (!stt_bh_exclusive())
		return NULL;
	x ^= (__force u64)info->key.tun_id;
	x ^= (__force u32)(info->mode & IP_TUNNEL_INFO_IPV6 ?
			   info->key.u.ipv6.dst.s6_addr32[3] :
			   info->key.u.ipv4.dst);

	return &this_cpu_ptr(conf->sent)->slots[hash_32(x, STT_EXTERNAL_BITS)];
}

/* @slot's path is there: see stt_external_dest(). */
static __always_inline bool
stt_external_known(const struct stt_external_slot *slot,
		   const struct ip_tunnel_info *info, u32 mark)
{
	const struct stt_path_key *key = slot->dest.key;

	return key->mark == mark && key->family == ip_tunnel_info_af(info) &&
	       stt_external_same(&slot->asked, &info->key,
				 key->family == AF_INET6);
}

/**
 * stt_external_dest - where a packet's metadata send it
 * @conf: external configuration; says what the metadata leave open: port,
 *	source address, TTL, DSCP and flow label where they say 0, and DF where
 *	they do not ask for it
 * @skb: inner packet; the metadata are its dst's
 * @dest: filled in; good as long as @skb, @key and the RCU read side last
 * @key: room for @dest
 *
 * That a path goes is said by &stt_net.path_gen before its grace period
 * begins: while that has the value it had before the lookup, a remembered path
 * is there.
 *
 * Context: BH disabled, RCU read side.
 * Return: false when there are no metadata, or none that can be followed.
 */
bool stt_external_dest(const struct stt_conf *conf, const struct sk_buff *skb,
		       struct stt_dest *dest, struct stt_path_key *key)
{
	/* Pairs with stt_path_remove(). */
	unsigned long gen = smp_load_acquire(&stt_net(conf->stt->net)->path_gen);
	struct ip_tunnel_info *info = skb_tunnel_info(skb);
	u32 mark = stt_external_mark(conf, skb);
	struct stt_external_slot *slot;

	if (!info || !(info->mode & IP_TUNNEL_INFO_TX))
		return false;
	slot = stt_external_slot_of(conf, info);
	if (likely(slot && slot->dest.path && slot->gen == gen &&
		   stt_external_known(slot, info, mark))) {
		*dest = slot->dest;
		return true;
	}

	if (!stt_external_ask(conf, info, mark, dest, key))
		return false;
	dest->path = stt_path_keep_rcu(conf->stt->net, key);
	if (likely(dest->path)) {
		dest->key = &dest->path->key;
		if (!slot)
			return true;
		*slot = (struct stt_external_slot) {
			.asked = info->key,
			.gen = gen,
			.dest = *dest,
		};
	} else if (info->dst_cache.cache &&
		   ip_tunnel_dst_cache_usable(skb, info)) {
		/*
		 * The caller's route cache is for want of a better one: it
		 * knows of the metadata alone, not of the device's mark, link
		 * and endpoint.
		 */
		dest->cache = &info->dst_cache;
	}

	return true;
}

static bool stt_external_has_peer(const struct ip_tunnel_info *info)
{
	if (ip_tunnel_info_af(info) == AF_INET6)
		return !ipv6_addr_any(&info->key.u.ipv6.dst);

	return info->key.u.ipv4.dst;
}

/**
 * stt_external_id - the context id of a packet that the FDB is to forward
 * @conf: external configuration
 * @skb: inner packet; the metadata are its dst's
 * @id: filled in
 * @nhid: filled in: nexthop group that the packet goes to in place of where
 *	the FDB says, or 0
 *
 * The FDB forwards what has metadata with an id and no peer: the bridge's VLAN
 * tunnels say so, and with a device that learns or has entries, all others may.
 *
 * Context: RCU read side.
 * Return: false when it is not for the FDB.
 */
bool stt_external_id(const struct stt_conf *conf, struct sk_buff *skb,
		     u64 *id, u32 *nhid)
{
	const struct ip_tunnel_info *info;

	info = skb_tunnel_info(skb);
	if (!info || !(info->mode & IP_TUNNEL_INFO_TX) ||
	    stt_external_has_peer(info))
		return false;
	if (!(info->mode & IP_TUNNEL_INFO_BRIDGE) && !conf->learning &&
	    !READ_ONCE(conf->stt->fdb.count))
		return false;
	*id = be64_to_cpu(info->key.tun_id);
	*nhid = ip_tunnel_key_nhid(&info->key);

	return stt_conf_takes_id(conf, *id);
}

static void stt_external_rx_key(struct ip_tunnel_key *key,
				const struct stt_flow_key *from,
				const struct sk_buff *skb, u64 id, u8 dsfield)
{
	memset(key, 0, sizeof(*key));
	ip_tunnel_key_set_flag(key, IP_TUNNEL_KEY_BIT);
	ip_tunnel_key_set_flag(key, IP_TUNNEL_CSUM_BIT);
	key->tun_id = cpu_to_be64(id);
	key->tos = dsfield;
	key->tp_src = from->sport;
	key->tp_dst = from->dport;
	if (from->family == AF_INET6) {
		const struct ipv6hdr *ip6h = ipv6_hdr(skb);

		key->u.ipv6.src = from->saddr.v6;
		key->u.ipv6.dst = from->daddr.v6;
		key->ttl = ip6h->hop_limit;
		key->label = ip6_flowlabel(ip6h);
	} else {
		key->u.ipv4.src = from->saddr.v4;
		key->u.ipv4.dst = from->daddr.v4;
		key->ttl = ip_hdr(skb)->ttl;
		if (ip_hdr(skb)->frag_off & htons(IP_DF))
			ip_tunnel_key_set_flag(key,
					       IP_TUNNEL_DONT_FRAGMENT_BIT);
	}
}

/**
 * stt_external_rx_dst - what a frame came with, for those who ask its packets
 * @last: metadata of a frame before, whose place the new ones take; or NULL
 * @from: its addresses
 * @skb: frame; its outer IP header is where it was
 * @id: context id
 * @dsfield: outer DSCP and ECN
 *
 * Nobody writes into metadata that came with a packet, as its clones have the
 * same: frames of a flow have them in common as long as they do not differ.
 *
 * Context: BH disabled; allocates atomically.
 * Return: a reference to metadata, or NULL.
 */
struct metadata_dst *stt_external_rx_dst(struct metadata_dst **last,
					 const struct stt_flow_key *from,
					 const struct sk_buff *skb, u64 id,
					 u8 dsfield)
{
	bool ip6 = from->family == AF_INET6;
	struct ip_tunnel_info *info;
	struct ip_tunnel_key key;
	struct metadata_dst *md;

	stt_external_rx_key(&key, from, skb, id, dsfield);
	if (last && *last && (*last)->u.tun_info.key.tp_src == key.tp_src &&
	    stt_external_same(&(*last)->u.tun_info.key, &key, ip6)) {
		dst_hold(&(*last)->dst);
		return *last;
	}

	md = tun_rx_dst(0);
	if (!md)
		return NULL;
	info = &md->u.tun_info;
	info->key = key;
	info->mode = ip6 ? IP_TUNNEL_INFO_IPV6 : 0;
	if (last) {
		if (*last)
			dst_release(&(*last)->dst);
		dst_hold(&md->dst);
		*last = md;
	}

	return md;
}
