// SPDX-License-Identifier: GPL-2.0
/*
 * Requests of "bridge fdb": add, append, replace, del, flush, show and get.
 * They come under RTNL; between two of them packets learn and entries age.
 *
 * Tools have 24 bits for a context id (vni), messages 32 for that of an entry
 * (src_vni).  A device with a wider id refuses them.
 */
#include <linux/etherdevice.h>
#include <linux/rtnetlink.h>
#include <net/neighbour.h>
#include <net/netlink.h>
#include <net/nexthop.h>
#include <net/rtnetlink.h>

#include "include/stt_addr.h"
#include "include/stt_conf.h"
#include "include/stt_dev.h"
#include "include/stt_fdb.h"
#include "include/stt_path.h"
#include "include/stt_port.h"

/* ---- messages -> requests ---------------------------------------------- */

/**
 * struct stt_fdb_request - what a message is about
 * @key: the entry
 * @at: the destination
 * @nhid: nexthop group, or 0
 * @dst: it names a destination
 * @any_link: without saying by which interface
 */
struct stt_fdb_request {
	struct stt_fdb_key	key;
	struct stt_fdb_where	at;
	u32			nhid;
	bool			dst;
	bool			any_link;
};

static int stt_fdb_parse_addr(const struct stt_conf *conf,
			      struct stt_fdb_where *at,
			      const struct nlattr *attr,
			      struct netlink_ext_ack *extack)
{
	bool v6 = nla_len(attr) == sizeof(struct in6_addr);

	if (!v6 && nla_len(attr) != sizeof(struct in_addr)) {
		NL_SET_ERR_MSG_ATTR(extack, attr, "Not an address");
		return -EINVAL;
	}
	at->family = v6 ? AF_INET6 : AF_INET;
	if (!stt_conf_port(conf, at->family)) {
		NL_SET_ERR_MSG_ATTR(extack, attr,
				    "Destination is of another address family than the device");
		return -EAFNOSUPPORT;
	}
	memset(&at->addr, 0, sizeof(at->addr));
	if (v6)
		at->addr.v6 = nla_get_in6_addr(attr);
	else
		at->addr.v4 = nla_get_in_addr(attr);

	return 0;
}

/* Only where tools can name all there is. */
static int stt_fdb_parse_vni(const struct stt_conf *conf, u64 *id,
			     const struct nlattr *attr,
			     struct netlink_ext_ack *extack)
{
	if (nla_len(attr) != sizeof(u32) ||
	    nla_get_u32(attr) >= STT_FDB_VNIS) {
		NL_SET_ERR_MSG_ATTR(extack, attr, "vni has more than 24 bits");
		return -EINVAL;
	}
	if (conf->key.id >= STT_FDB_VNIS) {
		NL_SET_ERR_MSG_ATTR(extack, attr,
				    "vni has 24 bits, and the device's id more");
		return -EINVAL;
	}
	if (!stt_conf_takes_id(conf, nla_get_u32(attr))) {
		NL_SET_ERR_MSG_ATTR(extack, attr,
				    "vni has more bits than the device's idbits");
		return -EINVAL;
	}
	*id = nla_get_u32(attr);

	return 0;
}

/*
 * The context id of the packets that an entry is for.  A device with an id has
 * no other, and accepts that one: controllers put it into every request.
 */
static int stt_fdb_parse_src_vni(const struct stt_conf *conf, u64 *id,
				 const struct nlattr *attr,
				 struct netlink_ext_ack *extack)
{
	if (nla_len(attr) != sizeof(u32)) {
		NL_SET_ERR_MSG_ATTR(extack, attr, "src_vni is not a number");
		return -EINVAL;
	}
	if (!conf->external && nla_get_u32(attr) != conf->key.id) {
		NL_SET_ERR_MSG_ATTR(extack, attr,
				    "src_vni is not the device's id");
		return -EINVAL;
	}
	if (!stt_conf_takes_id(conf, nla_get_u32(attr))) {
		NL_SET_ERR_MSG_ATTR(extack, attr,
				    "src_vni has more bits than the device's idbits");
		return -EINVAL;
	}
	*id = stt_fdb_key_id(conf, nla_get_u32(attr));

	return 0;
}

static int stt_fdb_parse_link(struct net *net, const struct nlattr *attr,
			      int *link, struct netlink_ext_ack *extack)
{
	if (nla_len(attr) != sizeof(u32) || nla_get_u32(attr) > INT_MAX) {
		NL_SET_ERR_MSG_ATTR(extack, attr, "Not an interface index");
		return -EINVAL;
	}
	*link = nla_get_u32(attr);
	if (*link && !__dev_get_by_index(net, *link)) {
		NL_SET_ERR_MSG_ATTR(extack, attr,
				    "No such interface in the underlay's namespace");
		return -ENODEV;
	}

	return 0;
}

static int stt_fdb_parse(struct stt_dev *stt, struct nlattr *tb[],
			 const u8 *mac, struct stt_fdb_request *req,
			 struct netlink_ext_ack *extack)
{
	const struct stt_conf *conf = stt_conf_rtnl(stt);
	int err = 0;

	memset(req, 0, sizeof(*req));
	ether_addr_copy(req->key.mac, mac);
	req->at.port = conf->port->number;
	req->any_link = !tb[NDA_IFINDEX];

	if (tb[NDA_NH_ID]) {
		if (tb[NDA_DST] || tb[NDA_VNI] || tb[NDA_IFINDEX] ||
		    tb[NDA_PORT]) {
			NL_SET_ERR_MSG(extack,
				       "A nexthop group (nhid) takes no dst, port, vni or via");
			return -EINVAL;
		}
		if (nla_len(tb[NDA_NH_ID]) != sizeof(u32)) {
			NL_SET_ERR_MSG_ATTR(extack, tb[NDA_NH_ID],
					    "Not a nexthop id");
			return -EINVAL;
		}
		req->nhid = nla_get_u32(tb[NDA_NH_ID]);
	}
	if (tb[NDA_SRC_VNI])
		err = stt_fdb_parse_src_vni(conf, &req->key.id,
					    tb[NDA_SRC_VNI], extack);
	req->at.id = stt_fdb_frame_id(conf, &req->key);
	if (!err && tb[NDA_DST]) {
		err = stt_fdb_parse_addr(conf, &req->at, tb[NDA_DST], extack);
		req->dst = !stt_addr_any(&req->at.addr);
	}
	if (!err && tb[NDA_PORT]) {
		if (nla_len(tb[NDA_PORT]) != sizeof(__be16) ||
		    !nla_get_be16(tb[NDA_PORT])) {
			NL_SET_ERR_MSG_ATTR(extack, tb[NDA_PORT],
					    "Not a port number");
			return -EINVAL;
		}
		req->at.port = nla_get_be16(tb[NDA_PORT]);
	}
	if (!err && tb[NDA_VNI])
		err = stt_fdb_parse_vni(conf, &req->at.id, tb[NDA_VNI],
					extack);
	if (!err && tb[NDA_IFINDEX])
		err = stt_fdb_parse_link(stt->net, tb[NDA_IFINDEX],
					 &req->at.link, extack);

	return err;
}

/* ---- add, append, replace ---------------------------------------------- */

static bool stt_fdb_is_unicast(const struct stt_fdb_key *key)
{
	return is_valid_ether_addr(key->mac);
}

/* What a request may ask for, whatever the table holds. */
static int stt_fdb_check_add(const struct stt_dev *stt,
			     const struct stt_fdb_request *req, u16 state,
			     u16 nl_flags, struct netlink_ext_ack *extack)
{
	const union stt_addr *addr = &req->at.addr;

	if (!rtnl_dev_link_net_capable(stt->dev, stt->net)) {
		NL_SET_ERR_MSG(extack,
			       "The underlay is in a namespace that the caller does not administer");
		return -EPERM;
	}
	if (!(state & (NUD_PERMANENT | NUD_REACHABLE))) {
		NL_SET_ERR_MSG(extack,
			       "State must be permanent, static or dynamic");
		return -EINVAL;
	}
	if (req->nhid && !stt_fdb_is_static(state)) {
		NL_SET_ERR_MSG(extack,
			       "An entry with a nexthop group cannot be dynamic");
		return -EINVAL;
	}
	if (nl_flags & NLM_F_REPLACE && !stt_fdb_is_unicast(&req->key)) {
		NL_SET_ERR_MSG(extack,
			       "Only unicast addresses can be replaced");
		return -EOPNOTSUPP;
	}
	if (req->nhid)
		return 0;
	if (!req->dst) {
		NL_SET_ERR_MSG(extack,
			       "A destination (dst) or nexthop group (nhid) is needed");
		return -EINVAL;
	}
	if (req->at.family != AF_INET6) {
		if (ipv4_is_multicast(addr->v4) || ipv4_is_lbcast(addr->v4)) {
			NL_SET_ERR_MSG(extack, "Destination must be unicast");
			return -EINVAL;
		}
		return 0;
	}
	if (ipv6_addr_is_multicast(&addr->v6) ||
	    ipv6_addr_v4mapped(&addr->v6)) {
		NL_SET_ERR_MSG(extack,
			       "Destination must be unicast, and not IPv4-mapped");
		return -EINVAL;
	}
	if (ipv6_addr_type(&addr->v6) & IPV6_ADDR_LINKLOCAL &&
	    !req->at.link && !stt_conf_rtnl(stt)->link) {
		NL_SET_ERR_MSG(extack,
			       "A link-local destination needs an interface (via)");
		return -EINVAL;
	}

	return 0;
}

/* What does not go together with the entry that is there. */
static int stt_fdb_check_existing(struct stt_fdb_entry *entry,
				  const struct stt_fdb_request *req,
				  u16 state, u16 nl_flags,
				  struct netlink_ext_ack *extack)
{
	if (nl_flags & NLM_F_EXCL) {
		NL_SET_ERR_MSG(extack, "The address has an entry");
		return -EEXIST;
	}
	if (req->nhid && !rcu_access_pointer(entry->nh)) {
		NL_SET_ERR_MSG(extack,
			       "A nexthop group cannot replace destinations");
		return -EOPNOTSUPP;
	}
	if (rcu_access_pointer(entry->nh) && !req->nhid) {
		NL_SET_ERR_MSG(extack,
			       "A destination cannot replace a nexthop group");
		return -EOPNOTSUPP;
	}
	if (req->nhid && nl_flags & NLM_F_APPEND) {
		NL_SET_ERR_MSG(extack, "An entry has one nexthop group");
		return -EOPNOTSUPP;
	}
	if (nl_flags & NLM_F_APPEND && stt_fdb_is_unicast(&entry->key) &&
	    !stt_fdb_dest_find(entry, &req->at)) {
		NL_SET_ERR_MSG(extack,
			       "Only the all-zero and multicast addresses take several destinations");
		return -EOPNOTSUPP;
	}

	return 0;
}

/* Give an entry to a nexthop group. */
static void stt_fdb_set_nh(struct stt_fdb *fdb, struct stt_fdb_entry *entry,
			   struct stt_fdb_nh *group)
{
	struct stt_fdb_nh *old;

	old = rcu_dereference_protected(entry->nh,
					lockdep_is_held(&fdb->lock));
	list_del_init(&entry->nh_list);
	list_add(&entry->nh_list, &group->entries);
	rcu_assign_pointer(entry->nh, group);
	if (old)
		stt_fdb_nh_put(fdb, old);
}

/*
 * Change an entry, checked before.  *@dest is taken over, and then NULL, if it
 * gets a destination.
 */
static int stt_fdb_update(struct stt_fdb *fdb, struct stt_fdb_entry *entry,
			  struct stt_fdb_dest **dest,
			  struct stt_fdb_nh *group, u16 state, u8 flags,
			  u16 nl_flags)
{
	const struct stt_conf *conf = stt_conf_rtnl(stt_fdb_dev(fdb));
	struct stt_fdb_dest *told = NULL;
	bool changed = false;
	int err;

	/* What a controller learnt does not make light of what a user said. */
	if (!(flags & NTF_EXT_LEARNED && entry->by_user)) {
		changed = entry->state != state ||
			  entry->flags != (flags & ~NTF_USE);
		err = stt_fdb_restate(conf, entry, state);
		if (err)
			return err;
		WRITE_ONCE(entry->flags, flags & ~NTF_USE);
		entry->by_user = true;
	}

	if (group) {
		if (nl_flags & NLM_F_REPLACE &&
		    rcu_access_pointer(entry->nh) != group) {
			stt_fdb_set_nh(fdb, entry, group);
			changed = true;
		}
	} else if (nl_flags & (NLM_F_REPLACE | NLM_F_APPEND) &&
		   !stt_fdb_dest_find(entry, &(*dest)->at)) {
		told = *dest;
		if (nl_flags & NLM_F_REPLACE)
			stt_fdb_dest_replace(fdb, entry, told);
		else
			stt_fdb_dest_add(fdb, entry, told);
		*dest = NULL;
		changed = true;
	}

	if (changed || flags & NTF_USE)
		WRITE_ONCE(entry->updated, jiffies);
	if (changed) {
		if (!told && !rcu_access_pointer(entry->nh))
			told = list_first_entry(&entry->dests,
						struct stt_fdb_dest, list);
		stt_fdb_notify(stt_fdb_dev(fdb), entry, told, RTM_NEWNEIGH);
	}
	stt_fdb_age_start(stt_fdb_dev(fdb), conf, entry);

	return 0;
}

/* Put a new entry into the table.  *@entry and *@dest are taken over. */
static int stt_fdb_create(struct stt_fdb *fdb, struct stt_fdb_entry **entry,
			  struct stt_fdb_dest **dest,
			  struct stt_fdb_nh *group,
			  struct netlink_ext_ack *extack)
{
	const struct stt_conf *conf = stt_conf_rtnl(stt_fdb_dev(fdb));
	struct stt_fdb_entry *made = *entry;
	int err;

	if (conf->limit && fdb->count >= conf->limit &&
	    !stt_fdb_is_static(made->state)) {
		NL_SET_ERR_MSG(extack,
			       "As many entries as maxaddress allows: only permanent and static ones");
		return -ENOSPC;
	}
	if (*dest)
		list_add(&(*dest)->list, &made->dests);
	else
		stt_fdb_set_nh(fdb, made, group);
	err = stt_fdb_insert(fdb, made);
	if (err) {
		list_del_init(&made->nh_list);
		return err;
	}
	stt_fdb_notify(stt_fdb_dev(fdb), made, *dest, RTM_NEWNEIGH);
	stt_fdb_age_start(stt_fdb_dev(fdb), conf, made);
	*entry = NULL;
	*dest = NULL;

	return 0;
}

/**
 * stt_fdb_add - ndo_fdb_add: bridge fdb add, append, replace
 * @ndm: header of the message
 * @tb: its attributes
 * @dev: stt device
 * @addr: MAC address
 * @vid: VLAN, for a bridge and not for us
 * @nl_flags: NLM_F_*
 * @notified: set when listeners were told
 * @extack: says why not
 *
 * Context: RTNL; sleeps.
 */
int stt_fdb_add(struct ndmsg *ndm, struct nlattr *tb[],
		struct net_device *dev, const unsigned char *addr, u16 vid,
		u16 nl_flags, bool *notified, struct netlink_ext_ack *extack)
{
	u16 state = ndm->ndm_state;
	bool is_static = stt_fdb_is_static(state);
	struct stt_dev *stt = netdev_priv(dev);
	struct stt_fdb *fdb = &stt->fdb;
	struct stt_fdb_entry *entry, *made;
	struct stt_fdb_dest *dest = NULL;
	struct stt_fdb_nh *group = NULL;
	struct stt_fdb_request req;
	int err;

	err = stt_fdb_parse(stt, tb, addr, &req, extack);
	if (!err)
		err = stt_fdb_check_add(stt, &req, state, nl_flags, extack);
	if (err)
		return err;

	made = stt_fdb_entry_alloc(&req.key, state, ndm->ndm_flags & ~NTF_USE,
				   GFP_KERNEL);
	if (!made)
		return -ENOMEM;
	made->by_user = true;
	if (req.nhid) {
		group = stt_fdb_nh_get(fdb, req.nhid, extack);
		if (IS_ERR(group)) {
			kfree(made);
			return PTR_ERR(group);
		}
	} else {
		dest = stt_fdb_dest_alloc(stt_conf_rtnl(stt), &req.at,
					  is_static ? STT_PATH_STATIC :
						      STT_PATH_LEARNED,
					  GFP_KERNEL);
		if (!dest) {
			kfree(made);
			return -ENOMEM;
		}
	}

	spin_lock_bh(&fdb->lock);
	entry = stt_fdb_find(fdb, &req.key);
	if (entry) {
		err = stt_fdb_check_existing(entry, &req, state, nl_flags,
					     extack);
		if (!err)
			err = stt_fdb_update(fdb, entry, &dest, group, state,
					     ndm->ndm_flags, nl_flags);
	} else if (nl_flags & NLM_F_CREATE) {
		err = stt_fdb_create(fdb, &made, &dest, group, extack);
	} else {
		NL_SET_ERR_MSG(extack, "The address has no entry");
		err = -ENOENT;
	}
	if (group)
		stt_fdb_nh_put(fdb, group);
	spin_unlock_bh(&fdb->lock);
	stt_fdb_dest_free(dest);
	kfree(made);
	if (!err)
		*notified = true;

	return err;
}

/* ---- del --------------------------------------------------------------- */

/* The destination that is meant; its interface need not be said. */
static struct stt_fdb_dest *
stt_fdb_find_meant(struct stt_fdb_entry *entry,
		   const struct stt_fdb_request *req)
{
	struct stt_fdb_dest *dest = stt_fdb_dest_find(entry, &req->at);

	if (dest || !req->any_link)
		return dest;
	list_for_each_entry(dest, &entry->dests, list) {
		struct stt_fdb_where at = req->at;

		at.link = dest->at.link;
		if (stt_fdb_at_equal(&dest->at, &at))
			return dest;
	}

	return NULL;
}

/**
 * stt_fdb_del - ndo_fdb_del: bridge fdb del
 * @ndm: header of the message
 * @tb: its attributes
 * @dev: stt device
 * @addr: MAC address
 * @vid: VLAN, for a bridge and not for us
 * @notified: set when listeners were told
 * @extack: says why not
 *
 * Without a destination the whole entry goes.
 *
 * Context: RTNL.
 */
int stt_fdb_del(struct ndmsg *ndm, struct nlattr *tb[],
		struct net_device *dev, const unsigned char *addr, u16 vid,
		bool *notified, struct netlink_ext_ack *extack)
{
	struct stt_dev *stt = netdev_priv(dev);
	struct stt_fdb *fdb = &stt->fdb;
	struct stt_fdb_dest *dest = NULL;
	struct stt_fdb_request req;
	struct stt_fdb_entry *entry;
	int err;

	err = stt_fdb_parse(stt, tb, addr, &req, extack);
	if (err)
		return err;

	spin_lock_bh(&fdb->lock);
	entry = stt_fdb_find(fdb, &req.key);
	if (entry && req.dst)
		dest = stt_fdb_find_meant(entry, &req);
	if (!entry) {
		NL_SET_ERR_MSG(extack, "The address has no entry");
		err = -ENOENT;
	} else if (req.dst && !dest) {
		NL_SET_ERR_MSG(extack,
			       "The address has no such destination");
		err = -ENOENT;
	} else if (dest) {
		stt_fdb_dest_remove(fdb, entry, dest);
	} else {
		stt_fdb_remove(fdb, entry, true);
	}
	spin_unlock_bh(&fdb->lock);
	if (!err)
		*notified = true;

	return err;
}

/* ---- flush ------------------------------------------------------------- */

/**
 * struct stt_fdb_flush - what is to be removed
 * @state: NUD_* wanted
 * @state_mask: of these bits
 * @flags: NTF_* wanted
 * @flags_mask: of these bits
 * @nhid: nexthop group, or 0
 * @at: destination; of it only what the others say
 * @src_id: &stt_fdb_key.id, if @src_vni says so
 * @addr: its address
 * @vni: its id
 * @port: its port
 * @src_vni: the entry's id
 */
struct stt_fdb_flush {
	u16			state;
	u16			state_mask;
	u8			flags;
	u8			flags_mask;
	u32			nhid;
	struct stt_fdb_where	at;
	u64			src_id;
	bool			addr;
	bool			vni;
	bool			port;
	bool			src_vni;
};

static const struct nla_policy stt_fdb_flush_policy[NDA_MAX + 1] = {
	[NDA_SRC_VNI]		= { .type = NLA_U32 },
	[NDA_NH_ID]		= { .type = NLA_U32 },
	[NDA_VNI]		= { .type = NLA_U32 },
	[NDA_PORT]		= { .type = NLA_U16 },
	[NDA_DST]		= NLA_POLICY_RANGE(NLA_BINARY,
						   sizeof(struct in_addr),
						   sizeof(struct in6_addr)),
	[NDA_NDM_STATE_MASK]	= { .type = NLA_U16 },
	[NDA_NDM_FLAGS_MASK]	= { .type = NLA_U8 },
};

#define STT_FDB_FLUSH_STATES	(NUD_PERMANENT | NUD_NOARP)
#define STT_FDB_FLUSH_FLAGS	(NTF_EXT_LEARNED | NTF_OFFLOADED | NTF_ROUTER)

static int stt_fdb_flush_parse(struct stt_dev *stt, struct nlmsghdr *nlh,
			       struct stt_fdb_flush *what,
			       struct netlink_ext_ack *extack)
{
	const struct stt_conf *conf = stt_conf_rtnl(stt);
	struct ndmsg *ndm = nlmsg_data(nlh);
	struct nlattr *tb[NDA_MAX + 1];
	int err;

	err = nlmsg_parse(nlh, sizeof(*ndm), tb, NDA_MAX, stt_fdb_flush_policy,
			  extack);
	if (err)
		return err;

	memset(what, 0, sizeof(*what));
	what->state = ndm->ndm_state;
	what->flags = ndm->ndm_flags & ~(NTF_MASTER | NTF_SELF);
	if (what->flags & ~STT_FDB_FLUSH_FLAGS) {
		NL_SET_ERR_MSG(extack, "Entries have no such flag");
		return -EINVAL;
	}
	if (what->state & ~STT_FDB_FLUSH_STATES) {
		NL_SET_ERR_MSG(extack, "Entries have no such state");
		return -EINVAL;
	}
	if (tb[NDA_NDM_STATE_MASK])
		what->state_mask = nla_get_u16(tb[NDA_NDM_STATE_MASK]);
	if (tb[NDA_NDM_FLAGS_MASK])
		what->flags_mask = nla_get_u8(tb[NDA_NDM_FLAGS_MASK]);
	if (tb[NDA_SRC_VNI]) {
		what->src_vni = true;
		err = stt_fdb_parse_src_vni(conf, &what->src_id,
					    tb[NDA_SRC_VNI], extack);
		if (err)
			return err;
	}
	if (tb[NDA_NH_ID])
		what->nhid = nla_get_u32(tb[NDA_NH_ID]);
	if (tb[NDA_PORT]) {
		what->port = true;
		what->at.port = nla_get_be16(tb[NDA_PORT]);
	}
	if (tb[NDA_VNI]) {
		what->vni = true;
		err = stt_fdb_parse_vni(conf, &what->at.id, tb[NDA_VNI],
					extack);
	}
	if (!err && tb[NDA_DST]) {
		what->addr = true;
		err = stt_fdb_parse_addr(conf, &what->at, tb[NDA_DST], extack);
	}

	return err;
}

static bool stt_fdb_flush_entry(const struct stt_fdb_entry *entry,
				const struct stt_fdb_flush *what)
{
	const struct stt_fdb_nh *group = rcu_dereference_rtnl(entry->nh);

	if ((entry->state & what->state_mask) !=
	    (what->state & what->state_mask) ||
	    (entry->flags & what->flags_mask) !=
	    (what->flags & what->flags_mask))
		return false;
	if (what->src_vni && entry->key.id != what->src_id)
		return false;

	return !what->nhid || (group && group->nh->id == what->nhid);
}

static bool stt_fdb_flush_dest(const struct stt_fdb_dest *dest,
			       const struct stt_fdb_flush *what)
{
	return (!what->addr ||
		(dest->at.family == what->at.family &&
		 stt_addr_equal(&dest->at.addr, &what->at.addr))) &&
	       (!what->vni || dest->at.id == what->at.id) &&
	       (!what->port || dest->at.port == what->at.port);
}

/* Remove an entry, or those of its destinations that are meant. */
static int stt_fdb_flush_one(struct stt_fdb *fdb, struct stt_fdb_entry *entry,
			     void *arg)
{
	const struct stt_fdb_flush *what = arg;
	struct stt_fdb_dest *dest, *tmp;
	bool last;

	if (!stt_fdb_flush_entry(entry, what))
		return 0;
	if (!what->addr && !what->vni && !what->port) {
		stt_fdb_remove(fdb, entry, true);
		return 0;
	}
	list_for_each_entry_safe(dest, tmp, &entry->dests, list) {
		last = list_is_singular(&entry->dests);
		if (stt_fdb_flush_dest(dest, what))
			stt_fdb_dest_remove(fdb, entry, dest);
		if (last)
			break;
	}

	return 0;
}

/**
 * stt_fdb_del_bulk - ndo_fdb_del_bulk: bridge fdb flush
 * @nlh: the message
 * @dev: stt device
 * @extack: says why not
 *
 * Context: RTNL; sleeps.
 */
int stt_fdb_del_bulk(struct nlmsghdr *nlh, struct net_device *dev,
		     struct netlink_ext_ack *extack)
{
	struct stt_dev *stt = netdev_priv(dev);
	struct stt_fdb_flush what;
	int err;

	err = stt_fdb_flush_parse(stt, nlh, &what, extack);
	if (!err)
		err = stt_fdb_walk(&stt->fdb, stt_fdb_flush_one, &what);

	return err;
}

/* ---- show, get --------------------------------------------------------- */

/* A dump that is under way: what ndo_fdb_dump is called with. */
struct stt_fdb_dumping {
	struct sk_buff			*skb;
	const struct netlink_callback	*cb;
	int				*idx;
};

static int stt_fdb_dump_dest(struct stt_fdb *fdb,
			     const struct stt_fdb_entry *entry,
			     const struct stt_fdb_dest *dest,
			     struct stt_fdb_dumping *dump)
{
	const struct netlink_callback *cb = dump->cb;
	const struct ndo_fdb_dump_context *ctx = (const void *)cb->ctx;
	int err = 0;

	if (*dump->idx >= ctx->fdb_idx)
		err = stt_fdb_fill(dump->skb, stt_fdb_dev(fdb), entry, dest,
				   NETLINK_CB(cb->skb).portid,
				   cb->nlh->nlmsg_seq, RTM_NEWNEIGH,
				   NLM_F_MULTI);
	if (!err)
		++*dump->idx;

	return err;
}

static int stt_fdb_dump_entry(struct stt_fdb *fdb,
			      struct stt_fdb_entry *entry, void *arg)
{
	struct stt_fdb_dest *dest;
	int err = 0;

	if (rcu_access_pointer(entry->nh))
		return stt_fdb_dump_dest(fdb, entry, NULL, arg);
	list_for_each_entry(dest, &entry->dests, list) {
		err = stt_fdb_dump_dest(fdb, entry, dest, arg);
		if (err)
			break;
	}

	return err;
}

/**
 * stt_fdb_dump - ndo_fdb_dump: bridge fdb show
 * @skb: messages go here
 * @cb: state of the dump
 * @dev: stt device
 * @filter_dev: not used
 * @idx: counts messages
 *
 * Context: RTNL; sleeps.
 * Return: 0, or -EMSGSIZE to be called again.
 */
int stt_fdb_dump(struct sk_buff *skb, struct netlink_callback *cb,
		 struct net_device *dev, struct net_device *filter_dev,
		 int *idx)
{
	struct stt_fdb_dumping dump = { .skb = skb, .cb = cb, .idx = idx };
	struct stt_dev *stt = netdev_priv(dev);

	return stt_fdb_walk(&stt->fdb, stt_fdb_dump_entry, &dump);
}

/* A request to get an entry has no src_vni: there vni names the entry's id. */
static u64 stt_fdb_get_id(const struct stt_dev *stt, struct nlattr *tb[])
{
	const struct stt_conf *conf = stt_conf_rcu(stt);

	if (!conf || !tb[NDA_VNI] || nla_len(tb[NDA_VNI]) != sizeof(u32))
		return 0;

	return stt_fdb_key_id(conf, nla_get_u32(tb[NDA_VNI]));
}

/**
 * stt_fdb_get - ndo_fdb_get: bridge fdb get
 * @skb: the message goes here
 * @tb: attributes of the request
 * @dev: stt device
 * @addr: MAC address
 * @vid: VLAN, for a bridge and not for us
 * @portid: who asks
 * @seq: number of the request
 * @extack: says why not
 *
 * Return: 0, -ENOENT, or another error of the request's.
 */
int stt_fdb_get(struct sk_buff *skb, struct nlattr *tb[],
		struct net_device *dev, const unsigned char *addr, u16 vid,
		u32 portid, u32 seq, struct netlink_ext_ack *extack)
{
	struct stt_dev *stt = netdev_priv(dev);
	struct stt_fdb_entry *entry;
	struct stt_fdb_dest *dest;
	int err;

	rcu_read_lock();
	entry = stt_fdb_find_rcu(&stt->fdb, addr, stt_fdb_get_id(stt, tb));
	if (!entry) {
		NL_SET_ERR_MSG(extack, "The address has no entry");
		err = -ENOENT;
		goto unlock;
	}
	dest = list_first_or_null_rcu(&entry->dests, struct stt_fdb_dest,
				      list);
	err = stt_fdb_fill(skb, stt, entry, dest, portid, seq, RTM_NEWNEIGH,
			   0);
unlock:
	rcu_read_unlock();
	return err;
}
