/* The spin policy. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "os/clock.h"
#include "os/process.h"
#include "sync/wait.h"

#define ELSEWHERE (~shmrpci_current_cpu() & SHMRPCI_CPU_MASK)

/* A spinner on a machine of `cpus`, whatever this one has. */
static shmrpci_spinner spinner_on(uint32_t cpus, shmrpc_profile profile)
{
    shmrpci_spinner spinner;
    shmrpci_spinner_init(&spinner, profile, SHMRPCI_SIDE_CLIENT);
    shmrpci_store_relaxed(&spinner.quota, cpus * 100);
    shmrpci_store_relaxed(&spinner.allowed, cpus);
    return spinner;
}

static void spins_at_first_and_up_to_the_limit(void **state)
{
    (void)state;
    shmrpci_spinner spinner = spinner_on(4, SHMRPC_PROFILE_BALANCED);
    uint64_t limit = shmrpci_ticks_of_ns(50 * SHMRPCI_NS_PER_US);
    assert_int_equal(shmrpci_spinner_budget(&spinner, SHMRPCI_CPU_UNKNOWN),
                     limit);
    spinner = spinner_on(4, SHMRPC_PROFILE_LATENCY);
    assert_true(shmrpci_spinner_budget(&spinner, ELSEWHERE) > limit);
}

static void power_profile_never_spins(void **state)
{
    (void)state;
    shmrpci_spinner spinner = spinner_on(4, SHMRPC_PROFILE_POWER);
    assert_int_equal(shmrpci_spinner_budget(&spinner, ELSEWHERE), 0);
}

static void little_cpu_time_forbids_spinning(void **state)
{
    (void)state;
    shmrpci_spinner spinner = spinner_on(1, SHMRPC_PROFILE_LATENCY);
    assert_int_equal(shmrpci_spinner_budget(&spinner, ELSEWHERE), 0);
}

static void peer_on_this_cpu_forbids_spinning(void **state)
{
    (void)state;
    shmrpci_spinner spinner = spinner_on(4, SHMRPC_PROFILE_BALANCED);
    assert_true(shmrpci_spinner_budget(&spinner, ELSEWHERE) > 0);
    /* We may be moved to another CPU between the two looks. */
    for (int i = 0; i < 1000; i++) {
        uint32_t here = shmrpci_current_cpu() & SHMRPCI_CPU_MASK;
        if (shmrpci_spinner_budget(&spinner, here) == 0) {
            return;
        }
    }
    fail();
}

static void bound_to_one_cpu_the_peer_decides(void **state)
{
    (void)state;
    shmrpci_spinner spinner = spinner_on(4, SHMRPC_PROFILE_BALANCED);
    shmrpci_store_relaxed(&spinner.allowed, 1u);
    assert_int_equal(shmrpci_spinner_budget(&spinner, SHMRPCI_CPU_UNKNOWN), 0);
    assert_true(shmrpci_spinner_budget(&spinner, ELSEWHERE) > 0);
}

static void misses_stop_it_but_for_probes(void **state)
{
    (void)state;
    shmrpci_spinner spinner = spinner_on(4, SHMRPC_PROFILE_BALANCED);
    for (int i = 0; i < 100; i++) {
        shmrpci_spinner_miss(&spinner);
    }
    int probes = 0;
    for (int i = 0; i < 160; i++) {
        probes += shmrpci_spinner_budget(&spinner, ELSEWHERE) > 0;
    }
    assert_in_range(probes, 5, 20);
    for (int i = 0; i < 10; i++) {
        shmrpci_spinner_hit(&spinner, 100);
    }
    assert_true(shmrpci_spinner_budget(&spinner, ELSEWHERE) > 0);
    assert_true(shmrpci_spinner_budget(&spinner, ELSEWHERE) > 0);
}

static void short_waits_make_short_spins(void **state)
{
    (void)state;
    shmrpci_spinner spinner = spinner_on(4, SHMRPC_PROFILE_BALANCED);
    uint64_t before = shmrpci_spinner_budget(&spinner, ELSEWHERE);
    for (int i = 0; i < 100; i++) {
        shmrpci_spinner_hit(&spinner, 300);
    }
    uint64_t after = shmrpci_spinner_budget(&spinner, ELSEWHERE);
    assert_true(after < before);
    assert_true(after > 300);
}

/* Or two peers, each asleep when the other comes back, would never meet. */
static void after_a_miss_the_next_spin_is_the_longest(void **state)
{
    (void)state;
    shmrpci_spinner spinner = spinner_on(4, SHMRPC_PROFILE_BALANCED);
    for (int i = 0; i < 100; i++) {
        shmrpci_spinner_hit(&spinner, 300);
    }
    assert_true(shmrpci_spinner_budget(&spinner, ELSEWHERE) <
                spinner.max_ticks);
    shmrpci_spinner_miss(&spinner);
    assert_int_equal(shmrpci_spinner_budget(&spinner, ELSEWHERE),
                     spinner.max_ticks);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(spins_at_first_and_up_to_the_limit),
        cmocka_unit_test(power_profile_never_spins),
        cmocka_unit_test(little_cpu_time_forbids_spinning),
        cmocka_unit_test(peer_on_this_cpu_forbids_spinning),
        cmocka_unit_test(bound_to_one_cpu_the_peer_decides),
        cmocka_unit_test(misses_stop_it_but_for_probes),
        cmocka_unit_test(short_waits_make_short_spins),
        cmocka_unit_test(after_a_miss_the_next_spin_is_the_longest),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
