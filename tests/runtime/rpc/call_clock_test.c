/* The clock of calls agrees with the real one. */
#define _GNU_SOURCE /* setitimer */
#include "rpc/call_clock.h"

#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <sys/time.h>

#include <cmocka.h>

static void it_keeps_to_the_monotonic_clock(void **state)
{
    (void)state;
    shmrpci_call_clock clock;
    shmrpci_call_clock_init(&clock);
    int64_t end_ns = shmrpci_deadline_after(120 * SHMRPCI_NS_PER_MS);
    int64_t before_ns;
    do { /* for longer than the clock's update interval */
        before_ns = shmrpci_now_ns();
        int64_t now_ns = shmrpci_call_clock_at(&clock, shmrpci_ticks());
        int64_t after_ns = shmrpci_now_ns();
        assert_true(now_ns >= before_ns - SHMRPCI_NS_PER_MS);
        assert_true(now_ns <= after_ns + SHMRPCI_NS_PER_MS);
    } while (before_ns < end_ns);
}

/* Sets the timer that interrupts once, 0.5 ms from now. */
static void interrupt_soon(void)
{
    const struct itimerval soon = {{0, 0}, {0, 500}};
    (void)setitimer(ITIMER_REAL, &soon, NULL);
}

static void interrupt(int number)
{
    (void)number;
    int64_t end_ns = shmrpci_deadline_after(2 * SHMRPCI_NS_PER_MS);
    while (shmrpci_now_ns() < end_ns) {
    }
    /* The timer for the next interrupt is set only now. On a busy machine a
     * timer with a fixed interval would already have expired again, and the
     * interrupted code would never run. */
    interrupt_soon();
}

/* A signal handler that takes 2 ms stands for a preemption of the thread. It
 * runs again and again, also while the thread updates the clock. That must not
 * shift the times that are read afterwards. */
static void an_update_may_be_interrupted(void **state)
{
    (void)state;
    const struct itimerval never = {{0, 0}, {0, 0}};
    struct sigaction action = {.sa_handler = interrupt};
    assert_int_equal(sigaction(SIGALRM, &action, NULL), 0);
    interrupt_soon();
    int64_t end_ns = shmrpci_deadline_after(500 * SHMRPCI_NS_PER_MS);
    int64_t before_ns;
    do {
        shmrpci_call_clock clock;
        shmrpci_call_clock_init(&clock);
        (void)shmrpci_call_clock_at(&clock, shmrpci_ticks());
        before_ns = shmrpci_now_ns();
        int64_t now_ns = shmrpci_call_clock_at(&clock, shmrpci_ticks());
        int64_t after_ns = shmrpci_now_ns();
        assert_true(now_ns >= before_ns - SHMRPCI_NS_PER_MS);
        assert_true(now_ns <= after_ns + SHMRPCI_NS_PER_MS);
    } while (before_ns < end_ns);
    action.sa_handler = SIG_IGN;
    assert_int_equal(sigaction(SIGALRM, &action, NULL), 0);
    assert_int_equal(setitimer(ITIMER_REAL, &never, NULL), 0);
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
        cmocka_unit_test(an_update_may_be_interrupted),
        cmocka_unit_test(without_steady_ticks_it_reads_the_real_one),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
