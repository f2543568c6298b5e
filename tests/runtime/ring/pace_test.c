/* The pace of consumers: they wait only if that pays. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "ring/pace.h"

enum { ROUNDS = 2000 };

/* Runs one round. Each record takes `with_ns` if the consumer waits in this
 * round, `without_ns` otherwise. Returns whether the consumer waited. */
static bool turn(shmrpci_pace *pace, int64_t without_ns, int64_t with_ns)
{
    static uint64_t now = UINT64_C(1) << 40;
    bool waits = shmrpci_pace_waits(pace);
    now += shmrpci_ticks_of_ns((waits ? with_ns : without_ns) *
                               SHMRPCI_PACE_ROUND);
    shmrpci_store_relaxed(&pace->count, SHMRPCI_PACE_ROUND);
    shmrpci_pace_turn(pace, now);
    return waits;
}

/* Runs ROUNDS rounds. Returns in how many of them the consumer waited. */
static unsigned waited(shmrpci_pace *pace, int64_t without_ns, int64_t with_ns)
{
    unsigned count = 0;
    for (unsigned i = 0; i < ROUNDS; i++) {
        count += turn(pace, without_ns, with_ns) ? 1 : 0;
    }
    return count;
}

static void it_waits_where_that_pays(void **state)
{
    (void)state;
    shmrpci_pace pace = {0};
    assert_in_range(waited(&pace, 250, 180), ROUNDS * 9 / 10, ROUNDS);
}

static void it_seldom_waits_where_it_does_not(void **state)
{
    (void)state;
    shmrpci_pace pace = {0};
    assert_in_range(waited(&pace, 600, 1100), 1, ROUNDS / 50);
    /* It seldom waits, too, if waits gain very little. */
    pace = (shmrpci_pace){0};
    assert_in_range(waited(&pace, 100, 95), 1, ROUNDS / 50);
}

static void it_learns_anew(void **state)
{
    (void)state;
    shmrpci_pace pace = {0};
    (void)waited(&pace, 600, 1100);
    assert_in_range(waited(&pace, 250, 180), ROUNDS / 2, ROUNDS);
    assert_in_range(waited(&pace, 180, 250), 1, ROUNDS / 10);
}

static void it_never_waits_where_records_are_rare(void **state)
{
    (void)state;
    shmrpci_pace pace = {0};
    (void)waited(&pace, 250, 180);
    /* It may still wait in the first rounds after records became rare. */
    assert_in_range(waited(&pace, 3000, 2500), 0, 2);
    assert_int_equal(waited(&pace, 3000, 2500), 0);
}

/* Simulates that the host, or another process, had the CPU for a while. */
static void a_hitch_teaches_nothing(void **state)
{
    (void)state;
    shmrpci_pace pace = {0};
    (void)waited(&pace, 250, 180);
    for (unsigned i = 0; i < 20; i++) {
        unsigned count = 0;
        (void)turn(&pace, 4000000, 4000000);
        for (unsigned k = 0; k < 4; k++) {
            count += turn(&pace, 250, 180) ? 1 : 0;
        }
        /* One of the rounds may be a trial without waits. */
        assert_in_range(count, 3, 4);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(it_waits_where_that_pays),
        cmocka_unit_test(it_seldom_waits_where_it_does_not),
        cmocka_unit_test(it_learns_anew),
        cmocka_unit_test(it_never_waits_where_records_are_rare),
        cmocka_unit_test(a_hitch_teaches_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
