/* Changes of dicts as bytes. A dict of this machine is changed in the table,
 * under the handle's mutex. A dict of many machines is changed at its engine,
 * without the mutex, because such a change waits for the servers' answer. */
#include "objects/dict_remote.h"

shmrpc_status shmrpci_dict_put_bytes(shmrpc_dict *dict, shmrpci_table_bytes key,
                                     shmrpci_table_bytes value,
                                     uint64_t expected, uint64_t *out_version,
                                     shmrpc_error *error)
{
    if (shmrpci_region_is_destroyed(&dict->table.region)) {
        (void)shmrpc_error_set(error, SHMRPC_E_DESTROYED,
                               "it has been destroyed");
        return SHMRPC_E_DESTROYED;
    }
    if (shmrpci_dict_is_remote(dict)) {
        return shmrpci_dict_remote_put(dict, key, value, expected, out_version,
                                       error);
    }
    shmrpci_mutex_lock(&dict->mutex);
    shmrpc_status status = shmrpci_table_put(&dict->table, key, value, expected,
                                             out_version, error);
    shmrpci_mutex_unlock(&dict->mutex);
    return status;
}

shmrpc_status shmrpci_dict_del_bytes(shmrpc_dict *dict, shmrpci_table_bytes key,
                                     shmrpci_buf *out, shmrpc_error *error)
{
    shmrpc_status status;
    if (shmrpci_dict_is_remote(dict)) {
        status = shmrpci_dict_remote_del(dict, key, out, error);
    } else {
        shmrpci_mutex_lock(&dict->mutex);
        status =
            shmrpci_table_del(&dict->table, key, SHMRPCI_TABLE_ANY, out, error);
        shmrpci_mutex_unlock(&dict->mutex);
    }
    if (status == SHMRPC_E_NOT_FOUND) {
        (void)shmrpc_error_set(error, status, "there is no such key");
    }
    return status;
}

shmrpc_status shmrpci_dict_update_bytes(shmrpc_dict *dict,
                                        shmrpci_table_bytes key,
                                        shmrpci_table_updater *updater,
                                        void *user, shmrpc_error *error)
{
    if (shmrpci_dict_is_remote(dict)) {
        return shmrpci_dict_remote_update(dict, key, updater, user, error);
    }
    shmrpci_mutex_lock(&dict->mutex);
    shmrpc_status status =
        shmrpci_table_update(&dict->table, key, updater, user, error);
    shmrpci_mutex_unlock(&dict->mutex);
    return status;
}

shmrpc_status shmrpci_dict_merge_bytes(shmrpc_dict *dict,
                                       const shmrpci_table_pair *pairs,
                                       size_t count, shmrpc_error *error)
{
    if (shmrpci_dict_is_remote(dict)) {
        return shmrpci_dict_remote_merge(dict, pairs, count, error);
    }
    shmrpci_mutex_lock(&dict->mutex);
    shmrpc_status status =
        shmrpci_table_merge(&dict->table, pairs, count, error);
    shmrpci_mutex_unlock(&dict->mutex);
    return status;
}

/* Clears the table in one change, however many entries there are. */
shmrpc_status shmrpc_dict_clear(shmrpc_dict *dict, shmrpc_error *error)
{
    shmrpc_status status = shmrpci_dict_may_change(dict, error);
    if (status != SHMRPC_OK) {
        return status;
    }
    if (shmrpci_dict_is_remote(dict)) {
        status = shmrpci_dict_remote_clear(dict, error);
    } else {
        shmrpci_mutex_lock(&dict->mutex);
        status = shmrpci_table_clear(&dict->table, error);
        shmrpci_mutex_unlock(&dict->mutex);
    }
    return shmrpci_handle_explain(&dict->handle, status, error);
}
