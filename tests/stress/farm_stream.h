/*
 * The streams of the farm: conversations whose items are derived from the
 * number of the call, so that each side can check what it receives.
 *
 * Threading: one thread. A detached conversation belongs to the thread that
 * steps it.
 */
#ifndef SHMRPCI_TESTS_STRESS_FARM_STREAM_H
#define SHMRPCI_TESTS_STRESS_FARM_STREAM_H

#include "transport/transport.h"

/* No wait for the other side takes this long. */
#define FARM_HANG_NS (60 * SHMRPCI_NS_PER_S)

/* Writes the bytes of an item or reply, which are derived from its number. */
void farm_fill(uint8_t *at, size_t len, uint64_t number);

typedef struct farm_talk {
    shmrpci_conn *conn;
    const void *order; /* the request, which begins with the number */
    size_t order_len;
    uint32_t method;
    uint64_t number;
    uint64_t random;
    bool is_withdrawn; /* the call has not run */
    bool is_wrong;     /* an item, or the number of items, is wrong */
} farm_talk;

/* Runs the client's side. Returns how its call ended; CANCELLED means that it
 * was given up. */
int farm_stream_talk(farm_talk *talk);

/* Runs the worker's side, which answers, or leaves the call to farm_later.h.
 * Returns false if an item was wrong. */
bool farm_stream_serve(shmrpci_request *request, uint64_t number);

/* ---- the worker's side when detached: nothing waits ---------------------- */

typedef struct farm_late_talk farm_late_talk;

/* Detaches the call. Returns NULL, with nothing changed, if that is not
 * possible. */
farm_late_talk *farm_late_talk_begin(shmrpci_request *request,
                                     shmrpci_stream *stream, uint64_t number);
/* Sends and receives as much as possible. Returns false if nothing was done. */
bool farm_late_talk_step(farm_late_talk *talk);
bool farm_late_talk_is_over(const farm_late_talk *talk);
/* Called before a sleep on the words in `on`. Returns false if there is
 * something to do. */
bool farm_late_talk_arm(farm_late_talk *talk, shmrpci_atomic_u32 *bell,
                        shmrpci_futex_on *on, size_t *count);
void farm_late_talk_disarm(farm_late_talk *talk);
shmrpci_atomic_u32 *farm_late_talk_alarm(farm_late_talk *talk);
/* Answers the call, and frees `talk`. Returns false if an item was wrong. */
bool farm_late_talk_end(farm_late_talk *talk);

#endif
