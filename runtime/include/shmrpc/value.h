/*
 * Shared values: one value that processes share by name, without a server.
 *
 *     shmrpc_value *config;
 *     if (shmrpc_value_open("config", NULL, &config, &error) == SHMRPC_OK) {
 *         shmrpc_any entry = shmrpc_any_map_of(NULL, 0);
 *         (void)shmrpc_value_put(config, NULL, &entry, &error);
 *         ...
 *         const shmrpc_any *tree;
 *         if (shmrpc_value_get(config, NULL, &tree, NULL, &error) ==
 *             SHMRPC_OK) {
 *             use(tree);
 *             shmrpc_value_release(config, tree);
 *         }
 *         shmrpc_value_close(config);
 *     }
 *
 * These functions are for values of any shape, encoded as msgpack unless the
 * options say json. A value that is declared in a .svc has functions of its own
 * with the declared type, which do the same.
 *
 * Everything works as with dicts (shmrpc/dict.h), except that a path begins
 * within the value: NULL, or a path without steps, means the whole value. A
 * value may be a list: it has append, insert and pop, too. Reading a new value
 * is NOT_FOUND until it is put.
 *
 * Between machines ("nats://host/acme.config") the rules of shmrpc/dict.h
 * apply. There a list with a declared type can't be changed item by item: that
 * is UNIMPLEMENTED.
 *
 * shmrpc/shared.h describes what all shared objects have in common.
 */
#ifndef SHMRPC_VALUE_H
#define SHMRPC_VALUE_H

#include <stddef.h>

#include "shmrpc/dict.h"

SHMRPC_BEGIN_DECLS

typedef struct shmrpc_value shmrpc_value;

/* How to open or create. NULL or zeroed: the defaults. All members except
 * `shared` apply only when the value is created. */
typedef struct shmrpc_value_opts {
    shmrpc_shared_opts shared; /* max_bytes: default 1 GiB, allocated as
                                * needed */
    uint64_t log;              /* changes kept for watchers; 0: 1024 */
    shmrpc_encoding encoding;  /* MSGPACK (or 0), JSON */
    uint32_t reserved32;       /* 0 */
    uint64_t reserved[4];      /* 0; later members take its place */
} shmrpc_value_opts;

/* Opens a value, creates it, or both. READ_ONLY is allowed. Returns the
 * statuses in shmrpc/shared.h. */
SHMRPC_API shmrpc_status
shmrpc_value_open(const char *name, const shmrpc_value_opts *opts,
                  shmrpc_value **out, shmrpc_error *error) SHMRPC_WARN_UNUSED;

/* Closes a handle; NULL is fine. Trees that were read through it stay valid
 * until they are released. */
SHMRPC_API void shmrpc_value_close(shmrpc_value *value);

/* Copies what is at a path, as shmrpc_dict_get() does; release the copy. */
SHMRPC_API shmrpc_status shmrpc_value_get(
    shmrpc_value *value, const shmrpc_path *path, const shmrpc_any **out,
    uint64_t *out_version, shmrpc_error *error) SHMRPC_WARN_UNUSED;
/* NULL is fine. */
SHMRPC_API void shmrpc_value_release(shmrpc_value *value,
                                     const shmrpc_any *tree);
/* Gives the number of entries of the map or list at a path. */
SHMRPC_API shmrpc_status
shmrpc_value_len(shmrpc_value *value, const shmrpc_path *path, uint64_t *out,
                 shmrpc_error *error) SHMRPC_WARN_UNUSED;

/* These work as the functions of dicts do. */
SHMRPC_API shmrpc_status shmrpc_value_put(
    shmrpc_value *value, const shmrpc_path *path, const shmrpc_any *tree,
    shmrpc_error *error) SHMRPC_WARN_UNUSED;
SHMRPC_API shmrpc_status shmrpc_value_put_if(
    shmrpc_value *value, const shmrpc_any *tree, uint64_t version,
    uint64_t *out_version, shmrpc_error *error) SHMRPC_WARN_UNUSED;
SHMRPC_API shmrpc_status
shmrpc_value_del(shmrpc_value *value, const shmrpc_path *path,
                 shmrpc_error *error) SHMRPC_WARN_UNUSED;
SHMRPC_API shmrpc_status shmrpc_value_pop(
    shmrpc_value *value, const shmrpc_path *path, const shmrpc_any **out,
    shmrpc_error *error) SHMRPC_WARN_UNUSED;
SHMRPC_API shmrpc_status shmrpc_value_insert(
    shmrpc_value *value, const shmrpc_path *path, const shmrpc_any *tree,
    shmrpc_error *error) SHMRPC_WARN_UNUSED;
SHMRPC_API shmrpc_status shmrpc_value_append(
    shmrpc_value *value, const shmrpc_path *path, const shmrpc_any *tree,
    shmrpc_error *error) SHMRPC_WARN_UNUSED;
SHMRPC_API shmrpc_status
shmrpc_value_update(shmrpc_value *value, shmrpc_dict_updater *updater,
                    void *user, shmrpc_error *error) SHMRPC_WARN_UNUSED;

/* Watches changes: each is a PUT event with the whole new value and no key.
 * `flags` may be SHMRPC_WATCH_SNAPSHOT. Close it with shmrpc_watch_close(). */
SHMRPC_API shmrpc_status
shmrpc_value_watch_open(shmrpc_value *value, uint32_t flags, shmrpc_watch **out,
                        shmrpc_error *error) SHMRPC_WARN_UNUSED;

/* The value's advisory lock. It works as the lock of a whole dict, see
 * shmrpc_dict_lock(), also for OWNER_DIED. */
SHMRPC_API shmrpc_status
shmrpc_value_lock(shmrpc_value *value, const shmrpc_lock_wait *wait,
                  shmrpc_error *error) SHMRPC_WARN_UNUSED;
SHMRPC_API shmrpc_status shmrpc_value_try_lock(
    shmrpc_value *value, shmrpc_error *error) SHMRPC_WARN_UNUSED;
SHMRPC_API shmrpc_status shmrpc_value_unlock(shmrpc_value *value,
                                             shmrpc_error *error);
SHMRPC_API shmrpc_status shmrpc_value_lock_consistent(shmrpc_value *value,
                                                      shmrpc_error *error);

/* Writes the value to a file, or puts the content of such a file, as
 * shmrpc_dict_snapshot() and shmrpc_dict_load() do. */
SHMRPC_API shmrpc_status shmrpc_value_snapshot(
    shmrpc_value *value, const char *path, const shmrpc_snapshot_opts *opts,
    shmrpc_error *error) SHMRPC_WARN_UNUSED;
SHMRPC_API shmrpc_status
shmrpc_value_load(shmrpc_value *value, const char *path,
                  shmrpc_error *error) SHMRPC_WARN_UNUSED;

/* Destroys the value for everyone, as shmrpc_dict_destroy() does. */
SHMRPC_API shmrpc_status shmrpc_value_destroy(shmrpc_value *value);

/* Reads current figures; entry_count is 1 if the value was put. */
SHMRPC_API shmrpc_status shmrpc_value_stat_read(shmrpc_value *value,
                                                shmrpc_dict_stat *out);

SHMRPC_END_DECLS

#endif
