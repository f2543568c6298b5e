/*
 * How long clients may keep this server waiting, and how long it may send
 * nothing.
 *
 * The program uses WEB_TIMES_DEFAULT, as docs/web.md says; tests use shorter
 * times. The limits are checked four times a second.
 */
#ifndef SHMRPC_WEB_TIMES_H
#define SHMRPC_WEB_TIMES_H

#include <stdint.h>

#include "os/clock.h"

typedef struct web_times {
    /* A connection is closed after these times: */
    int64_t head_ns;  /* the head is incomplete, or the connection is idle */
    int64_t body_ns;  /* a buffered body is incomplete */
    int64_t reply_ns; /* the client has not taken its reply */
    int64_t stall_ns; /* the client reads nothing of a stream */
    int64_t pause_ns; /* the client sends nothing of a body that is taken in
                       * pieces */
    int64_t drain_ns; /* the client goes on sending a body that is dropped */
    /* After this time the reply of a stream begins even if no item or end has
     * arrived. */
    int64_t begin_ns;
    /* An idle stream of events gets a comment after this time, because proxies
     * close idle connections. */
    int64_t comment_ns;
} web_times;

/* stall_ns is longer than the default of stream_stall, the time after which a
 * service reports the stall of a stream. So the service's report comes before
 * the client is disconnected. */
#ifndef WEB_TIMES_DEFAULT
#define WEB_TIMES_DEFAULT                                                      \
    {                                                                          \
        .head_ns = 10 * SHMRPCI_NS_PER_S, .body_ns = 30 * SHMRPCI_NS_PER_S,    \
        .reply_ns = 30 * SHMRPCI_NS_PER_S, .stall_ns = 120 * SHMRPCI_NS_PER_S, \
        .pause_ns = 600 * SHMRPCI_NS_PER_S, .drain_ns = 10 * SHMRPCI_NS_PER_S, \
        .begin_ns = 500 * SHMRPCI_NS_PER_MS,                                   \
        .comment_ns = 15 * SHMRPCI_NS_PER_S                                    \
    }
#endif

#endif
