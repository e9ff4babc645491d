// SPDX-License-Identifier: GPL-2.0
/*
 * Module, namespaces, and events of the devices below tunnels.
 */
#include <linux/module.h>
#include <linux/proc_fs.h>
#include <linux/seq_file.h>
#include <linux/sysctl.h>
#include <net/rtnetlink.h>

#include "include/stt.h"
#include "include/stt_conf.h"
#include "include/stt_dev.h"
#include "include/stt_early.h"
#include "include/stt_fdb.h"
#include "include/stt_ids.h"
#include "include/stt_input.h"
#include "include/stt_limits.h"
#include "include/stt_lower.h"
#include "include/stt_mcast.h"
#include "include/stt_netlink.h"
#include "include/stt_path.h"
#include "include/stt_peers.h"
#include "include/stt_port.h"
#include "include/stt_reasm.h"
#include "include/stt_stats.h"
#include "include/stt_tx.h"
#include "include/stt_zone.h"

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
