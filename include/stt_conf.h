/* SPDX-License-Identifier: GPL-2.0 */
/* stt_conf.c: configurations of devices. */
#ifndef _STT_CONF_H
#define _STT_CONF_H

#include <uapi/linux/if_stt.h>

#include "stt.h"
#include "stt_path.h"

struct netlink_ext_ack;
struct stt_dev;
struct stt_external;
struct stt_port;

/* IFLA_STT_TOS: the inner packet's; any other value has no ECN bits. */
#define STT_TOS_INHERIT		1

/**
 * struct stt_conf_key - what a received frame finds its device by (R11)
 * @id: context id
 * @remote: the sender, or any
 * @local: the address it was sent to, or any
 * @scope: ifindex that the addresses are meant in: the VRF for packets of a
 *	VRF, the interface for a link-local sender, else 0.  A group's is
 *	the negative of the interface that the group is joined on
 * @pad: 0
 */
struct stt_conf_key {
	u64		id;
	union stt_addr	remote;
	union stt_addr	local;
	int		scope;
	u32		pad;
};

static_assert(sizeof(struct stt_conf_key) == 48);

/**
 * struct stt_conf - one configuration of a device
 * @node: in &stt_port.confs
 * @key: what it is found by
 * @group_node: in &stt_port.group_confs
 * @group: what frames to its group find it by: @group.local is the group, or
 *	any.  Where there is one @key.remote is any
 * @stt: the device
 * @port: the endpoint; a reference
 * @port6: external devices that name no local address serve both families:
 *	the other endpoint, also a reference; else NULL
 * @dest: what is sent with it; with a way to @key.remote or the group, a
 *	reference, if there is one, else without key and path: the pattern for
 *	others.
 *	&stt_dest.tos_inherit holds for receipt as well (R14)
 * @link: ifindex of the lower device, 0 for none
 * @vrf: ifindex of the VRF that @link is in or is, 0 for none
 * @fwmark: mark of the outer packets and of their route lookup
 * @sport_min: lowest outer source port, host order
 * @sport_max: highest
 * @partial: deliver what came of frames that lost segments (R15)
 * @external: packets' metadata say where they go and came from; instead of by
 *	its key it is found as &stt_port.external
 * @sent: external: where packets went, stt_external.c's; else NULL
 * @idbits: external: how many bits an id may have
 * @gbp: the endpoints' group policy
 * @rx_extra: received packets get more than their bytes
 * @proxy: answer requests for addresses from the neighbour table
 * @l2miss: tell of destinations that the FDB has not
 * @l3miss: tell of addresses that the neighbour table has not
 * @learning: fill the FDB from the source addresses of received frames
 * @snoop: look at the source address of received frames
 * @ageing: seconds until what was learnt is forgotten, 0: never
 * @limit: entries of the FDB beyond which nothing is learnt, 0: no limit
 * @rcu: frees it
 *
 * Never changes once a packet can see it: changelink makes a new one, links
 * it, unlinks the old one and frees that after a grace period.
 */
struct stt_conf {
	struct rhash_head	node;
	struct stt_conf_key	key;
	struct rhash_head	group_node;
	struct stt_conf_key	group;
	struct stt_dev		*stt;
	struct stt_port		*port;
	struct stt_port		*port6;
	struct stt_dest		dest;
	struct stt_external __percpu *sent;
	int			link;
	int			vrf;
	u32			fwmark;
	u16			sport_min;
	u16			sport_max;
	bool			partial;
	bool			external;
	bool			gbp;
	u8			idbits;
	bool			rx_extra;
	bool			proxy;
	bool			l2miss;
	bool			l3miss;
	bool			learning;
	bool			snoop;
	u32			ageing;
	u32			limit;
	struct rcu_head		rcu;
};

static inline bool stt_conf_has_group(const struct stt_conf *conf)
{
	return !stt_addr_any(&conf->group.local);
}

/* Does it accept frames of any sender? */
static inline bool stt_conf_any_remote(const struct stt_conf *conf)
{
	return stt_addr_any(&conf->key.remote);
}

/*
 * Is its key the link alone, for any sender and local address?  That is a
 * device with a link-local group; its peers may have global addresses.
 */
static inline bool stt_conf_is_linked(const struct stt_conf *conf)
{
	return conf->key.scope != conf->vrf && stt_conf_any_remote(conf) &&
	       stt_addr_any(&conf->key.local);
}

/* May packets with other than link-local addresses be for it? */
static inline bool stt_conf_is_wide(const struct stt_conf *conf)
{
	return conf->key.scope == conf->vrf || stt_conf_is_linked(conf);
}

/* Has an external device bits enough for this context id? */
static inline bool stt_conf_takes_id(const struct stt_conf *conf, u64 id)
{
	return conf->idbits == 64 || !(id >> conf->idbits);
}

/* Where frames go to unless something better is known. */
static inline const union stt_addr *stt_conf_target(const struct stt_conf *conf)
{
	return stt_conf_has_group(conf) ? &conf->group.local :
					  &conf->key.remote;
}

void stt_conf_parse(struct stt_conf *conf, struct nlattr *data[]);
int stt_conf_check(struct net *net, struct stt_conf *conf, sa_family_t family,
		   struct netlink_ext_ack *extack);
void stt_conf_free(struct stt_conf *conf);
void stt_conf_release(struct stt_dev *stt);
int stt_conf_new(struct net *net, struct stt_conf *conf, struct nlattr *data[],
		 struct netlink_ext_ack *extack);
int stt_conf_set_link(struct net *net, struct stt_conf *conf,
		      struct nlattr *data[], struct netlink_ext_ack *extack);
struct stt_conf *stt_conf_dup(const struct stt_conf *old);
int stt_conf_change(struct stt_dev *stt, struct stt_conf *conf,
		    struct netlink_ext_ack *extack);
int stt_rescope(struct stt_dev *stt);

#endif /* _STT_CONF_H */
