/* Words that their first thread owns until a second thread uses them. */
#include "sync/bias.h"

#include "base/assert.h"
#include "os/clock.h"
#include "os/poll.h"

/* How long to wait if no barrier in all threads can be made. An owner that was
 * preempted may still be inside then, but its store to `inside` is visible. */
#define NAP_NS (1 * SHMRPCI_NS_PER_MS)

/* How many times to yield before the first nap. */
#define YIELDS 100

static void nap(void)
{
    (void)shmrpci_poll_entries(NULL, 0, shmrpci_deadline_after(NAP_NS));
}

/* Waits until `*at` is `value`. Acquire. */
static void await(shmrpci_atomic_u32 *at, uint32_t value)
{
    for (int i = 0; shmrpci_load_acquire(at) != value; i++) {
        if (i < YIELDS) {
            shmrpci_thread_yield();
        } else {
            nap();
        }
    }
}

/* Takes the words away from their owner. Only one thread calls this. */
static void take_away(shmrpci_bias *bias)
{
    if (!shmrpci_thread_barrier()) {
        nap(); /* the barrier worked for the owner, but a sandbox forbids it
                * now */
    }
    SHMRPCI_ASSERT(shmrpci_load_relaxed(&bias->owner) == SHMRPCI_BIAS_TAKEN,
                   "the thread that took it shares it");
    await(&bias->inside, 0);
    /* Release: pairs with the acquire in enter. */
    shmrpci_store_release(&bias->owner, SHMRPCI_BIAS_SHARED);
}

bool shmrpci_bias_settle(shmrpci_bias *bias)
{
    SHMRPCI_ASSERT(shmrpci_thread_number() != SHMRPCI_BIAS_NOBODY &&
                       shmrpci_thread_number() < SHMRPCI_BIAS_TAKEN,
                   "no thread has a mark's number");
    uint32_t owner = SHMRPCI_BIAS_NOBODY;
    uint32_t first = shmrpci_thread_can_barrier() ? shmrpci_thread_number()
                                                  : SHMRPCI_BIAS_SHARED;
    if (shmrpci_cas_seq(&bias->owner, &owner, first)) {
        return first != SHMRPCI_BIAS_SHARED && shmrpci_bias_enter(bias);
    }
    if (owner == SHMRPCI_BIAS_TAKEN || owner == SHMRPCI_BIAS_SHARED ||
        !shmrpci_cas_seq(&bias->owner, &owner, SHMRPCI_BIAS_TAKEN)) {
        SHMRPCI_ASSERT(owner != shmrpci_thread_number(),
                       "an owner does not wait for itself");
        await(&bias->owner, SHMRPCI_BIAS_SHARED);
    } else {
        take_away(bias);
    }
    SHMRPCI_ASSERT(shmrpci_load_relaxed(&bias->owner) == SHMRPCI_BIAS_SHARED,
                   "a word that a second thread wants stays shared");
    return false;
}
