/*
 * The bytes of rings are changed before and during use: calls may only return
 * statuses, without a crash or an endless loop (the test has a time limit).
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "os/thread.h"
#include "scribble.h"

static bool next_random(void *user, uint32_t *out)
{
    uint64_t *state = user;
    *state = *state * UINT64_C(6364136223846793005) + 1442695040888963407u;
    *out = (uint32_t)(*state >> 32);
    return true;
}

/* Returns how often each kind of ring is created and corrupted. */
static uint32_t rounds(uint32_t few)
{
    return getenv("SHMRPC_TEST_LONG") != NULL ? 100 * few : few;
}

static void bytes_changed_before_use(void **state)
{
    (void)state;
    uint64_t seed = 1;
    scribble_source from = {next_random, &seed};
    uint32_t count = rounds(3 * SCRIBBLE_KINDS);
    for (uint32_t i = 0; i < count; i++) {
        scribble_ring *ring = scribble_open(i);
        assert_non_null(ring);
        for (uint32_t j = 0; j < 300; j++) {
            (void)scribble_use(ring, &from);
            if (j % 5 == 4) {
                (void)scribble_on(ring, &from);
            }
        }
        scribble_close(ring);
    }
}

typedef struct vandal {
    scribble_ring *ring;
    uint64_t seed;
    _Atomic bool is_over;
} vandal;

static void scribble(void *user)
{
    vandal *of = user;
    scribble_source from = {next_random, &of->seed};
    while (!atomic_load(&of->is_over)) {
        (void)scribble_on(of->ring, &from);
        shmrpci_thread_yield();
    }
}

static void bytes_changed_during_use(void **state)
{
    (void)state;
    uint64_t seed = 2;
    scribble_source from = {next_random, &seed};
    uint32_t count = rounds(SCRIBBLE_KINDS);
    for (uint32_t i = 0; i < count; i++) {
        shmrpci_thread thread;
        vandal of = {.ring = scribble_open(i), .seed = i};
        assert_non_null(of.ring);
        for (uint32_t j = 0; j < 100; j++) {
            (void)scribble_use(of.ring, &from);
        }
        assert_int_equal(
            shmrpci_thread_create(&thread, "vandal", scribble, &of), 0);
        for (uint32_t j = 0; j < 400; j++) {
            (void)scribble_use(of.ring, &from);
        }
        atomic_store(&of.is_over, true);
        shmrpci_thread_join(&thread);
        scribble_close(of.ring);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(bytes_changed_before_use),
        cmocka_unit_test(bytes_changed_during_use),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
