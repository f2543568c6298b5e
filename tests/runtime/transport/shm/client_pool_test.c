/* The client's allocator of spans. */
#include "service.h"

#include "transport/shm/client_pool.h"

#define ARENA 44800u

static uint8_t memory[ARENA];
static shmrpci_atomic_u64 words[SHM_EXTENTS + 1];
static shm_range ranges[SHM_POOL_RANGES];
static shm_pool pool;

static int setup(void **state)
{
    (void)state;
    for (size_t i = 0; i <= SHM_EXTENTS; i++) {
        shmrpci_store_seq(&words[i], UINT64_C(0));
    }
    memset(ranges, 0xFF, sizeof ranges);
    shm_pool_init(&pool, (shm_region){memory, ARENA}, words, ranges);
    return 0;
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
            memset(shm_pool_at(&pool, spans[i]), (int)i, spans[i].size);
        }
        for (uint32_t i = 0; i < 100; i++) {
            const uint8_t *at = shm_pool_at(&pool, spans[i]);
            for (uint32_t k = 0; k < spans[i].size; k++) {
                assert_int_equal(at[k], i);
            }
        }
        /* Frees the spans in an order in which a span merges with free ranges
         * on both sides, on one side, or on neither. */
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

/* ---- extents --------------------------------------------------------- */

/* Adds an extent of incarnation 3 whose word says `state`. */
static void add_extent(uint32_t region, size_t bytes, shm_extent_state state)
{
    static uint8_t extent[1 << 20];
    assert_in_range(bytes, 1, sizeof extent);
    /* The memory is static, so the map is empty: nothing must be unmapped. */
    assert_int_equal(shm_pool_add(&pool, region, 3, (shmrpci_map){.at = NULL}),
                     SHMRPC_OK);
    pool.regions[region]->memory = (shm_region){extent, bytes};
    shmrpci_store_seq(&words[region], shm_extent_word(3, state, 0));
}

static uint32_t state_of(uint32_t region)
{
    return shm_extent_state_of(shmrpci_load_seq(&words[region]));
}

static void extent_is_ours_from_its_first_span_to_its_last(void **state)
{
    (void)state;
    add_extent(5, 65536, SHM_EXTENT_IDLE);
    uint64_t before = shmrpci_load_seq(&words[5]);
    shm_span first = allocated(40000);
    assert_int_equal(first.region, 5);
    assert_int_equal(state_of(5), SHM_EXTENT_CLIENT);
    shm_span second = allocated(25000);
    assert_int_equal(second.region, 5);
    shm_pool_free(&pool, first);
    assert_int_equal(state_of(5), SHM_EXTENT_CLIENT);
    shm_pool_free(&pool, second);
    assert_int_equal(state_of(5), SHM_EXTENT_IDLE);
    /* The word of an extent that was used and is idle again must differ from
     * the word of one that has been idle all the time. */
    assert_true(shmrpci_load_seq(&words[5]) != before);
}

static void smallest_idle_extent_that_is_large_enough_is_taken(void **state)
{
    (void)state;
    add_extent(1, 1 << 20, SHM_EXTENT_IDLE);
    add_extent(2, 1 << 18, SHM_EXTENT_IDLE);
    add_extent(3, 1 << 17, SHM_EXTENT_IDLE);
    shm_span span = allocated(200000);
    assert_int_equal(span.region, 2);
    shm_pool_free(&pool, span);
}

static void extent_of_others_is_left_alone(void **state)
{
    (void)state;
    shm_span span;
    static const shm_extent_state others[] = {
        SHM_EXTENT_CLIENT, SHM_EXTENT_REPLY, SHM_EXTENT_RETIRED};
    for (uint32_t i = 0; i < 3; i++) {
        add_extent(7, 65536, others[i]);
        assert_false(shm_pool_alloc(&pool, 60000, &span));
        assert_int_equal(state_of(7), others[i]);
        assert_non_null(pool.regions[7]);
    }
}

static void extent_that_was_taken_back_is_forgotten(void **state)
{
    (void)state;
    shm_span span;
    add_extent(7, 65536, SHM_EXTENT_NONE);
    assert_false(shm_pool_alloc(&pool, 60000, &span));
    assert_null(pool.regions[7]);
    /* The number belongs to a newer extent (incarnation 4), of which the client
     * has not been told yet. */
    add_extent(8, 65536, SHM_EXTENT_IDLE);
    shmrpci_store_seq(&words[8], shm_extent_word(4, SHM_EXTENT_IDLE, 0));
    assert_false(shm_pool_alloc(&pool, 60000, &span));
    assert_null(pool.regions[8]);
    assert_int_equal(state_of(8), SHM_EXTENT_IDLE);
}

static void reply_is_read_where_it_was_placed_and_nowhere_else(void **state)
{
    (void)state;
    add_extent(4, 65536, SHM_EXTENT_IDLE);
    assert_null(shm_pool_take_reply(&pool, 4, 9, 0, 100));
    shmrpci_store_seq(&words[4], shm_extent_word(3, SHM_EXTENT_REPLY, 9));
    assert_null(shm_pool_take_reply(&pool, 4, 8, 0, 100));
    assert_null(shm_pool_take_reply(&pool, 4, 9, 65500, 100));
    assert_null(shm_pool_take_reply(&pool, 5, 9, 0, 100));
    assert_null(shm_pool_take_reply(&pool, 0, 9, 0, 100));
    assert_null(shm_pool_take_reply(&pool, UINT32_MAX, 9, 0, 100));
    assert_non_null(shm_pool_take_reply(&pool, 4, 9, 0, 100));
    assert_null(shm_pool_take_reply(&pool, 4, 9, 0, 100));
    shm_pool_drop_reply(&pool, 4);
    assert_int_equal(state_of(4), SHM_EXTENT_IDLE);
}

static void reply_that_nobody_reads_frees_its_extent(void **state)
{
    (void)state;
    shmrpci_store_seq(&words[6], shm_extent_word(3, SHM_EXTENT_REPLY, 9));
    shm_pool_refuse_reply(&pool, 6, 8);
    assert_int_equal(state_of(6), SHM_EXTENT_REPLY);
    shm_pool_refuse_reply(&pool, UINT32_MAX, 9);
    shm_pool_refuse_reply(&pool, 6, 9);
    assert_int_equal(state_of(6), SHM_EXTENT_IDLE);
}

/* ---- replies that outlive their calls -------------------------------- */

/* Puts a 100-byte reply of `slot` into extent `region`. Takes the reply like a
 * client that reads it. */
static const uint8_t *taken_reply(uint32_t region, uint32_t slot)
{
    add_extent(region, 65536, SHM_EXTENT_NONE);
    shmrpci_store_seq(&words[region],
                      shm_extent_word(3, SHM_EXTENT_REPLY, slot));
    const uint8_t *at = shm_pool_take_reply(&pool, region, slot, 0, 100);
    assert_non_null(at);
    return at;
}

static void kept_reply_is_ours_until_it_is_let_go(void **state)
{
    (void)state;
    shm_span kept;
    const uint8_t *at = taken_reply(4, 9);
    assert_true(shm_pool_keep_reply(&pool, 4, at + 100, &kept));
    assert_int_equal(state_of(4), SHM_EXTENT_CLIENT);
    /* The rest of the extent can be allocated normally. */
    shm_span other = allocated(40000);
    assert_int_equal(other.region, 4);
    assert_true(shm_pool_at(&pool, other) >= at + 100);
    shm_pool_free(&pool, other);
    assert_int_equal(state_of(4), SHM_EXTENT_CLIENT);
    shm_pool_let_go(&pool, kept);
    assert_int_equal(state_of(4), SHM_EXTENT_IDLE);
}

static void kept_span_gives_back_what_the_reply_left(void **state)
{
    (void)state;
    shm_span kept;
    add_extent(4, 65536, SHM_EXTENT_IDLE);
    shm_span reply = allocated(60000);
    assert_true(shm_pool_keep_span(&pool, reply, 129, &kept));
    shm_span rest = allocated(65536 - 256);
    assert_int_equal(rest.offset, 256);
    shm_pool_let_go(&pool, kept);
    shm_pool_free(&pool, rest);
    assert_int_equal(state_of(4), SHM_EXTENT_IDLE);
    reply = allocated(1000); /* is in the arena, where replies are never kept */
    assert_false(shm_pool_keep_span(&pool, reply, 1000, &kept));
    shm_pool_free(&pool, reply);
}

static void so_many_are_kept_and_no_more(void **state)
{
    (void)state;
    shm_span kept[SHM_POOL_KEPT];
    const uint8_t *at = NULL;
    for (uint32_t i = 0; i < SHM_POOL_KEPT; i++) {
        at = taken_reply(1 + i, i);
        assert_true(shm_pool_keep_reply(&pool, 1 + i, at + 100, &kept[i]));
    }
    at = taken_reply(40, 40);
    assert_false(shm_pool_keep_reply(&pool, 40, at + 100, &kept[0]));
    assert_int_equal(state_of(40), SHM_EXTENT_REPLY);
    shm_span reply = allocated(30000);
    assert_false(shm_pool_keep_span(&pool, reply, 30000, &kept[0]));
    shm_pool_free(&pool, reply);
    shm_pool_let_go(&pool, kept[3]);
    assert_true(shm_pool_keep_reply(&pool, 40, at + 100, &kept[3]));
}

/* The extent's word is wrong, because the server has corrupted it. */
static void reply_that_is_not_ours_is_not_kept(void **state)
{
    (void)state;
    shm_span kept;
    const uint8_t *at = taken_reply(4, 9);
    shmrpci_store_seq(&words[4], shm_extent_word(3, SHM_EXTENT_RETIRED, 9));
    assert_false(shm_pool_keep_reply(&pool, 4, at + 100, &kept));
    shmrpci_store_seq(&words[4], shm_extent_word(4, SHM_EXTENT_REPLY, 9));
    assert_false(shm_pool_keep_reply(&pool, 4, at + 100, &kept));
}

static void regions_out_of_range_or_in_use_are_INVALID(void **state)
{
    (void)state;
    assert_int_equal(shm_pool_add(&pool, 0, 0, (shmrpci_map){.at = NULL}),
                     SHMRPC_E_INVALID);
    assert_int_equal(
        shm_pool_add(&pool, SHM_EXTENTS + 1, 0, (shmrpci_map){.at = NULL}),
        SHMRPC_E_INVALID);
    add_extent(5, 65536, SHM_EXTENT_IDLE);
    shm_span span = allocated(60000);
    assert_int_equal(shm_pool_add(&pool, 5, 4, (shmrpci_map){.at = NULL}),
                     SHMRPC_E_INVALID);
    shm_pool_free(&pool, span);
    assert_int_equal(shm_pool_add(&pool, 5, 4, (shmrpci_map){.at = NULL}),
                     SHMRPC_OK);
}

int main(void)
{
#define CASE(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    const struct CMUnitTest tests[] = {
        CASE(spans_do_not_overlap_and_come_back),
        CASE(span_takes_half_of_the_arena_at_most),
        CASE(sizes_that_can_not_be_are_refused),
        CASE(extent_is_ours_from_its_first_span_to_its_last),
        CASE(smallest_idle_extent_that_is_large_enough_is_taken),
        CASE(extent_of_others_is_left_alone),
        CASE(extent_that_was_taken_back_is_forgotten),
        CASE(reply_is_read_where_it_was_placed_and_nowhere_else),
        CASE(reply_that_nobody_reads_frees_its_extent),
        CASE(kept_reply_is_ours_until_it_is_let_go),
        CASE(kept_span_gives_back_what_the_reply_left),
        CASE(so_many_are_kept_and_no_more),
        CASE(reply_that_is_not_ours_is_not_kept),
        CASE(regions_out_of_range_or_in_use_are_INVALID),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
