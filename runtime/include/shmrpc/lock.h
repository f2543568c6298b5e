/*
 * The hybrid lock: mutual exclusion, by name, between threads of any processes.
 *
 * It spins where that pays, then sleeps.  Taking a free lock and releasing it
 * is one atomic operation each and no system call.  When the process that holds
 * it dies, the next waiter gets the lock and is told so.
 *
 *     shmrpc_lock *lock;
 *     if (shmrpc_lock_open("index", SHMRPC_LOCK_OPEN_OR_CREATE, NULL, &lock,
 *                          &error) == SHMRPC_OK) {
 *         switch (shmrpc_lock_acquire(lock, NULL)) {
 *         case SHMRPC_E_OWNER_DIED:
 *             repair();
 *             shmrpc_lock_consistent(lock);
 *             break;
 *         ...
 *         }
 *         shmrpc_lock_release(lock);
 *         shmrpc_lock_close(lock);
 *     }
 *
 * Kinds.  A plain lock belongs to the thread that acquired it, and only that
 * thread releases it.  SEMAPHORE: belongs to nobody; any thread may release it,
 * and the death of a holder is not noticed.  RECURSIVE: the owner may acquire
 * it again.  SHARED: also has readers (shmrpc_lock_acquire_shared), any number
 * at a time while nobody holds it exclusively.  FAIR: a thread that has waited
 * for a millisecond is served before those that come later.
 *
 * Death.  The kernel reports deaths within 50 ms: there is no heartbeat and no
 * timeout, and a stopped process is alive.  OWNER_DIED comes with the lock
 * held: repair what it protects, then call shmrpc_lock_consistent().  Until
 * then everyone who acquires it gets OWNER_DIED.  A dead reader is simply
 * forgotten.  A thread that ends while it holds the lock, in a process that
 * goes on, is not noticed.
 *
 * Fork.  A child uses the same handles as a participant of its own that holds
 * nothing; what the parent holds stays the parent's.
 *
 * Trust. A lock is a file. Whoever may write to it can damage the lock:
 * functions then return DATA_LOSS or wait until their deadline. They can also
 * truncate the file, which kills its users by SIGBUS. So grant permissions only
 * to users you trust; by default nobody else has any.
 *
 * Threading: a handle is for any number of threads; close it once, when no
 * other function uses it.  Nothing here may be called from a signal handler.
 */
#ifndef SHMRPC_LOCK_H
#define SHMRPC_LOCK_H

#include <stdbool.h>
#include <stdint.h>

#include "shmrpc/error.h"
#include "shmrpc/platform.h"
#include "shmrpc/status.h"

SHMRPC_BEGIN_DECLS

typedef struct shmrpc_lock shmrpc_lock;

/* The longest name, in bytes. Names consist of letters, digits, `_`, `-` and
 * `.`, and don't begin with `.`. */
#define SHMRPC_LOCK_NAME_MAX 200

/* The default timeout of a wait. */
#define SHMRPC_LOCK_DEFAULT_TIMEOUT_NS INT64_C(30000000000)

/* A value for spin_ns: never spin. */
#define SHMRPC_LOCK_NO_SPIN INT64_C(-1)

/* How many handles of all processes can be open at a time: by default, and at
 * most. */
#define SHMRPC_LOCK_DEFAULT_HANDLES 254u
#define SHMRPC_LOCK_MAX_HANDLES     4000u

typedef enum shmrpc_lock_mode {
    SHMRPC_LOCK_OPEN_OR_CREATE = 0,
    SHMRPC_LOCK_OPEN_EXISTING = 1, /* NOT_FOUND */
    SHMRPC_LOCK_CREATE = 2,        /* EXISTS */
    SHMRPC_LOCK_REPLACE = 3        /* destroys an existing one */
} shmrpc_lock_mode;

enum {
    /* The kind. It must match when an existing lock is opened, except for
     * RECURSIVE, which each handle chooses for itself. */
    SHMRPC_LOCK_SEMAPHORE = 1u << 0, /* excludes the next two */
    SHMRPC_LOCK_RECURSIVE = 1u << 1,
    SHMRPC_LOCK_SHARED = 1u << 2,
    SHMRPC_LOCK_FAIR = 1u << 3,
    /* A new lock is created held: by the calling thread; a semaphore by nobody
     * in particular: its value begins at 0. */
    SHMRPC_LOCK_HELD = 1u << 4,
    /* In the folder for all users, rather than the user's own. Without
     * `permissions` that let others in, they still can't use it. */
    SHMRPC_LOCK_ALL_USERS = 1u << 5
};

/* A zeroed object asks for the defaults. */
typedef struct shmrpc_lock_opts {
    uint32_t flags; /* SHMRPC_LOCK_... */
    /* The next two apply when the lock is created, and are ignored
     * otherwise. */
    uint32_t permissions; /* of the file, as in 0666; 0: 0600. The umask is
                           * ignored; opening needs permission to write. */
    uint32_t max_handles; /* 0: SHMRPC_LOCK_DEFAULT_HANDLES; 128 bytes each */
    /* How long to spin before sleeping. 0: up to 50 us, as long as it pays;
     * above 0: always that long; SHMRPC_LOCK_NO_SPIN: never. A process with a
     * single CPU never spins. */
    int64_t spin_ns;
    uint64_t reserved[5]; /* 0; later members take its place */
} shmrpc_lock_opts;

/* Options of a single call. NULL or zeroed: the defaults. */
typedef struct shmrpc_lock_wait {
    /* How long to wait, on CLOCK_MONOTONIC; 0: 30 s, INT64_MAX: for ever.
     * Negative values are INVALID. */
    int64_t timeout_ns;
    int64_t spin_ns;      /* as above; 0: as the handle was opened with */
    uint64_t reserved[2]; /* 0; later members take its place */
} shmrpc_lock_wait;

/*
 * Opens the lock `name`, creates it, or both, as `mode` says; `opts` may be
 * NULL. May block for up to ten seconds while others are creating or removing
 * it. Of many that create it at once exactly one does.
 *
 * UNIMPLEMENTED: a name "nats://...": there are no locks between machines, as
 * nobody could tell a dead holder on another one from a slow one.
 * INVALID: name, flags, numbers; NOT_FOUND, EXISTS: as `mode` says; DENIED: by
 * the permissions of file or folder; PRECONDITION: it is of another kind;
 * DATA_LOSS: the file is no lock, or is damaged; CONTRACT: another version of
 * this library made it; EXHAUSTED: all handles, descriptors or memory are in
 * use; NO_MEMORY. `error` may be NULL.
 */
SHMRPC_API shmrpc_status shmrpc_lock_open(
    const char *name, shmrpc_lock_mode mode, const shmrpc_lock_opts *opts,
    shmrpc_lock **out, shmrpc_error *error) SHMRPC_WARN_UNUSED;

/* Closes a handle (NULL is fine). What it still holds counts as held by a dead
 * owner; a semaphore stays as it is. The lock itself stays until it is
 * destroyed or removed (shmrpc/objects.h). */
SHMRPC_API void shmrpc_lock_close(shmrpc_lock *lock);

/*
 * Waits for the lock and takes it; `wait` may be NULL.  With SHARED it also
 * waits for the readers to leave, and keeps new ones out meanwhile.
 *
 * OK: held.  OWNER_DIED: held, but its owner died while it held it (see above).
 * Otherwise not held: DEADLINE; DESTROYED; PRECONDITION: this thread holds it
 * already (and it is not RECURSIVE); INVALID: `wait`; DATA_LOSS: its file was
 * damaged; in a forked child also the statuses of shmrpc_lock_open().
 */
SHMRPC_API shmrpc_status shmrpc_lock_acquire(
    shmrpc_lock *lock, const shmrpc_lock_wait *wait) SHMRPC_WARN_UNUSED;

/* The same without waiting: BUSY instead of DEADLINE. A lock whose owner has
 * died is free. */
SHMRPC_API shmrpc_status shmrpc_lock_try_acquire(shmrpc_lock *lock)
    SHMRPC_WARN_UNUSED;

/* Releases the lock; never blocks. PRECONDITION: this thread does not hold it,
 * or nobody does; DESTROYED: it was destroyed meanwhile; DATA_LOSS. Whatever
 * the status, the thread holds it no longer afterwards (a RECURSIVE one: once
 * less). */
SHMRPC_API shmrpc_status shmrpc_lock_release(shmrpc_lock *lock);

/*
 * Acquires a SHARED lock for reading (another kind: PRECONDITION).  OWNER_DIED:
 * held for reading, but a writer died, and nobody has repaired what it
 * protects. Readers must not nest: while a writer waits, a second acquisition
 * would wait for the writer, and the writer for the first.  Nor can a reader
 * become a writer without releasing the lock first.
 */
SHMRPC_API shmrpc_status shmrpc_lock_acquire_shared(
    shmrpc_lock *lock, const shmrpc_lock_wait *wait) SHMRPC_WARN_UNUSED;
SHMRPC_API shmrpc_status shmrpc_lock_try_acquire_shared(shmrpc_lock *lock)
    SHMRPC_WARN_UNUSED;
/* Any thread that uses the handle may release. PRECONDITION: none of them holds
 * it for reading. */
SHMRPC_API shmrpc_status shmrpc_lock_release_shared(shmrpc_lock *lock);

/* Says that what the lock protects has been repaired: the next one to acquire
 * it gets OK. PRECONDITION: this thread does not hold it exclusively. */
SHMRPC_API shmrpc_status shmrpc_lock_consistent(shmrpc_lock *lock);

/* The pid of the process that holds the lock exclusively, in that process's own
 * pid namespace; 0: nobody holds it, or the holder isn't known (that of a
 * semaphore may be gone). For display: it may be out of date by now. */
SHMRPC_API int32_t shmrpc_lock_owner_pid(shmrpc_lock *lock);

/* 1: free; 0: held exclusively, or destroyed. It may be out of date by now. */
SHMRPC_API int shmrpc_lock_value(shmrpc_lock *lock);

/* Destroys the lock for everyone: present and later waiters get DESTROYED, and
 * the name is free for a new lock. Any handle may do so, whoever holds the
 * lock. DENIED: it is destroyed, but the folder's permissions let only its
 * owner remove the name. */
SHMRPC_API shmrpc_status shmrpc_lock_destroy(shmrpc_lock *lock);
SHMRPC_API bool shmrpc_lock_is_destroyed(shmrpc_lock *lock);

SHMRPC_END_DECLS

#endif
