// SPDX-License-Identifier: GPL-2.0
/*
 * The layout of packets: joining segments without copying, and converting
 * packets to a layout that skb_segment() can cut at any size.
 *
 * A "cuttable" packet (R12) has its data in its linear part and in page
 * fragments, and beyond those in frag_list members that have page fragments
 * only.  No range of one segment's size spans more fragments than an skb can
 * hold.  A list member with linear data would make skb_segment() rely on the
 * sizes that the sender chose, and could trigger its BUG_ON().
 */
#include <linux/mm.h>
#include <linux/skbuff.h>
#include <linux/skbuff_ref.h>
#include <net/sock.h>

#include "include/stt_skb.h"

/* Smaller segments are copied, which is cheaper than a page fragment. */
#define STT_COPY_MAX	256

/**
 * struct stt_builder - a packet to which data is appended
 * @head: the packet; its linear part does not change
 * @tail: where data is appended: @head, or the last member of its frag_list
 * @page: partly used page for copied bytes
 *
 * Neither @head nor @tail is shared or cloned.
 */
struct stt_builder {
	struct sk_buff		*head;
	struct sk_buff		*tail;
	struct page_frag	page;
};

/* Account in the head for data that was appended to the tail. */
static void stt_builder_grew(struct stt_builder *b, unsigned int len,
			     unsigned int truesize)
{
	if (b->tail == b->head)
		return;

	b->head->len += len;
	b->head->data_len += len;
	b->head->truesize += truesize;
}

/* Append @skb as a frag_list member.  It has page fragments only; consumed. */
static void stt_builder_link(struct stt_builder *b, struct sk_buff *skb)
{
	skb->next = NULL;
	if (b->tail == b->head)
		skb_shinfo(b->head)->frag_list = skb;
	else
		b->tail->next = skb;
	b->tail = skb;
	stt_builder_grew(b, skb->len, skb->truesize);
}

/* Append an empty member that has room for page fragments only. */
static bool stt_builder_extend(struct stt_builder *b)
{
	struct sk_buff *skb = alloc_skb(0, GFP_ATOMIC);

	if (!skb)
		return false;

	skb_reserve(skb, skb_tailroom(skb));
	stt_builder_link(b, skb);

	return true;
}

static bool stt_builder_has_room(const struct stt_builder *b)
{
	if (b->tail == b->head && skb_has_frag_list(b->head))
		return false;

	return skb_shinfo(b->tail)->nr_frags < MAX_SKB_FRAGS;
}

/*
 * Page fragment @i of the tail came from another skb.  If it continues the
 * fragment before it in the same page, merge the two.  This undoes the cutting
 * of pages by software GSO.
 */
static void stt_builder_merge(struct stt_builder *b, int i)
{
	struct skb_shared_info *shinfo = skb_shinfo(b->tail);
	skb_frag_t *prev, *frag;

	if (!i || i >= shinfo->nr_frags || b->tail->pp_recycle)
		return;

	prev = &shinfo->frags[i - 1];
	frag = &shinfo->frags[i];
	if (!skb_frag_page(prev) || skb_frag_page(prev) != skb_frag_page(frag) ||
	    skb_frag_off(prev) + skb_frag_size(prev) != skb_frag_off(frag))
		return;

	skb_frag_size_add(prev, skb_frag_size(frag));
	skb_frag_unref(b->tail, i);
	shinfo->nr_frags--;
	memmove(frag, frag + 1, (shinfo->nr_frags - i) * sizeof(*frag));
}

/* Append a copy of @skb, which stays the caller's. */
static bool stt_builder_copy(struct stt_builder *b, const struct sk_buff *skb)
{
	unsigned int off = 0;

	while (off < skb->len) {
		struct page_frag *pf = &b->page;
		struct skb_shared_info *shinfo;
		unsigned int len;

		if (!stt_builder_has_room(b) && !stt_builder_extend(b))
			return false;
		if (!skb_page_frag_refill(1, pf, GFP_ATOMIC))
			return false;

		len = min_t(u32, skb->len - off, pf->size - pf->offset);
		if (skb_copy_bits(skb, off, page_address(pf->page) + pf->offset,
				  len))
			return false;

		shinfo = skb_shinfo(b->tail);
		if (skb_can_coalesce(b->tail, shinfo->nr_frags, pf->page,
				     pf->offset)) {
			skb_coalesce_rx_frag(b->tail, shinfo->nr_frags - 1,
					     len, len);
		} else {
			get_page(pf->page);
			skb_add_rx_frag(b->tail, shinfo->nr_frags, pf->page,
					pf->offset, len, len);
		}
		pf->offset += len;
		off += len;
		stt_builder_grew(b, len, len);
	}

	return true;
}

/* Append @skb, which has no frag_list.  Consumes it in any case. */
static bool stt_builder_add(struct stt_builder *b, struct sk_buff *skb)
{
	int nr = skb_shinfo(b->tail)->nr_frags;
	unsigned int len = skb->len;
	bool stolen, ok = true;
	int delta;

	if (!len)
		goto out;

	if (len <= STT_COPY_MAX) {
		ok = stt_builder_copy(b, skb);
		goto out;
	}

	/*
	 * skb_try_coalesce() copies into the tailroom if there is any.  Only a
	 * head without fragments has tailroom, never a list member.
	 */
	if (stt_builder_has_room(b) &&
	    skb_try_coalesce(b->tail, skb, &stolen, &delta)) {
		stt_builder_grew(b, len, delta);
		kfree_skb_partial(skb, stolen);
		stt_builder_merge(b, nr);
		return true;
	}

	/* It has fragments only: make it the next member. */
	if (!skb_headlen(skb) && !skb_cloned(skb)) {
		skb_orphan(skb);
		stt_builder_link(b, skb);
		return true;
	}

	ok = stt_builder_copy(b, skb);
out:
	consume_skb(skb);
	return ok;
}

/* Remove the frag_list from @skb, which is not cloned, and return it. */
static struct sk_buff *stt_skb_take_list(struct sk_buff *skb)
{
	struct sk_buff *list = skb_shinfo(skb)->frag_list, *member;

	for (member = list; member; member = member->next) {
		skb->len -= member->len;
		skb->data_len -= member->len;
		skb->truesize -= member->truesize;
	}
	skb_shinfo(skb)->frag_list = NULL;

	return list;
}

/*
 * Append the members of a former frag_list.  A member that is shared with a
 * clone of the list's owner is cloned.  A member with a frag_list of its own
 * (from IP reassembly of GRO packets) is copied.  Consumes the list in any
 * case; if @ok is false, it only frees it.
 */
static bool stt_builder_add_list(struct stt_builder *b, struct sk_buff *list,
				 bool ok)
{
	struct sk_buff *skb, *next;

	for (skb = list; skb; skb = next) {
		next = skb->next;
		if (skb_shared(skb)) {
			struct sk_buff *clone = skb_clone(skb, GFP_ATOMIC);

			consume_skb(skb);
			skb = clone;
			if (!skb) {
				ok = false;
				continue;
			}
		}
		skb_mark_not_on_list(skb);
		if (!ok) {
			kfree_skb(skb);
		} else if (skb_has_frag_list(skb)) {
			ok = stt_builder_copy(b, skb);
			consume_skb(skb);
		} else {
			ok = stt_builder_add(b, skb);
		}
	}

	return ok;
}

/* Append @skb including its frag_list.  Consumes it in any case. */
static bool stt_builder_add_tree(struct stt_builder *b, struct sk_buff *skb)
{
	struct sk_buff *list;

	if (!skb_has_frag_list(skb))
		return stt_builder_add(b, skb);

	if (skb_unclone(skb, GFP_ATOMIC)) {
		kfree_skb(skb);
		return false;
	}
	list = stt_skb_take_list(skb);

	return stt_builder_add_list(b, list, stt_builder_add(b, skb));
}

/**
 * stt_skb_join - make one packet of several
 * @head: the first packet, not shared; its linear part is kept
 * @rest: the following packets in order, linked by ->next; may be NULL
 *
 * Page fragments are moved, not copied, where possible.  Consumes all packets.
 * Pointers into them are stale afterwards, including those into the linear
 * part of @head.
 *
 * Context: any; allocates atomically.
 * Return: the packet, or NULL without memory.
 */
struct sk_buff *stt_skb_join(struct sk_buff *head, struct sk_buff *rest)
{
	struct stt_builder b = { .head = head, .tail = head };
	bool ok = !skb_unclone(head, GFP_ATOMIC);
	struct sk_buff *next;

	if (ok && skb_has_frag_list(head))
		ok = stt_builder_add_list(&b, stt_skb_take_list(head), true);

	for (; rest; rest = next) {
		next = rest->next;
		skb_mark_not_on_list(rest);
		if (ok)
			ok = stt_builder_add_tree(&b, rest);
		else
			kfree_skb(rest);
	}
	if (b.page.page)
		put_page(b.page.page);
	if (ok)
		return head;

	kfree_skb(head);
	return NULL;
}

/**
 * stt_skb_equal - compare bytes of two packets
 * @a: first packet
 * @a_off: offset in @a
 * @b: second packet
 * @b_off: offset in @b
 * @len: number of bytes, which both packets have
 *
 * Context: any.
 * Return: true if all bytes are equal.
 */
bool stt_skb_equal(const struct sk_buff *a, int a_off,
		   const struct sk_buff *b, int b_off, int len)
{
	u8 x[128], y[128];

	while (len) {
		int n = min_t(int, len, sizeof(x));

		if (skb_copy_bits(a, a_off, x, n) ||
		    skb_copy_bits(b, b_off, y, n) || memcmp(x, y, n))
			return false;
		a_off += n;
		b_off += n;
		len -= n;
	}

	return true;
}

/**
 * struct stt_frag_window - the last fragments seen while walking a packet
 * @sizes: sizes of the last fragments, a ring
 * @n: number of fragments seen
 * @bytes: sum of @sizes
 */
struct stt_frag_window {
	unsigned int	sizes[MAX_SKB_FRAGS - 1];
	unsigned int	n;
	unsigned int	bytes;
};

/*
 * A segment may begin and end inside a fragment.  It fits into an skb if, of
 * any MAX_SKB_FRAGS + 1 consecutive fragments, those between the first and the
 * last hold at least @size bytes.
 */
static bool stt_frag_window_add(struct stt_frag_window *w,
				const struct sk_buff *skb, unsigned int size)
{
	const struct skb_shared_info *shinfo = skb_shinfo(skb);
	int i;

	for (i = 0; i < shinfo->nr_frags; i++) {
		unsigned int *slot = &w->sizes[w->n % ARRAY_SIZE(w->sizes)];

		if (w->n >= ARRAY_SIZE(w->sizes)) {
			if (w->bytes < size)
				return false;
			w->bytes -= *slot;
		}
		*slot = skb_frag_size(&shinfo->frags[i]);
		w->bytes += *slot;
		w->n++;
	}

	return true;
}

/*
 * If all members of the frag_list but the last have the same length as the
 * payload before the list, skb_segment() cuts a packet for a device with TSO
 * into pieces of that length first, rounded down to a multiple of @size.
 * Returns the length of the longest range that has to fit into one skb.
 */
static unsigned int stt_skb_stretch(const struct sk_buff *skb,
				    unsigned int hlen, unsigned int size)
{
	unsigned int len = skb_shinfo(skb)->frag_list->len;
	unsigned int first = skb->len - hlen;
	const struct sk_buff *member;

	skb_walk_frags(skb, member) {
		if (member->len != len && member->next)
			return size;
		first -= member->len;
	}

	return first == len ? max(size, len / size * size) : size;
}

static bool stt_skb_frags_hold(const struct sk_buff *skb, unsigned int least)
{
	const struct skb_shared_info *shinfo = skb_shinfo(skb);
	int i;

	for (i = 0; i < shinfo->nr_frags; i++)
		if (skb_frag_size(&shinfo->frags[i]) < least)
			return false;

	return true;
}

static bool stt_skb_is_cuttable(const struct sk_buff *skb, unsigned int hlen,
				unsigned int size)
{
	const struct sk_buff *member;
	struct stt_frag_window w;
	unsigned int least;
	bool large;

	size = stt_skb_stretch(skb, hlen, size);
	/* Fast path: every fragment is so large that no sum is needed. */
	least = DIV_ROUND_UP(size, ARRAY_SIZE(w.sizes));
	large = stt_skb_frags_hold(skb, least);
	skb_walk_frags(skb, member) {
		if (skb_headlen(member) || skb_has_frag_list(member) ||
		    !skb_shinfo(member)->nr_frags)
			return false;
		large = large && stt_skb_frags_hold(member, least);
	}
	if (likely(large))
		return true;

	w.n = 0;
	w.bytes = 0;
	if (!stt_frag_window_add(&w, skb, size))
		return false;
	skb_walk_frags(skb, member)
		if (!stt_frag_window_add(&w, member, size))
			return false;

	return true;
}

/* Swap page fragments and frag_list; neither packet is cloned. */
static void stt_skb_swap_data(struct sk_buff *a, struct sk_buff *b)
{
	struct skb_shared_info *x = skb_shinfo(a), *y = skb_shinfo(b);
	int i;

	for (i = 0; i < MAX_SKB_FRAGS; i++)
		swap(x->frags[i], y->frags[i]);
	swap(x->nr_frags, y->nr_frags);
	swap(x->frag_list, y->frag_list);
}

/* Copy all non-linear data into as few page fragments as possible. */
static int stt_skb_repack(struct sk_buff *skb)
{
	struct stt_builder b = { };
	struct sk_buff *tail;
	bool ok;

	if (skb_unclone(skb, GFP_ATOMIC))
		return -ENOMEM;

	b.head = alloc_skb(0, GFP_ATOMIC);
	if (!b.head)
		return -ENOMEM;
	skb_reserve(b.head, skb_tailroom(b.head));
	b.tail = b.head;

	/* A clone that begins after the linear part. */
	tail = skb_clone(skb, GFP_ATOMIC);
	ok = tail && __skb_pull(tail, skb_headlen(skb)) &&
	     stt_builder_copy(&b, tail);
	kfree_skb(tail);
	if (b.page.page)
		put_page(b.page.page);
	if (ok) {
		/*
		 * A socket was charged the old truesize and has to be
		 * uncharged the same amount.
		 */
		if (!skb->sk)
			skb->truesize += b.head->data_len - skb->data_len;
		/* The old fragments return to their page pool. */
		b.head->pp_recycle = skb->pp_recycle;
		stt_skb_swap_data(skb, b.head);
	}
	kfree_skb(b.head);

	return ok ? 0 : -ENOMEM;
}

/**
 * stt_skb_make_cuttable - prepare a packet for skb_segment() at a given size
 * @skb: the packet, not shared; stays the caller's
 * @hlen: length of the headers that each segment repeats, bytes
 * @size: payload of each segment, bytes
 *
 * A packet without a frag_list has at most %MAX_SKB_FRAGS fragments and needs
 * nothing.  Pointers into the packet are stale afterwards, except those into
 * its linear part.
 *
 * Context: any; allocates atomically.
 * Return: 0, or -ENOMEM with the data of the packet unchanged.
 */
int stt_skb_make_cuttable(struct sk_buff *skb, unsigned int hlen,
			  unsigned int size)
{
	if (likely(!skb_has_frag_list(skb)))
		return 0;
	if (stt_skb_is_cuttable(skb, hlen, size))
		return 0;

	return stt_skb_repack(skb);
}
