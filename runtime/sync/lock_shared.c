/* Readers count themselves in their own slot, then look at the word. */
#include "base/assert.h"
#include "os/clock.h"
#include "os/futex.h"
#include "os/thread.h"
#include "os/waiting.h"
#include "sync/lock.h"

#define OWNER     SHMRPCI_LOCK_OWNER
#define GONE      SHMRPCI_LOCK_GONE
#define RESERVED  SHMRPCI_LOCK_RESERVED
#define BROKEN    SHMRPCI_LOCK_BROKEN
#define DESTROYED SHMRPCI_LOCK_DESTROYED
#define COUNT     SHMRPCI_READS_COUNT
#define WAITING   SHMRPCI_READS_WAITING
#define CLOSED    SHMRPCI_READS_CLOSED

/* ---- readers ------------------------------------------------------------- */

/* Removes one reader from our count. Returns PRECONDITION if no thread of this
 * handle is reading. */
static shmrpc_status leave(shmrpc_lock *lock)
{
    SHMRPCI_ASSERT((lock->flags & SHMRPC_LOCK_SHARED) != 0,
                   "only shared locks have readers");
    shmrpci_atomic_u32 *reads = &lock->self->reads;
    uint32_t seen = shmrpci_load_seq(reads);
    for (;;) {
        if ((seen & COUNT) == 0) {
            return SHMRPC_E_PRECONDITION;
        }
        bool is_last = (seen & COUNT) == 1;
        uint32_t next = (seen - 1) & (is_last ? ~WAITING : UINT32_MAX);
        if (shmrpci_cas_seq(reads, &seen, next)) {
            if (is_last && (seen & WAITING) != 0) {
                shmrpci_futex_wake(reads, INT32_MAX);
            }
            return SHMRPC_OK;
        }
    }
}

/* Takes a dead writer out of the word. Readers do not wait for it; they only
 * return a warning. */
static void dismiss_dead_writer(shmrpc_lock *lock, uint32_t seen)
{
    uint32_t next = (seen & ~OWNER) | BROKEN;
    (void)shmrpci_cas_seq(lock->word, &seen, next);
}

/* Counts us as a reader, and removes us again if we may not enter. Returns BUSY
 * if a writer holds the lock, or waits for readers to leave. */
static shmrpc_status enter(shmrpc_lock *lock, bool has_slept)
{
    uint32_t seen = shmrpci_load_seq(lock->word);
    while ((seen & OWNER) == GONE) {
        dismiss_dead_writer(lock, seen);
        seen = shmrpci_load_seq(lock->word);
    }
    if ((seen & OWNER) == 0) {
        /* Both accesses are seq, because a writer takes the word first, then
         * looks at this count. */
        if ((shmrpci_add_seq(&lock->self->reads, 1u) & COUNT) == COUNT) {
            (void)shmrpci_sub_seq(&lock->self->reads, 1u);
            return SHMRPC_E_EXHAUSTED;
        }
        seen = shmrpci_load_seq(lock->word);
        if ((seen & (OWNER | DESTROYED)) == 0 &&
            ((seen & RESERVED) == 0 || has_slept)) {
            if ((seen & RESERVED) != 0) {
                /* Ends the reservation here: no release of ours would end
                 * it. */
                shmrpci_and_seq(lock->word, ~RESERVED);
            }
            return (seen & BROKEN) != 0 ? SHMRPC_E_OWNER_DIED : SHMRPC_OK;
        }
        (void)leave(lock);
    }
    if ((seen & DESTROYED) != 0) {
        return SHMRPC_E_DESTROYED;
    }
    return (seen & OWNER) > lock->at.slot_count && (seen & OWNER) != GONE
               ? SHMRPC_E_DATA_LOSS
               : SHMRPC_E_BUSY;
}

shmrpc_status shmrpci_lock_enter_again(shmrpc_lock *lock)
{
    SHMRPCI_ASSERT((lock->flags & SHMRPC_LOCK_SHARED) != 0,
                   "only shared locks have readers");
    if ((shmrpci_add_seq(&lock->self->reads, 1u) & COUNT) == COUNT) {
        (void)shmrpci_sub_seq(&lock->self->reads, 1u);
        return SHMRPC_E_EXHAUSTED;
    }
    return SHMRPC_OK;
}

/* Whether readers may use this handle now. */
static shmrpc_status check_reader(shmrpc_lock *lock)
{
    shmrpc_status status = shmrpci_lock_ensure(lock);
    bool is_mine =
        shmrpci_load_relaxed(&lock->holder) == shmrpci_thread_number();
    if (status == SHMRPC_OK &&
        ((lock->flags & SHMRPC_LOCK_SHARED) == 0 || is_mine)) {
        status = SHMRPC_E_PRECONDITION;
    }
    return status;
}

shmrpc_status shmrpc_lock_acquire_shared(shmrpc_lock *lock,
                                         const shmrpc_lock_wait *wait)
{
    shmrpc_status status = check_reader(lock);
    if (status == SHMRPC_OK) {
        status = enter(lock, false);
    }
    if (status != SHMRPC_E_BUSY) {
        return status;
    }
    shmrpci_lock_patience patience;
    status = shmrpci_lock_patience_init(lock, wait, &patience);
    while (status == SHMRPC_OK) {
        status = shmrpci_lock_wait_for_change(lock, &patience);
        if (status == SHMRPC_OK) {
            status = enter(lock, patience.has_slept);
            if (status != SHMRPC_E_BUSY) {
                return status;
            }
            status = SHMRPC_OK;
        }
    }
    return status;
}

shmrpc_status shmrpc_lock_try_acquire_shared(shmrpc_lock *lock)
{
    shmrpc_status status = check_reader(lock);
    if (status == SHMRPC_OK) {
        status = enter(lock, false);
    }
    if (status != SHMRPC_E_BUSY) {
        return status;
    }
    uint32_t owner = shmrpci_load_seq(lock->word) & OWNER;
    if (owner != 0 && owner <= lock->at.slot_count && owner != lock->me) {
        shmrpci_lock_look_for_death(&lock->at, lock->fd, owner - 1);
    }
    return enter(lock, false);
}

shmrpc_status shmrpc_lock_release_shared(shmrpc_lock *lock)
{
    shmrpc_status status = shmrpci_lock_ensure(lock);
    if (status == SHMRPC_OK && (lock->flags & SHMRPC_LOCK_SHARED) == 0) {
        status = SHMRPC_E_PRECONDITION;
    }
    return status != SHMRPC_OK ? status : leave(lock);
}

/* ---- writers ------------------------------------------------------------- */

/* Spins while the slot has readers. Returns true if it has none. */
static bool spin_for(shmrpc_lock *lock, const shmrpci_lock_slot *slot,
                     const shmrpci_lock_patience *patience)
{
    uint32_t cpu = shmrpci_load_relaxed(&slot->cpu) & SHMRPCI_CPU_MASK;
    uint64_t budget = shmrpci_lock_spin_budget(lock, patience, cpu);
    uint64_t start = shmrpci_ticks();
    while (shmrpci_ticks() - start < budget) {
        shmrpci_pause();
        if ((shmrpci_load_seq(&slot->reads) & COUNT) == 0) {
            return true;
        }
    }
    return false;
}

/* Sleeps until the slot's count changes, or its participant may be dead. */
static shmrpc_status sleep_for(shmrpc_lock *lock, uint32_t index,
                               shmrpci_lock_patience *patience)
{
    SHMRPCI_ASSERT(index < lock->at.slot_count,
                   "only slots of the file are drained");
    shmrpci_atomic_u32 *reads = &lock->at.file->slots[index].reads;
    int64_t now_ns = shmrpci_now_ns();
    uint32_t seen = shmrpci_or_seq(reads, WAITING) | WAITING;
    if ((seen & COUNT) == 0) {
        return SHMRPC_OK;
    }
    if (now_ns >= patience->deadline_ns) {
        return SHMRPC_E_DEADLINE;
    }
    int64_t until_ns = shmrpci_lock_slice_end(lock, patience, now_ns);
    (void)shmrpci_futex_wait(reads, seen, until_ns);
    patience->deadline_ns = shmrpci_waiting_deadline(patience->deadline_ns);
    if (shmrpci_now_ns() >= until_ns) {
        patience->slices++;
        if (index + 1 != lock->me) {
            shmrpci_lock_look_for_death(&lock->at, lock->fd, index);
        }
    }
    return SHMRPC_OK;
}

static shmrpc_status drain_slot(shmrpc_lock *lock, uint32_t index,
                                shmrpci_lock_patience *patience)
{
    const shmrpci_lock_slot *slot = &lock->at.file->slots[index];
    bool looked = false;
    while ((shmrpci_load_seq(&slot->reads) & COUNT) != 0) {
        if ((shmrpci_load_seq(&slot->reads) & CLOSED) != 0) {
            return SHMRPC_E_DESTROYED;
        }
        if (patience == NULL) {
            if (looked || index + 1 == lock->me) {
                return SHMRPC_E_BUSY;
            }
            looked = true;
            shmrpci_lock_look_for_death(&lock->at, lock->fd, index);
        } else if (!spin_for(lock, slot, patience)) {
            shmrpc_status status = sleep_for(lock, index, patience);
            if (status != SHMRPC_OK) {
                return status;
            }
        }
    }
    return SHMRPC_OK;
}

shmrpc_status shmrpci_lock_drain(shmrpc_lock *lock,
                                 shmrpci_lock_patience *patience)
{
    SHMRPCI_ASSERT(shmrpci_lock_is_mortal(lock) &&
                       (lock->flags & SHMRPC_LOCK_SHARED) != 0,
                   "semaphores have no readers to wait for");
    uint32_t high = shmrpci_load_seq(&lock->at.file->high);
    uint32_t count = high < lock->at.slot_count ? high : lock->at.slot_count;
    shmrpc_status status = SHMRPC_OK;
    for (uint32_t i = 0; i < count && status == SHMRPC_OK; i++) {
        status = drain_slot(lock, i, patience);
    }
    return status;
}
