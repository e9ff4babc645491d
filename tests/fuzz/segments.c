// SPDX-License-Identifier: GPL-2.0
/* Segments of frames: cut, lost, repeated, damaged, in any order. */
#include <stdlib.h>
#include <string.h>

#include "fuzz.h"

#define ETH_HLEN	14
#define POOL		96

static const u8 us4[] = { 192, 0, 2, 2 };
static const u8 us6[16] = { 0x20, 1, 0xd, 0xb8, [15] = 2 };

static struct packet *pool[POOL];
static unsigned int pooled;

/* ---- who sends --------------------------------------------------------- */

static void flow_to_us(struct flow *fl, bool v6, u8 host)
{
	memset(fl, 0, sizeof(*fl));
	fl->v6 = v6;
	if (v6) {
		memcpy(fl->src, us6, 16);
		memcpy(fl->dst, us6, 16);
		fl->src[15] = host;
	} else {
		memcpy(fl->src, us4, 4);
		memcpy(fl->dst, us4, 4);
		fl->src[3] = host;
	}
	fl->dport = STT_PORT;
}

void flow_random(struct flow *fl)
{
	flow_to_us(fl, one_in(2), 10 + rnd(12));
	if (one_in(20))
		rnd_fill(fl->src + rnd(4), fl->v6 ? 12 : 1);
	if (fl->src[fl->v6 ? 15 : 3] == 200)
		fl->src[fl->v6 ? 15 : 3]++;
	fl->sport = 49152 + rnd(one_in(10) ? 16384 : 4);
	if (one_in(12))
		fl->dport = 7473;
	if (one_in(100))
		rnd_fill(fl->dst, 4);
}

/* Whose frames must arrive; random flows are never its. */
void flow_honest(struct flow *fl, bool v6, u16 sport)
{
	flow_to_us(fl, v6, 200);
	fl->sport = sport;
}

static bool from_honest(const struct packet *p)
{
	return !memcmp(p->data + ETH_HLEN + 12, "\xc0\x00\x02\xc8", 4) ||
	       (!memcmp(p->data + ETH_HLEN + 8, us6, 15) &&
		p->data[ETH_HLEN + 23] == 200);
}

/* ---- packets ----------------------------------------------------------- */

struct packet *packet_new(void)
{
	struct packet *p = malloc(sizeof(*p));

	if (!p)
		die("no memory");
	p->honest = false;
	p->len = 0;
	memset(p->vnet, 0, sizeof(p->vnet));

	return p;
}

/* The fields of struct virtio_net_hdr, in this machine's order. */
static void vnet(struct packet *p, u8 flags, u8 gso_type,
		 u16 hdr_len, u16 gso_size, u16 start,
		 u16 off)
{
	p->vnet[0] = flags;
	p->vnet[1] = gso_type;
	memcpy(p->vnet + 2, &hdr_len, 2);
	memcpy(p->vnet + 4, &gso_size, 2);
	memcpy(p->vnet + 6, &start, 2);
	memcpy(p->vnet + 8, &off, 2);
}

/* Ethernet and IP; the packet's length is then that of the headers. */
static void outer_ip(struct packet *p, const struct flow *fl, u8 proto,
		     unsigned int payload, bool strange)
{
	u8 *ip = p->data + ETH_HLEN;
	unsigned int opt = 0;

	/* Addresses of the link are for io.c, which knows the device. */
	memset(p->data, 0, ETH_HLEN);
	put16(p->data + 12, fl->v6 ? 0x86dd : 0x0800);
	if (fl->v6) {
		opt = strange && one_in(30) ? 8 : 0;
		put32(ip, 6u << 28 | (strange && one_in(4) ? rnd(4) << 20 : 0));
		put16(ip + 4, payload + opt);
		ip[6] = opt ? one_in(2) ? 0 : 60 : proto;
		ip[7] = 64;
		memcpy(ip + 8, fl->src, 16);
		memcpy(ip + 24, fl->dst, 16);
		if (opt) {
			memset(ip + 40, 0, 8);
			ip[40] = proto;
			ip[42] = 1;
			ip[43] = 4;
		}
		p->len = ETH_HLEN + 40 + opt;
		return;
	}
	opt = strange && one_in(30) ? 4 * (1 + rnd(10)) : 0;
	memset(ip, 0, 20);
	ip[0] = 0x45 + opt / 4;
	ip[1] = strange && one_in(4) ? rnd(4) : 0;
	put16(ip + 2, 20 + opt + payload);
	put16(ip + 6, 0x4000);
	ip[8] = 64;
	ip[9] = proto;
	memcpy(ip + 12, fl->src, 4);
	memcpy(ip + 16, fl->dst, 4);
	memset(ip + 20, 1, opt);
	put16(ip + 10, ~fold(sum16(ip, 20 + opt, 0)));
	p->len = ETH_HLEN + 20 + opt;
}

static u16 outer_pseudo(const struct flow *fl, u8 proto, unsigned int len)
{
	unsigned int n = fl->v6 ? 16 : 4;

	return fold(sum16(fl->src, n, sum16(fl->dst, n, proto + len)));
}

/**
 * packet_segment - an outer packet with bytes @off to @end of a frame
 * @p: filled in; honest if it says so
 * @fl: its flow
 * @f: the frame
 * @id: its frame id
 * @off: first byte
 * @end: behind the last; less of it if the packet would be too large
 */
void packet_segment(struct packet *p, const struct flow *fl,
		    const struct frame *f, u32 id, unsigned int off,
		    unsigned int end)
{
	unsigned int opt = !p->honest && one_in(20) ? 4 * rnd(11) : 0;
	unsigned int l4, len, room = 65535 - 60 - 20 - opt, size = 0;
	u8 *tcp;

	if (end - off > room)
		end = off + room;
	len = 20 + opt + end - off;
	outer_ip(p, fl, 6, len, !p->honest);
	l4 = p->len;
	tcp = p->data + l4;
	put16(tcp, fl->sport);
	put16(tcp + 2, fl->dport);
	put32(tcp + 4, f->len << 16 | off);
	put32(tcp + 8, id);
	tcp[12] = (5 + opt / 4) << 4;
	tcp[13] = p->honest ? 0x10 : one_in(8) ? rnd(256) : 0x10 | rnd(2) << 3;
	put32(tcp + 14, 0);
	put16(tcp + 18, 0);
	memset(tcp + 20, 1, opt);
	memcpy(tcp + 20 + opt, f->data + off, end - off);
	p->len += len;

	switch (p->honest ? rnd(2) : rnd(16)) {
	case 0:
		put16(tcp + 16, ~fold(sum16(tcp, len,
					    outer_pseudo(fl, 6, len))));
		vnet(p, one_in(2) ? 2 : 0, 0, 0, 0, 0, 0);
		break;
	case 15:
		put16(tcp + 16, rnd(65536));
		vnet(p, one_in(4) ? 2 : 0, 0, 0, 0, 0, 0);
		break;
	default:
		put16(tcp + 16, outer_pseudo(fl, 6, len));
		if (end - off > 1 && one_in(2))
			size = 1 + rnd(end - off > 1460 ? 1460 : end - off - 1);
		/* Not into thousands of pieces, which take their time. */
		if (size && (end - off) / size > 60)
			size = 1000;
		vnet(p, 1, !size ? 0 : fl->v6 ? 4 : 1,
		     one_in(4) ? rnd(p->len) : l4 + 20 + opt, size, l4, 16);
	}
}

/* A router has something to say of a segment. */
void packet_icmp(struct packet *p)
{
	static struct frame f;
	static struct packet quoted;
	unsigned int quote, len;
	struct flow fl, back;
	u8 *icmp;

	flow_random(&fl);
	/* What we sent: from us, to a peer. */
	memcpy(back.src, fl.dst, 16);
	memcpy(back.dst, fl.src, 16);
	back.v6 = fl.v6;
	back.sport = fl.sport;
	back.dport = fl.dport;
	if (one_in(2))
		back.dst[fl.v6 ? 15 : 3] = 200;
	f.len = 100 + rnd(1000);
	quoted.honest = false;
	packet_segment(&quoted, &back, &f, rnd(65536), 0, f.len);
	damage(quoted.data, &quoted.len, ETH_HLEN, ETH_HLEN + 44, 2000, 2);
	if (quoted.len < ETH_HLEN)
		quoted.len = ETH_HLEN;
	quote = rnd_size(quoted.len - ETH_HLEN);
	len = 8 + quote;
	outer_ip(p, &fl, fl.v6 ? 58 : 1, len, true);
	icmp = p->data + p->len;
	memset(icmp, 0, 8);
	icmp[0] = fl.v6 ? 2 : 3;
	icmp[1] = fl.v6 ? 0 : one_in(8) ? rnd(16) : 4;
	put32(icmp + 4, one_in(8) ? rnd(1u << 31) : 68 + rnd(1500));
	memcpy(icmp + 8, quoted.data + ETH_HLEN, quote);
	if (!one_in(16))
		put16(icmp + 2, ~fold(sum16(icmp, len, fl.v6 ?
				outer_pseudo(&fl, 58, len) : 0)));
	p->len += len;
}

/* Change some of the outer headers, or cut the packet. */
void packet_damage(struct packet *p)
{
	damage(p->data, &p->len, ETH_HLEN, ETH_HLEN + 60, MAX_PACKET / 2 - 100,
	       3);
	/* The header's sum is no secret. */
	if (p->len >= ETH_HLEN + 20 && p->data[ETH_HLEN] >> 4 == 4 &&
	    !one_in(4)) {
		u8 *ip = p->data + ETH_HLEN;
		unsigned int n = (ip[0] & 15) * 4;

		if (n <= p->len - ETH_HLEN) {
			put16(ip + 10, 0);
			put16(ip + 10, ~fold(sum16(ip, n, 0)));
		}
	}
	if (one_in(8))
		p->len -= rnd(p->len < 100 ? p->len : 100);
	if (p->len < ETH_HLEN)
		p->len = ETH_HLEN;
	if (from_honest(p))
		p->data[ETH_HLEN + 12] ^= 1;
	if (from_honest(p))
		p->data[ETH_HLEN + 23] ^= 1;
}

/* ---- packets that wait, and lose their order --------------------------- */

unsigned int pool_count(void)
{
	return pooled;
}

/* Any of them; it is the caller's to free. */
struct packet *pool_take(void)
{
	unsigned int i = rnd(pooled);
	struct packet *p = pool[i];

	pool[i] = pool[--pooled];

	return p;
}

void pool_add(struct packet *p)
{
	if (pooled == POOL) {
		struct packet *other = pool_take();

		io_inject(other);
		free(other);
	}
	pool[pooled++] = p;
}

static int by_value(const void *a, const void *b)
{
	return *(const unsigned int *)a - *(const unsigned int *)b;
}

/* Where to cut: @edges[0] is 0 and the last one the length. */
static unsigned int cut(unsigned int *edges, unsigned int most,
			unsigned int len)
{
	static const unsigned int at[] = { 1, 2, 17, 18, 19, 31, 32, 33, 52, 66,
					   72, 84, 86, 92, 104, 200 };
	unsigned int n = 0, i, size, out = 0;

	edges[n++] = 0;
	switch (rnd(6)) {
	case 0:
		break;
	case 1:
		for (i = 1 + rnd(6); i; i--)
			edges[n++] = at[rnd(ARRAY_SIZE(at))];
		break;
	case 2:
		size = 500 + rnd(1000);
		for (i = size; i < len && n < most - 1; i += size)
			edges[n++] = i;
		break;
	case 3:
		for (i = 1 + rnd(30); i; i--)
			edges[n++] = i;
		break;
	default:
		for (i = 1 + rnd(12); i; i--)
			edges[n++] = rnd(len);
	}
	qsort(edges, n, sizeof(*edges), by_value);
	for (i = 0; i < n; i++)
		if (edges[i] < len && (!out || edges[i] != edges[out - 1]))
			edges[out++] = edges[i];
	edges[out] = len;

	return out;
}

static void pool_segment(const struct flow *fl, struct frame *f, u32 id,
			 unsigned int off, unsigned int end)
{
	struct packet *p = packet_new();

	packet_segment(p, fl, f, id, off, end);
	if (one_in(10))
		packet_damage(p);
	pool_add(p);
}

/**
 * send_random_frame - a frame in segments, some of which come, some twice
 *
 * They go to the pool.
 */
void send_random_frame(void)
{
	static struct frame f;
	unsigned int edges[160], n, i, loss = one_in(2) ? 0 : 2 + rnd(20);
	struct flow fl;
	u32 id;

	frame_random(&f);
	flow_random(&fl);
	/* Ids meet now and then. */
	id = one_in(8) ? rnd(4) : rnd(1u << 31);
	n = cut(edges, ARRAY_SIZE(edges), f.len);
	for (i = 0; i < n; i++) {
		unsigned int off = edges[i], end = edges[i + 1];

		if (loss && one_in(loss))
			continue;
		if (one_in(20))
			off = rnd(off + 1);
		if (one_in(20))
			end += rnd(f.len - end + 1);
		if (one_in(100))
			f.data[rnd(f.len)] ^= 1;
		if (one_in(200))
			f.len = f.len > 1 ? f.len - 1 : 1;
		if (end > f.len)
			end = f.len;
		if (off >= end)
			continue;
		pool_segment(&fl, &f, id, off, end);
		if (one_in(20))
			pool_segment(&fl, &f, id, off, end);
	}
}

/**
 * send_honest_frame - a frame that has to arrive
 * @serial: its number
 *
 * Its segments go to the pool.
 *
 * Return: how many bytes of payload it has.
 */
unsigned int send_honest_frame(u32 serial)
{
	static struct inner in;
	static struct frame f;
	unsigned int edges[160], n, i, payload = 1 + rnd(12000);
	bool tcp = serial % 3;
	struct flow fl;
	u32 id = serial * 2654435761u;

	inner_honest(&in, serial, payload, tcp);
	frame_of(&f, &in, 2, tcp ? 500 + rnd(900) : 0);
	flow_honest(&fl, serial >> 1 & 1, 50000 + serial % 7);
	n = cut(edges, ARRAY_SIZE(edges), f.len);
	for (i = 0; i < n; i++) {
		struct packet *p = packet_new();

		p->honest = true;
		packet_segment(p, &fl, &f, id, edges[i], edges[i + 1]);
		pool_add(p);
	}

	return payload;
}
