/*
 * Regions: files and memory files that processes share, with participants,
 * spans, and repair after a death.  A region knows no object and no name: its
 * file is opened by others (runtime/objects), and what lies in it is its kind's
 * (ring, table).
 *
 * Invariants: nothing is touched before it is paid for, so that a full disk or
 * memory is a status, never SIGBUS; a span has one owner; whatever a dead
 * participant had not finished is finished or taken back by its heir, which is
 * whoever attaches as the same number, or buries it.
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

/* What a creator asks for. */
typedef struct shmrpci_region_spec {
    const char *name; /* for people and for comparing; copied */
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

/* Told of a block while a region is judged. */
typedef void shmrpci_block_visit(void *to, uint64_t offset);

/* What a kind knows of its own structures. Those that use no arenas leave what
 * is said of blocks NULL. */
typedef struct shmrpci_region_kind {
    /* Whether the run that begins at `offset` is reachable from the roots. NULL
     * if the kind takes no runs. */
    bool (*is_reachable)(void *user, const shmrpci_region *region,
                         uint64_t offset);
    /* Finishes or takes back what `participant`, which is dead, was at; before
     * its journal of spans is looked at. The heir acts as the dead one: what it
     * takes and gives back here are the dead one's blocks. May be NULL. */
    void (*inherit)(void *user, shmrpci_region *region, uint32_t participant);
    /* Looks up what participants use at this moment, for is_used. */
    void (*survey)(void *user, const shmrpci_region *region);
    /* Whether the block at `offset`, which became unreachable by `change`, was
     * in use at the survey. */
    bool (*is_used)(void *user, const shmrpci_region *region, uint64_t offset,
                    uint64_t change);
    /* Visits all blocks that are reachable, for check. A kind that uses arenas
     * has this. */
    void (*each_block)(void *user, const shmrpci_region *region,
                       shmrpci_block_visit *visit, void *to);
    void *user;
    /* Attaches for reading what is left: also of another boot, of a region that
     * was destroyed, and of a file that lacks its end. */
    bool salvages;
} shmrpci_region_kind;

/* A pin of this handle's (arena.h). */
typedef struct shmrpci_own_pin {
    uint64_t change;
    uint32_t count;
} shmrpci_own_pin;

/* Whose life the region's is: somebody who holds a byte of its file. */
typedef struct shmrpci_region_owner {
    int64_t byte;
    shmrpci_atomic_u64 looked_ticks; /* when somebody looked */
    shmrpci_atomic_u32 is_gone;
} shmrpci_region_owner;

struct shmrpci_region {
    shmrpci_region_head facts; /* checked, and private from then on */
    shmrpci_map map;
    shmrpci_region_kind kind;
    int fd;                      /* ours; -1: none */
    shmrpci_region_owner *owner; /* NULL: nobody's life */
    bool is_writer;
    uint32_t me;           /* SHMRPCI_REGION_NOBODY for readers */
    uint32_t cursor;       /* where the search for spans begins */
    shmrpci_own_pin *pins; /* in no order */
    uint32_t pin_count;
    uint32_t pin_room;
    uint64_t retired_bytes; /* since the last look at the limbo */
    uint64_t retired_count;
    uint64_t last_retired; /* the last block of our limbo, while `last_end` is
                            * where its trailer lies; NULL: look for it */
    struct shmrpci_block_trailer *last_end;
    uint64_t hoarded_bytes; /* of a list, that were of no use to others */
    bool is_regaining;
    uint32_t depot_next; /* the place where two lists were merged last */
};

static inline bool shmrpci_region_has_arenas(const shmrpci_region *region)
{
    return region->kind.each_block != NULL;
}

/*
 * How large the file of a region is to be: max_bytes of spans, rounded up to
 * whole ones, and what describes them. INVALID: the spec is out of range;
 * `error` says what of it.
 */
shmrpc_status shmrpci_region_size(const shmrpci_region_spec *spec,
                                  uint64_t *out_bytes, shmrpc_error *error);

/*
 * Makes a region of a file of zeros of that size, of which nothing needs to be
 * paid for, before anybody else can open it. EXHAUSTED.
 */
shmrpc_status shmrpci_region_format(int fd, const shmrpci_region_spec *spec,
                                    shmrpc_error *error);

/*
 * Maps a region, and takes part in it if `access` is WRITE, as a participant
 * whose number has perhaps been a dead one's, from which it inherits. The
 * descriptor is the region's from then on if it succeeds; every handle needs an
 * open file description of its own. CONTRACT: of another version of shmrpc;
 * DATA_LOSS: damaged, truncated, or of another boot; DESTROYED; EXHAUSTED: all
 * places are taken, or there is no memory for one.
 */
shmrpc_status shmrpci_region_attach(int fd, shmrpci_access access,
                                    const shmrpci_region_kind *kind,
                                    shmrpci_region *out, shmrpc_error *error);

/* Leaves properly, and closes the descriptor. A region that is all zeros but
 * for fd -1, or has been detached, is fine. */
void shmrpci_region_detach(shmrpci_region *region);

/* Inherits from all who are dead, and gives the free blocks of all who are not
 * there to those who are. Returns how many were dead. */
uint32_t shmrpci_region_bury(shmrpci_region *region);

/* `bytes` at `offset` of the spans or roots, if they lie within what has been
 * paid for, else NULL. */
void *shmrpci_region_at(const shmrpci_region *region, uint64_t offset,
                        uint64_t bytes);

static inline shmrpci_region_state *
shmrpci_region_state_of(const shmrpci_region *region)
{
    return (shmrpci_region_state *)(void *)((uint8_t *)region->map.at +
                                            SHMRPCI_REGION_STATE_OFFSET);
}

/* The block of a participant below `high`; others' are not paid for. */
static inline shmrpci_participant_block *
shmrpci_region_participant(const shmrpci_region *region, uint32_t participant)
{
    return (shmrpci_participant_block
                *)(void *)((uint8_t *)region->map.at +
                           SHMRPCI_REGION_PARTICIPANTS_OFFSET) +
           participant;
}

/* How many participants there have ever been, at most as many as there can be.
 */
uint32_t shmrpci_region_high(const shmrpci_region *region);

/* Whether a living process takes part as `participant`; our own handle does. */
bool shmrpci_region_is_alive(const shmrpci_region *region,
                             uint32_t participant);

/*
 * Takes a run of spans for at least `bytes`, with a note of the kind's, and
 * journals it: make it reachable, then call _keep. Its memory is zeros, or what
 * an earlier owner left. EXHAUSTED: `error` has needed and available bytes.
 */
shmrpc_status shmrpci_region_take(shmrpci_region *region, uint64_t bytes,
                                  uint16_t note, uint64_t *out_offset,
                                  shmrpc_error *error);
/* The run taken last is reachable now: clears the journal. */
void shmrpci_region_keep(shmrpci_region *region);
/* Journals a run that is to be freed, before it becomes unreachable. */
void shmrpci_region_intend(shmrpci_region *region, uint64_t offset);
/* Frees the run that is journalled: taken and not kept, or intended and
 * unreachable now. */
void shmrpci_region_give(shmrpci_region *region);
/* The bytes of the run that begins at `offset`; 0: none does. */
uint64_t shmrpci_region_run_bytes(const shmrpci_region *region,
                                  uint64_t offset);

/* Marks it destroyed for all who use it. */
void shmrpci_region_destroy(shmrpci_region *region);

/* The region ends with whoever holds `byte` of its file: it counts as destroyed
 * some 10 ms after that is free, at the latest. `owner` is ours, as long as the
 * region is open, and zeros before. */
void shmrpci_region_follow(shmrpci_region *region, shmrpci_region_owner *owner,
                           int64_t byte);
/* Its owner is known to be gone. */
void shmrpci_region_orphan(const shmrpci_region *region);
/* For the function below only. */
bool shmrpci_region_is_orphan(const shmrpci_region *region);

static inline bool shmrpci_region_is_destroyed(const shmrpci_region *region)
{
    return shmrpci_load_seq(&shmrpci_region_state_of(region)->destroyed) != 0 ||
           (region->owner != NULL && shmrpci_region_is_orphan(region));
}

/* ---- judging a region ---------------------------------------------------- */

/* What is wrong, and where. */
typedef void shmrpci_region_finding(void *user, uint64_t offset,
                                    const char *what);

/*
 * Looks at the head, the participants and the span table of a region that
 * nobody changes meanwhile, and asks its kind about each run; runs that are
 * neither reachable nor in a journal are findings, and so are blocks that are
 * not in exactly one place; bury the dead before. Returns how many findings.
 */
uint64_t shmrpci_region_check(const shmrpci_region *region,
                              shmrpci_region_finding *finding, void *user);

#endif
