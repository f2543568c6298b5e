/* clang-format off */
/*
 * The file of a hybrid lock.
 *
 *   offset  bytes  what                        who writes it
 *        0      8  magic                       the creator, before it is named
 *        8      4  version                     the creator, before it is named
 *       12      4  kind: SHMRPC_LOCK_...       the creator, before it is named
 *       16      4  slots: participants at most the creator, before it is named
 *       64      4  high: slots ever used       who attaches
 *      128      4  word                        everyone
 *      256  128 x slots
 *      + 0      4  reads: WAITING, CLOSED,     the participant, and writers
 *                  count of readers            (both bits)
 *      + 4      4  cpu                         the participant, a hint
 *      + 8      4  pid                         the participant, for people
 */
/* clang-format on */
/*
 * All bytes are hostile: anyone with the permission may change them at any
 * time.  What is read is range-checked or only shown.
 *
 * A participant is an open handle. It has slot p while it holds the kernel's
 * lock on byte p of the file (os/byte_lock.h), which ends with its process. A
 * process that obtains the byte of another participant knows that this one is
 * dead, and that no new participant gets number p meanwhile.
 *
 * The word:
 *
 *   bits 0-15   owner: 0 free; p + 1; GONE: the owner died and was buried (or,
 *               in a semaphore, is not known)
 *   WAITERS     a thread may sleep on the word: wake at release
 *   RESERVED    (FAIR) a thread has waited for long: threads that have not
 *               slept yet leave the lock alone, even if it is free
 *   BROKEN      an owner died, and nobody has called consistent() since
 *   DESTROYED   the lock is destroyed; never cleared
 *
 *            take: 0 -> p+1                     take: GONE -> p+1 | BROKEN
 *      free ---------------> held by p -------> buried ---------> held by q
 *           <---------------            bury: p+1 -> GONE, while holding byte p
 *            release: p+1 -> 0
 *
 * Readers (SHARED) count themselves in their own slot, then look at the word;
 * a writer takes the word, then waits for every slot's count to become 0.
 * Both sides write first and look second, in sequentially consistent order, so
 * one of them sees the other.  Readers on different CPUs share no line that
 * they write.
 *
 * The protocol is modelled in tests/model/lock.pml and rwlock.pml.
 */
#ifndef SHMRPCI_SYNC_LOCK_LAYOUT_H
#define SHMRPCI_SYNC_LOCK_LAYOUT_H

#include <stddef.h>
#include <stdint.h>

#include "shmrpc/lock.h"
#include "sync/atomic.h"

#define SHMRPCI_LOCK_MAGIC   UINT64_C(0x4b4c637072756873)
#define SHMRPCI_LOCK_VERSION 1u

#define SHMRPCI_LOCK_OWNER     UINT32_C(0xFFFF)
#define SHMRPCI_LOCK_GONE      UINT32_C(0xFFFF)
#define SHMRPCI_LOCK_WAITERS   (UINT32_C(1) << 16)
#define SHMRPCI_LOCK_RESERVED  (UINT32_C(1) << 17)
#define SHMRPCI_LOCK_BROKEN    (UINT32_C(1) << 18)
#define SHMRPCI_LOCK_DESTROYED (UINT32_C(1) << 19)

#define SHMRPCI_READS_COUNT   UINT32_C(0x3FFFFFFF)
#define SHMRPCI_READS_WAITING (UINT32_C(1) << 31) /* a writer sleeps on it */
#define SHMRPCI_READS_CLOSED  (UINT32_C(1) << 30) /* lock is destroyed */

typedef struct shmrpci_lock_slot {
    _Alignas(128) shmrpci_atomic_u32 reads;
    shmrpci_atomic_u32 cpu;
    shmrpci_atomic_u32 pid;
} shmrpci_lock_slot;

typedef struct shmrpci_lock_file {
    uint64_t magic;
    uint32_t version;
    uint32_t kind;
    uint32_t slot_count;
    _Alignas(64) shmrpci_atomic_u32 high;
    _Alignas(128) shmrpci_atomic_u32 word;
    shmrpci_lock_slot slots[];
} shmrpci_lock_file;

_Static_assert(offsetof(shmrpci_lock_file, kind) == 12, "layout");
_Static_assert(offsetof(shmrpci_lock_file, slot_count) == 16, "layout");
_Static_assert(offsetof(shmrpci_lock_file, high) == 64, "layout");
_Static_assert(offsetof(shmrpci_lock_file, word) == 128, "layout");
_Static_assert(offsetof(shmrpci_lock_file, slots) == 256, "layout");
_Static_assert(sizeof(shmrpci_lock_slot) == 128, "layout");
_Static_assert(offsetof(shmrpci_lock_slot, pid) == 8, "layout");
_Static_assert(SHMRPC_LOCK_MAX_HANDLES < SHMRPCI_LOCK_GONE, "owners");

/* The flags that belong to the lock itself, not to one handle or to its
 * creation. */
#define SHMRPCI_LOCK_KIND \
    ((uint32_t)(SHMRPC_LOCK_SEMAPHORE | SHMRPC_LOCK_SHARED | SHMRPC_LOCK_FAIR))

static inline size_t shmrpci_lock_file_bytes(uint32_t slots)
{
    return sizeof(shmrpci_lock_file) + slots * sizeof(shmrpci_lock_slot);
}

#endif
