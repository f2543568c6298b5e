/* Loading the carrier, once in a process. */
#include "transport/nats/load.h"

#include "os/plugin.h"
#include "os/thread.h"

#define LIBRARY "libshmrpc-nats.so.0"

/* For the whole process, as libraries are; guarded by `lock`. */
static shmrpci_mutex lock = SHMRPCI_MUTEX_INIT;
static const nats_carrier_ops *loaded;

/* With the lock held. */
static int load(shmrpc_error *error)
{
    char why[SHMRPCI_PLUGIN_WHY_BYTES];
    void *symbol;
    if (shmrpci_plugin_load(LIBRARY, NATS_CARRIER_SYMBOL, &symbol, why) !=
        SHMRPC_OK) {
        return shmrpc_error_set(error, SHMRPC_E_UNIMPLEMENTED,
                                "nats:// needs " LIBRARY
                                " (built where "
                                "libnats-dev is): %.100s",
                                why);
    }
    const nats_carrier_ops *ops = symbol;
    if (ops->abi != NATS_CARRIER_ABI) {
        return shmrpc_error_set(error, SHMRPC_E_UNIMPLEMENTED,
                                LIBRARY " is of another version of shmrpc");
    }
    loaded = ops;
    return SHMRPC_OK;
}

int nats_load(const nats_carrier_ops **out, shmrpc_error *error)
{
    shmrpci_mutex_lock(&lock);
    int status = loaded != NULL ? (int)SHMRPC_OK : load(error);
    *out = loaded;
    shmrpci_mutex_unlock(&lock);
    return status;
}

void nats_load_this(const nats_carrier_ops *ops)
{
    shmrpci_mutex_lock(&lock);
    loaded = ops;
    shmrpci_mutex_unlock(&lock);
}
