// SPDX-License-Identifier: GPL-2.0
/*
 * Counters for each peer, and /proc/net/stt_peers, which shows them: what came
 * from there, and how much of it the path lost.
 *
 * A peer has an entry once a device or a static FDB entry names it, or once a
 * frame from it was complete and had a device.  Strangers get none.  The table
 * is bounded: when it is full, the entry that was idle for longest is evicted
 * if that was %STT_PEERS_IDLE at least, or else a new peer gets none.
 */
#include <linux/jiffies.h>
#include <linux/percpu.h>
#include <linux/proc_fs.h>
#include <linux/rhashtable.h>
#include <linux/seq_file.h>
#include <linux/slab.h>

#include "include/stt.h"
#include "include/stt_addr.h"
#include "include/stt_path.h"
#include "include/stt_peers.h"
#include "include/stt_source.h"

#define STT_PEERS_MAX		4096
#define STT_PEERS_IDLE		(60 * HZ)

/**
 * struct stt_peer_key - what a peer is found by
 * @addr: its address
 * @scope: as in &struct stt_flow_key
 * @family: AF_INET or AF_INET6
 * @port: our endpoint's port number
 *
 * Hashed and compared as bytes: no holes.
 */
struct stt_peer_key {
	union stt_addr	addr;
	int		scope;
	u16		family;
	__be16		port;
};

static_assert(sizeof(struct stt_peer_key) == 24);

/* One for each CPU. */
struct stt_peer_counters {
	unsigned long	c[STT_PEER_COUNTER_MAX];
};

/**
 * struct stt_peer - what is known of a peer
 * @node: in &stt_net.peers
 * @list: in &stt_net.peer_list
 * @key: what it is found by
 * @seen: jiffies of its last frame
 * @counters: what was counted
 * @rcu: frees it
 */
struct stt_peer {
	struct rhash_head	node;
	struct list_head	list;
	struct stt_peer_key	key;
	unsigned long		seen;
	struct stt_peer_counters __percpu *counters;
	struct rcu_head		rcu;
};

static const struct rhashtable_params stt_peers_params = {
	.nelem_hint		= 1,
	.key_len		= sizeof(struct stt_peer_key),
	.key_offset		= offsetof(struct stt_peer, key),
	.head_offset		= offsetof(struct stt_peer, node),
	.automatic_shrinking	= true,
};

/* ---- peers come and go ------------------------------------------------- */

static void stt_peer_free(struct stt_peer *peer)
{
	free_percpu(peer->counters);
	kfree(peer);
}

static void stt_peer_free_rcu(struct rcu_head *head)
{
	stt_peer_free(container_of(head, struct stt_peer, rcu));
}

static struct stt_peer *stt_peer_alloc(const struct stt_peer_key *key)
{
	struct stt_peer *peer = kzalloc_obj(*peer, GFP_ATOMIC);

	if (!peer)
		return NULL;
	peer->counters = alloc_percpu_gfp(struct stt_peer_counters,
					  GFP_ATOMIC | __GFP_NOWARN);
	if (!peer->counters) {
		kfree(peer);
		return NULL;
	}
	peer->key = *key;
	peer->seen = jiffies;

	return peer;
}

static void stt_peer_remove(struct stt_net *sn, struct stt_peer *peer)
{
	lockdep_assert_held(&sn->peers_lock);

	rhashtable_remove_fast(&sn->peers, &peer->node, stt_peers_params);
	list_del_rcu(&peer->list);
	sn->npeers--;
	/* Pairs with stt_peer_received(). */
	smp_store_release(&sn->peers_gen, sn->peers_gen + 1);
	call_rcu(&peer->rcu, stt_peer_free_rcu);
}

/*
 * Make room for one more.  Looks at all of them, and so at most once a second:
 * whoever makes up senders' addresses decides how often this is wanted.
 */
static bool stt_peers_evict(struct stt_net *sn)
{
	struct stt_peer *peer, *oldest = NULL;

	lockdep_assert_held(&sn->peers_lock);

	if (time_before(jiffies, sn->peers_evicted + HZ))
		return false;
	sn->peers_evicted = jiffies;
	list_for_each_entry(peer, &sn->peer_list, list)
		if (!oldest || time_before(READ_ONCE(peer->seen),
					   READ_ONCE(oldest->seen)))
			oldest = peer;
	if (!oldest ||
	    time_before(jiffies, READ_ONCE(oldest->seen) + STT_PEERS_IDLE))
		return false;
	stt_peer_remove(sn, oldest);

	return true;
}

static struct stt_peer *stt_peer_find_rcu(struct stt_net *sn,
					  const struct stt_peer_key *key)
{
	return rhashtable_lookup(&sn->peers, key, stt_peers_params);
}

/* The peer's entry, made if it has none.  NULL: there is no room. */
static struct stt_peer *stt_peer_get(struct stt_net *sn,
				     const struct stt_peer_key *key)
{
	struct stt_peer *peer = stt_peer_find_rcu(sn, key);

	if (likely(peer))
		return peer;
	/* Frames of peers without an entry must not take the lock each time. */
	if (READ_ONCE(sn->npeers) >= STT_PEERS_MAX &&
	    time_before(jiffies, READ_ONCE(sn->peers_evicted) + HZ))
		return NULL;

	spin_lock_bh(&sn->peers_lock);
	peer = stt_peer_find_rcu(sn, key);
	if (peer ||
	    (sn->npeers >= STT_PEERS_MAX && !stt_peers_evict(sn)))
		goto unlock;
	peer = stt_peer_alloc(key);
	if (!peer)
		goto unlock;
	if (rhashtable_insert_fast(&sn->peers, &peer->node,
				   stt_peers_params)) {
		stt_peer_free(peer);
		peer = NULL;
		goto unlock;
	}
	list_add_tail_rcu(&peer->list, &sn->peer_list);
	WRITE_ONCE(sn->npeers, sn->npeers + 1);
unlock:
	spin_unlock_bh(&sn->peers_lock);

	return peer;
}

static struct stt_peer_key stt_peer_key_of(const struct stt_flow_key *from)
{
	return (struct stt_peer_key) {
		.addr	= from->saddr,
		/* That of a frame to a group is negative. */
		.scope	= from->scope < 0 ? 0 : from->scope,
		.family	= from->family,
		.port	= from->dport,
	};
}

/* ---- counting ---------------------------------------------------------- */

static struct stt_peer *stt_peer_lookup(struct stt_net *sn,
					const struct stt_flow_key *from,
					struct stt_peer_ref *ref,
					unsigned long gen)
{
	const struct stt_peer_key key = stt_peer_key_of(from);
	struct stt_peer *peer = stt_peer_get(sn, &key);

	if (ref)
		*ref = (struct stt_peer_ref) { .peer = peer, .gen = gen };

	return peer;
}

static __always_inline void stt_peer_count(struct stt_peer *peer,
					   unsigned int bytes,
					   bool reassembled)
{
	unsigned long seen = READ_ONCE(peer->seen), now = jiffies;

	this_cpu_inc(peer->counters->c[STT_PEER_frames]);
	this_cpu_add(peer->counters->c[STT_PEER_bytes], bytes);
	if (reassembled)
		this_cpu_inc(peer->counters->c[STT_PEER_reassembled]);
	if (time_after(now, seen))
		WRITE_ONCE(peer->seen, now);
}

static noinline void stt_peer_find_and_count(struct stt_net *sn,
					     const struct stt_flow_key *from,
					     struct stt_peer_ref *ref,
					     unsigned long gen,
					     unsigned int bytes,
					     bool reassembled)
{
	struct stt_peer *peer = stt_peer_lookup(sn, from, ref, gen);

	if (peer)
		stt_peer_count(peer, bytes, reassembled);
}

/**
 * stt_peer_received - count a frame that was delivered
 * @sn: namespace
 * @from: its addresses
 * @ref: the peer of the last frame between these addresses, or nothing;
 *	updated.  NULL: it is not remembered
 * @bytes: length of the inner packet
 * @reassembled: it came in several packets
 *
 * That a peer goes is said by &stt_net.peers_gen before its grace period
 * begins: while that has the value it had before the lookup, the peer is there.
 *
 * Context: BH disabled, RCU read side.
 */
void stt_peer_received(struct stt_net *sn, const struct stt_flow_key *from,
		       struct stt_peer_ref *ref, unsigned int bytes,
		       bool reassembled)
{
	/* Pairs with stt_peer_remove(). */
	unsigned long gen = smp_load_acquire(&sn->peers_gen);

	if (likely(ref && ref->peer && ref->gen == gen))
		stt_peer_count(ref->peer, bytes, reassembled);
	else
		stt_peer_find_and_count(sn, from, ref, gen, bytes, reassembled);
}

/**
 * stt_peer_lost - count a frame that lost segments
 * @sn: namespace
 * @from: its addresses
 * @how: %STT_PEER_lost, or %STT_PEER_partial if parts were delivered
 *
 * A sender without an entry gets none: anybody can send parts of frames.
 *
 * Context: any but hard interrupts.
 */
void stt_peer_lost(struct stt_net *sn, const struct stt_flow_key *from,
		   enum stt_peer_counter how)
{
	const struct stt_peer_key key = stt_peer_key_of(from);
	struct stt_peer *peer;

	rcu_read_lock();
	peer = stt_peer_find_rcu(sn, &key);
	if (peer)
		this_cpu_inc(peer->counters->c[how]);
	rcu_read_unlock();
}

/**
 * stt_peer_configured - a device or a static FDB entry names a peer
 * @sn: namespace
 * @path: how the path there is asked for
 *
 * Context: process, or BH.
 */
void stt_peer_configured(struct stt_net *sn, const struct stt_path_key *path)
{
	const struct stt_peer_key key = {
		.addr	= path->remote,
		.scope	= path->scope,
		.family	= path->family,
		.port	= path->number,
	};

	if (stt_addr_multicast(&path->remote, path->family))
		return;
	rcu_read_lock();
	stt_peer_get(sn, &key);
	rcu_read_unlock();
}

/* ---- life -------------------------------------------------------------- */

/**
 * stt_peers_init - an empty table
 * @sn: namespace
 *
 * Context: sleeps.
 * Return: 0 or -ENOMEM.
 */
int stt_peers_init(struct stt_net *sn)
{
	spin_lock_init(&sn->peers_lock);
	INIT_LIST_HEAD(&sn->peer_list);
	sn->peers_evicted = jiffies - HZ;

	return rhashtable_init(&sn->peers, &stt_peers_params);
}

/**
 * stt_peers_free - undo stt_peers_init()
 * @sn: namespace that no packets come to any more
 *
 * Context: sleeps.
 */
void stt_peers_free(struct stt_net *sn)
{
	struct stt_peer *peer, *tmp;

	list_for_each_entry_safe(peer, tmp, &sn->peer_list, list) {
		rhashtable_remove_fast(&sn->peers, &peer->node,
				       stt_peers_params);
		stt_peer_free(peer);
	}
	rhashtable_destroy(&sn->peers);
}

/* ---- /proc/net/stt_peers ----------------------------------------------- */

static void *stt_peers_seq_start(struct seq_file *m, loff_t *pos)
	__acquires(RCU)
{
	struct stt_net *sn = stt_net(seq_file_net(m));
	struct stt_peer *peer;
	loff_t n = *pos;

	rcu_read_lock();
	if (!n)
		return SEQ_START_TOKEN;
	list_for_each_entry_rcu(peer, &sn->peer_list, list)
		if (!--n)
			return peer;

	return NULL;
}

static void *stt_peers_seq_next(struct seq_file *m, void *v, loff_t *pos)
{
	struct stt_net *sn = stt_net(seq_file_net(m));
	struct stt_peer *peer = v;

	++*pos;
	if (v == SEQ_START_TOKEN)
		return list_first_or_null_rcu(&sn->peer_list, struct stt_peer,
					      list);

	return list_next_or_null_rcu(&sn->peer_list, &peer->list,
				     struct stt_peer, list);
}

static void stt_peers_seq_stop(struct seq_file *m, void *v)
	__releases(RCU)
{
	rcu_read_unlock();
}

static int stt_peers_seq_show(struct seq_file *m, void *v)
{
	unsigned long sum[STT_PEER_COUNTER_MAX] = { };
	struct stt_net *sn = stt_net(seq_file_net(m));
	struct stt_peer *peer = v;
	const struct stt_peer_key *key;
	int cpu, i;

	if (v == SEQ_START_TOKEN) {
		seq_puts(m, "address port scope frames bytes reassembled incomplete lost partial\n");
		return 0;
	}
	key = &peer->key;
	for_each_possible_cpu(cpu)
		for (i = 0; i < STT_PEER_COUNTER_MAX; i++)
			sum[i] += READ_ONCE(per_cpu_ptr(peer->counters,
							cpu)->c[i]);
	if (key->family == AF_INET6)
		seq_printf(m, "%pI6c", &key->addr.v6);
	else
		seq_printf(m, "%pI4", &key->addr.v4);
	seq_printf(m, " %u %d %lu %lu %lu %u %lu %lu\n", ntohs(key->port),
		   key->scope, sum[STT_PEER_frames], sum[STT_PEER_bytes],
		   sum[STT_PEER_reassembled],
		   stt_source_open(sn->reasm, &key->addr, key->scope,
				   key->family, key->port),
		   sum[STT_PEER_lost], sum[STT_PEER_partial]);

	return 0;
}

static const struct seq_operations stt_peers_seq_ops = {
	.start	= stt_peers_seq_start,
	.next	= stt_peers_seq_next,
	.stop	= stt_peers_seq_stop,
	.show	= stt_peers_seq_show,
};

/**
 * stt_peers_proc_init - make /proc/net/stt_peers
 * @net: namespace
 *
 * remove_proc_entry() undoes it.
 *
 * Return: 0 or -ENOMEM.
 */
int stt_peers_proc_init(struct net *net)
{
	if (!proc_create_net("stt_peers", 0444, net->proc_net,
			     &stt_peers_seq_ops, sizeof(struct seq_net_private)))
		return -ENOMEM;

	return 0;
}
