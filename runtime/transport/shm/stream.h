/*
 * Streams over shared memory: state and functions used by both sides.
 *
 * A call with streams is a slot with SHM_MSG_STREAMS; its rings lie in a span
 * of the client's (layout.h). Each end sleeps on the word of a ring and on an
 * alarm of its own. The alarm is raised when the other end dies without ending
 * the stream: for a client by its hang-up watcher, when the server's socket
 * hangs up; for a worker by the control loop or by the watcher of its
 * supervisor's socket. So an idle stream wakes nobody.
 *
 * Threading: as shmrpci_stream_ops.
 */
#ifndef SHMRPCI_TRANSPORT_SHM_STREAM_H
#define SHMRPCI_TRANSPORT_SHM_STREAM_H

#include "stream/end.h"
#include "sync/wait.h"
#include "transport/transport.h"

/* After a sleep of this length the end has the socket watched for a hang-up;
 * before that, it polls the socket. */
#define SHM_STREAM_SLICE_NS (40 * SHMRPCI_NS_PER_MS)
/* Longest sleep on kernels that can't wait for two words at once (before
 * 5.16). */
#define SHM_STREAM_LOOK_NS (1 * SHMRPCI_NS_PER_S)

/*
 * The delay of a reader whose writer is as fast as itself. If the reader read
 * each header while it is being written, the cache line would move back and
 * forth for every item. So the reader waits for a moment and then takes several
 * items at once. If only one item has arrived, the wait was useless, and the
 * reader tries it less and less often.
 */
typedef struct shm_stream_pace {
    uint64_t ticks;  /* how long to wait before a check; 0 if there is no
                      * delay */
    uint32_t number; /* number of the item that was next at the last wait */
    uint32_t close;  /* number of consecutive waits that ended soon */
    uint32_t tries;  /* number of such waits before the reader tries a delay */
} shm_stream_pace;

struct shmrpci_stream {
    shmrpci_stream_waiter waiter; /* of the writing end; must be the first
                                   * member */
    shmrpci_stream_waiter reader_waiter;
    shm_stream_pace pace;
    shmrpci_stream_end end;
    shmrpci_spinner *spinner; /* shared by all streams of the client or
                               * worker */
    shmrpci_atomic_u32 *alarm;
    /* Whether the peer is gone for good. */
    bool (*is_gone)(const shmrpci_stream *stream);
    /* At a worker: why `is_gone` is true: CANCELLED if the client is gone,
     * SERVER_LOST if we have lost our server, UNAVAILABLE if our streams were
     * cut. NULL at a client. */
    int (*why_gone)(const shmrpci_stream *stream);
    const shmrpci_atomic_u32 *order; /* shm_order of the worker; NULL at a
                                      * client */
    /* Makes a hang-up of the socket raise the alarm. May fail. */
    shmrpc_status (*watch)(shmrpci_stream *stream);
    /* Called before and after a sleep, which doesn't count as the owner's
     * working time. */
    void (*rest)(shmrpci_stream *stream);
    void (*resume)(shmrpci_stream *stream);
    /* Frees what `close` has not freed. */
    void (*free)(shmrpci_stream *stream);
    void *owner;     /* shm_client or shm_worker */
    bool is_trusted; /* the peer has our own user id */
    /* At a client: the state shared with the slot, and the call's slot and
     * word. */
    struct shm_client_streams *shared;
    uint32_t slot;
    uint32_t word;
};

/* Sets the members that are common to both sides; the owner sets the others. */
void shm_stream_init(shmrpci_stream *stream, const shmrpci_stream_rings *rings,
                     bool is_worker, size_t max_item_bytes,
                     shmrpci_spinner *spinner);

/* Raises an alarm: wakes the threads that sleep on it. */
void shm_stream_raise(shmrpci_atomic_u32 *alarm);

/* The operations is_taken, open and accept of shmrpci_stream_ops. */
bool shm_client_is_taken(const shmrpci_call *call);
int shm_client_open(shmrpci_call *call, const shmrpci_stream_opts *opts,
                    shmrpci_stream **out, shmrpc_error *error);
int shm_worker_accept(shmrpci_request *request, uint32_t max_places,
                      shmrpci_stream **out, shmrpc_error *error);
int shm_stream_send(shmrpci_stream *stream, const void *data, size_t len,
                    int64_t deadline_ns, bool alone);
uint64_t shm_stream_delivered(shmrpci_stream *stream);
void shm_stream_finish(shmrpci_stream *stream);
int shm_stream_next(shmrpci_stream *stream, int64_t deadline_ns,
                    shmrpci_stream_item *out);
void shm_stream_close(shmrpci_stream *stream);
extern const shmrpci_lend_ops shm_stream_lend_ops;
extern const shmrpci_pump_ops shm_stream_pump_ops;

#endif
