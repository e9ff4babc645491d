// SPDX-License-Identifier: GPL-2.0
/*
 * Module, namespaces and the net_device: setup, open and stop, statistics,
 * ethtool.
 */
#include <linux/ethtool.h>
#include <linux/etherdevice.h>
#include <linux/if_arp.h>
#include <linux/module.h>
#include <linux/proc_fs.h>
#include <linux/seq_file.h>
#include <linux/sysctl.h>
#include <net/dst.h>
#include <net/rtnetlink.h>
#include <net/tcp.h>

#include "include/stt.h"
#include "include/stt_early.h"

/* ---- device ------------------------------------------------------------ */

static int stt_init(struct net_device *dev)
{
	struct stt_dev *stt = netdev_priv(dev);
	int err, cpu;

	netdev_lockdep_set_classes(dev);
	INIT_LIST_HEAD(&stt->moved_node);
	stt->look_after = jiffies;
	stt->counters = netdev_alloc_pcpu_stats(struct stt_dev_counters);
	if (!stt->counters)
		return -ENOMEM;
	for_each_possible_cpu(cpu)
		per_cpu_ptr(stt->counters, cpu)->gro_last = jiffies - HZ;
	err = gro_cells_init(&stt->cells, dev);
	if (err)
		goto err_counters;
	err = stt_fdb_init(stt);
	if (err)
		goto err_cells;
	if (stt_conf_rtnl(stt)->external)
		err = stt_ids_init(stt);
	if (err)
		goto err_fdb;

	return 0;

err_fdb:
	stt_fdb_exit(stt);
err_cells:
	gro_cells_destroy(&stt->cells);
err_counters:
	free_percpu(stt->counters);
	stt->counters = NULL;
	return err;
}

static void stt_uninit(struct net_device *dev)
{
	struct stt_dev *stt = netdev_priv(dev);

	stt_limits_unlook(stt);
	stt_fdb_exit(stt);
	stt_conf_release(stt);
	gro_cells_destroy(&stt->cells);
}

/* Packets may count until the last reference to the device is gone. */
static void stt_destructor(struct net_device *dev)
{
	struct stt_dev *stt = netdev_priv(dev);

	stt_ids_free(stt);
	free_percpu(stt->counters);
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

/* ---- what happens to lower devices ------------------------------------- */

/* Fit the limits of all devices that send through an interface. */
static void stt_lower_changed(const struct stt_lower *entry)
{
	struct hlist_node *tmp;
	struct stt_dev *stt;

	hlist_for_each_entry_safe(stt, tmp, &entry->devs, lower_node)
		stt_limits_set(stt->dev, stt_conf_rtnl(stt));
}

/* A lower device may have lost its IP, or have it back. */
static void stt_lower_rejoin(const struct stt_lower *entry,
			     struct net_device *lower)
{
	struct stt_dev *stt;

	hlist_for_each_entry(stt, &entry->devs, lower_node)
		if (stt->lower == lower && stt->group)
			stt_group_refresh(stt->group, lower);
}

/* A lower device went into a VRF, or out of it. */
static void stt_lower_rescope(const struct stt_lower *entry,
			      const struct net_device *lower)
{
	struct stt_dev *stt;

	hlist_for_each_entry(stt, &entry->devs, lower_node)
		if (stt->lower == lower && stt_rescope(stt) && net_ratelimit())
			netdev_warn(stt->dev,
				    "does not follow %s into or out of its VRF\n",
				    lower->name);
}

/*
 * An interface goes: devices that name it go with it, others look where their
 * route leads now.  A device that stands on one of those goes by the event of
 * that one: links are no deeper than the core's limit, and so is this.
 */
static void stt_lower_gone(const struct stt_lower *entry,
			   const struct net_device *lower)
{
	struct hlist_node *tmp;
	struct stt_dev *stt;
	LIST_HEAD(gone);

	hlist_for_each_entry_safe(stt, tmp, &entry->devs, lower_node) {
		if (stt->lower == lower)
			stt_dellink(stt->dev, &gone);
		else
			stt_limits_set(stt->dev, stt_conf_rtnl(stt));
	}
	unregister_netdevice_many(&gone);
}

/* A device was put on top of another, or taken off it. */
static void stt_upper_changed(struct stt_net *sn, struct net_device *lower,
			      const struct net_device *upper)
{
	struct stt_lower *entry;

	/* Its route may lead through a device that stands on it now. */
	if (stt_is_dev(lower)) {
		struct stt_dev *stt = netdev_priv(lower);

		stt_limits_set(lower, stt_conf_rtnl(stt));
	}
	if (!netif_is_l3_master(upper))
		return;
	entry = stt_lower_find(sn, lower->ifindex);
	if (entry)
		stt_lower_rescope(entry, lower);
}

static int stt_netdev_event(struct notifier_block *nb, unsigned long event,
			    void *ptr)
{
	struct net_device *lower = netdev_notifier_info_to_dev(ptr);
	const struct netdev_notifier_changeupper_info *upper = ptr;
	struct stt_net *sn = stt_net(dev_net(lower));
	struct stt_lower *entry;

	switch (event) {
	case NETDEV_REGISTER:
		if (netif_is_l3_master(lower))
			return notifier_from_errno(stt_input_register_vrf(sn->net));
		break;
	case NETDEV_CHANGE:
	case NETDEV_FEAT_CHANGE:
		entry = stt_lower_find(sn, lower->ifindex);
		if (entry)
			stt_lower_changed(entry);
		break;
	case NETDEV_CHANGEMTU:
		entry = stt_lower_find(sn, lower->ifindex);
		if (entry)
			stt_lower_changed(entry);
		fallthrough;
	case NETDEV_UP:
		entry = stt_lower_find(sn, lower->ifindex);
		if (entry)
			stt_lower_rejoin(entry, lower);
		break;
	case NETDEV_CHANGEUPPER:
		stt_upper_changed(sn, lower, upper->upper_dev);
		break;
	case NETDEV_UNREGISTER:
		entry = stt_lower_find(sn, lower->ifindex);
		if (entry)
			stt_lower_gone(entry, lower);
		stt_fdb_link_gone(sn, lower->ifindex);
		break;
	}

	return NOTIFY_DONE;
}

static struct notifier_block stt_netdev_notifier = {
	.notifier_call = stt_netdev_event,
};

/* ---- namespaces -------------------------------------------------------- */

#define STT_REASM_HIGH_THRESH	(16UL << 20)
#define STT_REASM_TIME_MS	2000
#define STT_REASM_MAX_FRAMES	8

static unsigned long stt_high_thresh_max = LONG_MAX;
static unsigned int stt_time_ms_max = 30000;
static unsigned int stt_max_frames_max = 256;

static const struct ctl_table stt_sysctls[] = {
	{
		.procname	= "reasm_high_thresh",
		.maxlen		= sizeof(unsigned long),
		.mode		= 0644,
		.proc_handler	= proc_doulongvec_minmax,
		.extra2		= &stt_high_thresh_max,
	},
	{
		.procname	= "reasm_time_ms",
		.maxlen		= sizeof(unsigned int),
		.mode		= 0644,
		.proc_handler	= proc_douintvec_minmax,
		.extra1		= SYSCTL_ONE,
		.extra2		= &stt_time_ms_max,
	},
	{
		.procname	= "reasm_max_frames_per_flow",
		.maxlen		= sizeof(unsigned int),
		.mode		= 0644,
		.proc_handler	= proc_douintvec_minmax,
		.extra1		= SYSCTL_ONE,
		.extra2		= &stt_max_frames_max,
	},
	SYSCTL_SENTINEL
};

static int stt_sysctl_init(struct net *net, struct stt_net *sn)
{
	struct stt_net *init = stt_net(&init_net);
	struct ctl_table *const table = kmemdup(stt_sysctls,
						sizeof(stt_sysctls),
						GFP_KERNEL);

	if (!table)
		return -ENOMEM;

	table[0].data = &sn->limits.high_thresh;
	table[1].data = &sn->limits.time_ms;
	table[2].data = &sn->limits.max_frames;
	/*
	 * Kernel memory is not for an unprivileged user to give himself: he
	 * can have what the initial namespace has when he asks.
	 */
	if (net->user_ns != &init_user_ns) {
		table[0].extra2 = &init->limits.high_thresh;
		sn->limits.high_thresh =
			min(sn->limits.high_thresh,
			    READ_ONCE(init->limits.high_thresh));
	}
	sn->sysctl = register_net_sysctl_sz(net, "net/stt", table,
					    STT_REASM_SYSCTLS);
	if (!sn->sysctl) {
		kfree(table);
		return -ENOMEM;
	}

	return 0;
}

static void stt_sysctl_exit(struct stt_net *sn)
{
	const struct ctl_table *table = sn->sysctl->ctl_table_arg;

	unregister_net_sysctl_table(sn->sysctl);
	kfree(table);
}

static int stt_proc_show(struct seq_file *m, void *v)
{
	const struct stt_net *sn = stt_net(seq_file_single_net(m));
	int i;

	seq_printf(m, "reasm_queues %u\n", stt_reasm_frames(sn->reasm));
	seq_printf(m, "reasm_mem %lu\n", stt_reasm_mem(sn->reasm));
	for (i = 0; i < STT_NET_COUNTER_MAX; i++)
		seq_printf(m, "%s %lu\n", stt_net_counter_names[i],
			   stt_net_sum(sn, i));

	return 0;
}

static int stt_proc_init(struct net *net)
{
	int err;

	if (!proc_create_net_single("stt", 0444, net->proc_net, stt_proc_show,
				    NULL))
		return -ENOMEM;
	err = stt_ids_proc_init(net);
	if (err)
		goto err_stt;
	err = stt_peers_proc_init(net);
	if (err)
		goto err_ids;

	return 0;

err_ids:
	remove_proc_entry("stt_ids", net->proc_net);
err_stt:
	remove_proc_entry("stt", net->proc_net);
	return err;
}

static void stt_proc_exit(struct net *net)
{
	remove_proc_entry("stt_peers", net->proc_net);
	remove_proc_entry("stt_ids", net->proc_net);
	remove_proc_entry("stt", net->proc_net);
}

static int __net_init stt_net_init(struct net *net)
{
	struct stt_net *sn = stt_net(net);
	int err = -ENOMEM;

	sn->net = net;
	INIT_LIST_HEAD(&sn->devs);
	INIT_LIST_HEAD(&sn->nh_devs);
	sn->limits.high_thresh = STT_REASM_HIGH_THRESH;
	sn->limits.time_ms = STT_REASM_TIME_MS;
	sn->limits.max_frames = STT_REASM_MAX_FRAMES;
	sn->counters = alloc_percpu(struct stt_net_counters);
	if (!sn->counters)
		return err;
	err = stt_peers_init(sn);
	if (err)
		goto err_counters;
	err = stt_paths_init(sn);
	if (err)
		goto err_peers;
	stt_limits_init(sn);
	err = stt_lower_init(sn);
	if (err)
		goto err_paths;
	err = rhashtable_init(&sn->zones, &stt_zone_params);
	if (err)
		goto err_lowers;
	err = stt_sysctl_init(net, sn);
	if (err)
		goto err_zones;
	err = stt_proc_init(net);
	if (err)
		goto err_sysctl;
	err = stt_fdb_nh_register(sn);
	if (err)
		goto err_proc;

	return 0;

err_proc:
	stt_proc_exit(net);
err_sysctl:
	stt_sysctl_exit(sn);
err_zones:
	rhashtable_destroy(&sn->zones);
err_lowers:
	stt_limits_exit(sn);
	stt_lower_exit(sn);
err_paths:
	stt_paths_free(sn);
err_peers:
	stt_peers_free(sn);
err_counters:
	free_percpu(sn->counters);
	return err;
}

/* Devices go with their underlay, wherever they are themselves. */
static void __net_exit stt_net_exit_rtnl(struct net *net,
					 struct list_head *dev_kill_list)
{
	struct stt_net *sn = stt_net(net);
	struct stt_dev *stt, *tmp;

	list_for_each_entry_safe(stt, tmp, &sn->devs, list)
		stt_dellink(stt->dev, dev_kill_list);
}

static void __net_exit stt_net_exit(struct net *net)
{
	struct stt_net *sn = stt_net(net);

	/* This waits for readers, who look at all the rest. */
	stt_proc_exit(net);
	stt_fdb_nh_unregister(sn);
	stt_sysctl_exit(sn);
	WARN_ON_ONCE(sn->ninputs[0] || sn->ninputs[1]);
	if (sn->reasm)
		stt_reasm_free(sn->reasm);
	stt_early_free(sn);
	stt_port_tables_free(sn);
	rhashtable_destroy(&sn->zones);
	stt_limits_exit(sn);
	stt_lower_exit(sn);
	stt_paths_free(sn);
	stt_peers_free(sn);
	free_percpu(sn->counters);
}

PERNET_EXIT_RTNL_SHIM(stt_net_exit_rtnl)

static struct pernet_operations stt_net_ops = {
	.init		= stt_net_init,
	PERNET_EXIT_RTNL(stt_net_exit_rtnl),
	.exit		= stt_net_exit,
	.id		= &stt_net_id,
	.size		= sizeof(struct stt_net),
};

/* ---- module ------------------------------------------------------------ */

static int __init stt_module_init(void)
{
	int err;

	stt_tx_init_ids();
	err = register_pernet_subsys(&stt_net_ops);
	if (err)
		return err;
	err = register_netdevice_notifier(&stt_netdev_notifier);
	if (err)
		goto err_pernet;
	err = rtnl_link_register(&stt_link_ops);
	if (err)
		goto err_notifier;

	return 0;

err_notifier:
	unregister_netdevice_notifier(&stt_netdev_notifier);
err_pernet:
	unregister_pernet_subsys(&stt_net_ops);
	return err;
}

static void __exit stt_module_exit(void)
{
	rtnl_link_unregister(&stt_link_ops);
	unregister_netdevice_notifier(&stt_netdev_notifier);
	unregister_pernet_subsys(&stt_net_ops);
	/* Paths and configurations are freed by functions of ours. */
	rcu_barrier();
}

module_init(stt_module_init);
module_exit(stt_module_exit);

MODULE_DESCRIPTION("Stateless Transport Tunneling (draft-davie-stt)");
MODULE_VERSION(STT_MODULE_VERSION);
MODULE_LICENSE("GPL");
