/*
 * Returning credit, for the files of a flow.
 *
 * Threading: as flow.h.
 */
#ifndef SHMRPCI_TRANSPORT_TCP_FLOW_CREDIT_H
#define SHMRPCI_TRANSPORT_TCP_FLOW_CREDIT_H

#include "transport/tcp/flow.h"

/* With the lock held: data of that cost is not needed any more. */
void tcp_stream_let_go(shmrpci_stream *stream, int64_t cost);

/* Without the lock: returns credit of the stream and of the connection: all of
 * the stream's if its user waits, else half a window or more. */
void tcp_stream_pay(shmrpci_stream *stream, bool all);

/* With the lock held: whether an item may be begun; BUSY: not now. */
int tcp_stream_may_send(const shmrpci_stream *stream);

/* With the lock, which it releases meanwhile: tells the other end that we wait
 * and don't read, having got that much credit; 0: no longer. */
void tcp_stream_say_wait(shmrpci_stream *stream, int64_t given);

/* Without the lock: makes frames of a part of an item, with its number, packed
 * if that makes them shorter. Its credit is paid already. NO_MEMORY. */
int tcp_stream_put(shmrpci_stream *stream, const uint8_t *data, size_t len,
                   bool is_last);
int64_t tcp_stream_cost(size_t len);

#endif
