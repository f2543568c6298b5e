/*
 * Shared objects: what queues, topics, pipes, dicts and values have in common.
 *
 * A shared object is memory that processes use together, under a name.  It
 * needs no server: whoever opens it first makes it.  Which kinds there are:
 *
 *     shmrpc/queue.h   work: each item goes to exactly one reader
 *     shmrpc/topic.h   news: each subscriber gets each message
 *     shmrpc/pipe.h    a stream of bytes
 *     shmrpc/dict.h    a map
 *     shmrpc/value.h   one value: a tree, a list, a struct
 *
 * Names are 1 to 255 bytes of UTF-8, any characters, and each kind has names
 * of its own.  They are files in the folders that shmrpc/objects.h tells of,
 * which is also how they are listed, removed and collected.
 *
 * Deaths.  Processes may be killed at any instruction: what a call had returned
 * for is there, what it was at is done or not done, and nobody waits for a dead
 * or stopped process, except where a function says so.  There is nothing to
 * repair.  The machine's end is the object's: another start of the machine
 * finds DATA_LOSS where the folder lies on a disk, and nothing where it is in
 * memory.
 *
 * Snapshots of dicts and values survive that: files that are written on demand
 * (shmrpc_dict_snapshot), or by the server of a service where its .svc says so,
 * to where they are told to, or in
 *
 *     FOLDER/objects/NAME.KIND.snapshot             the user's own objects
 *     FOLDER/shared/NAME.KIND.snapshot              ALL_USERS
 *     FOLDER/services/SERVICE/NAME.KIND.snapshot    of a service
 *
 * FOLDER is $SHMRPC_SNAPSHOT_DIR, else $SHMRPC_DIR/snapshots, else
 * $XDG_STATE_HOME/shmrpc/snapshots, else ~/.local/state/shmrpc/snapshots, else,
 * of root, /var/lib/shmrpc/snapshots.
 *
 * Trust.  Whoever may write to the file can spoil what is in it, in which case
 * functions return DATA_LOSS, and can shorten it, which ends its users by
 * SIGBUS.  So the permissions say whom you trust; by default nobody else.
 *
 * Forks.  A child uses the same handles as a participant of its own: the first
 * function that it calls opens the file again.  What the parent had in hand
 * stays the parent's.
 *
 * Threading: a handle is for any number of threads, which take turns; close it
 * once, when no other function uses it.  Nothing of this may be called from a
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

/* How many handles of all processes can have one open for writing, at most. */
#define SHMRPC_SHARED_MAX_WRITERS 1024u

typedef enum shmrpc_shared_mode {
    SHMRPC_SHARED_OPEN_OR_CREATE = 0,
    SHMRPC_SHARED_OPEN_EXISTING = 1, /* NOT_FOUND */
    SHMRPC_SHARED_CREATE = 2,        /* EXISTS */
    SHMRPC_SHARED_REPLACE = 3,       /* destroys the one there is */
    SHMRPC_SHARED_WAIT = 4           /* until somebody has made it: DEADLINE */
} shmrpc_shared_mode;

enum {
    /* Not of queues and pipes, which whoever uses them changes: INVALID. Only
     * looks: needs no more than permission to read, takes none of the
     * places of writers, and never changes a byte. What changes the object is
     * DENIED. */
    SHMRPC_SHARED_READ_ONLY = 1u << 0,
    /* In the folder for all users, rather than the user's own. Without
     * `permissions` that let others in, they still can't use it. */
    SHMRPC_SHARED_ALL_USERS = 1u << 1,
    /* Of dicts and values (else INVALID): a thread may acquire a lock again
     * that it holds by this handle, and releases it as often. */
    SHMRPC_SHARED_RECURSIVE = 1u << 2
};

/* How to open. NULL or zeroed: open or create, as declared. */
typedef struct shmrpc_shared_opts {
    shmrpc_shared_mode mode;
    uint32_t flags; /* SHMRPC_SHARED_... */
    /* Of WAIT: how long, on CLOCK_MONOTONIC; 0: 30 s, INT64_MAX: for ever.
     * Negative values are INVALID. */
    int64_t timeout_ns;
    /* The rest counts when it is created, and is ignored otherwise. 0: as
     * declared in the .svc, or the default. */
    uint32_t permissions; /* of the file, as in 0660; default 0600. The umask
                           * does not matter. */
    shmrpc_lifetime lifetime;
    uint64_t max_bytes;   /* of memory; taken as it is needed */
    uint32_t max_writers; /* handles at a time that may write; 0: 64, at most
                           * SHMRPC_SHARED_MAX_WRITERS */
    uint32_t reserved32;  /* 0 */
    /* An object that a service has, rather than one of the folder: generated
     * code says so. It lives as long as the service; of the modes,
     * OPEN_EXISTING is what all mean. `client` NULL: in a process that serves
     * it. */
    const shmrpc_service *service;
    struct shmrpc_client *client;
    /* Of dicts and values: a snapshot whose contents it has from the moment
     * when it has its name, if it is made now. Where it can't be read, or is of
     * another type, nothing is made. NULL: made empty. */
    const char *snapshot;
    uint64_t reserved[1]; /* 0; later members take its place */
} shmrpc_shared_opts;

/*
 * What every _open() may return besides what it says itself:
 *
 * INVALID: name, options; NOT_FOUND, EXISTS, DEADLINE: as `mode` says; DENIED:
 * by the permissions of file or folder; CONTRACT: what is there has another
 * type or encoding, or was made by another version of this library: the error
 * names both sides; DATA_LOSS: the file is damaged or truncated, or of another
 * start of the machine; EXHAUSTED: no room for it, or all places of writers are
 * taken: the error says which, and what to do; NO_MEMORY.
 *
 * It may block for up to ten seconds, where others are in the middle of
 * creating, replacing or removing the same; longer with WAIT.
 */

SHMRPC_END_DECLS

#endif
