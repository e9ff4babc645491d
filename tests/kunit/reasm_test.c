// SPDX-License-Identifier: GPL-2.0
/*
 * Reassembly: a namespace of its own gets segments in every order, split and
 * overlap.  A model in a few lines says what must become of each, and all
 * counters are compared at the end of each case.
 */
#include <linux/delay.h>
#include <linux/math64.h>
#include <linux/percpu.h>
#include <linux/workqueue.h>
#include <net/inet_ecn.h>

#include "include/stt.h"
#include "include/stt_peers.h"
#include "include/stt_reasm.h"
#include "include/stt_source.h"
#include "include/stt_stats.h"
#include "include/stt_whole.h"
#include "lib.h"

#define STT_HIGH_THRESH		(4UL << 20)

/**
 * struct stt_model - what must become of the segments of one frame
 * @id: frame id
 * @len: its length
 * @have: bytes that are here
 * @packets: that brought them
 * @done: it was complete
 * @condemned: its segments disagreed
 * @data: its bytes, as far as @here
 * @here: which are here
 */
struct stt_model {
	u32	id;
	u16	len;
	u16	have;
	u16	packets;
	bool	done;
	bool	condemned;
	u8	*data;
	u8	*here;
};

/**
 * struct stt_rtest - a namespace and what is expected of it
 * @t: what every test has
 * @sn: namespace
 * @key: flow of those cases that need only one
 * @model: of those cases that need only one frame at a time
 * @want: what the counters must be
 * @next_id: frame id
 * @plain: segments are linear: makes the many small cases quicker
 */
struct stt_rtest {
	struct stt_test		*t;
	struct stt_net		sn;
	struct stt_flow_key	key;
	struct stt_model	model;
	unsigned long		want[STT_NET_COUNTER_MAX];
	u32			next_id;
	bool			plain;
};

/* Those that reassembly counts; all others must stay 0. */
static const char * const stt_rtest_names[STT_NET_COUNTER_MAX] = {
	[STT_NET_reasm_ok]		= "reasm_ok",
	[STT_NET_reasm_timeout]		= "reasm_timeout",
	[STT_NET_reasm_evicted]		= "reasm_evicted",
	[STT_NET_reasm_nomem]		= "reasm_nomem",
	[STT_NET_reasm_overlap]		= "reasm_overlap",
	[STT_NET_reasm_late]		= "reasm_late",
	[STT_NET_reasm_duplicate]	= "reasm_duplicate",
	[STT_NET_drop_length]		= "drop_length",
};

static unsigned long stt_rtest_count(struct stt_rtest *r,
				     enum stt_net_counter c)
{
	unsigned long sum = 0;
	int cpu;

	for_each_possible_cpu(cpu)
		sum += per_cpu_ptr(r->sn.counters, cpu)->c[c];

	return sum;
}

/* All counters are what they must be. */
static void stt_rtest_counts(struct stt_rtest *r)
{
	unsigned int i;

	for (i = 0; i < STT_NET_COUNTER_MAX; i++)
		KUNIT_EXPECT_EQ_MSG(r->t->test, stt_rtest_count(r, i),
				    r->want[i], "%s",
				    stt_rtest_names[i] ?: "another");
}

/* Nothing is left. */
static void stt_rtest_empty(struct stt_rtest *r)
{
	KUNIT_EXPECT_EQ(r->t->test, stt_reasm_mem(r->sn.reasm), 0);
	KUNIT_EXPECT_EQ(r->t->test, stt_reasm_frames(r->sn.reasm), 0);
}

static void stt_rtest_source(struct stt_flow_key *key, u32 addr)
{
	key->saddr.v4 = htonl(addr);
}

/* ---- segments ---------------------------------------------------------- */

static struct sk_buff *stt_rtest_seg(struct stt_rtest *r, const u8 *data,
				     unsigned int off, unsigned int len,
				     unsigned int frame_len)
{
	unsigned int lo = r->plain ? 0 : stt_test_below(r->t,
							stt_test_nlayouts);
	struct sk_buff *skb;
	struct stt_skb_cb *cb;

	skb = stt_test_skb(r->t, data, len, 0, &stt_test_layouts[lo]);
	cb = stt_skb_cb(skb);
	cb->offset = off;
	cb->frame_len = frame_len;
	cb->segments = 1;
	cb->dsfield = 0;

	return skb;
}

/* R8: the limit holds at any time. */
static struct sk_buff *stt_rtest_add_skb(struct stt_rtest *r,
					 const struct stt_flow_key *key,
					 u32 id, bool known,
					 struct sk_buff *skb)
{
	local_bh_disable();
	skb = stt_reasm_add(r->sn.reasm, key, id, known, skb);
	local_bh_enable();
	KUNIT_ASSERT_LE(r->t->test, stt_reasm_mem(r->sn.reasm),
			r->sn.limits.high_thresh);

	return skb;
}

/* A segment of a frame whose bytes are the test's. */
static struct sk_buff *stt_rtest_add(struct stt_rtest *r,
				     const struct stt_flow_key *key, u32 id,
				     bool known, unsigned int off,
				     unsigned int len, unsigned int frame_len)
{
	struct sk_buff *skb;

	skb = stt_rtest_seg(r, r->t->bytes + off, off, len, frame_len);

	return stt_rtest_add_skb(r, key, id, known, skb);
}

/* Add one and expect that nothing comes of it yet. */
static void stt_rtest_wait(struct stt_rtest *r, const struct stt_flow_key *key,
			   u32 id, bool known, unsigned int off,
			   unsigned int len, unsigned int frame_len)
{
	struct sk_buff *skb;

	skb = stt_rtest_add(r, key, id, known, off, len, frame_len);
	KUNIT_EXPECT_NULL(r->t->test, skb);
	kfree_skb(skb);
}

/* Add one and expect that it makes the frame complete. */
static void stt_rtest_done(struct stt_rtest *r, const struct stt_flow_key *key,
			   u32 id, bool known, unsigned int off,
			   unsigned int len, unsigned int frame_len)
{
	struct sk_buff *skb;

	skb = stt_rtest_add(r, key, id, known, off, len, frame_len);
	KUNIT_EXPECT_NOT_NULL(r->t->test, skb);
	if (!skb)
		return;
	r->want[STT_NET_reasm_ok]++;
	KUNIT_EXPECT_EQ(r->t->test, skb->len, frame_len);
	KUNIT_EXPECT_TRUE(r->t->test,
			  stt_test_holds(r->t, skb, 0, r->t->bytes,
					 frame_len));
	kfree_skb(skb);
}

/* ---- the model --------------------------------------------------------- */

static void stt_model_start(struct stt_rtest *r, struct stt_model *m,
			    unsigned int len)
{
	m->id = r->next_id++;
	m->len = len;
	m->have = 0;
	m->packets = 0;
	m->done = false;
	m->condemned = false;
	memset(m->here, 0, len);
}

/*
 * Add a segment to the frame and to its model.  R7: bytes that are here are
 * never overwritten; equal ones are trimmed and counted, others condemn.
 */
static void stt_model_add(struct stt_rtest *r, const struct stt_flow_key *key,
			  struct stt_model *m, unsigned int off,
			  unsigned int len, const u8 *bytes)
{
	struct stt_test *t = r->t;
	unsigned int i, fresh = 0;
	bool differs = false;
	struct sk_buff *skb;
	bool done = false;

	for (i = 0; i < len && !m->condemned; i++) {
		fresh += !m->here[off + i];
		if (m->here[off + i] && m->data[off + i] != bytes[i])
			differs = true;
	}
	KUNIT_ASSERT_FALSE(t->test, m->done);
	if (m->condemned) {
		r->want[STT_NET_reasm_late]++;
	} else if (differs) {
		r->want[STT_NET_reasm_overlap]++;
		m->condemned = true;
	} else {
		if (fresh < len)
			r->want[STT_NET_reasm_duplicate]++;
		if (fresh)
			m->packets++;
		memcpy(m->data + off, bytes, len);
		memset(m->here + off, 1, len);
		m->have += fresh;
		done = m->have == m->len;
	}

	skb = stt_rtest_seg(r, bytes, off, len, m->len);
	skb = stt_rtest_add_skb(r, key, m->id, false, skb);
	if (!done) {
		KUNIT_ASSERT_NULL_MSG(t->test, skb, "%u+%u of %u", off, len,
				      m->len);
		return;
	}
	m->done = true;
	r->want[STT_NET_reasm_ok]++;
	KUNIT_ASSERT_NOT_NULL_MSG(t->test, skb, "%u+%u of %u", off, len,
				  m->len);
	KUNIT_ASSERT_EQ(t->test, skb->len, m->len);
	KUNIT_ASSERT_STREQ(t->test, stt_test_insane(skb) ?: "", "");
	KUNIT_ASSERT_TRUE(t->test,
			  stt_test_holds(t, skb, 0, m->data, m->len));
	KUNIT_ASSERT_NULL(t->test, skb->next);
	KUNIT_ASSERT_NULL(t->test, skb->prev);
	KUNIT_ASSERT_EQ(t->test, stt_skb_cb(skb)->segments, m->packets);
	KUNIT_ASSERT_EQ(t->test, stt_skb_cb(skb)->offset, 0);
	KUNIT_ASSERT_EQ(t->test, stt_skb_cb(skb)->frame_len, m->len);
	kfree_skb(skb);
}

/* The same, with the bytes that the frame ought to have. */
static void stt_model_put(struct stt_rtest *r, struct stt_model *m,
			  unsigned int off, unsigned int len)
{
	stt_model_add(r, &r->key, m, off, len, r->t->bytes + off);
}

/* Whatever is missing, in order; for a condemned frame it is all late. */
static void stt_model_finish(struct stt_rtest *r, struct stt_model *m)
{
	unsigned int off, end;

	for (off = 0; off < m->len && !m->done && !m->condemned; off = end) {
		for (; off < m->len && m->here[off]; off++)
			;
		for (end = off; end < m->len && !m->here[end]; end++)
			;
		if (end > off)
			stt_model_put(r, m, off, end - off);
	}
	KUNIT_ASSERT_TRUE(r->t->test, m->done || m->condemned);
	KUNIT_ASSERT_EQ(r->t->test, stt_reasm_mem(r->sn.reasm), 0);
	KUNIT_ASSERT_EQ(r->t->test, stt_reasm_frames(r->sn.reasm), 0);
	KUNIT_ASSERT_EQ(r->t->test, stt_test_pages_held(r->t), 0);
}

/* ---- order and duplicates ---------------------------------------------- */

/* The next permutation in lexical order; false after the last. */
static bool stt_rtest_permute(unsigned int *a, int n)
{
	int i, j;

	for (i = n - 2; i >= 0 && a[i] > a[i + 1]; i--)
		;
	if (i < 0)
		return false;
	for (j = n - 1; a[j] < a[i]; j--)
		;
	swap(a[i], a[j]);
	for (i++, j = n - 1; i < j; i++, j--)
		swap(a[i], a[j]);

	return true;
}

/*
 * Segments in one order, those in @twice twice: at once, or when all but one
 * are here.  What is done is not added to: see stt_reasm_done_twice().
 */
static void stt_rtest_order(struct stt_rtest *r, const unsigned int *order,
			    unsigned int n, unsigned int twice, bool at_once)
{
	/* None as long as another. */
	static const u8 cuts[] = { 0, 17, 20, 41, 42, 77, 100 };
	struct stt_model *m = &r->model;
	unsigned int i, j, k;

	stt_model_start(r, m, cuts[n]);
	for (i = 0; i < n; i++) {
		k = order[i];
		stt_model_put(r, m, cuts[k], cuts[k + 1] - cuts[k]);
		if (i == n - 1)
			break;
		if (at_once && twice & BIT(k))
			stt_model_put(r, m, cuts[k], cuts[k + 1] - cuts[k]);
		if (at_once || i != n - 2)
			continue;
		for (j = 0; j <= i; j++) {
			k = order[j];
			if (twice & BIT(k))
				stt_model_put(r, m, cuts[k],
					      cuts[k + 1] - cuts[k]);
		}
	}
	stt_model_finish(r, m);
}

/*
 * R6: all permutations of up to six segments.  Of up to four with every subset
 * of them duplicated; of more with some subsets each, all of them in turn.
 */
static void stt_reasm_permutations(struct kunit *test)
{
	static const unsigned int subsets[] = { 0, 0, 0, 8, 16, 5, 1 };
	struct stt_rtest *r = test->priv;
	unsigned int n, i, count = 0;

	r->plain = true;
	/* Frames of less than 14 + 18 bytes do not get here. */
	for (n = 3; n <= 6; n++) {
		unsigned int order[] = { 0, 1, 2, 3, 4, 5 };

		do {
			for (i = 0; i < subsets[n]; i++, count++)
				stt_rtest_order(r, order, n, count % BIT(n),
						count / BIT(n) & 1);
		} while (stt_rtest_permute(order, n));
		cond_resched();
	}
	KUNIT_EXPECT_EQ(test, count, 6 * 8 + 24 * 16 + 120 * 5 + 720);
	stt_rtest_counts(r);
}

/*
 * R6: duplicates that follow close on a frame that is complete.  It is known
 * to be for some milliseconds: only those runs count that took no longer.
 */
static void stt_reasm_done_twice(struct kunit *test)
{
	enum { SEGS = 5, LEN = 30 };
	struct stt_rtest *r = test->priv;
	unsigned int tries, i, runs = 0;
	struct sk_buff *segs[2 * SEGS];

	r->plain = true;
	for (tries = 0; tries < 1000 && runs < 30; tries++) {
		enum stt_net_counter dup = STT_NET_reasm_duplicate;
		unsigned long before = stt_rtest_count(r, dup);
		unsigned int done = 0, open;
		unsigned long begin;
		u32 id = r->next_id++;

		for (i = 0; i < 2 * SEGS; i++) {
			unsigned int off = (tries + i) % SEGS * LEN;

			segs[i] = stt_rtest_seg(r, r->t->bytes + off, off, LEN,
						SEGS * LEN);
		}
		local_bh_disable();
		begin = jiffies;
		open = stt_reasm_frames(r->sn.reasm);
		for (i = 0; i < 2 * SEGS; i++) {
			segs[i] = stt_reasm_add(r->sn.reasm, &r->key, id,
						false, segs[i]);
			if (segs[i])
				done++;
			kfree_skb(segs[i]);
		}
		open -= stt_reasm_frames(r->sn.reasm);
		begin = jiffies - begin;
		local_bh_enable();
		if (begin > 1)
			continue;

		runs++;
		KUNIT_ASSERT_EQ(test, done, 1);
		KUNIT_ASSERT_EQ(test, open, 0);
		KUNIT_ASSERT_EQ(test, stt_rtest_count(r, dup), before + SEGS);
	}
	KUNIT_EXPECT_GT(test, runs, 0);
}

/* R6: bytes one by one: backwards, forwards, the odd ones before the even. */
static void stt_reasm_bytes(struct kunit *test)
{
	struct stt_rtest *r = test->priv;
	unsigned int len = 700, i, way;

	r->plain = true;
	for (way = 0; way < 3; way++) {
		stt_model_start(r, &r->model, len);
		for (i = 0; i < len; i++) {
			unsigned int at = i;

			if (way == 0)
				at = len - 1 - i;
			else if (way == 1)
				at = i < len / 2 ? 2 * i + 1 : 2 * i - len;
			stt_model_put(r, &r->model, at, 1);
		}
		KUNIT_EXPECT_TRUE(test, r->model.done);
		stt_model_finish(r, &r->model);
	}
	stt_rtest_counts(r);
}

/* R5, R6: the longest frame there is, and some aggregates among segments. */
static void stt_reasm_longest(struct kunit *test)
{
	static const unsigned int sizes[] = { 1448, 8948, 30000, 65534 };
	struct stt_rtest *r = test->priv;
	unsigned int i, off;

	for (i = 0; i < ARRAY_SIZE(sizes); i++) {
		stt_model_start(r, &r->model, 65535);
		for (off = 65535 / sizes[i] * sizes[i]; ; off -= sizes[i]) {
			stt_model_put(r, &r->model, off,
				      min(sizes[i], 65535 - off));
			if (!off)
				break;
		}
		KUNIT_EXPECT_TRUE(test, r->model.done);
		stt_model_finish(r, &r->model);
	}
	stt_rtest_counts(r);
}

/* How long a frame in single bytes takes, forwards or backwards; ns. */
static u64 stt_rtest_single_bytes(struct stt_rtest *r, bool backwards)
{
	const unsigned int len = 65535;
	u32 id = r->next_id++;
	unsigned int i;
	u64 start;

	start = ktime_get_ns();
	for (i = 0; i < len - 1; i++) {
		stt_rtest_wait(r, &r->key, id, true,
			       backwards ? len - 1 - i : i, 1, len);
		if (!(i % 1024))
			cond_resched();
	}
	stt_rtest_done(r, &r->key, id, true, backwards ? 0 : i, 1, len);

	return ktime_get_ns() - start;
}

/*
 * R8: no order makes much more work than any other.  The factor is generous,
 * for the machine may have other things to do meanwhile; were there a list to
 * go through, it would be thousands.
 */
static void stt_reasm_single_bytes(struct kunit *test)
{
	struct stt_rtest *r = test->priv;
	u64 forwards, backwards;

	r->plain = true;
	r->sn.limits.high_thresh = 512UL << 20;
	forwards = stt_rtest_single_bytes(r, false);
	backwards = stt_rtest_single_bytes(r, true);
	kunit_info(test, "a segment of one byte of 65535: %llu ns in order, %llu backwards\n",
		   div_u64(forwards, 65535),
		   div_u64(backwards, 65535));
	KUNIT_EXPECT_LT(test, backwards, 10 * forwards);
	stt_rtest_counts(r);
}

/* ---- overlaps ---------------------------------------------------------- */

#define STT_UNIT	8
#define STT_UNITS	5

/*
 * R7: one segment is here, another comes: every position and length of both
 * on a grid, with equal bytes and with one that differs, in every place.
 */
static void stt_rtest_overlap(struct stt_rtest *r, unsigned int a,
			      unsigned int b, unsigned int c, unsigned int d,
			      int differs)
{
	u8 bytes[STT_UNIT * STT_UNITS];
	struct stt_model *m = &r->model;

	stt_model_start(r, m, sizeof(bytes));
	stt_model_put(r, m, a, b - a);
	memcpy(bytes, r->t->bytes, sizeof(bytes));
	if (differs >= 0)
		bytes[differs] ^= 0x10;
	stt_model_add(r, &r->key, m, c, d - c, bytes + c);
	if (m->condemned)
		stt_model_put(r, m, 0, m->len);
	stt_model_finish(r, m);
}

static void stt_reasm_overlap_pairs(struct kunit *test)
{
	struct stt_rtest *r = test->priv;
	unsigned int a, b, c, d, u;

	r->plain = true;
	for (a = 0; a < STT_UNITS; a++) {
		for (b = a + 1; b <= STT_UNITS; b++) {
			/* That would not wait for another. */
			if (b - a == STT_UNITS)
				continue;
			for (c = 0; c < STT_UNITS; c++) {
				for (d = c + 1; d <= STT_UNITS; d++) {
					stt_rtest_overlap(r, a * STT_UNIT,
							  b * STT_UNIT,
							  c * STT_UNIT,
							  d * STT_UNIT, -1);
					for (u = c * 2; u < d * 2; u++)
						stt_rtest_overlap(r,
								  a * STT_UNIT,
								  b * STT_UNIT,
								  c * STT_UNIT,
								  d * STT_UNIT,
								  u / 2 * 8 +
								  u % 2 * 7);
				}
			}
		}
		cond_resched();
	}
	stt_rtest_counts(r);
}

/* R7: a segment over several others, with and without gaps between them. */
static void stt_reasm_overlap_many(struct kunit *test)
{
	struct stt_rtest *r = test->priv;
	struct stt_model *m = &r->model;
	unsigned int mask, from, to, i;

	for (mask = 1; mask < 255; mask++) {
		from = stt_test_below(r->t, 80);
		to = from + 1 + stt_test_below(r->t, 80 - from);
		stt_model_start(r, m, 80);
		for (i = 0; i < 8; i++)
			if (mask & BIT(i))
				stt_model_put(r, m, i * 10, 10);
		stt_model_put(r, m, from, to - from);
		/* And once more, with a part of another. */
		if (!m->done)
			stt_model_put(r, m, from / 2, to - from / 2);
		stt_model_finish(r, m);
	}
	stt_rtest_counts(r);
}

/*
 * R7: a frame whose segments disagree is gone at once, memory and all, and
 * what comes of it later does not begin a new one.
 */
static void stt_reasm_condemned(struct kunit *test)
{
	struct stt_rtest *r = test->priv;
	struct stt_model *m = &r->model;
	u8 bytes[100];

	stt_model_start(r, m, 1000);
	stt_model_put(r, m, 0, 300);
	stt_model_put(r, m, 500, 300);
	KUNIT_EXPECT_EQ(test, stt_reasm_frames(r->sn.reasm), 1);
	memcpy(bytes, r->t->bytes + 250, 100);
	bytes[49] ^= 1;
	stt_model_add(r, &r->key, m, 250, 100, bytes);
	KUNIT_EXPECT_TRUE(test, m->condemned);
	stt_rtest_empty(r);
	stt_model_put(r, m, 300, 200);
	stt_model_put(r, m, 0, 300);
	stt_model_put(r, m, 800, 200);
	stt_rtest_empty(r);
	stt_model_finish(r, m);
	KUNIT_EXPECT_EQ(test, r->want[STT_NET_reasm_overlap], 1);
	KUNIT_EXPECT_EQ(test, r->want[STT_NET_reasm_late], 3);
	stt_rtest_counts(r);
}

static bool stt_rtest_passed(struct stt_rtest *r, u32 id)
{
	bool passed;

	local_bh_disable();
	passed = stt_reasm_passed(r->sn.reasm, &r->key, id);
	local_bh_enable();

	return passed;
}

/* R7: a frame that comes whole is looked for where one is open or condemned. */
static void stt_reasm_watched(struct kunit *test)
{
	struct stt_rtest *r = test->priv;
	u32 id = r->next_id++;
	struct sk_buff *skb;
	unsigned int i;

	KUNIT_EXPECT_FALSE(test, stt_reasm_watches(NULL));
	KUNIT_EXPECT_FALSE(test, stt_reasm_watches(r->sn.reasm));
	stt_rtest_wait(r, &r->key, id, false, 0, 50, 100);
	KUNIT_EXPECT_TRUE(test, stt_reasm_watches(r->sn.reasm));
	KUNIT_EXPECT_FALSE(test, stt_rtest_passed(r, id));
	KUNIT_EXPECT_TRUE(test, stt_rtest_passed(r, id + 1000));
	stt_rtest_done(r, &r->key, id, false, 0, 100, 100);
	r->want[STT_NET_reasm_duplicate]++;
	KUNIT_EXPECT_FALSE(test, stt_reasm_watches(r->sn.reasm));
	KUNIT_EXPECT_TRUE(test, stt_rtest_passed(r, id));

	r->sn.limits.time_ms = 50;
	id = r->next_id++;
	stt_rtest_wait(r, &r->key, id, false, 10, 50, 100);
	skb = stt_rtest_seg(r, r->t->bytes + 1, 0, 100, 100);
	KUNIT_EXPECT_NULL(test, stt_rtest_add_skb(r, &r->key, id, false, skb));
	r->want[STT_NET_reasm_overlap]++;
	stt_rtest_empty(r);
	for (i = 0; i < 1000 && stt_reasm_watches(r->sn.reasm); i++)
		msleep(20);
	KUNIT_EXPECT_GT(test, i, 0);
	KUNIT_EXPECT_FALSE(test, stt_reasm_watches(r->sn.reasm));
	KUNIT_EXPECT_TRUE(test, stt_rtest_passed(r, id));
	stt_rtest_counts(r);
}

/* R7: a frame length that is not the first one's. */
static void stt_reasm_length(struct kunit *test)
{
	static const unsigned int wrong[] = { 999, 1001, 600, 65535 };
	struct stt_rtest *r = test->priv;
	u32 id = r->next_id++;
	unsigned int i;

	stt_rtest_wait(r, &r->key, id, false, 0, 500, 1000);
	for (i = 0; i < ARRAY_SIZE(wrong); i++) {
		unsigned long mem = stt_reasm_mem(r->sn.reasm);

		stt_rtest_wait(r, &r->key, id, false, 500, 100, wrong[i]);
		r->want[STT_NET_drop_length]++;
		KUNIT_EXPECT_EQ(test, stt_reasm_mem(r->sn.reasm), mem);
		KUNIT_EXPECT_EQ(test, stt_reasm_frames(r->sn.reasm), 1);
	}
	stt_rtest_done(r, &r->key, id, false, 500, 500, 1000);
	stt_rtest_empty(r);
	stt_rtest_counts(r);
}

/* ---- chance ------------------------------------------------------------ */

/*
 * R5, R6, R7: random frames in random pieces of random layout, with overlaps,
 * duplicates and now and then a byte that is wrong; some of the pieces are
 * held by others, who find them unchanged.
 */
static void stt_reasm_random(struct kunit *test)
{
	struct stt_rtest *r = test->priv;
	struct stt_test *t = r->t;
	struct stt_model *m = &r->model;
	unsigned int run, i;

	for (run = 0; run < 500; run++) {
		unsigned int len, piece, adds;

		len = 32 + stt_test_below(t, run % 64 ? 1500 : 65503);
		piece = 1 + stt_test_below(t, len);
		adds = stt_test_below(t, 30);
		stt_model_start(r, m, len);
		for (i = 0; i < adds && !m->done; i++) {
			unsigned int off, n, bad;

			n = 1 + stt_test_below(t, piece);
			off = stt_test_below(t, len - n + 1);
			/* Neighbours more often than chance has them. */
			if (n < len && stt_test_below(t, 2))
				off = off / n * n;
			memcpy(t->frame, t->bytes + off, n);
			bad = stt_test_below(t, 50 * n);
			if (bad < n)
				t->frame[bad] ^= 1 << (bad & 7);
			stt_model_add(r, &r->key, m, off, n, t->frame);
		}
		stt_model_finish(r, m);
		cond_resched();
	}
	/* The test is one: all that can happen did. */
	KUNIT_EXPECT_GT(test, r->want[STT_NET_reasm_ok], 200);
	KUNIT_EXPECT_GT(test, r->want[STT_NET_reasm_overlap], 30);
	KUNIT_EXPECT_GT(test, r->want[STT_NET_reasm_late], 100);
	KUNIT_EXPECT_GT(test, r->want[STT_NET_reasm_duplicate], 1000);
	stt_rtest_counts(r);
}

/* R6: who holds a clone of a segment finds it unchanged afterwards. */
static void stt_reasm_clones(struct kunit *test)
{
	struct stt_rtest *r = test->priv;
	struct stt_test *t = r->t;
	unsigned int run, i;

	for (run = 0; run < 30; run++) {
		unsigned int offs[] = { 3000, 1500, 0, 1000, 500 };
		struct sk_buff *skb = NULL, *clones[5];
		u32 id = r->next_id++;

		for (i = 0; i < 5; i++) {
			skb = stt_rtest_seg(r, t->bytes + offs[i], offs[i],
					    1500, 4500);
			clones[i] = skb_clone(skb, GFP_KERNEL);
			KUNIT_ASSERT_NOT_NULL(test, clones[i]);
			skb = stt_rtest_add_skb(r, &r->key, id, false, skb);
			if (skb)
				break;
		}
		/* Whole with the third; in order it would not matter. */
		KUNIT_ASSERT_EQ(test, i, 2);
		r->want[STT_NET_reasm_ok]++;
		for (; ; i--) {
			KUNIT_EXPECT_TRUE(test,
					  stt_test_holds(t, clones[i], 0,
							 t->bytes + offs[i],
							 1500));
			kfree_skb(clones[i]);
			if (!i)
				break;
		}
		KUNIT_EXPECT_TRUE(test,
				  stt_test_holds(t, skb, 0, t->bytes, 4500));
		kfree_skb(skb);
		KUNIT_ASSERT_EQ(test, stt_test_pages_held(t), 0);
	}
	stt_rtest_counts(r);
}

/* ---- flows ------------------------------------------------------------- */

/*
 * R6: frames of the same id in flows that differ in one thing only, and
 * several in each flow, their segments all mixed.
 */
static void stt_reasm_flows(struct kunit *test)
{
	enum { FLOWS = 7, IDS = 4, FRAMES = FLOWS * IDS, SEGS = 6 };
	struct stt_rtest *r = test->priv;
	struct stt_flow_key keys[FLOWS];
	struct stt_model *frames;
	struct stt_test *t = r->t;
	unsigned int i, run, *todo;

	frames = kunit_kcalloc(test, FRAMES, sizeof(*frames), GFP_KERNEL);
	todo = kunit_kcalloc(test, FRAMES * SEGS, sizeof(*todo), GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, frames);
	KUNIT_ASSERT_NOT_NULL(test, todo);
	for (i = 0; i < FRAMES; i++) {
		frames[i].data = kunit_kzalloc(test, 600, GFP_KERNEL);
		frames[i].here = kunit_kzalloc(test, 600, GFP_KERNEL);
		KUNIT_ASSERT_NOT_NULL(test, frames[i].data);
		KUNIT_ASSERT_NOT_NULL(test, frames[i].here);
	}
	for (i = 0; i < FLOWS; i++)
		keys[i] = r->key;
	keys[1].saddr.v4 ^= htonl(1);
	keys[2].daddr.v4 ^= htonl(1);
	keys[3].sport ^= htons(1);
	keys[4].dport ^= htons(1);
	keys[5].scope ^= 1;
	keys[6].family = AF_INET6;

	for (run = 0; run < 8; run++) {
		for (i = 0; i < FRAMES; i++) {
			stt_model_start(r, &frames[i], 600);
			/* The same ids in each flow. */
			frames[i].id = run * IDS + i % IDS;
		}
		for (i = 0; i < FRAMES * SEGS; i++)
			todo[i] = i;
		for (i = FRAMES * SEGS - 1; i; i--) {
			unsigned int j = stt_test_below(t, i + 1);

			swap(todo[i], todo[j]);
		}
		for (i = 0; i < FRAMES * SEGS; i++) {
			unsigned int f = todo[i] / SEGS, s = todo[i] % SEGS;

			/* No two frames have the same bytes. */
			stt_model_add(r, &keys[f / IDS], &frames[f], s * 100,
				      100, t->bytes + f * 1000 + s * 100);
		}
		for (i = 0; i < FRAMES; i++)
			KUNIT_ASSERT_TRUE(test, frames[i].done);
		stt_rtest_empty(r);
		KUNIT_ASSERT_EQ(test, stt_test_pages_held(t), 0);
		cond_resched();
	}
	stt_rtest_counts(r);
}

/*
 * R6: more flows than there are buckets, which differ in one word of the key
 * only: each word must be looked at, not its hash alone.
 */
static void stt_reasm_flows_alike(struct kunit *test)
{
	enum { FLOWS = 150, LEN = 60 };
	struct stt_rtest *r = test->priv;
	unsigned int word, i, half;

	r->plain = true;
	for (word = 0; word < sizeof(r->key) / sizeof(u32); word++) {
		for (i = 0; i < 2 * FLOWS; i++) {
			const u8 *bytes = r->t->bytes + i % FLOWS * 7;
			struct stt_flow_key key = r->key;
			struct sk_buff *skb;

			((u32 *)&key)[word] ^= i % FLOWS;
			half = i < FLOWS ? 0 : LEN / 2;
			skb = stt_rtest_seg(r, bytes + half, half, LEN / 2,
					    LEN);
			skb = stt_rtest_add_skb(r, &key, word, false, skb);
			KUNIT_ASSERT_EQ_MSG(test, !skb, !half, "word %u, %u",
					    word, i);
			if (!skb)
				continue;
			KUNIT_ASSERT_TRUE_MSG(test,
					      stt_test_holds(r->t, skb, 0,
							     bytes, LEN),
					      "word %u, %u", word, i);
			kfree_skb(skb);
			r->want[STT_NET_reasm_ok]++;
		}
		stt_rtest_empty(r);
		cond_resched();
	}
	stt_rtest_counts(r);
}

/* R8: a flow keeps so many frames open, and the oldest is given up first. */
static void stt_reasm_window(struct kunit *test)
{
	struct stt_rtest *r = test->priv;
	struct stt_flow_key other = r->key;
	unsigned int i;

	other.sport ^= htons(1);
	r->sn.limits.max_frames = 4;
	stt_rtest_wait(r, &other, 100, false, 0, 50, 100);
	for (i = 1; i <= 6; i++) {
		stt_rtest_wait(r, &r->key, i, false, 0, 50, 100);
		KUNIT_EXPECT_EQ(test, stt_reasm_frames(r->sn.reasm),
				1 + min(i, 4U));
	}
	r->want[STT_NET_reasm_evicted] += 2;
	stt_rtest_counts(r);

	/* What is left of the first two comes too late. */
	for (i = 1; i <= 2; i++) {
		stt_rtest_wait(r, &r->key, i, false, 50, 50, 100);
		r->want[STT_NET_reasm_late]++;
	}
	for (i = 3; i <= 6; i++)
		stt_rtest_done(r, &r->key, i, false, 50, 50, 100);
	stt_rtest_done(r, &other, 100, false, 50, 50, 100);
	stt_rtest_empty(r);
	stt_rtest_counts(r);
}

/* R15: newer frames that came whole show the loss as well. */
static void stt_reasm_passing(struct kunit *test)
{
	struct stt_rtest *r = test->priv;
	struct stt_flow_key other = r->key;
	unsigned int i;

	other.sport ^= htons(1);
	r->sn.limits.max_frames = 4;
	stt_rtest_wait(r, &r->key, 1, false, 0, 50, 100);
	stt_rtest_wait(r, &other, 1, false, 0, 50, 100);
	for (i = 1; i <= 4; i++) {
		KUNIT_EXPECT_EQ(test, stt_reasm_frames(r->sn.reasm), 2);
		KUNIT_EXPECT_TRUE(test, stt_rtest_passed(r, 1000));
	}
	KUNIT_EXPECT_EQ(test, stt_reasm_frames(r->sn.reasm), 1);
	r->want[STT_NET_reasm_evicted]++;
	stt_rtest_done(r, &other, 1, false, 50, 50, 100);
	stt_rtest_wait(r, &r->key, 1, false, 50, 50, 100);
	r->want[STT_NET_reasm_late]++;
	stt_rtest_empty(r);
	stt_rtest_counts(r);
}

/* R14: the first segment's DSCP, and CE if any had it; in either order. */
static void stt_reasm_dsfield(struct kunit *test)
{
	static const struct {
		u8 first;
		u8 second;
		u8 want;
	} cases[] = {
		{ 0x00, 0x00, 0x00 }, { 0xb8, 0x28, 0xb8 },
		{ 0x28, 0xb8, 0x28 }, { 0xba, 0xba, 0xba },
		{ 0xba, 0xbb, 0xbb }, { 0xbb, 0xba, 0xbb },
		{ 0xb9, 0x03, 0xbb }, { 0x00, 0x2b, 0x03 },
		{ 0x01, 0x02, 0x01 },
	};
	struct stt_rtest *r = test->priv;
	unsigned int i, backwards;

	for (i = 0; i < ARRAY_SIZE(cases) * 2; i++) {
		const struct stt_test *t = r->t;
		struct sk_buff *seg[2], *skb;
		u32 id = r->next_id++;

		backwards = i & 1;
		seg[0] = stt_rtest_seg(r, t->bytes, 0, 60, 100);
		stt_skb_cb(seg[0])->dsfield = cases[i / 2].first;
		seg[1] = stt_rtest_seg(r, t->bytes + 60, 60, 40, 100);
		stt_skb_cb(seg[1])->dsfield = cases[i / 2].second;
		skb = stt_rtest_add_skb(r, &r->key, id, false,
					seg[backwards]);
		KUNIT_ASSERT_NULL(test, skb);
		skb = stt_rtest_add_skb(r, &r->key, id, false,
					seg[!backwards]);
		KUNIT_ASSERT_NOT_NULL(test, skb);
		KUNIT_EXPECT_EQ_MSG(test, stt_skb_cb(skb)->dsfield,
				    cases[i / 2].want, "case %u", i);
		r->want[STT_NET_reasm_ok]++;
		kfree_skb(skb);
	}
	stt_rtest_empty(r);
	stt_rtest_counts(r);
}

/* ---- bounds ------------------------------------------------------------ */

#define STT_RTEST_FLOWS		2000

/* R8a: flows of one source are found whatever order they come and go in. */
static void stt_reasm_many_flows(struct kunit *test)
{
	struct stt_rtest *r = test->priv;
	struct stt_flow_key key = r->key;
	unsigned int i;

	r->plain = true;
	r->sn.limits.high_thresh = 64UL << 20;
	for (i = 0; i < STT_RTEST_FLOWS; i++) {
		key.sport = htons(1 + i);
		stt_rtest_wait(r, &key, 1, true, 0, 50, 100);
	}
	KUNIT_EXPECT_EQ(test, stt_reasm_frames(r->sn.reasm), STT_RTEST_FLOWS);
	for (i = 0; i < STT_RTEST_FLOWS; i++) {
		/* 777 has no factor in common with the number of flows. */
		key.sport = htons(1 + i * 777 % STT_RTEST_FLOWS);
		stt_rtest_done(r, &key, 1, true, 50, 50, 100);
	}
	stt_rtest_empty(r);
	stt_rtest_counts(r);
}

/* R8a: so are the frames of a flow, and so are sources. */
static void stt_reasm_many_frames(struct kunit *test)
{
	struct stt_rtest *r = test->priv;
	struct stt_flow_key key = r->key;
	unsigned int i;

	r->plain = true;
	r->sn.limits.high_thresh = 64UL << 20;
	r->sn.limits.max_frames = 256;
	for (i = 0; i < 255; i++)
		stt_rtest_wait(r, &key, i * 0x9e3779b9, true, 0, 50, 100);
	for (i = 0; i < 255; i++)
		stt_rtest_done(r, &key, i * 77 % 255 * 0x9e3779b9, true, 50,
			       50, 100);
	for (i = 0; i < STT_RTEST_FLOWS; i++) {
		stt_rtest_source(&key, 0x0a000000 + i * 0x10001);
		stt_rtest_wait(r, &key, 7, true, 0, 50, 100);
	}
	for (i = 0; i < STT_RTEST_FLOWS; i++) {
		stt_rtest_source(&key, 0x0a000000 +
				       i * 777 % STT_RTEST_FLOWS * 0x10001);
		stt_rtest_done(r, &key, 7, true, 50, 50, 100);
	}
	stt_rtest_empty(r);
	stt_rtest_counts(r);
}

/* R15a: a frame that came whole is not opened by segments that come later. */
static void stt_reasm_whole(struct kunit *test)
{
	struct stt_rtest *r = test->priv;
	struct stt_flow_key other = r->key;

	other.sport ^= htons(1);
	local_bh_disable();
	stt_whole_note(r->sn.reasm, &r->key, 1);
	local_bh_enable();
	stt_rtest_wait(r, &r->key, 1, false, 0, 50, 100);
	stt_rtest_wait(r, &r->key, 1, false, 50, 50, 100);
	r->want[STT_NET_reasm_duplicate] += 2;
	stt_rtest_empty(r);

	stt_rtest_wait(r, &r->key, 2, false, 0, 50, 100);
	stt_rtest_done(r, &r->key, 2, false, 50, 50, 100);
	stt_rtest_wait(r, &other, 1, false, 0, 50, 100);
	stt_rtest_done(r, &other, 1, false, 50, 50, 100);
	stt_rtest_empty(r);
	stt_rtest_counts(r);
}

static u32 stt_rtest_shard(struct stt_rtest *r, const struct stt_flow_key *key)
{
	return stt_source_hash(r->sn.reasm, key) % STT_SHARDS;
}

/* R8: what is remembered of a known source is not for others to push out. */
static void stt_reasm_marks(struct kunit *test)
{
	struct stt_rtest *r = test->priv;
	struct stt_flow_key key = r->key;
	unsigned int i, others = 0;

	r->plain = true;
	r->sn.limits.max_frames = 1;
	stt_rtest_wait(r, &r->key, 1, true, 0, 50, 100);
	stt_rtest_wait(r, &r->key, 2, true, 0, 50, 100);
	r->want[STT_NET_reasm_evicted]++;
	/* More than a shard remembers, all in the shard of the known source. */
	for (i = 0; others < 300; i++) {
		stt_rtest_source(&key, 0xc0000000 + i);
		if (stt_rtest_shard(r, &key) != stt_rtest_shard(r, &r->key))
			continue;
		others++;
		stt_rtest_wait(r, &key, 3, false, 0, 50, 100);
		stt_rtest_wait(r, &key, 4, false, 0, 50, 100);
		stt_rtest_done(r, &key, 4, false, 50, 50, 100);
		r->want[STT_NET_reasm_evicted]++;
	}
	stt_rtest_wait(r, &r->key, 1, true, 50, 50, 100);
	r->want[STT_NET_reasm_late]++;
	stt_rtest_done(r, &r->key, 2, true, 50, 50, 100);
	stt_rtest_empty(r);
	stt_rtest_counts(r);
}

/* ---- time -------------------------------------------------------------- */

/*
 * R8: an incomplete frame stays as long as it may, and no longer; it does not
 * take others with it.
 */
static void stt_reasm_timeout(struct kunit *test)
{
	struct stt_rtest *r = test->priv;
	unsigned long begin, end;
	unsigned int i;

	begin = jiffies;
	for (i = 0; i < 24; i++) {
		struct stt_flow_key key = r->key;

		stt_rtest_source(&key, 0x0a000100 + i % 8 / 2);
		/* The last eight for a long time. */
		r->sn.limits.time_ms = i < 16 ? 120 : 60000;
		stt_rtest_wait(r, &key, i, false, 0, 50, 100);
		/* The first eight in time. */
		if (i < 8)
			stt_rtest_done(r, &key, i, false, 50, 50, 100);
	}
	KUNIT_EXPECT_EQ(test, stt_reasm_frames(r->sn.reasm), 16);

	for (i = 0; i < 1000 && stt_reasm_frames(r->sn.reasm) > 8; i++)
		msleep(20);
	end = jiffies;
	KUNIT_EXPECT_EQ(test, stt_reasm_frames(r->sn.reasm), 8);
	KUNIT_EXPECT_GE(test, end - begin, msecs_to_jiffies(120));
	r->want[STT_NET_reasm_timeout] += 8;

	for (i = 8; i < 16; i++) {
		struct stt_flow_key key = r->key;

		stt_rtest_source(&key, 0x0a000100 + i % 8 / 2);
		stt_rtest_wait(r, &key, i, false, 50, 50, 100);
		r->want[STT_NET_reasm_late]++;
		stt_rtest_done(r, &key, i + 8, false, 50, 50, 100);
	}
	stt_rtest_empty(r);
	stt_rtest_counts(r);
}

/* R8: what is remembered of closed frames is forgotten in time, too. */
static void stt_reasm_forget(struct kunit *test)
{
	struct stt_rtest *r = test->priv;
	unsigned int i;

	r->sn.limits.time_ms = 50;
	stt_rtest_wait(r, &r->key, 1, false, 0, 50, 100);
	stt_rtest_done(r, &r->key, 1, false, 50, 50, 100);
	msleep(60);
	/* A new frame of the same id: the sender's ids came round. */
	for (i = 0; i < 1000; i++) {
		r->sn.limits.time_ms = 60000;
		stt_rtest_wait(r, &r->key, 1, false, 0, 50, 100);
		if (stt_reasm_frames(r->sn.reasm))
			break;
		r->want[STT_NET_reasm_duplicate]++;
		msleep(20);
	}
	stt_rtest_done(r, &r->key, 1, false, 50, 50, 100);
	stt_rtest_empty(r);
	stt_rtest_counts(r);
}

/* ---- memory ------------------------------------------------------------ */

/* R8: what is held is charged; the limit itself is checked at every add. */
static void stt_reasm_charges(struct kunit *test)
{
	struct stt_rtest *r = test->priv;
	unsigned long sum = 0;
	unsigned int i;

	for (i = 0; i < 100; i++) {
		struct sk_buff *skb;

		skb = stt_rtest_seg(r, r->t->bytes, 100 + i * 10, 10, 2000);
		sum += skb->truesize;
		skb = stt_rtest_add_skb(r, &r->key, i / 10, false, skb);
		KUNIT_ASSERT_NULL(test, skb);
		KUNIT_EXPECT_GT(test, stt_reasm_mem(r->sn.reasm), sum);
		KUNIT_EXPECT_LT(test, stt_reasm_mem(r->sn.reasm),
				sum + 2000 * (i / 10 + 1));
	}
	stt_rtest_counts(r);
}

/*
 * R8: random segments from many senders, known and unknown, with little
 * memory; now and then it becomes less.
 */
static void stt_reasm_pressure(struct kunit *test)
{
	struct stt_rtest *r = test->priv;
	struct stt_test *t = r->t;
	unsigned long high = 0;
	unsigned int i;

	r->plain = true;
	for (i = 0; i < 2000; i++) {
		unsigned int source = stt_test_below(t, 40);
		struct stt_flow_key key = r->key;
		unsigned int off, len;
		struct sk_buff *skb;

		if (i % 500 == 0)
			r->sn.limits.high_thresh = 300000;
		off = stt_test_below(t, 900);
		len = 1 + stt_test_below(t, 99);
		stt_rtest_source(&key, 0x0a000000 + source);
		skb = stt_rtest_seg(r, t->bytes + off, off, len, 1000);
		skb = stt_rtest_add_skb(r, &key, stt_test_below(t, 20),
					source < 5, skb);
		high = max(high, stt_reasm_mem(r->sn.reasm));
		kfree_skb(skb);
		/* The next segment brings it below. */
		if (i % 500 == 450) {
			stt_rtest_source(&key, 0x0a000000);
			r->sn.limits.high_thresh = 100000;
			stt_rtest_wait(r, &key, 1000 + i, true, 0, 10, 1000);
			/* R8: but not more than that. */
			KUNIT_EXPECT_GT(test, stt_reasm_mem(r->sn.reasm),
					50000);
		}
	}
	KUNIT_EXPECT_GT(test, high, 200000);
	KUNIT_EXPECT_GT(test, stt_rtest_count(r, STT_NET_reasm_evicted), 100);
}

/* A copy of all of an open frame makes it complete, and needs no memory. */
static void stt_reasm_copy_without_memory(struct kunit *test)
{
	struct stt_rtest *r = test->priv;

	r->plain = true;
	stt_rtest_wait(r, &r->key, 1, true, 300, 300, 1000);
	r->sn.limits.high_thresh = stt_reasm_mem(r->sn.reasm);
	r->want[STT_NET_reasm_duplicate]++;
	stt_rtest_done(r, &r->key, 1, true, 0, 1000, 1000);
	stt_rtest_counts(r);
	stt_rtest_empty(r);
}

/* One of a frame that was given up meanwhile is delivered, but only once. */
static void stt_reasm_copy_too_late(struct kunit *test)
{
	struct stt_rtest *r = test->priv;

	r->plain = true;
	r->sn.limits.max_frames = 1;
	stt_rtest_wait(r, &r->key, 1, true, 300, 300, 1000);
	r->want[STT_NET_reasm_evicted]++;
	stt_rtest_wait(r, &r->key, 2, true, 300, 300, 1000);
	stt_rtest_done(r, &r->key, 1, true, 0, 1000, 1000);
	r->want[STT_NET_reasm_duplicate] += 2;
	stt_rtest_wait(r, &r->key, 1, true, 0, 1000, 1000);
	stt_rtest_done(r, &r->key, 2, true, 0, 1000, 1000);
	stt_rtest_counts(r);
	stt_rtest_empty(r);
}

/* R8: what can never fit costs nobody anything. */
static void stt_reasm_too_big(struct kunit *test)
{
	struct stt_rtest *r = test->priv;
	struct stt_flow_key other = r->key;
	unsigned int known;

	r->plain = true;
	r->sn.limits.high_thresh = 30000;
	stt_rtest_source(&other, 0x0a000002);
	for (known = 0; known < 2; known++) {
		stt_rtest_wait(r, &r->key, 10 + known, known, 0, 50, 100);
		stt_rtest_wait(r, &other, 20 + known, known, 0, 40000, 50000);
		r->want[STT_NET_reasm_nomem]++;
		stt_rtest_done(r, &r->key, 10 + known, known, 50, 50, 100);
	}
	stt_rtest_empty(r);
	stt_rtest_counts(r);
}

/*
 * R8: when memory runs out, the heaviest source loses its oldest frame, then
 * the next; the others lose none.
 */
static void stt_reasm_evict_order(struct kunit *test)
{
	struct stt_rtest *r = test->priv;
	struct stt_flow_key heavy, light, third;
	unsigned int known, i;

	r->plain = true;
	for (known = 0; known < 2; known++) {
		unsigned long mem;

		heavy = r->key;
		light = r->key;
		third = r->key;
		stt_rtest_source(&heavy, 0x0a000010 + known);
		stt_rtest_source(&light, 0x0a000020 + known);
		stt_rtest_source(&third, 0x0a000030 + known);
		r->sn.limits.high_thresh = STT_HIGH_THRESH;

		/* The light one's is the oldest of all. */
		stt_rtest_wait(r, &light, 1, known, 0, 500, 5000);
		for (i = 1; i <= 4; i++)
			stt_rtest_wait(r, &heavy, i, known, 0, 3000, 5000);
		stt_rtest_wait(r, &third, 1, known, 0, 1000, 5000);
		mem = stt_reasm_mem(r->sn.reasm);
		KUNIT_EXPECT_EQ(test, stt_reasm_frames(r->sn.reasm), 6);

		/* Just full, for whom all of it is known or all is not. */
		r->sn.limits.high_thresh = known ? mem : mem * 2;
		stt_rtest_wait(r, &third, 1, known, 1000, 100, 5000);
		r->want[STT_NET_reasm_evicted]++;
		KUNIT_EXPECT_EQ(test, stt_reasm_frames(r->sn.reasm), 5);
		stt_rtest_counts(r);

		/* It was the heavy one's oldest. */
		stt_rtest_wait(r, &heavy, 1, known, 3000, 100, 5000);
		r->want[STT_NET_reasm_late]++;
		mem = stt_reasm_mem(r->sn.reasm);
		r->sn.limits.high_thresh = known ? mem : mem * 2;
		stt_rtest_wait(r, &third, 1, known, 1100, 100, 5000);
		r->want[STT_NET_reasm_evicted]++;
		stt_rtest_wait(r, &heavy, 2, known, 3000, 100, 5000);
		r->want[STT_NET_reasm_late]++;
		stt_rtest_counts(r);

		/* All others can go on. */
		r->sn.limits.high_thresh = STT_HIGH_THRESH;
		stt_rtest_done(r, &third, 1, known, 1200, 3800, 5000);
		stt_rtest_done(r, &light, 1, known, 500, 4500, 5000);
		stt_rtest_done(r, &heavy, 3, known, 3000, 2000, 5000);
		stt_rtest_done(r, &heavy, 4, known, 3000, 2000, 5000);
		stt_rtest_empty(r);
		stt_rtest_counts(r);
	}
}

/* R8: the same among so many that each shard has some. */
static void stt_reasm_evict_among_many(struct kunit *test)
{
	struct stt_rtest *r = test->priv;
	struct stt_flow_key key = r->key;
	unsigned int i, lights = 150;

	r->plain = true;
	for (i = 0; i < lights; i++) {
		if (i == lights / 2) {
			stt_rtest_wait(r, &r->key, 1, true, 0, 300, 1000);
			stt_rtest_wait(r, &r->key, 2, true, 0, 300, 1000);
			stt_rtest_wait(r, &r->key, 3, true, 0, 300, 1000);
			stt_rtest_wait(r, &r->key, 4, true, 0, 300, 1000);
		}
		stt_rtest_source(&key, 0x0b000000 + i);
		stt_rtest_wait(r, &key, 1, true, 0, 50, 100);
	}
	for (i = 1; i <= 2; i++) {
		r->sn.limits.high_thresh = stt_reasm_mem(r->sn.reasm);
		stt_rtest_source(&key, 0x0c000000);
		stt_rtest_wait(r, &key, i, true, 0, 50, 100);
		r->want[STT_NET_reasm_evicted]++;
		stt_rtest_counts(r);
		stt_rtest_wait(r, &r->key, i, true, 300, 700, 1000);
		r->want[STT_NET_reasm_late]++;
	}
	r->sn.limits.high_thresh = STT_HIGH_THRESH;
	stt_rtest_done(r, &key, 1, true, 50, 50, 100);
	stt_rtest_done(r, &key, 2, true, 50, 50, 100);
	stt_rtest_done(r, &r->key, 3, true, 300, 700, 1000);
	stt_rtest_done(r, &r->key, 4, true, 300, 700, 1000);
	for (i = 0; i < lights; i++) {
		stt_rtest_source(&key, 0x0b000000 + i);
		stt_rtest_done(r, &key, 1, true, 50, 50, 100);
	}
	stt_rtest_empty(r);
	stt_rtest_counts(r);
}

/*
 * R8: a peer with a frame half here, and a flood from elsewhere that would
 * need ten times the memory.  The peer's frame must come through.
 */
static void stt_rtest_flood(struct stt_rtest *r,
			    const struct stt_flow_key *peer, bool known,
			    unsigned int sources, bool flood_known)
{
	struct kunit *test = r->t->test;
	struct stt_flow_key key = r->key;
	unsigned int i, flood = 600;
	u32 id = r->next_id++;

	r->plain = true;
	r->sn.limits.high_thresh = 100000;
	stt_rtest_wait(r, peer, id, known, 0, 3000, 9000);
	for (i = 0; i < flood; i++) {
		/* Of many flows, so that none gives up its frames itself. */
		stt_rtest_source(&key, 0xc0000000 + i % sources);
		key.sport = htons(49152 + i);
		stt_rtest_wait(r, &key, r->next_id++, flood_known, 100, 50,
			       1000);
		if (i == flood / 2)
			stt_rtest_wait(r, peer, id, known, 3000, 3000, 9000);
	}
	KUNIT_EXPECT_GT(test, stt_rtest_count(r, STT_NET_reasm_evicted), 300);
	stt_rtest_done(r, peer, id, known, 6000, 3000, 9000);
}

static void stt_reasm_flood_one(struct kunit *test)
{
	struct stt_rtest *r = test->priv;
	struct stt_flow_key peer = r->key;

	/* Nobody is known: the one that floods is the heaviest. */
	stt_rtest_source(&peer, 0x0a000001);
	stt_rtest_flood(r, &peer, false, 1, false);
}

static void stt_reasm_flood_one_known(struct kunit *test)
{
	struct stt_rtest *r = test->priv;
	struct stt_flow_key peer = r->key;

	/* A peer that went mad does no harm to another. */
	stt_rtest_source(&peer, 0x0a000001);
	stt_rtest_flood(r, &peer, true, 1, true);
}

static void stt_reasm_flood_many_configured(struct kunit *test)
{
	struct stt_rtest *r = test->priv;
	struct stt_flow_key peer = r->key;

	/* Each of them is lighter than the configured peer. */
	stt_rtest_source(&peer, 0x0a000001);
	stt_rtest_flood(r, &peer, true, 600, false);
}

/* A frame of a sender was complete, and found a device. */
static void stt_rtest_learn(struct stt_rtest *r, const struct stt_flow_key *key)
{
	local_bh_disable();
	stt_peer_learn(r->sn.reasm, key);
	local_bh_enable();
}

static void stt_reasm_flood_many_completed(struct kunit *test)
{
	struct stt_rtest *r = test->priv;
	struct stt_flow_key peer = r->key;

	/* The peer is known by nothing but a frame that it completed. */
	stt_rtest_source(&peer, 0x0a000001);
	stt_rtest_wait(r, &peer, r->next_id, false, 0, 50, 100);
	stt_rtest_done(r, &peer, r->next_id++, false, 50, 50, 100);
	stt_rtest_learn(r, &peer);
	stt_rtest_flood(r, &peer, false, 600, false);
}

/* The same, when the completed frame and the next one overlap in time. */
static void stt_reasm_flood_many_completing(struct kunit *test)
{
	struct stt_rtest *r = test->priv;
	struct stt_flow_key peer = r->key;
	u32 id = r->next_id;

	stt_rtest_source(&peer, 0x0a000001);
	stt_rtest_wait(r, &peer, id, false, 0, 50, 100);
	stt_rtest_wait(r, &peer, id + 1, false, 0, 50, 100);
	stt_rtest_done(r, &peer, id, false, 50, 50, 100);
	stt_rtest_learn(r, &peer);
	r->next_id = id + 2;
	stt_rtest_flood(r, &peer, false, 600, false);
	stt_rtest_done(r, &peer, id + 1, false, 50, 50, 100);
}

/*
 * R8: what it takes to be known is a frame that a device took.  Who completes
 * frames for nobody is one of the many.
 */
static void stt_reasm_flood_completed_nothing(struct kunit *test)
{
	struct stt_rtest *r = test->priv;
	struct stt_flow_key key = r->key;
	unsigned long mem;
	unsigned int i;

	r->plain = true;
	r->sn.limits.high_thresh = 100000;
	for (i = 0; i < 200; i++) {
		stt_rtest_source(&key, 0xc0000000 + i);
		stt_rtest_wait(r, &key, i, false, 0, 50, 100);
		stt_rtest_done(r, &key, i, false, 50, 50, 100);
	}
	for (i = 0; i < 200; i++) {
		stt_rtest_source(&key, 0xc0000000 + i);
		stt_rtest_wait(r, &key, 1000 + i, false, 0, 50, 100);
	}
	mem = stt_reasm_mem(r->sn.reasm);
	KUNIT_EXPECT_LE(test, mem, 50000);
	KUNIT_EXPECT_GT(test, mem, 45000);
}

/* R8: of many peers that completed frames, every one is known. */
static void stt_reasm_flood_many_peers(struct kunit *test)
{
	struct stt_rtest *r = test->priv;
	struct stt_flow_key key = r->key;
	unsigned int i, peers = 200, lost = 0;

	r->plain = true;
	r->sn.limits.high_thresh = 1200000;
	for (i = 0; i < peers; i++) {
		stt_rtest_source(&key, 0x0a000000 + i);
		stt_rtest_learn(r, &key);
		stt_rtest_wait(r, &key, i, false, 0, 30, 100);
		stt_rtest_wait(r, &key, i, false, 30, 30, 100);
	}
	for (i = 0; i < 800; i++) {
		stt_rtest_source(&key, 0xc0000000 + i);
		stt_rtest_wait(r, &key, 1000 + i, false, 0, 50, 1000);
	}
	KUNIT_EXPECT_GT(test, stt_rtest_count(r, STT_NET_reasm_evicted), 100);
	for (i = 0; i < peers; i++) {
		struct sk_buff *skb;

		stt_rtest_source(&key, 0x0a000000 + i);
		skb = stt_rtest_add(r, &key, i, false, 60, 40, 100);
		lost += !skb;
		kfree_skb(skb);
	}
	KUNIT_EXPECT_EQ(test, lost, 0);
}

/* As if all that was learned had been learned a second earlier. */
static void stt_rtest_age_peers(struct stt_rtest *r)
{
	u64 *peers = r->sn.reasm->peers;
	int i;

	for (i = 0; i < STT_PEERS; i++)
		if (peers[i])
			peers[i] = (peers[i] >> 32) << 32 |
				   (u32)(peers[i] - STT_PEER_FRESH - 1);
}

/* R8: many that complete one frame each do not evict those that stay. */
static void stt_reasm_peers_stay(struct kunit *test)
{
	struct stt_rtest *r = test->priv;
	struct stt_flow_key key = r->key;
	unsigned int i, n, known = 0;

	for (n = 0; n < 2; n++) {
		for (i = 0; i < 100; i++) {
			stt_rtest_source(&key, 0x0a000000 + i);
			stt_rtest_learn(r, &key);
		}
		stt_rtest_age_peers(r);
	}
	for (n = 0; n < 5; n++) {
		for (i = 0; i < 5000; i++) {
			stt_rtest_source(&key, 0xc0000000 + n * 5000 + i);
			stt_rtest_learn(r, &key);
		}
		stt_rtest_age_peers(r);
	}
	for (i = 0; i < 100; i++) {
		stt_rtest_source(&key, 0x0a000000 + i);
		known += stt_peer_is_known(r->sn.reasm, &key);
	}
	/* By chance more of them are in one set than may stay. */
	KUNIT_EXPECT_GE(test, known, 90);
	/* The newest that found a place are known as well. */
	for (i = 0, known = 0; i < 5000; i++) {
		stt_rtest_source(&key, 0xc0000000 + 4 * 5000 + i);
		known += stt_peer_is_known(r->sn.reasm, &key);
	}
	KUNIT_EXPECT_GT(test, known, 500);
}

/* ---- several CPUs ------------------------------------------------------ */

enum { STT_WORKERS = 4, STT_WFRAMES = 48, STT_WSEGS = 8, STT_WLEN = 100 };

struct stt_rworker {
	struct work_struct	work;
	struct stt_rtest	*r;
	struct sk_buff		*todo[STT_WFRAMES * STT_WSEGS];
	u32			ids[STT_WFRAMES * STT_WSEGS];
	unsigned int		n;
	unsigned int		done;
	unsigned int		wrong;
	unsigned int		over;
	bool			many;
	u8			buf[STT_WSEGS * STT_WLEN];
};

static void stt_rworker_run(struct work_struct *work)
{
	struct stt_rworker *w = container_of(work, struct stt_rworker, work);
	const struct stt_net *sn = &w->r->sn;
	unsigned int i;

	for (i = 0; i < w->n; i++) {
		struct stt_flow_key key = w->r->key;
		struct sk_buff *skb;

		if (w->many)
			stt_rtest_source(&key, 0x0a000000 + w->ids[i] % 20);
		local_bh_disable();
		skb = stt_reasm_add(sn->reasm, &key, w->ids[i],
				    w->many && w->ids[i] % 20 < 4, w->todo[i]);
		local_bh_enable();
		w->over += stt_reasm_mem(sn->reasm) > sn->limits.high_thresh;
		if (!skb)
			continue;
		w->done++;
		if (skb->len != sizeof(w->buf) ||
		    skb_copy_bits(skb, 0, w->buf, sizeof(w->buf)) ||
		    memcmp(w->buf, w->r->t->bytes, sizeof(w->buf)))
			w->wrong++;
		kfree_skb(skb);
	}
}

/* Frames, dealt out to workers segment by segment, and run on all CPUs. */
static unsigned int stt_rtest_parallel(struct stt_rtest *r,
				       struct stt_rworker *workers, bool many)
{
	unsigned int i, f, s, done = 0;
	struct stt_rworker *w;
	int cpu = -1;

	r->plain = true;
	for (i = 0; i < STT_WORKERS; i++) {
		workers[i].r = r;
		workers[i].n = 0;
		workers[i].done = 0;
		workers[i].many = many;
	}
	for (f = 0; f < STT_WFRAMES; f++) {
		for (s = 0; s < STT_WSEGS; s++) {
			w = &workers[stt_test_below(r->t, STT_WORKERS)];
			w->ids[w->n] = r->next_id + f;
			w->todo[w->n++] =
				stt_rtest_seg(r, r->t->bytes + s * STT_WLEN,
					      s * STT_WLEN, STT_WLEN,
					      STT_WSEGS * STT_WLEN);
		}
	}
	r->next_id += STT_WFRAMES;

	for (i = 0; i < STT_WORKERS; i++) {
		cpu = cpumask_next(cpu, cpu_online_mask);
		if (cpu >= nr_cpu_ids)
			cpu = cpumask_first(cpu_online_mask);
		INIT_WORK(&workers[i].work, stt_rworker_run);
		queue_work_on(cpu, system_highpri_wq, &workers[i].work);
	}
	for (i = 0; i < STT_WORKERS; i++) {
		flush_work(&workers[i].work);
		done += workers[i].done;
		KUNIT_EXPECT_EQ(r->t->test, workers[i].wrong, 0);
		KUNIT_EXPECT_EQ(r->t->test, workers[i].over, 0);
	}

	return done;
}

/* R6: segments of one frame arrive on different CPUs. */
static void stt_reasm_cpus(struct kunit *test)
{
	struct stt_rtest *r = test->priv;
	struct stt_rworker *workers;
	unsigned int run;

	workers = kunit_kcalloc(test, STT_WORKERS, sizeof(*workers),
				GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, workers);
	for (run = 0; run < 4; run++) {
		KUNIT_ASSERT_EQ(test, stt_rtest_parallel(r, workers, false),
				STT_WFRAMES);
		r->want[STT_NET_reasm_ok] += STT_WFRAMES;
		stt_rtest_empty(r);
	}
	stt_rtest_counts(r);
}

/*
 * R8: the same with several senders and too little memory and time.  What
 * comes through is right, the limit holds, and nothing is left.
 */
static void stt_reasm_cpus_pressure(struct kunit *test)
{
	struct stt_rtest *r = test->priv;
	unsigned int run, i, done = 0;
	struct stt_rworker *workers;

	workers = kunit_kcalloc(test, STT_WORKERS, sizeof(*workers),
				GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, workers);
	r->sn.limits.high_thresh = 200000;
	r->sn.limits.time_ms = 20;
	for (run = 0; run < 4; run++)
		done += stt_rtest_parallel(r, workers, true);
	for (i = 0; i < 1000 && stt_reasm_frames(r->sn.reasm); i++)
		msleep(20);
	stt_rtest_empty(r);
	KUNIT_EXPECT_EQ(test, stt_rtest_count(r, STT_NET_reasm_ok), done);
	KUNIT_EXPECT_LE(test,
			done + stt_rtest_count(r, STT_NET_reasm_evicted) +
			stt_rtest_count(r, STT_NET_reasm_timeout),
			run * STT_WFRAMES * STT_WSEGS);
	KUNIT_EXPECT_GT(test,
			stt_rtest_count(r, STT_NET_reasm_evicted) +
			stt_rtest_count(r, STT_NET_reasm_timeout), 0);
}

/* ---- life -------------------------------------------------------------- */

/* What is open when the namespace goes is freed with it. */
static void stt_reasm_free_open(struct kunit *test)
{
	struct stt_rtest *r = test->priv;
	unsigned int i;

	for (i = 0; i < 100; i++) {
		struct stt_flow_key key = r->key;

		stt_rtest_source(&key, 0x0a000000 + i % 30);
		stt_rtest_wait(r, &key, i, i & 1, 0, 50, 100);
		if (i % 3 == 0)
			stt_rtest_done(r, &key, i, i & 1, 50, 50, 100);
	}
	/* Pages are looked at behind the exit of the case. */
	KUNIT_EXPECT_EQ(test, stt_reasm_frames(r->sn.reasm), 66);
}

/* There need not be any. */
static void stt_reasm_none(struct kunit *test)
{
	KUNIT_EXPECT_EQ(test, stt_reasm_mem(NULL), 0);
	KUNIT_EXPECT_EQ(test, stt_reasm_frames(NULL), 0);
}

static int stt_reasm_test_init(struct kunit *test)
{
	struct stt_rtest *r = kunit_kzalloc(test, sizeof(*r), GFP_KERNEL);

	KUNIT_ASSERT_NOT_NULL(test, r);
	r->t = stt_test_new(test);
	/* Not TCP: nothing is to be delivered in parts. */
	r->t->bytes[1] = 0;
	r->next_id = 1;
	r->key.saddr.v4 = htonl(0x0a000001);
	r->key.daddr.v4 = htonl(0x0a000002);
	r->key.sport = htons(50000);
	r->key.dport = htons(7471);
	r->key.family = AF_INET;
	r->model.data = kunit_kzalloc(test, 65536, GFP_KERNEL);
	r->model.here = kunit_kzalloc(test, 65536, GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, r->model.data);
	KUNIT_ASSERT_NOT_NULL(test, r->model.here);

	r->sn.net = &init_net;
	r->sn.limits.high_thresh = STT_HIGH_THRESH;
	r->sn.limits.time_ms = 60000;
	r->sn.limits.max_frames = 1000;
	r->sn.counters = alloc_percpu(struct stt_net_counters);
	KUNIT_ASSERT_NOT_NULL(test, r->sn.counters);
	KUNIT_ASSERT_EQ(test, stt_peers_init(&r->sn), 0);
	test->priv = r;
	r->sn.reasm = stt_reasm_alloc(&r->sn);
	KUNIT_ASSERT_NOT_NULL(test, r->sn.reasm);

	return 0;
}

static void stt_reasm_test_exit(struct kunit *test)
{
	struct stt_rtest *r = test->priv;

	if (!r)
		return;
	if (r->sn.reasm)
		stt_reasm_free(r->sn.reasm);
	stt_peers_free(&r->sn);
	free_percpu(r->sn.counters);
	stt_test_end(r->t);
}

static struct kunit_case stt_reasm_cases[] = {
	KUNIT_CASE(stt_reasm_permutations),
	KUNIT_CASE(stt_reasm_done_twice),
	KUNIT_CASE(stt_reasm_bytes),
	KUNIT_CASE(stt_reasm_longest),
	KUNIT_CASE(stt_reasm_single_bytes),
	KUNIT_CASE(stt_reasm_overlap_pairs),
	KUNIT_CASE(stt_reasm_overlap_many),
	KUNIT_CASE(stt_reasm_condemned),
	KUNIT_CASE(stt_reasm_watched),
	KUNIT_CASE(stt_reasm_length),
	KUNIT_CASE(stt_reasm_random),
	KUNIT_CASE(stt_reasm_clones),
	KUNIT_CASE(stt_reasm_flows),
	KUNIT_CASE(stt_reasm_flows_alike),
	KUNIT_CASE(stt_reasm_window),
	KUNIT_CASE(stt_reasm_passing),
	KUNIT_CASE(stt_reasm_dsfield),
	KUNIT_CASE(stt_reasm_many_flows),
	KUNIT_CASE(stt_reasm_many_frames),
	KUNIT_CASE(stt_reasm_whole),
	KUNIT_CASE(stt_reasm_marks),
	KUNIT_CASE(stt_reasm_timeout),
	KUNIT_CASE(stt_reasm_forget),
	KUNIT_CASE(stt_reasm_charges),
	KUNIT_CASE(stt_reasm_pressure),
	KUNIT_CASE(stt_reasm_too_big),
	KUNIT_CASE(stt_reasm_copy_without_memory),
	KUNIT_CASE(stt_reasm_copy_too_late),
	KUNIT_CASE(stt_reasm_evict_order),
	KUNIT_CASE(stt_reasm_evict_among_many),
	KUNIT_CASE(stt_reasm_flood_one),
	KUNIT_CASE(stt_reasm_flood_one_known),
	KUNIT_CASE(stt_reasm_flood_many_configured),
	KUNIT_CASE(stt_reasm_flood_many_completed),
	KUNIT_CASE(stt_reasm_flood_many_completing),
	KUNIT_CASE(stt_reasm_flood_completed_nothing),
	KUNIT_CASE(stt_reasm_flood_many_peers),
	KUNIT_CASE(stt_reasm_peers_stay),
	KUNIT_CASE(stt_reasm_cpus),
	KUNIT_CASE(stt_reasm_cpus_pressure),
	KUNIT_CASE(stt_reasm_free_open),
	KUNIT_CASE(stt_reasm_none),
	{ }
};

static struct kunit_suite stt_reasm_suite = {
	.name = "stt_reasm",
	.init = stt_reasm_test_init,
	.exit = stt_reasm_test_exit,
	.test_cases = stt_reasm_cases,
};

kunit_test_suite(stt_reasm_suite);
