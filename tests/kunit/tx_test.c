// SPDX-License-Identifier: GPL-2.0
/*
 * Transmit: what an inner packet is, what the STT header can say of it, its
 * source port and its frame id.
 */
#include <linux/completion.h>
#include <linux/cpu.h>
#include <linux/sort.h>
#include <linux/udp.h>
#include <linux/vmalloc.h>
#include <linux/workqueue.h>
#include <net/ip.h>

#include "include/stt_inner.h"
#include "include/stt_proto.h"
#include "include/stt_tx.h"
#include "lib.h"

#define C	STT_F_CSUM_VERIFIED
#define P	STT_F_CSUM_PARTIAL
#define V	STT_F_IPV4
#define T	STT_F_TCP

#define TCP_CSUM	16
#define UDP_CSUM	6

/* ---- what it is -------------------------------------------------------- */

static void stt_tx_parse_one(struct stt_test *t, struct stt_test_pkt *p,
			     const struct stt_test_layout *lo)
{
	struct kunit *test = t->test;
	struct stt_inner in;
	struct sk_buff *skb;

	kfree_skb(stt_test_packet(t, p, lo));
	/* Nothing but Ethernet is linear. */
	skb = stt_test_skb(t, t->frame, p->hlen + p->payload, ETH_HLEN, lo);
	memset(&in, 0xff, sizeof(in));
	stt_inner_parse(skb, &in);
	kfree_skb(skb);

	KUNIT_EXPECT_EQ(test, ntohs(in.proto),
			p->v6 ? ETH_P_IPV6 : ETH_P_IP);
	KUNIT_EXPECT_EQ(test, in.l3, p->l3);
	KUNIT_EXPECT_EQ(test, in.l4, p->l4);
	KUNIT_EXPECT_EQ(test, in.l4_proto, p->proto);
	KUNIT_EXPECT_EQ(test, in.dsfield, p->dsfield);
	KUNIT_EXPECT_EQ(test, in.ttl, p->v6 ? 63 : 64);
	KUNIT_EXPECT_EQ(test, in.df, p->v6 || p->frag_off);
	KUNIT_EXPECT_EQ(test, ntohl(in.label), p->v6 ? 0x12345 : 0);
}

/* W7: all headers are found, wherever their bytes are. */
static void stt_tx_parse_layouts(struct kunit *test)
{
	struct stt_test *t = test->priv;
	unsigned int i, v6, tags, ext;

	for (i = 0; i < stt_test_nlayouts * 8; i++) {
		const struct stt_test_layout *lo = &stt_test_layouts[i / 8];

		v6 = i & 1;
		tags = i / 2 % 4;
		for (ext = 0; ext <= 40; ext += ext < 16 ? 8 : 24) {
			struct stt_test_pkt p = {
				.v6 = v6, .tags = tags, .ext = ext,
				.tpid = tags & 1 ? ETH_P_8021AD : ETH_P_8021Q,
				.proto = ext & 8 ? IPPROTO_UDP : IPPROTO_TCP,
				.payload = 3000, .dsfield = 0xb9,
				.frag_off = ext & 16 ? IP_DF : 0,
			};

			stt_tx_parse_one(t, &p, lo);
			KUNIT_ASSERT_EQ(test, stt_test_pages_held(t), 0);
		}
	}
}

/* W7: a header that is not all there is none, and nothing beyond is read. */
static void stt_tx_parse_truncated(struct kunit *test)
{
	struct stt_test *t = test->priv;
	unsigned int v6, len;

	for (v6 = 0; v6 < 2; v6++) {
		struct stt_test_pkt p = {
			.v6 = v6, .tags = 1, .tpid = ETH_P_8021Q, .ext = 16,
			.proto = IPPROTO_TCP,
		};
		unsigned int ip = v6 ? 40 : 20;

		kfree_skb(stt_test_packet(t, &p, &stt_test_layouts[0]));
		for (len = ETH_HLEN; len <= p.hlen; len++) {
			struct stt_inner in;
			struct sk_buff *skb;

			skb = stt_test_skb(t, t->frame, len, 0,
					   &stt_test_layouts[0]);
			stt_inner_parse(skb, &in);
			KUNIT_EXPECT_EQ_MSG(test, in.l3,
					    len < p.l3 + ip ? 0 : p.l3,
					    "v6 %u, %u bytes", v6, len);
			KUNIT_EXPECT_EQ_MSG(test, in.l4_proto,
					    len < p.l4 - (v6 ? 14 : 0) ? 0 :
					    IPPROTO_TCP,
					    "v6 %u, %u bytes", v6, len);
			kfree_skb(skb);
		}
	}
}

/* What the parser must not take for TCP or UDP (W7: "everything else"). */
static void stt_tx_parse_others(struct kunit *test)
{
	static const struct {
		const char	*name;
		bool		v6;
		u8		proto;
		u16		frag_off;
	} others[] = {
		{ "ICMP", false, IPPROTO_ICMP },
		{ "SCTP", false, IPPROTO_SCTP },
		{ "ESP", false, IPPROTO_ESP },
		{ "GRE", false, IPPROTO_GRE },
		{ "UDP-Lite", false, IPPROTO_UDPLITE },
		{ "first fragment", false, IPPROTO_TCP, IP_MF },
		{ "middle fragment", false, IPPROTO_UDP, IP_MF | 100 },
		{ "last fragment", false, IPPROTO_TCP, 100 },
		{ "ICMPv6", true, IPPROTO_ICMPV6 },
		{ "SCTPv6", true, IPPROTO_SCTP },
		{ "ESPv6", true, IPPROTO_ESP },
		{ "no next header", true, IPPROTO_NONE },
	};
	struct stt_test *t = test->priv;
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(others); i++) {
		struct stt_test_pkt p = {
			.v6 = others[i].v6, .proto = others[i].proto,
			.frag_off = others[i].frag_off, .payload = 100,
		};
		struct stt_inner in;
		struct sk_buff *skb;

		skb = stt_test_packet(t, &p, &stt_test_layouts[0]);
		stt_inner_parse(skb, &in);
		KUNIT_EXPECT_EQ_MSG(test, in.l3, ETH_HLEN, "%s",
				    others[i].name);
		KUNIT_EXPECT_EQ_MSG(test, in.l4_proto, 0, "%s",
				    others[i].name);
		kfree_skb(skb);
	}
}

/* Bytes that contradict the ethertype. */
static void stt_tx_parse_damaged(struct kunit *test)
{
	static const struct {
		const char	*name;
		bool		v6;
		u8		first;
		bool		ip;
	} damages[] = {
		{ "version 6 in IPv4", false, 0x65, false },
		{ "version 0 in IPv4", false, 0x05, false },
		{ "IPv4 header of 16 bytes", false, 0x44, false },
		{ "IPv4 header beyond the packet", false, 0x4f, true },
		{ "version 4 in IPv6", true, 0x40, false },
	};
	struct stt_test *t = test->priv;
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(damages); i++) {
		struct stt_test_pkt p = {
			.v6 = damages[i].v6, .proto = IPPROTO_UDP,
		};
		struct stt_inner in;
		struct sk_buff *skb;

		skb = stt_test_packet(t, &p, &stt_test_layouts[0]);
		skb->data[ETH_HLEN] = damages[i].first;
		stt_inner_parse(skb, &in);
		KUNIT_EXPECT_EQ_MSG(test, in.l3,
				    damages[i].ip ? ETH_HLEN : 0, "%s",
				    damages[i].name);
		KUNIT_EXPECT_EQ_MSG(test, in.l4_proto, 0, "%s",
				    damages[i].name);
		kfree_skb(skb);
	}
}

/* IPv6 fragments: W7 has no words for them, wherever the header stands. */
static void stt_tx_parse_fragment6(struct kunit *test)
{
	static const u16 frag_offs[] = { 0x0001, 0x0100, 0x0101 };
	struct stt_test *t = test->priv;
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(frag_offs); i++) {
		struct stt_test_pkt p = {
			.v6 = true, .proto = IPPROTO_TCP, .ext = 8,
		};
		struct frag_hdr *fh;
		struct stt_inner in;
		struct sk_buff *skb;

		skb = stt_test_packet(t, &p, &stt_test_layouts[0]);
		skb->data[ETH_HLEN + 6] = NEXTHDR_FRAGMENT;
		fh = (struct frag_hdr *)(skb->data + ETH_HLEN + 40);
		fh->reserved = 0;
		fh->frag_off = htons(frag_offs[i]);
		stt_inner_parse(skb, &in);
		KUNIT_EXPECT_EQ(test, in.l3, ETH_HLEN);
		KUNIT_EXPECT_EQ(test, in.l4_proto, 0);
		kfree_skb(skb);
	}
}

/* Only so many tags are looked behind; ARP and the like are not IP. */
static void stt_tx_parse_not_ip(struct kunit *test)
{
	struct stt_test_pkt p = {
		.proto = IPPROTO_TCP, .tags = 4, .tpid = ETH_P_8021Q,
	};
	struct stt_test *t = test->priv;
	struct stt_inner in;
	struct sk_buff *skb;

	skb = stt_test_packet(t, &p, &stt_test_layouts[0]);
	stt_inner_parse(skb, &in);
	KUNIT_EXPECT_EQ(test, in.l4, p.l4);
	kfree_skb(skb);

	p.tags = 0;
	skb = stt_test_packet(t, &p, &stt_test_layouts[0]);
	((struct ethhdr *)skb->data)->h_proto = htons(ETH_P_ARP);
	stt_inner_parse(skb, &in);
	KUNIT_EXPECT_EQ(test, ntohs(in.proto), ETH_P_ARP);
	KUNIT_EXPECT_EQ(test, in.l3, 0);
	KUNIT_EXPECT_EQ(test, in.l4_proto, 0);
	KUNIT_EXPECT_EQ(test, in.dsfield, 0);
	KUNIT_EXPECT_EQ(test, in.ttl, 0);
	kfree_skb(skb);
}

/* ---- what the header says of it ---------------------------------------- */

/**
 * struct stt_tx_case - an inner packet and what becomes of its offloads
 * @name: for messages
 * @p: packet
 * @summed: its ip_summed; %CHECKSUM_PARTIAL at the right place
 * @start: bytes that csum_start is beside it
 * @csum: csum_offset, if not the right one
 * @type: gso_type
 * @mss: gso_size
 * @software: the header has no words for it (W8)
 * @flags: else, what the header says
 * @l4: the same
 */
struct stt_tx_case {
	const char		*name;
	struct stt_test_pkt	p;
	u8			summed;
	int			start;
	int			csum;
	unsigned int		type;
	unsigned int		mss;
	bool			software;
	u8			flags;
	u8			l4;
};

#define TCP4	.proto = IPPROTO_TCP, .payload = 5000
#define TCP6	.v6 = true, .proto = IPPROTO_TCP, .payload = 5000
#define UDP4	.proto = IPPROTO_UDP, .payload = 1000
#define UDP6	.v6 = true, .proto = IPPROTO_UDP, .payload = 1000
#define PARTIAL	.summed = CHECKSUM_PARTIAL
#define GSO4	PARTIAL, .type = SKB_GSO_TCPV4
#define GSO6	PARTIAL, .type = SKB_GSO_TCPV6

static const struct stt_tx_case stt_tx_cases[] = {
	/* P, V, T and the L4 offset. */
	{ "TCP over IPv4", { TCP4 }, PARTIAL, .flags = P | V | T, .l4 = 34 },
	{ "TCP over IPv6", { TCP6 }, PARTIAL, .flags = P | T, .l4 = 54 },
	{ "UDP over IPv4", { UDP4 }, PARTIAL, .flags = P | V, .l4 = 34 },
	{ "UDP over IPv6", { UDP6 }, PARTIAL, .flags = P, .l4 = 54 },
	{ "IPv4 options", { TCP4, .ext = 40 }, PARTIAL,
	  .flags = P | V | T, .l4 = 74 },
	{ "TCP options", { TCP4, .opt = 40 }, PARTIAL,
	  .flags = P | V | T, .l4 = 34 },
	{ "IPv6 extension header", { UDP6, .ext = 16 }, PARTIAL,
	  .flags = P, .l4 = 70 },
	{ "L4 offset 254", { TCP6, .ext = 200 }, PARTIAL,
	  .flags = P | T, .l4 = 254 },
	{ "L4 offset 262", { TCP6, .ext = 208 }, PARTIAL, .software = true },
	{ "L4 offset 310", { UDP6, .ext = 256 }, PARTIAL, .software = true },
	{ "802.1Q inside", { TCP4, .tags = 1, .tpid = ETH_P_8021Q }, PARTIAL,
	  .flags = P | V | T, .l4 = 38 },
	{ "802.1ad inside", { TCP6, .tags = 1, .tpid = ETH_P_8021AD },
	  PARTIAL, .flags = P | T, .l4 = 58 },
	{ "two tags inside", { UDP4, .tags = 2, .tpid = ETH_P_8021AD },
	  PARTIAL, .flags = P | V, .l4 = 42 },
	{ "CWR on one packet", { TCP4, .flags = 0x90 }, PARTIAL,
	  .flags = P | V | T, .l4 = 34 },

	/* C, or nothing. */
	{ "TCP, known good", { TCP4 }, CHECKSUM_UNNECESSARY, .flags = C },
	{ "UDP over IPv6, known good", { UDP6 }, CHECKSUM_UNNECESSARY,
	  .flags = C },
	{ "TCP, nothing known", { TCP4 }, CHECKSUM_NONE },
	{ "TCP, CHECKSUM_COMPLETE", { TCP4 }, CHECKSUM_COMPLETE },
	{ "ICMP", { .proto = IPPROTO_ICMP, .payload = 64 },
	  CHECKSUM_UNNECESSARY },
	{ "SCTP", { .proto = IPPROTO_SCTP, .payload = 64 },
	  CHECKSUM_UNNECESSARY },
	{ "fragment, known good", { UDP4, .frag_off = IP_MF },
	  CHECKSUM_UNNECESSARY },

	/* Checksums that P cannot express. */
	{ "SCTP, partial", { .proto = IPPROTO_SCTP, .payload = 64 }, PARTIAL,
	  .csum = 8, .software = true },
	{ "ICMPv6, partial",
	  { .v6 = true, .proto = IPPROTO_ICMPV6, .payload = 64 }, PARTIAL,
	  .csum = 2, .software = true },
	{ "fragment, partial", { UDP4, .frag_off = IP_MF }, PARTIAL,
	  .software = true },
	{ "last fragment, partial", { TCP4, .frag_off = 185 }, PARTIAL,
	  .software = true },
	{ "TCP, sum where UDP has it", { TCP4 }, PARTIAL, .csum = UDP_CSUM,
	  .software = true },
	{ "UDP, sum where TCP has it", { UDP4 }, PARTIAL, .csum = TCP_CSUM,
	  .software = true },
	{ "sum of an inner header", { UDP4 }, PARTIAL, .start = 16,
	  .software = true },
	{ "sum from the IP header on", { UDP4 }, PARTIAL, .start = -20,
	  .software = true },

	/* MSS; P is always set with it. */
	{ "TSO", { TCP4 }, GSO4, .mss = 1448, .flags = P | V | T, .l4 = 34 },
	{ "TSO6", { TCP6 }, GSO6, .mss = 1428, .flags = P | T, .l4 = 54 },
	{ "TSO, untrusted", { TCP4 }, PARTIAL,
	  .type = SKB_GSO_TCPV4 | SKB_GSO_DODGY, .mss = 1000,
	  .flags = P | V | T, .l4 = 34 },
	{ "TSO, fixed id", { TCP4 }, PARTIAL,
	  .type = SKB_GSO_TCPV4 | SKB_GSO_TCP_FIXEDID, .mss = 1000,
	  .flags = P | V | T, .l4 = 34 },
	{ "TSO, PSH and FIN", { TCP4, .flags = 0x19 }, GSO4, .mss = 1448,
	  .flags = P | V | T, .l4 = 34 },
	{ "TSO behind tags", { TCP4, .tags = 2, .tpid = ETH_P_8021Q }, GSO4,
	  .mss = 1448, .flags = P | V | T, .l4 = 42 },
	{ "smallest MSS", { TCP4 }, GSO4, .mss = 48, .flags = P | V | T,
	  .l4 = 34 },
	{ "MSS below the floor", { TCP4 }, GSO4, .mss = 47,
	  .software = true },
	{ "MSS of 1", { TCP6 }, GSO6, .mss = 1, .software = true },
	{ "GSO by fragments", { TCP4 }, GSO4, .mss = 0xffff,
	  .software = true },

	/* GSO that MSS cannot express. */
	{ "TSO with CWR", { TCP4, .flags = 0x90 }, GSO4, .mss = 1448,
	  .software = true },
	{ "TSO with ECN", { TCP4 }, PARTIAL,
	  .type = SKB_GSO_TCPV4 | SKB_GSO_TCP_ECN, .mss = 1448,
	  .software = true },
	{ "IPv4 as TSO6", { TCP4 }, GSO6, .mss = 1448, .software = true },
	{ "IPv6 as TSO", { TCP6 }, GSO4, .mss = 1448, .software = true },
	{ "UDP as TSO", { UDP4 }, GSO4, .mss = 500, .software = true },
	{ "UDP segmentation", { UDP4 }, PARTIAL, .type = SKB_GSO_UDP_L4,
	  .mss = 500, .software = true },
	{ "UDP fragmentation", { UDP6 }, PARTIAL, .type = SKB_GSO_UDP,
	  .mss = 500, .software = true },
	{ "TSO in a UDP tunnel", { TCP4 }, PARTIAL,
	  .type = SKB_GSO_TCPV4 | SKB_GSO_UDP_TUNNEL, .mss = 1400,
	  .software = true },
	{ "TSO in a GRE tunnel", { TCP4 }, PARTIAL,
	  .type = SKB_GSO_TCPV4 | SKB_GSO_GRE, .mss = 1400,
	  .software = true },
	{ "TSO in IP in IP", { TCP4 }, PARTIAL,
	  .type = SKB_GSO_TCPV4 | SKB_GSO_IPXIP4, .mss = 1400,
	  .software = true },
	{ "list GSO", { TCP4 }, PARTIAL,
	  .type = SKB_GSO_TCPV4 | SKB_GSO_FRAGLIST, .mss = 1400,
	  .software = true },
	{ "SCTP segmentation", { .proto = IPPROTO_SCTP, .payload = 3000 },
	  PARTIAL, .csum = 8, .type = SKB_GSO_SCTP, .mss = 0xffff,
	  .software = true },
	{ "GSO without a partial sum", { TCP4 }, CHECKSUM_NONE,
	  .type = SKB_GSO_TCPV4, .mss = 1448, .software = true },
	{ "GSO, known good", { TCP4 }, CHECKSUM_UNNECESSARY,
	  .type = SKB_GSO_TCPV4, .mss = 1448, .software = true },
	{ "TSO, L4 offset 262", { TCP6, .ext = 208 }, GSO6, .mss = 1400,
	  .software = true },
};

/* W7 and W8, in every layout. */
static void stt_tx_offload_table(struct kunit *test)
{
	struct stt_test *t = test->priv;
	unsigned int i, j;

	for (i = 0; i < ARRAY_SIZE(stt_tx_cases); i++) {
		const struct stt_tx_case *c = &stt_tx_cases[i];

		for (j = 0; j < stt_test_nlayouts; j += 3) {
			struct stt_offload off;
			struct stt_test_pkt p = c->p;
			struct stt_inner in;
			struct sk_buff *skb;
			bool ok;

			skb = stt_test_packet(t, &p, &stt_test_layouts[j]);
			skb->ip_summed = c->summed;
			skb->csum_start = skb_headroom(skb) + p.l4 + c->start;
			skb->csum_offset = p.proto == IPPROTO_TCP ? TCP_CSUM :
								    UDP_CSUM;
			if (c->csum)
				skb->csum_offset = c->csum;
			skb_shinfo(skb)->gso_type = c->type;
			skb_shinfo(skb)->gso_size = c->mss;

			memset(&off, 0xff, sizeof(off));
			stt_inner_parse(skb, &in);
			ok = stt_tx_offload(skb, &in, &off);
			KUNIT_EXPECT_EQ_MSG(test, ok, !c->software, "%s",
					    c->name);
			if (ok) {
				KUNIT_EXPECT_EQ_MSG(test, off.flags, c->flags,
						    "%s", c->name);
				KUNIT_EXPECT_EQ_MSG(test, off.l4_offset, c->l4,
						    "%s", c->name);
				KUNIT_EXPECT_EQ_MSG(test, off.mss, c->mss,
						    "%s", c->name);
			}
			KUNIT_EXPECT_TRUE(test,
					  stt_test_holds(t, skb, 0, t->frame,
							 p.hlen + p.payload));
			kfree_skb(skb);
			KUNIT_ASSERT_EQ(test, stt_test_pages_held(t), 0);
		}
	}
}

/* W7: C and P never together, P with every MSS: also for what is no case. */
static void stt_tx_offload_consistent(struct kunit *test)
{
	static const u8 sums[] = {
		CHECKSUM_NONE, CHECKSUM_UNNECESSARY, CHECKSUM_COMPLETE,
		CHECKSUM_PARTIAL,
	};
	struct stt_test *t = test->priv;
	unsigned int i;

	for (i = 0; i < 1000; i++) {
		struct stt_test_pkt p = {
			.v6 = stt_test_below(t, 2),
			.proto = stt_test_below(t, 2) ? IPPROTO_TCP :
							IPPROTO_UDP,
			.payload = 200,
			.flags = stt_test_below(t, 256),
			.ext = stt_test_below(t, 4) * 8,
		};
		struct stt_offload off;
		struct stt_inner in;
		struct sk_buff *skb;

		skb = stt_test_packet(t, &p, &stt_test_layouts[0]);
		stt_test_partial(t, skb, &p);
		skb->ip_summed = sums[stt_test_below(t, 4)];
		skb_shinfo(skb)->gso_size = stt_test_below(t, 2) *
					    stt_test_below(t, 200);
		skb_shinfo(skb)->gso_type = BIT(stt_test_below(t, 20));
		stt_inner_parse(skb, &in);
		if (stt_tx_offload(skb, &in, &off)) {
			u8 f = off.flags;

			KUNIT_EXPECT_NE(test, f & (C | P), C | P);
			KUNIT_EXPECT_EQ(test, off.mss,
					skb_shinfo(skb)->gso_size);
			if (off.mss)
				KUNIT_EXPECT_EQ(test, f & (P | T), P | T);
			if (off.mss)
				KUNIT_EXPECT_GE(test, off.mss, 48);
			if (!(f & P))
				KUNIT_EXPECT_EQ(test, f & (V | T), 0);
			if (!(f & P))
				KUNIT_EXPECT_EQ(test, off.l4_offset, 0);
		}
		kfree_skb(skb);
	}
}

/* ---- source ports ------------------------------------------------------ */

static u16 stt_tx_port(struct stt_test *t, struct stt_test_pkt *p, u16 min,
		       u16 max)
{
	struct stt_inner in;
	struct sk_buff *skb;
	u16 port;

	skb = stt_test_packet(t, p, &stt_test_layouts[0]);
	stt_inner_parse(skb, &in);
	port = stt_tx_sport(skb, &in, min, max);
	kfree_skb(skb);

	return port;
}

/* W5: one flow, one port, whatever else differs. */
static void stt_tx_sport_stable(struct kunit *test)
{
	struct stt_test *t = test->priv;
	unsigned int v6, udp, n;

	for (v6 = 0; v6 < 2; v6++) {
		for (udp = 0; udp < 2; udp++) {
			struct stt_test_pkt p = {
				.v6 = v6, .flow = 77,
				.proto = udp ? IPPROTO_UDP : IPPROTO_TCP,
			};
			u16 first = stt_tx_port(t, &p, 49152, 65535);

			for (n = 0; n < 50; n++) {
				p.payload = n * 100;
				p.flags = n + 1;
				p.dsfield = n * 5;
				p.opt = n % 10 * 4;
				KUNIT_EXPECT_EQ(test,
						stt_tx_port(t, &p, 49152,
							    65535), first);
			}
		}
	}
}

/*
 * W5: flows spread over the range, those without ports by their addresses,
 * those without addresses by MAC.  Chi-square with 15 degrees of freedom is
 * above 70 but once in 10^8.
 */
static void stt_tx_sport_spread(struct kunit *test)
{
	static const struct {
		const char	*name;
		bool		v6;
		u8		proto;
		bool		arp;
	} kinds[] = {
		{ "TCP over IPv4", false, IPPROTO_TCP },
		{ "UDP over IPv6", true, IPPROTO_UDP },
		{ "ICMP", false, IPPROTO_ICMP },
		{ "ESP over IPv6", true, IPPROTO_ESP },
		{ "ARP", false, IPPROTO_TCP, true },
	};
	struct stt_test *t = test->priv;
	unsigned int kind, i, n = 1024, expected = 1024 / 16;

	for (kind = 0; kind < ARRAY_SIZE(kinds); kind++) {
		unsigned int count[16] = { };
		u64 chi2 = 0;

		for (i = 0; i < n; i++) {
			struct stt_test_pkt p = {
				.v6 = kinds[kind].v6, .flow = i,
				.proto = kinds[kind].proto, .payload = 20,
			};
			struct stt_inner in;
			struct sk_buff *skb;
			u16 port;

			skb = stt_test_packet(t, &p, &stt_test_layouts[0]);
			if (kinds[kind].arp) {
				skb->protocol = htons(ETH_P_ARP);
				eth_hdr(skb)->h_proto = skb->protocol;
			}
			stt_inner_parse(skb, &in);
			port = stt_tx_sport(skb, &in, 49152, 65535);
			kfree_skb(skb);
			KUNIT_ASSERT_GE(test, port, 49152);
			count[(port - 49152) / 1024]++;
		}
		for (i = 0; i < 16; i++) {
			int d = count[i] - expected;

			chi2 += d * d;
		}
		KUNIT_EXPECT_LT_MSG(test, chi2, 70 * expected, "%s",
				    kinds[kind].name);
		cond_resched();
	}
}

/* W5: the configured range holds, and ARP of one host has one port. */
static void stt_tx_sport_range(struct kunit *test)
{
	struct stt_test *t = test->priv;
	unsigned int i;

	for (i = 0; i < 100; i++) {
		struct stt_test_pkt p = {
			.proto = IPPROTO_TCP, .flow = i,
		};
		struct stt_inner in = { .proto = htons(ETH_P_ARP) };
		struct sk_buff *skb;
		u16 port;

		port = stt_tx_port(t, &p, 1000, 1002);
		KUNIT_EXPECT_GE(test, port, 1000);
		KUNIT_EXPECT_LE(test, port, 1002);
		KUNIT_EXPECT_EQ(test, stt_tx_port(t, &p, 7471, 7471), 7471);

		skb = stt_test_packet(t, &p, &stt_test_layouts[0]);
		port = stt_tx_sport(skb, &in, 49152, 65535);
		/* Not MAC addresses any more. */
		skb->data[ETH_HLEN + 2] ^= 0xff;
		skb->data[2 * ETH_ALEN + 1] ^= 0xff;
		KUNIT_EXPECT_EQ(test, stt_tx_sport(skb, &in, 49152, 65535),
				port);
		kfree_skb(skb);
	}
}

/* ---- frame ids --------------------------------------------------------- */

#define STT_TX_IDS	16384

struct stt_tx_taker {
	struct work_struct	work;
	struct completion	*start;
	u32			*ids;
};

static void stt_tx_take(struct work_struct *work)
{
	struct stt_tx_taker *taker = container_of(work, struct stt_tx_taker,
						  work);
	unsigned int i;

	wait_for_completion(taker->start);
	for (i = 0; i < STT_TX_IDS; i++) {
		/* In batches, so that several workers of one CPU mix. */
		if (!(i % 512))
			cond_resched();
		local_bh_disable();
		taker->ids[i] = stt_tx_next_id();
		local_bh_enable();
	}
}

static int stt_tx_cmp(const void *a, const void *b)
{
	u32 x = *(const u32 *)a, y = *(const u32 *)b;

	return x < y ? -1 : x > y;
}

/* W2: no id twice, from any mix of CPUs. */
static void stt_tx_ids_unique(struct kunit *test)
{
	DECLARE_COMPLETION_ONSTACK(start);
	struct stt_tx_taker takers[4];
	unsigned int i, n = ARRAY_SIZE(takers) * STT_TX_IDS, twice = 0;
	int cpu = -1;
	u32 *ids;

	ids = vmalloc(n * sizeof(*ids));
	KUNIT_ASSERT_NOT_NULL(test, ids);
	cpus_read_lock();
	for (i = 0; i < ARRAY_SIZE(takers); i++) {
		cpu = cpumask_next(cpu, cpu_online_mask);
		if (cpu >= nr_cpu_ids)
			cpu = cpumask_first(cpu_online_mask);
		takers[i].start = &start;
		takers[i].ids = ids + i * STT_TX_IDS;
		INIT_WORK_ONSTACK(&takers[i].work, stt_tx_take);
		schedule_work_on(cpu, &takers[i].work);
	}
	cpus_read_unlock();
	complete_all(&start);
	for (i = 0; i < ARRAY_SIZE(takers); i++) {
		flush_work(&takers[i].work);
		destroy_work_on_stack(&takers[i].work);
	}

	sort(ids, n, sizeof(*ids), stt_tx_cmp, NULL);
	for (i = 1; i < n; i++)
		twice += ids[i] == ids[i - 1];
	vfree(ids);
	KUNIT_EXPECT_EQ(test, twice, 0);
}

/* W2: not a counter; neither the next id nor a difference comes again. */
static void stt_tx_ids_hidden(struct kunit *test)
{
	unsigned int i, near = 0, same = 0;
	u32 step, last = 0, id, next;

	local_bh_disable();
	id = stt_tx_next_id();
	for (i = 0; i < 4096; i++) {
		next = stt_tx_next_id();
		step = next - id;
		near += step + 1000 < 2000;
		same += step == last;
		last = step;
		id = next;
	}
	local_bh_enable();
	KUNIT_EXPECT_LT(test, near, 64);
	KUNIT_EXPECT_LT(test, same, 64);
}

/*
 * W2: a hundred seconds, in which the host sends little for half a minute, then
 * all it can, and then loads the module anew: no number comes back within 33 s.
 */
static void stt_tx_ids_reload(struct kunit *test)
{
	/* Of the clock, and of small frames at 100 Gbit/s. */
	const u32 tenth = 12500000, frames = 11360000;
	unsigned int i, j, n = 1000, twice = 0;
	atomic64_t counter = ATOMIC64_INIT(0);
	struct {
		u32	first;
		u32	n;
	} *took = vmalloc(n * sizeof(*took));

	KUNIT_ASSERT_NOT_NULL(test, took);
	for (i = 0; i < n; i++) {
		if (i % 360 == 0)
			atomic64_set(&counter, 0);
		took[i].first = stt_tx_take_ids(&counter, (u64)i * tenth);
		took[i].n = STT_ID_BLOCK;
		if (i % 360 >= 300) {
			atomic64_add(frames, &counter);
			took[i].n += frames;
		}
	}
	for (i = 0; i < n; i++)
		for (j = i + 1; j < n && j <= i + 330; j++) {
			u32 step = took[j].first - took[i].first;

			twice += step < took[i].n || -step < took[j].n;
		}
	vfree(took);
	KUNIT_EXPECT_EQ(test, twice, 0);

	/* No block twice where the clock does not move. */
	atomic64_set(&counter, 5);
	KUNIT_EXPECT_EQ(test, stt_tx_take_ids(&counter, 7), 7);
	KUNIT_EXPECT_EQ(test, stt_tx_take_ids(&counter, 7), 7 + STT_ID_BLOCK);
}

static int stt_tx_init(struct kunit *test)
{
	test->priv = stt_test_new(test);

	return 0;
}

static void stt_tx_exit(struct kunit *test)
{
	stt_test_end(test->priv);
}

static struct kunit_case stt_tx_tests[] = {
	KUNIT_CASE(stt_tx_parse_layouts),
	KUNIT_CASE(stt_tx_parse_truncated),
	KUNIT_CASE(stt_tx_parse_others),
	KUNIT_CASE(stt_tx_parse_damaged),
	KUNIT_CASE(stt_tx_parse_fragment6),
	KUNIT_CASE(stt_tx_parse_not_ip),
	KUNIT_CASE(stt_tx_offload_table),
	KUNIT_CASE(stt_tx_offload_consistent),
	KUNIT_CASE(stt_tx_sport_stable),
	KUNIT_CASE(stt_tx_sport_spread),
	KUNIT_CASE(stt_tx_sport_range),
	KUNIT_CASE(stt_tx_ids_unique),
	KUNIT_CASE(stt_tx_ids_hidden),
	KUNIT_CASE(stt_tx_ids_reload),
	{ }
};

static struct kunit_suite stt_tx_suite = {
	.name = "stt_tx",
	.init = stt_tx_init,
	.exit = stt_tx_exit,
	.test_cases = stt_tx_tests,
};

kunit_test_suite(stt_tx_suite);
