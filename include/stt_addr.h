/* SPDX-License-Identifier: GPL-2.0 */
/* IP addresses and headers of both families. */
#ifndef _STT_ADDR_H
#define _STT_ADDR_H

#include <linux/in.h>
#include <linux/in6.h>
#include <linux/ip.h>
#include <linux/skbuff.h>
#include <linux/socket.h>
#include <net/dsfield.h>
#include <net/ipv6.h>

/**
 * union stt_addr - an outer address
 * @v4: an IPv4 address; all other bytes are 0
 * @v6: an IPv6 address
 *
 * The family is not stored here but with the user of the address, usually the
 * port.  In both families all zeros means "any", and addresses of one family
 * can be compared and hashed as bytes.
 */
union stt_addr {
	__be32		v4;
	struct in6_addr	v6;
};

static_assert(sizeof(union stt_addr) == 16);

static inline bool stt_addr_any(const union stt_addr *a)
{
	return ipv6_addr_any(&a->v6);
}

static inline bool stt_addr_multicast(const union stt_addr *a,
				      sa_family_t family)
{
	return family == AF_INET6 ? ipv6_addr_is_multicast(&a->v6) :
				    ipv4_is_multicast(a->v4);
}

/* Does the address mean something on one link only?  IPv4 has none of those. */
static inline bool stt_addr_linklocal(const union stt_addr *a,
				      sa_family_t family)
{
	return family == AF_INET6 &&
	       (a->v6.s6_addr32[0] & htonl(0xffc00000)) == htonl(0xfe800000);
}

static inline bool stt_addr_equal(const union stt_addr *a,
				  const union stt_addr *b)
{
	return ipv6_addr_equal(&a->v6, &b->v6);
}

/*
 * What an IP header says.  Functions that every packet passes are told the
 * family, so that there is a copy of them for each, without a branch.
 */

static __always_inline union stt_addr
stt_ip_saddr(const struct sk_buff *skb, sa_family_t family)
{
	if (family == AF_INET6)
		return (union stt_addr){ .v6 = ipv6_hdr(skb)->saddr };

	return (union stt_addr){ .v6.s6_addr32 = { ip_hdr(skb)->saddr } };
}

static __always_inline union stt_addr
stt_ip_daddr(const struct sk_buff *skb, sa_family_t family)
{
	if (family == AF_INET6)
		return (union stt_addr){ .v6 = ipv6_hdr(skb)->daddr };

	return (union stt_addr){ .v6.s6_addr32 = { ip_hdr(skb)->daddr } };
}

static __always_inline u8 stt_ip_dsfield(const struct sk_buff *skb,
					 sa_family_t family)
{
	return family == AF_INET6 ? ipv6_get_dsfield(ipv6_hdr(skb)) :
				    ipv4_get_dsfield(ip_hdr(skb));
}

#endif /* _STT_ADDR_H */
