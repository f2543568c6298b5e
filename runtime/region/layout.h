/*
 * The layout of a region: the memory of one shared object, as a file format.
 * Little-endian, LP64.  Any change here changes SHMRPCI_REGION_VERSION.
 *
 * A region is a sparse file of its full size from the start, mapped once by
 * each process. Nobody touches a page that is not paid for (backed by memory).
 * The head and the state are paid for when the file is made, the rest by
 * whoever needs it first, by fallocate; paying twice does no harm.
 *
 *     offset  size   what                            who writes it
 *          0  4096   head                            its creator, before others
 *                                                    can open the file
 *       4096   128   paid: u64, bytes of spans that  who pays, upwards, by CAS
 *                    are backed by memory
 *       4224   128   high: u32, highest number of    who attaches, upwards,
 *                    participants so far             by CAS
 *       4352   128   destroyed: u32, 1 for ever      who destroys it
 *       4480   128   reclaim_limit: u64, no pins     who reclaims, upwards,
 *                    below it any more               by CAS
 *       4608  3584   depot: u64 x 16 a class         see arena.h
 *       8192  2048 x participants
 *       then     4 x spans: the span table, of which the entries of paid spans
 *                    are paid for, and all others FREE
 *       then         roots of the kind: what its engine begins with
 *       then         spans, each of head.span_bytes, from a multiple of 64 KiB
 *
 * Participants, table and roots begin at a page each.
 *
 * A participant is a handle that may write. It is number p while it holds the
 * kernel's lock on byte p of the file (os/byte_lock.h), which ends with its
 * process. A process that obtains that byte knows that p is dead, and that
 * nobody becomes p meanwhile. Then it inherits: it finishes or undoes what p
 * was doing.
 *
 * Entry of the span table:
 *
 *     bits 0-1    FREE, CLAIMED, HEAD, TAIL
 *     bits 2-15   participant who took it; 0 when FREE
 *     bits 16-31  note: what the kind wants to know of a run; only in a HEAD
 *
 *     FREE --p: takes--> CLAIMED(p) --p--> HEAD(p) | TAIL(p)
 *     HEAD | TAIL --p: frees a run, whoever took it--> CLAIMED(p)
 *     CLAIMED(p) --p: frees it, or lost the race for the next one--> FREE
 *
 * Notes whose top bit is set belong to the arenas (arena.h): they mark spans of
 * blocks, and large blocks.
 *
 * A run is a HEAD and the TAILs behind it. A participant that takes or frees a
 * run writes that into its journal before it changes the first entry, and
 * clears the journal when the run is reachable from the kind's roots, or free.
 * Its heir asks the kind whether the journalled run is reachable, and frees it
 * if not.
 *
 * All bytes are hostile: whoever may write to the file may change any of them
 * at any time. What the head says is checked and copied once; all else is
 * checked at every use.
 */
#ifndef SHMRPCI_REGION_LAYOUT_H
#define SHMRPCI_REGION_LAYOUT_H

#include <stddef.h>
#include <stdint.h>

#include "sync/atomic.h"

#define SHMRPCI_REGION_MAGIC   UINT64_C(0x3130676552685301)
#define SHMRPCI_REGION_VERSION 3u

#define SHMRPCI_REGION_NAME_MAX         255u
#define SHMRPCI_REGION_MAX_PARTICIPANTS 4096u
#define SHMRPCI_REGION_MAX_SPANS        65536u
#define SHMRPCI_REGION_MIN_SPAN_BYTES   ((uint64_t)16 << 10)
#define SHMRPCI_REGION_MAX_BYTES        ((uint64_t)1 << 44)
#define SHMRPCI_REGION_MAX_ROOTS        ((uint64_t)16 << 20)
#define SHMRPCI_REGION_PAGE             ((uint64_t)4096)
#define SHMRPCI_REGION_SPANS_ALIGN      ((uint64_t)64 << 10)

#define SHMRPCI_REGION_PARTICIPANTS_OFFSET 8192u

/* Bytes of the file that are used only for locks; see above. */
#define SHMRPCI_REGION_BYTE(participant) ((int64_t)(participant))
/* Locked for reading by a reader that may not write and wants to be woken
 * (listen.h). The bytes from 2^40 to below this one belong to files
 * (os/object.h). */
#define SHMRPCI_REGION_LISTEN_BYTE (((int64_t)1 << 40) + 64)
/* Locked for reading by a reader that uses the state as of this change
 * (pin.c). */
#define SHMRPCI_REGION_PIN(change) (((int64_t)1 << 41) + (int64_t)(change))
#define SHMRPCI_REGION_CHANGES_MAX (((uint64_t)1 << 48) - 1)

/* Blocks: four classes for each doubling, from 64 to 7168 bytes. */
#define SHMRPCI_CLASS_COUNT 28u
#define SHMRPCI_DEPOT_SLOTS 16u

/* The creator's settings, constant from then on. */
typedef struct shmrpci_region_head {
    uint64_t magic;
    uint32_t version;
    uint32_t kind;
    uint64_t bytes; /* size of the file */
    uint64_t type_hash;
    uint64_t hash_seed;
    uint32_t encoding;
    uint32_t participant_count;
    uint64_t span_bytes; /* a power of two */
    uint32_t span_count;
    uint32_t name_len;
    uint64_t table_offset;
    uint64_t roots_offset;
    uint64_t roots_bytes;
    uint64_t spans_offset;
    uint64_t limits[4]; /* meaning defined by the kind */
    uint8_t boot_id[16];
    char name[256];
    uint32_t reserve[7];
    uint32_t crc; /* CRC32C of all members above */
} shmrpci_region_head;

_Static_assert(offsetof(shmrpci_region_head, span_bytes) == 48, "layout");
_Static_assert(offsetof(shmrpci_region_head, limits) == 96, "layout");
_Static_assert(offsetof(shmrpci_region_head, name) == 144, "layout");
_Static_assert(offsetof(shmrpci_region_head, crc) == 428, "layout");
_Static_assert(sizeof(shmrpci_region_head) == 432, "layout");

typedef struct shmrpci_region_state {
    _Alignas(128) shmrpci_atomic_u64 paid;
    _Alignas(128) shmrpci_atomic_u32 high;
    _Alignas(128) shmrpci_atomic_u32 destroyed;
    _Alignas(128) shmrpci_atomic_u64 reclaim_limit;
    _Alignas(128)
        shmrpci_atomic_u64 depot[SHMRPCI_CLASS_COUNT][SHMRPCI_DEPOT_SLOTS];
} shmrpci_region_state;

#define SHMRPCI_REGION_STATE_OFFSET 4096u
_Static_assert(offsetof(shmrpci_region_state, destroyed) == 256, "layout");
_Static_assert(sizeof(shmrpci_region_state) == 4096, "layout");

/* A bit of pending_count: the run is complete, and is freed if it is
 * unreachable. Without the bit, unless the run is reachable, only those of its
 * spans that the participant owns are freed. */
#define SHMRPCI_JOURNAL_GIVES (UINT32_C(1) << 31)

/* A participant's own blocks (arena.h); offsets, 0 for none. Only the
 * participant and its heirs write here, so the order of their stores serves as
 * a journal. */
typedef struct shmrpci_arena_root {
    _Alignas(128) shmrpci_atomic_u64 moving; /* the block being moved */
    shmrpci_atomic_u64 held;       /* chain of blocks that are taken and not
                                    * reachable yet */
    shmrpci_atomic_u64 limbo_head; /* chain of unreachable blocks, oldest
                                    * first */
    shmrpci_atomic_u64 limbo_tail;
    shmrpci_atomic_u64 limbo_count; /* blocks in the limbo; hints */
    shmrpci_atomic_u64 limbo_bytes;
    shmrpci_atomic_u64 ids; /* number of ids given out; used by the kind */
    uint64_t reserve[9];
    /* By class: free blocks; a second list of them, to be shared; the rest of a
     * span that has not been cut up; lengths of `list` and `spare`, which are
     * hints. */
    shmrpci_atomic_u64 list[SHMRPCI_CLASS_COUNT];
    shmrpci_atomic_u64 spare[SHMRPCI_CLASS_COUNT];
    shmrpci_atomic_u64 rest[SHMRPCI_CLASS_COUNT];
    shmrpci_atomic_u32 count[SHMRPCI_CLASS_COUNT];
    shmrpci_atomic_u32 spares[SHMRPCI_CLASS_COUNT];
} shmrpci_arena_root;

/* The state of a participant. */
typedef struct shmrpci_participant_block {
    _Alignas(128) shmrpci_atomic_u32 pid; /* for statistics; 0: the participant
                                           * left properly */
    shmrpci_atomic_u32 cpu;               /* where it runs; a hint for waits */
    shmrpci_atomic_u64 incarnation;       /* counts the handles that had this
                                           * number */
    uint64_t reserve[14];
    /* The journal of spans: first span + 1, 0 for none; number of spans, and
     * whether the run was complete (span.c). */
    _Alignas(128) shmrpci_atomic_u32 pending_first;
    shmrpci_atomic_u32 pending_count;
    uint64_t reserve2[15];
    _Alignas(128) uint64_t kind[96]; /* contents defined by the kind */
    shmrpci_arena_root arena;
} shmrpci_participant_block;

_Static_assert(offsetof(shmrpci_participant_block, pending_first) == 128,
               "layout");
_Static_assert(offsetof(shmrpci_participant_block, kind) == 256, "layout");
_Static_assert(offsetof(shmrpci_participant_block, arena) == 1024, "layout");
_Static_assert(sizeof(shmrpci_participant_block) == 2048, "layout");

typedef enum shmrpci_span_state {
    SHMRPCI_SPAN_FREE,
    SHMRPCI_SPAN_CLAIMED,
    SHMRPCI_SPAN_HEAD,
    SHMRPCI_SPAN_TAIL
} shmrpci_span_state;

static inline uint32_t shmrpci_span_entry(shmrpci_span_state state,
                                          uint32_t owner, uint16_t note)
{
    return (uint32_t)state | owner << 2 | (uint32_t)note << 16;
}

static inline shmrpci_span_state shmrpci_span_state_of(uint32_t entry)
{
    return (shmrpci_span_state)(entry & 3u);
}

static inline uint32_t shmrpci_span_owner(uint32_t entry)
{
    return entry >> 2 & 0x3FFFu;
}

static inline uint16_t shmrpci_span_note(uint32_t entry)
{
    return (uint16_t)(entry >> 16);
}

#endif
