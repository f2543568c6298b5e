/* The spin policy. */
#include "sync/wait.h"

#include "os/clock.h"
#include "os/process.h"

#define HIT_ONE      1024u
#define HIT_LOW      307u /* below 0.3, spinning does not pay */
#define PROBE_EVERY  16u
#define MIN_CPUS     150u
#define REFRESH_NS   SHMRPCI_NS_PER_S
#define USUAL_FACTOR 4u

static int64_t max_spin_ns(shmrpc_profile profile, shmrpci_side side)
{
    switch (profile) {
    case SHMRPC_PROFILE_LATENCY:
        return 200 * SHMRPCI_NS_PER_US;
    case SHMRPC_PROFILE_POWER:
        return 0;
    case SHMRPC_PROFILE_BALANCED:
        break;
    }
    return (side == SHMRPCI_SIDE_CLIENT ? 50 : 20) * SHMRPCI_NS_PER_US;
}

static void look_up(shmrpci_spinner *spinner, uint64_t now)
{
    shmrpci_store_relaxed(&spinner->checked, now);
    shmrpci_store_relaxed(&spinner->quota, shmrpci_cpu_quota_percent());
    shmrpci_store_relaxed(&spinner->allowed, shmrpci_allowed_cpus());
}

void shmrpci_spinner_init(shmrpci_spinner *spinner, shmrpc_profile profile,
                          shmrpci_side side)
{
    *spinner = (shmrpci_spinner){0};
    if (shmrpci_ticks_are_steady()) {
        spinner->max_ticks = shmrpci_ticks_of_ns(max_spin_ns(profile, side));
    }
    shmrpci_store_relaxed(&spinner->usual, spinner->max_ticks);
    shmrpci_store_relaxed(&spinner->hit_rate, HIT_ONE);
    look_up(spinner, shmrpci_ticks());
}

/* The relaxed accesses below order nothing: they are estimates. */

static uint64_t learnt_budget(shmrpci_spinner *spinner)
{
    if (shmrpci_load_relaxed(&spinner->hit_rate) < HIT_LOW) {
        uint32_t refusals = shmrpci_load_relaxed(&spinner->refusals) + 1;
        if (refusals < PROBE_EVERY) {
            shmrpci_store_relaxed(&spinner->refusals, refusals);
            return 0;
        }
        shmrpci_store_relaxed(&spinner->refusals, 0);
        return spinner->max_ticks;
    }
    /* Waits scatter, and one sleep too many costs more than all of it: a
     * quarter of the limit is always worth it where hits are common. */
    uint64_t usual = USUAL_FACTOR * shmrpci_load_relaxed(&spinner->usual);
    uint64_t least = spinner->max_ticks / 4;
    uint64_t budget = usual > least ? usual : least;
    return budget < spinner->max_ticks ? budget : spinner->max_ticks;
}

bool shmrpci_spinner_may(const shmrpci_spinner *spinner, uint32_t peer_cpu)
{
    if (spinner->max_ticks == 0 ||
        shmrpci_load_relaxed(&spinner->quota) < MIN_CPUS) {
        return false;
    }
    if (peer_cpu == SHMRPCI_CPU_UNKNOWN) {
        return shmrpci_load_relaxed(&spinner->allowed) >= 2;
    }
    return peer_cpu != (shmrpci_current_cpu() & SHMRPCI_CPU_MASK);
}

uint64_t shmrpci_spinner_budget(shmrpci_spinner *spinner, uint32_t peer_cpu)
{
    return shmrpci_spinner_may(spinner, peer_cpu) ? learnt_budget(spinner) : 0;
}

void shmrpci_spinner_hit(shmrpci_spinner *spinner, uint64_t ticks)
{
    uint64_t usual = shmrpci_load_relaxed(&spinner->usual);
    uint32_t rate = shmrpci_load_relaxed(&spinner->hit_rate);
    shmrpci_store_relaxed(&spinner->usual, usual - usual / 8 + ticks / 8);
    shmrpci_store_relaxed(&spinner->hit_rate, rate + (HIT_ONE - rate) / 8);
}

void shmrpci_spinner_miss(shmrpci_spinner *spinner)
{
    uint32_t rate = shmrpci_load_relaxed(&spinner->hit_rate);
    shmrpci_store_relaxed(&spinner->hit_rate, rate - rate / 8);
    /* The peer may have gone to sleep because of us; who spins for less than
     * its wake-up takes then sleeps too, and so on for ever. */
    shmrpci_store_relaxed(&spinner->usual, spinner->max_ticks);
}

void shmrpci_spinner_refresh(shmrpci_spinner *spinner)
{
    if (spinner->max_ticks == 0) {
        return;
    }
    uint64_t now = shmrpci_ticks();
    uint64_t checked = shmrpci_load_relaxed(&spinner->checked);
    if (now - checked < shmrpci_ticks_of_ns(REFRESH_NS)) {
        return;
    }
    look_up(spinner, now);
}
