/*
 * Kinds of named objects: the operations that the folder's tools need.
 *
 * A kind is one operations table, and a row of the registry. Its files' names
 * end with its suffix, so that objects of different kinds may have the same
 * name.
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

/* Reports a figure, such as "pushed_count". */
typedef void shmrpci_kind_figure(void *user, const char *key, uint64_t value);

typedef struct shmrpci_object_kind {
    const char *name;   /* as shown to users, such as "queue" */
    const char *suffix; /* such as ".queue" */
    /* The longest name that can be part of the file's name unchanged. */
    size_t plain_name_max;
    /* Longer names are hashed, and the file contains the name. */
    bool has_long_names;

    /* Fills in `kind`, `state`, `open_count`, `owner_pid` and `type` of the
     * object in `fd`; leaves them unchanged if the file is not an object.
     * `texts` is memory for `type`. */
    void (*describe)(const struct shmrpci_object_kind *kind, int fd,
                     shmrpc_object_info *info,
                     char texts[SHMRPCI_KIND_NAME_BYTES]);
    /* Reads the name stored in the file. Returns false if there is none. NULL
     * if files of the kind have no name. */
    bool (*read_name)(int fd, char out[SHMRPCI_KIND_NAME_BYTES]);
    /* Marks the object as destroyed and wakes all that wait, if `fd` is one. */
    void (*destroy)(int fd);
    /* Whether the object's lifetime is over. If so, no process uses it, and
     * none begins to while `fd` is open. */
    bool (*is_over)(int fd, int64_t idle_ns, int64_t min_idle_ns);
    /* Looks for damage in an object that nobody changes meanwhile. Reports each
     * finding, and returns their number. NULL if there is nothing to check. */
    uint64_t (*check)(int fd, shmrpci_kind_finding *finding, void *user);
    /* Finishes or frees what dead participants left. NULL if the next process
     * that opens the object does that. */
    void (*bury)(int fd);
    /* Reports the object's current figures without joining it; `fd` may be
     * read-only. Returns DESTROYED, DATA_LOSS, CONTRACT or NO_MEMORY if there
     * are none. NULL if the kind has no figures. */
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

/* The kind of that name; NULL if there is none. */
const shmrpci_object_kind *shmrpci_kind_of(const char *name);

/* ---- names --------------------------------------------------------------- */

/* Room for the name of a file. */
#define SHMRPCI_KIND_FILE_BYTES 224

/* The file name of an object. Returns INVALID if this kind does not allow the
 * name. */
shmrpc_status shmrpci_kind_file_name(const shmrpci_object_kind *kind,
                                     const char *name,
                                     char out[SHMRPCI_KIND_FILE_BYTES]);

/* The kind of which a file with this name may hold an object; NULL if there is
 * none. `out` receives the object's name, or is empty if that is inside the
 * file. */
const shmrpci_object_kind *
shmrpci_kind_of_file(const char *file, char out[SHMRPCI_KIND_NAME_BYTES]);

/* Opens the file of an object for reading, without joining the object. Returns
 * INVALID if the name is not allowed; or NOT_FOUND or DENIED, with the place in
 * the error. */
shmrpc_status shmrpci_kind_open_file(const shmrpci_object_kind *kind,
                                     shmrpc_scope scope, const char *name,
                                     int *out_fd, shmrpc_error *error);

#endif
