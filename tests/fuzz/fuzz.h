/* SPDX-License-Identifier: GPL-2.0 */
/*
 * A fuzzer of the STT module, run as root in a VM by selftests/fuzz.sh, which
 * draws the topology.
 *
 *	util.c		random numbers, bytes that are damaged, checksums
 *	inner.c		inner packets, and frames that tell right or wrong of them
 *	segments.c	segments of frames: cut, lost, repeated, in any order
 *	io.c		taps and packet sockets, layouts of packets
 *	netlink.c	messages to rtnetlink
 *	main.c		what is done with all that, and what must hold
 *
 * Everything that is sent follows from one seed.  Written from the protocol
 * alone: nothing is shared with the module.
 */
#ifndef STT_FUZZ_H
#define STT_FUZZ_H

#include <linux/types.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdnoreturn.h>

#define ARRAY_SIZE(a)	(sizeof(a) / sizeof((a)[0]))

#define STT_PORT	7471
#define STT_HLEN	18
#define MAX_FRAME	65535
#define MAX_PACKET	131072

typedef __u8 u8;
typedef __u16 u16;
typedef __u32 u32;
typedef __u64 u64;

enum { F_C = 0x01, F_P = 0x02, F_V = 0x04, F_T = 0x08 };

noreturn void die(const char *fmt, ...);

/* ---- util.c ------------------------------------------------------------ */

void rng_seed(u64 seed);
u32 rnd(u32 below);
bool one_in(u32 n);
u32 rnd_size(u32 most);
void rnd_fill(u8 *to, unsigned int len);
void put16(u8 *to, u16 v);
void put32(u8 *to, u32 v);
u16 get16(const u8 *from);
u32 get32(const u8 *from);
u32 sum16(const u8 *p, unsigned int len, u32 sum);
u16 fold(u32 sum);
void damage(u8 *p, unsigned int *len, unsigned int from, unsigned int to,
	    unsigned int most, unsigned int times);

/* What byte @at of honest packet @serial is. */
static inline u8 honest_byte(u32 serial, u32 at)
{
	u32 x = (serial * 2654435761u) ^ (at / 4 * 2246822519u);

	x ^= x >> 15;
	x *= 3266489917u;
	x ^= x >> 13;

	return x >> at % 4 * 8;
}

/* ---- inner.c ----------------------------------------------------------- */

/**
 * struct inner - an inner packet
 * @data: from the Ethernet header on
 * @len: bytes
 * @l3: offset of the IP header, 0 for none
 * @l4: offset of TCP or UDP, 0 for none
 * @hlen: bytes before the payload
 * @v4: IPv4
 * @tcp: TCP, else UDP
 * @partial: the checksum is the pseudo-header's only
 */
struct inner {
	u8		data[MAX_FRAME];
	unsigned int	len;
	unsigned int	l3, l4, hlen;
	bool		v4, tcp, partial;
};

/**
 * struct frame - an STT frame that is on its way
 * @data: from the STT header on
 * @len: bytes
 */
struct frame {
	u8		data[MAX_FRAME + 1];
	unsigned int	len;
};

extern u8 macs[4][6];
extern const u8 honest_mac[4];

void inner_random(struct inner *in, unsigned int most);
void inner_honest(struct inner *in, u32 serial, unsigned int payload,
		  bool tcp);
void frame_of(struct frame *f, const struct inner *in, u64 id,
	      unsigned int mss);
void frame_random(struct frame *f);

/* ---- segments.c -------------------------------------------------------- */

/**
 * struct flow - outer addresses and ports
 * @v6: IPv6
 * @src: source, 4 or 16 bytes
 * @dst: destination
 * @sport: source port
 * @dport: destination port
 */
struct flow {
	bool		v6;
	u8		src[16], dst[16];
	u16	sport, dport;
};

/**
 * struct packet - an outer packet, as it will be sent
 * @vnet: struct virtio_net_hdr
 * @data: from the Ethernet header on
 * @len: bytes
 * @honest: nothing may be done to it
 */
struct packet {
	u8		vnet[10];
	u8		data[MAX_PACKET];
	unsigned int	len;
	bool		honest;
};

void flow_random(struct flow *fl);
void flow_honest(struct flow *fl, bool v6, u16 sport);
void packet_segment(struct packet *p, const struct flow *fl,
		    const struct frame *f, u32 id, unsigned int off,
		    unsigned int end);
void packet_icmp(struct packet *p);
void packet_damage(struct packet *p);
void pool_add(struct packet *p);
struct packet *pool_take(void);
unsigned int pool_count(void);
struct packet *packet_new(void);
void send_random_frame(void);
unsigned int send_honest_frame(u32 serial);

/* ---- io.c -------------------------------------------------------------- */

void io_open(const char *sink);
void io_inject(const struct packet *p);
void io_transmit(const struct inner *in);
bool io_honest_arrived(u32 serial, unsigned int bytes, bool tcp,
		       unsigned int patience);
long stt_counter(const char *name);
void stt_sysctl(const char *name, unsigned long value);

/* ---- netlink.c --------------------------------------------------------- */

void netlink_open(void);
void netlink_random(void);
void netlink_clean(void);

#endif
