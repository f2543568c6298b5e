/*
 * The private structure of a shared object's handle, for any kind: opening,
 * comparing, closing, and attaching again in a forked child.
 *
 * The handle of a kind begins with this structure, followed by the kind's
 * engine (ring/, table/), which has an open file description of its own.
 *
 * Lifetime in memory: items in the user's hands hold references to the handle,
 * so that they may be released after it was closed.
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
    /* Fills in the region spec for the handle's row. Returns INVALID. */
    shmrpc_status (*plan)(const shmrpci_handle *handle,
                          shmrpci_region_spec *out, shmrpc_error *error);
    /* Opens the engine. Takes over the descriptor, and closes it on failure. */
    shmrpc_status (*open)(shmrpci_handle *handle, int fd, shmrpci_access access,
                          shmrpc_error *error);
    /* Closes the engine if it is open; in a forked child, the child's copy of
     * the parent's engine. */
    void (*close)(shmrpci_handle *handle);
    /* The region of an open engine. */
    const shmrpci_region *(*region)(const shmrpci_handle *handle);
    /* Marks the object as destroyed and wakes all that wait. */
    void (*destroy)(shmrpci_handle *handle);
    /* Wakes all waiting threads and processes, so that they check again; works
     * through a read-only handle. NULL if the kind has no read-only handles. */
    void (*wake)(const shmrpci_handle *handle);
    /* Fills a new object from a snapshot. NULL if the kind has no snapshots. */
    shmrpc_status (*fill)(shmrpci_handle *handle, const char *path,
                          shmrpc_error *error);
    /* For a kind that has a local copy of an object of many machines; else
     * NULL. follow fills the copy from handle->remote, and waits until it is
     * complete. unfollow ends that, after handle->remote was closed. */
    shmrpc_status (*follow)(shmrpci_handle *handle, shmrpc_error *error);
    void (*unfollow)(shmrpci_handle *handle);
    /* Frees the kind's further members. NULL if there are none. */
    void (*fini)(shmrpci_handle *handle);
} shmrpci_face;

/* How many released items are kept for reuse. */
#define SHMRPCI_HANDLE_SPARES 8u

/* The common part of all handles. It is written while the object is opened.
 * Later only `refs` and `spares` change, and the members that are set anew when
 * a forked child attaches again. */
struct shmrpci_handle {
    const shmrpci_face *face;
    shmrpc_shared row; /* a copy; its strings and types belong to the caller */
    const shmrpci_codec *codec;
    uint64_t type_hash;   /* 0: an object of any shape */
    uint32_t flags;       /* SHMRPC_SHARED_... of the options */
    uint32_t writers;     /* places for writers in a new object */
    const char *snapshot; /* only during open: the snapshot for a new object */
    shmrpci_descent descent;
    shmrpci_atomic_u32 refs; /* one for the user, and one per item */
    shmrpc_lifetime lifetime;
    /* The remote engine of an object that several machines share; NULL if the
     * object is on this machine. If it is not NULL, the local engine, region
     * and files belong to a local copy, or don't exist. */
    shmrpci_remote *remote;
    bool has_copy;
    int creator_fd; /* holds the creator's byte; -1 with other lifetimes */
    /* For an object of a service: `source_fd` is its memory, to be opened
     * again, and `owner` is its owner. `source_fd` is -1 for a file of the
     * folder. */
    int source_fd;
    shmrpci_region_owner owner;
    shmrpci_vigil vigil;
    shmrpci_fork_fd creator_guard;
    shmrpci_object_facts identity;
    shmrpci_room room;
    char folder[SHMRPCI_OBJECT_PATH_BYTES];
    char file_name[SHMRPCI_OBJECT_NAME_BYTES];
    char name[SHMRPCI_KIND_NAME_BYTES];
    _Atomic(void *) spares[SHMRPCI_HANDLE_SPARES]; /* see held.h */
};

/*
 * Makes a handle of `bytes`, which begins with a shmrpci_handle followed by
 * zeros, and opens the object. If `name` is NULL the row's name is used.
 * Statuses as in shmrpc/shared.h.
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

/* Checks the object in `fd`, compares it and opens the engine. If this returns
 * OK, `fd` has been closed. */
shmrpc_status shmrpci_handle_attach(shmrpci_handle *handle, int fd,
                                    shmrpc_error *error);
/* Computes the region spec for the handle's row, and the file's size. */
shmrpc_status shmrpci_handle_plan(const shmrpci_handle *handle,
                                  shmrpci_region_spec *out, uint64_t *out_bytes,
                                  shmrpc_error *error);
/* Sets the handle's name, then does what handle_typed does. Returns INVALID. */
shmrpc_status shmrpci_handle_name(shmrpci_handle *handle, const char *name,
                                  shmrpc_error *error);

/* Chooses the codec, and computes the hash of the row's types. Returns
 * INVALID. */
shmrpc_status shmrpci_handle_typed(shmrpci_handle *handle, shmrpc_error *error);

/* ---- service.c ----------------------------------------------------------- */

/* Makes a handle that serves only to plan an object of a service. The caller
 * frees it. Returns NULL if out of memory, or if there is no such kind. */
shmrpci_handle *shmrpci_service_planner(const shmrpc_shared *row);
/* Opens an object of the service that `opts` names. */
shmrpc_status shmrpci_service_open(shmrpci_handle *handle,
                                   const shmrpc_shared_opts *opts,
                                   shmrpc_error *error);
/* Makes the engine treat the object as destroyed when the service has ended. */
void shmrpci_service_follow(shmrpci_handle *handle);

/* Closes the handle; NULL is allowed. */
void shmrpci_handle_close(shmrpci_handle *handle);

void shmrpci_handle_ref(shmrpci_handle *handle);
void shmrpci_handle_unref(shmrpci_handle *handle);

/* Attaches again in a forked child. */
shmrpc_status shmrpci_handle_ensure_slowly(shmrpci_handle *handle,
                                           shmrpc_error *error);

/* Called before each use of the engine. In a forked child it attaches again,
 * and may return DESTROYED, EXHAUSTED... */
static inline shmrpc_status shmrpci_handle_ensure(shmrpci_handle *handle,
                                                  shmrpc_error *error)
{
    return shmrpci_descent_is_ours(&handle->descent)
               ? SHMRPC_OK
               : shmrpci_handle_ensure_slowly(handle, error);
}

/* Does the work of shmrpc_..._destroy(). */
shmrpc_status shmrpci_handle_destroy(shmrpci_handle *handle);

/* How many handles that may write are open now. */
uint32_t shmrpci_handle_count_open(const shmrpci_handle *handle);

/* The row for opening an object of any shape. `encoding` 0 is the default. */
shmrpc_shared shmrpci_handle_any_row(shmrpc_shared_kind kind,
                                     shmrpc_encoding encoding);

/* The deadline of a call, as engines take it; 0 means: don't wait. Returns
 * INVALID for bad options. `opts` may be NULL. */
shmrpc_status shmrpci_handle_deadline(const shmrpc_opts *opts,
                                      int64_t *out_deadline_ns,
                                      shmrpc_error *error);

/* ---- messages ------------------------------------------------------------ */

/* Room for a name in a message. */
#define SHMRPCI_SHORT_NAME_BYTES 72

/* The name as shown in messages: without control characters, and shortened.
 * Returns `out`. */
const char *shmrpci_short_name(const char *name,
                               char out[SHMRPCI_SHORT_NAME_BYTES]);

/* Puts a prefix such as `queue "jobs": ` before the error's message; returns
 * `status`. */
shmrpc_status shmrpci_handle_explain(const shmrpci_handle *handle,
                                     shmrpc_status status, shmrpc_error *error);

/* Fills in `error` with such a prefix and a text. */
shmrpc_status shmrpci_handle_fail(const shmrpci_handle *handle,
                                  shmrpc_status status, const char *text,
                                  shmrpc_error *error);

#endif
