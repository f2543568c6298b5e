/* clang-format off */
/*
 * The layout of shared memory that client and server agree on, like a file
 * format. Little-endian, LP64. Any change here changes SHM_LAYOUT_VERSION.
 *
 * Block, one for each connection: a sealed memory file (52 KiB) made by the
 * server. Client and workers map it for writing:
 *
 *     offset  size   what
 *          0    64   head: magic, version, sizes; the server writes it once
 *        512   512   extents: a u64 word for each, who uses it; [0] unused
 *       1024   128   pending: u64 bitmap, a hint that slots may hold requests
 *       1152    64   closed: u32; the server writes 1 when it goes
 *       1216     8   armed: u32, not 0 while the client sleeps on its control
 *                    socket; the client increments it, the server clears it
 *       1224    56   sleepers: u64 bitmap of the slots on whose words the
 *                    client sleeps; the client writes it
 *       1280 16384   64 slots of 256 bytes
 *      17664  rest   arena: spans of larger requests and replies, allocated
 *                    only by the client, from lists in its private memory
 *
 * Slot. A message of up to 40 bytes shares one cache line with its head, so a
 * call moves one line in each direction:
 *
 *     offset  size   what
 *          0     4   word: generation (16) | state (16); a futex
 *          4     2   request: method
 *          6     2   message flags (8) | CPU of the sender, low bits (8)
 *          8     4   length of the body
 *         12     4   reply: status; request: when it was submitted, in ticks,
 *                    the 32 bits from bit SHM_STAMP_SHIFT on
 *         16     8   request: time left, in ns; reply to a client that slept:
 *                    when the reply was there, in ticks
 *         24   232   payload
 *
 * The payload is the body, unless flags say otherwise:
 *     request, STREAMS:    begins with the place of its rings, 24 bytes
 *     request, BODY_SPAN:  span of the body, then (if REPLY_SPAN) span for
 *                          the reply
 *     request, REPLY_SPAN  alone: span for the reply, then the body
 *     reply, BODY_SPAN:    span of the body
 * METADATA: the body begins with a metadata block (rpc/metadata.h).
 * A span is {u32 region, u32 size, u64 offset}. Region 0 is the arena. Regions
 * from 1 on are extents: memory files that the server made because the client
 * asked for one, or to place a reply there. A side reads every span and every
 * length once, and checks it against sizes in private memory before use.
 *
 * Rings of streams are {span, u32 in, u32 out}: `in` bytes of the span hold
 * what the client sends, the next `out` bytes what it receives (stream/ring.h).
 * 0 means that there is no such stream. The memory belongs to the client, like
 * that of a request, until the call is over. The worker ends the streams before
 * it answers.
 *
 * States of a slot's word, and who changes them:
 *
 *     FREE, DONE, ABORTED --client: submit--> SUBMITTED(generation + 1)
 *     SUBMITTED --client: withdraw--> FREE
 *     SUBMITTED --server: the connection ends--> FREE
 *     SUBMITTED, FREE --worker that holds the entry: complete--> DONE
 *     SUBMITTED, FREE --server: recover, the entry's holder has died--> ABORTED
 *
 * Only the ledger says who runs a call. A worker takes the ledger entry, reads
 * the word again, and if the word is still SUBMITTED holds the entry from then
 * on. A client that withdraws a call changes the word first, and then reads the
 * ledger. So one of the two sees the other, and a call that was withdrawn while
 * nobody had its entry never runs. The word of a running call does not change
 * until it is DONE, so the worker needs the cache line exclusively only once,
 * for the reply.
 *
 * Submit and complete are plain stores, because nobody else may change the word
 * then. The other changes are a compare-and-swap of the whole word, so they
 * fail if its generation has changed. The payload belongs to the client before
 * submit, after DONE or ABORTED, and when the word is FREE and nobody has the
 * entry; otherwise to the worker. The store of the word publishes it (release)
 * to the side that reads the word (acquire).
 *
 * Word of an extent: incarnation (16) | uses (32) | slot (8) | state (8). The
 * incarnation distinguishes successive extents with the same number, and is
 * sent with the descriptor. uses is a counter by which the server can tell
 * whether an extent was used meanwhile. States:
 *
 *     NONE --server: makes the extent--> CLIENT if the client asked for it,
 *                                         REPLY if it is for a reply
 *     IDLE --client: allocates its first span--> CLIENT
 *     IDLE --worker: places the reply on `slot`--> REPLY
 *     CLIENT --client: frees its last span--> IDLE (uses + 1)
 *     REPLY --client: the call is over--> IDLE (uses + 1)
 *     REPLY --client: keeps the reply after its call--> CLIENT
 *     REPLY --server: recover, the worker died before DONE--> IDLE
 *     IDLE --server: idle for long, or quota is short--> RETIRED
 *     RETIRED --server--> NONE, its memory is freed; or IDLE again, if a call
 *                         uses it after all (its client lies)
 *
 * Each change is a compare-and-swap of the whole word. The word says who may
 * use an extent; whether the extent is mapped is each side's private knowledge.
 * A client that overwrites these words damages only its own calls.
 *
 * Ledger, one for each connection: a page that only the server's processes can
 * write, so it is the authority for claims even if a client overwrites its
 * block. It has 64 entries of 64 bytes. A client reads one word of an entry
 * when it withdraws a call or has waited for long:
 *
 *     offset  size   what
 *          0     4   held: 0 if nobody holds the entry, else generation (16) |
 *                    owner (8) | how (8): TRIES, about to check the slot's
 *                    word again; HOLDS, runs the call; KEEPS, has detached it
 *          4     4   ended: generation of the last call whose streams were
 *                    ended, as its slot no longer names them; written by the
 *                    holder
 *          8     8   uses: u64 bitmap of the extents that the holder reads or
 *                    writes, 0 when nobody holds the entry; written by the
 *                    holder and by the thread that grants it an extent. Bit 0:
 *                    the call has streams
 *         16     4   live: the extent that now has this entry's number, as its
 *                    incarnation + 1, or 0; written by the control loop
 *         20     4   closed: 1 when the client has hung up; written by the
 *                    control loop. `closed`, `gone` and `residual` are
 *                    used in the last entry only
 *         24     4   gone: 1 when the control loop no longer uses the
 *                    connection and nobody else may; the loop writes it last
 *         28     4   unused
 *         32     8   residual: u64 bitmap of the oneway calls that the client
 *                    left; written by the control loop, workers clear bits
 *         40    24   said: spread over all entries, what the client said at
 *                    hello: u16 length, then the bytes. The control loop
 *                    writes it before anybody else sees the ledger
 *
 * Recovery after a death: listener_recover.c for workers, listener_close.c for
 * clients.
 *
 * Status page, one for each service, read-only for clients:
 *
 *     offset  size   what
 *          0    64   head: magic, version
 *        128     8   idle: bitmap of the workers that sleep
 *        256     8   lease: a worker will check again before this tick
 *        384     8   futile: count of wake-ups after which a worker found
 *                    nothing
 *        512     4   swept: not 0 while the control loop will check extents by
 *                    itself; if 0, whoever makes an extent IDLE must tell it
 */
/* clang-format on */
#ifndef SHMRPCI_TRANSPORT_SHM_LAYOUT_H
#define SHMRPCI_TRANSPORT_SHM_LAYOUT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "sync/atomic.h"

#define SHM_LAYOUT_VERSION 9u
#define SHM_BLOCK_MAGIC    UINT64_C(0x3130636B426D6873) /* "shmBkc01" */
#define SHM_STATUS_MAGIC   UINT64_C(0x31307461746D6873) /* "shmtat01" */

#define SHM_SLOTS           64u
#define SHM_SLOT_BYTES      256u
#define SHM_PAYLOAD_BYTES   232u
#define SHM_EXTENTS_OFFSET  512u
#define SHM_PENDING_OFFSET  1024u
#define SHM_CLOSED_OFFSET   1152u
#define SHM_ARMED_OFFSET    1216u
#define SHM_SLEEPERS_OFFSET 1224u
#define SHM_SLOTS_OFFSET    1280u
#define SHM_ARENA_OFFSET    17664u
#define SHM_BLOCK_BYTES     53248u
#define SHM_BLOCK_MAX       ((size_t)1 << 30)

/* Extents of one connection; region numbers are 1 to SHM_EXTENTS. */
#define SHM_EXTENTS          63u
#define SHM_EXTENT_MIN_BYTES ((size_t)256 << 10)

/* Workers read the words of these slots in every scan. For the other slots they
 * rely on the pending bitmap, which costs a call one more cache line. */
#define SHM_HOT_SLOTS 4u

typedef enum shm_state {
    SHM_FREE,
    SHM_SUBMITTED,
    SHM_DONE,
    SHM_ABORTED
} shm_state;

typedef enum shm_extent_state {
    SHM_EXTENT_NONE,
    SHM_EXTENT_IDLE,
    SHM_EXTENT_CLIENT,
    SHM_EXTENT_REPLY,
    SHM_EXTENT_RETIRED
} shm_extent_state;

#define SHM_STATE_MASK UINT32_C(0x0000FFFF)
#define SHM_GEN_SHIFT  16

/* Message flags. */
#define SHM_MSG_ONEWAY     0x01u
#define SHM_MSG_DETAIL     0x02u
#define SHM_MSG_BODY_SPAN  0x04u
#define SHM_MSG_REPLY_SPAN 0x08u
#define SHM_MSG_NUMBERED   0x10u
#define SHM_MSG_TOLD       0x20u
#define SHM_MSG_METADATA   0x40u
#define SHM_MSG_STREAMS    0x80u
#define SHM_MSG_CPU_SHIFT  8

/* With a 3 GHz counter, stamps have a resolution of about 50 ns and a range of
 * about a minute and a half. */
#define SHM_STAMP_SHIFT 7

typedef struct shm_slot {
    shmrpci_atomic_u32 word;
    shmrpci_atomic_u16 method;
    shmrpci_atomic_u16 flags;
    shmrpci_atomic_u32 length;
    union {
        shmrpci_atomic_u32 stamp;  /* of the request */
        shmrpci_atomic_u32 status; /* of the reply */
    };
    union {
        shmrpci_atomic_u64 timeout_ns;
        shmrpci_atomic_u64 done_ticks;
    };
    uint8_t payload[SHM_PAYLOAD_BYTES];
} shm_slot;

/* How an entry of the ledger is held: by a worker about to claim the call, by
 * the worker that serves it, or by a worker that has detached it and serves
 * other calls meanwhile. */
typedef enum shm_hold { SHM_TRIES = 1, SHM_HOLDS, SHM_KEEPS } shm_hold;

typedef struct shm_ledger_entry {
    _Alignas(64) shmrpci_atomic_u32 held;
    /* Stored with release before the payload is overwritten; recovery
     * acquires. */
    shmrpci_atomic_u32 ended;
    /* Bitmap of the extents that the holder reads or writes; 0 when the entry
     * is free. Written by the holder, and by a thread that grants the holder an
     * extent. */
    shmrpci_atomic_u64 uses;
    /* The extent that has this entry's number now: its incarnation + 1, or 0
     * for none; unused in entry 0. The control loop writes it; a worker reads
     * it after it has noted its use of the extent. Both sides use sequentially
     * consistent accesses (listener_extent.c). */
    shmrpci_atomic_u32 live;
    /* `closed`, `gone` and `residual` are used only in the last entry, for the
     * whole connection. */
    /* The control loop sets it (release) when the client has hung up. From then
     * on workers (acquire) take only the slots in `residual`: oneway calls that
     * were submitted before. */
    shmrpci_atomic_u32 closed;
    /* The control loop stores it last (release): it no longer uses the
     * connection, and nobody else may. Workers acquire. */
    shmrpci_atomic_u32 gone;
    shmrpci_atomic_u64 residual;
    uint8_t said[24];
} shm_ledger_entry;

/* The entry that also holds the state of the whole connection. Its slot is the
 * last, so it is rarely used. */
#define SHM_WHOLE (SHM_SLOTS - 1)

/* One page, to keep idle connections small. */
typedef struct shm_ledger {
    shm_ledger_entry entries[SHM_SLOTS];
} shm_ledger;

typedef struct shm_span {
    uint32_t region;
    uint32_t size;
    uint64_t offset;
} shm_span;

/* The place of a call's rings, at the start of a request's payload. */
typedef struct shm_streams {
    shm_span span;
    uint32_t in_bytes;
    uint32_t out_bytes;
} shm_streams;

/* The bit of `uses` that stands for the call's streams instead of an extent. */
#define SHM_USES_STREAMS UINT64_C(1)

typedef struct shm_block_head {
    uint64_t magic;
    uint32_t version;
    uint32_t slots;
    uint64_t bytes;
    uint64_t arena_offset;
    uint64_t reserved[4];
} shm_block_head;

typedef struct shm_status_page {
    uint64_t magic;
    uint32_t version;
    uint32_t reserved;
    _Alignas(128) shmrpci_atomic_u64 idle;
    _Alignas(128) shmrpci_atomic_u64 lease;
    _Alignas(128) shmrpci_atomic_u64 futile;
    _Alignas(128) shmrpci_atomic_u32 swept;
} shm_status_page;

_Static_assert(sizeof(shm_slot) == SHM_SLOT_BYTES, "slot");
_Static_assert(offsetof(shm_slot, word) == 0, "slot.word");
_Static_assert(offsetof(shm_slot, method) == 4, "slot.method");
_Static_assert(offsetof(shm_slot, flags) == 6, "slot.flags");
_Static_assert(offsetof(shm_slot, length) == 8, "slot.length");
_Static_assert(offsetof(shm_slot, stamp) == 12, "slot.stamp");
_Static_assert(offsetof(shm_slot, timeout_ns) == 16, "slot.timeout_ns");
_Static_assert(offsetof(shm_slot, payload) == 24, "slot.payload");
_Static_assert(sizeof(shm_ledger) == SHM_SLOTS * 64u, "ledger");
_Static_assert(sizeof(shm_ledger_entry) == 64, "entry");
_Static_assert(offsetof(shm_ledger_entry, held) == 0, "entry.held");
_Static_assert(offsetof(shm_ledger_entry, uses) == 8, "entry.uses");
_Static_assert(offsetof(shm_ledger_entry, live) == 16, "entry.live");
_Static_assert(offsetof(shm_ledger_entry, closed) == 20, "entry.closed");
_Static_assert(offsetof(shm_ledger_entry, gone) == 24, "entry.gone");
_Static_assert(offsetof(shm_ledger_entry, residual) == 32, "entry.residual");
_Static_assert(offsetof(shm_ledger_entry, ended) == 4, "entry.ended");
_Static_assert(sizeof(shm_span) == 16, "span");
_Static_assert(sizeof(shm_streams) == 24, "streams");
_Static_assert(sizeof(shm_block_head) == 64, "block head");
_Static_assert(offsetof(shm_status_page, idle) == 128, "status.idle");
_Static_assert(offsetof(shm_status_page, lease) == 256, "status.lease");
_Static_assert(offsetof(shm_status_page, futile) == 384, "status.futile");
_Static_assert(offsetof(shm_status_page, swept) == 512, "status.swept");
_Static_assert(SHM_EXTENTS_OFFSET + (SHM_EXTENTS + 1) * 8 <= SHM_PENDING_OFFSET,
               "words of extents");
_Static_assert(SHM_SLOTS_OFFSET % SHM_SLOT_BYTES == 0, "slots aligned");
_Static_assert(SHM_SLOTS_OFFSET + SHM_SLOTS * SHM_SLOT_BYTES ==
                   SHM_ARENA_OFFSET,
               "arena follows slots");
_Static_assert(sizeof(shmrpci_atomic_u32) == 4 &&
                   sizeof(shmrpci_atomic_u64) == 8,
               "atomics are plain words");

/* Sent in HELLO; equal if both sides were built with the same layout. */
#define SHM_LAYOUT_HASH                                                \
    (SHM_LAYOUT_VERSION << 24 | SHM_HOT_SLOTS << 16 | SHM_SLOTS << 8 | \
     SHM_PAYLOAD_BYTES)

static inline uint32_t shm_stamp(uint64_t ticks)
{
    return (uint32_t)(ticks >> SHM_STAMP_SHIFT);
}

/* How many ticks before `now` the stamp was made; 0 if the stamp lies in the
 * future, as the peer's clock may be slightly ahead or the stamp false. */
static inline uint64_t shm_stamp_age(uint32_t stamp, uint64_t now)
{
    int32_t age = (int32_t)(shm_stamp(now) - stamp);
    return age > 0 ? (uint64_t)age << SHM_STAMP_SHIFT : 0;
}

static inline uint32_t shm_word(uint32_t gen, shm_state state)
{
    return gen << SHM_GEN_SHIFT | (uint32_t)state;
}

static inline uint32_t shm_word_state(uint32_t word)
{
    return word & SHM_STATE_MASK;
}

static inline uint32_t shm_word_gen(uint32_t word)
{
    return word >> SHM_GEN_SHIFT;
}

/* `word` changed to another state, with the same generation. */
static inline uint32_t shm_word_moved(uint32_t word, shm_state state)
{
    return (word & ~SHM_STATE_MASK) | (uint32_t)state;
}

static inline uint32_t shm_held(uint32_t gen, uint32_t owner, shm_hold how)
{
    return gen << SHM_GEN_SHIFT | owner << 8 | (uint32_t)how;
}

static inline uint32_t shm_held_owner(uint32_t held)
{
    return held >> 8 & 0xFFu;
}

static inline shm_hold shm_held_how(uint32_t held)
{
    return (shm_hold)(held & 0xFFu);
}

/* Whether a worker has claimed the call, which then counts as run. */
static inline bool shm_held_is_claimed(uint32_t held)
{
    return shm_held_how(held) >= SHM_HOLDS;
}

/* Whether an entry is held for the call whose slot word is `word`. */
static inline bool shm_held_for(uint32_t held, uint32_t word)
{
    return held != 0 && (held ^ word) >> SHM_GEN_SHIFT == 0;
}

static inline uint64_t shm_extent_word(uint32_t incarnation,
                                       shm_extent_state state, uint32_t slot)
{
    return (uint64_t)incarnation << 48 | (uint64_t)(slot & 0xFFu) << 8 |
           (uint64_t)state;
}

static inline uint32_t shm_extent_state_of(uint64_t word)
{
    return (uint32_t)(word & 0xFFu);
}

static inline uint32_t shm_extent_slot_of(uint64_t word)
{
    return (uint32_t)(word >> 8 & 0xFFu);
}

static inline uint32_t shm_extent_incarnation_of(uint64_t word)
{
    return (uint32_t)(word >> 48);
}

/* `word` changed to another state and `slot`, with the same incarnation and
 * uses. */
static inline uint64_t shm_extent_moved(uint64_t word, shm_extent_state state,
                                        uint32_t slot)
{
    return (word & ~UINT64_C(0xFFFF)) | (uint64_t)(slot & 0xFFu) << 8 |
           (uint64_t)state;
}

/* `word` changed to IDLE, with one more use. */
static inline uint64_t shm_extent_used(uint64_t word)
{
    uint64_t uses = (word >> 16 & UINT32_MAX) + 1;
    return (word & ~(UINT64_C(0xFFFFFFFFFFFF))) | (uses & UINT32_MAX) << 16 |
           (uint64_t)SHM_EXTENT_IDLE;
}

/* Whether [offset, offset + length) lies within `bytes`. */
static inline int shm_is_within(uint64_t offset, uint64_t length,
                                uint64_t bytes)
{
    return length <= bytes && offset <= bytes - length;
}

#endif
