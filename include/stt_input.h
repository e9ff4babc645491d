/* SPDX-License-Identifier: GPL-2.0 */
/* stt_input.c: IP -> segment. */
#ifndef _STT_INPUT_H
#define _STT_INPUT_H

#include <linux/socket.h>

struct net;
struct netlink_ext_ack;

int stt_input_get(struct net *net, sa_family_t family,
		  struct netlink_ext_ack *extack);
void stt_input_put(struct net *net, sa_family_t family);
int stt_input_register_vrf(struct net *net);

#endif /* _STT_INPUT_H */
