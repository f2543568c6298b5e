/*
 * One end of the streams of a call, where both ends see the same rings: passes
 * on whole items, and tells when they end.
 *
 * Not for the memory of the rings, nor for sharing them: that is the
 * transport's.
 *
 * Threading: one thread may call send and finish while another one calls next;
 * neither may do so during init, close and fini.
 */
#ifndef SHMRPCI_STREAM_END_H
#define SHMRPCI_STREAM_END_H

#include "base/buf.h"
#include "stream/ring.h"

/* The rings of a call; one of 0 bytes: the call has no stream in that
 * direction. */
typedef struct shmrpci_stream_rings {
    shmrpci_stream_ring *in;  /* for the client's items */
    shmrpci_stream_ring *out; /* for the worker's items */
    uint32_t in_bytes;        /* with their lines */
    uint32_t out_bytes;
} shmrpci_stream_rings;

typedef struct shmrpci_stream_end {
    bool is_worker;
    bool writes;
    bool reads;
    bool is_last;     /* the waiter reports that no more items will come */
    bool is_armed[2]; /* for reading, for writing */
    size_t max_item_bytes;
    shmrpci_stream_writer writer;
    shmrpci_stream_reader reader;
    shmrpci_buf pieces; /* of an item received in several parts */
} shmrpci_stream_end;

/* Size of a ring for that many bytes in flight, within the limits; 0 for 0. */
uint32_t shmrpci_stream_ring_bytes(uint32_t window);

/* Readies the memory of rings, before either end is there. */
void shmrpci_stream_rings_format(const shmrpci_stream_rings *rings);

/* Nobody serves the client any more: its items end, nobody reads. */
void shmrpci_stream_rings_lose(const shmrpci_stream_rings *rings);

/* Called after that if the worker has died: wakes the client even if no sleeper
 * is marked, as the worker may have died between clearing the mark and the
 * wake-up. */
void shmrpci_stream_rings_rouse(const shmrpci_stream_rings *rings);
/* The same when the client has gone: for the worker. */
void shmrpci_stream_rings_leave(const shmrpci_stream_rings *rings);

/* `waiter` may be NULL. */
void shmrpci_stream_end_init(shmrpci_stream_end *end,
                             const shmrpci_stream_rings *rings, bool is_worker,
                             size_t max_item_bytes,
                             shmrpci_stream_waiter *waiter);
void shmrpci_stream_end_fini(shmrpci_stream_end *end);

/* As the operations of shmrpci_stream_ops of these names. `*in_ring`: the item
 * lies where the other end can still write. DATA_LOSS also if there is no ring
 * in that direction: a lying client has left it out. */
int shmrpci_stream_end_send(shmrpci_stream_end *end, const void *data,
                            size_t len, int64_t deadline_ns, bool alone);
void shmrpci_stream_end_finish(shmrpci_stream_end *end);
uint64_t shmrpci_stream_end_delivered(shmrpci_stream_end *end);
/* As the operations of shmrpci_lend_ops of these names. */
int shmrpci_stream_end_lend(shmrpci_stream_end *end, size_t len,
                            int64_t deadline_ns, bool alone, uint8_t **out);
int shmrpci_stream_end_commit(shmrpci_stream_end *end, size_t len);
void shmrpci_stream_end_abort(shmrpci_stream_end *end);
int shmrpci_stream_end_next(shmrpci_stream_end *end, int64_t deadline_ns,
                            const uint8_t **data, size_t *len, bool *in_ring);
/* As the operations of shmrpci_pump_ops of these names. */
int shmrpci_stream_end_take(shmrpci_stream_end *end, const uint8_t **data,
                            size_t *len, bool *is_last);
int shmrpci_stream_end_put(shmrpci_stream_end *end, const void *data,
                           size_t len, bool is_last, size_t *out_sent);
bool shmrpci_stream_end_arm(shmrpci_stream_end *end, bool takes, bool puts,
                            shmrpci_futex_on on[2], size_t *out_count);
void shmrpci_stream_end_disarm(shmrpci_stream_end *end);
bool shmrpci_stream_end_arm_close(shmrpci_stream_end *end, shmrpci_futex_on *on,
                                  size_t *out_count);
/* Closes the end, but frees nothing. */
void shmrpci_stream_end_close(shmrpci_stream_end *end);

#endif
