/*
 * Frames that streams send: each stream has a lane of its own beside the list
 * of the outbox.
 *
 * Frames are copied into chunks, many small ones to a chunk. When little else
 * waits, the outbox takes one chunk of each lane in turn, so that neither a
 * call nor another stream waits for more than a few chunks. Frames that must
 * follow those of a stream, such as the reply to its call, use the same
 * lane.
 *
 * The stream's credit limits what its lane holds.
 *
 * Threading: any thread; the frames of one lane are added by one thread at a
 * time.
 */
#ifndef SHMRPCI_TRANSPORT_TCP_LANE_H
#define SHMRPCI_TRANSPORT_TCP_LANE_H

#include "transport/tcp/outbox.h"

/* Most bytes of lanes in the outbox's list: calls wait behind them. */
#define TCP_LANE_AHEAD_BYTES ((size_t)64 << 10)

/* Small frames share chunks of this size. */
#define TCP_LANE_CHUNK_BYTES ((size_t)16 << 10)

/* NULL: out of memory. */
tcp_lane *tcp_lane_open(void);

/* Nothing more will be added: the outbox frees the lane when it is empty. May
 * be NULL. */
void tcp_lane_close(tcp_outbox *outbox, tcp_lane *lane);

/* Adds a frame, whose body of head->len bytes is copied. `*out_bytes`, if not
 * NULL, gets the bytes in the lane. False: out of memory. */
bool tcp_lane_put(tcp_outbox *outbox, tcp_lane *lane, const tcp_head *head,
                  const void *body, size_t *out_bytes);

/* Adds a piece of another owner behind all frames of the lane; if the lane is
 * empty, does as tcp_outbox_add and returns its result. */
uint32_t tcp_lane_add(tcp_outbox *outbox, tcp_lane *lane, tcp_piece *piece);

/* How many bytes are in it, without those in the outbox's list. */
size_t tcp_lane_waiting(tcp_outbox *outbox, const tcp_lane *lane);

/* ---- for the outbox ---- */

/* With the outbox's lock held: removes the next piece in turn from its lane;
 * NULL: there is none. */
tcp_piece *tcp_lane_take(tcp_outbox *outbox);

/* Whether a piece is a chunk of some lane. */
bool tcp_lane_is_of(const tcp_piece *piece);

#endif
