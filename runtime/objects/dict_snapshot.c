/* Snapshots of dicts and values (shmrpc/dict.h, shmrpc/value.h): where they
 * are, and their options. snapshot.c does the work. */
#include "base/reserved.h"
#include "objects/dict_remote.h"
#include "objects/snapshot.h"
#include "objects/snapshot_place.h"

/* The data from which a snapshot's default place is derived. */
static shmrpci_snapshot_of what_of(const shmrpc_dict *dict)
{
    const shmrpci_handle *handle = &dict->handle;
    return (shmrpci_snapshot_of){
        .kind = handle->face->kind,
        .scope = handle->room == SHMRPCI_ROOM_ALL_USERS ? SHMRPC_SCOPE_ALL_USERS
                                                        : SHMRPC_SCOPE_USER,
        .name = handle->name,
    };
}

/* Finds the path of the snapshot. `room` is memory for the default path. */
static shmrpc_status find_path(const shmrpc_dict *dict, const char **path,
                               char room[SHMRPCI_SNAPSHOT_PATH_BYTES],
                               shmrpc_error *error)
{
    const shmrpci_snapshot_of what = what_of(dict);
    if (*path != NULL) {
        return SHMRPC_OK;
    }
    if (shmrpci_dict_is_remote(dict)) {
        return shmrpc_error_set(
            error, SHMRPC_E_INVALID,
            "over NATS there is no default place: give a path");
    }
    /* Only the server writes the snapshot of its object: if two processes
     * disagreed about the path, one snapshot would be lost. */
    if (dict->handle.source_fd >= 0) {
        return shmrpc_error_set(error, SHMRPC_E_INVALID,
                                "its service decides where its snapshot is: "
                                "give a path");
    }
    *path = room;
    return shmrpci_snapshot_place(&what, room, error);
}

/* Missing folders are made only for the default place. */
static shmrpc_status save(shmrpc_dict *dict, const char *path,
                          const shmrpc_snapshot_opts *opts, shmrpc_error *error)
{
    char room[SHMRPCI_SNAPSHOT_PATH_BYTES];
    bool is_ours = path == NULL;
    if (opts->reserved32 != 0 || (opts->permissions & ~0777u) != 0 ||
        !shmrpci_reserved_is_zero(opts->reserved, sizeof opts->reserved /
                                                      sizeof *opts->reserved)) {
        return shmrpc_error_set(error, SHMRPC_E_INVALID,
                                "permissions are out of range, or reserved "
                                "members not 0");
    }
    shmrpc_status status = find_path(dict, &path, room, error);
    if (status == SHMRPC_OK && is_ours) {
        status = shmrpci_snapshot_make_folders(path, error);
    }
    return status == SHMRPC_OK
               ? shmrpci_snapshot_save(
                     &dict->table, &dict->mutex, path,
                     opts->permissions != 0 ? opts->permissions : 0600u, error)
               : status;
}

shmrpc_status shmrpc_dict_snapshot(shmrpc_dict *dict, const char *path,
                                   const shmrpc_snapshot_opts *opts,
                                   shmrpc_error *error)
{
    static const shmrpc_snapshot_opts defaults = {.permissions = 0};
    shmrpc_status status = shmrpci_handle_ensure(&dict->handle, error);
    if (status != SHMRPC_OK) {
        return status;
    }
    if (shmrpci_region_is_destroyed(&dict->table.region)) {
        return shmrpci_handle_fail(&dict->handle, SHMRPC_E_DESTROYED,
                                   "it has been destroyed", error);
    }
    status = save(dict, path, opts != NULL ? opts : &defaults, error);
    return shmrpci_handle_explain(&dict->handle, status, error);
}

/* Merges the snapshot in one change: concurrent readers see all of it or
 * nothing. */
shmrpc_status shmrpc_dict_load(shmrpc_dict *dict, const char *path,
                               shmrpc_error *error)
{
    char room[SHMRPCI_SNAPSHOT_PATH_BYTES];
    shmrpc_status status = shmrpci_dict_may_change(dict, error);
    if (status != SHMRPC_OK) {
        return status;
    }
    status = shmrpci_dict_remote_lacks(
        dict, "over NATS no snapshot is loaded: put or merge its entries",
        error);
    if (status == SHMRPC_OK) {
        status = find_path(dict, &path, room, error);
    }
    if (status == SHMRPC_OK) {
        status = shmrpci_snapshot_merge(&dict->handle, &dict->table,
                                        &dict->mutex, path, error);
    }
    return shmrpci_handle_explain(&dict->handle, status, error);
}

/* The handle of a value is that of a dict. */
shmrpc_status shmrpc_value_snapshot(shmrpc_value *value, const char *path,
                                    const shmrpc_snapshot_opts *opts,
                                    shmrpc_error *error)
{
    return shmrpc_dict_snapshot((shmrpc_dict *)(void *)value, path, opts,
                                error);
}

shmrpc_status shmrpc_value_load(shmrpc_value *value, const char *path,
                                shmrpc_error *error)
{
    return shmrpc_dict_load((shmrpc_dict *)(void *)value, path, error);
}

/* Called while an object is being made. No other thread has it yet, so no mutex
 * is needed. */
shmrpc_status shmrpci_dict_fill_engine(shmrpci_handle *handle, const char *path,
                                       shmrpc_error *error)
{
    return shmrpci_snapshot_fill(handle, &shmrpci_dict_of(handle)->table, path,
                                 error);
}
