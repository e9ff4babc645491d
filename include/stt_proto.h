/* SPDX-License-Identifier: GPL-2.0 */
/*
 * STT on the wire: the frame header, the TCP-shaped segment header and the
 * encoding of their fields (draft-davie-stt sections 3.1 and 3.2).  Nothing
 * here depends on devices, namespaces or skbs.
 *
 * Comments cite the rules of docs/protocol.md by number: W1 and up for
 * transmission, R1 and up for reception.
 */
#ifndef _STT_PROTO_H
#define _STT_PROTO_H

#include <linux/bits.h>
#include <linux/build_bug.h>
#include <linux/if_ether.h>
#include <linux/if_vlan.h>
#include <linux/ip.h>
#include <linux/ipv6.h>
#include <linux/stddef.h>
#include <linux/string.h>
#include <linux/tcp.h>
#include <linux/types.h>
#include <linux/unaligned.h>

#define STT_VERSION		0

/*
 * Flags, byte 1.  The bit values are those of the deployed implementations;
 * the draft's figure numbers bits from the most significant one.
 */
#define STT_F_CSUM_VERIFIED	BIT(0)	/* C: inner checksum known good */
#define STT_F_CSUM_PARTIAL	BIT(1)	/* P: pseudo-header sum only */
#define STT_F_IPV4		BIT(2)	/* V: inner is IPv4, else IPv6 */
#define STT_F_TCP		BIT(3)	/* T: inner is TCP, else UDP */

/* VLAN field: PCP and VID as in 802.1Q, V in the place of DEI. */
#define STT_VLAN_V		BIT(12)
#define STT_VLAN_MASK		(VLAN_PRIO_MASK | VLAN_VID_MASK)

/* Group policy: the upper bits of the context id. */
#define STT_GBP_SHIFT		48
#define STT_GBP_MARK		0xffff
#define STT_GBP_ID_MASK		GENMASK_ULL(STT_GBP_SHIFT - 1, 0)

/**
 * struct stt_hdr - the STT frame header (section 3.1)
 * @version: %STT_VERSION
 * @flags: %STT_F_*
 * @l4_offset: bytes from the end of this header to the inner TCP or UDP
 *	header; 0 without %STT_F_CSUM_PARTIAL
 * @reserved: 0 on transmit, ignored on receipt
 * @mss: inner maximum segment size; 0 if the inner packet is not to be
 *	segmented
 * @vlan: PCP, %STT_VLAN_V and VID of the inner frame's 802.1Q tag
 * @context_id: virtual network
 * @pad: 0 on transmit, ignored on receipt; aligns the inner IP header
 *
 * Each frame has one, at its start.  Packed, because a frame may begin at any
 * address.
 */
struct stt_hdr {
	__u8	version;
	__u8	flags;
	__u8	l4_offset;
	__u8	reserved;
	__be16	mss;
	__be16	vlan;
	__be64	context_id;
	__be16	pad;
} __packed;

#define STT_HLEN		sizeof(struct stt_hdr)
static_assert(STT_HLEN == 18);
static_assert(offsetof(struct stt_hdr, mss) == 4);
static_assert(offsetof(struct stt_hdr, vlan) == 6);
static_assert(offsetof(struct stt_hdr, context_id) == 8);

/* Minimum size of a frame (R7), maximum size of an outer datagram (W3). */
#define STT_MIN_FRAME		(STT_HLEN + ETH_HLEN)
#define STT_MAX_DGRAM		65535
#define STT_MAX_FRAME_V4 \
	(STT_MAX_DGRAM - sizeof(struct tcphdr) - sizeof(struct iphdr))
#define STT_MAX_FRAME_V6	(STT_MAX_DGRAM - sizeof(struct tcphdr))

/* The largest inner MTU for a frame of that size. */
#define STT_MAX_MTU_V4		(STT_MAX_FRAME_V4 - STT_MIN_FRAME)
#define STT_MAX_MTU_V6		(STT_MAX_FRAME_V6 - STT_MIN_FRAME)
static_assert(STT_MAX_MTU_V4 == 65463);
static_assert(STT_MAX_MTU_V6 == 65483);

/*
 * Smallest inner MSS that is sent or accepted (R10).  It limits the packets
 * that one frame can become to 1365, as TCP_MIN_SND_MSS does for TCP.
 */
#define STT_MIN_MSS		48

/**
 * struct stt_offload - the offload fields of a header, decoded
 * @flags: %STT_F_*
 * @l4_offset: from the inner Ethernet header to the TCP or UDP header, bytes
 * @mss: inner MSS in bytes, 0 for none
 * @vlan_tci: PCP and VID
 * @vlan_present: the frame has an 802.1Q tag, possibly with VID 0
 *
 * All fields are in host order.
 */
struct stt_offload {
	u8	flags;
	u8	l4_offset;
	u16	mss;
	u16	vlan_tci;
	bool	vlan_present;
};

/**
 * stt_hdr_encode - write a frame header (W6, W7, W9)
 * @hdr: destination of %STT_HLEN bytes; need not be aligned
 * @id: context id, host order
 * @off: all other fields
 */
static inline void stt_hdr_encode(struct stt_hdr *hdr, u64 id,
				  const struct stt_offload *off)
{
	u16 vlan = 0;

	if (off->vlan_present)
		vlan = (off->vlan_tci & STT_VLAN_MASK) | STT_VLAN_V;

	hdr->version = STT_VERSION;
	hdr->flags = off->flags;
	hdr->l4_offset = off->l4_offset;
	hdr->reserved = 0;
	put_unaligned_be16(off->mss, &hdr->mss);
	put_unaligned_be16(vlan, &hdr->vlan);
	put_unaligned_be64(id, &hdr->context_id);
	hdr->pad = 0;
}

/**
 * stt_hdr_decode - read a frame header of version 0
 * @hdr: header; need not be aligned
 * @off: filled in; without P, fields that depend on it are 0 (R10)
 *
 * Unused flags, the reserved byte and the padding are ignored (R4).
 *
 * Return: the context id, host order.
 */
static inline u64 stt_hdr_decode(const struct stt_hdr *hdr,
				 struct stt_offload *off)
{
	u16 vlan = get_unaligned_be16(&hdr->vlan);
	u8 known = STT_F_CSUM_VERIFIED;

	memset(off, 0, sizeof(*off));
	if (hdr->flags & STT_F_CSUM_PARTIAL) {
		known |= STT_F_CSUM_PARTIAL | STT_F_IPV4 | STT_F_TCP;
		off->l4_offset = hdr->l4_offset;
		off->mss = get_unaligned_be16(&hdr->mss);
	}
	off->flags = hdr->flags & known;
	off->vlan_present = vlan & STT_VLAN_V;
	off->vlan_tci = off->vlan_present ? vlan & STT_VLAN_MASK : 0;

	return get_unaligned_be64(&hdr->context_id);
}

/**
 * stt_seq - the sequence number of a segment (section 3.2, W3)
 * @len: frame length in bytes, including the STT header
 * @offset: offset of the segment's first byte in the frame
 *
 * A TSO engine adds the number of bytes sent to the sequence number, which
 * adds it to the offset.
 *
 * Return: the sequence number, host order.
 */
static inline u32 stt_seq(u16 len, u16 offset)
{
	return (u32)len << 16 | offset;
}

static inline u16 stt_seq_len(u32 seq)
{
	return seq >> 16;
}

static inline u16 stt_seq_offset(u32 seq)
{
	return seq & 0xffff;
}

/**
 * stt_tcp_encode - write the TCP-shaped header of a frame (W1, W3, W4)
 * @th: destination
 * @sport: outer source port
 * @dport: outer destination port
 * @len: frame length in bytes, including the STT header
 * @id: frame id
 *
 * The checksum is set to 0.
 */
static inline void stt_tcp_encode(struct tcphdr *th, __be16 sport,
				  __be16 dport, u16 len, u32 id)
{
	memset(th, 0, sizeof(*th));
	th->source = sport;
	th->dest = dport;
	th->seq = cpu_to_be32(stt_seq(len, 0));
	th->ack_seq = cpu_to_be32(id);
	th->doff = sizeof(*th) / 4;
	th->ack = 1;
	th->psh = 1;
}

/**
 * struct stt_id_key - secret for stt_id_permute()
 * @mul: an odd multiplier for each round
 * @add: an addend for each round
 */
struct stt_id_key {
	u32	mul[4];
	u32	add[4];
};

/**
 * stt_id_permute - map a counter to a frame id, one to one (W2)
 * @key: the secret
 * @n: the counter
 *
 * A Feistel network of four rounds over 16-bit halves is a permutation with
 * any round function, so no two counters get the same id.  Ids cannot be
 * guessed by hosts that see none of them; it is not a cipher.
 *
 * Return: the frame id.
 */
static inline u32 stt_id_permute(const struct stt_id_key *key, u32 n)
{
	u32 l = n >> 16, r = n & 0xffff, t;
	int i;

	for (i = 0; i < 4; i++) {
		t = r;
		r = l ^ (((r + key->add[i]) * key->mul[i]) >> 16);
		l = t;
	}

	return l << 16 | r;
}

/**
 * stt_port_scale - spread a flow hash over a range of ports (W5)
 * @hash: any 32 bits
 * @min: lowest port
 * @max: highest port, not below @min
 *
 * Return: a port from @min to @max, both included, host order.
 */
static inline u16 stt_port_scale(u32 hash, u16 min, u16 max)
{
	/* The scaling uses the upper bits: mix the lower ones into them. */
	hash ^= hash << 16;

	return min + (u16)(((u64)hash * (max - min + 1u)) >> 32);
}

#endif /* _STT_PROTO_H */
