/* SPDX-License-Identifier: GPL-2.0 */
/* stt_mcast.c: multicast groups. */
#ifndef _STT_MCAST_H
#define _STT_MCAST_H

#include "stt.h"

struct stt_conf;
struct stt_group;
struct stt_port;

struct stt_group *stt_group_get(const struct stt_conf *conf);
void stt_group_put(struct stt_group *group);
void stt_group_refresh(struct stt_group *group, struct net_device *lower);
bool stt_group_joined(struct stt_port *port, const union stt_addr *addr,
		      int scope);
extern const struct rhashtable_params stt_group_params;

#endif /* _STT_MCAST_H */
