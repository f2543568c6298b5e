/*
 * What the files of a flow share: credit that goes back.
 *
 * Threading: as flow.h.
 */
#ifndef SHMRPCI_TRANSPORT_TCP_FLOW_CREDIT_H
#define SHMRPCI_TRANSPORT_TCP_FLOW_CREDIT_H

#include "transport/tcp/flow.h"

/* With the lock held: nobody needs any more what has cost that. */
void tcp_stream_let_go(shmrpci_stream *stream, int64_t cost);

/* Without the lock: gives credit of the stream and of the connection back: all
 * that there is of the stream's, if its user waits, or half a window. */
void tcp_stream_pay(shmrpci_stream *stream, bool all);

/* With the lock held: whether an item may be begun; BUSY: not now. */
int tcp_stream_may_send(const shmrpci_stream *stream);

/* With the lock, which it gives up meanwhile: tells the other end that we wait
 * and don't read, having had that much credit; 0: not any more. */
void tcp_stream_say_wait(shmrpci_stream *stream, int64_t given);

/* Without the lock: frames for so much of an item, with its number, packed if
 * that makes them shorter. What it takes of credit is paid already. NO_MEMORY.
 */
int tcp_stream_put(shmrpci_stream *stream, const uint8_t *data, size_t len,
                   bool is_last);
int64_t tcp_stream_cost(size_t len);

#endif
