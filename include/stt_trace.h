/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Tracepoints: what becomes of frames, and the exact cause of each drop, on
 * every kernel.
 */
#undef TRACE_SYSTEM
#define TRACE_SYSTEM stt

#if !defined(_STT_TRACE_H) || defined(TRACE_HEADER_MULTI_READ)
#define _STT_TRACE_H

#include <linux/netdevice.h>
#include <linux/skbuff.h>
#include <linux/tracepoint.h>
#include <net/ipv6.h>
#include <net/net_namespace.h>

#include "include/stt.h"

#ifndef STT_TRACE_ADDR
#define STT_TRACE_ADDR
static inline void stt_trace_addr(u8 *to, const union stt_addr *addr,
				  u32 family)
{
	struct in6_addr a = addr->v6;

	if (family == AF_INET)
		ipv6_addr_set_v4mapped(addr->v4, &a);
	memcpy(to, &a, sizeof(a));
}
#endif

/* Tools that read the format cannot know enums. */
TRACE_DEFINE_ENUM(STT_FRAME_EV_WHOLE);
TRACE_DEFINE_ENUM(STT_FRAME_EV_REASSEMBLED);
TRACE_DEFINE_ENUM(STT_FRAME_EV_PARTIAL);
TRACE_DEFINE_ENUM(STT_FRAME_EV_EXPIRED);
TRACE_DEFINE_ENUM(STT_FRAME_EV_EVICTED);
#define STT_COUNT_NET_TRACE(...)
#define STT_DROP_NET_TRACE(name, ...) \
	STT_LIST(TRACE_DEFINE_ENUM(STT_NET_##name);)
#define STT_LAST_NET_TRACE(name, ...) \
	STT_LIST(TRACE_DEFINE_ENUM(STT_NET_##name);)
#define STT_COUNT_DEV_TRACE(...)
#define STT_DROP_DEV_TRACE(name, ...) \
	STT_LIST(TRACE_DEFINE_ENUM(STT_DEV_##name);)
STT_NET_COUNTERS(NET_TRACE)
STT_DEV_COUNTERS(DEV_TRACE)
TRACE_DEFINE_ENUM(STT_DEV_tx_dropped);

#define show_stt_event(event) __print_symbolic(event,		\
	{ STT_FRAME_EV_WHOLE, "whole" },			\
	{ STT_FRAME_EV_REASSEMBLED, "reassembled" },		\
	{ STT_FRAME_EV_PARTIAL, "partial" },			\
	{ STT_FRAME_EV_EXPIRED, "expired" },			\
	{ STT_FRAME_EV_EVICTED, "evicted" })

#define STT_COUNT_NET_SYMBOL(...)
#define STT_DROP_NET_SYMBOL(name, ...)	{ STT_NET_##name, #name },
#define STT_LAST_NET_SYMBOL(name, ...)	{ STT_NET_##name, #name }
#define STT_COUNT_DEV_SYMBOL(...)
#define STT_DROP_DEV_SYMBOL(name, ...)	{ STT_DEV_##name, #name },

#define show_stt_net_cause(cause) \
	__print_symbolic(cause, STT_NET_COUNTERS(NET_SYMBOL))

#define show_stt_dev_cause(cause) \
	__print_symbolic(cause, STT_DEV_COUNTERS(DEV_SYMBOL) \
			 { STT_DEV_tx_dropped, "tx_dropped" })

/*
 * What became of a received frame.  IPv4 addresses are shown as mapped ones.
 */
TRACE_EVENT(stt_frame,
	    TP_PROTO(const struct net *net, const struct stt_flow_key *key,
		     unsigned int len, unsigned int segments,
		     enum stt_frame_event event),
	    TP_ARGS(net, key, len, segments, event),
	    TP_STRUCT__entry(__array(u8, saddr, 16)
			     __array(u8, daddr, 16)
			     __field(unsigned int, netns)
			     __field(u16, family)
			     __field(u16, sport)
			     __field(u16, dport)
			     __field(unsigned int, len)
			     __field(unsigned int, segments)
			     __field(int, event)
	    ),
	    TP_fast_assign(stt_trace_addr(__entry->saddr, &key->saddr,
					  key->family);
			   stt_trace_addr(__entry->daddr, &key->daddr,
					  key->family);
			   __entry->netns = net ? net->ns.inum : 0;
			   __entry->family = key->family;
			   __entry->sport = ntohs(key->sport);
			   __entry->dport = ntohs(key->dport);
			   __entry->len = len;
			   __entry->segments = segments;
			   __entry->event = event;
	    ),
	    TP_printk("netns=%u family=%u saddr=%pI6c daddr=%pI6c sport=%u dport=%u len=%u segments=%u event=%s",
		      __entry->netns, __entry->family, __entry->saddr,
		      __entry->daddr, __entry->sport, __entry->dport,
		      __entry->len, __entry->segments,
		      show_stt_event(__entry->event))
);

/*
 * A segment or frame was dropped on receipt; @cause as in /proc/net/stt, @key
 * where it came from.  @id is known once the STT header was read, else NULL.
 */
TRACE_EVENT(stt_drop,
	    TP_PROTO(const struct net *net, const struct sk_buff *skb,
		     enum stt_net_counter cause,
		     const struct stt_flow_key *key, const u64 *id),
	    TP_ARGS(net, skb, cause, key, id),
	    TP_STRUCT__entry(__field(const void *, skbaddr)
			     __field(unsigned int, netns)
			     __field(unsigned int, len)
			     __field(int, cause)
			     __array(u8, saddr, 16)
			     __array(u8, daddr, 16)
			     __field(u64, id)
			     __field(u16, family)
			     __field(u16, sport)
			     __field(u16, dport)
			     __field(u8, has_id)
	    ),
	    TP_fast_assign(__entry->skbaddr = skb;
			   __entry->netns = net ? net->ns.inum : 0;
			   __entry->len = skb->len;
			   __entry->cause = cause;
			   stt_trace_addr(__entry->saddr, &key->saddr,
					  key->family);
			   stt_trace_addr(__entry->daddr, &key->daddr,
					  key->family);
			   __entry->family = key->family;
			   __entry->sport = ntohs(key->sport);
			   __entry->dport = ntohs(key->dport);
			   __entry->has_id = !!id;
			   __entry->id = id ? *id : 0;
	    ),
	    TP_printk("netns=%u skbaddr=%p len=%u cause=%s family=%u saddr=%pI6c daddr=%pI6c sport=%u dport=%u id=%llu has_id=%u",
		      __entry->netns, __entry->skbaddr, __entry->len,
		      show_stt_net_cause(__entry->cause),
		      __entry->family, __entry->saddr, __entry->daddr,
		      __entry->sport, __entry->dport, __entry->id,
		      __entry->has_id)
);

/*
 * A packet was dropped on transmit; @cause as in ethtool -S.  @key is where it
 * was to go, or &stt_no_flow where that is not known; @id may be NULL.
 */
TRACE_EVENT(stt_tx_drop,
	    TP_PROTO(const struct net_device *dev, const struct sk_buff *skb,
		     enum stt_dev_counter cause,
		     const struct stt_flow_key *key, const u64 *id),
	    TP_ARGS(dev, skb, cause, key, id),
	    TP_STRUCT__entry(__field(const void *, skbaddr)
			     __array(char, dev, IFNAMSIZ)
			     __field(unsigned int, len)
			     __field(int, cause)
			     __array(u8, saddr, 16)
			     __array(u8, daddr, 16)
			     __field(u64, id)
			     __field(u16, family)
			     __field(u16, sport)
			     __field(u16, dport)
			     __field(u8, has_id)
	    ),
	    TP_fast_assign(__entry->skbaddr = skb;
			   memcpy(__entry->dev, dev->name, IFNAMSIZ);
			   __entry->len = skb->len;
			   __entry->cause = cause;
			   stt_trace_addr(__entry->saddr, &key->saddr,
					  key->family);
			   stt_trace_addr(__entry->daddr, &key->daddr,
					  key->family);
			   __entry->family = key->family;
			   __entry->sport = ntohs(key->sport);
			   __entry->dport = ntohs(key->dport);
			   __entry->has_id = !!id;
			   __entry->id = id ? *id : 0;
	    ),
	    TP_printk("dev=%s skbaddr=%p len=%u cause=%s family=%u saddr=%pI6c daddr=%pI6c sport=%u dport=%u id=%llu has_id=%u",
		      __entry->dev, __entry->skbaddr, __entry->len,
		      show_stt_dev_cause(__entry->cause),
		      __entry->family, __entry->saddr, __entry->daddr,
		      __entry->sport, __entry->dport, __entry->id,
		      __entry->has_id)
);

#endif /* _STT_TRACE_H */

#undef TRACE_INCLUDE_PATH
#define TRACE_INCLUDE_PATH include
#undef TRACE_INCLUDE_FILE
#define TRACE_INCLUDE_FILE stt_trace
#include <trace/define_trace.h>
