/* The conformance suite over unix, with compressed bodies. */
#include "suite.h"

#define unix_ (&shmrpci_transport_unix)

/* Returns the address with the library's unix transport instead of the modified
 * copy that the suite uses. */
static shmrpci_address own(const shmrpci_address *address)
{
    shmrpci_address at = *address;
    at.transport = unix_;
    return at;
}

static int packed_listen(const shmrpci_address *address,
                         const shmrpci_listen_opts *opts,
                         shmrpci_listener **out, shmrpc_error *error)
{
    shmrpci_address at = own(address);
    shmrpci_listen_opts with = *opts;
    with.compression = SHMRPC_COMPRESSION_SNAPPY;
    return unix_->listener->listen(&at, &with, out, error);
}

static int packed_connect(const shmrpci_address *address,
                          const shmrpci_connect_opts *opts, shmrpci_conn **out,
                          shmrpci_buf *welcome, shmrpc_error *error)
{
    shmrpci_address at = own(address);
    return unix_->client->connect(&at, opts, out, welcome, error);
}

int main(void)
{
    static shmrpci_transport packed;
    packed = *unix_;
    static shmrpci_client_ops client;
    client = *unix_->client;
    client.connect = packed_connect;
    packed.client = &client;
    static shmrpci_listener_ops listener;
    listener = *unix_->listener;
    listener.listen = packed_listen;
    packed.listener = &listener;
    return suite_run(&packed);
}
