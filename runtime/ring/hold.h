/*
 * Holds: copies of the records that a reader of a queue with `delivery acked`
 * has taken and not acknowledged, so that its heir can push them again.
 *
 * Each participant has a station beside its lane. Before it takes a record, it
 * copies the record into its station, behind the valid holds (those before
 * `tail`), and names the record in `taking`. Then it moves the head of the
 * record's lane; the new head also contains the participant's number, as the
 * last taker. Then it moves `tail`, which makes the hold valid.
 *
 *     reader p                            the next reader q of that lane
 *     hold at the tail of p's holds       if the head names p: sets WON in p's
 *     taking = {lane, end}                taking, if that is {lane, this head}
 *     CAS head -> {end, p}                CAS head -> {its end, q}
 *     tail of the holds goes up
 *
 * So if p dies between the last two steps, either the head still names p, or
 * `taking` says WON; and if p never won, neither is true.
 *
 * A hold is HELD, then DONE (acknowledged). It is MOVING while its record is
 * pushed again into p's own lane; then its state also says where the record
 * will end there. If that is at or before the lane's tail, the record has been
 * pushed. A participant leaves as much of its own lane free as its holds need,
 * so that its heir always finds room.
 *
 *     station   0  tail    u64: bytes of holds ever made       p
 *               8  head    u64: bytes of holds ever dropped    p
 *              16  taking  u64: bits 0-47 end / 8, 48-60 lane, p; WON: others,
 *                          61 WON, 62 set                      by CAS
 *              24  held    u64: how many are HELD              p
 *             128  ring of holds: {u64 state, u64 identity (taking
 *                  without WON), u64 position, u64 len}, bytes; 8-aligned,
 *                  never across the end
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
    SHMRPCI_HOLD_MOVING = 3 /* the bits above it have the record's end */
} shmrpci_hold_state;

typedef struct shmrpci_hold {
    shmrpci_atomic_u64 state;
    shmrpci_atomic_u64 identity;
    shmrpci_atomic_u64 position;
    shmrpci_atomic_u64 len;
    uint8_t data[];
} shmrpci_hold;

_Static_assert(sizeof(shmrpci_hold) == 32, "layout");

/* What a handle knows of its own holds. */
typedef struct shmrpci_holds {
    shmrpci_station *station;    /* NULL: not opened yet */
    shmrpci_lane_writer *writer; /* the writer of our own lane */
    uint64_t size;               /* bytes of the ring of holds */
    uint64_t tail;
    uint64_t head;
    uint64_t need; /* bytes that pushing all held records again would take in
                    * our own lane */
} shmrpci_holds;

/* Opens the holds of a participant that has a lane; only that participant uses
 * them. `writer` is the writer of its lane. */
void shmrpci_holds_open(shmrpci_holds *holds, const shmrpci_ring *ring,
                        shmrpci_lane_writer *writer);

/* Called before a push into our own lane: sets how much of it must stay free
 * for held records. */
void shmrpci_holds_spare(const shmrpci_holds *holds);

/* Whether our own lane has room for one more record of `len` bytes, in case we
 * die and it must be pushed again. */
bool shmrpci_holds_may_take(const shmrpci_holds *holds, uint32_t len);

/* Writes a hold of a record that ends at `end` in lane `index`. The hold is not
 * valid yet. Returns EXHAUSTED if there is no room. */
shmrpc_status shmrpci_holds_prepare(shmrpci_holds *holds, uint32_t index,
                                    uint64_t end, const void *data,
                                    uint32_t len);
/* Makes the prepared hold valid, now that the record has been taken. Returns
 * its ticket. */
uint64_t shmrpci_holds_keep(shmrpci_holds *holds, uint32_t len);

/* Called before the head of lane `index` moves on from `word`, whose position
 * is `from`. Tells the participant that `word` names that it has won the record
 * it was taking. */
void shmrpci_holds_confirm(const shmrpci_ring *ring, uint32_t index,
                           uint64_t word, uint64_t from);

/* Drops the hold with that ticket; pushes its record again if `comes_again`.
 * Returns INVALID if there is no such hold. */
shmrpc_status shmrpci_holds_drop(shmrpci_holds *holds, uint64_t ticket,
                                 bool comes_again);

/* Pushes all held records again. Returns how many there were. */
uint32_t shmrpci_holds_release_all(shmrpci_holds *holds);

/* Pushes the held records of a dead participant again, as its heir. Returns how
 * many there were. */
uint32_t shmrpci_holds_inherit(const shmrpci_ring *ring, uint32_t participant);

/* Whether any participant holds records, so that deaths should be noticed
 * soon. */
bool shmrpci_holds_are_there(const shmrpci_ring *ring);
/* Whether any participant has ever taken a record, so that a death may
 * matter. */
bool shmrpci_holds_were_taken(const shmrpci_ring *ring);
/* How many records a participant holds, for statistics. */
uint64_t shmrpci_holds_count(const shmrpci_ring *ring, uint32_t participant);

#endif
