// SPDX-License-Identifier: GPL-2.0
/*
 * How a forwarding database follows what it depends on: the device's remote or
 * group is its default destination, all paths to peers are those of the present
 * configuration, and entries go with an interface or nexthop group that they
 * name.
 */
#include <linux/etherdevice.h>
#include <linux/rtnetlink.h>
#include <linux/slab.h>
#include <net/nexthop.h>

#include "include/stt.h"
#include "include/stt_addr.h"
#include "include/stt_conf.h"
#include "include/stt_dev.h"
#include "include/stt_fdb.h"
#include "include/stt_path.h"
#include "include/stt_port.h"

/* What unknown stations are sent to when nobody says anything else. */
static bool stt_fdb_own(const struct stt_conf *conf, struct stt_fdb_where *at)
{
	if (!conf || stt_addr_any(stt_conf_target(conf)))
		return false;

	memset(at, 0, sizeof(*at));
	at->addr = *stt_conf_target(conf);
	at->id = conf->key.id;
	at->link = conf->link;
	at->port = conf->port->number;
	at->family = conf->port->family;

	return true;
}

/* Put @conf's remote into the table; it may be there. */
static int stt_fdb_own_add(struct stt_fdb *fdb, const struct stt_conf *conf,
			   const struct stt_fdb_where *at)
{
	const struct stt_fdb_key key = { };
	struct stt_fdb_entry *entry, *made;
	struct stt_fdb_dest *dest;
	int err = 0;

	dest = stt_fdb_dest_alloc(conf, at, STT_PATH_CONF, GFP_KERNEL);
	made = stt_fdb_entry_alloc(&key, NUD_REACHABLE | NUD_PERMANENT,
				   NTF_SELF, GFP_KERNEL);
	if (!dest || !made) {
		stt_fdb_dest_free(dest);
		kfree(made);
		return -ENOMEM;
	}

	spin_lock_bh(&fdb->lock);
	entry = stt_fdb_find(fdb, &key);
	fdb->own_next = entry ? stt_fdb_dest_find(entry, at) : NULL;
	if (entry && (fdb->own_next || rcu_access_pointer(entry->nh)))
		goto unlock;
	if (entry) {
		stt_fdb_dest_add(fdb, entry, dest);
	} else {
		list_add(&dest->list, &made->dests);
		err = stt_fdb_insert(fdb, made);
		if (err)
			goto unlock;
		entry = made;
		made = NULL;
	}
	fdb->own_next = dest;
	fdb->own_added = true;
	stt_fdb_notify(conf->stt, entry, dest, RTM_NEWNEIGH);
	dest = NULL;
unlock:
	spin_unlock_bh(&fdb->lock);
	stt_fdb_dest_free(dest);
	kfree(made);

	return err;
}

/* Do all ways change from @old to @conf? */
static bool stt_fdb_ways_change(const struct stt_conf *old,
				const struct stt_conf *conf)
{
	struct stt_path_key a, b;

	if (!old)
		return false;
	stt_path_key_init(old, &a);
	stt_path_key_init(conf, &b);
	a.remote = b.remote;

	return memcmp(&a, &b, sizeof(a));
}

static int stt_fdb_prepare_entry(struct stt_fdb *fdb,
				 struct stt_fdb_entry *entry, void *arg)
{
	const struct stt_conf *conf = *(const struct stt_conf **)arg;
	struct stt_fdb_dest *dest;
	struct stt_path *path;

	list_for_each_entry(dest, &entry->dests, list) {
		path = stt_fdb_path(conf, &dest->at, stt_fdb_use(dest),
				    GFP_ATOMIC);
		if (IS_ERR(path))
			return PTR_ERR(path);
		dest->next = path;
	}

	return 0;
}

/**
 * stt_fdb_prepare - make the table ready for another configuration
 * @stt: device
 * @old: present configuration, or NULL for a new device
 * @conf: next one
 *
 * stt_fdb_commit() or stt_fdb_abort() follow.
 *
 * Context: RTNL; sleeps.
 * Return: 0, or -ENOMEM with nothing changed.
 */
int stt_fdb_prepare(struct stt_dev *stt, const struct stt_conf *old,
		    const struct stt_conf *conf)
{
	struct stt_fdb *fdb = &stt->fdb;
	struct stt_fdb_where was, at;
	int err = 0;

	ASSERT_RTNL();

	fdb->own_next = NULL;
	fdb->own_added = false;
	if (stt_fdb_own(conf, &at) &&
	    !(stt_fdb_own(old, &was) && stt_fdb_at_equal(&was, &at)))
		err = stt_fdb_own_add(fdb, conf, &at);
	if (err || !stt_fdb_ways_change(old, conf))
		return err;

	err = stt_fdb_walk(fdb, stt_fdb_prepare_entry, &conf);
	if (err)
		stt_fdb_abort(stt);

	return err;
}

static int stt_fdb_abort_entry(struct stt_fdb *fdb,
			       struct stt_fdb_entry *entry, void *arg)
{
	struct stt_fdb_dest *dest;

	list_for_each_entry(dest, &entry->dests, list) {
		stt_path_put(dest->next);
		dest->next = NULL;
	}

	return 0;
}

/**
 * stt_fdb_abort - the next configuration does not come
 * @stt: device
 *
 * Context: RTNL; sleeps.
 */
void stt_fdb_abort(struct stt_dev *stt)
{
	struct stt_fdb *fdb = &stt->fdb;

	ASSERT_RTNL();

	stt_fdb_walk(fdb, stt_fdb_abort_entry, NULL);
	if (fdb->own_added) {
		spin_lock_bh(&fdb->lock);
		stt_fdb_dest_remove(fdb, fdb->zero, fdb->own_next);
		spin_unlock_bh(&fdb->lock);
	}
}

/* Take the path that is ready, or make one for an entry learnt meanwhile. */
static int stt_fdb_reroute_entry(struct stt_fdb *fdb,
				 struct stt_fdb_entry *entry, void *arg)
{
	const struct stt_conf *conf = *(const struct stt_conf **)arg;
	struct stt_fdb_dest *dest;

	list_for_each_entry(dest, &entry->dests, list) {
		struct stt_path *path = dest->next;

		dest->next = NULL;
		if (!path)
			path = stt_fdb_path(conf, &dest->at, stt_fdb_use(dest),
					    GFP_ATOMIC);
		if (IS_ERR(path)) {
			/* The next packet teaches it again. */
			stt_fdb_remove(fdb, entry, true);
			break;
		}
		stt_fdb_dest_reroute(dest, path);
	}

	return 0;
}

/**
 * stt_fdb_commit - packets see another configuration
 * @stt: device
 * @old: the one before, which is not freed yet, or NULL for a new device
 * @conf: the present one
 *
 * Context: RTNL; sleeps.
 */
void stt_fdb_commit(struct stt_dev *stt, const struct stt_conf *old,
		    const struct stt_conf *conf)
{
	struct stt_fdb *fdb = &stt->fdb;
	struct stt_fdb_where was, at;
	bool stays;

	ASSERT_RTNL();

	stays = stt_fdb_own(old, &was) && stt_fdb_own(conf, &at) &&
		stt_fdb_at_equal(&was, &at);
	/*
	 * Who learns reads the conf with the lock held: those before this saw
	 * the old one, and what they learnt is in the list by now; those after
	 * it see the new one.
	 */
	spin_lock_bh(&fdb->lock);
	if (!stays) {
		if (fdb->own && fdb->own != fdb->own_next)
			stt_fdb_dest_remove(fdb, fdb->zero, fdb->own);
		fdb->own = fdb->own_next;
		stt_fdb_changed(fdb);
	}
	spin_unlock_bh(&fdb->lock);

	if (stt_fdb_ways_change(old, conf)) {
		stt_fdb_walk(fdb, stt_fdb_reroute_entry, &conf);
		stt_fdb_nh_forget(fdb);
	}
	if (old && old->ageing != conf->ageing && netif_running(stt->dev))
		mod_delayed_work(system_long_wq, &fdb->ageing, 0);
}

static int stt_fdb_link_gone_entry(struct stt_fdb *fdb,
				   struct stt_fdb_entry *entry, void *arg)
{
	struct stt_fdb_dest *dest, *tmp;
	const int *link = arg;

	list_for_each_entry_safe(dest, tmp, &entry->dests, list) {
		bool last = list_is_singular(&entry->dests);

		if (dest->at.link == *link)
			stt_fdb_dest_remove(fdb, entry, dest);
		if (last)
			break;
	}

	return 0;
}

/**
 * stt_fdb_link_gone - an interface of the underlay is being removed
 * @sn: namespace
 * @link: its ifindex
 *
 * FDB destinations that name it go with it.  Looks at all devices only if
 * there are such destinations, or some of an interface that shares a counter.
 *
 * Context: RTNL; sleeps.
 */
void stt_fdb_link_gone(struct stt_net *sn, int link)
{
	struct stt_dev *stt;

	ASSERT_RTNL();

	if (!atomic_read(stt_fdb_links(sn, link)))
		return;
	list_for_each_entry(stt, &sn->devs, list)
		if (READ_ONCE(stt->fdb.links))
			stt_fdb_walk(&stt->fdb, stt_fdb_link_gone_entry, &link);
}

/* ---- nexthop groups ------------------------------------------------------ */

/* A group is deleted: its entries go, and it goes with the last. */
static void stt_fdb_nh_gone(struct stt_fdb *fdb, u32 id)
{
	struct stt_fdb_entry *entry;
	struct stt_fdb_nh *group;
	unsigned int n;
	bool last;

	spin_lock_bh(&fdb->lock);
	while ((group = stt_fdb_nh_find(fdb, id))) {
		for (last = false, n = 0; !last && n < STT_FDB_BATCH; n++) {
			entry = list_first_entry(&group->entries,
						 struct stt_fdb_entry,
						 nh_list);
			last = list_is_singular(&group->entries);
			stt_fdb_remove(fdb, entry, true);
		}
		spin_unlock_bh(&fdb->lock);
		cond_resched();
		spin_lock_bh(&fdb->lock);
	}
	spin_unlock_bh(&fdb->lock);
}

static int stt_fdb_nexthop_event(struct notifier_block *nb,
				 unsigned long event, void *ptr)
{
	struct stt_net *sn = container_of(nb, struct stt_net, nexthops);
	const struct nh_notifier_info *info = ptr;
	struct stt_fdb *fdb, *tmp;

	if (event != NEXTHOP_EVENT_DEL && event != NEXTHOP_EVENT_REPLACE)
		return NOTIFY_DONE;

	list_for_each_entry_safe(fdb, tmp, &sn->nh_devs, nh_node) {
		if (event == NEXTHOP_EVENT_DEL)
			stt_fdb_nh_gone(fdb, info->id);
		stt_fdb_nh_forget(fdb);
	}

	return NOTIFY_DONE;
}

/**
 * stt_fdb_nh_register - hear of nexthops
 * @sn: namespace
 *
 * Context: takes RTNL.
 * Return: 0, or what the notifier chain returns.
 */
int stt_fdb_nh_register(struct stt_net *sn)
{
	sn->nexthops.notifier_call = stt_fdb_nexthop_event;

	return register_nexthop_notifier(sn->net, &sn->nexthops, NULL);
}

/**
 * stt_fdb_nh_unregister - undo stt_fdb_nh_register()
 * @sn: namespace
 *
 * Context: takes RTNL.
 */
void stt_fdb_nh_unregister(struct stt_net *sn)
{
	unregister_nexthop_notifier(sn->net, &sn->nexthops);
}
