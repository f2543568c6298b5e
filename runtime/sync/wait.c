/* The spin policy. */
#include "sync/wait.h"

#include "base/assert.h"
#include "os/clock.h"
#include "os/process.h"
#include "os/thread.h"

#define MIN_CPUS     150u
#define REFRESH_NS   SHMRPCI_NS_PER_S
#define USUAL_FACTOR 4u

/* The longest spin, however long wake-ups take. */
#define MOST_NS (1 * SHMRPCI_NS_PER_MS)

/* The time between two yields of a spin. Other threads can bear a spin this
 * short. */
#define STEP_NS (4 * SHMRPCI_NS_PER_US)

/* If sched_yield took less than this, no other thread ran. (If none runs, it
 * usually takes a fifth of this.) */
#define ASIDE_NS (5 * SHMRPCI_NS_PER_US)

/* A gap this long while spinning means that the CPU was taken: by other
 * threads, or, in a virtual machine, by the host. */
#define TAKEN_NS (100 * SHMRPCI_NS_PER_US)

/* How many waits are kept short after other threads were seen to want the CPU:
 * the first time, and at most. The number is multiplied by four each time, and
 * halved after CALM_WAITS waits that were not kept short. */
#define CROWDED_FIRST 2u
#define CROWDED_WAITS 16u
#define CALM_WAITS    32u

static int64_t least_limit_ns(shmrpc_profile profile, shmrpci_side side)
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

void shmrpci_spinner_look_up(shmrpci_spinner *spinner, uint64_t now)
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
        int64_t least_ns = least_limit_ns(profile, side);
        spinner->least_ticks = shmrpci_ticks_of_ns(least_ns);
        spinner->most_ticks = least_ns > 0 ? shmrpci_ticks_of_ns(MOST_NS) : 0;
        spinner->refresh_ticks = shmrpci_ticks_of_ns(REFRESH_NS);
    }
    SHMRPCI_ASSERT(spinner->least_ticks <= spinner->most_ticks,
                   "the bounds of the limit are in order");
    shmrpci_store_relaxed(&spinner->limit, spinner->least_ticks);
    shmrpci_store_relaxed(&spinner->usual, spinner->least_ticks);
    shmrpci_odds_init(&spinner->odds);
    shmrpci_spinner_look_up(spinner, shmrpci_ticks());
}

/* The relaxed accesses below order nothing: they are estimates. */

static uint64_t learnt_budget(shmrpci_spinner *spinner)
{
    uint64_t limit = shmrpci_load_relaxed(&spinner->limit);
    SHMRPCI_ASSERT(limit >= spinner->least_ticks &&
                       limit <= spinner->most_ticks,
                   "the learned limit stays within the bounds");
    if (!shmrpci_odds_are_good(&spinner->odds)) {
        return shmrpci_odds_try(&spinner->odds) ? limit : 0;
    }
    /* The times of waits vary, and one unneeded sleep costs more than spinning
     * a little longer in many waits. So if hits are common, spinning for a
     * quarter of the limit is always worth it. */
    uint64_t usual = USUAL_FACTOR * shmrpci_load_relaxed(&spinner->usual);
    uint64_t least = limit / 4;
    uint64_t budget = usual > least ? usual : least;
    return budget < limit ? budget : limit;
}

bool shmrpci_spinner_is_confined(const shmrpci_spinner *spinner)
{
    return shmrpci_load_relaxed(&spinner->quota) < MIN_CPUS ||
           shmrpci_load_relaxed(&spinner->allowed) < 2;
}

bool shmrpci_spinner_may(const shmrpci_spinner *spinner, uint32_t peer_cpu)
{
    if (spinner->least_ticks == 0 ||
        shmrpci_load_relaxed(&spinner->quota) < MIN_CPUS) {
        return false;
    }
    if (peer_cpu == SHMRPCI_CPU_UNKNOWN) {
        return shmrpci_load_relaxed(&spinner->allowed) >= 2;
    }
    return peer_cpu != (shmrpci_current_cpu() & SHMRPCI_CPU_MASK);
}

/* Counts a wait that was not kept short. */
static void calm_down(shmrpci_spinner *spinner, uint32_t penalty)
{
    uint32_t calm = shmrpci_load_relaxed(&spinner->calm) + 1;
    SHMRPCI_ASSERT(calm <= CALM_WAITS,
                   "calm waits are counted up to the reward");
    if (calm == CALM_WAITS) {
        calm = 0;
        shmrpci_store_relaxed(&spinner->penalty, penalty / 2);
    }
    shmrpci_store_relaxed(&spinner->calm, calm);
}

uint64_t shmrpci_spinner_budget(shmrpci_spinner *spinner, uint32_t peer_cpu)
{
    if (!shmrpci_spinner_may(spinner, peer_cpu)) {
        return 0;
    }
    uint64_t budget = learnt_budget(spinner);
    uint32_t penalty = shmrpci_load_relaxed(&spinner->penalty);
    if (penalty == 0 || budget == 0) {
        return budget;
    }
    uint32_t crowded = shmrpci_load_relaxed(&spinner->crowded);
    if (crowded == 0) {
        calm_down(spinner, penalty);
        return budget;
    }
    SHMRPCI_ASSERT(crowded <= CROWDED_WAITS && penalty <= CROWDED_WAITS,
                   "a penalty is bounded");
    shmrpci_store_relaxed(&spinner->crowded, crowded - 1);
    uint64_t step = shmrpci_spinner_step_ticks();
    return budget < step ? budget : step;
}

void shmrpci_spinner_hit(shmrpci_spinner *spinner, uint64_t ticks)
{
    uint64_t usual = shmrpci_load_relaxed(&spinner->usual);
    shmrpci_store_relaxed(&spinner->usual, usual - usual / 8 + ticks / 8);
    shmrpci_odds_note(&spinner->odds, true);
}

void shmrpci_spinner_miss(shmrpci_spinner *spinner)
{
    shmrpci_odds_note(&spinner->odds, false);
    /* The peer may have gone to sleep because of us. If we then spun for less
     * than its wake-up takes, we would sleep too, and so on forever. */
    shmrpci_store_relaxed(&spinner->usual,
                          shmrpci_load_relaxed(&spinner->limit));
}

/* Moves the limit towards the cost of a sleep, which is twice the lateness of
 * the wake-up: going to sleep here and waking us at the peer together cost
 * as much again. */
static uint64_t learn_limit(shmrpci_spinner *spinner, uint64_t late)
{
    uint64_t mean = shmrpci_load_relaxed(&spinner->late);
    SHMRPCI_ASSERT(mean <= spinner->most_ticks,
                   "only bounded delays enter the mean");
    late = late < spinner->most_ticks ? late : spinner->most_ticks;
    mean = mean == 0 ? late : mean - mean / 8 + late / 8;
    uint64_t limit = 2 * mean;
    limit = limit > spinner->least_ticks ? limit : spinner->least_ticks;
    limit = limit < spinner->most_ticks ? limit : spinner->most_ticks;
    shmrpci_store_relaxed(&spinner->late, mean);
    shmrpci_store_relaxed(&spinner->limit, limit);
    return limit;
}

void shmrpci_spinner_slept(shmrpci_spinner *spinner, uint64_t came,
                           uint64_t late)
{
    if (spinner->least_ticks == 0) {
        return;
    }
    if (came <= learn_limit(spinner, late)) {
        shmrpci_spinner_hit(spinner, came);
    } else {
        shmrpci_spinner_miss(spinner);
    }
}

uint64_t shmrpci_spinner_step_ticks(void)
{
    return shmrpci_ticks_of_ns(STEP_NS);
}

/* Yields, and returns whether other threads ran meanwhile. */
static bool is_wanted(void)
{
    uint64_t before = shmrpci_ticks();
    shmrpci_thread_yield();
    return shmrpci_ticks() - before >= shmrpci_ticks_of_ns(ASIDE_NS);
}

bool shmrpci_spinner_step_aside(shmrpci_spinner *spinner, uint64_t overdue)
{
    bool is_crowded = overdue >= shmrpci_ticks_of_ns(TAKEN_NS) || is_wanted();
    if (is_crowded) {
        uint32_t penalty = shmrpci_load_relaxed(&spinner->penalty);
        penalty = penalty == 0 ? CROWDED_FIRST : 4 * penalty;
        penalty = penalty < CROWDED_WAITS ? penalty : CROWDED_WAITS;
        shmrpci_store_relaxed(&spinner->penalty, penalty);
        shmrpci_store_relaxed(&spinner->crowded, penalty);
        shmrpci_store_relaxed(&spinner->calm, 0u);
    }
    return is_crowded;
}
