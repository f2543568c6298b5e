/* The pool of replies: memory is reused, and nothing is leaked at the end. */
#include "rpc/reply.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "os/thread.h"

static void value_is_aligned_and_leads_back(void **state)
{
    (void)state;
    shmrpci_reply_pool *pool = shmrpci_reply_pool_create(100, 0);
    shmrpci_reply *reply = shmrpci_reply_get(pool, NULL);
    void *value = shmrpci_reply_value(reply);
    assert_int_equal((uintptr_t)value % 64, 0);
    memset(value, 0xaa, 100);
    assert_ptr_equal(shmrpci_reply_of_value(value), reply);
    assert_ptr_equal(reply->pool, pool);
    shmrpci_reply_put(reply);
    shmrpci_reply_pool_close(pool);
}

static void reply_and_its_memory_are_used_again(void **state)
{
    (void)state;
    shmrpci_reply_pool *pool = shmrpci_reply_pool_create(8, 0);
    shmrpci_reply *first = shmrpci_reply_get(pool, NULL);
    void *memory = shmrpci_arena_alloc(&first->arena, 5000, 8);
    shmrpci_reply_put(first);
    shmrpci_reply *second = shmrpci_reply_get(pool, NULL);
    assert_ptr_equal(second, first);
    assert_ptr_equal(shmrpci_arena_alloc(&second->arena, 5000, 8), memory);
    shmrpci_reply_put(second);
    shmrpci_reply_pool_close(pool);
}

static void large_memory_is_given_back(void **state)
{
    (void)state;
    shmrpci_reply_pool *pool = shmrpci_reply_pool_create(8, 0);
    shmrpci_reply *reply = shmrpci_reply_get(pool, NULL);
    assert_non_null(shmrpci_arena_alloc(&reply->arena, (size_t)9 << 20, 8));
    shmrpci_reply_put(reply);
    assert_ptr_equal(shmrpci_reply_get(pool, NULL), reply);
    assert_int_equal(reply->arena.total_bytes, 0);
    shmrpci_reply_put(reply);
    shmrpci_reply_pool_close(pool);
}

static void limit_of_a_reply_holds(void **state)
{
    (void)state;
    shmrpci_reply_pool *pool = shmrpci_reply_pool_create(8, 10000);
    shmrpci_reply *reply = shmrpci_reply_get(pool, NULL);
    assert_null(shmrpci_arena_alloc(&reply->arena, 20000, 8));
    shmrpci_reply_put(reply);
    shmrpci_reply_pool_close(pool);
}

/* More replies than the pool has places, released before and after it is
 * closed. The leak checker finds a lost one. */
static void replies_end_before_or_after_the_pool(void **state)
{
    (void)state;
    enum { COUNT = 50 };
    shmrpci_reply *replies[COUNT];
    shmrpci_reply_pool *pool = shmrpci_reply_pool_create(8, 0);
    for (int i = 0; i < COUNT; i++) {
        replies[i] = shmrpci_reply_get(pool, NULL);
        (void)shmrpci_arena_alloc(&replies[i]->arena, 100, 8);
        for (int j = 0; j < i; j++) {
            assert_ptr_not_equal(replies[i], replies[j]);
        }
    }
    for (int i = 0; i < COUNT / 2; i++) {
        shmrpci_reply_put(replies[i]);
    }
    shmrpci_reply_pool_close(pool);
    for (int i = COUNT / 2; i < COUNT; i++) {
        memset(shmrpci_reply_value(replies[i]), 1, 8);
        shmrpci_reply_put(replies[i]);
    }
    shmrpci_reply_pool_close(NULL);
}

typedef struct user {
    shmrpci_reply_pool *pool;
    shmrpci_reply *kept[4];
    int failed;
} user;

static void use(void *arg)
{
    user *u = arg;
    for (int i = 0; i < 5000; i++) {
        shmrpci_reply *reply = shmrpci_reply_get(u->pool, NULL);
        uint64_t *value = shmrpci_reply_value(reply);
        *value = (uintptr_t)u;
        shmrpci_reply *other = shmrpci_reply_get(u->pool, NULL);
        *(uint64_t *)shmrpci_reply_value(other) = 0;
        u->failed |= *value != (uintptr_t)u || other == reply;
        shmrpci_reply_put(other);
        shmrpci_reply_put(reply);
    }
    for (int i = 0; i < 4; i++) {
        u->kept[i] = shmrpci_reply_get(u->pool, NULL);
    }
}

static void release_kept(void *arg)
{
    user *u = arg;
    for (int i = 0; i < 4; i++) {
        shmrpci_reply_put(u->kept[i]);
    }
}

static void threads_share_a_pool_and_its_end(void **state)
{
    (void)state;
    enum { THREADS = 4 };
    user users[THREADS];
    shmrpci_thread threads[THREADS];
    for (int round = 0; round < 10; round++) {
        shmrpci_reply_pool *pool = shmrpci_reply_pool_create(8, 0);
        for (int i = 0; i < THREADS; i++) {
            users[i] = (user){.pool = pool};
            assert_int_equal(
                shmrpci_thread_create(&threads[i], "user", use, &users[i]), 0);
        }
        for (int i = 0; i < THREADS; i++) {
            shmrpci_thread_join(&threads[i]);
            assert_int_equal(users[i].failed, 0);
        }
        for (int i = 0; i < THREADS; i++) {
            assert_int_equal(shmrpci_thread_create(&threads[i], "user",
                                                   release_kept, &users[i]),
                             0);
        }
        shmrpci_reply_pool_close(pool);
        for (int i = 0; i < THREADS; i++) {
            shmrpci_thread_join(&threads[i]);
        }
    }
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(value_is_aligned_and_leads_back),
        cmocka_unit_test(reply_and_its_memory_are_used_again),
        cmocka_unit_test(large_memory_is_given_back),
        cmocka_unit_test(limit_of_a_reply_holds),
        cmocka_unit_test(replies_end_before_or_after_the_pool),
        cmocka_unit_test(threads_share_a_pool_and_its_end),
    };
    /* Checked programs don't reuse replies. */
    (void)setenv("SHMRPC_CHECK", "0", 1);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
