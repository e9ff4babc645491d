/* SPDX-License-Identifier: GPL-2.0 */
/* stt_limits.c: limits that follow the device below a tunnel. */
#ifndef _STT_LIMITS_H
#define _STT_LIMITS_H

#include "stt_dev.h"
#include "stt_path.h"

void stt_limits_init(struct stt_net *sn);
void stt_limits_exit(struct stt_net *sn);
void stt_limits_set_mtu(struct net_device *dev, const struct stt_conf *conf);
void stt_limits_set(struct net_device *dev, const struct stt_conf *conf);
void stt_limits_disable_lro(struct net_device *lower);
void stt_limits_look(struct stt_dev *stt);
void stt_limits_unlook(struct stt_dev *stt);

/**
 * stt_limits_check - see whether the route still leads where limits come from
 * @stt: device
 * @dest: where a frame goes
 * @dev: the device that it leaves through
 *
 * Context: BH disabled, RCU read side.
 */
static inline void stt_limits_check(struct stt_dev *stt,
				    const struct stt_dest *dest,
				    const struct net_device *dev)
{
	int ifindex = READ_ONCE(stt->route_ifindex);

	if (unlikely(ifindex != dev->ifindex) && ifindex >= 0 && dest->path &&
	    dest->path->key.use == STT_PATH_CONF)
		stt_limits_look(stt);
}

#endif /* _STT_LIMITS_H */
