/*
 * The frames that streams send: each stream has a lane of its own beside the
 * list of the outbox.
 *
 * Frames are copied into chunks; many small frames share a chunk. When little
 * else waits, the outbox takes one chunk of each lane in turn, so that neither
 * a call nor another stream waits for more than a few chunks. Frames that must
 * follow those of a stream, such as the reply to its call, use the same lane.
 *
 * The stream's credit limits the bytes in its lane.
 *
 * Threading: any thread, but the frames of one lane are added by one thread at
 * a time.
 */
#ifndef SHMRPCI_TRANSPORT_TCP_LANE_H
#define SHMRPCI_TRANSPORT_TCP_LANE_H

#include "transport/tcp/outbox.h"

/* Maximum bytes of lanes in the outbox's list; calls wait behind them. */
#define TCP_LANE_AHEAD_BYTES ((size_t)64 << 10)

/* Size of the chunks that small frames share. */
#define TCP_LANE_CHUNK_BYTES ((size_t)16 << 10)

/* Creates a lane. Returns NULL if memory is exhausted. */
tcp_lane *tcp_lane_open(void);

/* Called when nothing more will be added. The outbox frees the lane once it is
 * empty. `lane` may be NULL. */
void tcp_lane_close(tcp_outbox *outbox, tcp_lane *lane);

/* Appends a frame; its body of head->len bytes is copied. If `out_bytes` is not
 * NULL, it gets the number of bytes in the lane. Returns false if memory is
 * exhausted. */
bool tcp_lane_put(tcp_outbox *outbox, tcp_lane *lane, const tcp_head *head,
                  const void *body, size_t *out_bytes);

/* Appends a piece of another owner behind all frames of the lane. If the lane
 * is empty, this calls tcp_outbox_add and returns its result. */
uint32_t tcp_lane_add(tcp_outbox *outbox, tcp_lane *lane, tcp_piece *piece);

/* Returns how many bytes are in the lane, without those already in the outbox's
 * list. */
size_t tcp_lane_waiting(tcp_outbox *outbox, const tcp_lane *lane);

/* ---- called by the outbox ------------------------------------------------ */

/* Called with the outbox's lock held. Takes the next piece from the lane whose
 * turn it is; NULL: all lanes are empty. */
tcp_piece *tcp_lane_take(tcp_outbox *outbox);

/* Whether a piece is a chunk of some lane. */
bool tcp_lane_is_of(const tcp_piece *piece);

#endif
