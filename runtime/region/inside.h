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
/* After a death: what was on its way. */
void shmrpci_arena_mend(shmrpci_region *region);
/* Gives what is free to all, as far as the depot has room. */
void shmrpci_arena_hand_over(shmrpci_region *region);
/* Whether there is anything to hand over. */
bool shmrpci_arena_has_some(const shmrpci_region *region, uint32_t participant);

#endif
