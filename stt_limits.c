// SPDX-License-Identifier: GPL-2.0
/*
 * Limits that follow the device below a tunnel: room for headers, the largest
 * GSO packet.  Routes that packets show to have changed are looked up again
 * here.
 */
#include <linux/if_arp.h>
#include <linux/netdevice.h>
#include <net/tcp.h>

#include "include/stt.h"
#include "include/stt_conf.h"
#include "include/stt_dev.h"
#include "include/stt_limits.h"
#include "include/stt_lower.h"
#include "include/stt_path.h"
#include "include/stt_port.h"
#include "include/stt_proto.h"

/* A route that changed is noticed so soon, in jiffies. */
#define STT_LOOK_DELAY		(HZ / 4)

/* One that varies, as with several next hops, is looked up so seldom. */
#define STT_LOOK_AGAIN		(10 * HZ)

/* The device that frames leave through, or NULL; a reference. */
static struct net_device *stt_limits_lower(const struct stt_dev *stt,
					   const struct stt_conf *conf)
{
	if (stt->lower) {
		dev_hold(stt->lower);
		return stt->lower;
	}
	if (!conf->dest.path)
		return NULL;

	return stt_route_dev(stt->net, conf->dest.key, conf->dest.label);
}

/* Bonds and teams merge nothing: they say whether their links may. */
static int stt_limits_merges(struct net_device *dev, struct netdev_nested_priv *priv)
{
	if (netif_is_lag_master(dev) || !(dev->features & NETIF_F_LRO))
		return 0;
	priv->data = dev;

	return 1;
}

static struct net_device *stt_limits_find_lro(struct net_device *lower)
{
	struct netdev_nested_priv priv = { };

	if (!stt_limits_merges(lower, &priv))
		netdev_walk_all_lower_dev(lower, stt_limits_merges, &priv);

	return priv.data;
}

/*
 * Some NICs' LRO merges segments of different frames, which cannot be taken
 * apart again.  Warn of one underlay, and once while its LRO is on.
 */
static void stt_limits_check_lro(struct stt_net *sn, struct net_device *lower)
{
	struct net_device *said, *nic;

	ASSERT_RTNL();
	said = __dev_get_by_index(sn->net, sn->lro_ifindex);
	if (said && stt_limits_find_lro(said))
		return;
	nic = stt_limits_find_lro(lower);
	sn->lro_ifindex = nic ? lower->ifindex : 0;
	if (nic)
		netdev_warn(nic,
			    "LRO is on and may merge segments of different STT frames; turn it off: ethtool -K %s lro off\n",
			    nic->name);
}

/**
 * stt_limits_disable_lro - turn off the LRO of a lower device that the user named
 * @lower: the device
 *
 * As bridge and bond do: the user need not know what a NIC's LRO does to
 * segments.  It stays off when the tunnel goes.  Devices that only a route
 * leads to are not touched, and the log warns of them.
 *
 * Context: RTNL; not from a notifier.
 */
void stt_limits_disable_lro(struct net_device *lower)
{
	struct net_device *nic = lower ? stt_limits_find_lro(lower) : NULL;

	if (!nic)
		return;
	dev_disable_lro(lower);
	if (net_ratelimit())
		netdev_info(nic,
			    "LRO is turned off: it may merge segments of different STT frames\n");
}

/* The IP and TCP headers of a segment, the longer ones of two families. */
static unsigned int stt_limits_outer_hlen(const struct stt_conf *conf)
{
	bool v6 = conf->port->family == AF_INET6 || conf->port6;

	return (v6 ? sizeof(struct ipv6hdr) : sizeof(struct iphdr)) +
	       sizeof(struct tcphdr);
}

/*
 * The largest GSO packet, link header included, that @lower leaves to its NIC
 * whole: it has a limit in bytes, and one in segments.
 */
static unsigned int stt_limits_gso_max(const struct net_device *lower,
				       const struct stt_conf *conf,
				       unsigned int link)
{
	bool v6 = conf->port->family == AF_INET6 || conf->port6;
	unsigned int size = netdev_get_gso_max(lower, v6);
	unsigned int hlen = stt_limits_outer_hlen(conf);
	unsigned int mtu = READ_ONCE(lower->mtu);

	if (conf->port6)
		size = min(size, netdev_get_gso_max(lower, false));
	if (mtu <= hlen)
		return size;

	return min_t(u64, size, link + hlen + (u64)(mtu - hlen) *
				READ_ONCE(lower->gso_max_segs));
}

/**
 * stt_limits_set_mtu - set which MTUs a device accepts
 * @dev: stt device, not registered yet
 * @conf: its configuration
 */
void stt_limits_set_mtu(struct net_device *dev, const struct stt_conf *conf)
{
	bool v6 = conf->port->family == AF_INET6;

	dev->min_mtu = ETH_MIN_MTU;
	dev->max_mtu = v6 ? STT_MAX_MTU_V6 : STT_MAX_MTU_V4;
}

/*
 * Change the largest GSO packet that is not cut.  Devices above inherit
 * tso_max_size alone, which does not change: a larger packet is cut into
 * several frames.
 */
static void stt_limits_set_gso(struct net_device *dev, unsigned int size)
{
	struct stt_dev *stt = netdev_priv(dev);

	/* What the user set stays; what we set follows. */
	netdev_follow_gso_max(dev, stt->gso_size ? : GSO_LEGACY_MAX_SIZE, size);
	WRITE_ONCE(stt->gso_size, size);
}

/* See &stt_dev.route_ifindex. */
static int stt_limits_route(const struct stt_dev *stt,
			    const struct stt_conf *conf,
			    const struct net_device *lower)
{
	if (stt->lower || !conf->dest.path)
		return -1;

	return lower ? lower->ifindex : 0;
}

/*
 * The limits of @lower, an STT device, changed: fit those of the STT devices
 * that are linked to it.  No event tells of that.  Links are no deeper than the
 * core's limit, and so is this.
 */
static void stt_limits_fit_linked(struct net_device *lower)
{
	struct stt_lower *entry;
	struct hlist_node *tmp;
	struct stt_dev *stt;

	entry = stt_lower_find(stt_net(dev_net(lower)), lower->ifindex);
	if (!entry)
		return;
	hlist_for_each_entry_safe(stt, tmp, &entry->devs, lower_node)
		if (stt->lower == lower)
			stt_limits_set(stt->dev, stt_conf_rtnl(stt));
}

/* Other IP tunnels ask for no more. */
#define STT_MAX_HEADROOM	512

/**
 * stt_limits_set - fit the device's limits to what carries its frames
 * @dev: stt device
 * @conf: its configuration
 *
 * Sets the room for our headers, and the largest GSO packet: with all headers
 * it must stay below what the lower device takes, or it would be cut in
 * software.  Does nothing to a device that is going.
 *
 * Context: RTNL; sleeps.
 */
void stt_limits_set(struct net_device *dev, const struct stt_conf *conf)
{
	unsigned int link = ETH_HLEN, room = LL_MAX_HEADER;
	unsigned int size = GSO_LEGACY_MAX_SIZE;
	enum stt_trust trust = STT_TRUST_NONE;
	struct stt_dev *stt = netdev_priv(dev);
	unsigned int headroom = dev->needed_headroom;
	unsigned int gso_size = stt->gso_size;
	struct net_device *lower;
	unsigned int hlen;

	if (!stt->listed)
		return;
	hlen = STT_HLEN + stt_limits_outer_hlen(conf);
	lower = stt_limits_lower(stt, conf);
	stt_lower_follow(stt, lower);
	WRITE_ONCE(stt->route_ifindex, stt_limits_route(stt, conf, lower));
	if (lower)
		trust = stt_lower_trust(stt, lower);
	if (trust == STT_TRUST_FULL) {
		link = max_t(unsigned int, lower->hard_header_len, ETH_HLEN);
		/* More than is needed makes tunnels above expand heads. */
		room = lower->hard_header_len + lower->needed_headroom;
		size = min(size, stt_limits_gso_max(lower, conf, link));
		stt_limits_check_lro(stt_net(stt->net), lower);
	} else if (trust == STT_TRUST_TUNNEL) {
		room += hlen;
		size -= hlen + link;
	}
	dev_put(lower);
	dev->needed_headroom = min_t(unsigned int, room + hlen,
				     STT_MAX_HEADROOM);
	/* The core takes that much off it. */
	if (size > hlen + link + MAX_TCP_HEADER)
		stt_limits_set_gso(dev, size - hlen - link);
	if (stt->gso_size != gso_size || dev->needed_headroom != headroom)
		stt_limits_fit_linked(dev);
}

/* ---- routes that changed ------------------------------------------------- */

/* Set limits by where routes lead now. */
static void stt_limits_look_work(struct work_struct *work)
{
	struct stt_net *sn = container_of(to_delayed_work(work),
					  struct stt_net, moved_work);
	struct stt_dev *stt;
	LIST_HEAD(moved);
	int was;

	rtnl_lock();
	spin_lock_bh(&sn->moved_lock);
	/* Packets may put them back meanwhile: that is for the next time. */
	list_splice_init(&sn->moved, &moved);
	while (!list_empty(&moved)) {
		stt = list_first_entry(&moved, struct stt_dev, moved_node);
		list_del_init(&stt->moved_node);
		spin_unlock_bh(&sn->moved_lock);
		was = stt->route_ifindex;
		stt_limits_set(stt->dev, stt_conf_rtnl(stt));
		if (stt->route_ifindex == was)
			WRITE_ONCE(stt->look_after, jiffies + STT_LOOK_AGAIN);
		cond_resched();
		spin_lock_bh(&sn->moved_lock);
	}
	spin_unlock_bh(&sn->moved_lock);
	rtnl_unlock();
}

/**
 * stt_limits_look - look up soon where the route to the remote leads now
 * @stt: device
 *
 * Context: BH disabled, RCU read side.
 */
void stt_limits_look(struct stt_dev *stt)
{
	struct stt_net *sn = stt_net(stt->net);

	if (time_before(jiffies, READ_ONCE(stt->look_after)) ||
	    !list_empty_careful(&stt->moved_node))
		return;
	spin_lock(&sn->moved_lock);
	if (list_empty(&stt->moved_node))
		list_add_tail(&stt->moved_node, &sn->moved);
	spin_unlock(&sn->moved_lock);
	schedule_delayed_work(&sn->moved_work, STT_LOOK_DELAY);
}

/**
 * stt_limits_unlook - the device goes: do not look any more
 * @stt: device that packets do not come to any more
 *
 * Context: RTNL.
 */
void stt_limits_unlook(struct stt_dev *stt)
{
	struct stt_net *sn = stt_net(stt->net);

	spin_lock_bh(&sn->moved_lock);
	list_del_init(&stt->moved_node);
	spin_unlock_bh(&sn->moved_lock);
}

/**
 * stt_limits_init - no route has changed yet
 * @sn: namespace
 */
void stt_limits_init(struct stt_net *sn)
{
	INIT_LIST_HEAD(&sn->moved);
	spin_lock_init(&sn->moved_lock);
	INIT_DELAYED_WORK(&sn->moved_work, stt_limits_look_work);
}

/**
 * stt_limits_exit - undo stt_limits_init()
 * @sn: namespace, without any devices by now
 *
 * Context: sleeps.
 */
void stt_limits_exit(struct stt_net *sn)
{
	cancel_delayed_work_sync(&sn->moved_work);
}
