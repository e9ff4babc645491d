// SPDX-License-Identifier: GPL-2.0
/*
 * What stands on the wire: headers byte by byte, sequence numbers, frame ids
 * and source ports.
 */
#include <linux/sort.h>

#include "include/stt_proto.h"
#include "lib.h"

/* ---- the frame header -------------------------------------------------- */

/*
 * Worked out by hand from the layout in the draft's section 3.1.  Each is
 * right in both directions.
 */
static const struct stt_proto_vector {
	const char		*name;
	u64			id;
	struct stt_offload	off;
	u8			bytes[18];
} stt_proto_vectors[] = {
	{
		.name = "TCP over IPv4, MSS 1448, PCP 5, VID 0x123",
		.id = 0x1122334455667788ULL,
		.off = { 0x0e, 34, 1448, 0xa123, true },
		.bytes = { 0x00, 0x0e, 0x22, 0x00, 0x05, 0xa8, 0xb1, 0x23,
			   0x11, 0x22, 0x33, 0x44, 0x55, 0x66, 0x77, 0x88,
			   0x00, 0x00 },
	}, {
		.name = "nothing known",
		.bytes = { },
	}, {
		.name = "checksum verified, largest id",
		.id = ~0ULL,
		.off = { .flags = 0x01 },
		.bytes = { 0x00, 0x01, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00,
			   0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff,
			   0x00, 0x00 },
	}, {
		.name = "UDP over IPv6, VID 0 and PCP 0",
		.id = 1,
		.off = { 0x02, 54, 0, 0, true },
		.bytes = { 0x00, 0x02, 0x36, 0x00, 0x00, 0x00, 0x10, 0x00,
			   0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x01,
			   0x00, 0x00 },
	}, {
		.name = "TCP over IPv6, PCP 7 and VID 0xfff, all large",
		.id = 0x8000000000000000ULL,
		.off = { 0x0a, 255, 0xffff, 0xefff, true },
		.bytes = { 0x00, 0x0a, 0xff, 0x00, 0xff, 0xff, 0xff, 0xff,
			   0x80, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00,
			   0x00, 0x00 },
	}, {
		.name = "UDP over IPv4, PCP 7 and VID 0",
		.id = 0x0100,
		.off = { 0x06, 38, 0, 0xe000, true },
		.bytes = { 0x00, 0x06, 0x26, 0x00, 0x00, 0x00, 0xf0, 0x00,
			   0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x01, 0x00,
			   0x00, 0x00 },
	},
};

/* W6, W7, W9; at every alignment, and not a byte beside the header. */
static void stt_proto_encode(struct kunit *test)
{
	const struct stt_proto_vector *v;
	unsigned int i, align;
	u8 buf[STT_HLEN + 10];

	for (i = 0; i < ARRAY_SIZE(stt_proto_vectors); i++) {
		v = &stt_proto_vectors[i];
		for (align = 1; align <= 8; align++) {
			memset(buf, 0x5a, sizeof(buf));
			stt_hdr_encode((struct stt_hdr *)(buf + align), v->id,
				       &v->off);
			KUNIT_EXPECT_MEMEQ_MSG(test, buf + align, v->bytes,
					       STT_HLEN, "%s", v->name);
			KUNIT_EXPECT_EQ(test, buf[align - 1], 0x5a);
			KUNIT_EXPECT_EQ(test, buf[align + STT_HLEN], 0x5a);
		}
	}
}

static void stt_proto_expect_off(struct kunit *test, const char *name,
				 const struct stt_offload *off,
				 const struct stt_offload *want)
{
	KUNIT_EXPECT_EQ_MSG(test, off->flags, want->flags, "%s", name);
	KUNIT_EXPECT_EQ_MSG(test, off->l4_offset, want->l4_offset, "%s", name);
	KUNIT_EXPECT_EQ_MSG(test, off->mss, want->mss, "%s", name);
	KUNIT_EXPECT_EQ_MSG(test, off->vlan_tci, want->vlan_tci, "%s", name);
	KUNIT_EXPECT_EQ_MSG(test, off->vlan_present, want->vlan_present, "%s",
			    name);
}

/* R4: bits and bytes that have no meaning change nothing. */
static void stt_proto_decode(struct kunit *test)
{
	const struct stt_proto_vector *v;
	struct stt_offload off;
	unsigned int i, align;
	u8 buf[STT_HLEN + 10];

	for (i = 0; i < ARRAY_SIZE(stt_proto_vectors); i++) {
		v = &stt_proto_vectors[i];
		for (align = 1; align <= 8; align++) {
			u8 *h = buf + align;
			u64 id;

			memset(buf, 0x5a, sizeof(buf));
			memset(&off, 0x5a, sizeof(off));
			memcpy(h, v->bytes, STT_HLEN);
			if (align & 1) {
				h[1] |= 0xf0;
				h[3] = 0xff;
				h[16] = 0xff;
				h[17] = 0xff;
			}
			id = stt_hdr_decode((const struct stt_hdr *)h, &off);
			KUNIT_EXPECT_EQ_MSG(test, id, v->id, "%s", v->name);
			stt_proto_expect_off(test, v->name, &off, &v->off);
		}
	}
}

/* W9: what is not PCP or VID does not get into the VLAN field. */
static void stt_proto_encode_vlan(struct kunit *test)
{
	struct stt_offload off = { .vlan_tci = 0xffff };
	struct stt_hdr hdr;

	stt_hdr_encode(&hdr, 0, &off);
	KUNIT_EXPECT_EQ(test, ntohs(hdr.vlan), 0);

	/* DEI stands where V does, and has no place here. */
	off.vlan_present = true;
	off.vlan_tci = VLAN_CFI_MASK | 5;
	stt_hdr_encode(&hdr, 0, &off);
	KUNIT_EXPECT_EQ(test, ntohs(hdr.vlan), 0x1005);
}

/* R13: without V there is no tag, whatever else the field says. */
static void stt_proto_decode_vlan(struct kunit *test)
{
	struct stt_hdr hdr = { .vlan = htons(0xefff) };
	struct stt_offload off;

	stt_hdr_decode(&hdr, &off);
	KUNIT_EXPECT_FALSE(test, off.vlan_present);
	KUNIT_EXPECT_EQ(test, off.vlan_tci, 0);
}

/* R10: without P the L4 offset, MSS, V and T are ignored.  All flags. */
static void stt_proto_decode_flags(struct kunit *test)
{
	struct stt_hdr hdr = { .l4_offset = 34, .mss = htons(1000) };
	struct stt_offload off;
	unsigned int flags;

	for (flags = 0; flags < 256; flags++) {
		struct stt_offload want = { .flags = flags & 0x01 };

		if (flags & 0x02) {
			want.flags = flags & 0x0f;
			want.l4_offset = 34;
			want.mss = 1000;
		}
		hdr.flags = flags;
		stt_hdr_decode(&hdr, &off);
		stt_proto_expect_off(test, "flags", &off, &want);
	}
}

/* ---- the segment header ------------------------------------------------ */

/* W3, W4 and section 3.2, byte by byte. */
static void stt_proto_tcp(struct kunit *test)
{
	static const u8 want[20] = {
		0xc0, 0x01, 0x1d, 0x2f,		/* ports 49153 and 7471 */
		0x05, 0xdc, 0x00, 0x00,		/* 1500 bytes, offset 0 */
		0xde, 0xad, 0xbe, 0xef,		/* frame id */
		0x50, 0x18, 0x00, 0x00,		/* 20 bytes, ACK and PSH */
		0x00, 0x00, 0x00, 0x00,		/* checksum, urgent pointer */
	};
	struct tcphdr th;

	memset(&th, 0xff, sizeof(th));
	stt_tcp_encode(&th, htons(49153), htons(7471), 1500, 0xdeadbeef);
	KUNIT_EXPECT_MEMEQ(test, &th, want, sizeof(want));
}

/* W3: what TSO adds to the sequence number goes to the offset alone. */
static void stt_proto_seq(struct kunit *test)
{
	static const u16 lens[] = { 32, 1448, 32768, 65495, 65515, 65535 };
	unsigned int i, off;

	KUNIT_EXPECT_EQ(test, stt_seq(0x1234, 0x5678), 0x12345678);
	KUNIT_EXPECT_EQ(test, stt_seq(0xffff, 0xffff), 0xffffffff);
	for (i = 0; i < ARRAY_SIZE(lens); i++) {
		for (off = 0; off < lens[i]; off += off < 100 ? 1 : 97) {
			u32 seq = stt_seq(lens[i], 0) + off;

			KUNIT_EXPECT_EQ(test, seq, stt_seq(lens[i], off));
			KUNIT_EXPECT_EQ(test, stt_seq_len(seq), lens[i]);
			KUNIT_EXPECT_EQ(test, stt_seq_offset(seq), off);
		}
		off = lens[i] - 1;
		KUNIT_EXPECT_EQ(test, stt_seq_len(stt_seq(lens[i], 0) + off),
				lens[i]);
	}
}

/* ---- frame ids --------------------------------------------------------- */

static const struct stt_id_key stt_proto_keys[] = {
	{ { 1, 1, 1, 1 }, { 0, 0, 0, 0 } },
	{ { 0x9e3779b1, 0x85ebca77, 0xc2b2ae3d, 0x27d4eb2f },
	  { 0x165667b1, 0xd3a2646d, 0xfd7046c5, 0xb55a4f09 } },
	{ { ~0U, ~0U, ~0U, ~0U }, { ~0U, ~0U, ~0U, ~0U } },
	{ { 0xdeadbeef, 3, 0x80000001, 0x01234567 }, { 1, 2, 3, 4 } },
};

static int stt_proto_cmp(const void *a, const void *b)
{
	u32 x = *(const u32 *)a, y = *(const u32 *)b;

	return x < y ? -1 : x > y;
}

/* W2: no two counters share an id, over all of several 16-bit subspaces. */
static void stt_proto_id_unique(struct kunit *test)
{
	static const struct {
		u32 base;
		u32 step;
	} spaces[] = {
		{ 0, 1 }, { 0xffff8000, 1 }, { 0x1234, 0x10000 },
		{ 0x87654321, 0x9e3779b1 },
	};
	unsigned int k, i, n = 65536;
	u32 *ids;

	ids = kunit_kmalloc(test, n * sizeof(*ids), GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, ids);
	for (k = 0; k < ARRAY_SIZE(stt_proto_keys); k++) {
		for (i = 0; i < n; i++)
			ids[i] = stt_id_permute(&stt_proto_keys[k],
						spaces[k].base +
						i * spaces[k].step);
		sort(ids, n, sizeof(*ids), stt_proto_cmp, NULL);
		for (i = 1; i < n && ids[i] != ids[i - 1]; i++)
			;
		KUNIT_EXPECT_EQ_MSG(test, i, n, "key %u: %08x comes twice", k,
				    ids[i % n]);
		cond_resched();
	}
}

/* W2: that it can be undone proves that it is one to one. */
static u32 stt_proto_unpermute(const struct stt_id_key *key, u32 id)
{
	u32 l = id >> 16, r = id & 0xffff, t;
	int i;

	for (i = 3; i >= 0; i--) {
		t = l;
		l = r ^ (((l + key->add[i]) * key->mul[i]) >> 16);
		r = t;
	}

	return l << 16 | r;
}

static void stt_proto_id_bijection(struct kunit *test)
{
	unsigned int k, i, n = 1 << 18;
	u32 counter = 0, bad = 0;

	for (k = 0; k < ARRAY_SIZE(stt_proto_keys); k++) {
		const struct stt_id_key *key = &stt_proto_keys[k];

		for (i = 0; i < n; i++) {
			u32 id = stt_id_permute(key, counter);

			if (stt_proto_unpermute(key, id) != counter)
				bad++;
			counter += 0x9e3779b1;
		}
		cond_resched();
	}
	KUNIT_EXPECT_EQ(test, bad, 0);
}

/* W2: who does not know the key cannot go on from one id to the next. */
static void stt_proto_id_keyed(struct kunit *test)
{
	unsigned int i, b, same = 0, steps = 0, flips[32] = { };
	const struct stt_id_key *key = &stt_proto_keys[1];
	struct stt_id_key other = *key;
	u32 step, last = 0;

	other.add[0] ^= 0x00010000;
	other.mul[3] ^= 0x00020000;
	for (i = 0; i < 4096; i++) {
		u32 id = stt_id_permute(key, i);

		if (id == stt_id_permute(&other, i))
			same++;
		step = id - stt_id_permute(key, i + 1);
		if (step == last)
			steps++;
		last = step;
		for (b = 0; b < 32; b++)
			if ((id ^ stt_id_permute(key, i ^ 1)) & BIT(b))
				flips[b]++;
	}
	/* By chance alone, or little more. */
	KUNIT_EXPECT_LT(test, same, 64);
	KUNIT_EXPECT_LT(test, steps, 64);
	/* Every bit of the id depends on the lowest bit of the counter. */
	for (b = 0; b < 32; b++) {
		KUNIT_EXPECT_GT_MSG(test, flips[b], 256, "bit %u", b);
		KUNIT_EXPECT_LT_MSG(test, flips[b], 3840, "bit %u", b);
	}
}

/* ---- source ports ------------------------------------------------------ */

/* W5: inside the range, whatever the hash; both ends can be reached. */
static void stt_proto_port_range(struct kunit *test)
{
	static const struct {
		u16 min;
		u16 max;
	} ranges[] = {
		{ 49152, 65535 }, { 0, 65535 }, { 1, 65535 }, { 65535, 65535 },
		{ 0, 0 }, { 7471, 7471 }, { 1000, 1001 }, { 32768, 60999 },
	};
	struct stt_test *t = test->priv;
	unsigned int i, n;

	for (i = 0; i < ARRAY_SIZE(ranges); i++) {
		u16 min = ranges[i].min, max = ranges[i].max;

		for (n = 0; n < 4096; n++) {
			u32 hash = prandom_u32_state(&t->rnd);
			u16 port = stt_port_scale(hash, min, max);

			KUNIT_EXPECT_GE(test, port, min);
			KUNIT_EXPECT_LE(test, port, max);
		}
		KUNIT_EXPECT_EQ(test, stt_port_scale(0, min, max), min);
		/* Folding the lower half in leaves this as it is. */
		KUNIT_EXPECT_EQ(test, stt_port_scale(0xffff0000, min, max),
				max);
	}
}

/*
 * W5: well spread, also where the hash has entropy in one half only.  Of 64
 * equal parts of the default range each must get its share: chi-square with
 * 63 degrees of freedom stays below 150 but once in 10^8.
 */
static void stt_proto_port_spread(struct kunit *test)
{
	static const char * const kinds[] = { "random", "low", "high" };
	unsigned int kind, i, n = 16384, expected = 16384 / 64;
	struct stt_test *t = test->priv;

	for (kind = 0; kind < ARRAY_SIZE(kinds); kind++) {
		unsigned int count[64] = { };
		u64 chi2 = 0;

		for (i = 0; i < n; i++) {
			u32 hash = prandom_u32_state(&t->rnd);
			u16 port;

			if (kind == 1)
				hash &= 0xffff;
			else if (kind == 2)
				hash &= 0xffff0000;
			port = stt_port_scale(hash, 49152, 65535);
			KUNIT_ASSERT_GE(test, port, 49152);
			count[(port - 49152) / 256]++;
		}
		for (i = 0; i < 64; i++) {
			int d = count[i] - expected;

			chi2 += d * d;
		}
		KUNIT_EXPECT_LT_MSG(test, chi2, 150 * expected, "%s",
				    kinds[kind]);
	}
}

/* W5: every port of the range is used. */
static void stt_proto_port_all(struct kunit *test)
{
	unsigned int i, missing = 0;
	unsigned long *seen;

	seen = kunit_kzalloc(test, 65536 / 8, GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, seen);
	for (i = 0; i < 65536; i++)
		__set_bit(stt_port_scale(i, 49152, 65535), seen);
	for (i = 49152; i < 65536; i++)
		missing += !test_bit(i, seen);
	KUNIT_EXPECT_EQ(test, missing, 0);
}

static int stt_proto_init(struct kunit *test)
{
	test->priv = stt_test_new(test);

	return 0;
}

static struct kunit_case stt_proto_cases[] = {
	KUNIT_CASE(stt_proto_encode),
	KUNIT_CASE(stt_proto_decode),
	KUNIT_CASE(stt_proto_encode_vlan),
	KUNIT_CASE(stt_proto_decode_vlan),
	KUNIT_CASE(stt_proto_decode_flags),
	KUNIT_CASE(stt_proto_tcp),
	KUNIT_CASE(stt_proto_seq),
	KUNIT_CASE(stt_proto_id_unique),
	KUNIT_CASE(stt_proto_id_bijection),
	KUNIT_CASE(stt_proto_id_keyed),
	KUNIT_CASE(stt_proto_port_range),
	KUNIT_CASE(stt_proto_port_spread),
	KUNIT_CASE(stt_proto_port_all),
	{ }
};

static struct kunit_suite stt_proto_suite = {
	.name = "stt_proto",
	.init = stt_proto_init,
	.test_cases = stt_proto_cases,
};

kunit_test_suite(stt_proto_suite);
