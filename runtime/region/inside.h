/*
 * What the files of this folder share.
 *
 * Threading: as region.h.
 */
#ifndef SHMRPCI_REGION_INSIDE_H
#define SHMRPCI_REGION_INSIDE_H

#include "region/arena.h"

/* The entry of a span below shmrpci_region_paid_spans. */
static inline shmrpci_atomic_u32 *
shmrpci_region_entry(const shmrpci_region *region, uint32_t span)
{
    return (shmrpci_atomic_u32 *)(void *)((uint8_t *)region->map.at +
                                          region->facts.table_offset) +
           span;
}

/* Bytes of spans that are backed by memory: what the word says, as far as it
 * can be. */
uint64_t shmrpci_region_paid(const shmrpci_region *region);
uint32_t shmrpci_region_paid_spans(const shmrpci_region *region);

/* The number of the span that begins at `offset`; false: none does. */
bool shmrpci_region_span_at(const shmrpci_region *region, uint64_t offset,
                            uint32_t *out_span);
uint64_t shmrpci_region_span_offset(const shmrpci_region *region,
                                    uint32_t span);

/* Frees what is left of the run in the journal of `participant`, unless it is
 * reachable, and clears the journal. For itself, or its heir. */
void shmrpci_region_settle(shmrpci_region *region, uint32_t participant);

/* Takes the place of a participant that is free or dead. EXHAUSTED. */
shmrpc_status shmrpci_region_join(shmrpci_region *region, shmrpc_error *error);
void shmrpci_region_leave(shmrpci_region *region);

/* ---- arenas: all of the participant that the handle is, or acts as --------
 */

shmrpci_arena_root *shmrpci_arena_of(const shmrpci_region *region);

/* Of a class: its blocks, with their trailers. */
static inline uint64_t shmrpci_class_bytes(uint32_t class)
{
    return (uint64_t)(4 + class % 4) << (4 + class / 4);
}

/* How many blocks there can be: chains are no longer, or they are damaged. */
static inline uint64_t shmrpci_arena_most_blocks(const shmrpci_region *region)
{
    return shmrpci_region_paid(region) / shmrpci_class_bytes(0);
}

/* NULL: no block begins there. */
shmrpci_block_trailer *shmrpci_arena_trailer(const shmrpci_region *region,
                                             uint64_t offset);
/* Cuts up what is left of a span of the class. */
void shmrpci_arena_cut_up(shmrpci_region *region, uint32_t class);
/* Gives the spare list to all; it stays where it is if all places of the depot
 * are just being changed. */
void shmrpci_arena_push_spare(shmrpci_region *region, uint32_t class);
/* How long the lists are, which a death, or taking blocks out of the middle,
 * leaves unknown. */
void shmrpci_arena_recount(shmrpci_region *region);
/* How many bytes of a class a list has before it is shared with others. */
uint64_t shmrpci_arena_most_listed(const shmrpci_region *region);
/* Fills the spare list, which is empty: with all of the list, or, where that
 * has grown long, with a piece of it, so that several can have some. */
void shmrpci_arena_fill_spare(shmrpci_region *region, uint32_t class);
/* Gives all that is in the lists to the depot. */
void shmrpci_arena_share(shmrpci_region *region, uint32_t class);
/* As the next, but the depot gets back what is too much. */
bool shmrpci_arena_take_piece(shmrpci_region *region, uint32_t class);
/* Adds blocks of the depot to the list; false: there are none. */
bool shmrpci_arena_take_depot(shmrpci_region *region, uint32_t class);
/* Makes spans of which all blocks are free to spans that anybody can take.
 * False: there were none. */
bool shmrpci_arena_regain(shmrpci_region *region);
/* Takes the blocks of a span, which is journalled, out of the lists. */
void shmrpci_arena_forget(shmrpci_region *region, uint32_t span);

/* Whether a note is an arena's, and whether a run that it noted is its own. */
bool shmrpci_arena_is_note(uint16_t note);
bool shmrpci_arena_owns(const shmrpci_region *region, uint64_t offset,
                        uint16_t note);
/* Class of the block that begins at `offset`, SHMRPCI_CLASS_COUNT for a large
 * one, and its bytes, trailer and all; false: none does. */
bool shmrpci_arena_find(const shmrpci_region *region, uint64_t offset,
                        uint32_t *out_class, uint64_t *out_bytes);
/* What follows a block in its chain; 0: nothing, or no block is there. */
uint64_t shmrpci_arena_next(const shmrpci_region *region, uint64_t offset);
uint64_t shmrpci_arena_next_held(const shmrpci_region *region, uint64_t offset);
/* The chain in a word of the depot. */
uint64_t shmrpci_arena_depot_chain(uint64_t word);
/* After a death: what was on its way, also to and from the depot. */
void shmrpci_arena_mend_class(shmrpci_region *region, uint32_t class);
void shmrpci_arena_mend(shmrpci_region *region);
/* As a new participant: what the one before left in the limbo is looked at when
 * a block is taken, or each of many that die early would leave more. */
void shmrpci_arena_begin(shmrpci_region *region);
/* Gives what is free to all, as far as the depot has room. */
void shmrpci_arena_hand_over(shmrpci_region *region);
/* Whether there is anything to hand over. */
bool shmrpci_arena_has_some(const shmrpci_region *region, uint32_t participant);

#endif
