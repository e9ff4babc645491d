/* SPDX-License-Identifier: GPL-2.0 */
/* stt_port.c: endpoints and the devices behind them. */
#ifndef _STT_PORT_H
#define _STT_PORT_H

#include "stt_conf.h"
#include "stt_proto.h"

struct stt_zone;

/* Which of remote and local a key names: most specific first (R11). */
enum stt_match {
	STT_MATCH_BOTH,
	STT_MATCH_REMOTE,
	STT_MATCH_LOCAL,
	STT_MATCH_ID,
	STT_MATCH_MAX
};

/**
 * struct stt_port - one endpoint: a TCP port number of one family and
 *	namespace
 * @net: the namespace; the port goes before it does
 * @family: AF_INET or AF_INET6
 * @number: network order
 * @gbp: the upper 16 bits of context ids are group policies
 * @zones: where it has configurations; RTNL
 * @wide: &stt_zone.wide of what is in no VRF; written under RTNL
 * @nlinked: confs that stt_conf_is_linked() tells of; written under RTNL
 * @refs: confs that use it; RTNL
 * @confs: &struct stt_conf by &stt_conf.key; written under RTNL
 * @matches: how many confs there are of each kind, so that receive looks
 *	only for kinds that exist; written under RTNL
 * @group_confs: those with a group, by &stt_conf.group; written under RTNL
 * @groups: &struct stt_group that devices are in; written under RTNL
 * @external: takes the frames that no other takes; written under RTNL
 * @early: &stt_net.early
 * @gen: changes when frames may be another configuration's than before, and
 *	never is what it was for another port; written under RTNL
 */
struct stt_port {
	struct net		*net;
	sa_family_t		family;
	__be16			number;
	bool			gbp;
	struct hlist_head	zones;
	unsigned int		wide;
	unsigned int		nlinked;
	unsigned int		refs;
	struct rhashtable	confs;
	unsigned int		matches[STT_MATCH_MAX];
	struct rhashtable	group_confs;
	struct rhashtable	groups;
	struct stt_conf __rcu	*external;
	struct stt_early __percpu *early;
	unsigned long		gen;
};

/* The endpoint of that family, if the device has one. */
static inline const struct stt_port *stt_conf_port(const struct stt_conf *conf,
						   sa_family_t family)
{
	if (conf->port->family == family)
		return conf->port;

	return conf->port6 && conf->port6->family == family ? conf->port6 :
							      NULL;
}

/**
 * struct stt_port_table - the endpoints of a family by port number
 * @leaves: by the upper byte: arrays of %STT_PORT_LEAF endpoints, by the lower
 *
 * Each TCP packet to this host looks here, however many ports there are.
 * Written under RTNL; leaves stay for as long as the namespace.
 */
struct stt_port_table {
#define STT_PORT_LEAF	256
	struct stt_port __rcu	* __rcu *leaves[(U16_MAX + 1) / STT_PORT_LEAF];
};

/**
 * stt_port_find_rcu - the endpoint of a port number
 * @sn: namespace
 * @family: AF_INET or AF_INET6
 * @number: network order
 *
 * Context: RCU read side, or RTNL.
 * Return: the endpoint, without a reference, or NULL.
 */
static inline struct stt_port *
stt_port_find_rcu(const struct stt_net *sn, sa_family_t family, __be16 number)
{
	unsigned int n = ntohs(number);
	struct stt_port_table *table;
	struct stt_port __rcu **leaf;

	table = rcu_dereference_rtnl(sn->ports[stt_family_index(family)]);
	if (!table)
		return NULL;
	leaf = rcu_dereference_rtnl(table->leaves[n / STT_PORT_LEAF]);
	if (!leaf)
		return NULL;

	return rcu_dereference_rtnl(leaf[n % STT_PORT_LEAF]);
}

/* Take the sender's group off the context id on the wire; 0 if it has none. */
static inline u16 stt_port_policy(const struct stt_port *port, u64 *id)
{
	u16 policy;

	if (likely(!port->gbp))
		return 0;
	policy = *id >> STT_GBP_SHIFT;
	*id &= STT_GBP_ID_MASK;

	return policy;
}

/**
 * enum stt_accept - could a device take a frame of some sender
 * @STT_ACCEPT_NONE: no
 * @STT_ACCEPT_ANY: one that takes any sender's
 * @STT_ACCEPT_PEER: one that names the sender as its peer
 */
enum stt_accept {
	STT_ACCEPT_NONE,
	STT_ACCEPT_ANY,
	STT_ACCEPT_PEER,
};

struct stt_port *stt_port_get(struct net *net, sa_family_t family,
			      __be16 number, bool gbp,
			      struct netlink_ext_ack *extack);
void stt_port_put(struct stt_port *port);
void stt_port_tables_free(struct stt_net *sn);
int stt_port_add_conf(struct stt_port *port, struct stt_conf *conf);
void stt_port_del_conf(struct stt_port *port, struct stt_conf *conf);
int stt_port_replace_conf(struct stt_port *port, struct stt_conf *old,
			  struct stt_conf *conf);
bool stt_port_external_taken(const struct stt_conf *conf);
struct stt_conf *stt_port_conf_rtnl(struct stt_port *port,
				    const struct stt_conf_key *key);
struct stt_conf *stt_port_conf_rcu(struct stt_port *port, u64 id,
				   const struct stt_flow_key *from, int iif);
enum stt_accept stt_port_accepts_rcu(struct stt_port *port,
				     const struct stt_flow_key *from, int iif);

#endif /* _STT_PORT_H */
