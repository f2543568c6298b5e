/* The yield policy. */
#include "sync/yield.h"

#include "os/clock.h"
#include "os/process.h"
#include "os/thread.h"

/* Long for a peer that answers, short for the slice of another. */
#define MOST_NS (500 * SHMRPCI_NS_PER_US)

/* Others get what they want without us for so many times as long as they took,
 * at most a second: at first, and at most; four times as many each time, until
 * so many yields have paid. */
#define TIMES_FIRST 8u
#define TIMES_MOST  512u
#define CALM_YIELDS 32u
#define AFTER_MOST  (1 * SHMRPCI_NS_PER_S)

void shmrpci_yielder_init(shmrpci_yielder *yielder, shmrpc_profile profile)
{
    *yielder = (shmrpci_yielder){0};
    if (profile != SHMRPC_PROFILE_POWER && shmrpci_ticks_are_steady()) {
        yielder->most_ticks = shmrpci_ticks_of_ns(MOST_NS);
    }
    shmrpci_store_relaxed(&yielder->since, shmrpci_ticks());
    shmrpci_store_relaxed(&yielder->times, TIMES_FIRST);
    shmrpci_odds_init(&yielder->odds);
}

bool shmrpci_yielder_may(shmrpci_yielder *yielder,
                         const shmrpci_spinner *spinner, uint32_t peer_cpu,
                         uint64_t now)
{
    /* Relaxed, as all below: estimates. */
    return yielder->most_ticks != 0 && shmrpci_spinner_is_confined(spinner) &&
           peer_cpu == (shmrpci_current_cpu() & SHMRPCI_CPU_MASK) &&
           (int64_t)(now - shmrpci_load_relaxed(&yielder->since)) >= 0 &&
           shmrpci_odds_try(&yielder->odds);
}

static void stand_back(shmrpci_yielder *yielder, uint64_t now, uint64_t took)
{
    uint32_t times = shmrpci_load_relaxed(&yielder->times);
    uint64_t most = shmrpci_ticks_of_ns(AFTER_MOST);
    uint64_t after = took < most / times ? took * times : most;
    shmrpci_store_relaxed(&yielder->since, now + after);
    times = 4 * times < TIMES_MOST ? 4 * times : TIMES_MOST;
    shmrpci_store_relaxed(&yielder->times, times);
    shmrpci_store_relaxed(&yielder->paid, 0u);
}

bool shmrpci_yielder_yield(shmrpci_yielder *yielder)
{
    uint64_t before = shmrpci_ticks();
    shmrpci_thread_yield();
    uint64_t now = shmrpci_ticks();
    bool is_quick = now - before <= yielder->most_ticks;
    if (!is_quick) {
        stand_back(yielder, now, now - before);
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
            shmrpci_store_relaxed(&yielder->times, TIMES_FIRST);
        }
    }
}
