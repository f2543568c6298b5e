/* Objects whose name is an address: which kinds can be remote, and opening
 * one. */
#include "objects/remote.h"

#include <string.h>

#include "objects/handle.h"

#define SCHEME "nats://"

bool shmrpci_remote_is(const char *name)
{
    return name != NULL && strncmp(name, SCHEME, sizeof SCHEME - 1) == 0;
}

/* What to use instead of a kind that exists on one machine only; NULL if the
 * kind can be remote. */
static const char *gap_of(shmrpc_shared_kind kind)
{
    switch (kind) {
    case SHMRPC_SHARED_QUEUE:
    case SHMRPC_SHARED_TOPIC:
    case SHMRPC_SHARED_DICT:
    case SHMRPC_SHARED_VALUE:
        return NULL;
    case SHMRPC_SHARED_PIPE:
        return "pipes don't exist over NATS: use a stream of a service, whose "
               "sender waits for its reader";
    }
    return "there is no such kind";
}

/* Permissions, writers and ALL_USERS are ignored, because they apply to files;
 * over NATS the server's accounts decide. So to use an object over NATS a
 * program need only change the name. */
shmrpc_status shmrpci_remote_open(shmrpci_handle *handle, const char *address,
                                  const shmrpc_shared_opts *opts,
                                  shmrpc_error *error)
{
    const char *gap = gap_of(handle->face->number);
    if (gap != NULL) {
        return shmrpc_error_set(error, SHMRPC_E_UNIMPLEMENTED, "%s", gap);
    }
    if ((opts->flags & SHMRPC_SHARED_READ_ONLY) != 0) {
        return shmrpc_error_set(error, SHMRPC_E_INVALID,
                                "READ_ONLY: over NATS permissions are those of "
                                "the account (?creds=FILE)");
    }
    if (opts->snapshot != NULL) {
        return shmrpc_error_set(error, SHMRPC_E_INVALID,
                                "over NATS no snapshot is loaded: its servers "
                                "keep the entries (?replicas=3)");
    }
    shmrpc_status status = shmrpci_handle_typed(handle, error);
    if (status != SHMRPC_OK) {
        return status;
    }
    const shmrpci_remote_spec spec = {.address = address,
                                      .row = &handle->row,
                                      .type_hash = handle->type_hash,
                                      .mode = opts->mode,
                                      .timeout_ns = opts->timeout_ns};
    return shmrpci_remote_nats.open(&spec, &handle->remote, error);
}
