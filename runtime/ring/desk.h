/*
 * The desk of a topic: the words that its subscribers write. The desk is part
 * of the region's roots, or a small file of its own that everyone may write to,
 * also subscribers that have mapped the topic itself read-only. Offset, bytes,
 * writer:
 *
 *     0    128          both         sleepers: u32, 1 if a subscriber may be
 *                                    asleep; publishers clear it
 *     128  128          both         room: u32, a bell for publishers
 *     256  128 x seats  subscribers  state u32 (publishers, too), pid u32,
 *                                    received u64, lost u64
 *     then row x seats  subscribers  u64 x lanes: how far each lane was read;
 *                                    rows are padded to 128 bytes
 *
 * A subscriber has seat s while it holds the kernel's lock on byte 2^42 + s of
 * the desk's file.
 *
 *     FREE --takes the byte--> TAKEN --leaves, or is found dead--> FREE
 *                              TAKEN --too slow for `block`--> EVICTED
 *
 * All zeros is an empty desk. Its bytes are hostile: garbage causes needless
 * wake-ups, or makes a publisher with `block` wait until its deadline or
 * `max_stall`.
 *
 * Threading: any thread, unless noted.
 */
#ifndef SHMRPCI_RING_DESK_H
#define SHMRPCI_RING_DESK_H

#include <stdbool.h>
#include <stdint.h>

#include "os/memory.h"
#include "shmrpc/status.h"
#include "sync/atomic.h"

#define SHMRPCI_DESK_MAX_SEATS  4096u
#define SHMRPCI_DESK_BYTE(seat) ((INT64_C(1) << 42) + (int64_t)(seat))

typedef enum shmrpci_seat_state {
    SHMRPCI_SEAT_FREE,
    SHMRPCI_SEAT_TAKEN,
    SHMRPCI_SEAT_EVICTED
} shmrpci_seat_state;

typedef struct shmrpci_seat {
    _Alignas(128) shmrpci_atomic_u32 state;
    shmrpci_atomic_u32 pid;
    shmrpci_atomic_u64 received; /* statistics, like `lost` */
    shmrpci_atomic_u64 lost;
} shmrpci_seat;

typedef struct shmrpci_desk_words {
    _Alignas(128) shmrpci_atomic_u32 sleepers;
    _Alignas(128) shmrpci_atomic_u32 room;
    shmrpci_seat seats[];
} shmrpci_desk_words;

_Static_assert(offsetof(shmrpci_desk_words, room) == 128, "layout");
_Static_assert(offsetof(shmrpci_desk_words, seats) == 256, "layout");
_Static_assert(sizeof(shmrpci_seat) == 128, "layout");

/* A desk as a handle sees it. */
typedef struct shmrpci_desk {
    shmrpci_desk_words *words; /* NULL: there is no desk, or this handle may not
                                * write to it */
    uint32_t seats;
    uint32_t lanes;
    int fd;    /* the file whose bytes stand for seats */
    bool *own; /* by seat: whether this handle has the seat, because the kernel
                * does not report our own locks; under the handle's mutex */
} shmrpci_desk;

uint64_t shmrpci_desk_bytes(uint32_t seats, uint32_t lanes);

/* The word that says how far the subscriber in `seat` has read a lane. */
shmrpci_atomic_u64 *shmrpci_desk_cursor(const shmrpci_desk *desk, uint32_t seat,
                                        uint32_t lane);

/* Takes a free seat; the caller then sets its cursors. One thread at a time.
 * Returns EXHAUSTED if there is none. */
shmrpc_status shmrpci_desk_take(shmrpci_desk *desk, uint32_t *out_seat);
void shmrpci_desk_leave(shmrpci_desk *desk, uint32_t seat);

/* Frees the seat if its subscriber is dead, and returns whether it was. One
 * thread at a time. */
bool shmrpci_desk_bury(const shmrpci_desk *desk, uint32_t seat);

#endif
