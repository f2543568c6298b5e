/*
 * A forwarder between clients and a service that simulates a bad network: it
 * can hold back bytes or cut all connections.
 *
 * It has its own thread and its own port.
 */
#ifndef SHMRPCI_TESTS_RUNTIME_TRANSPORT_TCP_FORWARDER_H
#define SHMRPCI_TESTS_RUNTIME_TRANSPORT_TCP_FORWARDER_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "os/thread.h"

#define FORWARDER_PAIRS 64u

typedef struct forwarder {
    int listen_fd;
    uint16_t port;    /* our port */
    uint16_t to_port; /* the service's port */
    shmrpci_thread thread;
    atomic_bool is_held; /* no bytes pass in either direction */
    atomic_uint cuts;    /* number of cuts so far; each cut resets all
                          * connections */
    atomic_bool is_over;
    size_t piece_bytes; /* most bytes passed on at a time; 0: no limit */
    int pairs[FORWARDER_PAIRS][2];
    unsigned pair_count;
    atomic_uint accepted;
} forwarder;

void forwarder_start(forwarder *f, uint16_t to_port, size_t piece_bytes);
void forwarder_stop(forwarder *f);
/* Holds back all bytes, as if a cable were pulled, until it is called with
 * false. */
void forwarder_hold(forwarder *f, bool held);
/* Resets all present connections. */
void forwarder_cut(forwarder *f);

#endif
