/* SPDX-License-Identifier: GPL-2.0 */
/*
 * stt_stats.c: counters, and how packets are dropped.
 *
 * Each counter stands once in the lists below.  Its name in /proc/net/stt and
 * ethtool -S, the cause that a tracepoint shows, and the core's drop reason
 * come from there.
 */
#ifndef _STT_STATS_H
#define _STT_STATS_H

#include <linux/ethtool.h>
#include <linux/types.h>
#include <linux/u64_stats_sync.h>
#include <net/dropreason.h>

struct sk_buff;
struct stt_flow_key;
struct stt_dev;
struct stt_net;
struct task_struct;

/*
 * The lists are macros with one argument, a suffix KIND.  An entry is one of
 *
 *	STT_COUNT_KIND(name): counts something else than drops
 *	STT_DROP_KIND(name, reason): counts drops; the core's drop reason, or
 *		%SKB_DROP_REASON_NOT_SPECIFIED where none fits
 *	STT_LAST_KIND(name, reason): as STT_DROP_KIND(), for the last one
 *
 * and the reader defines these for a suffix of its own.
 */
#define STT_LIST(...)	__VA_ARGS__

/*
 * Per namespace, in /proc/net/stt.  A segment or frame that is dropped counts
 * under exactly one of those with a drop reason.
 */
#define STT_NET_COUNTERS(kind)	STT_LIST(				\
	STT_COUNT_##kind(reasm_ok)					\
	STT_DROP_##kind(reasm_timeout, FRAG_REASM_TIMEOUT)		\
	STT_DROP_##kind(reasm_evicted, FRAG_TOO_FAR)			\
	STT_DROP_##kind(reasm_nomem, NOMEM)				\
	STT_DROP_##kind(reasm_overlap, NOT_SPECIFIED)			\
	STT_DROP_##kind(reasm_late, FRAG_TOO_FAR)			\
	STT_DROP_##kind(reasm_duplicate, DUP_FRAG)			\
	STT_COUNT_##kind(partial_frames)				\
	STT_COUNT_##kind(partial_packets)				\
	STT_DROP_##kind(drop_csum, TCP_CSUM)				\
	STT_DROP_##kind(drop_header, PKT_TOO_SMALL)			\
	STT_DROP_##kind(drop_version, UNHANDLED_PROTO)			\
	STT_DROP_##kind(drop_offload, SKB_BAD_GSO)			\
	STT_DROP_##kind(drop_length, PKT_TOO_SMALL)			\
	STT_DROP_##kind(drop_no_device, NO_SOCKET)			\
	STT_DROP_##kind(drop_ecn, IP_TUNNEL_ECN)			\
	STT_DROP_##kind(drop_peer, NO_SOCKET)				\
	STT_DROP_##kind(drop_policy, XFRM_POLICY)			\
	STT_DROP_##kind(drop_source, MAC_INVALID_SOURCE)		\
	STT_LAST_##kind(drop_nomem, NOMEM))

/* Per device, in ethtool -S.  It has no STT_LAST_KIND(). */
#define STT_DEV_COUNTERS(kind)	STT_LIST(				\
	STT_COUNT_##kind(rx_frames)					\
	STT_COUNT_##kind(rx_segments)					\
	STT_COUNT_##kind(rx_single)					\
	STT_COUNT_##kind(rx_reassembled)				\
	STT_COUNT_##kind(rx_partial)					\
	STT_COUNT_##kind(tx_frames)					\
	STT_COUNT_##kind(tx_tso)					\
	STT_COUNT_##kind(tx_sw_offload)					\
	STT_DROP_##kind(tx_too_big, PKT_TOO_BIG)			\
	STT_DROP_##kind(tx_no_route, IP_OUTNOROUTES)			\
	STT_DROP_##kind(tx_loop, RECURSION_LIMIT)			\
	STT_DROP_##kind(tx_bad_key, TUNNEL_TXINFO)			\
	STT_COUNT_##kind(fdb_full))

#define STT_COUNT_NET_ENUM(name)	STT_NET_##name,
#define STT_DROP_NET_ENUM(name, ...)	STT_NET_##name,
#define STT_LAST_NET_ENUM(name, ...)	STT_NET_##name,
enum stt_net_counter {
	STT_NET_COUNTERS(NET_ENUM)
	STT_NET_COUNTER_MAX
};

#define STT_COUNT_DEV_ENUM(name)	STT_DEV_##name,
#define STT_DROP_DEV_ENUM(name, ...)	STT_DEV_##name,
enum stt_dev_counter {
	STT_DEV_COUNTERS(DEV_ENUM)
	STT_DEV_ETHTOOL_MAX,
	/* Shown by ip -s link alone. */
	STT_DEV_rx_bytes = STT_DEV_ETHTOOL_MAX,
	STT_DEV_rx_errors,
	STT_DEV_rx_dropped,
	STT_DEV_tx_bytes,
	STT_DEV_tx_errors,
	STT_DEV_tx_dropped,
	STT_DEV_COUNTER_MAX
};

extern const char *const stt_net_counter_names[STT_NET_COUNTER_MAX];
extern const char stt_dev_counter_names[STT_DEV_ETHTOOL_MAX][ETH_GSTRING_LEN];

struct stt_net_counters {
	unsigned long	c[STT_NET_COUNTER_MAX];
};

/**
 * struct stt_dev_cpu - what a device has for each CPU
 * @c: counters
 * @syncp: theirs
 * @sender: the task in ndo_start_xmit on this CPU, or NULL: a packet that the
 *	same task sends is one that came back through other devices
 */
struct stt_dev_cpu {
	u64_stats_t		c[STT_DEV_COUNTER_MAX];
	struct u64_stats_sync	syncp;
	const struct task_struct *sender;
};

/**
 * enum stt_frame_event - what became of a received frame, for tracing
 * @STT_FRAME_EV_WHOLE: it came as one packet
 * @STT_FRAME_EV_REASSEMBLED: its last segment came
 * @STT_FRAME_EV_PARTIAL: what there was of it was delivered (R15), after
 *	one of the following
 * @STT_FRAME_EV_EXPIRED: its time was over
 * @STT_FRAME_EV_EVICTED: newer frames or their memory took its place
 */
enum stt_frame_event {
	STT_FRAME_EV_WHOLE,
	STT_FRAME_EV_REASSEMBLED,
	STT_FRAME_EV_PARTIAL,
	STT_FRAME_EV_EXPIRED,
	STT_FRAME_EV_EVICTED,
};

extern const struct stt_flow_key stt_no_flow;

enum skb_drop_reason stt_drop_reason(enum stt_net_counter cause);
void stt_drop_because(struct stt_net *sn, struct sk_buff *skb,
		      enum stt_net_counter cause, enum skb_drop_reason reason,
		      const struct stt_flow_key *key, const u64 *id);
void stt_drop(struct stt_net *sn, struct sk_buff *skb,
	      enum stt_net_counter cause, const struct stt_flow_key *key,
	      const u64 *id);
void stt_drop_list(struct sk_buff *segs, enum stt_net_counter cause);
void stt_tx_drop_flow(const struct stt_dev *stt, struct sk_buff *skb,
		      enum stt_dev_counter cause, enum skb_drop_reason reason,
		      const struct stt_flow_key *key, const u64 *id);
void stt_tx_dropped(const struct stt_dev *stt, struct sk_buff *skb,
		    enum skb_drop_reason reason);
enum skb_drop_reason stt_tx_reason(enum stt_dev_counter cause);
void stt_tx_drop(const struct stt_dev *stt, struct sk_buff *skb,
		 enum stt_dev_counter cause);
unsigned long stt_net_sum(const struct stt_net *sn, enum stt_net_counter c);
u64 stt_dev_sum(const struct stt_dev *stt, enum stt_dev_counter c);

#endif /* _STT_STATS_H */
