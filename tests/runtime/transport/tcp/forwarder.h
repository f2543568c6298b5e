/*
 * A forwarder between clients and a service that can be told to hold back
 * bytes, or to cut all connections: a bad network.
 *
 * It has a thread of its own and a port of its own.
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
    atomic_bool is_held; /* nothing passes, in either direction */
    atomic_uint cuts;    /* each one resets all connections */
    atomic_bool is_over;
    size_t piece_bytes; /* bytes passed on at once; 0: all that are there */
    int pairs[FORWARDER_PAIRS][2];
    unsigned pair_count;
    atomic_uint accepted;
} forwarder;

void forwarder_start(forwarder *f, uint16_t to_port, size_t piece_bytes);
void forwarder_stop(forwarder *f);
/* Nothing passes from now on, as if a cable were pulled, until it is
 * released. */
void forwarder_hold(forwarder *f, bool held);
/* Resets all present connections. */
void forwarder_cut(forwarder *f);

#endif
