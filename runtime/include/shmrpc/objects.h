/*
 * Named objects: what there is in shared memory under a name, for tools that
 * list it and clean up.
 *
 * So far these are locks (shmrpc/lock.h).  Each is a file in one of two
 * folders: $SHMRPC_DIR/objects and $SHMRPC_DIR/shared, if that is set, else
 * /dev/shm/shmrpc-UID and /dev/shm/shmrpc (in /tmp where there is no /dev/shm).
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
    SHMRPC_OBJECT_FREE,
    SHMRPC_OBJECT_HELD,
    SHMRPC_OBJECT_OWNER_DIED, /* held by a dead owner, or not repaired yet */
    SHMRPC_OBJECT_DESTROYED,  /* its destroyer died before it was removed */
    SHMRPC_OBJECT_DAMAGED,    /* not an object, or not any more */
    SHMRPC_OBJECT_UNREADABLE  /* another user's */
} shmrpc_object_state;

typedef struct shmrpc_object_info {
    const char *name; /* valid during the visit */
    const char *kind; /* "lock", "semaphore", "shared lock", "?"; static */
    shmrpc_object_state state;
    uint32_t uid;        /* of the file's owner */
    uint32_t mode;       /* permission bits */
    uint32_t open_count; /* handles of living processes */
    int32_t owner_pid;   /* 0: nobody, or not known */
    int64_t idle_ns;     /* since it was last opened */
} shmrpc_object_info;

/* Return false to stop. */
typedef bool shmrpc_object_visitor(void *user, const shmrpc_object_info *info);

/* Calls `visit` for each object, in no order. A folder that isn't there has
 * none. INVALID: $SHMRPC_DIR; DENIED, EXHAUSTED, NO_MEMORY. */
SHMRPC_API shmrpc_status shmrpc_objects_visit(shmrpc_scope scope,
                                              shmrpc_object_visitor *visit,
                                              void *user);

/* Destroys the object of that name for all who use it, and removes it; what is
 * damaged too. INVALID: no good name; NOT_FOUND; DENIED. */
SHMRPC_API shmrpc_status shmrpc_object_remove(shmrpc_scope scope,
                                              const char *name,
                                              shmrpc_error *error);

/* Removes the dead: objects that no living process has open and that were last
 * opened `min_idle_ns` ago or longer, destroyed ones, and what a killed creator
 * left. What an object said (a semaphore of value 0) is lost with it. Others'
 * objects that we may not remove stay. `out_removed` may be NULL. */
SHMRPC_API shmrpc_status shmrpc_objects_collect(shmrpc_scope scope,
                                                int64_t min_idle_ns,
                                                uint32_t *out_removed);

SHMRPC_END_DECLS

#endif
