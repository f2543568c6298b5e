/* The options of a server: checked, completed, copied. */
#include "rpc/server.h"

#include <stdlib.h>
#include <string.h>

#include "base/reserved.h"
#include "os/process.h"
#include "rpc/access.h"
#include "rpc/limits.h"

#define DEFAULT_CONNECTIONS_PER_UID 1024u
#define DEFAULT_BYTES_PER_UID       ((size_t)1 << 30)

/* Refuses a list of users that could never be let in. */
static int check_uids(const uint32_t *uids, size_t count, shmrpc_error *error)
{
    for (size_t i = 0; i < count; i++) {
        if (shmrpci_process_mistrusts(uids[i])) {
            return shmrpc_error_set(
                error, SHMRPC_E_INVALID,
                "user id %u (nobody) can't be allowed, because users of other "
                "user namespaces share it: allow another user, or run the "
                "server as nobody",
                uids[i]);
        }
    }
    return SHMRPC_OK;
}

static int check(const shmrpc_server_opts *opts, shmrpc_error *error)
{
    if (opts->workers > SHMRPCI_WORKERS_MAX) {
        return shmrpc_error_set(error, SHMRPC_E_INVALID,
                                "workers is %u, but at most %u are possible",
                                opts->workers, SHMRPCI_WORKERS_MAX);
    }
    bool is_cleared =
        opts->reserved_too == 0 &&
        shmrpci_reserved_is_zero(opts->reserved, SHMRPC_COUNT(opts->reserved));
    for (size_t i = 0; i < opts->method_access_count; i++) {
        const shmrpc_method_access *access = &opts->method_access[i];
        is_cleared = is_cleared &&
                     shmrpci_reserved_is_zero(access->reserved,
                                              SHMRPC_COUNT(access->reserved));
    }
    if (!is_cleared) {
        return shmrpc_error_set(error, SHMRPC_E_INVALID, SHMRPCI_RESERVED_TEXT);
    }
    if ((unsigned)opts->profile > SHMRPC_PROFILE_POWER) {
        return shmrpc_error_set(error, SHMRPC_E_INVALID,
                                "profile %d does not exist",
                                (int)opts->profile);
    }
    if (opts->max_streams > SHMRPCI_WORKERS_MAX || opts->stream_stall_ns < 0 ||
        opts->stream_drain_ns < 0 || opts->max_stream_age_ns < 0) {
        return shmrpc_error_set(
            error, SHMRPC_E_INVALID,
            "max_streams must be 0 to %u; stream_stall_ns, stream_drain_ns and "
            "max_stream_age_ns must not be negative",
            SHMRPCI_WORKERS_MAX);
    }
    if (opts->shed_after_ns < 0) {
        return shmrpc_error_set(error, SHMRPC_E_INVALID,
                                "shed_after_ns is below 0");
    }
    if ((unsigned)opts->compression > SHMRPC_COMPRESSION_ZLIB) {
        return shmrpc_error_set(error, SHMRPC_E_INVALID,
                                "compression %d does not exist",
                                (int)opts->compression);
    }
    if ((opts->allowed_uid_count > 0 && opts->allowed_uids == NULL) ||
        (opts->allowed_gid_count > 0 && opts->allowed_gids == NULL)) {
        return shmrpc_error_set(error, SHMRPC_E_INVALID,
                                "allowed_uids or allowed_gids is missing");
    }
    int status = check_uids(opts->allowed_uids, opts->allowed_uid_count, error);
    for (size_t i = 0; i < opts->method_access_count && status == SHMRPC_OK;
         i++) {
        const shmrpc_method_access *access = &opts->method_access[i];
        status = check_uids(access->uids, access->uid_count, error);
    }
    return status;
}

uint32_t shmrpci_server_default_workers(void)
{
    uint32_t cpus = (shmrpci_cpu_quota_percent() + 50) / 100;
    uint32_t allowed = shmrpci_allowed_cpus();
    cpus = cpus < allowed ? cpus : allowed;
    return cpus < 1                     ? 1
           : cpus > SHMRPCI_WORKERS_MAX ? SHMRPCI_WORKERS_MAX
                                        : cpus;
}

static void fill_defaults(shmrpc_server_opts *opts)
{
    if (opts->workers == 0) {
        opts->workers = shmrpci_server_default_workers();
    }
    if (opts->max_message_bytes == 0) {
        opts->max_message_bytes = SHMRPC_DEFAULT_MAX_MESSAGE_BYTES;
    }
    if (opts->max_connections_per_uid == 0) {
        opts->max_connections_per_uid = DEFAULT_CONNECTIONS_PER_UID;
    }
    if (opts->stream_stall_ns == 0) {
        opts->stream_stall_ns = SHMRPCI_STREAM_STALL_NS;
    }
    if (opts->stream_drain_ns == 0) {
        opts->stream_drain_ns = SHMRPCI_STREAM_DRAIN_NS;
    }
    if (opts->max_bytes_per_uid == 0) {
        opts->max_bytes_per_uid = DEFAULT_BYTES_PER_UID;
    }
}

static bool copy(const shmrpc_server_opts *opts, shmrpci_server_opts *out)
{
    if (opts->listen != NULL) {
        out->listen = strdup(opts->listen);
        out->opts.listen = out->listen;
    }
    out->allowed_uids =
        shmrpci_access_copy(opts->allowed_uids, opts->allowed_uid_count);
    out->opts.allowed_uids = out->allowed_uids;
    out->allowed_gids =
        shmrpci_access_copy(opts->allowed_gids, opts->allowed_gid_count);
    out->opts.allowed_gids = out->allowed_gids;
    return (out->listen != NULL || opts->listen == NULL) &&
           (out->allowed_uids != NULL || opts->allowed_uid_count == 0) &&
           (out->allowed_gids != NULL || opts->allowed_gid_count == 0);
}

int shmrpci_server_opts_init(shmrpci_server_opts *out,
                             const shmrpc_server_opts *opts,
                             shmrpc_error *error)
{
    static const shmrpc_server_opts none;
    opts = opts != NULL ? opts : &none;
    *out = (shmrpci_server_opts){.opts = *opts};
    int status = check(opts, error);
    if (status != SHMRPC_OK) {
        return status;
    }
    fill_defaults(&out->opts);
    return copy(opts, out)
               ? (int)SHMRPC_OK
               : shmrpc_error_set(error, SHMRPC_E_NO_MEMORY, "out of memory");
}

void shmrpci_server_opts_fini(shmrpci_server_opts *own)
{
    free(own->allowed_uids);
    free(own->allowed_gids);
    free(own->listen);
}
