/*
 * Address lists: where to find a service, as people write it.
 *
 *     shm://                 the service's own name, on this machine
 *     shm://name@instance    another name, one of several copies
 *     shm://name@*           of a client: all copies (rpc/crowd.h)
 *     inproc://              within this process
 *     tcp://host:port        over TCP; [address] for IPv6
 *     tcp://  tcp://:port    this machine's 127.0.0.1
 *     tcp://host?key=FILE    with a key that both sides share
 *     tls://host:port        TCP with TLS 1.3
 *       of a server          ?cert=FILE, and &ca=FILE to let in only clients
 *                            with a certificate
 *       of a client          ?ca=FILE, and &cert=FILE to show one
 *     nats://host:port       through a cluster of NATS servers (default port
 *                            4222), to any gateway of the service;
 *                            nats://host:port/name names another service;
 *                            neighbours in a list are servers of one cluster
 *       of a client          ?creds=FILE or ?nkey=FILE, &ca=FILE, &cert=FILE;
 *                            &zone=NAME: where it prefers gateways
 *     unix:///path           a socket of this machine
 *       of any client        ?token=FILE, or &token=FILE: the token that it
 *                            shows to the service (rpc/token.h)
 *
 * A list may have several addresses, separated by commas, which are tried in
 * order. What an address leaves out comes from the service.
 *
 * Threading: pure functions.
 */
#ifndef SHMRPCI_RPC_ADDRESS_H
#define SHMRPCI_RPC_ADDRESS_H

#include <stdbool.h>
#include <stddef.h>

#include "shmrpc/descriptor.h"
#include "shmrpc/error.h"
#include "transport/transport.h"

#define SHMRPCI_PLACES_MAX 8

typedef struct shmrpci_place {
    char text[128]; /* the original text, perhaps cut; for messages */
    /* The transport is NULL when the scheme is known but not built in. */
    shmrpci_address address;
} shmrpci_place;

typedef struct shmrpci_place_list {
    size_t count;
    shmrpci_place items[SHMRPCI_PLACES_MAX];
} shmrpci_place_list;

/* Parses `text` (NULL or "": "shm://"). Returns INVALID with a message that
 * names the wrong part and what was expected. */
int shmrpci_places_parse(const char *text, const shmrpc_service *service,
                         shmrpci_place_list *out, shmrpc_error *error);

/* Returns whether to try the next place of a list after this status. If a
 * server answers but can't be used, the search ends, because the user must
 * learn of it. */
bool shmrpci_place_is_passed_over(int status);

/* Sets `error` for a place whose transport is not built in. Returns
 * UNIMPLEMENTED. */
int shmrpci_place_not_built(const shmrpci_place *place, shmrpc_error *error);

#endif
