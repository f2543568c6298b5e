/*
 * Dicts of many machines: changes at the engine (objects/remote.h). Reads use
 * this machine's copy (dict_copy.h), except reads that need a version.
 *
 * A change is atomic for one key: versions are revisions of the engine, which
 * refuses a change if the key has another revision by then.
 *
 * Threading: any thread.
 */
#ifndef SHMRPCI_OBJECTS_DICT_REMOTE_H
#define SHMRPCI_OBJECTS_DICT_REMOTE_H

#include "objects/dict_inside.h"

static inline bool shmrpci_dict_is_remote(const shmrpc_dict *dict)
{
    return dict->handle.remote != NULL;
}

/* Like the functions of the table, but at the engine. They return when the copy
 * has the change, or after 2 s. */
shmrpc_status shmrpci_dict_remote_get(shmrpc_dict *dict,
                                      shmrpci_table_bytes key, shmrpci_buf *out,
                                      uint64_t *out_version,
                                      shmrpc_error *error);
shmrpc_status shmrpci_dict_remote_put(shmrpc_dict *dict,
                                      shmrpci_table_bytes key,
                                      shmrpci_table_bytes value,
                                      uint64_t expected, uint64_t *out_version,
                                      shmrpc_error *error);
shmrpc_status shmrpci_dict_remote_del(shmrpc_dict *dict,
                                      shmrpci_table_bytes key, shmrpci_buf *out,
                                      shmrpc_error *error);
shmrpc_status shmrpci_dict_remote_update(shmrpc_dict *dict,
                                         shmrpci_table_bytes key,
                                         shmrpci_table_updater *updater,
                                         void *user, shmrpc_error *error);
/* Changes one key after another, not atomically. */
shmrpc_status shmrpci_dict_remote_merge(shmrpc_dict *dict,
                                        const shmrpci_table_pair *pairs,
                                        size_t count, shmrpc_error *error);
shmrpc_status shmrpci_dict_remote_clear(shmrpc_dict *dict, shmrpc_error *error);

/* Returns UNIMPLEMENTED, with a message, if the dict is one of many
 * machines. */
shmrpc_status shmrpci_dict_remote_lacks(const shmrpc_dict *dict,
                                        const char *text, shmrpc_error *error);

#endif
