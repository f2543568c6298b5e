/* The objects of asynchronous calls: allocated in blocks, and found by
 * bitmaps. */
#include "rpc/async.h"

#include <stdlib.h>
#include <string.h>

#include "base/assert.h"

/* Zeroed memory for an object that holds calls. */
static void *make(size_t bytes)
{
    void *at = aligned_alloc(SHMRPCI_ASYNC_USES, bytes);
    return at != NULL ? memset(at, 0, bytes) : NULL;
}

static void block_init(shmrpci_async_block *block, shmrpci_async *async)
{
    for (uint32_t i = 0; i < SHMRPCI_ASYNC_BLOCK_CALLS; i++) {
        block->calls[i].async = async;
        block->calls[i].busy = &block->busy;
        block->calls[i].bit = UINT64_C(1) << i;
        /* Relaxed: no other thread sees the call before it is sent. */
        shmrpci_store_relaxed(&block->calls[i].state, SHMRPCI_ASYNC_HELD);
    }
}

static shmrpci_async *async_new(shmrpc_client *client, shmrpci_async *inherited)
{
    shmrpci_async *async = make(sizeof *async);
    if (async != NULL) {
        async->client = client;
        async->generation = shmrpci_fork_generation();
        async->inherited = inherited;
        async->set = -1;
        async->timer = -1;
        async->timer_ns = SHMRPCI_NEVER_NS;
        shmrpci_mutex_init(&async->lock);
        block_init(&async->first, async);
    }
    return async;
}

shmrpci_async *shmrpci_async_of(shmrpc_client *client)
{
    if (shmrpci_client_is_closed(client)) {
        return NULL;
    }
    SHMRPCI_ASSERT(client->crowd == NULL,
                   "members of a crowd have calls, the crowd has none");
    shmrpci_async *async = shmrpci_load_acquire(&client->async);
    while (async == NULL || async->generation != shmrpci_fork_generation()) {
        shmrpci_async *own = async_new(client, async);
        if (own == NULL) {
            return NULL;
        }
        if (shmrpci_cas_seq(&client->async, &async, own)) {
            return own;
        }
        shmrpci_mutex_fini(&own->lock); /* another thread was faster */
        free(own);
    }
    return async;
}

/* The block after `block`, allocated if necessary; NULL: out of memory. */
static shmrpci_async_block *next_block(shmrpci_async *async,
                                       shmrpci_async_block *block)
{
    shmrpci_async_block *next = shmrpci_load_acquire(&block->next);
    if (next != NULL) {
        return next;
    }
    next = make(sizeof *next);
    if (next == NULL) {
        return NULL;
    }
    block_init(next, async);
    shmrpci_async_block *other = NULL;
    if (!shmrpci_cas_seq(&block->next, &other, next)) {
        free(next);
        return other;
    }
    return next;
}

shmrpc_call *shmrpci_async_take(shmrpci_async *async)
{
    shmrpci_async_block *block = &async->first;
    for (uint32_t i = 0; i < SHMRPCI_ASYNC_MAX_BLOCKS && block != NULL; i++) {
        uint64_t busy = shmrpci_load_relaxed(&block->busy);
        while (busy != UINT64_MAX) {
            uint64_t bit = ~busy & (busy + 1);
            /* Acquire: pairs with the release by the thread that freed the
             * object. */
            if (shmrpci_bias_cas_u64(&async->bias, &block->busy, &busy,
                                     busy | bit)) {
                shmrpc_call *call = &block->calls[__builtin_ctzll(bit)];
                SHMRPCI_ASSERT(shmrpci_load_relaxed(&call->state) ==
                                   SHMRPCI_ASYNC_HELD,
                               "a free call is held");
                if (async->client->tally != NULL) {
                    (void)shmrpci_add_relaxed(async->client->tally, 1u);
                }
                return call;
            }
        }
        block = next_block(async, block);
    }
    return NULL;
}

void shmrpci_async_free(shmrpc_call *call)
{
    SHMRPCI_ASSERT(shmrpci_load_relaxed(&call->state) == SHMRPCI_ASYNC_HELD &&
                       (shmrpci_load_relaxed(call->busy) & call->bit) != 0,
                   "a call is freed once, by its holder");
    uint32_t uses = shmrpci_load_relaxed(&call->uses);
    SHMRPCI_ASSERT(shmrpci_load_relaxed(&call->holds) == NULL,
                   "a call that is over holds no link");
    shmrpci_store_relaxed(&call->uses, uses + 1);
    if (call->async->client->tally != NULL) {
        (void)shmrpci_sub_seq(call->async->client->tally, 1u);
    }
    shmrpci_bias_clear(&call->async->bias, call->busy, call->bit);
}

shmrpci_async_walk shmrpci_async_walk_from(shmrpci_async_block *first)
{
    return (shmrpci_async_walk){first, shmrpci_load_seq(&first->busy)};
}

shmrpc_call *shmrpci_async_next(shmrpci_async_walk *walk)
{
    while (walk->left == 0) {
        shmrpci_async_block *next = shmrpci_load_acquire(&walk->block->next);
        if (next == NULL) {
            return NULL;
        }
        *walk = shmrpci_async_walk_from(next);
    }
    uint32_t index = (uint32_t)__builtin_ctzll(walk->left);
    walk->left &= walk->left - 1;
    return &walk->block->calls[index];
}

bool shmrpci_async_holds(const shmrpc_client *client, const void *link)
{
    shmrpci_async *async = shmrpci_load_acquire(&client->async);
    for (; async != NULL; async = async->inherited) {
        shmrpci_async_block *block = &async->first;
        for (; block != NULL; block = shmrpci_load_acquire(&block->next)) {
            for (uint32_t i = 0; i < SHMRPCI_ASYNC_BLOCK_CALLS; i++) {
                /* Acquire: pairs with the release when the call ends. */
                if (shmrpci_load_acquire(&block->calls[i].holds) == link) {
                    return true;
                }
            }
        }
    }
    return false;
}
