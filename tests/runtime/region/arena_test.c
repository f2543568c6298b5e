/* Blocks and pins: which block a participant gets, when blocks are reclaimed,
 * and by whom. */
#include "arena_stage.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "os/memory.h"
#include "region/inside.h"

#define KIB ((uint64_t)1024)
#define MIB (1024 * KIB)

static void attach(int fd, shmrpci_region *region)
{
    assert_int_equal(arena_attach(fd, region, NULL), SHMRPC_OK);
}

static void put(shmrpci_region *region, uint32_t index, uint64_t bytes,
                uint64_t change)
{
    assert_int_equal(arena_put(region, index, bytes, change, NULL), SHMRPC_OK);
}

static void blocks_have_room_and_do_not_overlap(void **state)
{
    (void)state;
    int fd = arena_create(8 * MIB, 2);
    shmrpci_region region;
    attach(fd, &region);
    uint32_t index = 0;
    for (uint64_t bytes = 1; bytes < 40 * KIB; bytes += bytes / 16 + 1) {
        put(&region, index, bytes, index + 1);
        uint64_t got =
            shmrpci_arena_block_bytes(&region, arena_root(&region, index));
        assert_true(got >= bytes);
        /* The block is no larger than necessary: the next smaller class would
         * be too small, and so would one span less. */
        assert_true(bytes <= 48 || got < bytes + bytes / 4 + 16 ||
                    bytes > 7144);
        memset((uint8_t *)shmrpci_region_at(&region, arena_root(&region, index),
                                            got) +
                   16,
               0xA5, got - 16);
        index++;
    }
    assert_true(index < ARENA_ROOTS);
    stage_check(&region);
    assert_int_equal(
        shmrpci_arena_block_bytes(&region, arena_root(&region, 3) + 16), 0);
    assert_int_equal(shmrpci_arena_block_bytes(&region, 0), 0);
    assert_int_equal(shmrpci_arena_block_bytes(&region, UINT64_MAX), 0);
    shmrpci_region_detach(&region);
    shmrpci_fd_close(&fd);
}

static void what_is_given_back_is_taken_again(void **state)
{
    (void)state;
    int fd = arena_create(MIB, 2);
    shmrpci_region region;
    uint64_t first[3];
    uint64_t second[3];
    attach(fd, &region);
    for (int round = 0; round < 1000; round++) {
        for (int i = 0; i < 3; i++) {
            assert_int_equal(
                shmrpci_arena_take(&region, i == 2 ? 20000 : 100,
                                   round == 0 ? &first[i] : &second[i], NULL),
                SHMRPC_OK);
        }
        shmrpci_arena_give(&region);
        stage_check(&region);
    }
    assert_int_equal(first[2], second[2]);
    assert_true(second[0] == first[0] || second[0] == first[1]);
    shmrpci_region_detach(&region);
    shmrpci_fd_close(&fd);
}

/* However often blocks are replaced, the memory of this region is enough. */
static void what_is_retired_comes_back(void **state)
{
    (void)state;
    int fd = arena_create(MIB, 2);
    shmrpci_region region;
    attach(fd, &region);
    for (uint64_t change = 1; change < 20000; change++) {
        put(&region, (uint32_t)(change % 7), 100 + change % 400, change);
        put(&region, 9, change % 10 == 0 ? 100 * KIB : 64, change);
    }
    stage_check(&region);
    shmrpci_region_detach(&region);
    shmrpci_fd_close(&fd);
}

static uint64_t fill(shmrpci_region *region, uint64_t change,
                     shmrpc_error *error)
{
    uint32_t index = 10;
    while (arena_put(region, index, 4000, change, error) == SHMRPC_OK) {
        index++;
        assert_true(index < ARENA_ROOTS);
    }
    assert_int_equal(error->code, SHMRPC_E_EXHAUSTED);
    return index;
}

/* One participant makes blocks and another retires them, again and again. The
 * freed blocks return to the first one, and in the end no more memory is needed
 * than in the beginning. */
static void blocks_go_round(void **state)
{
    (void)state;
    int fd = arena_create(64 * MIB, 2);
    shmrpci_region regions[2];
    uint64_t paid = 0;
    uint64_t change = 1;
    attach(fd, &regions[0]);
    attach(fd, &regions[1]);
    for (int round = 0; round < 6000; round++) {
        /* Most blocks go in one direction, some in the other. */
        shmrpci_region *maker = &regions[round % 5 == 0];
        shmrpci_region *taker = &regions[round % 5 != 0];
        for (uint32_t i = 0; i < 40; i++) {
            put(maker, i, 60 + i % 3 * 20, change++);
        }
        for (uint32_t i = 0; i < 40; i++) {
            put(taker, i, 0, change++);
        }
        if (round == 2000) {
            paid = shmrpci_region_paid(&regions[0]);
        }
    }
    assert_int_equal(shmrpci_region_paid(&regions[0]), paid);
    stage_check(&regions[0]);
    shmrpci_region_detach(&regions[0]);
    shmrpci_region_detach(&regions[1]);
    shmrpci_fd_close(&fd);
}

/* The blocks that one participant has used and freed are enough for the next,
 * however many participants follow. */
static void what_one_frees_others_take(void **state)
{
    (void)state;
    int fd = arena_create(64 * MIB, 3);
    shmrpci_region regions[3];
    uint64_t paid = 0;
    for (int i = 0; i < 3; i++) {
        attach(fd, &regions[i]);
    }
    for (int round = 0; round < 30; round++) {
        shmrpci_region *who = &regions[round % 3];
        for (int i = 0; i < 12000; i++) {
            uint64_t offset;
            assert_int_equal(shmrpci_arena_take(who, 70, &offset, NULL),
                             SHMRPC_OK);
        }
        shmrpci_arena_give(who);
        paid = round == 0 ? shmrpci_region_paid(who) : paid;
    }
    assert_true(shmrpci_region_paid(&regions[0]) < paid + paid / 4);
    stage_check(&regions[0]);
    for (int i = 0; i < 3; i++) {
        shmrpci_region_detach(&regions[i]);
    }
    shmrpci_fd_close(&fd);
}

/* Memory of blocks of one size serves other sizes when a whole span is free. */
static void spans_of_free_blocks_serve_other_sizes(void **state)
{
    (void)state;
    static const uint64_t sizes[] = {40, 4000, 100 * KIB, 300, 7000, 40};
    int fd = arena_create(MIB, 2);
    shmrpci_region region;
    shmrpci_region other;
    attach(fd, &region);
    attach(fd, &other);
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        uint64_t bytes = 0;
        uint64_t offset;
        /* The participants take turns, so that each one gets blocks that the
         * other one has freed, through the depot. */
        shmrpci_region *who = i % 2 == 0 ? &region : &other;
        while (shmrpci_arena_take(who, sizes[i], &offset, NULL) == SHMRPC_OK) {
            bytes += shmrpci_arena_block_bytes(who, offset) +
                     sizeof(shmrpci_block_trailer);
        }
        print_message("%llu bytes of %llu each\n", (unsigned long long)bytes,
                      (unsigned long long)sizes[i]);
        assert_true(bytes >= MIB / 4 * 3);
        stage_check(&region);
        shmrpci_arena_give(who);
        shmrpci_arena_reclaim(who, true);
        shmrpci_region_detach(who);
        attach(fd, who);
        stage_check(&region);
    }
    shmrpci_region_detach(&other);
    shmrpci_region_detach(&region);
    shmrpci_fd_close(&fd);
}

static void a_pin_keeps_what_was_there(void **state)
{
    (void)state;
    int fd = arena_create(MIB, 2);
    shmrpci_region region;
    shmrpci_region reader;
    shmrpc_error error;
    attach(fd, &region);
    assert_int_equal(arena_attach_reader(fd, &reader), SHMRPC_OK);
    put(&region, 0, 500 * KIB, 1);
    memset(shmrpci_region_at(&region, arena_root(&region, 0) + 16, 499 * KIB),
           0x5A, 499 * KIB);
    const uint8_t *seen =
        shmrpci_region_at(&reader, arena_root(&reader, 0), 500 * KIB);
    assert_int_equal(shmrpci_pin(&reader, 1), SHMRPC_OK);
    assert_int_equal(shmrpci_pin(&reader, 1), SHMRPC_OK);
    put(&region, 0, 0, 2);
    (void)fill(&region, 3, &error);
    char said[64];
    (void)snprintf(said, sizeof said,
                   "process %d still reads change 1, which keeps memory in use",
                   (int)getpid());
    assert_non_null(strstr(error.message, said));
    assert_int_equal(seen[300 * KIB], 0x5A);
    assert_int_equal(shmrpci_pin_oldest(&region, 2), 1);
    /* The handle that asks for the oldest pin also counts its own pins. */
    assert_int_equal(shmrpci_pin(&region, 1), SHMRPC_E_ABORTED);
    assert_int_equal(shmrpci_pin(&region, 3), SHMRPC_OK);
    assert_int_equal(shmrpci_pin_oldest(&region, 9), 1);
    shmrpci_unpin(&reader, 1);
    assert_int_equal(arena_put(&region, 1, 400 * KIB, 4, NULL),
                     SHMRPC_E_EXHAUSTED);
    shmrpci_unpin(&reader, 1);
    assert_int_equal(shmrpci_pin_oldest(&region, 9), 3);
    put(&region, 1, 400 * KIB, 4);
    put(&region, 1, 0, 5);
    assert_int_equal(arena_put(&region, 1, 400 * KIB, 6, NULL),
                     SHMRPC_E_EXHAUSTED);
    shmrpci_unpin(&region, 3);
    put(&region, 1, 400 * KIB, 6);
    stage_check(&region);
    shmrpci_region_detach(&reader);
    shmrpci_region_detach(&region);
    shmrpci_fd_close(&fd);
}

static void a_pin_ends_with_its_handle(void **state)
{
    (void)state;
    int fd = arena_create(MIB, 2);
    shmrpci_region region;
    attach(fd, &region);
    for (uint64_t change = 1; change < 60; change++) {
        shmrpci_region reader;
        assert_int_equal(arena_attach_reader(fd, &reader), SHMRPC_OK);
        assert_int_equal(shmrpci_pin(&reader, change - 1), SHMRPC_OK);
        assert_int_equal(shmrpci_pin(&reader, change), SHMRPC_OK);
        put(&region, 0, 400 * KIB, change);
        assert_int_equal(shmrpci_pin_close(&region, change), change - 1);
        shmrpci_region_detach(&reader);
    }
    shmrpci_region_detach(&region);
    shmrpci_fd_close(&fd);
}

static void what_is_used_stays_and_the_rest_goes(void **state)
{
    (void)state;
    int fd = arena_create(MIB, 2);
    shmrpci_region region;
    attach(fd, &region);
    put(&region, 0, 100 * KIB, 1);
    arena_used = arena_root(&region, 0);
    for (uint64_t change = 2; change < 100; change++) {
        put(&region, 0, 100 * KIB, change);
        assert_int_not_equal(arena_root(&region, 0), arena_used);
    }
    arena_used = 0;
    put(&region, 0, 0, 100);
    shmrpci_arena_reclaim(&region, true);
    stage_check(&region);
    assert_int_equal(stage_free_spans(&region), region.facts.span_count);
    shmrpci_region_detach(&region);
    shmrpci_fd_close(&fd);
}

/* One participant only allocates, another only retires; the depot carries
 * blocks across. */
static void free_blocks_come_to_those_who_need_them(void **state)
{
    (void)state;
    int fd = arena_create(MIB, 3);
    shmrpci_region taker;
    shmrpci_region retirer;
    attach(fd, &taker);
    attach(fd, &retirer);
    uint64_t change = 1;
    for (int round = 0; round < 100; round++) {
        for (uint32_t i = 0; i < ARENA_ROOTS; i++) {
            put(&taker, i, 200, change++);
        }
        for (uint32_t i = 0; i < ARENA_ROOTS; i++) {
            put(&retirer, i, 0, change++);
        }
        shmrpci_arena_reclaim(&retirer, false);
        stage_check(&taker);
    }
    shmrpci_region_detach(&retirer);
    shmrpci_region_detach(&taker);
    shmrpci_fd_close(&fd);
}

/* All of a region's memory can be used, although its owner has left. */
static void who_left_leaves_blocks_behind_for_others(void **state)
{
    (void)state;
    int fd = arena_create(512 * KIB, 3);
    shmrpci_region first;
    shmrpci_region second;
    shmrpc_error error;
    attach(fd, &first);
    attach(fd, &second);
    uint64_t count = fill(&second, 1, &error);
    for (uint32_t i = 0; i < count; i++) {
        put(&second, i, 0, 2);
    }
    shmrpci_region_detach(&second);
    assert_true(fill(&first, 3, &error) + 12 >= count);
    stage_check(&first);
    shmrpci_region_detach(&first);
    shmrpci_fd_close(&fd);
}

/* The participant dies too early to check its limbo even once. */
static void who_dies_early_has_an_heir_that_reclaims(void **state)
{
    (void)state;
    int fd = arena_create(16 * MIB, 2);
    uint64_t paid = 0;
    uint64_t change = 0;
    for (int life = 0; life < 200; life++) {
        shmrpci_region region;
        attach(fd, &region);
        for (uint32_t i = 0; i < 100; i++) {
            put(&region, i % 10, 1000, ++change);
        }
        if (life == 10) {
            paid = shmrpci_region_paid(&region);
        }
        assert_true(life < 10 || shmrpci_region_paid(&region) <= paid);
        /* Leaves the region as the kernel does when a process dies: without
         * detaching. */
        shmrpci_fd_close(&region.fd);
        shmrpci_memory_unmap(&region.map);
        free(region.pins);
    }
    shmrpci_fd_close(&fd);
}

static uint64_t random_of(uint64_t *state)
{
    *state = *state * 6364136223846793005u + 1442695040888963407u;
    return *state >> 33;
}

/* Bytes that any process may have changed lead to error statuses. */
static void spoiled_bytes_are_survived(void **state)
{
    (void)state;
    uint64_t seed = 1;
    for (int round = 0; round < 300; round++) {
        int fd = arena_create(512 * KIB, 3);
        shmrpci_region region;
        attach(fd, &region);
        for (uint32_t i = 0; i < 300; i++) {
            put(&region, i % 50, 60 + i, i + 1);
        }
        uint64_t *words = region.map.at;
        for (int i = 0; i < 40; i++) {
            uint64_t at = random_of(&seed) % (64 * KIB) + 4096;
            words[at / 8] = random_of(&seed) % 4 == 0
                                ? random_of(&seed) << 33 | random_of(&seed)
                                : words[random_of(&seed) % (32 * KIB) / 8];
        }
        for (uint32_t i = 0; i < 500; i++) {
            uint64_t offset;
            (void)shmrpci_arena_take(&region, 60 + i, &offset, NULL);
            if (i % 2 == 0) {
                shmrpci_arena_keep(&region);
                (void)shmrpci_arena_retire(&region, offset, i + 300);
            }
            shmrpci_arena_give(&region);
        }
        (void)shmrpci_region_check(&region, NULL, NULL);
        shmrpci_region_detach(&region);
        shmrpci_fd_close(&fd);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(blocks_have_room_and_do_not_overlap),
        cmocka_unit_test(what_is_given_back_is_taken_again),
        cmocka_unit_test(what_is_retired_comes_back),
        cmocka_unit_test(blocks_go_round),
        cmocka_unit_test(what_one_frees_others_take),
        cmocka_unit_test(spans_of_free_blocks_serve_other_sizes),
        cmocka_unit_test(a_pin_keeps_what_was_there),
        cmocka_unit_test(a_pin_ends_with_its_handle),
        cmocka_unit_test(what_is_used_stays_and_the_rest_goes),
        cmocka_unit_test(free_blocks_come_to_those_who_need_them),
        cmocka_unit_test(who_left_leaves_blocks_behind_for_others),
        cmocka_unit_test(who_dies_early_has_an_heir_that_reclaims),
        cmocka_unit_test(spoiled_bytes_are_survived),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
