/*
 * Lock-free blocks of memory in a region, and the pins that protect readers.
 *
 * Each participant has an arena: free blocks of 28 classes, from 64 to 7168
 * bytes, cut from spans of its own, and a limbo of blocks that have become
 * unreachable, but which readers may still look at. Larger blocks are runs of
 * spans. Blocks go back to the lists of the participant that made them
 * unreachable; its surplus goes to the depot, for all.
 *
 * A block is in one place: free (a list, a spare list, the rest of a span, the
 * depot), held (taken, and nothing leads to it), reachable from the kind's
 * roots, or in a limbo.
 *
 *     free --take--> held --keep--> reachable --retire--> limbo
 *     limbo --reclaim--> free;  held --give--> free
 *
 * Its last 24 bytes belong to the arenas: the change that retired it, and two
 * links. Held blocks have a link of their own, since others may retire a block
 * that its maker still holds. Of the rest of a block the arenas write only
 * `committed`. So the head of a free block still has the kind's word, by which
 * late readers see that it is not the block they look for.
 *
 * Death: only p writes to arena p, and stores in program order, so that its
 * heir finds a prefix of its stores. If the block in `moving` is in none of the
 * places above, the heir frees it. A held block has become reachable if its
 * `committed` is set. It is 0 when the block is taken; whoever makes the block
 * reachable sets it, before anybody can make the block unreachable again. A
 * kind that retires blocks writes a note first, from which its heir repeats the
 * work: shmrpci_arena_last_retired says how far the dead one came.
 *
 * Depot: 16 words for each class, each a chain of blocks or 0:
 *
 *     0 --p: CAS--> PUSHING(p), chain --p: no longer its spare--> READY, chain
 *     READY --q: CAS--> TAKEN(q), chain --q: its list now--> 0
 *
 * Only p or its heir changes a word in the state PUSHING(p) or TAKEN(p), so an
 * heir always knows what happened. Each participant reads only its own chain,
 * so no tag against reuse (ABA) is needed. If no word is 0, p claims a word in
 * the state READY and puts its own chain in front of the chain there, so that
 * nobody keeps surplus blocks:
 *
 *     READY, d --p: CAS--> TAKEN(p), d --p: own chain leads to d--> PUSHING(p)
 *
 * If all blocks of a span are in the lists of one participant, the span can be
 * freed: the participant records the span in its journal, takes the span's
 * blocks out of the lists with one store per block, and then frees the span. An
 * heir repeats these steps.
 *
 * Pins: a reader that needs the state as of change e takes a shared lock on
 * byte PIN(e) of the file, and then checks that reclaim_limit is still at most
 * e. A reclaimer raises reclaim_limit to s and then asks the kernel for locks
 * below PIN(s). The kernel orders these calls, so that one side sees the other.
 * A pin needs no shared memory, ends with its process, and is never broken.
 *
 * Threading: one thread at a time for a handle.
 */
#ifndef SHMRPCI_REGION_ARENA_H
#define SHMRPCI_REGION_ARENA_H

#include "region/region.h"

/* The head of a block. */
typedef struct shmrpci_block_head {
    uint64_t kind; /* meaning defined by the kind */
    shmrpci_atomic_u32 committed;
} shmrpci_block_head;

/* The end of a block. */
typedef struct shmrpci_block_trailer {
    shmrpci_atomic_u64 retired; /* the change that retired it; in the depot:
                                 * number of blocks in the chain */
    shmrpci_atomic_u64 link;    /* next block of the chain; 0: none */
    shmrpci_atomic_u64 held;    /* next block of the held chain; 0: none */
} shmrpci_block_trailer;

#define SHMRPCI_BLOCK_ALIGN ((uint64_t)16)

/*
 * Takes a block with at least `bytes` for its user, and holds it. `committed`
 * in its head is 0, all else is unspecified. May free memory of dead
 * participants. Returns EXHAUSTED, with needed and available bytes in `error`,
 * and the oldest pin if that may be the reason; or DATA_LOSS.
 */
shmrpc_status shmrpci_arena_take(shmrpci_region *region, uint64_t bytes,
                                 uint64_t *out_offset, shmrpc_error *error);
/* Ends the holding of all held blocks, which are reachable now. */
void shmrpci_arena_keep(shmrpci_region *region);
/* Returns all held blocks to the arena. */
void shmrpci_arena_give(shmrpci_region *region);
/* Ends the holding of the block that was taken last, which is reachable now. */
void shmrpci_arena_keep_first(shmrpci_region *region);
void shmrpci_arena_give_first(shmrpci_region *region);
/* Keeps those held blocks that are committed, and frees the others. For the
 * heir of a dead participant, and for a kind that does not know which of its
 * held blocks became reachable. A kind whose hazards protect committed blocks
 * calls this before it clears the hazards. */
void shmrpci_arena_judge_held(shmrpci_region *region);
/* Retires a block that `change` made unreachable: it becomes free when no
 * reader can look at it any more. `change` must not decrease between calls.
 * Returns DATA_LOSS if there is no block at `offset`. */
shmrpc_status shmrpci_arena_retire(shmrpci_region *region, uint64_t offset,
                                   uint64_t change);
/* The block retired last, if it is still in the limbo, else 0. */
uint64_t shmrpci_arena_last_retired(const shmrpci_region *region);
/* Frees the retired blocks that no reader can look at; spares the newest ones
 * unless `all`. */
void shmrpci_arena_reclaim(shmrpci_region *region, bool all);

/* Usable bytes of the block that begins at `offset`; 0 if there is none. */
uint64_t shmrpci_arena_block_bytes(const shmrpci_region *region,
                                   uint64_t offset);

/* ---- pins ---------------------------------------------------------------- */

/*
 * Keeps everything that is reachable as of `change`, which must be finished.
 * Any handle may pin, also a read-only one. Pins are counted. Returns ABORTED
 * if blocks of that change may be free already; the caller then pins a newer
 * change. Else returns INVALID, EXHAUSTED or NO_MEMORY.
 */
shmrpc_status shmrpci_pin(shmrpci_region *region, uint64_t change);
void shmrpci_unpin(shmrpci_region *region, uint64_t change);
/* The oldest pin below `end`, of any handle; `end` if there is none. */
uint64_t shmrpci_pin_oldest(const shmrpci_region *region, uint64_t end);
/* Like shmrpci_pin_oldest, but for a reclaimer: after this call no new pin
 * below `end` is possible. */
uint64_t shmrpci_pin_close(shmrpci_region *region, uint64_t end);
/* The pid of a process that has this pin, 0 if unknown. Takes milliseconds. */
int shmrpci_pin_holder(const shmrpci_region *region, uint64_t change);

#endif
