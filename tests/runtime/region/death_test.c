/*
 * Death at every point: a participant is killed before each change of a shared
 * word that it makes while it takes, keeps and frees runs, and its heir is
 * killed before each of the heir's changes. Then every span is free or
 * reachable.
 *
 * The library is compiled again for this test, with points at which a process
 * can die (os/crash.h).
 */
#include "stage.h"

#include "dying/dying.h"

#define KIB ((uint64_t)1024)

/* Takes runs, and frees some, also those of other participants. */
static bool act(void *user)
{
    const int *fd = user;
    shmrpci_region region;
    bool good = stage_attach(*fd, &region, NULL) == SHMRPC_OK &&
                stage_put(&region, 1, 16 * KIB, NULL) == SHMRPC_OK &&
                stage_put(&region, 2, 48 * KIB, NULL) == SHMRPC_OK;
    if (good) {
        stage_remove(&region, 1);
        stage_remove(&region, 0);
        good = stage_put(&region, 3, 32 * KIB, NULL) == SHMRPC_OK;
        stage_remove(&region, 2);
        shmrpci_region_detach(&region);
    }
    return good;
}

static bool inherit(void *user)
{
    const int *fd = user;
    shmrpci_region region;
    bool good = stage_attach(*fd, &region, NULL) == SHMRPC_OK;
    if (good) {
        (void)shmrpci_region_bury(&region);
        shmrpci_region_detach(&region);
    }
    return good;
}

/* No span is lost: every run that isn't free is reachable, and can be freed. */
static void settle_and_check(int fd)
{
    shmrpci_region region;
    assert_int_equal(stage_attach(fd, &region, NULL), SHMRPC_OK);
    (void)shmrpci_region_bury(&region);
    stage_check(&region);
    uint32_t reachable = 0;
    for (uint32_t i = 0; i < STAGE_ROOTS; i++) {
        uint64_t root = stage_root(&region, i);
        uint64_t bytes =
            root != 0 ? shmrpci_region_run_bytes(&region, root) : 0;
        assert_true(root == 0 || bytes > 0);
        reachable += (uint32_t)(bytes / region.facts.span_bytes);
    }
    assert_int_equal(stage_free_spans(&region) + reachable,
                     region.facts.span_count);
    for (uint32_t i = 0; i < STAGE_ROOTS; i++) {
        stage_remove(&region, i);
    }
    assert_int_equal(stage_free_spans(&region), region.facts.span_count);
    shmrpci_region_detach(&region);
}

/* Prepares: another participant, which is alive, has a run. */
static int begin(shmrpci_region *other)
{
    int fd = stage_create(1024 * KIB, 8);
    assert_int_equal(stage_attach(fd, other, NULL), SHMRPC_OK);
    assert_int_equal(stage_put(other, 0, 40 * KIB, NULL), SHMRPC_OK);
    return fd;
}

static void end(int fd, shmrpci_region *other)
{
    settle_and_check(fd);
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
        end(fd, &other);
    }
    print_message("%u points\n", point - 1);
    assert_true(point > 40);
}

static void its_heir_dies_at_every_point(void **state)
{
    (void)state;
    bool more = true;
    for (unsigned point = 1; more; point++) {
        bool heir_died = true;
        for (unsigned second = 1; more && heir_died; second++) {
            shmrpci_region other;
            int fd = begin(&other);
            more = dying_runs(act, &fd, point);
            heir_died = more && dying_runs(inherit, &fd, second);
            end(fd, &other);
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
