/* What the supervisor decides, played through without a clock. */
#include "supervise/policy.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#define MS INT64_C(1000000)
#define S  (1000 * MS)

/* ---- workers that die ------------------------------------------------ */

static void first_death_is_made_good_at_once(void **state)
{
    (void)state;
    shmrpci_backoff backoff = {0, 0};
    shmrpci_backoff_died(&backoff, 100 * S, 1 * MS);
    assert_true(backoff.next_ns <= 100 * S);
    assert_false(shmrpci_backoff_is_degraded(&backoff));
}

static void series_is_made_good_ever_more_slowly(void **state)
{
    (void)state;
    shmrpci_backoff backoff = {0, 0};
    int64_t now_ns = 100 * S;
    int64_t last_ns = 0;
    for (int i = 0; i < 40; i++) {
        shmrpci_backoff_died(&backoff, now_ns, 1 * MS);
        int64_t delay_ns = backoff.next_ns - now_ns;
        if (i > 0) {
            assert_true(delay_ns == 2 * last_ns || delay_ns == 30 * S ||
                        (i == 1 && delay_ns == 10 * MS));
        }
        last_ns = delay_ns;
        now_ns = backoff.next_ns;
    }
    assert_true(last_ns == 30 * S);
}

static void ten_deaths_on_end_are_a_crash_loop(void **state)
{
    (void)state;
    shmrpci_backoff backoff = {0, 0};
    for (int i = 0; i < 10; i++) {
        assert_false(shmrpci_backoff_is_degraded(&backoff));
        shmrpci_backoff_died(&backoff, i * S, 1 * MS);
    }
    assert_true(shmrpci_backoff_is_degraded(&backoff));
    shmrpci_backoff_lives(&backoff, 1 * S); /* young still */
    assert_true(shmrpci_backoff_is_degraded(&backoff));
    shmrpci_backoff_lives(&backoff, 2 * S);
    assert_false(shmrpci_backoff_is_degraded(&backoff));
}

static void deaths_now_and_then_are_no_series(void **state)
{
    (void)state;
    shmrpci_backoff backoff = {0, 0};
    for (int i = 0; i < 100; i++) {
        shmrpci_backoff_died(&backoff, i * 60 * S, 59 * S);
        assert_true(backoff.next_ns <= i * 60 * S);
    }
    assert_false(shmrpci_backoff_is_degraded(&backoff));
}

/* Several die at once: the delay of the first ones is not shortened. */
static void next_start_never_moves_forward(void **state)
{
    (void)state;
    shmrpci_backoff backoff = {0, 0};
    for (int i = 0; i < 5; i++) {
        shmrpci_backoff_died(&backoff, 1 * S, 1 * MS);
    }
    int64_t next_ns = backoff.next_ns;
    shmrpci_backoff_died(&backoff, 1 * S, 50 * S);
    assert_true(backoff.next_ns == next_ns);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(first_death_is_made_good_at_once),
        cmocka_unit_test(series_is_made_good_ever_more_slowly),
        cmocka_unit_test(ten_deaths_on_end_are_a_crash_loop),
        cmocka_unit_test(deaths_now_and_then_are_no_series),
        cmocka_unit_test(next_start_never_moves_forward),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
