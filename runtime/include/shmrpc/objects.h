/*
 * Named objects: what there is in shared memory under a name, for tools that
 * list it and clean up.
 *
 * These are locks (shmrpc/lock.h) and what shmrpc/shared.h tells of.  Each is
 * the file NAME.KIND in one of two folders: $SHMRPC_DIR/objects and
 * $SHMRPC_DIR/shared, if that is set, else /dev/shm/shmrpc-UID and
 * /dev/shm/shmrpc (in /tmp where there is no /dev/shm).  Names that are longer
 * than 200 bytes, or hold more than letters, digits, `_`, `-` and `.`, stand in
 * the file, whose own name is `%` and a hash.
 *
 * Threading: any thread.
 */
#ifndef SHMRPC_OBJECTS_H
#define SHMRPC_OBJECTS_H

#include <stdbool.h>
#include <stdint.h>

#include "shmrpc/error.h"
#include "shmrpc/platform.h"
#include "shmrpc/status.h"

SHMRPC_BEGIN_DECLS

typedef enum shmrpc_scope {
    SHMRPC_SCOPE_USER = 0,     /* the user's own folder */
    SHMRPC_SCOPE_ALL_USERS = 1 /* the one for all */
} shmrpc_scope;

typedef enum shmrpc_object_state {
    SHMRPC_OBJECT_FREE,       /* a lock */
    SHMRPC_OBJECT_HELD,       /* a lock */
    SHMRPC_OBJECT_OWNER_DIED, /* a lock: held by a dead owner, or not repaired
                               * yet */
    SHMRPC_OBJECT_DESTROYED,  /* its destroyer died before it was removed */
    SHMRPC_OBJECT_DAMAGED,    /* not an object, or not any more */
    SHMRPC_OBJECT_UNREADABLE, /* another user's */
    SHMRPC_OBJECT_IN_USE,     /* a shared object that somebody has open */
    SHMRPC_OBJECT_IDLE,       /* one that nobody has */
    SHMRPC_OBJECT_OVER        /* one whose lifetime is over: its creator is
                               * dead, or the last one has closed it */
} shmrpc_object_state;

typedef struct shmrpc_object_info {
    const char *name; /* valid during the visit, as all texts */
    const char *kind; /* "lock", "semaphore", "shared lock", "queue", ...; "?":
                       * not known */
    const char *type; /* "queue<acme.tts.Job>"; "" for locks */
    shmrpc_object_state state;
    uint32_t uid;          /* of the file's owner */
    uint32_t mode;         /* permission bits */
    uint32_t open_count;   /* handles of living processes that may write */
    int32_t owner_pid;     /* who holds the lock; 0: nobody, or not known */
    int64_t idle_ns;       /* since it was last opened */
    uint64_t memory_bytes; /* that it takes */
} shmrpc_object_info;

/* Return false to stop. */
typedef bool shmrpc_object_visitor(void *user, const shmrpc_object_info *info);

/* Calls `visit` for each object, in no order. A folder that isn't there has
 * none. INVALID: $SHMRPC_DIR; DENIED, EXHAUSTED, NO_MEMORY. */
SHMRPC_API shmrpc_status shmrpc_objects_visit(shmrpc_scope scope,
                                              shmrpc_object_visitor *visit,
                                              void *user);

/* Destroys the object of that name for all who use it, and removes it; what is
 * damaged too. `kind` is "lock", "queue" and so on, or NULL where one kind
 * alone has that name. INVALID: no good name, or no kind; NOT_FOUND;
 * PRECONDITION: several kinds have it, the error says which; DENIED. */
SHMRPC_API shmrpc_status shmrpc_object_remove(shmrpc_scope scope,
                                              const char *name,
                                              const char *kind,
                                              shmrpc_error *error);

/* Removes the dead: locks that no living process has open and that were last
 * opened `min_idle_ns` ago or longer, shared objects whose lifetime is over
 * (and no others: they are kept until they are removed), destroyed ones, and
 * what a killed creator left. What a lock said (a semaphore of value 0) is lost
 * with it. Others' objects that we may not remove stay. Objects that stay take
 * back what dead processes held: memory, and items that nobody acknowledged.
 * `out_removed` may be NULL. */
SHMRPC_API shmrpc_status shmrpc_objects_collect(shmrpc_scope scope,
                                                int64_t min_idle_ns,
                                                uint32_t *out_removed);

SHMRPC_END_DECLS

#endif
