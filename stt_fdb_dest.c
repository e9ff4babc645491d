// SPDX-License-Identifier: GPL-2.0
/*
 * FDB destinations: a peer's address, port and context id, and the path there.
 * Entries have them, and nexthop groups.
 */
#include <linux/slab.h>

#include "include/stt.h"
#include "include/stt_addr.h"
#include "include/stt_conf.h"
#include "include/stt_dev.h"
#include "include/stt_fdb.h"
#include "include/stt_path.h"
#include "include/stt_peers.h"

/**
 * stt_fdb_at_equal - are these one destination
 * @a: one
 * @b: another
 */
bool stt_fdb_at_equal(const struct stt_fdb_where *a,
		      const struct stt_fdb_where *b)
{
	return stt_addr_equal(&a->addr, &b->addr) && a->id == b->id &&
	       a->link == b->link && a->port == b->port &&
	       a->family == b->family;
}

/**
 * stt_fdb_path_key - how the path to a destination is asked for
 * @conf: its device's configuration
 * @at: the destination; the device has an endpoint of its family
 * @use: enum stt_path_use
 * @key: filled in
 */
void stt_fdb_path_key(const struct stt_conf *conf,
		      const struct stt_fdb_where *at, enum stt_path_use use,
		      struct stt_path_key *key)
{
	stt_path_key_init(conf, key);
	/* What the device itself names is where the device itself sends. */
	if (use == STT_PATH_CONF)
		return;
	key->use = use;
	key->family = at->family;
	key->remote = at->addr;
	key->dport = at->port;
	if (at->link)
		key->link = at->link;
	key->scope = stt_scope(conf->stt->net, key->family, &key->remote,
			       &key->local, key->link);
}

/**
 * stt_fdb_path - the path to a destination
 * @conf: its device's configuration
 * @at: where it is
 * @use: on whose behalf
 * @gfp: as the caller can
 *
 * Return: a reference, or -ENOMEM.
 */
struct stt_path *stt_fdb_path(const struct stt_conf *conf,
			      const struct stt_fdb_where *at,
			      enum stt_path_use use, gfp_t gfp)
{
	struct stt_path_key key;

	stt_fdb_path_key(conf, at, use, &key);

	return stt_path_get(conf->stt->net, &key, gfp);
}

/**
 * stt_fdb_dest_alloc - make a destination
 * @conf: its device's configuration
 * @at: where it is
 * @use: on whose behalf
 * @gfp: as the caller can
 *
 * Return: the destination, in no list, or NULL without memory.
 */
struct stt_fdb_dest *stt_fdb_dest_alloc(const struct stt_conf *conf,
					const struct stt_fdb_where *at,
					enum stt_path_use use, gfp_t gfp)
{
	struct stt_fdb_dest *dest = kzalloc_obj(*dest, gfp);
	struct stt_path *path;

	if (!dest)
		return NULL;
	path = stt_fdb_path(conf, at, use, gfp);
	if (IS_ERR(path)) {
		kfree(dest);
		return NULL;
	}
	dest->at = *at;
	RCU_INIT_POINTER(dest->path, path);
	if (use == STT_PATH_STATIC)
		stt_peer_configured(stt_net(conf->stt->net), &path->key);

	return dest;
}

/**
 * stt_fdb_dest_free - undo stt_fdb_dest_alloc()
 * @dest: destination, in no list any more, or NULL
 *
 * Context: any; what packets still see is freed after a grace period.
 */
void stt_fdb_dest_free(struct stt_fdb_dest *dest)
{
	if (!dest)
		return;
	stt_path_put(stt_fdb_dest_path(dest));
	stt_path_put(dest->next);
	kfree_rcu(dest, rcu);
}

/**
 * stt_fdb_dest_reroute - change the way to a destination
 * @dest: destination
 * @path: a reference; taken over
 *
 * Context: &stt_fdb.lock.
 */
void stt_fdb_dest_reroute(struct stt_fdb_dest *dest, struct stt_path *path)
{
	struct stt_path *old = stt_fdb_dest_path(dest);

	rcu_assign_pointer(dest->path, path);
	stt_path_put(old);
}
