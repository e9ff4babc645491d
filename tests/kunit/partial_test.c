// SPDX-License-Identifier: GPL-2.0
/*
 * Partial delivery (R15): which frames may be taken apart, and the packets
 * that come of it, each looked at as a part of the one that was sent.
 */
#include <net/ip.h>

#include "include/stt_partial.h"
#include "include/stt_proto.h"
#include "lib.h"

#define P	STT_F_CSUM_PARTIAL
#define V	STT_F_IPV4
#define T	STT_F_TCP

#define STT_PARTIAL_HW	(NETIF_F_SG | NETIF_F_HW_CSUM)

/**
 * struct stt_partial_case - a frame, and whether parts of it can be right
 * @name: for messages
 * @p: inner packet; IPv4 has DF unless @no_df
 * @options: its TCP options, as far as they are not NOP
 * @no_df: IPv4 without DF
 * @longer: bytes that the IP header claims beside what there is
 * @padding: bytes behind the IP packet
 * @flags: of the STT header, if not the right ones
 * @ok: they can
 */
struct stt_partial_case {
	const char		*name;
	struct stt_test_pkt	p;
	u8			options[12];
	bool			no_df;
	int			longer;
	unsigned int		padding;
	u8			flags;
	bool			ok;
};

#define TCP4	.proto = IPPROTO_TCP, .payload = 3000
#define TCP6	.v6 = true, .proto = IPPROTO_TCP, .payload = 3000
#define OPT4	TCP4, .opt = 12
#define OK	.ok = true

static const struct stt_partial_case stt_partial_cases[] = {
	{ "TCP over IPv4", { TCP4 }, OK },
	{ "TCP over IPv6", { TCP6 }, OK },
	{ "PSH, FIN, ECE and CWR", { TCP4, .flags = 0xd9 }, OK },
	{ "tags in the frame", { TCP6, .tags = 2, .tpid = ETH_P_8021AD }, OK },
	{ "padding", { TCP4 }, .padding = 7, OK },

	/* Needs ids, or more than copied headers. */
	{ "IPv4 without DF", { TCP4 }, .no_df = true },
	{ "IPv4 options", { TCP4, .ext = 8 } },
	{ "IPv6 extension header", { TCP6, .ext = 8 } },
	{ "UDP", { .proto = IPPROTO_UDP, .payload = 3000 }, .flags = P | V },
	{ "no P", { TCP4 }, .flags = V | T },
	{ "no T", { TCP4 }, .flags = P | V },
	{ "SYN", { TCP4, .flags = 0x02 } },
	{ "RST", { TCP6, .flags = 0x04 } },
	{ "URG", { TCP4, .flags = 0x30 } },

	/* Options; 1 is NOP. */
	{ "timestamps", { OPT4 }, { 1, 1, 8, 10 }, OK },
	{ "SACK", { OPT4 }, { 1, 1, 5, 10 }, OK },
	{ "options end", { OPT4 }, { 1, 0, 19, 18 }, OK },
	{ "unknown option", { OPT4 }, { 254, 12 }, OK },
	{ "MD5", { TCP4, .opt = 20 }, { 1, 1, 19, 18 } },
	{ "MD5 behind others", { TCP4, .opt = 28 },
	  { 3, 3, 7, 1, 4, 2, 1, 19, 18 } },
	{ "AO", { TCP6, .opt = 16 }, { 29, 16 } },
	{ "option of length 0", { OPT4 }, { 1, 8, 0 } },
	{ "option of length 1", { OPT4 }, { 8, 1 } },
	{ "option that does not end", { OPT4 }, { 1, 8, 12 } },
	{ "option without a length", { OPT4 },
	  { 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 8 } },

	/* The IP packet is not what is in the frame. */
	{ "IPv4 longer than the frame", { TCP4 }, .longer = 1 },
	{ "IPv6 longer than the frame", { TCP6 }, .longer = 1 },
	{ "as long as frame and padding", { TCP4 }, .longer = 4, .padding = 4,
	  OK },
	{ "headers only", { .proto = IPPROTO_TCP } },
	{ "IPv4 ends in its headers", { TCP4 }, .longer = -3001 },
	{ "IPv6 jumbogram", { TCP6 }, .longer = -3020 },
};

static void stt_partial_lengthen(u8 *l3, bool v6, int by)
{
	struct ipv6hdr *ip6h = (struct ipv6hdr *)l3;
	struct iphdr *iph = (struct iphdr *)l3;

	if (v6) {
		ip6h->payload_len = htons(ntohs(ip6h->payload_len) + by);
	} else {
		iph->tot_len = htons(ntohs(iph->tot_len) + by);
		ip_send_check(iph);
	}
}

static void stt_partial_may(struct kunit *test)
{
	struct stt_test *t = test->priv;
	struct stt_partial *partial;
	unsigned int i, len;

	partial = kunit_kzalloc(test, sizeof(*partial), GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, partial);
	for (i = 0; i < ARRAY_SIZE(stt_partial_cases); i++) {
		const struct stt_partial_case *c = &stt_partial_cases[i];
		struct stt_test_pkt p = c->p;
		struct stt_offload off = { };
		struct sk_buff *skb;

		if (!p.v6 && !c->no_df)
			p.frag_off = IP_DF;
		skb = stt_test_packet(t, &p, &stt_test_layouts[0]);
		for (len = ARRAY_SIZE(c->options); len; len--)
			if (c->options[len - 1])
				break;
		memcpy(skb->data + p.l4 + 20, c->options, len);
		stt_partial_lengthen(skb->data + p.l3, p.v6, c->longer);
		off.flags = c->flags ?: P | T | (p.v6 ? 0 : V);
		off.l4_offset = p.l4;
		KUNIT_EXPECT_EQ_MSG(test,
				    stt_partial_init(partial, skb, &off,
						     skb->len + c->padding),
				    c->ok, "%s", c->name);
		kfree_skb(skb);
	}
}

/* R15: one run of bytes, [start, end) of the inner frame. */
static void stt_partial_run(struct stt_test *t, const struct stt_partial *pt,
			    const struct stt_test_pkt *p, unsigned int start,
			    unsigned int end)
{
	unsigned int first = max(start, p->hlen) - p->hlen;
	unsigned int last = min(end, p->hlen + p->payload), size;
	const struct stt_test_layout *lo;
	struct sk_buff *skb, *clone;
	struct kunit *test = t->test;
	const char *bad;
	char what[100];

	lo = &stt_test_layouts[stt_test_below(t, stt_test_nlayouts)];
	snprintf(what, sizeof(what), "%s: %u to %u of %u+%u, MSS %u", lo->name,
		 start, end, p->hlen, p->payload, pt->mss);
	/* The first run's headers are linear: somebody looked at them. */
	skb = stt_test_skb(t, t->frame + start, end - start,
			   start ? 0 : p->hlen, lo);
	skb->dev = init_net.loopback_dev;
	skb_shinfo(skb)->gso_size = 1400;
	skb_shinfo(skb)->gso_type = SKB_GSO_TCPV4;
	clone = skb_clone(skb, GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, clone);

	skb = stt_partial_packet(pt, skb, start);
	KUNIT_EXPECT_TRUE_MSG(test,
			      stt_test_holds(t, clone, 0, t->frame + start,
					     end - start), "%s: clone", what);
	KUNIT_EXPECT_EQ_MSG(test, skb_shinfo(clone)->gso_size, 1400, "%s",
			    what);
	kfree_skb(clone);
	if (last <= p->hlen + first) {
		KUNIT_EXPECT_NULL_MSG(test, skb, "%s", what);
		return;
	}
	KUNIT_ASSERT_NOT_NULL_MSG(test, skb, "%s", what);
	size = last - p->hlen - first;
	KUNIT_EXPECT_EQ_MSG(test, skb->len, p->hlen + size, "%s", what);
	KUNIT_EXPECT_EQ_MSG(test, (u8)skb->ip_summed, CHECKSUM_PARTIAL, "%s",
			    what);
	bad = stt_test_part_bad(t, skb, p, first);
	KUNIT_ASSERT_NULL_MSG(test, bad, "%s: %s", what, bad);

	KUNIT_EXPECT_EQ_MSG(test, skb_shinfo(skb)->gso_size,
			    pt->mss && size > pt->mss ? pt->mss : 0, "%s",
			    what);
	KUNIT_EXPECT_EQ_MSG(test, skb_is_gso(skb),
			    !!(skb_shinfo(skb)->gso_type), "%s", what);
	if (skb_is_gso(skb)) {
		KUNIT_EXPECT_TRUE_MSG(test, skb_shinfo(skb)->gso_type &
				      SKB_GSO_DODGY, "%s", what);
		skb->protocol = ((struct ethhdr *)skb->data)->h_proto;
		skb_reset_mac_header(skb);
		skb_set_network_header(skb, ETH_HLEN);
		skb_reset_mac_len(skb);
		stt_test_segment(t, skb, p, first, pt->mss,
				 stt_test_below(t, 2) ? STT_PARTIAL_HW : 0,
				 what);
	}
	kfree_skb(skb);
}

/*
 * R15: the runs of a frame that lost some bytes, anywhere; of all layouts,
 * with a clone in somebody's hands.
 */
static void stt_partial_runs(struct kunit *test)
{
	struct stt_test *t = test->priv;
	struct stt_partial *pt;
	unsigned int run;

	pt = kunit_kzalloc(test, sizeof(*pt), GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, pt);
	for (run = 0; run < 150; run++) {
		struct stt_test_pkt p = {
			.v6 = stt_test_below(t, 2), .proto = IPPROTO_TCP,
			.tags = stt_test_below(t, 2), .tpid = ETH_P_8021AD,
			.opt = stt_test_below(t, 11) * 4, .frag_off = IP_DF,
			.payload = 200 + stt_test_below(t, 15000),
			.flags = 0xd9,
		};
		unsigned int padding = run % 3 ? 0 : stt_test_below(t, 30);
		unsigned int start = 0, end, len;
		struct stt_offload off = { P | T };
		struct sk_buff *skb;

		if (p.v6)
			p.frag_off = 0;
		else
			off.flags |= V;
		skb = stt_test_packet(t, &p, &stt_test_layouts[0]);
		off.l4_offset = p.l4;
		off.mss = run & 1 ? 0 : 48 + stt_test_below(t, 2000);
		len = p.hlen + p.payload + padding;
		KUNIT_ASSERT_TRUE(test, stt_partial_init(pt, skb, &off, len));
		kfree_skb(skb);
		memset(t->frame + p.hlen + p.payload, 0x5a, padding);

		/* The first has the headers, or there is nothing to do. */
		end = p.hlen + stt_test_below(t, run % 4 ? 6000 : 2);
		while (start < len) {
			end = min(end, len);
			stt_partial_run(t, pt, &p, start, end);
			start = end + stt_test_below(t, 1500);
			end = start + 1 + stt_test_below(t, run % 5 ? 6000 :
							 60);
		}
		/* And those at the very end. */
		stt_partial_run(t, pt, &p, len - 1, len);
		stt_partial_run(t, pt, &p, p.hlen, len);
		stt_partial_run(t, pt, &p, 0, len);
		KUNIT_ASSERT_EQ(test, stt_test_pages_held(t), 0);
		cond_resched();
	}
}

static int stt_partial_test_init(struct kunit *test)
{
	test->priv = stt_test_new(test);

	return 0;
}

static void stt_partial_test_exit(struct kunit *test)
{
	stt_test_end(test->priv);
}

static struct kunit_case stt_partial_tests[] = {
	KUNIT_CASE(stt_partial_may),
	KUNIT_CASE(stt_partial_runs),
	{ }
};

static struct kunit_suite stt_partial_suite = {
	.name = "stt_partial",
	.init = stt_partial_test_init,
	.exit = stt_partial_test_exit,
	.test_cases = stt_partial_tests,
};

kunit_test_suite(stt_partial_suite);
