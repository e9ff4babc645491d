/* SPDX-License-Identifier: GPL-2.0 */
#include_next <net/ip_tunnels.h>

#ifndef _STT_COMPAT_IP_TUNNELS_H
#define _STT_COMPAT_IP_TUNNELS_H

/*
 * Since 6.10 the flags of a tunnel key are a bitmap.  Before, they were the
 * same bits of a __be16.
 */
#ifdef STT_NO_TUNNEL_BITMAP
enum {
	IP_TUNNEL_CSUM_BIT		= 0,
	IP_TUNNEL_KEY_BIT		= 2,
	IP_TUNNEL_DONT_FRAGMENT_BIT	= 8,
};

static inline bool ip_tunnel_key_flag(const struct ip_tunnel_key *key, int bit)
{
	return key->tun_flags & cpu_to_be16(BIT(bit));
}

static inline void ip_tunnel_key_set_flag(struct ip_tunnel_key *key, int bit)
{
	key->tun_flags |= cpu_to_be16(BIT(bit));
}
#else
static inline bool ip_tunnel_key_flag(const struct ip_tunnel_key *key, int bit)
{
	return test_bit(bit, key->tun_flags);
}

static inline void ip_tunnel_key_set_flag(struct ip_tunnel_key *key, int bit)
{
	__set_bit(bit, key->tun_flags);
}
#endif

/* Since 6.6 a bridge may name a nexthop group in place of the peer. */
static inline u32 ip_tunnel_key_nhid(const struct ip_tunnel_key *key)
{
#ifdef STT_NO_TUNNEL_NHID
	return 0;
#else
	return key->nhid;
#endif
}

#endif /* _STT_COMPAT_IP_TUNNELS_H */
