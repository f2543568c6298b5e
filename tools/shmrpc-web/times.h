/*
 * How long clients may keep this server waiting, and how long it may send
 * nothing.
 *
 * The program uses WEB_TIMES_DEFAULT, as docs/web.md says; tests use shorter
 * times. They are checked four times a second.
 */
#ifndef SHMRPC_WEB_TIMES_H
#define SHMRPC_WEB_TIMES_H

#include <stdint.h>

#include "os/clock.h"

typedef struct web_times {
    /* A connection is cut off: */
    int64_t head_ns;  /* without a whole head; or idle */
    int64_t body_ns;  /* for a complete body that is buffered */
    int64_t reply_ns; /* for a client that has not taken its reply */
    int64_t stall_ns; /* for a client that reads nothing of a stream */
    int64_t pause_ns; /* for a client that sends nothing of a body taken in
                       * pieces */
    int64_t drain_ns; /* for a client that goes on sending a body that is
                       * dropped */
    /* A reply that is a stream begins without an item or an end. */
    int64_t begin_ns;
    /* An idle stream of events gets a comment: proxies close idle
     * connections. */
    int64_t comment_ns;
} web_times;

/* A client that reads nothing is disconnected, but only after its service has
 * had the time to report the stall (stream_stall). */
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
