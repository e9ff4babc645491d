/* SPDX-License-Identifier: GPL-2.0 */
/* stt_whole.c: frames that came whole. */
#ifndef _STT_WHOLE_H
#define _STT_WHOLE_H

#include "stt.h"

void stt_whole_note(struct stt_reasm *reasm, const struct stt_flow_key *key,
		    u32 id);

bool stt_whole_seen(struct stt_reasm *reasm, const struct stt_flow_key *key,
		    u32 id);

#endif /* _STT_WHOLE_H */
