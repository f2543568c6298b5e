/*
 * Snapshots of tables: from a view to a file, and from a file into a table.
 * Tables are those of dicts and values, of whatever type: keys and values go as
 * they are encoded.
 *
 * Threading: as table/table.h.
 */
#ifndef SHMRPCI_OBJECTS_SNAPSHOT_H
#define SHMRPCI_OBJECTS_SNAPSHOT_H

#include "objects/handle.h"
#include "objects/snapshot_file.h"
#include "os/thread.h"
#include "table/table.h"

/* Writes what is in the table now to `path`. `mutex` is held while views are
 * opened and closed; NULL: nobody else has this table. Notes in the table that
 * it did or failed, if that is for writing. BUSY: another writes the same file;
 * else statuses as shmrpc_dict_snapshot(). */
shmrpc_status shmrpci_snapshot_save(shmrpci_table *table, shmrpci_mutex *mutex,
                                    const char *path, uint32_t permissions,
                                    shmrpc_error *error);

/* Fills a table in which nothing has been yet. On failure part of it may be
 * there. CONTRACT: the snapshot is of another type or encoding than the handle
 * that is to have the table; else as shmrpc_dict_load(). */
shmrpc_status shmrpci_snapshot_fill(const shmrpci_handle *handle,
                                    shmrpci_table *table, const char *path,
                                    shmrpc_error *error);

/* Puts all that is in the snapshot into the table, in one change, for which it
 * holds `mutex`. */
shmrpc_status shmrpci_snapshot_merge(const shmrpci_handle *handle,
                                     shmrpci_table *table, shmrpci_mutex *mutex,
                                     const char *path, shmrpc_error *error);

#endif
