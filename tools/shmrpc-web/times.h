/*
 * How long others may keep this server waiting, and how long it may be silent.
 *
 * The program has WEB_TIMES_DEFAULT, as docs/web.md says; tests have shorter
 * ones. They are looked at four times a second.
 */
#ifndef SHMRPC_WEB_TIMES_H
#define SHMRPC_WEB_TIMES_H

#include <stdint.h>

#include "os/clock.h"

typedef struct web_times {
    /* A connection is cut off: */
    int64_t head_ns;  /* without a whole head; or idle */
    int64_t body_ns;  /* without a whole body that is kept */
    int64_t reply_ns; /* that has not taken its reply */
    int64_t stall_ns; /* that takes nothing of a stream */
    int64_t pause_ns; /* that sends nothing of a body taken in pieces */
    int64_t drain_ns; /* that goes on with a body that nobody wants */
    /* A reply that is a stream begins without an item or an end. */
    int64_t begin_ns;
    /* An idle stream of events gets a comment: proxies cut off connections on
     * which nothing comes. */
    int64_t comment_ns;
} web_times;

/* A reader that takes nothing is cut off, but not before its service has had
 * the time to say that it has stalled (stream_stall). */
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
