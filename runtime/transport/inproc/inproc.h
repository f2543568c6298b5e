/*
 * State shared by the files of the inproc transport.
 *
 * inproc connects a client and a service of one process through heap memory,
 * one mutex per listener, and condition variables. It is the reference: nothing
 * in it is clever, and the conformance suite is checked against it. Tests of
 * user code run on it too, without sockets or shared memory.
 *
 * A hub is the place where both ends meet; it lives as long as the listener or
 * any connection.  Slots move
 *
 *     FREE -> RESERVED -> SUBMITTED -> CLAIMED -> DONE | ABORTED -> FREE
 *                            |            +-> FREE (cancelled, oneway)
 *                            +-> FREE (withdrawn)
 *
 * A slot whose call was cancelled stays CLAIMED until its worker is done, so
 * that a late reply is dropped.
 *
 * Threading: everything below is guarded by the hub's lock, but for `stops`
 * and `cut`.
 * Lock order: registry, hub.
 */
#ifndef SHMRPCI_TRANSPORT_INPROC_INPROC_H
#define SHMRPCI_TRANSPORT_INPROC_INPROC_H

#include "os/fork.h"
#include "os/semaphore.h"
#include "os/thread.h"
#include "sync/atomic.h"
#include "transport/farewell.h"
#include "transport/transport.h"

#define SHMRPCI_INPROC_SLOTS       64
#define SHMRPCI_INPROC_MAX_WORKERS 64u

typedef struct inproc_hub inproc_hub;
typedef struct inproc_conn inproc_conn;
typedef struct inproc_streams inproc_streams;

typedef enum inproc_state {
    INPROC_FREE,
    INPROC_RESERVED,
    INPROC_SUBMITTED,
    INPROC_CLAIMED,
    INPROC_DONE,
    INPROC_ABORTED
} inproc_state;

typedef struct inproc_slot {
    inproc_conn *conn;
    struct inproc_slot *next; /* in the hub's queue while SUBMITTED */
    inproc_state state;
    bool cancelled;
    bool is_detached; /* its worker serves other calls meanwhile */
    uint32_t owner;   /* worker index while CLAIMED */
    shmrpci_head head;
    int64_t deadline_ns;
    shmrpci_buf request; /* the memory is kept for the next call */
    shmrpci_buf reply;
    shmrpci_cond done;
    inproc_streams *streams; /* NULL if the call has no streams; kept until the
                              * slot is freed */
} inproc_slot;

struct inproc_conn {
    shmrpci_conn base;
    inproc_hub *hub;
    inproc_conn *next; /* in the hub's list */
    uint64_t serial;   /* number among the hub's connections, from 1 */
    bool open;         /* the client has it open */
    unsigned busy;     /* slots SUBMITTED or CLAIMED, which keep the connection
                        * alive */
    size_t max_message_bytes; /* the smaller of both sides' limits */
    shmrpc_peer peer;
    uint8_t hello[SHMRPCI_HELLO_MAX_BYTES]; /* the client's hello */
    size_t hello_len;
    shmrpci_farewell *farewell; /* NULL: its end is not reported */
    int told_fd;                /* an event descriptor; -1 until the connection
                                 * is watched */
    bool is_armed;              /* armed: set the event when a call ends */
    shmrpci_cond slot_free;
    inproc_slot slots[SHMRPCI_INPROC_SLOTS];
};

typedef struct inproc_participant {
    shmrpci_participant base;
    inproc_hub *hub;
    uint32_t index;
    bool taken;
    bool has_streams; /* this worker is in a call with streams */
} inproc_participant;

/* A client that waits in connect for the answer to its hello. */
typedef struct inproc_knock {
    struct inproc_knock *next;
    const shmrpci_connect_opts *opts;
    enum { KNOCK_QUEUED, KNOCK_RUNNING, KNOCK_ANSWERED } state;
    int status;
    shmrpci_buf welcome;
    shmrpc_error error;
    inproc_conn *conn;
    shmrpci_cond answered;
} inproc_knock;

struct inproc_hub {
    shmrpci_listener base;
    shmrpci_mutex lock;
    inproc_hub *next;    /* in the registry */
    unsigned refs;       /* one for the listener, each connection and each
                          * knock */
    uint32_t generation; /* of the process whose threads serve it */
    bool stopped;        /* run has seen `stops` */
    bool closed;
    /* Number of calls of stop, which wake linger here; 0: not stopped. */
    shmrpci_atomic_u32 stops;
    shmrpci_atomic_u32 cut; /* 1: streams of workers were ended; waiting workers
                             * are woken */
    shmrpci_semaphore wake; /* run waits here for knocks and for stop */
    shmrpci_cond work;      /* workers wait here */
    inproc_slot *queue_head;
    inproc_slot *queue_tail;
    inproc_knock *knocks;
    inproc_conn *conns;
    shmrpci_farewell *farewells; /* ends of connections that a worker must
                                  * report */
    unsigned conn_count;
    uint64_t last_serial;
    char name[64];
    char instance[64];
    uint16_t port;
    char address[160];
    shmrpci_listen_opts opts;
    inproc_participant participants[SHMRPCI_INPROC_MAX_WORKERS];
};

/* ---- inproc_call.c: calls, from both ends; inproc_watch.c ---- */

/* With the hub's lock held: ends all calls that nobody will answer. */
void shmrpci_inproc_conn_lose(inproc_conn *conn);

int shmrpci_inproc_reserve(shmrpci_conn *conn, shmrpci_call *call,
                           size_t size_hint, size_t reply_hint,
                           int64_t deadline_ns, shmrpc_error *error);
void shmrpci_inproc_abort(shmrpci_call *call);
int shmrpci_inproc_commit(shmrpci_call *call);
int shmrpci_inproc_receive(shmrpci_call *call, int64_t deadline_ns);
void shmrpci_inproc_release(shmrpci_call *call);
bool shmrpci_inproc_cancel(shmrpci_call *call);

shmrpc_status shmrpci_inproc_watch(shmrpci_conn *conn, int poll_set,
                                   uint64_t tag);
int64_t shmrpci_inproc_arm(shmrpci_conn *conn, shmrpci_call *const *calls,
                           size_t count);
void shmrpci_inproc_acknowledge(shmrpci_conn *conn);
/* With the hub's lock held: notifies the watching program, if armed. */
void shmrpci_inproc_tell(inproc_conn *conn);

int shmrpci_inproc_next(shmrpci_participant *participant,
                        shmrpci_request *request);
void shmrpci_inproc_reply_reserve(shmrpci_request *request, size_t size_hint);
void shmrpci_inproc_reply_commit(shmrpci_request *request);
void shmrpci_inproc_drop(shmrpci_request *request);
bool shmrpci_inproc_is_cancelled(const shmrpci_request *request);
bool shmrpci_inproc_is_draining(const shmrpci_request *request);
uint64_t shmrpci_inproc_connection(const shmrpci_request *request);
int shmrpci_inproc_detach(shmrpci_request *request, shmrpci_request *out);
void shmrpci_inproc_detached_end(shmrpci_request *request);
int shmrpci_inproc_watch_end(const shmrpci_request *request,
                             shmrpc_error *error);
size_t shmrpci_inproc_hello(const shmrpci_request *request,
                            uint8_t out[SHMRPCI_HELLO_MAX_BYTES]);

/* With the hub's lock held: ABORTs what worker `index` holds. */
void shmrpci_inproc_recover_slots(inproc_hub *hub, uint32_t index);

/* ---- inproc_stream.c: items beside calls ---- */

extern const shmrpci_stream_ops shmrpci_inproc_stream_ops;
extern const shmrpci_lend_ops shmrpci_inproc_lend_ops;
extern const shmrpci_pump_ops shmrpci_inproc_pump_ops;

/* With the hub's lock held, as below: worker `index` is no longer in
 * streams. */
void shmrpci_inproc_streams_leave_place(inproc_hub *hub, uint32_t index);

/* The slot no longer needs its streams. */
void shmrpci_inproc_streams_drop(inproc_slot *slot);
/* Nobody serves the call any more: wakes the client. */
void shmrpci_inproc_streams_lose(inproc_slot *slot);
/* The client has gone: wakes the worker. */
void shmrpci_inproc_streams_leave(inproc_slot *slot);

/* ---- inproc_conn.c: connections ---- */

int shmrpci_inproc_connect(const shmrpci_address *address,
                           const shmrpci_connect_opts *opts, shmrpci_conn **out,
                           shmrpci_buf *welcome, shmrpc_error *error);
void shmrpci_inproc_disconnect(shmrpci_conn *conn);

/* Fills in our own process as the peer. */
shmrpc_peer shmrpci_inproc_self(const inproc_hub *hub);

/* With the hub's lock held: takes a connection out of its hub and frees it. */
void shmrpci_inproc_conn_free(inproc_conn *conn);

/* Answers one client that knocks; false when there is none. Called with the
 * hub's lock held, which it releases meanwhile. */
bool shmrpci_inproc_answer(inproc_hub *hub);

/* With the hub's lock held: turns away the clients that still wait. */
void shmrpci_inproc_turn_away(inproc_hub *hub);

/* ---- inproc.c: the registry ---- */

/* The hub of an address, with a reference; NULL when nobody listens there. */
inproc_hub *shmrpci_inproc_find(const shmrpci_address *address);

/* Gives a reference back; frees the hub with the last one. The hub's lock must
 * not be held. */
void shmrpci_inproc_unref(inproc_hub *hub);

#endif
