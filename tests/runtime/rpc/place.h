/*
 * The places where the sample's servers listen: each transport, and behind the
 * gateway of shmrpc-tcp, run in threads of the test.
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

/* Runs between clients at tcp and a server at shm. */
typedef struct place_gateway place_gateway;

/* A new address by the name of a place: a scheme, or "relay". Needs
 * SHMRPC_DIR. */
void place_new(const char *name, char out[PLACE_BYTES]);

/* Where a server for such an address listens. */
void place_listen(const char *address, char out[PLACE_BYTES]);
/* Whether its bodies are only for this machine. */
bool place_is_local(const char *address);

/* Where clients find the server once it runs, and what to end afterwards; NULL:
 * nothing. Fails the test if it can't be started. */
place_gateway *place_open(const char *address, const shmrpc_server *server,
                          const shmrpc_service *service, char out[PLACE_BYTES]);
/* Does nothing to NULL. */
void place_close(place_gateway *gateway);

/* An address with one more parameter. */
void place_with(const char *address, const char *key, const char *value,
                char *out, size_t size);

#endif
