/* The fast paths of taking and releasing a lock, and queries. */
#include "sync/lock.h"
#include "base/assert.h"
#include "os/process.h"
#include "os/thread.h"

/* A holder publishes its CPU once in this many acquisitions. */
#define PUBLISH_EVERY 64u

/* Kinds of locks that are not described by the word alone. */
#define NOT_SIMPLE (SHMRPC_LOCK_SEMAPHORE | SHMRPC_LOCK_SHARED)

static void publish_cpu(shmrpc_lock *lock)
{
    SHMRPCI_ASSERT(lock->self == &lock->at.file->slots[lock->me - 1],
                   "a handle writes only to its own slot");
    shmrpci_store_relaxed(&lock->self->cpu, shmrpci_current_cpu());
}

/* Takes a free lock by one compare-and-swap. If it returns false, use the slow
 * path. */
static inline bool take_free(shmrpc_lock *lock)
{
    uint32_t expected = 0;
    if (!shmrpci_lock_is_ours(lock) ||
        !shmrpci_cas_seq(lock->word, &expected, lock->me)) {
        return false;
    }
    /* Only the holder touches `turns`, and we hold the lock. */
    if ((++lock->turns & (PUBLISH_EVERY - 1)) == 0) {
        publish_cpu(lock);
    }
    return true;
}

static inline bool take_simple(shmrpc_lock *lock)
{
    if ((lock->flags & NOT_SIMPLE) != 0 || !take_free(lock)) {
        return false;
    }
    shmrpci_store_relaxed(&lock->holder, shmrpci_thread_number());
    return true;
}

shmrpc_status shmrpc_lock_acquire(shmrpc_lock *lock,
                                  const shmrpc_lock_wait *wait)
{
    if (take_simple(lock)) {
        return SHMRPC_OK;
    }
    shmrpci_lock_patience patience;
    shmrpc_status status = shmrpci_lock_patience_init(lock, wait, &patience);
    if (status == SHMRPC_OK) {
        status = shmrpci_lock_acquire_slowly(lock, &patience);
    }
    return status;
}

shmrpc_status shmrpc_lock_try_acquire(shmrpc_lock *lock)
{
    return take_simple(lock) ? SHMRPC_OK
                             : shmrpci_lock_acquire_slowly(lock, NULL);
}

shmrpc_status shmrpc_lock_release(shmrpc_lock *lock)
{
    if ((lock->flags & SHMRPC_LOCK_SEMAPHORE) == 0 &&
        shmrpci_lock_is_ours(lock) &&
        shmrpci_load_relaxed(&lock->holder) == shmrpci_thread_number() &&
        lock->depth == 0) {
        /* Cleared before the release: after that another thread may hold the
         * lock. */
        shmrpci_store_relaxed(&lock->holder, 0u);
        uint32_t expected = lock->me;
        if (shmrpci_cas_seq(lock->word, &expected, 0u)) {
            return SHMRPC_OK;
        }
        return shmrpci_lock_give_back(lock);
    }
    return shmrpci_lock_release_slowly(lock);
}

/* ---- queries ------------------------------------------------------------- */

shmrpc_status shmrpc_lock_consistent(shmrpc_lock *lock)
{
    shmrpc_status status = shmrpci_lock_ensure(lock);
    if (status != SHMRPC_OK) {
        return status;
    }
    if (!shmrpci_lock_is_mortal(lock) ||
        shmrpci_load_relaxed(&lock->holder) != shmrpci_thread_number()) {
        return SHMRPC_E_PRECONDITION;
    }
    shmrpci_and_seq(lock->word, ~SHMRPCI_LOCK_BROKEN);
    return SHMRPC_OK;
}

/* Returns the current word, or DESTROYED if the lock has none any more. */
static uint32_t look(shmrpc_lock *lock)
{
    return shmrpci_lock_ensure(lock) == SHMRPC_OK ? shmrpci_load_seq(lock->word)
                                                  : SHMRPCI_LOCK_DESTROYED;
}

int32_t shmrpc_lock_owner_pid(shmrpc_lock *lock)
{
    uint32_t word = look(lock);
    return shmrpci_lock_pid_of_word(&lock->at, word);
}

int shmrpc_lock_value(shmrpc_lock *lock)
{
    uint32_t word = look(lock);
    return (word & (SHMRPCI_LOCK_OWNER | SHMRPCI_LOCK_DESTROYED)) == 0;
}

bool shmrpc_lock_is_destroyed(shmrpc_lock *lock)
{
    return (look(lock) & SHMRPCI_LOCK_DESTROYED) != 0;
}
