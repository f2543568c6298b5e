/* Updates the clock that call deadlines use. */
#include "rpc/call_clock.h"

#define SET_EVERY_NS (50 * SHMRPCI_NS_PER_MS)

void shmrpci_call_clock_init(shmrpci_call_clock *clock)
{
    *clock = (shmrpci_call_clock){.ns_per_tick = 0};
    if (shmrpci_ticks_are_steady()) {
        clock->ns_per_tick = (uint64_t)shmrpci_ns_of_ticks(UINT64_C(1) << 32);
    }
}

int64_t shmrpci_call_clock_set(shmrpci_call_clock *clock)
{
    if (clock->ns_per_tick == 0) {
        return shmrpci_now_ns();
    }
    uint64_t ticks;
    int64_t now_ns = shmrpci_now_and_ticks(&ticks);
    shmrpci_store_relaxed(&clock->apart,
                          (uint64_t)now_ns -
                              shmrpci_call_clock_scale(clock, ticks));
    shmrpci_store_relaxed(&clock->due,
                          ticks + shmrpci_ticks_of_ns(SET_EVERY_NS));
    return now_ns;
}
