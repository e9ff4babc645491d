/* SPDX-License-Identifier: GPL-2.0 */
/* stt_ids.c: counters for each context id of an external device. */
#ifndef _STT_IDS_H
#define _STT_IDS_H

#include <linux/types.h>
#include <linux/u64_stats_sync.h>

struct net;
struct stt_dev;

/* Columns of /proc/net/stt_ids.  Drops include errors. */
enum stt_id_counter {
	STT_ID_rx_frames,
	STT_ID_rx_bytes,
	STT_ID_rx_drops,
	STT_ID_tx_frames,
	STT_ID_tx_bytes,
	STT_ID_tx_drops,
	STT_ID_COUNTER_MAX
};

/**
 * struct stt_id_counters - what an id has for each CPU
 * @c: counters
 * @syncp: theirs
 */
struct stt_id_counters {
	u64_stats_t		c[STT_ID_COUNTER_MAX];
	struct u64_stats_sync	syncp;
};

struct stt_id_counters *stt_ids_get(const struct stt_dev *stt, u64 id,
				    bool tx);
int stt_ids_init(struct stt_dev *stt);
void stt_ids_free(struct stt_dev *stt);
int stt_ids_proc_init(struct net *net);

/**
 * stt_id_count - count a frame
 * @s: what stt_ids_get() returned; NULL: nothing is to be counted
 * @frames: %STT_ID_rx_frames or %STT_ID_tx_frames; bytes are the next
 * @bytes: length of the inner packets
 */
static inline void stt_id_count(struct stt_id_counters *s,
				enum stt_id_counter frames, unsigned int bytes)
{
	if (!s)
		return;
	u64_stats_update_begin(&s->syncp);
	u64_stats_inc(&s->c[frames]);
	u64_stats_add(&s->c[frames + 1], bytes);
	u64_stats_update_end(&s->syncp);
}

/**
 * stt_id_count_drop - count a packet that was dropped
 * @s: what stt_ids_get() returned; NULL: nothing is to be counted
 * @drops: %STT_ID_rx_drops or %STT_ID_tx_drops
 */
static inline void stt_id_count_drop(struct stt_id_counters *s,
				     enum stt_id_counter drops)
{
	if (!s)
		return;
	u64_stats_update_begin(&s->syncp);
	u64_stats_inc(&s->c[drops]);
	u64_stats_update_end(&s->syncp);
}

#endif /* _STT_IDS_H */
