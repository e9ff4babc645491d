/* SPDX-License-Identifier: GPL-2.0 WITH Linux-syscall-note */
/*
 * Netlink attributes of the "stt" link kind (Stateless Transport Tunneling,
 * draft-davie-stt), nested in IFLA_INFO_DATA.
 */
#ifndef _UAPI_LINUX_IF_STT_H
#define _UAPI_LINUX_IF_STT_H

#include <linux/types.h>

/* The TCP port assigned by IANA, and the default range of source ports. */
#define STT_DST_PORT		7471
#define STT_SRC_PORT_MIN	49152
#define STT_SRC_PORT_MAX	65535

/*
 * Numbers never change.  Attributes that the module does not know are refused,
 * not ignored.
 */
enum {
	IFLA_STT_UNSPEC,
	IFLA_STT_PORT,			/* be16, destination port */
	IFLA_STT_ID,			/* u64, context id */
	IFLA_STT_REMOTE,		/* be32, unicast or multicast */
	IFLA_STT_REMOTE6,		/* struct in6_addr, likewise */
	IFLA_STT_LOCAL,			/* be32 */
	IFLA_STT_LOCAL6,		/* struct in6_addr */
	IFLA_STT_LINK,			/* u32, ifindex of the lower device */
	IFLA_STT_PORT_RANGE,		/* struct ifla_stt_port_range */
	IFLA_STT_TTL,			/* u8, 0: the route's (auto) */
	IFLA_STT_TTL_INHERIT,		/* u8, 1: copy the inner TTL */
	IFLA_STT_TOS,			/* u8, 1: copy the inner TOS */
	IFLA_STT_DF,			/* u8, enum ifla_stt_df */
	IFLA_STT_LABEL,			/* be32, IPv6 flow label, 20 bits */
	IFLA_STT_LABEL_POLICY,		/* u32, enum ifla_stt_label_policy */
	IFLA_STT_FWMARK,		/* u32 */
	IFLA_STT_PARTIAL,		/* u8, partial delivery */
	IFLA_STT_COLLECT_METADATA,	/* u8, external mode */
	IFLA_STT_IDBITS,		/* u8, 1..64 */
	IFLA_STT_LEARNING,		/* u8 */
	IFLA_STT_AGEING,		/* u32, seconds */
	IFLA_STT_LIMIT,			/* u32, FDB entries */
	IFLA_STT_PROXY,			/* u8 */
	IFLA_STT_L2MISS,		/* u8 */
	IFLA_STT_L3MISS,		/* u8 */
	IFLA_STT_LOCALBYPASS,		/* u8 */
	IFLA_STT_GBP,			/* u8 */
	__IFLA_STT_MAX
};

#define IFLA_STT_MAX	(__IFLA_STT_MAX - 1)

/**
 * struct ifla_stt_port_range - payload of IFLA_STT_PORT_RANGE
 * @low: lowest outer source port
 * @high: highest outer source port, not below @low
 */
struct ifla_stt_port_range {
	__be16	low;
	__be16	high;
};

/**
 * enum ifla_stt_df - values of IFLA_STT_DF
 * @STT_DF_UNSET: DF clear on IPv4
 * @STT_DF_SET: DF set; segments follow the path MTU (default)
 * @STT_DF_INHERIT: DF of the inner IPv4 header; set for inner IPv6
 */
enum ifla_stt_df {
	STT_DF_UNSET,
	STT_DF_SET,
	STT_DF_INHERIT,
	__STT_DF_END,
	STT_DF_MAX = __STT_DF_END - 1,
};

/**
 * enum ifla_stt_label_policy - values of IFLA_STT_LABEL_POLICY
 * @STT_LABEL_FIXED: the value of IFLA_STT_LABEL (default)
 * @STT_LABEL_INHERIT: flow label of the inner IPv6 header, 0 for other packets
 */
enum ifla_stt_label_policy {
	STT_LABEL_FIXED,
	STT_LABEL_INHERIT,
	__STT_LABEL_END,
	STT_LABEL_MAX = __STT_LABEL_END - 1,
};

#endif /* _UAPI_LINUX_IF_STT_H */
