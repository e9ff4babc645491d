/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Tracepoints: the exact cause of each drop, on every kernel.
 */
#undef TRACE_SYSTEM
#define TRACE_SYSTEM stt

#if !defined(_STT_TRACE_H) || defined(TRACE_HEADER_MULTI_READ)
#define _STT_TRACE_H

#include <linux/netdevice.h>
#include <linux/skbuff.h>
#include <linux/tracepoint.h>
#include <net/net_namespace.h>

#include "include/stt.h"

#define STT_SHOW(name)		#name

#ifndef STT_TRACE_SYMBOLS
#define STT_TRACE_SYMBOLS
#define STT_SYMBOL_NET(name)	{ STT_NET_##name, #name },
#define STT_SYMBOL_DEV(name)	{ STT_DEV_##name, #name },
#define STT_SYMBOLS_END		{ -1, "" }
#endif

/* A segment or frame was dropped on receipt; @cause as in /proc/net/stt. */
TRACE_EVENT(stt_drop,
	TP_PROTO(const struct net *net, const struct sk_buff *skb,
		 enum stt_net_counter cause),
	TP_ARGS(net, skb, cause),
	TP_STRUCT__entry(
		__field(const void *, skbaddr)
		__field(unsigned int, netns)
		__field(unsigned int, len)
		__field(int, cause)
	),
	TP_fast_assign(
		__entry->skbaddr = skb;
		__entry->netns = net->ns.inum;
		__entry->len = skb->len;
		__entry->cause = cause;
	),
	TP_printk("netns=%u skbaddr=%p len=%u cause=%s", __entry->netns,
		  __entry->skbaddr, __entry->len,
		  __print_symbolic(__entry->cause,
				   STT_NET_COUNTERS(STT_SYMBOL_NET)
				   STT_SYMBOLS_END))
);

/* A packet was dropped on transmit; @cause as in ethtool -S. */
TRACE_EVENT(stt_tx_drop,
	TP_PROTO(const struct net_device *dev, const struct sk_buff *skb,
		 enum stt_dev_counter cause),
	TP_ARGS(dev, skb, cause),
	TP_STRUCT__entry(
		__field(const void *, skbaddr)
		__array(char, dev, IFNAMSIZ)
		__field(unsigned int, len)
		__field(int, cause)
	),
	TP_fast_assign(
		__entry->skbaddr = skb;
		memcpy(__entry->dev, dev->name, IFNAMSIZ);
		__entry->len = skb->len;
		__entry->cause = cause;
	),
	TP_printk("dev=%s skbaddr=%p len=%u cause=%s", __entry->dev,
		  __entry->skbaddr, __entry->len,
		  __print_symbolic(__entry->cause,
				   STT_DEV_COUNTERS(STT_SYMBOL_DEV)
				   { STT_DEV_tx_dropped, "tx_dropped" },
				   STT_SYMBOLS_END))
);

#endif /* _STT_TRACE_H */

#undef TRACE_INCLUDE_PATH
#define TRACE_INCLUDE_PATH include
#undef TRACE_INCLUDE_FILE
#define TRACE_INCLUDE_FILE stt_trace
#include <trace/define_trace.h>
