// SPDX-License-Identifier: GPL-2.0
/*
 * The device below a tunnel: links to it, and an index of the tunnels whose
 * frames leave through it.
 *
 * The device that "dev" names is linked as a lower device, as a VLAN's is: the
 * core refuses loops and stacks above its limit, and no one has to search for
 * devices that go with it.  A device that only a route names is not linked,
 * and nothing of it is trusted that could depend on the tunnel itself: see
 * stt_lower_trust().
 *
 * Routes can lead in circles, links cannot.  An STT device takes limits from
 * the device it is linked to, and from one that a route names only if that
 * neither is nor stands on an STT device.  So limits never depend on
 * themselves, however devices are stacked.
 *
 * Everything here is under RTNL.
 */
#include <linux/slab.h>

#include "include/stt.h"
#include "include/stt_dev.h"
#include "include/stt_lower.h"

static const struct rhashtable_params stt_lower_params = {
	.nelem_hint		= 1,
	.key_len		= sizeof_field(struct stt_lower, ifindex),
	.key_offset		= offsetof(struct stt_lower, ifindex),
	.head_offset		= offsetof(struct stt_lower, node),
	.automatic_shrinking	= true,
};

/* ---- index ------------------------------------------------------------- */

/**
 * stt_lower_init - make an empty index
 * @sn: namespace
 *
 * Return: 0 or -ENOMEM.
 */
int stt_lower_init(struct stt_net *sn)
{
	return rhashtable_init(&sn->lowers, &stt_lower_params);
}

/**
 * stt_lower_exit - undo stt_lower_init()
 * @sn: namespace, without any devices by now
 */
void stt_lower_exit(struct stt_net *sn)
{
	rhashtable_destroy(&sn->lowers);
}

/**
 * stt_lower_find - the index entry of an interface
 * @sn: namespace
 * @ifindex: of the interface
 *
 * Context: RTNL.
 * Return: the entry, or NULL if no device uses the interface.
 */
struct stt_lower *stt_lower_find(struct stt_net *sn, int ifindex)
{
	ASSERT_RTNL();

	return rhashtable_lookup_fast(&sn->lowers, &ifindex, stt_lower_params);
}

/* As stt_lower_find(), but makes one.  stt_lower_drop() undoes it. */
static struct stt_lower *stt_lower_get(struct stt_net *sn, int ifindex)
{
	struct stt_lower *entry = stt_lower_find(sn, ifindex);

	if (entry)
		return entry;
	entry = kzalloc_obj(*entry, GFP_KERNEL);
	if (!entry)
		return NULL;
	entry->ifindex = ifindex;
	if (rhashtable_insert_fast(&sn->lowers, &entry->node,
				   stt_lower_params)) {
		kfree(entry);
		return NULL;
	}

	return entry;
}

static void stt_lower_drop(struct stt_net *sn, struct stt_lower *entry)
{
	if (!hlist_empty(&entry->devs))
		return;
	rhashtable_remove_fast(&sn->lowers, &entry->node, stt_lower_params);
	kfree_rcu(entry, rcu);
}

static void stt_lower_move(struct stt_dev *stt, struct stt_lower *to)
{
	struct stt_lower *from = stt->follows;

	if (from == to)
		return;
	if (from)
		hlist_del_init(&stt->lower_node);
	if (to)
		hlist_add_head(&stt->lower_node, &to->devs);
	stt->follows = to;
	if (from)
		stt_lower_drop(stt_net(stt->net), from);
}

/**
 * stt_lower_follow - remember which device a tunnel's frames leave through
 * @stt: device
 * @lower: the device below it, or NULL if there is none
 *
 * Without memory the tunnel is in no list until it looks for its route again.
 * That does not happen to a linked lower device, which has its entry already.
 *
 * Context: RTNL; sleeps.
 */
void stt_lower_follow(struct stt_dev *stt, const struct net_device *lower)
{
	struct stt_lower *to = NULL;

	if (lower)
		to = stt_lower_get(stt_net(stt->net), lower->ifindex);
	stt_lower_move(stt, to);
}

/* ---- links ------------------------------------------------------------- */

static int stt_lower_refused(int err, struct netlink_ext_ack *extack)
{
	if (!extack || extack->_msg)
		return err;
	switch (err) {
	case -EMLINK:
		NL_SET_ERR_MSG(extack, "Too many devices above each other");
		break;
	case -EBUSY:
		NL_SET_ERR_MSG(extack,
			       "The lower device stands on this device");
		break;
	case -ENOMEM:
		NL_SET_ERR_MSG(extack, "No memory for the lower device");
		break;
	default:
		NL_SET_ERR_MSG(extack,
			       "The lower device cannot be linked to this device");
		break;
	}

	return err;
}

/**
 * stt_lower_prepare - link a device to the lower device it is to have
 * @stt: registered device
 * @lower: lower device, or NULL for none
 * @extack: says why not
 *
 * The present link stays for now.  stt_lower_commit() or stt_lower_abort()
 * follow.
 *
 * Context: RTNL; sleeps.
 * Return: 0; -EMLINK for too many devices above each other, -EBUSY if @lower
 * stands on the device, -ENOMEM, or what another driver says.
 */
int stt_lower_prepare(struct stt_dev *stt, struct net_device *lower,
		      struct netlink_ext_ack *extack)
{
	struct stt_net *sn = stt_net(stt->net);
	struct stt_lower *entry;
	int err;

	if (!lower || lower == stt->lower)
		return 0;
	entry = stt_lower_get(sn, lower->ifindex);
	if (!entry)
		return stt_lower_refused(-ENOMEM, extack);
	err = netdev_adjacent_change_prepare(stt->lower, lower, stt->dev,
					     extack);
	if (!err)
		return 0;
	stt_lower_drop(sn, entry);

	return stt_lower_refused(err, extack);
}

/**
 * stt_lower_commit - unlink a device from the lower device it had
 * @stt: device
 * @lower: the one that stt_lower_prepare() got
 *
 * Context: RTNL; sleeps.
 */
void stt_lower_commit(struct stt_dev *stt, struct net_device *lower)
{
	struct net_device *old = stt->lower;

	if (lower == old)
		return;
	if (lower)
		netdev_adjacent_change_commit(old, lower, stt->dev);
	else
		netdev_upper_dev_unlink(old, stt->dev);
	netdev_put(old, &stt->lower_tracker);
	stt->lower = lower;
	netdev_hold(lower, &stt->lower_tracker, GFP_KERNEL);
	stt_lower_follow(stt, lower);
}

/**
 * stt_lower_abort - the device keeps the lower device it has
 * @stt: device
 * @lower: the one that stt_lower_prepare() got
 *
 * Context: RTNL; sleeps.
 */
void stt_lower_abort(struct stt_dev *stt, struct net_device *lower)
{
	struct stt_net *sn = stt_net(stt->net);

	if (!lower || lower == stt->lower)
		return;
	netdev_adjacent_change_abort(stt->lower, lower, stt->dev);
	stt_lower_drop(sn, stt_lower_find(sn, lower->ifindex));
}

/**
 * stt_lower_release - a device goes: unlink it, and forget its route
 * @stt: device
 *
 * Context: RTNL; sleeps.
 */
void stt_lower_release(struct stt_dev *stt)
{
	stt_lower_commit(stt, NULL);
	stt_lower_follow(stt, NULL);
}

/* ---- what a lower device may say --------------------------------------- */

static int stt_lower_is_stt(struct net_device *dev,
			    struct netdev_nested_priv *priv)
{
	return stt_is_dev(dev);
}

/**
 * stt_lower_trust - how far a device takes limits from its lower device
 * @stt: device
 * @lower: the device that its frames leave through
 *
 * Context: RTNL, or RCU read side.
 */
enum stt_trust stt_lower_trust(const struct stt_dev *stt,
			       struct net_device *lower)
{
	struct netdev_nested_priv priv = { };
	enum stt_trust trust = STT_TRUST_FULL;

	if (lower == stt->lower)
		return trust;

	rcu_read_lock();
	if (lower == stt->dev || netdev_has_upper_dev_all_rcu(stt->dev, lower))
		trust = STT_TRUST_NONE;
	else if (stt_lower_is_stt(lower, &priv) ||
		 netdev_walk_all_lower_dev_rcu(lower, stt_lower_is_stt, &priv))
		trust = STT_TRUST_TUNNEL;
	rcu_read_unlock();

	return trust;
}
