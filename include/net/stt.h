/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Interface of the stt module for other modules.
 */
#ifndef _NET_STT_H
#define _NET_STT_H

#include <linux/types.h>

struct net;
struct net_device;
struct netlink_ext_ack;

struct net_device *stt_dev_create_fb(struct net *net, const char *name,
				     unsigned char name_assign_type,
				     __be16 dst_port,
				     struct netlink_ext_ack *extack);

#endif /* _NET_STT_H */
