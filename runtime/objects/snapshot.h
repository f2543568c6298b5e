/*
 * Snapshots of tables: from a view to a file, and from a file into a table.
 * Tables are those of dicts and values, of any type: keys and values are
 * written as they are encoded.
 *
 * Threading: as for the functions of table/table.h.
 */
#ifndef SHMRPCI_OBJECTS_SNAPSHOT_H
#define SHMRPCI_OBJECTS_SNAPSHOT_H

#include "objects/handle.h"
#include "objects/snapshot_file.h"
#include "os/thread.h"
#include "table/table.h"

/* Writes the current state of the table to `path`. `mutex` is held while views
 * are opened and closed; it is NULL if no other thread has this table. Records
 * success or failure in the table, if the table is writable. Returns BUSY if
 * another process writes the same file, else what shmrpc_dict_snapshot()
 * returns. */
shmrpc_status shmrpci_snapshot_save(shmrpci_table *table, shmrpci_mutex *mutex,
                                    const char *path, uint32_t permissions,
                                    shmrpc_error *error);

/* Fills a new, empty table. On failure it may be filled in part. Returns
 * CONTRACT if the snapshot has another type or encoding than the table's
 * handle, else what shmrpc_dict_load() returns. */
shmrpc_status shmrpci_snapshot_fill(const shmrpci_handle *handle,
                                    shmrpci_table *table, const char *path,
                                    shmrpc_error *error);

/* Puts all entries of the snapshot into the table, in one change, for which it
 * takes `mutex`. */
shmrpc_status shmrpci_snapshot_merge(const shmrpci_handle *handle,
                                     shmrpci_table *table, shmrpci_mutex *mutex,
                                     const char *path, shmrpc_error *error);

#endif
