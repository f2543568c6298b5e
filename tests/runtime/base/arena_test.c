/* The bump allocator: placement, growth, limits, reuse. */
#include "base/arena.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static int setup(void **state)
{
    static shmrpci_arena arena;
    shmrpci_arena_init(&arena, 0);
    *state = &arena;
    return 0;
}

static int teardown(void **state)
{
    shmrpci_arena_fini(*state);
    return 0;
}

static void every_alignment_is_kept(void **state)
{
    for (size_t align = 1; align <= 64; align *= 2) {
        assert_non_null(shmrpci_arena_alloc(*state, 1, 1));
        void *at = shmrpci_arena_alloc(*state, 3, align);
        assert_non_null(at);
        assert_int_equal((uintptr_t)at % align, 0);
    }
}

static void last_object_can_grow_and_shrink(void **state)
{
    shmrpci_arena *arena = *state;
    assert_false(shmrpci_arena_resize(arena, NULL, 0, 1));
    char *first = shmrpci_arena_alloc(arena, 10, 1);
    char *last = shmrpci_arena_alloc(arena, 10, 1);
    assert_false(shmrpci_arena_resize(arena, first, 10, 20));
    assert_true(shmrpci_arena_resize(arena, last, 10, 1000));
    memset(last, 1, 1000);
    assert_false(shmrpci_arena_resize(arena, last, 1000, (size_t)1 << 30));
    assert_true(shmrpci_arena_resize(arena, last, 1000, 5));
    assert_ptr_equal(shmrpci_arena_alloc(arena, 1, 1), last + 5);
    assert_false(shmrpci_arena_resize(arena, last, 5, 6));
    assert_false(shmrpci_arena_resize(arena, last, SIZE_MAX, 6));
}

static void objects_stay_put_and_apart_while_it_grows(void **state)
{
    enum { COUNT = 500, BYTES = 97 };
    uint8_t *at[COUNT];
    for (int i = 0; i < COUNT; i++) {
        at[i] = shmrpci_arena_alloc(*state, BYTES, 1);
        assert_non_null(at[i]);
        memset(at[i], i & 0xFF, BYTES);
    }
    for (int i = 0; i < COUNT; i++) {
        for (int k = 0; k < BYTES; k++) {
            assert_int_equal(at[i][k], i & 0xFF);
        }
    }
}

static void an_object_larger_than_a_chunk_fits(void **state)
{
    uint8_t *at = shmrpci_arena_alloc(*state, 1 << 20, 64);
    assert_non_null(at);
    assert_int_equal((uintptr_t)at % 64, 0);
    memset(at, 1, 1 << 20);
    assert_non_null(shmrpci_arena_alloc(*state, 8, 8));
}

static void no_bytes_are_a_valid_object(void **state)
{
    assert_non_null(shmrpci_arena_alloc(*state, 0, 8));
    assert_non_null(shmrpci_arena_calloc(*state, 0, 8, 8));
    assert_non_null(shmrpci_arena_calloc(*state, 8, 0, 8));
}

static void the_limit_refuses_and_leaves_it_usable(void **state)
{
    (void)state;
    shmrpci_arena arena;
    shmrpci_arena_init(&arena, 8192);
    assert_non_null(shmrpci_arena_alloc(&arena, 4096, 1));
    assert_null(shmrpci_arena_alloc(&arena, 8192, 1));
    assert_null(shmrpci_arena_alloc(&arena, SIZE_MAX - 8, 1));
    assert_non_null(shmrpci_arena_alloc(&arena, 4096, 1));
    assert_null(shmrpci_arena_alloc(&arena, 1, 1));
    assert_true(arena.total_bytes <= 8192);
    shmrpci_arena_fini(&arena);
}

/* A limit that is not a multiple of the chunk granularity is kept, too. */
static void an_odd_limit_is_never_passed(void **state)
{
    (void)state;
    for (size_t limit = 1; limit < 300; limit++) {
        shmrpci_arena arena;
        shmrpci_arena_init(&arena, limit);
        while (shmrpci_arena_alloc(&arena, 7, 1) != NULL) {
        }
        assert_true(arena.total_bytes <= limit);
        shmrpci_arena_fini(&arena);
    }
}

static void calloc_clears_and_refuses_overflow(void **state)
{
    memset(shmrpci_arena_alloc(*state, 512, 1), 0xFF, 512);
    shmrpci_arena_reset(*state);
    const uint8_t *at = shmrpci_arena_calloc(*state, 64, 8, 8);
    assert_non_null(at);
    for (int i = 0; i < 512; i++) {
        assert_int_equal(at[i], 0);
    }
    /* The product overflows to 8 in 64 bits. */
    assert_null(shmrpci_arena_calloc(*state, SIZE_MAX / 8 + 2, 8, 1));
}

static void a_steady_load_stops_allocating(void **state)
{
    shmrpci_arena *arena = *state;
    for (int i = 0; i < 100; i++) {
        assert_non_null(shmrpci_arena_alloc(arena, 1000, 8));
    }
    shmrpci_arena_reset(arena);
    size_t kept = arena->total_bytes;
    assert_true(kept > 0);
    for (size_t used = 0; used + 1000 <= kept; used += 1000) {
        assert_non_null(shmrpci_arena_alloc(arena, 1000, 8));
    }
    assert_int_equal(arena->total_bytes, kept);
}

static void text_is_copied_and_formatted(void **state)
{
    memset(shmrpci_arena_alloc(*state, 512, 1), 0xFF, 512);
    shmrpci_arena_reset(*state);
    char *copy = shmrpci_arena_strndup(*state, "a\0bc", 3);
    assert_memory_equal(copy, "a\0b\0", 4);
    assert_string_equal(shmrpci_arena_strndup(*state, NULL, 0), "");
    assert_string_equal(shmrpci_arena_printf(*state, "%s-%d", "x", 42), "x-42");
    assert_null(shmrpci_arena_strndup(*state, "x", SIZE_MAX));
}

int main(void)
{
#define CASE(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    const struct CMUnitTest tests[] = {
        CASE(every_alignment_is_kept),
        CASE(objects_stay_put_and_apart_while_it_grows),
        CASE(last_object_can_grow_and_shrink),
        CASE(an_object_larger_than_a_chunk_fits),
        CASE(no_bytes_are_a_valid_object),
        CASE(the_limit_refuses_and_leaves_it_usable),
        CASE(an_odd_limit_is_never_passed),
        CASE(calloc_clears_and_refuses_overflow),
        CASE(a_steady_load_stops_allocating),
        CASE(text_is_copied_and_formatted),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
