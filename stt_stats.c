// SPDX-License-Identifier: GPL-2.0
/*
 * Counters and drops: what is counted is named once, in stt_stats.h, and a
 * packet that is dropped is counted, traced and freed here.
 */
#include <linux/netdevice.h>
#include <linux/skbuff.h>

#include "include/stt.h"
#include "include/stt_dev.h"
#include "include/stt_stats.h"
#define CREATE_TRACE_POINTS
#include "include/stt_trace.h"

unsigned int stt_net_id __read_mostly;

/* ---- names and drop reasons ---------------------------------------------- */

#define STT_COUNT_NET_NAME(name) \
	[STT_NET_##name] = #name,
#define STT_DROP_NET_NAME(name, ...) \
	[STT_NET_##name] = #name,
#define STT_LAST_NET_NAME(name, ...) \
	[STT_NET_##name] = #name,
const char *const stt_net_counter_names[STT_NET_COUNTER_MAX] = {
	STT_NET_COUNTERS(NET_NAME)
};

#define STT_COUNT_DEV_NAME(name) \
	[STT_DEV_##name] = #name,
#define STT_DROP_DEV_NAME(name, ...) \
	[STT_DEV_##name] = #name,
const char stt_dev_counter_names[STT_DEV_ETHTOOL_MAX][ETH_GSTRING_LEN] = {
	STT_DEV_COUNTERS(DEV_NAME)
};

#define STT_COUNT_NET_REASON(name) \
	[STT_NET_##name] = SKB_DROP_REASON_NOT_SPECIFIED,
#define STT_DROP_NET_REASON(name, reason) \
	[STT_NET_##name] = SKB_DROP_REASON_##reason,
#define STT_LAST_NET_REASON(name, reason) \
	[STT_NET_##name] = SKB_DROP_REASON_##reason,
static const u32 stt_net_reasons[STT_NET_COUNTER_MAX] = {
	STT_NET_COUNTERS(NET_REASON)
};

#define STT_COUNT_DEV_REASON(name) \
	[STT_DEV_##name] = SKB_DROP_REASON_NOT_SPECIFIED,
#define STT_DROP_DEV_REASON(name, reason) \
	[STT_DEV_##name] = SKB_DROP_REASON_##reason,
static const u32 stt_dev_reasons[STT_DEV_ETHTOOL_MAX] = {
	STT_DEV_COUNTERS(DEV_REASON)
};

/* ---- drops on receipt --------------------------------------------------- */

/**
 * stt_drop_reason - the core's drop reason that fits best
 * @cause: our own
 *
 * Return: a reason; SKB_DROP_REASON_NOT_SPECIFIED where the core has none.
 */
enum skb_drop_reason stt_drop_reason(enum stt_net_counter cause)
{
	return stt_net_reasons[cause];
}

/**
 * stt_drop_because - drop a received packet: count, trace, free
 * @sn: namespace
 * @skb: packet; taken over
 * @cause: which counter
 * @reason: the core's drop reason, where it says more than stt_drop_reason()
 * @key: where the packet came from
 * @id: its context id, or NULL where that is not known
 */
void stt_drop_because(struct stt_net *sn, struct sk_buff *skb,
		      enum stt_net_counter cause, enum skb_drop_reason reason,
		      const struct stt_flow_key *key, const u64 *id)
{
	trace_stt_drop(sn->net, skb, cause, key, id);
	stt_net_count(sn, cause);
	kfree_skb_reason(skb, reason);
}

/**
 * stt_drop - drop a received packet: count, trace, free
 * @sn: namespace
 * @skb: packet; taken over
 * @cause: which counter
 * @key: where the packet came from
 * @id: its context id, or NULL where that is not known
 */
void stt_drop(struct stt_net *sn, struct sk_buff *skb,
	      enum stt_net_counter cause, const struct stt_flow_key *key,
	      const u64 *id)
{
	stt_drop_because(sn, skb, cause, stt_drop_reason(cause), key, id);
}

/**
 * stt_drop_list - free packets that were counted as one
 * @segs: packets linked by ->next; taken over; may be NULL
 * @cause: which counter it was
 */
void stt_drop_list(struct sk_buff *segs, enum stt_net_counter cause)
{
	kfree_skb_list_reason(segs, stt_drop_reason(cause));
}

/* ---- drops on transmit -------------------------------------------------- */

/* For tracing, where addresses and ports are not known. */
const struct stt_flow_key stt_no_flow;

/**
 * stt_tx_drop_flow - drop an inner packet: count, trace, free
 * @stt: device
 * @skb: packet; taken over
 * @cause: which counter; %STT_DEV_tx_dropped for what has none of its own
 * @reason: the core's drop reason
 * @key: where the packet was to go, or &stt_no_flow
 * @id: its context id, or NULL
 */
void stt_tx_drop_flow(const struct stt_dev *stt, struct sk_buff *skb,
		      enum stt_dev_counter cause, enum skb_drop_reason reason,
		      const struct stt_flow_key *key, const u64 *id)
{
	bool error = cause == STT_DEV_tx_no_route || cause == STT_DEV_tx_loop;

	trace_stt_tx_drop(stt->dev, skb, cause, key, id);
	if (cause != STT_DEV_tx_dropped)
		stt_dev_count(stt, cause);
	stt_dev_count(stt, error ? STT_DEV_tx_errors : STT_DEV_tx_dropped);
	kfree_skb_reason(skb, reason);
}

/**
 * stt_tx_dropped - drop an inner packet for what has no counter of its own
 * @stt: device
 * @skb: packet; taken over
 * @reason: why
 */
void stt_tx_dropped(const struct stt_dev *stt, struct sk_buff *skb,
		    enum skb_drop_reason reason)
{
	stt_tx_drop_flow(stt, skb, STT_DEV_tx_dropped, reason, &stt_no_flow,
			 NULL);
}

/**
 * stt_tx_reason - the core's drop reason for a counter
 * @cause: which counter
 *
 * Return: a reason; SKB_DROP_REASON_NOT_SPECIFIED where the core has none.
 */
enum skb_drop_reason stt_tx_reason(enum stt_dev_counter cause)
{
	return stt_dev_reasons[cause];
}

/**
 * stt_tx_drop - drop an inner packet that has no destination yet
 * @stt: device
 * @skb: packet; taken over
 * @cause: which counter
 */
void stt_tx_drop(const struct stt_dev *stt, struct sk_buff *skb,
		 enum stt_dev_counter cause)
{
	stt_tx_drop_flow(stt, skb, cause, stt_tx_reason(cause), &stt_no_flow,
			 NULL);
}

/* ---- sums ---------------------------------------------------------------- */

/**
 * stt_net_sum - a namespace's counter, of all CPUs
 * @sn: namespace
 * @c: which
 */
unsigned long stt_net_sum(const struct stt_net *sn, enum stt_net_counter c)
{
	unsigned long sum = 0;
	int cpu;

	for_each_possible_cpu(cpu)
		sum += per_cpu_ptr(sn->counters, cpu)->c[c];

	return sum;
}

/**
 * stt_dev_sum - a device's counter, of all CPUs
 * @stt: device
 * @c: which
 */
u64 stt_dev_sum(const struct stt_dev *stt, enum stt_dev_counter c)
{
	u64 sum = 0;
	int cpu;

	for_each_possible_cpu(cpu) {
		const struct stt_dev_cpu *s;
		unsigned int start;
		u64 n;

		s = per_cpu_ptr(stt->cpu, cpu);
		do {
			start = u64_stats_fetch_begin(&s->syncp);
			n = u64_stats_read(&s->c[c]);
		} while (u64_stats_fetch_retry(&s->syncp, start));
		sum += n;
	}

	return sum;
}
