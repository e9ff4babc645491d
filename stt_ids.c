// SPDX-License-Identifier: GPL-2.0
/*
 * Counters for each context id of an external device, and /proc/net/stt_ids,
 * which shows them and those of all other devices, which have one id each.
 *
 * An id gets counters of its own when its first frame is sent or received, and
 * keeps them as long as the device exists.  The outside chooses the ids of
 * received frames: of ids that nothing was sent with, few get counters.  What
 * has none counts together, under "-".
 */
#include <linux/bottom_half.h>
#include <linux/hash.h>
#include <linux/percpu.h>
#include <linux/proc_fs.h>
#include <linux/rhashtable.h>
#include <linux/seq_file.h>
#include <linux/slab.h>

#include "include/stt.h"
#include "include/stt_conf.h"
#include "include/stt_dev.h"
#include "include/stt_ids.h"
#include "include/stt_stats.h"

/* Ids of a device that have counters of their own... */
#define STT_IDS_MAX		16384
/* ...and how many of them may be ids that nothing was sent with. */
#define STT_IDS_RECEIVED_MAX	1024

#define STT_IDS_RECENT_BITS	4

/**
 * struct stt_id - a context id that is in use
 * @node: in &stt_ids.table
 * @list: in &stt_ids.list
 * @id: context id
 * @sent: frames were sent with it; written under &stt_ids.lock
 * @counters: what was counted
 */
struct stt_id {
	struct rhash_head	node;
	struct list_head	list;
	u64			id;
	bool			sent;
	struct stt_id_counters __percpu *counters;
};

/**
 * struct stt_ids_recent - ids that a CPU counted last
 * @id: context id
 * @sent: frames were sent with it
 * @counters: this CPU's; NULL: nothing is known
 */
struct stt_ids_recent {
	u64			id;
	bool			sent;
	struct stt_id_counters	*counters;
};

/* One for each CPU. */
struct stt_ids_cpu {
	struct stt_ids_recent	recent[1 << STT_IDS_RECENT_BITS];
};

/**
 * struct stt_ids - the ids of an external device
 * @table: &struct stt_id by id
 * @list: all of them, in the order in which they were first seen
 * @lock: for writers
 * @count: how many there are
 * @received: how many of them nothing was sent with
 * @rest: counts for all ids without counters of their own
 * @cpu: what each CPU counted last; see stt_bh_exclusive()
 */
struct stt_ids {
	struct rhashtable	table;
	struct list_head	list;
	spinlock_t		lock;	/* writers */
	unsigned int		count;
	unsigned int		received;
	struct stt_id_counters __percpu *rest;
	struct stt_ids_cpu __percpu *cpu;
};

static const struct rhashtable_params stt_ids_params = {
	.nelem_hint		= 1,
	.key_len		= sizeof(u64),
	.key_offset		= offsetof(struct stt_id, id),
	.head_offset		= offsetof(struct stt_id, node),
	.automatic_shrinking	= true,
};

/* ---- counting ---------------------------------------------------------- */

static struct stt_id_counters __percpu *stt_id_alloc_counters(gfp_t gfp)
{
	struct stt_id_counters __percpu *counters;
	int cpu;

	counters = alloc_percpu_gfp(struct stt_id_counters,
				    gfp | __GFP_NOWARN);
	if (!counters)
		return NULL;
	for_each_possible_cpu(cpu)
		u64_stats_init(&per_cpu_ptr(counters, cpu)->syncp);

	return counters;
}

static struct stt_id *stt_id_alloc(u64 id)
{
	struct stt_id *made = kzalloc_obj(*made, GFP_ATOMIC);

	if (!made)
		return NULL;
	made->counters = stt_id_alloc_counters(GFP_ATOMIC);
	if (!made->counters) {
		kfree(made);
		return NULL;
	}
	made->id = id;

	return made;
}

static void stt_id_free(void *ptr, void *arg)
{
	struct stt_id *id = ptr;

	free_percpu(id->counters);
	kfree(id);
}

/* The first frame with this id.  NULL: it gets no counters of its own. */
static struct stt_id *stt_ids_make(struct stt_ids *ids, u64 id, bool tx)
{
	struct stt_id *made;

	lockdep_assert_held(&ids->lock);

	if (ids->count >= STT_IDS_MAX ||
	    (!tx && ids->received >= STT_IDS_RECEIVED_MAX))
		return NULL;
	made = stt_id_alloc(id);
	if (!made)
		return NULL;
	if (rhashtable_insert_fast(&ids->table, &made->node, stt_ids_params)) {
		stt_id_free(made, NULL);
		return NULL;
	}
	made->sent = tx;
	WRITE_ONCE(ids->count, ids->count + 1);
	if (!tx)
		WRITE_ONCE(ids->received, ids->received + 1);
	list_add_tail_rcu(&made->list, &ids->list);

	return made;
}

/* What this CPU does not remember. */
static noinline struct stt_id *stt_ids_find(struct stt_ids *ids, u64 id,
					    bool tx)
{
	struct stt_id *found;

	found = rhashtable_lookup(&ids->table, &id, stt_ids_params);
	if (likely(found && (READ_ONCE(found->sent) || !tx)))
		return found;
	/* Frames of strangers must not take the lock each time. */
	if (!found && (READ_ONCE(ids->count) >= STT_IDS_MAX ||
		       (!tx && READ_ONCE(ids->received) >=
			       STT_IDS_RECEIVED_MAX)))
		return NULL;

	spin_lock(&ids->lock);
	found = rhashtable_lookup(&ids->table, &id, stt_ids_params);
	if (!found) {
		found = stt_ids_make(ids, id, tx);
	} else if (tx && !found->sent) {
		WRITE_ONCE(found->sent, true);
		WRITE_ONCE(ids->received, ids->received - 1);
	}
	spin_unlock(&ids->lock);

	return found;
}

/**
 * stt_ids_get - this CPU's counters for a context id
 * @stt: device
 * @id: context id
 * @tx: a frame is sent, not received
 *
 * Allocates with the first frame of an id.
 *
 * Context: BH disabled, RCU read side.
 * Return: counters that are good as long as BH stay disabled; NULL for devices
 * that are not external.
 */
struct stt_id_counters *stt_ids_get(const struct stt_dev *stt, u64 id, bool tx)
{
	struct stt_ids_recent *recent = NULL;
	struct stt_ids *ids = stt->ids;
	struct stt_id *found;

	if (!ids)
		return NULL;
	if (stt_bh_exclusive()) {
		recent = this_cpu_ptr(ids->cpu)->recent;
		recent += hash_64(id, STT_IDS_RECENT_BITS);
		if (likely(recent->counters && recent->id == id &&
			   (recent->sent || !tx)))
			return recent->counters;
	}

	found = stt_ids_find(ids, id, tx);
	if (!found)
		return this_cpu_ptr(ids->rest);
	if (recent)
		*recent = (struct stt_ids_recent) {
			.id = id,
			.sent = READ_ONCE(found->sent),
			.counters = this_cpu_ptr(found->counters),
		};

	return this_cpu_ptr(found->counters);
}

/* ---- life -------------------------------------------------------------- */

/**
 * stt_ids_init - no id is in use yet
 * @stt: external device
 *
 * Context: sleeps.
 * Return: 0 or -ENOMEM.
 */
int stt_ids_init(struct stt_dev *stt)
{
	struct stt_ids *ids = kzalloc_obj(*ids, GFP_KERNEL);
	int err = -ENOMEM;

	if (!ids)
		return err;
	INIT_LIST_HEAD(&ids->list);
	spin_lock_init(&ids->lock);
	ids->rest = stt_id_alloc_counters(GFP_KERNEL);
	ids->cpu = alloc_percpu(struct stt_ids_cpu);
	if (ids->rest && ids->cpu)
		err = rhashtable_init(&ids->table, &stt_ids_params);
	if (err) {
		free_percpu(ids->rest);
		free_percpu(ids->cpu);
		kfree(ids);
		return err;
	}
	stt->ids = ids;

	return 0;
}

/**
 * stt_ids_free - forget all ids
 * @stt: device that nothing looks at any more
 *
 * Context: sleeps.
 */
void stt_ids_free(struct stt_dev *stt)
{
	struct stt_ids *ids = stt->ids;

	if (!ids)
		return;
	rhashtable_free_and_destroy(&ids->table, stt_id_free, NULL);
	free_percpu(ids->rest);
	free_percpu(ids->cpu);
	kfree(ids);
}

/* ---- /proc/net/stt_ids ------------------------------------------------- */

/**
 * struct stt_ids_iter - a line that is to be shown
 * @p: namespace
 * @stt: device
 * @id: its id; NULL: a device's only line, or the last one of an external
 *	device
 */
struct stt_ids_iter {
	struct seq_net_private	p;
	struct stt_dev		*stt;
	struct stt_id		*id;
};

static struct stt_id *stt_ids_first(const struct stt_dev *stt)
{
	if (!stt->ids)
		return NULL;

	return list_first_or_null_rcu(&stt->ids->list, struct stt_id, list);
}

static void *stt_ids_at(struct stt_ids_iter *iter, struct stt_dev *stt)
{
	iter->stt = stt;
	if (!stt)
		return NULL;
	iter->id = stt_ids_first(stt);

	return iter;
}

static void *stt_ids_advance(struct seq_file *m)
{
	struct stt_net *sn = stt_net(seq_file_net(m));
	struct stt_ids_iter *iter = m->private;

	if (iter->id) {
		iter->id = list_next_or_null_rcu(&iter->stt->ids->list,
						 &iter->id->list,
						 struct stt_id, list);
		return iter;
	}

	return stt_ids_at(iter, list_next_or_null_rcu(&sn->devs,
						      &iter->stt->list,
						      struct stt_dev, list));
}

/* Line 0 has the names of the columns. */
static void *stt_ids_seq_start(struct seq_file *m, loff_t *pos)
	__acquires(RCU)
{
	struct stt_net *sn = stt_net(seq_file_net(m));
	loff_t n = *pos;
	void *v;

	rcu_read_lock();
	if (!n)
		return SEQ_START_TOKEN;
	v = stt_ids_at(m->private,
		       list_first_or_null_rcu(&sn->devs, struct stt_dev, list));
	while (v && --n)
		v = stt_ids_advance(m);

	return v;
}

static void *stt_ids_seq_next(struct seq_file *m, void *v, loff_t *pos)
{
	struct stt_net *sn = stt_net(seq_file_net(m));

	++*pos;
	if (v == SEQ_START_TOKEN)
		return stt_ids_at(m->private,
				  list_first_or_null_rcu(&sn->devs,
							 struct stt_dev, list));

	return stt_ids_advance(m);
}

static void stt_ids_seq_stop(struct seq_file *m, void *v)
	__releases(RCU)
{
	rcu_read_unlock();
}

static void stt_ids_sum(const struct stt_id_counters __percpu *counters,
			u64 *sum)
{
	int cpu, i;

	for_each_possible_cpu(cpu) {
		const struct stt_id_counters *c = per_cpu_ptr(counters, cpu);
		u64 now[STT_ID_COUNTER_MAX];
		unsigned int start;

		do {
			start = u64_stats_fetch_begin(&c->syncp);
			for (i = 0; i < STT_ID_COUNTER_MAX; i++)
				now[i] = u64_stats_read(&c->c[i]);
		} while (u64_stats_fetch_retry(&c->syncp, start));
		for (i = 0; i < STT_ID_COUNTER_MAX; i++)
			sum[i] += now[i];
	}
}

/* A device with one id: what ip -s link shows. */
static void stt_ids_sum_dev(const struct stt_dev *stt, u64 *sum)
{
	sum[STT_ID_rx_frames] = stt_dev_sum(stt, STT_DEV_rx_frames);
	sum[STT_ID_rx_bytes] = stt_dev_sum(stt, STT_DEV_rx_bytes);
	sum[STT_ID_rx_drops] = stt_dev_sum(stt, STT_DEV_rx_errors) +
			       stt_dev_sum(stt, STT_DEV_rx_dropped);
	sum[STT_ID_tx_frames] = stt_dev_sum(stt, STT_DEV_tx_frames);
	sum[STT_ID_tx_bytes] = stt_dev_sum(stt, STT_DEV_tx_bytes);
	sum[STT_ID_tx_drops] = stt_dev_sum(stt, STT_DEV_tx_errors) +
			       stt_dev_sum(stt, STT_DEV_tx_dropped);
}

static int stt_ids_seq_show(struct seq_file *m, void *v)
{
	const struct stt_ids_iter *iter = m->private;
	u64 sum[STT_ID_COUNTER_MAX] = { };
	const struct stt_conf *conf;
	int i;

	if (v == SEQ_START_TOKEN) {
		seq_puts(m, "device id rx_frames rx_bytes rx_drops tx_frames tx_bytes tx_drops\n");
		return 0;
	}
	conf = stt_conf_rcu(iter->stt);
	if (!conf)
		return 0;
	if (iter->id)
		stt_ids_sum(iter->id->counters, sum);
	else if (iter->stt->ids)
		stt_ids_sum(iter->stt->ids->rest, sum);
	else
		stt_ids_sum_dev(iter->stt, sum);

	seq_printf(m, "%s ", iter->stt->dev->name);
	if (iter->id || !iter->stt->ids)
		seq_printf(m, "%llu", iter->id ? iter->id->id : conf->key.id);
	else
		seq_putc(m, '-');
	for (i = 0; i < STT_ID_COUNTER_MAX; i++)
		seq_printf(m, " %llu", sum[i]);
	seq_putc(m, '\n');

	return 0;
}

static const struct seq_operations stt_ids_seq_ops = {
	.start	= stt_ids_seq_start,
	.next	= stt_ids_seq_next,
	.stop	= stt_ids_seq_stop,
	.show	= stt_ids_seq_show,
};

/**
 * stt_ids_proc_init - make /proc/net/stt_ids
 * @net: namespace
 *
 * remove_proc_entry() undoes it.
 *
 * Return: 0 or -ENOMEM.
 */
int stt_ids_proc_init(struct net *net)
{
	if (!proc_create_net("stt_ids", 0444, net->proc_net, &stt_ids_seq_ops,
			     sizeof(struct stt_ids_iter)))
		return -ENOMEM;

	return 0;
}
