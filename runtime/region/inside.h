/*
 * Declarations shared by the files of this folder.
 *
 * Threading: as region.h.
 */
#ifndef SHMRPCI_REGION_INSIDE_H
#define SHMRPCI_REGION_INSIDE_H

#include "region/arena.h"

/* The entry of a span in the span table. The span must be below
 * shmrpci_region_paid_spans. */
static inline shmrpci_atomic_u32 *
shmrpci_region_entry(const shmrpci_region *region, uint32_t span)
{
    return (shmrpci_atomic_u32 *)(void *)((uint8_t *)region->map.at +
                                          region->facts.table_offset) +
           span;
}

/* Bytes of spans that are backed by memory, limited to the valid range. */
uint64_t shmrpci_region_paid(const shmrpci_region *region);
uint32_t shmrpci_region_paid_spans(const shmrpci_region *region);

/* Finds the number of the span that begins at `offset`. Returns false if there
 * is none. */
bool shmrpci_region_span_at(const shmrpci_region *region, uint64_t offset,
                            uint32_t *out_span);
uint64_t shmrpci_region_span_offset(const shmrpci_region *region,
                                    uint32_t span);

/* Frees the unfinished part of the run in the journal of `participant`, unless
 * the run is reachable, and clears the journal. Called by the participant or
 * its heir. */
void shmrpci_region_settle(shmrpci_region *region, uint32_t participant);

/* Takes a participant number that is free, or whose participant is dead.
 * Returns EXHAUSTED. */
shmrpc_status shmrpci_region_join(shmrpci_region *region, shmrpc_error *error);
void shmrpci_region_leave(shmrpci_region *region);

/* ---- arenas: of the participant that the handle is, or acts as ----------- */

shmrpci_arena_root *shmrpci_arena_of(const shmrpci_region *region);

/* The size of the class's blocks, with their trailers. */
static inline uint64_t shmrpci_class_bytes(uint32_t class)
{
    return (uint64_t)(4 + class % 4) << (4 + class / 4);
}

/* The most blocks that a region can have. A longer chain is damaged. */
static inline uint64_t shmrpci_arena_most_blocks(const shmrpci_region *region)
{
    return shmrpci_region_paid(region) / shmrpci_class_bytes(0);
}

/* Returns NULL if no block begins there. */
shmrpci_block_trailer *shmrpci_arena_trailer(const shmrpci_region *region,
                                             uint64_t offset);
/* Cuts up the rest of a span of the class, into the list. */
void shmrpci_arena_cut_up(shmrpci_region *region, uint32_t class);
/* Gives the spare list to the depot. Keeps it if all places of the depot are
 * being changed. */
void shmrpci_arena_push_spare(shmrpci_region *region, uint32_t class);
/* Counts the blocks in the lists. Their lengths are unknown after a death, or
 * after blocks were taken from the middle. */
void shmrpci_arena_recount(shmrpci_region *region);
/* How many bytes of a class a list may have before it is shared. */
uint64_t shmrpci_arena_most_listed(const shmrpci_region *region);
/* Fills the empty spare list. It gets the whole list, or, if the list has grown
 * long, a piece of it, so that several participants can get blocks. */
void shmrpci_arena_fill_spare(shmrpci_region *region, uint32_t class);
/* Gives all blocks in the lists to the depot. */
void shmrpci_arena_share(shmrpci_region *region, uint32_t class);
/* Like shmrpci_arena_take_depot, but returns the surplus to the depot. */
bool shmrpci_arena_take_piece(shmrpci_region *region, uint32_t class);
/* Adds blocks of the depot to the list. Returns false if the depot has none. */
bool shmrpci_arena_take_depot(shmrpci_region *region, uint32_t class);
/* Frees spans whose blocks are all free. Returns false if there were none. */
bool shmrpci_arena_regain(shmrpci_region *region);
/* Takes the blocks of a journalled span out of the lists. */
void shmrpci_arena_forget(shmrpci_region *region, uint32_t span);

/* Whether `note` is a note of an arena. */
bool shmrpci_arena_is_note(uint16_t note);
/* Whether our arena has the run with that note, as a held block or as the rest
 * of a span. */
bool shmrpci_arena_owns(const shmrpci_region *region, uint64_t offset,
                        uint16_t note);
/* The class of the block that begins at `offset` (SHMRPCI_CLASS_COUNT for a
 * large one), and its size with trailer. Returns false if no block begins
 * there. */
bool shmrpci_arena_find(const shmrpci_region *region, uint64_t offset,
                        uint32_t *out_class, uint64_t *out_bytes);
/* The next block in the chain; 0 if there is none, or no valid block is
 * there. */
uint64_t shmrpci_arena_next(const shmrpci_region *region, uint64_t offset);
uint64_t shmrpci_arena_next_held(const shmrpci_region *region, uint64_t offset);
/* The chain in a word of the depot. */
uint64_t shmrpci_arena_depot_chain(uint64_t word);
/* Called after a death: finishes the moves of blocks that the dead participant
 * had begun, also to and from the depot. */
void shmrpci_arena_mend_class(shmrpci_region *region, uint32_t class);
void shmrpci_arena_mend(shmrpci_region *region);
/* Called for a new participant: its predecessor's limbo will be checked when a
 * block is taken. Otherwise many short-lived processes would each leave more
 * blocks in the limbo. */
void shmrpci_arena_begin(shmrpci_region *region);
/* Gives all free blocks to the depot, as far as it has room. */
void shmrpci_arena_hand_over(shmrpci_region *region);
/* Whether the participant has free blocks, which shmrpci_arena_hand_over could
 * give away. */
bool shmrpci_arena_has_some(const shmrpci_region *region, uint32_t participant);

#endif
