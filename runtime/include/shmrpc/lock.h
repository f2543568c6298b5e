/*
 * The hybrid lock: mutual exclusion, by name, between threads of any processes.
 *
 * It spins where that pays off, then sleeps. Taking a free lock and releasing
 * it is one atomic operation each and no system call. When the process that
 * holds the lock dies, the next waiter gets it and is told so.
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
 * Kinds. A plain lock belongs to the thread that acquired it, and only that
 * thread releases it. A SEMAPHORE belongs to nobody: any thread may release it,
 * and the death of a holder is not noticed. A RECURSIVE lock may be acquired
 * again by its owner. A SHARED lock also has readers
 * (shmrpc_lock_acquire_shared), any number at a time while nobody holds it
 * exclusively. When a thread has waited for a FAIR lock for a millisecond,
 * threads that come later can't take the lock before it.
 *
 * Death. The kernel reports deaths within 50 ms: there is no heartbeat and no
 * timeout, and a stopped process counts as alive. A thread that gets OWNER_DIED
 * holds the lock: it repairs what the lock protects, then calls
 * shmrpc_lock_consistent(). Until then everyone who acquires the lock gets
 * OWNER_DIED. A dead reader is simply forgotten. A thread that ends while it
 * holds the lock, in a process that goes on, is not noticed.
 *
 * Fork. A child may use the same handles. It is then a participant of its own
 * and holds no lock: locks that the parent holds stay the parent's.
 *
 * Trust. A lock is a file. Anyone who may write to it can damage the lock:
 * functions then return DATA_LOSS or wait until their deadline. They can also
 * truncate the file, which kills its users by SIGBUS. So grant permissions only
 * to users you trust; by default nobody else has any.
 *
 * Threading: any number of threads may use a handle. Close it once, when no
 * other function uses it. Nothing here may be called from a signal handler.
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

/* Max number of handles, of all processes together, that are open at a time:
 * the default, and the highest value allowed. */
#define SHMRPC_LOCK_DEFAULT_HANDLES 254u
#define SHMRPC_LOCK_MAX_HANDLES     4000u

typedef enum shmrpc_lock_mode {
    SHMRPC_LOCK_OPEN_OR_CREATE = 0,
    SHMRPC_LOCK_OPEN_EXISTING = 1, /* fails with NOT_FOUND if there is none */
    SHMRPC_LOCK_CREATE = 2,        /* fails with EXISTS if there is one */
    SHMRPC_LOCK_REPLACE = 3        /* destroys an existing one */
} shmrpc_lock_mode;

enum {
    /* The kind. It must match when an existing lock is opened, except for
     * RECURSIVE, which each handle chooses for itself. */
    SHMRPC_LOCK_SEMAPHORE = 1u << 0, /* excludes the next two */
    SHMRPC_LOCK_RECURSIVE = 1u << 1,
    SHMRPC_LOCK_SHARED = 1u << 2,
    SHMRPC_LOCK_FAIR = 1u << 3,
    /* A new lock is created held by the calling thread. A new semaphore begins
     * with the value 0. */
    SHMRPC_LOCK_HELD = 1u << 4,
    /* The lock is in the folder for all users, rather than the user's own.
     * Without `permissions` that let others in, they still can't use it. */
    SHMRPC_LOCK_ALL_USERS = 1u << 5
};

/* A zeroed object asks for the defaults. */
typedef struct shmrpc_lock_opts {
    uint32_t flags; /* SHMRPC_LOCK_... */
    /* The next two members apply only when the lock is created. */
    uint32_t permissions; /* of the file, as in 0666; 0: 0600. The umask is
                           * ignored; opening needs permission to write. */
    uint32_t max_handles; /* 0: SHMRPC_LOCK_DEFAULT_HANDLES; each takes 128
                           * bytes */
    /* How long to spin before sleeping. 0: up to 50 us, as long as it pays off;
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
    int64_t spin_ns;      /* as in shmrpc_lock_opts; 0: the value that the
                           * handle was opened with */
    uint64_t reserved[2]; /* 0; later members take its place */
} shmrpc_lock_wait;

/*
 * Opens the lock `name`, creates it, or both, as `mode` says; `opts` and
 * `error` may be NULL. May block for up to ten seconds while other processes
 * are creating or removing the lock. If many create it at once, exactly one of
 * them does.
 *
 * Returns UNIMPLEMENTED for a name "nats://...": there are no locks between
 * machines, because nobody could tell a dead holder on another machine from a
 * slow one. Returns INVALID if name, flags or numbers are not valid; NOT_FOUND
 * or EXISTS as `mode` says; DENIED by the permissions of file or folder;
 * PRECONDITION if the lock is of another kind; DATA_LOSS if the file is not a
 * lock, or is damaged; CONTRACT if another version of this library made it;
 * EXHAUSTED if all handles, descriptors or memory are in use; or NO_MEMORY.
 */
SHMRPC_API shmrpc_status shmrpc_lock_open(
    const char *name, shmrpc_lock_mode mode, const shmrpc_lock_opts *opts,
    shmrpc_lock **out, shmrpc_error *error) SHMRPC_WARN_UNUSED;

/* Closes a handle (NULL is fine). If it still holds the lock, this counts as
 * the death of the owner; the value of a semaphore stays unchanged. The lock
 * itself stays until it is destroyed or removed (shmrpc/objects.h). */
SHMRPC_API void shmrpc_lock_close(shmrpc_lock *lock);

/*
 * Waits for the lock and takes it; `wait` may be NULL. With SHARED it also
 * waits for the readers to leave, and keeps new ones out meanwhile.
 *
 * Returns OK, or OWNER_DIED if the former owner died while it held the lock
 * (see above); in both cases the thread holds the lock. Otherwise it does not
 * hold the lock: DEADLINE; DESTROYED; PRECONDITION if this thread holds it
 * already (and it is not RECURSIVE); INVALID if `wait` is not valid; DATA_LOSS
 * if the file was damaged; in a forked child also the statuses of
 * shmrpc_lock_open().
 */
SHMRPC_API shmrpc_status shmrpc_lock_acquire(
    shmrpc_lock *lock, const shmrpc_lock_wait *wait) SHMRPC_WARN_UNUSED;

/* Like acquire, but returns BUSY instead of waiting. A lock whose owner has
 * died is free. */
SHMRPC_API shmrpc_status shmrpc_lock_try_acquire(shmrpc_lock *lock)
    SHMRPC_WARN_UNUSED;

/* Releases the lock; never blocks. Returns PRECONDITION if this thread does not
 * hold it, or nobody does; DESTROYED if it was destroyed meanwhile; or
 * DATA_LOSS. Whatever the status, the thread no longer holds it afterwards (a
 * RECURSIVE lock is held once less). */
SHMRPC_API shmrpc_status shmrpc_lock_release(shmrpc_lock *lock);

/*
 * Acquires a SHARED lock for reading (PRECONDITION for another kind).
 * OWNER_DIED means held for reading, but a writer died, and nobody has repaired
 * what the lock protects. Readers must not nest: while a writer waits, a second
 * acquisition would wait for the writer, and the writer for the first. Nor can
 * a reader become a writer without releasing the lock first.
 */
SHMRPC_API shmrpc_status shmrpc_lock_acquire_shared(
    shmrpc_lock *lock, const shmrpc_lock_wait *wait) SHMRPC_WARN_UNUSED;
SHMRPC_API shmrpc_status shmrpc_lock_try_acquire_shared(shmrpc_lock *lock)
    SHMRPC_WARN_UNUSED;
/* Any thread that uses the handle may release. Returns PRECONDITION if none of
 * them holds the lock for reading. */
SHMRPC_API shmrpc_status shmrpc_lock_release_shared(shmrpc_lock *lock);

/* States that what the lock protects has been repaired: the next thread to
 * acquire it gets OK. Returns PRECONDITION if this thread does not hold it
 * exclusively. */
SHMRPC_API shmrpc_status shmrpc_lock_consistent(shmrpc_lock *lock);

/* Returns the pid of the process that holds the lock exclusively, in that
 * process's own pid namespace, or 0 if nobody holds it or the holder isn't
 * known (the holder of a semaphore may be gone). For display only: the answer
 * may already be out of date. */
SHMRPC_API int32_t shmrpc_lock_owner_pid(shmrpc_lock *lock);

/* Returns 1 if the lock is free, 0 if it is held exclusively or destroyed. The
 * answer may already be out of date. */
SHMRPC_API int shmrpc_lock_value(shmrpc_lock *lock);

/* Destroys the lock for everyone: current and later waiters get DESTROYED, and
 * the name is free for a new lock. Any handle may do so, whoever holds the
 * lock. Returns DENIED if the lock was destroyed but its name stays, because
 * the folder's permissions let only the file's owner remove it. */
SHMRPC_API shmrpc_status shmrpc_lock_destroy(shmrpc_lock *lock);
SHMRPC_API bool shmrpc_lock_is_destroyed(shmrpc_lock *lock);

SHMRPC_END_DECLS

#endif
