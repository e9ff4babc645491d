// SPDX-License-Identifier: GPL-2.0
/*
 * Frames that came whole lately: segments of them that come later must not
 * open them anew (R15a).
 */
#include <linux/hash.h>
#include <linux/jiffies.h>
#include <linux/percpu.h>

#include "include/stt.h"
#include "include/stt_reasm.h"
#include "include/stt_whole.h"

/* Need not be secret: a sender gains nothing by ids that it used before. */
static u64 stt_whole_hash(const struct stt_flow_key *key, u32 id)
{
	const u32 *s = (const u32 *)&key->saddr;
	u32 x = s[0] ^ s[1] ^ s[2] ^ s[3] ^ key->scope;

	x ^= (__force u32)key->sport << 16 ^ (__force u32)key->dport;

	return ((u64)x << 32 | id) * GOLDEN_RATIO_64;
}

static u64 *stt_whole_slot(struct stt_whole *whole, u64 hash)
{
	return &whole->seen[hash >> (32 - STT_WHOLE_BITS) &
			    ((1 << STT_WHOLE_BITS) - 1)];
}

/**
 * stt_whole_note - a frame came whole, and was right for its device
 * @reasm: namespace
 * @key: its flow
 * @id: its id
 *
 * So that segments of it that come later do not open it anew (R15a).  One
 * store: there may be a million such frames a second.
 *
 * Context: BH disabled.
 */
void stt_whole_note(struct stt_reasm *reasm, const struct stt_flow_key *key,
		    u32 id)
{
	u64 hash = stt_whole_hash(key, id);

	WRITE_ONCE(*stt_whole_slot(this_cpu_ptr(reasm->whole), hash),
		   (hash & ~(u64)U32_MAX) | (u32)jiffies);
}

/**
 * stt_whole_seen - did a frame come whole lately
 * @reasm: namespace
 * @key: its flow
 * @id: its id
 *
 * Asked before a frame is opened.  Its segments may come to another CPU.
 *
 * Context: any.
 */
bool stt_whole_seen(struct stt_reasm *reasm, const struct stt_flow_key *key,
		    u32 id)
{
	u64 hash = stt_whole_hash(key, id);
	int cpu;

	for_each_online_cpu(cpu) {
		u64 seen = READ_ONCE(*stt_whole_slot(per_cpu_ptr(reasm->whole,
								 cpu), hash));

		if (seen >> 32 == hash >> 32 &&
		    (u32)jiffies - (u32)seen < STT_LATE_TIME)
			return true;
	}

	return false;
}
