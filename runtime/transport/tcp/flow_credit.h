/*
 * Returning credit, for the files of a flow.
 *
 * Threading: as flow.h.
 */
#ifndef SHMRPCI_TRANSPORT_TCP_FLOW_CREDIT_H
#define SHMRPCI_TRANSPORT_TCP_FLOW_CREDIT_H

#include "transport/tcp/flow.h"

/* With the lock held: data of that cost is no longer needed. */
void tcp_stream_let_go(shmrpci_stream *stream, int64_t cost);

/* Without the lock: returns credit of the stream and of the connection: of the
 * stream all if its user waits, otherwise only amounts of half a window or
 * more. */
void tcp_stream_pay(shmrpci_stream *stream, bool all);

/* With the lock held: whether a new item may begin; BUSY: not now. */
int tcp_stream_may_send(const shmrpci_stream *stream);

/* With the lock, which it releases meanwhile: tells the other side that we
 * wait, don't read, and have got that much credit; 0: we no longer wait. */
void tcp_stream_say_wait(shmrpci_stream *stream, int64_t given);

/* Without the lock: makes frames of a part of an item, whose number they carry,
 * packed if that makes them shorter. Its credit is already paid. NO_MEMORY. */
int tcp_stream_put(shmrpci_stream *stream, const uint8_t *data, size_t len,
                   bool is_last);
int64_t tcp_stream_cost(size_t len);

#endif
