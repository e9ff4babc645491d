/* SPDX-License-Identifier: GPL-2.0 */
/* stt_netlink.c: the link kind. */
#ifndef _STT_NETLINK_H
#define _STT_NETLINK_H

#include <net/rtnetlink.h>

struct list_head;
struct net_device;

/* Say what is wrong with an attribute; @err. */
#define STT_REFUSE(extack, data, attr, err, why) ({			\
	NL_SET_ERR_MSG_ATTR(extack, (data)[attr], why);			\
	err;								\
})

extern struct rtnl_link_ops stt_link_ops;
void stt_dellink(struct net_device *dev, struct list_head *head);

#endif /* _STT_NETLINK_H */
