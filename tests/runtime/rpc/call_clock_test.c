/* The clock of calls agrees with the real one. */
#include "rpc/call_clock.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

static void it_keeps_to_the_monotonic_clock(void **state)
{
    (void)state;
    shmrpci_call_clock clock;
    shmrpci_call_clock_init(&clock);
    int64_t end_ns = shmrpci_deadline_after(120 * SHMRPCI_NS_PER_MS);
    int64_t before_ns;
    do { /* over more than one setting */
        before_ns = shmrpci_now_ns();
        int64_t now_ns = shmrpci_call_clock_at(&clock, shmrpci_ticks());
        int64_t after_ns = shmrpci_now_ns();
        assert_true(now_ns >= before_ns - SHMRPCI_NS_PER_MS);
        assert_true(now_ns <= after_ns + SHMRPCI_NS_PER_MS);
    } while (before_ns < end_ns);
}

static void without_steady_ticks_it_reads_the_real_one(void **state)
{
    (void)state;
    shmrpci_call_clock clock = {.ns_per_tick = 0};
    for (int i = 0; i < 100; i++) {
        int64_t before_ns = shmrpci_now_ns();
        int64_t now_ns = shmrpci_call_clock_at(&clock, shmrpci_ticks());
        assert_true(now_ns >= before_ns && now_ns <= shmrpci_now_ns());
    }
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(it_keeps_to_the_monotonic_clock),
        cmocka_unit_test(without_steady_ticks_it_reads_the_real_one),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
