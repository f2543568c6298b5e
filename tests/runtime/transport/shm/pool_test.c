/* The client's allocator of spans. */
#include "service.h"

#include "transport/shm/pool.h"

#define ARENA 44800u

static uint8_t memory[ARENA];
static shm_pool pool;

static int setup(void **state)
{
    (void)state;
    return shm_pool_init(&pool, (shm_region){memory, ARENA}) != SHMRPC_OK;
}

static int teardown(void **state)
{
    (void)state;
    shm_pool_fini(&pool);
    return 0;
}

static shm_span allocated(uint64_t bytes)
{
    shm_span span = {0, 0, 0};
    if (!shm_pool_alloc(&pool, bytes, &span)) {
        fail_msg("no room for %lu bytes", (unsigned long)bytes);
    }
    return span;
}

static void spans_do_not_overlap_and_come_back(void **state)
{
    (void)state;
    shm_span spans[100];
    for (int round = 0; round < 3; round++) {
        for (uint32_t i = 0; i < 100; i++) {
            spans[i] = allocated(1 + i * 3);
            memset(shm_pool_at(&pool, spans[i].region, spans[i].offset), (int)i,
                   spans[i].size);
        }
        for (uint32_t i = 0; i < 100; i++) {
            const uint8_t *at =
                shm_pool_at(&pool, spans[i].region, spans[i].offset);
            for (uint32_t k = 0; k < spans[i].size; k++) {
                assert_int_equal(at[k], i);
            }
        }
        /* In an order that joins on both sides, on one, and on none. */
        for (uint32_t i = 0; i < 100; i++) {
            shm_pool_free(&pool, spans[i * 37 % 100]);
        }
        assert_int_equal(pool.regions[0]->range_count, 1);
        assert_int_equal(pool.regions[0]->ranges[0].bytes, ARENA);
    }
}

static void span_takes_half_of_the_arena_at_most(void **state)
{
    (void)state;
    shm_span span;
    assert_false(shm_pool_alloc(&pool, ARENA / 2 + 1, &span));
    shm_pool_free(&pool, allocated(ARENA / 2));
}

static void sizes_that_can_not_be_are_refused(void **state)
{
    (void)state;
    shm_span span;
    assert_false(shm_pool_alloc(&pool, 0, &span));
    assert_false(shm_pool_alloc(&pool, UINT64_MAX, &span));
    assert_false(shm_pool_alloc(&pool, (uint64_t)1 << 40, &span));
}

static void extent_serves_when_it_is_the_pools(void **state)
{
    (void)state;
    static uint8_t extent[65536];
    shm_span span;
    /* An empty map is not unmapped. */
    assert_int_equal(shm_pool_add(&pool, 5, (shmrpci_map){.at = NULL}),
                     SHMRPC_OK);
    pool.regions[5]->memory = (shm_region){extent, sizeof extent};
    assert_int_equal(shm_pool_add(&pool, 5, (shmrpci_map){.at = NULL}),
                     SHMRPC_E_INVALID);
    assert_false(shm_pool_alloc(&pool, 60000, &span));
    assert_false(shm_pool_move(&pool, 5, SHM_OWNER_SERVER, SHM_OWNER_POOL));
    assert_true(shm_pool_move(&pool, 5, SHM_OWNER_CALL, SHM_OWNER_POOL));
    assert_false(shm_pool_move(&pool, 5, SHM_OWNER_CALL, SHM_OWNER_POOL));
    assert_true(shm_pool_alloc(&pool, 60000, &span));
    assert_int_equal(span.region, 5);
    shm_pool_free(&pool, span);
}

static void regions_out_of_range_are_INVALID(void **state)
{
    (void)state;
    assert_int_equal(shm_pool_add(&pool, 0, (shmrpci_map){.at = NULL}),
                     SHMRPC_E_INVALID);
    assert_int_equal(
        shm_pool_add(&pool, SHM_EXTENTS + 1, (shmrpci_map){.at = NULL}),
        SHMRPC_E_INVALID);
    assert_int_equal(shm_pool_region_bytes(&pool, SHM_EXTENTS + 1), 0);
    assert_false(shm_pool_move(&pool, 0, SHM_OWNER_POOL, SHM_OWNER_SERVER));
}

int main(void)
{
#define CASE(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    const struct CMUnitTest tests[] = {
        CASE(spans_do_not_overlap_and_come_back),
        CASE(span_takes_half_of_the_arena_at_most),
        CASE(sizes_that_can_not_be_are_refused),
        CASE(extent_serves_when_it_is_the_pools),
        CASE(regions_out_of_range_are_INVALID),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
