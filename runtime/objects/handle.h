/*
 * The inside of a handle of a shared object, of whatever kind: how it is
 * opened, compared, closed, and attached anew in a forked child.
 *
 * A kind's own handle begins with this one, and has an engine beside it (ring/,
 * table/), which has an open file description of its own.
 *
 * Lifetime in memory: items that were handed out keep it, so that they may be
 * released after it was closed.
 *
 * Threading: any thread, but for open and close.
 */
#ifndef SHMRPCI_OBJECTS_HANDLE_H
#define SHMRPCI_OBJECTS_HANDLE_H

#include <stdbool.h>
#include <stddef.h>

#include "codec/codec.h"
#include "objects/kind.h"
#include "objects/label.h"
#include "objects/vigil.h"
#include "os/fork.h"
#include "os/object_find.h"
#include "region/region.h"
#include "shmrpc/shared.h"
#include "sync/descent.h"

typedef struct shmrpci_handle shmrpci_handle;

/* What a kind does. */
typedef struct shmrpci_face {
    const shmrpci_object_kind *kind;
    shmrpc_shared_kind number;
    bool can_read_only;
    bool has_locks;
    /* What region to make for an object of the handle's row. INVALID. */
    shmrpc_status (*plan)(const shmrpci_handle *handle,
                          shmrpci_region_spec *out, shmrpc_error *error);
    /* Opens the engine. The descriptor is the engine's from then on, and closed
     * if it fails. */
    shmrpc_status (*open)(shmrpci_handle *handle, int fd, shmrpci_access access,
                          shmrpc_error *error);
    /* Closes the engine, if it is open; also what a child has of its parent's.
     */
    void (*close)(shmrpci_handle *handle);
    /* Of an open engine. */
    const shmrpci_region *(*region)(const shmrpci_handle *handle);
    /* Marks the object as destroyed and wakes all who wait. */
    void (*destroy)(shmrpci_handle *handle);
    /* Wakes all who wait, to look again; also where it can only be read. NULL:
     * it can't be only read. */
    void (*wake)(const shmrpci_handle *handle);
    /* Fills a new object from a snapshot. NULL: has none. */
    shmrpc_status (*fill)(shmrpci_handle *handle, const char *path,
                          shmrpc_error *error);
    /* Frees what the handle has beside itself. NULL: nothing. */
    void (*fini)(shmrpci_handle *handle);
} shmrpci_face;

/* Buffers of items that were released, to be used again. */
#define SHMRPCI_HANDLE_SPARES 8u

/* What handles of all kinds have. Written while it is opened; later only `refs`
 * and `spares` change, and in a forked child what attaching anew changes. */
struct shmrpci_handle {
    const shmrpci_face *face;
    shmrpc_shared row; /* a copy; its texts and types are the caller's */
    const shmrpci_codec *codec;
    uint64_t type_hash;   /* 0: of any shape */
    uint32_t flags;       /* SHMRPC_SHARED_... of the options */
    uint32_t writers;     /* places, if it is made */
    const char *snapshot; /* while it is opened: what to fill a new one with */
    shmrpci_descent descent;
    shmrpci_atomic_u32 refs; /* the user's, and one an item */
    shmrpc_lifetime lifetime;
    int creator_fd; /* holds the creator's byte; -1: not the creator's life */
    /* Of a service: its memory, to be opened again, and whose life it is. -1: a
     * file of the folder. */
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
 * Makes a handle of `bytes`, which begins with a shmrpci_handle and is zeros
 * behind it, and opens the object. `name` NULL: the row's. Statuses as
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

/* Looks at what is in `fd`, compares it and opens the engine. On OK `fd` was
 * closed. */
shmrpc_status shmrpci_handle_attach(shmrpci_handle *handle, int fd,
                                    shmrpc_error *error);
/* What region is to be made for the handle's row, and of how many bytes. */
shmrpc_status shmrpci_handle_plan(const shmrpci_handle *handle,
                                  shmrpci_region_spec *out, uint64_t *out_bytes,
                                  shmrpc_error *error);
/* What the row says of itself. INVALID. */
shmrpc_status shmrpci_handle_name(shmrpci_handle *handle, const char *name,
                                  shmrpc_error *error);

/* ---- service.c ----------------------------------------------------------- */

/* A handle that plans, and opens nothing, for an object of a service; to be
 * freed. NULL: no memory, or no such kind. */
shmrpci_handle *shmrpci_service_planner(const shmrpc_shared *row);
/* Opens an object of the service that `opts` names. */
shmrpc_status shmrpci_service_open(shmrpci_handle *handle,
                                   const shmrpc_shared_opts *opts,
                                   shmrpc_error *error);
/* The engine ends with the service from now on. */
void shmrpci_service_follow(shmrpci_handle *handle);

/* Ends the use of it; NULL is fine. */
void shmrpci_handle_close(shmrpci_handle *handle);

void shmrpci_handle_ref(shmrpci_handle *handle);
void shmrpci_handle_unref(shmrpci_handle *handle);

/* In a forked child attaches anew. */
shmrpc_status shmrpci_handle_ensure_slowly(shmrpci_handle *handle,
                                           shmrpc_error *error);

/* Before each use of the engine. In a forked child: DESTROYED, EXHAUSTED... */
static inline shmrpc_status shmrpci_handle_ensure(shmrpci_handle *handle,
                                                  shmrpc_error *error)
{
    return shmrpci_descent_is_ours(&handle->descent)
               ? SHMRPC_OK
               : shmrpci_handle_ensure_slowly(handle, error);
}

/* What shmrpc_..._destroy() does. */
shmrpc_status shmrpci_handle_destroy(shmrpci_handle *handle);

/* How many living handles may write. */
uint32_t shmrpci_handle_count_open(const shmrpci_handle *handle);

/* What row to open an object of any shape with; `encoding` 0: the default. */
shmrpc_shared shmrpci_handle_any_row(shmrpc_shared_kind kind,
                                     shmrpc_encoding encoding);

/* The time by which a call is to be over, as engines take it: 0: not waiting.
 * INVALID: bad options. `opts` may be NULL. */
shmrpc_status shmrpci_handle_deadline(const shmrpc_opts *opts,
                                      int64_t *out_deadline_ns,
                                      shmrpc_error *error);

/* ---- texts --------------------------------------------------------------- */

/* Room for a name in a message. */
#define SHMRPCI_SHORT_NAME_BYTES 72

/* The name for people: without control characters, and cut. Returns `out`. */
const char *shmrpci_short_name(const char *name,
                               char out[SHMRPCI_SHORT_NAME_BYTES]);

/* Puts `queue "jobs": ` before what the error says; returns `status`. */
shmrpc_status shmrpci_handle_explain(const shmrpci_handle *handle,
                                     shmrpc_status status, shmrpc_error *error);

/* Fills `error` so, with a text. */
shmrpc_status shmrpci_handle_fail(const shmrpci_handle *handle,
                                  shmrpc_status status, const char *text,
                                  shmrpc_error *error);

#endif
