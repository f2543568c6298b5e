/*
 * Words of this process that one thread changes cheaply, until a second thread
 * uses them.
 *
 * A locked instruction waits until all earlier stores are done, also those to
 * cache lines that another CPU holds; and most clients are used by one thread.
 * So the first thread that changes such words owns them. It sets `inside`,
 * checks that it is still the owner, and changes the words with plain loads and
 * stores. The first other thread takes them away for good, and from then on all
 * threads use locked instructions (biased locking: Kawachiya, Koseki, Onodera,
 * "Lock Reservation", 2002). The owner would need a fence between its store and
 * its check; the thread that takes the words away makes it for all threads
 * instead, as with hazard pointers (hazard.h).
 *
 *     owner                            another
 *     inside = 1                       owner = TAKEN
 *     owner is me still?               fence in all threads
 *     changes words                    waits for inside = 0
 *     inside = 0                       owner = SHARED
 *
 * Threading: any thread, but no signal handlers.
 */
#ifndef SHMRPCI_SYNC_BIAS_H
#define SHMRPCI_SYNC_BIAS_H

#include <stdbool.h>
#include <stdint.h>

#include "os/thread.h"
#include "sync/atomic.h"

/* All zeros means that there is no owner yet. */
typedef struct shmrpci_bias {
    shmrpci_atomic_u32 owner;  /* a thread's number, or one of the values
                                * below */
    shmrpci_atomic_u32 inside; /* the owner is changing words */
} shmrpci_bias;

#define SHMRPCI_BIAS_NOBODY 0u
#define SHMRPCI_BIAS_TAKEN  (UINT32_MAX - 1)
#define SHMRPCI_BIAS_SHARED UINT32_MAX

/* The slow path of shmrpci_bias_enter, for threads that aren't the owner. */
bool shmrpci_bias_settle(shmrpci_bias *bias);

/* Returns true if only the caller may change the words until it leaves; false
 * if they are shared, and stay so. Waits only while the owner is changing
 * words, and once for a fence in all threads. */
static inline bool shmrpci_bias_enter(shmrpci_bias *bias)
{
    uint32_t me = shmrpci_thread_number();
    if (shmrpci_load_relaxed(&bias->owner) == me) {
        /* Relaxed: the barrier in settle orders this store before the load
         * below, or makes that load see that the words were taken. */
        shmrpci_store_relaxed(&bias->inside, 1u);
        atomic_signal_fence(memory_order_seq_cst);
        bool is_mine = shmrpci_load_relaxed(&bias->owner) == me;
        atomic_signal_fence(memory_order_seq_cst);
        if (is_mine) {
            return true;
        }
        shmrpci_store_release(&bias->inside, 0u);
    }
    /* Acquire: pairs with the release of the thread that took the words away;
     * everything that the owner did comes before. */
    return shmrpci_load_acquire(&bias->owner) != SHMRPCI_BIAS_SHARED &&
           shmrpci_bias_settle(bias);
}

static inline void shmrpci_bias_leave(shmrpci_bias *bias)
{
    /* Release: pairs with the acquire in settle; our changes come before. */
    shmrpci_store_release(&bias->inside, 0u);
}

/* Returns true as long as no second thread has used the words. */
static inline bool shmrpci_bias_is_mine(const shmrpci_bias *bias)
{
    return shmrpci_load_relaxed(&bias->owner) == shmrpci_thread_number();
}

/* Makes everything that the owner did happen before the caller's later
 * accesses, and the caller's earlier stores before what the owner does later,
 * as an operation on shared words would. */
static inline void shmrpci_bias_join(shmrpci_bias *bias)
{
    if (shmrpci_bias_enter(bias)) {
        shmrpci_bias_leave(bias);
    }
}

/* Changes of words, like their namesakes in atomic.h. Inside they are relaxed,
 * because no other thread is inside. */

static inline void shmrpci_bias_set(shmrpci_bias *bias, shmrpci_atomic_u64 *at,
                                    uint64_t bits)
{
    if (shmrpci_bias_enter(bias)) {
        shmrpci_store_relaxed(at, shmrpci_load_relaxed(at) | bits);
        shmrpci_bias_leave(bias);
    } else {
        (void)shmrpci_or_seq(at, bits);
    }
}

static inline void shmrpci_bias_clear(shmrpci_bias *bias,
                                      shmrpci_atomic_u64 *at, uint64_t bits)
{
    if (shmrpci_bias_enter(bias)) {
        shmrpci_store_relaxed(at, shmrpci_load_relaxed(at) & ~bits);
        shmrpci_bias_leave(bias);
    } else {
        (void)shmrpci_and_seq(at, ~bits);
    }
}

/* Returns true if *at was *expected and is `desired` now; else stores what it
 * found in *expected. */
#define SHMRPCI_BIAS_CAS(bias, at, expected, desired)           \
    if (!shmrpci_bias_enter(bias)) {                            \
        return shmrpci_cas_seq((at), (expected), (desired));    \
    }                                                           \
    bool is_expected = shmrpci_load_relaxed(at) == *(expected); \
    if (is_expected) {                                          \
        shmrpci_store_relaxed((at), (desired));                 \
    } else {                                                    \
        *(expected) = shmrpci_load_relaxed(at);                 \
    }                                                           \
    shmrpci_bias_leave(bias);                                   \
    return is_expected

static inline bool shmrpci_bias_cas_u32(shmrpci_bias *bias,
                                        shmrpci_atomic_u32 *at,
                                        uint32_t *expected, uint32_t desired)
{
    SHMRPCI_BIAS_CAS(bias, at, expected, desired);
}

static inline bool shmrpci_bias_cas_u64(shmrpci_bias *bias,
                                        shmrpci_atomic_u64 *at,
                                        uint64_t *expected, uint64_t desired)
{
    SHMRPCI_BIAS_CAS(bias, at, expected, desired);
}

#endif
