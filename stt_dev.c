// SPDX-License-Identifier: GPL-2.0
/*
 * The net_device: setup, open and stop, statistics, ethtool.
 */
#include <linux/ethtool.h>
#include <linux/etherdevice.h>
#include <linux/rtnetlink.h>
#include <net/ip_tunnels.h>

#include "include/stt_conf.h"
#include "include/stt_dev.h"
#include "include/stt_fdb.h"
#include "include/stt_gro.h"
#include "include/stt_ids.h"
#include "include/stt_limits.h"
#include "include/stt_mcast.h"
#include "include/stt_netpoll.h"
#include "include/stt_proto.h"
#include "include/stt_stats.h"
#include "include/stt_xmit.h"
#include "include/stt_zone.h"

/* ---- life -------------------------------------------------------------- */

static int stt_init(struct net_device *dev)
{
	struct stt_dev *stt = netdev_priv(dev);
	int err;

	netdev_lockdep_set_classes(dev);
	INIT_LIST_HEAD(&stt->moved_node);
	stt->look_after = jiffies;
	stt_netpoll_init(stt);
	stt->cpu = netdev_alloc_pcpu_stats(struct stt_dev_cpu);
	if (!stt->cpu)
		return -ENOMEM;
	err = stt_gro_init(&stt->gro, dev);
	if (err)
		goto err_counters;
	err = stt_fdb_init(stt);
	if (err)
		goto err_gro;
	if (stt_conf_rtnl(stt)->external)
		err = stt_ids_init(stt);
	if (err)
		goto err_fdb;

	return 0;

err_fdb:
	stt_fdb_exit(stt);
err_gro:
	stt_gro_stop(stt->gro);
	free_percpu(stt->gro);
	stt->gro = NULL;
err_counters:
	free_percpu(stt->cpu);
	stt->cpu = NULL;
	return err;
}

static void stt_uninit(struct net_device *dev)
{
	struct stt_dev *stt = netdev_priv(dev);

	stt_netpoll_stop(stt);
	stt_limits_unlook(stt);
	stt_fdb_exit(stt);
	stt_conf_release(stt);
	stt_gro_stop(stt->gro);
}

/* Packets may count until the last reference to the device is gone. */
static void stt_destructor(struct net_device *dev)
{
	struct stt_dev *stt = netdev_priv(dev);

	stt_ids_free(stt);
	free_percpu(stt->gro);
	free_percpu(stt->cpu);
}

static int stt_open(struct net_device *dev)
{
	struct stt_dev *stt = netdev_priv(dev);
	struct stt_group *group;

	/* The routes may be others than when the device was made. */
	stt_limits_set(dev, stt_conf_rtnl(stt));
	group = stt_group_get(stt_conf_rtnl(stt));
	if (IS_ERR(group))
		return PTR_ERR(group);
	stt->group = group;
	stt_zones_listen(stt_conf_rtnl(stt), true);
	stt_fdb_open(stt);

	return 0;
}

static int stt_stop(struct net_device *dev)
{
	struct stt_dev *stt = netdev_priv(dev);

	stt_zones_listen(stt_conf_rtnl(stt), false);
	stt_group_put(stt->group);
	stt->group = NULL;
	stt_fdb_stop(stt);

	return 0;
}

static void stt_get_stats64(struct net_device *dev,
			    struct rtnl_link_stats64 *st)
{
	const struct stt_dev *stt = netdev_priv(dev);

	netdev_stats_to_stats64(st, &dev->stats);
	st->rx_packets += stt_dev_sum(stt, STT_DEV_rx_frames);
	st->rx_bytes += stt_dev_sum(stt, STT_DEV_rx_bytes);
	st->rx_errors += stt_dev_sum(stt, STT_DEV_rx_errors);
	st->rx_dropped += stt_dev_sum(stt, STT_DEV_rx_dropped);
	st->tx_packets += stt_dev_sum(stt, STT_DEV_tx_frames);
	st->tx_bytes += stt_dev_sum(stt, STT_DEV_tx_bytes);
	st->tx_errors += stt_dev_sum(stt, STT_DEV_tx_errors);
	st->tx_dropped += stt_dev_sum(stt, STT_DEV_tx_dropped);
}

/*
 * Every frame of our context id is received, whatever addresses are listed, so
 * there is no filter to program.  But without this op "ip maddr add" is refused.
 */
static void stt_set_rx_mode(struct net_device *dev)
{
}

NDO_FDB_ADD_SHIM(stt_fdb_add)
NDO_FDB_DEL_SHIM(stt_fdb_del)
NDO_FDB_DEL_BULK_SHIM(stt_fdb_del_bulk)
#ifdef CONFIG_NET_POLL_CONTROLLER
NDO_NETPOLL_SETUP_SHIM(stt_netpoll_setup)
#endif

static const struct net_device_ops stt_netdev_ops = {
	.ndo_init		= stt_init,
	.ndo_uninit		= stt_uninit,
	.ndo_open		= stt_open,
	.ndo_stop		= stt_stop,
	.ndo_start_xmit		= stt_start_xmit,
	.ndo_get_stats64	= stt_get_stats64,
	.ndo_set_rx_mode	= stt_set_rx_mode,
	.ndo_validate_addr	= eth_validate_addr,
	.ndo_set_mac_address	= eth_mac_addr,
	.ndo_fill_metadata_dst	= stt_fill_metadata_dst,
#ifdef CONFIG_NET_POLL_CONTROLLER
	.ndo_netpoll_setup	= NDO_NETPOLL_SETUP(stt_netpoll_setup),
	.ndo_netpoll_cleanup	= stt_netpoll_cleanup,
#endif
	.ndo_fdb_add		= NDO_FDB_ADD(stt_fdb_add),
	.ndo_fdb_del		= NDO_FDB_DEL(stt_fdb_del),
	.ndo_fdb_del_bulk	= NDO_FDB_DEL_BULK(stt_fdb_del_bulk),
	.ndo_fdb_dump		= stt_fdb_dump,
	.ndo_fdb_get		= stt_fdb_get,
};

static const struct device_type stt_type = {
	.name = STT_LINK_KIND,
};

/* ---- ethtool ----------------------------------------------------------- */

static void stt_get_drvinfo(struct net_device *dev,
			    struct ethtool_drvinfo *info)
{
	strscpy(info->driver, STT_LINK_KIND, sizeof(info->driver));
	strscpy(info->version, STT_MODULE_VERSION, sizeof(info->version));
}

static int stt_get_sset_count(struct net_device *dev, int set)
{
	return set == ETH_SS_STATS ? STT_DEV_ETHTOOL_MAX : -EOPNOTSUPP;
}

static void stt_get_strings(struct net_device *dev, u32 set, u8 *data)
{
	if (set == ETH_SS_STATS)
		memcpy(data, stt_dev_counter_names,
		       sizeof(stt_dev_counter_names));
}

static void stt_get_ethtool_stats(struct net_device *dev,
				  struct ethtool_stats *stats, u64 *data)
{
	const struct stt_dev *stt = netdev_priv(dev);
	int i;

	for (i = 0; i < STT_DEV_ETHTOOL_MAX; i++)
		data[i] = stt_dev_sum(stt, i);
}

/*
 * The link is as fast as the lower device that the user named.  One that only
 * a route names is not asked: its driver may ask us.
 */
static int stt_get_link_ksettings(struct net_device *dev,
				  struct ethtool_link_ksettings *cmd)
{
	const struct stt_dev *stt = netdev_priv(dev);
	struct ethtool_link_ksettings of_lower;

	cmd->base.speed = SPEED_UNKNOWN;
	cmd->base.duplex = DUPLEX_UNKNOWN;
	cmd->base.port = PORT_OTHER;
	if (stt->lower && !__ethtool_get_link_ksettings(stt->lower, &of_lower)) {
		cmd->base.speed = of_lower.base.speed;
		cmd->base.duplex = of_lower.base.duplex;
	}

	return 0;
}

static const struct ethtool_ops stt_ethtool_ops = {
	.get_drvinfo		= stt_get_drvinfo,
	.get_link		= ethtool_op_get_link,
	.get_strings		= stt_get_strings,
	.get_sset_count		= stt_get_sset_count,
	.get_ethtool_stats	= stt_get_ethtool_stats,
	.get_link_ksettings	= stt_get_link_ksettings,
	.get_ts_info		= ethtool_op_get_ts_info,
};

/**
 * stt_setup - rtnl_link_ops.setup
 * @dev: new device, with nothing known of it
 *
 * Offloads: what the far end can do for us it is told in the STT header; the
 * rest stt_tx.c resolves when it comes, so everything may come.
 */
void stt_setup(struct net_device *dev)
{
	ether_setup(dev);
	eth_hw_addr_random(dev);
	dev->netdev_ops = &stt_netdev_ops;
	dev->ethtool_ops = &stt_ethtool_ops;
	dev->needs_free_netdev = true;
	dev->priv_destructor = stt_destructor;
	SET_NETDEV_DEVTYPE(dev, &stt_type);

	dev->features = NETIF_F_SG | NETIF_F_FRAGLIST | NETIF_F_HIGHDMA |
			NETIF_F_HW_CSUM | NETIF_F_RXCSUM |
			NETIF_F_GSO_SOFTWARE | NETIF_F_GSO_ENCAP_ALL |
			NETIF_F_HW_VLAN_CTAG_TX;
	dev->hw_features = dev->features;
	dev->features |= NETIF_F_HW_VLAN_CTAG_RX;
	dev->vlan_features = dev->features & ~(NETIF_F_HW_VLAN_CTAG_TX |
					       NETIF_F_HW_VLAN_CTAG_RX);
	dev->hw_enc_features = dev->hw_features;
	netdev_set_lltx(dev);
	netdev_set_change_proto_down(dev);

	/* Headers are written: a packet must not be sent twice at a time. */
	dev->priv_flags &= ~IFF_TX_SKB_SHARING;
	dev->priv_flags |= IFF_LIVE_ADDR_CHANGE | IFF_NO_QUEUE |
			   IFF_UNICAST_FLT;
	dev->mtu = ETH_DATA_LEN;
	dev->max_mtu = STT_MAX_MTU_V6;
	/* What exceeds a frame is cut into several, where the user wants it. */
	netif_set_tso_max_size(dev, GSO_MAX_SIZE);
}
