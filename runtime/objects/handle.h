/*
 * The private structure of a shared object's handle, for any kind: opening,
 * comparing, closing, and attaching again in a forked child.
 *
 * A kind's own handle begins with this one, and has an engine beside it (ring/,
 * table/), which has an open file description of its own.
 *
 * Lifetime in memory: items that were handed out keep it, so that they may be
 * released after it was closed.
 *
 * Threading: any thread, except open and close.
 */
#ifndef SHMRPCI_OBJECTS_HANDLE_H
#define SHMRPCI_OBJECTS_HANDLE_H

#include <stdbool.h>
#include <stddef.h>

#include "codec/codec.h"
#include "objects/kind.h"
#include "objects/label.h"
#include "objects/remote.h"
#include "objects/vigil.h"
#include "os/fork.h"
#include "os/object_find.h"
#include "region/region.h"
#include "shmrpc/shared.h"
#include "sync/descent.h"

typedef struct shmrpci_handle shmrpci_handle;

/* The operations of a kind. */
typedef struct shmrpci_face {
    const shmrpci_object_kind *kind;
    shmrpc_shared_kind number;
    bool can_read_only;
    bool has_locks;
    /* Fills in the region spec for the handle's row. INVALID. */
    shmrpc_status (*plan)(const shmrpci_handle *handle,
                          shmrpci_region_spec *out, shmrpc_error *error);
    /* Opens the engine, which takes over the descriptor, and closes it on
     * failure. */
    shmrpc_status (*open)(shmrpci_handle *handle, int fd, shmrpci_access access,
                          shmrpc_error *error);
    /* Closes the engine, if it is open; in a child, its copy of the
       parent's. */
    void (*close)(shmrpci_handle *handle);
    /* The region of an open engine. */
    const shmrpci_region *(*region)(const shmrpci_handle *handle);
    /* Marks the object as destroyed and wakes all that wait. */
    void (*destroy)(shmrpci_handle *handle);
    /* Wakes all waiting threads and processes, to check again; also through a
     * read-only handle. NULL: the kind has no read-only handles. */
    void (*wake)(const shmrpci_handle *handle);
    /* Fills a new object from a snapshot. NULL: has none. */
    shmrpc_status (*fill)(shmrpci_handle *handle, const char *path,
                          shmrpc_error *error);
    /* For a kind that has a local copy of an object of many machines: fills the
     * copy from handle->remote, and waits until it is complete; and ends that,
     * after handle->remote was closed. NULL: it has none. */
    shmrpc_status (*follow)(shmrpci_handle *handle, shmrpc_error *error);
    void (*unfollow)(shmrpci_handle *handle);
    /* Frees the handle's further members. NULL: none. */
    void (*fini)(shmrpci_handle *handle);
} shmrpci_face;

/* Released items kept for reuse. */
#define SHMRPCI_HANDLE_SPARES 8u

/* The common part of all handles. Written while it is opened; later only `refs`
 * and `spares` change, and in a forked child the members that attaching again
 * sets. */
struct shmrpci_handle {
    const shmrpci_face *face;
    shmrpc_shared row; /* a copy; its strings and types are the caller's */
    const shmrpci_codec *codec;
    uint64_t type_hash;   /* 0: of any shape */
    uint32_t flags;       /* SHMRPC_SHARED_... of the options */
    uint32_t writers;     /* places of a new object */
    const char *snapshot; /* while it is opened: the snapshot for a new
                           * object */
    shmrpci_descent descent;
    shmrpci_atomic_u32 refs; /* the user's, and one per item */
    shmrpc_lifetime lifetime;
    /* The engine of an object on another machine; engine, region and files then
     * belong to a copy, or don't exist. NULL: the object is on this machine. */
    shmrpci_remote *remote;
    bool has_copy;
    int creator_fd; /* holds the creator's byte; -1: another lifetime */
    /* For a service's object: its memory, to be opened again, and its owner.
     * -1: a file of the folder. */
    int source_fd;
    shmrpci_region_owner owner;
    shmrpci_vigil vigil;
    shmrpci_fork_fd creator_guard;
    shmrpci_object_facts identity;
    shmrpci_room room;
    char folder[SHMRPCI_OBJECT_PATH_BYTES];
    char file_name[SHMRPCI_OBJECT_NAME_BYTES];
    char name[SHMRPCI_KIND_NAME_BYTES];
    _Atomic(void *) spares[SHMRPCI_HANDLE_SPARES]; /* held.h */
};

/*
 * Makes a handle of `bytes`, which begins with a shmrpci_handle followed by
 * zeros, and opens the object. `name` NULL: the row's. Statuses as
 * shmrpc/shared.h.
 */
shmrpc_status shmrpci_handle_open(const shmrpci_face *face, size_t bytes,
                                  const shmrpc_shared *row, const char *name,
                                  const shmrpc_shared_opts *opts,
                                  shmrpci_handle **out, shmrpc_error *error);

extern const shmrpci_face shmrpci_face_queue;
extern const shmrpci_face shmrpci_face_topic;
extern const shmrpci_face shmrpci_face_pipe;
extern const shmrpci_face shmrpci_face_dict;
extern const shmrpci_face shmrpci_face_value;

/* ---- for service.c ------------------------------------------------------- */

/* Checks the object in `fd`, compares it and opens the engine. On OK `fd` was
 * closed. */
shmrpc_status shmrpci_handle_attach(shmrpci_handle *handle, int fd,
                                    shmrpc_error *error);
/* Fills in the region spec for the handle's row, and the file's size. */
shmrpc_status shmrpci_handle_plan(const shmrpci_handle *handle,
                                  shmrpci_region_spec *out, uint64_t *out_bytes,
                                  shmrpc_error *error);
/* Reads the row's description of itself. INVALID. */
shmrpc_status shmrpci_handle_name(shmrpci_handle *handle, const char *name,
                                  shmrpc_error *error);

/* Chooses the codec, and the hash of the row's types. INVALID. */
shmrpc_status shmrpci_handle_typed(shmrpci_handle *handle, shmrpc_error *error);

/* ---- service.c ----------------------------------------------------------- */

/* A handle for planning only, for an object of a service; to be freed. NULL:
 * out of memory, or no such kind. */
shmrpci_handle *shmrpci_service_planner(const shmrpc_shared *row);
/* Opens an object of the service that `opts` names. */
shmrpc_status shmrpci_service_open(shmrpci_handle *handle,
                                   const shmrpc_shared_opts *opts,
                                   shmrpc_error *error);
/* Ties the engine's life to the service. */
void shmrpci_service_follow(shmrpci_handle *handle);

/* Closes it; NULL is allowed. */
void shmrpci_handle_close(shmrpci_handle *handle);

void shmrpci_handle_ref(shmrpci_handle *handle);
void shmrpci_handle_unref(shmrpci_handle *handle);

/* Attaches again in a forked child. */
shmrpc_status shmrpci_handle_ensure_slowly(shmrpci_handle *handle,
                                           shmrpc_error *error);

/* Called before each use of the engine. In a forked child: DESTROYED,
 * EXHAUSTED... */
static inline shmrpc_status shmrpci_handle_ensure(shmrpci_handle *handle,
                                                  shmrpc_error *error)
{
    return shmrpci_descent_is_ours(&handle->descent)
               ? SHMRPC_OK
               : shmrpci_handle_ensure_slowly(handle, error);
}

/* The work of shmrpc_..._destroy(). */
shmrpc_status shmrpci_handle_destroy(shmrpci_handle *handle);

/* How many living handles may write. */
uint32_t shmrpci_handle_count_open(const shmrpci_handle *handle);

/* The row for opening an object of any shape; `encoding` 0: the default. */
shmrpc_shared shmrpci_handle_any_row(shmrpc_shared_kind kind,
                                     shmrpc_encoding encoding);

/* The deadline of a call, as engines take it: 0: don't wait. INVALID: bad
 * options. `opts` may be NULL. */
shmrpc_status shmrpci_handle_deadline(const shmrpc_opts *opts,
                                      int64_t *out_deadline_ns,
                                      shmrpc_error *error);

/* ---- texts --------------------------------------------------------------- */

/* Room for a name in a message. */
#define SHMRPCI_SHORT_NAME_BYTES 72

/* The name for people: without control characters, and shortened. Returns
 * `out`. */
const char *shmrpci_short_name(const char *name,
                               char out[SHMRPCI_SHORT_NAME_BYTES]);

/* Puts `queue "jobs": ` before the error's message; returns `status`. */
shmrpc_status shmrpci_handle_explain(const shmrpci_handle *handle,
                                     shmrpc_status status, shmrpc_error *error);

/* Fills `error` likewise, with a text. */
shmrpc_status shmrpci_handle_fail(const shmrpci_handle *handle,
                                  shmrpc_status status, const char *text,
                                  shmrpc_error *error);

#endif
