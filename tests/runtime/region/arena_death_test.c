/*
 * Death at every point. A participant takes, keeps, gives back, retires and
 * reclaims blocks, small and large, also through the depot. It is killed at
 * each point, and so is its heir. Afterwards every block is in exactly one
 * place.
 */
#include "arena_stage.h"

#include <stdlib.h>
#include <unistd.h>

#include "dying/dying.h"
#include "region/inside.h"

#define KIB ((uint64_t)1024)

/* Blocks of this size are so large that a few of them exceed the limit of a
 * list. */
#define BIG 5000u

static bool act(void *user)
{
    const int *fd = user;
    shmrpci_region region;
    uint64_t offset;
    uint64_t change = 100;
    if (arena_attach(*fd, &region, NULL) != SHMRPC_OK) {
        return false;
    }
    bool good = true;
    /* Blocks come first from what the other participant left in the depot, then
     * from new spans. */
    for (uint32_t i = 10; i < 19; i++) {
        good = good && arena_put(&region, i, BIG, change++, NULL) == SHMRPC_OK;
    }
    good = good && arena_put(&region, 0, 7000, change++, NULL) == SHMRPC_OK &&
           arena_put(&region, 0, 7000, change++, NULL) == SHMRPC_OK &&
           arena_put(&region, 1, 40 * KIB, change++, NULL) == SHMRPC_OK &&
           arena_put(&region, 1, 20 * KIB, change++, NULL) == SHMRPC_OK &&
           arena_put(&region, 2, 0, change++, NULL) == SHMRPC_OK &&
           shmrpci_arena_take(&region, 6000, &offset, NULL) == SHMRPC_OK &&
           shmrpci_arena_take(&region, 30000, &offset, NULL) == SHMRPC_OK;
    shmrpci_arena_give(&region);
    /* Frees enough blocks to fill the list, the spare list and the depot. */
    for (uint32_t i = 10; i < 19; i++) {
        good = good && arena_put(&region, i, 0, change++, NULL) == SHMRPC_OK;
    }
    arena_used = shmrpci_arena_last_retired(&region);
    shmrpci_arena_reclaim(&region, true);
    arena_used = 0;
    shmrpci_arena_reclaim(&region, true);
    /* Some spans now consist of free blocks only. Some of these blocks are
     * those that the other participant left in the depot. */
    good = good && shmrpci_arena_regain(&region);
    shmrpci_region_detach(&region);
    return good;
}

static bool inherit(void *user)
{
    const int *fd = user;
    shmrpci_region region;
    bool good = arena_attach(*fd, &region, NULL) == SHMRPC_OK;
    if (good) {
        (void)shmrpci_region_bury(&region);
        shmrpci_region_detach(&region);
    }
    return good;
}

/* Prepares: another participant has blocks, and has given some to the depot. */
static int begin(shmrpci_region *other)
{
    int fd = arena_create(1024 * KIB, 4);
    assert_int_equal(arena_attach(fd, other, NULL), SHMRPC_OK);
    for (uint32_t i = 30; i < 50; i++) {
        assert_int_equal(arena_put(other, i, BIG, i, NULL), SHMRPC_OK);
    }
    assert_int_equal(arena_put(other, 2, 50 * KIB, 50, NULL), SHMRPC_OK);
    for (uint32_t i = 31; i < 50; i++) {
        assert_int_equal(arena_put(other, i, 0, 51, NULL), SHMRPC_OK);
    }
    shmrpci_arena_reclaim(other, true);
    return fd;
}

/* After the heir has run, each block is in exactly one place, and all can be
 * freed. */
static void settle_and_check(int fd, shmrpci_region *other)
{
    shmrpci_region region;
    assert_int_equal(arena_attach(fd, &region, NULL), SHMRPC_OK);
    (void)shmrpci_region_bury(&region);
    stage_check(&region);
    for (uint32_t i = 0; i < ARENA_ROOTS; i++) {
        assert_int_equal(arena_put(&region, i, 0, 1000, NULL), SHMRPC_OK);
    }
    shmrpci_arena_reclaim(&region, true);
    stage_check(&region);
    shmrpci_region_detach(&region);
    shmrpci_region_detach(other);
    shmrpci_fd_close(&fd);
}

static void a_participant_dies_at_every_point(void **state)
{
    (void)state;
    bool more = true;
    unsigned point = 0;
    while (more) {
        shmrpci_region other;
        int fd = begin(&other);
        more = dying_runs(act, &fd, ++point);
        settle_and_check(fd, &other);
    }
    print_message("%u points\n", point - 1);
    assert_true(point > 250);
}

/* All pairs of points would be about 50,000 deaths. So for each point of the
 * participant this tries one random point of its heir; a long run tries all. */
static void its_heir_dies_at_every_point(void **state)
{
    (void)state;
    bool is_long = getenv("SHMRPC_TEST_LONG") != NULL;
    uint32_t seed = (uint32_t)getpid();
    print_message("seed %u\n", seed);
    bool more = true;
    for (unsigned point = 1; more; point++) {
        seed = seed * 1103515245u + 12345u;
        unsigned second = is_long ? 1 : 1 + (seed >> 16) % 64;
        bool heir_died = true;
        while (more && heir_died) {
            shmrpci_region other;
            int fd = begin(&other);
            more = dying_runs(act, &fd, point);
            heir_died = more && dying_runs(inherit, &fd, second++) && is_long;
            settle_and_check(fd, &other);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_participant_dies_at_every_point),
        cmocka_unit_test(its_heir_dies_at_every_point),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
