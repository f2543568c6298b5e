/* Taking a contended lock, sleeping for it, and releasing it. */
#include "base/assert.h"
#include "os/clock.h"
#include "os/futex.h"
#include "os/process.h"
#include "os/thread.h"
#include "os/waiting.h"
#include "sync/lock.h"

#define OWNER     SHMRPCI_LOCK_OWNER
#define GONE      SHMRPCI_LOCK_GONE
#define WAITERS   SHMRPCI_LOCK_WAITERS
#define RESERVED  SHMRPCI_LOCK_RESERVED
#define BROKEN    SHMRPCI_LOCK_BROKEN
#define DESTROYED SHMRPCI_LOCK_DESTROYED

/* Pauses between two looks while spinning, doubled from time to time. While
 * nobody looks, the holder keeps the cache line and can retake the lock
 * cheaply. Two processes on two CPUs that only lock and unlock manage 16 M
 * locks a second with 1 and 16 pauses, 27 M with these numbers, and 31 M with 8
 * and 128. */
#define FIRST_PAUSES 4u
#define MAX_PAUSES   64u

shmrpc_status shmrpci_lock_patience_init(const shmrpc_lock *lock,
                                         const shmrpc_lock_wait *wait,
                                         shmrpci_lock_patience *out)
{
    int64_t timeout_ns = SHMRPC_LOCK_DEFAULT_TIMEOUT_NS;
    int64_t spin_ns = lock->spin_ns;
    if (wait != NULL) {
        if (wait->timeout_ns < 0 || wait->spin_ns < SHMRPC_LOCK_NO_SPIN) {
            return SHMRPC_E_INVALID;
        }
        timeout_ns = wait->timeout_ns != 0 ? wait->timeout_ns : timeout_ns;
        spin_ns = wait->spin_ns != 0 ? wait->spin_ns : spin_ns;
    }
    int64_t now_ns = shmrpci_now_ns();
    bool ends = timeout_ns <= SHMRPCI_NEVER_NS - now_ns;
    *out = (shmrpci_lock_patience){.deadline_ns = ends ? now_ns + timeout_ns
                                                       : SHMRPCI_NEVER_NS,
                                   .began_ns = now_ns,
                                   .spin_ns = spin_ns};
    SHMRPCI_ASSERT(out->deadline_ns >= now_ns,
                   "a deadline is never before its wait begins");
    return SHMRPC_OK;
}

/* ---- taking -------------------------------------------------------------- */

static bool is_mine(const shmrpc_lock *lock)
{
    return shmrpci_lock_is_mortal(lock) &&
           shmrpci_load_relaxed(&lock->holder) == shmrpci_thread_number();
}

/* Whether a caller with this patience may take a lock with this word. */
static bool is_takeable(const shmrpc_lock *lock, uint32_t word,
                        const shmrpci_lock_patience *patience)
{
    uint32_t owner = word & OWNER;
    bool is_free =
        owner == 0 || (owner == GONE && shmrpci_lock_is_mortal(lock));
    return is_free && ((word & RESERVED) == 0 ||
                       (patience != NULL && patience->has_slept));
}

/* The word after we take it. */
static uint32_t taken(const shmrpc_lock *lock, uint32_t word,
                      const shmrpci_lock_patience *patience)
{
    SHMRPCI_ASSERT(lock->me > 0 && lock->me <= lock->at.slot_count,
                   "an attached handle has the number of a slot");
    uint32_t next = lock->me | (word & (WAITERS | RESERVED | BROKEN));
    if ((word & OWNER) == GONE) {
        next |= BROKEN;
    }
    if (patience != NULL && patience->has_slept) {
        /* The thread that woke us cleared the bit, and others may still
         * sleep. */
        next |= WAITERS;
        if ((next & RESERVED) != 0 &&
            shmrpci_now_ns() - patience->began_ns < SHMRPCI_LOCK_PATIENCE_NS) {
            next &= ~RESERVED;
        }
    }
    return next;
}

/* Returns BUSY if the lock can't be taken now. */
static shmrpc_status take(shmrpc_lock *lock,
                          const shmrpci_lock_patience *patience)
{
    uint32_t seen = shmrpci_load_seq(lock->word);
    while ((seen & DESTROYED) == 0 && is_takeable(lock, seen, patience)) {
        uint32_t next = taken(lock, seen, patience);
        if (shmrpci_cas_seq(lock->word, &seen, next)) {
            SHMRPCI_ASSERT(lock->self == &lock->at.file->slots[lock->me - 1],
                           "a handle writes only to its own slot");
            shmrpci_store_relaxed(&lock->self->cpu, shmrpci_current_cpu());
            return (next & BROKEN) != 0 ? SHMRPC_E_OWNER_DIED : SHMRPC_OK;
        }
    }
    uint32_t owner = seen & OWNER;
    if ((seen & DESTROYED) != 0) {
        return SHMRPC_E_DESTROYED;
    }
    return owner > lock->at.slot_count && owner != GONE ? SHMRPC_E_DATA_LOSS
                                                        : SHMRPC_E_BUSY;
}

/* Checks whether the owner that the word names is dead. Skipped if we are the
 * owner, since our own lock on the byte does not stop us from taking it. */
static void look_for_death(shmrpc_lock *lock, uint32_t word)
{
    uint32_t owner = word & OWNER;
    if (shmrpci_lock_is_mortal(lock) && owner != 0 &&
        owner <= lock->at.slot_count && owner != lock->me) {
        shmrpci_lock_look_for_death(&lock->at, lock->fd, owner - 1);
    }
}

static shmrpc_status take_word(shmrpc_lock *lock,
                               shmrpci_lock_patience *patience)
{
    for (;;) {
        shmrpc_status status = take(lock, patience);
        if (status != SHMRPC_E_BUSY) {
            return status;
        }
        if (patience == NULL) {
            look_for_death(lock, shmrpci_load_seq(lock->word));
            return take(lock, NULL);
        }
        status = shmrpci_lock_wait_for_change(lock, patience);
        if (status != SHMRPC_OK) {
            return status;
        }
    }
}

static shmrpc_status acquire_again(shmrpc_lock *lock)
{
    if ((shmrpci_load_seq(lock->word) & DESTROYED) != 0) {
        return SHMRPC_E_DESTROYED;
    }
    if ((lock->flags & SHMRPC_LOCK_RECURSIVE) == 0 ||
        lock->depth == UINT32_MAX) {
        return SHMRPC_E_PRECONDITION;
    }
    lock->depth++;
    return SHMRPC_OK;
}

shmrpc_status shmrpci_lock_acquire_slowly(shmrpc_lock *lock,
                                          shmrpci_lock_patience *patience)
{
    shmrpc_status status = shmrpci_lock_ensure(lock);
    if (status != SHMRPC_OK) {
        return status;
    }
    SHMRPCI_ASSERT(shmrpci_lock_is_ours(lock),
                   "ensure has attached this process");
    if (is_mine(lock)) {
        return acquire_again(lock);
    }
    status = take_word(lock, patience);
    if (status != SHMRPC_OK && status != SHMRPC_E_OWNER_DIED) {
        return status;
    }
    if ((lock->flags & SHMRPC_LOCK_SHARED) != 0) {
        shmrpc_status drained = shmrpci_lock_drain(lock, patience);
        if (drained != SHMRPC_OK) {
            (void)shmrpci_lock_give_back(lock);
            return drained;
        }
    }
    if (shmrpci_lock_is_mortal(lock)) {
        shmrpci_store_relaxed(&lock->holder, shmrpci_thread_number());
    }
    return status;
}

/* ---- waiting ------------------------------------------------------------- */

uint64_t shmrpci_lock_spin_budget(shmrpc_lock *lock,
                                  const shmrpci_lock_patience *patience,
                                  uint32_t cpu)
{
    SHMRPCI_ASSERT(patience->spin_ns >= SHMRPC_LOCK_NO_SPIN,
                   "spin times were checked earlier");
    if (patience->spin_ns == SHMRPC_LOCK_NO_SPIN) {
        return 0;
    }
    if (patience->spin_ns == 0) {
        return shmrpci_spinner_budget(&lock->spinner, cpu);
    }
    return shmrpci_spinner_may(&lock->spinner, cpu)
               ? shmrpci_ticks_of_ns(patience->spin_ns)
               : 0;
}

/* The CPU on which the owner last said that it runs. */
static uint32_t owner_cpu(const shmrpc_lock *lock, uint32_t word)
{
    uint32_t owner = word & OWNER;
    return owner == 0 || owner > lock->at.slot_count
               ? SHMRPCI_CPU_UNKNOWN
               : shmrpci_load_relaxed(&lock->at.file->slots[owner - 1].cpu) &
                     SHMRPCI_CPU_MASK;
}

/* Returns true when the lock may be free. */
static bool spin(shmrpc_lock *lock, const shmrpci_lock_patience *patience)
{
    uint64_t start = shmrpci_ticks();
    shmrpci_spinner_refresh(&lock->spinner, start);
    uint32_t seen = shmrpci_load_seq(lock->word);
    uint64_t budget =
        shmrpci_lock_spin_budget(lock, patience, owner_cpu(lock, seen));
    if (budget == 0 || (seen & RESERVED) != 0) {
        return false;
    }
    uint64_t spent = 0;
    for (uint32_t pauses = FIRST_PAUSES; spent < budget;
         spent = shmrpci_ticks() - start) {
        for (uint32_t i = 0; i < pauses; i++) {
            shmrpci_pause();
        }
        pauses = pauses < MAX_PAUSES ? pauses * 2 : pauses;
        seen = shmrpci_load_seq(lock->word);
        if ((seen & DESTROYED) != 0 || is_takeable(lock, seen, patience)) {
            shmrpci_spinner_hit(&lock->spinner, spent);
            return true;
        }
    }
    shmrpci_spinner_miss(&lock->spinner);
    return false;
}

int64_t shmrpci_lock_slice_end(const shmrpc_lock *lock,
                               const shmrpci_lock_patience *patience,
                               int64_t now_ns)
{
    int64_t slice = SHMRPCI_LOCK_SLICE_NS;
    SHMRPCI_ASSERT(now_ns < patience->deadline_ns,
                   "a thread whose time is up doesn't sleep");
    if (patience->slices == 0) {
        slice = (lock->flags & SHMRPC_LOCK_FAIR) != 0
                    ? SHMRPCI_LOCK_PATIENCE_NS
                    : SHMRPCI_LOCK_FIRST_SLICE_NS;
    }
    return patience->deadline_ns - now_ns < slice ? patience->deadline_ns
                                                  : now_ns + slice;
}

/* Stops waiting. A wake-up that we got may have been meant for others, so the
 * next release must wake somebody. Returns OK if the lock is free: take it
 * although the time is up. */
static shmrpc_status leave(shmrpc_lock *lock,
                           const shmrpci_lock_patience *patience)
{
    uint32_t seen = shmrpci_load_seq(lock->word);
    while (patience->has_slept && (seen & (WAITERS | DESTROYED)) == 0) {
        if (is_takeable(lock, seen, patience)) {
            return SHMRPC_OK;
        }
        if (shmrpci_cas_seq(lock->word, &seen, seen | WAITERS)) {
            break;
        }
    }
    return SHMRPC_E_DEADLINE;
}

/* Returns `seen` with the bits that a sleeper sets: the word to sleep on. */
static uint32_t with_waiter(const shmrpc_lock *lock, uint32_t seen,
                            const shmrpci_lock_patience *patience,
                            int64_t now_ns)
{
    bool is_starving = (lock->flags & SHMRPC_LOCK_FAIR) != 0 &&
                       patience->has_slept &&
                       now_ns - patience->began_ns >= SHMRPCI_LOCK_PATIENCE_NS;
    return seen | WAITERS | (is_starving ? RESERVED : 0);
}

shmrpc_status shmrpci_lock_wait_for_change(shmrpc_lock *lock,
                                           shmrpci_lock_patience *patience)
{
    if (spin(lock, patience)) {
        return SHMRPC_OK;
    }
    int64_t now_ns = shmrpci_now_ns();
    if (now_ns >= patience->deadline_ns) {
        return leave(lock, patience);
    }
    uint32_t seen = shmrpci_load_seq(lock->word);
    uint32_t next = with_waiter(lock, seen, patience, now_ns);
    if ((seen & DESTROYED) != 0 || is_takeable(lock, seen, patience) ||
        (next != seen && !shmrpci_cas_seq(lock->word, &seen, next))) {
        return SHMRPC_OK;
    }
    int64_t until_ns = shmrpci_lock_slice_end(lock, patience, now_ns);
    if (shmrpci_futex_wait(lock->word, next, until_ns) !=
        SHMRPCI_FUTEX_CHANGED) {
        patience->has_slept = true;
    }
    patience->deadline_ns = shmrpci_waiting_deadline(patience->deadline_ns);
    if (shmrpci_now_ns() >= until_ns) {
        patience->slices++;
        look_for_death(lock, next);
    }
    return SHMRPC_OK;
}

/* ---- releasing ----------------------------------------------------------- */

/* Wakes sleepers. Those of a SHARED lock may be readers, which can all
 * enter. */
static int wake(const shmrpc_lock *lock)
{
    return shmrpci_futex_wake(
        lock->word, (lock->flags & SHMRPC_LOCK_SHARED) != 0 ? INT32_MAX : 1);
}

/* Ends a reservation if nobody sleeps, so that newcomers may take the lock
 * without sleeping first. Then wakes a thread that began to sleep in
 * between. */
static void end_reservation(const shmrpc_lock *lock, uint32_t word)
{
    SHMRPCI_ASSERT((word & (OWNER | RESERVED)) == RESERVED,
                   "only the reservation of a free word ends");
    uint32_t expected = word;
    if (shmrpci_cas_seq(lock->word, &expected, word & ~(RESERVED | WAITERS))) {
        (void)wake(lock);
    }
}

/* Called when the word has changed from `seen` to `next`, which says that the
 * lock is free. Wakes sleepers, if there are any. */
static void wake_waiters(const shmrpc_lock *lock, uint32_t seen, uint32_t next)
{
    SHMRPCI_ASSERT((next & OWNER) == 0, "sleepers are woken for a free word");
    if ((seen & WAITERS) != 0 && wake(lock) == 0 && (next & RESERVED) != 0) {
        end_reservation(lock, next);
    }
}

static uint32_t freed(uint32_t word)
{
    uint32_t next = word & BROKEN;
    return (word & RESERVED) != 0 ? next | RESERVED | WAITERS : next;
}

/* Frees the word if `owner` owns it (0: whoever owns it); else returns
 * `otherwise`. */
static shmrpc_status set_free(shmrpc_lock *lock, uint32_t owner,
                              shmrpc_status otherwise)
{
    SHMRPCI_ASSERT(owner == lock->me ||
                       (owner == 0 && !shmrpci_lock_is_mortal(lock)),
                   "only a semaphore is freed by a non-owner");
    uint32_t seen = shmrpci_load_seq(lock->word);
    while ((seen & DESTROYED) == 0) {
        if ((seen & OWNER) == 0 || (owner != 0 && (seen & OWNER) != owner)) {
            return otherwise;
        }
        uint32_t next = freed(seen);
        if (shmrpci_cas_seq(lock->word, &seen, next)) {
            wake_waiters(lock, seen, next);
            return SHMRPC_OK;
        }
    }
    return SHMRPC_E_DESTROYED;
}

shmrpc_status shmrpci_lock_give_back(shmrpc_lock *lock)
{
    return set_free(lock, lock->me, SHMRPC_E_DATA_LOSS);
}

shmrpc_status shmrpci_lock_release_slowly(shmrpc_lock *lock)
{
    shmrpc_status status = shmrpci_lock_ensure(lock);
    if (status != SHMRPC_OK) {
        return status;
    }
    if (!shmrpci_lock_is_mortal(lock)) {
        return set_free(lock, 0, SHMRPC_E_PRECONDITION);
    }
    if (!is_mine(lock)) {
        return SHMRPC_E_PRECONDITION;
    }
    SHMRPCI_ASSERT(lock->depth == 0 ||
                       (lock->flags & SHMRPC_LOCK_RECURSIVE) != 0,
                   "only recursive locks have a depth");
    if (lock->depth > 0) {
        lock->depth--;
        return SHMRPC_OK;
    }
    shmrpci_store_relaxed(&lock->holder, 0u);
    return shmrpci_lock_give_back(lock);
}
