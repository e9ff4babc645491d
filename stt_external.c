// SPDX-License-Identifier: GPL-2.0
/*
 * External mode: a packet's tunnel metadata say where its frame goes, and a
 * received packet gets metadata that say where its frame came from.
 */
#include <net/dst_metadata.h>
#include <net/ip.h>
#include <net/ip_tunnels.h>
#include <net/ipv6.h>

#include "include/stt.h"

/* The endpoint of that family, if the device has one. */
static const struct stt_port *stt_external_port(const struct stt_conf *conf,
						sa_family_t family)
{
	if (conf->port->family == family)
		return conf->port;

	return conf->port6 && conf->port6->family == family ? conf->port6 :
							      NULL;
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

/**
 * stt_external_dest - where a packet's metadata send it
 * @conf: external configuration; says what the metadata leave open: port,
 *	source address, TTL, DSCP and flow label where they say 0, and DF where
 *	they do not ask for it
 * @skb: inner packet; the metadata are its dst's
 * @dest: filled in; good as long as @skb, @key and the RCU read side last
 * @key: filled in for @dest
 *
 * Context: BH disabled, RCU read side.
 * Return: false when there are no metadata, or none that can be followed.
 */
bool stt_external_dest(const struct stt_conf *conf, const struct sk_buff *skb,
		       struct stt_dest *dest, struct stt_path_key *key)
{
	struct ip_tunnel_info *info = skb_tunnel_info(skb);
	const struct stt_port *port;
	u64 id;

	if (!info || !(info->mode & IP_TUNNEL_INFO_TX))
		return false;
	id = be64_to_cpu(info->key.tun_id);
	if (!stt_conf_takes_id(conf, id))
		return false;
	port = stt_external_port(conf, ip_tunnel_info_af(info));
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
	/* The mark of another namespace, or a policy's, says nothing here. */
	key->mark = conf->fwmark;
	if (!key->mark && !dest->mark_mask &&
	    net_eq(conf->stt->net, dev_net(conf->stt->dev)))
		key->mark = skb->mark;
	key->sport_min = conf->sport_min;
	key->sport_max = conf->sport_max;
	key->tos = dest->tos & INET_DSCP_MASK;

	dest->key = key;
	dest->path = stt_path_keep_rcu(conf->stt->net, key);
	/*
	 * The caller's route cache is for want of a better one: it knows of
	 * the metadata alone, not of the device's mark, link and endpoint.
	 */
	if (unlikely(!dest->path) && info->dst_cache.cache &&
	    ip_tunnel_dst_cache_usable(skb, info))
		dest->cache = &info->dst_cache;

	return true;
}

static void stt_external_rx_key(struct ip_tunnel_key *key,
				const struct stt_flow_key *from,
				const struct sk_buff *skb, u64 id, u8 dsfield)
{
	memset(key, 0, sizeof(*key));
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
	ip_tunnel_key_set_flag(&key, IP_TUNNEL_KEY_BIT);
	ip_tunnel_key_set_flag(&key, IP_TUNNEL_CSUM_BIT);
	if (!ip6 && ip_hdr(skb)->frag_off & htons(IP_DF))
		ip_tunnel_key_set_flag(&key, IP_TUNNEL_DONT_FRAGMENT_BIT);

	if (last && *last &&
	    !memcmp(&(*last)->u.tun_info.key, &key, sizeof(key))) {
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
	sport = htons(stt_tx_sport(skb, &in, key.sport_min, key.sport_max));
	dst = stt_dest_route(stt->net, &dest,
			     dest.tos_inherit ? in.dsfield : dest.tos,
			     dest.label_inherit ? in.label : dest.label, sport,
			     &saddr);
	if (IS_ERR(dst))
		return PTR_ERR(dst);
	dst_release(dst);

	if (key.family == AF_INET6)
		info->key.u.ipv6.src = saddr.v6;
	else
		info->key.u.ipv4.src = saddr.v4;
	info->key.tp_src = sport;
	info->key.tp_dst = key.dport;

	return 0;
}
