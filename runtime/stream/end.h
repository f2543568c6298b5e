/*
 * One end of the streams of a call, for transports where both ends see the same
 * rings: passes whole items, and reports when they end.
 *
 * The transport allocates the memory of the rings and shares it; this module
 * does neither.
 *
 * Threading: one thread may call send and finish while another one calls next.
 * Neither may happen during init, close or fini.
 */
#ifndef SHMRPCI_STREAM_END_H
#define SHMRPCI_STREAM_END_H

#include "base/buf.h"
#include "stream/ring.h"

/* The rings of a call. A size of 0 bytes means that the call has no stream in
 * that direction. */
typedef struct shmrpci_stream_rings {
    shmrpci_stream_ring *in;  /* for the client's items */
    shmrpci_stream_ring *out; /* for the worker's items */
    uint32_t in_bytes;        /* size of the ring, including its two header
                               * lines */
    uint32_t out_bytes;
} shmrpci_stream_rings;

typedef struct shmrpci_stream_end {
    bool is_worker;
    bool writes;
    bool reads;
    bool is_last;     /* the waiter has reported that no more items will come */
    bool is_armed[2]; /* [0]: for reading, [1]: for writing */
    size_t max_item_bytes;
    shmrpci_stream_writer writer;
    shmrpci_stream_reader reader;
    shmrpci_buf pieces; /* the parts received so far of an item in several
                         * pieces */
} shmrpci_stream_end;

/* The size of a ring for `window` bytes in flight, clamped to the size limits;
 * 0 if `window` is 0. */
uint32_t shmrpci_stream_ring_bytes(uint32_t window);

/* Initializes the rings, before either end uses them. */
void shmrpci_stream_rings_format(const shmrpci_stream_rings *rings);

/* Called when nobody serves the client any more: ends the worker's items, and
 * tells the client that nobody reads the client's items. */
void shmrpci_stream_rings_lose(const shmrpci_stream_rings *rings);

/* Called after shmrpci_stream_rings_lose if the worker has died. Wakes the
 * client even if the rings show no sleeper, as the worker may have died between
 * clearing that mark and the wake-up. */
void shmrpci_stream_rings_rouse(const shmrpci_stream_rings *rings);
/* Called when the client has gone: ends the client's items, and tells the
 * worker that nobody reads the worker's items. */
void shmrpci_stream_rings_leave(const shmrpci_stream_rings *rings);

/* `waiter` may be NULL. */
void shmrpci_stream_end_init(shmrpci_stream_end *end,
                             const shmrpci_stream_rings *rings, bool is_worker,
                             size_t max_item_bytes,
                             shmrpci_stream_waiter *waiter);
void shmrpci_stream_end_fini(shmrpci_stream_end *end);

/* As the operations of shmrpci_stream_ops with these names. `*in_ring` is true
 * if the item lies where the peer can still write. Also return DATA_LOSS if
 * there is no ring in that direction, which happens when a lying client left it
 * out. */
int shmrpci_stream_end_send(shmrpci_stream_end *end, const void *data,
                            size_t len, int64_t deadline_ns, bool alone);
void shmrpci_stream_end_finish(shmrpci_stream_end *end);
uint64_t shmrpci_stream_end_delivered(shmrpci_stream_end *end);
/* As the operations of shmrpci_lend_ops with these names. */
int shmrpci_stream_end_lend(shmrpci_stream_end *end, size_t len,
                            int64_t deadline_ns, bool alone, uint8_t **out);
int shmrpci_stream_end_commit(shmrpci_stream_end *end, size_t len);
void shmrpci_stream_end_abort(shmrpci_stream_end *end);
int shmrpci_stream_end_next(shmrpci_stream_end *end, int64_t deadline_ns,
                            const uint8_t **data, size_t *len, bool *in_ring);
/* As the operations of shmrpci_pump_ops with these names. */
int shmrpci_stream_end_take(shmrpci_stream_end *end, const uint8_t **data,
                            size_t *len, bool *is_last);
int shmrpci_stream_end_put(shmrpci_stream_end *end, const void *data,
                           size_t len, bool is_last, size_t *out_sent);
bool shmrpci_stream_end_arm(shmrpci_stream_end *end, bool takes, bool puts,
                            shmrpci_futex_on on[2], size_t *out_count);
void shmrpci_stream_end_disarm(shmrpci_stream_end *end);
bool shmrpci_stream_end_arm_close(shmrpci_stream_end *end, shmrpci_futex_on *on,
                                  size_t *out_count);
/* Ends our items and stops reading, but frees nothing; fini does that. */
void shmrpci_stream_end_close(shmrpci_stream_end *end);

#endif
