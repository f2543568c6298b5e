/* Tests of the spin policy. */
#include <sched.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "os/clock.h"
#include "os/process.h"
#include "os/thread.h"
#include "sync/wait.h"

#define ELSEWHERE (~shmrpci_current_cpu() & SHMRPCI_CPU_MASK)

/* A spinner for a machine with that many CPUs, whatever this machine has. */
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
    /* This thread may be moved to another CPU between the two checks. */
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

/* With a shorter spin two peers could keep missing each other: each would be
 * asleep whenever the other one answers. */
static void after_a_miss_the_next_spin_is_the_longest(void **state)
{
    (void)state;
    shmrpci_spinner spinner = spinner_on(4, SHMRPC_PROFILE_BALANCED);
    for (int i = 0; i < 100; i++) {
        shmrpci_spinner_hit(&spinner, 300);
    }
    assert_true(shmrpci_spinner_budget(&spinner, ELSEWHERE) <
                spinner.least_ticks);
    shmrpci_spinner_miss(&spinner);
    assert_int_equal(shmrpci_spinner_budget(&spinner, ELSEWHERE),
                     spinner.least_ticks);
}

static uint64_t us(int64_t count)
{
    return shmrpci_ticks_of_ns(count * SHMRPCI_NS_PER_US);
}

/* If a wake-up takes 700 us, it pays to spin for a wait of 500 us. */
static void late_wake_ups_make_longer_spins_worth_while(void **state)
{
    (void)state;
    shmrpci_spinner spinner = spinner_on(4, SHMRPC_PROFILE_BALANCED);
    for (int i = 0; i < 100; i++) {
        shmrpci_spinner_miss(&spinner);
    }
    for (int i = 0; i < 20; i++) {
        shmrpci_spinner_slept(&spinner, us(500), us(700));
    }
    for (int i = 0; i < 20; i++) {
        assert_in_range(shmrpci_spinner_budget(&spinner, ELSEWHERE), us(500),
                        us(1100));
    }
}

static void no_spin_is_longer_than_the_limit(void **state)
{
    (void)state;
    shmrpci_spinner spinner = spinner_on(4, SHMRPC_PROFILE_BALANCED);
    for (int i = 0; i < 20; i++) {
        shmrpci_spinner_slept(&spinner, 0, UINT64_MAX);
    }
    assert_in_range(shmrpci_spinner_budget(&spinner, ELSEWHERE), 1, us(1001));
}

/* If wake-ups are quick and waits are long, threads should keep sleeping at
 * once. */
static void sleeps_that_were_right_stay(void **state)
{
    (void)state;
    shmrpci_spinner spinner = spinner_on(4, SHMRPC_PROFILE_BALANCED);
    for (int i = 0; i < 20; i++) {
        shmrpci_spinner_slept(&spinner, us(500), us(5));
    }
    int spins = 0;
    for (int i = 0; i < 160; i++) {
        spins += shmrpci_spinner_budget(&spinner, ELSEWHERE) > 0;
    }
    assert_in_range(spins, 0, 20);
}

static void power_profile_learns_nothing(void **state)
{
    (void)state;
    shmrpci_spinner spinner = spinner_on(4, SHMRPC_PROFILE_POWER);
    shmrpci_spinner_slept(&spinner, 0, us(700));
    assert_int_equal(shmrpci_spinner_budget(&spinner, ELSEWHERE), 0);
}

/* Another thread on the only CPU that we may use. A yield that lets this thread
 * run takes much longer than a yield while there is no other thread. */
typedef struct other {
    shmrpci_atomic_u32 is_over;
} other;

static void burn(void *user)
{
    other *o = user;
    while (shmrpci_load_acquire(&o->is_over) == 0) {
        shmrpci_pause();
    }
}

static void is_short_for(shmrpci_spinner *spinner, unsigned waits)
{
    uint64_t step = shmrpci_spinner_step_ticks();
    for (unsigned i = 0; i < waits; i++) {
        assert_in_range(shmrpci_spinner_budget(spinner, ELSEWHERE), 1, step);
    }
    assert_true(shmrpci_spinner_budget(spinner, ELSEWHERE) > step);
}

static void who_stands_aside_for_others_spins_briefly(void **state)
{
    (void)state;
    shmrpci_spinner spinner = spinner_on(4, SHMRPC_PROFILE_BALANCED);
    cpu_set_t all;
    cpu_set_t one;
    assert_int_equal(sched_getaffinity(0, sizeof all, &all), 0);
    CPU_ZERO(&one);
    CPU_SET(shmrpci_current_cpu(), &one);
    assert_int_equal(sched_setaffinity(0, sizeof one, &one), 0);
    other o = {0};
    shmrpci_thread thread;
    assert_int_equal(shmrpci_thread_create(&thread, "other", burn, &o),
                     SHMRPC_OK);
    bool has_stepped = false;
    int64_t until_ns = shmrpci_deadline_after(20 * SHMRPCI_NS_PER_S);
    while (!has_stepped && shmrpci_remaining_ns(until_ns) > 0) {
        has_stepped = shmrpci_spinner_step_aside(&spinner, 0);
    }
    shmrpci_store_release(&o.is_over, 1u);
    shmrpci_thread_join(&thread);
    assert_int_equal(sched_setaffinity(0, sizeof all, &all), 0);
    assert_true(has_stepped);
    is_short_for(&spinner, 2);
}

/* A first loss of the CPU may be chance, so only a few spins are short after
 * it. After each further loss, more spins are short. */
static void who_loses_its_cpu_again_spins_briefly_for_longer(void **state)
{
    (void)state;
    shmrpci_spinner spinner = spinner_on(4, SHMRPC_PROFILE_BALANCED);
    static const unsigned waits[] = {2, 8, 16, 16};
    for (size_t i = 0; i < sizeof waits / sizeof *waits; i++) {
        assert_true(shmrpci_spinner_step_aside(&spinner, us(1000)));
        is_short_for(&spinner, waits[i]);
    }
    for (int i = 0; i < 1000; i++) {
        (void)shmrpci_spinner_budget(&spinner, ELSEWHERE);
    }
    assert_true(shmrpci_spinner_step_aside(&spinner, us(1000)));
    is_short_for(&spinner, 2);
}

/* The lookup must also happen in a thread that never sleeps.
 * integration/machine_test tests what happens when CPUs are taken away. */
static void usable_cpus_are_looked_up_once_a_second(void **state)
{
    (void)state;
    shmrpci_spinner spinner = spinner_on(4, SHMRPC_PROFILE_BALANCED);
    shmrpci_store_relaxed(&spinner.quota, 0u);
    uint64_t checked = shmrpci_load_relaxed(&spinner.checked);
    shmrpci_spinner_refresh(&spinner, checked + us(900000));
    shmrpci_spinner_refresh(&spinner, checked - us(1000)); /* a slow thread has
                                                            * read an earlier
                                                            * time */
    assert_int_equal(shmrpci_load_relaxed(&spinner.quota), 0);
    shmrpci_spinner_refresh(&spinner, checked + us(1100000));
    assert_in_range(shmrpci_load_relaxed(&spinner.quota), 1, UINT32_MAX);
    spinner = spinner_on(4, SHMRPC_PROFILE_POWER);
    shmrpci_store_relaxed(&spinner.quota, 0u);
    shmrpci_spinner_refresh(&spinner, checked + us(2000000));
    assert_int_equal(shmrpci_load_relaxed(&spinner.quota), 0);
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
        cmocka_unit_test(late_wake_ups_make_longer_spins_worth_while),
        cmocka_unit_test(no_spin_is_longer_than_the_limit),
        cmocka_unit_test(sleeps_that_were_right_stay),
        cmocka_unit_test(power_profile_learns_nothing),
        cmocka_unit_test(who_stands_aside_for_others_spins_briefly),
        cmocka_unit_test(who_loses_its_cpu_again_spins_briefly_for_longer),
        cmocka_unit_test(usable_cpus_are_looked_up_once_a_second),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
