/* The pool of replies. */
#include "rpc/reply.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/assert.h"
#include "rpc/misuse.h"
#include "sync/atomic.h"

/* How many replies are kept for reuse. */
#define PLACES 16

/* How much memory a reply in the pool keeps. */
#define KEEP_BYTES ((size_t)4 << 20)

#define VALUE_ALIGN 64

/* Fills the value of a released reply in checked programs. Read as a pointer or
 * a length it is invalid. */
#define RELEASED_BYTE 0xDB

struct shmrpci_reply_pool {
    size_t value_bytes;
    size_t limit_bytes;
    bool is_checked;
    /* Number of references: one of the connection, and one of each existing
     * reply. */
    shmrpci_atomic_u32 refs;
    /* NULL if empty, closed_mark after close, else a reply that belongs to the
     * thread that takes it out. */
    _Atomic(shmrpci_reply *) places[PLACES];
};

/* The last replies released in checked programs. */
static shmrpci_graveyard released;

/* Close writes this to the places: an address that no reply has. */
static shmrpci_reply *closed_mark(shmrpci_reply_pool *pool)
{
    return (shmrpci_reply *)(void *)pool;
}

shmrpci_reply_pool *shmrpci_reply_pool_create(size_t value_bytes,
                                              size_t limit_bytes)
{
    shmrpci_reply_pool *pool = calloc(1, sizeof *pool);
    if (pool != NULL) {
        pool->value_bytes = value_bytes;
        pool->limit_bytes = limit_bytes;
        pool->is_checked = shmrpci_is_checked();
        atomic_init(&pool->refs, 1);
        for (unsigned i = 0; i < PLACES; i++) {
            atomic_init(&pool->places[i], NULL);
        }
    }
    return pool;
}

static void pool_unref(shmrpci_reply_pool *pool)
{
    SHMRPCI_ASSERT(shmrpci_load_relaxed(&pool->refs) > 0,
                   "a reference is given back once");
    if (shmrpci_sub_seq(&pool->refs, 1) == 1) {
        free(pool);
    }
}

static void reply_destroy(shmrpci_reply *reply)
{
    SHMRPCI_ASSERT(shmrpci_load_relaxed(&reply->is_out) == 0,
                   "a reply is freed when it is not in use");
    shmrpci_reply_pool *pool = reply->pool;
    shmrpci_arena_fini(&reply->arena);
    free(reply);
    pool_unref(pool);
}

static size_t header_bytes(void)
{
    return (sizeof(shmrpci_reply) + VALUE_ALIGN - 1) &
           ~(size_t)(VALUE_ALIGN - 1);
}

static shmrpci_reply *reply_create(shmrpci_reply_pool *pool)
{
    size_t bytes = header_bytes() + pool->value_bytes;
    bytes = (bytes + VALUE_ALIGN - 1) & ~(size_t)(VALUE_ALIGN - 1);
    shmrpci_reply *reply = aligned_alloc(VALUE_ALIGN, bytes);
    if (reply != NULL) {
        reply->pool = pool;
        shmrpci_arena_init(&reply->arena, pool->limit_bytes);
        (void)shmrpci_add_relaxed(&pool->refs, 1);
    }
    return reply;
}

void shmrpci_reply_pool_close(shmrpci_reply_pool *pool)
{
    if (pool == NULL) {
        return;
    }
    for (unsigned i = 0; i < PLACES; i++) {
        /* Pairs with the exchange in get and the compare-and-swap in put: a
         * thread that takes a reply out of a place owns it. */
        shmrpci_reply *reply =
            shmrpci_exchange_seq(&pool->places[i], closed_mark(pool));
        if (reply != NULL) {
            reply_destroy(reply);
        }
    }
    pool_unref(pool);
}

static shmrpci_reply *take(shmrpci_reply_pool *pool)
{
    for (unsigned i = 0; i < PLACES; i++) {
        /* Relaxed: the value only decides whether to try the exchange. */
        if (shmrpci_load_relaxed(&pool->places[i]) != NULL) {
            shmrpci_reply *reply = shmrpci_exchange_seq(&pool->places[i], NULL);
            if (reply != NULL) {
                return reply;
            }
        }
    }
    return reply_create(pool);
}

shmrpci_reply *shmrpci_reply_get(shmrpci_reply_pool *pool,
                                 const shmrpc_method *method)
{
    shmrpci_reply *reply = take(pool);
    if (reply != NULL) {
        reply->method = method;
        shmrpci_store_relaxed(&reply->is_out, 1u);
        reply->thrown = NULL;
        reply->payload = NULL;
        reply->link = NULL;
    }
    return reply;
}

/* Frees all but the reply itself, which stays to detect a second release. */
static void bury(shmrpci_reply *reply)
{
    shmrpci_reply_pool *pool = reply->pool;
    shmrpci_arena_fini(&reply->arena);
    memset(shmrpci_reply_value(reply), RELEASED_BYTE, pool->value_bytes);
    free(shmrpci_bury(&released, reply));
    pool_unref(pool);
}

void shmrpci_reply_put(shmrpci_reply *reply)
{
    if (shmrpci_load_relaxed(&reply->is_out) != 1u) {
        (void)shmrpci_misuse(NULL, "a reply of method %s was released twice",
                             reply->method->name);
        return;
    }
    shmrpci_store_relaxed(&reply->is_out, 0u);
    shmrpci_reply_pool *pool = reply->pool;
    if (reply->link != NULL) {
        shmrpci_link_let_go(reply->link, &reply->kept);
    }
    if (pool->is_checked) {
        bury(reply);
        return;
    }
    if (reply->arena.total_bytes > KEEP_BYTES) {
        shmrpci_arena_fini(&reply->arena);
    }
    shmrpci_arena_reset(&reply->arena);
    for (unsigned i = 0; i < PLACES; i++) {
        shmrpci_reply *expected = NULL;
        if (shmrpci_load_relaxed(&pool->places[i]) == NULL &&
            shmrpci_cas_seq(&pool->places[i], &expected, reply)) {
            return;
        }
    }
    reply_destroy(reply);
}

void *shmrpci_reply_value(shmrpci_reply *reply)
{
    return (char *)reply + header_bytes();
}

shmrpci_reply *shmrpci_reply_of_value(const void *value)
{
    /* Casts the const away: it only forbids the caller to write, since the
     * reply itself is not constant. */
    uintptr_t at = (uintptr_t)value - header_bytes();
    return (shmrpci_reply *)at;
}
