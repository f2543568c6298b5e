/*
 * Promises about time, on a machine that is shared with others.
 *
 * The median of a few runs is looked at, so that a run in which the machine
 * was elsewhere does not count, and a few medians, so that neither do some
 * seconds in which it mostly was.  What is too slow by itself is too slow in
 * each.
 */
#ifndef TESTS_REACTION_H
#define TESTS_REACTION_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

/* Makes happen what is to be fast: how long that took, in ns. */
typedef int64_t reaction(void *user);

static inline int reaction_compare(const void *a, const void *b)
{
    int64_t x = *(const int64_t *)a;
    int64_t y = *(const int64_t *)b;
    return (x > y) - (x < y);
}

/* No run took less than `least_ns`, and half of them at most `most_ns`. */
static inline void expect_reaction(reaction *once, void *user, int64_t least_ns,
                                   int64_t most_ns)
{
    enum { RUNS = 7, MEDIANS = 10 };
    int64_t best_ns = INT64_MAX;
    for (int batch = 0; batch < MEDIANS && best_ns > most_ns; batch++) {
        int64_t took_ns[RUNS];
        for (int i = 0; i < RUNS; i++) {
            took_ns[i] = once(user);
        }
        qsort(took_ns, RUNS, sizeof *took_ns, reaction_compare);
        if (took_ns[0] < least_ns) {
            fail_msg("%lld us, expected %lld at least",
                     (long long)(took_ns[0] / 1000),
                     (long long)(least_ns / 1000));
        }
        if (took_ns[RUNS / 2] < best_ns) {
            best_ns = took_ns[RUNS / 2];
        }
    }
    if (best_ns > most_ns) {
        fail_msg("%lld us, the best median of %d, expected %lld at most",
                 (long long)(best_ns / 1000), (int)MEDIANS,
                 (long long)(most_ns / 1000));
    }
}

#endif
