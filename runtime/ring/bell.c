/* Ringing a bell, and sleeping in slices. */
#include "ring/bell.h"

#include "os/futex.h"
#include "os/waiting.h"

void shmrpci_bell_ring_slowly(shmrpci_atomic_u32 *bell, uint32_t count)
{
    uint32_t rung =
        shmrpci_add_seq(bell, SHMRPCI_BELL_STEP) + SHMRPCI_BELL_STEP;
    int most = count < INT32_MAX ? (int)count : INT32_MAX;
    if (shmrpci_futex_wake(bell, most) > 0) {
        return;
    }
    /* Nobody was asleep, so clears the bit SLEEPERS, unless the bell has
     * changed since. A thread that was about to sleep on an older value
     * doesn't, and one that has fallen asleep since then is woken. */
    uint32_t quiet = (rung + SHMRPCI_BELL_STEP) & ~SHMRPCI_BELL_SLEEPERS;
    if (shmrpci_cas_seq(bell, &rung, quiet)) {
        (void)shmrpci_futex_wake(bell, INT32_MAX);
    }
}

void shmrpci_bell_ring_all(shmrpci_atomic_u32 *bell)
{
    (void)shmrpci_add_seq(bell, SHMRPCI_BELL_STEP);
    (void)shmrpci_futex_wake(bell, INT32_MAX);
}

bool shmrpci_bell_sleep(shmrpci_atomic_u32 *bell, uint32_t seen,
                        shmrpci_slices *slices)
{
    int64_t now_ns = shmrpci_now_ns();
    int64_t slice_ns =
        slices->next_ns < slices->max_ns ? slices->next_ns : slices->max_ns;
    int64_t until_ns = slices->deadline_ns;
    if (until_ns - now_ns > slice_ns) {
        until_ns = now_ns + slice_ns;
    }
    shmrpci_futex_end end = shmrpci_futex_wait(bell, seen, until_ns);
    slices->deadline_ns = shmrpci_waiting_deadline(slices->deadline_ns);
    if (end != SHMRPCI_FUTEX_LATE) {
        return false;
    }
    slices->next_ns = slice_ns * 2;
    return true;
}
