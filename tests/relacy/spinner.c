/* Replaces the spinner and the yielder by ones that learn nothing: whether a
 * thread spins or yields is random, and it does so only for a moment. */
#include "engine.h"
#include "sync/wait.h"
#include "sync/yield.h"

void shmrpci_spinner_init(shmrpci_spinner *spinner, shmrpc_profile profile,
                          shmrpci_side side)
{
    (void)profile;
    (void)side;
    (void)spinner;
}

uint64_t shmrpci_spinner_budget(shmrpci_spinner *spinner, uint32_t peer_cpu)
{
    (void)spinner;
    (void)peer_cpu;
    return engine_random(3) == 0 ? 2 : 0;
}

void shmrpci_spinner_hit(shmrpci_spinner *spinner, uint64_t ticks)
{
    (void)spinner;
    (void)ticks;
}

void shmrpci_spinner_miss(shmrpci_spinner *spinner)
{
    (void)spinner;
}

void shmrpci_spinner_slept(shmrpci_spinner *spinner, uint64_t came,
                           uint64_t late)
{
    (void)spinner;
    (void)came;
    (void)late;
}

uint64_t shmrpci_spinner_step_ticks(void)
{
    return 1000;
}

bool shmrpci_spinner_step_aside(shmrpci_spinner *spinner, uint64_t overdue)
{
    (void)spinner;
    (void)overdue;
    return false;
}

void shmrpci_spinner_look_up(shmrpci_spinner *spinner, uint64_t now)
{
    (void)spinner;
    (void)now;
}

bool shmrpci_spinner_is_confined(const shmrpci_spinner *spinner)
{
    (void)spinner;
    return false;
}

bool shmrpci_spinner_may(const shmrpci_spinner *spinner, uint32_t peer_cpu)
{
    (void)spinner;
    (void)peer_cpu;
    return engine_random(3) == 0;
}

void shmrpci_yielder_init(shmrpci_yielder *yielder, shmrpc_profile profile)
{
    (void)yielder;
    (void)profile;
}

bool shmrpci_yielder_may(shmrpci_yielder *yielder,
                         const shmrpci_spinner *spinner, uint32_t peer_cpu,
                         uint64_t now)
{
    (void)spinner;
    (void)yielder;
    (void)peer_cpu;
    (void)now;
    return engine_random(3) == 0;
}

bool shmrpci_yielder_yield(shmrpci_yielder *yielder)
{
    (void)yielder;
    return engine_random(2) == 0;
}

void shmrpci_yielder_note(shmrpci_yielder *yielder, bool has_paid)
{
    (void)yielder;
    (void)has_paid;
}
