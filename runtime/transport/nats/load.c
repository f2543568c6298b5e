/* Loading the carrier, once in a process, and connecting with it. */
#include "transport/nats/load.h"

#include "os/plugin.h"
#include "os/thread.h"

#define LIBRARY "libshmrpc-nats.so.0"

/* One per process, because libraries are loaded once; guarded by `lock`. */
static shmrpci_mutex lock = SHMRPCI_MUTEX_INIT;
static const nats_carrier_ops *loaded;

/* Called with the lock held. Loads the carrier. */
static int load(shmrpc_error *error)
{
    char why[SHMRPCI_PLUGIN_WHY_BYTES];
    void *symbol;
    if (shmrpci_plugin_load(LIBRARY, NATS_CARRIER_SYMBOL, &symbol, why) !=
        SHMRPC_OK) {
        return shmrpc_error_set(error, SHMRPC_E_UNIMPLEMENTED,
                                "nats:// needs " LIBRARY
                                " (built if libnats-dev is installed): %.100s",
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

/* Sets the error of a refusal; it names the file with our credentials, if
 * any. */
static int refused(const nats_opts *opts, const char *why, shmrpc_error *error)
{
    const char *file = opts->creds_file[0] != '\0'  ? opts->creds_file
                       : opts->nkey_file[0] != '\0' ? opts->nkey_file
                                                    : opts->cert_file;
    return shmrpc_error_set(error, SHMRPC_E_UNAUTHENTICATED,
                            "%.70s%snats://%.50s refuses us: %.40s", file,
                            file[0] != '\0' ? ": " : "", opts->servers, why);
}

int nats_failed(nats_result result, const nats_opts *opts, const char *why,
                shmrpc_error *error)
{
    const char *servers = opts->servers;
    switch (result) {
    case NATS_REFUSED:
        return refused(opts, why, error);
    case NATS_WRONG:
        return shmrpc_error_set(error, SHMRPC_E_INVALID, "nats://%.80s: %.90s",
                                servers, why);
    case NATS_OUT_OF_MEMORY:
        return shmrpc_error_set(error, SHMRPC_E_NO_MEMORY, "out of memory");
    case NATS_DONE:
    case NATS_NOTHING:
    case NATS_NOBODY:
    case NATS_DROPPED:
    case NATS_AWAY:
    case NATS_TOO_LONG:
        break;
    }
    return shmrpc_error_set(error, SHMRPC_E_UNAVAILABLE,
                            "no NATS server at nats://%.80s: %.80s", servers,
                            why);
}

int nats_open(const nats_carrier_ops *ops, const nats_opts *opts,
              nats_carrier **out, shmrpc_error *error)
{
    char why[NATS_CARRIER_WHY_BYTES] = "";
    nats_result result = ops->open(opts, out, why);
    return result == NATS_DONE ? (int)SHMRPC_OK
                               : nats_failed(result, opts, why, error);
}
