/* SPDX-License-Identifier: GPL-2.0 */
/* stt_lower.c: the device below a tunnel. */
#ifndef _STT_LOWER_H
#define _STT_LOWER_H

#include "stt.h"

struct netlink_ext_ack;
struct stt_dev;

/**
 * struct stt_lower - an interface that frames of some devices leave through
 * @node: in &stt_net.lowers
 * @ifindex: of the interface, in the underlay's namespace
 * @devs: the devices, &stt_dev.lower_node; it goes with the last
 * @rcu: frees it
 */
struct stt_lower {
	struct rhash_head	node;
	int			ifindex;
	struct hlist_head	devs;
	struct rcu_head		rcu;
};

/**
 * enum stt_trust - how far a device takes limits from its lower device
 * @STT_TRUST_FULL: its limits do not depend on this device's
 * @STT_TRUST_TUNNEL: a route leads through another STT device: one more header
 *	is allowed for, whatever that device says
 * @STT_TRUST_NONE: it is this device, or stands on it
 */
enum stt_trust {
	STT_TRUST_FULL,
	STT_TRUST_TUNNEL,
	STT_TRUST_NONE,
};

int stt_lower_init(struct stt_net *sn);
void stt_lower_exit(struct stt_net *sn);
struct stt_lower *stt_lower_find(struct stt_net *sn, int ifindex);
void stt_lower_follow(struct stt_dev *stt, const struct net_device *lower);
int stt_lower_prepare(struct stt_dev *stt, struct net_device *lower,
		      struct netlink_ext_ack *extack);
void stt_lower_commit(struct stt_dev *stt, struct net_device *lower);
void stt_lower_abort(struct stt_dev *stt, struct net_device *lower);
void stt_lower_release(struct stt_dev *stt);
enum stt_trust stt_lower_trust(const struct stt_dev *stt,
			       struct net_device *lower);

#endif /* _STT_LOWER_H */
