/* Monotonic time and ticks. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "os/clock.h"

static void time_does_not_run_back(void **state)
{
    (void)state;
    int64_t before_ns = shmrpci_now_ns();
    for (int i = 0; i < 10000; i++) {
        int64_t now_ns = shmrpci_now_ns();
        assert_true(now_ns >= before_ns);
        before_ns = now_ns;
    }
}

static void deadlines_do_not_overflow(void **state)
{
    (void)state;
    assert_true(shmrpci_deadline_after(INT64_MAX) == SHMRPCI_NEVER_NS);
    assert_true(shmrpci_remaining_ns(SHMRPCI_NEVER_NS) == SHMRPCI_NEVER_NS);
    assert_int_equal(shmrpci_remaining_ns(1), 0);
    int64_t left_ns =
        shmrpci_remaining_ns(shmrpci_deadline_after(100 * SHMRPCI_NS_PER_S));
    assert_in_range(left_ns, 90 * SHMRPCI_NS_PER_S, 100 * SHMRPCI_NS_PER_S);
}

static void ticks_and_nanoseconds_agree(void **state)
{
    (void)state;
    static const int64_t spans_ns[] = {1000, 50000, SHMRPCI_NS_PER_S};
    for (size_t i = 0; i < 3; i++) {
        uint64_t ticks = shmrpci_ticks_of_ns(spans_ns[i]);
        int64_t back_ns = shmrpci_ns_of_ticks(ticks);
        assert_in_range(back_ns, spans_ns[i] - spans_ns[i] / 100,
                        spans_ns[i] + spans_ns[i] / 100);
    }
    assert_int_equal(shmrpci_ticks_of_ns(0), 0);
    assert_int_equal(shmrpci_ticks_of_ns(-1), 0);
}

static void ticks_measure_time(void **state)
{
    (void)state;
    (void)shmrpci_ticks_of_ns(1);
    uint64_t ticks = shmrpci_ticks();
    int64_t start_ns = shmrpci_now_ns();
    int64_t end_ns = start_ns;
    while (end_ns - start_ns < 2 * SHMRPCI_NS_PER_MS) {
        end_ns = shmrpci_now_ns();
    }
    int64_t by_ticks_ns = shmrpci_ns_of_ticks(shmrpci_ticks() - ticks);
    assert_in_range(by_ticks_ns, (end_ns - start_ns) * 9 / 10,
                    (end_ns - start_ns) * 11 / 10 + SHMRPCI_NS_PER_MS);
}

static void tick_clock_follows_the_real_one(void **state)
{
    (void)state;
    shmrpci_tick_clock clock = {0};
    int64_t end_ns = shmrpci_deadline_after(30 * SHMRPCI_NS_PER_MS);
    int64_t now_ns;
    do {
        now_ns = shmrpci_now_ns();
        int64_t by_ticks_ns = shmrpci_tick_clock_ns(&clock, shmrpci_ticks());
        /* If the test is preempted between the two reads, the result is late,
         * never early. */
        assert_true(by_ticks_ns > now_ns - 100 * SHMRPCI_NS_PER_US);
        assert_true(by_ticks_ns < shmrpci_now_ns() + 100 * SHMRPCI_NS_PER_US);
    } while (now_ns < end_ns);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(time_does_not_run_back),
        cmocka_unit_test(deadlines_do_not_overflow),
        cmocka_unit_test(ticks_and_nanoseconds_agree),
        cmocka_unit_test(ticks_measure_time),
        cmocka_unit_test(tick_clock_follows_the_real_one),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
