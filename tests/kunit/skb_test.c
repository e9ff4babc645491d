// SPDX-License-Identifier: GPL-2.0
/*
 * Joining segments to one packet, and making packets that GSO can cut (R12):
 * over every layout that a NIC, GRO or IP reassembly can give a packet.
 */
#include <linux/in.h>
#include <linux/mm.h>

#include "include/stt_skb.h"
#include "lib.h"

#define STT_HW		(NETIF_F_SG | NETIF_F_HW_CSUM)
#define STT_TSO		(STT_HW | NETIF_F_TSO | NETIF_F_TSO6 | \
			 NETIF_F_GSO_ROBUST)

/* ---- stt_skb_join ------------------------------------------------------ */

/* How somebody else may hold a packet that is to be joined. */
enum stt_hold {
	STT_HOLD_NONE,
	STT_HOLD_CLONE,		/* a capture */
	STT_HOLD_MEMBERS,	/* a copy of its shared info */
	STT_HOLD_MAX
};

struct stt_held {
	struct sk_buff	*clone;
	struct sk_buff	*list;
};

static struct stt_held stt_hold(struct stt_test *t, struct sk_buff *skb,
				enum stt_hold how)
{
	struct stt_held held = { };

	if (how == STT_HOLD_CLONE) {
		held.clone = skb_clone(skb, GFP_KERNEL);
		KUNIT_ASSERT_NOT_NULL(t->test, held.clone);
	} else if (how == STT_HOLD_MEMBERS) {
		held.list = skb_shinfo(skb)->frag_list;
		stt_test_share(skb);
	}

	return held;
}

/* What was held is as it was: @data is what the packet had. */
static void stt_hold_end(struct stt_test *t, struct stt_held *held,
			 const u8 *data, unsigned int len, const char *what)
{
	struct sk_buff *member;
	unsigned int off = len;

	if (held->clone) {
		KUNIT_EXPECT_EQ_MSG(t->test, held->clone->len, len, "%s",
				    what);
		KUNIT_EXPECT_TRUE_MSG(t->test,
				      stt_test_holds(t, held->clone, 0, data,
						     len),
				      "%s: clone", what);
		kfree_skb(held->clone);
	}
	if (!held->list)
		return;

	/* The members are at the end of the data. */
	for (member = held->list; member; member = member->next)
		off -= member->len;
	for (member = held->list; member; member = member->next) {
		KUNIT_EXPECT_TRUE_MSG(t->test,
				      stt_test_holds(t, member, 0, data + off,
						     member->len),
				      "%s: member", what);
		off += member->len;
	}
	KUNIT_EXPECT_EQ_MSG(t->test, off, len, "%s: list", what);
	stt_test_unshare(held->list);
}

static void stt_skb_expect(struct stt_test *t, const struct sk_buff *skb,
			   const u8 *data, unsigned int len, const char *what)
{
	KUNIT_ASSERT_NOT_NULL_MSG(t->test, skb, "%s", what);
	KUNIT_ASSERT_EQ_MSG(t->test, skb->len, len, "%s", what);
	KUNIT_ASSERT_STREQ_MSG(t->test, stt_test_insane(skb) ?: "", "", "%s",
			       what);
	KUNIT_ASSERT_TRUE_MSG(t->test, stt_test_holds(t, skb, 0, data, len),
			      "%s: content", what);
	KUNIT_ASSERT_NULL_MSG(t->test, skb->next, "%s", what);
}

/* Memory that a list of packets is charged for. */
static unsigned int stt_skb_truesize(const struct sk_buff *skb)
{
	unsigned int sum = 0;

	for (; skb; skb = skb->next)
		sum += skb->truesize;

	return sum;
}

/*
 * R8: a join is not charged for more than its parts were, but for a list
 * member that had to be made for each MAX_SKB_FRAGS fragments.
 */
static void stt_skb_expect_truesize(struct stt_test *t,
				    const struct sk_buff *skb,
				    unsigned int parts, const char *what)
{
	const struct sk_buff *member;

	skb_walk_frags(skb, member)
		parts += SKB_TRUESIZE(SKB_DATA_ALIGN(1));
	KUNIT_ASSERT_LE_MSG(t->test, skb->truesize, parts, "%s", what);
}

/*
 * R5: each layout before each, in a join of three; whoever holds any of them
 * keeps what it had.
 */
static void stt_skb_join_pair(struct stt_test *t, const u8 *data,
			      const struct stt_test_layout *a, unsigned int la,
			      const struct stt_test_layout *b, unsigned int lb,
			      enum stt_hold how)
{
	struct sk_buff *x, *y, *z;
	struct stt_held hx, hy;
	unsigned int charged;
	char what[100];

	snprintf(what, sizeof(what), "%s, then %s, held as %u", a->name,
		 b->name, how);
	x = stt_test_skb(t, data, la, 0, a);
	y = stt_test_skb(t, data + la, lb, 0, b);
	z = stt_test_skb(t, data + la + lb, 1448, 0, &stt_test_layouts[0]);
	y->next = z;
	hx = stt_hold(t, x, how);
	hy = stt_hold(t, y, how);
	charged = x->truesize + stt_skb_truesize(y);

	x = stt_skb_join(x, y);
	stt_skb_expect(t, x, data, la + lb + 1448, what);
	stt_skb_expect_truesize(t, x, charged, what);
	stt_hold_end(t, &hx, data, la, what);
	stt_hold_end(t, &hy, data + la, lb, what);
	kfree_skb(x);
	KUNIT_ASSERT_EQ_MSG(t->test, stt_test_pages_held(t), 0, "%s: pages",
			    what);
}

static void stt_skb_join_layouts(struct kunit *test)
{
	struct stt_test *t = test->priv;
	unsigned int i, j, n = 0;

	for (i = 0; i < stt_test_nlayouts; i++) {
		for (j = 0; j < stt_test_nlayouts; j++, n++)
			stt_skb_join_pair(t, t->bytes + n,
					  &stt_test_layouts[i], 3000 + i,
					  &stt_test_layouts[j], 5000 + j,
					  (i + j) % STT_HOLD_MAX);
		cond_resched();
	}
}

/* R5: any split of up to 64 KB, in packets of all layouts. */
static void stt_skb_join_random(struct kunit *test)
{
	struct stt_test *t = test->priv;
	unsigned int run;

	for (run = 0; run < 120; run++) {
		unsigned int most = run % 8 ? 9000 : 65535;
		unsigned int len = 1 + stt_test_below(t, most);
		const u8 *data = t->bytes + stt_test_below(t, 1000);
		struct sk_buff *head = NULL, **link = &head, *rest;
		struct stt_held held[40] = { };
		unsigned int off = 0, n, i, charged;
		unsigned int from[40];
		char what[32];

		for (n = 0; off < len; n++) {
			unsigned int l = len - off;

			if (n < 39)
				l = 1 + stt_test_below(t, min(l, 1 + len / 6));
			from[n] = off;
			i = stt_test_below(t, stt_test_nlayouts);
			*link = stt_test_skb(t, data + off, l, 0,
					     &stt_test_layouts[i]);
			if (!stt_test_below(t, 4))
				held[n] = stt_hold(t, *link,
						   1 + stt_test_below(t, 2));
			link = &(*link)->next;
			off += l;
		}
		from[n] = len;

		snprintf(what, sizeof(what), "run %u", run);
		charged = stt_skb_truesize(head);
		rest = head->next;
		skb_mark_not_on_list(head);
		head = stt_skb_join(head, rest);
		stt_skb_expect(t, head, data, len, what);
		stt_skb_expect_truesize(t, head, charged, what);
		for (i = 0; i < n; i++)
			stt_hold_end(t, &held[i], data + from[i],
				     from[i + 1] - from[i], what);
		kfree_skb(head);
		KUNIT_ASSERT_EQ_MSG(test, stt_test_pages_held(t), 0,
				    "%s: pages", what);
		cond_resched();
	}
}

/*
 * R5: more pieces than fragments that a packet can have, down to one byte
 * each, onto a head that has room for bytes and onto one that has not.
 */
static void stt_skb_join_bytes(struct kunit *test)
{
	struct stt_test *t = test->priv;
	unsigned int size, len, off;

	for (size = 1; size <= 512; size = size * 2 + 1) {
		struct sk_buff *head, *rest = NULL, **link = &rest;
		const struct stt_test_layout *lo;
		char what[32];

		len = min(size * 700, 65535U);
		for (off = size; off < len; off += size) {
			lo = &stt_test_layouts[off % 7];
			*link = stt_test_skb(t, t->bytes + off,
					     min(size, len - off), 0, lo);
			link = &(*link)->next;
		}
		lo = &stt_test_layouts[size % 3];
		head = stt_test_skb(t, t->bytes, size, 0, lo);
		head = stt_skb_join(head, rest);
		snprintf(what, sizeof(what), "pieces of %u", size);
		stt_skb_expect(t, head, t->bytes, len, what);
		kfree_skb(head);
		KUNIT_ASSERT_EQ_MSG(test, stt_test_pages_held(t), 0,
				    "%s: pages", what);
		cond_resched();
	}
}

/* A packet alone stays what it is. */
static void stt_skb_join_one(struct kunit *test)
{
	struct stt_test *t = test->priv;
	unsigned int i;

	for (i = 0; i < stt_test_nlayouts; i++) {
		const struct stt_test_layout *lo = &stt_test_layouts[i];
		struct sk_buff *skb;

		skb = stt_test_skb(t, t->bytes, 20000, 0, lo);
		skb = stt_skb_join(skb, NULL);
		stt_skb_expect(t, skb, t->bytes, 20000, lo->name);
		kfree_skb(skb);
		KUNIT_ASSERT_EQ_MSG(test, stt_test_pages_held(t), 0, "%s",
				    lo->name);
	}
}

/* What software GSO cut out of one page is one fragment again. */
static void stt_skb_join_merges(struct kunit *test)
{
	struct stt_test *t = test->priv;
	struct sk_buff *head = NULL, **link = &head, *rest;
	unsigned int i, size = 1000, n = 30;
	struct page *page;

	page = alloc_pages(GFP_KERNEL | __GFP_COMP, get_order(n * size));
	KUNIT_ASSERT_NOT_NULL(test, page);
	memcpy(page_address(page), t->bytes, n * size);
	for (i = 0; i < n; i++) {
		*link = stt_test_skb(t, t->bytes, 0, 0, &stt_test_layouts[0]);
		get_page(page);
		skb_add_rx_frag(*link, 0, page, i * size, size, size);
		link = &(*link)->next;
	}
	rest = head->next;
	skb_mark_not_on_list(head);
	head = stt_skb_join(head, rest);
	stt_skb_expect(t, head, t->bytes, n * size, "cut page");
	KUNIT_EXPECT_EQ(test, skb_shinfo(head)->nr_frags, 1);
	KUNIT_EXPECT_NULL(test, skb_shinfo(head)->frag_list);
	kfree_skb(head);
	KUNIT_EXPECT_EQ(test, page_count(page), 1);
	put_page(page);
}

/* ---- stt_skb_make_cuttable --------------------------------------------- */

static bool stt_skb_has_linear_member(const struct sk_buff *skb)
{
	const struct sk_buff *member;

	skb_walk_frags(skb, member)
		if (skb_headlen(member) || skb_has_frag_list(member))
			return true;

	return false;
}

static const netdev_features_t stt_skb_features[] = {
	STT_HW, NETIF_F_SG, STT_TSO, 0, NETIF_F_HW_CSUM,
	STT_TSO & ~NETIF_F_GSO_ROBUST,
};

#define STT_CUT_WAYS	(2 * ARRAY_SIZE(stt_skb_features))
#define STT_CUT_ALL	(BIT(STT_CUT_WAYS) - 1)
/* Three of them, others in each round. */
#define STT_CUT_SOME(i)	(0x111U << (i) % 4)

/*
 * One inner TCP packet of some layout, made cuttable and cut, for devices of
 * the abilities in @ways.  R12: "untrusted" is how a receiver marks it.
 */
static void stt_skb_cut(struct stt_test *t, struct stt_test_pkt *p,
			const struct stt_test_layout *lo, unsigned int mss,
			enum stt_hold how, unsigned int ways)
{
	struct stt_held held;
	struct sk_buff *skb;
	char what[100];
	unsigned int i;

	for (i = 0; i < STT_CUT_WAYS; i++) {
		netdev_features_t f = stt_skb_features[i / 2];
		bool untrusted = i & 1;

		if (!(ways & BIT(i)))
			continue;
		snprintf(what, sizeof(what), "%s%s, held as %u", lo->name,
			 untrusted ? ", untrusted" : "", how);
		skb = stt_test_packet(t, p, lo);
		stt_test_partial(t, skb, p);
		held = stt_hold(t, skb, how);
		KUNIT_ASSERT_EQ_MSG(t->test,
				    stt_skb_make_cuttable(skb, p->hlen, mss),
				    0, "%s", what);
		stt_skb_expect(t, skb, t->frame, p->hlen + p->payload, what);
		KUNIT_EXPECT_FALSE_MSG(t->test, stt_skb_has_linear_member(skb),
				       "%s", what);
		KUNIT_EXPECT_GE_MSG(t->test, skb_headlen(skb), p->hlen, "%s",
				    what);
		/* GSO wants its shared info for itself. */
		if (held.clone)
			KUNIT_ASSERT_EQ(t->test, skb_unclone(skb, GFP_KERNEL),
					0);
		skb_shinfo(skb)->gso_size = mss;
		skb_shinfo(skb)->gso_type = p->v6 ? SKB_GSO_TCPV6 :
						    SKB_GSO_TCPV4;
		if (untrusted)
			skb_shinfo(skb)->gso_type |= SKB_GSO_DODGY;
		stt_test_segment(t, skb, p, 0, mss, f, what);
		stt_hold_end(t, &held, t->frame, p->hlen + p->payload, what);
		kfree_skb(skb);
		KUNIT_ASSERT_EQ_MSG(t->test, stt_test_pages_held(t), 0,
				    "%s: pages", what);
	}
}

/* R12: each layout at many sizes. */
static void stt_skb_cut_layouts(struct kunit *test)
{
	/* 54 and 66 are the length of all headers. */
	static const unsigned int sizes[] = {
		48, 54, 66, 101, 536, 777, 1000, 1448, 4000, 9001,
	};
	struct stt_test *t = test->priv;
	unsigned int i, j;

	for (i = 0; i < stt_test_nlayouts; i++) {
		for (j = 0; j < ARRAY_SIZE(sizes); j++) {
			struct stt_test_pkt p = {
				.proto = IPPROTO_TCP,
				.v6 = j & 1,
				.opt = sizes[j] == 66 ? 12 : 0,
				.flags = 0x19,
			};

			p.payload = min(sizes[j] * 7 + 13, 35000U);
			stt_skb_cut(t, &p, &stt_test_layouts[i], sizes[j],
				    STT_HOLD_NONE, STT_CUT_SOME(i + j));
			cond_resched();
		}
	}
}

/* R12: 64 KB, which is 1360 packets of the smallest size. */
static void stt_skb_cut_large(struct kunit *test)
{
	struct stt_test *t = test->priv;
	unsigned int i;

	for (i = 0; i < stt_test_nlayouts; i++) {
		struct stt_test_pkt p = {
			.proto = IPPROTO_TCP, .payload = 65300, .v6 = i & 1,
		};

		stt_skb_cut(t, &p, &stt_test_layouts[i],
			    i % 4 ? 1448 + i * 2333 : 48 + i, STT_HOLD_NONE,
			    BIT(i * 5 % STT_CUT_WAYS));
		cond_resched();
	}
}

/* R12: who holds a packet, or its parts, does not notice. */
static void stt_skb_cut_held(struct kunit *test)
{
	struct stt_test_pkt p = { .proto = IPPROTO_TCP, .payload = 14000 };
	struct stt_test *t = test->priv;
	unsigned int i, how;

	for (how = STT_HOLD_CLONE; how < STT_HOLD_MAX; how++) {
		for (i = 0; i < stt_test_nlayouts; i++) {
			stt_skb_cut(t, &p, &stt_test_layouts[i], 1448, how,
				    STT_CUT_SOME(i));
			cond_resched();
		}
	}
}

/*
 * R12: members of equal length, as long as what the first skb has, are what
 * GSO makes large packets of for a device with TSO; those must not come out
 * with more fragments than an skb can have.
 */
static void stt_skb_cut_even(struct kunit *test)
{
	static const unsigned int sizes[] = { 700, 1400, 1501, 5900 };
	struct stt_test *t = test->priv;
	unsigned int i, frag;

	for (frag = 100; frag <= 1000; frag += 450) {
		struct stt_test_layout lo = {
			"even members",
			{ .frag = frag, .frags = 17 },
			{ .frag = frag, .frags = 17 },
		};
		struct stt_test_pkt p = {
			.proto = IPPROTO_TCP, .payload = 3 * 17 * frag,
		};

		for (i = 0; i < ARRAY_SIZE(sizes); i++)
			if (sizes[i] < p.payload)
				stt_skb_cut(t, &p, &lo, sizes[i],
					    STT_HOLD_NONE, STT_CUT_ALL);
	}
}

/* R12: any layout of the head, of members, and of lists of members. */
static void stt_skb_cut_random(struct kunit *test)
{
	struct stt_test *t = test->priv;
	unsigned int run;

	for (run = 0; run < 100; run++) {
		struct stt_test_layout lo = { "random" };
		struct stt_test_pkt p = {
			.proto = IPPROTO_TCP, .v6 = stt_test_below(t, 2),
		};
		unsigned int mss = 48 + stt_test_below(t, 3000);

		lo.head.linear = stt_test_below(t, 300);
		lo.head.page_head = stt_test_below(t, 2);
		lo.head.frag = 1 + stt_test_below(t, 2000);
		lo.head.frags = stt_test_below(t, 18);
		lo.member.linear = stt_test_below(t, 2) *
				   stt_test_below(t, 2000);
		lo.member.page_head = stt_test_below(t, 2);
		lo.member.frag = 40 + stt_test_below(t, 1500);
		lo.member.frags = 1 + stt_test_below(t, 17);
		lo.nested = !stt_test_below(t, 4);
		p.payload = mss + 1 + stt_test_below(t, 12000);
		stt_skb_cut(t, &p, &lo, mss, STT_HOLD_NONE,
			    STT_CUT_SOME(run));
		cond_resched();
	}
}

/* Without a frag_list nothing is touched. */
static void stt_skb_cut_nothing(struct kunit *test)
{
	struct stt_test *t = test->priv;
	struct sk_buff *skb, *clone;

	skb = stt_test_skb(t, t->bytes, 30000, 0, &stt_test_layouts[2]);
	clone = skb_clone(skb, GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, clone);
	KUNIT_EXPECT_EQ(test, stt_skb_make_cuttable(skb, 0, 48), 0);
	KUNIT_EXPECT_TRUE(test, skb_cloned(skb));
	kfree_skb(clone);
	kfree_skb(skb);
}

/* ---- stt_skb_equal ----------------------------------------------------- */

/* R7: every layout against every, and one byte changed anywhere. */
static void stt_skb_equal_layouts(struct kunit *test)
{
	struct stt_test *t = test->priv;
	unsigned int i, j, k, len = 4000;

	for (i = 0; i < stt_test_nlayouts; i++) {
		for (j = 0; j < stt_test_nlayouts; j++) {
			const struct stt_test_layout *a, *b;
			unsigned int at[] = {
				0, 1, 127, 128, 129, 255, 256, len - 501,
				stt_test_below(t, len - 500), len - 500,
			};
			struct sk_buff *x, *y;

			a = &stt_test_layouts[i];
			b = &stt_test_layouts[j];
			/* The second has 500 other bytes before them. */
			x = stt_test_skb(t, t->bytes + 500, len, 0, a);
			memcpy(t->frame, t->bytes, len);
			y = stt_test_skb(t, t->frame, len, 0, b);
			KUNIT_EXPECT_TRUE_MSG(test,
					      stt_skb_equal(x, 0, y, 500,
							    len - 500),
					      "%s, %s", a->name, b->name);
			KUNIT_EXPECT_TRUE(test, stt_skb_equal(x, 9, y, 9, 0));
			KUNIT_EXPECT_FALSE(test, stt_skb_equal(x, 0, y, 0, 9));
			kfree_skb(y);

			k = at[(i + j) % ARRAY_SIZE(at)];
			t->frame[500 + k] ^= 1;
			y = stt_test_skb(t, t->frame, len, 0, b);
			/* The last one is just beyond what is compared. */
			KUNIT_EXPECT_EQ_MSG(test,
					    stt_skb_equal(x, 0, y, 500,
							  len - 500),
					    k == len - 500,
					    "%s, %s: byte %u", a->name,
					    b->name, k);
			if (k < len - 500)
				KUNIT_EXPECT_TRUE_MSG(test,
						      stt_skb_equal(x, k + 1,
								    y, k + 501,
								    len - k -
								    501),
						      "%s, %s: behind %u",
						      a->name, b->name, k);
			KUNIT_EXPECT_TRUE_MSG(test,
					      stt_skb_equal(x, 0, y, 500, k),
					      "%s, %s: before %u", a->name,
					      b->name, k);
			kfree_skb(y);
			kfree_skb(x);
			KUNIT_ASSERT_EQ(test, stt_test_pages_held(t), 0);
		}
	}
}

static int stt_skb_init(struct kunit *test)
{
	test->priv = stt_test_new(test);

	return 0;
}

static void stt_skb_exit(struct kunit *test)
{
	stt_test_end(test->priv);
}

static struct kunit_case stt_skb_cases[] = {
	KUNIT_CASE(stt_skb_join_layouts),
	KUNIT_CASE(stt_skb_join_random),
	KUNIT_CASE(stt_skb_join_bytes),
	KUNIT_CASE(stt_skb_join_one),
	KUNIT_CASE(stt_skb_join_merges),
	KUNIT_CASE(stt_skb_cut_layouts),
	KUNIT_CASE(stt_skb_cut_large),
	KUNIT_CASE(stt_skb_cut_held),
	KUNIT_CASE(stt_skb_cut_even),
	KUNIT_CASE(stt_skb_cut_random),
	KUNIT_CASE(stt_skb_cut_nothing),
	KUNIT_CASE(stt_skb_equal_layouts),
	{ }
};

static struct kunit_suite stt_skb_suite = {
	.name = "stt_skb",
	.init = stt_skb_init,
	.exit = stt_skb_exit,
	.test_cases = stt_skb_cases,
};

kunit_test_suite(stt_skb_suite);
