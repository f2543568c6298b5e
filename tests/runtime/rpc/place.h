/*
 * The places at which clients reach the sample's servers: directly over each
 * transport, or through the gateway of shmrpc-tcp, which runs in threads of the
 * test.
 *
 * Threading: one thread.
 */
#ifndef SHMRPCI_TESTS_RUNTIME_RPC_PLACE_H
#define SHMRPCI_TESTS_RUNTIME_RPC_PLACE_H

#include <stdbool.h>
#include <stddef.h>

#include "shmrpc/server.h"
#include "shmrpc/stub.h"

#define PLACE_BYTES 128

/* A gateway between clients at tcp and a server at shm. */
typedef struct place_gateway place_gateway;

/* Makes a new address for a place: a scheme, or "relay". Needs SHMRPC_DIR. */
void place_new(const char *name, char out[PLACE_BYTES]);

/* Gives the address at which a server for such a place listens. */
void place_listen(const char *address, char out[PLACE_BYTES]);
/* Whether bodies sent to this address stay on this machine. */
bool place_is_local(const char *address);

/* Called when the server runs: gives the address for clients. Returns a gateway
 * to be closed afterwards, or NULL if there is none. Fails the test if it can't
 * be started. */
place_gateway *place_open(const char *address, const shmrpc_server *server,
                          const shmrpc_service *service, char out[PLACE_BYTES]);
/* Closes a gateway. NULL is allowed. */
void place_close(place_gateway *gateway);

/* Adds a parameter to an address. */
void place_with(const char *address, const char *key, const char *value,
                char *out, size_t size);

#endif
