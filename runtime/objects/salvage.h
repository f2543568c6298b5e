/*
 * Recovers the whole entries of a damaged dict or value.
 *
 * Threading: any thread.
 */
#ifndef SHMRPCI_OBJECTS_SALVAGE_H
#define SHMRPCI_OBJECTS_SALVAGE_H

#include "objects/kind.h"
#include "shmrpc/descriptor.h"

/* Receives an entry; key and value are valid during the call. For a value `key`
 * is NULL. */
typedef void shmrpci_salvage_entry(void *user, const void *key,
                                   const void *value);

/*
 * Reports, in order, the entries in `fd` that pass all checks, and each lost
 * one. `row` has their types and encoding. The file may be of another boot, or
 * truncated. Returns DATA_LOSS if it is not a table, or its head is damaged;
 * CONTRACT if it is of another version; or NO_MEMORY.
 */
shmrpc_status shmrpci_salvage(int fd, const shmrpc_shared *row,
                              shmrpci_salvage_entry *entry,
                              shmrpci_kind_finding *finding, void *user,
                              uint64_t *out_lost, shmrpc_error *error);

#endif
