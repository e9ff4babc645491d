// SPDX-License-Identifier: GPL-2.0
/*
 * What the unit tests share.  No tests in here.
 */
#include <linux/etherdevice.h>
#include <linux/if_vlan.h>
#include <linux/ip.h>
#include <linux/ipv6.h>
#include <linux/mm.h>
#include <linux/tcp.h>
#include <linux/udp.h>
#include <net/gso.h>
#include <net/ip.h>
#include <net/ip6_checksum.h>
#include <net/ipv6.h>

#include "lib.h"

#define STT_TEST_HEADROOM	128
#define STT_TEST_SEQ		0xfffff000	/* wraps soon */
#define STT_TEST_FIN_PSH	0x09
#define STT_TEST_CWR		0x80

/**
 * stt_test_new - begin a test case
 * @test: the case
 *
 * Everything but the pages is freed with the case.
 */
struct stt_test *stt_test_new(struct kunit *test)
{
	struct stt_test *t = kunit_kzalloc(test, sizeof(*t), GFP_KERNEL);

	KUNIT_ASSERT_NOT_NULL(test, t);
	t->test = test;
	t->bytes = kunit_kzalloc(test, STT_TEST_BYTES, GFP_KERNEL);
	t->frame = kunit_kzalloc(test, STT_TEST_FRAME, GFP_KERNEL);
	t->scratch = kunit_kzalloc(test, STT_TEST_FRAME, GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, t->bytes);
	KUNIT_ASSERT_NOT_NULL(test, t->frame);
	KUNIT_ASSERT_NOT_NULL(test, t->scratch);
	prandom_seed_state(&t->rnd, 7471);
	prandom_bytes_state(&t->rnd, t->bytes, STT_TEST_BYTES);

	return t;
}

/**
 * stt_test_end - end a test case
 * @t: its data, or NULL
 *
 * All packets that it made must be gone: a page that somebody still holds, or
 * that was given up once too often, fails the case.
 */
void stt_test_end(struct stt_test *t)
{
	if (t)
		KUNIT_EXPECT_EQ(t->test, stt_test_pages_held(t), 0);
}

/**
 * stt_test_pages_held - give up our references to all pages
 * @t: test
 *
 * Return: how many pages had other than just ours.
 */
unsigned int stt_test_pages_held(struct stt_test *t)
{
	unsigned int held = 0;

	while (t->npages) {
		struct page *page = t->pages[--t->npages];

		if (page_count(page) != 1)
			held++;
		put_page(page);
	}
	t->cut = 0;

	return held;
}

u32 stt_test_below(struct stt_test *t, u32 n)
{
	return prandom_u32_state(&t->rnd) % n;
}

/* ---- packets of any layout --------------------------------------------- */

#define STT_TEST_ALL	(~0U)

const struct stt_test_layout stt_test_layouts[] = {
	{ "linear", { .linear = STT_TEST_ALL } },
	{ "page head", { .linear = STT_TEST_ALL, .page_head = true } },
	{ "fragments", { .linear = 60, .frag = 4000, .frags = 17 } },
	{ "head and fragments",
	  { .linear = 1500, .page_head = true, .frag = 1448, .frags = 16 } },
	{ "no linear data", { .frag = 1001, .frags = 17 } },
	{ "tiny fragments", { .linear = 7, .frag = 5, .frags = 17 } },
	{ "joined fragments",
	  { .linear = 80, .frag = 300, .frags = 17, .joined = true } },
	{ "list of fragments",
	  { .linear = 100, .frag = 1448, .frags = 17 },
	  { .frag = 1448, .frags = 17 } },
	{ "list of linear", { .linear = 1448 }, { .linear = 1448 } },
	{ "list of odd linear",
	  { .linear = 200 }, { .linear = 777 } },
	{ "list of page heads",
	  { .linear = 700, .page_head = true },
	  { .linear = 1400, .page_head = true } },
	{ "list of mixed",
	  { .linear = 400, .frag = 501, .frags = 3 },
	  { .linear = 100, .frag = 701, .frags = 2 } },
	{ "list of mixed page heads",
	  { .linear = 400, .page_head = true, .frag = 999, .frags = 17 },
	  { .linear = 300, .page_head = true, .frag = 800, .frags = 16 } },
	{ "list of tiny fragments",
	  { .linear = 60, .frag = 30, .frags = 17 },
	  { .frag = 70, .frags = 17 } },
	{ "list of single fragments",
	  { .linear = 60, .frag = 1000, .frags = 1 },
	  { .frag = 600, .frags = 1 } },
	{ "list of even members",
	  { .linear = 0, .frag = 1000, .frags = 17 },
	  { .frag = 1000, .frags = 17 } },
	{ "list of joined fragments",
	  { .linear = 60, .frag = 400, .frags = 9, .joined = true },
	  { .frag = 400, .frags = 9, .joined = true } },
	{ "nested lists of linear",
	  { .linear = 300 }, { .linear = 900 }, .nested = true },
	{ "nested lists of fragments",
	  { .linear = 60, .frag = 500, .frags = 2 },
	  { .frag = 640, .frags = 3 }, .nested = true },
};

const unsigned int stt_test_nlayouts = ARRAY_SIZE(stt_test_layouts);

static struct page *stt_test_page(struct stt_test *t, unsigned int size)
{
	unsigned int order = get_order(size);
	struct page *page;

	KUNIT_ASSERT_LT(t->test, t->npages, STT_TEST_PAGES);
	page = alloc_pages(GFP_KERNEL | __GFP_COMP, order);
	KUNIT_ASSERT_NOT_NULL(t->test, page);
	t->pages[t->npages++] = page;

	return page;
}

static void stt_test_add_frag(struct stt_test *t, struct sk_buff *skb,
			      const u8 *data, unsigned int len, bool joined)
{
	struct page *page = t->npages ? t->pages[t->npages - 1] : NULL;

	if (!joined)
		t->cut += 16;
	if (!page || t->cut + len > page_size(page)) {
		page = stt_test_page(t, len);
		t->cut = 0;
	}
	memcpy(page_address(page) + t->cut, data, len);
	get_page(page);
	skb_add_rx_frag(skb, skb_shinfo(skb)->nr_frags, page, t->cut, len,
			SKB_DATA_ALIGN(len));
	t->cut += len;
}

static struct sk_buff *stt_test_head(struct stt_test *t, unsigned int linear,
				     bool page_head)
{
	unsigned int size = linear + STT_TEST_HEADROOM;
	struct sk_buff *skb;
	struct page *page;

	if (page_head) {
		page = stt_test_page(t, SKB_HEAD_ALIGN(size));
		get_page(page);
		t->cut = page_size(page);
		skb = build_skb(page_address(page), page_size(page));
	} else {
		skb = alloc_skb(size, GFP_KERNEL);
	}
	KUNIT_ASSERT_NOT_NULL(t->test, skb);
	skb_reserve(skb, STT_TEST_HEADROOM);

	return skb;
}

/* An skb with as much of the data as its shape takes, or with all of it. */
static struct sk_buff *stt_test_one(struct stt_test *t, const u8 **data,
				    unsigned int *len, unsigned int linear,
				    const struct stt_test_shape *shape,
				    bool all)
{
	unsigned int i, n = min(*len, max(linear, shape->linear));
	struct sk_buff *skb;

	if (all && !shape->frags)
		n = *len;
	skb = stt_test_head(t, n, shape->page_head);
	skb_put_data(skb, *data, n);
	*data += n;
	*len -= n;

	for (i = 0; i < shape->frags && *len; i++) {
		n = all && i == shape->frags - 1 ? *len :
						   min(*len, shape->frag);
		stt_test_add_frag(t, skb, *data, n, shape->joined && i);
		*data += n;
		*len -= n;
	}

	return skb;
}

static void stt_test_link(struct sk_buff *skb, struct sk_buff ***link,
			  struct sk_buff *member)
{
	**link = member;
	*link = &member->next;
	skb->len += member->len;
	skb->data_len += member->len;
	skb->truesize += member->truesize;
}

/**
 * stt_test_skb - make a packet
 * @t: test
 * @data: its bytes
 * @len: how many
 * @linear: those that have to be linear
 * @lo: layout
 */
struct sk_buff *stt_test_skb(struct stt_test *t, const u8 *data,
			     unsigned int len, unsigned int linear,
			     const struct stt_test_layout *lo)
{
	bool list = lo->member.linear || lo->member.frags;
	struct sk_buff *skb, *member, *sub, **link, **sublink;

	skb = stt_test_one(t, &data, &len, linear, &lo->head, !list);
	link = &skb_shinfo(skb)->frag_list;
	while (len) {
		member = stt_test_one(t, &data, &len, 0, &lo->member, false);
		if (lo->nested && len) {
			sub = stt_test_one(t, &data, &len, 0, &lo->member,
					   false);
			sublink = &skb_shinfo(member)->frag_list;
			stt_test_link(member, &sublink, sub);
		}
		stt_test_link(skb, &link, member);
	}

	return skb;
}

/**
 * stt_test_share - hold all members of a packet's frag_list
 * @skb: the packet
 *
 * As does a copy of the packet's shared info.
 */
void stt_test_share(struct sk_buff *skb)
{
	struct sk_buff *member;

	skb_walk_frags(skb, member)
		skb_get(member);
}

/**
 * stt_test_unshare - undo stt_test_share()
 * @list: what was the packet's frag_list
 */
void stt_test_unshare(struct sk_buff *list)
{
	kfree_skb_list(list);
}

/**
 * stt_test_holds - does a packet hold these bytes
 * @t: test
 * @skb: packet
 * @off: where in it
 * @data: bytes
 * @len: how many
 */
bool stt_test_holds(struct stt_test *t, const struct sk_buff *skb,
		    unsigned int off, const u8 *data, unsigned int len)
{
	return off + len <= skb->len && len <= STT_TEST_FRAME &&
	       !skb_copy_bits(skb, off, t->scratch, len) &&
	       !memcmp(t->scratch, data, len);
}

/**
 * stt_test_insane - how a packet's lengths do not fit its parts
 * @skb: packet
 *
 * Return: what is wrong, or NULL.
 */
const char *stt_test_insane(const struct sk_buff *skb)
{
	const struct skb_shared_info *shinfo = skb_shinfo(skb);
	unsigned int len = 0, truesize = 0, i;
	const struct sk_buff *member;
	const char *bad;

	if (shinfo->nr_frags > MAX_SKB_FRAGS)
		return "too many fragments";
	for (i = 0; i < shinfo->nr_frags; i++) {
		if (!skb_frag_size(&shinfo->frags[i]))
			return "empty fragment";
		len += skb_frag_size(&shinfo->frags[i]);
	}
	skb_walk_frags(skb, member) {
		bad = member->len ? stt_test_insane(member) : "empty member";
		if (bad)
			return bad;
		len += member->len;
		truesize += member->truesize;
	}
	if (len != skb->data_len || skb->len < len)
		return "length";
	if (skb->truesize < skb->len)
		return "truesize is less than length";
	if (skb->truesize <= truesize)
		return "truesize is less than its members'";

	return NULL;
}

/* ---- inner packets ----------------------------------------------------- */

static __sum16 stt_test_magic(const struct stt_test_pkt *p, const u8 *l3,
			      unsigned int len, __wsum sum)
{
	const struct ipv6hdr *ip6h = (const struct ipv6hdr *)l3;
	const struct iphdr *iph = (const struct iphdr *)l3;

	if (p->v6)
		return csum_ipv6_magic(&ip6h->saddr, &ip6h->daddr, len,
				       p->proto, sum);

	return csum_tcpudp_magic(iph->saddr, iph->daddr, len, p->proto, sum);
}

/* Headers into @t->frame. */
static void stt_test_headers(struct stt_test *t, struct stt_test_pkt *p)
{
	u16 ethertype = p->v6 ? ETH_P_IPV6 : ETH_P_IP;
	struct ethhdr *eth = (struct ethhdr *)t->frame;
	unsigned int i, off = ETH_HLEN, len;
	__be16 *type = &eth->h_proto;
	struct udphdr *uh;
	struct tcphdr *th;
	u8 *l3;

	memset(t->frame, 0, ETH_HLEN + 4 * VLAN_HLEN + 2200);
	put_unaligned_be32(0x02000000, eth->h_dest);
	put_unaligned_be32(0x02000001, eth->h_source);
	put_unaligned_be32(p->flow, eth->h_source + 2);
	for (i = 0; i < p->tags; i++) {
		struct vlan_hdr *vh = (struct vlan_hdr *)(t->frame + off);

		*type = htons(p->tpid);
		vh->h_vlan_TCI = htons(100 + i);
		type = &vh->h_vlan_encapsulated_proto;
		off += VLAN_HLEN;
	}
	*type = htons(ethertype);

	p->l3 = off;
	p->l4 = off + p->ext +
		(p->v6 ? sizeof(struct ipv6hdr) : sizeof(struct iphdr));
	p->hlen = p->l4;
	if (p->proto == IPPROTO_TCP)
		p->hlen += sizeof(*th) + p->opt;
	else if (p->proto == IPPROTO_UDP)
		p->hlen += sizeof(*uh);

	l3 = t->frame + p->l3;
	if (p->v6) {
		struct ipv6hdr *ip6h = (struct ipv6hdr *)l3;

		ip6_flow_hdr(ip6h, p->dsfield, htonl(0x12345));
		ip6h->payload_len = htons(p->hlen + p->payload - p->l3 -
					  sizeof(*ip6h));
		ip6h->nexthdr = p->proto;
		ip6h->hop_limit = 63;
		ip6h->saddr.s6_addr32[0] = htonl(0x20010db8);
		ip6h->saddr.s6_addr32[3] = htonl(p->flow);
		ip6h->daddr.s6_addr32[0] = htonl(0x20010db8);
		ip6h->daddr.s6_addr32[3] = htonl(0xffff);
		if (p->ext) {
			/* Filled with Pad1 options, which are zeroes. */
			ip6h->nexthdr = NEXTHDR_DEST;
			l3[sizeof(*ip6h)] = p->proto;
			l3[sizeof(*ip6h) + 1] = p->ext / 8 - 1;
		}
	} else {
		struct iphdr *iph = (struct iphdr *)l3;

		iph->version = 4;
		iph->ihl = (sizeof(*iph) + p->ext) / 4;
		iph->tos = p->dsfield;
		iph->tot_len = htons(p->hlen + p->payload - p->l3);
		iph->id = htons(0x1234);
		iph->frag_off = htons(p->frag_off);
		iph->ttl = 64;
		iph->protocol = p->proto;
		iph->saddr = htonl(0x0a000000 + p->flow);
		iph->daddr = htonl(0xc0a80001);
		/* No-operation options. */
		memset(iph + 1, 1, p->ext);
		iph->check = ip_fast_csum(iph, iph->ihl);
	}

	len = p->hlen + p->payload - p->l4;
	if (p->proto == IPPROTO_TCP) {
		th = (struct tcphdr *)(t->frame + p->l4);
		th->source = htons(1024 + p->flow % 60000);
		th->dest = htons(80);
		th->seq = htonl(STT_TEST_SEQ);
		th->ack_seq = htonl(1);
		th->doff = (sizeof(*th) + p->opt) / 4;
		((u8 *)th)[13] = p->flags ?: 0x10;
		th->window = htons(1000);
		memset(th + 1, 1, p->opt);
		th->check = ~stt_test_magic(p, l3, len, 0);
	} else if (p->proto == IPPROTO_UDP) {
		uh = (struct udphdr *)(t->frame + p->l4);
		uh->source = htons(1024 + p->flow % 60000);
		uh->dest = htons(53);
		uh->len = htons(len);
		uh->check = ~stt_test_magic(p, l3, len, 0);
	}
}

/**
 * stt_test_packet - make an inner packet
 * @t: test; its frame then holds the packet's bytes
 * @p: what it is; offsets are filled in
 * @lo: layout; the headers are linear in any case
 *
 * As the stack hands it to a device, but for the checksum: see
 * stt_test_partial().
 */
struct sk_buff *stt_test_packet(struct stt_test *t, struct stt_test_pkt *p,
				const struct stt_test_layout *lo)
{
	struct sk_buff *skb;

	stt_test_headers(t, p);
	memcpy(t->frame + p->hlen, t->bytes, p->payload);
	skb = stt_test_skb(t, t->frame, p->hlen + p->payload, p->hlen, lo);
	/* The flow dissector asks it for its namespace. */
	skb->dev = init_net.loopback_dev;
	skb->protocol = ((struct ethhdr *)t->frame)->h_proto;
	skb_reset_mac_header(skb);
	skb_set_network_header(skb, ETH_HLEN);
	skb_reset_mac_len(skb);

	return skb;
}

/**
 * stt_test_partial - leave the checksum of an inner packet to offload
 * @t: test
 * @skb: TCP or UDP packet
 * @p: what it is
 */
void stt_test_partial(struct stt_test *t, struct sk_buff *skb,
		      const struct stt_test_pkt *p)
{
	bool ok = skb_partial_csum_set(skb, p->l4, p->proto == IPPROTO_TCP ?
				       offsetof(struct tcphdr, check) :
				       offsetof(struct udphdr, check));

	KUNIT_ASSERT_TRUE(t->test, ok);
}

static bool stt_test_sums_equal(__sum16 a, __sum16 b)
{
	return a == b || ((__force u16)(a ^ b) == 0xffff && (!a || !b));
}

/**
 * stt_test_part_bad - is this TCP packet right as a part of another
 * @t: test; its frame and bytes are the whole packet's
 * @seg: part, from the Ethernet header on
 * @p: what the whole is
 * @off: bytes of payload that are in the parts before it
 *
 * Return: what is wrong, or NULL.
 */
const char *stt_test_part_bad(struct stt_test *t, struct sk_buff *seg,
			      const struct stt_test_pkt *p, unsigned int off)
{
	unsigned int payload = seg->len - p->hlen;
	bool last = off + payload == p->payload;
	struct ipv6hdr *ip6h;
	struct iphdr *iph;
	struct tcphdr *th;
	__sum16 sum;
	u8 flags;

	if (seg->len <= p->hlen || off + payload > p->payload)
		return "length";
	if (stt_test_insane(seg))
		return stt_test_insane(seg);
	if (!pskb_may_pull(seg, p->hlen))
		return "headers";
	if (memcmp(seg->data, t->frame, p->l3))
		return "Ethernet header";
	if (!stt_test_holds(t, seg, p->hlen, t->bytes + off, payload))
		return "payload";

	iph = (struct iphdr *)(seg->data + p->l3);
	ip6h = (struct ipv6hdr *)iph;
	if (p->v6) {
		if (ntohs(ip6h->payload_len) != seg->len - p->l3 - 40)
			return "IPv6 payload length";
	} else {
		if (ntohs(iph->tot_len) != seg->len - p->l3)
			return "IPv4 total length";
		if (ip_fast_csum(iph, iph->ihl))
			return "IPv4 checksum";
	}

	th = (struct tcphdr *)(seg->data + p->l4);
	if (ntohl(th->seq) != (u32)(STT_TEST_SEQ + off))
		return "TCP sequence number";
	flags = p->flags ?: 0x10;
	if (!last)
		flags &= ~STT_TEST_FIN_PSH;
	if (off)
		flags &= ~STT_TEST_CWR;
	if (((u8 *)th)[13] != flags)
		return "TCP flags";

	if (seg->ip_summed == CHECKSUM_PARTIAL) {
		sum = ~stt_test_magic(p, seg->data + p->l3,
				      seg->len - p->l4, 0);
		if (skb_checksum_start_offset(seg) != p->l4 ||
		    seg->csum_offset != offsetof(struct tcphdr, check) ||
		    !stt_test_sums_equal(sum, th->check))
			return "TCP pseudo-header sum";
	} else if (stt_test_magic(p, seg->data + p->l3, seg->len - p->l4,
				  skb_checksum(seg, p->l4, seg->len - p->l4,
					       0))) {
		return "TCP checksum";
	}

	return NULL;
}

/**
 * stt_test_segment - let GSO cut an inner TCP packet, and check the pieces
 * @t: test; its frame and bytes are the whole packet's
 * @skb: GSO packet, the whole or a part of it; stays the caller's
 * @p: what the whole is
 * @off: bytes of payload that are in parts before @skb
 * @mss: its gso_size
 * @features: what the device would be able to do
 * @what: for messages
 *
 * R12.
 */
void stt_test_segment(struct stt_test *t, struct sk_buff *skb,
		      const struct stt_test_pkt *p, unsigned int off,
		      unsigned int mss, netdev_features_t features,
		      const char *what)
{
	netdev_features_t tso = NETIF_F_TSO | NETIF_F_TSO6;
	unsigned int end = off + skb->len - p->hlen;
	struct sk_buff *segs, *seg;
	const char *bad = NULL;

	segs = skb_gso_segment(skb, features);
	/* The device would take it as it is. */
	if (!segs && features & tso && !skb_has_frag_list(skb))
		return;
	if (IS_ERR_OR_NULL(segs))
		KUNIT_FAIL_AND_ABORT(t->test, "%s, MSS %u, %pNF: GSO: %pe",
				     what, mss, &features, segs);

	for (seg = segs; seg && !bad; seg = seg->next) {
		unsigned int size = seg->len - p->hlen;

		bad = stt_test_part_bad(t, seg, p, off);
		if (bad)
			break;
		if (features & tso ? size > mss && !skb_is_gso(seg) :
				     size != min(mss, end - off))
			bad = "size";
		off += size;
	}
	if (!bad && off != end)
		bad = "count";
	kfree_skb_list(segs);
	if (bad)
		KUNIT_FAIL_AND_ABORT(t->test, "%s, MSS %u, %pNF: %s at %u",
				     what, mss, &features, bad, off);
}
