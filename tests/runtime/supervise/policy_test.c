/* The supervisor's decisions, simulated without a clock. */
#include "supervise/policy.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#define MS INT64_C(1000000)
#define S  (1000 * MS)

/* ---- workers that die ---------------------------------------------------- */

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
    shmrpci_backoff_lives(&backoff, 1 * S); /* still young */
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

static void a_place_whose_workers_serve_pauses_shortly(void **state)
{
    (void)state;
    shmrpci_backoff backoff = {0, 0};
    for (int i = 1; i < 40; i++) {
        shmrpci_backoff_died_within(&backoff, i * S, 1 * MS,
                                    SHMRPCI_SERVED_PAUSE_NS);
        assert_true(backoff.next_ns <= i * S + 100 * MS);
    }
}

static void nobody_left_is_tried_each_second(void **state)
{
    (void)state;
    shmrpci_revival revival = {0, 0};
    int64_t now_ns = 100 * S;
    shmrpci_revival_died(&revival, now_ns, false);
    assert_true(revival.next_ns == now_ns);
    for (int i = 0; i < 40; i++) {
        int64_t last_ns = revival.next_ns - now_ns;
        now_ns = revival.next_ns;
        shmrpci_revival_died(&revival, now_ns, false);
        assert_true(revival.next_ns - now_ns >= last_ns);
        assert_true(revival.next_ns - now_ns <= 1 * S);
    }
    assert_true(revival.next_ns - now_ns == 1 * S);
    shmrpci_revival_died(&revival, now_ns, true);
    assert_true(revival.next_ns == now_ns);
}

/* If several workers die at once, the delay set by the first ones is not
 * shortened. */
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

/* ---- number of workers --------------------------------------------------- */

static const shmrpci_scale_rules rules = {.min_workers = 1,
                                          .max_workers = 8,
                                          .grow_share = 75000,
                                          .grow_ns = 5 * S,
                                          .delay_ns = 1 * MS,
                                          .shrink_ns = 30 * S};

/* Simulates a service whose handlers take 10 ms, with a number of clients that
 * call at once. */
typedef struct play {
    shmrpci_scale scale;
    int64_t now_ns;
    uint32_t workers;
} play;

/* Makes one check, 100 ms after the last one, and carries out its decision. */
static int step(play *p, uint32_t callers)
{
    uint32_t busy = callers < p->workers ? callers : p->workers;
    shmrpci_scale_sample sample = {.workers = p->workers,
                                   .busy_ns = 100 * MS * busy,
                                   .calls = 10 * busy,
                                   .waiting = callers - busy,
                                   .age_ns = 0};
    p->now_ns += 100 * MS;
    int by = shmrpci_scale_look(&p->scale, &rules, p->now_ns, &sample);
    if (by != 0) {
        p->workers += (uint32_t)by;
        shmrpci_scale_changed(&p->scale, p->now_ns);
    }
    return by;
}

/* Simulates `for_ns`. Returns how often the number of workers changed. */
static int go_on(play *p, uint32_t callers, int64_t for_ns)
{
    int changes = 0;
    for (int64_t end_ns = p->now_ns + for_ns; p->now_ns < end_ns;) {
        changes += step(p, callers) != 0;
    }
    return changes;
}

static void load_brings_as_many_as_are_called_at_once(void **state)
{
    (void)state;
    play p = {.now_ns = 100 * S, .workers = 1};
    int64_t began_ns = p.now_ns;
    while (p.workers < 4) {
        (void)step(&p, 4);
        assert_true(p.now_ns - began_ns < 20 * S);
    }
    /* Each of the three new workers takes 3 s and a fraction. */
    assert_true(p.now_ns - began_ns >= 9 * S);
    assert_true(p.now_ns - began_ns < 10 * S);
    assert_int_equal(go_on(&p, 4, 600 * S), 0);
}

static void no_more_than_are_allowed(void **state)
{
    (void)state;
    play p = {.now_ns = 100 * S, .workers = 1};
    (void)go_on(&p, 60, 600 * S);
    assert_int_equal(p.workers, 8);
    (void)go_on(&p, 0, 600 * S);
    assert_int_equal(p.workers, 1);
}

static void one_leaves_each_time_they_were_too_many_for_long(void **state)
{
    (void)state;
    play p = {.now_ns = 100 * S, .workers = 6};
    assert_int_equal(go_on(&p, 1, 30 * S), 0);
    assert_int_equal(go_on(&p, 1, 3 * S), 1);
    assert_int_equal(go_on(&p, 1, 26 * S), 0);
    /* One caller keeps each of two workers busy half of the time, so two are
     * not too many. */
    (void)go_on(&p, 1, 600 * S);
    assert_true(p.workers == 2 || p.workers == 3);
}

/* Whatever the load is, the number of workers is settled after ten minutes, and
 * then stays the same for an hour. */
static void no_load_makes_the_number_swing(void **state)
{
    (void)state;
    for (uint32_t callers = 0; callers <= 12; callers++) {
        play p = {.now_ns = 100 * S, .workers = 3};
        (void)go_on(&p, callers, 600 * S);
        assert_int_equal(go_on(&p, callers, 3600 * S), 0);
    }
}

static void a_short_burst_brings_none(void **state)
{
    (void)state;
    play p = {.now_ns = 100 * S, .workers = 1};
    for (int i = 0; i < 50; i++) {
        assert_int_equal(go_on(&p, 8, 1 * S), 0);
        assert_int_equal(go_on(&p, 0, 4 * S), 0);
    }
}

/* Workers are busy all the time but no call waits, so another worker would
 * change nothing. */
static void busy_alone_brings_none(void **state)
{
    (void)state;
    play p = {.now_ns = 100 * S, .workers = 2};
    assert_int_equal(go_on(&p, 2, 3600 * S), 0);
}

/* Calls wait only for a moment: spinning workers take them within 1 us. */
static void calls_that_hardly_wait_bring_none(void **state)
{
    (void)state;
    play p = {.now_ns = 100 * S, .workers = 1};
    for (int i = 0; i < 6000; i++) {
        shmrpci_scale_sample sample = {
            .workers = 1, .busy_ns = 99 * MS, .calls = 200000, .waiting = 3};
        p.now_ns += 100 * MS;
        assert_int_equal(
            shmrpci_scale_look(&p.scale, &rules, p.now_ns, &sample), 0);
    }
}

/* No call ends while others wait, so there is no average wait. The age of the
 * waiting call alone must show that it is late. */
static void long_calls_bring_more_too(void **state)
{
    (void)state;
    play p = {.now_ns = 100 * S, .workers = 1};
    int by = 0;
    for (int i = 0; i < 50 && by == 0; i++) {
        shmrpci_scale_sample sample = {.workers = 1,
                                       .busy_ns = 100 * MS,
                                       .waiting = 1,
                                       .age_ns = i * 100 * MS};
        p.now_ns += 100 * MS;
        by = shmrpci_scale_look(&p.scale, &rules, p.now_ns, &sample);
    }
    assert_int_equal(by, 1);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(first_death_is_made_good_at_once),
        cmocka_unit_test(series_is_made_good_ever_more_slowly),
        cmocka_unit_test(ten_deaths_on_end_are_a_crash_loop),
        cmocka_unit_test(deaths_now_and_then_are_no_series),
        cmocka_unit_test(a_place_whose_workers_serve_pauses_shortly),
        cmocka_unit_test(nobody_left_is_tried_each_second),
        cmocka_unit_test(next_start_never_moves_forward),
        cmocka_unit_test(load_brings_as_many_as_are_called_at_once),
        cmocka_unit_test(no_more_than_are_allowed),
        cmocka_unit_test(one_leaves_each_time_they_were_too_many_for_long),
        cmocka_unit_test(no_load_makes_the_number_swing),
        cmocka_unit_test(a_short_burst_brings_none),
        cmocka_unit_test(busy_alone_brings_none),
        cmocka_unit_test(calls_that_hardly_wait_bring_none),
        cmocka_unit_test(long_calls_bring_more_too),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
