/* When to yield, and when to stop yielding. */
#include "sync/yield.h"

#include "base/assert.h"
#include "os/clock.h"
#include "os/process.h"
#include "os/thread.h"

/* Longest acceptable yield: longer than a peer takes to answer, but shorter
 * than another thread's time slice. */
#define MOST_NS (500 * SHMRPCI_NS_PER_US)

/* After others took a whole time slice, we do not yield for AFTER_FIRST_NS.
 * Each further time the pause is four times as long, up to AFTER_MOST_NS. After
 * CALM_YIELDS yields that paid, it is AFTER_FIRST_NS again. (The pause is not
 * proportional to the lost time, because the host of a virtual machine may have
 * taken that time.) */
#define AFTER_FIRST_NS (4 * SHMRPCI_NS_PER_MS)
#define AFTER_MOST_NS  (1024 * SHMRPCI_NS_PER_MS)
#define CALM_YIELDS    32u

void shmrpci_yielder_init(shmrpci_yielder *yielder, shmrpc_profile profile)
{
    *yielder = (shmrpci_yielder){0};
    if (profile != SHMRPC_PROFILE_POWER && shmrpci_ticks_are_steady()) {
        yielder->most_ticks = shmrpci_ticks_of_ns(MOST_NS);
    }
    shmrpci_store_relaxed(&yielder->since, shmrpci_ticks());
    shmrpci_store_relaxed(&yielder->after, shmrpci_ticks_of_ns(AFTER_FIRST_NS));
    shmrpci_odds_init(&yielder->odds);
}

bool shmrpci_yielder_may(shmrpci_yielder *yielder,
                         const shmrpci_spinner *spinner, uint32_t peer_cpu,
                         uint64_t now)
{
    /* Relaxed, like all accesses below: these are estimates. */
    return yielder->most_ticks != 0 && shmrpci_spinner_is_confined(spinner) &&
           peer_cpu == (shmrpci_current_cpu() & SHMRPCI_CPU_MASK) &&
           (int64_t)(now - shmrpci_load_relaxed(&yielder->since)) >= 0 &&
           shmrpci_odds_try(&yielder->odds);
}

static void stand_back(shmrpci_yielder *yielder, uint64_t now)
{
    uint64_t after = shmrpci_load_relaxed(&yielder->after);
    uint64_t most = shmrpci_ticks_of_ns(AFTER_MOST_NS);
    SHMRPCI_ASSERT(after > 0 && after <= most, "a pause is bounded");
    shmrpci_store_relaxed(&yielder->since, now + after);
    shmrpci_store_relaxed(&yielder->after, after < most / 4 ? 4 * after : most);
    shmrpci_store_relaxed(&yielder->paid, 0u);
}

bool shmrpci_yielder_yield(shmrpci_yielder *yielder)
{
    SHMRPCI_ASSERT(yielder->most_ticks != 0,
                   "a yielder that may not yield is not called");
    uint64_t before = shmrpci_ticks();
    shmrpci_thread_yield();
    uint64_t now = shmrpci_ticks();
    bool is_quick = now - before <= yielder->most_ticks;
    if (!is_quick) {
        stand_back(yielder, now);
    }
    return is_quick;
}

void shmrpci_yielder_note(shmrpci_yielder *yielder, bool has_paid)
{
    shmrpci_odds_note(&yielder->odds, has_paid);
    if (has_paid) {
        uint32_t paid = shmrpci_load_relaxed(&yielder->paid) + 1;
        shmrpci_store_relaxed(&yielder->paid, paid);
        if (paid == CALM_YIELDS) {
            shmrpci_store_relaxed(&yielder->after,
                                  shmrpci_ticks_of_ns(AFTER_FIRST_NS));
        }
    }
}
