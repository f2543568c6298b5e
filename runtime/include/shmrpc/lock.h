/*
 * The hybrid lock: mutual exclusion between threads of any processes, by name.
 *
 * It spins where that pays, then sleeps.  Taking and releasing a free lock is
 * one atomic operation each and no system call.  When the process that holds
 * it dies, the next one gets it, and is told.
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
 * Kinds.  A plain lock belongs to the thread that acquired it: only that one
 * releases it.  SEMAPHORE: to nobody; anyone may release it, and the death of
 * a holder is not noticed.  RECURSIVE: the owner may acquire it again.
 * SHARED: there are readers as well (shmrpc_lock_acquire_shared), any number
 * at a time while nobody holds it exclusively.  FAIR: who has waited for a
 * millisecond is served before those who come later.
 *
 * Death.  The kernel says who is dead, within 50 ms: no heartbeat, no timeout;
 * a process that is stopped is alive.  OWNER_DIED comes with the lock held:
 * repair what it protects, then call shmrpc_lock_consistent().  As long as
 * nobody has, everyone who acquires it gets OWNER_DIED.  A dead reader is
 * simply forgotten.  A thread that ends while it holds the lock, in a process
 * that goes on, is not noticed.
 *
 * Fork.  A child uses the same handles as a participant of its own, which
 * holds nothing; what the parent holds stays the parent's.
 *
 * Trust.  A lock is a file.  Whoever may write to it can spoil the lock, in
 * which case functions here return DATA_LOSS or wait until their deadline;
 * and can shorten the file, which ends its users by SIGBUS.  So the
 * permissions say whom you trust; by default nobody else.
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

/* The longest name. Names consist of letters, digits, `_`, `-` and `.`, and
 * don't begin with `.`. */
#define SHMRPC_LOCK_NAME_MAX 200

/* Of a wait that nobody has set another for. */
#define SHMRPC_LOCK_DEFAULT_TIMEOUT_NS INT64_C(30000000000)

/* As spin_ns: never spin. */
#define SHMRPC_LOCK_NO_SPIN INT64_C(-1)

/* How many handles of all processes can be open, unless set otherwise, and at
 * most. */
#define SHMRPC_LOCK_DEFAULT_HANDLES 254u
#define SHMRPC_LOCK_MAX_HANDLES     4000u

typedef enum shmrpc_lock_mode {
    SHMRPC_LOCK_OPEN_OR_CREATE = 0,
    SHMRPC_LOCK_OPEN_EXISTING = 1, /* NOT_FOUND */
    SHMRPC_LOCK_CREATE = 2,        /* EXISTS */
    SHMRPC_LOCK_REPLACE = 3        /* destroys the one there is */
} shmrpc_lock_mode;

enum {
    /* The kind. Who opens an existing lock must ask for the kind that it is,
     * but for RECURSIVE, which is each handle's own affair. */
    SHMRPC_LOCK_SEMAPHORE = 1u << 0, /* with none of the next two */
    SHMRPC_LOCK_RECURSIVE = 1u << 1,
    SHMRPC_LOCK_SHARED = 1u << 2,
    SHMRPC_LOCK_FAIR = 1u << 3,
    /* When created, it is held: by the calling thread, a semaphore by nobody
     * in particular. (The ancestors' initial_value 0.) */
    SHMRPC_LOCK_HELD = 1u << 4,
    /* In the folder for all users, rather than the user's own. Without
     * `permissions` that let others in, they still can't use it. */
    SHMRPC_LOCK_ALL_USERS = 1u << 5
};

/* A zeroed object asks for the defaults. */
typedef struct shmrpc_lock_opts {
    uint32_t flags; /* SHMRPC_LOCK_... */
    /* The next two count when it is created, and are ignored otherwise. */
    uint32_t permissions; /* of the file, as in 0666; 0: 0600. The umask does
                           * not matter; who may not write can't open it. */
    uint32_t max_handles; /* 0: SHMRPC_LOCK_DEFAULT_HANDLES; 128 bytes each */
    /* How long to spin before sleeping. 0: up to 50 us, as long as it pays;
     * above: that long, always; SHMRPC_LOCK_NO_SPIN. Nobody spins who has but
     * one CPU to share with the holder. */
    int64_t spin_ns;
    uint64_t reserved[5]; /* 0; later members take its place */
} shmrpc_lock_opts;

/* Of one call. NULL or zeroed: the defaults. */
typedef struct shmrpc_lock_wait {
    /* How long to wait, on CLOCK_MONOTONIC; 0: 30 s, INT64_MAX: for ever.
     * Negative values are INVALID. */
    int64_t timeout_ns;
    int64_t spin_ns;      /* as above; 0: as the handle was opened with */
    uint64_t reserved[2]; /* 0; later members take its place */
} shmrpc_lock_wait;

/*
 * Opens the lock `name`, makes it, or both, as `mode` says; `opts` may be NULL.
 * May block for up to ten seconds, where others are in the middle of the same.
 * Of many that create at once exactly one does.
 *
 * INVALID: name, flags, numbers; NOT_FOUND, EXISTS: as `mode` says; DENIED: by
 * the permissions of file or folder; PRECONDITION: it is of another kind;
 * DATA_LOSS: the file is no lock, or damaged; CONTRACT: one of another version
 * of this library; EXHAUSTED: all handles are in use, or descriptors or memory
 * are; NO_MEMORY. `error` may be NULL.
 */
SHMRPC_API shmrpc_status shmrpc_lock_open(
    const char *name, shmrpc_lock_mode mode, const shmrpc_lock_opts *opts,
    shmrpc_lock **out, shmrpc_error *error) SHMRPC_WARN_UNUSED;

/* Ends the use of a handle (NULL is fine). What it still holds counts as held
 * by a dead owner; a semaphore stays as it is. The lock itself stays, until it
 * is destroyed or removed (shmrpc/objects.h). */
SHMRPC_API void shmrpc_lock_close(shmrpc_lock *lock);

/*
 * Waits for the lock and takes it; `wait` may be NULL.  With SHARED it also
 * waits for the readers to leave, and keeps new ones out meanwhile.
 *
 * OK: held.  OWNER_DIED: held, but its owner died before it was done (see
 * above).  Otherwise not held: DEADLINE; DESTROYED; PRECONDITION: this thread
 * has it already (and it is not RECURSIVE); INVALID: `wait`; DATA_LOSS: its
 * file was damaged; and in a forked child what shmrpc_lock_open() may return.
 */
SHMRPC_API shmrpc_status shmrpc_lock_acquire(
    shmrpc_lock *lock, const shmrpc_lock_wait *wait) SHMRPC_WARN_UNUSED;

/* The same without waiting: BUSY in place of DEADLINE. A lock whose owner has
 * died is free. */
SHMRPC_API shmrpc_status shmrpc_lock_try_acquire(shmrpc_lock *lock)
    SHMRPC_WARN_UNUSED;

/* Gives it up, never blocks. PRECONDITION: it is not this thread's, or not
 * held at all; DESTROYED: it was meanwhile; DATA_LOSS. In all cases the thread
 * does not hold it (or once less) afterwards. */
SHMRPC_API shmrpc_status shmrpc_lock_release(shmrpc_lock *lock);

/*
 * The same for readers, of a SHARED lock (else PRECONDITION).  OWNER_DIED: held
 * for reading, but somebody died while writing and nobody has repaired it.
 * Readers don't nest: while a writer waits, a second acquisition would wait
 * for the writer, and the writer for the first.  Nor does a reader become a
 * writer, other than by releasing in between.
 */
SHMRPC_API shmrpc_status shmrpc_lock_acquire_shared(
    shmrpc_lock *lock, const shmrpc_lock_wait *wait) SHMRPC_WARN_UNUSED;
SHMRPC_API shmrpc_status shmrpc_lock_try_acquire_shared(shmrpc_lock *lock)
    SHMRPC_WARN_UNUSED;
/* By any thread of the handle. PRECONDITION: none of them reads. */
SHMRPC_API shmrpc_status shmrpc_lock_release_shared(shmrpc_lock *lock);

/* What the lock protects is in order again: who acquires it next gets OK. Only
 * while this thread holds it, exclusively: else PRECONDITION. */
SHMRPC_API shmrpc_status shmrpc_lock_consistent(shmrpc_lock *lock);

/* The process that holds it exclusively, as it calls itself; 0: nobody does, or
 * it isn't known (a semaphore's may be gone). For people: it may be out of date
 * by now, and another pid namespace has other numbers. */
SHMRPC_API int32_t shmrpc_lock_owner_pid(shmrpc_lock *lock);

/* 1: free, 0: held exclusively, or destroyed. As of now. */
SHMRPC_API int shmrpc_lock_value(shmrpc_lock *lock);

/* Ends the lock for everyone: those who wait or come later get DESTROYED, and
 * the name is free for a new one. Any handle may; the holder need not be asked.
 * DENIED: it is destroyed, but the folder's rules let only its owner remove
 * the name. */
SHMRPC_API shmrpc_status shmrpc_lock_destroy(shmrpc_lock *lock);
SHMRPC_API bool shmrpc_lock_is_destroyed(shmrpc_lock *lock);

SHMRPC_END_DECLS

#endif
