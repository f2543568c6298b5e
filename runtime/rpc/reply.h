/*
 * Replies: objects that hold results without a fixed size, and the pool they
 * come from.
 *
 * A reply holds a private copy of the body and everything decoded from it, so
 * it outlives the slot, and the connection too; or it holds the raw body in
 * place, and with it the connection (SHMRPC_OPT_IN_PLACE). Its memory is
 * reused: it allocates only if a result is larger than all earlier ones.
 *
 * The pool lives until its connection is closed and the last reply released.
 * Each reply object holds a reference for as long as it exists, not for each
 * call, so the steady state changes no counter: a call takes a reply out of a
 * place by one exchange and puts it back by one compare-and-swap.
 *
 * In a checked program (misuse.h) no reply is reused. A released reply stays in
 * memory for a while, filled with a pattern, and its arena is freed.
 *
 * Threading: any thread may get, put and close. A reply belongs to one thread
 * at a time.
 */
#ifndef SHMRPCI_RPC_REPLY_H
#define SHMRPCI_RPC_REPLY_H

#include <stddef.h>

#include "base/arena.h"
#include "rpc/link.h"
#include "shmrpc/descriptor.h"
#include "sync/atomic.h"

typedef struct shmrpci_reply_pool shmrpci_reply_pool;

typedef struct shmrpci_reply {
    shmrpci_reply_pool *pool;
    shmrpci_arena arena; /* empty when the pool hands it out */
    const shmrpc_method *method;
    /* Whether the program has the reply. Relaxed: if two threads release it at
     * once, both may see true; detecting that would cost too much. */
    shmrpci_atomic_u32 is_out;
    /* The declared error in which the call has ended, and its payload, in the
     * arena; NULL if the call succeeded. */
    const shmrpc_error_type *thrown;
    const void *payload;
    /* If the value points into memory of a link: that link, and the transport's
     * handle of this memory. NULL if all of the value is in the arena. */
    shmrpci_link *link;
    shmrpci_kept kept;
} shmrpci_reply;

/* Makes a pool whose replies have room for values of up to `value_bytes`, and
 * may hold up to `limit_bytes` each. Returns NULL if memory is short. */
shmrpci_reply_pool *shmrpci_reply_pool_create(size_t value_bytes,
                                              size_t limit_bytes);

/* Closes the pool: replies that are still in use free themselves when released.
 * NULL is allowed. */
void shmrpci_reply_pool_close(shmrpci_reply_pool *pool);

/* Returns an empty reply of `method` without an error, or NULL if memory is
 * short. */
shmrpci_reply *shmrpci_reply_get(shmrpci_reply_pool *pool,
                                 const shmrpc_method *method);

/* Releases a reply; reports a second release. */
void shmrpci_reply_put(shmrpci_reply *reply);

/* Converts a reply to the address of its value, which is aligned for any type,
 * and back. */
void *shmrpci_reply_value(shmrpci_reply *reply);
shmrpci_reply *shmrpci_reply_of_value(const void *value);

#endif
