/*
 * The nats transport, for clients only. Services are reached through
 * shmrpc-nats, so that workers use only one transport and read no bytes from
 * the network.
 */
#include "transport/nats/client.h"

static int no_listener(const shmrpci_address *address,
                       const shmrpci_listen_opts *opts, shmrpci_listener **out,
                       shmrpc_error *error)
{
    (void)address;
    (void)opts;
    (void)out;
    return shmrpc_error_set(
        error, SHMRPC_E_UNIMPLEMENTED,
        "services can't listen at nats://: run shmrpc-nats beside them");
}

/* There are no listeners, so the other operations are never called. */
static const shmrpci_listener_ops listener = {.listen = no_listener};
static const shmrpci_worker_ops worker = {.next = NULL};

const shmrpci_transport shmrpci_transport_nats = {
    .scheme = "nats",
    .is_network = true,
    .client = &nats_client_ops,
    .listener = &listener,
    .worker = &worker,
    .streams = &nats_stream_ops,
};
