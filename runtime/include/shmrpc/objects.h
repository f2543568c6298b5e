/*
 * Named objects in shared memory, for tools that list them and clean up.
 *
 * These are locks (shmrpc/lock.h) and the objects of shmrpc/shared.h. Each is
 * the file NAME.KIND in one of two folders: $SHMRPC_DIR/objects and
 * $SHMRPC_DIR/shared if that variable is set, else /dev/shm/shmrpc-UID and
 * /dev/shm/shmrpc (in /tmp if there is no /dev/shm). A name that is longer than
 * 200 bytes, or has characters other than letters, digits, `_`, `-` and `.`, is
 * stored in the file; the file is then called `%` and a hash.
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
    SHMRPC_SCOPE_ALL_USERS = 1 /* the folder for all users */
} shmrpc_scope;

typedef enum shmrpc_object_state {
    SHMRPC_OBJECT_FREE,       /* a lock that nobody holds */
    SHMRPC_OBJECT_HELD,       /* a lock that somebody holds */
    SHMRPC_OBJECT_OWNER_DIED, /* a lock whose owner died holding it, or whose
                               * data is not repaired yet */
    SHMRPC_OBJECT_DESTROYED,  /* destroyed by a process that died before it
                               * removed the file */
    SHMRPC_OBJECT_DAMAGED,    /* not an object, or no longer a valid one */
    SHMRPC_OBJECT_UNREADABLE, /* another user's */
    SHMRPC_OBJECT_IN_USE,     /* a shared object that a process has open */
    SHMRPC_OBJECT_IDLE,       /* a shared object that no process has open */
    SHMRPC_OBJECT_OVER        /* its lifetime is over: its creator is dead, or
                               * the last handle was closed */
} shmrpc_object_state;

typedef struct shmrpc_object_info {
    const char *name; /* valid during the visit, like all texts here */
    const char *kind; /* "lock", "semaphore", "shared lock", "queue", ...; "?"
                       * if not known */
    const char *type; /* "queue<acme.tts.Job>"; "" for locks */
    shmrpc_object_state state;
    uint32_t uid;          /* of the file's owner */
    uint32_t mode;         /* permission bits */
    uint32_t open_count;   /* handles of living processes that may write */
    int32_t owner_pid;     /* process that holds the lock; 0: nobody, or not
                            * known */
    int64_t idle_ns;       /* since it was last opened */
    uint64_t memory_bytes; /* memory that the object takes */
} shmrpc_object_info;

/* Returns false to stop the visit. */
typedef bool shmrpc_object_visitor(void *user, const shmrpc_object_info *info);

/* Calls `visit` for each object, in no particular order. A folder that doesn't
 * exist has no objects. Returns INVALID if $SHMRPC_DIR can't be used, DENIED,
 * EXHAUSTED or NO_MEMORY. */
SHMRPC_API shmrpc_status shmrpc_objects_visit(shmrpc_scope scope,
                                              shmrpc_object_visitor *visit,
                                              void *user);

/* Destroys the object for all who use it, and removes its file, even if it is
 * damaged. `kind` is "lock", "queue" and so on, or NULL if only one kind has
 * that name. Returns INVALID if the name or kind is not valid; NOT_FOUND;
 * PRECONDITION if several kinds have the name (the error says which); or
 * DENIED. */
SHMRPC_API shmrpc_status shmrpc_object_remove(shmrpc_scope scope,
                                              const char *name,
                                              const char *kind,
                                              shmrpc_error *error);

/* Removes what is no longer in use: locks that no living process has open and
 * that were last opened at least `min_idle_ns` ago, shared objects whose
 * lifetime is over (others are kept until they are removed), destroyed objects,
 * and files that a killed creator left behind. A removed lock loses its state:
 * the value of a semaphore, and the mark that an owner died. Objects of other
 * users that we may not remove stay. From the objects that stay, this reclaims
 * what dead processes held: memory, and items that they had not acknowledged.
 * `out_removed` may be NULL. */
SHMRPC_API shmrpc_status shmrpc_objects_collect(shmrpc_scope scope,
                                                int64_t min_idle_ns,
                                                uint32_t *out_removed);

SHMRPC_END_DECLS

#endif
