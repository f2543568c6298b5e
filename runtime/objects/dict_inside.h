/*
 * State and functions shared by the files of dicts and values.
 *
 *   dict.c        opening, reading, changing by key
 *   dict_change.c changes as bytes, in the table or, for a dict of many
 *                 machines, at its engine
 *   dict_remote.c changes at that engine
 *   dict_copy.c   fills this machine's copy of a dict of many machines
 *   dict_path.c   paths into values of any shape
 *   dict_nest.c   paths into nests, the stored form of long values;
 *                 dict_explode.c makes nests from values
 *   dict_view.c   views; many keys in one change
 *   dict_watch.c  watches
 *   dict_lock.c   locks
 *   dict_snapshot.c  snapshots to a file, and from one
 *   table_kind.c  dicts and values as kinds of named objects
 *   value.c       values: tables with one key, which is empty
 *
 * Threading: any thread may read; changes take turns by the mutex.
 */
#ifndef SHMRPCI_OBJECTS_DICT_INSIDE_H
#define SHMRPCI_OBJECTS_DICT_INSIDE_H

#include "codec/flat.h"
#include "objects/dict_lock.h"
#include "objects/held.h"
#include "objects/key.h"
#include "os/thread.h"
#include "shmrpc/dict.h"
#include "shmrpc/shared_stub.h"
#include "table/table.h"

/* Keys and values whose encoding has at most this many bytes need no heap. */
#define SHMRPCI_DICT_STACK_BYTES 1024u

/* Bytes in the file of a copy of a dict of many machines for the words in
 * dict_copy.h. */
#define SHMRPCI_DICT_COPY_BYTES 128u

/* Kinds of regions. */
#define SHMRPCI_TABLE_KIND_DICT  UINT32_C(0x4449)
#define SHMRPCI_TABLE_KIND_VALUE UINT32_C(0x5641)

typedef struct shmrpci_dict_copy shmrpci_dict_copy;

/* The handle of a dict, or of a value under another name. */
struct shmrpc_dict {
    shmrpci_handle handle;
    shmrpci_table table;
    /* Held while the table is changed, and while views are opened and closed.
     * Initialized again in a forked child, whose parent may have held it. */
    shmrpci_mutex mutex;
    shmrpci_fork_fd guard; /* closes the table's descriptor in forked
                            * children */
    shmrpci_flat flat;     /* the layout in memory of values that are copied
                            * without encoding */
    _Atomic(void *) locks; /* shmrpci_dict_locks *; NULL: never used */
    bool is_open;
    shmrpci_dict_copy *copy; /* for a dict of many machines; else NULL */
};

static inline shmrpc_dict *shmrpci_dict_of(shmrpci_handle *handle)
{
    return (shmrpc_dict *)(void *)handle;
}

/* An encoded key, in its own memory or on the heap. */
typedef struct shmrpci_dict_key {
    shmrpci_buf buf;
    _Alignas(16) uint8_t room[128];
} shmrpci_dict_key;

/* Encodes a key. A shared value has no keys, so `key` is NULL then. The caller
 * must call shmrpci_dict_key_fini() whatever this returns. */
shmrpc_status shmrpci_dict_key_init(const shmrpc_dict *dict, const void *key,
                                    shmrpci_dict_key *out, shmrpc_error *error);
void shmrpci_dict_key_fini(shmrpci_dict_key *key);
static inline shmrpci_table_bytes
shmrpci_dict_key_bytes(const shmrpci_dict_key *key)
{
    return shmrpci_table_bytes_of(&key->buf);
}

/* Called before a change: fails for READ_ONLY handles, and attaches again in a
 * forked child. */
shmrpc_status shmrpci_dict_may_change(shmrpc_dict *dict, shmrpc_error *error);

/* Returns a copy of the value of an encoded key, to be freed. */
shmrpc_status shmrpci_dict_fetch(shmrpc_dict *dict, shmrpci_table_bytes key,
                                 shmrpci_held **out, uint64_t *out_version,
                                 shmrpc_error *error);

/* Explains that a key was not found, or could not be read. */
shmrpc_status shmrpci_dict_missing(shmrpc_status status, shmrpc_error *error);
/* Returns DESTROYED if the dict is destroyed, else `status`. */
shmrpc_status shmrpci_dict_unless_destroyed(const shmrpc_dict *dict,
                                            shmrpc_status status,
                                            shmrpc_error *error);

/* Encodes and stores a value if the current version is `expected`. */
shmrpc_status shmrpci_dict_store(shmrpc_dict *dict, shmrpci_table_bytes key,
                                 const void *value, uint64_t expected,
                                 uint64_t *out_version, shmrpc_error *error);

/* ---- dict_change.c: like the table's functions, but take the mutex ------- */

shmrpc_status shmrpci_dict_put_bytes(shmrpc_dict *dict, shmrpci_table_bytes key,
                                     shmrpci_table_bytes value,
                                     uint64_t expected, uint64_t *out_version,
                                     shmrpc_error *error);
/* If `out` is NULL the old value is not wanted. */
shmrpc_status shmrpci_dict_del_bytes(shmrpc_dict *dict, shmrpci_table_bytes key,
                                     shmrpci_buf *out, shmrpc_error *error);
/* For a dict of many machines, several calls of the updater may run at the same
 * time. */
shmrpc_status shmrpci_dict_update_bytes(shmrpc_dict *dict,
                                        shmrpci_table_bytes key,
                                        shmrpci_table_updater *updater,
                                        void *user, shmrpc_error *error);
shmrpc_status shmrpci_dict_merge_bytes(shmrpc_dict *dict,
                                       const shmrpci_table_pair *pairs,
                                       size_t count, shmrpc_error *error);

/* ---- dict.c -------------------------------------------------------------- */

/* Opens an object whose table has the kind of `face`. */
shmrpc_status shmrpci_dict_open_as(const shmrpci_face *face,
                                   const shmrpc_shared *row, const char *name,
                                   const shmrpc_shared_opts *opts,
                                   shmrpc_dict **out, shmrpc_error *error);

/* Operations of a face whose engine is a table. */
shmrpc_status shmrpci_dict_plan(const shmrpci_handle *handle, uint32_t kind,
                                shmrpci_region_spec *out, shmrpc_error *error);
shmrpc_status shmrpci_dict_open_engine(shmrpci_handle *handle, int fd,
                                       shmrpci_access access,
                                       shmrpc_error *error);
void shmrpci_dict_close_engine(shmrpci_handle *handle);
const shmrpci_region *shmrpci_dict_region(const shmrpci_handle *handle);
void shmrpci_dict_destroy_engine(shmrpci_handle *handle);
void shmrpci_dict_wake_engine(const shmrpci_handle *handle);
shmrpc_status shmrpci_dict_fill_engine(shmrpci_handle *handle, const char *path,
                                       shmrpc_error *error);

/* ---- paths, where keys and values have any shape ------------------------- */

/* Like the functions of shmrpc/dict.h, but with an encoded key; `steps` lead
 * into its value. */
shmrpc_status shmrpci_dict_path_get(shmrpc_dict *dict, shmrpci_table_bytes key,
                                    const shmrpc_any *steps, size_t count,
                                    const shmrpc_any **out,
                                    uint64_t *out_version, shmrpc_error *error);

#endif
