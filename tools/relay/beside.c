/* Passes metadata blocks on through the gateway. */
#include "tools/relay/beside.h"

#include "rpc/token.h"

/* Adds the token of the peer's connection, unless the call has a token of its
 * own. */
static int add_token(const shmrpci_worker_ops *front,
                     const shmrpci_request *request, shmrpci_metadata *block)
{
    uint8_t hello[SHMRPCI_HELLO_MAX_BYTES];
    shmrpci_metadata said;
    size_t len = front->hello(request, hello);
    const char *token = shmrpci_token_read(hello, len, &said);
    return token != NULL &&
                   shmrpci_metadata_find(block, SHMRPCI_AUTHORIZATION) == NULL
               ? shmrpci_metadata_add(block, SHMRPCI_AUTHORIZATION, token, NULL)
               : (int)SHMRPC_OK;
}

uint64_t beside_peer(uint64_t number, uint64_t connection)
{
    return number ^ connection;
}

int beside_make(const shmrpci_worker_ops *front, const shmrpci_request *request,
                uint64_t number, shmrpci_metadata *out, size_t *out_old,
                size_t *out_new)
{
    *out_old = *out_new = 0;
    shmrpci_metadata_init(out, 0);
    if ((request->head.flags & SHMRPCI_HEAD_METADATA) != 0) {
        size_t size = shmrpci_metadata_read(request->in, request->in_len, out);
        if (size == 0) {
            return SHMRPC_OK; /* malformed: the service reports that */
        }
        *out_old = size;
        shmrpci_metadata_reopen(out);
    }
    int status = shmrpci_metadata_put_peer(
        out, beside_peer(number, front->connection(request)), NULL);
    if (status == SHMRPC_OK) {
        status = add_token(front, request, out);
    }
    if (status == SHMRPC_OK) {
        *out_new = shmrpci_metadata_end(out);
    }
    return status;
}
