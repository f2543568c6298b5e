/*
 * Where the sample's servers are: at each transport there is, and behind a
 * gateway, which is that of shmrpc-tcp, in threads of the test.
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

/* What runs between clients at tcp and a server at shm. */
typedef struct place_gateway place_gateway;

/* A new address by a name: a scheme, or "relay". Needs SHMRPC_DIR. */
void place_new(const char *name, char out[PLACE_BYTES]);

/* Where a server of such an address listens. */
void place_listen(const char *address, char out[PLACE_BYTES]);
/* Whether its bodies are for this machine only. */
bool place_is_local(const char *address);

/* Where clients find it once it runs, and what has to be ended then; NULL:
 * nothing. Fails the test if it can't. */
place_gateway *place_open(const char *address, const shmrpc_server *server,
                          const shmrpc_service *service, char out[PLACE_BYTES]);
/* Does nothing to NULL. */
void place_close(place_gateway *gateway);

/* An address with one parameter more. */
void place_with(const char *address, const char *key, const char *value,
                char *out, size_t size);

#endif
