/*
 * The layout of a table in its region, as a file format: an index over records
 * that never change. Little-endian, LP64.
 *
 * Roots (region/layout.h), words with different writers 128 bytes apart:
 *
 *     offset  what                                         who writes it
 *          0  turn: seq 48 | participant 15 | BUSY 1       CAS
 *        128  root: generation 16 | log2 8 | table 40      CAS
 *        256  bell: u32, count 31 | SLEEPERS 1             CAS
 *        384  helped: u64, changes finished by others      add
 *        392  when the last snapshot was written, in ns    who wrote it
 *             since 1970
 *        400  how many snapshots failed                    add
 *        512  log: u64[n]: seq / n 24 | block 40           CAS
 *
 * Blocks are numbered by their offset in units of 16 bytes (40 bits: 16 TiB); 0
 * is none. Each begins with a shmrpci_record and is constant from its commit
 * until it is retired:
 *
 *     record     key; value from the next multiple of 8; footer from the next
 *     tombstone  the same without a value: its key was deleted
 *     table      prev, base, winner, state; index: u64[2^log2];
 *                order: u32[3/4 of that]
 *     list       count, entries: of a change with several parts
 *
 * Word of the index: hash 16 | 0 7 | DEAD 1 | record 40. A slot is used once
 * until the table is replaced: it leads to the newest record of a key and,
 * after the key was deleted, with DEAD set, to its tombstone. order[i] is slot
 * + 1 of the ith insertion. state is {tail 32, live 32}: the number of
 * insertions, and how many of their slots are not DEAD. A record's number in
 * the order of all insertions is base + i. The record that replaces it gets the
 * same number.
 *
 * A change: prepared in private, then
 *
 *     CAS turn {s, p, -} -> {s + 1, me, BUSY}     committed: what I read is
 *                                                 current, as s is unchanged
 *     apply: each step is a CAS that fails if it has been done
 *     CAS turn {s + 1, me, BUSY} -> {s + 1, me, -}
 *
 * My descriptor (shmrpci_table_change) says what to do, so that the next
 * participant can finish the change: nobody waits for a stopped or dead
 * process. A block is free again when no descriptor and no hazard names it, and
 * no pin is older than the change that retired it.
 */
#ifndef SHMRPCI_TABLE_LAYOUT_H
#define SHMRPCI_TABLE_LAYOUT_H

#include "region/layout.h"
#include "sync/atomic.h"

#define SHMRPCI_TABLE_LOG_MAX  ((uint32_t)1 << 20)
#define SHMRPCI_TABLE_LOG2_MIN 5u
#define SHMRPCI_TABLE_LOG2_MAX 30u
#define SHMRPCI_TABLE_KEY_MAX  ((size_t)65535)

/* Indices of region.facts.limits. */
enum { SHMRPCI_TABLE_LIMIT_LOG, SHMRPCI_TABLE_LIMIT_CAPACITY };

typedef struct shmrpci_table_roots {
    _Alignas(128) shmrpci_atomic_u64 turn;
    _Alignas(128) shmrpci_atomic_u64 root;
    _Alignas(128) shmrpci_atomic_u32 bell;
    _Alignas(128) shmrpci_atomic_u64 helped;
    shmrpci_atomic_u64 snapshot_ns;
    shmrpci_atomic_u64 snapshot_failures;
    _Alignas(128) shmrpci_atomic_u64 log[];
} shmrpci_table_roots;

_Static_assert(offsetof(shmrpci_table_roots, log) == 512, "layout");

typedef enum shmrpci_record_kind {
    SHMRPCI_RECORD_VALUE = 1,
    SHMRPCI_RECORD_TOMBSTONE,
    SHMRPCI_RECORD_TABLE,
    SHMRPCI_RECORD_LIST,
    SHMRPCI_RECORD_NEST, /* record of a key whose value is a shmrpci_nest_ref */
    SHMRPCI_RECORD_NODE  /* has no key: part of a nest, or bytes */
} shmrpci_record_kind;

/* The head of a block. Its fields are atomic, since readers may still look at
 * it when it is reused. */
typedef struct shmrpci_record {
    shmrpci_atomic_u64 id;        /* unique; odd while it is being written */
    shmrpci_atomic_u32 committed; /* see arena.h */
    shmrpci_atomic_u32 value_len;
    shmrpci_atomic_u64 stamp; /* the change that made it reachable */
    shmrpci_atomic_u32 hash;
    union {
        struct {
            shmrpci_atomic_u16 key_len;
            shmrpci_atomic_u16 kind;
        };
        shmrpci_atomic_u32 shape; /* key_len and kind combined, for quick
                                   * comparisons */
    };
} shmrpci_record;

_Static_assert(sizeof(shmrpci_record) == 32, "layout");
_Static_assert(offsetof(shmrpci_record, committed) == 8, "arena.h");
_Static_assert(offsetof(shmrpci_record, shape) == 28, "layout");

typedef struct shmrpci_record_footer {
    shmrpci_atomic_u64 prev;  /* block of the replaced record */
    shmrpci_atomic_u64 order; /* its number among all insertions */
} shmrpci_record_footer;

typedef struct shmrpci_table_block {
    shmrpci_record record;
    shmrpci_atomic_u64 prev; /* the root word that this table's replaced */
    shmrpci_atomic_u64 base;
    /* For a REHASH: the block that has become the root, perhaps a helper's; 0
     * until then. */
    shmrpci_atomic_u64 winner;
    uint64_t reserve;
    shmrpci_atomic_u64 state;
    uint64_t reserve2[7];
    shmrpci_atomic_u64 index[];
} shmrpci_table_block;

_Static_assert(offsetof(shmrpci_table_block, state) == 64, "layout");
_Static_assert(offsetof(shmrpci_table_block, index) == 128, "layout");

/*
 * A nest: a map or a list with any number of items, each of which may be
 * reached and replaced alone. It is a tree of constant blocks with all leaves
 * at the same depth: a change makes new blocks on the path from the root to the
 * place, which share the rest with the old tree. So nothing is changed in
 * place, and a reader that has the key's record sees the whole nest as of one
 * change.
 *
 * A node is a record without a key, whose value is a shmrpci_node_head,
 * followed in a leaf by the items, in other nodes by shmrpci_nest_branch
 * entries. A list's items lie in its order, a map's in that of the hashes of
 * their keys.
 */
typedef enum shmrpci_nest_shape {
    SHMRPCI_NEST_LIST = 1,
    SHMRPCI_NEST_MAP,
    SHMRPCI_NEST_BYTES /* no tree, but one node with bytes after its head */
} shmrpci_nest_shape;

typedef struct shmrpci_nest_ref {
    uint64_t block;
    uint64_t shape;
    uint64_t count; /* number of items; for BYTES: of bytes */
    uint64_t next;  /* for a map: the number of its next insertion */
} shmrpci_nest_ref;

typedef struct shmrpci_node_head {
    uint32_t count;
    uint8_t level; /* 0: a leaf */
    uint8_t shape;
    uint16_t reserve;
} shmrpci_node_head;

typedef struct shmrpci_nest_branch {
    uint64_t block;
    uint64_t count; /* number of items below it */
    uint64_t low;   /* for a map: no hash below it is lower */
} shmrpci_nest_branch;

/* The head of an item in a leaf. In a map the head is followed by the hash and
 * the insertion number. Then come the key and the value, each from the next
 * multiple of 8. */
typedef struct shmrpci_nest_item_head {
    uint32_t value_len;
    uint16_t key_len;
    uint16_t is_ref; /* whether the value is a shmrpci_nest_ref; else it is
                      * bytes */
} shmrpci_nest_item_head;

_Static_assert(sizeof(shmrpci_nest_ref) == 32, "layout");
_Static_assert(sizeof(shmrpci_node_head) == 8, "layout");
_Static_assert(sizeof(shmrpci_nest_branch) == 24, "layout");
_Static_assert(sizeof(shmrpci_nest_item_head) == 8, "layout");

/* A part of a change. */
typedef struct shmrpci_table_part {
    shmrpci_atomic_u64 slot;
    shmrpci_atomic_u64 old; /* words of the index */
    shmrpci_atomic_u64 now;
} shmrpci_table_part;

typedef struct shmrpci_table_list {
    shmrpci_record record;
    shmrpci_atomic_u64 count;
    uint64_t reserve;
    shmrpci_table_part parts[];
} shmrpci_table_list;

typedef enum shmrpci_table_op {
    SHMRPCI_TABLE_OP_INSERT = 1,
    SHMRPCI_TABLE_OP_REPLACE,
    SHMRPCI_TABLE_OP_REMOVE,
    SHMRPCI_TABLE_OP_REHASH, /* each participant that applies it builds the new
                              * table */
    SHMRPCI_TABLE_OP_CLEAR,  /* `now` is the new root */
    SHMRPCI_TABLE_OP_MERGE,  /* `now` is the block of a list */
    /* A change below a key. `now` is the block of a list, whose first part is
     * the key's own. The other parts name blocks instead of words: `now` is a
     * new block, and `old` is one that is no longer used, together with
     * everything below it if `slot` is 1. */
    SHMRPCI_TABLE_OP_NEST
} shmrpci_table_op;

/* The old and the new block, the table, and blocks that a helper has made or
 * found. */
#define SHMRPCI_TABLE_HAZARDS 5u

/* A participant's current change, in its block of the region. A copy is valid
 * if `seq` equalled that of the turn before and after copying. */
typedef struct shmrpci_table_change {
    _Alignas(128) shmrpci_atomic_u64 seq; /* the change's number; 0: none */
    shmrpci_atomic_u64 op;
    shmrpci_atomic_u64 root; /* the root for which it was prepared */
    shmrpci_atomic_u64 slot;
    shmrpci_atomic_u64 old;
    shmrpci_atomic_u64 now;
    shmrpci_atomic_u64 state_old;
    shmrpci_atomic_u64 state_now;
    shmrpci_atomic_u64 oldest; /* REHASH: tombstones up to this one are
                                * dropped */
    /* What this participant protects from reuse while it works on another one's
     * change: the blocks in `hazards`, and all blocks that were retired at
     * `epoch` or later (0: none of these). */
    _Alignas(128) shmrpci_atomic_u64 hazards[SHMRPCI_TABLE_HAZARDS];
    shmrpci_atomic_u64 epoch;
} shmrpci_table_change;

_Static_assert(sizeof(shmrpci_table_change) <=
                   sizeof(((shmrpci_participant_block *)0)->kind),
               "a descriptor fits");

/* ---- words --------------------------------------------------------------- */

#define SHMRPCI_TURN_BUSY ((uint64_t)1)

static inline uint64_t shmrpci_turn(uint64_t seq, uint32_t participant)
{
    return seq << 16 | (uint64_t)participant << 1;
}

static inline uint64_t shmrpci_turn_seq(uint64_t turn)
{
    return turn >> 16;
}

static inline uint32_t shmrpci_turn_owner(uint64_t turn)
{
    return (uint32_t)(turn >> 1) & 0x7FFFu;
}

#define SHMRPCI_WORD_BLOCK (((uint64_t)1 << 40) - 1)
#define SHMRPCI_WORD_DEAD  ((uint64_t)1 << 40)
#define SHMRPCI_WORD_HASH  ((uint64_t)0xFFFF << 48)

/* The block named by an index word, a root, or a log entry. */
static inline uint64_t shmrpci_word_block(uint64_t word)
{
    return word & SHMRPCI_WORD_BLOCK;
}

/* The same block as a byte offset in the region. Two shifts are enough, as
 * blocks are counted in units of 16 bytes. */
static inline uint64_t shmrpci_word_offset(uint64_t word)
{
    return word << 24 >> 20;
}

/* The `shape` of a record. */
static inline uint32_t shmrpci_record_shape(size_t key_len,
                                            shmrpci_record_kind kind)
{
    return (uint32_t)key_len | (uint32_t)kind << 16;
}

static inline uint32_t shmrpci_root_log2(uint64_t root)
{
    return (uint32_t)(root >> 40) & 0xFFu;
}

static inline uint64_t shmrpci_root(uint64_t before, uint32_t log2,
                                    uint64_t block)
{
    return ((before >> 48) + 1) << 48 | (uint64_t)log2 << 40 | block;
}

static inline uint32_t shmrpci_state_tail(uint64_t state)
{
    return (uint32_t)(state >> 32);
}

static inline uint32_t shmrpci_state_live(uint64_t state)
{
    return (uint32_t)state;
}

static inline uint64_t shmrpci_state(uint32_t tail, uint32_t live)
{
    return (uint64_t)tail << 32 | live;
}

#endif
