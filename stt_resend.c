// SPDX-License-Identifier: GPL-2.0
/*
 * Insurance for retransmissions (W14).
 *
 * Only a frame's first segment has the inner headers: a frame that loses it is
 * lost whole.  When that happens to what an inner TCP sends again, TCP waits
 * for its timer.  So the first segment of such a frame is sent once more.  It
 * follows the frame: a receiver that reassembles by offset, Open vSwitch's for
 * one, would otherwise drop the real segment that overlaps it.  Frames of one
 * segment are never repeated: a receiver would deliver them twice.
 *
 * No socket is needed to tell a retransmission: it begins below what its flow
 * sent before.  A table of the highest sequence number of recent flows tells,
 * so that this works for virtual machines as well.  It is lossy: a flow that
 * shares its entry with a busier one is not recognized, and one that moved to
 * another CPU only with its next new data.
 */
#include <linux/bottom_half.h>
#include <linux/hash.h>
#include <linux/percpu.h>
#include <net/tcp.h>

#include "include/stt.h"
#include "include/stt_inner.h"
#include "include/stt_resend.h"

#define STT_RESEND_BITS		8

/* What begins further below than this is another connection. */
#define STT_RESEND_WINDOW	SZ_64M

/*
 * A copy costs a flow so many frames of new data, and it may save so many: at
 * most a fifth of its frames are followed by a copy, however much TCP sends
 * again, and none until it is seen to make progress.
 */
#define STT_RESEND_PRICE	4
#define STT_RESEND_CREDIT	64

/**
 * struct stt_resend_flow - what an inner TCP flow sent
 * @hash: of the flow and its destination
 * @next: sequence number behind the highest byte
 * @credit: frames of several segments with new data that no copy was paid
 *	with, up to %STT_RESEND_CREDIT
 */
struct stt_resend_flow {
	u32		hash;
	u32		next;
	unsigned int	credit;
};

/**
 * struct stt_resend - flows of one CPU
 * @flows: by hash
 *
 * Written and read by its CPU alone, with BH disabled.
 */
struct stt_resend {
	struct stt_resend_flow	flows[1 << STT_RESEND_BITS];
};

static DEFINE_PER_CPU(struct stt_resend, stt_resend);

/* The payload's sequence numbers; false for what has none to compare. */
static bool stt_resend_payload(const struct sk_buff *skb,
			       const struct stt_inner *in, u32 *seq, u32 *next)
{
	const struct tcphdr *th;
	unsigned int hlen;
	struct tcphdr _th;

	th = skb_header_pointer(skb, in->l4, sizeof(_th), &_th);
	if (!th || th->syn)
		return false;
	hlen = in->l4 + th->doff * 4;
	if (skb->len <= hlen)
		return false;
	*seq = ntohl(th->seq);
	*next = *seq + skb->len - hlen;

	return true;
}

/**
 * stt_resend_look - as stt_resend_wanted()
 * @skb: inner packet, of TCP, from the Ethernet header on
 * @in: what it is
 * @hash: of its flow and destination
 * @several: it makes a frame of several segments
 *
 * Context: BH disabled.
 * Return: whether the frame's first segment is to follow it.
 */
bool stt_resend_look(const struct sk_buff *skb, const struct stt_inner *in,
		     u32 hash, bool several)
{
	struct stt_resend_flow *flow;
	u32 seq, next, below;

	if (!stt_bh_exclusive() || !stt_resend_payload(skb, in, &seq, &next))
		return false;

	flow = this_cpu_ptr(&stt_resend.flows[hash_32(hash, STT_RESEND_BITS)]);
	below = flow->next - seq;
	if (below > STT_RESEND_WINDOW && -below <= STT_RESEND_WINDOW)
		below = 0;	/* small packets in between */
	if (unlikely(flow->hash != hash || below > STT_RESEND_WINDOW)) {
		flow->hash = hash;
		flow->next = next;
		flow->credit = 0;
		return false;
	}
	if (after(next, flow->next))
		flow->next = next;
	if (!several)
		return false;
	if (likely(!below)) {
		if (flow->credit < STT_RESEND_CREDIT)
			flow->credit++;
		return false;
	}
	if (flow->credit < STT_RESEND_PRICE)
		return false;
	flow->credit -= STT_RESEND_PRICE;

	return true;
}

/**
 * stt_resend_copy - copy the first segment of a frame
 * @skb: the frame from its TCP-shaped header on, a GSO packet that is about to
 *	be sent; stays the caller's
 * @headroom: for the headers in front of that
 *
 * Context: BH disabled; allocates atomically.
 * Return: the segment as segmentation would make it, but for the pseudo-header's
 * sum, which has another length; with a reference to the route of @skb if that
 * has one.  NULL without memory.
 */
struct sk_buff *stt_resend_copy(const struct sk_buff *skb,
				unsigned int headroom)
{
	unsigned int len = sizeof(struct tcphdr) + skb_shinfo(skb)->gso_size;
	struct sk_buff *copy = alloc_skb(headroom + len, GFP_ATOMIC);

	if (!copy)
		return NULL;
	skb_reserve(copy, headroom);
	skb_copy_header(copy, skb);
	if (skb_copy_bits(skb, 0, skb_put(copy, len), len)) {
		kfree_skb(copy);
		return NULL;
	}
	skb_gso_reset(copy);
	skb_reset_transport_header(copy);
	copy->csum_start = skb_transport_header(copy) - copy->head;
	tcp_hdr(copy)->psh = 0;

	return copy;
}
