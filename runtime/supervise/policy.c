/* Decisions. */
#include "supervise/policy.h"

#define FIRST_DELAY_NS INT64_C(10000000)
#define LAST_DELAY_NS  INT64_C(30000000000)

/* ---- workers that die ------------------------------------------------ */

static int64_t delay_after(uint32_t deaths)
{
    int64_t delay_ns = deaths < 2 ? 0 : FIRST_DELAY_NS;
    for (uint32_t i = 2; i < deaths && delay_ns < LAST_DELAY_NS; i++) {
        delay_ns *= 2;
    }
    return delay_ns < LAST_DELAY_NS ? delay_ns : LAST_DELAY_NS;
}

void shmrpci_backoff_died(shmrpci_backoff *backoff, int64_t now_ns,
                          int64_t lived_ns)
{
    if (lived_ns >= SHMRPCI_YOUNG_NS) {
        backoff->young_deaths = 0;
    } else if (backoff->young_deaths < UINT32_MAX) {
        backoff->young_deaths++;
    }
    int64_t next_ns = now_ns + delay_after(backoff->young_deaths);
    if (next_ns > backoff->next_ns) {
        backoff->next_ns = next_ns;
    }
}

void shmrpci_backoff_lives(shmrpci_backoff *backoff, int64_t lived_ns)
{
    if (lived_ns >= SHMRPCI_YOUNG_NS) {
        backoff->young_deaths = 0;
    }
}

bool shmrpci_backoff_is_degraded(const shmrpci_backoff *backoff)
{
    return backoff->young_deaths >= SHMRPCI_CRASH_LOOP;
}
