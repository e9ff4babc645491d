// SPDX-License-Identifier: GPL-2.0
/*
 * What "bridge monitor" and "bridge fdb show" are told of an FDB entry.
 *
 * Messages have 32 bits for an entry's context id (src_vni), and tools 24 for
 * that of a destination (vni): wider ids are left out.
 */
#include <linux/etherdevice.h>
#include <linux/rtnetlink.h>
#include <net/netlink.h>
#include <net/nexthop.h>
#include <net/rtnetlink.h>

#include "include/stt_conf.h"
#include "include/stt_dev.h"
#include "include/stt_fdb.h"
#include "include/stt_port.h"

static int stt_fdb_fill_dest(struct sk_buff *skb, const struct stt_conf *conf,
			     const struct stt_fdb_entry *entry,
			     const struct stt_fdb_dest *dest)
{
	const struct stt_fdb_where *at = &dest->at;
	int err;

	if (at->family == AF_INET6)
		err = nla_put_in6_addr(skb, NDA_DST, &at->addr.v6);
	else
		err = nla_put_in_addr(skb, NDA_DST, at->addr.v4);
	if (!err && at->port != conf->port->number)
		err = nla_put_be16(skb, NDA_PORT, at->port);
	if (!err && at->id != stt_fdb_frame_id(conf, &entry->key) &&
	    at->id < STT_FDB_VNIS)
		err = nla_put_u32(skb, NDA_VNI, at->id);
	if (!err && at->link)
		err = nla_put_u32(skb, NDA_IFINDEX, at->link);

	return err;
}

/**
 * stt_fdb_fill - one message: an entry and one of its destinations
 * @skb: takes the message
 * @stt: device
 * @entry: entry
 * @dest: which of its destinations, or NULL for its nexthop group
 * @portid: netlink port that it is for
 * @seq: sequence number of the request
 * @type: RTM_NEWNEIGH or RTM_DELNEIGH
 * @nl_flags: NLM_F_*
 *
 * Context: &stt_fdb.lock, or RCU read side.
 * Return: 0, or -EMSGSIZE with nothing added.
 */
int stt_fdb_fill(struct sk_buff *skb, const struct stt_dev *stt,
		 const struct stt_fdb_entry *entry,
		 const struct stt_fdb_dest *dest, u32 portid, u32 seq,
		 int type, unsigned int nl_flags)
{
	const struct stt_fdb_nh *group;
	const struct stt_conf *conf;
	struct nda_cacheinfo ci = { };
	struct nlmsghdr *nlh;
	struct ndmsg *ndm;
	int err = 0;

	nlh = nlmsg_put(skb, portid, seq, type, sizeof(*ndm), nl_flags);
	if (!nlh)
		return -EMSGSIZE;
	ndm = nlmsg_data(nlh);
	memset(ndm, 0, sizeof(*ndm));
	ndm->ndm_family = AF_BRIDGE;
	ndm->ndm_state = READ_ONCE(entry->state);
	ndm->ndm_ifindex = stt->dev->ifindex;
	ndm->ndm_flags = READ_ONCE(entry->flags);
	ndm->ndm_type = RTN_UNICAST;

	rcu_read_lock();
	conf = stt_conf_rcu(stt);
	group = rcu_dereference(entry->nh);
	if (!net_eq(dev_net(stt->dev), stt->net))
		err = nla_put_s32(skb, NDA_LINK_NETNSID,
				  peernet2id(dev_net(stt->dev), stt->net));
	if (!err)
		err = nla_put(skb, NDA_LLADDR, ETH_ALEN, entry->key.mac);
	if (!err && group)
		err = nla_put_u32(skb, NDA_NH_ID, group->nh->id);
	else if (!err && dest && conf)
		err = stt_fdb_fill_dest(skb, conf, entry, dest);
	if (!err && conf && conf->external && entry->key.id <= U32_MAX)
		err = nla_put_u32(skb, NDA_SRC_VNI, entry->key.id);
	rcu_read_unlock();

	ci.ndm_used = jiffies_to_clock_t(jiffies - READ_ONCE(entry->used));
	ci.ndm_updated = jiffies_to_clock_t(jiffies -
					    READ_ONCE(entry->updated));
	if (!err)
		err = nla_put(skb, NDA_CACHEINFO, sizeof(ci), &ci);
	if (err) {
		nlmsg_cancel(skb, nlh);
		return -EMSGSIZE;
	}
	nlmsg_end(skb, nlh);

	return 0;
}

static size_t stt_fdb_msg_size(void)
{
	return NLMSG_ALIGN(sizeof(struct ndmsg)) +
	       nla_total_size(sizeof(s32)) +		/* LINK_NETNSID */
	       nla_total_size(ETH_ALEN) +		/* LLADDR */
	       nla_total_size(sizeof(struct in6_addr)) + /* DST */
	       nla_total_size(sizeof(__be16)) +		/* PORT */
	       nla_total_size(sizeof(u32)) +		/* SRC_VNI */
	       /* VNI, IFINDEX or NH_ID */
	       nla_total_size(sizeof(u32)) * 2 +
	       nla_total_size(sizeof(struct nda_cacheinfo));
}

/**
 * stt_fdb_notify - tell listeners what became of an entry
 * @stt: device
 * @entry: entry
 * @dest: which of its destinations, or NULL for a nexthop group
 * @type: RTM_NEWNEIGH or RTM_DELNEIGH
 *
 * Context: &stt_fdb.lock.
 */
void stt_fdb_notify(struct stt_dev *stt, const struct stt_fdb_entry *entry,
		    const struct stt_fdb_dest *dest, int type)
{
	struct net *net = dev_net(stt->dev);
	struct sk_buff *skb;
	int err = -ENOBUFS;

	if (!rtnl_has_listeners(net, RTNLGRP_NEIGH))
		return;
	skb = nlmsg_new(stt_fdb_msg_size(), GFP_ATOMIC);
	if (skb)
		err = stt_fdb_fill(skb, stt, entry, dest, 0, 0, type, 0);
	if (err) {
		WARN_ON_ONCE(err == -EMSGSIZE);
		kfree_skb(skb);
		rtnl_set_sk_err(net, RTNLGRP_NEIGH, err);
		return;
	}
	rtnl_notify(skb, net, 0, RTNLGRP_NEIGH, NULL, GFP_ATOMIC);
}
