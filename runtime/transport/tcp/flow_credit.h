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

#endif
