/*
 * Atomics with their order in the name, for words that threads or processes
 * share.
 *
 * Protocols here change state by read-modify-write of a single word rather than
 * by fences: it is simpler to reason about, and ThreadSanitizer follows it (it
 * does not model fences). Some protocols need two words: one side publishes,
 * then checks whether the other side sleeps. Then all four accesses are `seq`.
 * Instead, one side may make a plain store, then a fence, then its load. That
 * is faster: without a locked instruction, the cache line of the stored word
 * can stay with the other side.
 *
 * Threading: any thread.
 */
#ifndef SHMRPCI_SYNC_ATOMIC_H
#define SHMRPCI_SYNC_ATOMIC_H

#include <stdatomic.h>
#include <stdint.h>

#include "os/crash.h"

typedef _Atomic uint16_t shmrpci_atomic_u16;
typedef _Atomic uint32_t shmrpci_atomic_u32;
typedef _Atomic uint64_t shmrpci_atomic_u64;

#define shmrpci_load_relaxed(at) \
    atomic_load_explicit((at), memory_order_relaxed)
#define shmrpci_load_acquire(at) \
    atomic_load_explicit((at), memory_order_acquire)
#define shmrpci_load_seq(at) atomic_load_explicit((at), memory_order_seq_cst)

#define shmrpci_store_relaxed(at, value) \
    (SHMRPCI_CRASHPOINT,                 \
     atomic_store_explicit((at), (value), memory_order_relaxed))
#define shmrpci_store_release(at, value) \
    (SHMRPCI_CRASHPOINT,                 \
     atomic_store_explicit((at), (value), memory_order_release))
#define shmrpci_store_seq(at, value) \
    (SHMRPCI_CRASHPOINT,             \
     atomic_store_explicit((at), (value), memory_order_seq_cst))

#define shmrpci_exchange_seq(at, value) \
    (SHMRPCI_CRASHPOINT,                \
     atomic_exchange_explicit((at), (value), memory_order_seq_cst))

/* Returns true if *at was *expected and is `desired` now; else stores what it
 * found in *expected. */
#define shmrpci_cas_seq(at, expected, desired)                    \
    (SHMRPCI_CRASHPOINT, atomic_compare_exchange_strong_explicit( \
                             (at), (expected), (desired),         \
                             memory_order_seq_cst, memory_order_seq_cst))

#define shmrpci_or_seq(at, bits) \
    (SHMRPCI_CRASHPOINT,         \
     atomic_fetch_or_explicit((at), (bits), memory_order_seq_cst))
#define shmrpci_and_seq(at, bits) \
    (SHMRPCI_CRASHPOINT,          \
     atomic_fetch_and_explicit((at), (bits), memory_order_seq_cst))
#define shmrpci_add_seq(at, count) \
    (SHMRPCI_CRASHPOINT,           \
     atomic_fetch_add_explicit((at), (count), memory_order_seq_cst))
#define shmrpci_sub_seq(at, count) \
    (SHMRPCI_CRASHPOINT,           \
     atomic_fetch_sub_explicit((at), (count), memory_order_seq_cst))

/* Needed between a store and a load that must not be reordered before it. */
#define shmrpci_fence_seq() atomic_thread_fence(memory_order_seq_cst)

/* A reader that copies bytes which others may overwrite calls this after
 * reading the bytes, before it reads the word that says whether they were
 * overwritten. */
#define shmrpci_fence_acquire() atomic_thread_fence(memory_order_acquire)
#define shmrpci_fence_release() atomic_thread_fence(memory_order_release)

/* Relaxed: for counters that order no other access. */
#define shmrpci_add_relaxed(at, count) \
    (SHMRPCI_CRASHPOINT,               \
     atomic_fetch_add_explicit((at), (count), memory_order_relaxed))

/* Tells the CPU that this is a spin loop. It takes 27 to 60 ns, so limit spins
 * by time, not by count. */
static inline void shmrpci_pause(void)
{
#if defined(__x86_64__)
    __builtin_ia32_pause();
#else
    __asm__ volatile("isb" ::: "memory");
#endif
}

#endif
