/* Objects whose name is an address: which kinds there are, and what their
 * options may say. */
#include "objects/remote.h"

#include <string.h>

#define SCHEME "nats://"

bool shmrpci_remote_is(const char *name)
{
    return name != NULL && strncmp(name, SCHEME, sizeof SCHEME - 1) == 0;
}

/* What to use instead of a kind that exists on one machine only. */
static const char *gap_of(shmrpc_shared_kind kind)
{
    switch (kind) {
    case SHMRPC_SHARED_QUEUE:
        return "queues don't exist over NATS yet: call a service";
    case SHMRPC_SHARED_TOPIC:
        return "topics don't exist over NATS yet: call a service";
    case SHMRPC_SHARED_PIPE:
        return "pipes don't exist over NATS: use a stream of a service, whose "
               "sender waits for its reader";
    case SHMRPC_SHARED_DICT:
        return "dicts don't exist over NATS yet: ask a service";
    case SHMRPC_SHARED_VALUE:
        return "values don't exist over NATS: ask a service";
    }
    return "there is no such kind";
}

shmrpc_status shmrpci_remote_open(shmrpci_handle *handle, const char *address,
                                  const shmrpc_shared_opts *opts,
                                  shmrpc_error *error)
{
    (void)address;
    (void)opts;
    return shmrpc_error_set(error, SHMRPC_E_UNIMPLEMENTED, "%s",
                            gap_of(handle->face->number));
}
