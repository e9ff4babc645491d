// SPDX-License-Identifier: GPL-2.0
/*
 * Receive: what a packet is when it reaches its device.  The skbs of a frame
 * come with marks in every field that the underlay, or the inner sender's own
 * stack, may have written; a receive handler looks at what is left of them.
 */
#include <linux/etherdevice.h>
#include <linux/if_vlan.h>
#include <linux/netdevice.h>
#include <linux/rtnetlink.h>
#include <linux/tcp.h>
#include <net/ip.h>
#include <net/stt.h>

#include "include/stt.h"
#include "include/stt_deliver.h"
#include "include/stt_dev.h"
#include "include/stt_early.h"
#include "include/stt_netlink.h"
#include "include/stt_port.h"
#include "include/stt_proto.h"
#include "include/stt_rx.h"
#include "include/stt_stats.h"
#include "lib.h"

#define STT_DTEST_PORT	7999
#define STT_DTEST_MARK	0x1234
#define STT_DTEST_TIME	ns_to_ktime(123456789)

/**
 * struct stt_dtest - a device, and what it gets
 * @t: what every test has
 * @dev: external device in the initial namespace
 * @got: packets that came to it
 * @id: of the next frame
 */
struct stt_dtest {
	struct stt_test		*t;
	struct net_device	*dev;
	struct sk_buff_head	got;
	u32			id;
};

static rx_handler_result_t stt_dtest_handler(struct sk_buff **pskb)
{
	struct stt_dtest *d;

	d = rcu_dereference((*pskb)->dev->rx_handler_data);
	skb_queue_tail(&d->got, *pskb);

	return RX_HANDLER_CONSUMED;
}

/* All that is visible of the underlay, or of the inner sender. */
static void stt_dtest_fill(struct sk_buff *skb)
{
	skb->pkt_type = PACKET_OTHERHOST;
	skb->ignore_df = 1;
	skb->skb_iif = 77;
	skb->mark = STT_DTEST_MARK;
	skb->priority = 6;
	skb->tstamp = STT_DTEST_TIME;
	skb_record_rx_queue(skb, 3);
	__skb_set_sw_hash(skb, 0x55555555, false);
	__vlan_hwaccel_put_tag(skb, htons(ETH_P_8021AD), 5);

	skb->encapsulation = 1;
	skb_set_inner_protocol(skb, htons(ETH_P_TEB));
	skb->inner_protocol_type = 1;
	skb->remcsum_offload = 1;
	skb->csum_complete_sw = 1;
	skb->csum_level = 3;
	skb->csum_valid = 1;
	skb_shinfo(skb)->gso_type = SKB_GSO_UDP_TUNNEL;

	skb->slow_gro = 1;
	skb->ooo_okay = 1;
	skb_set_dst_pending_confirm(skb, 1);
	skb->redirected = 1;
#if defined(CONFIG_NET_SCHED) || defined(CONFIG_NET_XGRESS)
	skb->tc_index = 9;
#endif
#ifdef CONFIG_IPV6_NDISC_NODETYPE
	skb->ndisc_nodetype = 2;
#endif
#if IS_ENABLED(CONFIG_IP_VS)
	skb->ipvs_property = 1;
#endif
#if IS_ENABLED(CONFIG_NETFILTER_XT_TARGET_TRACE) || IS_ENABLED(CONFIG_NF_TABLES)
	skb->nf_trace = 1;
#endif
#ifdef CONFIG_NET_SWITCHDEV
	skb->offload_fwd_mark = 1;
	skb->offload_l3_fwd_mark = 1;
#endif
	/* As XDP's: in front of the link header. */
	skb_reset_mac_header(skb);
	skb_metadata_set(skb, 8);
}

static void stt_dtest_expect(struct stt_dtest *d, struct sk_buff *skb,
			     const char *how)
{
	struct kunit *test = d->t->test;

#define STT_EXPECT(value, want)						\
	KUNIT_EXPECT_EQ_MSG(test, (u64)(value), (u64)(want), "%s", how)

	STT_EXPECT(skb->dev == d->dev, true);
	STT_EXPECT(skb->skb_iif, d->dev->ifindex);
	STT_EXPECT(skb->pkt_type, PACKET_HOST);
	STT_EXPECT(skb->ignore_df, 0);
	STT_EXPECT(skb_rx_queue_recorded(skb), false);
	STT_EXPECT(skb_vlan_tag_present(skb), false);
	STT_EXPECT(skb->hash, 0);
	STT_EXPECT(skb->sw_hash, 0);

	STT_EXPECT(skb->encapsulation, 0);
	STT_EXPECT(skb->inner_protocol_type, 0);
	STT_EXPECT(skb->remcsum_offload, 0);
	STT_EXPECT(skb->csum_complete_sw, 0);
	STT_EXPECT(skb->csum_level, 0);
	STT_EXPECT(skb->csum_valid, 0);
	STT_EXPECT(skb_shinfo(skb)->gso_type & SKB_GSO_UDP_TUNNEL, 0);
	STT_EXPECT(skb_shinfo(skb)->gso_size, 0);

	STT_EXPECT(skb->ooo_okay, 0);
	STT_EXPECT(skb_get_dst_pending_confirm(skb), 0);
	STT_EXPECT(skb_is_redirected(skb), false);
#if defined(CONFIG_NET_SCHED) || defined(CONFIG_NET_XGRESS)
	STT_EXPECT(skb->tc_index, 0);
#endif
#ifdef CONFIG_IPV6_NDISC_NODETYPE
	STT_EXPECT(skb->ndisc_nodetype, 0);
#endif
#if IS_ENABLED(CONFIG_IP_VS)
	STT_EXPECT(skb->ipvs_property, 0);
#endif
#if IS_ENABLED(CONFIG_NETFILTER_XT_TARGET_TRACE) || IS_ENABLED(CONFIG_NF_TABLES)
	STT_EXPECT(skb->nf_trace, 0);
#endif
#ifdef CONFIG_NET_SWITCHDEV
	STT_EXPECT(skb->offload_fwd_mark, 0);
	STT_EXPECT(skb->offload_l3_fwd_mark, 0);
#endif
	STT_EXPECT(skb_metadata_len(skb), 0);
	STT_EXPECT(!skb->sk, true);
	STT_EXPECT(!skb_nfct(skb), true);

	/* What other tunnels keep inside one namespace. */
	STT_EXPECT(skb->mark, STT_DTEST_MARK);
	STT_EXPECT(skb->priority, 6);
#undef STT_EXPECT
}

static void stt_dtest_key(struct stt_flow_key *from)
{
	memset(from, 0, sizeof(*from));
	from->saddr.v4 = htonl(0xc0000202);
	from->daddr.v4 = htonl(INADDR_LOOPBACK);
	from->sport = htons(50000);
	from->dport = htons(STT_DTEST_PORT);
	from->family = AF_INET;
}

/* A segment, from its IP header on, of a frame around @d->t->frame. */
static struct sk_buff *stt_dtest_segment(struct stt_dtest *d,
					 const struct stt_test_pkt *p,
					 const struct stt_offload *off,
					 unsigned int start, unsigned int end)
{
	unsigned int len = STT_HLEN + p->hlen + p->payload;
	struct stt_flow_key from;
	struct sk_buff *skb;
	struct tcphdr *th;
	struct iphdr *iph;
	u8 hdr[STT_HLEN];

	stt_dtest_key(&from);
	stt_hdr_encode((struct stt_hdr *)hdr, 5, off);
	skb = alloc_skb(128 + len, GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(d->t->test, skb);
	skb_reserve(skb, 64);
	skb->dev = init_net.loopback_dev;
	stt_dtest_fill(skb);

	skb_reset_network_header(skb);
	iph = skb_put_zero(skb, sizeof(*iph));
	iph->version = 4;
	iph->ihl = 5;
	iph->ttl = 64;
	iph->protocol = IPPROTO_TCP;
	iph->saddr = from.saddr.v4;
	iph->daddr = from.daddr.v4;
	iph->tot_len = htons(sizeof(*iph) + sizeof(*th) + end - start);
	th = skb_put(skb, sizeof(*th));
	stt_tcp_encode(th, from.sport, from.dport, len, d->id);
	th->seq = cpu_to_be32(stt_seq(len, start));
	for (; start < end; start++)
		*(u8 *)skb_put(skb, 1) = start < STT_HLEN ? hdr[start] :
					 d->t->frame[start - STT_HLEN];
	/* The NIC has checked it. */
	skb->ip_summed = CHECKSUM_UNNECESSARY;

	return skb;
}

static void stt_dtest_receive(struct stt_dtest *d, struct sk_buff *skb)
{
	struct stt_net *sn = stt_net(&init_net);
	struct stt_input_info in = { .thoff = sizeof(struct iphdr) };

	stt_dtest_key(&in.from);
	stt_skb_cb(skb)->iif = init_net.loopback_dev->ifindex;
	local_bh_disable();
	rcu_read_lock();
	in.port = stt_port_find_rcu(sn, AF_INET, htons(STT_DTEST_PORT));
	if (in.port)
		stt_rx_segment(sn, &in, skb);
	else
		kfree_skb(skb);
	rcu_read_unlock();
	local_bh_enable();
}

/* The packets that came, by GRO or not. */
static void stt_dtest_check(struct stt_dtest *d, unsigned int want,
			    const char *how)
{
	struct sk_buff *skb;
	unsigned int n = 0;

	while ((skb = skb_dequeue(&d->got))) {
		stt_dtest_expect(d, skb, how);
		kfree_skb(skb);
		n++;
	}
	KUNIT_EXPECT_EQ_MSG(d->t->test, n, want, "%s", how);
}

/* A small packet, which does not go by GRO. */
static void stt_dtest_inner(struct stt_dtest *d, struct stt_test_pkt *p,
			    struct stt_offload *off)
{
	*p = (struct stt_test_pkt) {
		.proto = IPPROTO_TCP, .payload = 300, .flags = 0x10,
		.frag_off = IP_DF,
	};
	kfree_skb(stt_test_packet(d->t, p, &stt_test_layouts[0]));
	memcpy(d->t->frame, d->dev->dev_addr, ETH_ALEN);
	*off = (struct stt_offload) {
		.flags = STT_F_CSUM_PARTIAL | STT_F_IPV4 | STT_F_TCP,
		.l4_offset = p->l4,
	};
	d->id++;
}

static void stt_deliver_whole(struct kunit *test)
{
	struct stt_dtest *d = test->priv;
	struct stt_offload off;
	struct stt_test_pkt p;

	stt_dtest_inner(d, &p, &off);
	stt_dtest_receive(d, stt_dtest_segment(d, &p, &off, 0, STT_HLEN +
					       p.hlen + p.payload));
	stt_dtest_check(d, 1, "whole frame with a partial checksum");

	stt_dtest_inner(d, &p, &off);
	off.flags = STT_F_CSUM_VERIFIED;
	stt_dtest_receive(d, stt_dtest_segment(d, &p, &off, 0, STT_HLEN +
					       p.hlen + p.payload));
	stt_dtest_check(d, 1, "whole frame with a verified checksum");
}

static void stt_deliver_reassembled(struct kunit *test)
{
	struct stt_dtest *d = test->priv;
	struct stt_offload off;
	struct stt_test_pkt p;
	unsigned int len;

	stt_dtest_inner(d, &p, &off);
	len = STT_HLEN + p.hlen + p.payload;
	stt_dtest_receive(d, stt_dtest_segment(d, &p, &off, 200, len));
	stt_dtest_check(d, 0, "part of a frame");
	stt_dtest_receive(d, stt_dtest_segment(d, &p, &off, 0, 200));
	stt_dtest_check(d, 1, "reassembled frame");
}

/* R15: the headers came, and the end of the payload. */
static void stt_deliver_parts(struct kunit *test)
{
	struct stt_dtest *d = test->priv;
	struct sk_buff *first, *second;
	struct stt_flow_key from;
	struct stt_offload off;
	struct stt_test_pkt p;
	unsigned int len;
	bool delivered;

	stt_dtest_inner(d, &p, &off);
	len = STT_HLEN + p.hlen + p.payload;
	first = stt_dtest_segment(d, &p, &off, 0, 150);
	second = stt_dtest_segment(d, &p, &off, 250, len);
	/* As segments wait for the others. */
	__skb_pull(first, sizeof(struct iphdr) + sizeof(struct tcphdr));
	__skb_pull(second, sizeof(struct iphdr) + sizeof(struct tcphdr));
	*stt_skb_cb(first) = (struct stt_skb_cb) {
		.frame_len = len, .segments = 2,
	};
	*stt_skb_cb(second) = (struct stt_skb_cb) {
		.offset = 250, .frame_len = len, .segments = 1,
	};
	first->next = second;
	stt_dtest_key(&from);
	local_bh_disable();
	delivered = stt_rx_partial(stt_net(&init_net), &from, first,
				   STT_NET_reasm_timeout, false);
	local_bh_enable();
	KUNIT_EXPECT_TRUE(test, delivered);
	stt_dtest_check(d, 2, "parts of a frame");
}

static void stt_deliver_bypassed(struct kunit *test)
{
	struct stt_dtest *d = test->priv;
	struct stt_dev *stt = netdev_priv(d->dev);
	struct stt_offload off;
	struct stt_flow_key from;
	struct stt_test_pkt p;
	struct sk_buff *skb;

	stt_dtest_inner(d, &p, &off);
	skb = stt_dtest_segment(d, &p, &off, STT_HLEN, STT_HLEN + p.hlen +
				p.payload);
	__skb_pull(skb, sizeof(struct iphdr) + sizeof(struct tcphdr));
	skb_shinfo(skb)->gso_type = 0;
	skb->csum_level = 0;
	skb->csum_valid = 0;
	stt_dtest_key(&from);
	local_bh_disable();
	rcu_read_lock();
	stt_rx_local(stt_net(&init_net), stt_conf_rcu(stt), &from, skb, &off,
		     0, 0);
	rcu_read_unlock();
	local_bh_enable();
	stt_dtest_check(d, 1, "frame that needed no headers");
}

static int stt_deliver_init(struct kunit *test)
{
	struct stt_dtest *d = kunit_kzalloc(test, sizeof(*d), GFP_KERNEL);
	int err;

	KUNIT_ASSERT_NOT_NULL(test, d);
	test->priv = d;
	d->t = stt_test_new(test);
	skb_queue_head_init(&d->got);
	/* Ids of the tests before are remembered: their frames came (R15a). */
	d->id = get_random_u32();

	rtnl_lock();
	d->dev = stt_dev_create_fb(&init_net, "stt-kunit%d", NET_NAME_ENUM,
				   htons(STT_DTEST_PORT), NULL);
	err = PTR_ERR_OR_ZERO(d->dev);
	if (!err)
		err = dev_open(d->dev, NULL);
	if (!err)
		err = netdev_rx_handler_register(d->dev, stt_dtest_handler, d);
	rtnl_unlock();
	KUNIT_ASSERT_EQ(test, err, 0);

	return 0;
}

static void stt_deliver_exit(struct kunit *test)
{
	struct stt_dtest *d = test->priv;
	LIST_HEAD(kill);

	if (!d || IS_ERR_OR_NULL(d->dev))
		return;
	rtnl_lock();
	netdev_rx_handler_unregister(d->dev);
	stt_dellink(d->dev, &kill);
	unregister_netdevice_many(&kill);
	rtnl_unlock();
	skb_queue_purge(&d->got);
	stt_test_end(d->t);
}

static struct kunit_case stt_deliver_tests[] = {
	KUNIT_CASE(stt_deliver_whole),
	KUNIT_CASE(stt_deliver_reassembled),
	KUNIT_CASE(stt_deliver_parts),
	KUNIT_CASE(stt_deliver_bypassed),
	{ }
};

static struct kunit_suite stt_deliver_suite = {
	.name = "stt_deliver",
	.init = stt_deliver_init,
	.exit = stt_deliver_exit,
	.test_cases = stt_deliver_tests,
};

kunit_test_suite(stt_deliver_suite);
