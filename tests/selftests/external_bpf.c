// SPDX-License-Identifier: GPL-2.0
/*
 * Programs of external_bpf.sh: they say where packets go, and check where they
 * came from. ID, TOS, TTL and LABEL are given when they are compiled, and what
 * compilers are told by attributes.
 */
#include <linux/bpf.h>
#include <linux/pkt_cls.h>

static long (*set_key)(struct __sk_buff *skb, struct bpf_tunnel_key *key,
		       __u32 size, __u64 flags) =
	(void *)BPF_FUNC_skb_set_tunnel_key;
static long (*get_key)(struct __sk_buff *skb, struct bpf_tunnel_key *key,
		       __u32 size, __u64 flags) =
	(void *)BPF_FUNC_skb_get_tunnel_key;

/* 192.0.2.n, in host order as the helpers have it */
#define V4(n)		(0xc0000200 | (n))

static __always_inline int set(struct __sk_buff *skb, int v6, int from, int to)
{
	struct bpf_tunnel_key key = {
		.tunnel_id = ID, .tunnel_tos = TOS, .tunnel_ttl = TTL,
	};
	__u64 flags = BPF_F_DONT_FRAGMENT;

	if (v6) {
		key.remote_ipv6[0] = __builtin_bswap32(0x20010db8);
		key.local_ipv6[0] = __builtin_bswap32(0x20010db8);
		key.remote_ipv6[3] = __builtin_bswap32(to);
		key.local_ipv6[3] = __builtin_bswap32(from);
		key.tunnel_label = LABEL;
		flags = BPF_F_TUNINFO_IPV6;
	} else {
		key.remote_ipv4 = V4(to);
		key.local_ipv4 = V4(from);
	}

	return set_key(skb, &key, sizeof(key), flags) ? TC_ACT_SHOT :
							TC_ACT_OK;
}

/* Nothing passes that does not have it all. */
static __always_inline int get(struct __sk_buff *skb, int v6, int from, int to)
{
	struct bpf_tunnel_key key = { };

	if (get_key(skb, &key, sizeof(key), v6 ? BPF_F_TUNINFO_IPV6 : 0) ||
	    key.tunnel_id != ID || key.tunnel_ttl != TTL ||
	    (key.tunnel_tos & 0xfc) != TOS)
		return TC_ACT_SHOT;
	if (v6) {
		if (key.remote_ipv6[0] != __builtin_bswap32(0x20010db8) ||
		    key.remote_ipv6[3] != __builtin_bswap32(from) ||
		    key.local_ipv6[3] != __builtin_bswap32(to) ||
		    key.tunnel_label != LABEL)
			return TC_ACT_SHOT;
	} else if (key.remote_ipv4 != V4(from) || key.local_ipv4 != V4(to)) {
		return TC_ACT_SHOT;
	}

	return TC_ACT_OK;
}

SEC("tc/set4_1") int set4_1(struct __sk_buff *skb) { return set(skb, 0, 1, 2); }
SEC("tc/set4_2") int set4_2(struct __sk_buff *skb) { return set(skb, 0, 2, 1); }
SEC("tc/set6_1") int set6_1(struct __sk_buff *skb) { return set(skb, 1, 1, 2); }
SEC("tc/set6_2") int set6_2(struct __sk_buff *skb) { return set(skb, 1, 2, 1); }
SEC("tc/get4_1") int get4_1(struct __sk_buff *skb) { return get(skb, 0, 2, 1); }
SEC("tc/get4_2") int get4_2(struct __sk_buff *skb) { return get(skb, 0, 1, 2); }
SEC("tc/get6_1") int get6_1(struct __sk_buff *skb) { return get(skb, 1, 2, 1); }
SEC("tc/get6_2") int get6_2(struct __sk_buff *skb) { return get(skb, 1, 1, 2); }

char _license[] SEC("license") = "GPL";
