// SPDX-License-Identifier: GPL-2.0
/*
 * Nexthop groups in the forwarding database (ip nexthop ... fdb): a flow goes
 * to one of several peers, and a peer that is gone is taken out of thousands
 * of entries by one change of the group.
 *
 * Entries of a device that name one group share what is known of it: a path to
 * a member is made when the first packet goes there, and forgotten when any
 * nexthop changes.
 */
#include <linux/slab.h>
#include <net/ip_fib.h>
#include <net/nexthop.h>

#include "include/stt.h"
#include "include/stt_conf.h"
#include "include/stt_dev.h"
#include "include/stt_fdb.h"
#include "include/stt_path.h"
#include "include/stt_port.h"

static bool stt_fdb_nh_fits(struct stt_fdb *fdb, struct nexthop *nh,
			    struct netlink_ext_ack *extack)
{
	const struct stt_conf *conf = stt_conf_rtnl(stt_fdb_dev(fdb));
	sa_family_t family = nexthop_has_v4(nh) ? AF_INET : AF_INET6;

	if (!nexthop_is_fdb(nh)) {
		NL_SET_ERR_MSG(extack, "Nexthop is not an FDB nexthop");
		return false;
	}
	if (!nexthop_is_multipath(nh)) {
		NL_SET_ERR_MSG(extack, "Nexthop is not a group");
		return false;
	}
	if (!stt_conf_port(conf, family)) {
		NL_SET_ERR_MSG(extack,
			       "Nexthop group is of another address family than the device");
		return false;
	}

	return true;
}

/**
 * stt_fdb_nh_find - a nexthop group that entries use
 * @fdb: table
 * @id: of the group
 *
 * A device uses few.
 *
 * Context: RTNL.
 * Return: the group, or NULL if no entry uses it.
 */
struct stt_fdb_nh *stt_fdb_nh_find(const struct stt_fdb *fdb, u32 id)
{
	struct stt_fdb_nh *group;

	list_for_each_entry(group, &fdb->nhs, list)
		if (group->nh->id == id)
			return group;

	return NULL;
}

/**
 * stt_fdb_nh_get - a nexthop group for an entry to use
 * @fdb: table
 * @id: of the group, in the underlay's namespace
 * @extack: says why not
 *
 * Who adds no entry to it calls stt_fdb_nh_put().
 *
 * Context: RTNL; sleeps.
 * Return: the group, or an error.
 */
struct stt_fdb_nh *stt_fdb_nh_get(struct stt_fdb *fdb, u32 id,
				  struct netlink_ext_ack *extack)
{
	struct stt_fdb_nh *group;
	struct nexthop *nh;

	ASSERT_RTNL();

	group = stt_fdb_nh_find(fdb, id);
	if (group)
		return group;
	nh = nexthop_find_by_id(stt_fdb_dev(fdb)->net, id);
	if (!nh) {
		NL_SET_ERR_MSG(extack, "No such nexthop in the underlay's namespace");
		return ERR_PTR(-EINVAL);
	}
	if (!stt_fdb_nh_fits(fdb, nh, extack))
		return ERR_PTR(-EINVAL);
	group = kzalloc_obj(*group, GFP_KERNEL);
	if (!group)
		return ERR_PTR(-ENOMEM);
	if (!nexthop_get(nh)) {
		NL_SET_ERR_MSG(extack, "Nexthop is being deleted");
		kfree(group);
		return ERR_PTR(-EINVAL);
	}
	group->nh = nh;
	INIT_LIST_HEAD(&group->entries);
	INIT_LIST_HEAD(&group->dests);
	spin_lock_bh(&fdb->lock);
	if (list_empty(&fdb->nhs))
		list_add(&fdb->nh_node,
			 &stt_net(stt_fdb_dev(fdb)->net)->nh_devs);
	list_add(&group->list, &fdb->nhs);
	spin_unlock_bh(&fdb->lock);

	return group;
}

static void stt_fdb_nh_clear(struct stt_fdb_nh *group)
{
	struct stt_fdb_dest *dest, *tmp;

	list_for_each_entry_safe(dest, tmp, &group->dests, list) {
		list_del_rcu(&dest->list);
		stt_fdb_dest_free(dest);
	}
}

/**
 * stt_fdb_nh_put - a group lost an entry, or gets none; it goes with the last
 * @fdb: table
 * @group: group
 *
 * Context: RTNL and &stt_fdb.lock.
 */
void stt_fdb_nh_put(struct stt_fdb *fdb, struct stt_fdb_nh *group)
{
	lockdep_assert_held(&fdb->lock);
	ASSERT_RTNL();

	if (!list_empty(&group->entries))
		return;
	list_del(&group->list);
	if (list_empty(&fdb->nhs))
		list_del(&fdb->nh_node);
	stt_fdb_nh_clear(group);
	nexthop_put(group->nh);
	kfree_rcu(group, rcu);
}

static struct stt_fdb_dest *
stt_fdb_nh_find_rcu(const struct stt_fdb_nh *group,
		    const struct stt_fdb_where *at)
{
	struct stt_fdb_dest *dest;

	list_for_each_entry_rcu(dest, &group->dests, list)
		if (stt_fdb_at_equal(&dest->at, at))
			return dest;

	return NULL;
}

/* The first packet to a member. */
static struct stt_fdb_dest *stt_fdb_nh_make(struct stt_dev *stt,
					    struct stt_fdb_nh *group,
					    const struct stt_fdb_where *at)
{
	struct stt_fdb_dest *dest = NULL;
	const struct stt_conf *conf;

	spin_lock(&stt->fdb.lock);
	/* One that has no entries any more is not looked at again. */
	conf = stt_conf_rcu(stt);
	if (conf && !list_empty(&group->entries)) {
		dest = stt_fdb_nh_find_rcu(group, at);
		if (!dest) {
			dest = stt_fdb_dest_alloc(conf, at, STT_PATH_STATIC,
						  GFP_ATOMIC);
			if (dest)
				list_add_tail_rcu(&dest->list, &group->dests);
		}
	}
	spin_unlock(&stt->fdb.lock);

	return dest;
}

/**
 * stt_fdb_nh_where - the member of a nexthop group that a flow goes to
 * @conf: the device's configuration
 * @nh: FDB nexthop or group
 * @hash: of the flow
 * @at: filled in
 *
 * Context: RCU read side.
 * Return: false if there is none.
 */
bool stt_fdb_nh_where(const struct stt_conf *conf, struct nexthop *nh,
		      u32 hash, struct stt_fdb_where *at)
{
	const struct fib_nh_common *nhc;
	__be16 port = 0;

	/* It takes the hash as a signed number. */
	nhc = nexthop_path_fdb_result(nh, hash >> 1, &port);
	if (!nhc || !stt_conf_port(conf, nhc->nhc_gw_family))
		return false;
	*at = (struct stt_fdb_where) {
		.id	= conf->key.id,
		.port	= port ? : conf->port->number,
		.family	= nhc->nhc_gw_family,
	};
	if (at->family == AF_INET6)
		at->addr.v6 = nhc->nhc_gw.ipv6;
	else
		at->addr.v4 = nhc->nhc_gw.ipv4;

	return true;
}

/**
 * stt_fdb_nh_select - the member that a flow goes to
 * @conf: the device's configuration
 * @group: nexthop group
 * @hash: of the flow
 *
 * Allocates when it is the first packet to that member.  Entries of several
 * context ids have the destination in common: its own id says nothing.
 *
 * Context: BH disabled, RCU read side.
 * Return: a destination, or NULL if there is none, or no memory.
 */
struct stt_fdb_dest *stt_fdb_nh_select(const struct stt_conf *conf,
				       struct stt_fdb_nh *group, u32 hash)
{
	struct stt_fdb_where at;
	struct stt_fdb_dest *dest;

	if (!stt_fdb_nh_where(conf, group->nh, hash, &at))
		return NULL;
	dest = stt_fdb_nh_find_rcu(group, &at);

	return likely(dest) ? dest : stt_fdb_nh_make(conf->stt, group, &at);
}

/**
 * stt_fdb_nh_forget - make all ways to members anew
 * @fdb: table
 *
 * Context: process, or BH.
 */
void stt_fdb_nh_forget(struct stt_fdb *fdb)
{
	struct stt_fdb_nh *group;

	spin_lock_bh(&fdb->lock);
	list_for_each_entry(group, &fdb->nhs, list)
		stt_fdb_nh_clear(group);
	spin_unlock_bh(&fdb->lock);
}
