/* SPDX-License-Identifier: GPL-2.0 */
/* stt_zone.c: where packets are ours, and ports are reserved. */
#ifndef _STT_ZONE_H
#define _STT_ZONE_H

#include <net/l3mdev.h>

#include "stt_port.h"

/**
 * struct stt_zone_key - an endpoint in a VRF or on a link
 * @ifindex: of the VRF or the link, 0 for what is in no VRF
 * @number: port number, network order
 * @family: AF_INET or AF_INET6
 */
struct stt_zone_key {
	int	ifindex;
	__be16	number;
	u16	family;
};

static_assert(sizeof(struct stt_zone_key) == 8);

/**
 * struct stt_zone - where an endpoint has configurations: a VRF or a link
 * @node: in &stt_net.zones
 * @key: what it is found by
 * @in_port: in &stt_port.zones; RTNL
 * @sock: bound to the port and never listening: keeps it from others in the
 *	VRF.  NULL for a link: the socket of its VRF does that
 * @refs: configurations; RTNL
 * @wide: those of them that stt_conf_is_wide() tells of; written under RTNL
 * @any: those of devices that are up and accept any sender; written under RTNL
 * @rcu: frees it
 *
 * A packet to the port is ours only where there is one of these (R1).  Each
 * configuration has one for its VRF, or for no VRF, and one for its link.
 */
struct stt_zone {
	struct rhash_head	node;
	struct stt_zone_key	key;
	struct hlist_node	in_port;
	struct socket		*sock;
	unsigned int		refs;
	unsigned int		wide;
	unsigned int		any;
	struct rcu_head		rcu;
};

bool stt_zone_has_rcu(struct stt_port *port, const struct stt_flow_key *from,
		      int iif);
int stt_zones_get(const struct stt_conf *conf, struct netlink_ext_ack *extack);
void stt_zones_put(const struct stt_conf *conf);
void stt_zones_listen(const struct stt_conf *conf, bool on);
extern const struct rhashtable_params stt_zone_params;
bool stt_zone_accepts_any_rcu(const struct stt_port *port,
			      const struct stt_flow_key *from, int iif);

/* Is the packet in the scope of a link, because of a link-local address? */
static inline bool stt_flow_on_link(const struct stt_flow_key *from, int iif)
{
	return from->scope > 0 && from->scope == iif;
}

/* Is it so for its destination alone?  Its sender may be behind a router. */
static inline bool stt_flow_from_outside(const struct stt_flow_key *from,
					 int iif)
{
	return stt_flow_on_link(from, iif) &&
	       !stt_addr_linklocal(&from->saddr, from->family);
}

/*
 * The other scope that a packet may be meant in: the VRF of its link if it
 * comes from outside the link.  Else its own.
 */
static inline int stt_flow_wider_scope(struct net *net,
				       const struct stt_flow_key *from, int iif)
{
	if (likely(!stt_flow_from_outside(from, iif)))
		return from->scope;

	return l3mdev_master_ifindex_by_index(net, iif);
}

/**
 * stt_zone_is_meant_rcu - could a packet be for a configuration (R1)
 * @port: endpoint of its port number
 * @from: its addresses
 * @iif: ifindex of the interface that it came in by, also in a VRF
 *
 * If not, the packet is TCP's.
 *
 * Context: RCU read side.
 */
static inline bool stt_zone_is_meant_rcu(struct stt_port *port,
					 const struct stt_flow_key *from,
					 int iif)
{
	if (likely(!from->scope))
		return READ_ONCE(port->wide);

	return stt_zone_has_rcu(port, from, iif);
}

#endif /* _STT_ZONE_H */
