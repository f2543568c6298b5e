/*
 * Frames sent by streams: each stream has a lane of its own, beside the list of
 * an outbox.
 *
 * Frames are copied into chunks, small ones many to a chunk.  The outbox takes
 * the chunks when little else waits, one of each lane in turn, so that neither
 * a call nor another stream waits for more than a few of them.  Frames that
 * must follow those of a stream, such as the reply to its call, use the same
 * lane.
 *
 * The credit of the stream bounds what is in a lane.
 *
 * Threading: any thread; the frames of one lane: one thread at a time.
 */
#ifndef SHMRPCI_TRANSPORT_TCP_LANE_H
#define SHMRPCI_TRANSPORT_TCP_LANE_H

#include "transport/tcp/outbox.h"

/* Limit of lanes' chunks in the list: with more, calls would wait for them. */
#define TCP_LANE_AHEAD_BYTES ((size_t)64 << 10)

/* Small frames share chunks of this size. */
#define TCP_LANE_CHUNK_BYTES ((size_t)16 << 10)

/* NULL: out of memory. */
tcp_lane *tcp_lane_open(void);

/* Nothing more is added: the outbox frees it when it is empty. May be NULL. */
void tcp_lane_close(tcp_outbox *outbox, tcp_lane *lane);

/* Adds a frame, whose body of head->len bytes is copied. `*out_bytes`, if not
 * NULL: the bytes that the lane has now. False: out of memory. */
bool tcp_lane_put(tcp_outbox *outbox, tcp_lane *lane, const tcp_head *head,
                  const void *body, size_t *out_bytes);

/* Adds another owner's piece, after all frames; if there are none, as
 * tcp_outbox_add, and with its result. */
uint32_t tcp_lane_add(tcp_outbox *outbox, tcp_lane *lane, tcp_piece *piece);

/* How many bytes are in it, not counting the outbox's list. */
size_t tcp_lane_waiting(tcp_outbox *outbox, const tcp_lane *lane);

/* ---- for the outbox ---- */

/* With its lock held: the next piece in turn, off its lane; NULL: none. */
tcp_piece *tcp_lane_take(tcp_outbox *outbox);

/* Whether a piece is a chunk of some lane. */
bool tcp_lane_is_of(const tcp_piece *piece);

#endif
