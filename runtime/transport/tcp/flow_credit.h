/*
 * Functions that return and check credit, shared by the files of a flow.
 *
 * Threading: like flow.h.
 */
#ifndef SHMRPCI_TRANSPORT_TCP_FLOW_CREDIT_H
#define SHMRPCI_TRANSPORT_TCP_FLOW_CREDIT_H

#include "transport/tcp/flow.h"

/* Called with the lock held when data of that cost is no longer needed. */
void tcp_stream_let_go(shmrpci_stream *stream, int64_t cost);

/* Called without the lock. Returns credit of the stream and of the connection
 * to the peer. With `all`, because the user waits, it returns all the credit of
 * the stream that is due; otherwise only if that is half a window or more. */
void tcp_stream_pay(shmrpci_stream *stream, bool all);

/* Called with the lock held. Returns OK if a new item may begin, BUSY if there
 * is no credit now, or why sending is impossible. */
int tcp_stream_may_send(const shmrpci_stream *stream);

/* Called with the lock held, and releases it meanwhile. Tells the other side
 * that we wait for credit and do not read meanwhile; `given` is all the credit
 * that we have got so far. 0: we no longer wait. */
void tcp_stream_say_wait(shmrpci_stream *stream, int64_t given);

/* Called without the lock. Makes frames of a part of an item; a frame is packed
 * if that makes it shorter. The caller has already paid the credit for the
 * frames. Returns NO_MEMORY on failure. */
int tcp_stream_put(shmrpci_stream *stream, const uint8_t *data, size_t len,
                   bool is_last);
int64_t tcp_stream_cost(size_t len);

#endif
