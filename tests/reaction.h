/*
 * Checks promises about time on a machine that also runs other programs.
 *
 * The median of a few runs is taken, so that a single run that other programs
 * delayed does not count. The best of a few such medians is checked, so that
 * some seconds of such delays do not count either. Code that is too slow by
 * itself is too slow in all runs. On a machine with more work than processors
 * every run may be late. So the delay of a plain sleep is measured between the
 * runs and subtracted.
 */
#ifndef TESTS_REACTION_H
#define TESTS_REACTION_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <threads.h>
#include <time.h>

#include <cmocka.h>

/* Does what must be fast; returns how long that took, in ns. */
typedef int64_t reaction(void *user);

static inline int reaction_compare(const void *a, const void *b)
{
    int64_t x = *(const int64_t *)a;
    int64_t y = *(const int64_t *)b;
    return (x > y) - (x < y);
}

enum { REACTION_RUNS = 7, REACTION_MEDIANS = 10, REACTION_WAKES = 3 };

static inline int64_t reaction_median(int64_t took_ns[REACTION_RUNS])
{
    qsort(took_ns, REACTION_RUNS, sizeof *took_ns, reaction_compare);
    return took_ns[REACTION_RUNS / 2];
}

static inline int64_t reaction_clock_ns(void)
{
    struct timespec now;
    assert_int_equal(timespec_get(&now, TIME_UTC), TIME_UTC);
    return (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
}

/* Measures how late the machine wakes a sleeper, in ns. */
static inline int64_t reaction_oversleep(void)
{
    const struct timespec nap = {.tv_nsec = 1000000};
    int64_t before_ns = reaction_clock_ns();
    assert_int_equal(thrd_sleep(&nap, NULL), 0);
    int64_t late_ns = reaction_clock_ns() - before_ns - nap.tv_nsec;
    return late_ns > 0 ? late_ns : 0;
}

/* Fails the test if a run takes less than `least_ns`, or if the median run
 * takes more than `most_ns` plus the measured delay of `wakes` consecutive
 * wake-ups. */
static inline void expect_reaction_of(int64_t wakes, reaction *once, void *user,
                                      int64_t least_ns, int64_t most_ns)
{
    int64_t best_ns = INT64_MAX;
    for (int batch = 0; batch < REACTION_MEDIANS && best_ns > most_ns;
         batch++) {
        int64_t took_ns[REACTION_RUNS];
        int64_t overslept_ns[REACTION_RUNS];
        for (int i = 0; i < REACTION_RUNS; i++) {
            took_ns[i] = once(user);
            overslept_ns[i] = batch > 0 ? reaction_oversleep() : 0;
        }
        int64_t median_ns = reaction_median(took_ns);
        if (took_ns[0] < least_ns) {
            fail_msg("%lld us, expected %lld at least",
                     (long long)(took_ns[0] / 1000),
                     (long long)(least_ns / 1000));
        }
        median_ns -= wakes * reaction_median(overslept_ns);
        if (median_ns < best_ns) {
            best_ns = median_ns;
        }
    }
    if (best_ns > most_ns) {
        fail_msg("%lld us, the best median of %d, expected %lld at most",
                 (long long)(best_ns / 1000), (int)REACTION_MEDIANS,
                 (long long)(most_ns / 1000));
    }
}

/* Like expect_reaction_of, with REACTION_WAKES wake-ups. */
static inline void expect_reaction(reaction *once, void *user, int64_t least_ns,
                                   int64_t most_ns)
{
    expect_reaction_of(REACTION_WAKES, once, user, least_ns, most_ns);
}

#endif
