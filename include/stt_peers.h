/* SPDX-License-Identifier: GPL-2.0 */
/* stt_peers.c: counters for each peer. */
#ifndef _STT_PEERS_H
#define _STT_PEERS_H

#include <linux/types.h>

struct net;
struct stt_flow_key;
struct stt_net;
struct stt_path_key;
struct stt_peer;

/* What is counted for a peer; columns of /proc/net/stt_peers. */
enum stt_peer_counter {
	STT_PEER_frames,
	STT_PEER_bytes,
	STT_PEER_reassembled,
	STT_PEER_lost,
	STT_PEER_partial,
	STT_PEER_COUNTER_MAX
};

/**
 * struct stt_peer_ref - a peer that was looked up
 * @peer: the peer, to be touched only while @gen holds; NULL: nothing is known
 * @gen: &stt_net.peers_gen before the lookup
 */
struct stt_peer_ref {
	struct stt_peer	*peer;
	unsigned long	gen;
};

void stt_peer_received(struct stt_net *sn, const struct stt_flow_key *from,
		       struct stt_peer_ref *ref, unsigned int bytes,
		       bool reassembled);
void stt_peer_lost(struct stt_net *sn, const struct stt_flow_key *from,
		   enum stt_peer_counter how);
void stt_peer_configured(struct stt_net *sn, const struct stt_path_key *key);
int stt_peers_init(struct stt_net *sn);
void stt_peers_free(struct stt_net *sn);
int stt_peers_proc_init(struct net *net);

#endif /* _STT_PEERS_H */
