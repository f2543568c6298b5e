/*
 * Kinds of named objects: the operations that the folder's tools need.
 *
 * A kind is one operations table, and a row of the registry.  Its suffix is the
 * end of its files' names, so that each kind has names of its own.
 *
 * Threading: constant tables; functions may run on any thread.
 */
#ifndef SHMRPCI_OBJECTS_KIND_H
#define SHMRPCI_OBJECTS_KIND_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "shmrpc/objects.h"
#include "shmrpc/shared.h"

/* Room for a name and its NUL. */
#define SHMRPCI_KIND_NAME_BYTES (SHMRPC_SHARED_NAME_MAX + 1)

/* Reports a finding and its place in the file. */
typedef void shmrpci_kind_finding(void *user, uint64_t offset,
                                  const char *what);

/* A figure: "pushed_count". */
typedef void shmrpci_kind_figure(void *user, const char *key, uint64_t value);

typedef struct shmrpci_object_kind {
    const char *name;   /* "queue", as people write it */
    const char *suffix; /* ".queue" */
    /* The longest name that is part of the file's name as it is. */
    size_t plain_name_max;
    /* Other names are hashed, and the file contains the name. */
    bool has_long_names;

    /* Fills in `kind`, `state`, `open_count`, `owner_pid` and `type` of the
     * object in `fd`; leaves them unchanged if that is not an object. `texts`
     * is memory for `type`. */
    void (*describe)(const struct shmrpci_object_kind *kind, int fd,
                     shmrpc_object_info *info,
                     char texts[SHMRPCI_KIND_NAME_BYTES]);
    /* The name stored in the file; false: there is none. NULL: the kind has
     * none. */
    bool (*read_name)(int fd, char out[SHMRPCI_KIND_NAME_BYTES]);
    /* Marks it as destroyed and wakes all that wait, if it is one. */
    void (*destroy)(int fd);
    /* Whether its lifetime is over: no process uses it, and none begins to
     * while `fd` is open. */
    bool (*is_over)(int fd, int64_t idle_ns, int64_t min_idle_ns);
    /* Looks for damage, while nobody changes it: reports each finding, and
     * returns how many. NULL: there is nothing to check. */
    uint64_t (*check)(int fd, shmrpci_kind_finding *finding, void *user);
    /* Inherits from dead participants. NULL: the next process that opens it
     * does. */
    void (*bury)(int fd);
    /* Reports its current figures, without joining it; `fd` may be read-only.
     * DESTROYED, DATA_LOSS, CONTRACT, NO_MEMORY: none. NULL: it has none. */
    shmrpc_status (*figures)(int fd, shmrpci_kind_figure *tell, void *user);
} shmrpci_object_kind;

extern const shmrpci_object_kind shmrpci_kind_lock;
extern const shmrpci_object_kind shmrpci_kind_pipe;
extern const shmrpci_object_kind shmrpci_kind_queue;
extern const shmrpci_object_kind shmrpci_kind_topic;
extern const shmrpci_object_kind shmrpci_kind_value;
extern const shmrpci_object_kind shmrpci_kind_dict;

/* All kinds; NULL ends the list. */
extern const shmrpci_object_kind *const shmrpci_kinds[];

/* The kind of that name; NULL. */
const shmrpci_object_kind *shmrpci_kind_of(const char *name);

/* ---- names --------------------------------------------------------------- */

/* Room for the name of a file. */
#define SHMRPCI_KIND_FILE_BYTES 224

/* The file name of an object. INVALID: a bad name for this kind. */
shmrpc_status shmrpci_kind_file_name(const shmrpci_object_kind *kind,
                                     const char *name,
                                     char out[SHMRPCI_KIND_FILE_BYTES]);

/* The kind whose object that file may be; NULL: none. `out` gets its name, or
 * is empty if the file contains it. */
const shmrpci_object_kind *
shmrpci_kind_of_file(const char *file, char out[SHMRPCI_KIND_NAME_BYTES]);

/* Opens the file of an object, for reading, without joining it. INVALID: the
 * name; NOT_FOUND, DENIED: the error says where. */
shmrpc_status shmrpci_kind_open_file(const shmrpci_object_kind *kind,
                                     shmrpc_scope scope, const char *name,
                                     int *out_fd, shmrpc_error *error);

#endif
