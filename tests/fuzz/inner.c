// SPDX-License-Identifier: GPL-2.0
/* Inner packets, and frames that tell right or wrong of them. */
#include <string.h>

#include "fuzz.h"

/* Receivers that exist: a bridge, hosts behind it; and everybody. */
u8 macs[4][6] = { [3] = { 255, 255, 255, 255, 255, 255 } };

/* Whoever has this as source address is to arrive as it was sent. */
const u8 honest_mac[4] = { 0x02, 'h', 'o', 'n' };

static const u8 a4[] = { 10, 0, 0, 1 }, b4[] = { 10, 0, 0, 2 };
static const u8 a6[16] = { 0xfd, [15] = 1 }, b6[16] = { 0xfd, [15] = 2 };

static u8 *add(struct inner *in, unsigned int len)
{
	u8 *p = in->data + in->len;

	in->len += len;
	memset(p, 0, len);

	return p;
}

static void add16(struct inner *in, u16 v)
{
	put16(add(in, 2), v);
}

/* IPv6 extension headers; the number of the first is returned. */
static u8 add_ext(struct inner *in, u8 l4)
{
	static const u8 kinds[] = { 0, 60, 43, 44, 51, 135, 60, 60 };
	u8 first = l4, *link = &first, kind, *p;
	unsigned int n = one_in(4) ? rnd(8) : rnd(2), len;

	while (n--) {
		kind = kinds[rnd(ARRAY_SIZE(kinds))];
		*link = kind;
		len = kind == 44 ? 8 : 8 * (1 + (one_in(6) ? rnd(30) : rnd(3)));
		if (in->len + len > 2000)
			break;
		p = add(in, len);
		p[1] = kind == 44 ? 0 : kind == 51 ? len / 4 - 2 : len / 8 - 1;
		if (kind == 60 || !kind) {
			p[2] = 1;
			p[3] = len - 4;
			if (len - 4 > 255)
				p[3] = 255;
		} else if (kind == 44) {
			put16(p + 2, one_in(2) ? 0 : rnd(65536));
		}
		link = p;
		*link = l4;
	}

	return first;
}

static unsigned int tcp_options(u8 *p)
{
	unsigned int len = 0, n;

	if (one_in(2)) {
		p[0] = 1;
		p[1] = 1;
		p[2] = 8;
		p[3] = 10;
		rnd_fill(p + 4, 8);
		len = 12;
	}
	for (n = rnd(3); n && len <= 36 && one_in(2); n--) {
		static const u8 kinds[] = { 0, 1, 2, 3, 5, 8, 19, 29,
						 254 };
		unsigned int room = 40 - len, size = 2 + rnd(room - 1);

		p[len] = kinds[rnd(ARRAY_SIZE(kinds))];
		p[len + 1] = one_in(8) ? rnd(256) : size;
		len += size;
	}
	while (len % 4)
		p[len++] = 0;

	return len;
}

static u16 pseudo(const struct inner *in, unsigned int len)
{
	const u8 *l3 = in->data + in->l3;
	u32 sum = len + (in->tcp ? 6 : 17);

	if (in->v4)
		return fold(sum16(l3 + 12, 8, sum));

	return fold(sum16(l3 + 8, 32, sum));
}

/* Lengths and checksums, as if all was meant so. */
static void finish(struct inner *in)
{
	unsigned int ip_len = in->len - in->l3;
	u8 *l3 = in->data + in->l3, *check;
	u32 sum;

	if (!in->l3)
		return;
	if (in->v4) {
		put16(l3 + 2, ip_len);
		put16(l3 + 10, 0);
		put16(l3 + 10, ~fold(sum16(l3, (l3[0] & 15) * 4, 0)));
	} else {
		put16(l3 + 4, ip_len - 40);
	}
	if (!in->l4)
		return;
	if (!in->tcp)
		put16(in->data + in->l4 + 4, in->len - in->l4);
	check = in->data + in->l4 + (in->tcp ? 16 : 6);
	put16(check, 0);
	sum = pseudo(in, in->len - in->l4);
	if (!in->partial)
		sum = (u16)~fold(sum16(in->data + in->l4,
					    in->len - in->l4, sum));
	put16(check, sum);
}

static void start(struct inner *in, const u8 *src)
{
	memset(in, 0, offsetof(struct inner, data));
	in->len = 0;
	in->l3 = 0;
	in->l4 = 0;
	memcpy(add(in, 6), macs[rnd(4)], 6);
	memcpy(add(in, 6), src, 6);
}

/* An IP header for @l4_proto; what follows is TCP or UDP if it says so. */
static void add_ip(struct inner *in, u8 proto, bool strange)
{
	u8 *p, ext;
	unsigned int opt;

	in->l3 = in->len;
	if (in->v4) {
		opt = strange && one_in(4) ? rnd(11) : 0;
		p = add(in, 20 + opt * 4);
		p[0] = 0x45 + opt;
		p[1] = strange ? rnd(256) : 0;
		put16(p + 4, rnd(65536));
		put16(p + 6, strange && one_in(8) ? rnd(65536) :
			     one_in(4) ? 0 : 0x4000);
		p[8] = strange ? rnd(256) : 64;
		p[9] = proto;
		memcpy(p + 12, a4, 4);
		memcpy(p + 16, b4, 4);
		memset(p + 20, 1, opt * 4);
		return;
	}
	p = add(in, 40);
	put32(p, 6u << 28 | (strange ? rnd(1 << 28) : 0));
	p[7] = strange ? rnd(256) : 64;
	memcpy(p + 8, a6, 16);
	memcpy(p + 24, b6, 16);
	ext = strange && one_in(3) ? add_ext(in, proto) : proto;
	p[6] = ext;
}

static void add_tcp(struct inner *in, u16 sport, u32 seq, bool strange)
{
	u8 options[64], *p;
	unsigned int n = strange ? tcp_options(options) : 0;

	in->l4 = in->len;
	in->tcp = true;
	p = add(in, 20 + n);
	put16(p, sport);
	put16(p + 2, 4242);
	put32(p + 4, seq);
	put32(p + 8, 1);
	p[12] = (5 + n / 4) << 4 | (strange && one_in(8) ? rnd(16) : 0);
	p[13] = strange && one_in(2) ? rnd(256) : 0x10 | (one_in(2) ? 8 : 0);
	put16(p + 14, 8192);
	if (strange && one_in(8))
		put16(p + 18, rnd(65536));
	memcpy(p + 20, options, n);
}

/**
 * inner_random - any packet, most of them of a kind that somebody sends
 * @in: filled in
 * @most: largest length
 */
void inner_random(struct inner *in, unsigned int most)
{
	static const u16 others[] = { 0x0806, 0x88b5, 0x8847, 0x6558, 60 };
	static const u8 protos[] = { 1, 58, 132, 47, 4, 41, 50, 51, 89 };
	u8 src[6] = { 2, 0, 0, rnd(4), rnd(4), rnd(4) };
	unsigned int payload, tags, i;

	start(in, src);
	in->partial = !one_in(4);
	tags = one_in(4) ? rnd(6) : 0;
	for (i = 0; i < tags; i++) {
		add16(in, one_in(2) ? 0x8100 : 0x88a8);
		add16(in, rnd(65536));
	}
	if (one_in(12)) {
		add16(in, others[rnd(ARRAY_SIZE(others))]);
	} else {
		in->v4 = one_in(2);
		add16(in, in->v4 ? 0x0800 : 0x86dd);
		switch (rnd(8)) {
		case 0:
			add_ip(in, protos[rnd(ARRAY_SIZE(protos))], true);
			break;
		case 1:
		case 2:
			add_ip(in, 17, true);
			in->l4 = in->len;
			in->tcp = false;
			put16(add(in, 8), 1000);
			put16(in->data + in->l4 + 2, one_in(3) ? 4789 : 2000);
			break;
		default:
			add_ip(in, 6, true);
			add_tcp(in, 1000 + rnd(4), rnd(1 << 31), true);
		}
	}
	in->hlen = in->len;
	payload = rnd_size(most > in->len ? most - in->len : 0);
	for (i = 0; i < payload; i++)
		in->data[in->len + i] = i * 7 + payload;
	in->len += payload;
	finish(in);
	/* Behind IP there may be padding, or less than IP says. */
	if (one_in(16) && in->len + 16 < most)
		in->len += rnd(16);
	else if (one_in(16))
		in->len -= rnd(in->len - 14 < 64 ? in->len - 13 : 64);
}

/**
 * inner_honest - a packet that tells for each byte whether it is right
 * @in: filled in
 * @serial: its number
 * @payload: bytes
 * @tcp: TCP, to be cut; else a protocol that nobody looks at
 */
void inner_honest(struct inner *in, u32 serial, unsigned int payload,
		  bool tcp)
{
	u8 src[6], *p;
	unsigned int i;

	memcpy(src, honest_mac, 4);
	src[4] = 0;
	src[5] = tcp;
	start(in, src);
	/* To nobody in particular. */
	memcpy(in->data, "\x02honXY", 6);
	in->partial = tcp;
	in->v4 = serial & 1;
	if (tcp) {
		add16(in, in->v4 ? 0x0800 : 0x86dd);
		add_ip(in, 6, false);
		/* Whose bytes these are stands in the ports. */
		add_tcp(in, serial, 0, false);
		put16(in->data + in->l4 + 2, serial >> 16);
	} else {
		add16(in, 0x88b5);
		put32(add(in, 4), serial);
	}
	in->hlen = in->len;
	p = add(in, payload);
	for (i = 0; i < payload; i++)
		p[i] = honest_byte(serial, i);
	finish(in);
}

/**
 * frame_of - the frame of an inner packet, as it should be
 * @f: filled in
 * @in: inner packet
 * @id: context id
 * @mss: 0 for none
 */
void frame_of(struct frame *f, const struct inner *in, u64 id,
	      unsigned int mss)
{
	memset(f->data, 0, STT_HLEN);
	if (in->l4 && in->partial) {
		f->data[1] = F_P | (in->v4 ? F_V : 0) | (in->tcp ? F_T : 0);
		f->data[2] = in->l4;
		put16(f->data + 4, in->tcp ? mss : 0);
	} else if (in->l4) {
		f->data[1] = F_C;
	}
	put32(f->data + 8, id >> 32);
	put32(f->data + 12, id);
	memcpy(f->data + STT_HLEN, in->data, in->len);
	f->len = STT_HLEN + in->len;
}

/**
 * frame_random - a frame that is nearly right, or not at all
 * @f: filled in
 */
void frame_random(struct frame *f)
{
	static struct inner in;
	unsigned int mss = 0, head;

	inner_random(&in, MAX_FRAME - STT_HLEN);
	if (in.l4 && !one_in(3)) {
		mss = one_in(3) ? rnd(2000) : 48 + rnd(1500);
		/* The headers of all but the first segment as a layout. */
		if (one_in(16))
			mss = in.hlen;
	}
	frame_of(f, &in, one_in(16) ? rnd(8) : 1, mss);
	if (one_in(4))
		put16(f->data + 6, 0x1000 | rnd(65536));
	head = STT_HLEN + in.hlen;
	if (one_in(3))
		damage(f->data, &f->len, 0, 8, MAX_FRAME, 2);
	if (one_in(3))
		damage(f->data, &f->len, STT_HLEN + 12, head, MAX_FRAME, 3);
	if (one_in(40))
		damage(f->data, &f->len, 0, f->len, MAX_FRAME, 20);
	if (!f->len)
		f->len = 1;
}
