/*
 * Holds: copies of the records that a reader of a queue with `delivery acked`
 * has taken and not acknowledged, so that its heir can push them again.
 *
 * Each participant has a station beside its lane.  Before it takes a record it
 * copies it into its station, after the holds that count, and names the record
 * in `taking`.  Then it moves the head of the record's lane, which names it as
 * the last taker, and then makes the hold count.
 *
 *     reader p                            the next reader q of that lane
 *     hold at the tail of p's holds       head names p? taking of p becomes
 *     taking = {lane, end}                WON, if it is {lane, this head}
 *     CAS head -> {end, p}                CAS head -> {its end, q}
 *     tail of the holds goes up
 *
 * So if p dies between the last two steps, either the head still names p, or
 * `taking` says WON; and if p never won, neither is true.
 *
 * A hold is HELD, then DONE (acknowledged); or MOVING while it is pushed again
 * into p's own lane, with the end that its record has there: if that lies at or
 * before the lane's tail it has been pushed.  A participant leaves as much of
 * its own lane free as its holds need, so that its heir always finds room.
 *
 *     station   0  tail    u64: bytes of holds ever made       p
 *               8  head    u64: bytes of holds ever dropped    p
 *              16  taking  u64: bits 0-47 end / 8, 48-60 lane, p; WON: others,
 *                          61 WON, 62 set                      by CAS
 *              24  held    u64: how many are HELD              p
 *             128  ring of holds: {u64 state, u64 identity (taking without
 * WON), u64 position, u64 len}, bytes; 8-aligned, never across the end
 *
 * Threading: one thread at a time for a handle.
 */
#ifndef SHMRPCI_RING_HOLD_H
#define SHMRPCI_RING_HOLD_H

#include "ring/ring.h"

typedef struct shmrpci_station {
    shmrpci_atomic_u64 tail;
    shmrpci_atomic_u64 head;
    shmrpci_atomic_u64 taking;
    shmrpci_atomic_u64 held;
    _Alignas(128) uint8_t ring[];
} shmrpci_station;

_Static_assert(offsetof(shmrpci_station, ring) == SHMRPCI_STATION_HEAD,
               "layout");

typedef enum shmrpci_hold_state {
    SHMRPCI_HOLD_HELD = 1,
    SHMRPCI_HOLD_DONE = 2,
    SHMRPCI_HOLD_MOVING = 3 /* also says where its record ends, times 8 */
} shmrpci_hold_state;

typedef struct shmrpci_hold {
    shmrpci_atomic_u64 state;
    shmrpci_atomic_u64 identity;
    shmrpci_atomic_u64 position;
    shmrpci_atomic_u64 len;
    uint8_t data[];
} shmrpci_hold;

_Static_assert(sizeof(shmrpci_hold) == 32, "layout");

/* A handle's state of its own holds. */
typedef struct shmrpci_holds {
    shmrpci_station *station;    /* NULL: not made yet */
    shmrpci_lane_writer *writer; /* of its own lane */
    uint64_t size;               /* of the ring of holds */
    uint64_t tail;
    uint64_t head;
    uint64_t need; /* room for all held records in the lane */
} shmrpci_holds;

/* Opens the holds of a participant whose lane exists; only that participant
 * uses them. `writer` is that lane's. */
void shmrpci_holds_open(shmrpci_holds *holds, const shmrpci_ring *ring,
                        shmrpci_lane_writer *writer);

/* Before a push into our own lane: sets how much must stay free for holds. */
void shmrpci_holds_spare(const shmrpci_holds *holds);

/* Whether there is room for one more record of `len` bytes in our own lane, if
 * we die. */
bool shmrpci_holds_may_take(const shmrpci_holds *holds, uint32_t len);

/* Writes a hold that does not count yet, of a record that ends at `end` in lane
 * `index`. EXHAUSTED: there is no room for it. */
shmrpc_status shmrpci_holds_prepare(shmrpci_holds *holds, uint32_t index,
                                    uint64_t end, const void *data,
                                    uint32_t len);
/* The record has been taken: makes the hold count. Returns its ticket. */
uint64_t shmrpci_holds_keep(shmrpci_holds *holds, uint32_t len);

/* Called before the head of lane `index` moves on from `word`, at position
 * `from`: the participant that it names has won the record it was taking. */
void shmrpci_holds_confirm(const shmrpci_ring *ring, uint32_t index,
                           uint64_t word, uint64_t from);

/* Drops the hold with that ticket; pushes its record again if `comes_again`.
 * INVALID: there is no such hold. */
shmrpc_status shmrpci_holds_drop(shmrpci_holds *holds, uint64_t ticket,
                                 bool comes_again);

/* Pushes all held records again. Returns how many. */
uint32_t shmrpci_holds_release_all(shmrpci_holds *holds);

/* The same for a dead participant, by its heir. */
uint32_t shmrpci_holds_inherit(const shmrpci_ring *ring, uint32_t participant);

/* Whether any participant holds records, so that a death matters soon. */
bool shmrpci_holds_are_there(const shmrpci_ring *ring);
/* Whether any participant has ever taken a record, so that a death may
 * matter. */
bool shmrpci_holds_were_taken(const shmrpci_ring *ring);
/* How many a participant holds, for people. */
uint64_t shmrpci_holds_count(const shmrpci_ring *ring, uint32_t participant);

#endif
