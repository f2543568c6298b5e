/* Includes the real header, and makes each access report its source
 * position. */
#ifndef TESTS_RELACY_SHIM_SYNC_ATOMIC_H
#define TESTS_RELACY_SHIM_SYNC_ATOMIC_H

#include_next "sync/atomic.h"

#include "engine.h"

#undef shmrpci_load_relaxed
#undef shmrpci_load_acquire
#undef shmrpci_load_seq
#undef shmrpci_store_relaxed
#undef shmrpci_store_release
#undef shmrpci_store_seq
#undef shmrpci_exchange_seq
#undef shmrpci_cas_seq
#undef shmrpci_or_seq
#undef shmrpci_and_seq
#undef shmrpci_add_seq
#undef shmrpci_sub_seq
#undef shmrpci_fence_seq
#undef shmrpci_fence_acquire
#undef shmrpci_fence_release
#undef shmrpci_add_relaxed

#define ENGINE_AT(operation, what) \
    engine_at(__FILE__, __LINE__, __func__, operation, what)

#define ENGINE_LOAD(at, operation, order)          \
    __extension__({                                \
        __auto_type engine_place = (at);           \
        ENGINE_AT(operation, #at);                 \
        atomic_load_explicit(engine_place, order); \
    })
/* The arguments are evaluated first, as they may be accesses themselves. */
#define ENGINE_CHANGE(how, at, value, operation, order) \
    __extension__({                                     \
        __auto_type engine_place = (at);                \
        __auto_type engine_value = (value);             \
        ENGINE_AT(operation, #at);                      \
        how(engine_place, engine_value, order);         \
    })

#define shmrpci_load_relaxed(at) \
    ENGINE_LOAD(at, "load_relaxed", memory_order_relaxed)
#define shmrpci_load_acquire(at) \
    ENGINE_LOAD(at, "load_acquire", memory_order_acquire)
#define shmrpci_load_seq(at) ENGINE_LOAD(at, "load_seq", memory_order_seq_cst)

#define shmrpci_store_relaxed(at, value)                             \
    ENGINE_CHANGE(atomic_store_explicit, at, value, "store_relaxed", \
                  memory_order_relaxed)
#define shmrpci_store_release(at, value)                             \
    ENGINE_CHANGE(atomic_store_explicit, at, value, "store_release", \
                  memory_order_release)
#define shmrpci_store_seq(at, value)                             \
    ENGINE_CHANGE(atomic_store_explicit, at, value, "store_seq", \
                  memory_order_seq_cst)
#define shmrpci_exchange_seq(at, value)                                \
    ENGINE_CHANGE(atomic_exchange_explicit, at, value, "exchange_seq", \
                  memory_order_seq_cst)
#define shmrpci_or_seq(at, value)                                \
    ENGINE_CHANGE(atomic_fetch_or_explicit, at, value, "or_seq", \
                  memory_order_seq_cst)
#define shmrpci_and_seq(at, value)                                 \
    ENGINE_CHANGE(atomic_fetch_and_explicit, at, value, "and_seq", \
                  memory_order_seq_cst)
#define shmrpci_add_seq(at, value)                                 \
    ENGINE_CHANGE(atomic_fetch_add_explicit, at, value, "add_seq", \
                  memory_order_seq_cst)
#define shmrpci_sub_seq(at, value)                                 \
    ENGINE_CHANGE(atomic_fetch_sub_explicit, at, value, "sub_seq", \
                  memory_order_seq_cst)
#define shmrpci_add_relaxed(at, value)                                 \
    ENGINE_CHANGE(atomic_fetch_add_explicit, at, value, "add_relaxed", \
                  memory_order_relaxed)

#define shmrpci_cas_seq(at, expected, desired)                            \
    __extension__({                                                       \
        __auto_type engine_place = (at);                                  \
        __auto_type engine_value = (desired);                             \
        ENGINE_AT("cas_seq", #at);                                        \
        atomic_compare_exchange_strong_explicit(                          \
            engine_place, (expected), engine_value, memory_order_seq_cst, \
            memory_order_seq_cst);                                        \
    })

#define shmrpci_fence_seq() \
    (ENGINE_AT("fence_seq", ""), atomic_thread_fence(memory_order_seq_cst))
#define shmrpci_fence_acquire() \
    (ENGINE_AT("fence_acquire", ""), atomic_thread_fence(memory_order_acquire))
#define shmrpci_fence_release() \
    (ENGINE_AT("fence_release", ""), atomic_thread_fence(memory_order_release))

#endif
