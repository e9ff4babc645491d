// SPDX-License-Identifier: GPL-2.0
/*
 * BIG TCP: a GSO packet that is larger than a frame is cut into as few GSO
 * packets as hold it, each right by itself (W13), wherever its bytes are.
 */
#include <linux/tcp.h>
#include <net/ip.h>

#include "include/stt_cut.h"
#include "include/stt_inner.h"
#include "lib.h"

#define STT_CUT_PAYLOAD		60000

/* What is wrong with one result, whose payload begins at @off; or NULL. */
static const char *stt_cut_part_bad(struct stt_test *t, struct sk_buff *seg,
				    const struct stt_test_pkt *p,
				    unsigned int off, unsigned int mss,
				    unsigned int type)
{
	const struct skb_shared_info *shinfo = skb_shinfo(seg);
	unsigned int size = seg->len - p->hlen;
	const char *bad = stt_test_part_bad(t, seg, p, off);
	const struct iphdr *iph;
	u16 id;

	if (bad)
		return bad;
	if (size <= mss)
		return skb_is_gso(seg) ? "GSO" : NULL;
	if (shinfo->gso_size != mss)
		return "MSS";
	if (shinfo->gso_segs != DIV_ROUND_UP(size, mss))
		return "count of segments";
	if (off)
		type &= ~SKB_GSO_TCP_ECN;
	if (shinfo->gso_type != type)
		return "GSO type";
	if (p->v6)
		return NULL;

	/* Ids step by segments, or not at all. */
	iph = (struct iphdr *)(seg->data + p->l3);
	id = ntohs(((struct iphdr *)(t->frame + p->l3))->id);
	if (!(type & SKB_GSO_TCP_FIXEDID))
		id += off / mss;

	return ntohs(iph->id) != id ? "IPv4 id" : NULL;
}

static void stt_cut_one(struct stt_test *t, struct stt_test_pkt *p,
			const struct stt_test_layout *lo, unsigned int mss,
			unsigned int max, unsigned int type)
{
	unsigned int each, off = 0, n = 0;
	struct sk_buff *skb, *segs, *seg;
	const char *bad = NULL;
	struct stt_inner in;

	skb = stt_test_packet(t, p, lo);
	stt_test_partial(t, skb, p);
	type |= p->v6 ? SKB_GSO_TCPV6 : SKB_GSO_TCPV4;
	skb_shinfo(skb)->gso_size = mss;
	skb_shinfo(skb)->gso_type = type;
	skb_shinfo(skb)->gso_segs = DIV_ROUND_UP(p->payload, mss);
	stt_inner_parse(skb, &in);

	each = (max - p->hlen) / mss * mss;
	segs = stt_cut(skb, &in, max);
	KUNIT_EXPECT_EQ(t->test, skb_shinfo(skb)->gso_size, mss);
	kfree_skb(skb);
	if (IS_ERR_OR_NULL(segs))
		KUNIT_FAIL_AND_ABORT(t->test, "%s, MSS %u: %pe", lo->name, mss,
				     segs);

	for (seg = segs; seg && !bad; seg = seg->next) {
		bad = stt_cut_part_bad(t, seg, p, off, mss, type);
		if (!bad && seg->len - p->hlen != min(each, p->payload - off))
			bad = "size";
		off += seg->len - p->hlen;
		n++;
	}
	kfree_skb_list(segs);
	KUNIT_EXPECT_NULL_MSG(t->test, bad, "%s, MSS %u, v6 %u: %s before %u",
			      lo->name, mss, p->v6, bad ? : "", off);
	KUNIT_EXPECT_EQ(t->test, n, DIV_ROUND_UP(p->payload, each));
}

/* W13, for every layout that a NIC, GRO or IP reassembly can give. */
static void stt_cut_layouts(struct kunit *test)
{
	static const unsigned int sizes[] = { 536, 1448, 9000 };
	static const unsigned int types[] = {
		0, SKB_GSO_TCP_FIXEDID, SKB_GSO_DODGY,
		SKB_GSO_TCP_ECN | SKB_GSO_DODGY,
	};
	struct stt_test *t = test->priv;
	unsigned int i;

	for (i = 0; i < stt_test_nlayouts * 8; i++) {
		unsigned int type = types[i / 2 % 4];
		struct stt_test_pkt p = {
			.v6 = i & 1, .proto = IPPROTO_TCP,
			.opt = i & 4 ? 12 : 0, .payload = STT_CUT_PAYLOAD,
			/* ACK, PSH, FIN, and CWR where it is ECN's. */
			.flags = 0x19 | (type & SKB_GSO_TCP_ECN ? 0x80 : 0),
			.frag_off = IP_DF,
		};

		stt_cut_one(t, &p, &stt_test_layouts[i / 8],
			    sizes[i % ARRAY_SIZE(sizes)], 20000, type);
		KUNIT_ASSERT_EQ(test, stt_test_pages_held(t), 0);
	}
}

/* What is not to be cut, or cannot be, is left as it is. */
static void stt_cut_refused(struct kunit *test)
{
	static const struct {
		unsigned int	mss;
		unsigned int	max;
	} refused[] = {
		{ 1448, 65000 }, { 1448, 1000 }, { 1448, 54 }, { 1448, 0 },
		{ 30000, 20000 }, { GSO_BY_FRAGS, 20000 },
	};
	struct stt_test *t = test->priv;
	struct stt_test_pkt p = {
		.proto = IPPROTO_TCP, .payload = STT_CUT_PAYLOAD,
	};
	struct stt_inner in;
	struct sk_buff *skb, *segs;
	unsigned int i;

	skb = stt_test_packet(t, &p, &stt_test_layouts[0]);
	stt_test_partial(t, skb, &p);
	stt_inner_parse(skb, &in);
	for (i = 0; i < ARRAY_SIZE(refused); i++) {
		skb_shinfo(skb)->gso_type = SKB_GSO_TCPV4;
		skb_shinfo(skb)->gso_size = refused[i].mss;
		segs = stt_cut(skb, &in, refused[i].max);
		KUNIT_EXPECT_EQ_MSG(test, PTR_ERR_OR_ZERO(segs), -EMSGSIZE,
				    "MSS %u in %u", refused[i].mss,
				    refused[i].max);
		KUNIT_EXPECT_EQ(test, skb_shinfo(skb)->gso_size,
				refused[i].mss);
	}
	kfree_skb(skb);
}

static int stt_cut_init(struct kunit *test)
{
	test->priv = stt_test_new(test);

	return 0;
}

static void stt_cut_exit(struct kunit *test)
{
	stt_test_end(test->priv);
}

static struct kunit_case stt_cut_tests[] = {
	KUNIT_CASE(stt_cut_layouts),
	KUNIT_CASE(stt_cut_refused),
	{ }
};

static struct kunit_suite stt_cut_suite = {
	.name = "stt_cut",
	.init = stt_cut_init,
	.exit = stt_cut_exit,
	.test_cases = stt_cut_tests,
};

kunit_test_suite(stt_cut_suite);
