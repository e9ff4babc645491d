/* SPDX-License-Identifier: GPL-2.0 */
/* What iplink_stt.c takes from iproute2's ip_common.h; see utils.h. */
#ifndef _STT_PLUGIN_IP_COMMON_H
#define _STT_PLUGIN_IP_COMMON_H

#include <assert.h>
#include <stddef.h>
#include <stdio.h>
#include <linux/rtnetlink.h>

#define LABEL_MAX_MASK	0xFFFFFU

/*
 * ip reads this structure out of the plugin, so its layout is the whole ABI
 * there is.  The same in iproute2 6.1, 6.15 and 7.3.
 */
struct link_util {
	struct link_util *next;
	const char *id;
	int maxattr;
	int (*parse_opt)(struct link_util *lu, int argc, char **argv,
			 struct nlmsghdr *n);
	void (*print_opt)(struct link_util *lu, FILE *f, struct rtattr *tb[]);
	void (*print_xstats)(struct link_util *lu, FILE *f,
			     struct rtattr *xstats);
	void (*print_help)(struct link_util *lu, int argc, char **argv,
			   FILE *f);
	int (*parse_ifla_xstats)(struct link_util *lu, int argc, char **argv);
	int (*print_ifla_xstats)(struct nlmsghdr *n, void *arg);
};

static_assert(offsetof(struct link_util, parse_opt) == 3 * sizeof(void *) &&
	      sizeof(struct link_util) == 9 * sizeof(void *),
	      "not ip's struct link_util");

/* Found by ip with dlsym(); declared for the sake of -Wmissing-declarations. */
extern struct link_util stt_link_util;

#endif /* _STT_PLUGIN_IP_COMMON_H */
