// SPDX-License-Identifier: GPL-2.0
/*
 * The forwarding database: MAC address -> destinations.  Lookup, learning,
 * walks and ageing.
 *
 * Semantics are vxlan's, so that what programs one can program the other.
 *
 * Anyone who can send to a device that learns can fill its table: "maxaddress"
 * bounds it, and with it the paths to peers, of which each entry holds one.
 */
#include <linux/etherdevice.h>
#include <linux/rtnetlink.h>
#include <linux/slab.h>
#include <linux/workqueue.h>
#include <net/ipv6.h>

#include "include/stt.h"
#include "include/stt_addr.h"
#include "include/stt_conf.h"
#include "include/stt_dev.h"
#include "include/stt_fdb.h"
#include "include/stt_path.h"
#include "include/stt_port.h"
#include "include/stt_stats.h"

static const struct rhashtable_params stt_fdb_params = {
	.nelem_hint		= 1,
	.key_len		= sizeof(struct stt_fdb_key),
	.key_offset		= offsetof(struct stt_fdb_entry, key),
	.head_offset		= offsetof(struct stt_fdb_entry, node),
	.automatic_shrinking	= true,
};

/* Ageing looks at least so often, and not more often than once a second. */
#define STT_FDB_AGE_INTERVAL	(10 * HZ)

/* ---- entries ----------------------------------------------------------- */

/**
 * stt_fdb_find_rcu - find the entry of a MAC address
 * @fdb: table
 * @mac: MAC address
 * @id: &stt_fdb_key.id
 *
 * Context: RCU read side.
 * Return: the entry or NULL.
 */
struct stt_fdb_entry *stt_fdb_find_rcu(struct stt_fdb *fdb, const u8 *mac,
				       u64 id)
{
	struct stt_fdb_key key = { .id = id };

	ether_addr_copy(key.mac, mac);

	return rhashtable_lookup(&fdb->table, &key, stt_fdb_params);
}

/**
 * stt_fdb_find - the same for who changes it
 * @fdb: table
 * @key: what it is found by
 *
 * Context: &stt_fdb.lock.
 */
struct stt_fdb_entry *stt_fdb_find(struct stt_fdb *fdb,
				   const struct stt_fdb_key *key)
{
	lockdep_assert_held(&fdb->lock);

	return rhashtable_lookup_fast(&fdb->table, key, stt_fdb_params);
}

/**
 * stt_fdb_dest_find - an entry's destination
 * @entry: in the table
 * @at: where it is
 *
 * Context: &stt_fdb.lock.
 * Return: the destination or NULL.
 */
struct stt_fdb_dest *stt_fdb_dest_find(struct stt_fdb_entry *entry,
				       const struct stt_fdb_where *at)
{
	struct stt_fdb_dest *dest;

	list_for_each_entry(dest, &entry->dests, list)
		if (stt_fdb_at_equal(&dest->at, at))
			return dest;

	return NULL;
}

/**
 * stt_fdb_entry_alloc - make an entry
 * @key: what it is found by
 * @state: NUD_*
 * @flags: NTF_*
 * @gfp: as the caller can
 *
 * Return: the entry, without destinations and not in the table, or NULL.
 */
struct stt_fdb_entry *stt_fdb_entry_alloc(const struct stt_fdb_key *key,
					  u16 state, u8 flags, gfp_t gfp)
{
	struct stt_fdb_entry *entry = kzalloc_obj(*entry, gfp);

	if (!entry)
		return NULL;
	entry->key = *key;
	entry->state = state;
	entry->flags = flags;
	entry->updated = jiffies;
	entry->used = jiffies;
	INIT_LIST_HEAD(&entry->dests);
	INIT_LIST_HEAD(&entry->nh_list);

	return entry;
}

/**
 * stt_fdb_changed - entries or destinations came or went
 * @fdb: table
 *
 * A device with a remote, or a group, and nothing else in its table sends as
 * if it had no table.
 *
 * Context: &stt_fdb.lock.
 */
void stt_fdb_changed(struct stt_fdb *fdb)
{
	bool plain;

	lockdep_assert_held(&fdb->lock);

	plain = fdb->count == 1 && fdb->own && fdb->zero &&
		list_is_singular(&fdb->zero->dests) &&
		list_first_entry(&fdb->zero->dests, struct stt_fdb_dest,
				 list) == fdb->own;
	WRITE_ONCE(fdb->plain, plain);
}

/* @n destinations that name interface @link came; they went if negative. */
static void stt_fdb_count_link(struct stt_fdb *fdb, int link, int n)
{
	if (!link)
		return;
	fdb->links += n;
	atomic_add(n, stt_fdb_links(stt_net(stt_fdb_dev(fdb)->net), link));
}

static bool stt_fdb_is_zero(const struct stt_fdb_entry *entry)
{
	return is_zero_ether_addr(entry->key.mac);
}

/**
 * stt_fdb_insert - let packets find an entry
 * @fdb: table
 * @entry: with its destinations; the table's if this succeeds
 *
 * Context: &stt_fdb.lock.
 * Return: 0, -EEXIST, or what the hash table returns.
 */
int stt_fdb_insert(struct stt_fdb *fdb, struct stt_fdb_entry *entry)
{
	struct stt_fdb_dest *dest;
	int err;

	lockdep_assert_held(&fdb->lock);

	err = rhashtable_lookup_insert_fast(&fdb->table, &entry->node,
					    stt_fdb_params);
	if (err)
		return err;
	list_add_tail_rcu(&entry->list, &fdb->entries);
	fdb->count++;
	list_for_each_entry(dest, &entry->dests, list)
		stt_fdb_count_link(fdb, dest->at.link, 1);
	if (stt_fdb_is_zero(entry))
		fdb->zero = entry;
	stt_fdb_changed(fdb);

	return 0;
}

static void stt_fdb_dest_unlink(struct stt_fdb *fdb,
				struct stt_fdb_dest *dest)
{
	list_del_rcu(&dest->list);
	stt_fdb_count_link(fdb, dest->at.link, -1);
	if (fdb->own == dest)
		fdb->own = NULL;
	stt_fdb_dest_free(dest);
}

/* Walks go on behind an entry that is removed, and end before it. */
static void stt_fdb_walks_skip(struct stt_fdb *fdb,
			       const struct stt_fdb_entry *entry)
{
	struct stt_fdb_walker *walk;

	list_for_each_entry(walk, &fdb->walks, list) {
		bool ends = walk->last == &entry->list;

		if (ends)
			walk->last = entry->list.prev;
		if (walk->next == &entry->list)
			walk->next = ends ? &fdb->entries : entry->list.next;
	}
}

/**
 * stt_fdb_remove - remove an entry
 * @fdb: table
 * @entry: in the table
 * @notify: tell listeners
 *
 * Context: &stt_fdb.lock.
 */
void stt_fdb_remove(struct stt_fdb *fdb, struct stt_fdb_entry *entry,
		    bool notify)
{
	struct stt_dev *stt = stt_fdb_dev(fdb);
	struct stt_fdb_dest *dest, *tmp;
	struct stt_fdb_nh *group;

	lockdep_assert_held(&fdb->lock);

	group = rcu_dereference_protected(entry->nh,
					  lockdep_is_held(&fdb->lock));
	if (notify && group)
		stt_fdb_notify(stt, entry, NULL, RTM_DELNEIGH);
	if (fdb->zero == entry)
		fdb->zero = NULL;
	fdb->count--;
	entry->dead = true;
	stt_fdb_walks_skip(fdb, entry);
	list_del_rcu(&entry->list);
	rhashtable_remove_fast(&fdb->table, &entry->node, stt_fdb_params);
	list_for_each_entry_safe(dest, tmp, &entry->dests, list) {
		if (notify)
			stt_fdb_notify(stt, entry, dest, RTM_DELNEIGH);
		stt_fdb_dest_unlink(fdb, dest);
	}
	if (group) {
		list_del(&entry->nh_list);
		stt_fdb_nh_put(fdb, group);
	}
	kfree_rcu(entry, rcu);
	stt_fdb_changed(fdb);
}

/**
 * stt_fdb_dest_add - give an entry one more destination
 * @fdb: table
 * @entry: in the table
 * @dest: taken over
 *
 * Context: &stt_fdb.lock.
 */
void stt_fdb_dest_add(struct stt_fdb *fdb, struct stt_fdb_entry *entry,
		      struct stt_fdb_dest *dest)
{
	lockdep_assert_held(&fdb->lock);

	list_add_tail_rcu(&dest->list, &entry->dests);
	stt_fdb_count_link(fdb, dest->at.link, 1);
	stt_fdb_changed(fdb);
}

/**
 * stt_fdb_dest_replace - give an entry a destination in place of its first
 * @fdb: table
 * @entry: in the table
 * @dest: taken over
 *
 * Context: &stt_fdb.lock.
 */
void stt_fdb_dest_replace(struct stt_fdb *fdb, struct stt_fdb_entry *entry,
			  struct stt_fdb_dest *dest)
{
	struct stt_fdb_dest *old;

	lockdep_assert_held(&fdb->lock);

	old = list_first_entry(&entry->dests, struct stt_fdb_dest, list);
	list_replace_rcu(&old->list, &dest->list);
	stt_fdb_count_link(fdb, dest->at.link, 1);
	stt_fdb_count_link(fdb, old->at.link, -1);
	if (fdb->own == old)
		fdb->own = NULL;
	stt_fdb_dest_free(old);
	stt_fdb_changed(fdb);
}

/**
 * stt_fdb_dest_remove - remove a destination, and the entry with its last
 * @fdb: table
 * @entry: in the table
 * @dest: its destination
 *
 * Tells listeners.
 *
 * Context: &stt_fdb.lock.
 */
void stt_fdb_dest_remove(struct stt_fdb *fdb, struct stt_fdb_entry *entry,
			 struct stt_fdb_dest *dest)
{
	lockdep_assert_held(&fdb->lock);

	if (list_is_singular(&entry->dests)) {
		stt_fdb_remove(fdb, entry, true);
		return;
	}
	stt_fdb_notify(stt_fdb_dev(fdb), entry, dest, RTM_DELNEIGH);
	stt_fdb_dest_unlink(fdb, dest);
	stt_fdb_changed(fdb);
}

/**
 * stt_fdb_restate - an entry is to be static or dynamic from now on
 * @conf: its device's configuration
 * @entry: in the table, with destinations
 * @state: NUD_*
 *
 * Peers of static entries are configured ones.
 *
 * Context: &stt_fdb.lock.
 * Return: 0, or -ENOMEM with nothing changed.
 */
int stt_fdb_restate(const struct stt_conf *conf, struct stt_fdb_entry *entry,
		    u16 state)
{
	enum stt_path_use use = stt_fdb_is_static(state) ? STT_PATH_STATIC :
							   STT_PATH_LEARNED;
	struct stt_fdb *fdb = &conf->stt->fdb;
	struct stt_fdb_dest *dest;
	struct stt_path *path;

	lockdep_assert_held(&fdb->lock);

	if (stt_fdb_is_static(state) != stt_fdb_is_static(entry->state)) {
		list_for_each_entry(dest, &entry->dests, list) {
			if (dest == fdb->own)
				continue;
			path = stt_fdb_path(conf, &dest->at, use, GFP_ATOMIC);
			if (IS_ERR(path))
				return PTR_ERR(path);
			stt_fdb_dest_reroute(dest, path);
		}
	}
	WRITE_ONCE(entry->state, state);

	return 0;
}

/* ---- learning ---------------------------------------------------------- */

/* A station is somewhere else than an entry says, or has none yet. */
static void stt_fdb_learn(struct stt_dev *stt, const struct stt_fdb_key *key,
			  const struct stt_fdb_where *at)
{
	struct stt_fdb *fdb = &stt->fdb;
	struct stt_fdb_entry *entry;
	const struct stt_conf *conf;
	struct stt_fdb_dest *dest;

	spin_lock(&fdb->lock);
	/*
	 * What is learnt when the device was stopped would stay.  Which conf
	 * is read after taking the lock: see stt_fdb_commit().
	 */
	conf = stt_conf_rcu(stt);
	if (!conf || !conf->learning || !netif_running(stt->dev))
		goto unlock;

	entry = stt_fdb_find(fdb, key);
	if (entry && (stt_fdb_is_static(entry->state) ||
		      rcu_access_pointer(entry->nh)))
		goto unlock;
	if (!entry && conf->limit && fdb->count >= conf->limit)
		goto full;
	dest = stt_fdb_dest_alloc(conf, at, STT_PATH_LEARNED, GFP_ATOMIC);
	if (!dest)
		goto full;
	if (entry) {
		stt_fdb_dest_replace(fdb, entry, dest);
	} else {
		entry = stt_fdb_entry_alloc(key, NUD_REACHABLE, NTF_SELF,
					    GFP_ATOMIC);
		if (!entry)
			goto free;
		list_add(&dest->list, &entry->dests);
		if (stt_fdb_insert(fdb, entry)) {
			kfree(entry);
			goto free;
		}
		stt_fdb_age_start(stt, conf, entry);
	}
	stt_fdb_notify(stt, entry, dest, RTM_NEWNEIGH);
unlock:
	spin_unlock(&fdb->lock);
	return;

free:
	stt_fdb_dest_free(dest);
full:
	stt_dev_count(stt, STT_DEV_fdb_full);
	spin_unlock(&fdb->lock);
}

/**
 * stt_fdb_source - check a frame's source address, and learn its sender
 * @conf: the device's configuration
 * @from: outer addresses
 * @id: context id
 * @mac: source address of the inner packet
 *
 * Context: BH disabled, RCU read side.
 * Return: false: drop it: one of our own that came back, one with a source
 * that is none, or that a static entry has elsewhere.
 */
bool stt_fdb_source(const struct stt_conf *conf,
		    const struct stt_flow_key *from, u64 id, const u8 *mac)
{
	struct stt_fdb_where at = {
		.addr	= from->saddr,
		.id	= id,
		.port	= conf->port->number,
		.family	= from->family,
	};
	struct stt_fdb_key key = { .id = stt_fdb_key_id(conf, id) };
	struct stt_dev *stt = conf->stt;
	struct stt_fdb_entry *entry;
	struct stt_fdb_dest *dest;

	if (ether_addr_equal(mac, stt->dev->dev_addr))
		return false;
	if (!conf->learning)
		return true;
	if (!is_valid_ether_addr(mac))
		return false;

	if (from->family == AF_INET6 &&
	    ipv6_addr_type(&from->saddr.v6) & IPV6_ADDR_LINKLOCAL)
		at.link = abs(from->scope);	/* a group's is negative */

	entry = stt_fdb_find_rcu(&stt->fdb, mac, key.id);
	if (likely(entry)) {
		if (time_after(jiffies, READ_ONCE(entry->updated)))
			WRITE_ONCE(entry->updated, jiffies);
		dest = list_first_or_null_rcu(&entry->dests,
					      struct stt_fdb_dest, list);
		if (likely(dest && stt_addr_equal(&dest->at.addr, &at.addr) &&
			   dest->at.family == at.family &&
			   (dest->at.link == at.link || !at.link)))
			return true;
		if (stt_fdb_is_static(READ_ONCE(entry->state)) ||
		    rcu_access_pointer(entry->nh))
			return false;
	}
	ether_addr_copy(key.mac, mac);
	stt_fdb_learn(stt, &key, &at);

	return true;
}

/* ---- walks ------------------------------------------------------------- */

/**
 * stt_fdb_walk - visit all entries
 * @fdb: table
 * @visit: called with &stt_fdb.lock held; may remove entries; ends the walk by
 *	a value other than 0
 * @arg: for @visit
 *
 * Entries come and go meanwhile, as packets and users have it: %STT_FDB_BATCH
 * are visited before others may run. Those added after the start are left out.
 *
 * Context: process; sleeps.
 * Return: 0, or what @visit returned.
 */
int stt_fdb_walk(struct stt_fdb *fdb,
		 int (*visit)(struct stt_fdb *fdb, struct stt_fdb_entry *entry,
			      void *arg),
		 void *arg)
{
	struct stt_fdb_walker walk;
	unsigned int n = 0;
	int err = 0;

	spin_lock_bh(&fdb->lock);
	walk.next = fdb->entries.next;
	walk.last = fdb->entries.prev;
	list_add(&walk.list, &fdb->walks);
	while (walk.next != &fdb->entries) {
		struct list_head *pos = walk.next;
		bool ends = pos == walk.last;

		walk.next = ends ? &fdb->entries : pos->next;
		err = visit(fdb, list_entry(pos, struct stt_fdb_entry, list),
			    arg);
		if (err || ends)
			break;
		if (++n % STT_FDB_BATCH)
			continue;
		spin_unlock_bh(&fdb->lock);
		cond_resched();
		spin_lock_bh(&fdb->lock);
	}
	list_del(&walk.list);
	spin_unlock_bh(&fdb->lock);

	return err;
}

/* ---- ageing ------------------------------------------------------------ */

static bool stt_fdb_ages(const struct stt_fdb_entry *entry)
{
	return !stt_fdb_is_static(READ_ONCE(entry->state)) &&
	       !(READ_ONCE(entry->flags) & NTF_EXT_LEARNED);
}

/* One look for entries that are too old; jiffies. */
struct stt_fdb_aged {
	unsigned long	ageing;
	unsigned long	now;
	unsigned long	next;
	bool		again;
};

static int stt_fdb_age_entry(struct stt_fdb *fdb, struct stt_fdb_entry *entry,
			     void *arg)
{
	unsigned long due = READ_ONCE(entry->updated);
	struct stt_fdb_aged *aged = arg;

	if (!stt_fdb_ages(entry))
		return 0;
	due += aged->ageing;
	if (time_after(due, aged->now)) {
		aged->again = true;
		if (time_before(due, aged->next))
			aged->next = due;
		return 0;
	}
	entry->state = NUD_STALE;
	stt_fdb_remove(fdb, entry, true);

	return 0;
}

/* How long until ageing has to look again at the latest; 0: never. */
static unsigned long stt_fdb_age_interval(const struct stt_conf *conf)
{
	return min_t(u64, (u64)conf->ageing * HZ, STT_FDB_AGE_INTERVAL);
}

/* Remove entries that are too old, and come back while there are younger. */
static void stt_fdb_age(struct work_struct *work)
{
	struct stt_fdb *fdb = container_of(to_delayed_work(work),
					   struct stt_fdb, ageing);
	struct stt_fdb_aged aged = { .now = jiffies };
	const struct stt_conf *conf;

	rcu_read_lock();
	conf = stt_conf_rcu(stt_fdb_dev(fdb));
	if (conf) {
		aged.ageing = min_t(u64, (u64)conf->ageing * HZ,
				    MAX_JIFFY_OFFSET);
		aged.next = aged.now + stt_fdb_age_interval(conf);
	}
	rcu_read_unlock();
	if (!aged.ageing)
		return;

	stt_fdb_walk(fdb, stt_fdb_age_entry, &aged);
	if (!aged.again)
		return;
	if (time_before(aged.next, aged.now + HZ))
		aged.next = aged.now + HZ;
	queue_delayed_work(system_long_wq, &fdb->ageing,
			   aged.next - aged.now);
}

/**
 * stt_fdb_age_start - there is an entry that may age: see to it in time
 * @stt: device
 * @conf: its configuration
 * @entry: the entry
 *
 * Context: any.
 */
void stt_fdb_age_start(struct stt_dev *stt, const struct stt_conf *conf,
		       const struct stt_fdb_entry *entry)
{
	if (conf->ageing && stt_fdb_ages(entry) && netif_running(stt->dev))
		queue_delayed_work(system_long_wq, &stt->fdb.ageing,
				   stt_fdb_age_interval(conf));
}

/**
 * stt_fdb_open - the device comes up: entries age
 * @stt: device
 *
 * Context: RTNL.
 */
void stt_fdb_open(struct stt_dev *stt)
{
	struct stt_fdb *fdb = &stt->fdb;

	/* A device that has its remote and nothing else has none that age. */
	if (stt_conf_rtnl(stt)->ageing && fdb->count && !fdb->plain)
		mod_delayed_work(system_long_wq, &fdb->ageing, 0);
}

static int stt_fdb_stop_entry(struct stt_fdb *fdb, struct stt_fdb_entry *entry,
			      void *arg)
{
	if (!stt_fdb_is_static(entry->state))
		stt_fdb_remove(fdb, entry, true);

	return 0;
}

/**
 * stt_fdb_stop - the device goes down: what was learnt is forgotten
 * @stt: device
 *
 * Context: RTNL; sleeps.
 */
void stt_fdb_stop(struct stt_dev *stt)
{
	cancel_delayed_work_sync(&stt->fdb.ageing);
	stt_fdb_walk(&stt->fdb, stt_fdb_stop_entry, NULL);
}

/* ---- life -------------------------------------------------------------- */

static int stt_fdb_clear_entry(struct stt_fdb *fdb,
			       struct stt_fdb_entry *entry, void *arg)
{
	stt_fdb_remove(fdb, entry, *(bool *)arg);

	return 0;
}

/**
 * stt_fdb_clear - remove everything
 * @stt: device
 * @notify: tell listeners
 *
 * Context: RTNL; sleeps.
 */
void stt_fdb_clear(struct stt_dev *stt, bool notify)
{
	stt_fdb_walk(&stt->fdb, stt_fdb_clear_entry, &notify);
}

/**
 * stt_fdb_init - make an empty table
 * @stt: device
 *
 * Return: 0 or -ENOMEM.
 */
int stt_fdb_init(struct stt_dev *stt)
{
	struct stt_fdb *fdb = &stt->fdb;

	spin_lock_init(&fdb->lock);
	INIT_LIST_HEAD(&fdb->entries);
	INIT_LIST_HEAD(&fdb->nhs);
	INIT_LIST_HEAD(&fdb->walks);
	INIT_DEFERRABLE_WORK(&fdb->ageing, stt_fdb_age);

	return rhashtable_init(&fdb->table, &stt_fdb_params);
}

/**
 * stt_fdb_exit - remove everything, and the table
 * @stt: device that packets do not come to any more
 *
 * Context: RTNL; sleeps.
 */
void stt_fdb_exit(struct stt_dev *stt)
{
	cancel_delayed_work_sync(&stt->fdb.ageing);
	stt_fdb_clear(stt, false);
	rhashtable_destroy(&stt->fdb.table);
}
