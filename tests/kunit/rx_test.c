// SPDX-License-Identifier: GPL-2.0
/*
 * Receive: what an STT header may say of the inner packet (R10), and what the
 * packet is then delivered as (R12).
 */
#include <linux/etherdevice.h>
#include <linux/udp.h>

#include "include/stt_deliver.h"
#include "include/stt_inner.h"
#include "include/stt_proto.h"
#include "lib.h"

#define C	STT_F_CSUM_VERIFIED
#define P	STT_F_CSUM_PARTIAL
#define V	STT_F_IPV4
#define T	STT_F_TCP

/**
 * struct stt_rx_case - a frame's inner packet, its header, and what comes of it
 * @name: for messages
 * @p: packet
 * @cut: its length is cut to this, 0 for not
 * @off: header; an L4 offset of 0 with P stands for the right one
 * @nocsum: the device does not believe the sender's checksums
 * @drop: the two contradict each other
 * @summed: else, ip_summed of the delivered packet
 * @type: its gso_type, and gso_size is the MSS; 0: not a GSO packet
 */
struct stt_rx_case {
	const char		*name;
	struct stt_test_pkt	p;
	unsigned int		cut;
	struct stt_offload	off;
	bool			nocsum;
	bool			drop;
	u8			summed;
	unsigned int		type;
};

#define TCP4	.proto = IPPROTO_TCP, .payload = 5000
#define TCP6	.v6 = true, .proto = IPPROTO_TCP, .payload = 5000
#define UDP4	.proto = IPPROTO_UDP, .payload = 5000
#define UDP6	.v6 = true, .proto = IPPROTO_UDP, .payload = 5000
#define ICMP4	.proto = IPPROTO_ICMP, .payload = 500
#define PARTIAL	.summed = CHECKSUM_PARTIAL
#define TSO4	PARTIAL, .type = SKB_GSO_TCPV4 | SKB_GSO_DODGY
#define TSO6	PARTIAL, .type = SKB_GSO_TCPV6 | SKB_GSO_DODGY
#define DROP	.drop = true

static const struct stt_rx_case stt_rx_cases[] = {
	/* Nothing, or C. */
	{ "nothing", { TCP4 }, .off = { 0 }, .summed = CHECKSUM_NONE },
	{ "C", { TCP4 }, .off = { C }, .summed = CHECKSUM_UNNECESSARY },
	{ "C on UDP over IPv6", { UDP6 }, .off = { C },
	  .summed = CHECKSUM_UNNECESSARY },
	{ "C, not believed", { TCP4 }, .off = { C }, .nocsum = true,
	  .summed = CHECKSUM_NONE },
	{ "P, not C, is no matter of belief", { TCP4 }, .off = { P | V | T },
	  .nocsum = true, PARTIAL },
	{ "ICMP", { ICMP4 }, .off = { 0 }, .summed = CHECKSUM_NONE },
	{ "nothing but Ethernet", { TCP4 }, .cut = 14, .off = { 0 },
	  .summed = CHECKSUM_NONE },

	/* Without P the other fields are ignored. */
	{ "V and T alone", { TCP4 }, .off = { V | T, 34 },
	  .summed = CHECKSUM_NONE },
	{ "MSS alone", { TCP4 }, .off = { 0, 34, 1000 },
	  .summed = CHECKSUM_NONE },
	{ "MSS with C", { TCP4 }, .off = { C | V | T, 34, 1000 },
	  .summed = CHECKSUM_UNNECESSARY },
	{ "wrong everything without P", { UDP6 }, .off = { V | T, 3, 0xffff },
	  .summed = CHECKSUM_NONE },

	/* P. */
	{ "TCP over IPv4", { TCP4 }, .off = { P | V | T }, PARTIAL },
	{ "TCP over IPv6", { TCP6 }, .off = { P | T }, PARTIAL },
	{ "UDP over IPv4", { UDP4 }, .off = { P | V }, PARTIAL },
	{ "UDP over IPv6", { UDP6 }, .off = { P }, PARTIAL },
	{ "IPv4 options", { TCP4, .ext = 40 }, .off = { P | V | T }, PARTIAL },
	{ "TCP options", { TCP4, .opt = 40 }, .off = { P | V | T }, PARTIAL },
	{ "IPv6 extension header", { UDP6, .ext = 16 }, .off = { P },
	  PARTIAL },
	{ "second tag in the frame",
	  { TCP4, .tags = 1, .tpid = ETH_P_8021AD }, .off = { P | V | T },
	  PARTIAL },
	{ "L4 offset 254", { TCP6, .ext = 200 }, .off = { P | T }, PARTIAL },
	{ "no payload", { .proto = IPPROTO_TCP }, .off = { P | V | T },
	  PARTIAL },
	{ "empty UDP", { .proto = IPPROTO_UDP }, .off = { P | V }, PARTIAL },

	/* P that contradicts. */
	{ "C and P", { TCP4 }, .off = { C | P | V | T }, DROP },
	{ "C and P on ICMP", { ICMP4 }, .off = { C | P | V }, DROP },
	{ "IPv4 without V", { TCP4 }, .off = { P | T }, DROP },
	{ "IPv6 with V", { TCP6 }, .off = { P | V | T }, DROP },
	{ "TCP without T", { TCP4 }, .off = { P | V }, DROP },
	{ "UDP with T", { UDP4 }, .off = { P | V | T }, DROP },
	{ "UDP over IPv6 with V and T", { UDP6 }, .off = { P | V | T }, DROP },
	{ "L4 offset one less", { TCP4 }, .off = { P | V | T, 33 }, DROP },
	{ "L4 offset one more", { TCP4 }, .off = { P | V | T, 35 }, DROP },
	{ "L4 offset in the IP header", { TCP4 }, .off = { P | V | T, 14 },
	  DROP },
	{ "L4 offset in the Ethernet header", { UDP4 }, .off = { P | V, 1 },
	  DROP },
	{ "L4 offset behind the options", { TCP4, .opt = 40 },
	  .off = { P | V | T, 94 }, DROP },
	{ "L4 offset in the payload", { TCP6 }, .off = { P | T, 255 }, DROP },
	{ "L4 offset behind the packet", { .proto = IPPROTO_UDP },
	  .off = { P | V, 200 }, DROP },
	{ "true L4 offset 262", { TCP6, .ext = 208 }, .off = { P | T, 6 },
	  DROP },
	{ "P on ICMP", { ICMP4 }, .off = { P | V, 34 }, DROP },
	{ "P on a fragment", { UDP4, .frag_off = 0x2000 },
	  .off = { P | V, 34 }, DROP },
	{ "P on a last fragment", { TCP4, .frag_off = 0x0010 },
	  .off = { P | V | T, 34 }, DROP },
	{ "P on nothing but Ethernet", { TCP4 }, .cut = 14,
	  .off = { P | V | T, 34 }, DROP },
	{ "P without the L4 header", { TCP4 }, .cut = 34,
	  .off = { P | V | T, 34 }, DROP },
	{ "P on a part of the TCP header", { TCP4 }, .cut = 53,
	  .off = { P | V | T }, DROP },
	{ "P on a part of the TCP options", { TCP4, .opt = 12 }, .cut = 65,
	  .off = { P | V | T }, DROP },
	{ "P on a part of the UDP header", { UDP6 }, .cut = 61,
	  .off = { P }, DROP },

	/* MSS. */
	{ "MSS", { TCP4 }, .off = { P | V | T, 0, 1448 }, TSO4 },
	{ "MSS over IPv6", { TCP6 }, .off = { P | T, 0, 1428 }, TSO6 },
	{ "MSS and options", { TCP4, .ext = 4, .opt = 12 },
	  .off = { P | V | T, 0, 1436 }, TSO4 },
	{ "MSS and a tag in the frame",
	  { TCP6, .tags = 1, .tpid = ETH_P_8021Q },
	  .off = { P | T, 0, 1428 }, TSO6 },
	{ "MSS of the floor", { TCP4 }, .off = { P | V | T, 0, 48 }, TSO4 },
	{ "MSS one less than the payload", { TCP4 },
	  .off = { P | V | T, 0, 4999 }, TSO4 },
	{ "MSS of the payload", { TCP4 }, .off = { P | V | T, 0, 5000 },
	  PARTIAL },
	{ "MSS above the payload", { TCP6 }, .off = { P | T, 0, 5001 },
	  PARTIAL },
	{ "MSS 0xfffe", { TCP4 }, .off = { P | V | T, 0, 0xfffe }, PARTIAL },
	{ "MSS without payload", { .proto = IPPROTO_TCP },
	  .off = { P | V | T, 0, 1448 }, PARTIAL },

	/* MSS that cannot be. */
	{ "MSS 0xffff", { TCP4 }, .off = { P | V | T, 0, 0xffff }, DROP },
	{ "MSS below the floor", { TCP4 }, .off = { P | V | T, 0, 47 }, DROP },
	{ "MSS 1", { TCP6 }, .off = { P | T, 0, 1 }, DROP },
	{ "MSS for UDP", { UDP4 }, .off = { P | V, 0, 1000 }, DROP },
	{ "MSS for UDP over IPv6", { UDP6 }, .off = { P, 0, 1000 }, DROP },
	{ "MSS and a wrong L4 offset", { TCP4 },
	  .off = { P | V | T, 38, 1000 }, DROP },
};

static void stt_rx_expect(struct stt_test *t, const struct stt_rx_case *c,
			  struct sk_buff *skb, const struct stt_test_pkt *p,
			  const char *layout)
{
	const struct skb_shared_info *shinfo = skb_shinfo(skb);
	struct kunit *test = t->test;

	KUNIT_EXPECT_EQ_MSG(test, (u8)skb->ip_summed, c->summed, "%s, %s",
			    c->name, layout);
	KUNIT_EXPECT_EQ_MSG(test, shinfo->gso_type, c->type, "%s, %s", c->name,
			    layout);
	KUNIT_EXPECT_EQ_MSG(test, shinfo->gso_size, c->type ? c->off.mss : 0,
			    "%s, %s", c->name, layout);
	KUNIT_EXPECT_FALSE_MSG(test, (bool)skb->csum_valid, "%s, %s",
			       c->name, layout);
	KUNIT_EXPECT_EQ_MSG(test, (u8)skb->csum_level, 0, "%s, %s",
			    c->name, layout);
	if (c->summed != CHECKSUM_PARTIAL)
		return;

	KUNIT_EXPECT_EQ_MSG(test, skb_checksum_start_offset(skb), p->l4,
			    "%s, %s", c->name, layout);
	KUNIT_EXPECT_EQ_MSG(test, skb_transport_offset(skb), p->l4, "%s, %s",
			    c->name, layout);
	KUNIT_EXPECT_EQ_MSG(test, skb->csum_offset,
			    p->proto == IPPROTO_TCP ?
			    offsetof(struct tcphdr, check) :
			    offsetof(struct udphdr, check), "%s, %s", c->name,
			    layout);
	KUNIT_EXPECT_GE_MSG(test, skb_headlen(skb), p->hlen, "%s, %s", c->name,
			    layout);
}

static int stt_test_offload(struct sk_buff *skb, const struct stt_offload *off,
			    bool csum_offload)
{
	struct stt_inner in;

	stt_inner_parse(skb, &in);

	return stt_rx_offload(skb, &in, off, csum_offload);
}

/*
 * R10 and R12: each case in each layout, also of packets that were aggregated
 * from segments, that a NIC has verified something of, and whose headers are
 * anywhere.  A capture's clone stays as it was.
 */
static void stt_rx_offload_table(struct kunit *test)
{
	struct stt_test *t = test->priv;
	unsigned int i, j;

	for (i = 0; i < ARRAY_SIZE(stt_rx_cases); i++) {
		const struct stt_rx_case *c = &stt_rx_cases[i];

		for (j = 0; j < stt_test_nlayouts; j++) {
			const struct stt_test_layout *lo = &stt_test_layouts[j];
			struct sk_buff *skb, *clone = NULL;
			struct stt_offload off = c->off;
			struct stt_test_pkt p = c->p;
			unsigned int len;
			bool ok;

			kfree_skb(stt_test_packet(t, &p, lo));
			len = c->cut ?: p.hlen + p.payload;
			skb = stt_test_skb(t, t->frame, len,
					   i & 1 ? ETH_HLEN : 0, lo);
			KUNIT_ASSERT_TRUE(test, pskb_may_pull(skb, ETH_HLEN));
			skb->ip_summed = CHECKSUM_UNNECESSARY;
			skb->csum_level = 2;
			skb->csum_valid = 1;
			if (j & 1) {
				skb_shinfo(skb)->gso_size = 1400;
				skb_shinfo(skb)->gso_segs = 4;
				skb_shinfo(skb)->gso_type = SKB_GSO_TCPV4;
			}
			if ((i + j) % 3 == 0) {
				clone = skb_clone(skb, GFP_KERNEL);
				KUNIT_ASSERT_NOT_NULL(test, clone);
			}
			if (off.flags & P && !off.l4_offset)
				off.l4_offset = p.l4;

			ok = !stt_test_offload(skb, &off, !c->nocsum);
			KUNIT_EXPECT_EQ_MSG(test, ok, !c->drop, "%s, %s",
					    c->name, lo->name);
			if (ok)
				stt_rx_expect(t, c, skb, &p, lo->name);
			KUNIT_EXPECT_TRUE_MSG(test,
					      stt_test_holds(t, skb, 0,
							     t->frame, len),
					      "%s, %s", c->name, lo->name);
			if (clone) {
				KUNIT_EXPECT_EQ(test,
						skb_shinfo(clone)->gso_size,
						j & 1 ? 1400 : 0);
				KUNIT_EXPECT_EQ(test,
						skb_shinfo(clone)->gso_type,
						j & 1 ? SKB_GSO_TCPV4 : 0);
				KUNIT_EXPECT_EQ(test, clone->len, len);
				KUNIT_EXPECT_TRUE_MSG(test,
						      stt_test_holds(t, clone,
								     0,
								     t->frame,
								     len),
						      "%s, %s: clone", c->name,
						      lo->name);
				kfree_skb(clone);
			}
			kfree_skb(skb);
			KUNIT_ASSERT_EQ_MSG(test, stt_test_pages_held(t), 0,
					    "%s, %s", c->name, lo->name);
		}
		cond_resched();
	}
}

/* All that a header can say of one packet; only one combination is right. */
static void stt_rx_offload_all(struct stt_test *t, struct sk_buff *skb,
			       const struct stt_test_pkt *p, u8 right, u8 flags)
{
	static const u16 sizes[] = { 0, 1, 47, 48, 999, 1000, 0xfffe, 0xffff };
	unsigned int l4, m;

	for (l4 = 0; l4 < 256; l4 += l4 < 80 ? 1 : 25) {
		for (m = 0; m < ARRAY_SIZE(sizes); m++) {
			struct stt_offload off = { flags, l4, sizes[m] };
			bool want = true, gso = false;

			if (flags & P) {
				want = flags == right && l4 == p->l4;
				gso = want && sizes[m];
				if (gso && (!(flags & T) || sizes[m] < 48 ||
					    sizes[m] == 0xffff))
					want = false;
				gso = gso && sizes[m] < p->payload;
			}
			KUNIT_ASSERT_EQ_MSG(t->test,
					    !stt_test_offload(skb, &off, true),
					    want, "%x %u %u of %x %u", flags,
					    l4, sizes[m], right, p->l4);
			if (want)
				KUNIT_ASSERT_EQ(t->test, skb_is_gso(skb), gso);
		}
	}
}

/* R10: flags, MSS and L4 offsets in all combinations. */
static void stt_rx_offload_exhaustive(struct kunit *test)
{
	struct stt_test *t = test->priv;
	unsigned int kind, flags;

	for (kind = 0; kind < 4; kind++) {
		bool v6 = kind & 1, udp = kind & 2;
		struct stt_test_pkt p = {
			.v6 = v6, .proto = udp ? IPPROTO_UDP : IPPROTO_TCP,
			.payload = 1000,
		};
		struct sk_buff *skb;

		skb = stt_test_packet(t, &p, &stt_test_layouts[0]);
		for (flags = 0; flags < 16; flags++)
			stt_rx_offload_all(t, skb, &p,
					   P | (v6 ? 0 : V) | (udp ? 0 : T),
					   flags);
		kfree_skb(skb);
	}
}

/* R10: a TCP data offset of less than a header or more than the packet. */
static void stt_rx_offload_doff(struct kunit *test)
{
	struct stt_test *t = test->priv;
	unsigned int doff, mss;

	for (mss = 0; mss <= 100; mss += 100) {
		for (doff = 0; doff < 16; doff++) {
			struct stt_test_pkt p = {
				.proto = IPPROTO_TCP, .payload = 20,
			};
			struct stt_offload off = { P | V | T, 34, mss };
			struct sk_buff *skb;

			skb = stt_test_packet(t, &p, &stt_test_layouts[0]);
			((struct tcphdr *)(skb->data + p.l4))->doff = doff;
			KUNIT_EXPECT_EQ_MSG(test,
					    !stt_test_offload(skb, &off, true),
					    doff >= 5 && doff <= 10,
					    "doff %u", doff);
			kfree_skb(skb);
		}
	}
}

/*
 * R12: what is delivered as a GSO packet can go on to a device that cannot
 * cut it: every layout, cut at several sizes, as the receive path leaves it.
 */
static void stt_rx_offload_segment(struct kunit *test)
{
	static const unsigned int sizes[] = { 48, 66, 333, 1448, 8800 };
	static const netdev_features_t features[] = {
		0, NETIF_F_SG, NETIF_F_SG | NETIF_F_HW_CSUM,
		NETIF_F_SG | NETIF_F_HW_CSUM | NETIF_F_TSO | NETIF_F_TSO6 |
		NETIF_F_GSO_ROBUST,
	};
	struct stt_test *t = test->priv;
	unsigned int i, j, k;

	for (i = 0; i < stt_test_nlayouts; i++) {
		for (j = 0; j < ARRAY_SIZE(sizes); j++) {
			const struct stt_test_layout *lo = &stt_test_layouts[i];
			struct stt_test_pkt p = {
				.v6 = j & 1, .proto = IPPROTO_TCP, .opt = 12,
				.payload = sizes[j] * 6 + 77, .flags = 0x99,
			};
			struct stt_offload off = {
				P | T | (j & 1 ? 0 : V), 0, sizes[j],
			};

			for (k = (i + j) % 2; k < 4; k += 2) {
				struct sk_buff *skb;

				kfree_skb(stt_test_packet(t, &p, lo));
				skb = stt_test_skb(t, t->frame,
						   p.hlen + p.payload, 0, lo);
				off.l4_offset = p.l4;
				KUNIT_ASSERT_TRUE(test,
						  pskb_may_pull(skb, ETH_HLEN));
				KUNIT_ASSERT_TRUE(test,
						  !stt_test_offload(skb, &off,
								  true));
				KUNIT_ASSERT_TRUE(test, skb_is_gso(skb));
				skb->dev = init_net.loopback_dev;
				skb->protocol = eth_type_trans(skb, skb->dev);
				skb_reset_network_header(skb);
				skb_reset_mac_len(skb);
				/* As dev_queue_xmit() gets it. */
				__skb_push(skb, ETH_HLEN);
				stt_test_segment(t, skb, &p, 0, sizes[j],
						 features[k], lo->name);
				kfree_skb(skb);
				KUNIT_ASSERT_EQ_MSG(test,
						    stt_test_pages_held(t), 0,
						    "%s", lo->name);
			}
		}
		cond_resched();
	}
}

static int stt_rx_init(struct kunit *test)
{
	test->priv = stt_test_new(test);

	return 0;
}

static void stt_rx_exit(struct kunit *test)
{
	stt_test_end(test->priv);
}

static struct kunit_case stt_rx_tests[] = {
	KUNIT_CASE(stt_rx_offload_table),
	KUNIT_CASE(stt_rx_offload_exhaustive),
	KUNIT_CASE(stt_rx_offload_doff),
	KUNIT_CASE(stt_rx_offload_segment),
	{ }
};

static struct kunit_suite stt_rx_suite = {
	.name = "stt_rx",
	.init = stt_rx_init,
	.exit = stt_rx_exit,
	.test_cases = stt_rx_tests,
};

kunit_test_suite(stt_rx_suite);
