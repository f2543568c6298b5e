/*
 * Regions: files and memory files that processes share, with participants,
 * spans, and repair after a death. A region knows no object and no name: its
 * file is opened by others (runtime/objects), and its kind (ring, table)
 * defines what lies in it.
 *
 * Invariants: nothing is touched before it is paid for, so that a full disk or
 * memory is a status, never SIGBUS; a span has one owner; the unfinished work
 * of a dead participant is finished or undone by its heir, the process that
 * attaches with the same number, or buries it.
 *
 * Threading: attach, detach and everything that writes: one thread at a time
 * for a handle. `_at` and facts: any thread.
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
    const char *name; /* for people and for comparison; copied */
    size_t name_len;  /* 0 to 255 */
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

/* The callbacks of a kind, which knows its own structures. Kinds without arenas
 * set those for blocks to NULL. */
typedef struct shmrpci_region_kind {
    /* Whether the run that begins at `offset` is reachable from the roots. NULL
     * if the kind takes no runs. */
    bool (*is_reachable)(void *user, const shmrpci_region *region,
                         uint64_t offset);
    /* Finishes or undoes the work of `participant`, which is dead; before its
     * journal of spans is read. The heir acts as the dead one: it takes and
     * gives back the dead one's blocks. May be NULL. */
    void (*inherit)(void *user, shmrpci_region *region, uint32_t participant);
    /* Collects what participants use at this moment, for is_used. */
    void (*survey)(void *user, const shmrpci_region *region);
    /* Whether the block at `offset`, which became unreachable by `change`, was
     * in use at the survey. */
    bool (*is_used)(void *user, const shmrpci_region *region, uint64_t offset,
                    uint64_t change);
    /* Visits all reachable blocks, for check. Required for kinds with
     * arenas. */
    void (*each_block)(void *user, const shmrpci_region *region,
                       shmrpci_block_visit *visit, void *to);
    void *user;
    /* Attaches for reading only, to salvage: also a region of another boot, a
     * destroyed one, and a truncated file. */
    bool salvages;
} shmrpci_region_kind;

/* A pin of this handle (arena.h). */
typedef struct shmrpci_own_pin {
    uint64_t change;
    uint32_t count;
} shmrpci_own_pin;

/* The owner whose lifetime the region has: a process that holds a byte of its
 * file. */
typedef struct shmrpci_region_owner {
    int64_t byte;
    shmrpci_atomic_u64 looked_ticks; /* when a thread last looked */
    shmrpci_atomic_u32 is_gone;
} shmrpci_region_owner;

struct shmrpci_region {
    shmrpci_region_head facts; /* checked, and private from then on */
    shmrpci_map map;
    shmrpci_region_kind kind;
    int fd;                      /* ours; -1: none */
    shmrpci_region_owner *owner; /* NULL: it has no owner */
    bool is_writer;
    uint32_t me;           /* SHMRPCI_REGION_NOBODY for readers */
    uint32_t cursor;       /* where the search for spans begins */
    shmrpci_own_pin *pins; /* in no order */
    uint32_t pin_count;
    uint32_t pin_room;
    uint64_t retired_bytes; /* since the last look at the limbo */
    uint64_t retired_count;
    uint64_t last_retired; /* the last block of our limbo, if `last_end` points
                            * to its trailer; NULL: look it up */
    struct shmrpci_block_trailer *last_end;
    uint64_t hoarded_bytes; /* surplus of a list that could not be shared */
    bool is_regaining;
    uint32_t depot_next; /* the place where two lists were merged last */
};

static inline bool shmrpci_region_has_arenas(const shmrpci_region *region)
{
    return region->kind.each_block != NULL;
}

/*
 * Computes a region's file size: max_bytes rounded up to whole spans, plus
 * metadata. INVALID: the spec is out of range; `error` says which part.
 */
shmrpc_status shmrpci_region_size(const shmrpci_region_spec *spec,
                                  uint64_t *out_bytes, shmrpc_error *error);

/*
 * Makes a region in a file of zeros of that size, of which no memory needs to
 * be paid for yet, before any other process can open it. EXHAUSTED.
 */
shmrpc_status shmrpci_region_format(int fd, const shmrpci_region_spec *spec,
                                    shmrpc_error *error);

/*
 * Maps a region, and joins it if `access` is WRITE, perhaps with the number of
 * a dead participant, from which it then inherits. Takes over the descriptor if
 * it succeeds; every handle needs an open file description of its own.
 * CONTRACT: made by another version of shmrpc; DATA_LOSS: damaged, truncated,
 * or of another boot; DESTROYED; EXHAUSTED: all places are taken, or there is
 * no memory for one.
 */
shmrpc_status shmrpci_region_attach(int fd, shmrpci_access access,
                                    const shmrpci_region_kind *kind,
                                    shmrpci_region *out, shmrpc_error *error);

/* Leaves properly, and closes the descriptor. A region that is all zeros except
 * fd -1, or has been detached, is allowed. */
void shmrpci_region_detach(shmrpci_region *region);

/* Inherits from all dead participants, and gives their free blocks to the
 * living. Returns how many were dead. */
uint32_t shmrpci_region_bury(shmrpci_region *region);

/* The address of `bytes` at `offset` in the spans or roots, if they are paid
 * for, else NULL. */
void *shmrpci_region_at(const shmrpci_region *region, uint64_t offset,
                        uint64_t bytes);

static inline shmrpci_region_state *
shmrpci_region_state_of(const shmrpci_region *region)
{
    return (shmrpci_region_state *)(void *)((uint8_t *)region->map.at +
                                            SHMRPCI_REGION_STATE_OFFSET);
}

/* The block of a participant below `high`; the others are not paid for. */
static inline shmrpci_participant_block *
shmrpci_region_participant(const shmrpci_region *region, uint32_t participant)
{
    return (shmrpci_participant_block
                *)(void *)((uint8_t *)region->map.at +
                           SHMRPCI_REGION_PARTICIPANTS_OFFSET) +
           participant;
}

/* How many participants there have ever been, limited to the valid range. */
uint32_t shmrpci_region_high(const shmrpci_region *region);

/* Whether `participant` is a living process; true for our own handle. */
bool shmrpci_region_is_alive(const shmrpci_region *region,
                             uint32_t participant);

/*
 * Takes a run of spans for at least `bytes`, with a note for the kind, and
 * journals it: make it reachable, then call _keep. Its memory is zeros, or an
 * earlier owner's data. EXHAUSTED: `error` has needed and available bytes.
 */
shmrpc_status shmrpci_region_take(shmrpci_region *region, uint64_t bytes,
                                  uint16_t note, uint64_t *out_offset,
                                  shmrpc_error *error);
/* The run taken last is reachable now: clears the journal. */
void shmrpci_region_keep(shmrpci_region *region);
/* Journals a run that is to be freed, before it becomes unreachable. */
void shmrpci_region_intend(shmrpci_region *region, uint64_t offset);
/* Frees the journalled run: taken and not kept, or intended and now
 * unreachable. */
void shmrpci_region_give(shmrpci_region *region);
/* The size of the run that begins at `offset`; 0: none does. */
uint64_t shmrpci_region_run_bytes(const shmrpci_region *region,
                                  uint64_t offset);

/* Marks it destroyed for all its users. */
void shmrpci_region_destroy(shmrpci_region *region);

/* Ties the region to the process that holds `byte` of its file: the region
 * counts as destroyed at the latest some 10 ms after the byte is free. `owner`
 * is ours while the region is open, and zeros before. */
void shmrpci_region_follow(shmrpci_region *region, shmrpci_region_owner *owner,
                           int64_t byte);
/* Notes that its owner is gone. */
void shmrpci_region_orphan(const shmrpci_region *region);
/* For the function below only. */
bool shmrpci_region_is_orphan(const shmrpci_region *region);

static inline bool shmrpci_region_is_destroyed(const shmrpci_region *region)
{
    return shmrpci_load_seq(&shmrpci_region_state_of(region)->destroyed) != 0 ||
           (region->owner != NULL && shmrpci_region_is_orphan(region));
}

/* ---- judging a region ---------------------------------------------------- */

/* Reports a finding and its place. */
typedef void shmrpci_region_finding(void *user, uint64_t offset,
                                    const char *what);

/*
 * Checks the head, the participants and the span table of a region that nobody
 * changes meanwhile, and asks its kind about each run; runs that are neither
 * reachable nor in a journal are findings, and so are blocks that are not in
 * exactly one place; bury the dead first. Returns the number of findings.
 */
uint64_t shmrpci_region_check(const shmrpci_region *region,
                              shmrpci_region_finding *finding, void *user);

#endif
