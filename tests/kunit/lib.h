/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What the unit tests share: reproducible bytes, packets of any layout, inner
 * packets with all their headers, and a look at what GSO makes of them.  Tests
 * cite the rules of docs/protocol.md by number (W4, R7).
 */
#ifndef _STT_KUNIT_LIB_H
#define _STT_KUNIT_LIB_H

#include <kunit/test.h>
#include <linux/netdev_features.h>
#include <linux/prandom.h>
#include <linux/skbuff.h>

#define STT_TEST_BYTES		(128 * 1024)
#define STT_TEST_PAGES		2048
#define STT_TEST_FRAME		(66 * 1024)

/**
 * struct stt_test - what a test case works with
 * @test: the case
 * @bytes: %STT_TEST_BYTES random ones, the same in every run
 * @frame: room to compose a packet in, %STT_TEST_FRAME
 * @scratch: room to copy a packet to, %STT_TEST_FRAME
 * @rnd: random numbers, the same in every run
 * @pages: those that packets were made of; one reference each is ours
 * @npages: how many
 * @cut: bytes of the last one that are in use
 */
struct stt_test {
	struct kunit	*test;
	u8		*bytes;
	u8		*frame;
	u8		*scratch;
	struct rnd_state rnd;
	struct page	*pages[STT_TEST_PAGES];
	unsigned int	npages;
	unsigned int	cut;
};

/**
 * struct stt_test_shape - where one skb has its bytes
 * @linear: in its linear part, at most
 * @page_head: the linear part is a page (head_frag)
 * @frag: in each page fragment
 * @frags: how many of these
 * @joined: fragments follow each other in one page
 */
struct stt_test_shape {
	unsigned int	linear;
	bool		page_head;
	unsigned int	frag;
	unsigned int	frags;
	bool		joined;
};

/**
 * struct stt_test_layout - where a packet has its bytes
 * @name: for messages
 * @head: the first skb; takes all if @member is empty
 * @member: each member of its frag_list
 * @nested: members have a frag_list of one such member themselves
 */
struct stt_test_layout {
	const char		*name;
	struct stt_test_shape	head;
	struct stt_test_shape	member;
	bool			nested;
};

extern const struct stt_test_layout stt_test_layouts[];
extern const unsigned int stt_test_nlayouts;

struct stt_test *stt_test_new(struct kunit *test);
void stt_test_end(struct stt_test *t);
u32 stt_test_below(struct stt_test *t, u32 n);
struct sk_buff *stt_test_skb(struct stt_test *t, const u8 *data,
			     unsigned int len, unsigned int linear,
			     const struct stt_test_layout *lo);
void stt_test_share(struct sk_buff *skb);
void stt_test_unshare(struct sk_buff *list);
bool stt_test_holds(struct stt_test *t, const struct sk_buff *skb,
		    unsigned int off, const u8 *data, unsigned int len);
const char *stt_test_insane(const struct sk_buff *skb);
unsigned int stt_test_pages_held(struct stt_test *t);

/**
 * struct stt_test_pkt - an inner packet, and where its headers came to stand
 * @v6: IPv6
 * @proto: of the IP header, or behind @ext
 * @tags: VLAN tags in the frame
 * @tpid: of the tags
 * @ext: bytes of IPv4 options or of an IPv6 destination options header
 * @opt: bytes of TCP options
 * @payload: bytes behind all headers
 * @dsfield: DSCP and ECN
 * @frag_off: IPv4's, host order
 * @flags: byte 13 of the TCP header
 * @flow: varies addresses and ports
 * @l3: offset of the IP header
 * @l4: offset of what is behind IP
 * @hlen: length of all headers
 */
struct stt_test_pkt {
	bool		v6;
	u8		proto;
	unsigned int	tags;
	u16		tpid;
	unsigned int	ext;
	unsigned int	opt;
	unsigned int	payload;
	u8		dsfield;
	u16		frag_off;
	u8		flags;
	u32		flow;

	unsigned int	l3;
	unsigned int	l4;
	unsigned int	hlen;
};

struct sk_buff *stt_test_packet(struct stt_test *t, struct stt_test_pkt *p,
				const struct stt_test_layout *lo);
void stt_test_partial(struct stt_test *t, struct sk_buff *skb,
		      const struct stt_test_pkt *p);
const char *stt_test_part_bad(struct stt_test *t, struct sk_buff *seg,
			      const struct stt_test_pkt *p, unsigned int off);
void stt_test_segment(struct stt_test *t, struct sk_buff *skb,
		      const struct stt_test_pkt *p, unsigned int off,
		      unsigned int mss, netdev_features_t features,
		      const char *what);

#endif /* _STT_KUNIT_LIB_H */
