/*
 * Regions: files and memory files that processes share, with participants,
 * spans, and repair after a death. A region has no name: runtime/objects opens
 * its file, and its kind (ring, table) defines what lies in it.
 *
 * Invariants: nothing is touched before it is paid for, so that a full disk or
 * memory is a status, never SIGBUS; a span has one owner; the unfinished work
 * of a dead participant is finished or undone by its heir, the process that
 * attaches with the same number, or buries it.
 *
 * Threading: one thread at a time for a handle may attach, detach, or call
 * anything that writes. Any thread may call shmrpci_region_at and the queries.
 */
#ifndef SHMRPCI_REGION_REGION_H
#define SHMRPCI_REGION_REGION_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "os/memory.h"
#include "region/layout.h"
#include "shmrpc/error.h"

/* The settings of a new region. */
typedef struct shmrpci_region_spec {
    const char *name; /* shown in messages, and compared; copied */
    size_t name_len;  /* at most 255 */
    uint64_t max_bytes;
    uint64_t type_hash;
    uint64_t hash_seed;
    uint64_t roots_bytes;
    uint64_t limits[4];
    uint32_t kind;
    uint32_t encoding;
    uint32_t participants; /* 1 to 4096 */
} shmrpci_region_spec;

#define SHMRPCI_REGION_NOBODY UINT32_MAX

typedef struct shmrpci_region shmrpci_region;

/* Called for each block while a region is checked. */
typedef void shmrpci_block_visit(void *to, uint64_t offset);

/* The callbacks of a kind, which knows its own structures. A kind without
 * arenas sets the callbacks for blocks to NULL. */
typedef struct shmrpci_region_kind {
    /* Whether the run that begins at `offset` is reachable from the roots. NULL
     * if the kind takes no runs. */
    bool (*is_reachable)(void *user, const shmrpci_region *region,
                         uint64_t offset);
    /* Finishes or undoes the work of `participant`, which is dead. The heir
     * acts as the dead one: it takes and gives back the dead one's blocks.
     * Called after the arena was mended; in a kind without arenas, before the
     * journal of spans is settled. May be NULL. */
    void (*inherit)(void *user, shmrpci_region *region, uint32_t participant);
    /* Collects the blocks that participants use at this moment, for is_used. */
    void (*survey)(void *user, const shmrpci_region *region);
    /* Whether the block at `offset`, which became unreachable by `change`, was
     * in use at the survey. */
    bool (*is_used)(void *user, const shmrpci_region *region, uint64_t offset,
                    uint64_t change);
    /* Visits all reachable blocks, for the check. Required for kinds with
     * arenas. */
    void (*each_block)(void *user, const shmrpci_region *region,
                       shmrpci_block_visit *visit, void *to);
    void *user;
    /* Attaches for reading only, to salvage data: also a region of another
     * boot, a destroyed one, or a truncated file. */
    bool salvages;
} shmrpci_region_kind;

/* A pin of this handle (arena.h). */
typedef struct shmrpci_own_pin {
    uint64_t change;
    uint32_t count;
} shmrpci_own_pin;

/* The process on whose lifetime the region depends; it holds a byte of the
 * region's file. */
typedef struct shmrpci_region_owner {
    int64_t byte;
    shmrpci_atomic_u64 looked_ticks; /* when a thread last looked */
    shmrpci_atomic_u32 is_gone;
} shmrpci_region_owner;

struct shmrpci_region {
    shmrpci_region_head facts; /* the checked head, private from then on */
    shmrpci_map map;
    shmrpci_region_kind kind;
    int fd;                      /* our descriptor; -1: none */
    shmrpci_region_owner *owner; /* NULL: the region has no owner */
    bool is_writer;
    uint32_t me;           /* our number; SHMRPCI_REGION_NOBODY for readers */
    uint32_t cursor;       /* where the search for spans begins */
    shmrpci_own_pin *pins; /* in arbitrary order */
    uint32_t pin_count;
    uint32_t pin_room;
    uint64_t retired_bytes; /* bytes retired since the limbo was last checked */
    uint64_t retired_count;
    uint64_t last_retired; /* the last block of our limbo, valid if `last_end`
                            * points to its trailer; NULL: look it up */
    struct shmrpci_block_trailer *last_end;
    uint64_t hoarded_bytes; /* a list longer than this is searched again for
                             * free spans */
    bool is_regaining;
    uint32_t depot_next; /* the place of the depot where two lists were merged
                          * last */
};

static inline bool shmrpci_region_has_arenas(const shmrpci_region *region)
{
    return region->kind.each_block != NULL;
}

/*
 * Computes a region's file size: max_bytes rounded up to whole spans, plus
 * metadata. Returns INVALID if the spec is out of range; `error` says which
 * part.
 */
shmrpc_status shmrpci_region_size(const shmrpci_region_spec *spec,
                                  uint64_t *out_bytes, shmrpc_error *error);

/*
 * Makes a region in a file of zeros, which has the size that
 * shmrpci_region_size gave, before any other process can open the file. The
 * memory of the file need not be paid for yet. Returns EXHAUSTED.
 */
shmrpc_status shmrpci_region_format(int fd, const shmrpci_region_spec *spec,
                                    shmrpc_error *error);

/*
 * Maps a region, and joins it if `access` is WRITE. The handle may get the
 * number of a dead participant, from which it then inherits. Takes over the
 * descriptor if it succeeds. Every handle needs an open file description of its
 * own. Returns CONTRACT if the region was made by another version of shmrpc;
 * DATA_LOSS if it is damaged, truncated, or of another boot; DESTROYED; or
 * EXHAUSTED if all places are taken, or there is no memory for one.
 */
shmrpc_status shmrpci_region_attach(int fd, shmrpci_access access,
                                    const shmrpci_region_kind *kind,
                                    shmrpci_region *out, shmrpc_error *error);

/* Leaves properly, and closes the descriptor. Allowed for a region that has
 * been detached, or is all zeros except fd -1. */
void shmrpci_region_detach(shmrpci_region *region);

/* Inherits from all dead participants, and gives their free blocks to the
 * living ones. Returns how many were dead. */
uint32_t shmrpci_region_bury(shmrpci_region *region);

/* The address of `bytes` bytes at `offset` in the spans or roots; NULL if they
 * are not paid for. */
void *shmrpci_region_at(const shmrpci_region *region, uint64_t offset,
                        uint64_t bytes);

static inline shmrpci_region_state *
shmrpci_region_state_of(const shmrpci_region *region)
{
    return (shmrpci_region_state *)(void *)((uint8_t *)region->map.at +
                                            SHMRPCI_REGION_STATE_OFFSET);
}

/* The block of a participant below `high`; other blocks are not paid for. */
static inline shmrpci_participant_block *
shmrpci_region_participant(const shmrpci_region *region, uint32_t participant)
{
    return (shmrpci_participant_block
                *)(void *)((uint8_t *)region->map.at +
                           SHMRPCI_REGION_PARTICIPANTS_OFFSET) +
           participant;
}

/* How many participant numbers were ever used, limited to the valid range. */
uint32_t shmrpci_region_high(const shmrpci_region *region);

/* Whether `participant` is a living process; true for our own handle. */
bool shmrpci_region_is_alive(const shmrpci_region *region,
                             uint32_t participant);

/*
 * Takes a run of spans for at least `bytes`, with a note for the kind, and
 * journals it. The caller makes the run reachable, and then calls
 * shmrpci_region_keep. The memory has zeros or an earlier owner's data. Returns
 * EXHAUSTED, with needed and available bytes in `error`.
 */
shmrpc_status shmrpci_region_take(shmrpci_region *region, uint64_t bytes,
                                  uint16_t note, uint64_t *out_offset,
                                  shmrpc_error *error);
/* Clears the journal: the run taken last is reachable now. */
void shmrpci_region_keep(shmrpci_region *region);
/* Journals a run that is to be freed, before it becomes unreachable. */
void shmrpci_region_intend(shmrpci_region *region, uint64_t offset);
/* Frees the journalled run: taken and not kept, or intended and now
 * unreachable. */
void shmrpci_region_give(shmrpci_region *region);
/* The size of the run that begins at `offset`; 0 if there is none. */
uint64_t shmrpci_region_run_bytes(const shmrpci_region *region,
                                  uint64_t offset);

/* Marks the region as destroyed for all its users. */
void shmrpci_region_destroy(shmrpci_region *region);

/* Ties the region to the process that holds `byte` of its file: the region
 * counts as destroyed at the latest some 10 ms after that byte is free. `owner`
 * is used as long as the region is open, and must be all zeros before. */
void shmrpci_region_follow(shmrpci_region *region, shmrpci_region_owner *owner,
                           int64_t byte);
/* Records that the owner is gone. */
void shmrpci_region_orphan(const shmrpci_region *region);
/* Only for shmrpci_region_is_destroyed below. */
bool shmrpci_region_is_orphan(const shmrpci_region *region);

static inline bool shmrpci_region_is_destroyed(const shmrpci_region *region)
{
    return shmrpci_load_seq(&shmrpci_region_state_of(region)->destroyed) != 0 ||
           (region->owner != NULL && shmrpci_region_is_orphan(region));
}

/* ---- checking a region --------------------------------------------------- */

/* Reports a finding and its place. */
typedef void shmrpci_region_finding(void *user, uint64_t offset,
                                    const char *what);

/*
 * Checks the head, the participants and the span table of a region that nobody
 * changes meanwhile, and asks its kind about each run. Findings are runs that
 * are neither reachable nor in a journal, and blocks that are not in exactly
 * one place; so bury the dead first. Returns the number of findings.
 */
uint64_t shmrpci_region_check(const shmrpci_region *region,
                              shmrpci_region_finding *finding, void *user);

#endif
