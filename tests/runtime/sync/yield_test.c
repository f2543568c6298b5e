/* When to yield to a peer. */
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
#include "sync/yield.h"

#define HERE      (shmrpci_current_cpu() & SHMRPCI_CPU_MASK)
#define ELSEWHERE (~shmrpci_current_cpu() & SHMRPCI_CPU_MASK)

static cpu_set_t g_all;

/* Pins the thread to its CPU, so that `HERE` stays valid. */
static int stay_here(void **state)
{
    (void)state;
    cpu_set_t one;
    CPU_ZERO(&one);
    CPU_SET(shmrpci_current_cpu(), &one);
    return sched_getaffinity(0, sizeof g_all, &g_all) != 0 ||
           sched_setaffinity(0, sizeof one, &one) != 0;
}

static int go_anywhere(void **state)
{
    (void)state;
    return sched_setaffinity(0, sizeof g_all, &g_all);
}

/* Makes a spinner for a thread that may run on `cpus` CPUs. A yielder reads the
 * CPU counts in the spinner to decide whether to yield. */
static shmrpci_spinner spinner_on(uint32_t cpus)
{
    shmrpci_spinner spinner;
    shmrpci_spinner_init(&spinner, SHMRPC_PROFILE_BALANCED,
                         SHMRPCI_SIDE_CLIENT);
    shmrpci_store_relaxed(&spinner.quota, 400u);
    shmrpci_store_relaxed(&spinner.allowed, cpus);
    return spinner;
}

static bool may(shmrpci_yielder *yielder, uint32_t peer_cpu, uint64_t now)
{
    const shmrpci_spinner spinner = spinner_on(1);
    return shmrpci_yielder_may(yielder, &spinner, peer_cpu, now);
}

static shmrpci_yielder yielder_of(shmrpc_profile profile)
{
    shmrpci_yielder yielder;
    shmrpci_yielder_init(&yielder, profile);
    return yielder;
}

static void yields_to_a_peer_on_this_cpu_alone(void **state)
{
    (void)state;
    shmrpci_yielder yielder = yielder_of(SHMRPC_PROFILE_BALANCED);
    uint64_t now = shmrpci_ticks();
    assert_true(may(&yielder, HERE, now));
    assert_false(may(&yielder, ELSEWHERE, now));
    assert_false(may(&yielder, SHMRPCI_CPU_UNKNOWN, now));
}

/* If there are two CPUs, yielding is of no use: both peers can spin, and the
 * scheduler wakes a sleeper on an idle CPU. */
static void who_could_be_elsewhere_does_not_yield(void **state)
{
    (void)state;
    shmrpci_yielder yielder = yielder_of(SHMRPC_PROFILE_BALANCED);
    shmrpci_spinner spinner = spinner_on(2);
    uint64_t now = shmrpci_ticks();
    assert_false(shmrpci_yielder_may(&yielder, &spinner, HERE, now));
    shmrpci_store_relaxed(&spinner.quota, 100u);
    assert_true(shmrpci_yielder_may(&yielder, &spinner, HERE, now));
}

static void power_profile_never_yields(void **state)
{
    (void)state;
    shmrpci_yielder yielder = yielder_of(SHMRPC_PROFILE_POWER);
    assert_false(may(&yielder, HERE, shmrpci_ticks()));
}

static void misses_stop_it_but_for_probes(void **state)
{
    (void)state;
    shmrpci_yielder yielder = yielder_of(SHMRPC_PROFILE_LATENCY);
    uint64_t now = shmrpci_ticks();
    for (int i = 0; i < 100; i++) {
        shmrpci_yielder_note(&yielder, false);
    }
    int probes = 0;
    for (int i = 0; i < 160; i++) {
        probes += may(&yielder, HERE, now);
    }
    assert_in_range(probes, 5, 20);
    for (int i = 0; i < 10; i++) {
        shmrpci_yielder_note(&yielder, true);
    }
    assert_true(may(&yielder, HERE, now));
    assert_true(may(&yielder, HERE, now));
}

/* Another thread on the only CPU that we may use, which runs for whole time
 * slices. */
static void burn(void *user)
{
    shmrpci_atomic_u32 *is_over = user;
    while (shmrpci_load_acquire(is_over) == 0) {
        shmrpci_pause();
    }
}

/* Yields until one yield took too long. Returns when that one began. */
static uint64_t lose_cpu(shmrpci_yielder *yielder)
{
    int64_t until_ns = shmrpci_deadline_after(20 * SHMRPCI_NS_PER_S);
    while (shmrpci_remaining_ns(until_ns) > 0) {
        uint64_t before = shmrpci_ticks();
        if (!shmrpci_yielder_yield(yielder)) {
            return before;
        }
    }
    return 0;
}

/* After the first loss of the CPU, the thread does not yield for 4 ms. After
 * the second loss, it does not yield for four times as long. */
static void who_loses_its_cpu_does_not_yield_for_a_while(void **state)
{
    (void)state;
    shmrpci_yielder yielder = yielder_of(SHMRPC_PROFILE_BALANCED);
    shmrpci_atomic_u32 is_over = 0;
    shmrpci_thread thread;
    assert_int_equal(shmrpci_thread_create(&thread, "other", burn, &is_over),
                     SHMRPC_OK);
    uint64_t first = lose_cpu(&yielder);
    uint64_t ms = shmrpci_ticks_of_ns(SHMRPCI_NS_PER_MS);
    bool is_off = !may(&yielder, HERE, first + 4 * ms);
    bool is_on = may(&yielder, HERE, shmrpci_ticks() + 4 * ms);
    uint64_t second = lose_cpu(&yielder);
    bool is_off_for_longer = !may(&yielder, HERE, second + 16 * ms);
    shmrpci_store_release(&is_over, 1u);
    shmrpci_thread_join(&thread);
    assert_true(first != 0 && second != 0);
    assert_true(is_off);
    assert_true(is_on);
    assert_true(is_off_for_longer);
}

static void yields_that_pay_make_up_for_one_that_was_too_long(void **state)
{
    (void)state;
    shmrpci_yielder yielder = yielder_of(SHMRPC_PROFILE_BALANCED);
    uint64_t after = shmrpci_load_relaxed(&yielder.after);
    shmrpci_store_relaxed(&yielder.after, 4 * after);
    for (int i = 0; i < 31; i++) {
        shmrpci_yielder_note(&yielder, true);
        assert_int_equal(shmrpci_load_relaxed(&yielder.after), 4 * after);
    }
    shmrpci_yielder_note(&yielder, true);
    assert_int_equal(shmrpci_load_relaxed(&yielder.after), after);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(yields_to_a_peer_on_this_cpu_alone),
        cmocka_unit_test(who_could_be_elsewhere_does_not_yield),
        cmocka_unit_test(power_profile_never_yields),
        cmocka_unit_test(misses_stop_it_but_for_probes),
        cmocka_unit_test(who_loses_its_cpu_does_not_yield_for_a_while),
        cmocka_unit_test(yields_that_pay_make_up_for_one_that_was_too_long),
    };
    return cmocka_run_group_tests(tests, stay_here, go_anywhere);
}
