/* Shorter times for a web server that is otherwise the same as shmrpc-web.
 * times_test.py relies on them. */
#ifndef SHMRPC_TESTS_HASTY_H
#define SHMRPC_TESTS_HASTY_H

#define WEB_TIMES_DEFAULT                                                      \
    {                                                                          \
        .head_ns = 10 * SHMRPCI_NS_PER_S, .body_ns = 30 * SHMRPCI_NS_PER_S,    \
        .reply_ns = 30 * SHMRPCI_NS_PER_S, .stall_ns = 2 * SHMRPCI_NS_PER_S,   \
        .pause_ns = 1500 * SHMRPCI_NS_PER_MS,                                  \
        .drain_ns = 1 * SHMRPCI_NS_PER_S, .begin_ns = 300 * SHMRPCI_NS_PER_MS, \
        .comment_ns = 400 * SHMRPCI_NS_PER_MS                                  \
    }

#endif
