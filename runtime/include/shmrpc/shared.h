/*
 * Shared objects: what queues, topics, pipes, dicts and values have in common.
 *
 * A shared object is memory that several processes use under a name. It needs
 * no server: the first process to open it creates it. The kinds are:
 *
 *     shmrpc/queue.h   work: each item goes to exactly one reader
 *     shmrpc/topic.h   news: each subscriber gets each message
 *     shmrpc/pipe.h    a stream of bytes
 *     shmrpc/dict.h    a map
 *     shmrpc/value.h   one value: a tree, a list, a struct
 *
 * Names are 1 to 255 bytes of UTF-8, any characters, and each kind has a name
 * space of its own. Objects are files in the folders that shmrpc/objects.h
 * names; its functions list, remove and collect them.
 *
 * A name that begins with "nats://" means an object that many machines share
 * (docs/many-machines.md); pipes don't exist there, and are UNIMPLEMENTED. What
 * is said below of files, deaths and forks holds on one machine; queue.h,
 * topic.h and dict.h say what differs.
 *
 * Death. A process may be killed at any instruction. A call that has returned
 * has taken effect; a call in progress has either happened completely or not at
 * all; and nobody waits for a dead or stopped process unless a function says
 * so. There is nothing to repair. Objects don't survive a reboot: in memory
 * they are gone, and in a folder on a disk they are DATA_LOSS.
 *
 * Snapshots of dicts and values do survive a reboot. They are files. A program
 * writes one on demand (shmrpc_dict_snapshot); the server of a service writes
 * them if its .svc says so. The path is the one that the program gives, or by
 * default
 *
 *     FOLDER/objects/NAME.KIND.snapshot             the user's own objects
 *     FOLDER/shared/NAME.KIND.snapshot              ALL_USERS
 *     FOLDER/services/SERVICE/NAME.KIND.snapshot    of a service
 *
 * FOLDER is $SHMRPC_SNAPSHOT_DIR, else $SHMRPC_DIR/snapshots, else
 * $XDG_STATE_HOME/shmrpc/snapshots, else ~/.local/state/shmrpc/snapshots, or
 * for root /var/lib/shmrpc/snapshots.
 *
 * Trust. Anyone who may write to the file can damage its content: functions
 * then return DATA_LOSS. They can also truncate it, which kills its users by
 * SIGBUS. So grant permissions only to users you trust; by default nobody else
 * has any.
 *
 * Forks. A child uses the same handles as a participant of its own: the first
 * function that it calls opens the file again. What the parent held stays the
 * parent's.
 *
 * Threading: any number of threads may use a handle; they take turns. Close it
 * once, when no other function uses it. Nothing here may be called from a
 * signal handler.
 */
#ifndef SHMRPC_SHARED_H
#define SHMRPC_SHARED_H

#include <stdint.h>

#include "shmrpc/descriptor.h"
#include "shmrpc/error.h"
#include "shmrpc/options.h"
#include "shmrpc/platform.h"
#include "shmrpc/status.h"
#include "shmrpc/types.h"

SHMRPC_BEGIN_DECLS

/* The longest name, in bytes. */
#define SHMRPC_SHARED_NAME_MAX 255

/* Max number of handles, of all processes together, that have an object open
 * for writing. */
#define SHMRPC_SHARED_MAX_WRITERS 1024u

typedef enum shmrpc_shared_mode {
    SHMRPC_SHARED_OPEN_OR_CREATE = 0,
    SHMRPC_SHARED_OPEN_EXISTING = 1, /* fails with NOT_FOUND if there is none */
    SHMRPC_SHARED_CREATE = 2,        /* fails with EXISTS if there is one */
    SHMRPC_SHARED_REPLACE = 3,       /* destroys an existing one */
    SHMRPC_SHARED_WAIT = 4           /* waits until another process creates it,
                                      * else DEADLINE */
} shmrpc_shared_mode;

enum {
    /* Opens for reading only: this needs no permission to write, takes none of
     * the writers' places, and never changes a byte. Functions that would
     * change the object return DENIED. Queues and pipes can't be opened in this
     * way (INVALID), because reading changes them. */
    SHMRPC_SHARED_READ_ONLY = 1u << 0,
    /* The object is in the folder for all users, rather than the user's own.
     * Without `permissions` that let others in, they still can't use it. */
    SHMRPC_SHARED_ALL_USERS = 1u << 1,
    /* For dicts and values (else INVALID): a thread may acquire a lock again
     * that it holds by this handle, and must release it as many times. */
    SHMRPC_SHARED_RECURSIVE = 1u << 2
};

/* How to open. NULL or zeroed: open or create, as declared. */
typedef struct shmrpc_shared_opts {
    shmrpc_shared_mode mode;
    uint32_t flags; /* SHMRPC_SHARED_... */
    /* For WAIT: how long to wait, on CLOCK_MONOTONIC; 0: 30 s, INT64_MAX: for
     * ever. Negative values are INVALID. */
    int64_t timeout_ns;
    /* The remaining members apply only when the object is created. 0: as
     * declared in the .svc, or the default. */
    uint32_t permissions; /* of the file, as in 0660; default 0600. The umask is
                           * ignored. */
    shmrpc_lifetime lifetime;
    uint64_t max_bytes;   /* limit of its memory, which is allocated as
                           * needed */
    uint32_t max_writers; /* max handles open for writing at a time; 0: 64, at
                           * most SHMRPC_SHARED_MAX_WRITERS */
    uint32_t reserved32;  /* 0 */
    /* Set by generated code: opens an object that this service owns, rather
     * than one in a folder. It lives as long as the service; every mode means
     * OPEN_EXISTING. `client` is NULL in a process that serves it. */
    const shmrpc_service *service;
    struct shmrpc_client *client;
    /* For dicts and values: a snapshot that fills a new object before others
     * can find it. If it can't be read, or has another type, nothing is
     * created. NULL: a new object is empty. */
    const char *snapshot;
    uint64_t reserved[1]; /* 0; later members take its place */
} shmrpc_shared_opts;

/*
 * The statuses of every _open(), in addition to those that it lists itself:
 *
 * INVALID if the name or an option is not valid; NOT_FOUND, EXISTS or DEADLINE
 * as `mode` says; DENIED by the permissions of file or folder; CONTRACT if the
 * existing object has another type or encoding, or was made by another version
 * of this library (the error names both sides); DATA_LOSS if the file is
 * damaged or truncated, or from before a reboot; EXHAUSTED if there is no room
 * for the object, or all writers' places are taken (the error says which, and
 * what to do); NO_MEMORY.
 *
 * An _open() may block for up to ten seconds while other processes are
 * creating, replacing or removing the object; longer with WAIT.
 */

SHMRPC_END_DECLS

#endif
