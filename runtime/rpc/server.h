/*
 * What the parts of the server share: services, and the listeners they have.
 *
 * Threading: everything here is fixed before the workers start.
 */
#ifndef SHMRPCI_RPC_SERVER_H
#define SHMRPCI_RPC_SERVER_H

#include "base/buf.h"
#include "codec/codec.h"
#include "shmrpc/stub.h"
#include "transport/transport.h"

/* A service that is served: its descriptor and the user's code. */
typedef struct shmrpci_served {
    const shmrpc_service *service;
    const shmrpc_handler *handlers;
    void *impl; /* our copy */
    void *user;
    const shmrpci_codec **codecs; /* of each method */
    shmrpci_buf contract;         /* in its travelling form */
    size_t decode_limit;
    uint32_t uid; /* the server's own */
} shmrpci_served;

/* Refuses or welcomes a client; `user` is the shmrpci_served. */
int shmrpci_served_hello(void *user, const uint8_t *hello, size_t len,
                         const shmrpc_peer *peer, shmrpci_buf *welcome,
                         shmrpc_error *error);

/* Serves requests at `participant` until the listener is stopped. */
void shmrpci_dispatch_run(const shmrpci_served *served,
                          shmrpci_participant *participant);

/* One line for people: where the server's listener `index` is; NULL behind the
 * last one. */
const char *shmrpci_server_describe(const shmrpc_server *server,
                                    uint32_t index);

#endif
